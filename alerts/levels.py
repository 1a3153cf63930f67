"""The four levels: order, names, symbols, CAP severity and urgency, and the one source of their colours.

Names: Circular 15/2026 art. 21(2) (domain.md §1.5). Colours: scored for colour blindness and print in ui.md
§3.3; CSS, map, charts and reports all take them from here, so a legend cannot disagree with its map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

from i18n import Message

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")


class Level(IntEnum):
    """Decision support, not the statutory status: the two are shown side by side."""

    THAP = 1
    TRUNG_BINH = 2
    CAO = 3
    RAT_CAO = 4


UNKNOWN: Final = "unknown"
"""Sources went silent: hatched, never level 1. Not a Level, because it has no place in their order."""
Shown = Level | Literal["unknown"]

HATCHED_IN_PRINT = frozenset({Level.CAO, Level.RAT_CAO})
"""Levels told apart by hatching too when printed without colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """`fill` for areas, marks and chart bars; `badge` and `text` for words (WCAG AA, at least 4.5 : 1)."""

    fill: str
    badge: str
    text: str


NAMES: Mapping[Shown, str] = {
    Level.THAP: "Thấp",
    Level.TRUNG_BINH: "Trung bình",
    Level.CAO: "Cao",
    Level.RAT_CAO: "Rất cao",
    UNKNOWN: "Chưa rõ",
}
SYMBOLS: Mapping[Shown, str] = {
    Level.THAP: "●",
    Level.TRUNG_BINH: "▲",
    Level.CAO: "◆",
    Level.RAT_CAO: "■",
    UNKNOWN: "?",
}
CAP_SEVERITY: Mapping[Shown, str] = {
    Level.THAP: "Minor",
    Level.TRUNG_BINH: "Moderate",
    Level.CAO: "Severe",
    Level.RAT_CAO: "Extreme",
    UNKNOWN: "Unknown",
}
CAP_URGENCY: Mapping[Shown, str] = {
    Level.THAP: "Past",
    Level.TRUNG_BINH: "Future",
    Level.CAO: "Expected",
    Level.RAT_CAO: "Immediate",
    UNKNOWN: "Unknown",
}
"""An order, not hours: CAP's own words for them are made for storms (docs/decisions/cap.md)."""
COLOURS: Mapping[Theme, Mapping[Shown, Colours]] = {
    "light": {
        Level.THAP: Colours(fill="#dcebf3", badge="#dcebf3", text="#12303f"),
        Level.TRUNG_BINH: Colours(fill="#f6c945", badge="#f6c945", text="#2b2100"),
        Level.CAO: Colours(fill="#e4761b", badge="#bf5808", text="#ffffff"),
        Level.RAT_CAO: Colours(fill="#8e1116", badge="#8e1116", text="#ffffff"),
        UNKNOWN: Colours(fill="#b8bec4", badge="#b8bec4", text="#1d2328"),
    },
    "dark": {
        Level.THAP: Colours(fill="#2b4a5e", badge="#2b4a5e", text="#ffffff"),
        Level.TRUNG_BINH: Colours(fill="#8a6d1d", badge="#8a6d1d", text="#ffffff"),
        Level.CAO: Colours(fill="#e8792b", badge="#e8792b", text="#231000"),
        Level.RAT_CAO: Colours(fill="#ffd3c4", badge="#ffd3c4", text="#3d0a06"),
        UNKNOWN: Colours(fill="#b8bec4", badge="#b8bec4", text="#1d2328"),
    },
}


def name(level: Shown) -> Message:
    return Message(NAMES[level])


def slug(level: Shown) -> str:
    """The level as it stands in CSS classes and file formats: "1" … "4", "unknown"."""
    return level if isinstance(level, str) else str(int(level))


def css_variables(theme: Theme) -> str:
    """Declarations `--level-1`, `--level-1-badge`, `--level-1-text`, … for 1–4 and `unknown`, a line each."""
    return "\n".join(
        f"--level-{slug(level)}{part}: {value};"
        for level, colours in COLOURS[theme].items()
        for part, value in (("", colours.fill), ("-badge", colours.badge), ("-text", colours.text))
    )
