"""Before and after a measure against matched areas: by hand, by simulation without and with an effect."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t as student

from surveillance.outbreaks.effect import Counts, Effect, Lacking, Unknown, matched, measure_effect


def simulated(effect: float, dispersion: float | None, times: int, seed: int = 1) -> list[Effect | Unknown]:
    """`times` measures in areas of 20 cases before, 60 others alike, all falling to 0.8 of it by themselves."""
    rng = np.random.default_rng(seed)

    def draw(mean: float, size: int) -> np.ndarray:
        if dispersion is None:
            return rng.poisson(mean, size)
        return rng.negative_binomial(dispersion, dispersion / (dispersion + mean), size)

    found = []
    for _ in range(times):
        before, after = draw(20, 61), draw(16, 61)
        treated = Counts(int(before[0]), int(draw(16 * effect, 1)[0]))
        rest = {k: Counts(int(before[k]), int(after[k])) for k in range(1, 61)}
        found.append(measure_effect(treated, rest))
    return found


def test_by_hand() -> None:
    rest = {k: Counts(10, after) for k, after in enumerate([8, 10, 12, 9, 11])}
    found = measure_effect(Counts(10, 5), rest)
    assert isinstance(found, Effect)
    logs = np.log((np.array([8, 10, 12, 9, 11]) + 0.5) / 10.5)
    middle = math.log(5.5 / 10.5) - logs.mean()
    noise = 1 / 5.5 - np.mean(1 / (np.array([8, 10, 12, 9, 11]) + 0.5))
    half = student.ppf(0.975, 4) * math.sqrt(logs.var(ddof=1) * 1.2 + noise)
    assert found.ratio == pytest.approx(math.exp(middle))
    assert (found.lower, found.upper) == pytest.approx((math.exp(middle - half), math.exp(middle + half)))
    assert found.control_total == Counts(50, 50)


def test_too_little_is_said_to_be_too_little() -> None:
    alike = {k: Counts(6, 6) for k in range(10)}
    few = measure_effect(Counts(4, 0), alike)
    assert isinstance(few, Unknown) and few.why is Lacking.FEW_CASES
    alone = measure_effect(Counts(100, 10), alike)
    assert isinstance(alone, Unknown) and alone.why is Lacking.FEW_CONTROLS


def test_areas_are_matched_by_what_came_before_only() -> None:
    rest = {1: Counts(10, 0), 2: Counts(10, 99), 3: Counts(30, 10), 4: Counts(11, 5), 5: Counts(2, 2)}
    assert matched(Counts(10, 7), rest) == (1, 2, 4)


@pytest.mark.parametrize("dispersion", [None, 10.0])
def test_without_an_effect_the_interval_holds_1_at_its_stated_rate(dispersion: float | None) -> None:
    """95 % ± 4 standard errors of 600 tries (0.036)."""
    found = [f for f in simulated(1.0, dispersion, 600) if isinstance(f, Effect)]
    covered = np.mean([f.lower <= 1 <= f.upper for f in found])
    assert len(found) > 550
    assert 0.95 - 0.036 <= covered <= 0.95 + 0.036


def test_a_planted_effect_is_found() -> None:
    found = [f for f in simulated(0.2, None, 300) if isinstance(f, Effect)]
    assert np.mean([f.upper < 1 for f in found]) > 0.8
    assert np.median([f.ratio for f in found]) == pytest.approx(0.2, abs=0.03)
