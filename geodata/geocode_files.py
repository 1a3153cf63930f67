"""Addresses of a CSV file → the same file with units and places beside them. Needs no database.

Columns added: old_ward_code (the ward before 1 July 2025, where the text or the point tells), ward_code (today),
district_code (old), province_code, lat, lon, level, uncertainty_m, rule, candidates (JSON: the communes it may be,
with shares). A column of the input that already has such a name is kept as `<name>_in`.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TextIO

from geodata.by_point import UnitAt
from geodata.gazetteer import Gazetteer
from geodata.geocoder import geocode
from geodata.registry import load_registry
from geodata.streets import StreetBook
from geodata.types import Match, UnitKey, UnitLevel
from i18n import Message, MessageError

ADDED = (
    "old_ward_code",
    "ward_code",
    "district_code",
    "province_code",
    "lat",
    "lon",
    "level",
    "uncertainty_m",
    "rule",
    "candidates",
)
TOO_MANY_CELLS = "Dòng có nhiều ô hơn hàng tiêu đề: chưa đọc địa chỉ"
_ENCODINGS = ("utf-8-sig", "utf-16", "cp1258")
_DELIMITERS = ",;\t|"
_OPENED_FOR = 65_536
_KEPT = 200_000
_LEVEL = ADDED.index("level")

Cells = tuple[str, ...]


class GeocodeFileError(MessageError):
    """The file as a whole cannot be read; the message says what, where and how to mend it."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names of the columns to read: the address, and the units where they have columns of their own."""

    address: str
    commune: str | None = None
    district: str | None = None
    province: str | None = None
    date: str | None = None

    def named(self) -> tuple[str, ...]:
        names = (self.address, self.commune, self.district, self.province, self.date)
        return tuple(name for name in names if name)


@dataclass(frozen=True, kw_only=True)
class Geocoder:
    """A gazetteer and what may help it, ready for many addresses: the library's front door.

    >>> geocoder = Geocoder.of_provinces(["79"])
    >>> geocoder.match("123/4 Nguyễn Trãi, P.2, Q.5").former.code
    '27307'
    """

    gazetteer: Gazetteer
    streets: StreetBook | None = None
    areas: UnitAt | None = None
    today: date = field(default_factory=date.today)

    @classmethod
    def of_provinces(
        cls, codes: Sequence[str], *, streets: StreetBook | None = None, areas: UnitAt | None = None
    ) -> Geocoder:
        """For addresses in these provinces of today. Raises ValueError for a code that is none."""
        registry = load_registry(codes)
        gazetteer = Gazetteer.build(registry.units, registry.lineage, province_codes=codes)
        return cls(gazetteer=gazetteer, streets=streets, areas=areas)

    def match(
        self,
        address: str,
        *,
        commune: str | None = None,
        district: str | None = None,
        province: str | None = None,
        on: date | None = None,
    ) -> Match:
        """As `geocoder.geocode`; `on` is the day the address was written (default: today)."""
        return geocode(
            self.gazetteer,
            commune=commune,
            district=district,
            province=province,
            address=address,
            on=on or self.today,
            streets=self.streets,
            areas=self.areas,
        )

    def cells(self, match: Match) -> Cells:
        """The cells of ADDED. An estimated unit is left out: it stands first among the candidates."""
        units = self.gazetteer.units
        unit = None if match.estimated else match.unit
        former = match.former if match.former and match.former.level is UnitLevel.COMMUNE else None
        province = match.province or (units[match.unit].parent if match.unit else None)
        listed = [
            {"ward_code": key.code, "ward": units[key].name, "share": round(share, 3)}
            for key, share in match.candidates
        ]
        return (
            _code(former),
            _code(unit),
            _code(match.district),
            _code(province),
            "" if match.lat is None else f"{match.lat:.6f}",
            "" if match.lon is None else f"{match.lon:.6f}",
            match.level.value,
            "" if match.uncertainty_m is None else f"{match.uncertainty_m:.0f}",
            match.rule,
            json.dumps(listed, ensure_ascii=False) if listed else "",
        )


def geocoder_for(
    codes: Sequence[str], *, streets: Path | None, boundaries: Path | None, on: date
) -> Geocoder:
    """From files. Raises GeocodeFileError for an unknown province or a file that cannot be used."""
    try:
        registry = load_registry(codes)
        book = StreetBook.load(streets) if streets else None
    except (ValueError, OSError) as error:
        raise GeocodeFileError(Message("Không dùng được: {why}", why=str(error))) from error
    gazetteer = Gazetteer.build(registry.units, registry.lineage, province_codes=codes)
    areas = None
    if boundaries:
        from geodata.plain_areas import read_areas

        areas = read_areas(boundaries, registry, codes)
    return Geocoder(gazetteer=gazetteer, streets=book, areas=areas, today=on)


def geocode_file(source: Path, target: Path, columns: Columns, geocoder: Geocoder) -> Counter[str]:
    """Write `target`; how many rows were found at each level. A bad row says so in its `rule` and stops no other.

    Raises GeocodeFileError for a file that cannot be read at all; then nothing is written.
    """
    counts: Counter[str] = Counter()
    encoding = _encoding(source)
    with source.open(encoding=encoding, newline="") as opened:
        rows = csv.reader(opened, delimiter=_delimiter(opened), strict=False)
        header = next(rows, None)
        if not header:
            raise GeocodeFileError(
                Message("{file}: tệp trống. Dòng đầu phải là tên các cột.", file=source.name)
            )
        at = _positions(source.name, header, columns)
        part = target.with_name(f".{target.name}.part")
        with part.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow([*(f"{name}_in" if name in ADDED else name for name in header), *ADDED])
            known: dict[Cells, Cells] = {}
            for cells in _rows(source.name, rows):
                added = _added(geocoder, cells, len(header), at, known)
                counts[added[_LEVEL]] += 1
                writer.writerow((*_fitted(cells, len(header)), *added))
        part.replace(target)
    return counts


def _added(
    geocoder: Geocoder, cells: Sequence[str], width: int, at: Sequence[int], known: dict[Cells, Cells]
) -> Cells:
    """The new cells of a row; those of a row that says the same again are looked up in `known`."""
    if len(cells) > width and any(cell.strip() for cell in cells[width:]):
        return geocoder.cells(Match(unit=None, rule=TOO_MANY_CELLS))
    read = tuple(cells[i] if 0 <= i < len(cells) else "" for i in at)
    added = known.get(read)
    if added is None:
        if len(known) >= _KEPT:
            known.clear()
        address, commune, district, province, day = read
        match = geocoder.match(address, commune=commune, district=district, province=province, on=_day(day))
        added = known[read] = geocoder.cells(match)
    return added


def _fitted(cells: Sequence[str], width: int) -> Sequence[str]:
    """As many cells as the header has: what is beyond stays in the last one, nothing is lost."""
    if len(cells) > width:
        return [*cells[: width - 1], ",".join(cells[width - 1 :])]
    return cells if len(cells) == width else [*cells, *[""] * (width - len(cells))]


def _rows(name: str, rows: Iterator[list[str]]) -> Iterator[list[str]]:
    csv.field_size_limit(sys.maxsize)
    try:
        yield from (cells for cells in rows if cells)
    except (csv.Error, UnicodeDecodeError) as error:
        line = getattr(rows, "line_num", 0)
        raise GeocodeFileError(
            Message(
                "{file}: không đọc được sau dòng {line}. Hãy lưu lại tệp dạng CSV UTF-8.",
                file=name,
                line=line,
            )
        ) from error


def _encoding(source: Path) -> str:
    """The first encoding that reads the whole file."""
    content = source.read_bytes()
    for encoding in _ENCODINGS:
        if encoding == "utf-16" and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
            continue
        try:
            content.decode(encoding)
        except UnicodeError:
            continue
        return encoding
    raise GeocodeFileError(
        Message("{file}: không nhận ra bảng mã của tệp. Hãy lưu lại dạng CSV UTF-8.", file=source.name)
    )


def _delimiter(opened: TextIO) -> str:
    """The separator the header has most of; the file is back at its start afterwards."""
    header = opened.readline(_OPENED_FOR)
    opened.seek(0)
    return max(_DELIMITERS, key=header.count)


def _positions(file: str, header: Sequence[str], columns: Columns) -> list[int]:
    """Where address, commune, district, province and date are; -1 for one that is not."""
    missing = [name for name in columns.named() if name not in header]
    if missing:
        raise GeocodeFileError(
            Message(
                "{file}: không có cột {missing}. Các cột trong tệp: {columns}. Hãy ghi đúng tên cột sau --column.",
                file=file,
                missing=", ".join(missing),
                columns=", ".join(header),
            )
        )
    wanted = (columns.address, columns.commune, columns.district, columns.province, columns.date)
    return [list(header).index(name) if name else -1 for name in wanted]


def _day(text: str | None) -> date | None:
    """A day as 2024-05-01 or 01/05/2024; None where there is none, then the address counts as written today."""
    if not text:
        return None
    parts = text.strip()[:10].replace("/", "-").split("-")
    try:
        numbers = [int(part) for part in parts]
        return date(*numbers) if len(parts[0]) == 4 else date(*reversed(numbers))
    except (ValueError, TypeError):
        return None


def _code(key: UnitKey | None) -> str:
    return key.code if key else ""
