"""What the map workbench shows: its URL, read and written. Pure; an unknown value is as good as none.

Two clocks: the event period `first`..`last` (or its length `days` up to the day on show) says when people fell ill;
`on` says until the end of which day we look at what was known. Names in the URL: docs/decisions/workbench.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any, Literal, TypeVar, cast, get_args
from urllib.parse import parse_qsl, urlencode

from surveillance.case_filter import (
    DATED_BY,
    SEVERITIES,
    SEXES,
    STATUSES,
    CaseFilter,
    Circle,
    DatedBy,
    Lasso,
    Severity,
    Sex,
    Status,
)
from web.context import Moment, parse_day

View = Literal["map", "table", "charts", "cases", "places"]
Step = Literal["day", "week"]
VIEWS: tuple[View, ...] = get_args(View)
STEPS: tuple[Step, ...] = get_args(Step)
STACKS = ("sex", "age", "severity", "status", "source", "disease", "unit")
DAYS = 28
LONGEST_DAYS = 3660
OLDEST_AGE = 120
"""An age range up to here has no upper end."""
LARGEST_RADIUS_M = 200_000
MOST_POINTS = 200
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer over the areas, and how opaque, 0–100 %."""

    id: str
    opacity: int = 100


@dataclass(frozen=True, slots=True)
class Compare:
    """The other side of the split view: the same but for another known day, period end or disease."""

    by: Literal["on", "to", "disease"]
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """None stands for "not chosen"; `metric` names a measure, `classes` how its values are cut. `layers` None: those a
    map opens with."""

    disease: str | None = None
    first: date | None = None
    last: date | None = None
    days: int | None = None
    on: date | None = None
    dated_by: DatedBy = "event"
    unit: int | None = None
    units: frozenset[int] | None = None
    within: Circle | Lasso | None = None
    ages: tuple[int, int] | None = None
    sex: Sex | None = None
    severity: Severity | None = None
    status: Status | None = None
    source: str | None = None
    metric: str = "level"
    classes: str | None = None
    layers: tuple[Layer, ...] | None = None
    compare: Compare | None = None
    release: date | None = None
    view: View = "map"
    stack: str | None = None
    step: Step = "week"
    years: int = 1
    outbreak: int | None = None
    cluster: int | None = None

    @classmethod
    def parse(cls, query: str | None, diseases: Collection[str]) -> Selection:
        """From a query string, with or without "?". `diseases` are the codes this deployment watches."""
        given = dict(parse_qsl((query or "").removeprefix("?")))
        values = {name: read(given[url]) for name, (url, read) in _READERS.items() if url in given}
        if values.get("disease") not in diseases:
            values.pop("disease", None)
        compare = values.get("compare")
        if compare is not None and compare.by == "disease" and compare.value not in diseases:
            values.pop("compare")
        if values.get("first") and values.get("last") and values["first"] > values["last"]:
            values["first"] = None
        return cls(**cast(dict[str, Any], {k: v for k, v in values.items() if v is not None}))

    def query(self, **changes: Any) -> str:
        """The canonical query string, without what is as it always is; `changes` by field name."""
        changed = replace(self, **changes)
        plain = Selection()
        parts = [
            (_READERS[f.name][0], _written(getattr(changed, f.name)))
            for f in fields(changed)
            if getattr(changed, f.name) != getattr(plain, f.name)
        ]
        return urlencode(parts, safe=":,;")

    def href(self, **changes: Any) -> str:
        """The map with this selection."""
        query = self.query(**changes)
        return f"/map?{query}" if query else "/map"

    def period(self, shown: Moment) -> tuple[date, date]:
        """First and last day of the events looked at, never later than the day on show."""
        last = min(self.last or shown.today, shown.today)
        if self.first is not None and self.first <= last:
            return self.first, last
        return last - timedelta(days=(self.days or DAYS) - 1), last

    def filter(self, shown: Moment, readable: Collection[int] | None = None) -> CaseFilter:
        """The cases it asks for. `readable`: whose single cases the reader may see (None: all)."""
        start, end = self.period(shown)
        return CaseFilter(
            start=start,
            end=end,
            as_of=shown.as_of,
            dated_by=self.dated_by,
            disease=self.disease,
            units=self.units,
            within=self.within,
            ages=self.ages,
            sex=self.sex,
            severity=self.severity,
            status=self.status,
            source=self.source,
            readable=None if readable is None else frozenset(readable),
        )

    def other_side(self) -> Selection | None:
        """What the right half of a split view shows."""
        if self.compare is None:
            return None
        alone = replace(self, compare=None)
        if self.compare.by == "disease":
            return replace(alone, disease=self.compare.value)
        day = parse_day(self.compare.value)
        if self.compare.by == "on":
            return replace(alone, on=day)
        return replace(alone, first=None, last=day)


def on_show(selection: Selection) -> tuple[Layer, ...]:
    """The layers of the URL, or those a map opens with, bottom to top."""
    return (Layer("outbreaks"),) if selection.layers is None else selection.layers


def _number(low: int, high: int) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        return int(text) if text.isascii() and text.isdigit() and low <= int(text) <= high else None

    return read


def _one_of(values: Collection[T]) -> Callable[[str], T | None]:
    by_text = {str(value): value for value in values}
    return by_text.get


def _word(text: str) -> str | None:
    return text if 0 < len(text) <= 100 and text.isprintable() else None


def _units(text: str) -> frozenset[int] | None:
    numbers = [part for part in text.split(",") if part.isascii() and part.isdigit() and len(part) < 10]
    return frozenset(map(int, numbers)) or None


def _ages(text: str) -> tuple[int, int] | None:
    low, _dash, high = text.partition("-")
    read = _number(0, OLDEST_AGE)
    youngest, oldest = read(low), read(high or str(OLDEST_AGE))
    return (youngest, oldest) if youngest is not None and oldest is not None and youngest <= oldest else None


def _within(text: str) -> Circle | Lasso | None:
    kind, _colon, rest = text.partition(":")
    try:
        if kind == "circle":
            lon, lat, radius = map(float, rest.split(","))
            good = _on_earth(lon, lat) and 0 < radius <= LARGEST_RADIUS_M
            return Circle(lon, lat, radius) if good else None
        points = tuple((float(x), float(y)) for x, y in (pair.split(",") for pair in rest.split(";")))
    except ValueError:
        return None
    good = kind == "lasso" and 3 <= len(points) <= MOST_POINTS and all(_on_earth(*point) for point in points)
    return Lasso(points) if good else None


def _on_earth(lon: float, lat: float) -> bool:
    return -180 <= lon <= 180 and -90 <= lat <= 90


def _degrees(value: float) -> str:
    """To a metre."""
    return f"{round(value, 5):.10g}"


def _layers(text: str) -> tuple[Layer, ...]:
    """ "none" is a map without any."""
    found = []
    for part in text.split(","):
        name, _colon, opacity = part.partition(":")
        percent = _number(0, 100)(opacity or "100")
        if name != "none" and _word(name) and percent is not None:
            found.append(Layer(name, percent))
    return tuple(found)


def _compare(text: str) -> Compare | None:
    by, _colon, value = text.partition(":")
    if by in ("on", "to") and parse_day(value) is None:
        return None
    return Compare(cast(Any, by), value) if by in ("on", "to", "disease") and value else None


def _written(value: Any) -> str:
    match value:
        case date():
            return value.isoformat()
        case frozenset():
            return ",".join(map(str, sorted(value)))
        case Circle():
            return f"circle:{_degrees(value.lon)},{_degrees(value.lat)},{value.radius_m:.10g}"
        case Lasso():
            return "lasso:" + ";".join(f"{_degrees(lon)},{_degrees(lat)}" for lon, lat in value.points)
        case Compare():
            return f"{value.by}:{value.value}"
        case (int(low), int(high)):
            return f"{low}-{high}"
        case tuple():
            return ",".join(f"{layer.id}:{layer.opacity}" for layer in value) or "none"
    return str(value)


_READERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "disease": ("disease", _word),
    "first": ("from", parse_day),
    "last": ("to", parse_day),
    "days": ("days", _number(1, LONGEST_DAYS)),
    "on": ("on", parse_day),
    "dated_by": ("by", _one_of(DATED_BY)),
    "unit": ("unit", _number(1, 10**9)),
    "units": ("units", _units),
    "within": ("area", _within),
    "ages": ("age", _ages),
    "sex": ("sex", _one_of(SEXES)),
    "severity": ("sev", _one_of(SEVERITIES)),
    "status": ("status", _one_of(STATUSES)),
    "source": ("source", _word),
    "metric": ("metric", _word),
    "classes": ("classes", _word),
    "layers": ("layers", _layers),
    "compare": ("compare", _compare),
    "release": ("release", parse_day),
    "view": ("view", _one_of(VIEWS)),
    "stack": ("stack", _one_of(STACKS)),
    "step": ("step", _one_of(STEPS)),
    "years": ("years", _number(1, 10)),
    "outbreak": ("outbreak", _number(1, 10**9)),
    "cluster": ("cluster", _number(1, 10**9)),
}
"""Field → its name in the URL, and how its text is read."""
