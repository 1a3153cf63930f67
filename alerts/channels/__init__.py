"""Ways out. A channel carries one message to one person and says whether a failure is worth another try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from i18n import Message, MessageError

EMAIL = "email"
IN_APP = "in_app"
"""The application's inbox: no transport, the committed row is the message (docs/decisions/delivery.md)."""
WEBHOOK = "webhook"
"""CAP messages to another system: the recipient is a machine, not a person (channels/webhook.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """The same content twice: plain text and HTML."""

    subject: str
    text: str
    html: str


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
    connection, wrong password), so the others would fail too.
    """

    def __init__(self, message: Message, *, permanent: bool, channel_down: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.channel_down = channel_down


class Channel(Protocol):
    """One way out to people."""

    def unavailable(self) -> Message | None:
        """Why nothing can be sent by this channel at all (not configured); None when it can."""

    def send(self, envelope: Envelope) -> None:
        """Hand over one message, or raise TransportError."""
