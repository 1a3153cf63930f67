"""People per commune of today, estimated from totals of old districts or provinces: no count of the communes
of July 2025 is published (domain.md §4, §9)."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from geodata.registry import Registry, successor_shares
from geodata.types import UnitKey
from i18n import Message, MessageError

COLUMNS = ("level", "code", "name", "year", "population", "source")


class PopulationError(MessageError, ValueError):
    """A population file that cannot be used; the text says where and how to mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CensusTotal:
    """People of an old district or province. Several rows of one unit add up (Quận 2 and 9 are in Thủ
    Đức)."""

    level: str
    code: str
    year: int
    persons: int
    source: str


def read_totals(path: Path) -> list[CensusTotal]:
    """The rows of a CSV with the columns COLUMNS. Raises PopulationError for a missing column or a bad
    number."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
            raise PopulationError(
                Message("{file}: thiếu cột {columns}.", file=path.name, columns=", ".join(missing))
            )
        return [_total(row, reader.line_num, path.name) for row in reader]


def _total(row: Mapping[str, str], line: int, file: str) -> CensusTotal:
    try:
        year, persons = int(row["year"]), int(row["population"])
    except (TypeError, ValueError) as error:
        raise PopulationError(
            Message("{file}, dòng {row}: năm và dân số phải là số nguyên.", file=file, row=line)
        ) from error
    return CensusTotal(level=row["level"], code=row["code"], year=year, persons=persons, source=row["source"])


def spread(totals: Sequence[CensusTotal], registry: Registry) -> dict[UnitKey, float]:
    """Persons per commune of today: each total split equally over its old wards, each ward over its
    successors (`successor_shares`). An estimate; raises PopulationError for a unit that is not in the
    registry."""
    parents = {unit.key: unit.parent for unit in registry.units}
    shares = successor_shares(registry.lineage)
    wards: dict[tuple[str, str], list[UnitKey]] = defaultdict(list)
    for ward in shares:
        above: UnitKey | None = ward
        while above:
            wards[above.level, above.code].append(ward)
            above = parents[above]
    persons: dict[UnitKey, float] = defaultdict(float)
    for total in totals:
        inside = wards.get((total.level, total.code))
        if not inside:
            raise PopulationError(
                Message(
                    "Không có quận, huyện hay tỉnh nào trước 01/07/2025 mang mã {code} (level: {level}).",
                    level=total.level,
                    code=total.code,
                )
            )
        for ward in inside:
            for successor in shares[ward]:
                persons[successor.unit] += total.persons / len(inside) * successor.share
    return dict(persons)
