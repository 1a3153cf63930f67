"""The truth behind a simulated epidemic, as a scorecard needs it: planted outbreaks, excesses, local chains.

Codes and days only. docs/methods/scorecard.md defines all three.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from surveillance.simulation.city import FloatArray

YEARS, LEAST_YEARS = 5, 3
LEAST_EXCESS = 2.0
"""Cases a week above the usual: less is no epidemic, however steady the years before were."""
CHAIN_CASES, CHAIN_DAYS = 5, 14


class OutbreakTruth(NamedTuple):
    """`second_known`, `last_known`: when its second and its last case were reported."""

    id: int
    disease: str
    commune_code: str
    first_onset: date
    second_known: date
    last_onset: date
    cases: int
    last_known: date


class SpellTruth(NamedTuple):
    disease: str
    commune_code: str
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedTruth:
    outbreaks: tuple[OutbreakTruth, ...]
    excess: tuple[SpellTruth, ...]
    chains: tuple[SpellTruth, ...]


def planted_truth(cases: pd.DataFrame, code_of: Mapping[int, str]) -> Iterator[OutbreakTruth]:
    """From `Epidemic.cases`; `code_of` the commune of a place. Outbreaks of one case are left out."""
    for number, rows in cases[cases["outbreak_id"] >= 0].groupby("outbreak_id"):
        if len(rows) < 2:
            continue
        yield OutbreakTruth(
            id=int(str(number)),
            disease=rows["disease"].iloc[0],
            commune_code=code_of[int(rows["place"].iloc[0])],
            first_onset=rows["date_onset"].min().date(),
            second_known=rows["date_report"].sort_values().iloc[1].date(),
            last_onset=rows["date_onset"].max().date(),
            cases=len(rows),
            last_known=rows["date_report"].max().date(),
        )


def chain_truth(cases: pd.DataFrame, code_of: Mapping[int, str]) -> Iterator[SpellTruth]:
    """Foci that nobody planted with CHAIN_CASES within CHAIN_DAYS: from the first of those cases to the last of all."""
    chained = cases[(cases["focus_id"] >= 0) & (cases["outbreak_id"] < 0)]
    for _, rows in chained.groupby("focus_id"):
        onset = rows["date_onset"].sort_values().to_numpy()
        if onset.size < CHAIN_CASES:
            continue
        dense = onset[CHAIN_CASES - 1 :] - onset[: 1 - CHAIN_CASES] <= np.timedelta64(CHAIN_DAYS - 1, "D")
        if dense.any():
            begin = pd.Timestamp(onset[int(dense.argmax())]).date()
            yield SpellTruth(
                rows["disease"].iloc[0],
                code_of[int(rows["place"].iloc[0])],
                begin,
                pd.Timestamp(onset[-1]).date(),
            )


def excess_weeks(expected: FloatArray, first: date, epidemic_years: Iterable[int]) -> np.ndarray:
    """Weeks (communes, weeks) whose expected cases exceed mean + 2 SD of the same three weeks of five years before,
    and the mean by LEAST_EXCESS. `expected` begins on `first`; years named epidemic are left out."""
    communes, weeks = expected.shape
    year_of = [(first + timedelta(days=7 * w + 3)).year for w in range(weeks)]
    left_out = set(epidemic_years)
    found = np.zeros((communes, weeks), dtype=bool)
    for week in range(weeks):
        past = [
            [week - 52 * back + step for step in (-1, 0, 1)]
            for back in range(1, YEARS + 1)
            if week - 52 * back - 1 >= 0 and year_of[week - 52 * back] not in left_out
        ]
        if len(past) < LEAST_YEARS:
            continue
        usual = expected[:, np.ravel(past)]
        mean, sd = usual.mean(axis=1), usual.std(axis=1, ddof=1)
        found[:, week] = (expected[:, week] > mean + 2 * sd) & (expected[:, week] - mean >= LEAST_EXCESS)
    return found


def excess_truth(
    disease: str,
    expected: FloatArray,
    codes: Sequence[str],
    first: date,
    epidemic_years: Iterable[int],
) -> Iterator[SpellTruth]:
    """Runs of excess weeks of each commune (`codes` in the order of the rows)."""
    found = excess_weeks(expected, first, epidemic_years)
    for commune, row in enumerate(found):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
        for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            yield SpellTruth(
                disease,
                codes[commune],
                first + timedelta(days=7 * begin),
                first + timedelta(days=7 * end - 1),
            )


_COLUMNS = ("kind", "id", "disease", "commune_code", "first", "second_known", "last", "cases", "last_known")


def write_truth(truth: SimulatedTruth, path: Path) -> None:
    """One CSV: a row an outbreak, an excess or a chain."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for o in truth.outbreaks:
            writer.writerow(
                (
                    "outbreak",
                    o.id,
                    o.disease,
                    o.commune_code,
                    o.first_onset,
                    o.second_known,
                    o.last_onset,
                    o.cases,
                    o.last_known,
                )
            )
        for kind, spells in (("excess", truth.excess), ("chain", truth.chains)):
            for s in spells:
                writer.writerow((kind, "", s.disease, s.commune_code, s.first, "", s.last, "", ""))


def read_truth(path: Path) -> SimulatedTruth:
    """Raises ValueError naming the line that cannot be read."""
    outbreaks: list[OutbreakTruth] = []
    spells: dict[str, list[SpellTruth]] = {"excess": [], "chain": []}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            try:
                first, last = date.fromisoformat(row["first"]), date.fromisoformat(row["last"])
                if row["kind"] == "outbreak":
                    outbreaks.append(
                        OutbreakTruth(
                            int(row["id"]), row["disease"], row["commune_code"], first,
                            date.fromisoformat(row["second_known"]), last, int(row["cases"]),
                            date.fromisoformat(row["last_known"]),
                        )
                    )  # fmt: skip
                else:
                    spells[row["kind"]].append(SpellTruth(row["disease"], row["commune_code"], first, last))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path.name}, line {line}: {error}") from error
    return SimulatedTruth(
        outbreaks=tuple(outbreaks), excess=tuple(spells["excess"]), chains=tuple(spells["chain"])
    )


def simulated_truth(
    cases: pd.DataFrame,
    expected: Mapping[str, FloatArray],
    *,
    first: date,
    code_of_place: Mapping[int, str],
    communes: Sequence[str],
    epidemic_years: Mapping[str, Sequence[int]],
) -> SimulatedTruth:
    """Of `Epidemic.cases` and `Epidemic.expected`, whose weeks begin on `first`; `communes`: codes of its rows."""
    return SimulatedTruth(
        outbreaks=tuple(planted_truth(cases, code_of_place)),
        excess=tuple(
            spell
            for disease, weeks in expected.items()
            for spell in excess_truth(disease, weeks, communes, first, epidemic_years.get(disease, ()))
        ),
        chains=tuple(chain_truth(cases, code_of_place)),
    )
