"""Layers that people bring to the map: kept for their owner, shared when they say so, drawn as data only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, defer, object_session

from accounts.models import User, UserOverlay
from alerts.levels import Theme
from i18n import Message
from reports.map_sheet import Look
from web.epimap import GeoJsonLayer
from web.outbreak_layers import HALO
from web.workbench.overlay_files import OverlayError, OverlayFile

PREFIX = "overlay-"
"""Of their ids among the layers of a URL: overlay-12:80."""
MOST_OVERLAYS = 20
COLOURS = ("#7a3db8", "#0b7a75", "#b8336a", "#4d5b00", "#1660b8")
LABELS = ("ten", "tên", "name", "label", "title")


def keep(session: Session, owner_id: int, name: str, file: OverlayFile, now: datetime) -> UserOverlay:
    """Raises OverlayError when the owner has too many."""
    mine = list(session.scalars(select(UserOverlay.id).where(UserOverlay.owner_id == owner_id)))
    if len(mine) >= MOST_OVERLAYS:
        raise OverlayError(Message("Đã có {n} lớp: hãy xóa bớt trước khi thêm.", n=MOST_OVERLAYS))
    named = [column for column in file.columns if column.lower() in LABELS]
    overlay = UserOverlay(
        owner_id=owner_id, name=Path(name).stem[:80], file_name=name[:200], colour=COLOURS[len(mine) % len(COLOURS)],
        label=next(iter([*named, *file.columns]), None), features=file.features, content=dict(file.content),
        notes=[note.to_json() for note in file.notes], created_at=now, shared=False,
    )  # fmt: skip
    session.add(overlay)
    session.flush()
    return overlay


def overlays_for(session: Session, user_id: int) -> Sequence[tuple[UserOverlay, str]]:
    """Own layers first, then shared ones, with their owners' names; without their shapes."""
    query = (
        select(UserOverlay, User.full_name)
        .join(User, User.id == UserOverlay.owner_id)
        .where(or_(UserOverlay.owner_id == user_id, UserOverlay.shared))
        .order_by(UserOverlay.owner_id != user_id, UserOverlay.id)
        .options(defer(UserOverlay.content))
    )
    return [(overlay, name) for overlay, name in session.execute(query)]


def readable(session: Session, overlay_id: int, user_id: int) -> UserOverlay | None:
    """None when it is gone, or somebody else's and not shared."""
    overlay = session.get(UserOverlay, overlay_id)
    return overlay if overlay is not None and (overlay.shared or overlay.owner_id == user_id) else None


def own(session: Session, overlay_id: int, user_id: int) -> UserOverlay:
    """Raises OverlayError when it is gone or somebody else's."""
    overlay = session.get(UserOverlay, overlay_id)
    if overlay is None or overlay.owner_id != user_id:
        raise OverlayError(Message("Chỉ người tải lên mới sửa hoặc xóa được lớp này."))
    return overlay


def delete(overlay: UserOverlay) -> None:
    session = object_session(overlay)
    assert session is not None
    session.delete(overlay)


def columns_of(overlay: UserOverlay) -> list[str]:
    """In the order of the file."""
    return list(dict.fromkeys(key for each in overlay.content["features"] for key in each["properties"]))


def overlay_id(layer: str) -> int | None:
    """Of a layer's id in a URL; None for other layers."""
    number = layer.removeprefix(PREFIX)
    return int(number) if layer.startswith(PREFIX) and number.isascii() and number.isdigit() else None


def drawn_data(overlay: UserOverlay) -> dict[str, Any]:
    """What the browser gets: shapes, and of their properties only the words for the pointer."""
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "geometry": each["geometry"], "properties": _words(overlay, each["properties"])}
            for each in overlay.content["features"]
        ],
    }  # fmt: skip


def _words(overlay: UserOverlay, properties: Mapping[str, str]) -> dict[str, str]:
    said = properties.get(overlay.label or "")
    return {"text": f"{overlay.name}\n{said}" if said else overlay.name}


def overlay_layer(theme: Theme, overlay: UserOverlay) -> GeoJsonLayer:
    """A layer of the map component; its data come by URL, under the rights of its reader."""
    name, colour = f"{PREFIX}{overlay.id}", overlay.colour

    def of(kind: str) -> list[Any]:
        return ["in", ["geometry-type"], ["literal", [kind, f"Multi{kind}"]]]

    return {
        "id": name,
        "kind": "geojson",
        "data": f"/api/overlays/{overlay.id}?{urlencode({'label': overlay.label or ''})}",
        "tooltipField": "text",
        "styleLayers": [
            {"id": f"{name}-fill", "type": "fill", "filter": of("Polygon"),
             "paint": {"fill-color": colour, "fill-opacity": 0.2}},
            {"id": f"{name}-line", "type": "line", "filter": ["!", of("Point")],
             "paint": {"line-color": colour, "line-width": 1.8}},
            {"id": f"{name}-point", "type": "circle", "filter": of("Point"),
             "paint": {"circle-radius": 5, "circle-color": colour, "circle-stroke-color": HALO[theme],
                       "circle-stroke-width": 1.2}},
        ],
    }  # fmt: skip


def look_of(geometry: Mapping[str, Any]) -> Look:
    """On a sheet."""
    kind = str(geometry["type"])
    return "point" if kind.endswith("Point") else "fill" if kind.endswith("Polygon") else "line"
