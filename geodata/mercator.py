"""Web Mercator (EPSG:3857), as tiles and the map's engine have it. Pure."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

HALF_WORLD_M = 20037508.342789244
METRES_PER_PIXEL = 2 * HALF_WORLD_M / 512
"""At zoom 0, which shows the world on one tile of the engine's 512 pixels."""


def mercator(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2) longitude and latitude in degrees to metres; latitudes as far as the map reaches."""
    radius = HALF_WORLD_M / math.pi
    lon, lat = np.radians(lonlat[:, 0]), np.radians(np.clip(lonlat[:, 1], -85, 85))
    return np.column_stack([radius * lon, radius * np.log(np.tan(math.pi / 4 + lat / 2))])


def degrees(x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude of metres."""
    radius = HALF_WORLD_M / math.pi
    return math.degrees(x / radius), math.degrees(2 * math.atan(math.exp(y / radius)) - math.pi / 2)
