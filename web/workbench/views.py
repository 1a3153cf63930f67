"""Saved views: what of a URL is kept, and whether it moves on with the days."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlencode

from web.context import Moment
from web.selection import DAYS, Selection


def kept_query(selection: Selection, camera: str | None, shown: Moment, *, follow: bool) -> str:
    """The canonical query with its camera. `follow`: the view moves on with the days, its period as long as now."""
    selection = following(selection, shown) if follow else dated(selection, shown)
    parts = [selection.query()]
    if camera:
        parts.append(urlencode({"at": camera}, safe=","))
    return "&".join(part for part in parts if part)


def following(selection: Selection, shown: Moment) -> Selection:
    """Without days: "7 days to 22/11" becomes "the last 7 days"."""
    first, last = selection.period(shown)
    days = (last - first).days + 1
    return replace(selection, first=None, last=None, on=None, days=None if days == DAYS else days)


def dated(selection: Selection, shown: Moment) -> Selection:
    """As known on the day on show, to which its period then runs: the same picture for ever."""
    return replace(selection, on=shown.today)


def follows(query: str) -> bool:
    """Whether a kept view moves on with the days."""
    return not {"from", "to", "on"} & set(parse_qs(query))


def camera_of(query: str | None) -> str | None:
    return parse_qs((query or "").removeprefix("?")).get("at", [None])[0]
