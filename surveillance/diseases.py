"""The catalogue of diseases: what `diseases.toml` says, checked and ready to look up.

A deployment may bring its own file; everything city-specific is in the data, nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, product
from pathlib import Path
from typing import Any, Literal, get_args

from geodata.text import fold
from surveillance.detection import DETECTORS, ROLLING
from surveillance.strict_toml import Table, read_toml

DEFAULT_PATH = Path(__file__).with_name("diseases.toml")

SEVERITIES = ("severe", "warning_signs")
VECTORS = ("aedes_aegypti",)
_ICD10 = re.compile(r"[A-Z]\d{2}[0-9A-Z]{0,2}")

Group = Literal["A", "B", "C"]
Deadline = Literal["24h", "48h", "week"]
LinkMode = Literal["place", "school", "source"]

SOURCED = (
    "icd10",
    "source_names",
    "group",
    "report_deadline",
    "endemic",
    "incubation_days",
    "generation_time_days",
    "display_floor",
    "link",
    "detectors",
)
"""Keys whose origin each disease must state in its `sources` table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incubation:
    """Days from infection to onset; 0 means within a day."""

    min: float
    max: float
    typical: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationTime:
    """Days from one infection to the next in a chain (for dengue through the mosquito)."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """When two cases count as epidemiologically linked (domain.md §3): same place within `radius_m`, same
    school or household, or same source; at most `window_days` apart. `close_days` after the last onset an
    outbreak may be closed. `radius_m` is None where distance says nothing."""

    mode: LinkMode
    window_days: int
    close_days: int
    radius_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disease:
    """One disease, or group of diseases, under surveillance.

    `icd10` and `icd10_historical` hold codes or three-character categories. `detectors` maps the name of a
    method to its parameters; an empty mapping means the method's own defaults. `severity` maps SEVERITIES to
    the codes that say so, `vector` names the mosquito whose climate matters (VECTORS). `sources` says where
    each value comes from.
    """

    code: str
    name_vi: str
    name_en: str
    short_vi: str
    short_en: str
    icd10: tuple[str, ...]
    source_names: tuple[str, ...]
    group: Group
    report_deadline: Deadline
    endemic: bool
    incubation_days: Incubation
    generation_time_days: GenerationTime
    display_floor: int
    link: Link
    detectors: Mapping[str, Mapping[str, Any]]
    sources: Mapping[str, str]
    icd10_historical: tuple[str, ...] = ()
    yields_to: tuple[str, ...] = ()
    severity: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    vector: str | None = None

    @property
    def all_icd10(self) -> tuple[str, ...]:
        return self.icd10 + self.icd10_historical


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All diseases in the order of the file, with exact lookups. A lookup that finds nothing gives None:
    the caller decides, nothing is guessed."""

    diseases: tuple[Disease, ...]
    _codes: Mapping[str, Disease] = field(repr=False)
    _icd10: Mapping[str, Disease] = field(repr=False)
    _names: Mapping[str, Disease] = field(repr=False)

    def __iter__(self) -> Iterator[Disease]:
        return iter(self.diseases)

    def __getitem__(self, code: str) -> Disease:
        """The disease with this code of ours. Raises KeyError."""
        return self._codes[code]

    def by_code(self, code: str) -> Disease | None:
        return self._codes.get(code)

    def by_icd10(self, code: str) -> Disease | None:
        """The disease of a code such as "A97.0", "a970" or "A91"; the most specific entry wins."""
        key = icd_key(code)
        prefixes = (key[:length] for length in range(len(key), 2, -1))
        return next((self._icd10[prefix] for prefix in prefixes if prefix in self._icd10), None)

    def by_name(self, name: str) -> Disease | None:
        """The disease a source calls `name`, whatever its accents, case and punctuation."""
        return self._names.get(fold(name))


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read and check a catalogue; None means the one shipped. Raises ConfigError, OSError."""
    file = read_toml(path or DEFAULT_PATH)
    diseases = {code: _disease(code, file.table(code)) for code in file.names()}
    return Catalogue(
        diseases=tuple(diseases.values()),
        _codes=diseases,
        _icd10=_index_icd10(file, tuple(diseases.values())),
        _names=_index_names(file, tuple(diseases.values())),
    )


def _disease(code: str, raw: Table) -> Disease:
    disease = Disease(
        code=code,
        name_vi=raw.text("name_vi"),
        name_en=raw.text("name_en"),
        short_vi=raw.text("short_vi"),
        short_en=raw.text("short_en"),
        icd10=_icd10_codes(raw, "icd10"),
        icd10_historical=_icd10_codes(raw, "icd10_historical") if "icd10_historical" in raw else (),
        yields_to=raw.texts("yields_to") if "yields_to" in raw else (),
        source_names=raw.texts("source_names"),
        group=raw.choice("group", get_args(Group)),
        report_deadline=raw.choice("report_deadline", get_args(Deadline)),
        endemic=raw.flag("endemic"),
        incubation_days=_incubation(raw.table("incubation_days")),
        generation_time_days=_generation_time(raw.table("generation_time_days")),
        display_floor=raw.whole("display_floor", at_least=1),
        link=_link(raw.table("link")),
        detectors=_detectors(raw.table("detectors")),
        sources=_sources(raw.table("sources")),
        severity=_severity(raw.table("severity")) if "severity" in raw else {},
        vector=raw.choice("vector", VECTORS) if "vector" in raw else None,
    )
    raw.finish()
    for key, given in (("severity", disease.severity), ("vector", disease.vector)):
        if given and key not in disease.sources:
            raise raw.wrong(f"sources.{key}", "thiếu: hãy ghi nguồn, hoặc “default, unverified”")
    return disease


def _severity(raw: Table) -> dict[str, tuple[str, ...]]:
    found = {name: _icd10_codes(raw, name) for name in SEVERITIES if name in raw}
    raw.finish()
    return found


def _incubation(raw: Table) -> Incubation:
    found = Incubation(min=raw.number("min"), max=raw.number("max"), typical=raw.number("typical"))
    raw.finish()
    if not found.min <= found.typical <= found.max:
        raise raw.wrong("typical", "cần có min ≤ typical ≤ max")
    return found


def _generation_time(raw: Table) -> GenerationTime:
    found = GenerationTime(mean=raw.number("mean"), sd=raw.number("sd"))
    raw.finish()
    if found.mean == 0 or found.sd == 0:
        raise raw.wrong("mean", "mean và sd cần lớn hơn 0")
    return found


def _link(raw: Table) -> Link:
    found = Link(
        mode=raw.choice("mode", get_args(LinkMode)),
        window_days=raw.whole("window_days", at_least=1),
        close_days=raw.whole("close_days", at_least=1),
        radius_m=raw.number("radius_m") if "radius_m" in raw else None,
    )
    raw.finish()
    if found.radius_m == 0:
        raise raw.wrong("radius_m", "cần lớn hơn 0")
    return found


def _detectors(raw: Table) -> dict[str, Mapping[str, Any]]:
    methods: dict[str, Mapping[str, Any]] = {}
    for method in raw.names():
        if method != "statutory" and method not in ROLLING:
            known = ", ".join(("statutory", *sorted(ROLLING)))
            raise raw.wrong(method, "không có phương pháp này; hãy dùng một trong: {known}", known=known)
        parameters = raw.table(method)
        methods[method] = {name: parameters.take(name) for name in parameters.names()}
        _try_settings(raw, method, methods[method])
    return methods


def _try_settings(raw: Table, method: str, settings: Mapping[str, Any]) -> None:
    """A misspelt or impossible setting is found when the file is read, not in the nightly run."""
    if method == "statutory":
        if settings:
            raise raw.wrong(method, "phương pháp theo luật không có tham số")
        return
    try:
        DETECTORS[method](**settings)
    except (TypeError, ValueError) as error:
        raise raw.wrong(method, "tham số không dùng được: {problem}", problem=str(error)) from error


def _sources(raw: Table) -> dict[str, str]:
    for key in SOURCED:
        if key not in raw:
            raise raw.wrong(key, "thiếu: hãy ghi nguồn, hoặc “default, unverified”")
    return {key: raw.text(key) for key in raw.names()}


def _icd10_codes(raw: Table, key: str) -> tuple[str, ...]:
    codes = raw.texts(key)
    for code in codes:
        if not _ICD10.fullmatch(icd_key(code)):
            raise raw.wrong(key, "“{icd}” không phải là mã ICD-10", icd=code)
    return codes


def icd_key(code: str) -> str:
    """ "A97.2" and "a972" are one code."""
    return code.strip().upper().replace(".", "")


def _index_icd10(file: Table, diseases: tuple[Disease, ...]) -> dict[str, Disease]:
    """Codes without dots → disease. An overlap is an error unless one of the two yields to the other."""
    for first, second in combinations(diseases, 2):
        if first.code not in second.yields_to and second.code not in first.yields_to:
            _refuse_overlap(file, first, second)
    index: dict[str, Disease] = {}
    for disease in diseases:
        for code in map(icd_key, disease.all_icd10):
            rival = index.get(code)
            if rival is None or disease.code in rival.yields_to:
                index[code] = disease
    return index


def _refuse_overlap(file: Table, first: Disease, second: Disease) -> None:
    for mine, theirs in product(first.all_icd10, second.all_icd10):
        shorter, longer = sorted((icd_key(mine), icd_key(theirs)), key=len)
        if longer.startswith(shorter):
            raise file.wrong(
                f"{second.code}.icd10",
                "mã {icd} trùng với bệnh {other}; hãy bỏ một bên hoặc khai yields_to",
                icd=theirs,
                other=first.code,
            )


def _index_names(file: Table, diseases: tuple[Disease, ...]) -> dict[str, Disease]:
    index: dict[str, Disease] = {}
    for disease in diseases:
        for name in (*disease.source_names, disease.name_vi, disease.name_en):
            rival = index.setdefault(fold(name), disease)
            if rival is not disease:
                key = f"{disease.code}.source_names"
                raise file.wrong(key, "tên “{name}” đã là của bệnh {other}", name=name, other=rival.code)
    return index
