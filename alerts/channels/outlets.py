"""The channels beside e-mail, from the settings. What is wrong in them is told here, when a process starts."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Engine

from alerts.channels import EMAIL, PUSH, SMS, TELEGRAM, ZALO, Channel
from alerts.channels.push import PushChannel
from alerts.channels.sms import SmsChannel, parse_reports, parse_sms
from alerts.channels.telegram import TelegramChannel, parse_telegram
from alerts.channels.zalo import ZaloChannel, parse_zalo
from alerts.push_settings import parse_push
from alerts.short_text import MOST_LINK, sms_link
from i18n import Message
from settings import Settings, SettingsError
from surveillance.privacy import Vault

NAMES: Mapping[str, Message] = {
    EMAIL: Message("Thư điện tử"),
    SMS: Message("Tin nhắn SMS"),
    TELEGRAM: Message("Telegram"),
    ZALO: Message("Zalo"),
    PUSH: Message("Thông báo đẩy"),
}
"""Ways out of the house, in the order they are offered."""


def connected(settings: Settings) -> frozenset[str]:
    """Channels a person can choose here. Raises SettingsError."""
    found = {
        EMAIL: settings.smtp_url,
        SMS: parse_sms(settings.channels),
        TELEGRAM: parse_telegram(settings.channels),
        ZALO: parse_zalo(settings.channels),
        PUSH: parse_push(settings),
    }
    parse_reports(settings.channels)
    longest = sms_link(f"{settings.public_url}/alerts/1234567890")
    if found[SMS] and len(longest) > MOST_LINK:
        raise SettingsError(
            Message(
                "CANHDICH_PUBLIC_URL quá dài cho tin nhắn SMS: nhiều nhất {most} ký tự.",
                most=MOST_LINK - len("/alerts/1234567890"),
            )
        )
    return frozenset(name for name, channel in found.items() if channel)


def phone_channels(settings: Settings, engine: Engine) -> dict[str, Channel]:
    """Those that are not connected are among them: their messages wait and say so. Raises SettingsError."""
    connected(settings)
    return {
        SMS: SmsChannel(parse_sms(settings.channels)),
        TELEGRAM: TelegramChannel(parse_telegram(settings.channels)),
        ZALO: ZaloChannel(parse_zalo(settings.channels), engine, Vault.of(settings.secret_key)),
        PUSH: PushChannel(parse_push(settings), engine, Vault.of(settings.secret_key)),
    }
