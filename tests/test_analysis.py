"""From a line list to kept signals: the test cases of domain.md §8 that belong to the statutory test."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from surveillance.analysis import AnalysisReport, analyse, assess
from surveillance.diseases import Catalogue, load_catalogue
from surveillance.models import DiseaseArea, SignalRow
from surveillance.signals import current_signals
from surveillance.types import Frequency, Signal, StatutoryStatus
from tests.line_list import CITY, Sick, add_cases, add_file, add_unit, evening, supersede

NONE, WARNING, EPIDEMIC = StatutoryStatus.NONE, StatutoryStatus.WARNING, StatutoryStatus.EPIDEMIC
ENDED, INSUFFICIENT = StatutoryStatus.ENDED, StatutoryStatus.INSUFFICIENT
BEGAN = date(2019, 1, 1)
TODAY = date(2026, 11, 20)  # a Friday


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
def unit(session: Session) -> int:
    return add_unit(session, "26740")


@pytest.fixture
def run(session: Session, unit: int) -> int:
    """A source that has told of this city since 2019, whose file of today has come."""
    run = add_file(session, "hcdc", evening(TODAY))
    diseases = ("dengue", "pertussis")
    add_cases(session, run, [Sick(day=BEGAN, unit_id=unit, disease=disease) for disease in diseases])
    return run


def each_year(counts: dict[int, int], month: int, unit: int) -> list[Sick]:
    """`counts` cases on the 10th of `month` of each year."""
    return [Sick(day=date(year, month, 10), unit_id=unit) for year, n in counts.items() for _ in range(n)]


def on(day: date, count: int, unit: int, disease: str = "dengue", setting: str | None = None) -> list[Sick]:
    return [Sick(day=day, unit_id=unit, disease=disease, setting=setting)] * count


def run_analysis(
    session: Session, catalogue: Catalogue, unit: int, now: datetime, disease: str = "dengue"
) -> AnalysisReport:
    return analyse(session, catalogue, diseases=[disease], unit_ids=[unit], now=now, timezone=CITY)


def by_method(signals: list[Signal] | tuple[Signal, ...]) -> dict[str, Signal]:
    return {signal.method: signal for signal in signals}


def month_status(report: AnalysisReport) -> StatutoryStatus | None:
    return by_method(report.signals)["statutory_month"].status


def test_case_7_a_late_report_changes_last_month_only_once_it_is_known(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    """October's threshold is 2 + 2·√0.5 = 3.41 cases; the fourth case of October came on 19 November."""
    october = date(2026, 10, 31)
    add_file(session, "hcdc", evening(october))
    add_cases(session, run, each_year({2021: 1, 2022: 2, 2023: 3, 2024: 2, 2025: 2}, 10, unit))
    add_cases(session, run, on(date(2026, 10, 12), 3, unit))
    late = Sick(day=date(2026, 10, 30), unit_id=unit, known_from=evening(date(2026, 11, 19)))
    add_cases(session, run, [late])

    def october_as_of(moment: datetime) -> Signal:
        signals = assess(session, catalogue, diseases=["dengue"], unit_ids=[unit], day=october, as_of=moment)
        return by_method(signals)["statutory_month"]

    assert (october_as_of(evening(october)).observed, october_as_of(evening(october)).status) == (3, NONE)
    add_file(session, "hcdc", evening(date(2026, 11, 18)))
    assert october_as_of(evening(date(2026, 11, 19)) - timedelta(minutes=1)).status is NONE
    found = october_as_of(evening(date(2026, 11, 19)))
    assert (found.observed, found.status) == (4, EPIDEMIC)
    assert found.upperbound == pytest.approx(2 + 2 * 0.5**0.5)


def test_what_was_believed_on_a_day_stays_readable(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    first = add_cases(session, run, on(date(2026, 11, 18), 1, unit))
    run_analysis(session, catalogue, unit, evening(TODAY))
    supersede(session, first[0], evening(TODAY) + timedelta(hours=1), classification="discarded")
    later = evening(TODAY) + timedelta(hours=2)
    run_analysis(session, catalogue, unit, later)

    def known(as_of: datetime | None) -> tuple[float, StatutoryStatus | None]:
        signal = by_method(current_signals(session, as_of=as_of, disease="dengue", unit_ids=[unit]))
        return signal["statutory_month"].observed, signal["statutory_month"].status

    assert known(evening(TODAY)) == (1, EPIDEMIC)
    assert known(later) == known(None) == (0, ENDED)
    assert current_signals(session, as_of=evening(TODAY) - timedelta(seconds=1)) == []


def test_case_8_without_history_of_cases_one_case_meets_the_letter_of_the_law(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    add_cases(session, run, on(TODAY, 1, unit))

    found = by_method(run_analysis(session, catalogue, unit, evening(TODAY)).signals)

    month = found["statutory_month"]
    assert (month.observed, month.expected, month.upperbound) == (1, 0, 0)
    assert (month.status, found["statutory_week"].status) == (EPIDEMIC, WARNING)


def test_case_9_an_epidemic_year_leaves_the_comparison(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    add_cases(session, run, each_year({2021: 2, 2022: 2, 2023: 40, 2024: 2, 2025: 2}, 11, unit))
    add_cases(session, run, on(date(2026, 11, 3), 3, unit))
    assert month_status(run_analysis(session, catalogue, unit, evening(TODAY))) is NONE

    session.add(DiseaseArea(disease="dengue", unit_id=unit, endemic=None, epidemic_years=[2023]))
    found = by_method(run_analysis(session, catalogue, unit, evening(TODAY)).signals)["statutory_month"]

    assert (found.status, found.expected, found.upperbound) == (EPIDEMIC, 2, 2)
    assert found.detail["excluded_years"] == [2023]


def test_case_9_fewer_than_three_usable_years_are_not_enough(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    session.add(DiseaseArea(disease="dengue", unit_id=None, endemic=None, epidemic_years=[2022, 2023]))
    session.add(DiseaseArea(disease="dengue", unit_id=unit, endemic=None, epidemic_years=[2024]))
    add_cases(session, run, on(TODAY, 9, unit))

    found = by_method(run_analysis(session, catalogue, unit, evening(TODAY)).signals)

    assert found["statutory_month"].status is INSUFFICIENT
    assert found["statutory_month"].upperbound is None
    assert found["statutory_week"].status is INSUFFICIENT


@pytest.mark.parametrize(("same_school", "week", "month"), [(3, WARNING, NONE), (5, WARNING, EPIDEMIC)])
def test_case_10_linked_pertussis(
    session: Session,
    catalogue: Catalogue,
    unit: int,
    run: int,
    same_school: int,
    week: StatutoryStatus,
    month: StatutoryStatus,
) -> None:
    """Three of one school this week; two more of it earlier this month. Another school does not count."""
    school = "Trường Tiểu học A"
    add_cases(session, run, on(date(2026, 11, 17), 3, unit, "pertussis", school))
    add_cases(session, run, on(date(2026, 11, 2), same_school - 3, unit, "pertussis", school.upper()))
    add_cases(session, run, on(date(2026, 11, 17), 1, unit, "pertussis", "Trường Mầm non B"))

    found = by_method(run_analysis(session, catalogue, unit, evening(TODAY), "pertussis").signals)

    assert (found["statutory_week"].observed, found["statutory_week"].status) == (3, week)
    assert (found["statutory_month"].observed, found["statutory_month"].status) == (same_school, month)


def test_case_11_one_confirmed_case_of_measles_is_no_warning_of_group_a(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    """Group B: one case warns nobody by the statute, but it is reported case by case within 24 hours."""
    measles = catalogue.by_code("measles")
    assert measles is not None and (measles.group, measles.report_deadline) == ("B", "24h")
    confirmed = {"classification": "confirmed"}
    add_cases(session, run, [Sick(day=BEGAN, unit_id=unit, disease="measles")])
    add_cases(session, run, [Sick(day=TODAY, unit_id=unit, disease="measles", facts=confirmed)])

    found = by_method(run_analysis(session, catalogue, unit, evening(TODAY), "measles").signals)

    assert (found["statutory_week"].status, found["statutory_month"].status) == (NONE, NONE)


def test_unrelated_cases_of_a_non_endemic_disease_do_not_warn(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    schools = [Sick(day=TODAY, unit_id=unit, disease="pertussis", setting=f"Trường {k}") for k in range(6)]
    add_cases(session, run, schools)

    found = by_method(run_analysis(session, catalogue, unit, evening(TODAY), "pertussis").signals)

    assert (found["statutory_week"].observed, found["statutory_week"].status) == (0, NONE)


def test_the_commune_decides_before_the_city_whether_a_disease_is_endemic(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    session.add(DiseaseArea(disease="dengue", unit_id=None, endemic=False, epidemic_years=[]))

    def regime() -> str:
        report = run_analysis(session, catalogue, unit, evening(TODAY))
        return str(by_method(report.signals)["statutory_month"].detail["regime"])

    assert regime() == "non_endemic"
    session.add(DiseaseArea(disease="dengue", unit_id=unit, endemic=True, epidemic_years=[]))
    assert regime() == "endemic"


def test_doing_it_again_at_the_same_moment_changes_nothing(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    add_cases(session, run, on(TODAY, 2, unit))
    first = run_analysis(session, catalogue, unit, evening(TODAY))
    again = run_analysis(session, catalogue, unit, evening(TODAY))

    assert (first.changed, again.changed) == (len(first.signals), 0)
    assert again.signals == first.signals
    assert session.scalar(select(func.count()).select_from(SignalRow)) == len(first.signals)


def test_only_what_changed_is_written_and_the_former_belief_is_closed(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    add_cases(session, run, on(date(2026, 11, 2), 1, unit))
    run_analysis(session, catalogue, unit, evening(TODAY))
    later = evening(TODAY) + timedelta(hours=1)
    add_cases(session, run, [Sick(day=date(2026, 11, 3), unit_id=unit, known_from=later)])

    report = run_analysis(session, catalogue, unit, later)

    assert report.changed == 1  # the month; neither the week nor the last seven days
    month = select(SignalRow).where(SignalRow.method == "statutory_month").order_by(SignalRow.known_from)
    rows = session.scalars(month).all()
    assert [(row.observed, row.known_from, row.known_to) for row in rows] == [
        (1, evening(TODAY), later),
        (2, later, None),
    ]


def test_an_epidemic_ends_when_the_count_is_back_below_and_is_said_to_until_the_month_is_over(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    add_cases(session, run, on(date(2026, 11, 18), 4, unit))
    statuses = []
    for day in (TODAY, date(2026, 12, 1), date(2026, 12, 20), date(2027, 1, 1)):
        add_file(session, "hcdc", evening(day) - timedelta(hours=1))
        statuses.append(month_status(run_analysis(session, catalogue, unit, evening(day))))

    assert statuses == [EPIDEMIC, ENDED, ENDED, NONE]


def test_silence_neither_ends_an_epidemic_nor_reads_as_zero(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    add_cases(session, run, on(date(2026, 11, 18), 4, unit))
    run_analysis(session, catalogue, unit, evening(TODAY))

    found = by_method(run_analysis(session, catalogue, unit, evening(date(2026, 12, 8))).signals)

    assert found["statutory_month"].status is EPIDEMIC
    assert found["statutory_month"].detail["unknown_days"] == 8
    assert found["statutory_week"].status is INSUFFICIENT
    assert found["ears_c2"].detail["lacking"] == "unknown_counts"


def test_ears_finds_the_newest_unusual_day_of_the_last_seven(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    """Baseline 7 to 13 November: 1 or 2 a day, mean 11/7; the 16th has 9."""
    ones = [1, 2, 1, 2, 1, 2, 2]
    for offset, count in enumerate(ones):
        add_cases(session, run, on(date(2026, 11, 7) + timedelta(days=offset), count, unit))
    add_cases(session, run, on(date(2026, 11, 16), 9, unit))

    found = by_method(run_analysis(session, catalogue, unit, evening(TODAY)).signals)["ears_c2"]

    assert (found.period_start, found.frequency) == (date(2026, 11, 16), Frequency.DAY)
    assert found.alarm and found.observed == 9
    assert found.expected == pytest.approx(11 / 7)
    assert "16/11/2026" in found.reason.render("vi")


def test_the_citys_own_figures_are_kept_under_its_province_and_decide_no_communes_level(
    session: Session, catalogue: Catalogue, run: int
) -> None:
    city = add_unit(session, "79", level="province")
    units = [add_unit(session, f"2680{k}", parent_id=city) for k in range(2)]
    add_cases(session, run, [Sick(day=TODAY - timedelta(days=k % 7), unit_id=units[k % 2]) for k in range(9)])

    what: dict[str, Any] = {
        "diseases": ["dengue"],
        "unit_ids": units,
        "now": evening(TODAY),
        "timezone": CITY,
    }
    first = analyse(session, catalogue, **what)

    whole = by_method([signal for signal in first.signals if signal.unit_id == city])
    assert (whole["nowcast"].observed, whole["farrington_flexible"].unit_id) == (9, city)
    assert not any(method.startswith("statutory") for method in whole)
    assert analyse(session, catalogue, **what).changed == 0
    assert city not in {signal.unit_id for signal in current_signals(session, unit_ids=units)}


def test_a_day_whose_file_is_still_to_come_is_not_taken_for_a_day_without_cases(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    """Saturday morning: the newest reports are of Friday, so the seven days end on Friday."""
    add_cases(session, run, on(TODAY, 4, unit))

    report = run_analysis(session, catalogue, unit, evening(TODAY) + timedelta(hours=14))

    assert by_method(report.signals)["nowcast"].period_start == TODAY - timedelta(days=6)


def test_a_method_taken_out_of_the_catalogue_leaves_no_current_signal(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    run_analysis(session, catalogue, unit, evening(TODAY))
    orphan = select(SignalRow).where(SignalRow.method == "ears_c2")
    session.scalars(orphan).one().method = "abandoned"

    run_analysis(session, catalogue, unit, evening(TODAY) + timedelta(hours=1))

    assert "abandoned" not in by_method(current_signals(session))


def test_a_clock_that_goes_back_never_reorders_what_was_known(
    session: Session, catalogue: Catalogue, unit: int, run: int
) -> None:
    add_cases(session, run, [Sick(day=TODAY, unit_id=unit, known_from=evening(TODAY))])
    run_analysis(session, catalogue, unit, evening(TODAY))

    run_analysis(session, catalogue, unit, evening(TODAY - timedelta(days=1)))

    rows = session.scalars(select(SignalRow)).all()
    assert all(row.known_to is None or row.known_to >= row.known_from for row in rows)
    assert by_method(current_signals(session))["statutory_month"].observed == 0


def test_an_unknown_disease_is_refused(session: Session, catalogue: Catalogue, unit: int) -> None:
    with pytest.raises(ValueError, match="plague"):
        run_analysis(session, catalogue, unit, evening(TODAY), "plague")
