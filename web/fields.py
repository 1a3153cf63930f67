"""Fields that several pages have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

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


def dialog(name: str, title: str, fields: Sequence[Any], save: str) -> dmc.Modal:
    """A form over the page. Its parts are `{name}-dialog`, `-error`, `-cancel` and `-save`."""
    button = html.Button(save, id=f"{name}-save", className="button button-primary", type="button")
    return dmc.Modal(
        id=f"{name}-dialog",
        title=title,
        centered=True,
        children=[
            html.Div(list(fields), className="dialog-fields"),
            html.Div(id=f"{name}-error"),
            dialog_actions(name, [button]),
        ],
    )


def dialog_actions(name: str, buttons: Sequence[Any]) -> html.Div:
    cancel = html.Button(_("Thôi"), id=f"{name}-cancel", className="button", type="button")
    return html.Div([cancel, *buttons], className="dialog-actions")
