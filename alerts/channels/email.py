"""E-mail by SMTP. Failures are sorted by the reply code: 5xx is permanent, all else may be tried again."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import Header
from email.headerregistry import Address
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr, parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from alerts.channels import Envelope, TransportError
from i18n import Message
from settings import SettingsError

TIMEOUT_S = 20.0
NOT_CONFIGURED = Message(
    "Chưa cấu hình máy chủ thư (CANHDICH_SMTP_URL). Thư được giữ lại và sẽ gửi khi có máy chủ."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mail is handed over. `security`: plain, starttls (upgrade after connecting) or tls."""

    host: str
    port: int
    security: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_smtp_url(url: str) -> SmtpServer:
    """smtp://[user:password@]host[:port][?starttls=1] or smtps://…; SettingsError never quotes it."""
    wrong = SettingsError(
        Message(
            "CANHDICH_SMTP_URL phải có dạng smtp://[tên:mật khẩu@]máy-chủ:cổng[?starttls=1] hoặc smtps://…"
            " Ký tự đặc biệt trong mật khẩu phải viết theo mã phần trăm, ví dụ @ là %40."
        )
    )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wrong from None
    query = parse_qs(parts.query)
    known = query.keys() <= {"starttls"} and query.get("starttls", ["0"])[0] in ("0", "1")
    if (
        parts.scheme not in ("smtp", "smtps")
        or not parts.hostname
        or not known
        or parts.path not in ("", "/")
    ):
        raise wrong
    starttls = query.get("starttls") == ["1"]
    security = "tls" if parts.scheme == "smtps" else "starttls" if starttls else "plain"
    return SmtpServer(
        host=parts.hostname,
        port=port or {"plain": 25, "starttls": 587, "tls": 465}[security],
        security=security,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


class EmailChannel:
    """Sends by the server of `smtp_url` in the name of `mail_from`. Without a server, messages wait."""

    def __init__(
        self,
        smtp_url: str | None,
        mail_from: str,
        *,
        timeout_s: float = TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server = parse_smtp_url(smtp_url) if smtp_url else None
        self._mail_from = mail_from
        self._timeout_s = timeout_s
        self._tls = tls

    def unavailable(self) -> Message | None:
        return NOT_CONFIGURED if self._server is None else None

    def send(self, envelope: Envelope) -> str:
        """The Message-ID without its domain: a bounce that comes later quotes it (alerts/telling/bounces.py)."""
        if self._server is None:
            raise TransportError(NOT_CONFIGURED, permanent=False, channel_down=True)
        mail = as_email(envelope, self._mail_from, datetime.now(UTC))
        with _connected(self._server, self._timeout_s, self._tls) as smtp, _sorted_failures():
            smtp.send_message(mail, from_addr=parseaddr(self._mail_from)[1], to_addrs=[envelope.recipient])
        return envelope.message_id


def as_email(envelope: Envelope, mail_from: str, date: datetime) -> MIMEMultipart:
    """Plain text and HTML as alternatives, marked as written by a machine (RFC 3834) so that nobody's
    out-of-office answers it. Raises TransportError (permanent) when the address is not one.

    Built from the older MIME classes: Python 3.11's EmailMessage loses a space folding "Dengue — Phường".
    """
    name, sender = parseaddr(mail_from)
    mail = MIMEMultipart("alternative")
    mail["From"] = formataddr((name, sender))
    mail["To"] = _checked_address(envelope.recipient)
    mail["Subject"] = Header(envelope.message.subject, "utf-8")  # type: ignore[assignment]
    mail["Date"] = format_datetime(date)
    mail["Message-ID"] = f"<{envelope.message_id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Content-Language"] = envelope.locale
    mail.attach(MIMEText(envelope.message.text, "plain", "utf-8"))
    mail.attach(MIMEText(envelope.message.html, "html", "utf-8"))
    return mail


def _checked_address(recipient: str) -> str:
    try:
        address = Address(addr_spec=recipient).addr_spec
        address.encode("ascii")
    except (ValueError, IndexError) as error:
        raise TransportError(Message("Địa chỉ thư của người nhận không hợp lệ."), permanent=True) from error
    return address


@contextmanager
def _connected(server: SmtpServer, timeout_s: float, tls: ssl.SSLContext | None) -> Iterator[smtplib.SMTP]:
    """A connection ready to take mail. Whatever fails until then is the channel's fault."""
    try:
        smtp = _open(server, timeout_s, tls or ssl.create_default_context())
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, error.smtp_error, permanent=False, channel_down=True) from error
    except (smtplib.SMTPException, OSError) as error:
        raise _unreachable(error) from error
    try:
        yield smtp
    finally:
        _hang_up(smtp)


def _open(server: SmtpServer, timeout_s: float, tls: ssl.SSLContext) -> smtplib.SMTP:
    smtp: smtplib.SMTP
    if server.security == "tls":
        smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=timeout_s, context=tls)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=timeout_s)
    try:
        if server.security == "starttls":
            smtp.starttls(context=tls)
        if server.user is not None:
            smtp.login(server.user, server.password or "")
    except BaseException:
        smtp.close()
        raise
    return smtp


def _hang_up(smtp: smtplib.SMTP) -> None:
    """Say goodbye; the message is already taken or refused, so silence changes nothing."""
    try:
        smtp.quit()
    except (smtplib.SMTPException, OSError):
        smtp.close()


@contextmanager
def _sorted_failures() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, reply = next(iter(error.recipients.values()))
        raise _refused(code, reply, permanent=code >= 500) from error
    except smtplib.SMTPSenderRefused as error:
        raise _refused(error.smtp_code, error.smtp_error, permanent=False, channel_down=True) from error
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, error.smtp_error, permanent=error.smtp_code >= 500) from error
    except (smtplib.SMTPException, OSError) as error:
        raise _unreachable(error) from error


def _refused(code: int, reply: bytes | str, *, permanent: bool, channel_down: bool = False) -> TransportError:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return TransportError(
        Message("Máy chủ thư trả lời {code}: {reply}", code=str(code), reply=text[:200]),
        permanent=permanent,
        channel_down=channel_down,
    )


def _unreachable(error: Exception) -> TransportError:
    return TransportError(
        Message("Không nối được máy chủ thư ({error}).", error=type(error).__name__),
        permanent=False,
        channel_down=True,
    )
