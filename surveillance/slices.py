"""Counting chosen cases in every way the workbench shows. Pure: `rows` are positions in `Columns`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveillance.columns import CLASSES, NO_DAY, OUTCOMES, SEXES, TREATMENTS, Columns
from surveillance.lines import day_number
from surveillance.types import Outcome, Treatment, Verification

Rows = NDArray[np.int64]
Counts = NDArray[np.int64]
Part = Any
"""What a part of a stack is: a word, an age band, a unit id; None for unknown, REST for all smaller ones together."""

REST = "rest"
MOST_PARTS = 8
AGES: tuple[tuple[int, int], ...] = ((0, 4), (5, 14), (15, 24), (25, 44), (45, 59), (60, 120))
SORTABLE: Mapping[str, str] = {
    "case_id": "case", "event": "event", "onset": "onset", "admission": "admission", "report": "report", "age": "age",
    "sex": "sex", "unit": "unit", "disease": "disease",
}  # fmt: skip
"""Columns of a list by which cases can be sorted, and their arrays."""


def by_unit(columns: Columns, rows: Rows) -> tuple[dict[int, int], int]:
    """Cases of each commune that has any, and those of none."""
    counts = np.bincount(columns.unit[rows], minlength=1)
    found = np.flatnonzero(counts)
    return {int(unit): int(counts[unit]) for unit in found if unit}, int(counts[0])


def by_disease(columns: Columns, rows: Rows) -> dict[str, int]:
    """Cases of each disease that has any."""
    counts = np.bincount(columns.disease[rows], minlength=len(columns.diseases)).tolist()
    return {code: n for code, n in zip(columns.diseases, counts, strict=True) if n}


def daily(columns: Columns, rows: Rows, start: date, end: date, dated_by: str) -> Counts:
    """Cases per day of `start`..`end`, (T,)."""
    days = (end - start).days + 1
    offset = columns.day(dated_by)[rows].astype(np.int64) - day_number(start)
    return np.bincount(offset[(offset >= 0) & (offset < days)], minlength=days)


def parts_by_day(
    columns: Columns, rows: Rows, start: date, end: date, dated_by: str, stack: str | None
) -> list[tuple[Part, Counts]]:
    """`daily`, apart by the field `stack` (web.selection.STACKS), each part that has cases; unknown last.

    At most MOST_PARTS parts, the others are REST. The sum of the parts is `daily` of all.
    """
    if stack is None:
        return [(None, daily(columns, rows, start, end, dated_by))]
    found = []
    for part, chosen in _parts(columns, rows, stack):
        counts = daily(columns, rows[chosen], start, end, dated_by)
        if counts.any():
            found.append((part, counts))
    return found


def _parts(columns: Columns, rows: Rows, stack: str) -> Iterable[tuple[Part, NDArray[np.bool_]]]:
    names, codes = _coded(columns, rows, stack)
    sizes = np.bincount(codes, minlength=len(names))
    known = [i for i in range(len(names)) if names[i] is not None and sizes[i]]
    if stack in ("age", "sex", "severity", "status"):
        top, rest = known, []
    else:
        known.sort(key=lambda i: -sizes[i])
        top, rest = known[:MOST_PARTS], known[MOST_PARTS:]
    yield from ((names[i], codes == i) for i in top)
    if rest:
        yield REST, np.isin(codes, rest)
    unknown = [i for i, name in enumerate(names) if name is None]
    if unknown:
        yield None, np.isin(codes, unknown)


def _coded(columns: Columns, rows: Rows, stack: str) -> tuple[list[Part], NDArray[np.int64]]:
    """What the field can be, and which of it each row is."""
    match stack:
        case "sex":
            return [None, "male", "female"], columns.sex[rows].astype(np.int64)
        case "age":
            age = columns.age[rows]
            band = np.searchsorted([low for low, _high in AGES], age, side="right")
            return [None, *AGES], np.where(age < 0, 0, band).astype(np.int64)
        case "severity":
            return [None, "outpatient", "inpatient", "severe", "died"], _severity(columns, rows)
        case "status":
            verified = columns.verification[rows] == Verification.VERIFIED
            classes = columns.classification[rows].astype(np.int64)
            return [*map(str, CLASSES), "verified"], np.where(verified, len(CLASSES), classes)
        case "source" | "disease":
            names: list[Part] = list(columns.sources if stack == "source" else columns.diseases)
            return names, getattr(columns, stack)[rows].astype(np.int64)
    units, codes = np.unique(columns.unit[rows], return_inverse=True)
    return [int(unit) or None for unit in units], codes.astype(np.int64)


def _severity(columns: Columns, rows: Rows) -> NDArray[np.int64]:
    """The gravest that is known: 4 died, 3 severe by its code, 2 inpatient, 1 outpatient, 0 unknown."""
    treatment = columns.treatment[rows]
    return np.select(
        [
            columns.outcome[rows] == OUTCOMES.index(Outcome.DIED),
            columns.severe[rows],
            treatment == TREATMENTS.index(Treatment.INPATIENT),
            treatment == TREATMENTS.index(Treatment.OUTPATIENT),
        ],
        [4, 3, 2, 1],
        0,
    )


def ages_and_sexes(
    columns: Columns, rows: Rows, bands: Sequence[tuple[int, int]]
) -> tuple[dict[str, list[int]], int]:
    """Cases of each sex in each band of ages (both ends included), and those whose sex or age is in none."""
    found = {}
    for name, letter in (("male", "M"), ("female", "F")):
        ages = columns.age[rows[columns.sex[rows] == SEXES.index(letter)]]
        found[name] = [int(((ages >= low) & (ages <= high)).sum()) for low, high in bands]
    return found, len(rows) - sum(map(sum, found.values()))


def median_delay(columns: Columns, rows: Rows) -> float | None:
    """Days from event to report; None without cases."""
    if not len(rows):
        return None
    return float(np.median(columns.report[rows].astype(np.int64) - columns.event[rows]))


def weekly_by_unit(columns: Columns, rows: Rows, mondays: Sequence[date], dated_by: str) -> dict[int, Counts]:
    """Cases per week of each commune that has any, (W,); `mondays` are consecutive."""
    week = (columns.day(dated_by)[rows].astype(np.int64) - day_number(mondays[0])) // 7
    inside = (week >= 0) & (week < len(mondays)) & (columns.unit[rows] > 0)
    units, codes = np.unique(columns.unit[rows][inside], return_inverse=True)
    cells = np.bincount(codes * len(mondays) + week[inside], minlength=len(units) * len(mondays))
    table = cells.reshape(len(units), len(mondays))
    return {int(unit): table[i] for i, unit in enumerate(units)}


def sorted_rows(columns: Columns, rows: Rows, by: Sequence[tuple[str, bool]]) -> Rows:
    """`rows` by the columns of SORTABLE (name, descending) in order of weight, the newest first among equals."""
    order = rows[::-1]
    for name, descending in reversed(by):
        keys = getattr(columns, SORTABLE[name])[order].astype(np.int64)
        keys = np.where(keys == NO_DAY, np.iinfo(np.int64).max if not descending else keys, keys)
        order = order[np.argsort(-keys if descending else keys, kind="stable")]
    return order
