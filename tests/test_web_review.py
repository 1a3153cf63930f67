"""The page of addresses and its data: what each role sees and may do, and that no address leaves by chance."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine, select, text
from werkzeug.test import TestResponse

from accounts.models import AccessLog
from db import session_scope
from surveillance.review.models import AddressFix, PlaceAlias
from tests.review_cases import unknown
from tests.web_city import SignIn, app, client, csrf_token, run_callback, settings, sign_in, text_of
from tests.web_review import HOUSE, Town, city, waits

__all__ = ["app", "city", "client", "settings", "sign_in", "waits"]
"""Fixtures."""


def rows(app: Dash, client: FlaskClient, when: str = "") -> list[dict[str, Any]]:
    answer = run_callback(client, app, "review-grid.rowData", {"review-when": when})
    found: list[dict[str, Any]] = answer.get_json()["response"]["review-grid"]["rowData"]
    return found


def listing(app: Dash, client: FlaskClient, when: str = "") -> str:
    return text_of(run_callback(client, app, "review-grid.rowData", {"review-when": when}))


def detail(app: Dash, client: FlaskClient, case: object) -> dict[str, Any]:
    answer = run_callback(client, app, "review-head.children", {"review-id": str(case)})
    found: dict[str, Any] = answer.get_json()["response"]
    return found


def words(part: Any) -> str:
    return json.dumps(part, ensure_ascii=False)


def press(
    app: Dash, client: FlaskClient, cause: dict[str, Any] | str, shown: dict[str, Any] | None, **typed: Any
) -> TestResponse:
    """Press the button `cause`, looking at `shown`."""
    with app.server.test_request_context():
        app._setup_server()
    key = next(key for key in app.callback_map if "review-acted.data" in key)
    spec = app.callback_map[key]
    values = {"review-shown": shown, "review-together": True, "review-remember": True} | {
        f"review-{name.replace('_', '-')}": value for name, value in typed.items()
    }

    def given(part: dict[str, str]) -> Any:
        if part["id"].startswith("{"):
            mine = isinstance(cause, dict) and json.loads(part["id"])["review"] == cause["review"]
            return [{"id": cause, "property": part["property"], "value": 1}] if mine else []
        value = 1 if part["id"] == cause else values.get(part["id"])
        return {"id": part["id"], "property": part["property"], "value": value}

    name = cause if isinstance(cause, str) else json.dumps(cause, sort_keys=True, separators=(",", ":"))
    pairs = [p.rsplit(".", 1) for p in key.strip(".").split("...")]
    body = {
        "output": key,
        "outputs": [{"id": id, "property": prop.partition("@")[0]} for id, prop in pairs],
        "inputs": [given(part) for part in spec["inputs"]],
        "state": [given(part) for part in spec["state"]],
        "changedPropIds": [f"{name}.n_clicks"],
    }
    return client.post("/_dash-update-component", json=body, headers={"X-CSRFToken": csrf_token(client)})


def show_address(app: Dash, client: FlaskClient, shown: Any) -> str:
    """What the callback that the button “Hiện” wakes answers: the address has another writer too."""
    given = {"review-shown": shown, "review-reveal": 1}
    with app.server.test_request_context():
        app._setup_server()
    key = next(
        key
        for key, spec in app.callback_map.items()
        if any(part["id"] == "review-reveal" for part in spec["inputs"])
    )
    spec = app.callback_map[key]

    def part_of(part: dict[str, str]) -> dict[str, Any]:
        return {"id": part["id"], "property": part["property"], "value": given.get(part["id"])}

    pairs = [p.rsplit(".", 1) for p in key.strip(".").split("...")]
    body = {
        "output": key,
        "outputs": [{"id": id, "property": prop} for id, prop in pairs],
        "inputs": [part_of(part) for part in spec["inputs"]],
        "state": [part_of(part) for part in spec["state"]],
        "changedPropIds": ["review-reveal.n_clicks"],
    }
    headers = {"X-CSRFToken": csrf_token(client)}
    return text_of(client.post("/_dash-update-component", json=body, headers=headers))


def pick(unit: int) -> dict[str, Any]:
    return {"review": "pick", "unit": unit}


def read_log(engine: Engine) -> list[tuple[str, dict[str, Any]]]:
    with session_scope(engine) as session:
        return [(entry.action, entry.detail) for entry in session.scalars(select(AccessLog))]


# --- seeing ----------------------------------------------------------------------------------------------------


def test_cases_with_the_same_words_are_one_row_with_the_address_covered(
    app: Dash, sign_in: SignIn, waits: Town
) -> None:
    first, second = rows(app, sign_in("analyst"))
    assert (first["words"], first["cases"]) == ("••••, PHUONG DA KAO, QUAN 1", 1)
    assert (second["words"], second["cases"]) == ("••••, PHUONG LA HOAC, QUAN 5", 12)
    assert "Không nhận ra phường/xã đã ghi" in second["why"]


def test_the_menu_says_how_many_wait(app: Dash, sign_in: SignIn, waits: Town) -> None:
    for name, number in (("analyst", "13"), ("officer", "1")):
        answer = text_of(run_callback(sign_in(name), app, "nav.children", {"url": "/map"}))
        assert "Địa chỉ cần xem" in answer
        assert f"{number} ca có địa chỉ cần xem" in answer
    assert "Địa chỉ cần xem" not in text_of(
        run_callback(sign_in("manager"), app, "nav.children", {"url": "/map"})
    )


def test_an_empty_list_says_so(app: Dash, sign_in: SignIn, city: Town) -> None:
    assert "Không có địa chỉ nào đang chờ" in listing(app, sign_in("analyst"))


def test_the_detail_shows_candidates_with_their_share_and_what_would_be_learnt(
    app: Dash, sign_in: SignIn, waits: Town
) -> None:
    client = sign_in("analyst")
    split, many = rows(app, client)
    seen = detail(app, client, split["id"])
    assert "Phường Sài Gòn" in words(seen["review-candidates"])
    assert "60 %" in words(seen["review-candidates"])
    assert "Phường Đa Kao, Quận 1" in words(seen["review-head"])
    assert seen["review-remember"]["className"] == "is-hidden"
    seen = detail(app, client, many["id"])
    assert seen["review-together"]["label"] == "Áp dụng cho cả 12 ca cùng địa chỉ"
    assert "“la hoac” (quận, huyện: 5)" in seen["review-remember"]["label"]


def test_a_number_that_is_none_is_answered_in_words(app: Dash, sign_in: SignIn, waits: Town) -> None:
    client = sign_in("analyst")
    for case in ("999999", "1; DROP TABLE", "", "٣"):
        answer = run_callback(client, app, "review-head.children", {"review-id": case})
        assert answer.status_code == 200
        assert "review-work is-hidden" in text_of(answer)


def test_bad_cells_are_plain_text(app: Dash, sign_in: SignIn, waits: Town) -> None:
    waits.collect(
        [
            person_with("<script>alert(1)</script>", 30),
            person_with("'; DROP TABLE epi_case; --", 31),
            person_with("🙂\u202e\nX" + "9" * 10_000, 32),
        ],
        name="bad.xlsx",
    )
    shown = [row["words"] for row in rows(app, sign_in("analyst"))]
    assert any("<script>alert(1)</script>" in text for text in shown)
    assert all(len(text) < 200 and text.isprintable() for text in shown)
    assert len(waits.versions()) == 16


def person_with(ward: str, number: int) -> dict[str, Any]:
    return unknown(number, PX=ward, QH="QUAN 5", **{"DIA CHI": ward})


# --- acting ----------------------------------------------------------------------------------------------------


def test_twelve_cases_are_placed_with_one_press_and_taken_back_with_one(
    app: Dash, sign_in: SignIn, waits: Town
) -> None:
    client, unit = sign_in("analyst"), waits.units["Phường Sài Gòn"]
    many = rows(app, client)[1]
    shown = detail(app, client, many["id"])["review-shown"]["data"]
    answer = press(app, client, pick(unit), shown)
    assert "Đã đặt 12 ca vào Phường Sài Gòn." in text_of(answer)
    assert len(rows(app, client)) == 1
    assert "Phường Sài Gòn" in listing(app, client, "|done")
    assert "la hoac" in listing(app, client, "|learnt")
    assert "learnt" not in listing(app, sign_in("officer"))
    with session_scope(waits.desk.engine) as session:
        act = session.scalars(select(AddressFix.act).limit(1)).one()
    assert "Đã hoàn tác cho 12 ca" in text_of(press(app, client, {"review": "undo", "act": act}, None))
    assert len(rows(app, client)) == 2
    assert "Chưa nhớ cách ghi nào" in listing(app, client, "|learnt")


def test_what_was_learnt_is_forgotten_with_one_press_and_by_nobody_with_an_area(
    app: Dash, sign_in: SignIn, waits: Town
) -> None:
    client = sign_in("analyst")
    many = rows(app, client)[1]
    press(
        app,
        client,
        pick(waits.units["Phường Sài Gòn"]),
        detail(app, client, many["id"])["review-shown"]["data"],
    )
    with session_scope(waits.desk.engine) as session:
        forget = {"review": "forget", "alias": session.scalars(select(PlaceAlias.id)).one()}
    assert "Chỉ người phụ trách toàn địa bàn" in text_of(press(app, sign_in("officer"), forget, None))
    assert "Đã thôi nhớ." in text_of(press(app, client, forget, None))
    assert "Chưa nhớ cách ghi nào" in listing(app, client, "|learnt")
    assert len(rows(app, client)) == 1


def test_the_second_clerk_reads_who_was_first(app: Dash, sign_in: SignIn, waits: Town) -> None:
    one, two = sign_in("analyst"), sign_in("second")
    case = rows(app, one)[0]["id"]
    shown = detail(app, two, case)["review-shown"]["data"]
    press(app, one, pick(waits.units["Phường Sài Gòn"]), detail(app, one, case)["review-shown"]["data"])
    answer = text_of(press(app, two, pick(waits.units["Phường Tân Định"]), shown))
    assert "Người khác đã xử lý địa chỉ này. Chưa ghi đè gì. Người analyst" in answer
    assert {v.unit_id for v in waits.versions()} == {waits.units["Phường Sài Gòn"], None}


@pytest.mark.parametrize(
    ("cause", "typed", "why"),
    [
        ("review-take", {"unit": None}, "Hãy chọn một xã, phường."),
        ("review-pin-save", {"map": None}, "Hãy đặt ghim"),
        ("review-unknown-save", {"reason": None}, "Hãy chọn lý do"),
        ("review-unknown-save", {"reason": "nonsense"}, "Hãy chọn lý do"),
    ],
)
def test_what_is_missing_is_said_where_it_was_pressed(
    app: Dash, sign_in: SignIn, waits: Town, cause: str, typed: dict[str, Any], why: str
) -> None:
    client = sign_in("analyst")
    shown = detail(app, client, rows(app, client)[0]["id"])["review-shown"]["data"]
    assert why in text_of(press(app, client, cause, shown, **typed))
    with session_scope(waits.desk.engine) as session:
        assert list(session.scalars(select(AddressFix))) == []


def test_nothing_chosen_is_no_error(app: Dash, sign_in: SignIn, waits: Town) -> None:
    answer = press(app, sign_in("analyst"), "review-take", None, unit="1")
    assert "Hãy chọn một địa chỉ trong danh sách trước." in text_of(answer)


# --- rights and privacy ------------------------------------------------------------------------------------------


def test_a_manager_and_a_stranger_get_nothing(
    app: Dash, sign_in: SignIn, client: FlaskClient, waits: Town
) -> None:
    manager = sign_in("manager")
    assert run_callback(manager, app, "review-grid.rowData", {}).status_code == 403
    assert run_callback(manager, app, "review-head.children", {"review-id": "1"}).status_code == 403
    assert press(app, manager, pick(1), {"case": 1, "version": 1}).status_code == 403
    assert run_callback(client, app, "review-grid.rowData", {}).status_code == 401


def test_an_officer_sees_the_one_case_that_may_be_theirs_and_one_elsewhere_sees_none(
    app: Dash, sign_in: SignIn, waits: Town
) -> None:
    officer = sign_in("officer")
    [row] = rows(app, officer)
    assert "DA KAO" in row["words"]
    seen = detail(app, officer, row["id"])
    assert seen["review-remember"]["className"] == "is-hidden"
    shown = seen["review-shown"]["data"]
    assert HOUSE in show_address(app, officer, shown)

    stranger = sign_in("stranger")
    assert rows(app, stranger) == []
    assert "không còn chờ xem" in words(detail(app, stranger, row["id"])["review-head"])
    assert HOUSE not in show_address(app, stranger, shown)
    assert "địa bàn" in text_of(press(app, officer, pick(waits.units["Phường Sài Gòn"]), shown))
    assert "Chưa ghi gì" in text_of(press(app, stranger, pick(waits.units["Xã Cần Giờ"]), shown))
    assert read_log(waits.desk.engine) == [("address.reveal", {"case": int(row["id"])})]


def test_the_address_is_nowhere_until_it_is_asked_for_and_asking_is_written_down(
    app: Dash, sign_in: SignIn, waits: Town
) -> None:
    client = sign_in("analyst")
    [case, _many] = rows(app, client)
    seen = detail(app, client, case["id"])
    everything = [
        words(seen), listing(app, client), listing(app, client, "|done"), listing(app, client, "|learnt"),
        client.get("/review?id=" + case["id"]).get_data(as_text=True),
    ]  # fmt: skip
    assert all("PHAN KE BINH" not in part for part in everything)
    assert read_log(waits.desk.engine) == []
    assert HOUSE in show_address(app, client, seen["review-shown"]["data"])
    assert read_log(waits.desk.engine) == [("address.reveal", {"case": int(case["id"])})]


def test_no_log_and_no_table_in_the_clear_holds_an_address(
    app: Dash, sign_in: SignIn, waits: Town, capfd: pytest.CaptureFixture[str]
) -> None:
    client = sign_in("analyst")
    shown = detail(app, client, rows(app, client)[0]["id"])["review-shown"]["data"]
    show_address(app, client, shown)
    read = {"review": "read", "unit": waits.units["Phường Tân Định"]}
    press(app, client, read, shown, text="99/7 NGO TAT TO, PHUONG DA KAO, QUAN 1")
    press(app, client, read, shown, text="99/7 NGO TAT TO")
    said = capfd.readouterr()
    with session_scope(waits.desk.engine) as session:
        tables = [
            str(
                session.execute(
                    text(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {name} t")
                ).scalar_one()
            )
            for name in ("address_fix", "place_alias", "place_text", "access_log", "case_version")
        ]
    for part in (said.out, said.err, *tables):
        assert "NGO TAT TO" not in part and "PHAN KE BINH" not in part
