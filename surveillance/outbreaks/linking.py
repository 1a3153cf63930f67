"""From places to outbreaks: linked by the profile, bounded in width and age, parts of a zone where too large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from i18n import Message, MessageError
from surveillance.outbreaks.eligibility import Places, Why
from surveillance.outbreaks.grid import build_nodes
from surveillance.outbreaks.profiles import Profile

UNBOUNDED_MM = np.iinfo(np.int64).max // 2
SETTINGS_ONLY_CELL_M = 1.0
MOST_PAIRS = 20_000_000
"""Links held in memory at once (some 40 bytes each); 6,000 cases at one point in a month have so many."""
TOO_MANY = (
    "Có quá nhiều cặp ca liên quan để tính. Điểm đông nhất (x = {x}, y = {y}) có {n} ca cùng một tọa độ: "
    "hãy kiểm tra cách định vị rồi chạy lại."
)


class TooManyLinks(MessageError, ValueError):
    """More links than memory should hold: surely a mistake in the positions. The message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What became of n places; arrays are (n,), numbers are arbitrary, -1 is none.

    `reach` joins everything that is linked by any chain, or belongs to one case: places with different `reach` never
    have any influence on one another. `zone` is the outbreak as it would be without bounds, `outbreak` the one
    within them; `why` is MEMBER, ZONE, BELOW_MINIMUM, NO_SEED or ALONE.
    """

    reach: NDArray[np.int64]
    zone: NDArray[np.int64]
    outbreak: NDArray[np.int64]
    why: NDArray[np.int8]


class Pairs(NamedTuple):
    """Linked pairs of places, as positions in their Places, and the millimetres between them; arrays are (e,)."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    apart: NDArray[np.int32]

    def renumbered(self, number: NDArray[np.int32]) -> Pairs:
        """The pairs by the new `number` of each place, without those of a place whose number is -1."""
        from surveillance.outbreaks.kernel import renumbered

        return Pairs(*renumbered(*self, number))


def find_pairs(places: Places, profile: Profile, wanted: NDArray[np.bool_] | None = None) -> Pairs:
    """All links of `places` within the radius or setting and the chain window; with `wanted` (n,) only those of
    wanted places. Raises TooManyLinks."""
    from surveillance.outbreaks.kernel import pairs

    nodes, order = build_nodes(
        x=places.x,
        y=places.y,
        day=places.day,
        owner=places.case_id,
        setting=places.setting,
        radius_m=profile.radius_m or SETTINGS_ONLY_CELL_M,
    )
    chosen = np.ones(order.size, dtype=bool) if wanted is None else wanted[order]
    first, second, apart, complete = pairs(nodes, chosen, profile.chain_days, profile.limit_mm, MOST_PAIRS)
    if not complete:
        raise _too_many(places)
    order = order.astype(np.int32)
    return Pairs(order[first], order[second], apart)


def _too_many(places: Places) -> TooManyLinks:
    spots = np.column_stack([places.x, places.y])[np.isfinite(places.x)]
    named, counts = np.unique(spots, axis=0, return_counts=True)
    top = counts.argmax()
    return TooManyLinks(Message(TOO_MANY, n=int(counts[top]), x=named[top, 0], y=named[top, 1]))


def link(places: Places, pairs: Pairs, profile: Profile) -> Labels:
    """Label all places by the arithmetic of domain.md §1.3 within the bounds of `profile`.

    `places` must be in Places.order, which decides ties between cases of one day. Where on the map they lie, and
    in which order they came, decides nothing.
    """
    from surveillance.outbreaks import kernel

    n = places.case_id.size
    graph = kernel.Graph(places.x, places.y, places.day, *kernel.both_ways(n, *pairs))
    chrono, everywhere = np.argsort(places.day, kind="stable"), np.zeros(n, dtype=np.int64)
    alone = places.alone & (np.diff(places.case_id, prepend=-1) != 0)
    zone = kernel.flood(graph, chrono, everywhere, alone, profile.seed_days)
    densest_first = np.lexsort((-kernel.degrees(graph, zone), places.day))
    cluster = kernel.agglomerate(graph, densest_first, zone, _diameter_mm(profile), profile.max_age_days)
    outbreak = kernel.flood(graph, chrono, cluster, alone, profile.seed_days)
    linked = np.diff(graph.start) > 0
    why, outbreak = _judged(places, profile, zone, outbreak, linked)
    return Labels(reach=_reach(places, pairs), zone=zone, outbreak=outbreak, why=why)


def _diameter_mm(profile: Profile) -> int:
    return UNBOUNDED_MM if profile.max_diameter_m is None else round(profile.max_diameter_m * 1000)


def _judged(
    places: Places,
    profile: Profile,
    zone: NDArray[np.int64],
    outbreak: NDArray[np.int64],
    linked: NDArray[np.bool_],
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Why each place is in or out, and the outbreaks that have enough cases."""
    count = _case_count(outbreak, places)
    small = (count < profile.min_cases) & ~_any_of(outbreak, places.alone)
    elsewhere = np.isin(places.case_id, places.case_id[(count > 1) & ~small])
    dropped = (outbreak >= 0) & (small | ((count == 1) & elsewhere))
    kept = np.where(dropped, -1, outbreak)
    why = np.select(
        [kept >= 0, dropped, zone >= 0, linked],
        [Why.MEMBER, Why.BELOW_MINIMUM, Why.ZONE, Why.NO_SEED],
        Why.ALONE,
    )
    return why.astype(np.int8), kept


def _case_count(group: NDArray[np.int64], places: Places) -> NDArray[np.int64]:
    """Number of cases in the group of each place, (n,); 0 without a group. Places are sorted by case."""
    inside = np.flatnonzero(group >= 0)
    inside = inside[np.lexsort((group[inside], places.case_id[inside]))]
    columns = places.case_id[inside], group[inside]
    once = np.logical_or(*(np.diff(column, prepend=-1) != 0 for column in columns))
    counts = np.bincount(group[inside][once], minlength=1)
    return np.where(group >= 0, counts[group], 0)


def _any_of(group: NDArray[np.int64], flag: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether any place of the group of each place has `flag`, (n,)."""
    flagged = np.bincount(group[flag & (group >= 0)], minlength=int(group.max(initial=0)) + 1) > 0
    return (group >= 0) & flagged[group]


def _reach(places: Places, pairs: Pairs) -> NDArray[np.int64]:
    """Components of links, the places of one case in one component, (n,)."""
    from surveillance.outbreaks.kernel import components

    same_case = np.flatnonzero(np.diff(places.case_id) == 0).astype(np.int32)
    first, second = np.append(pairs.first, same_case), np.append(pairs.second, same_case + 1)
    return np.asarray(components(places.case_id.size, first, second))
