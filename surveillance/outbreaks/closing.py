"""What stands in the way of closing an outbreak: the rule's days, work left undone, mosquitoes left. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from i18n import Message
from surveillance.outbreaks.detail import SurveyView
from surveillance.outbreaks.tasks import State
from surveillance.outbreaks.views import OutbreakSummary, TaskView


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Met or not, in words. `binding`: the system refuses to close without it; the others are a person's to weigh."""

    met: bool
    binding: bool
    words: Message


def closing_conditions(
    outbreak: OutbreakSummary, tasks: Sequence[TaskView], surveys: Sequence[SurveyView], *, today: date
) -> tuple[Condition, ...]:
    """The profile's days without a new case first; then open tasks and the newest survey, where there are any."""
    quiet, needed = (
        (today - outbreak.last_event).days,
        (outbreak.closing_from - outbreak.last_event).days,
    )
    found = [
        Condition(
            met=today >= outbreak.closing_from,
            binding=True,
            words=Message("{n} ngày không có ca mới (cần {needed} ngày)", n=quiet, needed=needed),
        )
    ]
    undone = sum(task.state in (State.DUE, State.OVERDUE) for task in tasks)
    if tasks:
        words = (
            Message("Còn {n} việc chưa làm", n=undone) if undone else Message("Không còn việc nào đến hạn")
        )
        found.append(Condition(met=not undone, binding=False, words=words))
    if surveys:
        newest = surveys[-1]
        words = (
            Message("Giám sát gần nhất còn nguy cơ: {why}", why=newest.risk)
            if newest.risk
            else Message("Giám sát gần nhất ({day}) không còn nguy cơ cao", day=newest.survey.on)
        )
        found.append(Condition(met=newest.risk is None, binding=False, words=words))
    return tuple(found)
