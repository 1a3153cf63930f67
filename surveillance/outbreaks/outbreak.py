"""An outbreak as its members make it: dates, units, type, what to look at twice, and its outline on the map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from i18n import Message
from surveillance.outbreaks.eligibility import Places
from surveillance.outbreaks.linking import Labels
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.table import METRIC, day_of
from surveillance.types import FloatArray

ONE_POINT = "{n} ca có cùng một tọa độ; có thể là địa chỉ của bệnh viện. Cần người kiểm tra địa chỉ này."
NO_POSITION = "Không vẽ được vùng ổ dịch vì chưa có vị trí chính xác của ca nào."


class OutbreakKind(IntEnum):
    """`dm_loaiodich` of domain.md §1.3; there are no districts (4) since 1 July 2025."""

    SINGLE = 1
    WIDE_AREA = 2
    INTER_COMMUNE = 3
    POSITIVE_CASE = 5


class MemberPlaces(NamedTuple):
    """The k places by which members are in; arrays are (k,). `kind` is a position in KINDS; `x`, `y` are projected
    metres, NaN for a link by setting alone; `setting` is 0 where there is none."""

    case_id: NDArray[np.int64]
    kind: NDArray[np.int64]
    x: FloatArray
    y: FloatArray
    setting: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbreak:
    """An outbreak by `profile`. `members` are case ids in the order of event date and id; the first is its anchor.
    `packed` are its `places` as bytes: compared at once, and a season of them is no work for the garbage collector.

    `zone` is the anchor of the zone it lies in; `shares_zone` where other outbreaks lie there too: it was one by the
    links alone, and is split by the bounds.
    `criteria_met_on` is HCDC's date of confirmation: the report date of the second case (`min_cases`-th). `units`
    starts with the lead unit, the one with most members, then the earliest; the others are co-owners.
    """

    profile: str
    disease: str
    members: tuple[int, ...]
    packed: bytes
    zone: int
    shares_zone: bool
    kind: OutbreakKind
    units: tuple[int, ...]
    first_event: date
    last_event: date
    criteria_met_on: date
    expected_end: date
    closing_from: date
    confirmed: int
    diameter_m: float
    notes: tuple[Message, ...]

    @property
    def anchor(self) -> int:
        return self.members[0]

    @property
    def places(self) -> MemberPlaces:
        case_id, kind, x, y, setting = np.frombuffer(self.packed, dtype=np.int64).reshape(-1, 5).T
        return MemberPlaces(case_id, kind, x.copy().view(np.float64), y.copy().view(np.float64), setting)

    @property
    def doubts(self) -> tuple[Message, ...]:
        """The notes a person must look at before the outbreak is confirmed."""
        return tuple(note for note in self.notes if note.msgid == ONE_POINT)

    @property
    def lead_unit(self) -> int | None:
        return self.units[0] if self.units else None

    def sort_key(self) -> tuple[Any, ...]:
        """By first event and members; the same people can make two outbreaks, where they live and where they work."""
        return self.first_event, self.members, self.places.kind.tobytes()


def assemble(places: Places, labels: Labels, profile: Profile) -> tuple[Outbreak, ...]:
    """The outbreaks of labelled places, by first event and anchor. Whole zones only: they are compared."""
    found = assemble_keyed(places, labels, profile, {}).values()
    return tuple(sorted(found, key=Outbreak.sort_key))


def assemble_keyed(
    places: Places, labels: Labels, profile: Profile, known: Mapping[bytes, Outbreak]
) -> dict[bytes, Outbreak]:
    """`assemble`, by the packed places of each outbreak; those `known` are taken as they are."""
    inside = np.flatnonzero(labels.outbreak >= 0)
    inside = inside[np.lexsort((places.case_id[inside], places.day[inside], labels.outbreak[inside]))]
    own, label, zone = places.take(inside), labels.outbreak[inside], labels.zone[inside]
    begin = np.flatnonzero(np.diff(label, prepend=-1))
    runs = [slice(*ends) for ends in zip(begin.tolist(), [*begin[1:].tolist(), label.size], strict=False)]
    anchors, shared = _zones(own, zone, begin)
    packed = np.column_stack([own.case_id, own.kind, own.x.view(np.int64), own.y.view(np.int64), own.setting])
    found: dict[bytes, Outbreak] = {}
    for run in runs:
        key, number = packed[run].tobytes(), int(zone[run.start])
        outbreak = known.get(key) or _outbreak(own.take(run), key, profile)
        found[key] = _in_zone(outbreak, anchors[number], shared[number])
    return found


def _in_zone(outbreak: Outbreak, zone: int, shares_zone: bool) -> Outbreak:
    if (outbreak.zone, outbreak.shares_zone) == (zone, shares_zone):
        return outbreak
    kind = _kind(len(outbreak.members), outbreak.units, shares_zone)
    return replace(outbreak, zone=zone, shares_zone=shares_zone, kind=kind)


def _zones(
    own: Places, zone: NDArray[np.int64], begin: NDArray[np.int64]
) -> tuple[dict[int, int], dict[int, bool]]:
    """Of each zone its earliest member of any outbreak, and whether it has several outbreaks."""
    early_first = np.lexsort((own.case_id, own.day, zone))
    names, first = np.unique(zone[early_first], return_index=True)
    anchors = own.case_id[early_first[first]]
    several = np.unique(zone[begin], return_counts=True)[1] > 1
    return dict(zip(names, anchors.tolist(), strict=True)), dict(zip(names, several.tolist(), strict=True))


def _outbreak(own: Places, packed: bytes, profile: Profile) -> Outbreak:
    """The outbreak of `own` places, in the order of event date and case id, as if it were a zone by itself."""
    from surveillance.outbreaks.kernel import diameter

    first_place = np.diff(own.case_id, prepend=-1) != 0
    cases = own if first_place.all() else own.take(first_place)
    members = tuple(cases.case_id.tolist())
    units = _units(cases)
    last = day_of(cases.day[-1])
    return Outbreak(
        profile=profile.code,
        disease=profile.disease,
        members=members,
        packed=packed,
        zone=members[0],
        shares_zone=False,
        kind=_kind(len(members), units, False),
        units=units,
        first_event=day_of(cases.day[0]),
        last_event=last,
        criteria_met_on=_criteria_met_on(cases, profile),
        expected_end=last + timedelta(days=profile.expected_end_days),
        closing_from=last + timedelta(days=profile.quiet_days),
        confirmed=int(cases.confirmed.sum()),
        diameter_m=float(diameter(own.x, own.y)),
        notes=tuple(_notes(own, profile)),
    )


def _units(cases: Places) -> tuple[int, ...]:
    """Units of the cases: most cases first, then the earliest event, then the lower number."""
    counts: dict[int, int] = {}
    first: dict[int, int] = {}
    for unit, day in zip(cases.unit.tolist(), cases.day.tolist(), strict=True):
        if unit >= 0:
            counts[unit] = counts.get(unit, 0) + 1
            first.setdefault(unit, day)
    return tuple(sorted(counts, key=lambda unit: (-counts[unit], first[unit], unit)))


def _kind(cases: int, units: tuple[int, ...], shares_zone: bool) -> OutbreakKind:
    if len(units) > 1:
        return OutbreakKind.INTER_COMMUNE
    if shares_zone:
        return OutbreakKind.WIDE_AREA
    return OutbreakKind.POSITIVE_CASE if cases == 1 else OutbreakKind.SINGLE


def _criteria_met_on(cases: Places, profile: Profile) -> date:
    """Report date of the second case in the order of reports, or of the first that is enough alone."""
    reported = np.sort(cases.report_day)
    dates = cases.report_day[cases.alone].tolist()
    if reported.size >= profile.min_cases:
        dates.append(reported[profile.min_cases - 1])
    return day_of(min(dates))


def _notes(own: Places, profile: Profile) -> Iterator[Message]:
    placed = own.x == own.x
    if not placed.any():
        yield Message(NO_POSITION)
    at_house = placed & own.house
    if at_house.sum() < profile.same_point_cases:
        return
    spots = np.unique(np.column_stack([own.x[at_house], own.y[at_house], own.case_id[at_house]]), axis=0)
    n = int(np.unique(spots[:, :2], axis=0, return_counts=True)[1].max())
    if n >= profile.same_point_cases:
        yield Message(ONE_POINT, n=n)


def outline(outbreak: Outbreak, radius_m: float, crs: str = METRIC) -> Any:
    """Shapely polygon of the radius around all members' places in lon, lat; None where none has a position."""
    from pyproj import Transformer
    from shapely import MultiPoint, transform

    spots = np.column_stack([outbreak.places.x, outbreak.places.y])
    spots = spots[np.isfinite(spots).all(axis=1)]
    if not spots.size:
        return None
    to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    return transform(
        MultiPoint(spots).buffer(radius_m),
        lambda xy: np.column_stack(to_degrees.transform(xy[:, 0], xy[:, 1])),
    )
