"""A trial of the rule laboratory: its URL, read and written. Pure; an unknown value is as good as none."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from i18n import Message
from surveillance.outbreaks.profiles import Profile
from web.context import parse_day

DAYS, LEAST_DAYS, MOST_DAYS = 92, 28, 184
"""A season; the shortest and the longest period that are lived through."""
MOST_DIGITS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number of an outbreak profile that can be tried; `url` is its name in the URL, the rest what a slider needs."""

    url: str
    label: Message
    unit: Message
    low: int
    high: int
    step: int


PARAMETERS: Mapping[str, Parameter] = {
    "radius_m": Parameter(
        url="radius", label=Message("Bán kính nối ca"), unit=Message("m"), low=50, high=1000, step=10
    ),
    "seed_days": Parameter(
        url="seed", label=Message("Hai ca đầu cách nhau"), unit=Message("ngày"), low=1, high=60, step=1
    ),
    "chain_days": Parameter(
        url="chain", label=Message("Ca sau nối trong"), unit=Message("ngày"), low=1, high=60, step=1
    ),
    "min_cases": Parameter(
        url="least", label=Message("Số ca ít nhất"), unit=Message("ca"), low=2, high=10, step=1
    ),
    "max_diameter_m": Parameter(
        url="wide", label=Message("Ổ rộng nhất"), unit=Message("m"), low=100, high=2000, step=50
    ),
    "close_days": Parameter(
        url="close", label=Message("Đóng khi hết ca"), unit=Message("ngày"), low=7, high=60, step=1
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is tried. `profile` and `rules` hold only what differs from what is in force: numbers of the profile by
    field, thresholds by their lasting names (alerts/laboratory.py). `at`: the day the map shows."""

    disease: str
    first: date
    last: date
    at: date
    profile: Mapping[str, int] = field(default_factory=dict)
    rules: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def parse(cls, query: str | None, diseases: Collection[str], today: date) -> Trial:
        """From a query string, with or without "?"; `diseases`: those that have a profile (at least one)."""
        given = dict(parse_qsl((query or "").removeprefix("?")))
        first_choice = "dengue" if "dengue" in diseases else sorted(diseases)[0]
        first, last = _period(parse_day(given.get("from")), parse_day(given.get("to")), today)
        at = parse_day(given.get("at")) or last
        return cls(
            disease=given["disease"] if given.get("disease") in diseases else first_choice,
            first=first,
            last=last,
            at=min(max(at, first), last),
            profile={
                name: value
                for name, one in PARAMETERS.items()
                if (value := _whole(given.get(one.url))) is not None and one.low <= value <= one.high
            },
            rules=_rules(given.get("rules", "")),
        )

    def query(self, **changes: Any) -> str:
        """The canonical query string."""
        changed = replace(self, **changes)
        parts: list[tuple[str, Any]] = [
            ("disease", changed.disease), ("from", changed.first), ("to", changed.last),
            *((PARAMETERS[name].url, value) for name, value in changed.profile.items()),
        ]  # fmt: skip
        if changed.rules:
            parts.append(("rules", ",".join(f"{name}:{value:g}" for name, value in changed.rules.items())))
        if changed.at != changed.last:
            parts.append(("at", changed.at))
        return urlencode(parts, safe=":,")


def tried(profile: Profile, wanted: Mapping[str, int]) -> Profile:
    """`profile` with these numbers; those it does not use stay away."""
    used = {name: value for name, value in wanted.items() if getattr(profile, name) is not None}
    return replace(profile, **used)  # type: ignore[arg-type]


def refusal(profile: Profile) -> Message | None:
    """Why the numbers contradict one another, as `profiles.load_profiles` would refuse them."""
    if profile.seed_days > profile.chain_days:
        return Message("“Hai ca đầu cách nhau” không được dài hơn “Ca sau nối trong”.")
    if profile.chain_days > profile.max_age_days:
        return Message(
            "“Ca sau nối trong” không được dài hơn tuổi lớn nhất của ổ ({n} ngày).",
            n=profile.max_age_days,
        )
    if profile.radius_m and profile.max_diameter_m and profile.max_diameter_m < profile.radius_m:
        return Message("“Ổ rộng nhất” không được nhỏ hơn bán kính.")
    return None


def _rules(text: str) -> dict[str, float]:
    """ "rule.farrington.min_observed:4,hold.3:10" """
    pairs = (part.partition(":") for part in text.split(","))
    return {
        name: number
        for name, _colon, value in pairs
        if name.startswith(("rule.", "hold.")) and (number := _number(value)) is not None
    }


def _period(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    last = min(last or today, today)
    first = first or last - timedelta(days=DAYS - 1)
    first = min(first, last - timedelta(days=LEAST_DAYS - 1))
    return max(first, last - timedelta(days=MOST_DAYS - 1)), last


def _whole(text: str | None) -> int | None:
    value = _number(text)
    return int(value) if value is not None and value == int(value) else None


def _number(text: str | None) -> float | None:
    """A plain decimal number; neither nan nor 1e9."""
    plain = (text or "").replace(".", "", 1)
    return float(text or "") if plain.isascii() and plain.isdigit() and len(plain) <= MOST_DIGITS else None
