"""Many alerts at once: take on or assign what is ticked, and hand over all one holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update
from sqlalchemy import select

from alerts.batch import Batch, acknowledge_many, assign_many, hand_over_all, held_by
from alerts.inbox import BadInput, InboxError
from alerts.models import Alert
from i18n import Message, _
from web.context import for_roles, now, open_session, viewer
from web.fields import dialog
from web.formats import icon
from web.pages.alert_acts import ACTORS, acting_user, people
from web.pressed import pressed


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("alerts", "ticked"),
        Output("bulk-bar", "className"),
        Output("bulk-count", "children"),
        Input("alerts-grid", "selectedRows"),
    )
    app.callback(
        Output("alerts-acted", "data", allow_duplicate=True),
        Output("alerts-grid", "selectedRows"),
        Output("bulk-note", "children"),
        Output("bulk-assign-dialog", "opened"),
        Output("bulk-assign-to", "data"),
        Output("bulk-assign-error", "children"),
        Input("bulk-acknowledge", "n_clicks"),
        Input("bulk-assign", "n_clicks"),
        Input("bulk-assign-save", "n_clicks"),
        State("alerts-grid", "selectedRows"),
        State("bulk-assign-to", "value"),
        State("bulk-assign-note", "value"),
        prevent_initial_call=True,
    )(act)
    app.callback(
        Output("alerts-acted", "data", allow_duplicate=True),
        Output("bulk-note", "children", allow_duplicate=True),
        Output("handover-dialog", "opened"),
        Output("handover-to", "data"),
        Output("handover-error", "children"),
        Input("handover-open", "n_clicks"),
        Input("handover-save", "n_clicks"),
        State("handover-to", "value"),
        State("handover-note", "value"),
        prevent_initial_call=True,
    )(hand_over)
    for name in ("bulk-assign", "handover"):
        app.clientside_callback(
            ClientsideFunction("shell", "toggle"),
            Output(f"{name}-dialog", "opened", allow_duplicate=True),
            Input(f"{name}-cancel", "n_clicks"),
            prevent_initial_call=True,
        )


@for_roles(*ACTORS)
def act(
    _take: int | None,
    _open: int | None,
    _save: int | None,
    rows: Sequence[dict[str, Any]] | None,
    to: str | None,
    note: str | None,
) -> tuple[Any, ...]:
    """Take on or assign all that is ticked; what was refused is told with its reason."""
    press = pressed()
    ids = [int(row["id"]) for row in rows or ()]
    if press is None or not ids:
        return (no_update,) * 6
    try:
        with open_session() as session:
            user, current = acting_user(session), now(session)
            if press.cause == "bulk-assign":
                units = session.scalars(select(Alert.unit_id).where(Alert.id.in_(ids)).distinct()).all()
                return no_update, no_update, None, True, people(session, units), None
            if press.cause == "bulk-acknowledge":
                batch = acknowledge_many(session, ids, user=user, now=current)
            else:
                batch = assign_many(session, ids, user=user, to=_chosen(to), note=note or "", now=current)
    except InboxError as error:
        return no_update, no_update, no_update, True, no_update, _error(error.message)
    return datetime.now(UTC).isoformat(), [], _note(batch), False, no_update, None


@for_roles(*ACTORS)
def hand_over(_open: int | None, _save: int | None, to: str | None, note: str | None) -> tuple[Any, ...]:
    """Everything one holds, to a colleague."""
    press = pressed()
    if press is None:
        return (no_update,) * 5
    try:
        with open_session() as session:
            user = acting_user(session)
            if press.cause == "handover-open":
                return no_update, None, True, _colleagues(session), None
            batch = hand_over_all(session, user=user, to=_chosen(to), note=note or "", now=now(session))
    except InboxError as error:
        return no_update, no_update, True, no_update, _error(error.message)
    return datetime.now(UTC).isoformat(), _note(batch), False, no_update, None


def _colleagues(session: Any) -> list[dict[str, str]]:
    """Who covers at least one of the areas where one holds something."""
    mine = select(Alert.unit_id).where(Alert.id.in_(held_by(session, viewer().id))).distinct()
    found = {one["value"]: one for unit in session.scalars(mine).all() for one in people(session, [unit])}
    return [one for value, one in found.items() if value != str(viewer().id)]


def _chosen(to: str | None) -> int:
    if not to:
        raise BadInput(Message("Hãy chọn người nhận việc."))
    return int(to)


def _error(message: Message) -> html.P:
    return html.P(str(message), className="form-error", role="alert")


def _note(batch: Batch) -> list[Any]:
    """What was done, and each alert that was not with the reason."""
    said: list[Any] = [
        html.P([icon("check"), _("Đã xong {n} cảnh báo.", n=len(batch.done))], className="form-done")
    ]
    if batch.refused:
        lines = [html.Li(_("Số {n}: {why}", n=str(id_), why=str(why))) for id_, why in batch.refused.items()]
        said.append(html.Div([_("Chưa làm được:"), html.Ul(lines)], className="form-error", role="alert"))
    return said


# --- what is on the page ---------------------------------------------------------------------------------


def bar() -> html.Div:
    return html.Div(
        [
            html.Span(_("Đã chọn"), className="dim"),
            html.Strong(id="bulk-count", className="num"),
            html.Button(_("Tiếp nhận"), id="bulk-acknowledge", className="button", type="button"),
            html.Button(_("Giao cho…"), id="bulk-assign", className="button", type="button"),
        ],
        id="bulk-bar",
        className="bulk-bar is-hidden",
    )


def hand_over_button() -> html.Button:
    """Shown on the tab of one's own."""
    return html.Button(_("Bàn giao tất cả…"), id="handover-open", className="is-hidden", type="button")


def dialogs() -> list[Any]:
    return [
        dialog("bulk-assign", _("Giao các cảnh báo đã chọn"), _fields("bulk-assign"), _("Giao")),
        dialog(
            "handover",
            _("Bàn giao tất cả cảnh báo tôi đang giữ"),
            [
                html.P(
                    _("Dùng khi hết ca hoặc nghỉ phép. Cảnh báo ngoài địa bàn của người nhận ở lại với bạn.")
                ),
                *_fields("handover"),
            ],
            _("Bàn giao"),
        ),
    ]


def _fields(name: str) -> list[Any]:
    return [
        dmc.Select(
            id=f"{name}-to", label=_("Người nhận"), data=[], searchable=True,
            nothingFoundMessage=_("Không có ai phụ trách các địa bàn này"),
        ),
        dmc.Textarea(id=f"{name}-note", label=_("Lời nhắn"), autosize=True, minRows=2),
    ]  # fmt: skip
