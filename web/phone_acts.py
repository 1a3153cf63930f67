"""What an officer does on the phone, perhaps without a network: the rules are those of the big pages, the answer says
what became of it. Answers: "done", "already" (somebody was first) or "refused", with the words to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from accounts.field_acts import once
from accounts.models import Role, User
from accounts.service import active_user, full_names
from alerts import inbox
from alerts.my_area import acknowledged
from i18n import Message, MessageError, _
from surveillance.outbreaks.acts import Actor, add_note, change_status, record_measure, record_survey
from surveillance.outbreaks.lifecycle import Act
from surveillance.outbreaks.photos import add_photo
from surveillance.outbreaks.vectors import Survey
from surveillance.privacy import Vault
from web.context import context, local, now, viewer
from web.formats import short_moment

MOST_NUMBER = 1_000_000
SKEW = timedelta(hours=1)
COUNTS = (
    "houses_with_larvae",
    "containers",
    "containers_with_larvae",
    "houses_with_mosquitoes",
    "female_aedes",
)
Answer = dict[str, Any]


class BadAct(MessageError, ValueError):
    """Something a phone sent that no page of ours sends."""


class Fields:
    """The fields of one act, taken out one by one; what is missing or of the wrong kind is a BadAct."""

    def __init__(self, data: Any) -> None:
        if not isinstance(data, Mapping):
            raise BadAct(Message("Việc gửi lên không đọc được. Hãy tải lại trang."))
        self._data = data

    def text(self, name: str) -> str:
        value = self._data.get(name, "")
        if not isinstance(value, str) or len(value) > 5000:
            raise self._wrong(name)
        return value

    def number(self, name: str) -> int:
        found = self.count(name)
        if found is None:
            raise self._wrong(name)
        return found

    def count(self, name: str) -> int | None:
        """None where nothing was entered."""
        value = self._data.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_NUMBER:
            raise self._wrong(name)
        return value

    def amount(self, name: str) -> float | None:
        """None where nothing was entered."""
        value = self._data.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._wrong(name)
        return float(value)

    def day(self, name: str) -> date:
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            raise self._wrong(name) from None

    def moment(self, name: str) -> datetime:
        try:
            found = datetime.fromisoformat(self.text(name))
        except ValueError:
            raise self._wrong(name) from None
        if found.tzinfo is None:
            raise self._wrong(name)
        return found

    def _wrong(self, name: str) -> BadAct:
        return BadAct(Message("Việc gửi lên thiếu hoặc sai mục “{name}”.", name=name))


def perform(session: Session, data: Any, photo: bytes | None = None) -> Answer:
    """Do the act of `data` once. Raises BadAct or ActIdError for what is no act at all."""
    fields, real = Fields(data), datetime.now(UTC)
    kind, act_id = fields.text("kind"), fields.text("id")
    do = ACTS.get(kind)
    if do is None or (kind == "photo") != (photo is not None):
        raise BadAct(Message("Không có việc “{kind}”.", kind=kind[:40]))
    user = active_user(session, viewer().id)
    assert user is not None
    return once(
        session, act_id, user_id=user.id, kind=kind, made_at=min(fields.moment("made_at"), real + SKEW),
        now=real, do=lambda: _answer(session, do, fields, user, photo),
    )  # fmt: skip


def _answer(session: Session, do: _Do, fields: Fields, user: User, photo: bytes | None) -> Answer:
    """A refusal is an answer too, and leaves nothing half done."""
    try:
        with session.begin_nested():
            return do(session, fields, user, photo)
    except BadAct:
        raise
    except MessageError as refused:
        return {"state": "refused", "text": str(refused.message)}


def _acknowledge(session: Session, fields: Fields, user: User, _photo: bytes | None) -> Answer:
    alert_id = fields.number("alert")
    if inbox.acknowledge(session, alert_id, user=user, now=now(session)) is not None:
        return _done(_("Đã tiếp nhận."))
    by, at = acknowledged(session, alert_id) or (user.id, now(session))
    if by is None or by == user.id:
        return _done(_("Đã tiếp nhận."))
    name = full_names(session, [by])[by]
    words = _("Đồng nghiệp {name} đã tiếp nhận lúc {at}.", name=name, at=short_moment(at))
    return {"state": "already", "text": words}


def _alert_note(session: Session, fields: Fields, user: User, _photo: bytes | None) -> Answer:
    inbox.comment(session, fields.number("alert"), user=user, text=fields.text("text"), now=now(session))
    return _done(_("Đã ghi vào cảnh báo."))


def _note(session: Session, fields: Fields, _user: User, _photo: bytes | None) -> Answer:
    add_note(session, fields.number("outbreak"), fields.text("text"), **_rest(session))
    return _done(_("Đã ghi vào ổ dịch."))


def _handling(session: Session, fields: Fields, _user: User, _photo: bytes | None) -> Answer:
    change_status(session, fields.number("outbreak"), Act.START_HANDLING, **_today(session))
    return _done(_("Đã ghi: bắt đầu xử lý ổ dịch."))


def _measure(session: Session, fields: Fields, _user: User, _photo: bytes | None) -> Answer:
    record_measure(
        session, fields.number("outbreak"), fields.text("record"), on=fields.day("on"),
        houses=fields.count("houses"), product=fields.text("product"), litres=fields.amount("litres"),
        comment=fields.text("text"), **_today(session),
    )  # fmt: skip
    return _done(_("Đã ghi vào ổ dịch."))


def _survey(session: Session, fields: Fields, _user: User, _photo: bytes | None) -> Answer:
    counts = {name: fields.count(name) for name in COUNTS}
    survey = Survey(on=fields.day("on"), houses=fields.number("houses"), **counts)
    record_survey(session, fields.number("outbreak"), survey, **_today(session))
    if fields.text("text").strip():
        add_note(session, fields.number("outbreak"), fields.text("text"), **_rest(session))
    return _done(_("Đã ghi vào ổ dịch."))


def _photo(session: Session, fields: Fields, _user: User, photo: bytes | None) -> Answer:
    assert photo is not None
    words = _("Ảnh hiện trường: {what}", what=fields.text("text").strip() or _("không ghi chú"))
    vault = Vault.of(context().settings.secret_key)
    add_photo(session, fields.number("outbreak"), photo, words, vault=vault, **_rest(session))
    return _done(_("Đã lưu ảnh."))


_Do = Callable[[Session, Fields, User, bytes | None], Answer]
ACTS: Mapping[str, _Do] = {
    "acknowledge": _acknowledge,
    "alert_note": _alert_note,
    "note": _note,
    "handling": _handling,
    "measure": _measure,
    "survey": _survey,
    "photo": _photo,
}


def actor() -> Actor:
    """The viewer, for acts on outbreaks."""
    who = viewer()
    return Actor(user_id=who.id, name=who.full_name, areas=who.areas, may_act=who.role is not Role.MANAGER)


def _rest(session: Session) -> dict[str, Any]:
    return {"actor": actor(), "profiles": context().profiles, "now": now(session)}


def _today(session: Session) -> dict[str, Any]:
    return {**_rest(session), "today": local(now(session)).date()}


def _done(text: str) -> Answer:
    return {"state": "done", "text": text}
