"""Clusters as they are kept on real PostGIS: only news is written, the levels hear of it, past days stay readable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.levels import Level
from alerts.policy import decide
from alerts.rules import default_policy
from geodata.models import UnitLineage
from surveillance.analysis import analyse
from surveillance.cluster_identity import Kind
from surveillance.clustering.models import ClusterRow, ClusterVersion
from surveillance.clustering.views import ClusterView, clusters_known
from surveillance.clustering.watching import Clusters
from surveillance.diseases import load_catalogue
from surveillance.signals import current_signals
from surveillance.types import Signal
from tests.case_lines import TODAY
from tests.cluster_cities import GROWING, WARD, build_city, plant, watch
from tests.line_list import CITY, add_file, add_unit, evening, supersede


@pytest.fixture
def units(session: Session) -> list[int]:
    return build_city(session)


@pytest.fixture
def clusters(units: list[int]) -> Clusters:
    return watch(units)


def look(clusters: Clusters, session: Session, day: date = TODAY) -> int:
    return clusters.find_at(session, evening(day))


def known(session: Session, as_of: datetime | None = None, now: datetime | None = None) -> list[ClusterView]:
    moment = now or as_of or evening(TODAY)
    return clusters_known(session, disease=None, diseases=["dengue"], as_of=as_of, now=moment)


def versions(session: Session) -> list[tuple[str, int]]:
    rows = select(ClusterVersion.kind, ClusterVersion.observed).order_by(ClusterVersion.id)
    return [(kind, observed) for kind, observed in session.execute(rows)]


def scan_signals(
    session: Session, units: Sequence[int], as_of: datetime | None = None
) -> Mapping[int, Signal]:
    found = current_signals(session, unit_ids=units, as_of=as_of)
    return {signal.unit_id: signal for signal in found if signal.method == "scan"}


def test_a_cluster_is_kept_with_its_numbers_and_each_of_its_communes_hears_of_it(
    session: Session, units: list[int], clusters: Clusters
) -> None:
    plant(session, units, GROWING)

    look(clusters, session)

    [view] = known(session)
    assert (view.kind, view.units[0], view.last, view.stable) == (Kind.NEW, units[WARD], TODAY, True)
    assert view.observed >= 10 and view.expected < 3
    signals = scan_signals(session, units)
    assert set(signals) == set(view.units)
    assert sum(signal.observed for signal in signals.values()) == view.observed
    assert all(signal.alarm == (signal.observed > 0) for signal in signals.values())
    ill = sorted(unit for unit, signal in signals.items() if signal.observed > 0)
    shared = signals[units[WARD]].detail.get("shared", [[units[WARD]]])
    assert sorted(shared[0]) == ill
    assert signals[shared[0][0]].observed == max(signal.observed for signal in signals.values())
    told = signals[units[WARD]].reason
    assert f"Cụm ca số {view.number}" in told.render("vi") and "400 ngày" in told.render("vi")
    assert "once in 400 days" in told.render("en")


def test_an_alarm_is_evidence_for_level_2_and_never_more(
    session: Session, units: list[int], clusters: Clusters
) -> None:
    plant(session, units, GROWING)
    look(clusters, session)
    signal = scan_signals(session, units)[units[WARD]]

    def level(evidence: Signal) -> tuple[Level, tuple[str, ...]]:
        found = decide(None, [evidence], default_policy(), evening(TODAY), disease_group="B", endemic=True)
        return found.level, found.fired

    assert level(signal) == (Level.TRUNG_BINH, ("scan",))
    assert level(replace(signal, alarm=False)) == (Level.THAP, ())


def test_a_day_of_reports_is_scanned_once(session: Session, units: list[int], clusters: Clusters) -> None:
    plant(session, units, GROWING)
    first = look(clusters, session)
    plant(session, units, {WARD: (9,)})

    assert first > 0 and look(clusters, session) == 0


def test_a_day_without_news_writes_nothing_and_the_number_stays(
    session: Session, units: list[int], clusters: Clusters
) -> None:
    plant(session, units, GROWING, TODAY - timedelta(days=1))
    look(clusters, session, TODAY - timedelta(days=1))
    told = versions(session), scan_signals(session, units)
    plant(session, units, {WARD: (1,)})

    assert look(clusters, session) == 0
    assert (versions(session), scan_signals(session, units)) == told
    assert session.scalars(select(ClusterRow.seen_last)).all() == [TODAY]


def test_growth_is_news_and_what_was_known_before_stays_readable(
    session: Session, units: list[int], clusters: Clusters
) -> None:
    yesterday = TODAY - timedelta(days=1)
    plant(session, units, GROWING, yesterday)
    look(clusters, session, yesterday)
    plant(session, units, {WARD: (5,)})
    look(clusters, session)

    [now], [before] = known(session), known(session, evening(yesterday))
    assert (now.kind, now.number) == (Kind.GROWING, before.number)
    assert before.kind is Kind.NEW and now.observed >= before.observed + 5
    old = scan_signals(session, units, evening(yesterday))[units[WARD]]
    assert old.observed + 5 <= scan_signals(session, units)[units[WARD]].observed


def test_a_cluster_that_is_over_is_told_once_and_leaves_the_levels(
    session: Session, units: list[int], clusters: Clusters
) -> None:
    plant(session, units, GROWING, TODAY - timedelta(days=1))
    look(clusters, session, TODAY - timedelta(days=1))
    over = TODAY + timedelta(days=12)
    add_file(session, "hcdc", evening(over))
    look(clusters, session, over)

    [ended] = known(session, now=evening(over))
    assert ended.kind is Kind.ENDED and not ended.lasts
    assert scan_signals(session, units) == {}
    assert known(session, now=evening(over) + timedelta(days=8)) == []
    assert look(clusters, session, over + timedelta(days=1)) == 0


def test_discarded_cases_take_a_cluster_away(session: Session, units: list[int], clusters: Clusters) -> None:
    yesterday = TODAY - timedelta(days=1)
    ids = plant(session, units, GROWING, yesterday)
    look(clusters, session, yesterday)
    for case in ids:
        supersede(session, case, evening(TODAY) - timedelta(hours=1), classification="discarded")
    look(clusters, session)

    assert [view.kind for view in known(session)] == [Kind.ENDED]


def test_a_silent_source_ends_no_cluster(session: Session, units: list[int], clusters: Clusters) -> None:
    plant(session, units, GROWING, TODAY)
    look(clusters, session)
    late = TODAY + timedelta(days=40)

    assert look(clusters, session, late) == 0
    assert [view.kind for view in known(session, now=evening(late))] == [Kind.NEW]


def test_an_analysis_does_not_take_the_signals_away(
    session: Session, units: list[int], clusters: Clusters
) -> None:
    plant(session, units, GROWING)
    look(clusters, session)
    before = scan_signals(session, units)
    analyse(session, load_catalogue(), diseases=["dengue"], unit_ids=units, now=evening(TODAY), timezone=CITY)

    assert scan_signals(session, units) == before != {}


def test_cases_of_a_split_old_ward_make_the_cluster_unstable_and_it_does_not_alarm(
    session: Session, units: list[int], clusters: Clusters
) -> None:
    """domain.md §8 case 13: the source named a ward of before July 2025, parts of which went to five communes."""
    old = add_unit(session, "25999")
    session.add_all(
        UnitLineage(old_id=old, new_id=units[place], split=True, is_default=place == WARD)
        for place in (WARD, 0, 5, 30, 35)
    )
    plant(session, units, GROWING, former_unit_id=old, place_estimated=True)

    look(clusters, session)

    [view] = known(session)
    assert not view.stable and view.stands_in < 80
    signal = scan_signals(session, units)[units[WARD]]
    assert not signal.alarm and "Chưa vững" in signal.reason.render("vi")
