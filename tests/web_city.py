"""A small city behind the web application: fixtures and what the browser would send."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
import shapely
from dash import Dash
from flask.testing import FlaskClient
from geoalchemy2.shape import from_shape
from sqlalchemy import Engine, select
from werkzeug.test import TestResponse

from accounts.models import Role
from accounts.service import create_user
from alerts.engine import reconcile
from alerts.models import Alert
from alerts.passport import DiseaseFacts
from alerts.rules import default_policy
from db import session_scope
from geodata.models import AdminUnit, Boundary
from i18n import Message
from settings import Settings
from surveillance.models import IngestRun, RejectedRow, SourceFile
from surveillance.privacy import Vault
from surveillance.types import Frequency, Signal, StatutoryStatus
from web.server import create_app

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
PASSWORD = "mật khẩu thử"
PEOPLE = {"analyst": Role.ANALYST, "officer": Role.OFFICER, "manager": Role.MANAGER, "guest": Role.ANALYST}
"""“guest” is the one who changes the language, which an account keeps."""
LEVELS = {"Ô 0": 4, "Ô 1": 2, "Ô 2": 1}
"""“Ô 3” was never judged: unknown."""


@dataclass(frozen=True)
class Place:
    """A square commune and what stands in it."""

    id: int
    alert_id: int | None


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    return Settings.from_environment({"CANHDICH_HOME": str(home), "CANHDICH_CLOCK": "data"})


@pytest.fixture(scope="module")
def city(engine: Engine, settings: Settings) -> dict[str, Place]:
    """Four squares, an alert in two of them, a run with one rejected row, three users."""
    with session_scope(engine) as session:
        units = {f"Ô {i}": _square(session, f"Ô {i}", i) for i in range(4)}
        for name, role in PEOPLE.items():
            areas = [units["Ô 1"].id] if role is Role.OFFICER else []
            create_user(
                session, username=name, password=PASSWORD, full_name="Người Thử", role=role, area_ids=areas
            )
        _run_with_a_rejected_row(session, settings)
        facts = DiseaseFacts(
            code="dengue",
            name_vi="Sốt xuất huyết",
            name_en="Dengue",
            group="B",
            endemic=True,
            display_floor=0,
        )
        reconcile(
            session,
            evidence=[_signal(units[name].id, level) for name, level in LEVELS.items()],
            policy=default_policy(),
            diseases={"dengue": facts},
            silent=[],
            now=NOW,
            code_version="test",
        )
        alerts = {alert.unit_id: alert.id for alert in session.scalars(select(Alert))}
        return {name: Place(unit.id, alerts.get(unit.id)) for name, unit in units.items()}


def _square(session: Any, name: str, column: int) -> AdminUnit:
    unit = AdminUnit(
        level="commune",
        code=name,
        valid_from=date(2025, 7, 1),
        name=f"Phường {name}",
        short_name=name,
        kind="phường",
    )
    session.add(unit)
    session.flush()
    west = 106.6 + 0.05 * column
    shape = shapely.MultiPolygon([shapely.box(west, 10.7, west + 0.05, 10.75)])
    session.add(
        Boundary(
            unit_id=unit.id, geom=from_shape(shape, srid=4326), source="test", synthetic=True, imported_at=NOW
        )
    )
    return unit


def _signal(unit_id: int, level: int) -> Signal:
    """Evidence that asks for `level`: an epidemic month, a warning week, or nothing."""
    status = {4: StatutoryStatus.EPIDEMIC, 2: StatutoryStatus.WARNING, 1: StatutoryStatus.NONE}[level]
    month = level == 4
    return Signal(
        disease="dengue",
        unit_id=unit_id,
        method="statutory_month" if month else "statutory_week",
        method_version="1",
        frequency=Frequency.MONTH if month else Frequency.WEEK,
        period_start=date(2026, 11, 1) if month else date(2026, 11, 16),
        as_of=NOW,
        observed=40.0,
        expected=10.0,
        upperbound=20.0,
        alarm=level > 1,
        reason=Message("Từ đầu tháng có 40 ca."),
        status=status,
        detail={"mean": 10.0, "sd": 5.0, "warning": 15.0, "threshold": 20.0},
    )


def _run_with_a_rejected_row(session: Any, settings: Settings) -> None:
    file = SourceFile(sha256="a" * 64, name="mau.xlsx", size_bytes=1, received_at=NOW, state="ingested")
    session.add(file)
    session.flush()
    run = IngestRun(
        source_file_id=file.id,
        source="hcdc_dengue",
        mapping_hash="x",
        started_at=NOW,
        finished_at=NOW,
        known_at=NOW,
        state="done",
        rows_total=2,
        rows_new=1,
        rows_rejected=1,
    )
    session.add(run)
    session.flush()
    vault = Vault.of(settings.secret_key)
    session.add(
        RejectedRow(
            run_id=run.id,
            row=17,
            column="Tuổi",
            value=vault.encrypt("1o5"),
            reason=Message("Tuổi phải là số.").to_json(),
            raw=vault.encrypt({"Tuổi": "1o5"}),
        )
    )


@pytest.fixture
def app(settings: Settings, engine: Engine, city: dict[str, Place]) -> Dash:
    """A fresh site for each test: its limits on sign-in start anew."""
    return create_app(settings, engine)


@pytest.fixture
def client(app: Dash) -> FlaskClient:
    return app.server.test_client()


SignIn = Callable[..., FlaskClient]


@pytest.fixture
def sign_in(app: Dash) -> SignIn:
    def enter(name: str) -> FlaskClient:
        client: FlaskClient = app.server.test_client()
        assert post_login(client, name, PASSWORD).status_code == 302
        client.get("/map")  # a new session has a new anti-forgery token, which the first page brings
        return client

    return enter


def csrf_token(client: FlaskClient) -> str:
    cookie = client.get_cookie("_csrf_token")
    if cookie is None:
        client.get("/login")
        cookie = client.get_cookie("_csrf_token")
    assert cookie is not None
    return cookie.value


def post_login(client: FlaskClient, name: str, password: str, next: str = "") -> TestResponse:
    path = f"/login?next={next}" if next else "/login"
    form = {"username": name, "password": password, "csrf_token": csrf_token(client)}
    return client.post(path, data=form)


def run_callback(
    client: FlaskClient,
    app: Dash,
    output: str,
    values: dict[str, Any],
    *,
    trigger: str = "",
    token: str | None = None,
) -> TestResponse:
    """What the browser sends: the callback that writes `output` (“id.property”), with these values."""
    with app.server.test_request_context():
        app._setup_server()
    key = next(key for key in app.callback_map if output in re.split(r"\.{2,}", key.strip(".")))
    spec = app.callback_map[key]

    def given(part: dict[str, str]) -> dict[str, Any]:
        return {"id": part["id"], "property": part["property"], "value": values.get(part["id"])}

    pairs = [p.rsplit(".", 1) for p in re.split(r"\.{3}", key.strip("."))]
    outputs = [{"id": id, "property": name.partition("@")[0]} for id, name in pairs]
    body = {
        "output": key,
        "outputs": outputs if key.startswith("..") else outputs[0],
        "inputs": [given(part) for part in spec["inputs"]],
        "state": [given(part) for part in spec["state"]],
        "changedPropIds": [trigger] if trigger else [],
    }
    headers = {"X-CSRFToken": csrf_token(client) if token is None else token}
    return client.post("/_dash-update-component", json=body, headers=headers)


def text_of(response: TestResponse) -> str:
    return json.dumps(response.get_json(), ensure_ascii=False)
