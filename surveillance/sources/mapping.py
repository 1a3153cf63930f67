"""A source as data: which columns it has, under which names, and what their values mean (one TOML per source)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from geodata.text import fold
from geodata.types import PlaceLevel
from surveillance.strict_toml import Table, read_toml
from surveillance.types import Classification, Outcome, Treatment, Verification

FOLDER = Path(__file__).parent
IDENTIFIERS = frozenset({"name", "phone", "guardian", "address", "occupation", "facility_case_no"})
FIELDS = IDENTIFIERS | frozenset(
    [
        "disease",
        "icd10",
        "facility",
        "sex",
        "age_years",
        "district",
        "commune",
        "province",
        "unit_code",
        "date_onset",
        "date_admission",
        "date_report",
        "treatment",
        "classification",
        "setting",
        "outcome",
        "date_outcome",
        "verification",
        "lon",
        "lat",
        "uncertainty_m",
    ]
)
ALLOWED_VALUES: Mapping[str, frozenset[str]] = {
    "sex": frozenset({"M", "F", ""}),
    "treatment": frozenset({*Treatment, ""}),
    "outcome": frozenset({*Outcome, ""}),
    "classification": frozenset(Classification),
    "verification": frozenset(str(outcome.value) for outcome in Verification),
}
DATE_ORDERS = ("DMY", "YMD")


@dataclass(frozen=True, kw_only=True)
class SourceMapping:
    """How to read one source.

    `columns`: field → column names it may have. `values`: field → folded text → our value ("" for unknown).
    `identity`: "person" links reports by hospital file number and person, "row" by the whole row; "file" is of a case
    some hospital reported, found by its file number, and never opens one. `missing`: texts that stand for nothing.
    `expect`: column → the only values it may hold. `point_bounds` (west, south, east, north): where a point may lie.
    """

    name: str
    title: str
    system: str
    identity: str
    place_required: bool
    date_orders: tuple[str, ...]
    required_columns: tuple[str, ...]
    required_values: frozenset[str]
    ignored: frozenset[str]
    missing: frozenset[str]
    columns: Mapping[str, tuple[str, ...]]
    values: Mapping[str, Mapping[str, str]]
    constants: Mapping[str, str]
    defaults: Mapping[str, str]
    expect: Mapping[str, frozenset[str]]
    point_level: PlaceLevel | None
    point_uncertainty_m: float | None
    point_bounds: tuple[float, ...] | None
    hash: str

    @cached_property
    def field_by_header(self) -> dict[str, str]:
        """Field by `header_key` of every column name it may have."""
        return {header_key(alias): name for name, aliases in self.columns.items() for alias in aliases}

    @cached_property
    def known_headers(self) -> frozenset[str]:
        """Keys of all columns this source is known to have, taken or not."""
        return frozenset(self.field_by_header) | self.ignored | frozenset(map(header_key, self.expect))


def header_key(header: str) -> str:
    """'Họ  tên' and 'HO TEN' and 'ho_ten' are one header."""
    return fold(header).replace(" ", "")


def load_mappings(names: Collection[str], folder: Path = FOLDER) -> tuple[SourceMapping, ...]:
    """The mappings `<name>.toml` of `folder`. Raises ConfigError, OSError."""
    return tuple(load_mapping(folder / f"{name}.toml") for name in names)


def load_mapping(path: Path) -> SourceMapping:
    """Raises ConfigError naming file and key."""
    file = read_toml(path)
    columns = _lists(file, "columns")
    for field in columns:
        if field not in FIELDS:
            raise file.wrong(f"columns.{field}", "khóa lạ; có viết nhầm không?")
    level, uncertainty, bounds = _point(file)
    mapping = SourceMapping(
        name=path.stem,
        title=file.text("title"),
        system=file.text("system"),
        identity=file.choice("identity", ("person", "row", "file")),
        place_required=file.flag("place_required"),
        date_orders=_date_orders(file),
        required_columns=_fields(file, "required_columns", columns),
        required_values=frozenset(_fields(file, "required_values", columns)),
        ignored=frozenset(map(header_key, file.texts("ignored"))) if "ignored" in file else frozenset(),
        missing=frozenset(file.texts("missing")) if "missing" in file else frozenset(),
        columns=columns,
        values={
            field: {fold(text): value for text, value in words.items()}
            for field, words in _values(file).items()
        },
        constants=_texts(file, "constants"),
        defaults=_texts(file, "defaults"),
        expect={column: frozenset(values) for column, values in _lists(file, "expect").items()},
        point_level=level,
        point_uncertainty_m=uncertainty,
        point_bounds=bounds,
        hash=hashlib.sha256(path.read_bytes()).hexdigest()[:16],
    )
    file.finish()
    return mapping


def _fields(file: Table, key: str, columns: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    fields = file.texts(key)
    for field in fields:
        if field not in columns:
            raise file.wrong(key, "trường “{field}” không có trong [columns]", field=field)
    return fields


def _date_orders(file: Table) -> tuple[str, ...]:
    orders = file.texts("date_orders")
    for order in orders:
        if order not in DATE_ORDERS:
            raise file.wrong("date_orders", "cần là một trong: {allowed}", allowed=", ".join(DATE_ORDERS))
    return orders


def _lists(file: Table, key: str) -> dict[str, tuple[str, ...]]:
    if key not in file:
        return {}
    table = file.table(key)
    return {name: table.texts(name) for name in table.names()}


def _texts(file: Table, key: str) -> dict[str, str]:
    if key not in file:
        return {}
    table = file.table(key)
    return {name: _allowed(table, name, str(table.take(name))) for name in table.names()}


def _values(file: Table) -> dict[str, dict[str, str]]:
    if "values" not in file:
        return {}
    words = file.table("values")
    found = {}
    for field in words.names():
        table = words.table(field)
        found[field] = {text: _allowed(table, field, str(table.take(text))) for text in table.names()}
    return found


def _allowed(table: Table, field: str, value: str) -> str:
    allowed = ALLOWED_VALUES.get(field)
    if allowed is not None and value not in allowed:
        raise table.wrong(
            field, "cần là một trong: {allowed}", allowed=", ".join(sorted(filter(None, allowed)))
        )
    return value


def _point(file: Table) -> tuple[PlaceLevel | None, float | None, tuple[float, ...] | None]:
    if "point" not in file:
        return None, None, None
    table = file.table("point")
    level = PlaceLevel(table.choice("level", tuple(PlaceLevel)))
    uncertainty = table.number("uncertainty_m")
    bounds = tuple(table.numbers("bounds")) if "bounds" in table else None
    if bounds is not None and not (len(bounds) == 4 and bounds[0] < bounds[2] and bounds[1] < bounds[3]):
        raise table.wrong("bounds", "cần bốn số: tây, nam, đông, bắc")
    table.finish()
    return level, uncertainty, bounds
