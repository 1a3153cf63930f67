"""What changed in an area since yesterday and since last week: level, evidence, cases, outbreaks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

from dash import html
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from alerts.levels import NAMES, SYMBOLS, Level, Shown
from alerts.models import AreaLevel
from geodata.places import Place
from i18n import Message, _
from surveillance.models import CaseVersion, SignalRow
from surveillance.outbreaks.models import OutbreakRow, OutbreakVersion
from surveillance.outbreaks.views import LIVING, code_of, within
from surveillance.types import Classification
from web.context import Moment, end_of, viewer
from web.formats import facts, shown_level
from web.pages.evidence import CONCERNED, name_of

CASE_DAYS = 90
"""Days of events in which cases are compared."""
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""What is believed now: clocks that went back have left beliefs dated later than now (surveillance/signals.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One disease in one area as it was known at a moment. `level` None: never decided; `evidence`: methods that
    raise the alarm; `cases` and `outbreaks`: ids, the latter of those not closed."""

    level: Shown | None
    evidence: frozenset[str] = frozenset()
    cases: frozenset[int] = frozenset()
    outbreaks: frozenset[int] = frozenset()


def changes(before: Picture, after: Picture) -> list[Message]:
    """One sentence for each thing that changed, the weightiest first."""
    found = [] if before.level == after.level or after.level is None else [_level(before.level, after.level)]
    came, went = after.evidence - before.evidence, before.evidence - after.evidence
    opened, closed = after.outbreaks - before.outbreaks, before.outbreaks - after.outbreaks
    added, removed = len(after.cases - before.cases), len(before.cases - after.cases)
    if came:
        found.append(Message("Dấu hiệu mới: {names}.", names=_joined(name_of(each) for each in sorted(came))))
    if went:
        found.append(Message("Hết dấu hiệu: {names}.", names=_joined(name_of(each) for each in sorted(went))))
    if added:
        found.append(Message("Thêm {n} ca.", n=added))
    if removed:
        found.append(Message("Bớt {n} ca: đã loại trừ hoặc thuộc nơi khác.", n=removed))
    if opened:
        found.append(Message("Ổ dịch mới: {codes}.", codes=", ".join(map(code_of, sorted(opened)))))
    if closed:
        found.append(Message("Ổ dịch đã đóng: {codes}.", codes=", ".join(map(code_of, sorted(closed)))))
    return found


def what_changed(session: Session, disease: str, place: Place, shown: Moment) -> list[Any]:
    """Heading and two short lists."""
    days = [shown.today - timedelta(days=back) for back in (7, 1)]
    moments = [*map(end_of, days), shown.as_of or LATEST]
    week, yesterday, today = pictures(session, disease, place.id, moments, shown)
    heading = html.H3(_("Có gì thay đổi"), className="section-title")
    if not changes(week, today) and not changes(yesterday, today):
        return [heading, html.P(_("Không có gì thay đổi từ tuần trước."), className="dim")]
    since = ((_("Từ hôm qua"), yesterday), (_("Từ tuần trước"), week))
    return [heading, facts((label, _said(changes(before, today))) for label, before in since)]


def pictures(
    session: Session, disease: str, unit_id: int, moments: Sequence[datetime], shown: Moment
) -> list[Picture]:
    """As known at each of `moments`; outbreaks only for those who may see the area."""
    level = select(AreaLevel.known_from, AreaLevel.known_to, AreaLevel.level, AreaLevel.unknown).where(
        AreaLevel.disease == disease, AreaLevel.unit_id == unit_id, _at_any(AreaLevel, moments)
    )
    signal = select(SignalRow.known_from, SignalRow.known_to, SignalRow.method).where(
        SignalRow.disease == disease, SignalRow.unit_id == unit_id, _at_any(SignalRow, moments),
        or_(SignalRow.alarm, SignalRow.status.in_(CONCERNED)),
    )  # fmt: skip
    case = select(CaseVersion.known_from, CaseVersion.known_to, CaseVersion.case_id).where(
        CaseVersion.disease == disease, CaseVersion.unit_id == unit_id, _at_any(CaseVersion, moments),
        CaseVersion.event_date.between(shown.today - timedelta(days=CASE_DAYS - 1), shown.today),
        CaseVersion.classification != Classification.DISCARDED,
    )  # fmt: skip
    outbreak = (
        select(OutbreakVersion.known_from, OutbreakVersion.known_to, OutbreakVersion.outbreak_id)
        .join(OutbreakRow, OutbreakRow.id == OutbreakVersion.outbreak_id)
        .where(
            OutbreakRow.disease == disease, within([unit_id]), _at_any(OutbreakVersion, moments),
            OutbreakVersion.status.in_(LIVING),
        )
    )  # fmt: skip
    levels, signals, cases = (session.execute(query).all() for query in (level, signal, case))
    outbreaks = session.execute(outbreak).all() if viewer().may_see(unit_id) else []
    return [
        Picture(
            level=next((shown_level(row[2], row[3]) for row in levels if _held(row, at)), None),
            evidence=frozenset(row[2] for row in signals if _held(row, at)),
            cases=frozenset(row[2] for row in cases if _held(row, at)),
            outbreaks=frozenset(row[2] for row in outbreaks if _held(row, at)),
        )
        for at in moments
    ]


def _at_any(table: Any, moments: Collection[datetime]) -> ColumnElement[bool]:
    first: InstrumentedAttribute[datetime] = table.known_from
    last: InstrumentedAttribute[datetime | None] = table.known_to
    return or_(*[and_(first <= at, or_(last.is_(None), last > at)) for at in moments])


def _held(row: Any, at: datetime) -> bool:
    return row[0] <= at and (row[1] is None or row[1] > at)


def _level(before: Shown | None, after: Shown) -> Message:
    if before is None:
        return Message("Mức {level}, trước đó chưa xếp.", level=_word(after))
    words = {"before": _word(before), "after": _word(after)}
    if not isinstance(before, Level) or not isinstance(after, Level):
        return Message("Mức đổi: {before} → {after}.", **words)
    if after > before:
        return Message("Mức tăng: {before} → {after}.", **words)
    return Message("Mức giảm: {before} → {after}.", **words)


def _word(level: Shown) -> Message:
    return Message("{symbol} {name}", symbol=SYMBOLS[level], name=Message(NAMES[level]))


def _joined(names: Iterable[Message]) -> Message:
    return reduce(lambda one, other: Message("{one}, {other}", one=one, other=other), names)


def _said(told: Sequence[Message]) -> Any:
    if not told:
        return _("Không có gì thay đổi.")
    return html.Ul([html.Li(str(each)) for each in told], className="change-list")
