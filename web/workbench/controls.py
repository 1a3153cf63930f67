"""The controls of the workbench that the URL remembers; assets/map.js translates each (the same ids, tested)."""

from __future__ import annotations

from web.epimap import ViewState

CONTROLS: tuple[tuple[str, str], ...] = (
    ("map-disease", "value"),
    ("map-place", "value"),
    ("map-release", "value"),
    ("map-metric", "value"),
    ("map-classes", "data"),
    ("map-view", "value"),
    ("f-units", "value"),
    ("f-period", "value"),
    ("f-by", "value"),
    ("f-age", "value"),
    ("f-sex", "value"),
    ("f-sev", "value"),
    ("f-status", "value"),
    ("f-source", "value"),
    ("map-area", "data"),
    ("map-compare-by", "value"),
    ("map-compare-day", "value"),
    ("map-compare-disease", "value"),
    ("time-on", "value"),
    ("time-last", "value"),
    ("time-on-day", "value"),
)
"""Component id and property, in the order of the callback's outputs."""


def read_camera(text: str | None) -> ViewState | None:
    """ "106.7,10.8,11" as the URL has it; None for anything else."""
    try:
        lng, lat, zoom = map(float, (text or "").split(","))
    except ValueError:
        return None
    if not (-180 <= lng <= 180 and -85 <= lat <= 85 and 0 <= zoom <= 22):
        return None
    return {"lng": lng, "lat": lat, "zoom": zoom}
