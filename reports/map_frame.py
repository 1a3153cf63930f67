"""What a map's camera sees: its box, its pixels and its scale. Pure; the Web Mercator of the map on the screen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.mercator import METRES_PER_PIXEL, degrees, mercator

LONGEST_BAR_PX = 130
NEAREST_ZOOM, FARTHEST_ZOOM = 20.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A window `width` × `height` pixels about a point (degrees) at a zoom of the map's engine."""

    lng: float
    lat: float
    zoom: float
    width: float
    height: float

    @classmethod
    def around(
        cls, bounds: tuple[float, float, float, float], width: float, height: float, padding: float = 24
    ) -> Frame:
        """The window that shows west, south, east, north (degrees) whole, as the map opens with."""
        (west, south), (east, north) = mercator(np.array([bounds[:2], bounds[2:]])).tolist()
        across, up = max(east - west, 1.0), max(north - south, 1.0)
        metres = max(across / max(width - 2 * padding, 1), up / max(height - 2 * padding, 1))
        zoom = math.log2(METRES_PER_PIXEL / metres)
        lng, lat = degrees((west + east) / 2, (south + north) / 2)
        zoom = min(NEAREST_ZOOM, max(FARTHEST_ZOOM, zoom))
        return cls(lng=lng, lat=lat, zoom=zoom, width=width, height=height)

    @property
    def mercator_per_px(self) -> float:
        return METRES_PER_PIXEL / 2**self.zoom

    @property
    def metres_per_px(self) -> float:
        """On the ground, at the middle of the window."""
        return self.mercator_per_px * math.cos(math.radians(self.lat))

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north in EPSG:3857."""
        ((x, y),) = mercator(np.array([[self.lng, self.lat]])).tolist()
        half_w, half_h = self.width / 2 * self.mercator_per_px, self.height / 2 * self.mercator_per_px
        return x - half_w, y - half_h, x + half_w, y + half_h

    def resized(self, width: float) -> Frame:
        """The same ground on a window of another width."""
        ratio = width / self.width
        return replace(self, width=width, height=self.height * ratio, zoom=self.zoom + math.log2(ratio))

    def pixels(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2) of EPSG:3857 to pixels from the upper left corner."""
        west, _south, _east, north = self.box
        return np.column_stack([xy[:, 0] - west, north - xy[:, 1]]) / self.mercator_per_px

    def cut(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """`shapes` (EPSG:3857) within the window and a little around it, in pixels; empty outside."""
        west, south, east, north = self.box
        margin = 8 * self.mercator_per_px
        box = shapely.box(west - margin, south - margin, east + margin, north + margin)
        inside = shapely.contains(box, shapes)
        cut = np.where(inside, shapes, shapely.intersection(shapes, box))
        return np.asarray(shapely.transform(cut, self.pixels), dtype=object)


@dataclass(frozen=True, slots=True)
class ScaleBar:
    metres: int
    px: float

    @property
    def label(self) -> str:
        return f"{self.metres // 1000} km" if self.metres >= 1000 else f"{self.metres} m"


def scale_bar(frame: Frame, longest_px: float = LONGEST_BAR_PX) -> ScaleBar:
    """The longest of 1, 2 or 5 times a power of ten metres that fits."""
    longest = longest_px * frame.metres_per_px
    power = 10 ** math.floor(math.log10(longest))
    metres = max(step * power for step in (1, 2, 5) if step * power <= longest)
    return ScaleBar(max(1, round(metres)), metres / frame.metres_per_px)
