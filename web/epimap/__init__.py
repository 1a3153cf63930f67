"""`EpiMap`: the product's map, our own Dash component (docs/decisions/map-component.md).

Every page gets a 2 kB script; the MapLibre engine, its worker and two label fonts (all committed in
`dist/`) are fetched from this server only when a map is shown. `make epimap` rebuilds `dist/`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict, Unpack

from dash.development.base_component import Component, ComponentRegistry

__version__: str = json.loads((Path(__file__).parent / "package.json").read_text())["version"]

FeatureId = int | str
Bounds = tuple[float, float, float, float]


class Labels(TypedDict):
    field: str
    minzoom: NotRequired[float]


class _Layer(TypedDict):
    """What every kind of layer may say; `opacity` (0–1) multiplies what its style says."""

    id: str
    opacity: NotRequired[float]
    visible: NotRequired[bool]
    """False hides the layer and keeps its tiles."""
    interactive: NotRequired[bool]
    """False: neither hover nor click finds it."""
    idProperty: NotRequired[str]
    """The property that is a feature's id, where the data carry no integer id."""


class _TileLayer(_Layer):
    tiles: str
    """URL template with {z}, {x}, {y}; of this server."""
    minzoom: NotRequired[int]
    maxzoom: NotRequired[int]
    """Of the tiles: above it the last ones are enlarged (12 unless said)."""
    extent: NotRequired[Bounds]
    """Limits which tiles are asked for (degrees)."""


class ChoroplethLayer(_TileLayer):
    """Areas of a vector tile source, coloured by `values`.

    Tiles carry an integer feature id, or `idProperty` names the property to use as one; `values`
    and `tooltips` are keyed by it. A missing or null value is unknown: hatched, never level 1.
    `stops` are (value, CSS colour), ascending: equal values for 'match', lower bounds for 'step',
    fixed points for 'linear'. `symbols` gives a value one of ● ▲ ◆ ■, drawn on the points of
    `labelLayer` (one per unit, so that neither symbols nor names repeat at tile borders).
    `hatches` draws lines over the colour of some stops ('match' and 'step'): True leaning the
    other way than unknown, 'cross' crossed. `tooltips` are plain text, the first line the name.
    `synthetic` dashes the borders: they are made up.
    """

    kind: Literal["choropleth"]
    sourceLayer: str
    stops: Sequence[tuple[float, str]]
    values: NotRequired[dict[FeatureId, float | None]]
    scale: NotRequired[Literal["match", "step", "linear"]]
    hatches: NotRequired[dict[float, Literal[True, "lines", "cross"]]]
    tooltips: NotRequired[dict[FeatureId, str]]
    symbols: NotRequired[dict[int, str]]
    symbolMinzoom: NotRequired[float]
    labels: NotRequired[Labels]
    labelLayer: NotRequired[str]
    borderLayer: NotRequired[str]
    synthetic: NotRequired[bool]


class TilesLayer(_TileLayer):
    """Vector tiles drawn by MapLibre style layers that leave out `source` (each names its `source-layer`).

    `tooltipField` names the property with the hover text. Case points are personal data: their
    URL needs the rights of the page.
    """

    kind: Literal["tiles"]
    styleLayers: list[dict[str, Any]]
    tooltipField: NotRequired[str]


class GeoJsonLayer(_Layer):
    """GeoJSON (a dict or the URL of one) drawn by MapLibre style layers that leave out `source`.

    `tooltipField` as for `TilesLayer`.
    """

    kind: Literal["geojson"]
    data: dict[str, Any] | str
    styleLayers: list[dict[str, Any]]
    tooltipField: NotRequired[str]


Layer = ChoroplethLayer | TilesLayer | GeoJsonLayer


class Lasso(TypedDict):
    """`points` are [lng, lat] of the corners, the first not repeated; drawn by hand at most 60, to 5 decimals."""

    kind: Literal["lasso"]
    points: list[list[float]]


class Circle(TypedDict):
    kind: Literal["circle"]
    lng: float
    lat: float
    radius_m: float


class Frames(TypedDict):
    """An animation of one choropleth: `values[step][i]` is the value of `ids[i]`, None where unknown.

    While a step is shown a tooltip keeps its first line (the name) and adds the step's value in
    words: `valueText` is "{value} ca", or the words for each value.
    """

    layer: str
    ids: Sequence[FeatureId]
    values: Sequence[Sequence[float | None]]
    valueText: NotRequired[str | dict[float, str]]


class Compare(TypedDict):
    """The map right of the swipe bar, and the captions of both sides; `frames` are those of the right side."""

    layers: Sequence[Layer]
    left: NotRequired[str]
    right: NotRequired[str]
    frames: NotRequired[Frames]


class Selected(TypedDict):
    layer: str
    id: FeatureId | Sequence[FeatureId]


class Texts(TypedDict, total=False):
    """What the map says itself, in Vietnamese unless given here (src/words.js); {…} is filled in."""

    lasso: str
    """How to draw one with pointer and keyboard; shown over the map."""
    corner: str
    """{n}: the corners set by keyboard so far."""
    circle: str
    circlePlaced: str
    """{metres}: the radius so far."""
    radius: str
    """{metres}, beside the pointer."""
    drawn: str
    cancelled: str
    selected: str
    """{text}: the tooltip of what is selected, for a screen reader."""
    swipe: str
    swipeValue: str
    """{percent} of the width is the left map's."""
    loading: str
    lost: str
    """Over the still picture while the machine cannot draw."""
    unknown: str
    """The value of an area without one, in a tooltip of the animation."""


class ViewState(TypedDict):
    lng: float
    lat: float
    zoom: float


class Props(TypedDict, total=False):
    """What Python may give an `EpiMap`; None is the same as leaving a property out."""

    layers: Sequence[Layer] | None
    viewState: ViewState | None
    bounds: Bounds | None
    padding: int | None
    flyTo: dict[str, Any] | None
    pin: dict[str, float] | None
    pinLabel: str | None
    selected: FeatureId | Sequence[FeatureId] | Selected | None
    draw: Literal["lasso", "circle"] | None
    area: Lasso | Circle | None
    compare: Compare | None
    swipe: float | None
    frames: Frames | None
    frame: int | None
    dark: bool | None
    reducedMotion: bool | None
    locale: dict[str, str] | None
    texts: Texts | None
    ariaLabel: str | None
    attribution: str | None
    noWebglUrl: str | None
    noWebglText: str | None
    errorText: str | None
    retryText: str | None
    className: str | None
    style: dict[str, Any] | None


_OUTPUTS = ["clickData", "drawn", "viewBounds", "ready", "webgl"]


class EpiMap(Component):
    """A map that fills its element; give that a height.

    In:
    - `layers`, bottom to top; the names, symbols and outlines of areas stay above all fills.
    - `viewState` or `bounds` (west, south, east, north; `padding` px); `flyTo` ({lng, lat, zoom} or
      {bounds}). The camera jumps where the reader's system, or `reducedMotion`, asks for less motion.
    - `selected`: feature ids of the first choropleth, or {layer, id}; '' or [] for none.
    - `draw`: 'lasso' or 'circle' puts the map in drawing mode; None leaves it.
    - `area`: an area drawn earlier, shown with a faint fill.
    - `compare`: a second map right of a bar at `swipe` (0 left edge, 1 right edge).
    - `frames` and `frame`: an animation and its step on show; without a step the layer's own `values`.
    - `pin` ({lng, lat}: one marker to drag, handed back where it was put); `dark`; texts.

    Out: `clickData` {layer, id, properties, lngLat, additive, side, t} (layer and id null on empty
    ground; additive with shift, ctrl or meta held; side 'left' or 'right'), `drawn` (the finished
    area and `t`, after which `draw` is null), `swipe`, `viewState`, `viewBounds`, `ready`, `webgl`
    (false also while the machine has stopped drawing). Without WebGL2 it shows the picture at
    `noWebglUrl` with `noWebglText`.
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
