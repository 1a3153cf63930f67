"""Which button started a callback."""

from __future__ import annotations

from typing import Any, NamedTuple

from dash import ctx


class Pressed(NamedTuple):
    """`cause`: the button's id; a dictionary where buttons are drawn by pattern."""

    cause: Any
    clicks: int


def pressed() -> Pressed | None:
    """None when nobody pressed anything. Buttons that are drawn anew start the callback too, without clicks, and may
    come first in the same request as a real press."""
    for item in ctx.triggered:
        if item["value"]:
            return Pressed(ctx.triggered_prop_ids[item["prop_id"]], int(item["value"]))
    return None
