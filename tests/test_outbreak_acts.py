"""What people do with an outbreak, and what they are shown of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from accounts.models import Role
from accounts.service import create_user
from i18n import MessageError
from surveillance.outbreaks.acts import (
    Actor,
    BadEntry,
    NotAllowed,
    Refused,
    add_note,
    change_status,
    record_measure,
    record_survey,
    withdraw,
)
from surveillance.outbreaks.detail import OutbreakDetail, outbreak_detail
from surveillance.outbreaks.lifecycle import Act, Status
from surveillance.outbreaks.models import OutbreakEvent, OutbreakVersion
from surveillance.outbreaks.products import products_used
from surveillance.outbreaks.profiles import load_profiles
from surveillance.outbreaks.shapes import member_points, outlines
from surveillance.outbreaks.table import METRIC
from surveillance.outbreaks.tasks import State, TaskKind
from surveillance.outbreaks.vectors import Survey
from surveillance.outbreaks.views import GROUPS, OutbreakPage, outbreak_counts, outbreak_list
from surveillance.outbreaks.watching import METHOD, Outbreaks
from surveillance.signals import current_signals
from tests.line_list import Sick, add_cases, add_file, add_unit, evening

TODAY = date(2026, 11, 20)
NOW = evening(TODAY)
LON, LAT = 106.70, 10.78
METRE = 1 / 111_200
HCDC = {"dengue": load_profiles()["HCDC-2021"]}
MOH = {"dengue": load_profiles()["MOH-3711"]}
LARVAE = Survey(
    on=TODAY, houses=30, houses_with_larvae=6, containers=80, containers_with_larvae=9, female_aedes=3
)


@pytest.fixture
def units(session: Session) -> list[int]:
    return [add_unit(session, code) for code in ("26740", "26743", "26746")]


@pytest.fixture
def run(session: Session) -> int:
    return add_file(session, "hcdc", NOW)


@pytest.fixture
def analyst(session: Session) -> Actor:
    return person(session, Role.ANALYST, None)


@pytest.fixture
def outbreak(session: Session, units: list[int], run: int) -> int:
    """Three cases on both sides of a border, the newest four days ago; recorded today by HCDC's rule."""
    found = [sick(units[0], 9), sick(units[0], 6, north_m=40), sick(units[1], 4, north_m=150)]
    add_cases(session, run, found)
    watch(session)
    return session.scalars(select(OutbreakVersion.outbreak_id)).one()


def watch(session: Session, profiles: dict[str, Any] = HCDC, *, day: date = TODAY) -> None:
    Outbreaks(list(profiles.values()), crs=METRIC).update(session, today=day, now=evening(day))


def person(session: Session, role: Role, areas: list[int] | None) -> Actor:
    user = create_user(
        session, username=role.value, password="mật khẩu thử", full_name=f"Cô {role.value}", role=role,
        area_ids=areas or [],
    )  # fmt: skip
    return Actor(
        user_id=user.id, name=user.full_name, areas=None if areas is None else frozenset(areas),
        may_act=role is not Role.MANAGER,
    )  # fmt: skip


def sick(unit: int, days_ago: int, *, north_m: float = 0, **facts: Any) -> Sick:
    found = {
        "geom": f"SRID=4326;POINT({LON} {LAT + north_m * METRE})", "place_level": "house",
        "uncertainty_m": 15.0, "verification": 8, "sex": "F", "age_years": 30,
    }  # fmt: skip
    day = TODAY - timedelta(days=days_ago)
    return Sick(day=day, unit_id=unit, known_from=evening(day), facts=found | facts)


def do(
    session: Session, outbreak: int, wanted: Act, actor: Actor, *, day: date = TODAY, comment: str = ""
) -> Status:
    return change_status(
        session, outbreak, wanted, actor=actor, profiles=HCDC, today=day, now=evening(day), comment=comment
    )


def survey(
    session: Session, outbreak: int, actor: Actor, found: Survey = LARVAE, **more: Any
) -> OutbreakEvent:
    given: dict[str, Any] = {"actor": actor, "profiles": HCDC, "today": TODAY, "now": NOW} | more
    return record_survey(session, outbreak, found, **given)


def measure(session: Session, outbreak: int, actor: Actor, kind: str, **more: Any) -> OutbreakEvent:
    given: dict[str, Any] = {"on": TODAY, "actor": actor, "profiles": HCDC, "today": TODAY, "now": NOW} | more
    return record_measure(session, outbreak, kind, **given)


def shown(session: Session, outbreak: int, *, as_of: datetime | None = None, **more: Any) -> OutbreakDetail:
    given: dict[str, Any] = {"area_ids": None, "profiles": HCDC, "now": as_of or NOW, "as_of": as_of} | more
    detail = outbreak_detail(session, outbreak, **given)
    assert detail is not None
    return detail


def listed(session: Session, **more: Any) -> OutbreakPage:
    given: dict[str, Any] = {
        "area_ids": None,
        "statuses": GROUPS["open"],
        "profiles": HCDC,
        "now": NOW,
    } | more
    return outbreak_list(session, **given)


def evidence(session: Session, units: list[int]) -> list[int]:
    return [s.unit_id for s in current_signals(session, unit_ids=units) if s.method == METHOD]


# --- acts -----------------------------------------------------------------------------------------------


def test_handling_begins_with_an_event_by_its_user_and_a_new_version(
    session: Session, outbreak: int, analyst: Actor
) -> None:
    assert do(session, outbreak, Act.START_HANDLING, analyst) is Status.ACTIVE

    event = session.scalars(select(OutbreakEvent).order_by(OutbreakEvent.id.desc())).first()
    assert event is not None and event.user_id == analyst.user_id
    assert (event.detail["before"], event.detail["after"]) == ("confirmed", "active")
    assert [v.status for v in shown(session, outbreak).history] == ["confirmed", "active"]


def test_closing_too_early_is_refused_with_the_reason_and_the_first_day(
    session: Session, outbreak: int, analyst: Actor
) -> None:
    """domain.md §8 case 5."""
    with pytest.raises(Refused, match="Sớm nhất là ngày 14/12/2026") as refused:
        do(session, outbreak, Act.CLOSE, analyst, comment="Hết ca mới.")
    assert refused.value.until == date(2026, 12, 14)
    assert shown(session, outbreak).summary.status is Status.CONFIRMED


def test_closing_takes_a_reason_and_takes_the_evidence_from_both_communes(
    session: Session, outbreak: int, analyst: Actor, units: list[int]
) -> None:
    day = date(2026, 12, 14)
    assert evidence(session, units) == units[:2]
    with pytest.raises(BadEntry, match="lý do"):
        do(session, outbreak, Act.CLOSE, analyst, day=day)
    do(session, outbreak, Act.CLOSE, analyst, day=day, comment="Hết ca mới.")
    assert evidence(session, units) == []
    assert shown(session, outbreak).log[-1].comment == "Hết ca mới."
    assert do(session, outbreak, Act.REOPEN, analyst, day=day, comment="Nhầm.") is Status.REOPENED
    assert evidence(session, units) == units[:2]


def test_the_worker_keeps_what_a_person_decided(session: Session, outbreak: int, analyst: Actor) -> None:
    do(session, outbreak, Act.START_HANDLING, analyst)
    watch(session)
    assert shown(session, outbreak).summary.status is Status.ACTIVE


def test_an_officer_acts_where_a_part_of_the_outbreak_lies_and_nowhere_else(
    session: Session, outbreak: int, units: list[int]
) -> None:
    co_owner = person(session, Role.OFFICER, [units[1]])
    stranger = replace(co_owner, areas=frozenset([units[2]]))
    with pytest.raises(NotAllowed, match="Không có ổ dịch này"):
        do(session, outbreak, Act.START_HANDLING, stranger)
    assert do(session, outbreak, Act.START_HANDLING, co_owner) is Status.ACTIVE


def test_a_manager_only_looks(session: Session, outbreak: int) -> None:
    manager = person(session, Role.MANAGER, None)
    with pytest.raises(NotAllowed, match="chỉ xem"):
        survey(session, outbreak, manager)


def test_a_survey_is_kept_as_counts_and_shown_with_its_indices(
    session: Session, outbreak: int, analyst: Actor
) -> None:
    survey(session, outbreak, analyst)
    [seen] = shown(session, outbreak).surveys
    assert (seen.indices.bi, seen.indices.hi, seen.indices.di) == (30.0, 20.0, 0.1)
    assert seen.indices.ci == pytest.approx(11.25)
    assert seen.indices.hi_mosquitoes is None
    assert seen.risk is not None and "30" in str(seen.risk)


def test_larvae_confirm_an_outbreak_that_waited_for_them(
    session: Session, units: list[int], run: int, analyst: Actor
) -> None:
    add_cases(session, run, [sick(units[0], 6), sick(units[0], 2)])
    watch(session, MOH)
    outbreak = session.scalars(select(OutbreakVersion.outbreak_id)).one()
    with pytest.raises(Refused, match="chưa tìm thấy lăng quăng"):
        change_status(
            session, outbreak, Act.CONFIRM, actor=analyst, profiles=MOH, today=TODAY, now=NOW
        )  # fmt: skip
    survey(session, outbreak, analyst, profiles=MOH)
    assert shown(session, outbreak, profiles=MOH).summary.status is Status.CONFIRMED
    assert evidence(session, units) == [units[0]]


@pytest.mark.parametrize(
    ("on", "why"), [(TODAY + timedelta(days=1), "chưa đến"), (date(2026, 11, 10), "trước ca đầu tiên")]
)
def test_a_day_that_cannot_be_is_refused(
    session: Session, outbreak: int, analyst: Actor, on: date, why: str
) -> None:
    with pytest.raises(BadEntry, match=why):
        survey(session, outbreak, analyst, replace(LARVAE, on=on))


def test_what_was_entered_can_be_taken_back_once_and_stays_in_the_log(
    session: Session, outbreak: int, analyst: Actor
) -> None:
    entry = survey(session, outbreak, analyst)
    withdraw(session, entry.id, "Nhập nhầm ổ dịch.", actor=analyst, profiles=HCDC, now=NOW)
    seen = shown(session, outbreak)
    assert seen.surveys == ()
    assert [e.withdrawn for e in seen.log if e.kind == "survey"] == [True]
    with pytest.raises(BadEntry, match="đã được rút lại"):
        withdraw(session, entry.id, "Lần nữa.", actor=analyst, profiles=HCDC, now=NOW)
    with pytest.raises(BadEntry, match="Chỉ rút lại được"):
        withdraw(session, seen.log[0].id, "Không phải của tôi.", actor=analyst, profiles=HCDC, now=NOW)


@pytest.mark.parametrize(
    "act",
    [
        lambda s, o, a: measure(s, o, a, "spraying", houses=-1),
        lambda s, o, a: measure(s, o, a, "dancing"),
        lambda s, o, a: add_note(s, o, "   ", actor=a, profiles=HCDC, now=NOW),
        lambda s, o, a: add_note(s, o, "x" * 2001, actor=a, profiles=HCDC, now=NOW),
        lambda s, o, a: add_note(s, o + 99, "Ổ nào?", actor=a, profiles=HCDC, now=NOW),
        lambda s, o, a: withdraw(s, 10**9, "Mục nào?", actor=a, profiles=HCDC, now=NOW),
        lambda s, o, a: add_note(s, o, "Bệnh này?", actor=a, profiles={}, now=NOW),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_words(session: Session, outbreak: int, analyst: Actor, act: Any) -> None:
    with pytest.raises(MessageError):
        act(session, outbreak, analyst)


# --- what a round used --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "used", "words"),
    [
        ("spraying", {"product": "  Malathion\n96 % ", "litres": 12.5}, "Đã dùng Malathion 96 %, 12,5 lít."),
        ("spraying", {"litres": 8.0}, "Đã dùng 8 lít."),
        ("larvicide", {"product": "Temephos 1 %"}, "Đã dùng Temephos 1 %."),
        ("spraying", {}, ""),
    ],
)
def test_a_round_says_what_it_used_wherever_it_is_listed(
    session: Session, outbreak: int, analyst: Actor, kind: str, used: dict[str, Any], words: str
) -> None:
    measure(session, outbreak, analyst, kind, **used)
    seen = shown(session, outbreak)
    [entry], [logged] = seen.measures, [e for e in seen.log if e.kind == kind]
    said = {"spraying": "Phun hóa chất", "larvicide": "Diệt lăng quăng"}[kind] + " ngày 20/11/2026."
    assert str(entry.message) == str(logged.message) == f"{said} {words}".strip()
    assert ("product" in entry.detail, "litres" in entry.detail) == ("product" in used, "litres" in used)


def test_products_used_before_are_suggested_until_they_are_taken_back(
    session: Session, outbreak: int, analyst: Actor
) -> None:
    for product in ("Malathion", "Malathion", "Permethrin", ""):
        measure(session, outbreak, analyst, "spraying", product=product)
    mistyped = measure(session, outbreak, analyst, "larvicide", product="Temefos")
    withdraw(session, mistyped.id, "Gõ sai.", actor=analyst, profiles=HCDC, now=NOW)
    assert products_used(session) == {"spraying": ["Malathion", "Permethrin"], "larvicide": []}
    assert products_used(session, outbreaks=2) == {"spraying": [], "larvicide": []}


@pytest.mark.parametrize(
    ("kind", "used", "why"),
    [
        ("communication", {"product": "Tờ rơi"}, "Chỉ ghi sản phẩm"),
        ("spraying", {"product": "x" * 101}, "dài quá 100 ký tự"),
        ("spraying", {"product": "Mala\0thion"}, "không in được"),
        ("larvicide", {"litres": 3.0}, "Chỉ ghi số lít cho phun hóa chất"),
        ("spraying", {"litres": 0.0}, "lớn hơn 0 và không quá 10.000"),
        ("spraying", {"litres": 10_001.0}, "lớn hơn 0 và không quá 10.000"),
        ("spraying", {"litres": float("nan")}, "lớn hơn 0 và không quá 10.000"),
    ],
)
def test_a_product_or_an_amount_that_cannot_be_is_refused_with_the_reason(
    session: Session, outbreak: int, analyst: Actor, kind: str, used: dict[str, Any], why: str
) -> None:
    with pytest.raises(MessageError, match=why):
        measure(session, outbreak, analyst, kind, **used)


# --- tasks ----------------------------------------------------------------------------------------------


def test_work_done_ticks_its_tasks_and_moves_what_follows(
    session: Session, outbreak: int, analyst: Actor
) -> None:
    def states() -> dict[tuple[TaskKind, int], State]:
        return {(t.task.kind, t.task.number): t.state for t in shown(session, outbreak).tasks}

    assert states()[TaskKind.HANDLE, 1] is State.DUE
    do(session, outbreak, Act.START_HANDLING, analyst)
    survey(session, outbreak, analyst)
    measure(session, outbreak, analyst, "spraying", houses=120)
    now = states()
    assert [now[TaskKind.HANDLE, 1], now[TaskKind.SURVEY, 1], now[TaskKind.SPRAY, 1]] == [State.DONE] * 3
    assert (now[TaskKind.SURVEY, 2], now[TaskKind.SPRAY, 2]) == (State.DUE, State.LATER)


def test_hours_left_run_out(session: Session, outbreak: int) -> None:
    [item] = listed(session).items
    assert item.next_due == NOW + timedelta(hours=48) and item.late == 0
    [later] = listed(session, now=NOW + timedelta(hours=49)).items
    assert later.late >= 1


# --- what is shown --------------------------------------------------------------------------------------


def test_the_list_says_where_how_many_and_since_when(
    session: Session, outbreak: int, units: list[int]
) -> None:
    [item] = listed(session).items
    assert (item.id, item.code, item.cases, item.units) == (
        outbreak,
        f"OD-{outbreak:04d}",
        3,
        tuple(units[:2]),
    )
    assert item.unit_names == ("Phường 26740", "Phường 26743")
    assert (item.first_event, item.last_event) == (date(2026, 11, 11), date(2026, 11, 16))
    assert outbreak_counts(session, area_ids=None) == {"open": 1, "monitoring": 0, "proposed": 0, "closed": 0}


def test_filters_find_what_they_name(session: Session, outbreak: int, units: list[int]) -> None:
    found = [
        listed(session, **by).total
        for by in (
            {"disease": "dengue"}, {"disease": "measles"}, {"statuses": GROUPS["closed"]},
            {"unit_ids": [units[1]]}, {"unit_ids": [units[2]]}, {"area_ids": {units[2]}},
            {"text": "phuong 26743"}, {"text": "Bến Nghé"}, {"text": f"od-{outbreak:04d}"}, {"text": "OD-9999"},
        )
    ]  # fmt: skip
    assert found == [1, 0, 0, 1, 0, 0, 1, 0, 1, 0]


def test_it_is_shown_as_it_was_known(
    session: Session, outbreak: int, units: list[int], run: int, analyst: Actor
) -> None:
    later = TODAY + timedelta(days=2)
    add_cases(session, run, [replace(sick(units[0], -1), known_from=evening(later))])
    watch(session, day=later)
    do(session, outbreak, Act.START_HANDLING, analyst, day=later)
    then, now = (shown(session, outbreak, as_of=evening(day)) for day in (TODAY, later))
    assert (then.summary.cases, then.summary.status) == (3, Status.CONFIRMED)
    assert (now.summary.cases, now.summary.status) == (4, Status.ACTIVE)
    assert [e.kind for e in then.log] == ["new", "status"]
    assert listed(session, as_of=NOW - timedelta(days=30)).total == 0


def test_members_say_why_they_are_in_and_near_ones_why_not(
    session: Session, units: list[int], run: int
) -> None:
    add_cases(
        session, run, [sick(units[0], 9), sick(units[0], 6, north_m=40), sick(units[0], 5, north_m=-250)]
    )
    watch(session)
    seen = shown(session, session.scalars(select(OutbreakVersion.outbreak_id)).one())
    assert [(m.sex, m.age_years, m.place_level) for m in seen.members] == [("F", 30, "house")] * 2
    assert all("tiêu chuẩn cho phép 200 m" in str(m.why) for m in seen.members)
    [miss] = seen.near
    assert "quá 200 m" in str(miss.why)


def test_merged_outbreaks_name_each_other(session: Session, units: list[int], run: int) -> None:
    add_cases(
        session,
        run,
        [sick(units[0], d, north_m=n) for d, n in ((9, 0), (8, 10), (7, 350), (6, 360), (5, 350))],
    )
    watch(session)
    small, large = sorted(
        (v.outbreak_id for v in session.scalars(select(OutbreakVersion))),
        key=lambda n: len(shown(session, n).members),
    )
    later = TODAY + timedelta(days=1)
    add_cases(session, run, [replace(sick(units[0], 5, north_m=180), known_from=evening(later))])
    watch(session, day=later)
    assert [(r.id, r.side) for r in shown(session, small).relatives] == [(large, "younger")]
    assert [(r.id, r.side) for r in shown(session, large).relatives] == [(small, "older")]
    assert shown(session, small).summary.status is Status.MERGED
    assert listed(session).total == 1


def test_the_parts_of_a_zone_name_each_other(session: Session, units: list[int], run: int) -> None:
    """A street of 1.4 km, a case every 100 m and day: one by the links, several by the bounds."""
    add_cases(session, run, [sick(units[0], 20 - i, north_m=100 * i) for i in range(15)])
    watch(session)
    parts = sorted(session.scalars(select(OutbreakVersion.outbreak_id)))
    assert len(parts) > 1
    for number in parts:
        others = [(other, "zone") for other in parts if other != number]
        assert [(r.id, r.side) for r in shown(session, number).relatives] == others


def test_house_points_are_those_of_the_readers_own_units(
    session: Session, outbreak: int, units: list[int]
) -> None:
    assert [
        len(member_points(session, outbreak, area_ids=areas))
        for areas in (None, {units[1]}, {units[2]}, set())
    ] == [3, 1, 0, 0]
    [outline] = outlines(session, area_ids={units[1]}, disease="dengue")
    assert (outline.id, outline.cases, outline.shape["type"]) == (outbreak, 3, "Polygon")
    assert list(outlines(session, area_ids={units[2]})) == []


def test_a_case_taken_back_since_is_not_shown(session: Session, outbreak: int) -> None:
    first = shown(session, outbreak).members[0].case_id
    session.execute(text("UPDATE case_version SET known_to = now() WHERE case_id = :id"), {"id": first})
    assert len(shown(session, outbreak).members) == 2
