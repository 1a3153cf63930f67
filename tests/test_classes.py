"""How values are cut into classes and coloured: against mapclassify, and to eyes that confuse colours."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import mapclassify
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.levels import THEMES, Theme
from i18n import Message
from surveillance.types import FloatArray
from tests.colour_sight import SIGHTS, ciede2000, lab, least_difference
from web.workbench import palettes
from web.workbench.classes import (
    METHODS,
    RISING,
    TOO_MANY,
    UNREADABLE,
    Classes,
    Cut,
    classify,
    equal,
    natural,
    quantiles,
    read_breaks,
    read_cut,
    round_steps,
    roundest,
)

RNG = np.random.default_rng(7)
RATES = RNG.gamma(1.2, 12, 168)
COUNTS = RNG.poisson(3, 168).astype(float)

ORACLES: dict[str, tuple[Callable[[FloatArray, int], list[float]], type]] = {
    "quantiles": (quantiles, mapclassify.Quantiles),
    "equal": (equal, mapclassify.EqualInterval),
    "natural": (natural, mapclassify.FisherJenks),
    "round": (round_steps, mapclassify.PrettyBreaks),
}


# Classes


@pytest.mark.parametrize("values", [RATES, COUNTS, RATES[:20], np.round(RATES, 1)])
@pytest.mark.parametrize("classes", [3, 4, 5, 6, 7])
@pytest.mark.parametrize("method", ORACLES)
def test_upper_ends_are_those_of_mapclassify(method: str, classes: int, values: FloatArray) -> None:
    ours, theirs = ORACLES[method]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where values are alike
        expected = np.unique(theirs(values, k=classes).bins)
    assert ours(values, classes) == pytest.approx(expected)


def test_mapclassify_of_its_own_documentation() -> None:
    """California's employment density, the data set of mapclassify's docstrings, and the bins printed in them."""
    cal = np.asarray(mapclassify.load_example())
    assert quantiles(cal, 5) == pytest.approx([1.464, 5.798, 13.278, 54.616, 4111.45])
    assert equal(cal, 5) == pytest.approx([822.394, 1644.658, 2466.922, 3289.186, 4111.45])
    assert natural(cal, 5) == pytest.approx([75.29, 192.05, 370.5, 722.85, 4111.45])


def test_a_class_begins_at_a_round_number_between_the_same_areas() -> None:
    """Upper ends of mapclassify at 2 and 9: any break in (2, 5] and (9, 12] cuts alike."""
    values = np.array([1, 2, 2, 5, 6, 9, 12, 13, 20.0])
    found = classify(values, "quantiles:3", Cut("quantiles"))
    assert (found.lows, found.counts) == ((1.0, 5.0, 10.0), (3, 3, 3))


def test_areas_without_a_case_are_a_class_of_their_own() -> None:
    values = np.array([0, 0, 0, 0, 1, 2, 3, 4, 5, 6.0])
    found = classify(values, "quantiles:3", Cut("quantiles"), zero_apart=True)
    assert (found.nothing, found.lows, found.counts) == (True, (0.0, 1.0, 3.0, 5.0), (4, 2, 2, 2))


def test_own_breaks_are_lower_ends() -> None:
    found = classify(np.array([0.5, 1, 4.9, 5, 19, 20, 400]), "breaks:1,5,20", Cut("quantiles"))
    assert (found.lows, found.counts, found.problem) == ((0.5, 1.0, 5.0, 20.0), (1, 2, 2, 2), None)


@pytest.mark.parametrize(
    ("text", "breaks"),
    [("1, 5, 20", (1, 5, 20)), ("1 5 20", (1, 5, 20)), ("0,5; 1; 2,5", (0.5, 1, 2.5)), (" 3 ", (3,)), ("1,5;", (1.5,))],
)  # fmt: skip
def test_breaks_as_people_type_them(text: str, breaks: tuple[float, ...]) -> None:
    assert read_breaks(text) == Cut("breaks", len(breaks) + 1, breaks)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("breaks:5,1", RISING), ("breaks:1,1", RISING), ("breaks:a,b", UNREADABLE), ("breaks:", UNREADABLE),
        ("breaks:1,inf", UNREADABLE), ("breaks:1,2,3,4,5,6,7", TOO_MANY), ("quantiles:2", TOO_MANY),
        ("quantiles:8", TOO_MANY), ("quantiles", UNREADABLE), ("magic:5", UNREADABLE),
    ],
)  # fmt: skip
def test_bad_cuts_say_what_is_wrong_and_the_usual_one_stands(text: str, problem: Message) -> None:
    assert read_cut(text) == problem
    found = classify(RATES, text, Cut("quantiles", 4))
    assert (found.problem, found.cut, len(found.counts)) == (problem, Cut("quantiles", 4), 4)


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [3.0], [np.nan, 2.0]])
def test_few_values_have_few_classes(values: list[float]) -> None:
    found = classify(np.array(values), None, Cut("natural"), zero_apart=True)
    assert sum(found.counts) == np.isfinite(values).sum()
    assert len(found.lows) == 1


amounts = st.lists(st.floats(0, 1e5, allow_nan=False).map(lambda x: round(x, 3)), min_size=1, max_size=60)


@given(amounts, st.sampled_from([*METHODS]), st.integers(3, 7), st.booleans())
def test_every_area_falls_into_one_class(values: list[float], method: str, classes: int, zero: bool) -> None:
    found = classify(np.array(values), f"{method}:{classes}", Cut("quantiles"), zero_apart=zero)
    assert sum(found.counts) == len(values)
    assert list(found.lows) == sorted(set(found.lows))
    assert found.lows[0] <= min(values)
    assert _counted_by_hand(found, values) == list(found.counts)


def _counted_by_hand(found: Classes, values: list[float]) -> list[int]:
    ends = [*found.lows[1:], float("inf")]
    return [sum(low <= v < end for v in values) for low, end in zip(found.lows, ends, strict=True)]


@given(st.floats(0, 1e6), st.floats(1e-6, 1e6))
def test_the_roundest_number_lies_in_its_gap(low: float, width: float) -> None:
    high = low + width
    if low < high:
        assert low < roundest(low, high) <= high


# Colours


def test_ciede2000_of_published_pairs() -> None:
    """Sharma, Wu & Dalal 2005, table 1: pairs 1, 7, 13, 17, 25, 34."""
    pairs = [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ]
    for one, other, expected in pairs:
        assert ciede2000(np.array(one), np.array(other)) == pytest.approx(expected, abs=5e-5)


def test_grey_is_grey_to_everybody() -> None:
    for sight in SIGHTS:
        assert np.abs(lab("#808080", sight)[1:]).max() < 0.5


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", THEMES)
def test_classes_look_different_to_everybody(theme: Theme, sight: str) -> None:
    """The least CIEDE2000 between any two classes: 2.3 is just noticeable side by side."""
    eight = palettes.sequential(8, theme, with_nothing=True)
    six = palettes.sequential(6, theme, with_nothing=True)
    both = palettes.diverging((0.0, 0.25, 0.5, 0.9, 1.1, 2.0, 4.0), 1.0, theme)
    assert least_difference(eight, sight) > 8
    assert least_difference(six, sight) > 8.5
    assert least_difference(both, sight) > 14
    for kinds in (("hot", "cold"), ("high_high", "low_low", "high_low", "low_high")):
        colours = [palettes.CATEGORIES[theme][kind] for kind in ("none", *kinds)]
        assert least_difference(colours, sight) > 19


@pytest.mark.parametrize("theme", THEMES)
def test_more_is_darker_on_light_ground_and_lighter_on_dark(theme: Theme) -> None:
    lightness = [lab(colour)[0] for colour in palettes.sequential(8, theme, with_nothing=True)]
    assert lightness == sorted(lightness, reverse=theme == "light")


@pytest.mark.parametrize(
    ("lows", "kinds"),
    [
        ((0.0, 0.5, 0.8, 1.25, 2.0), "bbmaa"),
        ((0.0, 0.5, 1.0, 2.0), "bbaa"),
        ((1.2, 1.5, 2.0), "aaa"),
        ((0.1, 0.2, 0.5), "bbm"),
        ((0.3,), "m"),
    ],
)
def test_a_diverging_scale_turns_at_its_centre(lows: tuple[float, ...], kinds: str) -> None:
    sides = {
        **dict.fromkeys(palettes.BELOW["light"], "b"),
        **dict.fromkeys(palettes.ABOVE["light"], "a"),
        palettes.MIDDLE["light"]: "m",
    }
    assert "".join(sides[colour] for colour in palettes.diverging(lows, 1.0, "light")) == kinds
