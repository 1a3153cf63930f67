"""The map handed on: its address, saved views, pictures, embedded pages, layers of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from sqlalchemy.orm import Session

from accounts import views as kept
from accounts.models import Embed, Role, SavedView, User
from i18n import Message, _
from web.context import context, day_on_show, for_roles, now, open_session, viewer
from web.formats import aria, day, icon, link, local
from web.markup import Later
from web.selection import Selection
from web.workbench import overlay_panel
from web.workbench.views import camera_of, follows, kept_query

EMBEDDERS = (Role.ANALYST, Role.MANAGER)


def map_tools(selection: Selection) -> html.Div:
    """The group of buttons; their popovers fill when the page opens."""
    embed = [_embeds()] if viewer().role in EMBEDDERS else []
    return html.Div(
        [
            _share(),
            _popover("views", "bookmark", _("Khung nhìn đã lưu"), _views()),
            _popover("pictures", "photo", _("Lưu ảnh bản đồ"), _pictures()),
            *[_popover("embed", "code", _("Trang nhúng"), body) for body in embed],
            _popover("overlay", "upload", _("Lớp bản đồ của tôi"), overlay_panel.layout()),
            html.Span(id="tools-said", className="tools-said", role="status"),
            dcc.Store(id="tools-changed"),
        ],
        className="map-tools",
        role="group",
        **aria(label=_("Chia sẻ và lưu bản đồ")),
    )


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("tools", "share"),
        Output("tools-said", "children"),
        Input("tools-share", "n_clicks"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("tools", "picture"),
        Output("tools-picture-said", "children"),
        Input({"type": "tools-picture", "kind": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    app.callback(
        Output("tools-view-list", "children"),
        Output("tools-view-said", "children"),
        Output("tools-changed", "data"),
        Input("tools-view-save", "n_clicks"),
        Input({"type": "tools-view", "do": ALL, "id": ALL}, "n_clicks"),
        State("tools-view-name", "value"),
        State("tools-view-shared", "checked"),
        State("tools-view-follow", "checked"),
        State("map-url", "search"),
        State({"type": "tools-rename", "id": ALL}, "value"),
        State({"type": "tools-rename", "id": ALL}, "id"),
    )(change_views)
    app.callback(
        Output("tools-embed-list", "children"),
        Output("tools-embed-said", "children"),
        Output("tools-embed-view", "data"),
        Input("tools-embed-make", "n_clicks"),
        Input({"type": "tools-revoke", "id": ALL}, "n_clicks"),
        Input("tools-changed", "data"),
        State("tools-embed-view", "value"),
        State("tools-embed-days", "value"),
    )(change_embeds)
    overlay_panel.register(app)


def _share() -> html.Button:
    words: dict[str, Any] = {
        "data-done": _("Đã sao chép"),
        "data-failed": _("Không sao chép được: hãy chép địa chỉ của trang."),
    }
    text = _("Sao chép địa chỉ của bản đồ này")
    words.update(aria(label=text))
    return html.Button(
        icon("share-2"), id="tools-share", className="icon-button", type="button", title=text, **words
    )


def _popover(name: str, picture: str, text: str, body: Sequence[Any]) -> dmc.Popover:
    button = html.Button(
        icon(picture),
        id=f"tools-{name}",
        className="icon-button",
        type="button",
        title=text,
        **aria(label=text),
    )
    return dmc.Popover(
        [
            dmc.PopoverTarget(button),
            dmc.PopoverDropdown(
                Later(
                    html.Div(
                        [html.Div(text, className="popover-title"), *body],
                        className="popover-fields tools-popover",
                    )
                )
            ),
        ],
        position="bottom-end",
        width=340,
        keepMounted=True,
        withRoles=False,
        trapFocus=True,
        shadow="md",
    )


# --- pictures ----------------------------------------------------------------------------------------------


def _pictures() -> list[Any]:
    kinds = (
        ("pdf", "PDF", _("một trang A4, để in")),
        ("png", "PNG", _("để dán vào văn bản, trình chiếu")),
        ("svg", "SVG", _("nét vẽ, để sửa tiếp")),
    )
    return [
        html.P(
            _("Đúng phần bản đồ đang thấy, kèm chú giải, tỷ lệ, hướng bắc, nguồn và ngày."),
            className="dim tools-hint",
        ),
        *[
            html.Button(
                [icon("download"), html.Strong(name), html.Span(says, className="dim")],
                id={"type": "tools-picture", "kind": kind},
                className="button tools-wide",
                type="button",
            )
            for kind, name, says in kinds
        ],
        html.Span(id="tools-picture-said", className="dim", role="status"),
    ]


# --- saved views -------------------------------------------------------------------------------------------


def _views() -> list[Any]:
    return [
        html.Ul(id="tools-view-list", className="tools-list"),
        dmc.TextInput(
            id="tools-view-name",
            label=_("Lưu khung nhìn đang thấy với tên"),
            inputProps={"maxLength": kept.LONGEST_NAME},
        ),
        dmc.Checkbox(id="tools-view-follow", label=_("Luôn đến ngày mới nhất"), checked=True),
        dmc.Checkbox(id="tools-view-shared", label=_("Cho đồng nghiệp cùng thấy"), checked=False),
        html.Button(_("Lưu"), id="tools-view-save", className="button button-primary", type="button"),
        html.Span(id="tools-view-said", className="tools-answer", role="status"),
    ]


def change_views(
    _save: int | None,
    _acts: Any,
    name: str | None,
    shared: bool,
    follow: bool,
    search: str | None,
    names: Sequence[str],
    rows: Sequence[dict[str, int]],
) -> tuple[Any, ...]:
    """Does what was pressed, then lists the views anew."""
    cause, who = ctx.triggered_id, viewer().id
    pressed = bool(ctx.triggered and ctx.triggered[0]["value"])
    if isinstance(cause, dict) and not pressed:  # a row that came onto the page
        return no_update, no_update, no_update
    said: Any = ""
    with open_session() as session:
        try:
            if pressed and cause == "tools-view-save":
                said = _save_view(session, who, name or "", search, shared=shared, follow=follow)
            elif pressed and isinstance(cause, dict):
                typed = {row["id"]: value for row, value in zip(rows, names, strict=True)}
                said = _act(session, who, cause["do"], cause["id"], typed)
        except kept.ViewError as error:
            return no_update, str(error), no_update
        opens = kept.default_view(session, who)
        listed = [
            _view_row(view, owner, who, opens is not None and opens.id == view.id)
            for view, owner in kept.views_for(session, who)
        ]
    empty = [html.Li(_("Chưa lưu khung nhìn nào."), className="dim")]
    return listed or empty, said, int(ctx.triggered[0]["value"] or 0) if pressed else 0


def _save_view(
    session: Session, who: int, name: str, search: str | None, *, shared: bool, follow: bool
) -> str:
    selection = Selection.parse(search, context().diseases)
    query = kept_query(selection, camera_of(search), day_on_show(session, selection.on), follow=follow)
    view = kept.save_view(session, who, name, query, shared=shared, now=now(session))
    return _("Đã lưu “{name}”.", name=view.name)


def _act(session: Session, who: int, do: str, view_id: int, typed: dict[int, str]) -> str:
    if do == "open-with":
        kept.open_with(session, who, view_id)
        return _("Bản đồ của bạn sẽ mở với khung nhìn này.")
    if do == "open-plain":
        kept.open_with(session, who, None)
        return _("Bản đồ của bạn sẽ mở như thường.")
    view = kept.own_view(session, view_id, who)
    if do == "rename":
        kept.rename_view(session, view, typed.get(view_id, ""))
        return _("Đã đổi tên thành “{name}”.", name=view.name)
    if do == "share":
        view.shared = not view.shared
        return _("Đồng nghiệp đã thấy khung nhìn này.") if view.shared else _("Chỉ bạn thấy khung nhìn này.")
    kept.delete_view(session, view)
    return _("Đã xóa “{name}”.", name=view.name)


def _view_row(view: SavedView, owner: str, who: int, opens: bool) -> html.Li:
    mine = view.owner_id == who
    facts = [
        *([_("mở đầu tiên")] if opens else []),
        _("đến ngày mới nhất") if follows(view.query) else _("ngày cố định"),
        *([_("của {name}", name=owner)] if not mine else [_("chia sẻ")] if view.shared else []),
    ]
    share = _("Thôi chia sẻ") if view.shared else _("Chia sẻ")
    acts = [
        _view_act("open-plain", view.id, _("Thôi mở đầu tiên"))
        if opens
        else _view_act("open-with", view.id, _("Mở đầu tiên")),
        *([_view_act("share", view.id, share), _view_act("delete", view.id, _("Xóa"))] if mine else []),
    ]
    rename = (
        [
            dmc.TextInput(
                id={"type": "tools-rename", "id": view.id}, value=view.name, size="xs", label=_("Tên")
            ),
            _view_act("rename", view.id, _("Đổi tên")),
        ]
        if mine
        else []
    )
    return html.Li(
        html.Details(
            [
                html.Summary(
                    [
                        link(view.name, f"/map?{view.query}", className="link tools-name"),
                        html.Span(" · ".join(facts), className="dim"),
                    ],
                    title=_("Mở để đổi tên, chia sẻ, xóa"),
                ),
                html.Div([*rename, *acts], className="tools-acts"),
            ]
        )
    )


def _view_act(do: str, view_id: int, text: str) -> html.Button:
    return html.Button(
        text, id={"type": "tools-view", "do": do, "id": view_id}, className="link-button", type="button"
    )


# --- embedded pages ----------------------------------------------------------------------------------------


def _embeds() -> list[Any]:
    days = [{"value": str(n), "label": _("{n} ngày", n=n)} for n in kept.EMBED_DAYS]
    return [
        html.P(
            _(
                "Ảnh bản đồ tự cập nhật cho trang nội bộ hay màn hình treo tường, ai có địa chỉ đều xem được, không cần"
                " đăng nhập. Không bao giờ có vị trí ca bệnh; nơi có 1–4 ca không nêu số."
            ),
            className="dim tools-hint",
        ),
        dmc.Select(
            id="tools-embed-view",
            label=_("Khung nhìn"),
            placeholder=_("Chọn khung nhìn đã lưu"),
            data=[],
            comboboxProps={"withinPortal": False},
        ),
        dmc.Select(
            id="tools-embed-days",
            label=_("Có hiệu lực trong"),
            data=days,
            value="90",
            allowDeselect=False,
            comboboxProps={"withinPortal": False},
        ),
        html.Button(
            _("Tạo địa chỉ"), id="tools-embed-make", className="button button-primary", type="button"
        ),
        html.Div(id="tools-embed-said", className="tools-answer", role="status"),
        html.Ul(id="tools-embed-list", className="tools-list"),
    ]


@for_roles(*EMBEDDERS)
def change_embeds(
    _make: int | None, _revoke: Any, _changed: Any, view_id: str | None, days: str
) -> tuple[Any, ...]:
    cause, who = ctx.triggered_id, viewer().id
    pressed = bool(ctx.triggered and ctx.triggered[0]["value"])
    if isinstance(cause, dict) and not pressed:
        return no_update, no_update, no_update
    said: Any = ""
    with open_session() as session:
        at = now(session)
        try:
            if pressed and cause == "tools-embed-make":
                said = _made(_make_embed(session, who, view_id, int(days)))
            elif pressed and isinstance(cause, dict):
                kept.revoke_embed(session, cause["id"], who, at)
                said = _("Đã thu hồi: địa chỉ này không còn hiện gì.")
        except kept.ViewError as error:
            return no_update, str(error), no_update
        listed = [_embed_row(embed, name, kept.is_living(embed, at)) for embed, name in kept.embeds(session)]
        views = [{"value": str(v.id), "label": v.name} for v, _owner in kept.views_for(session, who)]
    return listed, said, views


def _make_embed(session: Session, who: int, view_id: str | None, days: int) -> str:
    chosen = [v for v, _owner in kept.views_for(session, who) if str(v.id) == view_id]
    if not chosen:
        raise kept.ViewError(Message("Hãy chọn một khung nhìn đã lưu."))
    user = session.get(User, who)
    assert user is not None
    _embed, token = kept.make_embed(
        session, user, chosen[0].name, chosen[0].query, days=days, now=now(session)
    )
    return f"{context().settings.public_url}/embed/{token}"


def _made(url: str) -> list[Any]:
    frame = f'<iframe src="{url}" width="1000" height="700" title="{_("Bản đồ")}"></iframe>'
    return [
        html.Div(_("Chép ngay: địa chỉ chỉ hiện một lần này.")),
        dmc.TextInput(value=url, readOnly=True, label=_("Địa chỉ"), id="tools-embed-url"),
        dmc.Textarea(value=frame, readOnly=True, label=_("Mã nhúng"), autosize=True),
    ]


def _embed_row(embed: Embed, maker: str, living: bool) -> html.Li:
    until = day(local(embed.expires_at).date())
    state = (
        _("đến {day}", day=until)
        if living
        else _("đã thu hồi")
        if embed.revoked_at
        else _("hết hạn {day}", day=until)
    )
    revoke = html.Button(
        _("Thu hồi"), id={"type": "tools-revoke", "id": embed.id}, className="link-button", type="button"
    )
    return html.Li(
        [
            html.Strong(embed.name),
            html.Span(f"{state} · {maker}", className="dim"),
            *([revoke] if living else []),
        ]
    )
