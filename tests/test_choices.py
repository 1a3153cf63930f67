"""How people want to be told: who gets what by which channel, at once or with the next morning's collection."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from accounts.choices import WantedMessages, choices_of, choose, forget_choice, listeners
from accounts.models import MessageChoice, Role, User, UserArea
from accounts.service import AccountError
from alerts.channels import EMAIL, IN_APP, SMS, TELEGRAM, ZALO
from alerts.channels.email import EmailChannel
from alerts.delivery import DIGEST_AT, DeliveryReport, deliver_due, last_digest_time
from alerts.levels import Level
from alerts.lifecycle import Change, Kind
from alerts.models import Delivery
from alerts.routing import Choice, Person, recipients
from alerts.rules import Routing
from db import session_scope
from geodata.models import AdminUnit
from surveillance.types import StatutoryStatus
from tests.alerting import NOW, add_user, calm, ears, outbreak, run
from tests.mail import MailServer
from tests.test_delivery import LETTERHEAD, MAIL_FROM, server, unit_id

__all__ = ["server", "unit_id"]
"""Fixtures."""

MORNING = datetime(2026, 7, 16, 0, 0, tzinfo=UTC)
"""07:00 in the city, the day after NOW."""


# Routing, without a database


def change(
    level: int,
    kind: Kind = Kind.RAISED,
    before: StatutoryStatus = StatutoryStatus.NONE,
    status: StatutoryStatus = StatutoryStatus.NONE,
) -> Change:
    return Change(
        kind=kind,
        level_before=1,
        level=level,
        status_before=before,
        status=status,
        status_since=NOW,
        methods=frozenset(),
        new_methods=frozenset(),
    )


def person(role: Role = Role.OFFICER, **choices: Choice) -> Person:
    return Person(id=1, role=role, has_email=True, area_ids=frozenset({1}), choices=choices)


def ways(change: Change, person: Person, disease: str = "dengue") -> dict[str, bool]:
    """Channel → whether with the digest."""
    told, _ = recipients(change, [person], Routing(), disease)
    return {one.channel: one.digest for one in told}


def test_without_a_choice_everything_is_as_the_policy_says() -> None:
    assert ways(change(3), person()) == {IN_APP: False, EMAIL: False}
    assert ways(change(2), person()) == {IN_APP: False}


def test_at_once_from_the_chosen_level_and_below_it_with_the_digest() -> None:
    officer = person(
        sms=Choice(at_once_from=Level.RAT_CAO, digest=False),
        telegram=Choice(at_once_from=Level.CAO, digest=True),
    )

    assert ways(change(4), officer) == {IN_APP: False, EMAIL: False, SMS: False, TELEGRAM: False}
    assert ways(change(3), officer) == {IN_APP: False, EMAIL: False, TELEGRAM: False}
    assert ways(change(2), officer) == {IN_APP: False, TELEGRAM: True}


def test_good_news_and_more_evidence() -> None:
    officer = person(zalo=Choice(at_once_from=Level.TRUNG_BINH, digest=True))

    assert ways(change(2, Kind.LOWERED), officer) == {IN_APP: False, ZALO: True}
    assert ways(change(1, Kind.ENDED), officer) == {IN_APP: False, ZALO: True}
    assert ways(change(3, Kind.EVIDENCE), officer) == {}


def test_another_disease_is_not_told_but_a_legal_clock_always_is() -> None:
    officer = person(sms=Choice(at_once_from=Level.TRUNG_BINH, digest=True, diseases=frozenset({"measles"})))
    warned = change(2, Kind.EVIDENCE, StatutoryStatus.NONE, StatutoryStatus.WARNING)

    assert SMS not in ways(change(4), officer, "dengue")
    assert ways(change(4), officer, "measles")[SMS] is False
    assert ways(warned, officer, "dengue")[SMS] is False


def test_analysts_and_managers_are_told_when_they_ask() -> None:
    wants = Choice(at_once_from=Level.RAT_CAO, digest=False)

    assert ways(change(4), person(Role.ANALYST, email=wants)) == {IN_APP: False, EMAIL: False}
    assert ways(change(4), person(Role.MANAGER, sms=wants)) == {SMS: False}
    assert ways(change(4), person(Role.MANAGER)) == {}


CHOICES = st.builds(
    Choice,
    at_once_from=st.sampled_from([Level.TRUNG_BINH, Level.CAO, Level.RAT_CAO]),
    digest=st.booleans(),
    diseases=st.none() | st.sets(st.sampled_from(["dengue", "measles"]), min_size=1).map(frozenset),
)


@given(
    st.integers(1, 4),
    st.sampled_from([Kind.OPENED, Kind.REOPENED, Kind.RAISED, Kind.LOWERED, Kind.EVIDENCE, Kind.ENDED]),
    st.sampled_from(list(StatutoryStatus)),
    st.sampled_from(list(StatutoryStatus)),
    st.dictionaries(st.sampled_from([EMAIL, SMS, TELEGRAM, ZALO]), CHOICES),
    st.booleans(),
)
def test_every_channel_of_a_person_is_told_or_says_why_not_once(
    level: int,
    kind: Kind,
    before: StatutoryStatus,
    status: StatutoryStatus,
    choices: dict[str, Choice],
    has_email: bool,
) -> None:
    officer = Person(id=1, role=Role.OFFICER, has_email=has_email, area_ids=frozenset({1}), choices=choices)
    step = change(level, kind, before, status)
    told, muted = recipients(step, [officer], Routing(), "dengue")

    assert sorted([one.channel for one in told] + [one.channel for one in muted]) == sorted(
        {IN_APP, EMAIL, *choices}
    )
    if step.status_rose or step.status_ended:
        reached = {one.channel for one in told if not one.digest}
        assert {channel for channel in choices if channel != EMAIL} <= reached
        assert (EMAIL in reached) == has_email


# Digests


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))
def test_the_last_collection_is_within_a_day_and_at_its_hour(now: datetime) -> None:
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    last = last_digest_time(now, zone)

    assert now - timedelta(days=1) < last <= now
    assert last.astimezone(zone).time() == DIGEST_AT


@pytest.fixture
def collecting(engine: Engine, unit_id: int) -> Iterator[int]:
    """The ward's officer reads level 2 once a day; the next ward is theirs too, and in both something just began."""
    with session_scope(engine) as session:
        next_ward = session.scalars(select(AdminUnit.id).where(AdminUnit.code == "26737")).one()
        session.execute(delete(UserArea))
        user = session.scalars(select(User).where(User.username == "station")).one()
        session.add_all([UserArea(user_id=user.id, unit_id=unit) for unit in (unit_id, next_ward)])
        choose(session, user, WantedMessages(channel=EMAIL, address=None, at_once_from=3, digest=True), NOW)
        run(session, [*ears(unit_id), *ears(next_ward)])
    yield next_ward


def deliver(engine: Engine, server: MailServer, at: datetime) -> DeliveryReport:
    return deliver_due(engine, {EMAIL: EmailChannel(server.url, MAIL_FROM)}, at, letterhead=LETTERHEAD)


def test_low_levels_come_once_in_the_morning_in_one_message(
    engine: Engine, unit_id: int, collecting: int, server: MailServer
) -> None:
    assert deliver(engine, server, MORNING - timedelta(minutes=1)).sent == 0
    assert deliver(engine, server, MORNING).sent == 1
    assert deliver(engine, server, MORNING + timedelta(days=1)).sent == 0

    (mail,) = server.mailbox.taken
    plain = mail.get_body(("plain",))
    assert plain is not None
    words = plain.get_content()
    assert mail["Subject"] == "Tin gộp: 2 cảnh báo có thay đổi"
    assert "Phường Sài Gòn. Mở cảnh báo ở mức Trung bình." in words
    assert "Phường Tân Định. Mở cảnh báo ở mức Trung bình." in words
    assert words.count("https://") == 1 and "https://canhdich.example.org/alerts\n" in words
    assert states(engine) == {"sent": 2}


def states(engine: Engine) -> dict[str, int]:
    with Session(engine) as session:
        rows = session.execute(
            select(Delivery.state, func.count()).where(Delivery.channel == EMAIL).group_by(Delivery.state)
        )
        return {row[0]: row[1] for row in rows}


def test_what_rose_meanwhile_is_told_at_once_and_of_each_alert_only_the_last(
    engine: Engine, unit_id: int, collecting: int, server: MailServer
) -> None:
    with session_scope(engine) as session:
        run(session, [*outbreak(unit_id), *ears(collecting)], days=0.1)
    assert deliver(engine, server, NOW + timedelta(hours=3)).sent == 1
    assert deliver(engine, server, MORNING).sent == 1

    urgent, digest = server.mailbox.taken
    assert urgent["Subject"].startswith("◆ Cao: ")
    assert digest["Subject"] == "Tin gộp: 2 cảnh báo có thay đổi"


def test_a_digest_whose_server_is_down_comes_later_whole_and_once(
    engine: Engine, unit_id: int, collecting: int, server: MailServer
) -> None:
    server.mailbox.refusals = ["451 try later"]

    assert deliver(engine, server, MORNING).retry == 1
    assert states(engine) == {"due": 2}
    assert deliver(engine, server, MORNING + timedelta(minutes=1)).sent == 1
    assert (len(server.mailbox.taken), states(engine)) == (1, {"sent": 2})


def test_of_a_digest_only_what_may_still_be_told_goes_out(
    engine: Engine, unit_id: int, collecting: int, server: MailServer
) -> None:
    with session_scope(engine) as session:
        session.execute(delete(UserArea).where(UserArea.unit_id == collecting))
    deliver(engine, server, MORNING)

    (mail,) = server.mailbox.taken
    assert "Phường Sài Gòn" in mail["Subject"] and "Tân Định" not in mail.as_string()
    assert states(engine) == {"sent": 1, "dead": 1}


def test_an_end_is_told_in_the_digest(
    engine: Engine, unit_id: int, collecting: int, server: MailServer
) -> None:
    deliver(engine, server, MORNING)
    with session_scope(engine) as session:
        run(session, [*calm(unit_id), *ears(collecting)], days=9)
        run(session, [*calm(unit_id), *ears(collecting)], days=20)
    deliver(engine, server, NOW + timedelta(days=22))

    assert "Kết thúc" in server.mailbox.taken[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_two_processes_never_split_a_digest(engine: Engine, unit_id: int, collecting: int) -> None:
    """The second one comes while the first is sending."""
    inner: list[DeliveryReport] = []

    class Slow:
        sent = 0

        def unavailable(self) -> None:
            return None

        def send(self, envelope: object) -> None:
            Slow.sent += 1
            if not inner:
                inner.append(DeliveryReport(sent=0, retry=0, dead=0, waiting=0))
                inner[0] = deliver_due(engine, {EMAIL: Slow()}, MORNING, letterhead=LETTERHEAD)

    deliver_due(engine, {EMAIL: Slow()}, MORNING, letterhead=LETTERHEAD)

    assert (Slow.sent, inner[0].sent, states(engine)) == (1, 0, {"sent": 2})


# Choosing


@pytest.fixture
def user(session: Session) -> User:
    return add_user(session, "officer", Role.OFFICER)


def wanted(channel: str, address: str | None = None, **more: object) -> WantedMessages:
    values: dict[str, object] = {"at_once_from": 3, "digest": True, **more}
    return WantedMessages(channel=channel, address=address, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("channel", "typed", "kept"),
    [
        (SMS, "0901234567", "84901234567"),
        (SMS, "+84 90 123 45 67", "84901234567"),
        (SMS, "090.123.4567", "84901234567"),
        (TELEGRAM, " 987654321 ", "987654321"),
        (ZALO, "2512523625412515", "2512523625412515"),
        (EMAIL, None, None),
    ],
)
def test_an_address_as_people_write_it(
    session: Session, user: User, channel: str, typed: str | None, kept: str | None
) -> None:
    choose(session, user, wanted(channel, typed), NOW)

    assert choices_of(session, user.id) == {channel: wanted(channel, kept)}


@pytest.mark.parametrize(
    ("channel", "typed"),
    [
        (SMS, ""), (SMS, "12345"), (SMS, "0901234567 hoặc 0907654321"), (SMS, "84901234567\r\nX: y"),
        (TELEGRAM, "@nguyenvana"), (TELEGRAM, "-100123456789"), (ZALO, "0901234567"), ("fax", "0901234567"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_refused(session: Session, user: User, channel: str, typed: str) -> None:
    with pytest.raises(AccountError):
        choose(session, user, wanted(channel, typed), NOW)

    assert choices_of(session, user.id) == {}


def test_email_needs_an_address_in_the_account_and_a_level_that_exists(session: Session, user: User) -> None:
    with pytest.raises(AccountError, match="mức"):
        choose(session, user, wanted(EMAIL, at_once_from=1), NOW)
    with pytest.raises(AccountError, match="bệnh"):
        choose(session, user, wanted(EMAIL, diseases=frozenset()), NOW)
    user.email = None
    with pytest.raises(AccountError, match="địa chỉ thư"):
        choose(session, user, wanted(EMAIL), NOW)


def test_a_choice_is_changed_and_taken_back(session: Session, user: User) -> None:
    choose(session, user, wanted(SMS, "0901234567"), NOW)
    choose(session, user, wanted(SMS, "0907654321", at_once_from=4, diseases=frozenset({"dengue"})), NOW)
    assert session.scalar(select(func.count()).select_from(MessageChoice)) == 1
    assert choices_of(session, user.id)[SMS].diseases == frozenset({"dengue"})
    forget_choice(session, user.id, SMS)

    assert choices_of(session, user.id) == {}


def test_who_is_told_what_can_be_seen(session: Session, user: User) -> None:
    choose(session, user, wanted(SMS, "0901234567"), NOW)
    found = {listener.user_id: listener for listener in listeners(session, None)}

    assert [choice.channel for choice in found[user.id].choices] == [SMS]
    assert listeners(session, {-1}) == []
