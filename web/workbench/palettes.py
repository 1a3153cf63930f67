"""Colours of measures on the map, light and dark: told apart by people who confuse colours (tests/test_classes.py).

Levels have their own (alerts.levels). Smallest CIEDE2000 between any two, over normal sight and the three kinds of
colour blindness (Machado 2009): sequential 8.5 with all eight steps; diverging 14.6 with seven; categories 19.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from alerts.levels import Theme

NOTHING: Mapping[Theme, str] = {"light": "#f3f4f6", "dark": "#1d232b"}
"""An area without a case, where that is a class of its own."""
SEQUENTIAL: Mapping[Theme, tuple[str, ...]] = {
    "light": ("#cddaf8", "#a6bcee", "#7e9fe4", "#5383d8", "#425faf", "#313e87", "#1e1f60"),
    "dark": ("#444474", "#555d99", "#6577c2", "#7293eb", "#95b3f6", "#bcd2fe", "#eaf1ff"),
}
"""Low to high: blue, so that no step is taken for a level."""
BELOW: Mapping[Theme, tuple[str, ...]] = {
    "light": ("#b5d9f4", "#8dbadd", "#659cc8", "#397eb2", "#0a6197", "#034572"),
    "dark": ("#1a5b9a", "#3d76af", "#5c92c3", "#7caed8", "#9dcbec", "#c3e8fe"),
}
MIDDLE: Mapping[Theme, str] = {"light": "#f4f2ef", "dark": "#23272b"}
ABOVE: Mapping[Theme, tuple[str, ...]] = {
    "light": ("#f7d1a4", "#dfaf7f", "#c88e5c", "#b06d3b", "#984c1d", "#802a00"),
    "dark": ("#934a1d", "#aa6735", "#c0844e", "#d6a16a", "#ecbf87", "#fedeaf"),
}
"""Below and above the middle of a diverging scale, from near to far."""
CATEGORIES: Mapping[Theme, Mapping[str, str]] = {
    "light": {
        "none": "#ebe9e6", "hot": "#a3480a", "cold": "#27519c",
        "high_high": "#8a3a06", "low_low": "#27468c", "high_low": "#f0b878", "low_high": "#a9c3ee",
    },
    "dark": {
        "none": "#2b3036", "hot": "#f2a65e", "cold": "#86b4f2",
        "high_high": "#ffd2a3", "low_low": "#cfe2ff", "high_low": "#b06a28", "low_high": "#4f76c4",
    },
}  # fmt: skip


def sequential(classes: int, theme: Theme, *, with_nothing: bool = False) -> tuple[str, ...]:
    """Colours of so many classes, low to high; `with_nothing`: the first of them is "none at all"."""
    steps = classes - 1 if with_nothing else classes
    return (*((NOTHING[theme],) if with_nothing else ()), *_spread(SEQUENTIAL[theme], steps))


def diverging(lows: Sequence[float], centre: float, theme: Theme) -> tuple[str, ...]:
    """Colours of classes by their lower ends: those wholly below `centre`, the one around it, those from it on."""
    ends = [*lows[1:], float("inf")]
    below = sum(end <= centre for end in ends)
    above = sum(low >= centre for low in lows[1:]) + (lows[0] >= centre and below == 0 and len(lows) > 1)
    middle = len(lows) - below - above
    return (
        *_spread(BELOW[theme], below)[::-1],
        *[MIDDLE[theme]] * middle,
        *_spread(ABOVE[theme], above),
    )


def _spread(ramp: Sequence[str], number: int) -> tuple[str, ...]:
    """`number` colours from end to end of `ramp`; one: its middle."""
    places = np.linspace(0, len(ramp) - 1, number) if number != 1 else [len(ramp) // 2]
    return tuple(ramp[round(place)] for place in places)
