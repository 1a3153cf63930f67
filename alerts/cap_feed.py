"""The Atom feed of what counts now, and single messages: reading only (RFC 4287; OASIS CAP Feeds 1.0)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree

from sqlalchemy import ColumnElement, and_, case, func, select, true
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from alerts.cap import MEDIA_TYPE, clean, moment
from alerts.models import Alert, CapMessage

ATOM = "http://www.w3.org/2005/Atom"
FEED_TYPE = "application/atom+xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads. `public_only`: messages of scope Public; `unit_ids`: of these units, None all."""

    public_only: bool
    unit_ids: Collection[int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    identifier: str
    headline: str
    sent: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """`updated`: when it last became what it is, by a message or by one that expired. Newest entry first."""

    updated: datetime
    entries: Sequence[Entry]


def current_feed(session: Session, reader: Reader, now: datetime) -> Feed:
    """The newest message of each alert, while it counts: whoever reads only the feed sees nothing superseded."""
    newest = (
        select(CapMessage.identifier, CapMessage.headline, CapMessage.sent, CapMessage.expires)
        .ext(distinct_on(CapMessage.alert_id))
        .join(Alert, Alert.id == CapMessage.alert_id)
        .where(_readable(reader))
        .order_by(CapMessage.alert_id, CapMessage.id.desc())
        .subquery()
    )
    rows = session.execute(
        select(newest).where(newest.c.expires > now).order_by(newest.c.sent.desc(), newest.c.identifier)
    )
    changed = case((CapMessage.expires <= now, CapMessage.expires), else_=CapMessage.sent)
    updated = session.scalar(
        select(func.max(changed)).join(Alert, Alert.id == CapMessage.alert_id).where(_readable(reader))
    )
    return Feed(
        updated=updated or datetime(1970, 1, 1, tzinfo=UTC),
        entries=[Entry(identifier=row.identifier, headline=row.headline, sent=row.sent) for row in rows],
    )


def find_message(session: Session, identifier: str, reader: Reader) -> CapMessage | None:
    """Also one that expired or was superseded: references lead to it."""
    return session.scalar(
        select(CapMessage)
        .join(Alert, Alert.id == CapMessage.alert_id)
        .where(CapMessage.identifier == identifier, _readable(reader))
    )


def to_atom(feed: Feed, *, public_url: str, title: str, author: str) -> bytes:
    """The feed as UTF-8 XML. The namespace is written as an attribute: ElementTree has no default namespace for
    elements whose attributes have none."""
    root = ElementTree.Element("feed", xmlns=ATOM)
    own = f"{public_url}/cap/feed.atom"
    _text(root, "id", own)
    _text(root, "title", title)
    _text(root, "updated", moment(feed.updated))
    _text(ElementTree.SubElement(root, "author"), "name", author)
    _link(root, "self", FEED_TYPE, own)
    for entry in feed.entries:
        node = ElementTree.SubElement(root, "entry")
        _text(node, "id", f"urn:uuid:{entry.identifier}")
        _text(node, "title", entry.headline)
        _text(node, "updated", moment(entry.sent))
        _link(node, "alternate", MEDIA_TYPE, f"{public_url}/cap/{entry.identifier}.xml")
    return ElementTree.tostring(root, "utf-8", xml_declaration=True)


def _readable(reader: Reader) -> ColumnElement[bool]:
    scope = CapMessage.scope == "Public" if reader.public_only else true()
    place = true() if reader.unit_ids is None else Alert.unit_id.in_(reader.unit_ids)
    return and_(scope, place)


def _text(node: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(node, tag).text = clean(text)


def _link(node: ElementTree.Element, rel: str, media_type: str, href: str) -> None:
    ElementTree.SubElement(node, "link", {"rel": rel, "type": media_type, "href": href})
