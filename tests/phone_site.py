"""The small city on a phone: an outbreak whose cases have names and addresses, and acts as phones send them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import Engine, delete, select, update
from werkzeug.test import TestResponse

from accounts.models import AccessLog, FieldAct
from alerts.models import Alert, AlertEvent
from db import session_scope
from settings import Settings
from surveillance.models import CaseReportRow
from surveillance.outbreaks.models import OutbreakPhoto
from surveillance.privacy import Vault
from tests.web_city import csrf_token

NAME, ADDRESS = "Nguyễn Thị Bí Mật", "12/3 Đường Không Ai Biết"


@pytest.fixture
def named(engine: Engine, settings: Settings, outbreak: int) -> Iterator[int]:
    """The outbreak, whose cases now are persons; what phones did is forgotten afterwards."""
    identity = Vault.of(settings.secret_key).encrypt({"name": NAME, "address": ADDRESS})
    with session_scope(engine) as session:
        session.execute(update(CaseReportRow).values(identity=identity, facts={"commune": "Phường Kín"}))
    yield outbreak
    with session_scope(engine) as session:
        session.execute(delete(OutbreakPhoto))


@pytest.fixture(autouse=True)
def nothing_done(engine: Engine) -> Iterator[None]:
    """Alerts are as they were opened, nothing was sent yet."""
    yield
    with session_scope(engine) as session:
        session.execute(delete(FieldAct))
        session.execute(delete(AccessLog))
        session.execute(delete(AlertEvent).where(AlertEvent.user_id.is_not(None)))
        session.execute(update(Alert).values(state="open"))


def act(
    client: FlaskClient, kind: str, *, id: str = "", photo: bytes | None = None, **fields: Any
) -> TestResponse:
    own = {"id": id or str(uuid.uuid4()), "made_at": datetime.now(UTC).isoformat(), "kind": kind}
    data = own | fields
    headers = {"X-CSRFToken": csrf_token(client)}
    if photo is None:
        return client.post("/api/my/acts", json=data, headers=headers)
    form = {**{name: str(value) for name, value in data.items()}, "photo": (BytesIO(photo), "a.jpg")}
    return client.post("/api/my/acts", data=form, headers=headers, content_type="multipart/form-data")


def picture(width: int = 3000, height: int = 2000) -> bytes:
    """A JPEG as a camera writes it: turned on its side, with a place and a device in its EXIF."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "CAMERA-OF-SOMEBODY"
    exif.get_ifd(0x8825)[1] = "N"
    out = BytesIO()
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


def log_of(engine: Engine) -> list[tuple[str, dict[str, Any]]]:
    with session_scope(engine) as session:
        return [
            (entry.action, entry.detail)
            for entry in session.scalars(select(AccessLog).order_by(AccessLog.id))
        ]
