"""Breaks of a curve, in words."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.orm import Session

from geodata.breaks import city_grew, origin
from geodata.places import Place
from i18n import _
from surveillance.counts import WeeklyCurve
from web.figures import Break
from web.formats import day

_SAME = timedelta(days=45)
"""Files about the new parts of the city begin to come within so many days of the day they joined it."""


def city_breaks(session: Session, curve: WeeklyCurve) -> list[Break]:
    """The city was enlarged; its sources began to tell of more of it."""
    grown = city_grew(session)
    found = [Break(on, _("{day}: thành phố mở rộng", day=day(on))) for on in grown]
    began = curve.break_on
    if began is not None and not any(abs(began - on) < _SAME for on in grown):
        found.append(Break(began, _("{day}: thêm địa bàn báo cáo", day=day(began))))
    return found


def unit_breaks(session: Session, place: Place) -> list[Break]:
    """The unit's land changed on its first day."""
    if place.valid_from is None:
        return []
    made = origin(session, place.id, place.valid_from)
    return [Break(made.on, changed_text(made.on))] if made is not None and made.changed else []


def changed_text(on: date) -> str:
    return _("{day}: đổi ranh giới", day=day(on))
