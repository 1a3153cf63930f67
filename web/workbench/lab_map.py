"""The outlines of both sides on one day: in force a line, the trial dashed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import shapely

from alerts.levels import Theme
from i18n import _
from surveillance.laboratory import Course, Found
from surveillance.outbreaks.outbreak import Outbreak
from web.context import context
from web.epimap import GeoJsonLayer
from web.formats import day
from web.outbreak_layers import DETAILED_ZOOM, HALO, INK

TRIAL = {"light": "#c2410c", "dark": "#ffb27a"}
SETTING_M = 50.0
"""Around cases that are linked by a school or a household only."""
QUARTER = 4
"""Corners of a quarter of a circle: an outline has to be light, not smooth."""


def layers(old: Course, new: Course, on: date, theme: Theme) -> list[GeoJsonLayer]:
    """Bottom to top. Where the trial is what is in force, one layer only."""
    found = [_layer("lab-old", old, on, INK[theme], theme, dashed=False)]
    if new.profile != old.profile or new.found is not old.found:
        found.append(_layer("lab-new", new, on, TRIAL[theme], theme, dashed=True))
    return found


def _layer(name: str, course: Course, on: date, colour: str, theme: Theme, *, dashed: bool) -> GeoJsonLayer:
    line: dict[str, Any] = {"line-color": colour, "line-width": 2 if dashed else 1.8}
    if dashed:
        line["line-dasharray"] = [2, 1.5]
    ring = {
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 8, 2, 11, 4.5 if dashed else 6],
        "circle-opacity": 0, "circle-stroke-color": colour, "circle-stroke-width": 1.4,
    }  # fmt: skip
    casing = {"line-color": HALO[theme], "line-width": 3.4}
    return {
        "id": name,
        "kind": "geojson",
        "data": {"type": "FeatureCollection", "features": list(features(course, on))},
        "tooltipField": "text",
        "styleLayers": [
            *([] if dashed else [{"id": f"{name}-casing", "type": "line", "minzoom": DETAILED_ZOOM, "paint": casing}]),
            {"id": f"{name}-line", "type": "line", "minzoom": DETAILED_ZOOM, "paint": line},
            {"id": f"{name}-ring", "type": "circle", "maxzoom": DETAILED_ZOOM, "paint": ring,
             "filter": ["==", ["geometry-type"], "Point"]},
        ],
    }  # fmt: skip


def features(course: Course, on: date) -> Iterator[dict[str, Any]]:
    """Each outbreak watched on the day as an area and as a point."""
    watched = [(one, state, spots) for one, state in course.watched(on) if (spots := _spots(state)).size]
    areas = [shapely.MultiPoint(spots) for *_, spots in watched]
    areas = shapely.buffer(areas, course.profile.radius_m or SETTING_M, quad_segs=QUARTER)
    points = shapely.points([spots.mean(axis=0) for *_, spots in watched]) if watched else []
    shapes = [_geojson(shapes) for shapes in (areas, points)]
    for number, ((one, state, _at), *both) in enumerate(zip(watched, *shapes, strict=True)):
        for shape in both:
            facts = {"text": _told(one, state)}
            yield {"type": "Feature", "id": number, "geometry": shape, "properties": facts}


def _spots(state: Outbreak) -> Any:
    spots = np.column_stack([state.places.x, state.places.y])
    return spots[np.isfinite(spots).all(axis=1)]


def _told(one: Found, state: Outbreak) -> str:
    first, last = day(state.first_event), day(state.last_event)
    text = _("{n} ca, từ {first} đến {last}", n=len(state.members), first=first, last=last)
    since = _("thấy ngày {day}", day=day(one.born)) if one.born else _("có từ trước kỳ này")
    return f"{text}\n{since}"


def _geojson(shapes: Any) -> list[dict[str, Any]]:
    """Geometries in degrees, to a metre."""
    moved = shapely.transform(
        np.asarray(shapes, dtype=object), lambda xy: np.round(np.column_stack(lon_lat(xy[:, 0], xy[:, 1])), 5)
    )
    return [json.loads(text) for text in shapely.to_geojson(moved)]


def lon_lat(x: Any, y: Any) -> Any:
    """From the deployment's metres to degrees."""
    return _transformer(context().settings.deployment.metric_crs).transform(x, y)


@lru_cache(maxsize=4)
def _transformer(crs: str) -> Any:
    from pyproj import Transformer

    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
