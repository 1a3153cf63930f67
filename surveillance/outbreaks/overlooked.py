"""Cases that no outbreak could take in, counted by the reason: what people can mend, and what they need not expect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy.orm import Session

from surveillance.outbreaks.cases import load_cases
from surveillance.outbreaks.eligibility import Area, Why, screen
from surveillance.outbreaks.profiles import Profile

DAYS = 28
NO_CASES = (Why.NOT_THIS_DISEASE, Why.DISCARDED)


def overlooked(
    session: Session, profiles: Iterable[Profile], *, today: date, area_ids: Collection[int] | None,
    area: Area | None, as_of: datetime | None, crs: str,
) -> Counter[Why]:  # fmt: skip
    """How many cases of the last DAYS days take no part, by reason; `area_ids`: only of these units, None: of all."""
    found: Counter[Why] = Counter()
    since = today - timedelta(days=DAYS - 1)
    for profile in profiles:
        table = load_cases(session, profile, since=since, as_of=as_of, crs=crs)
        why = screen(table, profile, today=today, area=area).why
        if area_ids is not None:
            own = table.place_case[np.isin(table.unit, list(area_ids))]
            why = why[np.unique(own)]
        found.update(Why(code) for code in why[~np.isin(why, (Why.ALONE, *NO_CASES))].tolist())
    return found
