"""The card that turns messages on for the device in hand; assets/push.js does it."""

from __future__ import annotations

from typing import Any

from dash import html

from alerts.push_settings import parse_push
from i18n import _
from web.context import context


def push_card(*, on: bool) -> html.Div:
    """Hidden until the script knows that this browser can. `on`: some device of this person has it already."""
    push = parse_push(context().settings)
    data: dict[str, Any] = {"data-key": push.public_key if push else "", "data-denied": denied()}
    about = _("Máy này hiện thông báo khi có cảnh báo, kể cả khi đã đóng trang.")
    if on:
        about = _("Bạn đã bật trên máy khác hoặc máy này. Mỗi máy bật riêng.")
    return html.Div(
        [
            html.H2(_("Thông báo trên máy này"), className="card-title"),
            html.P(about, className="dim"),
            html.P("", className="form-error", role="alert", hidden=True),
            _button(_("Bật thông báo"), "on"),
            _button(_("Tắt thông báo trên máy này"), "off"),
        ],
        id="push",
        className="card",
        hidden=True,
        **data,
    )


def denied() -> str:
    return _("Máy đang chặn thông báo của trang này. Hãy cho phép trong cài đặt trình duyệt.")


def _button(text: str, turns: str) -> html.Button:
    props: dict[str, Any] = {"data-push": turns}
    return html.Button(text, type="button", className="button", hidden=True, **props)
