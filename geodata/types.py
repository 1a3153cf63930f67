"""The places of the published language: units, their lineage, and what a geocoder may say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple


class UnitLevel(StrEnum):
    PROVINCE = "province"
    DISTRICT = "district"
    COMMUNE = "commune"


class UnitKey(NamedTuple):
    """Codes are re-used (167 of the 168 of July 2025 were old ones), so a code names a unit only with its
    first day (domain.md §4)."""

    level: UnitLevel
    code: str
    valid_from: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """An administrative unit in one period of validity.

    `bounds` is (west, south, east, north) in degrees; `valid_to` is the first day it no longer exists.
    """

    key: UnitKey
    name: str
    short_name: str
    kind: str
    valid_to: date | None = None
    parent: UnitKey | None = None
    lat: float | None = None
    lon: float | None = None
    bounds: tuple[float, float, float, float] | None = None
    area_km2: float | None = None
    population: int | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """`old` went into `new`; `split` when `old` has other successors too, `is_default` the largest of them."""

    old: UnitKey
    new: UnitKey
    split: bool
    is_default: bool


class PlaceLevel(StrEnum):
    """How finely a place is known, finest first. A commune centroid is never a house."""

    HOUSE = "house"
    STREET = "street"
    NEIGHBOURHOOD = "neighbourhood"
    COMMUNE = "commune"
    UNKNOWN = "unknown"


FINEST = ((50.0, PlaceLevel.HOUSE), (200.0, PlaceLevel.STREET))
"""A point is no finer than it was measured: up to so many metres of uncertainty it is of this level. [P]"""


def level_within(metres: float) -> PlaceLevel:
    """The finest level of a point known to `metres`."""
    return next((level for most, level in FINEST if metres <= most), PlaceLevel.NEIGHBOURHOOD)


class Candidate(NamedTuple):
    unit: UnitKey
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Where a text lies. `unit` is a unit of today or None when it could not be decided; `former` the unit the
    text named when that one no longer exists; `district` the old district it lies in, where the text or the unit
    tells; `province` today's one of a text that names another; `estimated` when a split unit was resolved to its
    default successor (domain.md §8 case 13). `rule` names how it was decided, for people."""

    unit: UnitKey | None
    former: UnitKey | None = None
    district: UnitKey | None = None
    province: UnitKey | None = None
    level: PlaceLevel = PlaceLevel.UNKNOWN
    lat: float | None = None
    lon: float | None = None
    uncertainty_m: float | None = None
    rule: str = ""
    estimated: bool = False
    candidates: tuple[Candidate, ...] = ()
