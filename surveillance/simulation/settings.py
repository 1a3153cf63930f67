"""The numbers of one city's simulation (`deploy/<city>/simulation.toml`), checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

from surveillance.strict_toml import Table, read_toml

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class IcdChange:
    """Codes in use before `on` with their weights."""

    on: date
    codes: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiseaseProfile:
    """How much of one disease, when, where and in whom; the keys are explained in the TOML file.

    `shares` are 12 shares of the year; `ages` rows of (from, up to, weight); `peaks` cases of the week around
    a Thursday; `severity` the shares with warning signs and severe.
    """

    cases_by_year: Mapping[int, float]
    cases_otherwise: float
    shares: tuple[float, ...]
    shares_by_year: Mapping[int, tuple[float, ...]]
    peaks: Mapping[date, float]
    commune_sd: float
    drift_sd: float
    weekly_shape: float
    surges: float
    clustering: float
    inpatient: float
    severity: Range
    district_factor: Mapping[str, float]
    ages: tuple[tuple[float, ...], ...]
    icd10: Mapping[str, float]
    icd10_before: IcdChange | None
    severe_icd10: str
    deaths: float

    def month_cases(self, year: int, month: int) -> float:
        """Expected cases of a calendar month in the whole city."""
        shares = self.shares_by_year.get(year, self.shares)
        return self.cases_by_year.get(year, self.cases_otherwise) * shares[month - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Gamma (shape, scale) in days; negative binomial (mean, size) in days (domain.md §5.3)."""

    onset_to_admission: Range
    admission_to_report: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRates:
    """Shares of reports with each fault (domain.md §5.3)."""

    duplicates: float
    corrections_of_errors: float
    corrections_of_others: float
    blank_address: float
    unknown_ward: float
    misspelt_ward: float
    wrong_district: float
    blank_ward: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Foci:
    """Blocks where cases follow one another: around an index case `secondaries` others on average, within `days` of it,
    scattered by `spread_m` (standard deviation along each axis) and never beyond `radius_m`."""

    secondaries: float
    days: float
    spread_m: float
    radius_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Investigations:
    """Field investigations of `diseases`. `outcomes`: weights of the first one's; `working_days`: shares that are done
    within 1, 2, … working days, the rest evenly up to `latest_days`. `confirmed`: share of verified cases with a
    positive test. Of moved patients the form names the commune for `commune_named`, whose ward finds `found_there`."""

    diseases: tuple[str, ...]
    outcomes: Mapping[int, float]
    working_days: tuple[float, ...]
    latest_days: int
    uncertainty_m: Range
    confirmed: float
    commune_named: float
    found_there: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OutbreakRate:
    per_year: float
    size: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentOutbreak:
    disease: str
    size: Range
    began_days_ago: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What the last `days` hold besides chance; `hot_communes` is a number of communes by disease."""

    days: int
    hot_communes: Mapping[str, float]
    hot_factor: Range
    outbreaks: tuple[PresentOutbreak, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facility:
    code: str
    name: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    family: tuple[str, ...]
    middle_male: tuple[str, ...]
    middle_female: tuple[str, ...]
    given_male: tuple[str, ...]
    given_female: tuple[str, ...]
    streets: tuple[str, ...]
    occupations: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationSettings:
    reform: date
    old_names_after_reform: float
    population: Mapping[str, float]
    delays: Delays
    errors: ErrorRates
    excluded_icd10: str
    excluded_name: str
    foci: Foci
    investigations: Investigations
    outbreak_radius_m: float
    outbreak_days: Range
    outbreak_rates: Mapping[str, OutbreakRate]
    present: Present
    diseases: Mapping[str, DiseaseProfile]
    facilities: tuple[Facility, ...]
    words: Words


def load_settings(path: Path) -> SimulationSettings:
    """Raises ConfigError naming the key, OSError."""
    file = read_toml(path)
    excluded, outbreaks = file.table("excluded"), file.table("outbreaks")
    settings = SimulationSettings(
        reform=_day(file, "reform"),
        old_names_after_reform=file.number("old_names_after_reform"),
        population=_weights(file.table("population")),
        delays=_delays(file.table("delays")),
        errors=_errors(file.table("errors")),
        excluded_icd10=excluded.text("icd10"),
        excluded_name=excluded.text("source_name"),
        foci=_foci(file.table("foci")),
        investigations=_investigations(file.table("investigations")),
        outbreak_radius_m=outbreaks.number("radius_m"),
        outbreak_days=_range(outbreaks, "days"),
        outbreak_rates=_outbreak_rates(outbreaks.table("per_year")),
        present=_present(file.table("present")),
        diseases=_diseases(file.table("diseases")),
        facilities=tuple(_facility(raw) for raw in file.tables("facilities")),
        words=_words(file.table("words")),
    )
    for table in (excluded, outbreaks, file):
        table.finish()
    return settings


def _diseases(raw: Table) -> dict[str, DiseaseProfile]:
    return {code: _profile(raw.table(code)) for code in raw.names()}


def _profile(raw: Table) -> DiseaseProfile:
    by_year = raw.table("shares_by_year") if "shares_by_year" in raw else None
    profile = DiseaseProfile(
        cases_by_year={int(year): n for year, n in _weights(raw.table("cases_by_year")).items()},
        cases_otherwise=raw.number("cases_otherwise"),
        shares=_shares(raw, "shares"),
        shares_by_year={int(y): _shares(by_year, y) for y in by_year.names()} if by_year else {},
        peaks=_peaks(raw.table("peaks")) if "peaks" in raw else {},
        commune_sd=raw.number("commune_sd"),
        drift_sd=raw.number("drift_sd"),
        weekly_shape=raw.number("weekly_shape"),
        surges=raw.number("surges"),
        clustering=raw.number("clustering"),
        inpatient=raw.number("inpatient"),
        severity=_range(raw, "severity"),
        district_factor=_weights(raw.table("district_factor")) if "district_factor" in raw else {},
        ages=_ages(raw),
        icd10=_weights(raw.table("icd10")),
        icd10_before=_icd_change(raw.table("icd10_before")) if "icd10_before" in raw else None,
        severe_icd10=raw.text("severe_icd10") if "severe_icd10" in raw else "",
        deaths=raw.number("deaths") if "deaths" in raw else 0.0,
    )
    raw.finish()
    return profile


def _ages(raw: Table) -> tuple[tuple[float, ...], ...]:
    rows = raw.take("ages")
    if not all(isinstance(row, list) and len(row) == 3 and row[0] < row[1] for row in rows):
        raise raw.wrong("ages", "cần các dòng [từ tuổi, đến tuổi, trọng số]")
    return tuple(tuple(float(x) for x in row) for row in rows)


def _peaks(raw: Table) -> dict[date, float]:
    return {date.fromisoformat(day): cases for day, cases in _weights(raw).items()}


def _icd_change(raw: Table) -> IcdChange:
    change = IcdChange(on=_day(raw, "on"), codes=_weights(raw.table("codes")))
    raw.finish()
    return change


def _shares(raw: Table, key: str) -> tuple[float, ...]:
    shares = raw.numbers(key)
    if len(shares) != 12 or abs(sum(shares) - 1) > 0.005:
        raise raw.wrong(key, "cần 12 số có tổng bằng 1")
    return shares


def _delays(raw: Table) -> Delays:
    admission, report = raw.table("onset_to_admission"), raw.table("admission_to_report")
    delays = Delays(
        onset_to_admission=(admission.number("shape"), admission.number("scale")),
        admission_to_report=(report.number("mean"), report.number("size")),
    )
    for table in (admission, report, raw):
        table.finish()
    return delays


def _errors(raw: Table) -> ErrorRates:
    rates = ErrorRates(**{field.name: raw.number(field.name) for field in fields(ErrorRates)})
    raw.finish()
    return rates


def _foci(raw: Table) -> Foci:
    foci = Foci(**{field.name: raw.number(field.name) for field in fields(Foci)})
    raw.finish()
    if foci.secondaries == 0:
        raise raw.wrong("secondaries", "cần lớn hơn 0")
    return foci


def _investigations(raw: Table) -> Investigations:
    settings = Investigations(
        diseases=raw.texts("diseases"),
        outcomes={int(outcome): weight for outcome, weight in _weights(raw.table("outcomes")).items()},
        working_days=raw.numbers("working_days"),
        latest_days=raw.whole("latest_days", at_least=1),
        uncertainty_m=_range(raw, "uncertainty_m"),
        confirmed=raw.number("confirmed"),
        commune_named=raw.number("commune_named"),
        found_there=raw.number("found_there"),
    )
    raw.finish()
    return settings


def _outbreak_rates(raw: Table) -> dict[str, OutbreakRate]:
    rates = {}
    for code in raw.names():
        table = raw.table(code)
        rates[code] = OutbreakRate(per_year=table.number("count"), size=_range(table, "size"))
        table.finish()
    return rates


def _present(raw: Table) -> Present:
    outbreaks = []
    for table in raw.tables("outbreaks"):
        outbreaks.append(
            PresentOutbreak(
                disease=table.text("disease"),
                size=_range(table, "size"),
                began_days_ago=_range(table, "began_days_ago"),
            )
        )
        table.finish()
    present = Present(
        days=raw.whole("days", at_least=1),
        hot_communes=_weights(raw.table("hot_communes")),
        hot_factor=_range(raw, "hot_factor"),
        outbreaks=tuple(outbreaks),
    )
    raw.finish()
    return present


def _facility(raw: Table) -> Facility:
    facility = Facility(code=raw.text("code"), name=raw.text("name"), weight=raw.number("weight"))
    raw.finish()
    return facility


def _words(raw: Table) -> Words:
    occupations = raw.table("occupations")
    words = Words(
        family=raw.texts("family"),
        middle_male=raw.texts("middle_male"),
        middle_female=raw.texts("middle_female"),
        given_male=raw.texts("given_male"),
        given_female=raw.texts("given_female"),
        streets=raw.texts("streets"),
        occupations={age: occupations.texts(age) for age in ("child", "pupil", "adult", "elder")},
    )
    for table in (occupations, raw):
        table.finish()
    return words


def _weights(raw: Table) -> dict[str, float]:
    return {key: raw.number(key) for key in raw.names()}


def _range(raw: Table, key: str) -> Range:
    numbers = raw.numbers(key)
    if len(numbers) != 2:
        raise raw.wrong(key, "cần đúng hai số")
    return numbers[0], numbers[1]


def _day(raw: Table, key: str) -> date:
    value = raw.take(key)
    if type(value) is not date:
        raise raw.wrong(key, "cần là ngày, ví dụ 2025-07-01")
    return value
