"""Who falls ill, when and where: background cases with local clustering, and planted outbreaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from surveillance.simulation.city import City, FloatArray, IntArray, addresses, to_degrees
from surveillance.simulation.intensity import bump, daily_curve, expected_by_commune
from surveillance.simulation.settings import DiseaseProfile, Range

NONE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedOutbreak:
    """The truth of one outbreak: `size` cases, onset from `start` to `end`, within `radius_m` of a point."""

    id: int
    disease: str
    commune_code: str
    commune: str
    lat: float
    lon: float
    start: date
    end: date
    size: int
    radius_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Onsets:
    """N cases before anybody knows them: `place` index, `xy` metres (N, 2), `onset` days since `origin`; numbers of
    the planted `outbreak` and of the `focus` (counted from 0) each belongs to, -1 for none. `expected`: of cases that
    nobody planted, the number (communes, weeks from `origin`) they were drawn from."""

    disease: str
    origin: date
    place: IntArray
    xy: FloatArray
    onset: IntArray
    outbreak: IntArray
    focus: IntArray
    expected: FloatArray | None = None


def background(
    city: City,
    disease: str,
    *,
    first: date,
    last: date,
    scale: float,
    rng: np.random.Generator,
) -> Onsets:
    """All cases of `disease` with onset from `first` to `last` that belong to no planted outbreak."""
    profile = city.settings.diseases[disease]
    days = (last - first).days + 1
    weeks = -(-days // 7)
    curve = scale * daily_curve(profile, first, 7 * weeks)
    present = min(weeks, -(-city.settings.present.days // 7))
    expected = expected_by_commune(city, profile, curve.reshape(weeks, 7).sum(axis=1), present, rng)
    expected *= _heat(city, disease, expected.shape, rng)
    counts = rng.poisson(expected)
    commune, week = (np.repeat(index, counts.ravel()) for index in map(np.ravel, np.indices(counts.shape)))
    onset = 7 * week + rng.integers(0, 7, week.size)
    kept = onset < days
    place = _choose_places(city, profile, commune[kept], rng)
    onset = onset[kept]
    order = np.lexsort((onset, city.commune_of[place]))
    place, onset = place[order], onset[order]
    apart = rng.spawn(1)[0]  # how cases scatter within a commune changes no count of the next disease
    focus = _foci(city, profile, place, onset, apart)
    place, xy = _settle(city, place, focus, apart)
    return Onsets(
        disease=disease,
        origin=first,
        place=place,
        xy=xy,
        onset=onset,
        outbreak=np.full(place.size, NONE),
        focus=_numbered(focus),
        expected=expected,
    )


def _heat(city: City, disease: str, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """The few communes that are rising in the last weeks."""
    present = city.settings.present
    communes, weeks = shape
    factor = np.ones(shape)
    count = min(communes, int(present.hot_communes.get(disease, 0)))
    for commune in rng.choice(communes, count, replace=False):
        height = rng.uniform(*present.hot_factor) - 1
        factor[commune] += height * bump(weeks, weeks - rng.uniform(1.0, 3.0), 2.0)
    return factor


def _choose_places(
    city: City, profile: DiseaseProfile, commune: IntArray, rng: np.random.Generator
) -> IntArray:
    """A place of each commune, by people at risk; places are sorted by commune, so one search does."""
    factor = [profile.district_factor.get(p.district.key.code, 1.0) for p in city.places]
    edges = np.concatenate([[0.0], np.cumsum(city.people * factor)])
    first = np.searchsorted(city.commune_of, np.arange(len(city.communes)))
    last = np.append(first[1:], city.commune_of.size)
    drawn = edges[first[commune]] + rng.random(commune.size) * (edges[last] - edges[first])[commune]
    found = np.searchsorted(edges, drawn, side="right") - 1
    return np.clip(found, first[commune], last[commune] - 1)


def _foci(
    city: City, profile: DiseaseProfile, place: IntArray, onset: IntArray, rng: np.random.Generator
) -> IntArray:
    """Position of the index case each case follows, its own if none. Cases are in order of commune and onset.

    A share of the cases are indices; those that follow one choose among the indices of their commune of the last days.
    When and in which commune people fall ill stays as it was drawn: foci say only where in the commune.
    """
    foci = city.settings.foci
    position = np.arange(place.size)
    focus = position.copy()
    drawn = rng.random(place.size)
    edge = profile.clustering / foci.secondaries
    indices = np.flatnonzero(drawn < edge)
    if not indices.size:
        return focus
    follows = (drawn >= edge) & (drawn < edge + profile.clustering)
    moment = city.commune_of[place] * 1e6 + onset
    lag = rng.random(place.size) * foci.days
    for wanted in (moment - lag, moment):  # the last index before a random day, else the last of all
        found = np.searchsorted(moment[indices], wanted, side="right") - 1
        index = indices[np.maximum(found, 0)]
        near = follows & (index < position) & (moment - moment[index] <= foci.days)
        focus[near] = index[near]
        follows &= ~near
    return focus


def _settle(
    city: City, place: IntArray, focus: IntArray, rng: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """Place and point of each case: anywhere in its place, or around its index."""
    foci = city.settings.foci
    xy = rng.random((place.size, 2)) * city.size_m[place]
    near = np.flatnonzero(focus != np.arange(place.size))
    step = rng.normal(0, foci.spread_m, (near.size, 2))
    step *= np.minimum(1, foci.radius_m / np.maximum(np.linalg.norm(step, axis=1), 1e-9))[:, None]
    place = place[focus]
    xy[near] = xy[focus[near]] + step
    return place, _inside(city, place, xy)


def _numbered(focus: IntArray) -> IntArray:
    """Foci of at least two cases, counted from 0; -1 for cases in none."""
    members, number, count = np.unique(focus, return_inverse=True, return_counts=True)
    shared = count >= 2
    return np.where(shared, np.cumsum(shared) - 1, NONE)[number] if members.size else focus


def _inside(city: City, place: IntArray, xy: FloatArray) -> FloatArray:
    return np.clip(xy, 0.5, city.size_m[place] - 0.5)


def planned_outbreaks(
    city: City, *, first: date, last: date, scale: float, rng: np.random.Generator
) -> Iterator[tuple[str, Range, date]]:
    """(disease, size range, start) of the outbreaks of the years, then of those of the present."""
    settings = city.settings
    longest = int(settings.outbreak_days[1])
    days = (last - first).days - settings.present.days - longest
    for disease, rate in settings.outbreak_rates.items():
        for _ in range(rng.poisson(scale * rate.per_year * max(0, days) / 365.25)):
            yield disease, rate.size, first + timedelta(days=int(rng.integers(days)))
    for planned in settings.present.outbreaks:
        start = last - timedelta(days=int(rng.integers(*_inclusive(planned.began_days_ago))))
        if start >= first:
            yield planned.disease, planned.size, start


def draw_outbreak(
    city: City,
    disease: str,
    *,
    id: int,
    start: date,
    size: int,
    rng: np.random.Generator,
    place: int | None = None,
    days: int | None = None,
) -> tuple[PlantedOutbreak, Onsets]:
    """One outbreak around a random point of `place` (None: anywhere, by people)."""
    settings = city.settings
    if place is None:
        place = int(rng.choice(len(city.places), p=city.people / city.people.sum()))
    if days is None:
        days = int(rng.integers(*_inclusive(settings.outbreak_days)))
    radius = settings.outbreak_radius_m
    margin = np.minimum(radius, city.size_m[place] / 2)
    centre = margin + rng.random(2) * (city.size_m[place] - 2 * margin)
    angle, distance = 2 * np.pi * rng.random(size), radius * np.sqrt(rng.random(size))
    places = np.full(size, place)
    points = centre + np.column_stack([np.cos(angle), np.sin(angle)]) * distance[:, None]
    onset = np.sort((days * rng.beta(1.6, 1.6, size)).astype(int))
    onset -= onset[0]
    (lat,), (lon,) = to_degrees(city, places[:1], centre[None])
    truth = PlantedOutbreak(
        id=id,
        disease=disease,
        commune_code=city.places[place].commune.key.code,
        commune=city.places[place].commune.name,
        lat=float(lat),
        lon=float(lon),
        start=start,
        end=start + timedelta(days=int(onset[-1])),
        size=size,
        radius_m=radius,
    )
    return truth, Onsets(
        disease=disease,
        origin=start,
        place=places,
        xy=_inside(city, places, points),
        onset=onset,
        outbreak=np.full(size, id),
        focus=np.zeros(size, dtype=np.int64),
    )


def _inclusive(bounds: Range) -> tuple[int, int]:
    return int(bounds[0]), int(bounds[1]) + 1


def draw_size(bounds: Range, rng: np.random.Generator) -> int:
    """Between the bounds, small ones more often."""
    low, high = bounds
    return round(low + (high - low) * rng.beta(1.0, 2.0))


def case_table(city: City, onsets: list[Onsets]) -> pd.DataFrame:
    """One row a case by date of onset: case_id, disease, date_onset, place (index into `city.places`),
    commune_code, ward_code (former), lat, lon, address, outbreak_id (planted) and focus_id (planted or grown, two
    cases at least), -1 for none."""
    place = np.concatenate([o.place for o in onsets])
    xy = np.concatenate([o.xy for o in onsets])
    day = np.concatenate([np.datetime64(o.origin, "D") + o.onset for o in onsets])
    offsets = np.cumsum([0, *(int(o.focus.max(initial=NONE)) + 1 for o in onsets)])
    focus = np.concatenate(
        [np.where(o.focus >= 0, o.focus + offset, NONE) for o, offset in zip(onsets, offsets, strict=False)]
    )
    order = np.argsort(day, kind="stable")
    place, xy, day = place[order], xy[order], day[order]
    lat, lon = to_degrees(city, place, xy)
    return pd.DataFrame(
        {
            "case_id": np.arange(1, place.size + 1),
            "disease": np.repeat([o.disease for o in onsets], [o.place.size for o in onsets])[order],
            "date_onset": day.astype("datetime64[s]"),
            "place": place,
            "commune_code": np.array([p.commune.key.code for p in city.places], dtype=object)[place],
            "ward_code": np.array([p.ward.key.code for p in city.places], dtype=object)[place],
            "lat": lat,
            "lon": lon,
            "address": addresses(city, place, xy),
            "outbreak_id": np.concatenate([o.outbreak for o in onsets])[order],
            "focus_id": focus[order],
        }
    )
