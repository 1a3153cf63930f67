"""Boundary files into the database: the units of a release with their areas, their people and what became of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely
from geoalchemy2.shape import from_shape, to_shape
from shapely import MultiPolygon
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from geodata.boundary_check import check_boundaries
from geodata.boundary_files import BoundaryError, read_boundaries, right_way_round
from geodata.boundary_formats import Columns, recognise, release_in
from geodata.boundary_match import (
    BoundaryMatch,
    by_level,
    features_of,
    is_here,
    leaves,
    match_boundaries,
    province_names,
    stands,
)
from geodata.boundary_report import BoundaryReport
from geodata.lineage import link_by_later_codes
from geodata.models import AdminUnit, Boundary, BoundaryRelease, UnitNeighbour
from geodata.past_units import add_units
from geodata.people import renew_population, store_counts
from geodata.releases import Release, find_release, releases
from geodata.shares import renew_shares
from geodata.types import Unit, UnitKey, UnitLevel
from geodata.units import stored_registry, unit_ids
from i18n import Message

__all__ = [
    "BoundaryError",
    "BoundaryReport",
    "Wanted",
    "import_boundaries",
    "store_boundaries",
    "store_cells",
]

GENERATED = "Ranh giới mô phỏng"
_TOUCHING_DEGREES = 0.0005
"""Units nearer than about 50 m are neighbours: real files leave gaps along rivers and between sheets."""
_NEAR_DEGREES = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to import: `release` is a first day (ISO) or a name, None today's; a day before all others makes a new
    release, called `name`. `layer` and `crs` as in `read_boundaries`."""

    release: str | None = None
    name: str | None = None
    layer: str | None = None
    crs: str | None = None


def import_boundaries(
    session: Session, path: Path, *, province_code: str, now: datetime, wanted: Wanted | None = None
) -> BoundaryReport:
    """Read a file, match it to the units of a release, check it, replace their boundaries, and measure anew what went
    where.

    Units the file does not hold keep what they have. Raises BoundaryError and changes nothing when the file cannot be
    used.
    """
    wanted = wanted or Wanted()
    file = read_boundaries(path, wanted.layer, wanted.crs)
    units = stored_registry(session).units
    headers = [str(x) for x in file.frame.columns if x not in ("geometry", "row")]
    on = _day(session, wanted, headers)
    columns = recognise(headers, on)
    file = right_way_round(file, _extent(units))
    created = 0
    if columns.format.level == "commune" and _is_before_register(session, on):
        created = _make_release(session, file.frame, columns, units, on)
        _keep_release(session, on, wanted.name, path.name, now)
        units = stored_registry(session).units
    if not leaves(units, on):
        raise BoundaryError(
            Message("Chưa có đơn vị hành chính nào của tỉnh, thành phố {code}.", code=province_code)
        )
    match = match_boundaries(file.frame, units, on, columns)
    check = check_boundaries(match.areas, units)
    store_boundaries(session, check.areas, source=path.name, synthetic=False, now=now)
    counted = _store_people(session, file.frame, columns, match, path.name)
    links = _store_later_codes(session, file.frame, columns, match, on)
    renew_shares(session)
    renew_population(session)
    return BoundaryReport(
        source=path.name,
        format=columns.format.title,
        release=on,
        match=match,
        check=check,
        names={unit.key: unit.name for unit in units},
        notes=file.notes,
        created=created,
        links=links,
        counted=counted,
    )


# --- which release -----------------------------------------------------------------------------------------------


def _day(session: Session, wanted: Wanted, headers: Sequence[str]) -> date:
    known = releases(session)
    if not known:
        raise BoundaryError(Message("Chưa có đơn vị hành chính nào: hãy chạy “app.py migrate” trước."))
    if wanted.release is None:
        drawn = release_in(headers)
        if drawn is not None and drawn < known[0].on:
            raise BoundaryError(
                Message(
                    "Tệp này vẽ đơn vị của ngày {day}: hãy thêm --release {iso}.", day=drawn, iso=str(drawn)
                )
            )
        return known[0].on
    if found := next((x for x in known if wanted.release in (x.name, x.on.isoformat())), None):
        return found.on
    return _other_day(session, wanted.release, known)


def _other_day(session: Session, text: str, known: Sequence[Release]) -> date:
    """A day that begins no release: before the register it makes a new one, else it falls into one."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        listed = ", ".join(x.on.isoformat() for x in known)
        raise BoundaryError(
            Message(
                "Không có đợt ranh giới “{text}”. Hãy viết ngày (NĂM-THÁNG-NGÀY) hoặc một trong: {known}.",
                text=text,
                known=listed,
            )
        ) from None
    if _is_before_register(session, day):
        return day
    found = find_release(session, day)
    assert found is not None
    return found.on


def _is_before_register(session: Session, on: date) -> bool:
    return on < _register_day(session)


def _make_release(
    session: Session, frame: gpd.GeoDataFrame, columns: Columns, units: Sequence[Unit], on: date
) -> int:
    """The file's own units of our provinces, at the level that most of its features have."""
    day = _register_day(session)
    ours = province_names(leaves(units, day), {unit.key: unit for unit in units})
    group = max(by_level(features_of(frame, columns)).values(), key=len)
    there = [unit for unit in units if stands(unit, day)]
    return add_units(session, [x for x in group if is_here(x, ours)], there, on)


def _register_day(session: Session) -> date:
    brought = set(session.scalars(select(BoundaryRelease.on_date)))
    return min(x.on for x in releases(session) if x.on not in brought)


def _keep_release(session: Session, on: date, name: str | None, source: str, now: datetime) -> None:
    if name and any(x.name == name and x.on != on for x in releases(session)):
        raise BoundaryError(Message("Đã có đợt ranh giới khác tên “{name}”.", name=name))
    row = session.get(BoundaryRelease, on) or BoundaryRelease(on_date=on)
    row.name, row.source, row.imported_at = name or row.name, source, now
    session.add(row)
    session.flush()


def _extent(units: Sequence[Unit]) -> tuple[float, float, float, float] | None:
    """The box around the registered points of communes, with room around it; None where there are none."""
    points = [
        (x.lon, x.lat)
        for x in units
        if x.key.level is UnitLevel.COMMUNE and x.lon is not None and x.lat is not None
    ]
    if not points:
        return None
    west, south, east, north = shapely.MultiPoint(points).bounds
    return west - _NEAR_DEGREES, south - _NEAR_DEGREES, east + _NEAR_DEGREES, north + _NEAR_DEGREES


# --- what else the file holds ------------------------------------------------------------------------------------


def _store_people(
    session: Session, frame: gpd.GeoDataFrame, columns: Columns, match: BoundaryMatch, source: str
) -> dict[int, int]:
    """People by year, summed over the features of each unit; returns how many units by year."""
    ids = unit_ids(session)
    counts: dict[int, dict[int, int]] = {}
    for year, header in columns.persons.items():
        cells = pd.to_numeric(frame[header], errors="coerce")
        sums = {ids[key]: cells.iloc[list(rows)].sum(min_count=1) for key, rows in match.rows.items()}
        counts[year] = {unit: round(float(n)) for unit, n in sums.items() if n > 0}
    store_counts(session, counts, source)
    return {year: len(persons) for year, persons in counts.items() if persons}


def _store_later_codes(
    session: Session, frame: gpd.GeoDataFrame, columns: Columns, match: BoundaryMatch, on: date
) -> int:
    """What became of the units in the next release, where a column tells it."""
    after = [x.on for x in releases(session) if x.on > on]
    header = columns.later.get(min(after)) if after else None
    if header is None or not _is_before_register(session, on):
        return 0
    ids = unit_ids(session)
    codes = {ids[key]: {str(frame[header].iloc[i]) for i in rows} for key, rows in match.rows.items()}
    return link_by_later_codes(session, codes, min(after))


def store_cells(session: Session, cells: Mapping[UnitKey, MultiPolygon], *, now: datetime) -> None:
    """Store generated cells for the units that have no real boundary."""
    real = select(Boundary.unit_id).where(Boundary.synthetic.is_(False))
    having = set(session.scalars(real))
    ids = unit_ids(session)
    lacking = {key: area for key, area in cells.items() if ids[key] not in having}
    store_boundaries(session, lacking, source=GENERATED, synthetic=True, now=now)


def store_boundaries(
    session: Session,
    areas: Mapping[UnitKey, MultiPolygon],
    *,
    source: str,
    synthetic: bool,
    now: datetime,
) -> None:
    """Replace the boundaries of these units (EPSG:4326) and work out anew who is whose neighbour."""
    if not areas:
        return
    ids = unit_ids(session)
    session.execute(delete(Boundary).where(Boundary.unit_id.in_([ids[key] for key in areas])))
    rows = [
        {
            "unit_id": ids[key],
            "geom": from_shape(area, srid=4326),
            "source": source,
            "synthetic": synthetic,
            "imported_at": now,
        }
        for key, area in areas.items()
    ]
    session.execute(insert(Boundary), rows)
    _renew_neighbours(session)


def _renew_neighbours(session: Session) -> None:
    """Neighbours are units of one level and one time whose boundaries touch, or nearly."""
    query = select(AdminUnit.level, AdminUnit.valid_from, Boundary.unit_id, Boundary.geom).join(
        Boundary, Boundary.unit_id == AdminUnit.id
    )
    groups: dict[tuple[str, object], list[tuple[int, MultiPolygon]]] = defaultdict(list)
    for level, valid_from, unit_id, geom in session.execute(query):
        groups[level, valid_from].append((unit_id, to_shape(geom)))
    pairs = [pair for group in groups.values() for pair in _touching(group)]
    session.execute(delete(UnitNeighbour))
    if pairs:
        session.execute(insert(UnitNeighbour), [{"unit_id": a, "neighbour_id": b} for a, b in pairs])


def _touching(group: Sequence[tuple[int, MultiPolygon]]) -> Iterator[tuple[int, int]]:
    ids, shapes = zip(*group, strict=True)
    tree = shapely.STRtree(shapes)
    for a, b in zip(*tree.query(shapes, predicate="dwithin", distance=_TOUCHING_DEGREES), strict=True):
        if a != b:
            yield ids[a], ids[b]
