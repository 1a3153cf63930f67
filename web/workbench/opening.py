"""Where the map opens."""

from __future__ import annotations

from collections.abc import Sequence

from geodata.places import Bounds, Place, extent

FAR_DEGREES = 1.0


def opening_box(places: Sequence[Place]) -> Bounds | None:
    """The box around the city without far islands (Côn Đảo lies 230 km off), which would make it a dot."""
    boxed = [(p, (p.bounds[1] + p.bounds[3]) / 2) for p in places if p.bounds is not None]
    if not boxed:
        return None
    middles = sorted(middle for _place, middle in boxed)
    median = middles[len(middles) // 2]
    return extent([place for place, middle in boxed if abs(middle - median) < FAR_DEGREES])
