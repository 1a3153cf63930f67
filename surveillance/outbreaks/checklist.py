"""The measures of an outbreak as an officer on the spot ticks them off (domain.md §1.3). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from i18n import Message
from surveillance.outbreaks.entries import COMMUNICATION, HOUSEHOLDS, LARVICIDE, SPRAYING, Entry
from surveillance.outbreaks.profiles import VectorControl
from surveillance.outbreaks.record import SURVEY_EVENT
from surveillance.outbreaks.tasks import State, TaskKind
from surveillance.outbreaks.views import TaskView

Form = Literal["none", "start", "measure", "survey"]
HANDLING = "handling"
_RECORDED = {TaskKind.SURVEY: SURVEY_EVENT, TaskKind.SPRAY: SPRAYING, TaskKind.LARVICIDE: LARVICIDE}
_ORDER = (State.OVERDUE, State.DUE, State.LATER, State.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of the list. `form`: what recording it asks for; `record`: the kind it is recorded as. `houses`: how
    many it foresees. `due` is None where no rule sets a day."""

    form: Form
    record: str
    words: Message
    state: State
    due: datetime | None = None
    not_before: date | None = None
    done_on: date | None = None
    houses: int | None = None


def checklist(
    tasks: Sequence[TaskView], measures: Sequence[Entry], vector: VectorControl | None
) -> tuple[Item, ...]:
    """What is late first, then what is due, later, done. `tasks` of an outbreak that has ended are none: nothing is
    left to be ticked off."""
    if not tasks:
        return ()
    items = [_of_task(view, vector) for view in tasks]
    if vector is not None:
        words = Message("Điều tra nhà ca bệnh và {n} nhà xung quanh.", n=vector.around_houses)
        items.insert(0, _of_measure(HOUSEHOLDS, words, measures, vector.around_houses))
    items.append(_of_measure(COMMUNICATION, Message("Truyền thông cho người dân."), measures, None))
    return tuple(sorted(items, key=lambda item: _ORDER.index(item.state)))


def _of_task(view: TaskView, vector: VectorControl | None) -> Item:
    task = view.task
    record = _RECORDED.get(task.kind)
    form: Form = "start" if task.kind is TaskKind.HANDLE else "none"
    if record is not None:
        form = "survey" if record == SURVEY_EVENT else "measure"
    return Item(
        form=form,
        record=record or (HANDLING if task.kind is TaskKind.HANDLE else task.kind.value),
        words=task.words,
        state=view.state,
        due=view.deadline,
        not_before=task.not_before,
        done_on=task.done_on,
        houses=vector.survey_houses if vector and form == "survey" else None,
    )


def _of_measure(kind: str, words: Message, measures: Sequence[Entry], houses: int | None) -> Item:
    """Done once it was recorded and stands."""
    done = max((entry.on for entry in measures if entry.kind == kind and entry.on), default=None)
    state = State.DUE if done is None else State.DONE
    return Item(form="measure", record=kind, words=words, state=state, done_on=done, houses=houses)
