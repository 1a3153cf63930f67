"""Web Push of this deployment: off until CANHDICH_PUSH_CONTACT is set; the key pair lies in the home (RFC 8292)."""

from __future__ import annotations

import os
import re
import secrets
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from alerts.channels.posting import LOOPBACK, only_known
from i18n import Message
from settings import Settings, SettingsError

PREFIX = "CANHDICH_PUSH_"
OFFICIAL = (
    "fcm.googleapis.com", "updates.push.services.mozilla.com", ".push.services.mozilla.com",
    "web.push.apple.com", ".push.apple.com", ".notify.windows.com",
)  # fmt: skip
"""Push services of Chrome and its kin, Firefox, Safari, Edge. A leading dot: any host below it."""
_CONTACT = re.compile(r"mailto:[^@\s]+@[^@\s]+\.[^@\s]+|https://[^\s/]+\S*")
_HOST = re.compile(r"\.?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSettings:
    """`hosts`: where messages may be posted to, a person's browser names the address; `public_key` in base64url, as a
    browser wants it."""

    contact: str
    hosts: tuple[str, ...]
    public_key: str
    private_key: ec.EllipticCurvePrivateKey = field(repr=False)


def parse_push(settings: Settings) -> PushSettings | None:
    """None without CANHDICH_PUSH_CONTACT. Makes the keys where there are none. Raises SettingsError."""
    given = only_known(settings.channels, PREFIX, {"CONTACT", "HOSTS"})
    if "CONTACT" not in given:
        return None
    if not _CONTACT.fullmatch(given["CONTACT"]):
        raise SettingsError(
            Message("CANHDICH_PUSH_CONTACT phải là mailto:… hoặc https://… của người vận hành.")
        )
    extra = given.get("HOSTS", "").lower().replace(",", " ").split()
    for host in extra:
        if not _HOST.fullmatch(host):
            raise SettingsError(Message("CANHDICH_PUSH_HOSTS: “{host}” không phải tên máy chủ.", host=host))
    key = private_key(settings.home)
    return PushSettings(
        contact=given["CONTACT"], hosts=(*OFFICIAL, *extra), public_key=public_text(key), private_key=key
    )


def allowed(url_host: str, hosts: tuple[str, ...]) -> bool:
    """`url_host` with its port where it is not the usual one."""
    return any(url_host == host or (host[0] == "." and url_host.endswith(host)) for host in hosts)


def plain_http(url_host: str) -> bool:
    """Only this machine itself may be posted to without TLS, and only where the list names it."""
    return url_host.rpartition(":")[0] in LOOPBACK


def private_key(home: Path) -> ec.EllipticCurvePrivateKey:
    """The key of `home`/vapid.pem, made at first use. Lost: every browser must be subscribed anew. SettingsError when
    the file holds something else."""
    path = home / "vapid.pem"
    if not path.exists():
        _make(path)
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SettingsError(
            Message("{file} không phải khóa P-256 dạng PEM. Khôi phục từ bản sao lưu, hoặc xóa để tạo khóa mới.",
                    file=str(path))
        )  # fmt: skip
    return key


def public_text(key: ec.EllipticCurvePrivateKey) -> str:
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return urlsafe_b64encode(point).decode().rstrip("=")


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"vapid.{secrets.token_hex(8)}.new")
    fresh.touch(mode=0o600)
    key = ec.generate_private_key(ec.SECP256R1())
    fresh.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with suppress(FileExistsError):  # another process made it first: its key counts
        os.link(fresh, path)
    fresh.unlink()
