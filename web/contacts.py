"""Whom to call: numbers of a deployment, by commune where a number answers for some only."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from i18n import Message
from settings import Settings, SettingsError

_TEL = re.compile(r"\+?[0-9]{3,15}")
_FIELDS = {"name_vi", "name_en", "tel", "hours_vi", "hours_en", "units"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """`tel` in digits as a phone dials it. `units`: codes of the communes it answers for, empty for all."""

    name_vi: str
    name_en: str
    tel: str
    hours_vi: str = ""
    hours_en: str = ""
    units: frozenset[str] = frozenset()


def load_contacts(settings: Settings) -> tuple[Contact, ...]:
    """From CANHDICH_CONTACTS, else deploy/<name>/contacts.toml, else none. Raises SettingsError: which entry, why."""
    path = Path(settings.contacts) if settings.contacts else settings.deployment.folder / "contacts.toml"
    if not settings.contacts and not path.exists():
        return ()
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("contact", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            Message("Không đọc được tệp số điện thoại {file}: {error}", file=str(path), error=str(error))
        ) from None
    return tuple(_contact(entry, number, path) for number, entry in enumerate(entries, start=1))


def contacts_for(contacts: Sequence[Contact], codes: Collection[str] | None) -> list[Contact]:
    """Those that answer for any of these communes (None: all), the ones for some communes only first."""
    mine = [c for c in contacts if not c.units or codes is None or c.units.intersection(codes)]
    return sorted(mine, key=lambda contact: not contact.units)


def _contact(entry: dict[str, object], number: int, path: Path) -> Contact:
    def wrong(why: Message) -> SettingsError:
        where = Message("{file}, mục [[contact]] thứ {number}: {why}", file=path.name, number=number, why=why)
        return SettingsError(where)

    if unknown := sorted(entry.keys() - _FIELDS):
        raise wrong(Message("không có trường {names}.", names=", ".join(unknown)))
    name, tel = str(entry.get("name_vi", "")), re.sub(r"[\s.()-]", "", str(entry.get("tel", "")))
    if not name or not _TEL.fullmatch(tel):
        raise wrong(Message("cần name_vi và tel (số điện thoại, 3–15 chữ số)."))
    units = entry.get("units", [])
    if not isinstance(units, list):
        raise wrong(Message("units phải là danh sách mã xã, phường."))
    return Contact(
        name_vi=name,
        name_en=str(entry.get("name_en", name)),
        tel=tel,
        hours_vi=str(entry.get("hours_vi", "")),
        hours_en=str(entry.get("hours_en", entry.get("hours_vi", ""))),
        units=frozenset(map(str, units)),
    )
