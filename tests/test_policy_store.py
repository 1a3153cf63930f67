"""The city's rules: two people for a change, nothing lost, and an upgrade that never puts its own in their place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, delete, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts.models import AccessLog, Role, User
from alerts.policy_edit import next_version, numbers, with_numbers
from alerts.policy_models import PolicyPreview, PolicyVersion
from alerts.policy_preview import Past, run_previews
from alerts.policy_store import (
    PolicyRefused,
    approve,
    newest_preview,
    policy_in_force,
    policy_of_hash,
    propose,
    record_shipped,
    refuse,
    version_in_force,
    withdraw,
)
from alerts.rules import PolicyError, parse_policy, shipped_text
from db import session_scope
from settings import Settings
from surveillance.beliefs import believed_between, day_ends, silences_between
from surveillance.diseases import load_catalogue
from surveillance.signals import store_signals
from tests.alerting import DISEASES, NOW, add_unit, add_user, calm, ears
from worker import Chain

SHIPPED = shipped_text()
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def with_hold(days: int, source: str = SHIPPED) -> str:
    """Levels 2 and 3; none may be held longer than the one above it."""
    held = {"2": days, "3": days, "4": max(days, 14)}
    return with_numbers(source, {("fall", "hold_days", level): n for level, n in held.items()})


def newer(version: str, hold: int = 7) -> str:
    return with_hold(hold).replace(parse_policy(SHIPPED).version, version)


@pytest.fixture
def people(engine: Engine) -> Iterator[dict[str, User]]:
    """An analyst, a manager, and an officer of one ward; the shipped rules in force."""
    with session_scope(engine) as session:
        city = add_unit(session, "79", "Thành phố")
        ward = add_unit(session, "26740", "Phường", city)
        people = {
            "analyst": add_user(session, "analyst", Role.ANALYST),
            "manager": add_user(session, "manager", Role.MANAGER),
            "other": add_user(session, "other", Role.ANALYST),
            "officer": add_user(session, "officer", Role.OFFICER, ward),
            "district": add_user(session, "district", Role.MANAGER, ward),
        }
        record_shipped(session, SHIPPED, NOW)
    yield people
    with session_scope(engine) as session:
        session.execute(text("TRUNCATE policy_version, app_user, admin_unit CASCADE"))


def base(session: Session) -> int:
    current = version_in_force(session)
    assert current is not None
    return current.id


def draft(session: Session, user: User, source: str | None = None) -> PolicyVersion:
    return propose(session, source or with_hold(9), user=user, note="thử", base_id=base(session), now=NOW)


def test_a_second_person_puts_a_draft_into_force(engine: Engine, people: dict[str, User]) -> None:
    with session_scope(engine) as session:
        made = draft(session, people["analyst"])
        assert policy_in_force(session).hash == parse_policy(SHIPPED).hash
        with pytest.raises(PolicyRefused, match="người thứ hai"):
            approve(session, made.id, user=people["analyst"], now=NOW)
        approve(session, made.id, user=people["manager"], now=NOW + timedelta(hours=1))

        assert policy_in_force(session).hash == made.hash
        assert made.version == parse_policy(SHIPPED).version + "-1"
        acts = list(session.scalars(select(AccessLog.action).order_by(AccessLog.id)))
        assert acts[-2:] == ["policy.propose", "policy.approve"]


def test_the_database_itself_refuses_a_proposer_who_approves(engine: Engine, people: dict[str, User]) -> None:
    with session_scope(engine) as session:
        made = draft(session, people["analyst"]).id
    change = (
        "UPDATE policy_version SET state = 'approved', in_force_from = now(), decided_by = proposed_by"
        " WHERE id = :id"
    )
    with pytest.raises(IntegrityError, match="two_people"), session_scope(engine) as session:
        session.execute(text(change), {"id": made})


@pytest.mark.parametrize("who", ["officer", "district"])
def test_who_does_not_look_after_the_whole_city_changes_nothing(
    engine: Engine, people: dict[str, User], who: str
) -> None:
    with session_scope(engine) as session:
        made = draft(session, people["analyst"])
        for act in (lambda: draft(session, people[who], with_hold(3)),
                    lambda: approve(session, made.id, user=people[who], now=NOW)):  # fmt: skip
            with pytest.raises(PolicyRefused, match="cả thành phố"):
                act()


def test_of_two_drafts_the_one_approved_second_is_out_of_date(
    engine: Engine, people: dict[str, User]
) -> None:
    with session_scope(engine) as session:
        one, other = draft(session, people["analyst"]), draft(session, people["other"], with_hold(11))
        approve(session, one.id, user=people["manager"], now=NOW)
        with pytest.raises(PolicyRefused, match="hết hiệu lực"):
            approve(session, other.id, user=people["manager"], now=NOW)
        with pytest.raises(PolicyRefused, match="Trong lúc bạn sửa"):
            propose(session, with_hold(5), user=people["other"], note="", base_id=other.base_id or 0, now=NOW)


def test_two_people_who_press_at_once_decide_once(engine: Engine, people: dict[str, User]) -> None:
    with session_scope(engine) as session:
        made = draft(session, people["analyst"]).id
    outcomes: list[str] = []

    def press(name: str) -> None:
        try:
            with session_scope(engine) as session:
                user = session.get_one(User, people[name].id)
                if name == "manager":
                    approve(session, made, user=user, now=NOW)
                else:
                    refuse(session, made, user=user, reason="chưa đủ căn cứ", now=NOW)
            outcomes.append("done")
        except PolicyRefused as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=press, args=(name,)) for name in ("manager", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(word[:4] for word in outcomes) == ["Bản ", "done"]


def test_a_draft_is_refused_with_a_reason_or_withdrawn_by_its_proposer(
    engine: Engine, people: dict[str, User]
) -> None:
    with session_scope(engine) as session:
        one, other = draft(session, people["analyst"]), draft(session, people["other"], with_hold(11))
        with pytest.raises(PolicyRefused, match="lý do"):
            refuse(session, one.id, user=people["manager"], reason=" ", now=NOW)
        refuse(session, one.id, user=people["manager"], reason="chưa đủ căn cứ", now=NOW)
        with pytest.raises(PolicyRefused, match="Chỉ người đề nghị"):
            withdraw(session, other.id, user=people["manager"], now=NOW)
        withdraw(session, other.id, user=people["other"], now=NOW)
        assert (one.state, one.reason, other.state) == ("refused", "chưa đủ căn cứ", "withdrawn")
        with pytest.raises(PolicyRefused, match="đã được quyết định"):
            approve(session, one.id, user=people["manager"], now=NOW)


def test_what_cannot_be_used_or_changes_nothing_is_not_kept(engine: Engine, people: dict[str, User]) -> None:
    with session_scope(engine) as session:
        with pytest.raises(PolicyError, match="dòng"):
            draft(session, people["analyst"], SHIPPED.replace("period_days = 7", "period_days = 0"))
        with pytest.raises(PolicyRefused, match="Không có gì khác"):
            draft(session, people["analyst"], SHIPPED + "\n# chỉ thêm lời\n")


def test_an_upgrade_brings_its_rules_only_while_nobody_approved_others(
    engine: Engine, people: dict[str, User]
) -> None:
    with session_scope(engine) as session:
        assert record_shipped(session, SHIPPED, NOW) is None
        record_shipped(session, newer("2027.1", 8), NOW + timedelta(days=1))
        assert policy_in_force(session).version == "2027.1"

        made = draft(session, people["analyst"], newer("thành phố", 9))
        approve(session, made.id, user=people["manager"], now=NOW + timedelta(days=2))
        offered = record_shipped(session, newer("2027.2", 10), NOW + timedelta(days=3))

        assert offered is not None and offered.state == "offered"
        assert policy_in_force(session).version == "thành phố"
        assert record_shipped(session, SHIPPED, NOW + timedelta(days=4)) is None  # a step back of the program


def test_a_city_may_adopt_the_rules_as_they_are_so_that_no_upgrade_replaces_them(
    engine: Engine, people: dict[str, User]
) -> None:
    with session_scope(engine) as session:
        made = propose(
            session, SHIPPED, user=people["analyst"], note="", base_id=base(session), now=NOW, adopt=True
        )
        approve(session, made.id, user=people["manager"], now=NOW)
        record_shipped(session, newer("2027.1", 8), NOW + timedelta(days=1))
        assert policy_in_force(session).hash == made.hash


def test_the_hash_of_an_alert_leads_to_its_text_for_ever(engine: Engine, people: dict[str, User]) -> None:
    old = parse_policy(SHIPPED).hash
    with session_scope(engine) as session:
        approve(session, draft(session, people["analyst"]).id, user=people["manager"], now=NOW)
    with session_scope(engine) as session:
        found = policy_of_hash(session, old)
        assert found is not None and found.hash == old
        assert policy_of_hash(session, "unknown") is None


def test_the_worker_takes_the_rules_in_force_without_a_restart(
    engine: Engine, people: dict[str, User], tmp_path: object
) -> None:
    chain = Chain(engine, Settings.from_environment({"CANHDICH_HOME": str(tmp_path)}))
    before = chain.policy
    with session_scope(engine) as session:
        made = draft(session, people["analyst"])
        approve(session, made.id, user=people["manager"], now=datetime.now(UTC))
    assert before.hash != chain.policy.hash == made.hash


def test_a_draft_says_what_it_would_have_changed(engine: Engine, people: dict[str, User]) -> None:
    """A ward at level 2 for three days: held for 7 days by the rules in force, for 14 by the draft."""
    with session_scope(engine) as session:
        unit = people["officer"].areas[0].id
        store_signals(session, calm(unit), {}, now=NOW)
        store_signals(session, ears(unit)[1:], {}, now=NOW + timedelta(days=5))
        session.execute(
            text("UPDATE signal SET known_to = :to WHERE method = 'ears_c2'"), {"to": NOW + timedelta(days=8)}
        )
        made = draft(session, people["analyst"], with_hold(14)).id

    def past(session: Session) -> Past:
        moments = day_ends(NOW.date(), NOW + timedelta(days=40), ZONE)
        return Past(
            moments=moments,
            beliefs=lambda: believed_between(session, moments[0], moments[-1]),
            silences=silences_between(session, [], moments[0], moments[-1]),
        )

    assert run_previews(engine, past, DISEASES) == 1

    with session_scope(engine) as session:
        preview = newest_preview(session, made)
        assert preview is not None and preview.result is not None and preview.state == "done"
        dengue = preview.result["diseases"]["dengue"]
        assert (dengue["old"], dengue["new"]) == ([31, 10, 0, 0], [24, 17, 0, 0])
        assert (dengue["opened_old"], dengue["opened_new"]) == (1, 1)
        assert preview.result["areas"] == [{"disease": "dengue", "unit_id": unit, "higher": 7, "lower": 0}]
        session.execute(delete(PolicyPreview))


def test_silence_is_what_it_was_on_each_day(engine: Engine, people: dict[str, User]) -> None:
    disease = [load_catalogue()["dengue"]]
    with session_scope(engine) as session:
        found = silences_between(session, disease, NOW, NOW + timedelta(days=70))
    assert [s.disease for s in found] == ["dengue"] * 3  # never a file; asked anew every 30 days
    assert day_ends(date(2026, 7, 13), NOW, ZONE)[-1] == NOW


def test_numbers_change_where_they_stand_and_nothing_else_does() -> None:
    changed = with_numbers(SHIPPED, {("fall", "hold_days", "4"): 21, ("duties", "notice_hours"): 12})
    differing = [
        (old, new) for old, new in zip(SHIPPED.splitlines(), changed.splitlines(), strict=True) if old != new
    ]
    assert differing == [
        ("hold_days = { 2 = 7, 3 = 7, 4 = 14 }", "hold_days = { 2 = 7, 3 = 7, 4 = 21 }"),
        ("notice_hours = 24", "notice_hours = 12"),
    ]
    every = {field.path: field.value + 1 for field in numbers(SHIPPED) if field.path[-1] == "level"}
    assert {f.path: f.value for f in numbers(with_numbers(SHIPPED, every)) if f.path in every} == every


def test_a_changed_text_gets_a_name_of_its_own() -> None:
    assert next_version("2026.3", {"2026.3"}) == "2026.3-1"
    assert next_version("2026.3-1", {"2026.3", "2026.3-1"}) == "2026.3-2"
