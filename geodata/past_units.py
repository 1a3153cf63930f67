"""Units that only a boundary file knows: wards and districts as they were before the register begins."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geodata.boundary_files import BoundaryError
from geodata.boundary_match import Feature
from geodata.models import AdminUnit
from geodata.registry import KINDS
from geodata.releases import first_days
from geodata.text import name_key
from geodata.types import Unit, UnitKey, UnitLevel
from geodata.units import unit_ids
from i18n import Message

_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")


def add_units(session: Session, features: Sequence[Feature], units: Sequence[Unit], on: date) -> int:
    """Add the wards that `features` draw, with their districts, from `on` until the next release; returns how many
    are new. Units already there stay.

    `units` are the districts and provinces of the next release: a new district lies in the province of its
    namesake there, else where most others lie. Raises BoundaryError when a feature has no name.
    """
    nameless = [x.row for x in features if not x.names]
    if nameless:
        rows = ", ".join(map(str, nameless[:8]))
        raise BoundaryError(
            Message("Đợt ranh giới mới cần tên của mọi đơn vị; thiếu ở dòng {rows}.", rows=rows)
        )
    until = min((day for day in first_days(session) if day > on), default=None)
    earlier = (AdminUnit.valid_from < on) & (AdminUnit.valid_to > on)
    session.execute(update(AdminUnit).where(earlier).values(valid_to=on))
    districts = _add_districts(session, features, units, on, until)
    there = _codes(session, UnitLevel.COMMUNE, on)
    wards: dict[str, AdminUnit] = {}
    for feature in features:
        code = feature.code or feature.identifier or f"{_district_key(feature)}.{name_key(feature.names[0])}"
        if code not in there and code not in wards:
            ward = _unit(UnitLevel.COMMUNE, code, feature.names[0], feature.kind, on, until)
            ward.parent_id = districts.get(_district_key(feature))
            _locate(ward, feature)
            wards[code] = ward
    session.add_all(wards.values())
    session.flush()
    return len(wards)


def _add_districts(
    session: Session, features: Sequence[Feature], units: Sequence[Unit], on: date, until: date | None
) -> dict[str, int]:
    """Ids of the districts of that time by `_district_key`; those not there yet are added."""
    namesakes = {name_key(x.name): x for x in units if x.key.level is UnitLevel.DISTRICT}
    wanted = {key: x for x in features if (key := _district_key(x))}
    above = {key: _province_of(x, namesakes, units) for key, x in wanted.items()}
    usual = Counter(x for x in above.values() if x).most_common(1)
    ids, there, found = unit_ids(session), _codes(session, UnitLevel.DISTRICT, on), {}
    for key, feature in wanted.items():
        namesake = namesakes.get(name_key(feature.district or ""))
        code = feature.district_code or (namesake.key.code if namesake else key)
        if code not in there:
            district = _unit(UnitLevel.DISTRICT, code, feature.district or code, "", on, until)
            parent = above[key] or (usual[0][0] if usual else None)
            district.parent_id = ids[parent] if parent else None
            session.add(district)
            session.flush()
            there[code] = district.id
        found[key] = there[code]
    return found


def _province_of(feature: Feature, namesakes: dict[str, Unit], units: Sequence[Unit]) -> UnitKey | None:
    if namesake := namesakes.get(name_key(feature.district or "")):
        return namesake.parent
    said = name_key(feature.province or "")
    named = (x.key for x in units if x.key.level is UnitLevel.PROVINCE and name_key(x.short_name) in said)
    return next(named, None)


def _district_key(feature: Feature) -> str:
    return feature.district_code or name_key(feature.district or "")


def _codes(session: Session, level: UnitLevel, on: date) -> dict[str, int]:
    query = select(AdminUnit.code, AdminUnit.id).where(AdminUnit.level == level, AdminUnit.valid_from == on)
    return {row.code: row.id for row in session.execute(query)}


def _unit(level: UnitLevel, code: str, name: str, kind: str, on: date, until: date | None) -> AdminUnit:
    """The register's way to write names: 'Phường Tân Định' is short 'Tân Định', 'Phường 02' is
    'Phường 2'."""
    name = _LEADING_ZEROS.sub("", name)
    said = next((x for x in KINDS if name.lower().startswith(f"{x.lower()} ")), "")
    full = name if said or not kind else f"{kind} {name}"
    bare = full[len(said or kind) :].strip()
    return AdminUnit(
        level=level.value,
        code=code,
        valid_from=on,
        valid_to=until,
        name=full,
        short_name=full if bare.isdigit() else bare,
        kind=said or kind,
        aliases=[],
    )


def _locate(ward: AdminUnit, feature: Feature) -> None:
    point = feature.shape.representative_point()
    ward.lat, ward.lon = point.y, point.x
    ward.west, ward.south, ward.east, ward.north = map(float, feature.shape.bounds)
