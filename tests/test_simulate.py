"""The simulated city against the published magnitudes (domain.md §5), and its files against HCDC's (§1.4)."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from openpyxl import load_workbook

from geodata.types import Lineage, Unit, UnitKey, UnitLevel
from settings import Deployment
from surveillance import investigation_layout
from surveillance.diseases import Catalogue, load_catalogue
from surveillance.epiweek import same_week_in, week_of, week_start
from surveillance.hcdc_layout import COLUMNS, write_day, write_month
from surveillance.simulate import Epidemic, load_settings, places_from_registry, plant_outbreak, simulate
from surveillance.simulation.city import FRONTAGE_M, City, build_city, street_table
from surveillance.sources.mapping import header_key, load_mappings
from surveillance.strict_toml import ConfigError

START, END = date(2020, 11, 1), date(2026, 11, 22)
SETTINGS = Deployment.load("hcmc").folder / "simulation.toml"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def city() -> City:
    return places_from_registry("79", load_settings(SETTINGS))


@pytest.fixture(scope="module")
def six_years(city: City, catalogue: Catalogue) -> Epidemic:
    return simulate(city, catalogue, start=START, end=END, rng=np.random.default_rng(20261122))


@pytest.fixture(scope="module")
def october(city: City, catalogue: Catalogue) -> Epidemic:
    """A small one for what does not need size."""
    return simulate(
        city,
        catalogue,
        start=date(2026, 9, 1),
        end=date(2026, 10, 31),
        rng=np.random.default_rng(1),
        scale=0.3,
    )


def yearly(epidemic: Epidemic, disease: str) -> pd.Series:
    cases = epidemic.cases[epidemic.cases["disease"] == disease]
    return cases["date_onset"].dt.year.value_counts()


def monthly_shares(epidemic: Epidemic, disease: str, year: int) -> NDArray[np.float64]:
    onset = epidemic.cases.loc[epidemic.cases["disease"] == disease, "date_onset"]
    months = onset[onset.dt.year == year].dt.month
    return np.bincount(months, minlength=13)[1:] / len(months)


# ------------------------------------------------------------------------------- magnitudes, domain.md §5


def test_the_city_is_that_of_today(city: City) -> None:
    """168 communes, and the 12.57 M people of 2019 in the three former provinces (domain.md §4)."""
    assert len(city.communes) == 168
    assert city.people.sum() == pytest.approx(12.57e6, rel=0.01)
    assert {place.district.parent.code for place in city.places if place.district.parent} == {
        "74",
        "77",
        "79",
    }


def test_the_volume_is_that_of_a_working_system(six_years: Epidemic) -> None:
    assert 350_000 <= len(six_years.reports) <= 455_000


@pytest.mark.parametrize(
    ("year", "target"),
    [(2021, 12_000 * 1.4), (2022, 80_000 * 1.4), (2023, 19_000 * 1.4), (2024, 14_000 * 1.4), (2025, 45_000)],
)
def test_dengue_follows_the_remembered_yearly_totals(six_years: Epidemic, year: int, target: float) -> None:
    assert yearly(six_years, "dengue")[year] == pytest.approx(target, rel=0.10)


def test_the_former_city_alone_has_its_own_total(six_years: Epidemic, city: City) -> None:
    """2022: about 80,000 within the boundary of then (domain.md §5.1)."""
    former = [p.district.parent is not None and p.district.parent.code == "79" for p in city.places]
    cases = six_years.cases
    dengue = cases[(cases["disease"] == "dengue") & (cases["date_onset"].dt.year == 2022)]

    assert np.array(former)[dengue["place"]].sum() == pytest.approx(80_000, rel=0.10)


def test_dengue_of_an_ordinary_year_has_the_published_season(six_years: Epidemic) -> None:
    published = [0.083, 0.055, 0.046, 0.041, 0.036, 0.054, 0.079, 0.110, 0.111, 0.146, 0.133, 0.107]

    assert monthly_shares(six_years, "dengue", 2024) == pytest.approx(published, abs=0.02)
    assert monthly_shares(six_years, "dengue", 2021).argmax() + 1 == 10


@pytest.mark.parametrize("year", [2022, 2025])
def test_dengue_of_2022_and_2025_peaked_early(six_years: Epidemic, year: int) -> None:
    assert monthly_shares(six_years, "dengue", year).argmax() + 1 in (7, 8, 9)


def test_dengue_of_2022_passes_the_published_cumulative_counts(six_years: Epidemic) -> None:
    """40 % by 21 July and 78 % by W40, ISO 39 (domain.md §5.1)."""
    onset = six_years.cases.loc[six_years.cases["disease"] == "dengue", "date_onset"]
    of_2022 = onset[onset.dt.year == 2022]

    assert (of_2022 <= pd.Timestamp(2022, 7, 21)).mean() == pytest.approx(32_011 / 80_000, abs=0.03)
    assert (of_2022 <= pd.Timestamp(2022, 10, 2)).mean() == pytest.approx(62_085 / 80_000, abs=0.03)


def test_hfmd_peaks_in_week_30_of_2023(six_years: Epidemic) -> None:
    """2,665 reports in W30 (domain.md §5.2)."""
    reports = six_years.reports
    received = reports.loc[reports["disease"] == "hfmd", "date_report"]
    weeks = received[received.dt.year == 2023].dt.isocalendar().week.value_counts()

    assert weeks.max() == pytest.approx(2_665, rel=0.12)
    assert weeks.idxmax() in (30, 31)


def test_hfmd_of_an_ordinary_year_peaks_in_september(six_years: Epidemic) -> None:
    assert monthly_shares(six_years, "hfmd", 2024).argmax() + 1 == 9


def test_the_measles_wave_of_2024_and_2025(six_years: Epidemic) -> None:
    """9,383 up to W20/2025 within the boundary of then, 5,337 of them in 2025 (domain.md §5.2)."""
    onset = six_years.cases.loc[six_years.cases["disease"] == "measles", "date_onset"]
    wave = onset[(onset >= pd.Timestamp(2024, 6, 1)) & (onset <= pd.Timestamp(2025, 5, 18))]

    assert len(wave) == pytest.approx(9_383 * 1.4, rel=0.10)
    assert (wave.dt.year == 2025).sum() == pytest.approx(5_337 * 1.4, rel=0.12)


@pytest.mark.parametrize(
    ("disease", "low", "high"),
    [("zika", 0, 60), ("pertussis", 5, 350), ("typhoid", 10, 90), ("cholera", 0, 5), ("diphtheria", 0, 10)],
)
def test_rare_diseases_stay_rare(six_years: Epidemic, disease: str, low: int, high: int) -> None:
    counts = yearly(six_years, disease).reindex(range(2021, 2026), fill_value=0)

    assert counts.between(low, high).all()


# ----------------------------------------------------------------------- delays and faults, domain.md §5.3


def test_delays_are_those_of_the_domain_study(six_years: Epidemic) -> None:
    cases = six_years.cases
    to_admission = (cases["date_admission"] - cases["date_onset"]).dt.days
    to_report = (cases["date_report"] - cases["date_admission"]).dt.days

    assert to_admission.median() == 3
    assert (to_admission <= 7).mean() == pytest.approx(0.95, abs=0.02)
    assert to_report.min() == 0
    assert to_report.mean() == pytest.approx(1.8 + 2 / 7, abs=0.1)


def test_what_is_not_reported_yet_is_only_in_the_truth(six_years: Epidemic) -> None:
    late = six_years.cases[six_years.cases["date_report"] > pd.Timestamp(END)]

    assert len(late) > 100
    assert six_years.reports["date_report"].between(pd.Timestamp(START), pd.Timestamp(END)).all()
    assert not set(late["case_id"]) & set(six_years.reports["case_id"])


def test_in_patients(six_years: Epidemic) -> None:
    inside = six_years.cases["treatment"].eq("inpatient").groupby(six_years.cases["disease"]).mean()

    assert inside["dengue"] == pytest.approx(0.50, abs=0.02)
    assert inside["hfmd"] == pytest.approx(0.117, abs=0.01)


def test_duplicates_and_corrections(six_years: Epidemic) -> None:
    share = six_years.reports["kind"].value_counts(normalize=True)

    assert 0.03 <= share["duplicate"] + share["upgrade"] <= 0.08
    assert 0.01 <= share["correction"] <= 0.04


def test_a_duplicate_comes_from_another_hospital(october: Epidemic) -> None:
    reports = october.reports
    first = reports[reports["kind"] == "first"].set_index("case_id")
    again = reports[reports["kind"].isin(["duplicate", "upgrade"])].set_index("case_id")
    both = again.join(first, rsuffix="_first", how="inner")

    assert (both["facility"] != both["facility_first"]).all()
    assert (both["name"] == both["name_first"]).all()
    assert (both["treatment"] == "inpatient").all()


def test_a_correction_keeps_hospital_and_file_number_and_changes_something(october: Epidemic) -> None:
    reports = october.reports
    first = reports[reports["kind"] == "first"].set_index(["facility", "file_no"])
    again = reports[reports["kind"] == "correction"].set_index(["facility", "file_no"])
    both = again.join(first, rsuffix="_first", how="inner")
    fields = ("age_years", "icd10", "source_name", "address", "district", "commune")

    assert len(both) > 20
    assert (both["date_report"] > both["date_report_first"]).all()
    assert np.any([both[f] != both[f + "_first"] for f in fields], axis=0).all()


def test_address_faults_are_about_a_tenth(six_years: Epidemic) -> None:
    first = six_years.reports[six_years.reports["kind"] == "first"]

    assert (first["fault"] != "").mean() == pytest.approx(0.10, abs=0.01)


def test_old_names_live_on_after_the_reform(six_years: Epidemic) -> None:
    """Rows of old names carry a district, rows of new names none; 40 % are old, all are before July 2025."""
    named = six_years.reports[six_years.reports["kind"] == "first"]
    after = named["date_admission"] >= pd.Timestamp(2025, 7, 1)

    assert (named.loc[~after, "district"] != "").all()
    assert (named.loc[after, "district"] != "").mean() == pytest.approx(0.4, abs=0.01)


def test_the_catalogue_knows_what_the_reports_say(october: Epidemic, catalogue: Catalogue) -> None:
    said = october.reports[["disease", "icd10", "source_name", "fault"]].drop_duplicates()
    kept = said[said["fault"] != "disease_excluded"]

    for row in kept.itertuples():
        by_icd10, by_name = catalogue.by_icd10(row.icd10), catalogue.by_name(row.source_name)
        assert by_icd10 is not None and by_icd10.code == row.disease
        assert by_name is not None and by_name.code == row.disease
    assert catalogue.by_icd10("B34.9") is None


def test_nobody_can_be_taken_for_a_real_person(october: Epidemic) -> None:
    assert october.reports["phone"].str.fullmatch(r"(0000\d{6})?").all()
    assert october.reports["facility"].str.fullmatch(r"BV\d\d").all()


# ------------------------------------------------------------------------------------ places and outbreaks


def metres(lat: pd.Series, lon: pd.Series, lat0: float, lon0: float) -> NDArray[np.float64]:
    """Haversine on the mean sphere."""
    a, b, a0, b0 = (np.radians(x) for x in (lat, lon, lat0, lon0))
    h = np.sin((a - a0) / 2) ** 2 + np.cos(a) * np.cos(a0) * np.sin((b - b0) / 2) ** 2
    return np.asarray(2 * 6_371_008.8 * np.arcsin(np.sqrt(h)))


def test_planted_outbreaks_are_tight_in_space_and_time(six_years: Epidemic) -> None:
    members = six_years.cases[six_years.cases["outbreak_id"] >= 0].groupby("outbreak_id")

    assert len(six_years.outbreaks) == members.ngroups > 200
    for outbreak in six_years.outbreaks:
        cases = members.get_group(outbreak.id)
        assert len(cases) == outbreak.size and 5 <= outbreak.size <= 40
        assert set(cases["commune_code"]) == {outbreak.commune_code}
        assert set(cases["disease"]) == {outbreak.disease}
        assert metres(cases["lat"], cases["lon"], outbreak.lat, outbreak.lon).max() <= outbreak.radius_m + 1
        assert cases["date_onset"].min() == pd.Timestamp(outbreak.start)
        assert outbreak.end - outbreak.start <= timedelta(days=28)


def test_the_present_holds_a_few_fresh_outbreaks(six_years: Epidemic) -> None:
    fresh = [outbreak for outbreak in six_years.outbreaks if outbreak.start >= END - timedelta(days=45)]

    assert 5 <= len(fresh) <= 10
    assert {"dengue", "hfmd", "pertussis"} <= {outbreak.disease for outbreak in fresh}


def test_a_focus_is_a_block_for_three_weeks(six_years: Epidemic) -> None:
    """All within 200 m and 21 days of the first case (domain.md §1.3); planted ones have their own law above."""
    cases = six_years.cases
    grown = cases[(cases["focus_id"] >= 0) & (cases["outbreak_id"] < 0)]
    foci = grown.groupby("focus_id")
    index = foci[["lat", "lon"]].transform("first")
    apart = metres(grown["lat"], grown["lon"], index["lat"].to_numpy(), index["lon"].to_numpy())

    assert foci.size().min() >= 2
    assert foci["disease"].nunique().max() == foci["ward_code"].nunique().max() == 1
    assert (foci["date_onset"].max() - foci["date_onset"].min()).max() <= pd.Timedelta(days=21)
    assert apart.max() <= 201
    assert 20 <= np.median(apart[apart > 0]) <= 100


@pytest.mark.parametrize(("year", "least", "most"), [(2022, 200, 260), (2025, 85, 150)])
def test_new_dengue_foci_of_the_peak_week_are_those_hcdc_reported(
    six_years: Epidemic, year: int, least: int, most: int
) -> None:
    """209 and 250 new outbreaks a week in July 2022, 95 in W40, 113 in W42 (domain.md §5.1); by their second case."""
    cases = six_years.cases[(six_years.cases["disease"] == "dengue") & (six_years.cases["focus_id"] >= 0)]
    second = cases.groupby("focus_id")["date_onset"].nth(1)
    weekly = second[second.dt.year == year].dt.isocalendar().week.value_counts()

    assert least <= weekly.max() <= most


# ------------------------------------------------------------------------- investigations, domain.md §1.2, §5.3


def first_forms(epidemic: Epidemic) -> pd.DataFrame:
    """The first form of each case, with the day its first report came (`told`) and the truth (`_true`)."""
    forms = epidemic.investigations.drop_duplicates("case_id")
    reports = epidemic.reports[epidemic.reports["kind"] == "first"].set_index("case_id")
    told = reports[["date_report"]].add_suffix("_told")
    truth = epidemic.cases.set_index("case_id")[["place", "lat", "lon"]].add_suffix("_true")
    return forms.join(told, on="case_id").join(truth, on="case_id")


def test_outcomes_of_first_investigations_have_the_shares_of_the_domain_study(six_years: Epidemic) -> None:
    share = first_forms(six_years)["outcome"].value_counts(normalize=True)

    assert share[8] == pytest.approx(0.70, abs=0.01)
    assert share[7] == pytest.approx(0.08, abs=0.01)
    assert share[[4, 5, 6]].sum() == pytest.approx(0.10, abs=0.01)
    assert share[[1, 2, 3]].sum() == pytest.approx(0.12, abs=0.01)


def test_most_wards_answer_within_24_working_hours(six_years: Epidemic) -> None:
    """Three working days; median one, none later than ten (domain.md §5.3)."""
    forms = first_forms(six_years)
    days = np.busday_count(
        forms["date_report_told"].to_numpy().astype("datetime64[D]"),
        forms["date_report"].to_numpy().astype("datetime64[D]"),
    )

    assert (forms["date_report"] > forms["date_report_told"]).all()
    assert np.median(days) == 1
    assert (days <= 3).mean() == pytest.approx(0.90, abs=0.01)
    assert days.max() <= 10 + 1  # a report of a Sunday


def test_only_diseases_of_a_place_are_looked_for_and_every_form_is_of_a_reported_case(
    october: Epidemic,
) -> None:
    forms = october.investigations
    known = october.reports.set_index(["facility", "file_no"])["case_id"]

    assert set(forms["disease"]) <= {"dengue", "zika", "chikungunya"}
    named = pd.MultiIndex.from_frame(forms[["facility", "file_no"]])
    assert (known[~known.index.duplicated()].loc[named].to_numpy() == forms["case_id"].to_numpy()).all()
    assert forms["date_report"].between(pd.Timestamp(october.start), pd.Timestamp(october.end)).all()


def test_patients_found_have_a_point_and_an_onset_and_others_have_not(october: Epidemic) -> None:
    forms = october.investigations
    home = forms["outcome"].isin([7, 8])

    assert forms.loc[home, ["lat", "lon", "date_onset", "uncertainty_m"]].notna().all(axis=None)
    assert forms.loc[~home, ["lat", "lon", "date_onset", "uncertainty_m"]].isna().all(axis=None)
    assert forms["uncertainty_m"].dropna().between(10, 30).all()
    assert (forms.loc[forms["outcome"].isin([3, 6]), "commune"] == "").all()


def test_points_lie_at_the_house_as_closely_as_they_say(six_years: Epidemic) -> None:
    """Within the uncertainty in 86 % (a Rayleigh distance of two standard deviations)."""
    found = first_forms(six_years).dropna(subset=["lat"])

    off = metres(found["lat"], found["lon"], found["lat_true"].to_numpy(), found["lon_true"].to_numpy())

    assert (off <= found["uncertainty_m"]).mean() == pytest.approx(1 - np.exp(-2), abs=0.01)


def test_the_hospital_was_told_another_commune_by_those_who_live_elsewhere(
    october: Epidemic, city: City
) -> None:
    forms = first_forms(october)
    homes = np.array([place.commune.name for place in city.places])[forms["place_true"]]
    moved = forms["outcome"].isin([1, 2, 4, 5])

    assert ((forms["commune"] == homes) | (forms["commune"] == "")).all()
    assert (forms.loc[moved, "commune"] != "").mean() == pytest.approx(0.9, abs=0.05)
    living = october.investigations[october.investigations["result"] == ""]
    again = living[living.duplicated("case_id")]
    assert (again["outcome"] == 8).all()
    assert set(again["case_id"]) <= set(forms.loc[moved, "case_id"])


def test_only_severe_cases_die_and_wards_tell_it_from_the_next_day_on(six_years: Epidemic) -> None:
    """domain.md §5.1: 25 deaths of 1,360 severe cases of dengue in 2022."""
    dengue = six_years.cases[six_years.cases["disease"] == "dengue"]
    severe = dengue[dengue["severity"] == "severe"]
    dead = dengue[dengue["died"].notna()]
    forms = six_years.investigations[six_years.investigations["result"] == "died"]

    assert len(dead) / len(severe) == pytest.approx(25 / 1360, abs=3 * (0.018 / len(severe)) ** 0.5)
    assert set(dead.index) <= set(severe.index) and (dead["died"] > dead["date_admission"]).all()
    assert set(forms["case_id"]) <= set(dead["case_id"]) and len(forms) > 0
    assert (forms["date_report"] >= forms["ended"] + pd.Timedelta(days=1)).all()


def test_severe_dengue_and_it_alone_has_the_code_that_says_so(october: Epidemic) -> None:
    first = october.reports[(october.reports["kind"] == "first") & (october.reports["disease"] == "dengue")]
    truth = october.cases.set_index("case_id")["severity"].loc[first["case_id"]].to_numpy()

    assert ((first["icd10"].to_numpy() == "A97.2") == (truth == "severe")).all()


def test_every_address_can_be_found_in_the_street_table(october: Epidemic, city: City) -> None:
    """A simulated gazetteer: number and street lead back to within an alley's depth of the case."""
    streets = street_table(city).set_index(["ward_code", "commune_code", "street"]).sort_index()
    sample = october.cases.sample(200, random_state=1)

    for case in sample.itertuples():
        number, _, street = str(case.address).partition(" ")
        row = streets.loc[[(case.ward_code, case.commune_code, street)]].iloc[0]
        along = (int(number.split("/")[0]) - 0.5) * FRONTAGE_M
        width = metres(pd.Series([row.lat]), pd.Series([row.lon_east]), row.lat, row.lon_west)[0]
        lon = row.lon_west + (row.lon_east - row.lon_west) * along / width
        assert metres(pd.Series([case.lat]), pd.Series([case.lon]), row.lat, lon)[0] < 115


def small_registry() -> tuple[list[Unit], list[Lineage]]:
    old, new = date(2025, 1, 1), date(2025, 7, 1)
    province = UnitKey(UnitLevel.PROVINCE, "79", new)
    district = Unit(
        key=UnitKey(UnitLevel.DISTRICT, "771", old),
        name="Quận 10",
        short_name="Quận 10",
        kind="Quận",
        valid_to=new,
    )
    wards = [
        Unit(
            key=UnitKey(UnitLevel.COMMUNE, code, old),
            name=f"Phường {code}",
            short_name=f"Phường {code}",
            kind="Phường",
            valid_to=new,
            parent=district.key,
            lat=10.77,
            lon=106.66,
            bounds=(106.655, 10.765, 106.665, 10.775),
            population=people,
        )
        for code, people in (("1", 10_000), ("2", 30_000))
    ]
    communes = [
        Unit(
            key=UnitKey(UnitLevel.COMMUNE, code, new),
            name=name,
            short_name=name.removeprefix("Phường "),
            kind="Phường",
            parent=province,
            lat=10.771,
            lon=106.661,
        )
        for code, name in (("27169", "Phường Diên Hồng"), ("27190", "Phường Hòa Hưng"))
    ]
    links = [
        Lineage(old=wards[0].key, new=communes[0].key, split=False, is_default=True),
        Lineage(old=wards[1].key, new=communes[0].key, split=True, is_default=True),
        Lineage(old=wards[1].key, new=communes[1].key, split=True, is_default=False),
    ]
    return [district, *wards, *communes], links


def test_people_of_a_split_ward_are_shared_out() -> None:
    city = build_city(*small_registry(), "79", load_settings(SETTINGS))
    per_commune = np.bincount(city.commune_of, city.people)

    assert [commune.name for commune in city.communes] == ["Phường Diên Hồng", "Phường Hòa Hưng"]
    assert per_commune == pytest.approx([28_000, 12_000])


def test_a_city_without_lineage_is_refused() -> None:
    units, _ = small_registry()

    with pytest.raises(ValueError, match="lineage"):
        build_city(units, [], "79", load_settings(SETTINGS))


def test_the_same_seed_gives_the_same_epidemic(october: Epidemic, city: City, catalogue: Catalogue) -> None:
    again, other = (
        simulate(
            city,
            catalogue,
            start=october.start,
            end=october.end,
            rng=np.random.default_rng(seed),
            scale=0.3,
        )
        for seed in (1, 2)
    )

    pd.testing.assert_frame_equal(again.reports, october.reports)
    pd.testing.assert_frame_equal(again.investigations, october.investigations)
    pd.testing.assert_frame_equal(again.cases, october.cases)
    assert again.outbreaks == october.outbreaks
    assert len(other.reports) != len(october.reports)


def test_scale_multiplies_the_cases(october: Epidemic, city: City, catalogue: Catalogue) -> None:
    larger = simulate(
        city, catalogue, start=october.start, end=october.end, rng=np.random.default_rng(1), scale=0.9
    )

    assert len(larger.cases) == pytest.approx(3 * len(october.cases), rel=0.1)


def test_a_past_that_ends_before_it_starts_is_refused(city: City, catalogue: Catalogue) -> None:
    with pytest.raises(ValueError, match="before the start"):
        simulate(city, catalogue, start=END, end=START, rng=np.random.default_rng(1))


# ---------------------------------------------------------- the statutory rule, Circular 15/2026 arts. 16, 22


def admitted(epidemic: Epidemic, city: City, first: date, last: date, known: date) -> NDArray[np.int64]:
    """Dengue cases by commune with admission from `first` to `last`, as reported by `known`."""
    cases = epidemic.cases[epidemic.cases["disease"] == "dengue"]
    within = cases["date_admission"].between(pd.Timestamp(first), pd.Timestamp(last))
    chosen = cases[within & (cases["date_report"] <= pd.Timestamp(known))]
    codes = [commune.key.code for commune in city.communes]
    return chosen["commune_code"].value_counts().reindex(codes, fill_value=0).to_numpy()


def communes_above(
    epidemic: Epidemic, city: City, day: date, left_out: tuple[int, ...] = ()
) -> tuple[float, float]:
    """Shares of communes whose week-to-date is above mean + 1 SD of the same week of five years, and whose
    month-to-date is above mean + 2 SD of the same month; fewer than 3 cases never count (§8 case 8)."""
    years = [year for year in range(day.year - 5, day.year) if year not in left_out]
    week = [
        admitted(epidemic, city, monday, monday + timedelta(days=6), day)
        for monday in (same_week_in(year, week_of(day).week) for year in years)
    ]
    month = [
        admitted(epidemic, city, first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1), day)
        for first in (date(year, day.month, 1) for year in years)
    ]
    this_week = admitted(epidemic, city, week_start(day), day, day)
    this_month = admitted(epidemic, city, day.replace(day=1), day, day)
    warning = (this_week > np.mean(week, 0) + np.std(week, 0, ddof=1)) & (this_week >= 3)
    epidemic_now = (this_month > np.mean(month, 0) + 2 * np.std(month, 0, ddof=1)) & (this_month >= 3)
    return float((warning | epidemic_now).mean()), float(epidemic_now.mean())


@pytest.mark.parametrize("day", [date(2026, 4, 30), date(2026, 9, 30), END])
def test_dengue_is_mostly_calm_by_the_statutory_rule(six_years: Epidemic, city: City, day: date) -> None:
    every_year = communes_above(six_years, city, day)
    without_2022 = communes_above(six_years, city, day, left_out=(2022,))

    assert every_year[1] <= 0.10 and without_2022[1] <= 0.12
    assert every_year[0] <= 0.12 and without_2022[0] <= 0.25


def test_the_present_has_communes_worth_a_look(six_years: Epidemic, city: City) -> None:
    above, _ = communes_above(six_years, city, END)

    assert 3 / 168 <= above <= 16 / 168


# ------------------------------------------------------------------------------- HCDC's files, domain.md §1.4


def rows_of(path: Path) -> tuple[str, list[tuple[object, ...]]]:
    sheet = load_workbook(path).worksheets[0]
    return sheet.title, list(sheet.iter_rows(values_only=True))


def test_a_day_becomes_two_files_in_hcdcs_layouts(october: Epidemic, tmp_path: Path) -> None:
    day = date(2026, 10, 1)

    paths = write_day(october, day, tmp_path)

    assert [path.name for path in paths] == ["SXH_2026-10-01.xlsx", "DICHBENH_2026-10-01.xlsx"]
    (dengue_sheet, dengue), (other_sheet, others) = (rows_of(path) for path in paths)
    assert (dengue_sheet, other_sheet) == ("SXH", "TC-ZIKA")
    assert dengue[0] == COLUMNS
    assert others[0] == (*COLUMNS, "Hình thức điều trị")
    assert len(dengue) + len(others) - 2 == (october.reports["date_report"] == pd.Timestamp(day)).sum()
    assert {row[-1] for row in others[1:]} == {"Nội trú", "Ngoại trú"}


def test_the_headers_are_the_published_ones() -> None:
    published = (
        "BV, ICD, T_BENH, SHS, HO TEN, PHAI, TUOI, DIA CHI, NGHE NGHIEP, ME, DT, QH, PX, NG_NV, NG_BC, "
        "Nam NV, Thang NV, Tuan NV, Nam BC, Thang BC, Tuan BC"
    )

    assert ", ".join(COLUMNS) == published


def test_cells_are_written_as_hcdc_writes_them(october: Epidemic, tmp_path: Path) -> None:
    day = date(2026, 10, 1)
    sent = october.reports[
        (october.reports["date_report"] == pd.Timestamp(day)) & (october.reports["disease"] == "dengue")
    ]

    _, rows = rows_of(write_day(october, day, tmp_path)[0])

    for cells, report in zip(rows[1:], sent.itertuples(), strict=True):
        row = dict(zip(COLUMNS, cells, strict=True))
        assert row["PHAI"] in ("T", "G") and row["TUOI"] == report.age_years
        assert row["NG_BC"] == "01/10/2026"
        assert row["NG_NV"] == f"{report.date_admission:%d/%m/%Y}"
        assert (row["Nam BC"], row["Thang BC"], row["Tuan BC"]) == (2026, 10, 40)
        text = [str(row[c]) for c in ("T_BENH", "HO TEN", "DIA CHI", "QH", "PX") if row[c]]
        assert all(value.isascii() and value == value.upper() for value in text)
        assert (row["BV"], row["SHS"]) == (report.facility, report.file_no)


def test_week_numbers_of_2022_are_one_ahead(six_years: Epidemic, tmp_path: Path) -> None:
    """W40 = 26 September–2 October 2022 (domain.md §4)."""
    _, rows = rows_of(write_day(six_years, date(2022, 9, 28), tmp_path)[0])

    assert {row[COLUMNS.index("Tuan BC")] for row in rows[1:]} == {40}


def test_a_day_without_reports_leaves_no_file(october: Epidemic, tmp_path: Path) -> None:
    assert write_day(october, date(2019, 1, 1), tmp_path) == []


def test_a_month_holds_every_report_of_its_days(october: Epidemic, tmp_path: Path) -> None:
    paths = write_month(october, date(2026, 9, 1), tmp_path)

    assert [path.name for path in paths] == ["SXH_2026-09.xlsx", "DICHBENH_2026-09.xlsx"]
    written = sum(len(rows_of(path)[1]) - 1 for path in paths)
    assert written == (october.reports["date_report"].dt.month == 9).sum()


def test_a_month_can_end_early(october: Epidemic, tmp_path: Path) -> None:
    paths = write_month(october, date(2026, 10, 1), tmp_path, until=date(2026, 10, 8))

    days = {row[COLUMNS.index("NG_BC")] for path in paths for row in rows_of(path)[1][1:]}
    assert max(str(day) for day in days) <= "07/10/2026"


def test_forms_of_a_day_become_one_file_the_source_knows(october: Epidemic, tmp_path: Path) -> None:
    day = date(2026, 10, 1)

    (path,) = investigation_layout.write_day(october, day, tmp_path)
    title, rows = rows_of(path)
    (mapping,) = load_mappings(["hcdc_investigation"])

    assert (path.name, title) == ("DIEU_TRA_2026-10-01.xlsx", "DIEU_TRA")
    assert {header_key(str(header)) for header in rows[0]} <= mapping.known_headers
    assert len(rows) - 1 == (october.investigations["date_report"] == pd.Timestamp(day)).sum() > 0
    assert investigation_layout.write_day(october, date(2019, 1, 1), tmp_path) == []


def test_forms_of_a_month_can_end_early(october: Epidemic, tmp_path: Path) -> None:
    (path,) = investigation_layout.write_month(october, date(2026, 10, 1), tmp_path, until=date(2026, 10, 8))

    days = {str(row[2]) for row in rows_of(path)[1][1:]}
    assert path.name == "DIEU_TRA_2026-10.xlsx"
    assert max(days) <= "07/10/2026"


def test_an_outbreak_can_be_planted_in_a_named_commune(
    city: City, catalogue: Catalogue, tmp_path: Path
) -> None:
    commune = next(c for c in city.communes if c.name == "Phường Sài Gòn")
    day = date(2026, 11, 20)

    planted = plant_outbreak(
        city,
        catalogue,
        commune.key.code,
        "dengue",
        start=date(2026, 11, 10),
        size=12,
        rng=np.random.default_rng(5),
        days=8,
        reported_on=day,
    )
    _, rows = rows_of(write_day(planted, day, tmp_path)[0])
    (outbreak,), reports = planted.outbreaks, planted.reports

    assert outbreak.commune == "Phường Sài Gòn" and outbreak.size == 12
    assert len(rows) - 1 == 12
    assert (reports["fault"] == "").all() and reports["file_no"].is_unique
    assert (reports["date_admission"] <= pd.Timestamp(day)).all()


def test_planting_in_a_commune_that_does_not_exist_is_refused(city: City, catalogue: Catalogue) -> None:
    with pytest.raises(KeyError):
        plant_outbreak(city, catalogue, "00000", "dengue", start=END, size=5, rng=np.random.default_rng(1))


# ---------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("inpatient = 0.5 ", 'inpatient = "half" ', "diseases.dengue.inpatient"),
        ("clustering = 0.26", "clustring = 0.26", "diseases.dengue.clustering"),
        ("0.133, 0.106]", "0.133]", "diseases.dengue.shares"),
        ("days = [14, 28]", "days = [14]", "outbreaks.days"),
        ("reform = 2025-07-01", 'reform = "July"', "reform"),
        ("blank_ward = 0.01", "blank_ward = 0.01\nlost = 0.5", "errors.lost"),
    ],
)
def test_broken_settings_are_refused_by_key(tmp_path: Path, old: str, new: str, key: str) -> None:
    text = SETTINGS.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "simulation.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        load_settings(path)

    assert caught.value.message.values["key"] == key
