"""Ways out. A channel carries one message to one person and says whether a failure is worth another try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from i18n import Message, MessageError

EMAIL = "email"
SMS = "sms"
TELEGRAM = "telegram"
ZALO = "zalo"
PUSH = "push"
IN_APP = "in_app"
"""The application's inbox: no transport, the committed row is the message (docs/decisions/delivery.md)."""
WEBHOOK = "webhook"
"""CAP messages to another system: the recipient is a machine, not a person (channels/webhook.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """The same content for mail (plain text and HTML), for chats (plain, its first line a heading) and for a text
    message (GSM-7, at most 160 characters). `link` is the one all of them lead to, `level` the highest they tell of."""

    subject: str
    text: str
    html: str
    chat: str = ""
    sms: str = ""
    link: str = ""
    level: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A message on its way. `message_id` is the same at every attempt, so a second copy is recognisable."""

    recipient: str
    message_id: str
    locale: str
    message: OutgoingMessage


class TransportError(MessageError):
    """A message that was not taken.

    `permanent`: no later attempt can succeed. `channel_down`: the fault is not this message's (refused
    connection, wrong password), so the others would fail too. `retry_after_s`: the other side asks to be left alone
    that long.
    """

    def __init__(
        self,
        message: Message,
        *,
        permanent: bool,
        channel_down: bool = False,
        retry_after_s: float = 0,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.channel_down = channel_down
        self.retry_after_s = retry_after_s


class Channel(Protocol):
    """One way out to people."""

    def unavailable(self) -> Message | None:
        """Why nothing can be sent by this channel at all (not configured); None when it can."""

    def send(self, envelope: Envelope) -> str | None:
        """Hand over one message, or raise TransportError. The other side's id of it, when it gives one."""
