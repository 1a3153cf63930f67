"""All cases as arrays in this process: what the map workbench counts, filters and draws from, at any past moment.

SQL over a million cases takes hundreds of milliseconds a view; a mask over arrays a few (docs/decisions/columns.md).
No array says who anybody is. A process loads them once and then only what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from threading import Lock
from typing import Any, NamedTuple, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import Connection
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geodata.models import AdminUnit
from surveillance.case_filter import CaseFilter, Circle, Lasso
from surveillance.diseases import Disease
from surveillance.evidence.severity import grade
from surveillance.lines import FOREVER, day_number, microseconds
from surveillance.models import CaseVersion, IngestRun
from surveillance.types import BoolArray, Classification, Outcome, Treatment, Verification
from surveillance.world import NOWHERE, metres_apart, to_degrees, to_world

NO_DAY = np.iinfo(np.int16).min
"""Stands where a case has no such day."""
PLACE_LEVELS = ("unknown", "commune", "neighbourhood", "street", "house")
PRECISE = tuple(PLACE_LEVELS.index(name) for name in ("neighbourhood", "street", "house"))
CLASSES = tuple(Classification)
TREATMENTS = ("", *Treatment)
OUTCOMES = ("", *Outcome)
SEXES = ("", "M", "F")
_CHUNK = 1_000_000
"""Versions fetched at once."""
_SEX = {"male": 1, "female": 2}

_SMALL: Mapping[str, str] = {
    "event": "(v.event_date - date '2000-01-01')::int2",
    "onset": "coalesce(v.date_onset - date '2000-01-01', -32768)::int2",
    "admission": "coalesce(v.date_admission - date '2000-01-01', -32768)::int2",
    "report": "(v.date_report - date '2000-01-01')::int2",
    "age": "coalesce(v.age_years, -1)::int2",
    "disease": "{disease}",
    "icd": "{icd}",
    "source": "{source}",
    "verification": "coalesce(v.verification, 0)::int2",
    "classification": "{classification}",
    "treatment": "{treatment}",
    "outcome": "{outcome}",
    "sex": "{sex}",
    "place_level": "{place_level}",
}
"""Name → expression of 16 bits; four are sent as one number, which costs the server half. None may be NULL."""
_WIDE: tuple[tuple[str, str, str], ...] = (
    ("version", ">i8", "v.id"),
    ("case", ">i8", "v.case_id"),
    ("unit", ">i4", "coalesce(v.unit_id, 0)::int4"),
    ("uncertainty", ">f4", "coalesce(v.uncertainty_m, 'NaN')::float4"),
    ("known_from", ">i8", "v.known_from"),
    ("known_to", ">i8", "coalesce(v.known_to, 'infinity')"),
)
"""Name, type in PostgreSQL's binary form, and expression; none may be NULL."""
_HEADER = 20
"""Bytes before the elements of an array, the second four telling of NULLs; each element comes after its length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """N versions of cases, by event day, then disease; the arrays (N,) are not to be written to.

    `unit` is the id of the commune of today, 0 where unknown. Days are days since `lines.EPOCH`, NO_DAY where there is
    none; `age` is -1 where unknown. `disease`, `source`, `classification`, `treatment`, `outcome`, `sex` and
    `place_level` are positions in the tuples of names. `x`, `y` are world coordinates (`surveillance.world`) where the
    place is known to a neighbourhood or better, else NOWHERE; `uncertainty` in metres, NaN where there is none.
    `known_from`, `known_to` are microseconds since EPOCH, FOREVER while still believed.
    `points` are a point inside each commune. `starts` (days from the first event on × diseases + 1) tells where the
    versions of a day and disease begin. Made by `arranged`.
    """

    diseases: tuple[str, ...]
    sources: tuple[str, ...]
    points: Mapping[int, tuple[float, float]]
    version: NDArray[np.int64]
    case: NDArray[np.int64]
    unit: NDArray[np.int32]
    event: NDArray[np.int16]
    onset: NDArray[np.int16]
    admission: NDArray[np.int16]
    report: NDArray[np.int16]
    age: NDArray[np.int16]
    disease: NDArray[np.uint8]
    source: NDArray[np.uint8]
    verification: NDArray[np.uint8]
    classification: NDArray[np.uint8]
    treatment: NDArray[np.uint8]
    outcome: NDArray[np.uint8]
    sex: NDArray[np.uint8]
    severe: BoolArray
    place_level: NDArray[np.uint8]
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    uncertainty: NDArray[np.float32]
    known_from: NDArray[np.int64]
    known_to: NDArray[np.int64]
    starts: NDArray[np.int64]

    def day(self, dated_by: str) -> NDArray[np.int16]:
        """The days that `CaseFilter.dated_by` names."""
        return cast(NDArray[np.int16], getattr(self, dated_by))

    def rows(self, wanted: CaseFilter) -> NDArray[np.int64]:
        """Positions of the cases that `wanted` asks for, ascending.

        A circle or lasso takes a case by its point where that is known to a neighbourhood or better, else by whether
        the point inside its commune lies in it.
        """
        rows = self._of_disease(wanted)
        tests: list[Test] = [
            *self._about_people(wanted),
            *self._about_places(wanted),
            partial(self._known, wanted),
        ]
        if wanted.dated_by != "event":
            tests.insert(0, partial(self._dated, wanted))
        if isinstance(rows, slice):
            keep = tests[0](rows)
            for test in tests[1:]:
                keep &= test(rows)
            rows = np.flatnonzero(keep) + rows.start
        else:
            for test in tests:
                rows = rows[test(rows)]
        return rows if wanted.within is None else rows[self._inside(wanted.within, rows)]

    def placed_by_commune(self, rows: NDArray[np.int64]) -> int:
        """How many of `rows` an area by hand takes or leaves with their whole commune."""
        return int((self.x[rows] == NOWHERE).sum())

    def _of_disease(self, wanted: CaseFilter) -> slice | NDArray[np.int64]:
        """Rows of the disease, and of the period where event days decide: a run for each day."""
        if not self.event.size:
            return slice(0, 0)
        kinds = len(self.diseases)
        days = (len(self.starts) - 1) // kinds
        first, last = 0, days
        if wanted.dated_by == "event":
            zero = int(self.event[0])
            first, last = (
                min(max(day - zero, 0), days)
                for day in (day_number(wanted.start), day_number(wanted.end) + 1)
            )
        if wanted.disease is None:
            low, high = self.starts[first * kinds], self.starts[max(first, last) * kinds]
            return slice(int(low), int(high))
        if wanted.disease not in self.diseases or last <= first:
            return slice(0, 0)
        at = np.arange(first, last) * kinds + self.diseases.index(wanted.disease)
        return _joined(self.starts[at], self.starts[at + 1])

    def _dated(self, wanted: CaseFilter, rows: Any) -> BoolArray:
        day = self.day(wanted.dated_by)[rows]
        first, last = day_number(wanted.start), day_number(wanted.end)
        return cast(BoolArray, (day >= max(first, NO_DAY + 1)) & (day <= last))

    def _known(self, wanted: CaseFilter, rows: Any) -> BoolArray:
        if wanted.as_of is None:
            return self.known_to[rows] == FOREVER
        at = microseconds(wanted.as_of)
        return (self.known_from[rows] <= at) & (at < self.known_to[rows])

    def _about_people(self, wanted: CaseFilter) -> list[Test]:
        tests: list[Test] = []
        if wanted.ages is not None:
            low, high = wanted.ages
            tests.append(lambda rows: (self.age[rows] >= low) & (self.age[rows] <= high))
        if wanted.sex is not None:
            sex = _SEX[wanted.sex]
            tests.append(lambda rows: self.sex[rows] == sex)
        match wanted.severity:
            case "inpatient" | "outpatient" as treatment:
                tests.append(lambda rows: self.treatment[rows] == TREATMENTS.index(treatment))
            case "severe":
                tests.append(lambda rows: self.severe[rows].copy())
            case "died":
                tests.append(lambda rows: self.outcome[rows] == OUTCOMES.index(Outcome.DIED))
        return tests

    def _about_places(self, wanted: CaseFilter) -> list[Test]:
        tests: list[Test] = []
        if wanted.source is not None:
            source = _position(self.sources, wanted.source)
            tests.append(lambda rows: self.source[rows] == source)
        for units in (wanted.units, wanted.readable):
            if units is not None:
                chosen = self._in_units(units)
                tests.append(lambda rows, chosen=chosen: chosen[self.unit[rows]])  # type: ignore[misc]
        return [*tests, partial(self._status, wanted)]

    def _status(self, wanted: CaseFilter, rows: Any) -> BoolArray:
        discarded = CLASSES.index(Classification.DISCARDED)
        classes = self.classification[rows]
        match wanted.status:
            case "verified":
                return (classes != discarded) & (self.verification[rows] == Verification.VERIFIED)
            case "unverified":
                return (classes != discarded) & (self.verification[rows] != Verification.VERIFIED)
            case None:
                return cast(BoolArray, classes != discarded)
        return cast(BoolArray, classes == CLASSES.index(Classification(wanted.status)))

    def _in_units(self, units: frozenset[int]) -> BoolArray:
        """By unit id; without places (0) never."""
        largest = int(self.unit.max(initial=0))
        chosen = np.zeros(largest + 1, bool)
        chosen[[unit for unit in units if 0 < unit <= largest]] = True
        return chosen

    def _inside(self, shape: Circle | Lasso, rows: NDArray[np.int64]) -> BoolArray:
        communes = {unit for unit, point in self.points.items() if contains(shape, *point)}
        inside = self._in_units(frozenset(communes))[self.unit[rows]]
        precise = self.x[rows] != NOWHERE
        at = rows[precise]
        inside[precise] = contains(shape, *to_degrees(self.x[at], self.y[at]))
        return inside


Test = Callable[[Any], BoolArray]
"""Which of some rows (a slice or positions) are wanted: a new array."""


def arranged(
    diseases: tuple[str, ...], sources: tuple[str, ...], points: Mapping[int, tuple[float, float]],
    arrays: Mapping[str, NDArray[Any]],
) -> Columns:  # fmt: skip
    """Columns of the `arrays`, in whatever order their versions are."""
    event, kinds = arrays["event"].astype(np.int32), max(1, len(diseases))
    key = (event - event.min()) * kinds + arrays["disease"] if event.size else event
    order = np.argsort(key, kind="stable")
    days = int(event.max()) - int(event.min()) + 1 if event.size else 0
    starts = np.concatenate([[0], np.cumsum(np.bincount(key, minlength=days * kinds))])
    sorted_: dict[str, Any] = {name: values[order] for name, values in arrays.items()}
    return Columns(diseases=diseases, sources=sources, points=points, starts=starts, **sorted_)


def _joined(begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers begins[0]..ends[0]-1, begins[1]..ends[1]-1, …"""
    sizes = ends - begins
    return np.repeat(ends - np.cumsum(sizes), sizes) + np.arange(int(sizes.sum()))


def contains(shape: Circle | Lasso, lon: Any, lat: Any) -> Any:
    """Whether points (degrees, alike in shape) lie in it; distances on the sphere."""
    if isinstance(shape, Lasso):
        return shapely.contains_xy(shapely.Polygon(shape.points), lon, lat)
    return metres_apart(lon, lat, shape.lon, shape.lat) <= shape.radius_m


class _Seen(NamedTuple):
    """What tells one state of the case versions from another; `undone` runs ended or deleted some without a trace."""

    newest: int
    undone: int


@dataclass(slots=True)
class ColumnStore:
    """The columns of this process, brought up to date when asked for. One thread renews; the others meanwhile get
    what there was."""

    catalogue: Mapping[str, Disease]
    _kept: tuple[_Seen, Columns] | None = None
    _lock: Lock = field(default_factory=Lock)

    def current(self, session: Session) -> Columns:
        return self.dated(session)[1]

    def dated(self, session: Session) -> tuple[str, Columns]:
        """The columns, and the `version` that they are of: an older one while another thread renews them."""
        kept = self._kept
        if kept is None or kept[0] != _seen(session):
            kept = self._renewed(session, kept)
        return _text(kept[0]), kept[1]

    def version(self, session: Session) -> str:
        """Changes whenever the columns would."""
        return _text(_seen(session))

    def _renewed(self, session: Session, kept: tuple[_Seen, Columns] | None) -> tuple[_Seen, Columns]:
        if not self._lock.acquire(blocking=kept is None) and kept is not None:
            return kept
        try:
            seen, before = _seen(session), self._kept
            if before is None or seen != before[0]:
                before = self._kept = (seen, self._read(session, seen))
            return before
        finally:
            self._lock.release()

    def _read(self, session: Session, seen: _Seen) -> Columns:
        was, before = self._kept or (None, None)
        if before is None or was is None or seen.undone != was.undone or seen.newest < was.newest:
            return load_columns(session, self.catalogue, seen.newest)
        changed = f"v.case_id IN (SELECT case_id FROM case_version WHERE id > {was.newest})"
        fresh = _load(session, self.catalogue, [f"{changed} AND v.id <= {seen.newest}"])
        return merged(before, fresh)


def _text(seen: _Seen) -> str:
    return "-".join(map(str, seen))


def _seen(session: Session) -> _Seen:
    newest = select(func.coalesce(func.max(CaseVersion.id), 0)).scalar_subquery()
    undone = select(func.count()).where(IngestRun.state == "undone").scalar_subquery()
    return _Seen(*session.execute(select(newest, undone)).one())


def load_columns(session: Session, catalogue: Mapping[str, Disease], newest: int) -> Columns:
    """Every version up to the id `newest`, in pieces."""
    pieces = [
        f"v.id > {after} AND v.id <= {min(after + _CHUNK, newest)}"
        for after in range(0, max(newest, 1), _CHUNK)
    ]
    return _load(session, catalogue, pieces)


def merged(before: Columns, fresh: Columns) -> Columns:
    """`before` with all versions of the cases in `fresh` as `fresh` has them."""
    stays = ~np.isin(before.case, np.unique(fresh.case))
    codes = {
        "disease": _recoded(before.disease, before.diseases, fresh.diseases),
        "source": _recoded(before.source, before.sources, fresh.sources),
    }
    arrays: dict[str, Any] = {
        name: np.concatenate([codes.get(name, getattr(before, name))[stays], getattr(fresh, name)])
        for name in ARRAYS
    }
    return arranged(fresh.diseases, fresh.sources, fresh.points, arrays)


def _load(session: Session, catalogue: Mapping[str, Disease], pieces: Sequence[str]) -> Columns:
    names = _Names.read(session, catalogue)
    found = [_fetch(session, names.query(which)) for which in pieces]
    arrays = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    arrays["severe"] = names.severe[arrays["disease"], arrays.pop("icd")]
    precise = np.isin(arrays["place_level"], PRECISE)
    x, y = to_world(arrays.pop("lon"), arrays.pop("lat"))
    arrays["x"], arrays["y"] = np.where(precise, x, NOWHERE), np.where(precise, y, NOWHERE)
    return arranged(names.diseases, names.sources, names.points, arrays)


def _sent() -> Iterator[tuple[str, np.dtype[Any]]]:
    """What is sent as one array each: its expression, and the fields of an element."""
    for name, kind, sql in _WIDE:
        yield sql, np.dtype([("length", ">i4"), (name, kind)])
    point = np.dtype([("length", ">i4"), ("lon", ">f8"), ("lat", ">f8")])
    yield "coalesce(v.geom::point, point('NaN', 'NaN'))", point
    for begin in range(0, len(_SMALL), 4):
        names = [*_SMALL][begin : begin + 4]
        bits = [f"(({_SMALL[name]})::int8 & 65535) << {48 - 16 * i}" for i, name in enumerate(names)]
        element = {
            "names": ["length", *names],
            "formats": [">i4", *[">i2"] * len(names)],
            "offsets": [0, 4, 6, 8, 10][: len(names) + 1],
            "itemsize": 12,
        }
        yield "(" + ") | (".join(bits) + ")", np.dtype(element)  # type: ignore[call-overload]


def _fetch(session: Session, query: str) -> dict[str, NDArray[Any]]:
    """The fields as arrays. Raises ValueError when a field that must be known is NULL somewhere."""
    connection = session.connection().connection.driver_connection
    with cast(Connection[Any], connection).cursor(binary=True) as cursor:
        cursor.execute("SET LOCAL jit = off")
        cursor.execute("SET LOCAL work_mem = '128MB'")
        result = cursor.execute(query).pgresult
        assert result is not None
        arrays = [result.get_value(0, i) for i in range(result.nfields)]
    found: dict[str, NDArray[Any]] = {}
    for data, (_sql, element) in zip(arrays, _sent(), strict=True):
        names = [name for name in element.names or () if name != "length"]
        if data and int.from_bytes(data[4:8], "big"):
            raise ValueError(f"a case version lacks one of its {', '.join(names)}")
        values = np.frombuffer(data or b"", element, offset=_HEADER if data else 0)
        found |= {name: values[name].astype(_type(name, element)) for name in names}
    return found


def _type(name: str, element: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.uint8) if name in _CODES else element[name].newbyteorder("=")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """The words behind the codes. `severe` (diseases, codes of ICD-10 + 1 for none)."""

    diseases: tuple[str, ...]
    sources: tuple[str, ...]
    icds: tuple[str, ...]
    severe: BoolArray
    points: Mapping[int, tuple[float, float]]

    @classmethod
    def read(cls, session: Session, catalogue: Mapping[str, Disease]) -> _Names:
        seen = session.execute(select(CaseVersion.disease, CaseVersion.icd10).distinct()).all()
        diseases = tuple(sorted({*catalogue, *(disease for disease, _icd in seen)}))
        icds = tuple(sorted({icd for _disease, icd in seen if icd is not None}))
        severe = np.zeros((len(diseases), len(icds) + 1), bool)
        for i, disease in enumerate(diseases):
            for j, icd in enumerate(icds if disease in catalogue else ()):
                severe[i, j + 1] = grade(icd, catalogue[disease]) == "severe"
        where = AdminUnit.valid_to.is_(None) & AdminUnit.lon.is_not(None) & AdminUnit.lat.is_not(None)
        places = session.execute(select(AdminUnit.id, AdminUnit.lon, AdminUnit.lat).where(where))
        points = {unit: (float(lon or 0), float(lat or 0)) for unit, lon, lat in places}
        sources = tuple(sorted(session.scalars(select(IngestRun.source).distinct())))
        return cls(diseases=diseases, sources=sources, icds=icds, severe=severe, points=points)

    def query(self, which: str) -> str:
        """Arrays of the versions that the condition `which` chooses, words as their positions.

        With a single source nothing of the joined tables is asked for, so that PostgreSQL leaves them out.
        """
        codes = {
            "disease": _code("v.disease", self.diseases),
            "icd": _code("v.icd10", ("", *self.icds)),
            "source": _code("r.source", self.sources),
            "classification": _code("v.classification", CLASSES),
            "treatment": _code("v.treatment", TREATMENTS),
            "outcome": _code("v.outcome", OUTCOMES),
            "sex": _code("v.sex", SEXES),
            "place_level": _code("v.place_level", PLACE_LEVELS),
        }
        parts = ", ".join(f"array_agg({sql.format(**codes)})" for sql, _element in _sent())
        return (
            f"SELECT {parts} FROM case_version v LEFT JOIN case_report p ON p.id = v.report_id"
            f" LEFT JOIN ingest_run r ON r.id = p.run_id WHERE {which}"
        )


def _code(column: str, words: Sequence[str]) -> str:
    """SQL: the position of the column's word, 0 for the first, for none and for any other."""
    cases = " ".join(f"WHEN {_quoted(word)} THEN {i}" for i, word in enumerate(words) if i)
    return f"(CASE {column} {cases} ELSE 0 END)" if cases else "0"


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


def _recoded(codes: NDArray[np.uint8], old: Sequence[str], new: Sequence[str]) -> NDArray[np.uint8]:
    if tuple(old) == tuple(new):
        return codes
    return np.array([new.index(name) for name in old], np.uint8)[codes]


def _position(names: Sequence[str], name: str) -> int:
    """255 for an unknown one, which no row has."""
    return names.index(name) if name in names else 255


ARRAYS = tuple(f.name for f in fields(Columns) if f.name not in ("diseases", "sources", "points", "starts"))
_CODES = (
    "disease", "source", "verification", "classification", "treatment", "outcome", "sex", "place_level",
)  # fmt: skip
