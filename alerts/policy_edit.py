"""The numbers of a policy file as fields of a form, changed in the text so that comments and layout stay. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.rules import PolicyError
from i18n import Message

Path = tuple[str | int, ...]
"""Keys from the top; of a list of tables, the number from 0: ("rule", 3, "level")."""
Number = int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    path: Path
    value: Number


def numbers(text: str) -> list[Field]:
    """Every number of the file, in its order. `text` must be a policy that could be read."""
    return [Field(path=path, value=value) for path, value in _leaves(tomllib.loads(text), ())]


def with_numbers(text: str, wanted: Mapping[Path, Number]) -> str:
    """`text` with the numbers at these paths changed. Raises PolicyError where the text is laid out so unusually that
    the number cannot be found; then it must be changed by hand."""
    for path, value in wanted.items():
        text = _with_number(text, path, value)
    return text


def with_version(text: str, version: str) -> str:
    """`text` under another version name."""
    return re.sub(r'(?m)^version\s*=\s*"[^"]*"', f'version = "{version}"', text, count=1)


def next_version(version: str, taken: set[str]) -> str:
    """The first free name: "2026.3" → "2026.3-1" → "2026.3-2"."""
    base, number = re.sub(r"-\d+$", "", version), 1
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"


def _leaves(node: Any, path: Path) -> Iterator[tuple[Path, Number]]:
    if isinstance(node, bool):
        return
    if isinstance(node, int | float):
        yield path, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _leaves(value, (*path, number))


def _with_number(text: str, path: Path, value: Number) -> str:
    wanted = tomllib.loads(text)
    old = _put(wanted, path, value)
    if old == value:
        return text
    key = re.escape(str(path[-1]))
    pattern = re.compile(rf"(?<![\w.-])(\"?{key}\"?\s*=\s*){re.escape(str(old))}(?![\w.])")
    for match in pattern.finditer(text):
        changed = f"{text[: match.start()]}{match[1]}{value}{text[match.end() :]}"
        try:
            found = tomllib.loads(changed)
        except tomllib.TOMLDecodeError:
            continue
        if found == wanted:
            return changed
    raise PolicyError(
        Message(
            "Không tìm thấy số ở mục “{name}” để sửa; hãy sửa trong văn bản.", name=".".join(map(str, path))
        )
    )


def _put(data: Any, path: Path, value: Number) -> Number:
    """Set the number at `path`; returns the one that stood there."""
    for key in path[:-1]:
        data = data[key]
    old: Number = data[path[-1]]
    data[path[-1]] = value
    return old
