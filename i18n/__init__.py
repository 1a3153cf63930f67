"""Words for people: Vietnamese is the source language, English comes from the catalogue `en.po`.

Text that is stored or raised travels as a `Message` (template + values) and is rendered when it is read,
in the reader's language, so a reason written last year can still be read in English today.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import NumberPattern, format_decimal, parse_pattern

LOCALES = ("vi", "en")
_locale: ContextVar[str] = ContextVar("locale", default="vi")
_city: dict[str, tzinfo] = {}


@cache
def catalogue(locale: str) -> Mapping[str, str]:
    """Translations of `locale` by Vietnamese msgid; empty for Vietnamese itself."""
    if locale == "vi":
        return {}
    path = Path(__file__).parent / f"{locale}.po"
    with path.open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, locale=locale) if m.id and m.string}


def current_locale() -> str:
    return _locale.get()


def use_locale(locale: str) -> None:
    """Set the language of this request or thread. Unknown languages fall back to Vietnamese."""
    _locale.set(locale if locale in LOCALES else "vi")


def show_times_in(zone: tzinfo) -> None:
    """Moments with a time zone are shown in `zone` from now on, in this process: the city's clock."""
    _city["zone"] = zone


def _(msgid: str, /, **values: Any) -> str:
    """`msgid` in the current language, with `{name}` replaced by the value of `name`."""
    return Message(msgid, **values).render(current_locale())


@dataclass(frozen=True, slots=True, init=False)
class Message:
    """A sentence to be rendered later: Vietnamese template and its values (JSON-serialisable).

    A value that is itself a Message is rendered in the same language. Dates are kept as ISO text and
    shown as DD/MM/YYYY; numbers follow the language (61,2 in Vietnamese).
    """

    msgid: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, msgid: str, /, **values: Any) -> None:
        object.__setattr__(self, "msgid", msgid)
        object.__setattr__(self, "values", values)

    def render(self, locale: str = "vi") -> str:
        template = catalogue(locale).get(self.msgid, self.msgid)
        return template.format(**{k: _show(v, locale) for k, v in self.values.items()})

    def __str__(self) -> str:
        return self.render(current_locale())

    def to_json(self) -> dict[str, Any]:
        return {"msgid": self.msgid, "values": {k: _plain(v) for k, v in self.values.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Message:
        return cls(data["msgid"], **{k: _revive(v) for k, v in data["values"].items()})


class MessageError(Exception):
    """An error that people read: what, where and how to mend it, in the language of whoever it is shown to."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


def show_date(day: date, locale: str | None = None) -> str:
    """DD/MM/YYYY: the Vietnamese order in both languages, as the forms have it."""
    return format_date(day, "dd/MM/yyyy", locale=locale or current_locale())


def show_datetime(moment: datetime, locale: str | None = None) -> str:
    """HH:mm DD/MM/YYYY, in the city's time zone (`show_times_in`) when `moment` has one."""
    if moment.tzinfo is not None and "zone" in _city:
        moment = moment.astimezone(_city["zone"])
    return format_datetime(moment, "HH:mm dd/MM/yyyy", locale=locale or current_locale())


def show_number(number: float, decimals: int = 0, locale: str | None = None) -> str:
    return _number(number, decimals, locale or current_locale())


@lru_cache(maxsize=50_000)
def _number(number: float, decimals: int, locale: str) -> str:
    """A page has thousands of numbers, and Babel takes 70 µs for each, a third of it to read the pattern."""
    return _pattern(decimals).apply(number, locale)


@cache
def _pattern(decimals: int) -> NumberPattern:
    return parse_pattern("#,##0" + ("." + "0" * decimals if decimals else ""))


def _show(value: Any, locale: str) -> str:
    if isinstance(value, Message):
        return value.render(locale)
    if isinstance(value, datetime):
        return show_datetime(value, locale)
    if isinstance(value, date):
        return show_date(value, locale)
    if isinstance(value, float):
        return format_decimal(value, "#,##0.##", locale=locale)
    if isinstance(value, int) and not isinstance(value, bool):
        return show_number(value, 0, locale)
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return {"message": value.to_json()}
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return value


def _revive(value: Any) -> Any:
    match value:
        case {"message": data}:
            return Message.from_json(data)
        case {"datetime": text}:
            return datetime.fromisoformat(text)
        case {"date": text}:
            return date.fromisoformat(text)
    return value
