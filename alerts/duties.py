"""What the law asks of a commune's health station, and by when: from statuses, outbreaks and cases. Pure.

The whole list follows from what is known, every time anew; `settle` compares it with the register and says what to
write. So a run that was killed is repaired by the next one, and nothing is asked twice (docs/methods/duties.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import groupby
from typing import Any

from i18n import Message
from surveillance.types import StatutoryStatus


class DutyKind(StrEnum):
    WARNING = "warning"
    EPIDEMIC = "epidemic"
    END = "end"
    HANDLING = "handling"
    DAILY = "daily"
    DEATH = "death"
    CASES = "cases"


class DutyState(StrEnum):
    """`MISSED`: what it was asked for is over, it was not done, and its deadline had passed."""

    OPEN = "open"
    DONE = "done"
    NOT_NEEDED = "not_needed"
    MISSED = "missed"


NOTICES = (DutyKind.WARNING, DutyKind.EPIDEMIC, DutyKind.END)
LAWS: Mapping[DutyKind, str] = {
    DutyKind.WARNING: "Điều 22 và Điều 26 Thông tư 15/2026/TT-BYT",
    DutyKind.EPIDEMIC: "Điều 26 Thông tư 15/2026/TT-BYT, Mẫu 01 Phụ lục II",
    DutyKind.END: "Điều 16 khoản 3 và Điều 26 Thông tư 15/2026/TT-BYT, Mẫu 02 Phụ lục II",
    DutyKind.HANDLING: "Thông lệ của Thành phố: xử lý ổ dịch trong 48 giờ",
    DutyKind.DAILY: "Điều 26 Thông tư 15/2026/TT-BYT: báo cáo ổ dịch hằng ngày đến khi kết thúc",
    DutyKind.DEATH: "Điều 10 khoản 2 Thông tư 15/2026/TT-BYT",
    DutyKind.CASES: "Quyết định 97/QĐ-PB: báo cáo trong 24 giờ từ khi chẩn đoán",
}
"""Where each comes from: domain.md §2.1 (arts. 10, 16, 22, 26), §2.2 and, for handling, §1.1: practice, not law."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """From the moment a criterion is met. `notice` and `handling` come from the policy."""

    notice: int = 24
    handling: int = 48
    report: int = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A statutory status believed without a break from `since` until `until` (None: still believed)."""

    status: StatutoryStatus
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutbreakFact:
    """A confirmed outbreak in its lead commune. `begun_at` starts its clocks; `handled_on`: the day work began."""

    id: int
    code: str
    disease: str
    unit_id: int
    begun_at: datetime
    handled_on: date | None = None
    ended_at: datetime | None = None
    ended_as: Message | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFact:
    """`count` confirmed cases of a 24-hour disease (CASES), or deaths (DEATH), first known on `day` in one commune."""

    kind: DutyKind
    disease: str
    unit_id: int
    day: date
    known_at: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A duty as the facts ask for it. `criterion` tells it from others of its kind, disease and commune.

    `ended_at` and `why`: since when and why it is asked no more. `done_at`: the records show that it was done.
    """

    kind: DutyKind
    disease: str
    unit_id: int
    criterion: str
    met_at: datetime
    due_at: datetime
    ended_at: datetime | None = None
    why: Message | None = None
    done_at: datetime | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, int, str]:
        return self.kind, self.disease, self.unit_id, self.criterion


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A duty in the register. `by_data`: its state was not set by a person."""

    id: int
    key: tuple[str, str, int, str]
    state: DutyState
    due_at: datetime
    by_data: bool
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to write: a new duty (`id` None, `asked` set) or another state of one that is there."""

    id: int | None
    asked: Asked | None
    state: DutyState
    at: datetime
    why: Message | None = None


def notices(
    disease: str,
    unit_id: int,
    runs: Sequence[Run],
    done: frozenset[tuple[str, str]],
    hours: Hours,
    zone: tzinfo,
) -> list[Asked]:
    """The notices that the statuses of one commune ask for. `done`: kind and criterion of those already issued.

    A notice of epidemic stands until its end notice: what falls below the criterion and returns in between asks for
    no second one. A warning stands for its ISO week. Lack of figures ends nothing (domain.md §8 cases 7 and 9).
    """
    asked: list[Asked] = []
    end: int | None = None
    announced, warned = False, set()
    joined = list(_joined(runs))

    def ask(kind: DutyKind, since: datetime, until: datetime | None, why: Message | None) -> bool:
        key = key_of(since)
        due = since + timedelta(hours=hours.notice)
        asked.append(
            Asked(
                kind=kind, disease=disease, unit_id=unit_id, criterion=key, met_at=since, due_at=due,
                ended_at=until, why=why,
            )
        )  # fmt: skip
        return (kind.value, key) in done

    for run, after in zip(joined, [*joined[1:], None], strict=False):
        if run.status is StatutoryStatus.WARNING:
            week = run.since.astimezone(zone).isocalendar()[:2]
            if week not in warned and ask(DutyKind.WARNING, run.since, run.until, _calmer(run, after)):
                warned.add(week)
        if run.status is StatutoryStatus.ENDED and run is joined[0]:
            end = None if ask(DutyKind.END, run.since, None, None) else len(asked) - 1
        if run.status is not StatutoryStatus.EPIDEMIC:
            continue
        if end is not None:
            asked[end] = replace(asked[end], ended_at=run.since, why=AGAIN)
            end = None
        if not announced:
            announced = ask(DutyKind.EPIDEMIC, run.since, run.until, _calmer(run, after))
        long_enough = run.until and run.until - run.since >= timedelta(hours=hours.notice)
        if run.until is not None and (announced or long_enough):
            ended = ask(DutyKind.END, run.until, None, None)
            announced, end = announced and not ended, None if ended else len(asked) - 1
    return asked


AGAIN = Message("Lại đủ mức có dịch trước khi ra thông báo hết dịch.")
SUPERSEDED = Message("Địa bàn đã đủ mức có dịch: thông báo có dịch thay cho thông báo cảnh báo.")
GONE = Message("Theo số liệu mới, không còn căn cứ đòi việc này.")
NEXT_DAY = Message("Đã quá một ngày: báo cáo của ngày sau thay cho báo cáo này.")


def _calmer(run: Run, after: Run | None) -> Message | None:
    """Why a notice that was not issued is asked no more when `run` is over."""
    if run.until is None:
        return None
    if run.status is StatutoryStatus.WARNING:
        if after is not None and after.status is StatutoryStatus.EPIDEMIC:
            return SUPERSEDED
        return Message("Số ca đã xuống dưới mức cảnh báo trước khi ra thông báo, lúc {at}.", at=run.until)
    return Message("Số ca đã xuống dưới mức có dịch trước khi ra thông báo, lúc {at}.", at=run.until)


def _joined(runs: Sequence[Run]) -> Iterator[Run]:
    """Without the runs that know nothing: the status before them is taken to last."""
    last: Run | None = None
    for run in runs:
        if last and run.status in (last.status, StatutoryStatus.INSUFFICIENT):
            last = replace(last, until=run.until)
        elif run.status is not StatutoryStatus.INSUFFICIENT:
            if last:
                yield last
            last = run
    if last:
        yield last


def key_of(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def handling(outbreaks: Iterable[OutbreakFact], hours: Hours, zone: tzinfo) -> Iterator[Asked]:
    """Each outbreak is handled within 48 h. Of the beginning only the day is recorded: it counts from its start."""
    for outbreak in outbreaks:
        done_at = None
        if outbreak.handled_on is not None:
            done_at = max(outbreak.begun_at, datetime.combine(outbreak.handled_on, time.min, tzinfo=zone))
        yield Asked(
            kind=DutyKind.HANDLING,
            disease=outbreak.disease,
            unit_id=outbreak.unit_id,
            criterion=f"{outbreak.id}@{key_of(outbreak.begun_at)}",
            met_at=outbreak.begun_at,
            due_at=outbreak.begun_at + timedelta(hours=hours.handling),
            ended_at=outbreak.ended_at,
            why=outbreak.ended_as,
            done_at=done_at,
            detail={"outbreaks": [[outbreak.id, outbreak.code]]},
        )


def daily_reports(
    outbreaks: Iterable[OutbreakFact], now: datetime, zone: tzinfo, since: datetime
) -> Iterator[Asked]:
    """One report a day for each disease in each commune with a confirmed outbreak, its last on the day of closing.

    Days whose deadline lies before `since`, when the register began, are not asked for.
    """
    today = now.astimezone(zone).date()
    by_place = sorted(outbreaks, key=lambda o: (o.disease, o.unit_id, o.id))
    for (disease, unit_id), group in groupby(by_place, key=lambda o: (o.disease, o.unit_id)):
        here = list(group)
        for day in (today - timedelta(days=1), today):
            start, due = (datetime.combine(day + timedelta(days=n), time.min, tzinfo=zone) for n in (0, 1))
            running = [o for o in here if o.begun_at < due and (o.ended_at is None or o.ended_at >= start)]
            if running and due > since:
                yield Asked(
                    kind=DutyKind.DAILY,
                    disease=disease,
                    unit_id=unit_id,
                    criterion=day.isoformat(),
                    met_at=max(start, min(o.begun_at for o in running)),
                    due_at=due,
                    detail={"outbreaks": [[o.id, o.code] for o in running], "day": day.isoformat()},
                )


def case_reports(cases: Iterable[CaseFact], hours: Hours) -> Iterator[Asked]:
    """Deaths, and cases of the 24-hour list: one duty for a commune and day (domain.md §8 case 11)."""
    for found in cases:
        yield Asked(
            kind=found.kind,
            disease=found.disease,
            unit_id=found.unit_id,
            criterion=found.day.isoformat(),
            met_at=found.known_at,
            due_at=found.known_at + timedelta(hours=hours.report),
            detail={"count": found.count, "day": found.day.isoformat()},
        )


def settle(asked: Sequence[Asked], known: Sequence[Known], now: datetime) -> Iterator[Step]:
    """What to write so that the register agrees with what is asked. Nothing when it already does.

    What a person set stays: done is done, and what they found not to be needed is not asked again. A duty whose
    cause is gone is closed with its reason: as missed if its deadline had passed, else as not needed.
    """
    register = {one.key: one for one in known}
    for duty in asked:
        before = register.pop(duty.key, None)
        state, at = _state(duty, now)
        if before is None:
            yield Step(id=None, asked=duty, state=state, at=at, why=duty.why)
        elif before.by_data and before.state is not state:
            yield Step(id=before.id, asked=None, state=state, at=at, why=duty.why)
    for gone in register.values():
        if gone.state is DutyState.OPEN:
            late = now > gone.due_at
            why = NEXT_DAY if late and gone.key[0] == DutyKind.DAILY else GONE
            state = DutyState.MISSED if late else DutyState.NOT_NEEDED
            yield Step(id=gone.id, asked=None, state=state, at=now, why=why)


def _state(duty: Asked, now: datetime) -> tuple[DutyState, datetime]:
    if duty.done_at is not None:
        return DutyState.DONE, duty.done_at
    if duty.ended_at is None:
        return DutyState.OPEN, now
    late = duty.ended_at > duty.due_at
    return (DutyState.MISSED if late else DutyState.NOT_NEEDED), duty.ended_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Duties done in time, of those that count."""

    in_time: int
    counted: int


def counts(state: str, due_at: datetime, now: datetime) -> bool:
    """Whether a duty is in the denominator of “done in time”: done, missed, or open past its deadline. What was not
    needed any more, and what still has time, says nothing."""
    return state in (DutyState.DONE, DutyState.MISSED) or (state == DutyState.OPEN and due_at < now)


def tally(duties: Iterable[tuple[str, datetime, datetime | None]], now: datetime) -> Tally:
    """`duties`: state, deadline and when it was done."""
    counted = [(due, done) for state, due, done in duties if counts(state, due, now)]
    return Tally(in_time=sum(done is not None and done <= due for due, done in counted), counted=len(counted))
