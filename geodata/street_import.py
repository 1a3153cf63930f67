"""Files of streets → a StreetBook whose points know their wards, and an account of what was not taken."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from geodata.registry import Registry
from geodata.street_areas import WardAreas, districts_of
from geodata.street_files import Named, Refused, StreetImportError, read_streets
from geodata.street_points import StreetPoint, StreetSegment
from geodata.streets import StreetBook
from geodata.text import fold, name_key
from geodata.types import Unit, UnitKey, UnitLevel
from i18n import Message

OUTSIDE = Message("nằm ngoài ranh giới các phường, xã")
EMPTY = Message("tệp không có dòng nào")
UNKNOWN_DISTRICT = Message("không nhận ra quận/huyện hoặc phường/xã đã ghi")
_KINDS = (
    "quan",
    "huien",
    "thanh pho",
    "thi xa",
    "tp",
    "tx",
    "q",
    "h",
    "phuong",
    "xa",
    "thi tran",
    "dac khu",
    "p",
    "tt",
)


@dataclass(frozen=True, kw_only=True)
class StreetReport:
    """What an import did: pieces taken by kind, rows not taken by reason, pieces whose ward is not known."""

    houses: int
    lines: int
    names: int
    streets: int
    without_ward: int
    refused: Mapping[str, int] = field(default_factory=dict)

    def messages(self) -> Iterator[Message]:
        yield Message(
            "Đã nhận {streets} đường: {lines} đoạn, {houses} điểm, {names} tên không có tọa độ.",
            streets=self.streets,
            lines=self.lines,
            houses=self.houses,
            names=self.names,
        )
        if self.without_ward:
            yield Message(
                "{count} điểm hoặc đoạn chưa biết phường, xã: cần ranh giới thật (--boundaries).",
                count=self.without_ward,
            )
        for reason, count in sorted(self.refused.items(), key=lambda item: -item[1]):
            yield Message("Không nhận {count} dòng: {reason}.", count=count, reason=Message(reason))


def import_streets(
    paths: Sequence[Path], registry: Registry, areas: WardAreas | None
) -> tuple[StreetBook, StreetReport]:
    """Wards by `areas` where there are any, else by the words of the file. Raises StreetImportError when a file cannot
    be read, and when nothing of all of them can be taken."""
    names = UnitNames(registry)
    counts: Counter[str] = Counter()
    refused: Counter[str] = Counter()

    def taken() -> Iterator[StreetPoint | StreetSegment]:
        for path in paths:
            for read in read_streets(path):
                pieces = _placed(read, names, areas) if isinstance(read, Named) else read
                if isinstance(pieces, Refused):
                    refused[pieces.reason.msgid] += 1
                    continue
                for piece in pieces:
                    counts[_kind(piece)] += 1
                    counts["without ward"] += piece.former is None and piece.today is None
                    yield piece

    book = StreetBook.build(taken())
    if not book.streets:
        raise StreetImportError(Message("Không nhận được đường nào: {reason}.", reason=_most_often(refused)))
    report = StreetReport(
        houses=counts["house"],
        lines=counts["line"],
        names=counts["name"],
        streets=len(book.streets),
        without_ward=counts["without ward"] - counts["name"],
        refused=dict(refused),
    )
    return book, report


def _most_often(refused: Counter[str]) -> Message:
    return Message(refused.most_common(1)[0][0]) if refused else EMPTY


def _kind(piece: StreetPoint | StreetSegment) -> str:
    if isinstance(piece, StreetSegment):
        return "line"
    return "name" if piece.lat is None else "house"


def _placed(
    read: Named, names: UnitNames, areas: WardAreas | None
) -> list[StreetPoint | StreetSegment] | Refused:
    item = read.item
    if areas and isinstance(item, StreetSegment):
        return [*areas.cut(item)] or Refused(OUTSIDE)
    if areas and isinstance(item, StreetPoint) and item.lat is not None:
        point = areas.placed(item)
        return [point] if point else Refused(OUTSIDE)
    if not read.ward and not read.district:
        return [item]
    units = names.find(read.ward, read.district)
    if units is None:
        return Refused(UNKNOWN_DISTRICT)
    former, today, district = units
    return [item._replace(former=former, today=today, district=district)]


@dataclass(frozen=True, eq=False)
class UnitNames:
    """Old districts and wards, and communes of today, by name."""

    registry: Registry

    def find(
        self, ward: str | None, district: str | None
    ) -> tuple[UnitKey | None, UnitKey | None, UnitKey | None] | None:
        """(old ward, commune of today, old district); None when what is named is unknown or several."""
        above = self._districts.get(_bare(district), set()) if district else set()
        if district and len(above) != 1:
            return None
        parent = next(iter(above), None)
        if not ward:
            return None, None, parent
        former = [unit for unit in self._wards.get(_bare(ward), ()) if unit.parent == parent]
        if len(former) == 1:
            return former[0].key, None, parent
        today = self._today.get(_bare(ward), ())
        if parent is None and len(today) == 1:
            return None, today[0].key, districts_of(self.registry).get(today[0].key)
        return None

    @cached_property
    def _districts(self) -> dict[str, set[UnitKey]]:
        found: dict[str, set[UnitKey]] = defaultdict(set)
        for unit in self.registry.units:
            if unit.key.level is UnitLevel.DISTRICT:
                for name in (_bare(unit.short_name), *map(name_key, unit.aliases)):
                    found[name].add(unit.key)
        return found

    @cached_property
    def _wards(self) -> dict[str, list[Unit]]:
        return self._communes(old=True)

    @cached_property
    def _today(self) -> dict[str, list[Unit]]:
        return self._communes(old=False)

    def _communes(self, *, old: bool) -> dict[str, list[Unit]]:
        found: dict[str, list[Unit]] = defaultdict(list)
        for unit in self.registry.units:
            if unit.key.level is UnitLevel.COMMUNE and bool(unit.valid_to) is old:
                found[_bare(unit.short_name)].append(unit)
        return found


def _bare(name: str) -> str:
    """Key of a unit's name without its kind: 'Quận 5', 'Q.05' and '5' are one."""
    words = fold(name).replace("y", "i")
    for kind in _KINDS:
        if words.startswith(f"{kind} ") or (words.startswith(kind) and words[len(kind) :].isdigit()):
            words = words[len(kind) :].strip()
            break
    return name_key(words)
