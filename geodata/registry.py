"""Administrative units of Viet Nam before and after 1 July 2025, read from the data files of
`vietnamadminunits` 1.0.4 (MIT). Its code is never imported: its converter sends addresses to an outside
service.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from geodata.types import Candidate, Lineage, Unit, UnitKey, UnitLevel

REFORM = date(2025, 7, 1)
"""First day of Decision 19/2025/QĐ-TTg: 34 provinces, no districts (domain.md §4)."""

LEGACY_FROM = date(2025, 1, 1)
"""First day the legacy rows are known to hold: they are the state after the mergers of 1 January 2025. Many
of these units are older, but the dataset does not say since when."""

DEFAULT_WEIGHT = 1.5
"""Weight of a split ward's default successor beside 1 for each other: 0.6 of two, 0.43 of three. On real
polygons of 31 split wards of Ho Chi Minh City the default took a mean 0.60 of the area of two-way splits and
0.40 of three-way ones; in 14 of the 31 it is not the largest part, so these shares are weak knowledge and
always marked estimated."""

KINDS = ("Thị trấn", "Thị xã", "Thành phố", "Đặc khu", "Phường", "Quận", "Huyện", "Tỉnh", "Xã")
_NAMED_ALIAS = re.compile(r"(?:phuong|thitran|xa|quan|huyen|thixa|thanhpho)(.+)")


class RegistryError(Exception):
    """The data files do not hold together: a lineage key without a unit, or a unit without lineage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Units of both periods and how the old ones went into the new ones."""

    units: tuple[Unit, ...]
    lineage: tuple[Lineage, ...]


def load_registry(province_codes: Collection[str] | None = None) -> Registry:
    """The registry of today's provinces `province_codes` (None: all) and of what went into them.

    Province rows of the whole country are always there (34 + 63), so that an address elsewhere is known as
    such. The five island districts that had no wards are the `old` side of their lineage themselves. Raises
    RegistryError when the files do not hold together, ValueError for an unknown province code.
    """
    folder = Path(str(distribution("vietnamadminunits").locate_file("vietnamadminunits/data")))
    with closing(sqlite3.connect(f"file:{folder / 'dataset.db'}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        new_rows = connection.execute("select * from admin_units").fetchall()
        old_rows = connection.execute("select * from admin_units_legacy").fetchall()
    converter = json.loads((folder / "converter_2025.json").read_text("utf-8"))
    chosen = {row["provinceKey"]: row["provinceCode"] for row in new_rows}
    if province_codes is not None:
        if unknown := set(province_codes) - set(chosen.values()):
            raise ValueError(f"unknown province codes: {sorted(unknown)}")
        chosen = {key: code for key, code in chosen.items() if code in province_codes}
    merged = {old for key in chosen for old in converter["DICT_PROVINCE"][key]}
    kept_new = [row for row in new_rows if row["provinceKey"] in chosen]
    kept_old = [row for row in old_rows if row["provinceKey"] in merged]
    units = (
        *(_province(row, REFORM) for row in _first(new_rows, "provinceCode")),
        *(_commune(row) for row in kept_new),
        *(_province(row, LEGACY_FROM) for row in _first(old_rows, "provinceCode")),
        *(_district(row) for row in _first(kept_old, "districtCode")),
        *(_ward(row) for row in kept_old if row["wardCode"]),
    )
    return Registry(units=units, lineage=tuple(_lineage(kept_new, kept_old, converter, chosen)))


def communes_of(units: Iterable[Unit], province_codes: Collection[str]) -> list[Unit]:
    """The communes of today of these provinces."""
    return [
        unit
        for unit in units
        if unit.key.level is UnitLevel.COMMUNE
        and unit.valid_to is None
        and unit.parent
        and unit.parent.code in province_codes
    ]


def successor_shares(lineage: Iterable[Lineage]) -> dict[UnitKey, tuple[Candidate, ...]]:
    """For each old unit its successors with the share of it each took (sums to 1), default successor first.

    Shares of split units are estimates (DEFAULT_WEIGHT); no official split is published.
    """
    grouped: dict[UnitKey, list[Lineage]] = defaultdict(list)
    for link in lineage:
        grouped[link.old].append(link)
    return {old: _shares(links) for old, links in grouped.items()}


def _shares(links: list[Lineage]) -> tuple[Candidate, ...]:
    ordered = sorted(links, key=lambda link: not link.is_default)
    weights = [DEFAULT_WEIGHT if link.is_default else 1.0 for link in ordered]
    return tuple(
        Candidate(link.new, weight / sum(weights)) for link, weight in zip(ordered, weights, strict=True)
    )


def _first(rows: Iterable[sqlite3.Row], column: str) -> Collection[sqlite3.Row]:
    """One row for each value of `column`: the units above the wards stand in every ward's row."""
    return {row[column]: row for row in rows}.values()


def _province(row: sqlite3.Row, valid_from: date) -> Unit:
    legacy = valid_from < REFORM
    return Unit(
        key=UnitKey(UnitLevel.PROVINCE, row["provinceCode"], valid_from),
        name=row["province"],
        short_name=row["provinceShort"],
        kind=_kind(row["province"]),
        valid_to=REFORM if legacy else None,
        lat=row["provinceLat"],
        lon=row["provinceLon"],
        bounds=_bounds(row["provinceBounds"]) if legacy else None,
        aliases=tuple(json.loads(row["provinceAlias"] or "[]")),
    )


def _commune(row: sqlite3.Row) -> Unit:
    return Unit(
        key=UnitKey(UnitLevel.COMMUNE, row["wardCode"], REFORM),
        name=row["ward"],
        short_name=_short(row["wardShort"]),
        kind=_kind(row["ward"]),
        parent=UnitKey(UnitLevel.PROVINCE, row["provinceCode"], REFORM),
        lat=row["wardLat"],
        lon=row["wardLon"],
        area_km2=row["wardAreaKm2"],
        aliases=_aliases(row["wardAlias"]),
    )


def _district(row: sqlite3.Row) -> Unit:
    return Unit(
        key=UnitKey(UnitLevel.DISTRICT, row["districtCode"], LEGACY_FROM),
        name=row["district"],
        short_name=_short(row["districtShort"]),
        kind=_kind(row["district"]),
        valid_to=REFORM,
        parent=UnitKey(UnitLevel.PROVINCE, row["provinceCode"], LEGACY_FROM),
        lat=row["districtLat"],
        lon=row["districtLon"],
        bounds=_bounds(row["districtBounds"]),
        aliases=_aliases(row["districtAlias"]),
    )


def _ward(row: sqlite3.Row) -> Unit:
    return Unit(
        key=UnitKey(UnitLevel.COMMUNE, row["wardCode"], LEGACY_FROM),
        name=row["ward"],
        short_name=_short(row["wardShort"]),
        kind=_kind(row["ward"]),
        valid_to=REFORM,
        parent=UnitKey(UnitLevel.DISTRICT, row["districtCode"], LEGACY_FROM),
        lat=row["wardLat"],
        lon=row["wardLon"],
        bounds=_bounds(row["wardBounds"]),
        aliases=_aliases(row["wardAlias"]),
    )


def _kind(name: str) -> str:
    """The kind as the name says it; the dataset's own column calls seven units something else."""
    return next(kind for kind in KINDS if name.lower().startswith(f"{kind.lower()} "))


def _short(name: str) -> str:
    """Without the note the dataset adds to twins of one district: 'Yên Viên (Thị trấn)' → 'Yên Viên'."""
    return name.split(" (")[0]


def _bounds(text: str) -> tuple[float, float, float, float]:
    """(west, south, east, north) from 'S,W – N,E'."""
    south, west, north, east = (float(x) for corner in text.split("–") for x in corner.split(","))
    return west, south, east, north


def _aliases(text: str | None) -> tuple[str, ...]:
    """Former names, as keys without accents and spaces ('binhan', '13'); the dataset also lists their
    abbreviations ('p13', 'ward13'), which the address parser knows by itself."""
    keys = json.loads(text or "[]")
    names = (found[1].lstrip("0") for key in keys if (found := _NAMED_ALIAS.fullmatch(key)))
    return tuple(dict.fromkeys(names))


def _lineage(
    new_rows: Iterable[sqlite3.Row],
    old_rows: Iterable[sqlite3.Row],
    converter: Mapping[str, Any],
    chosen: Collection[str],
) -> Iterator[Lineage]:
    new_keys = {
        (row["provinceKey"], row["wardKey"]): UnitKey(UnitLevel.COMMUNE, row["wardCode"], REFORM)
        for row in new_rows
    }
    old_keys = {_converter_key(row): _old_key(row) for row in old_rows}
    links: list[Lineage] = []
    try:
        for province in chosen:
            for ward, olds in converter["DICT_PROVINCE_WARD_NO_DIVIDED"][province].items():
                new = new_keys[province, ward]
                links += (Lineage(old=old_keys[old], new=new, split=False, is_default=True) for old in olds)
            for old, parts in converter["DICT_PROVINCE_WARD_DIVIDED"].get(province, {}).items():
                links += (
                    Lineage(
                        old=old_keys[old],
                        new=new_keys[province, part["newWardKey"]],
                        split=True,
                        is_default=part["isDefaultNewWard"],
                    )
                    for part in parts
                )
    except KeyError as error:
        raise RegistryError(f"lineage names a unit that is not in dataset.db: {error}") from error
    _check_complete(links, old_keys.values(), new_keys.values())
    yield from links


def _check_complete(
    links: Iterable[Lineage], old_keys: Iterable[UnitKey], new_keys: Iterable[UnitKey]
) -> None:
    lost = (set(old_keys) - {x.old for x in links}) | (set(new_keys) - {x.new for x in links})
    if lost:
        raise RegistryError(f"units without lineage: {sorted(lost)}")


def _converter_key(row: sqlite3.Row) -> str:
    return f"{row['provinceKey']}_{row['districtKey']}_{row['wardKey'] or ''}"


def _old_key(row: sqlite3.Row) -> UnitKey:
    if row["wardCode"]:
        return UnitKey(UnitLevel.COMMUNE, row["wardCode"], LEGACY_FROM)
    return UnitKey(UnitLevel.DISTRICT, row["districtCode"], LEGACY_FROM)
