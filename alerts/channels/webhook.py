"""CAP messages to another system by HTTP POST, signed so that the receiver knows whose they are.

Headers (docs/decisions/cap.md tells receivers what to check):
    X-CanhDich-Timestamp   seconds since 1970 of this attempt
    X-CanhDich-Signature   v1=HMAC-SHA256(secret, timestamp + "." + body), hexadecimal
    X-CanhDich-Delivery    the same at every attempt, so that a second copy is recognisable
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ssl
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from alerts.cap import MEDIA_TYPE
from alerts.channels import Envelope, TransportError
from i18n import Message
from settings import SettingsError

TIMEOUT_S = 20.0
LEAST_SECRET = 32
REFUSED = frozenset({400, 410, 413, 415, 422})
"""Answers about this very message: trying again changes nothing."""
NOT_CONFIGURED = Message(
    "Chưa cấu hình nơi nhận webhook (CANHDICH_WEBHOOK_URL). Bản tin được giữ lại và sẽ gửi khi có nơi nhận."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where messages go. `target`: path and query."""

    secure: bool
    host: str
    port: int
    target: str
    secret: bytes = field(repr=False)


def parse_receiver(url: str, secret: str, http_hosts: Collection[str]) -> Receiver:
    """https://host[:port]/path, or http:// where `http_hosts` names the host. SettingsError quotes neither the
    URL, which may hold a token, nor the secret."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong_url() from None
    odd = not url.isascii() or any(ord(letter) <= 32 for letter in url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or odd:
        raise _wrong_url()
    if parts.scheme == "http" and parts.hostname not in http_hosts:
        raise SettingsError(
            Message(
                "CANHDICH_WEBHOOK_URL dùng http không mã hóa. Hãy dùng https,"
                " hoặc ghi tên máy chủ đó vào CANHDICH_WEBHOOK_HTTP_HOSTS."
            )
        )
    if len(secret) < LEAST_SECRET:
        raise SettingsError(
            Message(
                "CANHDICH_WEBHOOK_SECRET phải có ít nhất {least} ký tự. Tạo khóa mới: openssl rand -hex 32",
                least=LEAST_SECRET,
            )
        )
    secure = parts.scheme == "https"
    return Receiver(
        secure=secure,
        host=parts.hostname,
        port=port or (443 if secure else 80),
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        secret=secret.encode(),
    )


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """The value of X-CanhDich-Signature. The moment is signed too, so that an old message cannot be replayed."""
    return "v1=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class WebhookChannel:
    """Posts to one receiver; without one, messages wait. Redirects are not followed: a message goes to the host
    the setting names and nowhere else."""

    def __init__(
        self, receiver: Receiver | None, *, timeout_s: float = TIMEOUT_S, tls: ssl.SSLContext | None = None
    ) -> None:
        self._receiver = receiver
        self._timeout_s = timeout_s
        self._tls = tls

    def unavailable(self) -> Message | None:
        return NOT_CONFIGURED if self._receiver is None else None

    def send(self, envelope: Envelope) -> None:
        if self._receiver is None:
            raise TransportError(NOT_CONFIGURED, permanent=False, channel_down=True)
        body = envelope.message.text.encode()
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": f"{MEDIA_TYPE}; charset=utf-8",
            "User-Agent": "canh-dich",
            "X-CanhDich-Delivery": envelope.message_id,
            "X-CanhDich-Timestamp": timestamp,
            "X-CanhDich-Signature": signature(self._receiver.secret, timestamp, body),
        }
        status = self._post(self._receiver, body, headers)
        if not 200 <= status < 300:
            raise _refused(status)

    def _post(self, receiver: Receiver, body: bytes, headers: dict[str, str]) -> int:
        connection = self._connection(receiver)
        try:
            connection.request("POST", receiver.target, body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise TransportError(
                Message("Không nối được nơi nhận webhook ({error}).", error=type(error).__name__),
                permanent=False,
                channel_down=True,
            ) from error
        finally:
            connection.close()

    def _connection(self, receiver: Receiver) -> http.client.HTTPConnection:
        if receiver.secure:
            tls = self._tls or ssl.create_default_context()
            return http.client.HTTPSConnection(
                receiver.host, receiver.port, timeout=self._timeout_s, context=tls
            )
        return http.client.HTTPConnection(receiver.host, receiver.port, timeout=self._timeout_s)


def _refused(status: int) -> TransportError:
    """A 500 may be about this message only, so the others go on; any other answer is about all of them."""
    return TransportError(
        Message("Nơi nhận webhook trả lời {code}.", code=str(status)),
        permanent=status in REFUSED,
        channel_down=status not in REFUSED and status != 500,
    )


def _wrong_url() -> SettingsError:
    return SettingsError(Message("CANHDICH_WEBHOOK_URL phải có dạng https://máy-chủ[:cổng]/đường-dẫn."))
