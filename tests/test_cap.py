"""CAP messages as text, and which one is due: against OASIS's schema, and as laws."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.cap import clean, to_xml
from alerts.cap_plan import (
    RENEW_BEFORE,
    VALID_FOR,
    AlertNow,
    Plan,
    Publication,
    Published,
    Purpose,
    next_message,
)
from alerts.cap_words import CapPlace, City, Facts, compose
from alerts.levels import Level
from alerts.lifecycle import Kind
from alerts.messages import EventFacts
from alerts.passport import Passport
from i18n import Message
from surveillance.types import StatutoryStatus
from tests.cap_checks import checked, one, texts

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 7, 15, 1, 0, tzinfo=UTC)
CITY = City(
    title={"vi": "Thành phố Hồ Chí Minh", "en": "Ho Chi Minh City"},
    code_list="VN:19/2025/QĐ-TTg",
    public_url="https://canhdich.example.org",
    timezone=ZONE,
)
SIGNED_IN = Publication(
    access="signed-in", sender="cdc@example.org", status="Actual", min_level=Level.CAO, webhook=False
)
PUBLIC = replace(SIGNED_IN, access="public")
OPEN = AlertNow(state="open", outcome=None, level=3, event_id=1, unknown=False)
SQUARE = [(10.77, 106.7), (10.77, 106.71), (10.78, 106.71), (10.77, 106.7)]


def passport(
    level: int = 3,
    status: StatutoryStatus = StatutoryStatus.NONE,
    unit: str = "Phường Sài Gòn",
    reason: str = "Tuần này có 4 ca, ngưỡng 2.",
) -> Passport:
    return Passport(
        as_of=NOW, policy_version="test", policy_hash="0123456789abcdef", code_version="test", disease="dengue",
        disease_names={"vi": "Sốt xuất huyết Dengue", "en": "Dengue"}, unit_id=7, unit_name=unit, level_before=1,
        level=level, status_before=StatutoryStatus.NONE, status=status, status_since=NOW, outbreak_since=None,
        notice_due=None, handling_due=None, methods=("ears_c2",),
        reasons=(Message("{x}", x=reason),),
        why_not_higher=Message("–"), why_not_lower=Message("–"), evidence=(),
    )  # fmt: skip


def facts(
    known: Passport | None = None,
    *,
    unknown: bool = False,
    rings: bool = True,
    outcome: str | None = None,
) -> Facts:
    known = known or passport()
    return Facts(
        event=EventFacts(
            alert_id=4711, kind=Kind.OPENED, at=NOW, sentence=Message("–"), passport=known, timezone=ZONE
        ),
        place=CapPlace(
            name=known.unit_name,
            parent="Thành phố Hồ Chí Minh",
            code="26740",
            valid_from=date(2025, 7, 1),
            rings=[SQUARE] if rings else [],
        ),
        opened_at=NOW - timedelta(days=2),
        unknown=unknown,
        outcome=Message("{x}", x=outcome) if outcome else None,
    )  # fmt: skip


def published(number: int = 1, **changes: object) -> Published:
    at = NOW + timedelta(hours=number)
    message = Published(
        identifier=f"m{number}", sender=SIGNED_IN.sender, status="Actual", scope="Restricted", msg_type="Alert",
        final=False, event_id=1, unknown=False, sent=at, expires=at + VALID_FOR,
    )  # fmt: skip
    return replace(message, **changes)  # type: ignore[arg-type]


def plan(purpose: Purpose) -> Plan:
    first = () if purpose is Purpose.ISSUE else (published(),)
    msg_type = {Purpose.ISSUE: "Alert", Purpose.WITHDRAW: "Cancel"}.get(purpose, "Update")
    return Plan(purpose=purpose, msg_type=msg_type, references=first, expires=NOW + VALID_FOR)  # type: ignore[arg-type]


def message(known: Facts, purpose: Purpose = Purpose.ISSUE, publication: Publication = SIGNED_IN) -> bytes:
    return to_xml(compose("id-1", known, plan(purpose), publication, CITY, NOW))


# --- the words and the XML ---------------------------------------------------------------------------------


@pytest.mark.parametrize("publication", [SIGNED_IN, PUBLIC])
@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_kind_of_message_keeps_the_schema_of_oasis(purpose: Purpose, publication: Publication) -> None:
    root = checked(message(facts(outcome="báo động giả"), purpose, publication))

    assert texts(root, "info/cap:language") == ["vi-VN", "en-US"]
    assert one(root, "msgType") == plan(purpose).msg_type


def test_an_alert_says_where_when_how_grave_in_both_languages() -> None:
    root = checked(message(facts()))

    assert one(root, "sent") == "2026-07-15T08:00:00+07:00"
    assert texts(root, "info/cap:headline") == [
        "Sốt xuất huyết Dengue, Phường Sài Gòn: mức nguy cơ Cao",
        "Dengue, Phường Sài Gòn: risk level High",
    ]
    assert texts(root, "info/cap:severity") == ["Severe"] * 2
    assert texts(root, "info/cap:urgency") == ["Expected"] * 2
    assert texts(root, "info/cap:onset") == ["2026-07-13T08:00:00+07:00"] * 2
    assert texts(root, "info/cap:expires") == ["2026-07-22T08:00:00+07:00"] * 2
    assert (
        texts(root, "info/cap:area/cap:geocode/cap:valueName")
        == ["VN:19/2025/QĐ-TTg;valid-from=2025-07-01"] * 2
    )
    assert texts(root, "info/cap:area/cap:geocode/cap:value") == ["26740"] * 2
    assert texts(root, "info/cap:area/cap:polygon")[0] == "10.77,106.7 10.77,106.71 10.78,106.71 10.77,106.7"


def test_the_link_names_the_place_and_no_alert() -> None:
    root = checked(message(facts()))
    assert texts(root, "info/cap:web") == ["https://canhdich.example.org/map?disease=dengue&unit=7"] * 2
    assert b"4711" not in message(facts())


def test_a_place_without_a_survey_has_a_code_and_no_polygon() -> None:
    root = checked(message(facts(rings=False)))
    assert texts(root, "info/cap:area/cap:polygon") == []
    assert texts(root, "info/cap:area/cap:geocode/cap:value") == ["26740"] * 2


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (facts(passport(status=StatutoryStatus.WARNING)), "Observed"),
        (facts(passport()), "Likely"),
        (facts(passport(status=StatutoryStatus.WARNING), unknown=True), "Unknown"),
    ],
)
def test_certainty_is_what_the_evidence_allows(known: Facts, expected: str) -> None:
    assert texts(checked(message(known)), "info/cap:certainty") == [expected] * 2


def test_silent_sources_leave_severity_unknown() -> None:
    root = checked(message(facts(unknown=True)))
    assert texts(root, "info/cap:severity") == ["Unknown"] * 2


def test_counts_of_a_commune_are_told_to_signed_in_readers_only() -> None:
    told, public = (checked(message(facts(), publication=p)) for p in (SIGNED_IN, PUBLIC))

    assert "Tuần này có 4 ca" in texts(told, "info/cap:description")[0]
    assert " ca" not in "".join(texts(public, "info/cap:description") + texts(public, "info/cap:instruction"))


def test_the_all_clear_and_the_withdrawal_say_that_nothing_is_to_be_done() -> None:
    clear = checked(message(facts(passport(level=1)), Purpose.ALL_CLEAR))
    cancel = checked(message(facts(outcome="báo động giả"), Purpose.WITHDRAW))

    assert texts(clear, "info/cap:responseType") == ["AllClear"] * 2
    assert texts(cancel, "info/cap:responseType") == ["None"] * 2
    assert texts(clear, "info/cap:severity") == ["Minor"] * 2
    assert texts(cancel, "info/cap:severity") == ["Unknown"] * 2
    assert texts(clear, "info/cap:urgency") == texts(cancel, "info/cap:urgency") == ["Past"] * 2
    assert "báo động giả" in one(cancel, "note")


ANY_TEXT = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("<>&\"'\x00\x0b\x1f\ufffe\r\n\t]{}")
)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_text_arrives_as_it_was_but_for_what_xml_cannot_hold(
    unit: str, reason: str, outcome: str
) -> None:
    known = facts(passport(unit=unit, reason=reason), outcome=outcome or "–")
    for purpose in Purpose:
        root = checked(message(known, purpose))
        assert texts(root, "info/cap:area/cap:areaDesc")[0] == clean(f"{unit}, Thành phố Hồ Chí Minh")
        if purpose is Purpose.CHANGE:
            assert clean(f"\n{reason}\n") in texts(root, "info/cap:description")[0]


@given(ANY_TEXT)
def test_cleaning_keeps_every_character_or_marks_its_loss(text: str) -> None:
    ends = text.replace("\r\n", "\n").replace("\r", "\n")
    cleaned = clean(text)
    assert len(cleaned) == len(ends) and clean(cleaned) == cleaned
    assert all(new in (old, "\ufffd") for old, new in zip(ends, cleaned, strict=True))


# --- which message is due ----------------------------------------------------------------------------------


def test_an_alert_begins_at_the_least_level() -> None:
    assert next_message(replace(OPEN, level=2), [], SIGNED_IN, NOW) is None
    begun = next_message(OPEN, [], SIGNED_IN, NOW)
    assert begun is not None and (begun.msg_type, begun.references) == ("Alert", ())


def test_the_public_is_told_only_what_a_person_has_taken_on() -> None:
    assert next_message(OPEN, [], PUBLIC, NOW) is None
    assert next_message(replace(OPEN, state="acknowledged"), [], PUBLIC, NOW) is not None


def test_a_published_alert_is_followed_below_the_least_level() -> None:
    lower = next_message(replace(OPEN, level=2, event_id=2), [published()], SIGNED_IN, NOW)
    assert lower is not None and (lower.purpose, lower.msg_type) == (Purpose.CHANGE, "Update")


def test_an_update_refers_to_every_message_of_its_chain_that_still_counts() -> None:
    chain = [
        published(1, final=True),
        published(2),
        published(3, msg_type="Update", expires=NOW),
        published(4, msg_type="Update"),
    ]
    update = next_message(replace(OPEN, event_id=2), chain, SIGNED_IN, NOW)
    assert update is not None and [m.identifier for m in update.references] == ["m2", "m4"]


def test_an_unchanged_alert_is_renewed_a_day_before_it_expires() -> None:
    first = published()
    due = first.expires - RENEW_BEFORE
    assert next_message(OPEN, [first], SIGNED_IN, due - timedelta(seconds=1)) is None
    renewed = next_message(OPEN, [first], SIGNED_IN, due)
    assert renewed is not None and (renewed.purpose, renewed.expires) == (Purpose.RENEW, due + VALID_FOR)


@pytest.mark.parametrize(
    ("outcome", "purpose", "msg_type"),
    [
        (None, Purpose.ALL_CLEAR, "Update"),
        ("true", Purpose.HAND_OVER, "Update"),
        ("false", Purpose.WITHDRAW, "Cancel"),
        ("duplicate", Purpose.WITHDRAW, "Cancel"),
        ("data_error", Purpose.WITHDRAW, "Cancel"),
    ],
)
def test_how_an_alert_was_closed_decides_how_its_messages_end(
    outcome: str | None, purpose: Purpose, msg_type: str
) -> None:
    closed = replace(OPEN, state="closed", outcome=outcome)
    end = next_message(closed, [published()], SIGNED_IN, NOW)
    assert end is not None and (end.purpose, end.msg_type, end.final) == (purpose, msg_type, True)
    assert next_message(closed, [published(), published(2, final=True)], SIGNED_IN, NOW) is None
    assert next_message(closed, [], SIGNED_IN, NOW) is None


def test_a_dismissal_withdraws_at_once_and_closing_adds_nothing() -> None:
    dismissed = replace(OPEN, state="dismissed", outcome="data_error")
    end = next_message(dismissed, [published()], SIGNED_IN, NOW)
    assert end is not None and (end.purpose, end.msg_type, end.final) == (Purpose.WITHDRAW, "Cancel", True)
    closed = replace(dismissed, state="closed")
    assert next_message(closed, [published(), published(2, final=True)], SIGNED_IN, NOW) is None
    again = next_message(OPEN, [published(), published(2, final=True)], SIGNED_IN, NOW)
    assert again is not None and again.msg_type == "Alert"


@pytest.mark.parametrize("state", ["acknowledged", "assigned", "verifying", "verified"])
def test_an_alert_in_peoples_hands_is_told_to_the_public(state: str) -> None:
    assert next_message(replace(OPEN, state=state), [], PUBLIC, NOW) is not None


def test_a_verified_alert_that_the_system_ends_is_all_clear() -> None:
    ended = replace(OPEN, state="closed", outcome="true", level=1)
    end = next_message(ended, [published()], SIGNED_IN, NOW)
    assert end is not None and end.purpose is Purpose.ALL_CLEAR


@pytest.mark.parametrize("change", [{"status": "Test"}, {"sender": "other"}, {"scope": "Public"}])
def test_a_chain_in_another_voice_is_not_continued(change: dict[str, str]) -> None:
    again = next_message(OPEN, [published(1, **change)], SIGNED_IN, NOW)
    assert again is not None and again.msg_type == "Alert"


STATES = st.sampled_from(
    [("open", None), ("acknowledged", None), ("closed", None), ("closed", "true"), ("closed", "false")]
)
STEPS = st.lists(st.tuples(STATES, st.integers(1, 4), st.booleans(), st.integers(0, 24 * 9)), max_size=12)


@given(STEPS, st.sampled_from([SIGNED_IN, PUBLIC]))
def test_through_any_life_of_an_alert_its_messages_make_sense(
    steps: list[tuple[tuple[str, str | None], int, bool, int]], publication: Publication
) -> None:
    """Each is said once; what follows refers to what went before; after the last nothing but a new Alert; and a
    closed alert whose messages still count has been ended."""
    sent: list[Published] = []
    now = NOW
    for event_id, ((state, outcome), level, unknown, hours) in enumerate(steps):
        now += timedelta(hours=hours)
        alert = AlertNow(state=state, outcome=outcome, level=level, event_id=event_id, unknown=unknown)
        due = next_message(alert, sent, publication, now)
        if due is not None:
            running = bool(sent) and not sent[-1].final and sent[-1].expires > now
            assert (due.msg_type == "Alert") == (not due.references) == (not running)
            assert all(m.expires > now for m in due.references)
            sent.append(
                published(
                    len(sent), msg_type=due.msg_type, final=due.final, event_id=event_id, unknown=unknown, sent=now,
                    expires=due.expires, scope=publication.scope,
                )
            )  # fmt: skip
            assert next_message(alert, sent, publication, now) is None
        if state == "closed" and sent and sent[-1].expires > now:
            assert sent[-1].final
