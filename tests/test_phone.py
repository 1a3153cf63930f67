"""The officer's phone, server side: what its pages say and never say, and that an act sent twice is done once."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from dash import Dash
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import Engine, func, select

from accounts.models import FieldAct
from alerts.models import Alert, AlertEvent
from alerts.my_area import UnitLevel, moves
from db import Base, session_scope
from i18n import Message
from settings import Settings, SettingsError
from surveillance.outbreaks.checklist import checklist
from surveillance.outbreaks.entries import COMMUNICATION, HOUSEHOLDS, Entry
from surveillance.outbreaks.models import OutbreakEvent, OutbreakPhoto
from surveillance.outbreaks.profiles import load_profiles
from surveillance.outbreaks.tasks import State, Task, TaskKind
from surveillance.outbreaks.views import TaskView
from tests.phone_site import ADDRESS, NAME, act, log_of, named, nothing_done, picture
from tests.web_city import NOW, Place, SignIn, app, city, client, csrf_token, settings, sign_in
from tests.web_outbreak import TODAY, outbreak
from web.contacts import contacts_for, load_contacts
from web.phone_routes import shell_version

__all__ = ["app", "city", "client", "named", "nothing_done", "outbreak", "settings", "sign_in"]
"""Fixtures."""


def state(engine: Engine, place: Place) -> str:
    with session_scope(engine) as session:
        return session.scalars(select(Alert.state).where(Alert.id == place.alert_id)).one()


def count(engine: Engine, table: type[Base]) -> int:
    with session_scope(engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


# --- what the pages say --------------------------------------------------------------------------------


def test_an_officer_sees_their_own_area_with_levels_alerts_and_hours(
    sign_in: SignIn, city: dict[str, Place], named: int
) -> None:
    page = sign_in("officer").get("/my").text
    assert "Phường Ô 1" in page and "▲ Trung bình" in page and "Sốt xuất huyết" in page
    assert (
        f'data-alert="{city["Ô 1"].alert_id}"' in page and f'data-alert="{city["Ô 0"].alert_id}"' not in page
    )
    assert "Hạn ra thông báo: còn" in page
    assert f"/my/outbreaks/{named}" in page and "3 ca, mới nhất mắc bệnh 16/11/2026" in page
    assert "tăng lên ▲ Trung bình" in page


def test_the_checklist_holds_the_measures_of_the_profile(sign_in: SignIn, named: int) -> None:
    page = sign_in("officer").get(f"/my/outbreaks/{named}").text
    for words in (
        "15 nhà xung quanh",
        "30 nhà chọn ngẫu nhiên",
        "Phun hóa chất lần 1",
        "Diệt lăng quăng",
        "Truyền thông",
    ):
        assert words in page
    assert 'href="tel:19009095"' in page


def test_pages_that_a_phone_keeps_name_and_place_nobody(sign_in: SignIn, named: int) -> None:
    client = sign_in("officer")
    for path in ("/my", f"/my/outbreaks/{named}"):
        answer = client.get(path)
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert len(answer.headers["X-Phone-User"]) == 32
        for secret in ("Bí Mật", "Đường Không", "Phường Kín", "106.65", "10.72"):
            assert secret not in answer.text


def test_an_outbreak_elsewhere_does_not_exist(sign_in: SignIn, named: int) -> None:
    assert sign_in("officer").get(f"/my/outbreaks/{named + 1}").status_code == 404


def test_a_manager_has_no_field_page(sign_in: SignIn, city: dict[str, Place]) -> None:
    assert sign_in("manager").get("/my").status_code == 403


def test_strangers_get_the_shell_and_nothing_else(client: FlaskClient, named: int) -> None:
    assert (client.get("/my").location or "").startswith("/login")
    for path in ("/api/my/who", f"/api/my/outbreaks/{named}/map"):
        assert client.get(path).status_code == 401
    worker, manifest = client.get("/sw.js"), client.get("/my/manifest.webmanifest")
    assert "javascript" in str(worker.mimetype)
    assert "script-src 'self'" in worker.headers["Content-Security-Policy"]
    assert client.get(f"/my/shell/{shell_version()}/fonts/inter-latin.woff2").status_code == 200
    shell = client.get(f"/my/shell/{shell_version()}/app.css")
    assert shell.headers["Cache-Control"].endswith("immutable")
    assert "Cookie" not in shell.headers.get("Vary", "") and "Set-Cookie" not in shell.headers
    assert client.get("/my/shell/x/../../../settings.py").status_code == 404
    assert manifest.get_json(force=True)["name"] == "Canh Dịch: Địa bàn của tôi"


def test_addresses_come_only_when_asked_for_of_ones_own_area_and_are_written_down(
    sign_in: SignIn, engine: Engine, named: int
) -> None:
    client = sign_in("officer")
    url, token = f"/api/my/outbreaks/{named}/addresses", {"X-CSRFToken": csrf_token(client)}
    assert client.post(url).status_code == 400  # without the token
    answer = client.post(url, headers=token)
    assert [case["address"] for case in answer.get_json()["cases"]] == [f"{ADDRESS}, Phường Kín"]
    assert NAME not in answer.text and answer.headers["Cache-Control"] == "private, no-store"
    assert log_of(engine) == [("outbreak.addresses", {"outbreak": named, "cases": 1})]


def test_the_map_names_the_same_layers_as_the_big_page_and_no_place_itself(
    sign_in: SignIn, named: int
) -> None:
    told = sign_in("officer").get(f"/api/my/outbreaks/{named}/map").get_json()
    assert [layer["id"] for layer in told["layers"]] == ["communes", "outbreak", "outbreak-cases"]
    assert told["layers"][2]["data"].startswith(f"/api/outbreaks/{named}?")


# --- acts ------------------------------------------------------------------------------------------------


def test_an_act_sent_three_times_is_done_once(
    sign_in: SignIn, engine: Engine, city: dict[str, Place]
) -> None:
    client, id = sign_in("officer"), str(uuid.uuid4())
    answers = [act(client, "acknowledge", id=id, alert=city["Ô 1"].alert_id).get_json() for _ in range(3)]
    assert [answer["state"] for answer in answers] == ["done"] * 3
    with session_scope(engine) as session:
        kinds = session.scalars(select(AlertEvent.kind).where(AlertEvent.user_id.is_not(None))).all()
    assert kinds == ["acknowledged"] and state(engine, city["Ô 1"]) == "acknowledged"


def test_who_comes_second_is_told_who_was_first(sign_in: SignIn, city: dict[str, Place]) -> None:
    alert = city["Ô 1"].alert_id
    act(sign_in("analyst"), "acknowledge", alert=alert)
    answer = act(sign_in("officer"), "acknowledge", alert=alert).get_json()
    assert answer["state"] == "already"
    assert answer["text"].startswith("Đồng nghiệp Người Thử đã tiếp nhận lúc ")


def test_an_act_outside_ones_area_is_refused_in_words_and_does_nothing(
    sign_in: SignIn, engine: Engine, city: dict[str, Place]
) -> None:
    answer = act(sign_in("officer"), "acknowledge", alert=city["Ô 0"].alert_id)
    assert answer.get_json()["state"] == "refused"
    assert "Không có cảnh báo này trong địa bàn" in answer.get_json()["text"]
    assert state(engine, city["Ô 0"]) == "open"


def test_another_persons_id_is_not_answered(sign_in: SignIn, city: dict[str, Place]) -> None:
    id = str(uuid.uuid4())
    act(sign_in("analyst"), "acknowledge", id=id, alert=city["Ô 1"].alert_id)
    assert act(sign_in("officer"), "acknowledge", id=id, alert=city["Ô 1"].alert_id).status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"alert": "x"},
        {"alert": None},
        {"alert": True},
        {"alert": 10**9},
        {"id": "1"},
        {"made_at": "hôm qua"},
        {"made_at": "2026-11-22T08:00:00"},
        {"kind": "delete"},
        {"kind": "photo"},
    ],
)
def test_what_no_page_sends_is_refused_and_not_kept(
    sign_in: SignIn, engine: Engine, city: dict[str, Place], wrong: dict[str, Any]
) -> None:
    right: dict[str, Any] = {"kind": "acknowledge", "alert": city["Ô 1"].alert_id}
    assert act(sign_in("officer"), **(right | wrong)).status_code == 400
    assert count(engine, FieldAct) == 0


def test_measures_ticked_off_stand_in_the_outbreaks_log(sign_in: SignIn, engine: Engine, named: int) -> None:
    client = sign_in("officer")
    day: dict[str, Any] = {"on": TODAY.isoformat(), "outbreak": named}
    done = [
        act(client, "measure", record=HOUSEHOLDS, houses=14, text="Hai nhà khóa cửa.", **day),
        act(client, "survey", houses=30, houses_with_larvae=4, containers=60, containers_with_larvae=6, text="", **day),
        act(client, "note", outbreak=named, text="Đã phát tờ rơi."),
        act(client, "handling", outbreak=named),
    ]  # fmt: skip
    assert [answer.get_json()["state"] for answer in done] == ["done"] * 4
    with session_scope(engine) as session:
        own = OutbreakEvent.user_id.is_not(None)
        kinds = session.scalars(select(OutbreakEvent.kind).where(own).order_by(OutbreakEvent.id)).all()
    assert kinds == ["households", "survey", "note", "status"]
    page = client.get(f"/my/outbreaks/{named}").text
    assert page.count("đã làm 22/11/2026") == 3


def test_a_round_against_mosquitoes_names_its_product(sign_in: SignIn, engine: Engine, named: int) -> None:
    client = sign_in("officer")
    page = client.get(f"/my/outbreaks/{named}").text
    assert (page.count('name="product"'), page.count('name="litres"')) == (3, 2), (
        "two sprayings, one larvicide"
    )
    done: dict[str, Any] = {
        "outbreak": named,
        "record": "spraying",
        "on": TODAY.isoformat(),
        "houses": "",
        "text": "",
    }
    assert act(client, "measure", **done, product="Malathion", litres=12.5).get_json()["state"] == "done"
    with session_scope(engine) as session:
        [entry] = session.scalars(select(OutbreakEvent).where(OutbreakEvent.kind == "spraying"))
    assert (entry.detail["product"], entry.detail["litres"]) == ("Malathion", 12.5)
    assert "Malathion" not in client.get(f"/my/outbreaks/{named}").text, "typed in one outbreak only"
    refused = act(client, "measure", **done, litres=-1).get_json()
    assert refused["state"] == "refused" and "lớn hơn 0" in refused["text"]
    assert act(client, "measure", **done, litres="nhiều").status_code == 400


def test_a_day_that_has_not_come_is_refused_with_the_words_of_the_big_page(
    sign_in: SignIn, named: int
) -> None:
    answer = act(
        sign_in("officer"), "measure", record="spraying", on="2026-11-23", houses="", text="", outbreak=named
    )
    assert answer.get_json() | {"unread": 0} == {
        "state": "refused", "text": "Ngày 23/11/2026 chưa đến: chỉ ghi việc đã làm.", "unread": 0,
    }  # fmt: skip


# --- photos ----------------------------------------------------------------------------------------------


def test_a_photo_is_made_small_stripped_encrypted_and_its_reading_written_down(
    sign_in: SignIn, engine: Engine, named: int
) -> None:
    client = sign_in("officer")
    assert act(client, "photo", photo=picture(), outbreak=named, text="Bể nước").get_json()["state"] == "done"
    with session_scope(engine) as session:
        photo = session.scalars(select(OutbreakPhoto)).one()
        assert b"JFIF" not in photo.content
    answer = client.get(f"/my/photos/{photo.id}.jpg")
    with Image.open(BytesIO(answer.data)) as seen:
        assert seen.size == (1067, 1600) and not seen.getexif()
    assert b"CAMERA" not in answer.data and answer.headers["Cache-Control"] == "private, no-store"
    assert ("outbreak.photo", {"outbreak": named, "photo": photo.id}) in log_of(engine)


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4", b"<svg xmlns='x'/>", b"\xff\xd8\xff\xe0 broken"])
def test_what_is_no_photo_is_refused(sign_in: SignIn, engine: Engine, named: int, data: bytes) -> None:
    answer = act(sign_in("officer"), "photo", photo=data, outbreak=named, text="")
    assert answer.get_json()["state"] == "refused" and count(engine, OutbreakPhoto) == 0


def test_a_photo_of_elsewhere_is_not_there(app: Dash, sign_in: SignIn, named: int) -> None:
    assert sign_in("officer").get("/my/photos/999999.jpg").status_code == 404


# --- pure ------------------------------------------------------------------------------------------------

LEVELS = st.builds(
    UnitLevel, unit_id=st.integers(1, 3), unit_name=st.just("P"), disease=st.sampled_from(["a", "b"]),
    level=st.integers(1, 4), unknown=st.booleans(), status=st.just("none"),
)  # fmt: skip
AREAS = st.lists(LEVELS, unique_by=lambda level: level.key)


@given(AREAS)
def test_nothing_moved_between_a_moment_and_itself(levels: list[UnitLevel]) -> None:
    assert moves(levels, levels) == ()


@given(AREAS, AREAS)
def test_rises_and_falls_change_sides_when_time_runs_backwards(
    a: list[UnitLevel], b: list[UnitLevel]
) -> None:
    both = {level.key for level in a} & {level.key for level in b}
    a, b = ([level for level in levels if level.key in both] for levels in (a, b))
    there, back = ({m.after.key: m.move for m in moves(x, y)} for x, y in ((a, b), (b, a)))
    opposite = {"up": "down", "down": "up", "silent": "known", "known": "silent"}
    assert {key: opposite[move] for key, move in there.items()} == back


def entry(kind: str, on: date) -> Entry:
    return Entry(id=1, at=NOW, kind=kind, user_id=1, message=Message("x"), detail={"on": on.isoformat()})


def test_a_measure_is_done_on_the_day_it_was_last_done() -> None:
    profile = load_profiles()["HCDC-2021"]
    task = Task(kind=TaskKind.HANDLE, number=1, not_before=TODAY, due=TODAY, words=Message("x"))
    tasks = [TaskView(task=task, state=State.OVERDUE, deadline=NOW)]
    measures = [entry(HOUSEHOLDS, date(2026, 11, 20)), entry(HOUSEHOLDS, date(2026, 11, 21))]
    found = checklist(tasks, measures, profile.response.vector)
    assert [(i.record, i.state, i.done_on) for i in found] == [
        ("handling", State.OVERDUE, None),
        (COMMUNICATION, State.DUE, None),
        (HOUSEHOLDS, State.DONE, date(2026, 11, 21)),
    ]
    assert checklist([], measures, profile.response.vector) == ()


# --- numbers to call ---------------------------------------------------------------------------------------


def contacts(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "contacts.toml"
    file.write_text(text, encoding="utf-8")
    return Settings.from_environment({"CANHDICH_CONTACTS": str(file), "CANHDICH_HOME": str(tmp_path)})


def test_numbers_of_ones_own_centre_come_first_and_others_not(tmp_path: Path) -> None:
    text = "".join(
        f'[[contact]]\nname_vi = "{name}"\ntel = "{tel}"\n{units}\n'
        for name, tel, units in (
            ("HCDC", "028 3923 4629", ""),
            ("TTYT 1", "0900000001", 'units = ["26734"]'),
            ("TTYT 2", "0900000002", 'units = ["1"]'),
        )
    )  # fmt: skip
    found = contacts_for(load_contacts(contacts(tmp_path, text)), ["26734"])
    assert [(contact.name_vi, contact.tel) for contact in found] == [
        ("TTYT 1", "0900000001"),
        ("HCDC", "02839234629"),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[[contact]]\nname_vi = "A"\ntel = "gọi tôi"', "name_vi và tel"),
        ('[[contact]]\nname = "A"', "name"),
        ("[[", "Không đọc được"),
    ],
)
def test_a_wrong_file_of_numbers_says_where(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        load_contacts(contacts(tmp_path, text))


def test_moments_are_the_citys(sign_in: SignIn, city: dict[str, Place]) -> None:
    assert datetime(2026, 11, 22, 13).strftime("%H:%M %d/%m") in sign_in("officer").get("/my").text
