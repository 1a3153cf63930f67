"""Boundaries of a file in memory, for work without a database: which commune of today is at a point."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from geodata.areas import Areas
from geodata.boundaries import match_boundaries, read_boundaries
from geodata.by_point import UnitAt
from geodata.registry import Registry, communes_of
from geodata.types import UnitKey, UnitLevel


def read_areas(path: Path, registry: Registry, codes: Sequence[str]) -> UnitAt:
    """Of the communes of today in these provinces. Raises BoundaryError."""
    provinces = [unit for unit in registry.units if unit.key.level is UnitLevel.PROVINCE]
    match = match_boundaries(read_boundaries(path).frame, [*communes_of(registry.units, codes), *provinces])
    keys = list(match.areas)
    areas = Areas(by_unit=dict(enumerate(match.areas.values())))

    def unit_at(lat: float, lon: float) -> UnitKey | None:
        found = areas.unit_at(lon, lat)
        return None if found is None else keys[found]

    return unit_at
