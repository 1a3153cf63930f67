"""The rule laboratory's core: a trial that changes nothing, the pipeline's own outbreaks as oracle, and laws."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.laboratory import WARM_UP_DAYS, Kept, LabAlert, decide_anew, thresholds
from alerts.laboratory import pair as pair_alerts
from alerts.policy_edit import with_numbers
from alerts.redecide import alert_steps, redecide
from alerts.rules import parse_policy, shipped_text
from surveillance.beliefs import UNSAID
from surveillance.epiweek import week_start
from surveillance.laboratory import History, burden, evidence, load_history, pair, relive
from surveillance.lines import day_number
from surveillance.outbreaks.eligibility import screen
from surveillance.outbreaks.find import find_outbreaks
from surveillance.outbreaks.incremental import Watch
from surveillance.outbreaks.linking import find_pairs
from surveillance.outbreaks.models import OutbreakVersion
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.table import METRIC, CaseTable
from surveillance.outbreaks.watching import METHOD, Outbreaks
from surveillance.signals import current_signals
from surveillance.types import Belief, Frequency, Signal
from tests.alerting import DENGUE
from tests.line_list import Sick, add_cases, add_file, add_unit, evening, supersede
from tests.outbreak_cases import HCDC, MOH, PROFILES, table_of

FIRST, DAYS = date(2026, 6, 1), 40
START = day_number(FIRST)
SEASON = settings(max_examples=25)
POLICY = parse_policy(shipped_text())


def history_of(table: CaseTable, case_id: np.ndarray, begin: np.ndarray, stop: np.ndarray) -> History:
    return History(
        disease="dengue", first=FIRST, length=DAYS, versions=table, case_id=case_id, begin=begin, stop=stop
    )  # fmt: skip


@st.composite
def seasons(draw: DrawFn) -> History:
    """Up to 40 cases in a square of 1.5 km, some known again elsewhere, some taken back."""
    n = draw(st.integers(0, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    day = START + rng.integers(-25, DAYS, n)
    begin = np.maximum(day - START + 1 + rng.integers(0, 6, n), 0)
    moved = rng.random(n) < 0.2
    again = begin + rng.integers(1, 12, n)
    stop = np.where(moved, again, np.where(rng.random(n) < 0.15, again, DAYS + 2))
    x, y = rng.uniform(680_000, 681_500, n), rng.uniform(1_190_000, 1_191_500, n)
    case_id = np.concatenate([np.arange(n), np.flatnonzero(moved)]) + 100
    table = table_of(
        range(n + int(moved.sum())),
        np.concatenate([x, x[moved] + rng.normal(0, 150, int(moved.sum()))]),
        np.concatenate([y, y[moved]]),
        np.concatenate([day, day[moved]]),
    )
    return history_of(
        replace(table, inpatient=np.ones(case_id.size, dtype=np.int8)),
        case_id,
        np.concatenate([begin, again[moved]]),
        np.concatenate([stop, np.full(int(moved.sum()), DAYS + 2)]),
    )


@given(seasons())
@SEASON
def test_each_day_it_holds_the_outbreaks_the_pipeline_finds_in_what_is_known_that_day(
    season: History,
) -> None:
    course = relive(season, HCDC)

    for day in [FIRST - timedelta(days=1), *season.days]:
        found = {state for one in course.found if (state := one.at(day)) is not None}
        assert found == {*find_outbreaks(season.known(day), HCDC, today=day).outbreaks}


@given(seasons())
@SEASON
def test_it_moves_as_the_kept_watch_of_the_outbreaks_job_does(season: History) -> None:
    watch = Watch(HCDC)
    born = set()
    for day in [FIRST - timedelta(days=1), *season.days]:
        known = season.known(day)
        gone = set(season.case_id.tolist()) - set(known.case_id.tolist())
        watch.update(known, removed=gone, today=day)
        born |= {outbreak.members for outbreak in watch.outbreaks()}

    assert {state.members for one in relive(season, HCDC).found for state in one.states} == born


@given(seasons())
@SEASON
def test_a_trial_equal_to_what_is_in_force_differs_in_nothing(season: History) -> None:
    old, new = relive(season, HCDC), relive(season, replace(HCDC))

    assert all(a is not None and b is not None and a == b for a, b in pair(old, new))
    assert burden(old, season) == burden(new, season)


def linked(season: History, profile: Profile) -> set[tuple[int, int]]:
    places = screen(season.known(season.last), profile, today=season.last).places
    pairs = find_pairs(places, profile)
    return {
        tuple(sorted((int(places.case_id[a]), int(places.case_id[b]))))  # type: ignore[misc]
        for a, b in zip(pairs.first, pairs.second, strict=True)
    }


@given(seasons(), st.integers(50, 600), st.integers(0, 400), st.integers(14, 40), st.integers(0, 20))
@SEASON
def test_a_larger_radius_or_a_longer_chain_keeps_every_linked_pair(
    season: History, radius: int, farther: int, chain: int, longer: int
) -> None:
    narrow = replace(HCDC, radius_m=radius, chain_days=chain)

    assert linked(season, narrow) <= linked(season, replace(narrow, radius_m=radius + farther))
    assert linked(season, narrow) <= linked(season, replace(narrow, chain_days=chain + longer))


@given(seasons())
@SEASON
def test_asking_for_more_cases_finds_no_more_outbreaks(season: History) -> None:
    sizes = [len(find_outbreaks(season.known(season.last), p, today=season.last).outbreaks)
             for p in (replace(HCDC, min_cases=n) for n in (2, 3, 5))]  # fmt: skip

    assert sizes == sorted(sizes, reverse=True)


def pair_of_cases(*, second_known: int = 5) -> History:
    """Two neighbours who fell ill on days 0 and 2; the first is known on day 1, the other on `second_known`."""
    table = table_of(range(2), [680_000, 680_150], [1_190_000] * 2, [START, START + 2], delay=1)
    return history_of(table, np.array([7, 8]), np.array([1, second_known]), np.array([DAYS + 2] * 2))


def test_an_outbreak_comes_on_the_day_its_second_case_is_known_and_goes_when_it_may_be_closed() -> None:
    season = pair_of_cases()

    course = relive(season, HCDC)
    (one,) = course.found

    assert one.born == FIRST + timedelta(days=4)
    last = FIRST + timedelta(days=2)
    assert HCDC.quiet_days == 28
    assert len([*course.watched(last + timedelta(days=27))]) == 1
    assert [*course.watched(last + timedelta(days=28))] == []


def test_a_smaller_radius_loses_it_and_says_so() -> None:
    season = pair_of_cases()

    (both,) = pair(relive(season, HCDC), relive(season, replace(HCDC, radius_m=100)))

    assert both[0] is not None
    assert both[1] is None


def test_the_burden_is_counted_in_the_period() -> None:
    season = pair_of_cases()

    found = burden(relive(season, HCDC), season)

    assert (found.born, found.covered, found.cases, found.largest) == (1, 2, 2, 2)
    assert found.weeks == {week_start(FIRST + timedelta(days=4)): 1}
    assert found.delay_days == 1  # reported on day 3, in what is known at the end of day 4


def ends(days: int = DAYS) -> list[datetime]:
    return [datetime.combine(FIRST + timedelta(days=n), time.max, UTC) for n in range(days)]


def test_the_evidence_is_of_open_outbreaks_with_the_cases_of_fourteen_days() -> None:
    season = pair_of_cases()
    moments = ends()

    told = {
        belief.known_from: belief.signal for belief in evidence(relive(season, HCDC), season, moments, UTC)
    }

    quiet = 2 + HCDC.monitor_after_days
    assert sorted(told) == moments[4:quiet]
    assert (told[moments[4]].observed, told[moments[14]].observed) == (
        2,
        1,
    )  # the first fell ill 14 days before
    assert told[moments[4]].detail["age_days"] == 4


def test_a_profile_that_waits_for_a_survey_tells_the_levels_nothing() -> None:
    season = pair_of_cases()

    assert evidence(relive(season, MOH), season, ends(), UTC) == []


# Alerts


def believed(unit_id: int, method: str, start: int, stop: int, observed: float, **detail: float) -> Belief:
    signal = Signal(
        disease="dengue", unit_id=unit_id, method=method, method_version="1", frequency=Frequency.DAY,
        period_start=FIRST, as_of=ends()[start], observed=observed, expected=1.0, upperbound=2.0,
        alarm=observed > 2, reason=UNSAID, detail=detail,
    )  # fmt: skip
    return Belief(signal=signal, known_from=ends()[start], known_to=ends()[stop])


def told_of(unit_id: int, observed: float) -> list[Belief]:
    return [
        believed(unit_id, "outbreak", day, day + 1, observed, size=observed, confirmed=0, age_days=day)
        for day in range(15, 25)
    ]


def evidence_kept(seed: int) -> Kept:
    rng = np.random.default_rng(seed)
    beliefs = []
    for unit_id in (1, 2, 3):
        for method in ("farrington_flexible", "ears_c2", "severity"):
            day = 0
            while day < DAYS - 8:
                stop = day + int(rng.integers(1, 8))
                severe = {"severe_14": float(rng.integers(0, 6)), "severe_percent": 10.0, "deaths_14": 0.0}
                beliefs.append(believed(unit_id, method, day, stop, float(rng.integers(0, 14)), **severe))
                day = stop
    beliefs.sort(key=lambda belief: belief.known_from)
    return Kept(facts=DENGUE, beliefs=beliefs, silences=(), moments=ends(), zone=UTC)


THRESHOLDS = {one.name: one for one in thresholds(shipped_text(), POLICY, DENGUE)}


CHANGES = {
    "rule.farrington.min_observed": 5, "rule.farrington-far.min_observed": 13, "rule.outbreak-large.min_observed": 8,
    "rule.severe.at_least.severe_14": 3, "rule.endemic-week-above-2sd.floor_cases": 12, "hold.3": 10,
}  # fmt: skip
SEEDS = st.integers(0, 10_000)


@given(SEEDS, st.sampled_from(sorted(CHANGES)), st.sampled_from([1, 2, 3]), st.integers(0, 9))
@SEASON
def test_taking_untouched_areas_over_is_the_same_as_deciding_all_again(
    seed: int, name: str, unit_id: int, observed: int
) -> None:
    kept, told = evidence_kept(seed), told_of(unit_id, observed)
    policy = parse_policy(with_numbers(shipped_text(), {THRESHOLDS[name].path: CHANGES[name]}))
    before = decide_anew(kept, told_of(1, 4), POLICY)

    assert decide_anew(kept, told, policy, like=before).alerts == decide_anew(kept, told, policy).alerts


@given(SEEDS)
@settings(max_examples=8)
def test_alerts_are_those_of_the_rules_own_history(seed: int) -> None:
    """Oracle: redecide on all evidence at once, as a draft's preview does."""
    kept, told = evidence_kept(seed), told_of(2, 6)
    beliefs = sorted([*kept.beliefs, *told], key=lambda belief: belief.known_from)
    history = redecide(beliefs, (), POLICY, {"dengue": DENGUE}, kept.moments)
    opened = sorted(
        (step.area.unit_id, step.at.date())
        for step in alert_steps(history)
        if step.change.kind == "opened" and step.at.date() >= FIRST + timedelta(days=WARM_UP_DAYS)
    )

    alerts = decide_anew(kept, told, POLICY).alerts
    assert sorted((a.unit_id, a.opened) for a in alerts if a.opened is not None) == opened


def test_thresholds_have_names_that_last_and_leave_out_rules_for_other_diseases() -> None:
    assert THRESHOLDS["rule.outbreak-large.min_observed"].value == 5
    assert THRESHOLDS["hold.3"].value == 7
    assert not any("outbreak-confirmed" in name or "rare" in name for name in THRESHOLDS)


@pytest.mark.parametrize(("opened", "ended", "same"), [(3, 9, True), (12, 15, False)])
def test_alerts_of_one_place_are_the_same_where_they_stood_together(
    opened: int, ended: int, same: bool
) -> None:
    def alert(first: int, last: int) -> LabAlert:
        return LabAlert(
            unit_id=1, opened=FIRST + timedelta(days=first), ended=FIRST + timedelta(days=last), peak=2
        )

    pairs = pair_alerts([alert(1, 10)], [alert(opened, ended)])

    assert (len(pairs) == 1) is same


# The pipeline's own records


@pytest.mark.parametrize("code", ["HCDC-2021", "NEA-150m-14d"])
def test_the_profile_in_force_gives_the_outbreaks_and_the_evidence_that_were_recorded(
    session: Session, code: str
) -> None:
    """Oracle: forty evenings of the outbreaks job on PostGIS, with cases verified late and taken back."""
    profile, run = PROFILES[code], add_file(session, "hcdc", evening(FIRST))
    units = [add_unit(session, name) for name in ("26740", "26743")]
    job = Outbreaks([profile], crs=METRIC, reasons=False)
    days = [FIRST + timedelta(days=n) for n in range(DAYS)]
    recorded = {day: _evening_of_the_job(session, job, run, units, day) for day in days}

    season = load_history(session, profile, FIRST, days[-1], crs=METRIC, zone=UTC)
    course = relive(season, profile)

    lived = {day: {state.members for one in course.found if (state := one.at(day))} for day in days}
    assert lived == {day: members for day, (members, _told) in recorded.items()}
    assert len(course.found) > 5
    told = evidence(course, season, [datetime.combine(day, time.max, UTC) for day in days], UTC)
    assert {_spoken(belief.known_from.date(), belief.signal) for belief in told} == {
        said for _members, evening_said in recorded.values() for said in evening_said
    }


def _evening_of_the_job(
    session: Session, job: Outbreaks, run: int, units: list[int], day: date
) -> tuple[set[tuple[int, ...]], set[tuple[object, ...]]]:
    """What one evening brings, the members of the outbreaks the job then holds, and what it tells the levels."""
    rng = np.random.default_rng(day.toordinal())
    news = []
    for _ in range(int(rng.integers(0, 5))):
        place = f"SRID=4326;POINT({106.70 + rng.uniform(0, 0.008)} {10.78 + rng.uniform(0, 0.008)})"
        facts = {"geom": place, "place_level": "house", "uncertainty_m": 15.0,
                 "verification": int(rng.choice([8, 8, 3]))}  # fmt: skip
        ill = day - timedelta(days=int(rng.integers(0, 9)))
        news.append(Sick(day=ill, unit_id=units[int(rng.integers(2))], known_from=evening(day), facts=facts))
    made = add_cases(session, run, news)
    if made and rng.random() < 0.4:
        supersede(session, made[0], evening(day) + timedelta(minutes=1), verification=int(rng.choice([7, 8])))
    job.update(session, today=day, now=evening(day) + timedelta(hours=1))
    query = select(OutbreakVersion.members).where(
        OutbreakVersion.known_to.is_(None), OutbreakVersion.status.not_in(("merged", "dissolved"))
    )
    told = [signal for signal in current_signals(session) if signal.method == METHOD]
    return {tuple(members) for members in session.scalars(query)}, {_spoken(day, signal) for signal in told}


def _spoken(day: date, signal: Signal) -> tuple[object, ...]:
    detail = [signal.detail[name] for name in ("open", "size", "confirmed", "age_days")]
    return day, signal.unit_id, signal.observed, signal.period_start, *detail
