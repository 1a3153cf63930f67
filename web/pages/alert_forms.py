"""The buttons, forms and dialogs of an alert's page; alert_acts.py says what comes of them."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from alerts.file_checks import MAX_BYTES
from alerts.inbox import OUTCOMES, outcome_name
from i18n import _
from web.fields import dialog, dialog_actions
from web.formats import aria, icon
from web.pages.alert_acts import NO_NAMES, WORDS


def actions() -> html.Div:
    """Every button there may be; `offered` says which are shown."""
    buttons = [
        html.Button(str(words), id=name, className="is-hidden", type="button")
        for name, words in WORDS.items()
    ]
    watch = html.Button(id="alert-watch", className="is-hidden", type="button")
    return html.Div([*buttons, watch], id="alert-actions", className="alert-actions is-hidden")


def comment_form() -> html.Div:
    """It stands still while the figures around it are drawn anew."""
    text = dmc.Textarea(
        id="alert-comment", label=_("Ghi chú"), description=str(NO_NAMES), autosize=True, minRows=2
    )
    send = html.Button(_("Lưu ghi chú"), id="alert-comment-send", className="button", type="button")
    return html.Div([text, send], id="alert-comment-form", className="card comment-form is-hidden")


def upload_form() -> html.Div:
    button = html.Button([icon("file-report"), _("Thêm ảnh, PDF")], className="button", type="button")
    accept = "image/jpeg,image/png,image/webp,application/pdf"
    return html.Div(
        [
            dcc.Upload(button, id="alert-upload", multiple=True, accept=accept),
            html.P(
                _("Không chụp mặt hay giấy tờ người bệnh. Vị trí chụp và tên tệp được xóa khi lưu."),
                className="dim",
            ),
            html.Div(id="alert-upload-note", **aria(live="polite")),
            dcc.Store(id="alert-upload-words", data=_upload_words()),
        ],
        id="alert-upload-form",
        className="upload-form is-hidden",
    )


def _upload_words() -> dict[str, Any]:
    return {
        "sending": _("Đang gửi tệp…"),
        "sent": _("Đã lưu tệp."),
        "lost": _("Chưa gửi được tệp: mất kết nối. Hãy thử lại."),
        "large": _("Tệp lớn quá {n} MB. Hãy chọn tệp nhỏ hơn.", n=MAX_BYTES >> 20),
        "most": MAX_BYTES,
    }


def dialogs() -> list[Any]:
    return [dcc.Store(id="reason-for"), _close_dialog(), _assign_dialog(), _reason_dialog()]


def _assign_dialog() -> dmc.Modal:
    fields = [
        dmc.Select(
            id="assign-to", label=_("Người nhận"), data=[], searchable=True,
            nothingFoundMessage=_("Không có ai khác phụ trách địa bàn này"),
        ),
        dmc.Textarea(
            id="assign-note", label=_("Lời nhắn"), autosize=True, minRows=2,
            description=_("Cần có khi bàn giao giữa hai người: việc đang đến đâu, còn gì phải làm."),
        ),
    ]  # fmt: skip
    return dialog("assign", _("Giao cảnh báo"), fields, _("Giao"))


def _reason_dialog() -> dmc.Modal:
    text = dmc.Textarea(
        id="reason-text", label=_("Lý do"), description=str(NO_NAMES), autosize=True, minRows=3
    )
    return dialog("reason", _("Lý do"), [text], _("Lưu"))


def _close_dialog() -> dmc.Modal:
    choices = [dmc.Radio(label=str(outcome_name(code)).capitalize(), value=code) for code in OUTCOMES]
    fields = [
        dmc.RadioGroup(dmc.Stack(choices, gap="xs"), id="close-outcome", label=_("Cảnh báo này là")),
        html.Div(
            dmc.Select(
                id="close-original", label=_("Trùng với"), data=[], searchable=True,
                nothingFoundMessage=_("Không có cảnh báo nào khác của bệnh này"),
            ),
            id="close-original-field",
            className="is-hidden",
        ),
        dmc.Textarea(id="close-reason", label=_("Lý do"), description=str(NO_NAMES), autosize=True, minRows=3),
    ]  # fmt: skip
    both = [
        html.Button(_("Kết luận và đóng"), id="close-confirm", className="button", type="button"),
        html.Button(
            _("Lưu kết luận"), id="conclude-confirm", className="button button-primary", type="button"
        ),
    ]
    return dmc.Modal(
        id="close-dialog",
        title=_("Kết luận"),
        centered=True,
        children=[
            html.Div(fields, className="dialog-fields"),
            html.Div(id="close-error"),
            dialog_actions("close", both),
        ],
    )
