"""Outbreak profiles: what `outbreak_profiles.toml` says, checked and ready to look up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from surveillance.strict_toml import Table, read_toml

DEFAULT_PATH = Path(__file__).parents[1] / "outbreak_profiles.toml"

Mode = Literal["place", "setting", "source"]
PlaceKind = Literal["home", "work", "school", "source", "other"]
Outpatients = Literal["verified", "any"]

SOURCED = ("link", "minimum", "bounds", "closing", "monitoring", "reopening", "places", "position")
"""Groups of numbers whose origin each profile must state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """Which cases may be linked, by the address verification outcomes of domain.md §1.2 (1–8)."""

    outpatients: Outpatients
    verified_outcomes: tuple[int, ...]
    not_this_disease: tuple[int, ...]
    address_refuted: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorControl:
    """Surveys, spraying and thresholds against mosquitoes. BI per 100 houses, DI per house (domain.md §2.4)."""

    surveys: int
    survey_every_days: int
    survey_houses: int
    spray_rounds: int
    spray_gap_days: tuple[int, int]
    larvicide_every_days: int
    around_houses: int
    third_round_di: float
    third_round_bi: float
    high_di: float
    high_bi: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Handling begins within `handle_hours`; `vector` where the disease has one."""

    handle_hours: int
    vector: VectorControl | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How outbreaks of one disease are made and ended; every field as explained at the top of the file."""

    code: str
    disease: str
    default: bool
    name_vi: str
    name_en: str
    mode: Mode
    radius_m: float | None
    seed_days: int
    chain_days: int
    min_cases: int
    alone_confirmed: bool
    min_confirmed: int
    vector_needed: bool
    max_diameter_m: float | None
    max_age_days: int
    close_days: int
    expected_end_days: int
    monitor_after_days: int
    monitoring_days: int
    reopen_days: int
    places: tuple[PlaceKind, ...]
    max_uncertainty_m: float
    same_point_cases: int
    eligibility: Eligibility
    response: Response
    sources: Mapping[str, str]

    @property
    def limit_mm(self) -> int:
        """The radius in millimetres, -1 where distance links nobody."""
        return -1 if self.radius_m is None else round(self.radius_m * 1000)

    @property
    def quiet_days(self) -> int:
        """Days after the last case before closing is allowed."""
        return max(self.close_days, self.monitor_after_days + self.monitoring_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    by_code: Mapping[str, Profile]

    def __getitem__(self, code: str) -> Profile:
        """The profile of this code. Raises KeyError."""
        return self.by_code[code]

    def of_disease(self, disease: str) -> Profile | None:
        """The default profile of a disease, None where the file has none: nothing is guessed."""
        return next((p for p in self.by_code.values() if p.disease == disease and p.default), None)


def profiles_for(
    diseases: Sequence[str], chosen: Mapping[str, str], profiles: Profiles
) -> tuple[Profile, ...]:
    """The profile of each disease: the one `chosen` by its code, else the default; diseases without one are left out.

    Raises KeyError for a code there is none of.
    """
    found = [profiles[chosen[d]] if d in chosen else profiles.of_disease(d) for d in diseases]
    return tuple(profile for profile in found if profile is not None)


def load_profiles(path: Path | None = None) -> Profiles:
    """Read and check the profiles; None means those shipped. Raises ConfigError, OSError."""
    file = read_toml(path or DEFAULT_PATH)
    eligibility, response = file.table("eligibility"), file.table("response")
    rules = {name: _eligibility(eligibility.table(name)) for name in eligibility.names()}
    responses = {name: _response(response.table(name)) for name in response.names()}
    codes = [code for code in file.names() if code not in ("eligibility", "response")]
    found = {code: _profile(code, file.table(code), rules, responses) for code in codes}
    for profile in found.values():
        _one_default(file, profile, found)
    return Profiles(by_code=found)


def _one_default(file: Table, profile: Profile, found: Mapping[str, Profile]) -> None:
    defaults = sum(other.default for other in found.values() if other.disease == profile.disease)
    if defaults != 1:
        raise file.wrong(
            f"{profile.code}.default",
            "bệnh {disease} cần đúng một tiêu chuẩn có default = true, tệp có {n}",
            disease=profile.disease,
            n=defaults,
        )


def _profile(
    code: str, raw: Table, rules: Mapping[str, Eligibility], responses: Mapping[str, Response]
) -> Profile:
    has_radius = "radius_m" in raw
    profile = Profile(
        code=code,
        disease=raw.text("disease"),
        default=raw.flag("default"),
        name_vi=raw.text("name_vi"),
        name_en=raw.text("name_en"),
        mode=raw.choice("mode", get_args(Mode)),
        radius_m=raw.number("radius_m") if has_radius else None,
        seed_days=raw.whole("seed_days"),
        chain_days=raw.whole("chain_days"),
        min_cases=raw.whole("min_cases", at_least=2),
        alone_confirmed=raw.flag("alone_confirmed"),
        min_confirmed=raw.whole("min_confirmed"),
        vector_needed=raw.flag("vector_needed"),
        max_diameter_m=raw.number("max_diameter_m") if has_radius else None,
        max_age_days=raw.whole("max_age_days", at_least=1),
        close_days=raw.whole("close_days", at_least=1),
        expected_end_days=raw.whole("expected_end_days", at_least=1),
        monitor_after_days=raw.whole("monitor_after_days"),
        monitoring_days=raw.whole("monitoring_days"),
        reopen_days=raw.whole("reopen_days"),
        places=_places(raw),
        max_uncertainty_m=raw.number("max_uncertainty_m"),
        same_point_cases=raw.whole("same_point_cases", at_least=2),
        eligibility=rules[raw.choice("eligibility", tuple(rules))],
        response=responses[raw.choice("response", tuple(responses))],
        sources=_sources(raw.table("sources"), SOURCED),
    )
    raw.finish()
    _check(raw, profile)
    return profile


def _check(raw: Table, profile: Profile) -> None:
    """Raise ConfigError for numbers that contradict one another."""
    if profile.mode == "place" and profile.radius_m is None:
        raise raw.wrong("radius_m", "thiếu")
    if profile.radius_m == 0:
        raise raw.wrong("radius_m", "cần lớn hơn 0")
    if profile.seed_days > profile.chain_days:
        raise raw.wrong("seed_days", "không được dài hơn chain_days")
    if profile.chain_days > profile.max_age_days:
        raise raw.wrong("max_age_days", "không được ngắn hơn chain_days")
    if profile.radius_m and profile.max_diameter_m and profile.max_diameter_m < profile.radius_m:
        raise raw.wrong("max_diameter_m", "không được nhỏ hơn radius_m")
    if profile.vector_needed and profile.response.vector is None:
        raise raw.wrong("vector_needed", "cần response có giám sát véc tơ")


def _places(raw: Table) -> tuple[PlaceKind, ...]:
    return tuple(_one_of(raw, kind) for kind in raw.texts("places"))


def _one_of(raw: Table, kind: str) -> PlaceKind:
    for known in get_args(PlaceKind):
        if kind == known:
            return known
    raise raw.wrong("places", "cần là một trong: {allowed}", allowed=", ".join(get_args(PlaceKind)))


def _eligibility(raw: Table) -> Eligibility:
    names = ("verified_outcomes", "not_this_disease", "address_refuted")
    outpatients = raw.choice("outpatients", get_args(Outpatients))
    codes = {name: tuple(int(code) for code in raw.numbers(name)) for name in names}
    _sources(raw.table("sources"), ("outpatients", *names))
    raw.finish()
    return Eligibility(outpatients=outpatients, **codes)


def _response(raw: Table) -> Response:
    hours = raw.whole("handle_hours", at_least=1)
    vector = _vector(raw) if "surveys" in raw else None
    _sources(raw.table("sources"), ("handle_hours", *(VectorControl.__slots__ if vector else ())))
    raw.finish()
    return Response(handle_hours=hours, vector=vector)


def _vector(raw: Table) -> VectorControl:
    gap = raw.numbers("spray_gap_days")
    if len(gap) != 2 or gap[0] > gap[1]:
        raise raw.wrong("spray_gap_days", "cần hai số [ít nhất, nhiều nhất]")
    return VectorControl(
        surveys=raw.whole("surveys", at_least=1),
        survey_every_days=raw.whole("survey_every_days", at_least=1),
        survey_houses=raw.whole("survey_houses", at_least=1),
        spray_rounds=raw.whole("spray_rounds"),
        spray_gap_days=(int(gap[0]), int(gap[1])),
        larvicide_every_days=raw.whole("larvicide_every_days", at_least=1),
        around_houses=raw.whole("around_houses", at_least=1),
        third_round_di=raw.number("third_round_di"),
        third_round_bi=raw.number("third_round_bi"),
        high_di=raw.number("high_di"),
        high_bi=raw.number("high_bi"),
    )


def _sources(raw: Table, keys: tuple[str, ...]) -> dict[str, str]:
    for key in keys:
        if key not in raw:
            raise raw.wrong(key, "thiếu: hãy ghi nguồn, hoặc “default, unverified”")
    return {key: raw.text(key) for key in raw.names()}
