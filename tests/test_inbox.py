"""What people may do with an alert, and what pages read about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.models import Role, User
from accounts.service import areas_of
from alerts import inbox
from alerts.lifecycle import Kind
from alerts.models import Alert, AlertEvent, Delivery
from alerts.views import (
    LevelView,
    alert_detail,
    alert_list,
    alerts_this_week,
    highest,
    level_detail,
    levels_at,
    unread_count,
)  # fmt: skip
from geodata.models import AdminUnit
from surveillance.types import StatutoryStatus
from tests.alerting import (
    NOW,
    add_user,
    analyst,
    calm,
    city,
    ears,
    epidemic,
    other_ward,
    outbreak,
    run,
    ward,
    warning,
)

__all__ = ["analyst", "city", "other_ward", "ward"]
"""Fixtures."""

LATER = NOW + timedelta(hours=2)


@pytest.fixture
def officer(session: Session, ward: AdminUnit) -> User:
    return add_user(session, "station", Role.OFFICER, ward)


@pytest.fixture
def stranger(session: Session, other_ward: AdminUnit) -> User:
    return add_user(session, "neighbour", Role.OFFICER, other_ward)


@pytest.fixture
def manager(session: Session) -> User:
    return add_user(session, "manager", Role.MANAGER)


@pytest.fixture
def alert(session: Session, ward: AdminUnit, officer: User) -> Alert:
    run(session, epidemic(ward))
    return session.scalars(select(Alert)).one()


Act = Callable[[Session, int, User], object]
ACTS: list[Act] = [
    lambda session, id_, user: inbox.acknowledge(session, id_, user=user, now=LATER),
    lambda session, id_, user: inbox.comment(session, id_, user=user, text="Đã gọi trạm", now=LATER),
    lambda session, id_, user: inbox.close(
        session, id_, user=user, outcome="true", comment="Đã xử lý", now=LATER
    ),
]
every_act = pytest.mark.parametrize("act", ACTS, ids=["acknowledge", "comment", "close"])


def events(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(AlertEvent)) or 0


# Rights


@every_act
def test_an_officer_acts_in_the_own_area(session: Session, alert: Alert, officer: User, act: Act) -> None:
    act(session, alert.id, officer)

    newest = session.scalars(select(AlertEvent).order_by(AlertEvent.id.desc())).first()
    assert newest is not None
    assert (newest.user_id, newest.at) == (officer.id, LATER)


@every_act
def test_an_analyst_acts_everywhere(session: Session, alert: Alert, analyst: User, act: Act) -> None:
    act(session, alert.id, analyst)

    assert events(session) == 2


@every_act
def test_an_officer_of_another_area_is_refused(
    session: Session, alert: Alert, stranger: User, act: Act
) -> None:
    with pytest.raises(inbox.NotAllowed):
        act(session, alert.id, stranger)

    assert events(session) == 1


@every_act
def test_a_manager_reads_only(session: Session, alert: Alert, manager: User, act: Act) -> None:
    with pytest.raises(inbox.NotAllowed, match="chỉ xem"):
        act(session, alert.id, manager)


@every_act
def test_a_locked_account_is_refused(session: Session, alert: Alert, officer: User, act: Act) -> None:
    officer.active = False
    with pytest.raises(inbox.NotAllowed):
        act(session, alert.id, officer)


def test_no_alert_and_somebody_elses_look_the_same(session: Session, alert: Alert, stranger: User) -> None:
    with pytest.raises(inbox.NotAllowed) as theirs:
        inbox.acknowledge(session, alert.id, user=stranger, now=LATER)
    with pytest.raises(inbox.NotAllowed) as none:
        inbox.acknowledge(session, alert.id + 999, user=stranger, now=LATER)

    assert str(theirs.value) == str(none.value)


# Acts


def test_a_second_tap_changes_nothing(session: Session, alert: Alert, officer: User, analyst: User) -> None:
    assert inbox.acknowledge(session, alert.id, user=officer, now=LATER) is not None
    assert inbox.acknowledge(session, alert.id, user=analyst, now=LATER) is None

    assert (alert.state, events(session)) == ("acknowledged", 2)


def test_closing_keeps_the_outcome_and_the_reason(session: Session, alert: Alert, officer: User) -> None:
    event = inbox.close(
        session, alert.id, user=officer, outcome="false", comment="  Nhập trùng hồ sơ ", now=LATER
    )

    assert (alert.state, alert.outcome, alert.closed_at) == ("closed", "false", LATER)
    assert (event.kind, event.comment) == (Kind.CLOSED, "Nhập trùng hồ sơ")


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2001])
def test_closing_needs_a_usable_reason(session: Session, alert: Alert, officer: User, reason: str) -> None:
    with pytest.raises(inbox.BadInput):
        inbox.close(session, alert.id, user=officer, outcome="true", comment=reason, now=LATER)

    assert alert.state == "open"


def test_closing_needs_a_known_outcome(session: Session, alert: Alert, officer: User) -> None:
    with pytest.raises(inbox.BadInput):
        inbox.close(session, alert.id, user=officer, outcome="maybe", comment="x", now=LATER)  # type: ignore[arg-type]


@every_act
def test_a_closed_alert_says_so(session: Session, alert: Alert, officer: User, act: Act) -> None:
    inbox.close(session, alert.id, user=officer, outcome="true", comment="Xong", now=LATER)

    with pytest.raises(inbox.AlreadyClosed, match="đã đóng"):
        act(session, alert.id, officer)


def test_a_dead_message_is_sent_again_by_who_may_act(
    session: Session, alert: Alert, officer: User, stranger: User
) -> None:
    mail = session.scalars(select(Delivery).where(Delivery.channel == "email")).one()
    mail.state = "dead"
    with pytest.raises(inbox.NotAllowed):
        inbox.resend(session, mail.id, user=stranger, now=LATER)
    inbox.resend(session, mail.id, user=officer, now=LATER)

    assert (mail.state, mail.next_attempt_at) == ("due", LATER)
    assert session.scalars(select(AlertEvent.kind).order_by(AlertEvent.id)).all()[-1] == "resent"


def test_reading_is_counted_per_person(
    session: Session, ward: AdminUnit, analyst: User, officer: User
) -> None:
    run(session, epidemic(ward))
    alert_id = session.scalars(select(Alert.id)).one()
    assert (unread_count(session, officer.id), unread_count(session, analyst.id)) == (1, 1)
    inbox.mark_read(session, alert_id, user=officer, now=LATER)

    assert (unread_count(session, officer.id), unread_count(session, analyst.id)) == (0, 1)


# Views


def test_the_list_is_limited_to_the_readers_area(
    session: Session, ward: AdminUnit, other_ward: AdminUnit, officer: User, analyst: User
) -> None:
    run(session, [*epidemic(ward), *warning(other_ward)])
    mine = alert_list(session, area_ids=areas_of(session, officer), states=["open"], user_id=officer.id)
    everything = alert_list(session, area_ids=areas_of(session, analyst), states=["open"])

    assert [item.unit_name for item in mine.items] == ["Phường Sài Gòn"]
    assert mine.items[0].unread
    assert [item.level for item in everything.items] == [4, 2]
    assert everything.total == 2


def test_the_list_is_filtered_paged_and_ordered(
    session: Session, ward: AdminUnit, other_ward: AdminUnit
) -> None:
    run(session, epidemic(ward))
    run(session, [*epidemic(ward), *warning(other_ward)], days=1)
    page = alert_list(session, area_ids=None, states=["open"], limit=1, order="newest")
    severe = alert_list(session, area_ids=None, states=["open"], level_min=3)

    assert ([item.level for item in page.items], page.total) == ([2], 2)
    assert [item.unit_id for item in severe.items] == [ward.id]
    assert alert_list(session, area_ids=None, states=["open"], disease="zika").total == 0
    assert alert_list(session, area_ids=set(), states=["open"]).total == 0
    assert severe.items[0].notice_due == NOW + timedelta(days=1)


def test_the_detail_says_what_happened_who_was_told_and_who_was_not(
    session: Session, alert: Alert, officer: User, manager: User, ward: AdminUnit
) -> None:
    run(session, outbreak(ward), days=0.01)
    inbox.acknowledge(session, alert.id, user=officer, now=LATER)
    detail = alert_detail(session, alert.id, None)

    assert detail is not None
    assert detail.events[0].kind == Kind.OPENED
    assert detail.events[-1].user_name == officer.full_name
    told = {(d.user_name, d.channel, d.state, d.read_at) for d in detail.deliveries}
    assert (officer.full_name, "email", "due", None) in told
    assert (officer.full_name, "in_app", "sent", LATER) in told
    assert manager.full_name in {muted.user_name for muted in detail.not_told}
    assert detail.passport.unit_name == "Phường Sài Gòn"


def test_there_is_no_detail_outside_the_area(session: Session, alert: Alert, stranger: User) -> None:
    assert alert_detail(session, alert.id, areas_of(session, stranger)) is None


def test_levels_are_read_as_they_were_believed(session: Session, ward: AdminUnit) -> None:
    run(session, calm(ward))
    run(session, epidemic(ward), days=1)
    past = levels_at(session, disease="dengue", as_of=NOW + timedelta(hours=3))
    today = levels_at(session, disease="dengue")

    assert (past[ward.id].level, today[ward.id].level) == (1, 4)
    assert levels_at(session, disease="dengue", as_of=NOW - timedelta(days=1)) == {}
    detail = level_detail(session, "dengue", ward.id)
    assert detail is not None and detail.alert_id is not None
    assert "40 ca" in str(detail.reasons[0])
    assert level_detail(session, "zika", ward.id) is None


def view(level: int, *, unknown: bool = False, status: str = "none", disease: str = "dengue") -> LevelView:
    return LevelView(
        disease=disease, level=level, raw_level=level, unknown=unknown,
        status=StatutoryStatus(status), since=NOW,
    )  # fmt: skip


def test_over_all_diseases_the_highest_level_and_gravest_status_are_shown() -> None:
    shown = highest([view(2, status="epidemic"), view(3, disease="hfmd")])

    assert (shown.level, shown.disease, shown.status, shown.unknown) == (3, "hfmd", "epidemic", False)


def test_a_silent_disease_keeps_a_calm_unit_from_being_green() -> None:
    assert highest([view(1), view(1, unknown=True)]).unknown
    assert not highest([view(2), view(1, unknown=True)]).unknown
    assert highest([view(3, unknown=True), view(2)]).unknown


def test_this_week_begins_on_monday_on_the_citys_clock(
    session: Session, ward: AdminUnit, other_ward: AdminUnit
) -> None:
    run(session, ears(ward), days=-3)
    run(session, [*ears(ward), *warning(other_ward)])

    now = NOW.astimezone(ZoneInfo("Asia/Ho_Chi_Minh"))
    assert [item.unit_id for item in alerts_this_week(session, now, None)] == [other_ward.id]
