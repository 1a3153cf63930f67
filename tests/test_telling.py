"""Telling, on real PostGIS: escalations once and only while nobody acts, silences that never hide red, neighbours."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from accounts.choices import WantedMessages, choose
from accounts.models import Role, User
from alerts.channels import EMAIL, IN_APP, SMS
from alerts.channels.email import EmailChannel
from alerts.delivery import deliver_due, stored_error
from alerts.inbox import acknowledge
from alerts.lifecycle import Kind
from alerts.models import Alert, AlertEvent, Delivery
from alerts.records import open_alerts
from alerts.telling.hours import Calendar
from alerts.telling.models import Escalation, Silence
from alerts.telling.neighbours import mark_news_read, news_for
from alerts.telling.rota import RotaError, add_shift, set_quiet
from alerts.telling.rules import default_rules
from alerts.telling.silences import SilenceError, end_silence, silence
from alerts.telling.steps import TellReport, tell
from alerts.views import alert_detail, unread_count
from db import session_scope
from geodata.models import UnitNeighbour
from i18n import Message
from surveillance.detection.holidays import is_day_off
from surveillance.types import Signal
from tests.alerting import NOW, POLICY, add_unit, add_user, calm, ears, epidemic, outbreak, run, warning
from tests.mail import MailServer
from tests.test_delivery import LETTERHEAD, MAIL_FROM, server

__all__ = ["server"]
"""Fixtures."""

RULES = default_rules()
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CALENDAR = Calendar(hours=RULES.hours, is_holiday=is_day_off, zone=ZONE)
NOTHING = TellReport(escalated=0, silences_ended=0, neighbours=0, deliveries=0)


class City:
    """Two wards side by side, their officers, an officer of both, and two analysts."""

    def __init__(self, session: Session) -> None:
        self.city = add_unit(session, "79", "Thành phố Hồ Chí Minh")
        self.ward = add_unit(session, "26740", "Phường Sài Gòn", self.city)
        self.beside = add_unit(session, "26737", "Phường Tân Định", self.city)
        session.add_all(
            UnitNeighbour(unit_id=a.id, neighbour_id=b.id)
            for a, b in ((self.ward, self.beside), (self.beside, self.ward))
        )
        self.station = add_user(session, "station", Role.OFFICER, self.ward)
        self.neighbour = add_user(session, "neighbour", Role.OFFICER, self.beside)
        self.centre = add_user(session, "centre", Role.OFFICER, self.ward, self.beside)
        self.analyst = add_user(session, "analyst", Role.ANALYST)
        self.second = add_user(session, "second", Role.ANALYST)
        self.manager = add_user(session, "manager", Role.MANAGER)


@pytest.fixture
def city(session: Session) -> City:
    return City(session)


def tell_at(session: Session, *, hours: float = 0) -> TellReport:
    now = NOW + timedelta(hours=hours)
    return tell(session, rules=RULES, calendar=CALENDAR, policy=POLICY, now=now)


def events(session: Session, *kinds: Kind) -> list[AlertEvent]:
    query = select(AlertEvent).order_by(AlertEvent.id)
    return list(session.scalars(query.where(AlertEvent.kind.in_(kinds)) if kinds else query))


def told(session: Session, event: AlertEvent) -> set[tuple[int | None, str]]:
    rows = session.execute(select(Delivery.user_id, Delivery.channel).where(Delivery.event_id == event.id))
    return {(user_id, channel) for user_id, channel in rows}


def sentence(event: AlertEvent) -> str:
    assert event.message is not None
    return str(Message.from_json(event.message))


def the_alert(session: Session) -> Alert:
    return session.scalars(select(Alert)).one()


# Escalation


def test_red_goes_to_the_centre_and_then_to_the_city_each_once(session: Session, city: City) -> None:
    run(session, epidemic(city.ward))

    assert tell_at(session).escalated == 0
    assert tell_at(session, hours=0.5).escalated == 1
    assert tell_at(session, hours=0.6) == NOTHING
    assert tell_at(session, hours=1).escalated == 1
    assert tell_at(session, hours=99) == NOTHING
    centre, analysts = events(session, Kind.ESCALATED)
    assert told(session, centre) == {(city.centre.id, IN_APP), (city.centre.id, EMAIL)}
    assert {user for user, _ in told(session, analysts)} == {city.analyst.id, city.second.id}
    assert all(d.urgent for d in session.scalars(select(Delivery).where(Delivery.event_id == centre.id)))


def test_a_worker_that_slept_takes_both_steps_at_once(session: Session, city: City) -> None:
    run(session, epidemic(city.ward))

    assert tell_at(session, hours=20).escalated == 2
    assert tell_at(session, hours=20) == NOTHING


def test_who_takes_the_alert_on_stops_it(session: Session, city: City) -> None:
    run(session, epidemic(city.ward))
    acknowledge(session, the_alert(session).id, user=city.station, now=NOW)

    assert tell_at(session, hours=99).escalated == 0


def test_a_closed_alert_that_returns_is_a_new_wait(session: Session, city: City) -> None:
    run(session, epidemic(city.ward))
    tell_at(session, hours=20)
    for days in (40, 60, 80, 100):
        run(session, calm(city.ward), days=days)
    run(session, epidemic(city.ward), days=101)

    assert tell_at(session, hours=101 * 24).escalated == 0
    assert tell_at(session, hours=101 * 24 + 0.5).escalated == 1


def test_alerts_of_a_replayed_past_call_nobody(session: Session, city: City) -> None:
    run(session, epidemic(city.ward), notify=False)

    assert tell_at(session, hours=99) == NOTHING


def test_who_is_on_call_is_told_on_the_phone_of_the_shift(session: Session, city: City) -> None:
    add_shift(
        session, by=city.analyst, user_id=city.second.id, unit_id=None, starts_at=NOW,
        ends_at=NOW + timedelta(days=1), phone="0901 234 567", by_sms=True, now=NOW,
    )  # fmt: skip
    run(session, epidemic(city.ward))
    tell_at(session, hours=1)

    on_call = events(session, Kind.ESCALATED)[1]
    assert told(session, on_call) == {(city.second.id, way) for way in (IN_APP, EMAIL, SMS)}
    sms = session.scalars(select(Delivery).where(Delivery.channel == SMS)).one()
    assert (sms.address, sms.urgent) == ("84901234567", True)
    assert "người đang trực: Người thử second" in sentence(on_call)


def test_the_log_of_the_alert_still_says_who_was_not_told(session: Session, city: City) -> None:
    run(session, epidemic(city.ward))
    before = alert_detail(session, the_alert(session).id, None)
    tell_at(session, hours=1)
    after = alert_detail(session, the_alert(session).id, None)

    assert before is not None and after is not None
    assert before.not_told == after.not_told != ()


@pytest.mark.parametrize("role", [Role.OFFICER, Role.MANAGER])
def test_only_analysts_make_the_rota(session: Session, city: City, role: Role) -> None:
    by = city.station if role is Role.OFFICER else city.manager
    with pytest.raises(RotaError, match="Chỉ chuyên viên"):
        add_shift(
            session, by=by, user_id=by.id, unit_id=None, starts_at=NOW, ends_at=NOW + timedelta(days=1),
            phone="", by_sms=False, now=NOW,
        )  # fmt: skip


def test_nobody_is_put_on_call_where_they_cannot_open_an_alert(session: Session, city: City) -> None:
    with pytest.raises(RotaError, match="không phụ trách địa bàn này"):
        add_shift(
            session, by=city.analyst, user_id=city.station.id, unit_id=city.beside.id, starts_at=NOW,
            ends_at=NOW + timedelta(days=1), phone="", by_sms=False, now=NOW,
        )  # fmt: skip


# Silences


def quiet(
    session: Session, city: City, *, hours: float = 24, level: int = 3, user: User | None = None
) -> Silence:
    return silence(
        session, user=user or city.station, unit_id=city.ward.id, disease="dengue", level_max=level,
        ends_at=NOW + timedelta(hours=hours), reason="đang phun hoá chất", rules=RULES, now=NOW,
    )  # fmt: skip


def out_of_house(session: Session) -> int:
    return session.scalar(select(func.count(Delivery.id)).where(Delivery.channel != IN_APP)) or 0


def test_a_silenced_rise_is_in_the_log_and_marked_in_the_inbox_and_sent_to_nobody(
    session: Session, city: City
) -> None:
    quiet(session, city)
    run(session, outbreak(city.ward))

    inbox = session.scalars(select(Delivery)).all()
    assert {(d.channel, d.muted) for d in inbox} == {(IN_APP, True)}
    assert unread_count(session, city.station.id) == 0
    detail = alert_detail(session, the_alert(session).id, None)
    assert detail is not None and detail.summary.level == 3
    assert any(
        "Đang tạm im đến" in str(n.reason) and "do Người thử station" in str(n.reason)
        for n in detail.not_told
    )


@pytest.mark.parametrize("evidence", [epidemic, warning])
def test_red_and_a_new_status_are_told_under_any_silence(
    session: Session, city: City, evidence: object
) -> None:
    quiet(session, city)
    run(session, evidence(city.ward))  # type: ignore[operator]

    assert out_of_house(session) > 0
    assert not any(session.scalars(select(Delivery.muted)))


def test_a_silence_keeps_the_next_person_from_being_called_too(session: Session, city: City) -> None:
    run(session, outbreak(city.ward))
    quiet(session, city, hours=72)

    assert tell_at(session, hours=71).escalated == 0


def test_when_it_ends_with_the_level_higher_people_are_told_once(session: Session, city: City) -> None:
    run(session, ears(city.ward))
    quiet(session, city)
    run(session, outbreak(city.ward), days=0.5)
    assert out_of_house(session) == 0

    assert tell_at(session, hours=23).silences_ended == 0
    assert tell_at(session, hours=24).silences_ended == 1
    assert tell_at(session, hours=24).silences_ended == 0
    (ended,) = events(session, Kind.SILENCE_ENDED)
    assert (city.station.id, EMAIL) in told(session, ended)
    assert "mức đã lên Cao" in sentence(ended)


def test_when_it_ends_and_nothing_rose_nobody_is_told(session: Session, city: City) -> None:
    run(session, outbreak(city.ward))
    before = out_of_house(session)
    quiet(session, city)
    tell_at(session, hours=24)

    assert [told(session, event) for event in events(session, Kind.SILENCE_ENDED)] == [set()]
    assert out_of_house(session) == before + sum(
        channel != IN_APP for event in events(session, Kind.ESCALATED) for _, channel in told(session, event)
    )


def test_it_can_be_ended_early_and_says_by_whom(session: Session, city: City) -> None:
    run(session, ears(city.ward))
    row = quiet(session, city)
    run(session, outbreak(city.ward), days=0.1)
    end_silence(session, row.id, user=city.analyst, now=NOW + timedelta(hours=3))
    tell_at(session, hours=3)

    early, told_then = events(session, Kind.SILENCE_ENDED)
    assert (early.user_id, early.at) == (city.analyst.id, NOW + timedelta(hours=3))
    assert (city.station.id, EMAIL) in told(session, told_then)
    with pytest.raises(SilenceError, match="đã kết thúc"):
        end_silence(session, row.id, user=city.analyst, now=NOW + timedelta(hours=4))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reason": " "}, "Hãy ghi lý do"),
        ({"level_max": 4}, "mức rất cao luôn được báo"),
        ({"ends_at": NOW}, "ít nhất 10 phút"),
        ({"ends_at": NOW + timedelta(days=15)}, "không quá 14 ngày"),
        ({"user": "neighbour"}, "cán bộ phụ trách địa bàn này"),
        ({"user": "manager"}, "cán bộ phụ trách địa bàn này"),
    ],
)
def test_a_silence_that_cannot_be_says_why(
    session: Session, city: City, change: dict[str, object], said: str
) -> None:
    wanted = {
        "user": city.station, "unit_id": city.ward.id, "disease": None, "level_max": 3,
        "ends_at": NOW + timedelta(days=1), "reason": "đang xử lý", **change,
    }  # fmt: skip
    if isinstance(name := wanted["user"], str):
        wanted["user"] = getattr(city, name)
    with pytest.raises(SilenceError, match=said):
        silence(session, rules=RULES, now=NOW, **wanted)  # type: ignore[arg-type]


# Neighbours and co-owners


def test_neighbours_of_level_cao_hear_of_it_once_and_not_as_their_alert(session: Session, city: City) -> None:
    wanted = WantedMessages(channel=EMAIL, address=None, at_once_from=3, digest=True)
    choose(session, city.neighbour, wanted, NOW)
    run(session, outbreak(city.ward))

    assert tell_at(session).neighbours == 1
    assert tell_at(session) == NOTHING
    run(session, epidemic(city.ward), days=0.01)
    assert tell_at(session).neighbours == 0
    (event,) = events(session, Kind.NEIGHBOURS)
    rows = session.scalars(select(Delivery).where(Delivery.event_id == event.id)).all()
    assert {(d.user_id, d.channel, d.digest, d.for_unit_id) for d in rows} == {
        (city.neighbour.id, IN_APP, False, city.beside.id),
        (city.neighbour.id, EMAIL, True, city.beside.id),
    }
    assert "Phường Tân Định" in sentence(event)
    assert alert_detail(session, event.alert_id, {city.beside.id}) is None


def test_level_trung_binh_is_no_news_next_door(session: Session, city: City) -> None:
    run(session, warning(city.ward))

    assert tell_at(session).neighbours == 0


def test_news_from_next_door_stands_in_the_inbox_until_it_was_read(session: Session, city: City) -> None:
    run(session, outbreak(city.ward))
    tell_at(session)

    (news,) = news_for(session, city.neighbour.id)
    assert (news.unit_name, news.mine, news.level, news.read) == (
        "Phường Sài Gòn",
        "Phường Tân Định",
        3,
        False,
    )
    assert unread_count(session, city.neighbour.id) == 1
    mark_news_read(session, city.neighbour.id, NOW)
    assert unread_count(session, city.neighbour.id) == 0


def sharing(city: City, evidence: Sequence[Signal]) -> list[Signal]:
    """The same evidence, of an outbreak that the ward leads and that reaches into the one beside it."""
    shared = {"shared": [[city.ward.id, city.beside.id]]}
    return [replace(one, detail={**one.detail, **shared}) for one in evidence]


def test_co_owners_of_an_outbreak_are_told_like_the_lead(session: Session, city: City) -> None:
    run(session, sharing(city, epidemic(city.ward)))

    mine = session.scalars(select(Delivery).where(Delivery.user_id == city.neighbour.id)).all()
    assert {(d.channel, d.for_unit_id) for d in mine} == {(IN_APP, city.beside.id), (EMAIL, city.beside.id)}


def test_a_co_owner_with_an_alert_of_its_own_is_not_told_twice(session: Session, city: City) -> None:
    run(session, sharing(city, [*outbreak(city.ward), *outbreak(city.beside)]))

    mine = session.scalars(select(Delivery).where(Delivery.user_id == city.neighbour.id)).all()
    assert {d.for_unit_id for d in mine} == {None}


# Out of the house, and at once


@pytest.fixture
def town(engine: Engine) -> Iterator[City]:
    """A committed city."""
    with session_scope(engine) as session:
        town = City(session)
    yield town
    with session_scope(engine) as session:
        session.execute(text("TRUNCATE app_user, admin_unit CASCADE"))


NIGHT = datetime(2026, 7, 15, 23, 0, tzinfo=ZONE)
MORNING = datetime(2026, 7, 16, 6, 0, tzinfo=ZONE)


def test_quiet_hours_hold_a_mail_until_the_morning_but_not_red(
    engine: Engine, town: City, server: MailServer
) -> None:
    with session_scope(engine) as session:
        set_quiet(session, town.station.id, "21:30", "06:00", NOW)
        run(session, outbreak(town.ward), now=NIGHT)
    channel = EmailChannel(server.url, MAIL_FROM)

    assert deliver_due(engine, {EMAIL: channel}, NIGHT, letterhead=LETTERHEAD).sent == 1
    assert [mail["To"] for mail in server.mailbox.taken] == ["centre@example.org"]
    with session_scope(engine) as session:
        held = session.scalars(select(Delivery).where(Delivery.state == "due")).one()
        assert (held.next_attempt_at, held.attempts) == (MORNING, 0)
        assert "giờ yên lặng" in str(stored_error(held))
        run(session, epidemic(town.ward), now=NIGHT + timedelta(minutes=5))
    deliver_due(engine, {EMAIL: channel}, NIGHT + timedelta(minutes=5), letterhead=LETTERHEAD)
    assert [mail["To"] for mail in server.mailbox.taken].count("station@example.org") == 1
    deliver_due(engine, {EMAIL: channel}, MORNING, letterhead=LETTERHEAD)
    assert [mail["To"] for mail in server.mailbox.taken].count("station@example.org") == 2


def test_the_mail_of_an_escalation_says_that_nobody_has_taken_it_on(
    engine: Engine, town: City, server: MailServer
) -> None:
    with session_scope(engine) as session:
        run(session, epidemic(town.ward))
        tell_at(session, hours=0.5)
    deliver_due(engine, {EMAIL: EmailChannel(server.url, MAIL_FROM)}, NOW, letterhead=LETTERHEAD)
    assert not any("CHƯA AI NHẬN" in mail["Subject"] for mail in server.mailbox.taken)
    later = NOW + timedelta(hours=0.5)
    deliver_due(engine, {EMAIL: EmailChannel(server.url, MAIL_FROM)}, later, letterhead=LETTERHEAD)

    mail = next(m for m in server.mailbox.taken if "CHƯA AI NHẬN" in m["Subject"])
    assert mail["To"] == "centre@example.org"
    plain = mail.get_body(("plain",))
    assert plain is not None and "Chưa ai tiếp nhận sau 30 phút." in plain.get_content()


def test_two_workers_at_once_escalate_once(engine: Engine, town: City) -> None:
    with session_scope(engine) as session:
        run(session, epidemic(town.ward))
    reports: list[int] = []

    def work() -> None:
        with session_scope(engine) as session:
            reports.append(tell_at(session, hours=20).escalated)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reports) == [0, 0, 0, 2]
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Escalation)) == 2


def test_a_hand_on_the_alert_in_the_same_moment_wins_or_waits(engine: Engine, town: City) -> None:
    """The act holds the row: the step, which had seen it open, waits, looks again and leaves it."""
    with session_scope(engine) as session:
        run(session, epidemic(town.ward))
        alert_id = the_alert(session).id
    reports: list[int] = []

    def work() -> None:
        with session_scope(engine) as session:
            reports.append(tell_at(session, hours=20).escalated)

    with session_scope(engine) as session:
        acknowledge(session, alert_id, user=session.get_one(User, town.station.id), now=NOW)
        session.flush()
        thread = threading.Thread(target=work)
        thread.start()
        _wait_for_lock(engine)
    thread.join()
    assert reports == [0]


def _wait_for_lock(engine: Engine) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with engine.connect() as connection:
        while not connection.scalar(waiting):
            connection.rollback()


def test_an_event_is_written_while_reconcile_holds_the_open_alerts(engine: Engine, town: City) -> None:
    """Else reminders and reconcile would wait for each other, each in an order of its own."""
    with session_scope(engine) as session:
        run(session, epidemic(town.ward))
        alert_id = the_alert(session).id
    with Session(engine) as reconciling, Session(engine) as reminding:
        assert open_alerts(reconciling)

        referred = select(Alert.id).with_for_update(read=True, key_share=True, nowait=True)
        assert reminding.scalar(referred) == alert_id


def test_a_killed_run_leaves_nothing_and_the_next_one_does_it_all(engine: Engine, town: City) -> None:
    with session_scope(engine) as session:
        run(session, epidemic(town.ward))
    with pytest.raises(KeyboardInterrupt), session_scope(engine) as session:
        tell_at(session, hours=20)
        raise KeyboardInterrupt
    with session_scope(engine) as session:
        assert events(session, Kind.ESCALATED) == []
        assert tell_at(session, hours=20).escalated == 2
