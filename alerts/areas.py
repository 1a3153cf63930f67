"""Whose areas share an alert: the communes of an outbreak or cluster that reaches over boundaries (domain.md §8.3).

The evidence says it: a signal of such an outbreak carries `shared`, lists of unit ids, each its lead first and then the
co-owners, the one with most cases first of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from sqlalchemy import delete, insert, select, tuple_
from sqlalchemy.orm import Session

from alerts.models import Alert, AlertArea
from surveillance.types import Signal

SHARED = "shared"


class AreaRole(StrEnum):
    LEAD = "lead"
    CO_OWNER = "co_owner"


def sharers(evidence: Iterable[Signal]) -> dict[int, AreaRole]:
    """The units that share what these signals of one area speak of, with their roles; empty when it stands alone.

    One leads: the lead of the largest group; the leads of others are co-owners beside it.
    """
    groups = [group for signal in evidence if signal.alarm for group in signal.detail.get(SHARED, ())]
    units = dict.fromkeys((unit for group in groups for unit in group), AreaRole.CO_OWNER)
    if groups:
        units[max(groups, key=len)[0]] = AreaRole.LEAD
    return units


def settle_areas(session: Session, evidence: Mapping[tuple[str, int], Sequence[Signal]]) -> int:
    """Make the areas of all live alerts agree with the evidence of their areas, by (disease, unit); how many rows were
    written. What a closed alert shared stays as it was."""
    live = session.execute(select(Alert.id, Alert.disease, Alert.unit_id).where(Alert.state != "closed"))
    wanted = {
        (alert_id, unit): role.value
        for alert_id, disease, unit_id in live
        for unit, role in sharers(evidence.get((disease, unit_id), ())).items()
    }
    rows = session.execute(
        select(AlertArea.alert_id, AlertArea.unit_id, AlertArea.role)
        .join(Alert, Alert.id == AlertArea.alert_id)
        .where(Alert.state != "closed")
    )
    present = {(row.alert_id, row.unit_id): row.role for row in rows}
    gone = [key for key, role in present.items() if wanted.get(key) != role]
    new = [key for key, role in wanted.items() if present.get(key) != role]
    if gone:
        session.execute(delete(AlertArea).where(tuple_(AlertArea.alert_id, AlertArea.unit_id).in_(gone)))
    if new:
        session.execute(
            insert(AlertArea), [{"alert_id": a, "unit_id": u, "role": wanted[a, u]} for a, u in sorted(new)]
        )
    return len(new)
