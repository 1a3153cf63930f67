"""Read queries about clusters for screens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from surveillance.cluster_identity import Kind
from surveillance.clustering.models import ClusterRow, ClusterVersion
from surveillance.clustering.record import GONE

SHOWN_AFTER_END = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """A cluster as it was known. `units` are ids, most cases first, with the cases of each and how many are usual;
    `p` that chance alone makes one as strong; `since` is when this became known."""

    number: int
    disease: str
    kind: Kind
    parents: tuple[int, ...]
    into: int | None
    units: tuple[int, ...]
    unit_cases: tuple[int, ...]
    unit_expected: tuple[float, ...]
    first: date
    last: date
    observed: int
    expected: float
    p: float
    recurrence_days: float
    stands_in: int
    placements: int
    stable: bool
    since: datetime

    @property
    def lasts(self) -> bool:
        return self.kind not in GONE


def clusters_known(
    session: Session, *, disease: str | None, diseases: Sequence[str], as_of: datetime | None, now: datetime
) -> list[ClusterView]:
    """Clusters known at `as_of` (None: now, which is `now`) of one disease, else of `diseases`; of those that ended,
    the ones of the last days. Lasting ones first, stable before unstable, then the least likely by chance."""
    at = as_of or now
    version = ClusterVersion
    query = (
        select(ClusterRow.disease, version)
        .join(version, version.cluster_id == ClusterRow.id)
        .where(
            _believed(as_of),
            ClusterRow.disease.in_([disease] if disease else diseases),
            version.kind.not_in(GONE) | (version.known_from > at - SHOWN_AFTER_END),
        )
    )
    views = [_view(disease, row) for disease, row in session.execute(query)]
    return sorted(views, key=lambda v: (not v.lasts, not v.stable, -v.recurrence_days, -v.observed, v.number))


def cluster_known(session: Session, number: int, *, as_of: datetime | None) -> ClusterView | None:
    """One cluster, however long ago it ended; None when it was not known at `as_of` (None: now)."""
    query = (
        select(ClusterRow.disease, ClusterVersion)
        .join(ClusterVersion, ClusterVersion.cluster_id == ClusterRow.id)
        .where(ClusterRow.id == number, _believed(as_of))
    )
    row = session.execute(query).one_or_none()
    return None if row is None else _view(*row)


def clusters_version(session: Session) -> str:
    """Changes whenever what is known of clusters does."""
    last, ended = session.execute(
        select(func.max(ClusterVersion.id), func.count(ClusterVersion.known_to))
    ).one()
    return f"{last or 0}-{ended}"


def _believed(as_of: datetime | None) -> ColumnElement[bool]:
    known_to = ClusterVersion.known_to
    if as_of is None:
        return known_to.is_(None)
    return and_(ClusterVersion.known_from <= as_of, or_(known_to.is_(None), known_to > as_of))


def _view(disease: str, row: ClusterVersion) -> ClusterView:
    return ClusterView(
        number=row.cluster_id,
        disease=disease,
        kind=Kind(row.kind),
        parents=tuple(row.parents),
        into=row.into,
        units=tuple(row.units),
        unit_cases=tuple(row.unit_cases),
        unit_expected=tuple(row.unit_expected),
        first=row.first_day,
        last=row.last_day,
        observed=row.observed,
        expected=row.expected,
        p=row.p,
        recurrence_days=row.recurrence_days,
        stands_in=row.stands_in,
        placements=row.placements,
        stable=row.stable,
        since=row.known_from,
    )
