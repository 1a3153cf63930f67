"""A policy file as text: taking its entries out one by one, and errors that name the line (`alerts/rules.py`)."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from alerts.levels import Level
from i18n import Message, MessageError

KINDS = {str: "chữ", int: "số nguyên", bool: "true hoặc false", dict: "bảng", list: "danh sách"}


class PolicyError(MessageError, ValueError):
    """A policy file that cannot be used; `message` names the key and its line and says how to mend it."""


def top_table(text: str) -> Table:
    """The whole file. Raises PolicyError where `text` is not TOML."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(Message("Không đọc được tệp chính sách: {error}.", error=str(error))) from error
    return Table(text=text, data=data, start=0, within="")


class Table:
    """One TOML table: what is left over at the end is an error. `start` is the index of its line."""

    def __init__(self, *, text: str, data: Mapping[str, Any], start: int, within: str) -> None:
        self.text, self.data, self.start, self.within = text, dict(data), start, within

    def take(self, key: str, kind: type) -> Any:
        if key not in self.data:
            self.fail(key, Message("còn thiếu"))
        value = self.data.pop(key)
        if type(value) is not kind or value == "":
            self.fail(key, Message("phải là {kind}", kind=Message(KINDS[kind])))
        return value

    def whole(self, key: str, least: int, most: int | None = None) -> int:
        value = int(self.take(key, int))
        if value < least or (most is not None and value > most):
            self.fail(key, _between(least, most))
        return value

    def level(self, key: str) -> Level:
        value = self.take(key, int)
        if value not in list(Level):
            self.fail(key, Message("phải là một mức từ 1 đến 4"))
        return Level(value)

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.take(key, list)
        if not values or not all(isinstance(value, str) and value for value in values):
            self.fail(key, Message("phải là danh sách chữ, ít nhất một mục"))
        if len(set(values)) < len(values):
            self.fail(key, Message("có mục viết hai lần"))
        return tuple(values)

    def number(self, key: str) -> float:
        """Whole numbers stay whole, so that a sentence says 365 and not 365,0."""
        value = self.data.pop(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.fail(key, Message("phải là số"))
        return value

    def table(self, key: str) -> Table:
        line = self.line(key)
        return Table(text=self.text, data=self.take(key, dict), start=line, within=f"{self.within}{key}.")

    def tables(self, key: str) -> list[Table]:
        heads = [n for n, line in enumerate(self.text.splitlines()) if _bare(line) == f"[[{key}]]"]
        entries = self.take(key, list)
        if len(heads) != len(entries):
            self.fail(key, Message("hãy viết mỗi mục dưới một dòng [[{key}]]", key=key))
        return [
            Table(text=self.text, data=entry, start=head, within=f"{key} {number}: ")
            for number, (entry, head) in enumerate(zip(entries, heads, strict=True), 1)
        ]

    def one_of(self, key: str, value: str, allowed: Sequence[str]) -> None:
        if value not in allowed:
            self.fail(key, Message("hãy dùng một trong: {choices}", choices=", ".join(allowed)))

    def finish(self) -> None:
        for key in self.data:
            self.fail(key, Message("không phải là mục của tệp này; hãy xoá hoặc sửa tên"))

    def fail(self, key: str, problem: Message) -> NoReturn:
        line, name = str(self.line(key) + 1), f"{self.within}{key}"
        raise PolicyError(
            Message(
                "Tệp chính sách, dòng {line}, mục “{name}”: {problem}.", line=line, name=name, problem=problem
            )
        )

    def line(self, key: str) -> int:
        """Index of the line that holds `key` in this table, or of the table's head."""
        lines = self.text.splitlines()
        own = _bare(lines[self.start]).strip("[] ") if self.within and lines else ""
        if "=" in own:  # an inline table stands on its line
            return self.start
        for number in range(self.start, len(lines)):
            head = lines[number].split("=")[0].split("#")[0].strip().strip("[]\"' ")
            if head == key or head.endswith(f".{key}"):
                return number
            if (
                number > self.start
                and lines[number].startswith("[")
                and own
                and not head.startswith(f"{own}.")
            ):
                break
        return self.start


def _bare(line: str) -> str:
    return line.split("#")[0].strip()


def _between(least: int, most: int | None) -> Message:
    if most is None:
        return Message("phải là số nguyên từ {least} trở lên", least=least)
    return Message("phải là số nguyên từ {least} đến {most}", least=least, most=most)
