"""World coordinates: Web Mercator as int32, the whole world being 2**31 wide (2 cm), y to the south; and distances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

EARTH_M = 6_371_008.8
WORLD = 2**31
NOWHERE = -1
"""Stands for x and y where there is no position."""


def to_world(lon: NDArray[Any], lat: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Degrees (WGS84) to world coordinates; NOWHERE for NaN."""
    north = np.arctanh(np.sin(np.radians(np.clip(lat, -85, 85).astype(np.float64))))
    x, y = (lon.astype(np.float64) + 180) / 360, 0.5 - north / (2 * math.pi)
    known = np.isfinite(x) & np.isfinite(y)
    return _whole(x, known), _whole(y, known)


def _whole(share: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.int32]:
    return np.where(known, np.nan_to_num(share) * WORLD, NOWHERE).clip(NOWHERE, WORLD - 1).astype(np.int32)


def metres_apart(lon: Any, lat: Any, other_lon: Any, other_lat: Any) -> Any:
    """Distances of points in degrees on the sphere of radius EARTH_M (haversine), arrays as they broadcast."""
    north, there = np.radians(lat), np.radians(other_lat)
    east = np.radians(np.asarray(lon) - other_lon)
    chord = np.sin((north - there) / 2) ** 2 + np.cos(there) * np.cos(north) * np.sin(east / 2) ** 2
    return 2 * EARTH_M * np.arcsin(np.sqrt(np.minimum(chord, 1)))


def to_degrees(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude of world coordinates."""
    return x / WORLD * 360 - 180, np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * y / WORLD))))
