"""Text messages by the HTTP gateway of any provider: one POST, whose fields and signs of success are settings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from alerts.channels import Envelope, TransportError
from alerts.channels.posting import Answer, checked_url, only_known, post, server_failed
from i18n import Message
from settings import SettingsError

PREFIX = "CANHDICH_SMS_"
NAME = "SMS"
NOT_CONFIGURED = Message("Chưa nối cổng SMS (CANHDICH_SMS_URL). Tin được giữ lại và sẽ gửi khi có.")
_KNOWN = frozenset(
    {"URL", "BODY", "HEADERS", "OK", "ID", "NEVER", "REPORT_KEY", "REPORT_ID", "REPORT_OK", "REPORT_FAILED"}
)
_BLANKS = ("{to}", "{text}")
_PAIR = re.compile(r"[\w.]+=[^,]+(,[^,]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsGateway:
    """`body`: JSON or form with blanks {to}, {text}, {id}. `ok` and `never`: (field of the answer, its values) when a
    message was taken, and when it never will be; `id_field`: the gateway's id of it."""

    url: str = field(repr=False)
    body: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ok: tuple[str, frozenset[str]] | None = None
    never: tuple[str, frozenset[str]] | None = None
    id_field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsReports:
    """How the gateway calls back: a key in the query, the field with its id, and which values say what."""

    key: str = field(repr=False)
    id_field: str
    ok: tuple[str, frozenset[str]]
    failed: tuple[str, frozenset[str]]


def parse_sms(env: Mapping[str, str]) -> SmsGateway | None:
    """The gateway of CANHDICH_SMS_*; None without an address. SettingsError never quotes a body or header."""
    given = only_known(env, PREFIX, _KNOWN)
    if "URL" not in given:
        return None
    body = given.get("BODY", "")
    if not all(blank in body for blank in _BLANKS) or (body.startswith('{"') and _as_json(body) is None):
        raise SettingsError(
            Message(
                "CANHDICH_SMS_BODY phải là JSON hoặc tên=giá trị&…, có chỗ điền {blanks} và nếu cần {id}.",
                blanks="{to}, {text}",
                id="{id}",
            )
        )
    return SmsGateway(
        url=checked_url(given["URL"], f"{PREFIX}URL", ()),
        body=body,
        headers=_headers(given.get("HEADERS", "")),
        ok=_pair(given, "OK"),
        never=_pair(given, "NEVER"),
        id_field=given.get("ID", ""),
    )


def parse_reports(env: Mapping[str, str]) -> SmsReports | None:
    """How reports of delivery come back; None without CANHDICH_SMS_REPORT_KEY."""
    given = only_known(env, PREFIX, _KNOWN)
    if "REPORT_KEY" not in given:
        return None
    ok, failed = _pair(given, "REPORT_OK"), _pair(given, "REPORT_FAILED")
    if len(given["REPORT_KEY"]) < 20 or "REPORT_ID" not in given or ok is None or failed is None:
        raise SettingsError(
            Message(
                "CANHDICH_SMS_REPORT_KEY cần ít nhất 20 ký tự, và phải có cả CANHDICH_SMS_REPORT_ID, "
                "CANHDICH_SMS_REPORT_OK và CANHDICH_SMS_REPORT_FAILED."
            )
        )
    return SmsReports(key=given["REPORT_KEY"], id_field=given["REPORT_ID"], ok=ok, failed=failed)


class SmsChannel:
    """Without a gateway, messages wait. {id} is the same at every attempt: most gateways drop a second one."""

    def __init__(self, gateway: SmsGateway | None) -> None:
        self._gateway = gateway

    def unavailable(self) -> Message | None:
        return NOT_CONFIGURED if self._gateway is None else None

    def send(self, envelope: Envelope) -> str | None:
        gateway = self._gateway
        if gateway is None:
            raise TransportError(NOT_CONFIGURED, permanent=False, channel_down=True)
        blanks = {"{to}": envelope.recipient, "{text}": envelope.message.sms, "{id}": envelope.message_id}
        body, kind = filled(gateway.body, blanks)
        answer = post(NAME, gateway.url, body, {"Content-Type": kind, **gateway.headers})
        if answer.status // 100 == 2 and (gateway.ok is None or _says(answer, gateway.ok)):
            return (gateway.id_field and answer.text(gateway.id_field)) or None
        raise _refused(answer, gateway)


def filled(template: str, blanks: Mapping[str, str]) -> tuple[bytes, str]:
    """The body and its content type. Blanks are filled inside values, so that no text can break the form."""
    data = _as_json(template)
    if data is not None:
        return json.dumps(_fill(data, blanks), ensure_ascii=True).encode(), "application/json"
    pairs = [(name, _fill(value, blanks)) for name, value in parse_qsl(template, keep_blank_values=True)]
    return urlencode(pairs).encode(), "application/x-www-form-urlencoded"


def _fill(value: Any, blanks: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(inner, blanks) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, blanks) for inner in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"\{(to|text|id)\}", lambda found: blanks[found.group()], value)


def _as_json(template: str) -> Any | None:
    try:
        data = json.loads(template)
    except ValueError:
        return None
    return data if isinstance(data, dict | list) else None


def _says(answer: Answer, pair: tuple[str, frozenset[str]]) -> bool:
    name, values = pair
    return answer.text(name) in values


def _refused(answer: Answer, gateway: SmsGateway) -> TransportError:
    """Permanent only when the settings say that these words are: a wrong password must not kill messages."""
    if answer.status // 100 == 5 or answer.status in (401, 403, 429) or gateway.ok is None:
        return server_failed(NAME, answer)
    name, _ = gateway.ok
    never = gateway.never is not None and _says(answer, gateway.never)
    said = Message(
        "Cổng SMS trả lời {code}, {field} = {reply}",
        code=str(answer.status),
        field=name,
        reply=answer.text(name),
    )
    return TransportError(said, permanent=never)


def _headers(text: str) -> dict[str, str]:
    """`Name: value` separated by semicolons and a space, or by lines."""
    lines = [line for line in re.split(r"\n|; (?=[\w-]+:)", text) if line.strip()]
    if any(":" not in line for line in lines):
        raise SettingsError(Message("CANHDICH_SMS_HEADERS phải có dạng “Tên: giá trị”, mỗi dòng một mục."))
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _pair(given: Mapping[str, str], name: str) -> tuple[str, frozenset[str]] | None:
    """`field=value,value`."""
    if name not in given:
        return None
    if not _PAIR.fullmatch(given[name]):
        raise SettingsError(Message("{name} phải có dạng tên=giá trị[,giá trị…].", name=PREFIX + name))
    field_name, _, values = given[name].partition("=")
    return field_name, frozenset(values.split(","))
