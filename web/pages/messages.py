"""How I want to be told; and for those who look after it, who is told what and which messages did not arrive."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, MATCH, Dash, Input, Output, State, ctx, dcc, html, no_update
from sqlalchemy.orm import Session

from accounts.choices import (
    LEVELS,
    Listener,
    WantedMessages,
    choices_of,
    choose,
    forget_choice,
    listeners,
)
from accounts.models import Role
from accounts.service import AccountError, active_user
from alerts import levels
from alerts.channels import EMAIL, PUSH, SMS, TELEGRAM, ZALO
from alerts.channels.outlets import NAMES, connected
from alerts.delivery import DIGEST_AT, CannotResend
from alerts.inbox import InboxError, resend
from alerts.levels import Level
from alerts.outbox_views import DeadLetter, dead_letters, waiting_by_channel
from alerts.telling.faults import FaultView, clear_fault, faults
from i18n import Message, _
from web.context import context, disease_name, for_roles, now, open_session, viewer
from web.formats import aria, count, empty, field, link, moment, stored, table
from web.pages.telling_panels import quiet_form
from web.push_card import push_card

KEEPERS = (Role.ANALYST, Role.MANAGER)
RESENDERS = (Role.ANALYST, Role.OFFICER)
HINTS = {
    SMS: (Message("Số di động"), Message("Tin ngắn không dấu, có mức, nơi và đường dẫn.")),
    TELEGRAM: (
        Message("Mã Telegram của bạn"),
        Message("Nhắn /start cho bot của cơ quan trước, rồi hỏi quản trị viên mã của bạn."),
    ),
    ZALO: (
        Message("Mã người dùng Zalo"),
        Message("Zalo chỉ cho gửi khi bạn đã nhắn cho OA của cơ quan trong 7 ngày qua."),
    ),
}


def layout(rest: str = "", **_query: str) -> Any:
    who = viewer()
    with open_session() as session:
        user = active_user(session, who.id)
        assert user is not None
        mine, email = choices_of(session, who.id), user.email
        quiet = quiet_form(session)
    usable = connected(context().settings)
    push = [push_card(on=PUSH in mine)] if PUSH in usable else []
    cards = [
        html.Div(_form(channel, mine.get(channel), email), id={"told": channel}, className="card told-card")
        for channel in NAMES
        if (channel in usable or channel in mine) and (channel != PUSH or channel in mine)
    ]
    missing = [str(name) for channel, name in NAMES.items() if channel not in usable]
    return html.Div(
        [
            dcc.Store(id="messages-resent"),
            html.Div(html.H1(_("Tôi nhận tin thế nào"), className="page-title"), className="page-head"),
            html.P(
                _(
                    "Mọi cảnh báo luôn có trong hộp cảnh báo. Khi địa bàn đạt hoặc hết “cảnh báo”, “có dịch” theo "
                    "Thông tư 15/2026/TT-BYT, bạn được báo ngay bằng mọi cách đã bật, dù chọn mức hay bệnh nào."
                ),
                className="lead-note",
            ),
            html.Div(id="address-faults"),
            html.Div([*cards, *push], className="card-grid told-grid"),
            html.P(_("Cơ quan chưa nối: {names}.", names=", ".join(missing)), className="dim")
            if missing
            else None,
            quiet,
            html.Div(id="messages-rest"),
        ],
        className="page",
    )


def register(app: Dash) -> None:
    app.callback(
        Output({"told": MATCH}, "children"),
        Input({"told-save": MATCH}, "n_clicks"),
        Input({"told-off": MATCH}, "n_clicks"),
        State({"told-address": MATCH}, "value"),
        State({"told-level": MATCH}, "value"),
        State({"told-digest": MATCH}, "checked"),
        State({"told-diseases": MATCH}, "value"),
        prevent_initial_call=True,
    )(save)
    app.callback(
        Output("messages-rest", "children"),
        Input({"resend": ALL}, "n_clicks"),
        Input("version", "data"),
    )(draw_rest)
    app.callback(
        Output("address-faults", "children"),
        Input({"fault-clear": ALL}, "n_clicks"),
        Input("version", "data"),
    )(draw_faults)


def save(
    _save: int | None,
    _off: int | None,
    address: str | None,
    level: str | None,
    digest: bool | None,
    diseases: list[str] | None,
) -> Any:
    """Turn one channel on, change it, or turn it off. What was typed stays when it is refused."""
    cause = ctx.triggered_id
    if not isinstance(cause, dict) or not ctx.triggered[0]["value"]:
        return no_update
    (act, channel), *_none = cause.items()
    wanted = WantedMessages(
        channel=channel,
        address=address,
        at_once_from=int(level or 0),
        digest=bool(digest),
        diseases=frozenset(diseases) if diseases else None,
    )
    with open_session() as session:
        user = active_user(session, viewer().id)
        assert user is not None
        if act == "told-off":
            forget_choice(session, user.id, channel)
            return _form(channel, None, user.email, told=_("Đã tắt."))
        try:
            choose(session, user, wanted, datetime.now(UTC))
        except AccountError as error:
            return _form(channel, wanted, user.email, wrong=str(error.message))
        return _form(channel, choices_of(session, user.id)[channel], user.email, told=_("Đã lưu."))


def draw_rest(_resend: list[int | None], _version: str | None) -> Any:
    """Below one's own choices. A click on “send again” is done first."""
    who, cause = viewer(), ctx.triggered_id
    said: Any = None
    with open_session() as session:
        if isinstance(cause, dict) and ctx.triggered[0]["value"]:
            said = _send_again(session, int(cause["resend"]))
        letters, total = dead_letters(session, who.area_ids)
        parts = [*_dead(letters, total, said)]
        if who.role in KEEPERS:
            parts += [*_waiting(session), *_who_gets_what(session, who.area_ids)]
    return parts


def draw_faults(_clear: list[int | None], _version: str | None) -> Any:
    """Addresses that bounce: one's own, and for those who look after accounts everybody's."""
    who, cause = viewer(), ctx.triggered_id
    keeper = who.role in KEEPERS
    with open_session() as session:
        if isinstance(cause, dict) and ctx.triggered[0]["value"]:
            user = active_user(session, who.id)
            assert user is not None
            clear_fault(session, int(cause["fault-clear"]), by=user, now=datetime.now(UTC))
        found = faults(session, who.area_ids if keeper else None, None if keeper else who.id)
    if not found:
        return None
    return [
        html.H2(_("Địa chỉ thư bị trả lại ({n})", n=count(len(found))), className="section-title"),
        html.Div([_fault(one) for one in found], className="card faults"),
    ]


def _fault(one: FaultView) -> html.Div:
    words = html.Div(
        [
            html.Div([html.Strong(one.name), f" · {one.address}"]),
            html.Div(str(one.reason)),
            html.Div(
                _("Từ {at}. Hãy sửa địa chỉ trong tài khoản, hoặc kiểm tra lại.", at=moment(one.since)),
                className="dim",
            ),
        ]
    )
    button = html.Button(
        _("Đã kiểm tra"),
        id={"fault-clear": one.id},
        className="button",
        type="button",
        **aria(label=_("Đã kiểm tra địa chỉ của {name}", name=one.name)),
    )
    return html.Div([words, button], className="dead-letter")


@for_roles(*RESENDERS)
def _send_again(session: Session, delivery_id: int) -> Any:
    user = active_user(session, viewer().id)
    assert user is not None
    try:
        resend(session, delivery_id, user=user, now=now(session))
    except (CannotResend, InboxError) as error:
        return html.P(str(error.message), className="form-error", role="alert")
    return html.P(_("Đã đưa vào hàng chờ gửi."), className="form-done", role="status")


# --- my own choices --------------------------------------------------------------------------------------


def _form(
    channel: str, wanted: WantedMessages | None, email: str | None, *, told: str = "", wrong: str = ""
) -> list[Any]:
    on = wanted is not None and not wrong
    off = _("theo quy định chung") if channel == EMAIL and viewer().role is Role.OFFICER else _("đang tắt")
    chip = html.Span(_("đang bật") if on else off, className="status-chip is-ok" if on else "status-chip")
    feedback = html.P(wrong, className="form-error", role="alert") if wrong else None
    done = html.Span(told, className="dim", role="status") if told else None
    return [
        html.Div([html.H2(str(NAMES[channel]), className="card-title"), chip], className="card-head"),
        _address(channel, wanted, email),
        field(_("Báo ngay từ mức"), _level_choice(channel, wanted)),
        dmc.Switch(
            id={"told-digest": channel},
            checked=wanted.digest if wanted else True,
            label=_("Mức thấp hơn và tin hạ mức: gộp một tin lúc {hour} giờ sáng", hour=DIGEST_AT.hour),
        ),
        dmc.MultiSelect(
            id={"told-diseases": channel},
            label=_("Bệnh"),
            data=[{"value": code, "label": disease_name(code)} for code in context().diseases],
            value=sorted(wanted.diseases) if wanted and wanted.diseases else [],
            placeholder="" if wanted and wanted.diseases else _("Tất cả các bệnh"),
            clearable=True,
        ),
        feedback,
        html.Div(
            [
                _button(
                    _("Lưu") if on else _("Bật"), {"told-save": channel}, NAMES[channel], "button-primary"
                ),
                _button(_("Tắt"), {"told-off": channel}, NAMES[channel], "" if on else "is-hidden"),
                done,
            ],
            className="told-acts",
        ),
    ]


def _address(channel: str, wanted: WantedMessages | None, email: str | None) -> Any:
    """E-mail goes to the account's address, which is not changed here."""
    if channel == EMAIL:
        hidden = dcc.Input(id={"told-address": channel}, type="hidden", value="")
        said = email or _("Tài khoản chưa có địa chỉ thư.")
        rule = _("Khi tắt, bạn vẫn nhận thư theo quy định chung: từ mức Cao.")
        hint = html.Div(rule if viewer().role is Role.OFFICER else "", className="field-hint dim")
        return html.Div([hidden, html.Div(said, className="told-email"), hint])
    if channel == PUSH:
        hidden = dcc.Input(id={"told-address": channel}, type="hidden", value="")
        return html.Div([hidden, html.Div(_("Mọi máy bạn đã bật thông báo."), className="field-hint dim")])
    label, about = HINTS[channel]
    return dmc.TextInput(
        id={"told-address": channel},
        label=str(label),
        description=str(about),
        value=(wanted.address if wanted else "") or "",
        inputProps={"inputMode": "tel" if channel == SMS else "numeric", "maxLength": 40},
    )


def _level_choice(channel: str, wanted: WantedMessages | None) -> dmc.SegmentedControl:
    return dmc.SegmentedControl(
        id={"told-level": channel},
        data=[{"value": str(level), "label": str(levels.name(Level(level)))} for level in LEVELS],
        value=str(wanted.at_once_from if wanted and wanted.at_once_from in LEVELS else Level.CAO.value),
        fullWidth=True,
    )


def _button(text: str, id_: Any, channel: Message, tone: str) -> html.Button:
    label = aria(label=f"{text}: {channel}")
    return html.Button(text, id=id_, className=f"button {tone}".strip(), type="button", **label)


# --- what became of messages -----------------------------------------------------------------------------


def _dead(letters: tuple[DeadLetter, ...], total: int, said: Any) -> list[Any]:
    title = html.H2(_("Tin không gửi được ({n})", n=count(total)), className="section-title")
    if not letters:
        return [title, said, empty(_("Không có tin nào bị ngừng gửi."))]
    rows = [
        html.Div([_letter(letter), _resend_button(letter)], className="dead-letter") for letter in letters
    ]
    return [title, said, html.Div(rows, className="card")]


def _letter(letter: DeadLetter) -> html.Div:
    about = [letter.user_name, str(NAMES.get(letter.channel, letter.channel)), moment(letter.created_at)]
    return html.Div(
        [
            link(f"{disease_name(letter.disease)}, {letter.unit_name}", f"/alerts/{letter.alert_id}")
            if letter.disease
            else link(_("Việc theo luật hôm nay"), "/duties"),
            html.Div(" · ".join(about), className="dim"),
            html.Div(stored(letter.error)),
        ]
    )


def _resend_button(letter: DeadLetter) -> Any:
    if viewer().role not in RESENDERS:
        return None
    label = aria(label=_("Gửi lại cho {person}", person=letter.user_name))
    return html.Button(_("Gửi lại"), id={"resend": letter.id}, className="button", type="button", **label)


def _waiting(session: Session) -> list[Any]:
    waiting = waiting_by_channel(session)
    if not waiting:
        return []
    words = ", ".join(f"{NAMES.get(channel, channel)} {count(n)}" for channel, n in sorted(waiting.items()))
    return [html.P(_("Đang chờ gửi: {words}.", words=words), className="dim")]


def _who_gets_what(session: Session, area_ids: set[int] | None) -> list[Any]:
    people = listeners(session, area_ids)
    rows = [
        (person.full_name, ", ".join(person.area_names) or _("Toàn thành phố"), _ways(person))
        for person in people
    ]
    head = [_("Người"), _("Địa bàn"), _("Cách báo, ngoài hộp cảnh báo")]
    return [
        html.H2(_("Ai nhận tin gì ({n})", n=len(people)), className="section-title"),
        html.Div(table(head, rows), className="card"),
    ]


def _ways(person: Listener) -> Any:
    lines = [html.Div(_way(choice)) for choice in person.choices]
    if person.role == Role.OFFICER and EMAIL not in {choice.channel for choice in person.choices}:
        usual = _("Thư điện tử theo quy định chung: từ mức Cao") if person.email else _("Chưa có địa chỉ thư")
        lines.insert(0, html.Div(usual, className="dim"))
    return lines or html.Span("–", className="dim")


def _way(choice: WantedMessages) -> str:
    name, level = str(NAMES.get(choice.channel, choice.channel)), str(levels.name(Level(choice.at_once_from)))
    words = _("{channel} từ mức {level}", channel=name, level=level)
    if choice.digest:
        words += _(", dưới mức đó gộp mỗi sáng")
    if choice.diseases is not None:
        words += ": " + ", ".join(disease_name(code) for code in sorted(choice.diseases))
    return words
