"""Answers that only the reader's own browser may keep, and only until they change."""

from __future__ import annotations

from hashlib import sha256

from flask import Response

from web.context import viewer


def etag_of(*parts: object) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:20]


def private(response: Response, etag: str) -> Response:
    response.set_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def rights() -> tuple[str, list[int] | None]:
    """What the reader may see, for an ETag."""
    who = viewer()
    return who.role.value, None if who.areas is None else sorted(who.areas)
