"""Whose ground an outbreak lies on beside the alert's own unit."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from alerts.records import Area

_OF_OUTBREAKS = """
SELECT o.disease, v.units FROM outbreak_version v JOIN outbreak o ON o.id = v.outbreak_id
WHERE v.known_to IS NULL AND v.status = ANY(:open) AND cardinality(v.units) > 1
"""
_OF_ALERTS = """
SELECT a.disease, a.unit_id, array_agg(o.unit_id) AS units FROM alert_area o JOIN alert a ON a.id = o.alert_id
WHERE o.role = 'co_owner' AND a.state <> 'closed' GROUP BY a.disease, a.unit_id
"""


def co_owners(session: Session, open_statuses: Collection[str]) -> Mapping[Area, Collection[int]]:
    """By disease and leading unit, the other units that its open outbreaks reach into, as they stand now; and those of
    its open alerts, which know clusters too but are written after the messages of an alert's first run."""
    owners: dict[Area, set[int]] = {}
    for disease, units in session.execute(text(_OF_OUTBREAKS), {"open": list(open_statuses)}):
        owners.setdefault(Area(disease, units[0]), set()).update(units[1:])
    for disease, unit_id, units in session.execute(text(_OF_ALERTS)):
        owners.setdefault(Area(disease, unit_id), set()).update(units)
    for area, units in owners.items():
        units.discard(area.unit_id)
    return owners
