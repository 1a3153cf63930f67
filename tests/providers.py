"""Servers of this machine that answer as Telegram, Zalo and an SMS gateway document, and refuse what they would."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

Reply = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode(), strict_parsing=True).items()}


@dataclass
class Provider:
    """`taken`: messages as accepted. `next_replies`: told once each instead of an answer of its own. `delay_s` passes
    between taking a message and saying so."""

    url: str = ""
    delay_s: float = 0
    requests: list[Request] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    next_replies: list[Reply] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError


@contextmanager
def serving(provider: Provider) -> Iterator[Provider]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider))
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            provider.requests.append(request)
            told = provider.next_replies
            status, data = told.pop(0) if told else provider.answer(request)
            content = json.dumps(data).encode()
            time.sleep(provider.delay_s)
            with suppress(BrokenPipeError, ConnectionResetError):  # the sender was killed meanwhile
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return None

    return Handler


# --- Telegram: core.telegram.org/bots/api#sendmessage, #html-style, #making-requests ----------------------------

TELEGRAM_TOKEN = "123456789:" + "A" * 35
SEND_MESSAGE: dict[str, type | tuple[type, ...]] = {
    "business_connection_id": str, "chat_id": (int, str), "message_thread_id": int, "text": str, "parse_mode": str,
    "entities": list, "link_preview_options": dict, "disable_notification": bool, "protect_content": bool,
    "allow_paid_broadcast": bool, "message_effect_id": str, "reply_parameters": dict, "reply_markup": dict,
}  # fmt: skip
TAGS = frozenset({"b", "strong", "i", "em", "u", "ins", "s", "del", "a", "code", "pre", "blockquote"})


class Telegram(Provider):
    """`blocked`: chats that blocked the bot; `strangers`: ids no chat has."""

    blocked: frozenset[int] = frozenset()
    strangers: frozenset[int] = frozenset()

    def answer(self, request: Request) -> Reply:
        if request.path != f"/bot{TELEGRAM_TOKEN}/sendMessage":
            return _bad(401 if request.path.startswith("/bot") else 404, "Unauthorized")
        if request.headers["content-type"].split(";")[0] != "application/json":
            return _bad(400, "Bad Request: message text is empty")
        data = request.json
        unknown = data.keys() - SEND_MESSAGE.keys()
        wrong = [
            name for name, kind in SEND_MESSAGE.items() if name in data and not isinstance(data[name], kind)
        ]
        assert not unknown and not wrong, (unknown, wrong)
        shown = shown_by_telegram(data["text"]) if data.get("parse_mode") == "HTML" else data["text"]
        if shown is None:
            return _bad(400, "Bad Request: can't parse entities")
        if not shown.strip():
            return _bad(400, "Bad Request: message text is empty")
        if len(shown.encode("utf-16-le")) // 2 > 4096:
            return _bad(400, "Bad Request: message is too long")
        if data["chat_id"] in self.blocked:
            return _bad(403, "Forbidden: bot was blocked by the user")
        if data["chat_id"] in self.strangers:
            return _bad(400, "Bad Request: chat not found")
        self.taken.append({**data, "shown": shown})
        result = {
            "message_id": len(self.taken),
            "date": 1,
            "chat": {"id": data["chat_id"], "type": "private"},
        }
        return 200, {"ok": True, "result": result}


def _bad(code: int, description: str, **parameters: int) -> Reply:
    extra = {"parameters": parameters} if parameters else {}
    return code, {"ok": False, "error_code": code, "description": description, **extra}


def too_many_requests(seconds: int) -> Reply:
    return _bad(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def shown_by_telegram(text: str) -> str | None:
    """What the reader sees; None for a tag or an entity that Telegram does not know, or one left open."""
    reader = _TelegramHtml(convert_charrefs=False)
    reader.feed(text)
    reader.close()
    return None if reader.wrong or reader.open else "".join(reader.shown)


class _TelegramHtml(HTMLParser):
    def __init__(self, *, convert_charrefs: bool) -> None:
        super().__init__(convert_charrefs=convert_charrefs)
        self.open: list[str] = []
        self.shown: list[str] = []
        self.wrong = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.wrong |= tag not in TAGS
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.wrong |= not self.open or self.open.pop() != tag

    def handle_data(self, data: str) -> None:
        self.wrong |= "<" in data or "&" in data
        self.shown.append(data)

    def handle_entityref(self, name: str) -> None:
        named = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
        self.wrong |= name not in named
        self.shown.append(named.get(name, ""))

    def handle_charref(self, name: str) -> None:
        self.shown.append(chr(int(name)))

    def handle_comment(self, data: str) -> None:
        self.wrong = True

    def handle_decl(self, decl: str) -> None:
        self.wrong = True

    def handle_pi(self, data: str) -> None:
        self.wrong = True

    def unknown_decl(self, data: str) -> None:
        self.wrong = True


# --- Zalo: developers.zalo.me, message/cs v3.0 and v4/oa/access_token --------------------------------------------


class Zalo(Provider):
    """API and token server in one. Each refresh token works once; `errors` by user id."""

    app_id, secret = "1234567890", "the app's secret"

    def __init__(self) -> None:
        super().__init__()
        self.errors: dict[str, tuple[int, str]] = {}
        self.refresh_token, self.access_token, self.renewals = "refresh-0", "", 0
        self.answer_lock = threading.Lock()

    def answer(self, request: Request) -> Reply:
        with self.answer_lock:
            if request.path == "/v4/oa/access_token":
                return self.renew(request)
            if request.path == "/v3.0/oa/message/cs":
                return self.message(request)
            return 404, {}

    def renew(self, request: Request) -> Reply:
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert request.form.keys() == {"refresh_token", "app_id", "grant_type"}
        assert request.form["grant_type"] == "refresh_token"
        if request.headers.get("secret_key") != self.secret or request.form["app_id"] != self.app_id:
            return 200, {"error": -14004, "error_name": "Invalid secret key", "error_description": "…"}
        if request.form["refresh_token"] != self.refresh_token:
            return 200, {"error": -14014, "error_name": "Invalid refresh token", "error_description": "…"}
        self.renewals += 1
        self.refresh_token, self.access_token = f"refresh-{self.renewals}", f"access-{self.renewals}"
        given = {"access_token": self.access_token, "refresh_token": self.refresh_token}
        return 200, {**given, "expires_in": "90000"}

    def message(self, request: Request) -> Reply:
        if request.headers.get("access_token") != self.access_token or not self.access_token:
            return 200, {"error": -216, "message": "Access token is invalid"}
        assert request.headers["content-type"] == "application/json"
        data = request.json
        assert data.keys() == {"recipient", "message"} and data["recipient"].keys() == {"user_id"}
        assert data["message"].keys() == {"text"}
        user, text = data["recipient"]["user_id"], data["message"]["text"]
        if not isinstance(user, str) or not re.fullmatch(r"\d+", user):
            return 200, {"error": -201, "message": "user_id is invalid!"}
        if not text or len(text) > 2000:
            return 200, {"error": -210, "message": "Parameter exceeds allowable limit"}
        if user in self.errors:
            error, message = self.errors[user]
            return 200, {"error": error, "message": message}
        self.taken.append({"user_id": user, "text": text})
        data = {"message_id": f"m{len(self.taken)}", "user_id": user}
        return 200, {"error": 0, "message": "Success", "data": data}


# --- an SMS gateway, as many in the country are ------------------------------------------------------------------


class Gateway(Provider):
    """Answers 200 for all, says in CodeResult what it means, and drops a second message with the same RequestId."""

    code: str = "100"

    def answer(self, request: Request) -> Reply:
        data = request.json if request.headers["content-type"] == "application/json" else request.form
        assert re.fullmatch(r"84\d{9}", data["Phone"])
        if self.code == "100" and data["RequestId"] not in {sms["RequestId"] for sms in self.taken}:
            self.taken.append(data)
        return 200, {"CodeResult": self.code, "SMSID": f"sms-{len(self.taken)}"}
