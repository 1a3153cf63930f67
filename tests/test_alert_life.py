"""The life of an alert in PostGIS: who holds it, what is concluded, what comes back, who shares it, two at once."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from accounts.models import AccessLog, Role, User
from accounts.service import areas_of
from alerts import inbox
from alerts.acts import TABLE, Act, Standing, State
from alerts.areas import AreaRole, sharers
from alerts.attachments import MOST_PER_ALERT, Store, attach, attachments, detach, read
from alerts.batch import acknowledge_many, assign_many, hand_over_all, holders
from alerts.life_views import life_of
from alerts.models import Alert, AlertArea, AlertEvent, Delivery
from alerts.views import alert_detail, alert_list
from db import session_scope
from geodata.models import AdminUnit
from surveillance.privacy import Vault
from surveillance.types import Signal
from tests.alerting import (
    NOW,
    add_unit,
    add_user,
    analyst,
    calm,
    city,
    epidemic,
    other_ward,
    run,
    signal,
    ward,
    warning,
)

__all__ = ["analyst", "city", "other_ward", "ward"]
"""Fixtures."""

LATER = NOW + timedelta(hours=2)


@pytest.fixture
def hoa(session: Session, ward: AdminUnit) -> User:
    return add_user(session, "hoa", Role.OFFICER, ward)


@pytest.fixture
def binh(session: Session, ward: AdminUnit) -> User:
    return add_user(session, "binh", Role.OFFICER, ward)


@pytest.fixture
def neighbour(session: Session, other_ward: AdminUnit) -> User:
    return add_user(session, "neighbour", Role.OFFICER, other_ward)


@pytest.fixture
def alert(session: Session, ward: AdminUnit, hoa: User) -> Alert:
    run(session, epidemic(ward))
    return session.scalars(select(Alert)).one()


def kinds(session: Session, alert: Alert) -> list[str]:
    query = select(AlertEvent.kind).where(AlertEvent.alert_id == alert.id).order_by(AlertEvent.id)
    return list(session.scalars(query))


def newest(session: Session, alert: Alert) -> AlertEvent:
    query = select(AlertEvent).where(AlertEvent.alert_id == alert.id).order_by(AlertEvent.id.desc())
    return session.scalars(query.limit(1)).one()


def sentence(event: AlertEvent) -> str:
    assert event.message is not None
    return str(inbox.Message.from_json(event.message))


def conclude(session: Session, alert: Alert, user: User, outcome: inbox.Outcome, **more: int) -> AlertEvent:
    return inbox.conclude(
        session, alert.id, user=user, outcome=outcome, comment="Đã đến tận nơi", now=LATER, **more
    )


# --- the chain -------------------------------------------------------------------------------------------


def test_an_alert_goes_from_hand_to_hand_to_its_end_and_each_act_leaves_one_event(
    session: Session, alert: Alert, hoa: User, analyst: User
) -> None:
    inbox.acknowledge(session, alert.id, user=analyst, now=LATER)
    inbox.assign(session, alert.id, user=analyst, to=hoa.id, now=LATER)
    inbox.verify(session, alert.id, user=hoa, now=LATER)
    conclude(session, alert, hoa, "true")
    inbox.close(session, alert.id, user=analyst, now=LATER)

    assert kinds(session, alert) == [
        "opened", "acknowledged", "assigned", "verifying", "verified", "closed",
    ]  # fmt: skip
    assert (alert.state, alert.outcome, alert.assignee_id) == ("closed", "true", hoa.id)
    assert sentence(newest(session, alert)) == "Đóng cảnh báo, kết luận: đúng: có dịch bệnh thật."


TRIES = ("acknowledge", "take", "give", "verify", "true", "false", "close", "reopen", "comment", "attach")


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tries=st.lists(st.tuples(st.sampled_from(TRIES), st.booleans()), max_size=10))
def test_every_accepted_act_leaves_one_event_and_a_refused_one_leaves_all_as_it_was(
    session: Session, alert: Alert, hoa: User, binh: User, store: Store, tries: list[tuple[str, bool]]
) -> None:
    with session.begin_nested() as example:
        for number, (name, first) in enumerate(tries):
            me, other = (hoa, binh) if first else (binh, hoa)
            before = (alert.state, alert.outcome, alert.assignee_id, len(kinds(session, alert)))
            try:
                with session.begin_nested():
                    done = try_act(session, alert.id, name, me, other, store, f"Lần {number}")
            except inbox.InboxError:
                done = None
            after = (alert.state, alert.outcome, alert.assignee_id, len(kinds(session, alert)))
            if done is None:
                assert after == before
            else:
                assert after[3] == before[3] + 1
                assert any(after[0] == TABLE[act].get(State(before[0])) for act in Act)
            assert (alert.outcome is not None) == (alert.state in ("verified", "dismissed", "closed"))
        example.rollback()


def try_act(
    session: Session, id_: int, name: str, me: User, other: User, store: Store, words: str
) -> object | None:
    """Any act with fresh words; None when it had been done already."""
    by: dict[str, Any] = {"user": me, "now": LATER}
    acts: dict[str, Callable[[], object | None]] = {
        "acknowledge": lambda: inbox.acknowledge(session, id_, **by),
        "take": lambda: inbox.assign(session, id_, to=me.id, **by),
        "give": lambda: inbox.assign(session, id_, to=other.id, note=words, **by),
        "verify": lambda: inbox.verify(session, id_, **by),
        "true": lambda: inbox.conclude(session, id_, outcome="true", comment=words, **by),
        "false": lambda: inbox.conclude(session, id_, outcome="false", comment=words, **by),
        "close": lambda: inbox.close(session, id_, outcome="data_error", comment=words, **by),
        "reopen": lambda: inbox.reopen(session, id_, reason=words, **by),
        "comment": lambda: inbox.comment(session, id_, text=words, **by),
        "attach": lambda: attach(session, id_, f"%PDF-{words}%%EOF".encode(), store=store, **by),
    }
    return acts[name]()


def test_new_evidence_joins_an_alert_under_verification(
    session: Session, alert: Alert, ward: AdminUnit, hoa: User
) -> None:
    inbox.acknowledge(session, alert.id, user=hoa, now=NOW)
    inbox.verify(session, alert.id, user=hoa, now=NOW)
    report = run(session, [*epidemic(ward), signal(ward, "ears_c2")], days=1)

    assert (report.evidence, report.opened) == (1, 0)
    assert (alert.state, alert.assignee_id) == ("verifying", hoa.id)


def test_truth_is_not_said_before_verification(session: Session, alert: Alert, hoa: User) -> None:
    inbox.acknowledge(session, alert.id, user=hoa, now=LATER)
    with pytest.raises(inbox.WrongState, match="bắt đầu kiểm tra"):
        conclude(session, alert, hoa, "true")

    assert (alert.state, alert.outcome) == ("acknowledged", None)


def test_closing_does_not_change_a_conclusion(session: Session, alert: Alert, hoa: User) -> None:
    inbox.acknowledge(session, alert.id, user=hoa, now=LATER)
    conclude(session, alert, hoa, "false")
    with pytest.raises(inbox.WrongState, match="đã có kết luận"):
        inbox.close(session, alert.id, user=hoa, outcome="true", comment="x", now=LATER)

    assert (alert.state, alert.outcome) == ("dismissed", "false")


# --- who holds it ----------------------------------------------------------------------------------------


def test_it_is_given_only_to_who_covers_the_area(
    session: Session, alert: Alert, hoa: User, neighbour: User, analyst: User
) -> None:
    assert [holder.id for holder in holders(session, [alert.unit_id])] == [hoa.id, analyst.id]
    with pytest.raises(inbox.BadInput, match="không phụ trách"):
        inbox.assign(session, alert.id, user=analyst, to=neighbour.id, now=LATER)


def test_a_hand_over_between_people_needs_a_note(
    session: Session, alert: Alert, hoa: User, binh: User
) -> None:
    inbox.assign(session, alert.id, user=hoa, to=hoa.id, now=LATER)
    with pytest.raises(inbox.BadInput):
        inbox.assign(session, alert.id, user=hoa, to=binh.id, now=LATER)
    event = inbox.assign(session, alert.id, user=hoa, to=binh.id, note="Hết ca trực", now=LATER)

    assert event is not None and event.comment == "Hết ca trực"
    assert sentence(event) == "Chuyển từ Người thử hoa sang Người thử binh."
    assert inbox.assign(session, alert.id, user=hoa, to=binh.id, note="x", now=LATER) is None


def test_all_that_one_holds_goes_to_a_colleague_but_what_they_do_not_cover_stays(
    session: Session, ward: AdminUnit, other_ward: AdminUnit, binh: User
) -> None:
    both = add_user(session, "both", Role.OFFICER, ward, other_ward)
    run(session, [*epidemic(ward), *warning(other_ward)])
    ids = list(session.scalars(select(Alert.id).order_by(Alert.unit_id)))
    acknowledge_many(session, ids, user=both, now=LATER)
    batch = hand_over_all(session, user=both, to=binh.id, note="Nghỉ phép", now=LATER)

    by_unit = {a.unit_id: a for a in session.scalars(select(Alert))}
    assert by_unit[ward.id].assignee_id == binh.id
    assert by_unit[other_ward.id].assignee_id == both.id
    assert len(batch.done) == 1 and "không phụ trách" in str(*batch.refused.values())


def test_many_at_once_leaves_out_what_one_may_not_touch(
    session: Session, ward: AdminUnit, other_ward: AdminUnit, hoa: User
) -> None:
    run(session, [*epidemic(ward), *warning(other_ward)])
    ids = list(session.scalars(select(Alert.id)))
    batch = assign_many(session, ids, user=hoa, to=hoa.id, now=LATER)

    assert len(batch.done) == len(batch.refused) == 1
    assert session.scalar(select(func.count()).where(Alert.state == "open")) == 1


def test_what_one_follows_is_what_one_holds_or_watches(
    session: Session, alert: Alert, hoa: User, analyst: User
) -> None:
    def followed() -> int:
        return alert_list(session, area_ids=None, states=["open"], followed_by=analyst.id).total

    assert followed() == 0
    inbox.watch(session, alert.id, user=analyst, on=True, now=LATER)
    inbox.watch(session, alert.id, user=analyst, on=True, now=LATER)
    assert followed() == 1
    inbox.watch(session, alert.id, user=analyst, on=False, now=LATER)
    assert followed() == 0


# --- coming back -----------------------------------------------------------------------------------------


def test_a_mistaken_dismissal_is_taken_back_with_a_reason_and_the_former_judgement_is_seen(
    session: Session, alert: Alert, hoa: User, analyst: User
) -> None:
    inbox.acknowledge(session, alert.id, user=hoa, now=LATER)
    conclude(session, alert, hoa, "false")
    with pytest.raises(inbox.BadInput):
        inbox.reopen(session, alert.id, user=analyst, reason=" ", now=LATER)
    inbox.reopen(session, alert.id, user=analyst, reason="Xét nghiệm lại dương tính", now=LATER)

    detail = alert_detail(session, alert.id, None)
    assert detail is not None
    life = life_of(session, alert.id, detail.events, user=analyst)
    assert (alert.state, alert.outcome, alert.assignee_id) == ("acknowledged", None, analyst.id)
    assert life is not None and life.former is not None
    assert str(life.former.sentence) == "Kết luận: báo động giả."
    assert life.former.user_name == hoa.full_name


def test_a_closed_alert_is_reopened_unless_the_area_is_calm_or_has_another(
    session: Session, alert: Alert, ward: AdminUnit, hoa: User
) -> None:
    inbox.close(session, alert.id, user=hoa, outcome="false", comment="Nhập sai", now=LATER)
    for day in range(1, 60):
        run(session, calm(ward), days=day)
    with pytest.raises(inbox.WrongState, match="đã về mức thấp"):
        inbox.reopen(session, alert.id, user=hoa, reason="Xem lại", now=LATER)

    run(session, warning(ward), days=80)
    other = session.scalars(select(Alert.id).where(Alert.state == "open")).one()
    with pytest.raises(inbox.WrongState, match=f"cảnh báo số {other} đang mở"):
        inbox.reopen(session, alert.id, user=hoa, reason="Xem lại", now=LATER)
    assert alert.state == "closed"


# --- duplicates ------------------------------------------------------------------------------------------


def test_a_duplicate_names_its_original_and_both_say_so(
    session: Session, ward: AdminUnit, other_ward: AdminUnit, analyst: User
) -> None:
    run(session, [*epidemic(ward), *warning(other_ward)])
    first, second = session.scalars(select(Alert).order_by(Alert.level.desc()))
    inbox.acknowledge(session, second.id, user=analyst, now=LATER)
    for wrong, words in ((None, "Hãy chọn cảnh báo"), (second.id, "chính nó"), (9999, "Không có cảnh báo")):
        with pytest.raises(inbox.BadInput, match=words):
            inbox.conclude(
                session,
                second.id,
                user=analyst,
                outcome="duplicate",
                comment="Cùng ổ",
                duplicate_of=wrong,
                now=LATER,
            )
    event = conclude(session, second, analyst, "duplicate", duplicate_of=first.id)

    assert sentence(event) == f"Kết luận: trùng với cảnh báo số {first.id}."
    original = life_of(session, first.id, (), user=analyst)
    repeat = life_of(session, second.id, (), user=analyst)
    assert original is not None and original.duplicates == (second.id,)
    assert repeat is not None and repeat.duplicate_of == first.id
    inbox.acknowledge(session, first.id, user=analyst, now=LATER)
    with pytest.raises(inbox.BadInput, match=f"cảnh báo gốc, số {first.id}"):
        conclude(session, first, analyst, "duplicate", duplicate_of=second.id)


# --- areas that share it ---------------------------------------------------------------------------------


def shared(*wards: AdminUnit) -> list[Signal]:
    """An outbreak over several wards, the first of which leads."""
    units = [w.id for w in wards]
    return [signal(w, "outbreak", observed=5, upper=None, detail={"shared": [units]}) for w in wards]


def test_the_lead_is_that_of_the_largest_group() -> None:
    small = signal(1, "outbreak", detail={"shared": [[1, 2]]})
    large = signal(1, "scan", detail={"shared": [[3, 1, 4]]})
    quiet = signal(1, "scan", alarm=False, detail={"shared": [[9, 1]]})

    assert sharers([small, large, quiet]) == {
        1: AreaRole.CO_OWNER, 2: AreaRole.CO_OWNER, 3: AreaRole.LEAD, 4: AreaRole.CO_OWNER,
    }  # fmt: skip
    assert sharers([signal(1, "ears_c2")]) == {}


def test_co_owners_see_remark_and_decide_nothing(
    session: Session, ward: AdminUnit, other_ward: AdminUnit, hoa: User, neighbour: User
) -> None:
    run(session, [*shared(ward, other_ward), *calm(ward), *calm(other_ward)])
    alert = session.scalars(select(Alert).where(Alert.unit_id == ward.id)).one()

    detail = alert_detail(session, alert.id, areas_of(session, neighbour))
    assert detail is not None
    life = life_of(session, alert.id, detail.events, user=neighbour)
    assert life is not None
    assert (life.standing, life.acts) == (Standing.CO_OWNER, (Act.COMMENT, Act.ATTACH))
    assert [(a.name, a.role) for a in life.areas] == [
        (ward.name, AreaRole.LEAD), (other_ward.name, AreaRole.CO_OWNER),
    ]  # fmt: skip
    assert [sibling.unit_id for sibling in life.siblings] == [other_ward.id]
    inbox.comment(session, alert.id, user=neighbour, text="Bên này cũng có 2 ca", now=LATER)
    with pytest.raises(inbox.NotAllowed, match="địa bàn khác phụ trách"):
        inbox.acknowledge(session, alert.id, user=neighbour, now=LATER)


def test_areas_follow_the_evidence_while_the_alert_lives(
    session: Session, ward: AdminUnit, other_ward: AdminUnit
) -> None:
    run(session, shared(ward, other_ward))
    run(session, [*shared(ward), *calm(ward)], days=1)

    rows = session.execute(
        select(AlertArea.unit_id).join(Alert, Alert.id == AlertArea.alert_id).where(Alert.unit_id == ward.id)
    )
    assert rows.scalars().all() == [ward.id]


# --- files -----------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "attachments", Vault.of(b"k" * 32))


def photo() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x8825] = "Telefon", {1: "N", 2: (10.0, 46.0, 12.5)}
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "green").save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_a_file_is_kept_encrypted_and_read_by_who_may_see_the_alert(
    session: Session, alert: Alert, hoa: User, neighbour: User, store: Store
) -> None:
    row = attach(session, alert.id, photo(), user=hoa, store=store, now=LATER)
    again = attach(session, alert.id, photo(), user=hoa, store=store, now=LATER)
    media_type, content = read(session, row.id, user=hoa, store=store, now=LATER)

    assert again.id == row.id and kinds(session, alert).count("attached") == 1
    assert media_type == "image/jpeg" and Image.open(io.BytesIO(content)).size == (640, 480)
    [kept] = [path for path in store.folder.rglob("*") if path.is_file()]
    assert kept.name == hashlib.sha256(content).hexdigest() == row.sha256
    assert b"JFIF" in content and b"JFIF" not in kept.read_bytes()
    assert session.scalar(select(AccessLog.action)) == "alert.attachment"
    with pytest.raises(inbox.NotAllowed):
        read(session, row.id, user=neighbour, store=store, now=LATER)
    with pytest.raises(inbox.NotAllowed):
        attach(session, alert.id, photo(), user=neighbour, store=store, now=LATER)


def test_a_wrong_file_is_taken_away_for_good_and_the_log_says_why(
    session: Session, alert: Alert, hoa: User, store: Store
) -> None:
    row = attach(session, alert.id, photo(), user=hoa, store=store, now=LATER)
    detach(session, row.id, user=hoa, reason="Ảnh chụp giấy tờ người bệnh", store=store, now=LATER)

    assert [file.removed for file in attachments(session, alert.id)] == [True]
    assert newest(session, alert).comment == "Ảnh chụp giấy tờ người bệnh"
    with pytest.raises(inbox.NotAllowed):
        read(session, row.id, user=hoa, store=store, now=LATER)


def test_an_alert_holds_so_many_files(session: Session, alert: Alert, hoa: User, store: Store) -> None:
    for n in range(MOST_PER_ALERT):
        attach(session, alert.id, b"%%PDF-1.4 %d %%%%EOF" % n, user=hoa, store=store, now=LATER)
    with pytest.raises(inbox.BadInput, match="nhiều nhất 20 tệp"):
        attach(session, alert.id, photo(), user=hoa, store=store, now=LATER)


def test_no_file_to_a_closed_alert(session: Session, alert: Alert, hoa: User, store: Store) -> None:
    inbox.close(session, alert.id, user=hoa, outcome="true", comment="Xong", now=LATER)
    with pytest.raises(inbox.AlreadyClosed):
        attach(session, alert.id, photo(), user=hoa, store=store, now=LATER)


# --- two people at once ----------------------------------------------------------------------------------


@pytest.fixture
def committed(engine: Engine) -> Iterator[tuple[int, int, int]]:
    """Ids of an alert and of two officers, visible to every session."""
    with session_scope(engine) as session:
        city = add_unit(session, "79", "Thành phố Hồ Chí Minh")
        ward = add_unit(session, "26740", "Phường Sài Gòn", city)
        people = [add_user(session, name, Role.OFFICER, ward).id for name in ("hoa", "binh")]
        run(session, epidemic(ward))
        alert_id = session.scalars(select(Alert.id)).one()
    yield alert_id, people[0], people[1]
    with session_scope(engine) as session:
        session.execute(text("TRUNCATE alert, area_level, app_user, admin_unit CASCADE"))


def both(engine: Engine, people: tuple[int, int], act: Callable[[Session, User], object]) -> list[object]:
    """What came of `act` by two people at the same moment: the result, or the error."""
    start, results = threading.Barrier(2), []

    def one(user_id: int) -> None:
        try:
            with session_scope(engine) as session:
                user = session.get_one(User, user_id)
                start.wait()
                results.append(act(session, user))
        except inbox.InboxError as error:
            results.append(error)

    threads = [threading.Thread(target=one, args=(id_,)) for id_ in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_the_bytes_go_when_their_removal_is_committed_and_no_alert_has_them(
    engine: Engine, committed: tuple[int, int, int], store: Store
) -> None:
    alert_id, hoa_id, _ = committed
    with session_scope(engine) as session:
        hoa = session.get_one(User, hoa_id)
        file_id = attach(session, alert_id, photo(), user=hoa, store=store, now=LATER).id
    with Session(engine) as session:
        detach(session, file_id, user=session.get_one(User, hoa_id), reason="Nhầm", store=store, now=LATER)
        assert len(list(store.folder.rglob("*"))) == 2
    with session_scope(engine) as session:
        detach(session, file_id, user=session.get_one(User, hoa_id), reason="Nhầm", store=store, now=LATER)
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []


def test_of_two_who_take_it_at_once_one_does_and_no_one_sees_an_error(
    engine: Engine, committed: tuple[int, int, int]
) -> None:
    alert_id, *people = committed
    results = both(
        engine, (people[0], people[1]), lambda s, user: inbox.acknowledge(s, alert_id, user=user, now=LATER)
    )

    assert sum(result is not None for result in results) == 1
    with session_scope(engine) as session:
        taken = select(func.count()).where(AlertEvent.kind == "acknowledged")
        assert session.scalar(taken) == 1


def test_of_two_conclusions_at_once_the_second_is_told_of_the_first(
    engine: Engine, committed: tuple[int, int, int]
) -> None:
    alert_id, *people = committed
    with session_scope(engine) as session:
        hoa = session.get_one(User, people[0])
        inbox.acknowledge(session, alert_id, user=hoa, now=LATER)
        event = inbox.verify(session, alert_id, user=hoa, now=LATER)
        assert event is not None
        seen = event.id

    def say(session: Session, user: User) -> object:
        outcome: inbox.Outcome = "true" if user.id == people[0] else "false"
        return inbox.conclude(
            session, alert_id, user=user, outcome=outcome, comment="Đã xem", now=LATER, seen=seen
        )

    results = both(engine, (people[0], people[1]), say)
    assert [type(result) for result in results if isinstance(result, inbox.InboxError)] == [inbox.Overtaken]
    with session_scope(engine) as session:
        concluded = select(func.count()).where(AlertEvent.kind.in_(("verified", "dismissed")))
        assert session.scalar(concluded) == 1


def test_what_another_decided_meanwhile_is_told_and_not_overwritten(
    session: Session, alert: Alert, hoa: User, binh: User, analyst: User
) -> None:
    seen = newest(session, alert).id
    inbox.assign(session, alert.id, user=hoa, to=hoa.id, now=LATER)
    with pytest.raises(inbox.Overtaken, match="Người thử hoa vừa xử lý cảnh báo này trước bạn: Tự nhận việc"):
        inbox.assign(session, alert.id, user=analyst, to=binh.id, note="x", now=LATER, seen=seen)

    assert alert.assignee_id == hoa.id


def test_a_second_tap_of_a_remark_is_one_remark(session: Session, alert: Alert, hoa: User) -> None:
    first = inbox.comment(session, alert.id, user=hoa, text="Đã gọi trạm", now=LATER)
    again = inbox.comment(session, alert.id, user=hoa, text="Đã gọi trạm ", now=LATER)

    assert first.id == again.id


def test_acts_of_people_send_no_messages(session: Session, alert: Alert, hoa: User) -> None:
    before = session.scalar(select(func.count()).select_from(Delivery))
    inbox.assign(session, alert.id, user=hoa, to=hoa.id, now=LATER)

    assert session.scalar(select(func.count()).select_from(Delivery)) == before
