"""What wards find when they look for the reported cases: outcomes, delays and points measured at the door.

Shares and delays are those of domain.md §5.3. Columns of an investigation: case_id, disease, facility, file_no,
date_report (its day), outcome (`types.Verification`), date_onset, lat, lon, uncertainty_m (missing where the patient
was not found), commune ("" where the form names none), treatment, conclusion.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.coordinates import METRES_PER_DEGREE
from surveillance.simulation.city import City, FloatArray, IntArray, addresses
from surveillance.simulation.outcomes import with_deaths
from surveillance.simulation.patients import ObjectArray
from surveillance.simulation.settings import Investigations
from surveillance.types import Verification as V

NOT_INVESTIGATED = 0
_SAME_DISTRICT = (V.ADDRESS_IN_OTHER_WARD, V.PATIENT_IN_OTHER_WARD)
_OTHER_DISTRICT = (V.ADDRESS_IN_OTHER_DISTRICT, V.PATIENT_IN_OTHER_DISTRICT)
_AT_HOME = (V.OTHER_DISEASE, V.VERIFIED)


def first_outcomes(cases: pd.DataFrame, settings: Investigations, rng: np.random.Generator) -> IntArray:
    """What the first investigation of each case will find; 0 for diseases that are not looked for."""
    codes = np.array(list(settings.outcomes))
    weights = np.array(list(settings.outcomes.values()))
    drawn = codes[rng.choice(codes.size, len(cases), p=weights / weights.sum())]
    return np.where(cases["disease"].isin(settings.diseases), drawn, NOT_INVESTIGATED)


def as_stated(city: City, cases: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """`cases` with the place and address their hospitals were told: another one for those who live elsewhere."""
    outcome = cases["outcome"].to_numpy()
    moved = np.flatnonzero(np.isin(outcome, [*_SAME_DISTRICT, *_OTHER_DISTRICT]))
    place, address = cases["place"].to_numpy().copy(), cases["address"].to_numpy(object).copy()
    place[moved] = _elsewhere(city, place[moved], np.isin(outcome[moved], _SAME_DISTRICT), rng)
    xy = rng.random((moved.size, 2)) * city.size_m[place[moved]]
    address[moved] = addresses(city, place[moved], xy)
    return cases.assign(place=place, address=address)


def _elsewhere(city: City, home: IntArray, same: NDArray[np.bool_], rng: np.random.Generator) -> IntArray:
    """For each home a place of another commune: of its former district where `same`, else of another; where there is
    none, anywhere else."""
    district = np.unique([p.district.key.code for p in city.places], return_inverse=True)[1]
    choices: dict[tuple[int, bool], IntArray] = {}
    for place, near in set(zip(home.tolist(), same.tolist(), strict=True)):
        outside = city.commune_of != city.commune_of[place]
        wanted = np.flatnonzero(outside & ((district == district[place]) == near))
        choices[place, near] = wanted if wanted.size else np.flatnonzero(outside | (len(city.communes) == 1))
    drawn = zip(home.tolist(), same.tolist(), rng.random(home.size).tolist(), strict=True)
    return np.array(
        [choices[p, near][int(u * choices[p, near].size)] for p, near, u in drawn], dtype=np.int64
    )


def all_investigations(
    city: City,
    cases: pd.DataFrame,
    reports: pd.DataFrame,
    *,
    start: date,
    end: date,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Every investigation of a reported case from `start` to `end`, by day; columns as above.

    A patient who lives in another commune, when the form names it, is mostly found there by a second one.
    """
    settings = city.settings.investigations
    looked_for = cases[cases["outcome"] != NOT_INVESTIGATED].set_index("case_id")
    opened = reports[(reports["kind"] == "first") & reports["case_id"].isin(looked_for.index)]
    truth = looked_for.loc[opened["case_id"]]
    rows = opened[["case_id", "disease", "facility", "file_no", "date_report"]].reset_index(drop=True)
    named = rng.random(len(rows)) < settings.commune_named
    first = _forms(city, rows, truth, truth["outcome"].to_numpy(), named, rng)
    again = np.isin(first["outcome"], [*_SAME_DISTRICT, *_OTHER_DISTRICT]) & named
    again &= rng.random(len(rows)) < settings.found_there
    verified = np.full(int(again.sum()), V.VERIFIED.value)
    found = np.ones(verified.size, dtype=bool)
    second = _forms(city, first.loc[again, rows.columns], truth[again], verified, found, rng)
    made = with_deaths(
        pd.concat([first, second]), cases, lambda asked, truth: _at_home(city, asked, truth, rng.spawn(1)[0])
    )
    made = made.sort_values(["date_report", "case_id"], kind="stable")
    return made[made["date_report"].between(pd.Timestamp(start), pd.Timestamp(end))].reset_index(drop=True)


def _at_home(city: City, asked: pd.DataFrame, truth: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    columns = ["case_id", "disease", "facility", "file_no", "date_report"]
    verified, found = np.full(len(asked), V.VERIFIED.value), np.ones(len(asked), dtype=bool)
    return _forms(city, asked[columns], truth, verified, found, rng)


def _forms(
    city: City,
    asked: pd.DataFrame,
    truth: pd.DataFrame,
    outcome: IntArray,
    named: NDArray[np.bool_],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One form for each row of `asked`, whose date_report is the day the ward was told; `truth` row by row."""
    settings = city.settings.investigations
    home = np.isin(outcome, _AT_HOME)
    lat, lon, uncertainty = _measured(truth, settings, rng)
    communes = np.array([place.commune.name for place in city.places], dtype=object)
    placed = home | (np.isin(outcome, [*_SAME_DISTRICT, *_OTHER_DISTRICT]) & named)
    confirmed = rng.random(len(asked)) < settings.confirmed
    return asked.assign(
        date_report=_investigated_on(asked["date_report"].to_numpy(), settings, rng),
        outcome=outcome,
        date_onset=pd.Series(truth["date_onset"].to_numpy(), index=asked.index).where(home),
        lat=np.where(home, lat, np.nan),
        lon=np.where(home, lon, np.nan),
        uncertainty_m=np.where(home, uncertainty, np.nan),
        commune=np.where(placed, communes[truth["place"].to_numpy()], ""),
        treatment=np.where(home, truth["treatment"].to_numpy(object), ""),
        conclusion=_conclusions(outcome, confirmed),
    )


def _conclusions(outcome: IntArray, confirmed: NDArray[np.bool_]) -> ObjectArray:
    verified = outcome == V.VERIFIED
    chosen = [verified & confirmed, verified, outcome == V.OTHER_DISEASE]
    return np.select(chosen, ["confirmed", "suspected", "discarded"], "").astype(object)


def _investigated_on(
    told: NDArray[np.datetime64], settings: Investigations, rng: np.random.Generator
) -> NDArray[np.datetime64]:
    """Some working days after the ward was told; Saturday and Sunday do not count."""
    late = settings.latest_days - len(settings.working_days)
    rest = (1 - sum(settings.working_days)) / late
    shares = np.array([*settings.working_days, *[rest] * late])
    days = 1 + rng.choice(shares.size, told.size, p=shares / shares.sum())
    return np.busday_offset(told.astype("datetime64[D]"), days, roll="backward").astype("datetime64[s]")


def _measured(
    truth: pd.DataFrame, settings: Investigations, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(lat, lon, uncertainty in metres) as a telephone shows them; 86 % lie within their uncertainty."""
    low, high = settings.uncertainty_m
    uncertainty = np.rint(rng.uniform(low, high, len(truth)))
    north, east = rng.normal(0, uncertainty / 2, (2, len(truth))) / METRES_PER_DEGREE
    lat = truth["lat"].to_numpy() + north
    lon = truth["lon"].to_numpy() + east / np.cos(np.radians(lat))
    return lat.round(6), lon.round(6), uncertainty
