"""Fields that several pages have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc

from i18n import _


def disease_select(
    name: str, diseases: Sequence[dict[str, str]], chosen: str | None, **more: Any
) -> dmc.Select:
    """One of the `diseases`, of which the first is all."""
    return dmc.Select(
        id=name,
        data=diseases,
        value=chosen or "all",
        allowDeselect=False,
        searchable=True,
        nothingFoundMessage=_("Không có bệnh này"),
        **more,
    )
