"""Whether a page shows the newest there is."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from sqlalchemy.orm import Session

from alerts.views import unread_count
from i18n import _, current_locale
from surveillance.clock import data_until
from web.context import local, now, viewer
from web.remember import state_of

STALE_AFTER_H = 26
"""Data are daily; two hours beyond a day is late."""


class Newest(NamedTuple):
    version: str
    """Changes whenever there is something new to show to this visitor."""
    label: str
    stale: bool


def newest(session: Session) -> Newest:
    """Cheap: pages ask every few seconds."""
    until = data_until(session)
    stale = until is None or (now(session) - until).total_seconds() > STALE_AFTER_H * 3600
    label = _("Dữ liệu đến {moment}", moment=f"{local(until):%H:%M %d/%m}") if until else _("Chưa có dữ liệu")
    parts = (state_of(session), unread_count(session, viewer().id)), stale, current_locale()
    return Newest(sha256(repr(parts).encode()).hexdigest()[:20], label, stale)
