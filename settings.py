"""Every setting, read from the environment once, frozen, and failing loudly (docs/settings.md lists them)."""

from __future__ import annotations

import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from i18n import Message, MessageError

ROOT = Path(__file__).parent
_CHANNELS = ("CANHDICH_SMS_", "CANHDICH_TELEGRAM_", "CANHDICH_ZALO_", "CANHDICH_PUSH_")


class SettingsError(MessageError, ValueError):
    """A setting that cannot be used; the text names the variable and how to mend it."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A city, as data: `deploy/<name>/deployment.toml`."""

    name: str
    folder: Path
    title: Mapping[str, str]
    timezone: ZoneInfo
    units: Literal["vietnam", "points"]
    province_code: str
    diseases: tuple[str, ...]
    sources: tuple[str, ...]
    epidemic_years: Mapping[str, list[int]] = field(default_factory=dict)
    metric_crs: str = "EPSG:32648"
    outbreak_profiles: Mapping[str, str] = field(default_factory=dict)
    code_list: str = ""

    @classmethod
    def load(cls, name: str) -> Deployment:
        folder = ROOT / "deploy" / name
        path = folder / "deployment.toml"
        if not path.exists():
            known = ", ".join(sorted(p.parent.name for p in ROOT.glob("deploy/*/deployment.toml")))
            raise SettingsError(
                Message(
                    "CANHDICH_DEPLOYMENT: không có nơi triển khai “{name}”. Hãy chọn một trong: {known}.",
                    name=name,
                    known=known,
                )
            )
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return cls(
            name=name,
            folder=folder,
            timezone=ZoneInfo(raw.pop("timezone")),
            diseases=tuple(raw.pop("diseases")),
            sources=tuple(raw.pop("sources")),
            **raw,
        )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one process runs with. `home` holds everything the program writes."""

    home: Path
    database_url: str | None = field(repr=False)
    deployment: Deployment
    host: str
    port: int
    public_url: str
    smtp_url: str | None = field(repr=False)
    mail_from: str
    max_file_mb: int
    clock: Literal["real", "data"]
    demo: bool
    log_level: str
    web_workers: int
    secret_key_text: str | None = field(default=None, repr=False)
    geocoder_url: str | None = field(default=None, repr=False)
    geocoder_timeout_s: int = 2
    geocoder_outside: str = ""
    cap: str = "off"
    cap_sender: str = ""
    cap_status: str = "Actual"
    cap_min_level: int = 3
    cap_token: str | None = field(default=None, repr=False)
    webhook_url: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    webhook_http_hosts: tuple[str, ...] = ()
    bounces: str | None = field(default=None, repr=False)
    contacts: str = ""
    embed_origins: tuple[str, ...] = ()
    channels: Mapping[str, str] = field(default_factory=dict, repr=False)
    """CANHDICH_SMS_*, …_TELEGRAM_*, …_ZALO_*, …_PUSH_*, read by alerts/channels/ (docs/settings.md)."""

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> Settings:
        env = os.environ if env is None else env
        port = _integer(env, "CANHDICH_PORT", 8050)
        clock = env.get("CANHDICH_CLOCK", "real")
        if clock not in ("real", "data"):
            raise SettingsError(
                Message("CANHDICH_CLOCK phải là “real” hoặc “data”, không phải “{value}”.", value=clock)
            )
        return cls(
            home=Path(env.get("CANHDICH_HOME", str(ROOT / ".local"))).resolve(),
            database_url=env.get("DATABASE_URL") or None,
            deployment=Deployment.load(env.get("CANHDICH_DEPLOYMENT", "hcmc")),
            host=env.get("CANHDICH_HOST", "127.0.0.1"),
            port=port,
            public_url=env.get("CANHDICH_PUBLIC_URL", f"http://localhost:{port}").rstrip("/"),
            smtp_url=env.get("CANHDICH_SMTP_URL") or None,
            mail_from=env.get("CANHDICH_MAIL_FROM", "canh-dich@localhost"),
            max_file_mb=_integer(env, "CANHDICH_MAX_FILE_MB", 100),
            clock="data" if clock == "data" else "real",
            demo=env.get("CANHDICH_DEMO", "") == "1",
            log_level=env.get("CANHDICH_LOG_LEVEL", "INFO").upper(),
            web_workers=_integer(env, "CANHDICH_WEB_WORKERS", 2),
            secret_key_text=env.get("CANHDICH_SECRET_KEY") or None,
            geocoder_url=env.get("CANHDICH_GEOCODER_URL") or None,
            geocoder_timeout_s=_integer(env, "CANHDICH_GEOCODER_TIMEOUT_S", 2),
            geocoder_outside=env.get("CANHDICH_GEOCODER_OUTSIDE", ""),
            cap=env.get("CANHDICH_CAP") or "off",
            cap_sender=env.get("CANHDICH_CAP_SENDER", ""),
            cap_status=env.get("CANHDICH_CAP_STATUS") or "Actual",
            cap_min_level=_integer(env, "CANHDICH_CAP_MIN_LEVEL", 3),
            cap_token=env.get("CANHDICH_CAP_TOKEN") or None,
            webhook_url=env.get("CANHDICH_WEBHOOK_URL") or None,
            webhook_secret=env.get("CANHDICH_WEBHOOK_SECRET") or None,
            webhook_http_hosts=tuple(
                env.get("CANHDICH_WEBHOOK_HTTP_HOSTS", "").lower().replace(",", " ").split()
            ),
            bounces=env.get("CANHDICH_BOUNCES") or None,
            contacts=env.get("CANHDICH_CONTACTS", ""),
            embed_origins=_origins(env, "CANHDICH_EMBED_ORIGINS"),
            channels={name: value for name, value in env.items() if name.startswith(_CHANNELS) and value},
        )

    @property
    def inbox(self) -> Path:
        return self.home / "inbox"

    @property
    def archive(self) -> Path:
        return self.home / "archive"

    @property
    def attachments(self) -> Path:
        return self.home / "attachments"

    @property
    def set_aside(self) -> Path:
        return self.home / "set-aside"

    @property
    def reports(self) -> Path:
        return self.home / "reports"

    @cached_property
    def secret_key(self) -> bytes:
        """32 bytes that encrypt identifiers and sign sessions. Lose it and identifiers are unreadable:
        back it up apart from the database (docs/runbook.md)."""
        if self.secret_key_text is not None:
            return _decode_key(self.secret_key_text)
        path = self.home / "secret.key"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"secret.{secrets.token_hex(8)}.new")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_hex(32))
            with suppress(FileExistsError):  # another process made it first: its key counts
                os.link(fresh, path)
            fresh.unlink()
        return _decode_key(path.read_text().strip())


def _decode_key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise SettingsError(
            Message(
                "CANHDICH_SECRET_KEY phải là 64 chữ số hệ 16 (32 byte). Tạo khóa mới: openssl rand -hex 32"
            )
        )
    return key


def _origins(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    origins = tuple(env.get(name, "").replace(",", " ").split())
    for origin in origins:
        if not re.fullmatch(r"https?://[A-Za-z0-9.\-]+(:\d+)?", origin):
            raise SettingsError(
                Message(
                    "{name}: “{value}” không phải địa chỉ gốc của một trang, ví dụ https://noibo.hcdc.vn.",
                    name=name,
                    value=origin,
                )
            )
    return origins


def _integer(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise SettingsError(
            Message("{name} phải là số nguyên, không phải “{value}”.", name=name, value=text)
        ) from None
