"""What is to be done in an outbreak, by when, and what is done (domain.md §1.3, §2.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from i18n import Message
from surveillance.outbreaks.lifecycle import Facts, Life, Status, closing_from
from surveillance.outbreaks.profiles import Profile, VectorControl
from surveillance.outbreaks.vectors import Survey, indices, third_round

ENDED = (Status.CLOSED, Status.MERGED, Status.DISSOLVED)


class TaskKind(StrEnum):
    CHECK = "check"
    HANDLE = "handle"
    SURVEY = "survey"
    SPRAY = "spray"
    LARVICIDE = "larvicide"
    CLOSING = "closing"


class State(StrEnum):
    DONE = "done"
    OVERDUE = "overdue"
    DUE = "due"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What was done so far. Days in any order."""

    handling_started: date | None = None
    surveys: Sequence[Survey] = ()
    sprayings: Sequence[date] = ()
    larvicide: Sequence[date] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do: from `not_before` until the end of `due`; `hour` is the exact deadline where hours count."""

    kind: TaskKind
    number: int
    not_before: date
    due: date
    words: Message
    hour: datetime | None = None
    done_on: date | None = None

    def state(self, now: datetime) -> State:
        """Where the task stands at `now`, on the clocks of the city."""
        if self.done_on is not None:
            return State.DONE
        if now > self.hour if self.hour is not None else now.date() > self.due:
            return State.OVERDUE
        return State.DUE if now.date() >= self.not_before else State.LATER


def plan(life: Life, facts: Facts, work: Work, profile: Profile, *, since: datetime) -> tuple[Task, ...]:
    """The tasks of an outbreak recorded at `since` (on the clocks of the city), by due day. None once it has ended.

    A later task counts from the day the one before was really done, so a delay moves what follows.
    """
    if life.status in ENDED:
        return ()
    deadline = since + timedelta(hours=profile.response.handle_hours)
    vector = profile.response.vector
    if life.status is Status.SUSPECTED:
        tasks = [_check(facts, since, deadline), *_surveys(work, vector, since, deadline)[:1]]
    else:
        tasks = [_handle(work, since, deadline), *_surveys(work, vector, since, deadline)]
        tasks += [] if vector is None else [*_sprayings(facts, work, vector, since, deadline)]
        tasks += [] if vector is None else [_larvicide(work, vector, since, deadline)]
    tasks.append(_closing(facts, profile))
    return tuple(sorted(tasks, key=lambda task: (task.due, task.kind, task.number)))


def _check(facts: Facts, since: datetime, deadline: datetime) -> Task:
    words = facts.doubt or Message("Xác minh để xác định ổ dịch.")
    return Task(
        kind=TaskKind.CHECK,
        number=1,
        not_before=since.date(),
        due=deadline.date(),
        hour=deadline,
        words=words,
    )


def _handle(work: Work, since: datetime, deadline: datetime) -> Task:
    hours = int((deadline - since).total_seconds() // 3600)
    return Task(
        kind=TaskKind.HANDLE,
        number=1,
        not_before=since.date(),
        due=deadline.date(),
        hour=deadline,
        words=Message("Bắt đầu xử lý ổ dịch trong {hours} giờ.", hours=hours),
        done_on=work.handling_started,
    )


def _surveys(work: Work, vector: VectorControl | None, since: datetime, deadline: datetime) -> list[Task]:
    if vector is None:
        return []
    done = sorted(survey.on for survey in work.surveys)
    tasks: list[Task] = []
    start, due = since.date(), deadline.date()
    for number in range(1, vector.surveys + 1):
        on = done[number - 1] if number <= len(done) else None
        words = Message(
            "Giám sát véc tơ lần {number}: {houses} nhà chọn ngẫu nhiên.",
            number=number,
            houses=vector.survey_houses,
        )
        tasks.append(
            Task(kind=TaskKind.SURVEY, number=number, not_before=start, due=due, words=words, done_on=on)
        )
        start = on or due
        due = start + timedelta(days=vector.survey_every_days)
    return tasks


def _sprayings(
    facts: Facts, work: Work, vector: VectorControl, since: datetime, deadline: datetime
) -> Iterator[Task]:
    """The planned rounds, and one more after the last of them while new cases or a survey ask for it."""
    done = sorted(work.sprayings)
    shortest, longest = (timedelta(days=days) for days in vector.spray_gap_days)
    start, due = since.date(), deadline.date()
    for number in range(1, max(vector.spray_rounds, len(done)) + 1):
        on = done[number - 1] if number <= len(done) else None
        yield _spray(number, start, due, Message("Phun hóa chất lần {number}.", number=number), on)
        last = on or due
        start, due = last + shortest, last + longest
    if len(done) >= vector.spray_rounds and done and (why := _why_again(facts, work, vector, done[-1])):
        words = Message("Phun hóa chất thêm lần {number}: {why}", number=len(done) + 1, why=why)
        yield _spray(len(done) + 1, start, due, words, None)


def _spray(number: int, start: date, due: date, words: Message, on: date | None) -> Task:
    return Task(kind=TaskKind.SPRAY, number=number, not_before=start, due=due, words=words, done_on=on)


def _why_again(facts: Facts, work: Work, vector: VectorControl, last: date) -> Message | None:
    if facts.last_event > last:
        return Message("có ca mới sau lần phun trước.")
    after = [survey for survey in work.surveys if survey.on > last]
    if not after:
        return None
    return third_round(indices(max(after, key=lambda survey: survey.on)), vector)


def _larvicide(work: Work, vector: VectorControl, since: datetime, deadline: datetime) -> Task:
    """The next round; earlier ones are done."""
    last = max(work.larvicide, default=None)
    days = vector.larvicide_every_days
    return Task(
        kind=TaskKind.LARVICIDE,
        number=len(work.larvicide) + 1,
        not_before=last + timedelta(days=1) if last else since.date(),
        due=last + timedelta(days=days) if last else deadline.date(),
        words=Message("Diệt lăng quăng, {days} ngày một lần đến khi đóng ổ dịch.", days=days),
    )


def _closing(facts: Facts, profile: Profile) -> Task:
    day = closing_from(facts, profile)
    return Task(
        kind=TaskKind.CLOSING,
        number=1,
        not_before=day,
        due=max(day, facts.last_event + timedelta(days=profile.expected_end_days)),
        words=Message("Kiểm tra điều kiện đóng ổ dịch."),
    )
