"""One POST to a provider's server: no redirects, no proxy, a bounded answer, and errors that never quote the address or
what was sent, since both may hold a secret."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from alerts.channels import TransportError
from i18n import Message
from settings import SettingsError

TIMEOUT_S = 20.0
MOST_BYTES = 100_000
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Answer:
    """`data`: the JSON of the answer; an empty mapping when it was none."""

    status: int
    data: Any

    def text(self, name: str) -> str:
        """One field as text, "" when it is missing; `name` may lead inwards by dots."""
        value: Any = self.data
        for key in name.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return "" if value is None else str(value)[:200]


def checked_url(url: str, setting: str, official: Collection[str]) -> str:
    """`url` without its last slash. SettingsError unless it is https at one of the `official` hosts (any, when none is
    named) or this machine itself."""
    parts = _parts(url)
    if parts is not None and parts.hostname:
        here = parts.hostname in LOOPBACK
        known = not official or parts.hostname in official
        if parts.username is None and (
            (here and parts.scheme in ("http", "https")) or (known and parts.scheme == "https")
        ):
            return url.rstrip("/")
    hosts = ", ".join(sorted(official)) or "…"
    raise SettingsError(
        Message(
            "{setting} phải là địa chỉ https:// của máy chủ {hosts}, hoặc http:// của chính máy này.",
            setting=setting,
            hosts=hosts,
        )
    )


def only_known(env: Mapping[str, str], prefix: str, known: Collection[str]) -> dict[str, str]:
    """The settings of one channel, by the rest of their names. SettingsError for one that is not `known`."""
    found = {name.removeprefix(prefix): value for name, value in env.items() if name.startswith(prefix)}
    for name in sorted(found.keys() - set(known)):
        raise SettingsError(
            Message(
                "Không có thiết lập {name}. Hãy dùng: {known}.",
                name=prefix + name,
                known=", ".join(prefix + other for other in sorted(known)),
            )
        )
    return found


def post(
    name: str, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float = TIMEOUT_S
) -> Answer:
    """`name` is the server's, for the error. Raises TransportError (the channel's fault) when nothing came back."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection = _connection(parts, timeout_s)
        try:
            connection.request("POST", path, body, dict(headers))
            response = connection.getresponse()
            content = response.read(MOST_BYTES)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise TransportError(
            Message("Không nối được {name} ({error}).", name=name, error=type(error).__name__),
            permanent=False,
            channel_down=True,
        ) from None
    return Answer(response.status, _json(content))


def server_failed(name: str, answer: Answer) -> TransportError:
    """The server answers, but not as its documentation says: nobody's message is at fault."""
    return TransportError(
        Message("{name} trả lời mã {code}.", name=name, code=str(answer.status)),
        permanent=False,
        channel_down=True,
    )


def _connection(parts: SplitResult, timeout_s: float) -> http.client.HTTPConnection:
    assert parts.hostname
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout_s, context=context)


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return {}
