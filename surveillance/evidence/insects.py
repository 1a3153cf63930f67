"""What the latest insect surveys say of a commune, as Signals (domain.md §2.4). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from i18n import Message
from surveillance.evidence import VECTOR
from surveillance.outbreaks.profiles import VectorControl
from surveillance.outbreaks.vectors import Indices, Survey, high_risk, indices
from surveillance.types import Frequency, Signal

VERSION = "1"
SURVEY_DAYS = 28
"""Larvae are adults within two weeks, and an outbreak is surveyed three times in about a month (domain.md §1.3); an
older survey says little."""

FOUND = "Giám sát véc tơ ngày {day} ở ổ dịch số {outbreak}: {indices}."
HIGH = "{found} Nguy cơ cao: từ DI {di} con/nhà hoặc BI {bi} trở lên."
LOW = "{found} Dưới ngưỡng nguy cơ cao (DI {di} con/nhà, BI {bi})."
BOTH, DI_ONLY, BI_ONLY = "DI {di} con/nhà, BI {bi}", "DI {di} con/nhà", "BI {bi}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """A survey of an outbreak: its lead commune, and the cases there in the last days (`recent`)."""

    disease: str
    unit_id: int
    outbreak: int
    survey: Survey
    recent: int


def vector_signals(
    surveys: Iterable[Surveyed], controls: Mapping[str, VectorControl], *, today: date, now: datetime
) -> list[Signal]:
    """One Signal for each commune with a survey of the last SURVEY_DAYS days that measured DI or BI.

    Of each outbreak the newest survey counts, of several outbreaks the one nearest to, or farthest above, the
    thresholds of `controls` (by disease; diseases without them are left out).
    """
    newest: dict[tuple[str, int], Surveyed] = {}
    for found in sorted(surveys, key=lambda s: s.survey.on):
        if 0 <= (today - found.survey.on).days < SURVEY_DAYS and found.disease in controls:
            newest[found.disease, found.outbreak] = found
    worst: dict[tuple[str, int], Surveyed] = {}
    for found in newest.values():
        measured, control = indices(found.survey), controls[found.disease]
        if measured.di is None and measured.bi is None:
            continue
        rival = worst.get((found.disease, found.unit_id))
        if rival is None or _risk(measured, control) > _risk(indices(rival.survey), control):
            worst[found.disease, found.unit_id] = found
    return [_signal(found, controls[found.disease], today, now) for _, found in sorted(worst.items())]


def _risk(measured: Indices, control: VectorControl) -> float:
    """1 at a threshold."""
    return max((measured.di or 0.0) / control.high_di, (measured.bi or 0.0) / control.high_bi)


def _signal(found: Surveyed, control: VectorControl, today: date, now: datetime) -> Signal:
    measured = indices(found.survey)
    high = high_risk(measured, control) is not None
    said = Message(
        FOUND, day=found.survey.on, outbreak=found.outbreak, indices=_words(measured),
    )  # fmt: skip
    return Signal(
        disease=found.disease,
        unit_id=found.unit_id,
        method=VECTOR,
        method_version=VERSION,
        frequency=Frequency.DAY,
        period_start=found.survey.on,
        as_of=now,
        observed=float(found.recent),
        expected=None,
        upperbound=None,
        alarm=high,
        reason=Message(HIGH if high else LOW, found=said, di=control.high_di, bi=control.high_bi),
        detail={
            **{name: _rounded(getattr(measured, name)) for name in ("bi", "ci", "hi", "di")},
            "survey_days": (today - found.survey.on).days,
            "outbreak": found.outbreak,
            "houses": found.survey.houses,
        },
    )


def _words(measured: Indices) -> Message:
    di, bi = _rounded(measured.di), _rounded(measured.bi)
    if di is not None and bi is not None:
        return Message(BOTH, di=di, bi=bi)
    return Message(DI_ONLY, di=di) if di is not None else Message(BI_ONLY, bi=bi)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
