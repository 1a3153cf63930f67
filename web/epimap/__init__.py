"""`EpiMap`: the product's map, our own Dash component (docs/decisions/map-component.md).

Every page gets a 2 kB script; the MapLibre engine, its worker and two label fonts (all committed in
`dist/`) are fetched from this server only when a map is shown. `make epimap` rebuilds `dist/`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict, Unpack

from dash.development.base_component import Component, ComponentRegistry

__version__: str = json.loads((Path(__file__).parent / "package.json").read_text())["version"]

FeatureId = int | str
Bounds = tuple[float, float, float, float]


class Labels(TypedDict):
    field: str
    minzoom: NotRequired[float]


class ChoroplethLayer(TypedDict):
    """Areas of a vector tile source, coloured by `values`.

    Tiles carry an integer feature id, or `idProperty` names the property to use as one; `values`
    and `tooltips` are keyed by it. A missing or null value is unknown: hatched, never level 1.
    `stops` are (value, CSS colour), ascending: equal values for 'match', lower bounds for 'step'.
    `symbols` gives a value one of ● ▲ ◆ ■, drawn on the points of `labelLayer` (one per unit, so
    that neither symbols nor names repeat at tile borders). `tooltips` are plain text. `extent`
    (degrees) limits which tiles are asked for. `synthetic` dashes the borders: they are made up.
    """

    id: str
    kind: Literal["choropleth"]
    tiles: str
    sourceLayer: str
    stops: list[tuple[float, str]]
    values: NotRequired[dict[FeatureId, float | None]]
    scale: NotRequired[Literal["match", "step"]]
    tooltips: NotRequired[dict[FeatureId, str]]
    symbols: NotRequired[dict[int, str]]
    symbolMinzoom: NotRequired[float]
    labels: NotRequired[Labels]
    labelLayer: NotRequired[str]
    borderLayer: NotRequired[str]
    idProperty: NotRequired[str]
    opacity: NotRequired[float]
    minzoom: NotRequired[int]
    maxzoom: NotRequired[int]
    extent: NotRequired[Bounds]
    synthetic: NotRequired[bool]
    interactive: NotRequired[bool]


class GeoJsonLayer(TypedDict):
    """GeoJSON (a dict or the URL of one) drawn by MapLibre style layers that leave out `source`.

    `tooltipField` names the property with the hover text. Case points are personal data: their
    URL needs the rights of the page.
    """

    id: str
    kind: Literal["geojson"]
    data: dict[str, Any] | str
    styleLayers: list[dict[str, Any]]
    tooltipField: NotRequired[str]
    idProperty: NotRequired[str]
    interactive: NotRequired[bool]


class ViewState(TypedDict):
    lng: float
    lat: float
    zoom: float


class Props(TypedDict, total=False):
    """What Python may give an `EpiMap`; None is the same as leaving a property out."""

    layers: list[ChoroplethLayer | GeoJsonLayer] | None
    viewState: ViewState | None
    bounds: Bounds | None
    padding: int | None
    flyTo: dict[str, Any] | None
    pin: dict[str, float] | None
    pinLabel: str | None
    selected: FeatureId | dict[str, FeatureId] | None
    dark: bool | None
    locale: dict[str, str] | None
    ariaLabel: str | None
    attribution: str | None
    noWebglUrl: str | None
    noWebglText: str | None
    errorText: str | None
    retryText: str | None
    className: str | None
    style: dict[str, Any] | None


_OUTPUTS = ["clickData", "viewBounds", "ready", "webgl"]


class EpiMap(Component):
    """A map that fills its element; give that a height.

    In: `layers`, bottom to top; `viewState` or `bounds` (west, south, east, north; `padding` px);
    `flyTo` ({lng, lat, zoom} or {bounds}); `selected` (a feature id of the first choropleth, or
    {layer, id}; '' for none); `pin` ({lng, lat}: one marker to drag, handed back where it was put);
    `dark`; texts. Out: `clickData` {layer, id, properties, lngLat, t}
    (layer and id null on empty ground), `viewState`, `viewBounds`, `ready`, `webgl`. Without
    WebGL2 it shows the picture at `noWebglUrl` with `noWebglText`.
    """

    _namespace = "epimap"
    _type = "EpiMap"
    _base_nodes = ["children"]
    _children_props: list[str] = []
    _valid_wildcard_attributes: list[str] = []
    available_wildcard_properties: list[str] = []
    _prop_names = ["id", *Props.__annotations__, *_OUTPUTS]
    available_properties = _prop_names

    def __init__(self, id: str, **props: Unpack[Props]) -> None:
        given = {name: value for name, value in props.items() if value is not None}
        super().__init__(id=id, **given)


_LAZY = ["engine.js", "worker.js", "noto-sans-latin.woff2", "noto-sans-vietnamese.woff2"]
_js_dist: list[dict[str, Any]] = [
    {"namespace": __name__, "relative_package_path": "dist/epimap.js"},
    *({"namespace": __name__, "relative_package_path": f"dist/{name}", "dynamic": True} for name in _LAZY),
]
_css_dist: list[dict[str, Any]] = [{"namespace": __name__, "relative_package_path": "dist/epimap.css"}]

# Dash registers the top-level package of a component ("web"); the files belong to this one.
ComponentRegistry.registry.add(__name__)
