"""Configuration tables read strictly: every key is taken once, checked, and a leftover key is an error."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from i18n import Message, MessageError


class ConfigError(MessageError, ValueError):
    """A configuration file that cannot be used; `message` names the file, the key and how to mend it."""

    def __init__(self, file: str, key: str, problem: Message) -> None:
        super().__init__(Message("Tệp {file}, khóa {key}: {problem}.", file=file, key=key, problem=problem))


class Table:
    """A TOML table being emptied. `where` is the dotted name shown in errors ("dengue.link")."""

    def __init__(self, file: str, where: str, raw: dict[str, Any]) -> None:
        self.file = file
        self.where = where
        self._raw = dict(raw)

    def __contains__(self, key: str) -> bool:
        return key in self._raw

    def names(self) -> tuple[str, ...]:
        return tuple(self._raw)

    def wrong(self, key: str, msgid: str, **values: Any) -> ConfigError:
        return ConfigError(self.file, f"{self.where}.{key}".strip("."), Message(msgid, **values))

    def take(self, key: str) -> Any:
        if key not in self._raw:
            raise self.wrong(key, "thiếu")
        return self._raw.pop(key)

    def text(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "cần là chữ, không để trống")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.take(key)
        if not isinstance(values, list) or not all(isinstance(x, str) and x.strip() for x in values):
            raise self.wrong(key, "cần là danh sách chữ")
        if not values:
            raise self.wrong(key, "cần ít nhất một mục")
        return tuple(values)

    def choice(self, key: str, allowed: tuple[str, ...]) -> Any:
        value = self.take(key)
        if value not in allowed:
            raise self.wrong(key, "cần là một trong: {allowed}", allowed=", ".join(allowed))
        return value

    def flag(self, key: str) -> bool:
        value = self.take(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "cần là true hoặc false")
        return value

    def number(self, key: str) -> float:
        value = self.take(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise self.wrong(key, "cần là số không âm")
        return float(value)

    def whole(self, key: str, *, at_least: int = 0) -> int:
        value = self.take(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
            raise self.wrong(key, "cần là số nguyên, ít nhất {least}", least=at_least)
        return value

    def numbers(self, key: str) -> tuple[float, ...]:
        values = self.take(key)
        if not isinstance(values, list) or not all(type(x) in (int, float) and x >= 0 for x in values):
            raise self.wrong(key, "cần là danh sách số không âm")
        return tuple(float(x) for x in values)

    def table(self, key: str) -> Table:
        value = self.take(key)
        if not isinstance(value, dict):
            raise self.wrong(key, "cần là một bảng")
        return Table(self.file, f"{self.where}.{key}".strip("."), value)

    def tables(self, key: str) -> tuple[Table, ...]:
        values = self.take(key)
        if not isinstance(values, list) or not all(isinstance(x, dict) for x in values):
            raise self.wrong(key, "cần là danh sách bảng")
        where = f"{self.where}.{key}".strip(".")
        return tuple(Table(self.file, f"{where}[{i}]", value) for i, value in enumerate(values))

    def finish(self) -> None:
        """Raise when a key is left that nobody took: a misspelt key must not pass."""
        for key in self._raw:
            raise self.wrong(key, "khóa lạ, có thể viết nhầm")


def read_toml(path: Path) -> Table:
    """The whole file as one table. Raises ConfigError where the syntax is broken, OSError."""
    try:
        return Table(path.name, "", tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(path.name, "-", Message("không đọc được ({error})", error=str(error))) from error
