"""What street and house number add to a match: the place on the street, the side of a split ward, and the ward where
the text names none. A unit is taken from the street only where nearly all of what is known there lies in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from geodata.gazetteer import Gazetteer
from geodata.resolve import AMBIGUOUS, ELSEWHERE, TWO_ADDRESSES
from geodata.streets import Circle, StreetBook, StreetHit
from geodata.types import Candidate, Match, PlaceLevel, UnitKey

BY_STREET = "Theo tên đường và số nhà"
SPLIT_BY_STREET = "Phường/xã cũ đã tách: tên đường và số nhà cho biết phần nào"
SURE = 0.8
"""Least share of a street's points around the house for the unit to be taken from it."""
NEAR_M = 1500.0
"""Most uncertainty with which it is: a single known number far along the street says nothing of its other wards."""
SURE_PART = 0.75
"""The same for the part of a split ward, whose street cannot lead far: 94 in 100 right (`bench.geocoding`)."""


def by_street(
    gazetteer: Gazetteer,
    streets: StreetBook,
    match: Match,
    street: str,
    house: str | None,
    circle: Circle | None,
) -> Match:
    """`match` with what the street says; unchanged where the street is not known there or says nothing new."""
    if match.rule in (ELSEWHERE, TWO_ADDRESSES):
        return match
    wards = [match.former] if match.former else [match.unit] if match.unit and not match.estimated else []
    districts = [match.district] if match.district else []
    hit = streets.locate(street, house, wards=wards, districts=districts, around=circle)
    if hit is None:
        return match
    if match.unit is None:
        match = _unit_from(gazetteer, match, hit)
    elif match.estimated:
        match = _split(match, hit)
    return _positioned(match, hit)


def in_hamlet(streets: StreetBook, match: Match, hamlet: str, circle: Circle | None) -> Match:
    """`match` at the khu phố or ấp of its commune, where doors of it have been learnt under its name."""
    ward = match.former or match.unit
    hit = streets.locate(hamlet, wards=[ward], around=circle) if ward else None
    placed = _positioned(match, hit) if hit and not hit.respelt else match
    return replace(placed, level=PlaceLevel.NEIGHBOURHOOD) if placed is not match else match


def _unit_from(gazetteer: Gazetteer, match: Match, hit: StreetHit) -> Match:
    """The unit of a text that names none, or one name of several units."""
    named = {candidate.unit for candidate in match.candidates} if match.rule == AMBIGUOUS else None
    today = _among(hit.today, named)
    former = _sure(hit, hit.former)
    if unit := _sure(hit, today):
        district = gazetteer.units[former].parent if former else match.district
        return replace(match, unit=unit, former=former, district=district, rule=BY_STREET, candidates=())
    if not today:
        return match
    known = gazetteer.units[former].parent if former else match.district
    return replace(match, former=former, district=known, candidates=today)


def _split(match: Match, hit: StreetHit) -> Match:
    parts = _among(hit.today, {candidate.unit for candidate in match.candidates})
    if not parts:
        return match
    unit, share = parts[0]
    if share >= SURE_PART:
        return replace(match, unit=unit, rule=SPLIT_BY_STREET, estimated=False, candidates=parts)
    return replace(match, unit=unit, candidates=parts)


def _among(shares: Sequence[Candidate], units: set[UnitKey] | None) -> tuple[Candidate, ...]:
    """The shares of `units` alone, made to sum to 1; None: all as they are, what they lack to 1 being nowhere known."""
    if units is None:
        return tuple(shares)
    kept = [candidate for candidate in shares if candidate.unit in units]
    total = sum(candidate.share for candidate in kept)
    return tuple(Candidate(candidate.unit, candidate.share / total) for candidate in kept) if total else ()


def _sure(hit: StreetHit, shares: Sequence[Candidate]) -> UnitKey | None:
    near = hit.uncertainty_m is not None and hit.uncertainty_m <= NEAR_M
    return shares[0].unit if near and shares and shares[0].share >= SURE else None


def _positioned(match: Match, hit: StreetHit) -> Match:
    if hit.lat is None or (
        match.uncertainty_m and hit.uncertainty_m and hit.uncertainty_m > match.uncertainty_m
    ):
        return match
    if match.unit is None and not match.candidates:
        return match
    return replace(match, level=hit.level, lat=hit.lat, lon=hit.lon, uncertainty_m=hit.uncertainty_m)
