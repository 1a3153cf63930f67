"""What a deployment publishes, from its settings. Read at the start of each process: a wrong value stops it."""

from __future__ import annotations

from typing import cast, get_args

from alerts.cap import IDENTIFIER, Status
from alerts.cap_plan import Publication
from alerts.cap_words import City
from alerts.channels.webhook import Receiver, parse_receiver
from alerts.levels import Level
from i18n import Message
from settings import Settings, SettingsError

LEAST_TOKEN = 32


def publication_of(settings: Settings) -> Publication | None:
    """None when nothing is published (the default). Raises SettingsError."""
    if settings.cap == "off":
        if settings.webhook_url:
            raise SettingsError(
                Message(
                    "CANHDICH_WEBHOOK_URL gửi các bản tin CAP: hãy đặt CANHDICH_CAP là signed-in hoặc public."
                )
            )
        return None
    if settings.cap not in ("signed-in", "public"):
        raise _not_one_of("CANHDICH_CAP", settings.cap, ("off", "signed-in", "public"))
    if not IDENTIFIER.fullmatch(settings.cap_sender):
        raise SettingsError(
            Message(
                "CANHDICH_CAP_SENDER là tên của nơi phát tin, ví dụ canhdich@hcdc.vn:"
                " không được trống, không có dấu cách, dấu phẩy, < hay &."
            )
        )
    if settings.cap_token is not None and len(settings.cap_token) < LEAST_TOKEN:
        raise SettingsError(
            Message(
                "CANHDICH_CAP_TOKEN phải có ít nhất {least} ký tự. Tạo khóa mới: openssl rand -hex 32",
                least=LEAST_TOKEN,
            )
        )
    return Publication(
        access="public" if settings.cap == "public" else "signed-in",
        sender=settings.cap_sender,
        status=_status(settings),
        min_level=_min_level(settings),
        webhook=settings.webhook_url is not None,
    )


def receiver_of(settings: Settings) -> Receiver | None:
    """Where the webhook goes; None when it is not set. Raises SettingsError."""
    if settings.webhook_url is None:
        return None
    return parse_receiver(settings.webhook_url, settings.webhook_secret or "", settings.webhook_http_hosts)


def city_of(settings: Settings) -> City:
    deployment = settings.deployment
    return City(
        title=dict(deployment.title),
        code_list=deployment.code_list or f"urn:canhdich:{deployment.name}:unit",
        public_url=settings.public_url,
        timezone=deployment.timezone,
    )


def _status(settings: Settings) -> Status:
    """A demo, and a city that lives in its data's past, never say Actual."""
    if settings.cap_status not in get_args(Status):
        raise _not_one_of("CANHDICH_CAP_STATUS", settings.cap_status, get_args(Status))
    if settings.demo or settings.clock == "data":
        return "Test"
    return cast(Status, settings.cap_status)


def _min_level(settings: Settings) -> Level:
    if settings.cap_min_level not in (2, 3, 4):
        raise _not_one_of("CANHDICH_CAP_MIN_LEVEL", str(settings.cap_min_level), ("2", "3", "4"))
    return Level(settings.cap_min_level)


def _not_one_of(name: str, value: str, choices: tuple[str, ...]) -> SettingsError:
    return SettingsError(
        Message(
            "{name} phải là một trong: {choices}; không phải “{value}”.",
            name=name,
            choices=", ".join(choices),
            value=value,
        )
    )
