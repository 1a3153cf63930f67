"""How the values of a measure are cut into classes of one colour each. Pure.

`quantiles`, `equal`, `natural` (Fisher–Jenks) and `round` give the classes of mapclassify's Quantiles, EqualInterval,
FisherJenks and PrettyBreaks (tests/test_classes.py; why it is not installed with the program:
docs/decisions/classes.md), or the user's own breaks. A class runs from its lower end up to below the next one's.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from i18n import Message
from surveillance.types import FloatArray

METHODS: Mapping[str, Message] = {
    "quantiles": Message("Đều số nơi"),
    "equal": Message("Đều khoảng"),
    "natural": Message("Cụm tự nhiên"),
    "round": Message("Mốc số tròn"),
}
FEWEST, MOST = 3, 7
SAMPLE = 1_000
"""Fisher–Jenks looks at every pair of different values: of more than so many, at evenly spaced ones."""

UNREADABLE = Message("Không hiểu cách chia nhóm này. Gõ các mốc tăng dần, ví dụ 1; 5; 20.")
RISING = Message("Các mốc phải tăng dần và khác nhau, ví dụ 1; 5; 20.")
TOO_MANY = Message("Chỉ chia được từ {few} đến {most} nhóm.", few=FEWEST, most=MOST)


@dataclass(frozen=True, slots=True)
class Cut:
    """What the user asked for: a method with a number of classes, or breaks of their own."""

    method: str
    classes: int = 5
    breaks: tuple[float, ...] = ()

    def __str__(self) -> str:
        """As the URL has it."""
        return f"{self.method}:{','.join(f'{b:.10g}' for b in self.breaks) or self.classes}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """`lows` (C,) are lower ends, rising, the first at or below every value. `nothing`: the first class holds only 0.
    `counts` (C,) are the areas in each. `problem` says why `cut` is not what was asked for."""

    cut: Cut
    lows: tuple[float, ...]
    nothing: bool
    counts: tuple[int, ...]
    problem: Message | None = None


def read_cut(text: str) -> Cut | Message:
    """ "quantiles:5" or "breaks:1,5,20" of a URL; else what is wrong with it."""
    method, _colon, rest = text.partition(":")
    if method == "breaks":
        return read_breaks(rest)
    if method not in METHODS or not rest.isascii() or not rest.isdigit():
        return UNREADABLE
    return Cut(method, int(rest)) if FEWEST <= int(rest) <= MOST else TOO_MANY


def read_breaks(text: str) -> Cut | Message:
    """Breaks as a person types them: "1, 5, 20", "1 5 20", or with decimal commas "0,5; 1; 2,5"."""
    parts = text.replace(",", ".").split(";") if ";" in text else text.replace(",", " ").split()
    try:
        breaks = tuple(float(part) for part in parts if part.strip())
    except ValueError:
        return UNREADABLE
    if not breaks or not all(map(math.isfinite, breaks)):
        return UNREADABLE
    if len(breaks) >= MOST:
        return TOO_MANY
    if any(a >= b for a, b in itertools.pairwise(breaks)):
        return RISING
    return Cut("breaks", len(breaks) + 1, breaks)


def classify(values: FloatArray, asked: str | None, usual: Cut, *, zero_apart: bool = False) -> Classes:
    """The classes of known `values` (N,), by `asked` (of the URL) or the `usual` cut. `zero_apart`: areas with 0 are a
    class of their own, and the others are cut without them."""
    read = read_cut(asked) if asked else usual
    cut, problem = (usual, read) if isinstance(read, Message) else (read, None)
    values = values[~np.isnan(values)]
    nothing = zero_apart and bool((values == 0).any()) and not (cut.breaks and cut.breaks[0] <= 0)
    rest = values[values != 0] if nothing else values
    lows = _own(cut.breaks, rest) if cut.breaks else _lows(rest, cut)
    if nothing:
        lows = (0.0, *_above_zero(lows, rest))
    lows = lows or (0.0,)
    index = np.searchsorted(lows, values, side="right") - 1
    counts = np.bincount(np.maximum(index, 0), minlength=len(lows))
    return Classes(cut=cut, lows=lows, nothing=nothing, counts=tuple(counts.tolist()), problem=problem)


def _own(breaks: Sequence[float], values: FloatArray) -> tuple[float, ...]:
    """With what lies below the first break as a class, where anything does."""
    below = values[values < breaks[0]]
    return (float(below.min()), *breaks) if below.size else tuple(breaks)


def _above_zero(lows: tuple[float, ...], values: FloatArray) -> tuple[float, ...]:
    """The first class of numbers above 0 begins at a round one."""
    if not values.size or not lows or values.min() <= 0 or lows[0] > values.min():
        return lows
    return roundest(0.0, float(values.min())), *[low for low in lows[1:] if low > values.min()]


def _lows(values: FloatArray, cut: Cut) -> tuple[float, ...]:
    """Lower ends from upper ends: any number above an upper end, up to the next value, cuts alike. The roundest, or,
    where that has more than two digits, the middle with two: then an area may change sides."""
    if not values.size:
        return ()
    known = np.unique(values)
    few = known.size <= cut.classes
    uppers: Sequence[float] = known.tolist() if few else _UPPER_ENDS[cut.method](values, cut.classes)
    if cut.method == "round" and not few:
        return tuple(sorted({float(known[0]), *(u for u in uppers[:-1] if u > known[0])}))
    between = np.searchsorted(known, uppers, side="right")
    lows = [_readable(float(known[i - 1]), float(known[i])) for i in between if 0 < i < known.size]
    return tuple(sorted({float(known[0]), *lows}))


def _readable(low: float, high: float) -> float:
    found, middle = roundest(low, high), (low + high) / 2
    return found if float(f"{found:.2g}") == found or float(found).is_integer() else float(f"{middle:.2g}")


def quantiles(values: FloatArray, classes: int) -> list[float]:
    """Upper ends of classes of as many values each; fewer where values are alike."""
    return np.unique(np.quantile(values, np.arange(1, classes + 1) / classes)).tolist()


def equal(values: FloatArray, classes: int) -> list[float]:
    """Upper ends of classes of the same width."""
    low, high = float(values.min()), float(values.max())
    return [low + (high - low) * k / classes for k in range(1, classes)] + [high]


def round_steps(values: FloatArray, classes: int) -> list[float]:
    """Upper ends at multiples of a step of 1, 2 or 5 times a power of ten; about so many classes (Heckbert 1990)."""
    low, high = float(values.min()), float(values.max())
    step = _nice(_nice(high - low, (1, 2, 5)) / (classes - 1), (1.5, 3, 7)) if high > low else 1.0
    first, last = math.floor(low / step) * step, math.ceil(high / step) * step
    uppers = np.arange(first + step, last + step / 2, step)
    return [float(f"{upper:.12g}") for upper in uppers]


def _nice(width: float, ends: tuple[float, float, float]) -> float:
    """1, 2, 5 or 10 times a power of ten: 1 up to the first of `ends` times the power, and so on."""
    power = 10.0 ** math.floor(math.log10(width))
    return power * (1, 2, 5, 10)[int(np.searchsorted(ends, width / power))]


def natural(values: FloatArray, classes: int) -> list[float]:
    """Upper ends of the classes with the least sum of squares within them (Fisher 1958; Jenks 1977), exactly."""
    known, weight = np.unique(values, return_counts=True)
    if known.size > SAMPLE:
        kept = np.linspace(0, values.size - 1, SAMPLE).round().astype(int)
        known, weight = np.unique(np.sort(values)[kept], return_counts=True)
    classes = min(classes, known.size)
    within = _squares(known, weight.astype(np.float64))
    least, splits = within[0], []
    for _class in range(1, classes):
        split = least[:-1, None] + within[1:, :]  # the last class begins after value i, and ends at value j
        best = np.argmin(split, axis=0)
        least = split[best, np.arange(known.size)]
        splits.append(best)
    ends = [known.size - 1]
    for best in reversed(splits):
        ends.append(int(best[ends[-1]]))
    return known[ends[::-1]].tolist()


def _squares(values: FloatArray, weight: FloatArray) -> FloatArray:
    """Weighted squares about the mean of values i..j, (N, N); infinite where i > j."""
    values = values - values.mean()
    sums = (np.concatenate([[0.0], np.cumsum(weight * values**p)]) for p in (0, 1, 2))
    number, total, squares = (s[None, 1:] - s[:-1, None] for s in sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = squares - total**2 / number
    return np.where(np.tri(len(values), k=-1, dtype=bool), np.inf, spread)


_UPPER_ENDS = {"quantiles": quantiles, "equal": equal, "natural": natural, "round": round_steps}


def roundest(low: float, high: float) -> float:
    """The number with the fewest digits above `low` and not above `high`."""
    if not low < high:
        return high
    top = math.ceil(math.log10(max(abs(low), abs(high)))) + 1
    for power in range(top, top - 18, -1):
        for digit in (5, 2, 1):
            step = digit * 10.0**power
            candidate = float(f"{math.floor(high / step) * step:.15g}")
            if low < candidate <= high:
                return candidate
    return high
