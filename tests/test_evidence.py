"""Evidence beside counts: severe cases and deaths, insect surveys, climate, communes that fell silent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import Role
from accounts.service import create_user
from alerts.models import Alert, AreaLevel
from alerts.passport import Passport
from alerts.vocabulary import METHODS as VOCABULARY
from settings import ROOT
from surveillance.diseases import load_catalogue
from surveillance.evidence import METHODS
from surveillance.evidence.climate import Climate, Recent, climate_signals, load_climate, read_climate
from surveillance.evidence.insects import Surveyed, vector_signals
from surveillance.evidence.severity import Grave, grade, severity_signals
from surveillance.evidence.silence import Pause, silence_signals
from surveillance.evidence.thermal import suitability
from surveillance.evidence.watching import Evidence
from surveillance.outbreaks.acts import Actor, record_survey, withdraw
from surveillance.outbreaks.models import OutbreakVersion
from surveillance.outbreaks.profiles import load_profiles
from surveillance.outbreaks.table import METRIC
from surveillance.outbreaks.vectors import Survey
from surveillance.outbreaks.watching import Outbreaks
from surveillance.signals import current_signals
from surveillance.strict_toml import ConfigError
from surveillance.types import Signal
from tests import alerting
from tests.line_list import CITY, Sick, add_cases, add_file, add_unit, evening, supersede
from web.pages.unknown_note import unknown_note

TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 11, tzinfo=UTC)
CATALOGUE = load_catalogue()
DENGUE = CATALOGUE["dengue"]
PROFILE = load_profiles()["HCDC-2021"]
CONTROL = PROFILE.response.vector
assert CONTROL is not None


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


# Severity


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("A97.2", "severe"), ("a972", "severe"), ("A97.20", "severe"), ("A97.1", "warning_signs"),
        ("A97.0", None), ("A97", None), ("A91", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_dengue_is_graded_by_its_code(code: str | None, found: str | None) -> None:
    """domain.md §2.4: A97.0 / .1 / .2; the older A91 says nothing of severity."""
    assert grade(code, DENGUE) == found


def severe(*graves: Grave, cases: int = 40) -> list[Signal]:
    return severity_signals(graves, {("dengue", 1): cases}, {"dengue": DENGUE}, today=TODAY, now=NOW)


def grave(days: int, code: str = "A97.2", outcome: str | None = None, ended: int | None = None) -> Grave:
    return Grave("dengue", 1, code, ago(days), outcome, ago(days if ended is None else ended))


def test_severe_cases_and_deaths_of_two_windows() -> None:
    (found,) = severe(
        grave(3), grave(13), grave(14), grave(27), grave(28),
        grave(20, "A97.1"), grave(10, "A97.2", "died", 2), grave(60, "A97.0", "died", 27),
        grave(5, "A97.0", "discharged"),
    )  # fmt: skip

    assert found.detail == {
        "severe_14": 3, "severe_28": 5, "warning_28": 1, "deaths_14": 1, "deaths_28": 2, "cases_28": 40,
        "severe_percent": 12.5,
    }  # fmt: skip
    assert found.observed == 6  # the severe case that died is one person
    assert str(found.reason) == "Trong 28 ngày qua có 2 ca tử vong và 5 ca nặng trên 40 ca."


@pytest.mark.parametrize("grave", [grave(5, "A97.1"), grave(28), grave(60, "A97.0", "died", 28), grave(-1)])
def test_what_is_not_grave_or_long_ago_says_nothing(grave: Grave) -> None:
    assert severe(grave) == []


# Insects


def surveyed(on: int = 3, outbreak: int = 7, unit: int = 1, **counts: Any) -> Surveyed:
    survey = Survey(on=ago(on), houses=30, **counts)
    return Surveyed(disease="dengue", unit_id=unit, outbreak=outbreak, survey=survey, recent=2)


def insects(*found: Surveyed) -> list[Signal]:
    assert CONTROL is not None
    return vector_signals(found, {"dengue": CONTROL}, today=TODAY, now=NOW)


@pytest.mark.parametrize(
    ("counts", "di", "bi", "high"),
    [
        ({"female_aedes": 15}, 0.5, None, True),
        ({"female_aedes": 14}, 0.47, None, False),
        ({"containers_with_larvae": 9, "containers": 60}, None, 30.0, True),
        ({"containers_with_larvae": 8, "containers": 60}, None, 26.67, False),
        ({"female_aedes": 3, "containers_with_larvae": 10}, 0.1, 33.33, True),
    ],
)
def test_high_risk_from_di_half_or_bi_thirty(
    counts: dict[str, int], di: float | None, bi: float | None, high: bool
) -> None:
    """domain.md §2.4: DI ≥ 0.5 mosquitoes a house or BI ≥ 30 containers per 100 houses."""
    (found,) = insects(surveyed(**counts))

    assert (found.detail["di"], found.detail["bi"], found.alarm) == (di, bi, high)
    assert ("Nguy cơ cao" in str(found.reason)) == high


def test_the_newest_survey_of_each_outbreak_counts_and_the_worst_outbreak_speaks_for_the_commune() -> None:
    (found,) = insects(
        surveyed(9, 7, female_aedes=30), surveyed(2, 7, female_aedes=3), surveyed(5, 8, female_aedes=12)
    )

    assert (found.detail["outbreak"], found.detail["di"], found.detail["survey_days"]) == (8, 0.4, 5)


@pytest.mark.parametrize("late", [surveyed(28, female_aedes=30), surveyed(-1, female_aedes=30), surveyed(3)])
def test_old_and_coming_surveys_and_those_without_indices_say_nothing(late: Surveyed) -> None:
    assert insects(late) == []


# Climate


def test_transmission_is_best_near_29_degrees_and_ends_at_the_limits_of_the_paper() -> None:
    """Mordecai et al. 2017: optimum 29.1 °C (95 % 28.4–29.8), transmission between 17.8 and 34.6 °C."""
    best = max(range(1000, 4000), key=lambda k: suitability(k / 100)) / 100

    assert best == pytest.approx(29.1, abs=0.1)
    assert suitability(best) == pytest.approx(1.0, abs=1e-6)
    assert suitability(17.0) == suitability(34.62) == 0.0
    assert 0 < suitability(17.8) < 0.01 and suitability(34.5) > 0


@given(st.floats(-60, 60))
def test_suitability_is_a_share(temperature: float) -> None:
    assert 0 <= suitability(temperature) <= 1


@pytest.mark.parametrize("t", [18.0, 21.0, 25.0, 33.0])
def test_it_is_the_formula_of_the_paper(t: float) -> None:
    """Eq. 2 by hand with the means of the paper's table, against 29 °C."""
    assert suitability(t) / suitability(29.0) == pytest.approx(by_hand(t) / by_hand(29.0), rel=1e-9)


def by_hand(t: float) -> float:
    def briere(c: float, low: float, high: float) -> float:
        return c * t * (t - low) * math.sqrt(high - t)

    a, efd, mdr = briere(2.02e-4, 13.35, 40.08), briere(8.56e-3, 14.58, 34.61), briere(7.86e-5, 11.36, 39.17)
    b, c, pdr = briere(8.49e-4, 17.05, 35.83), briere(4.91e-4, 12.22, 37.46), briere(6.65e-5, 10.68, 45.90)
    pea, mu = -5.99e-3 * (t - 13.56) * (t - 38.29), 1 / (-1.48e-1 * (t - 9.16) * (t - 37.73))
    return math.sqrt(a**2 * b * c * math.exp(-mu / pdr) * efd * pea * mdr / mu**3)


HEADER = "place,month,temperature_c,rain_mm,humidity_percent\n"
YEAR = HEADER + "".join(f"*,{month},{20 + month},10,80\n" for month in range(1, 13))


def weather(text: str, **options: Any) -> Climate:
    return read_climate(text, file="climate.csv", **options)


def test_the_last_whole_month_as_measured_goes_before_the_normal_and_the_place_before_the_city() -> None:
    found = weather(YEAR + "*,2026-10,33,,\n26740,2026-10,30.5,5,\n26743,2026-11,10,,\n# a remark\n")

    def at(code: str, day: date) -> float | None:
        known = found.at(code, day)
        return None if known is None else known.temperature_c

    assert at("26740", TODAY) == 30.5
    assert at("26743", TODAY) == 33.0  # November is not over: what is measured of it is not known as a whole
    assert at("26743", date(2026, 12, 1)) == 10.0
    assert at("26740", date(2026, 10, 31)) == 30.0  # the normal of October
    assert weather(HEADER).at("26740", TODAY) is None


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", "1", "cần dòng tiêu đề: place,month,temperature_c"),
        ("# remark\nplace,month\n", "2", "cần dòng tiêu đề"),
        (HEADER + "*,1,25,10\n", "2", "có 4 ô, cần 5"),
        (HEADER + "99999,2026-01,25,10,80\n", "2", "không có xã, phường mã “99999”"),
        (HEADER + "*,13,25,10,80\n", "2", "tháng “13”"),
        (HEADER + "*,2026-1-5,25,10,80\n", "2", "phải là 1 đến 12, hoặc như 2026-11"),
        (HEADER + "*,2026-01,,10,80\n", "2", "thiếu nhiệt độ"),
        (HEADER + "*,2026-01,250,10,80\n", "2", "temperature_c “250” phải là số từ -40 đến 50"),
        (HEADER + "*,2026-01,25,-1,80\n", "2", "rain_mm “-1”"),
        (HEADER + "*,2026-01,25,1,nan\n", "2", "humidity_percent “nan”"),
        (HEADER + "\n*,2026-01,25,1,\n*,2026-1,25,1,\n", "4", "đã có ở một dòng trước"),
        (YEAR.replace("*,7,27,10,80\n", ""), "-", "thiếu trung bình nhiều năm của tháng 7"),
    ],
)
def test_a_wrong_climate_file_names_the_line(text: str, line: str, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        weather(text, codes={"26740"})

    assert f"Tệp climate.csv, khóa {line}:" in str(error.value)
    assert says in str(error.value)


def test_climate_speaks_only_where_people_are_sick_and_never_alarms() -> None:
    rows = [Recent("dengue", 1, 6, 2), Recent("dengue", 2, 0, 4)]
    (found,) = climate_signals(rows, weather(YEAR), {1: "26740", 2: "26743"}, today=TODAY, now=NOW)

    assert (found.unit_id, found.observed, found.alarm, found.upperbound) == (1, 6.0, False, None)
    assert (found.detail["temperature_c"], found.detail["growth"]) == (31.0, 3.0)
    assert found.detail["suitability"] == round(suitability(31.0), 3)
    assert "31 °C (theo trung bình nhiều năm của tháng 11)" in str(found.reason)


def test_the_citys_own_climate_file_reads() -> None:
    found = load_climate(ROOT / "deploy" / "hcmc" / "climate.csv", codes=set())

    assert found is not None
    assert min(suitability(found.at("", date(2026, m, 5)).temperature_c) for m in range(1, 13)) > 0.8  # type: ignore[union-attr]


# Silence


def reports(per_day: float, last: int, days: int = 100) -> dict[date, int]:
    """So many reports a day, evenly, until `last` days ago."""
    found = {ago(last + k): math.floor(per_day * (k + 1)) - math.floor(per_day * k) for k in range(days)}
    return {day: n for day, n in found.items() if n}


def silent(days: dict[date, int], **options: Any) -> list[Signal]:
    return silence_signals({1: days}, ["dengue", "measles"], newest=TODAY, now=NOW, **options)


@pytest.mark.parametrize(
    ("per_day", "pause", "is_silent"),
    [(2, 7, True), (2, 6, False), (0.5, 7, False), (0.5, 15, True), (0.05, 60, False)],
)
def test_a_pause_is_judged_by_what_was_usual(per_day: float, pause: int, is_silent: bool) -> None:
    """exp(−2·7) < 0.001; exp(−0.5·7) = 0.03; exp(−0.5·15) = 0.0006; exp(−0.05·60) = 0.05."""
    assert bool(silent(reports(per_day, pause))) == is_silent


def test_a_silent_commune_says_so_for_every_disease() -> None:
    found = silent(reports(2, 9))

    assert [signal.disease for signal in found] == ["dengue", "measles"]
    assert found[0].detail["days"] == 9
    assert found[0].detail["chance"] == pytest.approx(math.exp(-18), rel=0.1)
    assert not found[0].alarm and found[0].upperbound is None
    assert str(found[0].reason).startswith("Đã 9 ngày không có báo cáo ca bệnh nào từ đây, trong khi 8 tuần")


def test_a_pause_longer_than_one_looks_back_goes_on_until_a_report_comes() -> None:
    known = {1: Pause(ago(200), 100)}

    assert silent({}, known=known)[0].detail["days"] == 200
    assert silent({ago(1): 1}, known=known) == []


# In the database


def watcher(units: Sequence[int], climate: str | None = None) -> Evidence:
    return Evidence(
        catalogue=CATALOGUE, diseases=["dengue", "zika", "measles"], unit_ids=units, profiles=[PROFILE],
        climate=None if climate is None else weather(climate), timezone=CITY,
    )  # fmt: skip


@pytest.fixture
def units(session: Session) -> list[int]:
    return [add_unit(session, code) for code in ("26740", "26743")]


@pytest.fixture
def run(session: Session) -> int:
    return add_file(session, "hcdc", evening(TODAY))


def sick(unit: int, days: int, **facts: Any) -> Sick:
    return Sick(day=ago(days), unit_id=unit, facts=facts)


def kept(session: Session, as_of: datetime | None = None) -> dict[tuple[str, str, int], Signal]:
    found = current_signals(session, as_of=as_of)
    return {(s.method, s.disease, s.unit_id): s for s in found if s.method in METHODS}


def test_severity_is_what_is_believed_of_the_cases_at_that_moment(
    session: Session, units: list[int], run: int
) -> None:
    first, second, *_ = add_cases(
        session, run,
        [
            sick(units[0], 9, icd10="A97.2"), sick(units[0], 8, icd10="A97.0"), sick(units[1], 7, icd10="A97.1"),
            sick(units[1], 40, icd10="A97.2"),
            Sick(day=ago(5), unit_id=units[0], classification="discarded", facts={"icd10": "A97.2"}),
        ],
    )  # fmt: skip
    evidence = watcher(units)

    assert evidence.update(session, now=evening(ago(3))) == 1
    supersede(session, first, evening(ago(2)), icd10="A97.0")
    supersede(session, second, evening(ago(1)), icd10="A97.2", outcome="died", date_outcome=ago(1))
    evidence.update(session, now=evening(ago(2)))
    evidence.update(session, now=evening(TODAY))

    key = ("severity", "dengue", units[0])
    assert kept(session, evening(ago(3)))[key].detail["severe_14"] == 1
    assert key not in kept(session, evening(ago(2)))
    assert dict(kept(session)[key].detail) == {
        "severe_14": 1, "severe_28": 1, "warning_28": 0, "deaths_14": 1, "deaths_28": 1, "cases_28": 2,
        "severe_percent": 50.0,
    }  # fmt: skip
    assert evidence.update(session, now=evening(TODAY)) == 0


def test_climate_needs_a_file_a_case_and_a_mosquito(session: Session, units: list[int], run: int) -> None:
    add_cases(session, run, [sick(units[0], 3), sick(units[0], 20), sick(units[1], 3)])
    add_cases(session, run, [Sick(day=ago(3), unit_id=units[0], disease="measles")])

    assert watcher(units).update(session, now=evening(TODAY)) == 0
    watcher(units, YEAR).update(session, now=evening(TODAY))

    assert set(kept(session)) == {("climate", "dengue", unit) for unit in units}
    assert kept(session)["climate", "dengue", units[0]].detail["before"] == 1


def test_surveys_of_outbreaks_speak_for_their_lead_commune_until_they_are_taken_back(
    session: Session, units: list[int], run: int
) -> None:
    home = {
        "place_level": "house",
        "uncertainty_m": 15.0,
        "verification": 8,
        "geom": "SRID=4326;POINT(106.7 10.78)",
    }
    add_cases(session, run, [sick(units[0], 9, **home), sick(units[0], 6, **home)])
    Outbreaks([PROFILE], crs=METRIC).update(session, today=TODAY, now=evening(TODAY))
    outbreak = session.scalars(select(OutbreakVersion.outbreak_id)).one()
    (told,) = [s for s in current_signals(session) if s.method == "outbreak"]
    assert {name: told.detail[name] for name in VOCABULARY["outbreak"].numbers} == {
        "open": 1, "size": 2, "age_days": 9, "confirmed": 0,
    }  # fmt: skip
    user = create_user(
        session, username="a", password="mật khẩu thử", full_name="Cô A", role=Role.ANALYST, area_ids=[]
    )
    given: dict[str, Any] = {
        "actor": Actor(user_id=user.id, name="Cô A", areas=None, may_act=True),
        "profiles": {"dengue": PROFILE}, "now": evening(TODAY),
    }  # fmt: skip
    entry = record_survey(
        session, outbreak, Survey(on=TODAY, houses=30, female_aedes=18), today=TODAY, **given
    )
    evidence = watcher(units)

    evidence.update(session, now=evening(TODAY))
    found = kept(session)["vector", "dengue", units[0]]
    assert (found.detail["di"], found.alarm, found.observed) == (0.6, True, 2.0)

    withdraw(session, entry.id, "Ghi nhầm.", **{**given, "now": evening(TODAY) + timedelta(hours=1)})
    evidence.update(session, now=evening(TODAY) + timedelta(hours=2))
    assert kept(session) == {}
    assert ("vector", "dengue", units[0]) in kept(session, evening(TODAY))


def test_a_commune_whose_reports_stop_while_files_come_is_told(session: Session, units: list[int]) -> None:
    run = add_file(session, "hcdc", evening(TODAY))
    daily = [sick(units[0], days) for days in range(70)]
    add_cases(session, run, daily + [sick(units[1], days) for days in range(10, 80)])
    evidence = watcher(units)

    evidence.update(session, now=evening(TODAY))

    assert {key[2] for key in kept(session) if key[0] == "silence"} == {units[1]}
    assert {key[1] for key in kept(session) if key[0] == "silence"} == {"dengue", "zika", "measles"}


def test_a_commune_is_not_silent_because_no_file_comes(session: Session, units: list[int]) -> None:
    run = add_file(session, "hcdc", evening(ago(12)))
    add_cases(session, run, [sick(units[0], days) for days in range(13, 80)])

    watcher(units).update(session, now=evening(TODAY))

    assert kept(session) == {}


# To the level


def test_a_death_is_level_3_with_its_sentence_and_a_silent_commune_is_unknown_on_its_alert(
    session: Session,
) -> None:
    ward = alerting.add_unit(
        session, "26740", "Phường Thử", alerting.add_unit(session, "79", "Thành phố Thử")
    )
    run = add_file(session, "hcdc", evening(TODAY))
    cases = [sick(ward.id, days) for days in range(0, 60)]
    died = {"outcome": "died", "date_outcome": ago(1)}
    add_cases(session, run, [*cases, sick(ward.id, 6, icd10="A97.2", **died)])
    evidence = watcher([ward.id])

    def decided(now: datetime) -> tuple[AreaLevel, Passport]:
        evidence.update(session, now=now)
        known = [*current_signals(session, unit_ids=[ward.id]), *alerting.calm(ward)]
        alerting.run(session, [s for s in known if s.disease == "dengue"], now=now)
        level = session.scalars(select(AreaLevel).where(AreaLevel.known_to.is_(None))).one()
        return level, Passport.from_json(session.scalars(select(Alert)).one().passport)

    level, passport = decided(evening(TODAY))
    assert (level.level, level.unknown, level.status) == (3, False, "none")
    assert str(passport.reasons[0]) == "Trong 28 ngày qua có 1 ca tử vong và 1 ca nặng trên 29 ca."
    assert unknown_note(session, "dengue", ward.id, passport.reasons) == []

    later = TODAY + timedelta(days=20)
    add_file(session, "hcdc", evening(later))  # files come, and nothing of this commune is in them
    level, passport = decided(evening(later))
    assert (level.level, level.unknown) == (3, True)
    (note,) = unknown_note(session, "dengue", ward.id, passport.reasons)
    assert "Tình hình hiện nay chưa rõ" in str(note) and "Đã 20 ngày không có báo cáo" in str(note)
