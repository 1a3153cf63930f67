"""Where a report's case lives: by the source's code, else by its words through the geocoder; where a ward found the
patient, by the commune it names and the point it measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import NamedTuple

from geodata.address import parse
from geodata.areas import Areas
from geodata.endpoint import RULE, Endpoint
from geodata.gazetteer import Gazetteer
from geodata.geocoder import geocode
from geodata.streets import StreetBook, ward_circle
from geodata.types import Match, PlaceLevel, UnitKey, UnitLevel
from surveillance.types import CaseReport
from surveillance.verification import MOVED

BY_CODE = "Mã đơn vị của nguồn"
UNKNOWN_CODE = "Mã đơn vị không có trong danh mục"
NO_PLACE = "Nguồn không ghi nơi ở"
MEASURED = "Tọa độ đo tại nhà khi điều tra"
OUTSIDE = "Tọa độ đo khi điều tra nằm ngoài phường/xã đã ghi: cần kiểm tra lại"
MOVED_NOWHERE = "Điều tra: người bệnh ở nơi khác, phiếu không ghi phường/xã nào"

FINEST = ((50, PlaceLevel.HOUSE), (200, PlaceLevel.STREET))
"""A point is no finer than it was measured: up to so many metres of uncertainty it is of this level, then of the
neighbourhood. [P]"""


class Place(NamedTuple):
    """The place columns of a case version, in their order, with the point as lon, lat. Level "unknown" without
    a unit: the case counts, and is on no map."""

    unit_id: int | None
    former_unit_id: int | None
    level: str
    rule: str
    estimated: bool
    lon: float | None
    lat: float | None
    uncertainty_m: float | None


@dataclass(frozen=True, kw_only=True)
class Placer:
    """Places reports. `gazetteer` None: the source has codes only. `areas`: surveyed boundaries by unit id. `streets`
    None: nothing is known of streets. `endpoint`: a geocoder of the deployment's own, for what they do not know."""

    unit_ids: Mapping[UnitKey, int]
    gazetteer: Gazetteer | None
    areas: Areas
    streets: StreetBook | None = None
    endpoint: Endpoint | None = None

    def place(self, report: CaseReport, point_level: PlaceLevel | None) -> Place:
        if report.verification is not None:
            return self._found(report)
        match = self._match(report)
        unit_id = self.unit_ids[match.unit] if match.unit else None
        former_id = self.unit_ids.get(match.former) if match.former else None
        level, lon, lat, uncertainty = match.level, match.lon, match.lat, match.uncertainty_m
        if unit_id is None:  # where it may be is on no map
            level, lon, lat, uncertainty = PlaceLevel.UNKNOWN, None, None, None
        if report.lon is not None and point_level is not None:
            lon, lat, uncertainty = report.lon, report.lat, report.uncertainty_m
            level = PlaceLevel.UNKNOWN if unit_id is None else point_level
        return Place(unit_id, former_id, level.value, match.rule, match.estimated, lon, lat, uncertainty)

    def _found(self, report: CaseReport) -> Place:
        """What an investigation says of the place: no unit, no point and no rule where it says nothing."""
        named = report.unit_code or report.commune or report.district
        match = self._match(report) if named else Match(unit=None)
        unit_id = self.unit_ids[match.unit] if match.unit else None
        former_id = self.unit_ids.get(match.former) if match.former else None
        level, rule = match.level, match.rule
        lon, lat, uncertainty = match.lon, match.lat, match.uncertainty_m
        if report.lon is not None and report.lat is not None and report.uncertainty_m is not None:
            lon, lat, uncertainty = report.lon, report.lat, report.uncertainty_m
            unit_id = unit_id if named else self.areas.unit_at(lon, lat)
            level = next((x for most, x in FINEST if uncertainty <= most), PlaceLevel.NEIGHBOURHOOD)
            outside = unit_id is not None and self.areas.far_outside(unit_id, lon, lat, uncertainty)
            rule = OUTSIDE if outside else MEASURED
        if unit_id is None and report.verification in MOVED:
            level, rule = PlaceLevel.UNKNOWN, match.rule or MOVED_NOWHERE
        return Place(unit_id, former_id, level.value, rule, match.estimated, lon, lat, uncertainty)

    def _match(self, report: CaseReport) -> Match:
        if report.unit_code:
            return self._by_code(report.unit_code, report.date_report)
        if self.gazetteer is None:
            return Match(unit=None, rule=NO_PLACE)
        match = geocode(
            self.gazetteer,
            commune=report.commune,
            district=report.district,
            province=report.province,
            address=report.identity.address,
            on=report.date_report,
            streets=self.streets,
        )
        return self._asked(match, report.identity.address)

    def _asked(self, match: Match, address: str | None) -> Match:
        """With what the endpoint knows of a house whose ward is certain and whose street nothing here knows."""
        if not (self.endpoint and self.gazetteer and address and match.unit and not match.estimated):
            return match
        parts = parse(address, self.gazetteer.vocabulary)
        circle = ward_circle(self.gazetteer.units[match.former or match.unit])
        if match.level is not PlaceLevel.COMMUNE or not parts.street or circle is None:
            return match
        found = self.endpoint.find(parts.street, parts.house, circle)
        return replace(match, **found._asdict(), rule=RULE) if found else match

    def _by_code(self, code: str, on: date) -> Match:
        """The unit that had `code` on that day (codes are re-used, domain.md §4), or what became of it."""
        keys = self._keys_by_code.get(code)
        if not keys:
            return Match(unit=None, rule=UNKNOWN_CODE)
        key = next((key for key in keys if key.valid_from <= on), keys[-1])
        successors = self.gazetteer.shares.get(key) if self.gazetteer else None
        if not successors:
            return Match(unit=key, level=PlaceLevel.COMMUNE, rule=BY_CODE)
        return Match(
            unit=successors[0].unit,
            former=key,
            level=PlaceLevel.COMMUNE,
            rule=BY_CODE,
            estimated=len(successors) > 1,
        )

    @cached_property
    def _keys_by_code(self) -> dict[str, list[UnitKey]]:
        """Communes by code, the newest first."""
        found: dict[str, list[UnitKey]] = defaultdict(list)
        for key in sorted(self.unit_ids, key=lambda key: key.valid_from, reverse=True):
            if key.level is UnitLevel.COMMUNE:
                found[key.code].append(key)
        return dict(found)


def place_name(report: CaseReport, place: Place) -> str:
    """What names the commune in a person's link key: the unit if it is known, else the source's own words."""
    if place.unit_id is not None:
        return f"#{place.unit_id}"
    return " ".join(filter(None, (report.commune, report.district, report.province)))
