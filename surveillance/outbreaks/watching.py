"""Keeps the recorded outbreaks true to what is known: after every file, and once a night from scratch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from db import hold_lock
from i18n import Message
from surveillance.outbreaks.cases import load_area, load_cases
from surveillance.outbreaks.eligibility import Area
from surveillance.outbreaks.find import find_outbreaks
from surveillance.outbreaks.incremental import Watch
from surveillance.outbreaks.lifecycle import OPEN
from surveillance.outbreaks.linking import TooManyLinks
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.record import record
from surveillance.outbreaks.table import CaseTable
from surveillance.signals import replace_signals
from surveillance.types import Frequency, Signal

METHOD = "outbreak"
VERSION = "2"
RECENT_DAYS = 14
"""NEA's window for the size of a cluster (domain.md §1.6), and HCDC's for its seed (§1.3)."""
EDGE_DAYS = 60
"""Outbreaks that began in the first days looked at may have lost cases before them; they are left as recorded."""
log = structlog.get_logger()

HERE = (
    "Có {n} ổ dịch đang hoạt động ở đây; ổ nhiều nhất có {cases} ca trong {days} ngày (cả ổ {size} ca, từ ngày"
    " {first}), ca mới nhất ngày {day}."
)


@dataclass(slots=True)
class _Seen:
    """What one disease's watch has taken in."""

    watch: Watch
    table: CaseTable
    today: date


class Outbreaks:
    """The outbreaks of a deployment's diseases, kept in memory between files. `reasons`: see `record.record`."""

    def __init__(self, profiles: Sequence[Profile], *, crs: str, reasons: bool = True) -> None:
        self.profiles = profiles
        self.crs = crs
        self.reasons = reasons
        self._seen: dict[str, _Seen] = {}
        self.refused: dict[str, TooManyLinks] = {}
        self._area: tuple[Area | None] | None = None

    def update(self, session: Session, *, today: date, now: datetime) -> int:
        """Take in what is known at `now` and write down what it changed; how many outbreaks or signals changed.

        A disease with more links than memory holds stays as recorded, its error in `refused`; the others go on.
        """
        _one_worker(session)
        findings = []
        self.refused.clear()
        for profile in self.profiles:
            since = first_day(profile, today)
            table = load_cases(session, profile, since=since, as_of=now, crs=self.crs)
            try:
                finding = self._taken_in(session, profile, table, today).finding(table)
            except TooManyLinks as error:
                log.error("outbreaks.refused", disease=profile.disease)
                self.refused[profile.disease] = error
                continue
            findings.append((finding, since + timedelta(days=EDGE_DAYS)))
        changed = record(session, findings, crs=self.crs, today=today, now=now, reasons=self.reasons)
        return changed + tell_levels(
            session, [profile.disease for profile in self.profiles], today=today, now=now
        )

    def check(self, session: Session, *, today: date, now: datetime) -> tuple[str, ...]:
        """Diseases whose outbreaks, found from scratch, are not those kept in memory; these start anew."""
        _one_worker(session)
        wrong = []
        for profile in self.profiles:
            table = load_cases(session, profile, since=first_day(profile, today), as_of=now, crs=self.crs)
            kept = self._taken_in(session, profile, table, today).outbreaks()
            area = self._land(session)
            if kept != find_outbreaks(table, profile, today=today, area=area).outbreaks:
                log.error("outbreaks.disagree", disease=profile.disease)
                self._seen.pop(profile.disease)
                wrong.append(profile.disease)
        return tuple(wrong)

    def forget(self) -> None:
        """Start anew at the next update: what was taken in was not committed."""
        self._seen.clear()
        self._area = None

    def _land(self, session: Session) -> Area | None:
        """Read once: new boundaries count from the next start."""
        if self._area is None:
            self._area = (load_area(session, self.crs),)
        return self._area[0]

    def _taken_in(self, session: Session, profile: Profile, table: CaseTable, today: date) -> Watch:
        seen = self._seen.get(profile.disease)
        if seen is None or today < seen.today:
            watch = Watch(profile, area=self._land(session))
            watch.update(table, today=today)
        else:
            watch = seen.watch
            changed, removed = _difference(seen.table, table)
            watch.update(changed, removed=removed, today=today)
        self._seen[profile.disease] = _Seen(watch, table, today)
        return watch


def _one_worker(session: Session) -> None:
    hold_lock(session, "outbreaks:worker")


def tell_levels(session: Session, diseases: Sequence[str], *, today: date, now: datetime) -> int:
    """Make the evidence of open outbreaks agree with what is recorded of them; how many signals changed."""
    signals = outbreak_signals(session, diseases, now, today)
    return replace_signals(session, signals, diseases, None, method=METHOD, now=now)


def first_day(profile: Profile, today: date) -> date:
    """From when on cases are looked at: whatever can still be open, or be opened again, and what led to it."""
    return today - timedelta(days=2 * profile.max_age_days + profile.reopen_days + EDGE_DAYS)


_OPEN_BY_UNIT = """
SELECT o.disease, u.unit_id, count(*) AS n, array_agg(v.outbreak_id ORDER BY v.outbreak_id) AS ids,
       max(r.recent) AS recent, max(v.last_event) AS last_event, min(v.first_event) AS first_event,
       (array_agg(cardinality(v.members) ORDER BY r.recent DESC, v.outbreak_id))[1] AS size,
       (array_agg(v.confirmed ORDER BY r.recent DESC, v.outbreak_id))[1] AS confirmed,
       (array_agg(v.first_event ORDER BY r.recent DESC, v.outbreak_id))[1] AS began,
       jsonb_agg(to_jsonb(v.units) ORDER BY cardinality(v.members) DESC, v.outbreak_id)
           FILTER (WHERE cardinality(v.units) > 1) AS shared
FROM outbreak_version v
JOIN outbreak o ON o.id = v.outbreak_id
CROSS JOIN LATERAL unnest(v.units) AS u(unit_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS recent FROM case_version c
    WHERE c.case_id = ANY(v.members) AND c.known_from <= :now AND (c.known_to IS NULL OR c.known_to > :now)
      AND coalesce(c.date_onset, c.event_date) > :since
) r
WHERE v.known_to IS NULL AND o.disease = ANY(:diseases) AND v.status = ANY(:open)
GROUP BY o.disease, u.unit_id ORDER BY o.disease, u.unit_id
"""


def outbreak_signals(
    session: Session, diseases: Sequence[str], now: datetime, today: date
) -> Iterable[Signal]:
    """Evidence for the level of each commune that an open outbreak lies in.

    `observed` is the number of cases of the newest RECENT_DAYS days in the outbreak there that has most: hundreds
    are open at the height of a season (domain.md §5.1), and an old one says little about today. `detail` holds that
    outbreak's whole size, its confirmed cases and its age in days, how many are `open`, and `shared`: units of those
    that reach over boundaries, each its lead first.
    """
    values = {"diseases": list(diseases), "open": [status.value for status in OPEN], "now": now}
    for row in session.execute(text(_OPEN_BY_UNIT), values | {"since": today - timedelta(days=RECENT_DAYS)}):
        yield Signal(
            disease=row.disease,
            unit_id=row.unit_id,
            method=METHOD,
            method_version=VERSION,
            frequency=Frequency.DAY,
            period_start=row.first_event,
            as_of=now,
            observed=float(row.recent),
            expected=None,
            upperbound=None,
            alarm=True,
            reason=Message(
                HERE,
                n=row.n,
                cases=row.recent,
                days=RECENT_DAYS,
                size=row.size,
                first=row.began,
                day=row.last_event,
            ),
            detail={
                "outbreaks": row.ids,
                "open": row.n,
                "size": row.size,
                "confirmed": row.confirmed,
                "age_days": (today - row.began).days,
            }
            | ({"shared": row.shared} if row.shared else {}),
        )


def _difference(before: CaseTable, after: CaseTable) -> tuple[CaseTable, list[int]]:
    """Cases that are new or known differently, and ids of those that are no longer there."""
    gone = np.setdiff1d(before.case_id, after.case_id)
    place = np.searchsorted(before.case_id, after.case_id)
    place = np.minimum(place, max(before.case_id.size - 1, 0))
    if not before.case_id.size:
        return after, gone.tolist()
    same = (before.case_id[place] == after.case_id) & (before.fingerprints()[place] == after.fingerprints())
    return after.cases(~same), gone.tolist()
