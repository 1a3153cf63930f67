"""What people do on an alert's page: one clear step for the present state, the others beside it, and their dialogs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, html, no_update
from sqlalchemy.orm import Session

from accounts.models import Role, User
from accounts.service import active_user
from alerts import inbox
from alerts.acts import UNJUDGED, Act, state_name
from alerts.acts import State as AlertState
from alerts.attachments import Store, detach
from alerts.batch import Holder, holders
from alerts.inbox import InboxError
from alerts.levels import NAMES, Level
from alerts.life_views import Life, originals
from alerts.views import AlertDetail
from i18n import Message, _
from surveillance.privacy import Vault
from web.context import context, for_roles, now, open_session, viewer
from web.pressed import pressed

ACTORS = (Role.ANALYST, Role.OFFICER)
NO_NAMES = Message("Không ghi tên, điện thoại hay địa chỉ người bệnh.")
WORDS: Mapping[str, Message] = {
    "alert-acknowledge": Message("Tiếp nhận"),
    "alert-verify": Message("Bắt đầu kiểm tra"),
    "alert-close": Message("Kết luận…"),
    "alert-finish": Message("Đóng cảnh báo"),
    "alert-assign": Message("Giao cho…"),
    "alert-reopen": Message("Mở lại…"),
}
"""Buttons in the order in which the first that is allowed becomes the one clear step."""
NEVER_FIRST = ("alert-assign", "alert-reopen")
ROLE_NAMES = {Role.OFFICER: Message("cán bộ"), Role.ANALYST: Message("chuyên viên")}
DETACH = "detach"
REASON_PARTS = (
    ("reason-for", "data"), ("reason-dialog", "title"), ("reason-dialog", "opened"), ("reason-error", "children"),
)  # fmt: skip


def register(app: Dash) -> None:
    outputs = {
        "acted": Output("alerts-acted", "data"),
        "feedback": Output("alert-feedback", "children"),
        "comment": Output("alert-comment", "value"),
        "close_open": Output("close-dialog", "opened"),
        "close_error": Output("close-error", "children"),
        "close_reason": Output("close-reason", "value"),
        "assign_open": Output("assign-dialog", "opened"),
        "assign_error": Output("assign-error", "children"),
        "assign_note": Output("assign-note", "value"),
        "reason_open": Output("reason-dialog", "opened"),
        "reason_error": Output("reason-error", "children"),
        "reason_text": Output("reason-text", "value"),
        "reason_title": Output("reason-dialog", "title"),
        "reason_for": Output("reason-for", "data"),
    }
    pressable = (
        "alert-acknowledge", "alert-verify", "alert-finish", "alert-reopen", "alert-watch", "alert-comment-send",
        "conclude-confirm", "close-confirm", "assign-save", "reason-save",
    )  # fmt: skip
    app.callback(
        output=outputs,
        inputs={"_clicks": [Input(name, "n_clicks") for name in pressable]},
        state={
            "alert_id": State("alerts-id", "data"),
            "seen": State("alert-seen", "data"),
            "words": State("alert-comment", "value"),
            "outcome": State("close-outcome", "value"),
            "original": State("close-original", "value"),
            "why": State("close-reason", "value"),
            "to": State("assign-to", "value"),
            "note": State("assign-note", "value"),
            "reason": (State("reason-for", "data"), State("reason-text", "value")),
        },
        prevent_initial_call=True,
    )(act)
    app.callback(
        *(Output(*part, allow_duplicate=True) for part in REASON_PARTS),
        Input({"detach": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )(ask_detach)
    for name, button in (("close", "alert-close"), ("assign", "alert-assign"), ("reason", "")):
        app.clientside_callback(
            ClientsideFunction("shell", "toggle"),
            Output(f"{name}-dialog", "opened", allow_duplicate=True),
            *([Input(button, "n_clicks")] if button else []),
            Input(f"{name}-cancel", "n_clicks"),
            prevent_initial_call=True,
        )
    app.clientside_callback(
        ClientsideFunction("alerts", "showOriginal"),
        Output("close-original-field", "className"),
        Input("close-outcome", "value"),
    )
    app.clientside_callback(
        ClientsideFunction("alerts", "upload"),
        Output("alert-upload-note", "children"),
        Output("alerts-acted", "data", allow_duplicate=True),
        Output("alert-upload", "contents"),
        Input("alert-upload", "contents"),
        State("alerts-id", "data"),
        State("alert-upload-words", "data"),
        prevent_initial_call=True,
    )


@for_roles(*ACTORS)
def act(
    _clicks: list[int | None],
    alert_id: str | None,
    seen: int | None,
    words: str | None,
    outcome: Any,
    original: str | None,
    why: str | None,
    to: str | None,
    note: str | None,
    reason: Sequence[str | None] | None,
) -> dict[str, Any]:
    """Do what was pressed. A refusal is shown where the visitor looks; nothing typed is lost."""
    press = pressed()
    if not alert_id or press is None:
        return _answer()
    typed = {
        "seen": seen, "words": words or "", "outcome": outcome, "original": original, "why": why or "",
        "to": to, "note": note or "", "reason": tuple(reason or ("", "")),
    }  # fmt: skip
    try:
        with open_session() as session:
            return _Desk(session, int(alert_id), typed).do(press.cause)
    except InboxError as error:
        shown = html.P(str(error.message), className="form-error", role="alert")
        if isinstance(error, inbox.Overtaken):
            return _done(feedback=shown, close_open=False, assign_open=False, reason_open=False)
        form = _form_of(press.cause)
        return _answer(**({f"{form}_open": True, f"{form}_error": shown} if form else {"feedback": shown}))


@for_roles(*ACTORS)
def ask_detach(_clicks: list[int | None]) -> tuple[Any, ...]:
    """Why a file is to go. Apart from `act`: these buttons are drawn anew with the page, which starts their callback,
    and Dash drops the answer to a press that is still on its way when its callback starts again."""
    press = pressed()
    if press is None:
        return (no_update,) * len(REASON_PARTS)
    return f"{DETACH} {press.cause['detach']}", _("Gỡ tệp đính kèm"), True, None


class _Desk:
    """One visitor acting on one alert now, with what they typed."""

    def __init__(self, session: Session, alert_id: int, typed: dict[str, Any]) -> None:
        self.session, self.alert_id, self.typed = session, alert_id, typed
        self.user = acting_user(session)
        self.by: dict[str, Any] = {"user": self.user, "now": now(session)}
        self.seeing = self.by | {"seen": typed["seen"]}

    def do(self, cause: str) -> dict[str, Any]:
        steps = {
            "alert-acknowledge": self.acknowledge,
            "alert-verify": self.verify,
            "alert-finish": self.finish,
            "alert-reopen": self.ask_reopen,
            "alert-watch": self.watch,
            "alert-comment-send": self.comment,
            "conclude-confirm": self.conclude,
            "close-confirm": self.close,
            "assign-save": self.assign,
            "reason-save": self.give_reason,
        }
        return steps[cause]()

    def acknowledge(self) -> dict[str, Any]:
        inbox.acknowledge(self.session, self.alert_id, **self.by)
        return _done()

    def verify(self) -> dict[str, Any]:
        inbox.verify(self.session, self.alert_id, **self.seeing)
        return _done()

    def finish(self) -> dict[str, Any]:
        inbox.close(self.session, self.alert_id, **self.seeing)
        return _done()

    def ask_reopen(self) -> dict[str, Any]:
        return _answer(
            reason_for="reopen", reason_title=_("Mở lại cảnh báo"), reason_open=True, reason_error=None,
            feedback=None,
        )  # fmt: skip

    def watch(self) -> dict[str, Any]:
        inbox.watch(self.session, self.alert_id, on=None, **self.by)
        return _done()

    def comment(self) -> dict[str, Any]:
        inbox.comment(self.session, self.alert_id, text=self.typed["words"], **self.by)
        return _done(comment="")

    def conclude(self) -> dict[str, Any]:
        inbox.conclude(self.session, self.alert_id, **self._judgement())
        return _done(close_open=False, close_error=None, close_reason="")

    def close(self) -> dict[str, Any]:
        inbox.close(self.session, self.alert_id, **self._judgement())
        return _done(close_open=False, close_error=None, close_reason="")

    def assign(self) -> dict[str, Any]:
        to = self.typed["to"]
        if not to:
            raise inbox.BadInput(Message("Hãy chọn người nhận việc."))
        inbox.assign(self.session, self.alert_id, to=int(to), note=self.typed["note"], **self.seeing)
        return _done(assign_open=False, assign_error=None, assign_note="")

    def give_reason(self) -> dict[str, Any]:
        purpose, words = (str(part or "") for part in self.typed["reason"])
        what, _blank, file_id = purpose.partition(" ")
        if what == DETACH:
            detach(self.session, int(file_id), reason=words, store=file_store(), **self.by)
        else:
            inbox.reopen(self.session, self.alert_id, reason=words, **self.seeing)
        return _done(reason_open=False, reason_error=None, reason_text="")

    def _judgement(self) -> dict[str, Any]:
        original = self.typed["original"]
        wanted = int(original) if original and self.typed["outcome"] == "duplicate" else None
        given = {"outcome": self.typed["outcome"], "comment": self.typed["why"], "duplicate_of": wanted}
        return given | self.seeing


def acting_user(session: Session) -> User:
    user = active_user(session, viewer().id)
    assert user is not None
    return user


def file_store() -> Store:
    settings = context().settings
    return Store(settings.attachments, Vault.of(settings.secret_key))


def _done(**more: Any) -> dict[str, Any]:
    """Draw the page anew. What was typed stays unless `more` says otherwise."""
    return _answer(**({"acted": datetime.now(UTC).isoformat(), "feedback": None} | more))


def _answer(**given: Any) -> dict[str, Any]:
    names = (
        "acted", "feedback", "comment", "close_open", "close_error", "close_reason", "assign_open", "assign_error",
        "assign_note", "reason_open", "reason_error", "reason_text", "reason_title", "reason_for",
    )  # fmt: skip
    return {name: given.get(name, no_update) for name in names}


def _form_of(cause: str) -> str:
    """The dialog whose button was pressed; empty for a plain button."""
    forms = {
        "conclude-confirm": "close",
        "close-confirm": "close",
        "assign-save": "assign",
        "reason-save": "reason",
    }
    return forms.get(cause, "")


# --- what is offered -------------------------------------------------------------------------------------


def offered(life: Life, state: str) -> list[str]:
    """Class names of the buttons of WORDS: the first that is allowed stands out."""
    unjudged = state in UNJUDGED
    shown = {
        "alert-acknowledge": Act.ACKNOWLEDGE in life.acts,
        "alert-verify": Act.VERIFY in life.acts,
        "alert-close": unjudged and Act.CLOSE in life.acts,
        "alert-finish": not unjudged and Act.CLOSE in life.acts,
        "alert-assign": Act.ASSIGN in life.acts,
        "alert-reopen": Act.REOPEN in life.acts,
    }
    first = next((name for name in WORDS if shown[name] and name not in NEVER_FIRST), None)
    return [
        "is-hidden" if not shown[name] else "button button-primary" if name == first else "button"
        for name in WORDS
    ]


def people(session: Session, unit_ids: Sequence[int]) -> list[dict[str, str]]:
    """Who may hold alerts of these units, oneself first."""
    return [
        _person(holder) for holder in sorted(holders(session, unit_ids), key=lambda h: h.id != viewer().id)
    ]


def _person(holder: Holder) -> dict[str, str]:
    role = str(ROLE_NAMES[holder.role])
    name = _("{name} (tôi)", name=holder.name) if holder.id == viewer().id else holder.name
    label = _("{name} · {role}, đang giữ {n}", name=name, role=role, n=holder.open_alerts)
    return {"value": str(holder.id), "label": label}


def original_choices(session: Session, detail: AlertDetail) -> list[dict[str, str]]:
    return [
        {
            "value": str(item.id),
            "label": _(
                "Số {n} · {place} · {level} · {state}",
                n=str(item.id), place=item.unit_name, level=_(NAMES[Level(item.level)]),
                state=state_name(AlertState(item.state)),
            ),
        }
        for item in originals(session, detail.summary, viewer().area_ids)
    ]  # fmt: skip
