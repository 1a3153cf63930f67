"""What hospitals send about the cases: one row a report, with duplicates, corrections and faults.

Rates and delays are those of domain.md §5.3. Columns of a report: report_id, case_id, kind (first, duplicate,
upgrade, correction), fault, disease, icd10, source_name, facility, file_no, name, sex, age_years, address,
occupation, guardian, phone, district, commune, date_admission, date_report, treatment.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from geodata.types import Unit
from surveillance.diseases import Catalogue
from surveillance.simulation.city import City, IntArray
from surveillance.simulation.patients import (
    DAY,
    ObjectArray,
    capitals,
    icd10_codes,
    people,
    pick_weighted,
    report_days,
)

USUAL_NAME_SHARE = 0.8
STYLE_SHARES = (0.7, 0.15, 0.15)
ADDRESS_WITH_AREA = 0.3
_SHORT_KINDS = {
    "PHUONG": "P.",
    "XA": "X.",
    "THI TRAN": "TT.",
    "QUAN": "Q.",
    "HUYEN": "H.",
    "THANH PHO": "TP.",
    "THI XA": "TX.",
    "DAC KHU": "DK.",
}


def first_reports(
    city: City, catalogue: Catalogue, cases: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """The report each case would give if nobody made a mistake; columns as above, in the order of `cases`."""
    count = len(cases)
    sex, age = cases["sex"].to_numpy(object), cases["age_years"].to_numpy()
    district, commune = _area_names(city, cases, rng)
    weights = {facility.code: facility.weight for facility in city.settings.facilities}
    plain = np.array([capitals(text) for text in cases["address"]], dtype=object)
    with_area = rng.random(count) < ADDRESS_WITH_AREA
    full = np.where(district == "", plain + ", " + commune, plain + ", " + commune + ", " + district)
    return pd.DataFrame(
        {
            "report_id": 0,
            "case_id": cases["case_id"].to_numpy(),
            "kind": "first",
            "fault": "",
            "disease": cases["disease"].to_numpy(),
            "icd10": icd10_codes(cases, city.settings, rng),
            "source_name": _source_names(catalogue, cases, rng),
            "facility": pick_weighted(rng, weights, count),
            "file_no": _file_numbers(cases),
            "sex": sex,
            "age_years": age,
            "address": np.where(with_area, full, plain),
            **people(sex, age, city.settings.words, rng),
            "district": district,
            "commune": commune,
            "date_admission": cases["date_admission"].to_numpy(),
            "date_report": cases["date_report"].to_numpy(),
            "treatment": cases["treatment"].to_numpy(),
        }
    )


def _file_numbers(cases: pd.DataFrame) -> ObjectArray:
    years = cases["date_admission"].dt.year.to_numpy() % 100
    pairs = zip(years.tolist(), cases["case_id"].tolist(), strict=True)
    return np.array([f"{year:02d}.{number:07d}" for year, number in pairs], dtype=object)


def _source_names(catalogue: Catalogue, cases: pd.DataFrame, rng: np.random.Generator) -> ObjectArray:
    names = np.empty(len(cases), dtype=object)
    for code, rows in cases.groupby("disease", sort=True).indices.items():
        disease = catalogue.by_code(str(code))
        if disease is None:
            raise ValueError(f"disease {code} of the simulation is not in the catalogue")
        usual, *others = disease.source_names
        rest = dict.fromkeys(others or [usual], (1 - USUAL_NAME_SHARE) / max(1, len(others)))
        names[rows] = pick_weighted(rng, {**rest, usual: USUAL_NAME_SHARE}, rows.size)
    return names


def _area_names(city: City, cases: pd.DataFrame, rng: np.random.Generator) -> tuple[ObjectArray, ObjectArray]:
    """(QH, PX) as written. After the reform most rows name today's commune and leave the district blank."""
    place = cases["place"].to_numpy()
    style = rng.choice(3, place.size, p=STYLE_SHARES)
    districts = np.array([_written(p.district) for p in city.places], dtype=object)[place, style]
    wards = np.array([_written(p.ward) for p in city.places], dtype=object)[place, style]
    communes = np.array([_written(p.commune) for p in city.places], dtype=object)[place, style]
    after = cases["date_admission"].to_numpy() >= np.datetime64(city.settings.reform)
    todays = after & (rng.random(place.size) >= city.settings.old_names_after_reform)
    return np.where(todays, "", districts), np.where(todays, communes, wards)


def _written(unit: Unit) -> tuple[str, str, str]:
    """Three ways to write a unit: 'BEN NGHE', 'PHUONG BEN NGHE', 'P.BEN NGHE'; a number keeps its kind."""
    full, kind = capitals(unit.name), capitals(unit.kind)
    bare = full.removeprefix(kind).strip()
    abbreviated = _SHORT_KINDS.get(kind, f"{kind} ") + bare
    return (full if bare.isdigit() else bare), full, abbreviated


def with_faults(
    city: City, reports: pd.DataFrame, cases: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """The same rows with the address faults of domain.md §5.3; `fault` names what was done."""
    rates = city.settings.errors
    kinds = ("blank_address", "unknown_ward", "misspelt_ward", "wrong_district", "blank_ward")
    edges = np.cumsum([getattr(rates, kind) for kind in kinds])
    drawn = np.searchsorted(edges, rng.random(len(reports)), side="right")
    fault = np.array([*kinds, ""], dtype=object)[drawn]
    address, commune, district = (
        reports[c].to_numpy(object).copy() for c in ("address", "commune", "district")
    )
    fault[(fault == "wrong_district") & (district == "")] = ""
    address[fault == "blank_address"] = ""
    commune[fault == "unknown_ward"] = "KHONG RO"
    commune[fault == "blank_ward"] = ""
    misspelt = np.flatnonzero(fault == "misspelt_ward")
    commune[misspelt] = [_misspell(text, rng) for text in commune[misspelt]]
    wrong = np.flatnonzero(fault == "wrong_district")
    district[wrong] = _other_districts(city, cases["place"].to_numpy()[wrong], rng)
    return reports.assign(fault=fault, address=address, commune=commune, district=district)


def _misspell(text: str, rng: np.random.Generator) -> str:
    """Two neighbouring letters swapped, or one letter left out."""
    if len(text) < 4:
        return text + text[-1]
    at = int(rng.integers(1, len(text) - 1))
    if rng.random() < 0.5:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :]


def _other_districts(city: City, place: IntArray, rng: np.random.Generator) -> list[str]:
    """A district that is not the place's own."""
    names = list(dict.fromkeys(_written(p.district)[0] for p in city.places))
    if len(names) == 1:
        return names * place.size
    own = [names.index(_written(city.places[p].district)[0]) for p in place.tolist()]
    return [names[(i + int(rng.integers(1, len(names)))) % len(names)] for i in own]


def duplicates(city: City, first: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The same patient again: an out-patient admitted elsewhere ('upgrade') or a second hospital's report."""
    again = first[rng.random(len(first)) < city.settings.errors.duplicates]
    count = len(again)
    codes = [facility.code for facility in city.settings.facilities]
    own = again["facility"].map({code: i for i, code in enumerate(codes)}).to_numpy()
    facility = np.array(codes, dtype=object)[(own + rng.integers(1, max(2, len(codes)), count)) % len(codes)]
    upgrade = again["treatment"].to_numpy(object) == "outpatient"
    later = np.where(upgrade, rng.integers(1, 5, count), rng.integers(0, 2, count))
    admission = again["date_admission"].to_numpy() + later * DAY
    return again.assign(
        kind=np.where(upgrade, "upgrade", "duplicate"),
        facility=facility,
        file_no=again["file_no"] + "B",
        phone=np.where(rng.random(count) < 0.5, again["phone"], ""),
        age_years=again["age_years"] + (rng.random(count) < 0.05),
        date_admission=admission,
        date_report=np.maximum(
            report_days(admission, city.settings.delays, rng), again["date_report"].to_numpy()
        ),
        treatment="inpatient",
    )


def corrections(
    city: City, clean: pd.DataFrame, sent: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows sent again under the same hospital and file number with a field put right.

    A faulty address is mended (`clean` holds it); of the others, half have the disease ruled out, half the
    age changed. `clean` and `sent` are row by row the same reports.
    """
    settings = city.settings
    faulty = sent["fault"].to_numpy(object) != ""
    rate = np.where(faulty, settings.errors.corrections_of_errors, settings.errors.corrections_of_others)
    chosen = rng.random(len(sent)) < rate
    again = clean[chosen]
    ruled_out = ~faulty[chosen] & (rng.random(len(again)) < 0.5)
    aged = ~faulty[chosen] & ~ruled_out
    return again.assign(
        kind="correction",
        fault=np.select([faulty[chosen], ruled_out], ["address_mended", "disease_excluded"], "age_changed"),
        icd10=np.where(ruled_out, settings.excluded_icd10, again["icd10"]),
        source_name=np.where(ruled_out, settings.excluded_name, again["source_name"]),
        age_years=again["age_years"] + aged,
        date_report=again["date_report"].to_numpy() + rng.integers(2, 11, len(again)) * DAY,
    )


def all_reports(
    city: City,
    catalogue: Catalogue,
    cases: pd.DataFrame,
    *,
    start: date,
    end: date,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Every report HCDC got from `start` to `end`, in the order it came; `report_id` counts from 1."""
    clean = first_reports(city, catalogue, cases, rng)
    sent = with_faults(city, clean, cases, rng)
    rows = pd.concat([sent, duplicates(city, sent, rng), corrections(city, clean, sent, rng)])
    received = rows["date_report"].between(pd.Timestamp(start), pd.Timestamp(end))
    rows = rows[received].sort_values(["date_report", "case_id"], kind="stable", ignore_index=True)
    return rows.assign(report_id=np.arange(1, len(rows) + 1))
