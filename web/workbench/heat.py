"""Classes of a count for heat maps: 0 for none, then at most five steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alerts.levels import Theme
from web.release_figures import RATES, rate_stops


def heat_stops(counts: Iterable[int]) -> list[float]:
    """Where the second step begins, and the third …: at most four, near the fifths of the counts."""
    return [stop for stop in rate_stops([float(n) for n in counts]) if stop > 0]


def heat_class(cases: int, stops: Sequence[float]) -> str:
    """The CSS class of a cell: "heat-0" … "heat-5"."""
    if cases <= 0:
        return "heat-0"
    return f"heat-{1 + sum(cases >= stop for stop in stops)}"


def heat_colours(theme: Theme) -> dict[str, str]:
    """CSS custom properties of the steps, pale to strong."""
    return {f"--heat-{i}": colour for i, colour in enumerate(RATES[theme], start=1)}
