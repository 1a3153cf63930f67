"""Linked cases: the largest chain in each commune, against a plain breadth-first search."""

from __future__ import annotations

import numpy as np
import pytest

from surveillance.lines import FOREVER, Lines
from surveillance.links import linked_cases

WINDOWS = (3, 10)


def lines_of(cases: list[tuple[int, int, int, int]]) -> Lines:
    """Cases as (disease, unit, day, setting) for 2 diseases in 3 communes."""
    disease, unit, day, setting = np.array(cases, dtype=np.int64).reshape(-1, 4).T
    return Lines(
        diseases=("typhoid", "pertussis"), unit_ids=(7, 8, 9), disease=disease.astype(np.int32),
        unit=unit.astype(np.int32), day=day.astype(np.int32),
        reported=day.astype(np.int32), confirmed=np.zeros(day.size, dtype=bool),
        setting=setting, former=np.zeros(day.size, dtype=np.int32),
        known_from=np.zeros_like(day), known_to=np.full_like(day, FOREVER),
    )  # fmt: skip


def largest_chain(cases: list[tuple[int, int, int, int]], disease: int, unit: int) -> int:
    left = {i for i, case in enumerate(cases) if case[:2] == (disease, unit)}
    best = 0
    while left:
        queue = [left.pop()]
        for case in queue:
            near = {other for other in left if linked(cases[case], cases[other])}
            left -= near
            queue.extend(near)
        best = max(best, len(queue))
    return best if best > 1 else 0


def linked(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    if one[3] and other[3]:
        return one[3] == other[3]
    return abs(one[2] - other[2]) <= WINDOWS[one[0]]


@pytest.mark.parametrize("seed", range(20))
def test_the_largest_chain_is_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(0, 60))
    columns = [rng.integers(0, high, size).tolist() for high in (2, 3, 31, 4)]
    cases = list(zip(*columns, strict=True))
    found = linked_cases(lines_of(cases), window_days=WINDOWS)
    assert found.tolist() == [[largest_chain(cases, d, u) for u in range(3)] for d in range(2)]


def test_one_case_is_linked_to_nobody() -> None:
    assert linked_cases(lines_of([(0, 0, 5, 1), (0, 1, 5, 1)]), window_days=WINDOWS).sum() == 0


def test_the_order_of_the_file_does_not_matter() -> None:
    cases = [(0, 0, day, day % 3) for day in range(12)]
    forth = linked_cases(lines_of(cases), window_days=WINDOWS)
    assert (forth == linked_cases(lines_of(cases[::-1]), window_days=WINDOWS)).all()
