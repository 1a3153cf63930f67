"""What was believed through a period: the kept signals and the silences of sources, as intervals.

For deciding the past again (alerts/redecide.py). The signals of years are millions: they are streamed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time, timedelta, tzinfo

from sqlalchemy import String, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session

from i18n import Message
from surveillance.coverage import sources_of
from surveillance.diseases import Disease
from surveillance.models import IngestRun, SignalRow
from surveillance.signals import COLUMNS, to_signal
from surveillance.types import Belief, Silence

BULKY = ("weeks", "seed")
"""Lists in a signal's detail that no rule can read, left out when only levels are wanted."""
UNSAID = Message("Không nạp lời giải thích.")
AT_A_TIME = 5000
FEEDS_HOLD = timedelta(days=30)
MOMENT = timedelta(microseconds=1)


def believed_between(
    session: Session,
    start: datetime,
    end: datetime,
    *,
    unit_ids: Collection[int] | None = None,
    diseases: Collection[str] | None = None,
    reasons: bool = False,
) -> Iterator[Belief]:
    """Signals believed at some moment of `start`..`end`, in the order in which they began to be believed.

    Without `reasons` each says UNSAID and lacks the BULKY parts: several times faster.
    """
    wanted = [
        SignalRow.known_from <= end,
        or_(SignalRow.known_to.is_(None), SignalRow.known_to > start),
    ]
    if unit_ids is not None:
        wanted.append(SignalRow.unit_id.in_(unit_ids))
    if diseases is not None:
        wanted.append(SignalRow.disease.in_(diseases))
    columns = [getattr(SignalRow, name) for name in COLUMNS]
    if not reasons:
        bulky = cast(list(BULKY), ARRAY(String))
        columns = [column for column in columns if column.key not in ("reason", "detail")]
        columns += [
            literal(UNSAID.to_json(), JSONB).label("reason"),
            SignalRow.detail.op("-", return_type=JSONB)(bulky).label("detail"),
        ]
    query = select(*columns, SignalRow.known_to).where(*wanted).order_by(SignalRow.known_from)
    for row in session.execute(query, execution_options={"yield_per": AT_A_TIME}).mappings():
        yield Belief(signal=to_signal(row), known_from=row["known_from"], known_to=row["known_to"])


def first_belief(session: Session, diseases: Collection[str], unit_ids: Collection[int]) -> datetime | None:
    """When the first kept signal of these diseases in these units began to be believed."""
    query = select(func.min(SignalRow.known_from))
    return session.scalar(query.where(SignalRow.disease.in_(diseases), SignalRow.unit_id.in_(unit_ids)))


def day_ends(first: date, now: datetime, zone: tzinfo) -> list[datetime]:
    """The last moment of each day from `first` on that is over at `now`, then `now`."""
    days = (first + timedelta(days=n) for n in range((now.astimezone(zone).date() - first).days))
    return [datetime.combine(day, time.max, tzinfo=zone) for day in days] + [now.astimezone(zone)]


def silences_between(
    session: Session, diseases: Collection[Disease], start: datetime, end: datetime, *, after_days: int = 3
) -> list[Silence]:
    """When `quality.silent_diseases` would have named each disease. Which sources feed it is asked anew every
    FEEDS_HOLD, since a source may take over from another."""
    files = _file_times(session, end)
    found: list[Silence] = []
    for first in _every(FEEDS_HOLD, start, end):
        last, fed_by = min(first + FEEDS_HOLD, end), sources_of(session, as_of=first)
        for disease in diseases:
            sources = fed_by.get(disease.code, frozenset(files))
            times = sorted(time for source in sources for time in files.get(source, []))
            found += silent_between(disease.code, times, first, last, after=timedelta(days=after_days))
    return found


def silent_between(
    disease: str, times: Sequence[datetime], start: datetime, end: datetime, *, after: timedelta
) -> list[Silence]:
    """The parts of `start`..`end` that begin more than `after` later than the last of `times` (ascending) before."""
    found = []
    known = [time for time in times if time < end]
    for begin, until in zip([None, *known], [*known, None], strict=True):
        quiet = start if begin is None else max(start, begin + after + MOMENT)
        stop = end + MOMENT if until is None else until
        if quiet < stop and start < stop:
            found.append(Silence(disease=disease, known_from=quiet, known_to=stop))
    return found


def _file_times(session: Session, end: datetime) -> dict[str, list[datetime]]:
    """When each file of each source became known."""
    query = select(IngestRun.source, IngestRun.known_at).where(
        IngestRun.state == "done", IngestRun.known_at <= end
    )
    files: defaultdict[str, list[datetime]] = defaultdict(list)
    for source, known_at in session.execute(query):
        if known_at is not None:
            files[source].append(known_at)
    return dict(files)


def _every(step: timedelta, start: datetime, end: datetime) -> Iterator[datetime]:
    while start <= end:
        yield start
        start += step
