"""CAP 1.2: one message as values, and its XML (OASIS Common Alerting Protocol 1.2, 1 July 2010). Pure.

Built with the standard library: it escapes, and `clean` replaces what XML 1.0 cannot hold. That every message keeps
OASIS's own schema is proven in tests/test_cap.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from xml.etree import ElementTree

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE = "application/cap+xml"

MsgType = Literal["Alert", "Update", "Cancel"]
Status = Literal["Actual", "Exercise", "Test"]
Scope = Literal["Public", "Restricted"]

IDENTIFIER = re.compile(r"[^\s,<&]+")
"""What CAP allows in `identifier` and `sender`: both stand in `references`, parted by commas and spaces."""
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Ring = Sequence[tuple[float, float]]
"""(lat, lon) in WGS 84 degrees, the last point the first again."""
Pair = tuple[str, str]
"""`valueName` and `value`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An earlier message of the same chain."""

    sender: str
    identifier: str
    sent: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CapArea:
    """`polygons`: outer rings. Several polygons and geocodes of one area are added up (CAP §3.2.4)."""

    description: str
    polygons: Sequence[Ring]
    geocodes: Sequence[Pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapInfo:
    """The message in one language."""

    language: str
    event: str
    response_type: str
    urgency: str
    severity: str
    certainty: str
    event_codes: Sequence[Pair]
    effective: datetime
    onset: datetime
    expires: datetime
    sender_name: str
    headline: str
    description: str
    instruction: str
    web: str
    parameters: Sequence[Pair]
    area: CapArea


@dataclass(frozen=True, slots=True, kw_only=True)
class CapAlert:
    """One message. `restriction` goes with scope Restricted, `note` says why a Cancel was sent."""

    identifier: str
    sender: str
    sent: datetime
    status: Status
    msg_type: MsgType
    scope: Scope
    restriction: str | None
    note: str | None
    references: Sequence[Reference]
    infos: Sequence[CapInfo]


def to_xml(message: CapAlert) -> bytes:
    """The message as UTF-8 XML; moments in the zone they carry, to the second."""
    root = _element("alert", _alert_parts(message))
    for info in message.infos:
        node = _element("info", _info_parts(info))
        for name, pairs, before in (
            ("eventCode", info.event_codes, "effective"),
            ("parameter", info.parameters, None),
        ):
            _insert_pairs(node, name, pairs, before)
        node.append(_area(info.area))
        root.append(node)
    return ElementTree.tostring(root, "utf-8", xml_declaration=True, default_namespace=NAMESPACE)


def clean(text: str) -> str:
    """`text` as XML can hold it: line ends as \\n, each impossible character as U+FFFD, so that its loss shows."""
    return _NOT_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def moment(at: datetime) -> str:
    """CAP's dateTime: seconds, and an offset in numbers; "Z" is not allowed (§3.3.2)."""
    return at.isoformat(timespec="seconds")


def _alert_parts(message: CapAlert) -> Iterator[Pair]:
    yield "identifier", message.identifier
    yield "sender", message.sender
    yield "sent", moment(message.sent)
    yield "status", message.status
    yield "msgType", message.msg_type
    yield "scope", message.scope
    if message.restriction is not None:
        yield "restriction", message.restriction
    if message.note is not None:
        yield "note", message.note
    if message.references:
        yield (
            "references",
            " ".join(f"{r.sender},{r.identifier},{moment(r.sent)}" for r in message.references),
        )


def _info_parts(info: CapInfo) -> Iterator[Pair]:
    yield "language", info.language
    yield "category", "Health"
    yield "event", info.event
    yield "responseType", info.response_type
    yield "urgency", info.urgency
    yield "severity", info.severity
    yield "certainty", info.certainty
    yield "effective", moment(info.effective)
    yield "onset", moment(info.onset)
    yield "expires", moment(info.expires)
    yield "senderName", info.sender_name
    yield "headline", info.headline
    yield "description", info.description
    yield "instruction", info.instruction
    yield "web", info.web


def _area(area: CapArea) -> ElementTree.Element:
    parts = [("areaDesc", area.description)]
    parts += [("polygon", " ".join(f"{lat},{lon}" for lat, lon in ring)) for ring in area.polygons]
    node = _element("area", parts)
    _insert_pairs(node, "geocode", area.geocodes, None)
    return node


def _element(name: str, parts: Iterator[Pair] | Sequence[Pair]) -> ElementTree.Element:
    node = ElementTree.Element(_name(name))
    for tag, text in parts:
        ElementTree.SubElement(node, _name(tag)).text = clean(text)
    return node


def _insert_pairs(node: ElementTree.Element, name: str, pairs: Sequence[Pair], before: str | None) -> None:
    """The schema fixes the order of elements: `before` which one these stand, None at the end."""
    at = len(node) if before is None else [child.tag for child in node].index(_name(before))
    for offset, (value_name, value) in enumerate(pairs):
        node.insert(at + offset, _element(name, [("valueName", value_name), ("value", value)]))


def _name(tag: str) -> str:
    return f"{{{NAMESPACE}}}{tag}"
