"""Numbers that methods left in their signals, as believed at several moments: one query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session


class Stored(NamedTuple):
    """`look` is a position in the moments asked for."""

    look: int
    unit_id: int
    disease: str
    detail: dict[str, Any]


def details_at(
    session: Session, method: str, moments: Sequence[datetime | None], *, disease: str | None
) -> list[Stored]:
    """The details of all signals of `method` believed at each of `moments` (None: now)."""
    query = text(
        """
        SELECT m.look - 1 AS look, s.unit_id, s.disease, s.detail
        FROM unnest(CAST(:moments AS timestamptz[])) WITH ORDINALITY AS m(at, look)
        JOIN signal s ON s.known_from <= m.at AND (s.known_to IS NULL OR s.known_to > m.at)
        WHERE s.method = :method AND (CAST(:disease AS text) IS NULL OR s.disease = :disease)
        ORDER BY look, s.unit_id, s.disease
        """
    )
    values = {"moments": [str(m or "infinity") for m in moments], "method": method, "disease": disease}
    return [Stored(*row) for row in session.execute(query, values)]
