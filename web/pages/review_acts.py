"""What people do on the page of addresses: look, accept, pin, correct, leave open, take back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, html, no_update
from sqlalchemy.orm import Session

from accounts.service import full_names, record_access
from geodata.types import PlaceLevel
from i18n import Message, MessageError, _
from surveillance.outbreaks.acts import Actor
from surveillance.privacy import PrivacyError, Vault
from surveillance.review import fixes
from surveillance.review.detail import candidates, shares_of, unit_covering
from surveillance.review.fixes import Done, FixError, Overtaken
from surveillance.review.learnt import revoke
from surveillance.review.placing import MAX_TYPED, BadChoice, Choice, read_text
from surveillance.review.queue import waiting
from surveillance.review.texts import read_words
from web.context import context, for_roles, now, open_session, viewer
from web.formats import icon, moment, stored
from web.pages.review_detail import PIN_LEVELS, REVIEWERS, candidate_buttons, lesson_text, undo_button
from web.pressed import pressed

MOST_REVEALED = 600


def register(app: Dash) -> None:
    app.callback(
        Output("review-acted", "data"),
        Output("review-feedback", "children"),
        Output("review-unknown", "opened"),
        Output("review-unknown-error", "children"),
        Input({"review": "pick", "unit": ALL}, "n_clicks"),
        Input({"review": "read", "unit": ALL}, "n_clicks"),
        Input({"review": "undo", "act": ALL}, "n_clicks"),
        Input({"review": "forget", "alias": ALL}, "n_clicks"),
        Input("review-take", "n_clicks"),
        Input("review-pin-save", "n_clicks"),
        Input("review-unknown-save", "n_clicks"),
        State("review-shown", "data"),
        State("review-together", "checked"),
        State("review-remember", "checked"),
        State("review-unit", "value"),
        State("review-map", "pin"),
        State("review-pin-level", "value"),
        State("review-text", "value"),
        State("review-reason", "value"),
        prevent_initial_call=True,
    )(act)
    app.callback(
        Output("review-address", "children", allow_duplicate=True),
        Output("review-text", "value", allow_duplicate=True),
        Output("review-text-panel", "className", allow_duplicate=True),
        Input("review-reveal", "n_clicks"),
        Input("review-text-open", "n_clicks"),
        State("review-shown", "data"),
        prevent_initial_call=True,
    )(reveal)
    app.callback(
        Output("review-text-result", "children"),
        Input("review-text-try", "n_clicks"),
        Input("review-shown", "data"),
        State("review-text", "value"),
        prevent_initial_call=True,
    )(try_text)
    app.callback(
        Output("review-unit", "value", allow_duplicate=True),
        Output("review-pin-where", "children"),
        Output("review-pin-panel", "className"),
        Input("review-map", "pin"),
        State("review-shown", "data"),
        prevent_initial_call=True,
    )(pinned)
    app.clientside_callback(
        ClientsideFunction("review", "pin"),
        Output("review-map", "pin", allow_duplicate=True),
        Input("review-pin-open", "n_clicks"),
        State("review-map", "pin"),
        State("review-map", "viewState"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("review", "clicked"),
        Output("review-unit", "value", allow_duplicate=True),
        Output("review-map", "pin", allow_duplicate=True),
        Input("review-map", "clickData"),
        State("review-map", "pin"),
        State("review-unit", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("shell", "toggle"),
        Output("review-unknown", "opened", allow_duplicate=True),
        Input("review-unknown-open", "n_clicks"),
        Input("review-unknown-cancel", "n_clicks"),
        prevent_initial_call=True,
    )


@for_roles(*REVIEWERS)
def act(
    _picked: Any, _read: Any, _undone: Any, _forgotten: Any, _take: Any, _pin_save: Any, _unknown: Any,
    shown: dict[str, Any] | None, together: bool, remember: bool, unit: str | None, pin: dict[str, float] | None,
    level: str | None, typed: str | None, reason: str | None,
) -> tuple[Any, ...]:  # fmt: skip
    """Do what was pressed. A refusal is shown where the visitor looks and changes nothing."""
    press = pressed()
    if press is None:
        return (no_update,) * 4
    cause = press.cause
    try:
        with open_session() as session:
            desk = _desk(session)
            if isinstance(cause, dict) and cause["review"] == "undo":
                said = _taken_back(fixes.undo(desk, int(cause["act"])))
            elif isinstance(cause, dict) and cause["review"] == "forget":
                said = _forget(session, desk.actor, int(cause["alias"]), desk.now)
            elif cause == "review-unknown-save":
                case_id, seen = _seen(shown)
                done = fixes.leave_unknown(desk, case_id, reason or "", seen=seen, together=bool(together))
                said = _left_open(done)
            else:
                choice = _choice(cause, unit, pin, level, typed)
                case_id, seen = _seen(shown)
                done = fixes.place_case(
                    desk, case_id, choice, seen=seen, together=bool(together), remember=bool(remember)
                )
                said = _placed(done, session)
    except (FixError, BadChoice) as error:
        told = html.P([icon("alert-triangle"), _refusal(error)], className="form-error", role="alert")
        if cause == "review-unknown-save":
            return no_update, no_update, no_update, told
        overtaken = {"at": datetime.now(UTC).isoformat()} if isinstance(error, Overtaken) else no_update
        return overtaken, told, False, None
    acted = {"at": datetime.now(UTC).isoformat(), "done": _ended(cause, shown)}
    return acted, said, False, None


@for_roles(*REVIEWERS)
def reveal(_reveal: Any, _open: Any, shown: dict[str, Any] | None) -> tuple[Any, ...]:
    """The address as it was written. Personal data: written down before it is shown."""
    if not shown or pressed() is None:
        return (no_update,) * 3
    case_id = int(shown["case"])
    with open_session() as session:
        found = waiting(session, viewer().area_ids, case_id=case_id)
        if not found or found[0].words_id is None:
            return _("Ca này không còn chờ xem trong danh sách của bạn."), no_update, no_update
        record_access(session, viewer().id, "address.reveal", {"case": case_id}, datetime.now(UTC))
    with open_session() as session:
        try:
            words = read_words(session, found[0].words_id, _vault())
        except PrivacyError as error:
            return html.Span(str(error.message), className="form-error", role="alert"), no_update, no_update
    whole = ", ".join(filter(None, (words.address, words.columns)))
    editing = ctx.triggered_id == "review-text-open"
    return (
        _revealed(whole),
        whole[:MAX_TYPED] if editing else no_update,
        "review-panel" if editing else no_update,
    )


def _revealed(whole: str) -> Any:
    """All of it, the end folded away where it is longer than an address."""
    if len(whole) <= MOST_REVEALED:
        return html.Strong(whole or _("(để trống)"), className="review-revealed")
    rest = _("Còn {n} ký tự", n=len(whole) - MOST_REVEALED)
    return [
        html.Strong(whole[:MOST_REVEALED] + "…", className="review-revealed"),
        html.Details([html.Summary(rest), html.Div(whole[MOST_REVEALED:], className="review-revealed")]),
    ]


@for_roles(*REVIEWERS)
def try_text(_try: Any, shown: dict[str, Any] | None, typed: str | None) -> Any:
    """Where the corrected text leads, before anything is decided."""
    if ctx.triggered_id != "review-text-try" or not shown:
        return None
    if not (typed or "").strip():
        return html.P(_("Hãy ghi lại địa chỉ."), className="form-error", role="alert")
    with open_session() as session:
        placer = context().placers.of(session, context().settings.deployment)
        found = waiting(session, viewer().area_ids, case_id=int(shown["case"]))
        if not found:
            return html.P(_("Ca này không còn chờ xem trong danh sách của bạn."), className="dim")
        match = read_text((typed or "")[:MAX_TYPED], found[0], placer)
        shares = shares_of(match, placer)
        units = list(shares) or ([placer.unit_ids[match.unit]] if match.unit else [])
        read = candidates(session, units, shares)
    if not read:
        return html.P(
            _("Vẫn chưa đọc ra xã, phường: {rule}.", rule=_(match.rule)), className="dim", role="status"
        )
    return [html.P(f"{_(match.rule)}:", className="dim", role="status"), *candidate_buttons(read, "read")]


@for_roles(*REVIEWERS)
def pinned(pin: dict[str, float] | None, shown: dict[str, Any] | None) -> tuple[Any, ...]:
    """The commune drawn around the pin, for the person to confirm."""
    if not pin or not shown:
        return no_update, None, "review-panel is-hidden"
    with open_session() as session:
        unit = unit_covering(session, pin["lng"], pin["lat"])
        named = candidates(session, [unit]) if unit else []
    where = (
        _("Ghim nằm trong {name} theo ranh giới trên bản đồ.", name=named[0].name)
        if named
        else _("Ghim không nằm trong xã, phường nào trên bản đồ: ngoài biển hoặc ngoài địa bàn.")
    )
    alone = shown.get("by_area") and shown.get("together", 1) > 1
    notes = [html.P(where), *([html.P(_("Ghim chỉ dùng cho ca này."), className="dim")] if alone else [])]
    return str(unit) if unit and viewer().may_see(unit) else None, notes, "review-panel"


# --- one act -----------------------------------------------------------------------------------------------


def _desk(session: Session) -> fixes.Desk:
    who = viewer()
    return fixes.Desk(
        session=session,
        actor=Actor(user_id=who.id, name=who.full_name, areas=who.areas, may_act=who.role in REVIEWERS),
        placer=context().placers.of(session, context().settings.deployment),
        vault=_vault(),
        now=now(session),
    )


def _vault() -> Vault:
    return Vault.of(context().settings.secret_key)


def _seen(shown: dict[str, Any] | None) -> tuple[int, int]:
    """The case on show and its version."""
    if not shown:
        raise BadChoice(Message("Hãy chọn một địa chỉ trong danh sách trước."))
    return int(shown["case"]), int(shown["version"])


def _choice(
    cause: Any, unit: str | None, pin: dict[str, float] | None, level: str | None, typed: str | None
) -> Choice:
    chosen = int(unit) if unit and unit.isdigit() else None
    if isinstance(cause, dict):
        kind = "text" if cause["review"] == "read" else "choice"
        return Choice(kind=kind, unit_id=int(cause["unit"]), typed=typed or "" if kind == "text" else "")  # type: ignore[arg-type]
    if cause == "review-pin-save":
        where = pin or {}
        known = level if level in {one.value for one in PIN_LEVELS} else PlaceLevel.COMMUNE
        return Choice(
            kind="pin", unit_id=chosen, lon=where.get("lng"), lat=where.get("lat"), level=PlaceLevel(known)
        )
    return Choice(kind="choice", unit_id=chosen)


def _ended(cause: Any, shown: dict[str, Any] | None) -> int | None:
    """The case to go on from; None where the act was about another."""
    about_another = isinstance(cause, dict) and cause["review"] in ("undo", "forget")
    return int(shown["case"]) if shown and not about_another else None


def _placed(done: Done, session: Session) -> Any:
    name = fixes.unit_of(session, done.act)
    words = [_("Đã đặt {n} ca vào {name}.", n=len(done.cases), name=name)]
    if done.learnt:
        words.append(_("Đã nhớ {words}.", words=lesson_text(done.learnt)))
    return _told(" ".join(words), done.act)


def _left_open(done: Done) -> Any:
    return _told(_("Đã ghi: không thể xác định ({n} ca).", n=len(done.cases)), done.act)


def _taken_back(done: Done) -> Any:
    words = _("Đã hoàn tác cho {n} ca; ca lại chờ xem.", n=len(done.cases))
    if done.left:
        words += " " + _("{n} ca đã được sửa lần nữa nên giữ nguyên.", n=done.left)
    return _told(words)


def _forget(session: Session, actor: Actor, alias_id: int, at: datetime) -> Any:
    if actor.areas is not None:
        raise FixError(Message("Chỉ người phụ trách toàn địa bàn sửa được những cách ghi đã nhớ."))
    gone = revoke(session, alias_id, user_id=actor.user_id, now=at)
    return _told(
        _("Đã thôi nhớ. Ca đã xếp trước đây giữ nguyên.") if gone else _("Cách ghi này đã thôi nhớ từ trước.")
    )


def _told(words: str, act_id: int | None = None) -> html.Div:
    button = [undo_button(act_id, _("Hoàn tác"))] if act_id is not None else []
    return html.Div([icon("check"), html.Span(words), *button], className="form-done", role="status")


def _refusal(error: MessageError) -> str:
    if not isinstance(error, Overtaken) or error.user_id is None:
        return stored(error.message)
    with open_session() as session:
        name = full_names(session, [error.user_id]).get(error.user_id, "")
    return f"{error.message} " + _("{name}, lúc {when}.", name=name, when=moment(error.at))
