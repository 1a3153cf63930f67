"""What a draft of the rules would have changed over the past: computed by the worker, kept for the page."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import structlog
from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session

from alerts.lifecycle import Kind
from alerts.passport import DiseaseFacts
from alerts.policy_models import PolicyPreview, PolicyVersion
from alerts.policy_store import read
from alerts.redecide import Redecided, alert_steps, redecide
from alerts.rules import Policy
from db import session_scope
from i18n import Message, MessageError
from surveillance.types import Belief, SeriesKey, Silence

log = structlog.get_logger()
AREAS_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was known through a period, and the moments at which levels are decided in it, one a day. `beliefs` begins
    anew at each call."""

    moments: Sequence[datetime]
    beliefs: Callable[[], Iterable[Belief]]
    silences: Sequence[Silence]


@dataclass(slots=True)
class Course:
    """A history in short: `levels` of an area as (index of the moment from which on, level); alerts opened by disease
    and the Monday of their week. Those of the first moment are left out: they would have stood before."""

    levels: defaultdict[SeriesKey, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    opened: Counter[tuple[str, date]] = field(default_factory=Counter)


def course(history: Iterable[Redecided], moments: Sequence[datetime]) -> Course:
    found, index = Course(), {moment: number for number, moment in enumerate(moments)}

    def noted() -> Iterator[Redecided]:
        for made in history:
            steps, level = found.levels[made.area], int(made.decision.level)
            if not steps or steps[-1][1] != level:
                steps.append((index[made.at], level))
            yield made

    for step in alert_steps(noted()):
        if step.change.kind is Kind.OPENED and step.at != moments[0]:
            day = step.at.date()
            found.opened[step.area.disease, day - timedelta(days=day.weekday())] += 1
    return found


def compare(old: Course, new: Course, moments: Sequence[datetime]) -> dict[str, Any]:
    """As JSON: area-days at each level and alerts opened, by disease; alerts opened by week; the areas whose level
    differs on most days, with the days it would have been higher and lower."""
    last = len(moments)
    opened = {name: _by_disease(found.opened) for name, found in (("old", old), ("new", new))}
    diseases = sorted({area.disease for area in (*old.levels, *new.levels)})
    return {
        "first": moments[0].date().isoformat(),
        "last": moments[-1].date().isoformat(),
        "days": last,
        "diseases": {
            disease: {
                "old": _level_days(old, disease, last),
                "new": _level_days(new, disease, last),
                "opened_old": opened["old"][disease],
                "opened_new": opened["new"][disease],
            }
            for disease in diseases
        },
        "weeks": _weeks(old, new, moments),
        "areas": _areas(old, new, last),
    }


def run_previews(
    engine: Engine, past: Callable[[Session], Past], diseases: Mapping[str, DiseaseFacts]
) -> int:
    """Compute every preview that waits, and those a killed worker left half done; returns how many."""
    done = 0
    while (waiting := _claim(engine)) is not None:
        try:
            result = _compute(engine, waiting, past, diseases)
        except Exception as error:
            log.error("policy.preview_failed", preview=waiting, error=type(error).__name__)
            _finish(engine, waiting, state="failed", error=_why(error).to_json())
        else:
            _finish(engine, waiting, state="done", percent=100, result=result)
        done += 1
    return done


def previews_wait(engine: Engine) -> bool:
    with session_scope(engine) as session:
        return session.scalar(select(_open().exists())) or False


def _open() -> Select[PolicyPreview]:
    return select(PolicyPreview).where(PolicyPreview.state.in_(("waiting", "running")))


def _compute(
    engine: Engine, preview_id: int, past: Callable[[Session], Past], diseases: Mapping[str, DiseaseFacts]
) -> dict[str, Any]:
    with session_scope(engine) as session:
        preview = session.get_one(PolicyPreview, preview_id)
        policies = [
            read(session.get_one(PolicyVersion, number).text)
            for number in (preview.against_id, preview.version_id)
        ]
        known = past(session)
        old, new = (
            _course(engine, preview_id, known, policy, diseases, part) for part, policy in enumerate(policies)
        )
    return compare(old, new, known.moments)


def _course(
    engine: Engine,
    preview_id: int,
    known: Past,
    policy: Policy,
    diseases: Mapping[str, DiseaseFacts],
    part: int,
) -> Course:
    def told() -> Iterator[datetime]:
        """The moments, with the progress of the half that is computed told every twentieth."""
        for number, moment in enumerate(known.moments):
            if number % max(1, len(known.moments) // 20) == 0:
                _finish(engine, preview_id, percent=50 * part + 50 * number // len(known.moments))
            yield moment

    return course(redecide(known.beliefs(), known.silences, policy, diseases, told()), known.moments)


def _claim(engine: Engine) -> int | None:
    """The caller holds the lock of the job, so a running one is an orphan."""
    with session_scope(engine) as session:
        preview = session.scalar(
            _open().order_by(PolicyPreview.id).limit(1).with_for_update(skip_locked=True)
        )
        if preview is None:
            return None
        preview.state, preview.percent = "running", 0
        return preview.id


def _finish(engine: Engine, preview_id: int, **values: Any) -> None:
    with session_scope(engine) as session:
        preview = session.get_one(PolicyPreview, preview_id)
        for name, value in values.items():
            setattr(preview, name, value)
        if preview.state != "running":
            preview.finished_at = datetime.now(UTC)


def _why(error: Exception) -> Message:
    if isinstance(error, MessageError):
        return error.message
    return Message("Không tính được ({error}). Hãy báo người quản trị.", error=type(error).__name__)


def _by_disease(opened: Counter[tuple[str, date]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (disease, _), number in opened.items():
        found[disease] += number
    return found


def _level_days(found: Course, disease: str, last: int) -> list[int]:
    """Days at levels 1 to 4, summed over areas."""
    days: Counter[int] = Counter()
    for area, steps in found.levels.items():
        if area.disease == disease:
            for (begin, level), (end, _) in zip(steps, [*steps[1:], (last, 0)], strict=True):
                days[level] += end - begin
    return [days[level] for level in (1, 2, 3, 4)]


def _weeks(old: Course, new: Course, moments: Sequence[datetime]) -> list[dict[str, Any]]:
    monday = moments[0].date() - timedelta(days=moments[0].weekday())
    count = (moments[-1].date() - monday).days // 7 + 1
    weeks = [monday + timedelta(days=7 * number) for number in range(count)]
    sums = {}
    for name, found in (("old", old), ("new", new)):
        sums[name] = Counter[date]()
        for (_, week), number in found.opened.items():
            sums[name][week] += number
    return [{"week": w.isoformat(), "old": sums["old"][w], "new": sums["new"][w]} for w in weeks]


def _areas(old: Course, new: Course, last: int) -> list[dict[str, Any]]:
    apart = {
        area: _apart(old.levels.get(area, []), new.levels.get(area, []), last)
        for area in sorted({*old.levels, *new.levels})
    }
    most = sorted((area for area, days in apart.items() if any(days)), key=lambda area: -sum(apart[area]))
    return [
        {"disease": area.disease, "unit_id": area.unit_id, "higher": apart[area][0], "lower": apart[area][1]}
        for area in most[:AREAS_NAMED]
    ]


def _apart(old: list[tuple[int, int]], new: list[tuple[int, int]], last: int) -> tuple[int, int]:
    """Days on which the new level is above the old one, and below."""
    edges = sorted({begin for begin, _ in (*old, *new)} | {last})
    higher = lower = 0
    for begin, end in pairwise(edges):
        was, would = _at(old, begin), _at(new, begin)
        higher += (end - begin) * (would > was)
        lower += (end - begin) * (would < was)
    return higher, lower


def _at(steps: list[tuple[int, int]], moment: int) -> int:
    return next((level for begin, level in reversed(steps) if begin <= moment), 1)
