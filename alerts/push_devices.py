"""The browsers that take a person's messages: kept encrypted, once each, forgotten when their push service says so."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from accounts.choices import WantedMessages, choices_of, choose, forget_choice
from accounts.models import PushDevice, User
from alerts.channels import PUSH
from alerts.levels import Level
from alerts.push_settings import PushSettings, allowed, plain_http
from i18n import Message, MessageError
from surveillance.privacy import Vault

MOST_DEVICES = 5
MOST_ENDPOINT = 1000


class DeviceError(MessageError, ValueError):
    """A subscription that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Where to post and with which keys (RFC 8291 §2): `p256dh` an uncompressed point, `auth` 16 bytes. Who knows the
    address can send: it is a secret."""

    endpoint: str = field(repr=False)
    p256dh: bytes = field(repr=False)
    auth: bytes = field(repr=False)

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).netloc


def subscription_of(data: Any, push: PushSettings) -> Subscription:
    """What a browser's PushSubscription.toJSON() says. Raises DeviceError; no address outside the list is taken, or a
    person could make this server post to any other."""
    keys = data.get("keys") if isinstance(data, Mapping) else None
    endpoint = data.get("endpoint") if isinstance(data, Mapping) else None
    if not isinstance(endpoint, str) or not isinstance(keys, Mapping) or len(endpoint) > MOST_ENDPOINT:
        raise DeviceError(Message("Trình duyệt gửi đăng ký không đầy đủ. Hãy tải lại trang rồi thử lại."))
    _check_address(endpoint, push)
    try:
        p256dh, auth = (decoded(str(keys.get(name, ""))) for name in ("p256dh", "auth"))
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    except ValueError:
        p256dh, auth = b"", b""
    if len(p256dh) != 65 or len(auth) != 16:
        raise DeviceError(Message("Trình duyệt gửi khóa không đúng. Hãy tắt rồi bật lại thông báo."))
    return Subscription(endpoint=endpoint, p256dh=p256dh, auth=auth)


def add_device(session: Session, user: User, subscription: Subscription, vault: Vault, now: datetime) -> None:
    """This browser is this person's now, whoever had it before; the channel goes on where it was off."""
    values = {
        "user_id": user.id, "content": _sealed(subscription, vault), "host": subscription.host, "created_at": now,
    }  # fmt: skip
    row = insert(PushDevice).values(digest=vault.digest("push", subscription.endpoint), **values)
    session.execute(row.on_conflict_do_update(index_elements=["digest"], set_=values))
    _forget_oldest(session, user.id)
    if PUSH not in choices_of(session, user.id):
        wanted = WantedMessages(channel=PUSH, address=None, at_once_from=int(Level.CAO), digest=False)
        choose(session, user, wanted, now)


def remove_device(session: Session, user_id: int, endpoint: str, vault: Vault) -> None:
    """With the last one the channel goes off."""
    mine = (PushDevice.user_id == user_id, PushDevice.digest == vault.digest("push", endpoint))
    session.execute(delete(PushDevice).where(*mine))
    if not device_count(session, user_id):
        forget_choice(session, user_id, PUSH)


def device_count(session: Session, user_id: int) -> int:
    return (
        session.scalar(select(func.count()).select_from(PushDevice).where(PushDevice.user_id == user_id)) or 0
    )


def devices_of(session: Session, user_id: int, vault: Vault) -> list[tuple[int, Subscription]]:
    rows = session.scalars(select(PushDevice).where(PushDevice.user_id == user_id).order_by(PushDevice.id))
    return [(row.id, _opened(vault.decrypt(row.content))) for row in rows]


def accepted(session: Session, device_ids: Sequence[int], now: datetime) -> None:
    session.execute(update(PushDevice).where(PushDevice.id.in_(device_ids)).values(accepted_at=now))


def forget(session: Session, device_ids: Sequence[int]) -> None:
    """They are gone: the push service knows them no more."""
    session.execute(delete(PushDevice).where(PushDevice.id.in_(device_ids)))


def decoded(text: str) -> bytes:
    """base64url with or without padding. Raises ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _check_address(endpoint: str, push: PushSettings) -> None:
    try:
        parts = urlsplit(endpoint)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    host = parts.netloc.lower()
    scheme_fits = parts.scheme == "https" or (parts.scheme == "http" and plain_http(host))
    if not scheme_fits or not allowed(host, push.hosts):
        raise DeviceError(
            Message(
                "Dịch vụ thông báo của trình duyệt này ({host}) không có trong danh sách được phép. "
                "Hãy nhờ quản trị viên xem CANHDICH_PUSH_HOSTS.",
                host=(parts.hostname or "?")[:60],
            )
        )


def _sealed(subscription: Subscription, vault: Vault) -> bytes:
    return vault.encrypt(
        {
            "endpoint": subscription.endpoint,
            "p256dh": subscription.p256dh.hex(),
            "auth": subscription.auth.hex(),
        }
    )


def _opened(data: Mapping[str, str]) -> Subscription:
    keys = {name: bytes.fromhex(data[name]) for name in ("p256dh", "auth")}
    return Subscription(endpoint=data["endpoint"], **keys)


def _forget_oldest(session: Session, user_id: int) -> None:
    """A browser that was set up anew leaves its old address behind; push services may take long to say so."""
    newest = select(PushDevice.id).where(PushDevice.user_id == user_id).order_by(PushDevice.created_at.desc())
    keep = session.scalars(newest.limit(MOST_DEVICES)).all()
    session.execute(delete(PushDevice).where(PushDevice.user_id == user_id, PushDevice.id.not_in(keep)))
