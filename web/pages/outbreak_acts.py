"""What people do on the outbreaks page: buttons, the forms they open, and what comes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from sqlalchemy.orm import Session

from accounts.models import Role
from i18n import Message, MessageError, _, current_locale
from surveillance.outbreaks.acts import (
    NEEDS_REASON,
    Actor,
    BadEntry,
    add_note,
    change_status,
    check_act,
    record_measure,
    record_survey,
    withdraw,
)
from surveillance.outbreaks.entries import COMMUNICATION, HOUSEHOLDS, LARVICIDE, NOTE, SPRAYING
from surveillance.outbreaks.lifecycle import NAMES, Act
from surveillance.outbreaks.products import MOST_LETTERS, MOST_LITRES, WITH_PRODUCT, products_used
from surveillance.outbreaks.vectors import Survey, SurveyError, indices
from web.context import context, for_roles, local, now, open_session, viewer
from web.formats import icon
from web.pages.outbreak_detail import index_help, index_text
from web.pressed import pressed

ACTORS = (Role.ANALYST, Role.OFFICER)
BUTTONS: Mapping[str, Act | None] = {
    "outbreak-confirm": Act.CONFIRM,
    "outbreak-start": Act.START_HANDLING,
    "outbreak-survey": None,
    "outbreak-measure": None,
    "outbreak-propose": Act.PROPOSE_CLOSING,
    "outbreak-keep": Act.KEEP_OPEN,
    "outbreak-close": Act.CLOSE,
    "outbreak-reopen": Act.REOPEN,
}
"""In the order in which they are offered. None: opens a form of its own."""
WORDS: Mapping[str, Message] = {
    "outbreak-confirm": Message("Xác định ổ dịch"),
    "outbreak-start": Message("Bắt đầu xử lý"),
    "outbreak-survey": Message("Giám sát véc tơ…"),
    "outbreak-measure": Message("Ghi việc đã làm…"),
    "outbreak-propose": Message("Đề nghị đóng"),
    "outbreak-keep": Message("Tiếp tục theo dõi…"),
    "outbreak-close": Message("Đóng…"),
    "outbreak-reopen": Message("Mở lại…"),
}
STATE_BUTTONS = tuple(name for name, wanted in BUTTONS.items() if wanted is not None)
COUNTS: Mapping[str, Message] = {
    "houses": Message("Số nhà đã kiểm tra"),
    "houses_with_larvae": Message("Số nhà có lăng quăng"),
    "containers": Message("Số vật chứa có nước"),
    "containers_with_larvae": Message("Số vật chứa có lăng quăng"),
    "houses_with_mosquitoes": Message("Số nhà có muỗi vằn"),
    "female_aedes": Message("Số muỗi vằn cái bắt được"),
}
MEASURES: Mapping[str, Message] = {
    HOUSEHOLDS: Message("Điều tra các nhà"),
    SPRAYING: Message("Phun hóa chất"),
    LARVICIDE: Message("Diệt lăng quăng"),
    COMMUNICATION: Message("Truyền thông"),
    NOTE: Message("Ghi chú"),
}
NO_NAMES = Message("Không ghi tên, điện thoại hay địa chỉ người bệnh.")
WITHDRAW = "withdraw"


def register(app: Dash) -> None:
    outputs = {
        "acted": Output("outbreak-acted", "data"),
        "feedback": Output("outbreak-feedback", "children"),
        "reason_for": Output("outbreak-reason-for", "data"),
        "reason_title": Output("outbreak-reason", "title"),
        "reason_open": Output("outbreak-reason", "opened"),
        "reason_error": Output("outbreak-reason-error", "children"),
        "reason_text": Output("outbreak-reason-text", "value"),
        "survey_open": Output("outbreak-survey-form", "opened"),
        "survey_error": Output("outbreak-survey-error", "children"),
        "measure_open": Output("outbreak-measure-form", "opened"),
        "measure_error": Output("outbreak-measure-error", "children"),
    }
    saves = ("outbreak-reason-save", "outbreak-survey-save", "outbreak-measure-save")
    app.callback(
        output=outputs,
        inputs={
            "_clicks": [Input(name, "n_clicks") for name in (*STATE_BUTTONS, *saves)],
            "_withdrawn": Input({"withdraw": ALL}, "n_clicks"),
        },
        state={
            "outbreak_id": State("outbreak-id", "data"),
            "reason": (State("outbreak-reason-for", "data"), State("outbreak-reason-text", "value")),
            "survey": _survey_values(State),
            "measure": {
                name: State(f"outbreak-measure-{name}", "value")
                for name in ("kind", "on", "houses", "product", "litres", "comment")
            },
        },
        prevent_initial_call=True,
    )(act)
    app.callback(
        output=Output("outbreak-survey-indices", "children"), inputs={"survey": _survey_values(Input)}
    )(preview)
    app.clientside_callback(
        ClientsideFunction("outbreaks", "used"),
        Output("outbreak-measure-used", "className"),
        Input("outbreak-measure-kind", "value"),
    )
    for name, button in (("survey", "outbreak-survey"), ("measure", "outbreak-measure"), ("reason", "")):
        opened = f"outbreak-{name}" if name == "reason" else f"outbreak-{name}-form"
        app.clientside_callback(
            ClientsideFunction("shell", "toggle"),
            Output(opened, "opened", allow_duplicate=True),
            *([Input(button, "n_clicks")] if button else []),
            Input(f"outbreak-{name}-cancel", "n_clicks"),
            prevent_initial_call=True,
        )


@for_roles(*ACTORS)
def act(
    _clicks: list[int | None],
    _withdrawn: list[int | None],
    outbreak_id: str | None,
    reason: tuple[str | None, str | None],
    survey: dict[str, Any],
    measure: dict[str, Any],
) -> dict[str, Any]:
    """Do what was pressed. A refusal is shown where the visitor looks; nothing typed is lost."""
    press = pressed()
    if not outbreak_id or press is None:
        return _answer()
    cause = press.cause
    form = _form_of(cause)
    try:
        with open_session() as session:
            return _do(_Desk(session, int(outbreak_id)), cause, reason, survey, measure)
    except MessageError as error:
        shown = html.P(str(error.message), className="form-error", role="alert")
        return _answer(**{f"{form}_error" if form else "feedback": shown})


def preview(survey: dict[str, Any]) -> Any:
    """The indices of what is typed so far, or what contradicts itself in it."""
    try:
        return index_text(indices(_survey(survey))) or _("Nhập số đếm để xem BI, CI, HI, DI.")
    except MessageError as error:
        return str(error.message)


class _Desk:
    """One visitor acting on one outbreak now."""

    def __init__(self, session: Session, outbreak_id: int) -> None:
        who = viewer()
        self.session, self.outbreak_id, self.now = session, outbreak_id, now(session)
        self.today = local(self.now).date()
        self.by: dict[str, Any] = {
            "actor": Actor(user_id=who.id, name=who.full_name, areas=who.areas, may_act=who.role in ACTORS),
            "profiles": context().profiles,
        }

    def change(self, wanted: Act, comment: str = "") -> Message:
        status = change_status(
            self.session, self.outbreak_id, wanted, today=self.today, now=self.now, comment=comment, **self.by
        )
        return Message("Đã ghi. Ổ dịch nay ở trạng thái “{status}”.", status=Message(NAMES[status]))

    def check(self, wanted: Act) -> None:
        check_act(self.session, self.outbreak_id, wanted, today=self.today, **self.by)

    def survey(self, survey: Survey) -> Message:
        record_survey(self.session, self.outbreak_id, survey, today=self.today, now=self.now, **self.by)
        return Message("Đã ghi lần giám sát: {indices}.", indices=index_text(indices(survey)) or "–")

    def measure(
        self, kind: str | None, on: str | None, houses: Any, product: str | None, litres: Any,
        comment: str | None,
    ) -> Message:  # fmt: skip
        """What the form hides for this kind of work is not read."""
        if kind == NOTE:
            add_note(self.session, self.outbreak_id, comment or "", now=self.now, **self.by)
            return Message("Đã lưu ghi chú.")
        record_measure(
            self.session, self.outbreak_id, kind or "", on=_day(on), houses=_whole(houses),
            product=(product or "") if kind in WITH_PRODUCT else "",
            litres=_litres(litres) if kind == SPRAYING else None,
            comment=comment or "", today=self.today, now=self.now, **self.by,
        )  # fmt: skip
        return Message("Đã ghi việc đã làm.")

    def withdraw(self, entry_id: int, comment: str) -> Message:
        withdraw(self.session, entry_id, comment, now=self.now, **self.by)
        return Message("Đã rút lại.")


def _do(
    desk: _Desk,
    cause: Any,
    reason: tuple[str | None, str | None],
    survey: dict[str, Any],
    measure: dict[str, Any],
) -> dict[str, Any]:
    if isinstance(cause, dict):
        return _ask_reason(f"{WITHDRAW} {cause['withdraw']}", _("Rút lại mục đã nhập"))
    if cause == "outbreak-survey-save":
        return _done(desk.survey(_survey(survey)), survey_open=False, survey_error=None)
    if cause == "outbreak-measure-save":
        done = desk.measure(**measure)
        return _done(done, measure_open=False, measure_error=None)
    if cause == "outbreak-reason-save":
        purpose, text = reason[0] or "", reason[1] or ""
        what, _blank, entry = purpose.partition(" ")
        done = desk.withdraw(int(entry), text) if what == WITHDRAW else desk.change(Act(what), text)
        return _done(done, reason_open=False, reason_error=None, reason_text="")
    wanted = BUTTONS[cause]
    assert wanted is not None
    if wanted in NEEDS_REASON:
        desk.check(wanted)
        return _ask_reason(wanted.value, str(WORDS[cause]).rstrip("…"))
    return _done(desk.change(wanted))


def _ask_reason(purpose: str, title: str) -> dict[str, Any]:
    return _answer(reason_for=purpose, reason_title=title, reason_open=True, reason_error=None, feedback=None)


def _done(said: Message, **more: Any) -> dict[str, Any]:
    note = html.P([icon("check"), str(said)], className="form-done", role="status")
    return _answer(acted=datetime.now(UTC).isoformat(), feedback=note, **more)


def _answer(**given: Any) -> dict[str, Any]:
    names = ("acted", "feedback", "reason_for", "reason_title", "reason_open", "reason_error", "reason_text")
    forms = ("survey_open", "survey_error", "measure_open", "measure_error")
    return {name: given.get(name, no_update) for name in (*names, *forms)}


def _form_of(cause: Any) -> str:
    """The form whose “save” was pressed; empty for a plain button."""
    for form in ("reason", "survey", "measure"):
        if cause == f"outbreak-{form}-save":
            return form
    return ""


def _survey_values(part: Any) -> dict[str, Any]:
    return {name: part(f"outbreak-survey-{name}", "value") for name in ("on", *COUNTS)}


def _survey(values: Mapping[str, Any]) -> Survey:
    houses = _whole(values["houses"])
    if houses is None:
        raise SurveyError(Message("Hãy nhập số nhà đã kiểm tra."))
    counts = {name: _whole(values[name]) for name in COUNTS if name != "houses"}
    return Survey(on=_day(values["on"]), houses=houses, **counts)


def _whole(value: Any) -> int | None:
    """A count that was typed; None where the field was left empty."""
    return None if value in (None, "") else int(value)


def _litres(value: Any) -> float | None:
    try:
        return None if value in (None, "") else float(value)
    except ValueError:
        raise BadEntry(Message("Số lít phải là một số.")) from None


def _day(text: Any) -> date:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        raise SurveyError(Message("Hãy chọn ngày.")) from None


# --- what is on the page ---------------------------------------------------------------------------------


def actions() -> html.Div:
    """Every button there may be; `draw_detail` shows those that the state allows."""
    return html.Div(
        [
            *[
                html.Button(str(WORDS[name]), id=name, className="is-hidden", type="button")
                for name in BUTTONS
            ],
            html.A([icon("download"), _("Hồ sơ (PDF)")], id="outbreak-dossier", href="", className="button"),
        ],
        id="outbreak-actions",
        className="outbreak-actions is-hidden",
    )


def dialogs() -> list[Any]:
    with open_session() as session:
        today = local(now(session)).date().isoformat()
        products = products_used(session)
    return [
        dcc.Store(id="outbreak-reason-for"),
        _reason_dialog(),
        _survey_dialog(today),
        _measure_dialog(today, products),
    ]


def _reason_dialog() -> dmc.Modal:
    text = dmc.Textarea(
        id="outbreak-reason-text", label=_("Lý do"), description=str(NO_NAMES), autosize=True, minRows=3
    )
    return _dialog("outbreak-reason", "reason", _("Lý do"), [text], _("Lưu"))


def _survey_dialog(today: str) -> dmc.Modal:
    fields = [
        _number(f"outbreak-survey-{name}", str(label), 30 if name == "houses" else None)
        for name, label in COUNTS.items()
    ]
    return _dialog(
        "outbreak-survey-form",
        "survey",
        _("Giám sát véc tơ"),
        [
            _date("outbreak-survey-on", _("Ngày giám sát"), today),
            html.P(_("Để trống số chưa đếm; số 0 nghĩa là đã đếm và không có."), className="dim"),
            html.Div(fields, className="count-grid"),
            html.Div(id="outbreak-survey-indices", className="index-preview num", role="status"),
            index_help(),
        ],
        _("Lưu lần giám sát"),
    )


def _measure_dialog(today: str, products: Mapping[str, Sequence[str]]) -> dmc.Modal:
    kinds = [{"value": kind, "label": str(label)} for kind, label in MEASURES.items()]
    return _dialog(
        "outbreak-measure-form",
        "measure",
        _("Ghi việc đã làm"),
        [
            dmc.Select(
                id="outbreak-measure-kind", label=_("Việc"), data=kinds, value=SPRAYING, allowDeselect=False
            ),
            _date("outbreak-measure-on", _("Ngày làm"), today),
            _number("outbreak-measure-houses", _("Số nhà (nếu có)"), None),
            _used_fields(products),
            dmc.Textarea(
                id="outbreak-measure-comment", label=_("Ghi chú"), description=str(NO_NAMES), autosize=True,
                minRows=2,
            ),
        ],
        _("Lưu"),
    )  # fmt: skip


def _used_fields(products: Mapping[str, Sequence[str]]) -> html.Div:
    """Of rounds that use a product; suggestions are what was used before. `outbreaks.used` shows them by kind."""
    before = [
        {"group": str(MEASURES[kind]), "items": list(names)} for kind, names in products.items() if names
    ]
    return html.Div(
        [
            dmc.Autocomplete(
                id="outbreak-measure-product", label=_("Sản phẩm đã dùng (nếu biết)"), data=before,
                inputProps={"maxLength": MOST_LETTERS}, placeholder=_("Tên trên nhãn"),
            ),
            dmc.NumberInput(
                id="outbreak-measure-litres", label=_("Số lít đã phun"), min=0, max=MOST_LITRES, decimalScale=1,
                allowNegative=False, hideControls=True, inputProps={"inputMode": "decimal"},
                decimalSeparator="," if current_locale() == "vi" else ".",
            ),
        ],
        id="outbreak-measure-used",
        className="measure-used",
    )  # fmt: skip


def _dialog(id: str, name: str, title: str, fields: list[Any], save: str) -> dmc.Modal:
    return dmc.Modal(
        id=id,
        title=title,
        centered=True,
        children=[
            html.Div(fields, className="dialog-fields"),
            html.Div(id=f"outbreak-{name}-error"),
            html.Div(
                [
                    html.Button(_("Thôi"), id=f"outbreak-{name}-cancel", className="button", type="button"),
                    html.Button(
                        save, id=f"outbreak-{name}-save", className="button button-primary", type="button"
                    ),
                ],
                className="dialog-actions",
            ),
        ],
    )


def _date(id: str, label: str, today: str) -> dmc.DatePickerInput:
    return dmc.DatePickerInput(
        id=id, label=label, value=today, maxDate=today, valueFormat="DD/MM/YYYY", clearable=False
    )


def _number(id: str, label: str, value: int | None) -> dmc.NumberInput:
    start = {} if value is None else {"value": value}
    return dmc.NumberInput(
        id=id, label=label, min=0, max=1_000_000, allowDecimal=False, allowNegative=False, hideControls=True,
        inputProps={"inputMode": "numeric"}, **start,
    )  # fmt: skip
