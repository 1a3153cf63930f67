"""Web Push (RFC 8030): one message to each browser of a person, encrypted for it alone (RFC 8291), signed with the
deployment's key (RFC 8292). The push service learns an address, a length and a time; the text tells of no patient.
"""

from __future__ import annotations

import json
import os
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import Engine

from alerts.channels import Envelope, TransportError
from alerts.channels.posting import Answer, post
from alerts.levels import Level
from alerts.push_devices import Subscription, accepted, devices_of, forget
from alerts.push_settings import PushSettings, allowed
from alerts.views import unread_count
from db import session_scope
from i18n import Message
from surveillance.privacy import Vault

NOT_CONFIGURED = Message(
    "Chưa bật thông báo đẩy (CANHDICH_PUSH_CONTACT). Tin được giữ lại và sẽ gửi khi bật."
)
NO_DEVICE = Message("Người nhận không còn máy nào bật thông báo.")
GONE = (404, 410)
TTL_S: Mapping[Level, int] = {Level.RAT_CAO: 72 * 3600, Level.CAO: 24 * 3600}
DEFAULT_TTL_S = 12 * 3600
URGENCY: Mapping[Level, str] = {Level.RAT_CAO: "high", Level.CAO: "high", Level.TRUNG_BINH: "normal"}
MOST_TEXT = 600
JWT_LIFE_S = 12 * 3600
"""RFC 8292 §2 allows 24 hours; a clock may be wrong by some."""


class PushChannel:
    """`recipient` is the person's id: their browsers are looked up when it is sent. Told means that one of them at
    least was told; without a key, messages wait."""

    def __init__(self, push: PushSettings | None, engine: Engine, vault: Vault) -> None:
        self._push, self._engine, self._vault = push, engine, vault

    def unavailable(self) -> Message | None:
        return NOT_CONFIGURED if self._push is None else None

    def send(self, envelope: Envelope) -> str | None:
        if self._push is None:
            raise TransportError(NOT_CONFIGURED, permanent=False, channel_down=True)
        user_id = int(envelope.recipient)
        with session_scope(self._engine) as session:
            devices = devices_of(session, user_id, self._vault)
            body = payload(envelope, unread_count(session, user_id))
        told: list[int] = []
        gone: list[int] = []
        refusal: TransportError | None = None
        for device_id, subscription in devices:
            try:
                self._post(self._push, subscription, envelope, body)
                told.append(device_id)
            except _Gone:
                gone.append(device_id)
            except TransportError as error:
                refusal = error
        with session_scope(self._engine) as session:
            forget(session, gone)
            accepted(session, told, datetime.now(UTC))
        if told:
            return None
        raise refusal or TransportError(NO_DEVICE, permanent=True)

    def _post(self, push: PushSettings, to: Subscription, envelope: Envelope, body: bytes) -> None:
        """Raises _Gone, or TransportError: of one service only, so it never holds up the channel."""
        if not allowed(to.host, push.hosts):  # the list was shortened since
            raise _Gone
        level = Level(envelope.message.level)
        headers = {
            "Authorization": authorization(push, to.endpoint, int(time.time())),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_S.get(level, DEFAULT_TTL_S)),
            "Urgency": URGENCY.get(level, "low"),
            "Topic": topic(envelope.message.link),
        }
        try:
            answer = post(to.host, to.endpoint, encrypt(body, to), headers)
        except TransportError as error:
            raise TransportError(error.message, permanent=False) from None
        if answer.status in GONE:
            raise _Gone
        if not 200 <= answer.status < 300:
            raise _refused(to.host, answer)


class _Gone(Exception):
    """The subscription has ended."""


def payload(envelope: Envelope, unread: int) -> bytes:
    """What the service worker shows (web/static/phone/sw.js). The chat text without its heading and its link."""
    message = envelope.message
    lines = [line for line in message.chat.split("\n")[1:] if line and message.link not in line]
    content = {
        "id": envelope.message_id,
        "title": message.subject,
        "body": _cut("\n".join(lines)),
        "url": urlsplit(message.link).path or "/alerts",
        "tag": topic(message.link),
        "lang": envelope.locale,
        "urgent": message.level >= Level.RAT_CAO,
        "unread": unread,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def topic(link: str) -> str:
    """The same for all messages about one thing, so that a newer one takes the place of an older (RFC 8030 §5.4: at
    most 32 characters of base64url). It is visible to the push service: a hash, not the number of an alert."""
    return _b64(blake2b(link.encode(), digest_size=16).digest())


def encrypt(
    body: bytes, to: Subscription, *, key: ec.EllipticCurvePrivateKey | None = None, salt: bytes = b""
) -> bytes:
    """`key` and `salt` are fresh for every message; given in tests only."""
    encrypted: bytes = http_ece.encrypt(
        body,
        salt=salt or os.urandom(16),
        private_key=key or ec.generate_private_key(ec.SECP256R1()),
        dh=to.p256dh,
        auth_secret=to.auth,
        version="aes128gcm",
    )
    return encrypted


def authorization(push: PushSettings, endpoint: str, now_s: int) -> str:
    """RFC 8292: a JWT by ES256 for the push service's origin, with who to write to when messages go wrong."""
    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": now_s + JWT_LIFE_S, "sub": push.contact}
    signed = f"{_b64_json({'typ': 'JWT', 'alg': 'ES256'})}.{_b64_json(claims)}"
    r, s = decode_dss_signature(push.private_key.sign(signed.encode(), ec.ECDSA(SHA256())))
    signature = _b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={signed}.{signature}, k={push.public_key}"


def _refused(host: str, answer: Answer) -> TransportError:
    """400 and 413: this message will never be taken. 401, 403: the key is not the one the browser subscribed with."""
    said = Message("Dịch vụ thông báo {host} trả lời mã {code}.", host=host, code=str(answer.status))
    return TransportError(said, permanent=answer.status in (400, 413))


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1].rstrip() + "…"


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _b64_json(value: Mapping[str, object]) -> str:
    return _b64(json.dumps(value, separators=(",", ":")).encode())
