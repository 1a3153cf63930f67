"""The panel of one area: why it stands at its level, what each method says, what changed, and who is next to it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import shapely
from dash import Dash
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

from alerts.levels import UNKNOWN, Level
from alerts.models import AreaLevel
from alerts.views import LevelDetail, LevelView, levels_at, levels_of_unit
from db import session_scope
from geodata.models import UnitNeighbour
from i18n import Message
from surveillance.case_filter import CaseFilter
from surveillance.columns import ColumnStore
from surveillance.counts import counts_by_unit
from surveillance.models import SignalRow
from surveillance.slices import by_disease
from surveillance.types import StatutoryStatus
from tests.line_list import Sick, add_cases, add_file, evening
from tests.test_cluster_list import clusters
from tests.web_city import Place, SignIn, app, city, client, run_callback, settings, sign_in, text_of
from web.workbench.why import LONGEST, why
from web.workbench.why_changes import Picture, changes

__all__ = ["app", "city", "client", "clusters", "settings", "sign_in"]
"""Fixtures."""

TODAY = date(2026, 11, 22)
LAW = Message(
    "{needs} (ngưỡng {threshold}, hiện có {observed} ca)",
    needs=Message("số ca tuần"),
    threshold=17.3,
    observed=2.0,
)
NEAR = Message(
    "{needs} (ngưỡng {threshold}, hiện có {observed} ca)",
    needs=Message("số ca 7 ngày"),
    threshold=10.0,
    observed=9.0,
)
DEATH = Message(
    "{needs} (hiện nay {words}: {now})", needs=Message("có tử vong"), words=Message("tử vong"), now=0.0
)
BARE = Message("có dấu hiệu khác mà chính sách nêu")


def either(*ways: Message) -> Message:
    told = ways[0]
    for way in ways[1:]:
        told = Message("{one}; hoặc {other}", one=told, other=way)
    return Message("Lên mức {level} khi: {needs}.", level=Message("Cao"), needs=told)


def detail(higher: Message, lower: Message, *reasons: Message) -> LevelDetail:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    view = LevelView(
        disease="dengue", level=2, raw_level=2, unknown=False, status=StatutoryStatus.NONE, since=now
    )
    return LevelDetail(
        view=view, known_from=now, reasons=reasons, why_not_higher=higher, why_not_lower=lower, policy_hash="x",
        alert_id=None,
    )  # fmt: skip


# --- why ---------------------------------------------------------------------------------------------------


def test_the_two_rules_nearest_to_being_met_are_said_with_their_figures() -> None:
    short = why(detail(either(LAW, BARE, DEATH, NEAR), Message("x")))

    assert str(short.not_higher) == (
        "Lên mức Cao khi số ca 7 ngày (ngưỡng 10, hiện có 9 ca); hoặc số ca tuần (ngưỡng 17,3, hiện có 2 ca)."
    )
    assert short.cut


def test_a_second_rule_that_makes_the_sentence_long_is_left_to_the_full_list() -> None:
    wordy = Message(
        "{needs} (ngưỡng {threshold}, hiện có {observed} ca)",
        needs=Message("rất " * 60),
        threshold=10.0,
        observed=1.0,
    )

    short = why(detail(either(wordy, NEAR), Message("x")))

    assert str(short.not_higher) == "Lên mức Cao khi số ca 7 ngày (ngưỡng 10, hiện có 9 ca)."


def test_few_cases_are_said_without_the_law() -> None:
    told = Message(
        "Đã chạm ngưỡng của mức {level} nhưng mới có {observed} ca; cần ít nhất {least} ca để lên mức này. Tình trạng"
        " theo luật vẫn được ghi nhận.",
        level=Message("Rất cao"), observed=6.0, least=8,
    )  # fmt: skip

    assert str(why(detail(told, Message("x"))).not_higher) == (
        "Đã chạm ngưỡng mức Rất cao, mới có 6 ca; cần ít nhất 8 ca."
    )


def test_what_already_stands_above_is_not_said_again() -> None:
    first, second, third = Message("Một."), Message("Hai."), Message("Ba.")

    short = why(detail(Message("Đây là mức cao nhất."), first, first, second, third))

    assert short.reasons == (first, second) and short.cut
    assert str(short.not_lower) == "Dấu hiệu nêu đầu tiên ở trên vẫn còn."
    assert not why(detail(Message("Đây là mức cao nhất."), first, first)).cut


@given(st.lists(st.sampled_from([LAW, NEAR, DEATH, BARE]), min_size=2, max_size=9))
def test_a_sentence_of_known_rules_is_always_short(ways: list[Message]) -> None:
    assert len(str(why(detail(either(*ways), Message("x"))).not_higher)) <= LONGEST


# --- what changed ------------------------------------------------------------------------------------------


def test_each_change_is_a_sentence_and_the_level_comes_first() -> None:
    before = Picture(
        level=Level.THAP, evidence=frozenset({"ears_c2"}), cases=frozenset({1, 2}), outbreaks=frozenset({4})
    )
    after = Picture(
        level=Level.CAO,
        evidence=frozenset({"rt", "scan"}),
        cases=frozenset({2, 3, 5}),
        outbreaks=frozenset({6}),
    )

    assert [str(each) for each in changes(before, after)] == [
        "Mức tăng: ● Thấp → ◆ Cao.", "Dấu hiệu mới: Hệ số lây Rt, Cụm ca.", "Hết dấu hiệu: EARS C2.",
        "Thêm 2 ca.", "Bớt 1 ca: đã loại trừ hoặc thuộc nơi khác.", "Ổ dịch mới: OD-0006.", "Ổ dịch đã đóng: OD-0004.",
    ]  # fmt: skip


def test_an_unknown_level_is_neither_higher_nor_lower() -> None:
    assert [str(c) for c in changes(Picture(level=Level.CAO), Picture(level=UNKNOWN))] == [
        "Mức đổi: ◆ Cao → ? Chưa rõ."
    ]
    assert [str(c) for c in changes(Picture(level=None), Picture(level=Level.CAO))] == [
        "Mức ◆ Cao, trước đó chưa xếp."
    ]


pictures = st.builds(
    Picture,
    level=st.sampled_from([None, UNKNOWN, *Level]),
    evidence=st.frozensets(st.sampled_from(["rt", "scan", "rare"])),
    cases=st.frozensets(st.integers(1, 5)),
    outbreaks=st.frozensets(st.integers(1, 3)),
)


@given(pictures)
def test_nothing_changed_between_a_picture_and_itself(picture: Picture) -> None:
    assert changes(picture, picture) == []


@given(pictures, pictures)
def test_what_came_one_way_went_the_other(before: Picture, after: Picture) -> None:
    there, back = changes(before, after), changes(after, before)
    counted = [
        {m.values["n"] for m in told if m.msgid.startswith(way)}
        for told in (there, back)
        for way in ("Th", "B")
    ]
    assert counted[0] == counted[3] and counted[1] == counted[2]


# --- on the page -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def week(engine: Engine, city: dict[str, Place]) -> int:
    """“Ô 0” borders on “Ô 1” and “Ô 2”; two of its cases came today, one five days ago; it had been low for a month."""
    unit = city["Ô 0"].id
    with session_scope(engine) as session:
        session.add_all(UnitNeighbour(unit_id=unit, neighbour_id=city[name].id) for name in ("Ô 1", "Ô 2"))
        run = add_file(session, "hcdc_measles", evening(TODAY))
        sick = [_sick(unit, back) for back in (0, 0, 5)]
        add_cases(session, run, [*sick, Sick(day=TODAY, unit_id=city["Ô 1"].id)])
        add_cases(session, run, [Sick(day=TODAY, unit_id=unit, disease="measles", known_from=_noon(TODAY))])
        _was_low(session, unit)
        _signals(session, unit)
    return unit


def _sick(unit: int, back: int) -> Sick:
    """Ill two days before it became known, which was `back` days ago."""
    day = TODAY - timedelta(days=back)
    return Sick(day=day - timedelta(days=2), unit_id=unit, known_from=_noon(day))


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 5, tzinfo=UTC)


def _was_low(session: Session, unit: int) -> None:
    """Until this morning."""
    now = session.scalars(select(AreaLevel).where(AreaLevel.unit_id == unit)).one()
    kept = {c.key: getattr(now, c.key) for c in AreaLevel.__table__.columns if c.key != "id"}
    low: dict[str, Any] = {"known_from": _noon(TODAY - timedelta(days=30)), "known_to": now.known_from}
    session.execute(insert(AreaLevel).values(**{**kept, **low, "level": 1, "policy_hash": "before"}))


def _signals(session: Session, unit: int) -> None:
    """Since this morning: a month that is epidemic, and an Rt that alarms nobody."""
    either = {
        "disease": "dengue", "unit_id": unit, "method_version": "1", "frequency": "month", "period_start": TODAY,
        "known_from": _noon(TODAY), "known_to": None, "expected": 10.0, "status": None,
    }  # fmt: skip
    month = {"method": "statutory_month", "observed": 40.0, "upperbound": 20.0, "alarm": True, "detail": {}}
    rt = {"method": "rt", "observed": 11.0, "upperbound": None, "alarm": False, "detail": {"rt": 1.12}}
    for signal in (month, rt):
        reason = Message("Lý do.").to_json()
        session.execute(insert(SignalRow).values(**either, **signal, reason=reason))


def panel(app: Dash, sign_in: SignIn, when: str, who: str = "analyst") -> str:
    return text_of(run_callback(sign_in(who), app, "map-panel.children", {"map-panel-query": when}))


def test_the_panel_says_what_changed_since_yesterday_and_since_last_week(
    app: Dash, sign_in: SignIn, week: int
) -> None:
    shown = panel(app, sign_in, f"disease=dengue&unit={week}")
    _head, yesterday, last_week = (
        shown.split("Từ hôm qua")[0],
        *shown.split("Từ hôm qua")[1].split("Từ tuần trước"),
    )

    for words in ("Mức tăng: ● Thấp → ■ Rất cao.", "Dấu hiệu mới: Ngưỡng tháng.", "Thêm 2 ca."):
        assert words in yesterday
    assert "Thêm 3 ca." in last_week


def test_on_a_past_day_only_what_was_known_then_changed(app: Dash, sign_in: SignIn, week: int) -> None:
    shown = panel(app, sign_in, f"disease=dengue&unit={week}&on=2026-11-18")

    assert "Thêm 1 ca." in shown and "Mức tăng" not in shown


def test_neighbours_stand_with_level_cases_and_a_way_there(
    app: Dash, sign_in: SignIn, week: int, city: dict[str, Place]
) -> None:
    shown = panel(app, sign_in, f"disease=dengue&unit={week}").split("Xã, phường giáp ranh")[1]

    assert shown.index("Phường Ô 1") < shown.index("Phường Ô 2")
    assert "▲ Trung bình" in shown and f"/map?disease=dengue&unit={city['Ô 1'].id}" in shown
    assert "giáp ranh" not in panel(app, sign_in, f"disease=dengue&unit={city['Ô 3'].id}")


def test_each_method_has_value_limit_mark_and_the_way_to_how_it_is_reckoned(
    app: Dash, sign_in: SignIn, week: int
) -> None:
    shown = panel(app, sign_in, f"disease=dengue&unit={week}").split("Các phương pháp nói gì")[1]

    for words in ("Ngưỡng tháng", "40 ca", "ngưỡng 20", "Vượt", "/help#statutory"):
        assert words in shown
    assert "Hệ số lây Rt" in shown and "1,12" in shown and "/help#reproduction" in shown


def test_one_query_for_all_diseases_says_what_one_for_each_says(
    session: Session, app: Dash, week: int, city: dict[str, Place]
) -> None:
    first, codes = TODAY - timedelta(days=27), ("dengue", "measles", "hfmd")
    columns = ColumnStore({}).current(session)
    one = by_disease(columns, columns.rows(CaseFilter(start=first, end=TODAY, units=frozenset({week}))))
    each = {
        c: counts_by_unit(session, disease=c, start=first, end=TODAY, as_of=None).get(week) for c in codes
    }

    assert one == {code: n for code, n in each.items() if n} == {"dengue": 3, "measles": 1}
    assert levels_of_unit(session, week) == {"dengue": levels_at(session, disease="dengue")[week]}
    assert levels_of_unit(session, week, as_of=_noon(TODAY - timedelta(days=3)))["dengue"].level == 1


# --- scan clusters -----------------------------------------------------------------------------------------


def test_a_cluster_is_drawn_as_the_outline_of_its_communes_as_known_on_the_day(
    sign_in: SignIn, clusters: None
) -> None:
    def drawn(query: str) -> dict[int, dict[str, Any]]:
        found = sign_in("officer").get(f"/api/clusters?{query}").get_json()
        return {each["properties"]["cluster"]: each for each in found["features"]}

    today, before = drawn("disease=dengue"), drawn("disease=dengue&on=2026-11-20")

    assert shapely.geometry.shape(today[7]["geometry"]).bounds == (106.6, 10.7, 106.7, 10.75)
    assert shapely.geometry.shape(before[7]["geometry"]).area == pytest.approx(0.05 * 0.05)
    assert (
        today[7]["properties"]["text"].startswith("Cụm số 7 · ") and "14 ca" in today[7]["properties"]["text"]
    )
    assert drawn("disease=measles") == {} and drawn("disease=dengue&on=2026-11-10") == {}


def test_the_chosen_cluster_says_where_when_how_many_and_how_surely(
    app: Dash, sign_in: SignIn, city: dict[str, Place], clusters: None
) -> None:
    shown = panel(app, sign_in, "disease=dengue&cluster=7", "manager")

    for words in (
        "Cụm số 7", "Đang có", "Cụm ca lớn thêm.", "14/11/2026–21/11/2026 (8 ngày)", "14 ca; bình thường 3,2 ca",
        "500 ngày mới có một lần (p = 0,002)", "Vững trong 92/100", "Phường Ô 1", "/help#clusters",
        f"/map?disease=dengue&unit={city['Ô 0'].id}&layers=outbreaks:100,clusters:100",
    ):  # fmt: skip
        assert words in shown
    assert "Chưa vững" in panel(app, sign_in, "disease=dengue&cluster=8")


def test_a_cluster_not_known_on_the_day_leaves_the_city(app: Dash, sign_in: SignIn, clusters: None) -> None:
    assert "Từ đầu năm" in panel(app, sign_in, "cluster=7&on=2026-11-10")
    assert "Từ đầu năm" in panel(app, sign_in, "cluster=99")


def test_the_layer_of_clusters_is_one_to_choose(app: Dash, sign_in: SignIn, clusters: None) -> None:
    shown = text_of(
        run_callback(sign_in("analyst"), app, "map.layers", {"map-when": "disease=dengue&layers=clusters"})
    )

    assert "/api/clusters?disease=dengue&v=" in shown and "is-cluster" in shown
