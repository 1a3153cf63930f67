"""Telegram by the Bot API's sendMessage (core.telegram.org/bots/api). A bot can only write to who has written to it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from alerts.channels import Envelope, TransportError
from alerts.channels.posting import Answer, checked_url, only_known, post, server_failed
from i18n import Message
from settings import SettingsError

PREFIX = "CANHDICH_TELEGRAM_"
OFFICIAL = frozenset({"api.telegram.org"})
NAME = "Telegram"
MOST_TEXT = 4096
NOT_CONFIGURED = Message("Chưa nối Telegram (CANHDICH_TELEGRAM_TOKEN). Tin được giữ lại và sẽ gửi khi có.")
_TOKEN = re.compile(r"\d{5,16}:[A-Za-z0-9_-]{30,60}")
_GONE = (400, 403)
"""400: no such chat, or a message it will never take; 403: blocked by the person, or the account is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramBot:
    url: str
    token: str = field(repr=False)


def parse_telegram(env: Mapping[str, str]) -> TelegramBot | None:
    """The bot of CANHDICH_TELEGRAM_*; None without a token. SettingsError never quotes it."""
    given = only_known(env, PREFIX, {"TOKEN", "URL"})
    if "TOKEN" not in given:
        return None
    if not _TOKEN.fullmatch(given["TOKEN"]):
        raise SettingsError(
            Message("CANHDICH_TELEGRAM_TOKEN phải có dạng 123456789:AA… như BotFather đã cho.")
        )
    url = checked_url(given.get("URL", "https://api.telegram.org"), f"{PREFIX}URL", OFFICIAL)
    return TelegramBot(url=url, token=given["TOKEN"])


class TelegramChannel:
    """Without a bot, messages wait."""

    def __init__(self, bot: TelegramBot | None) -> None:
        self._bot = bot

    def unavailable(self) -> Message | None:
        return NOT_CONFIGURED if self._bot is None else None

    def send(self, envelope: Envelope) -> str | None:
        if self._bot is None:
            raise TransportError(NOT_CONFIGURED, permanent=False, channel_down=True)
        body = {
            "chat_id": int(envelope.recipient),
            "text": as_html(envelope.message.chat),
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
        }
        url = f"{self._bot.url}/bot{self._bot.token}/sendMessage"
        answer = post(NAME, url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        if answer.status == 200 and answer.text("ok") == "True":
            return answer.text("result.message_id") or None
        raise _refused(answer)


def as_html(chat: str) -> str:
    """The first line bold, everything escaped as Telegram asks (&, <, >); cut before it grows too long, between
    characters, never inside an entity."""
    head, _, rest = chat.partition("\n")
    room = MOST_TEXT - len("<b></b>\n")
    while len(escape(head, quote=False)) + len(escape(rest, quote=False)) > room:
        rest = rest[:-1] if rest else rest
        head = head if rest else head[:-1]
    return f"<b>{escape(head, quote=False)}</b>\n{escape(rest, quote=False)}".rstrip("\n")


def _refused(answer: Answer) -> TransportError:
    """By error_code, which repeats the HTTP status. 401 and 404: the token is wrong."""
    if answer.text("ok") != "False":
        return server_failed(NAME, answer)
    said = Message(
        "Telegram trả lời {code}: {reply}", code=str(answer.status), reply=answer.text("description")
    )
    if answer.status == 429:
        wait = answer.text("parameters.retry_after")
        seconds = float(wait) if wait.isdigit() else 60.0
        return TransportError(said, permanent=False, channel_down=True, retry_after_s=seconds)
    gone = answer.status in _GONE
    return TransportError(said, permanent=gone, channel_down=not gone)
