"""Zalo Official Account by its HTTP API: message/cs v3.0, and the tokens it needs (docs/sources.md cites both).

Errors come as numbers in an answer with status 200. An access token lives some 25 hours; the refresh token that renews
it works once and gives the next, so the newest one is kept in the database, encrypted, and renewed under a row lock.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from alerts.channels import ZALO, Envelope, TransportError
from alerts.channels.posting import checked_url, only_known, post, server_failed
from alerts.models import ChannelSecret
from db import session_scope
from i18n import Message
from settings import SettingsError
from surveillance.privacy import PrivacyError, Vault

PREFIX = "CANHDICH_ZALO_"
NAME = "Zalo"
OFFICIAL = frozenset({"openapi.zalo.me"})
OFFICIAL_OAUTH = frozenset({"oauth.zaloapp.com"})
MOST_TEXT = 2000
EARLY = timedelta(minutes=5)
NOT_CONFIGURED = Message("Chưa nối Zalo OA (CANHDICH_ZALO_APP_ID). Tin được giữ lại và sẽ gửi khi có.")

STALE_TOKEN = frozenset({-216, -220})
"""Access token is invalid; is expired or removed."""
NEVER = frozenset({-201, -210, -213, -217, -227, -230, -232, -233})
"""For this person or message: wrong id, too long, does not follow, blocked, inactive, no contact for 7 days."""
ACCOUNT = frozenset({-32, -204, -205, -209, -211, -212, -219, -221, -223, -224, -235})
"""Of the account or the app: rate limit, quota, disabled, not authorised, package too small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZaloAccount:
    url: str
    oauth_url: str
    app_id: str
    secret: str = field(repr=False)
    refresh_token: str = field(repr=False)


def parse_zalo(env: Mapping[str, str]) -> ZaloAccount | None:
    """The account of CANHDICH_ZALO_*; None without an app id. SettingsError never quotes a secret."""
    given = only_known(env, PREFIX, {"APP_ID", "SECRET", "REFRESH_TOKEN", "URL", "OAUTH_URL"})
    if "APP_ID" not in given:
        return None
    if (
        not re.fullmatch(r"\d{6,25}", given["APP_ID"])
        or "SECRET" not in given
        or "REFRESH_TOKEN" not in given
    ):
        raise SettingsError(
            Message(
                "Zalo OA cần CANHDICH_ZALO_APP_ID (chỉ chữ số), CANHDICH_ZALO_SECRET "
                "và CANHDICH_ZALO_REFRESH_TOKEN."
            )
        )
    return ZaloAccount(
        url=checked_url(given.get("URL", "https://openapi.zalo.me"), f"{PREFIX}URL", OFFICIAL),
        oauth_url=checked_url(
            given.get("OAUTH_URL", "https://oauth.zaloapp.com"), f"{PREFIX}OAUTH_URL", OFFICIAL_OAUTH
        ),
        app_id=given["APP_ID"],
        secret=given["SECRET"],
        refresh_token=given["REFRESH_TOKEN"],
    )


class ZaloChannel:
    """Without an account, messages wait."""

    def __init__(self, account: ZaloAccount | None, engine: Engine, vault: Vault) -> None:
        self._account = account
        self._engine = engine
        self._vault = vault

    def unavailable(self) -> Message | None:
        return NOT_CONFIGURED if self._account is None else None

    def send(self, envelope: Envelope) -> str | None:
        account = self._account
        if account is None:
            raise TransportError(NOT_CONFIGURED, permanent=False, channel_down=True)
        body = json.dumps(
            {
                "recipient": {"user_id": envelope.recipient},
                "message": {"text": envelope.message.chat[:MOST_TEXT]},
            }
        ).encode()
        token = self._token(account)
        error, answer = _send(account, token, body)
        if error in STALE_TOKEN:
            error, answer = _send(account, self._token(account, instead_of=token), body)
        if error == 0:
            return str((answer.get("data") or {}).get("message_id") or "") or None
        raise _refused(error, str(answer.get("message", ""))[:200])

    def _token(self, account: ZaloAccount, instead_of: str | None = None) -> str:
        """An access token that should work. One process renews at a time; another then finds the new one. A renewal
        is committed by itself, whatever becomes of the message."""
        with session_scope(self._engine) as session:
            kept = self._kept(session, account)
            now = datetime.now(UTC)
            fresh = kept["access_token"] and datetime.fromisoformat(kept["expires_at"]) > now + EARLY
            if fresh and kept["access_token"] != instead_of:
                return str(kept["access_token"])
            renewed = _renew(account, kept["refresh_token"], now)
            row = session.get_one(ChannelSecret, ZALO)
            row.content, row.changed_at = self._vault.encrypt({**kept, **renewed}), now
            return str(renewed["access_token"])

    def _kept(self, session: Session, account: ZaloAccount) -> dict[str, Any]:
        """The chain of tokens that began with the setting's; another setting begins another chain."""
        begun = hashlib.sha256(account.refresh_token.encode()).hexdigest()
        empty = {"begun": begun, "access_token": None, "refresh_token": account.refresh_token}
        first = {"channel": ZALO, "content": self._vault.encrypt(empty), "changed_at": datetime.now(UTC)}
        session.execute(insert(ChannelSecret).values(first).on_conflict_do_nothing())
        row = session.scalars(
            select(ChannelSecret).where(ChannelSecret.channel == ZALO).with_for_update()
        ).one()
        try:
            kept: dict[str, Any] = self._vault.decrypt(row.content)
        except PrivacyError:
            return empty
        return kept if kept["begun"] == begun else empty


def _send(account: ZaloAccount, token: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """The error number, 0 for success, and the answer."""
    headers = {"Content-Type": "application/json", "access_token": token}
    answer = post(NAME, f"{account.url}/v3.0/oa/message/cs", body, headers)
    if (
        answer.status != 200
        or not isinstance(answer.data, dict)
        or not isinstance(answer.data.get("error"), int)
    ):
        raise server_failed(NAME, answer)
    return answer.data["error"], answer.data


def _renew(account: ZaloAccount, refresh_token: str, now: datetime) -> dict[str, str]:
    form = {"refresh_token": refresh_token, "app_id": account.app_id, "grant_type": "refresh_token"}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "secret_key": account.secret}
    answer = post(NAME, f"{account.oauth_url}/v4/oa/access_token", urlencode(form).encode(), headers)
    if answer.status != 200:
        raise server_failed(NAME, answer)
    data = answer.data if isinstance(answer.data, dict) else {}
    if not data.get("access_token") or not data.get("refresh_token"):
        raise TransportError(
            Message(
                "Zalo không cấp lại khóa truy cập (mã {code}). Hãy cấp quyền lại cho OA và đặt "
                "CANHDICH_ZALO_REFRESH_TOKEN mới.",
                code=answer.text("error"),
            ),
            permanent=False,
            channel_down=True,
        )
    lives = timedelta(seconds=int(data.get("expires_in") or 3600))
    return {
        "access_token": data["access_token"],
        "refresh_token": data["refresh_token"],
        "expires_at": (now + lives).isoformat(),
    }


def _refused(error: int, said: str) -> TransportError:
    """A number nobody documented may pass: it is tried again."""
    down = error in ACCOUNT or error in STALE_TOKEN
    return TransportError(
        Message("Zalo trả lời {code}: {reply}", code=str(error), reply=said),
        permanent=error in NEVER,
        channel_down=down,
        retry_after_s=60 if error == -32 else 0,
    )
