"""InfoDengue's rule against its published form, week by week on small series worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from surveillance.infodengue import AF, Delay, Weeks, four_levels, last_known, switched

NAN = np.nan


def weeks(cases: list[float], **others: list[float] | float) -> Weeks:
    shape = (1, len(cases))
    usual = {"above_one": 0.0, "favourable": 1.0, "preseason": 5.0, "epidemic": 40.0}
    made = {k: np.broadcast_to(np.asarray(others.get(k, v), dtype=float), shape) for k, v in usual.items()}
    return Weeks(cases=np.array([cases], dtype=float), **made)


def levels(cases: list[float], **others: list[float] | float) -> list[int]:
    return four_levels(weeks(cases, **others))[0].tolist()


def test_yellow_needs_three_favourable_weeks_with_a_case_and_is_not_held() -> None:
    assert levels([1, 1, 1, 0, 1, 1, 1]) == [1, 1, 2, 1, 1, 1, 2]
    assert levels([1, 1, 1, 1], favourable=[1, 1, 0, 1]) == [1, 1, 1, 1]


def test_orange_needs_two_weeks_of_growth_above_the_preseason_threshold_and_is_held_for_one() -> None:
    rising = [0.96, 0.99, 0.5, 0.5, 0.5]
    assert levels([6, 7, 7, 7, 7], above_one=rising, favourable=0) == [1, 3, 3, 1, 1]
    assert levels([4, 4, 4, 4, 4], above_one=rising, favourable=0) == [1, 1, 1, 1, 1]
    assert levels([6, 7, 7, 7, 7], above_one=0.95, favourable=0) == [1, 1, 1, 1, 1]


def test_red_needs_two_weeks_above_the_epidemic_threshold_and_is_held_for_one_after_the_last() -> None:
    assert levels([50, 50, 50, 9, 9, 9], favourable=0) == [1, 4, 4, 4, 1, 1]


def test_red_needs_more_than_ten_cases_however_low_the_threshold() -> None:
    assert levels([10, 10, 10], epidemic=2, favourable=0) == [1, 1, 1]
    assert levels([11, 11, 11], epidemic=2, favourable=0) == [1, 4, 4]


def test_the_higher_colour_hides_the_lower() -> None:
    assert levels([50, 50, 50, 50], above_one=0.99) == [1, 4, 4, 4]


def test_a_missing_input_repeats_the_last_answer() -> None:
    assert levels([50, NAN, 50, 9, 9], favourable=0) == [1, 4, 4, 4, 1]
    assert last_known(np.array([[True, True]]), [np.array([[NAN, 1.0]])]).tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("delay", "expected"),
    [(Delay(1, 0), "0110100"), (Delay(2, 0), "0010000"), (Delay(2, 1), "0011000"), (Delay(1, 2), "0111111")],
)
def test_delays(delay: Delay, expected: str) -> None:
    met = np.array([[c == "1" for c in "0110100"]])
    assert "".join("01"[int(on)] for on in switched(met, delay)[0]) == expected


def test_the_scheme_is_that_of_the_source() -> None:
    assert (AF.yellow, AF.orange, AF.red) == ((3, 0), (2, 1), (2, 1))
