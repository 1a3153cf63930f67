"""Where cases are counted: one place for each distinct pair of coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from surveillance.types import FloatArray

EARTH_KM = 6367.0
"""SaTScan's radius of the Earth, so that radii in km agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """n places in the order of their first identifier, as text: SaTScan's order of centres.

    `ids[i]` are the identifiers at place i: more than one where several share their coordinates, for their cases
    and people then count as one. `written` (n, d) are coordinates as given; `points` (n, d or 3) are those that
    distances are measured between: the same, or for latitude and longitude the points of a sphere, in km.
    """

    ids: tuple[tuple[str, ...], ...]
    written: FloatArray
    points: FloatArray
    on_sphere: bool

    @property
    def size(self) -> int:
        return len(self.ids)

    def index(self) -> Mapping[str, int]:
        """The place of every identifier."""
        return {name: i for i, names in enumerate(self.ids) for name in names}

    def distance(self, from_point: FloatArray, members: np.ndarray) -> FloatArray:
        """From a point, in the units of `points`, to each member: a straight line, on a sphere the chord."""
        return distances(from_point, self.points[members])


def distances(point: FloatArray, points: FloatArray) -> FloatArray:
    """Euclidean distance of each of `points` (m, d) from `point` (d,): summed one coordinate after another."""
    total = np.zeros(len(points))
    for axis in range(points.shape[1]):
        total += (points[:, axis] - point[axis]) ** 2
    return np.sqrt(total)


def place(ids: Sequence[str], coordinates: FloatArray, *, on_sphere: bool = False) -> Places:
    """Places of identifiers with `coordinates` (n, d): x, y, … or, `on_sphere`, latitude and longitude in degrees.

    Raises ValueError for an identifier given twice and for shapes or latitudes that cannot be.
    """
    coordinates = np.asarray(coordinates, np.float64)
    if len(set(ids)) < len(ids) or coordinates.ndim != 2 or len(coordinates) != len(ids):
        raise ValueError("every identifier needs one row of coordinates")
    if on_sphere and (coordinates.shape[1] != 2 or np.any(np.abs(coordinates[:, 0]) > 90)):
        raise ValueError("latitude and longitude in degrees are needed")
    together: dict[tuple[float, ...], list[str]] = {}
    for name, row in sorted(zip(ids, coordinates.tolist(), strict=True)):
        together.setdefault(tuple(row), []).append(name)
    written = np.array(list(together), np.float64).reshape(-1, coordinates.shape[1])
    return Places(
        ids=tuple(tuple(names) for names in together.values()),
        written=written,
        points=on_the_sphere(written) if on_sphere else written,
        on_sphere=on_sphere,
    )


def looks_like_degrees(written: FloatArray) -> bool:
    """Whether coordinates (n, 2) may well be latitudes and longitudes of a country: a narrow range of them, far from
    the first meridian, with decimals."""
    if written.shape[1] != 2 or np.any(np.abs(written) > (90, 180)) or np.any(np.ptp(written, axis=0) > 15):
        return False
    return bool(np.all(np.abs(written[:, 1]) > 20) and np.mean(written != written.round(2)) > 0.5)


def on_the_sphere(degrees: FloatArray) -> FloatArray:
    """Latitude and longitude (n, 2) as points (n, 3) of a sphere of `EARTH_KM`."""
    latitude, longitude = np.radians(degrees).T
    across = np.cos(latitude)
    return EARTH_KM * np.column_stack(
        (across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude))
    )
