"""Clusters as they are kept: who they are, and what was believed of them when."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BIGINT, FLOAT, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db import Base


class ClusterRow(Base):
    """A cluster's lasting number. `seen_first` and `seen_last` are its window as the newest scan found it: by it, and
    not by what was last news, is it known again on the next day."""

    __tablename__ = "cluster"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    disease: Mapped[str]
    first_known_at: Mapped[datetime]
    seen_first: Mapped[date]
    seen_last: Mapped[date]


class ClusterVersion(Base):
    """What was believed of a cluster from `known_from` until `known_to` (NULL: still believed).

    `kind` is the last step (`cluster_identity.Kind`), with its `parents` or the cluster it went `into`. `units`, most
    cases first, with the cases and the expected cases of each; the others as in `clusters.Found`.
    """

    __tablename__ = "cluster_version"
    __table_args__ = (
        Index(
            "ix_cluster_version_current", "cluster_id", unique=True, postgresql_where=text("known_to IS NULL")
        ),
        Index("ix_cluster_version_known_from", "known_from"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    cluster_id: Mapped[int] = mapped_column(ForeignKey("cluster.id"))
    known_from: Mapped[datetime]
    known_to: Mapped[datetime | None]
    kind: Mapped[str]
    parents: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    into: Mapped[int | None]
    units: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    unit_cases: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    unit_expected: Mapped[list[float]] = mapped_column(ARRAY(FLOAT))
    first_day: Mapped[date]
    last_day: Mapped[date]
    observed: Mapped[int]
    expected: Mapped[float]
    relative_risk: Mapped[float | None]
    p: Mapped[float]
    recurrence_days: Mapped[float]
    stands_in: Mapped[int]
    placements: Mapped[int]
    stable: Mapped[bool]
    alarm: Mapped[bool]
    seed: Mapped[int]


class ClusterScan(Base):
    """The newest day of reports that a disease was scanned for."""

    __tablename__ = "cluster_scan"

    disease: Mapped[str] = mapped_column(primary_key=True)
    scanned_to: Mapped[date]
