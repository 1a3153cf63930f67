"""What happens to a case after onset, and who it is: delays, care, and a person made of common words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.text import strip_accents
from surveillance.simulation.city import FloatArray, IntArray
from surveillance.simulation.settings import Delays, DiseaseProfile, SimulationSettings, Words

ObjectArray = NDArray[np.object_]
DAY = np.timedelta64(1, "D")
MILD, WARNING_SIGNS, SEVERE = "mild", "warning_signs", "severe"


def capitals(text: str) -> str:
    """As hospital files write: capitals without accents ('Đường số 5' → 'DUONG SO 5')."""
    return strip_accents(text).upper()


def pick(rng: np.random.Generator, words: Sequence[str], count: int) -> ObjectArray:
    return np.array(words, dtype=object)[rng.integers(0, len(words), count)]


def pick_weighted(rng: np.random.Generator, weights: Mapping[str, float], count: int) -> ObjectArray:
    shares = np.array(list(weights.values()))
    return np.array(list(weights), dtype=object)[rng.choice(len(shares), count, p=shares / shares.sum())]


def admission_days(onset: NDArray[Any], delays: Delays, rng: np.random.Generator) -> NDArray[Any]:
    """Day of admission or visit: onset + gamma, to the nearest day (domain.md §5.3)."""
    shape, scale = delays.onset_to_admission
    return onset + np.rint(rng.gamma(shape, scale, onset.size)).astype(int) * DAY


def report_days(admission: NDArray[Any], delays: Delays, rng: np.random.Generator) -> NDArray[Any]:
    """Day HCDC gets the report: negative binomial after admission, a day more when it is a weekend."""
    mean, size = delays.admission_to_report
    due = admission + rng.negative_binomial(size, size / (size + mean), admission.size) * DAY
    weekday = (due.astype("datetime64[D]").astype(int) + 3) % 7
    return due + (weekday >= 5) * DAY


def with_care(cases: pd.DataFrame, settings: SimulationSettings, rng: np.random.Generator) -> pd.DataFrame:
    """Adds date_admission, date_report, treatment, severity, age_years and sex ('T' or 'G')."""
    count = len(cases)
    admission = admission_days(cases["date_onset"].to_numpy(), settings.delays, rng)
    treatment, severity = np.full(count, "outpatient", object), np.full(count, MILD, object)
    age = np.zeros(count, dtype=np.int64)
    for disease, rows in cases.groupby("disease", sort=True).indices.items():
        profile = settings.diseases[str(disease)]
        severity[rows] = _severity(profile, rows.size, rng)
        inside = (rng.random(rows.size) < profile.inpatient) | (severity[rows] == SEVERE)
        treatment[rows] = np.where(inside, "inpatient", "outpatient")
        age[rows] = _ages(profile, rows.size, rng)
    return cases.assign(
        date_admission=admission,
        date_report=report_days(admission, settings.delays, rng),
        treatment=treatment,
        severity=severity,
        age_years=age,
        sex=np.where(rng.random(count) < 0.52, "T", "G"),
    )


def _severity(profile: DiseaseProfile, count: int, rng: np.random.Generator) -> ObjectArray:
    warning, severe = profile.severity
    drawn = rng.random(count)
    return np.select([drawn < severe, drawn < severe + warning], [SEVERE, WARNING_SIGNS], MILD).astype(object)


def _ages(profile: DiseaseProfile, count: int, rng: np.random.Generator) -> IntArray:
    low, high, weight = np.array(profile.ages).T
    band = rng.choice(len(weight), count, p=weight / weight.sum())
    return (low[band] + rng.random(count) * (high - low)[band]).astype(np.int64)


def people(sex: ObjectArray, age: IntArray, words: Words, rng: np.random.Generator) -> dict[str, ObjectArray]:
    """Columns name, guardian (children only), phone and occupation of invented people, in capitals.

    Phones are 0000xxxxxx: no Vietnamese number begins so.
    """
    count = sex.size
    child = age < 16
    guardian = _names(np.full(count, "G", dtype=object), words, rng)
    digits = rng.integers(0, 1_000_000, count)
    return {
        "name": _names(sex, words, rng),
        "guardian": np.where(child, guardian, ""),
        "phone": np.array([f"0000{n:06d}" for n in digits.tolist()], dtype=object),
        "occupation": _occupations(age, words, rng),
    }


def _names(sex: ObjectArray, words: Words, rng: np.random.Generator) -> ObjectArray:
    count = sex.size
    male = sex == "T"

    def chosen(for_men: tuple[str, ...], for_women: tuple[str, ...]) -> ObjectArray:
        men, women = (pick(rng, [capitals(w) for w in group], count) for group in (for_men, for_women))
        return np.where(male, men, women)

    family = pick(rng, [capitals(word) for word in words.family], count)
    middle = chosen(words.middle_male, words.middle_female)
    given = chosen(words.given_male, words.given_female)
    return family + " " + middle + " " + given


def _occupations(age: FloatArray | IntArray, words: Words, rng: np.random.Generator) -> ObjectArray:
    by_age = {name: pick(rng, words.occupations[name], age.size) for name in words.occupations}
    return np.select(
        [age < 6, age < 18, age < 60], [by_age["child"], by_age["pupil"], by_age["adult"]], by_age["elder"]
    ).astype(object)


def icd10_codes(cases: pd.DataFrame, settings: SimulationSettings, rng: np.random.Generator) -> ObjectArray:
    """The code the hospital wrote, with the code set of the day of admission."""
    codes = np.empty(len(cases), dtype=object)
    for disease, rows in cases.groupby("disease", sort=True).indices.items():
        profile = settings.diseases[str(disease)]
        codes[rows] = _by_severity(pick_weighted(rng, profile.icd10, rows.size), cases, rows, profile)
        if profile.icd10_before is not None:
            change = np.datetime64(profile.icd10_before.on)
            early = cases["date_admission"].to_numpy()[rows] < change
            codes[rows[early]] = pick_weighted(rng, profile.icd10_before.codes, int(early.sum()))
    return codes


def _by_severity(
    drawn: ObjectArray, cases: pd.DataFrame, rows: IntArray, profile: DiseaseProfile
) -> ObjectArray:
    """Severe cases, and they alone, have the code that says so, where the disease has one."""
    if not profile.severe_icd10:
        return drawn
    severe = cases["severity"].to_numpy(object)[rows] == SEVERE
    usual = max(profile.icd10, key=lambda code: profile.icd10[code])
    mild = np.where(drawn == profile.severe_icd10, usual, drawn)
    return np.where(severe, profile.severe_icd10, mild).astype(object)
