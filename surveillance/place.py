"""Where a report's case lives: by the source's code, else by its words through the geocoder; where a ward found the
patient, by the commune it names and the point it measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import NamedTuple

from geodata.address import parse
from geodata.aliases import BY_ALIAS, Aliases, unit_match
from geodata.areas import Areas
from geodata.by_point import UnitAt
from geodata.endpoint import RULE, Endpoint
from geodata.gazetteer import Gazetteer
from geodata.geocoder import geocode
from geodata.streets import StreetBook, ward_circle
from geodata.types import Candidate, Match, PlaceLevel, UnitKey, UnitLevel, level_within
from surveillance.types import CaseReport
from surveillance.verification import MOVED

BY_CODE = "Mã đơn vị của nguồn"
UNKNOWN_CODE = "Mã đơn vị không có trong danh mục"
NO_PLACE = "Nguồn không ghi nơi ở"
MEASURED = "Tọa độ đo tại nhà khi điều tra"
OUTSIDE = "Tọa độ đo khi điều tra nằm ngoài phường/xã đã ghi: cần kiểm tra lại"
AT_SEA = "Tọa độ không nằm trong phường/xã nào: ngoài biển hoặc ngoài địa bàn"
OUTSIDE_REPORTED = "Tọa độ của nguồn nằm ngoài phường/xã đã ghi: cần kiểm tra lại"
BORDER_M = 50
"""Boundaries are simplified: without an uncertainty of its own, a point this near its commune is in it. [P]"""
MISPLACED = (OUTSIDE, OUTSIDE_REPORTED, AT_SEA)
MOVED_NOWHERE = "Điều tra: người bệnh ở nơi khác, phiếu không ghi phường/xã nào"


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
    """Places reports. `gazetteer` None: the source has codes only. `areas`: surveyed boundaries by unit id. `older`:
    what became of the units of releases that boundary files brought, in units of today. `streets` None: nothing is
    known of streets. `endpoint`: a geocoder of the deployment's own, for what they do not know. `aliases`: what people
    taught, asked where the words alone leave it open."""

    unit_ids: Mapping[UnitKey, int]
    gazetteer: Gazetteer | None
    areas: Areas
    older: Mapping[UnitKey, tuple[Candidate, ...]] = field(default_factory=dict)
    streets: StreetBook | None = None
    endpoint: Endpoint | None = None
    aliases: Aliases = field(default_factory=Aliases)

    def place(self, report: CaseReport, point_level: PlaceLevel | None) -> Place:
        if report.verification is not None:
            return self._found(report)
        match = self._match(report)
        unit_id = self.unit_ids[match.unit] if match.unit else None
        former_id = self.unit_ids.get(match.former) if match.former else None
        level, lon, lat, uncertainty = match.level, match.lon, match.lat, match.uncertainty_m
        rule = match.rule
        if unit_id is None:  # where it may be is on no map
            level, lon, lat, uncertainty = PlaceLevel.UNKNOWN, None, None, None
        if report.lon is not None and report.lat is not None and point_level is not None:
            level, lon, lat, uncertainty = point_level, report.lon, report.lat, report.uncertainty_m
            allowed = BORDER_M if uncertainty is None else uncertainty
            rule = self.doubt(unit_id, lon, lat, allowed, OUTSIDE_REPORTED) or rule
        if unit_id is None:
            level = PlaceLevel.UNKNOWN
        return Place(unit_id, former_id, level.value, rule, match.estimated, lon, lat, uncertainty)

    def doubt(
        self, unit_id: int | None, lon: float, lat: float, metres: float | None, outside: str
    ) -> str | None:
        """Why a measured point cannot be where it is said to be; None where nothing speaks against it."""
        if self.areas.nowhere(lon, lat, metres or 0):
            return AT_SEA
        return outside if unit_id and self.areas.far_outside(unit_id, lon, lat, metres or 0) else None

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
            level = level_within(uncertainty)
            rule = self.doubt(unit_id, lon, lat, uncertainty, OUTSIDE) or MEASURED
        if unit_id is None and report.verification in MOVED:
            level, rule = PlaceLevel.UNKNOWN, match.rule or MOVED_NOWHERE
        return Place(unit_id, former_id, level.value, rule, match.estimated, lon, lat, uncertainty)

    def _match(self, report: CaseReport) -> Match:
        if report.unit_code:
            return self._by_code(report.unit_code, report.date_report)
        match = self.look_up(
            commune=report.commune,
            district=report.district,
            province=report.province,
            address=report.identity.address,
            on=report.date_report,
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

    def look_up(
        self,
        *,
        commune: str | None,
        district: str | None,
        province: str | None,
        address: str | None,
        on: date,
    ) -> Match:
        """Where these words lie; by what people taught where the register leaves it open."""
        if self.gazetteer is None:
            return Match(unit=None, rule=NO_PLACE)
        said = {"commune": commune, "district": district, "province": province, "address": address}
        match = geocode(self.gazetteer, **said, on=on, streets=self.streets, areas=self._commune_at)
        if match.unit is not None and not match.estimated:
            return match
        taught = self.aliases.find(said, fine_only=match.estimated)
        if taught is None or taught not in self.unit_ids:
            return match
        return unit_match(self.gazetteer, taught, BY_ALIAS, match)

    def _by_code(self, code: str, on: date) -> Match:
        """The unit that had `code` on that day (codes are re-used, domain.md §4), or what became of it."""
        keys = self._keys_by_code.get(code)
        if not keys:
            return Match(unit=None, rule=UNKNOWN_CODE)
        key = next((key for key in keys if key.valid_from <= on), keys[-1])
        former = self.gazetteer.shares.get(key) if self.gazetteer else None
        successors = former or self.older.get(key)
        if successors is None:
            return Match(unit=key, level=PlaceLevel.COMMUNE, rule=BY_CODE)
        if not successors:
            return Match(unit=None, rule=UNKNOWN_CODE)
        return Match(
            unit=successors[0].unit,
            former=key,
            level=PlaceLevel.COMMUNE,
            rule=BY_CODE,
            estimated=len(successors) > 1,
        )

    @cached_property
    def _commune_at(self) -> UnitAt | None:
        """The commune of typed coordinates, by surveyed boundaries; None where nobody brought any."""
        if not self.areas.by_unit:
            return None
        keys = {unit_id: key for key, unit_id in self.unit_ids.items()}

        def at(lat: float, lon: float) -> UnitKey | None:
            unit_id = self.areas.unit_at(lon, lat)
            return keys.get(unit_id) if unit_id is not None else None

        return at

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
