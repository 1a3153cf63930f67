"""Says on an alert that its area has become unknown: the level stays, but nobody knows whether it still holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html
from sqlalchemy.orm import Session

from alerts.levels import UNKNOWN
from alerts.views import level_detail
from i18n import Message, _
from web.formats import level_badge, stored


def unknown_note(session: Session, disease: str, unit_id: int, told: Sequence[Message]) -> list[Any]:
    """Nothing while the area is known. What `told` already says of it is not said twice."""
    found = level_detail(session, disease, unit_id)
    if found is None or not found.view.unknown:
        return []
    words: list[Any] = [
        html.Strong(_("Tình hình hiện nay chưa rõ, mức được giữ nguyên.")),
        *([] if found.reasons[-1] in told else [" ", stored(found.reasons[-1])]),
    ]
    return [
        html.Div(
            [level_badge(UNKNOWN), html.Span(words)], className="outbreak-note unknown-note", role="status"
        )
    ]
