"""Levels as they were believed at several moments, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import text
from sqlalchemy.orm import Session

from alerts.views import LevelView, highest, level_view


def levels_over(
    session: Session, moments: Sequence[datetime | None], *, disease: str | None
) -> list[dict[int, LevelView]]:
    """What `views.levels_at` says at each of `moments` (None: now)."""
    query = text(
        """
        SELECT m.look - 1 AS look, a.unit_id, a.disease, a.level, a.raw_level, a.unknown, a.status, a.since
        FROM unnest(CAST(:moments AS timestamptz[])) WITH ORDINALITY AS m(at, look)
        JOIN area_level a ON a.known_from <= m.at AND (a.known_to IS NULL OR a.known_to > m.at)
        WHERE CAST(:disease AS text) IS NULL OR a.disease = :disease
        ORDER BY look, a.unit_id, a.disease
        """
    )
    rows = session.execute(query, {"moments": [str(m or "infinity") for m in moments], "disease": disease})
    found: list[dict[int, LevelView]] = [{} for _ in moments]
    for (look, unit), group in groupby(rows, key=lambda row: (row.look, row.unit_id)):
        found[look][unit] = highest([level_view(row) for row in group])
    return found
