"""Which cases may be linked, and by which of their places; for the others the reason why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geodata.types import PlaceLevel
from i18n import Message
from surveillance.lines import day_number
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.table import KINDS, LEVELS, CaseTable
from surveillance.types import BoolArray, FloatArray

if TYPE_CHECKING:
    from shapely import Geometry


class Why(IntEnum):
    """What became of a case, the most favourable of its places first."""

    MEMBER = 0
    ZONE = 1
    BELOW_MINIMUM = 2
    NO_SEED = 3
    ALONE = 4
    NOT_EXACT = 5
    ADDRESS_REFUTED = 6
    OUTSIDE = 7
    NO_PLACE = 8
    UNVERIFIED = 9
    FUTURE = 10
    NOT_THIS_DISEASE = 11
    DISCARDED = 12


REASONS: Mapping[Why, str] = {
    Why.MEMBER: "Ca thuộc ổ dịch.",
    Why.ZONE: (
        "Ca thuộc vùng dịch nhưng không thuộc ổ nào: "
        "vào ổ bên cạnh thì ổ vượt giới hạn, riêng ca này chưa thành ổ."
    ),
    Why.BELOW_MINIMUM: "Nhóm ca liên quan chưa đủ số ca để thành ổ dịch.",
    Why.NO_SEED: "Có ca ở gần nhưng không đủ gần về ngày để bắt đầu ổ dịch.",
    Why.ALONE: "Không có ca nào liên quan trong phạm vi và thời gian của tiêu chuẩn ổ dịch.",
    Why.NOT_EXACT: (
        "Vị trí chưa đủ chính xác (chỉ biết đến đường, khu phố hoặc xã, phường) nên không nối theo khoảng cách."
    ),
    Why.ADDRESS_REFUTED: "Xác minh không thấy địa chỉ hoặc bệnh nhân không ở đó; chờ chuyển ca đến nơi ở thật.",
    Why.OUTSIDE: "Vị trí nằm ngoài địa bàn; hãy kiểm tra lại tọa độ.",
    Why.NO_PLACE: "Chưa có vị trí hay nơi phơi nhiễm nào dùng được.",
    Why.UNVERIFIED: "Ca ngoại trú (hoặc chưa rõ nội trú hay ngoại trú) chưa được xác minh địa chỉ và bệnh nhân.",
    Why.FUTURE: "Ngày mắc bệnh ở tương lai; hãy kiểm tra lại ngày.",
    Why.NOT_THIS_DISEASE: "Xác minh cho biết không mắc bệnh này.",
    Why.DISCARDED: "Ca đã được loại trừ.",
}


def explain(why: Why) -> Message:
    """The words for a reason code of this module."""
    return Message(REASONS[why])


Area: TypeAlias = "Geometry"
"""The land of the deployment in projected metres, prepared; positions outside are mistakes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """n places that may take part, sorted by case id; arrays are (n,).

    `x`, `y` are NaN where distance must not link; `setting` is 0 where it must not.
    `alone`: a confirmed local case that is enough by itself. `house` tells positions of a house from centres of areas.
    """

    case_id: NDArray[np.int64]
    kind: NDArray[np.int8]
    day: NDArray[np.int64]
    report_day: NDArray[np.int64]
    x: FloatArray
    y: FloatArray
    house: BoolArray
    unit: NDArray[np.int64]
    setting: NDArray[np.int64]
    confirmed: BoolArray
    alone: BoolArray

    def take(self, chosen: BoolArray | NDArray[np.integer[Any]] | slice) -> Places:
        return Places(**{name: getattr(self, name)[chosen] for name in Places.__slots__})

    @classmethod
    def joined(cls, parts: Sequence[Places]) -> Places:
        """All places of `parts` (at least one), one part after the other."""
        return cls(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in cls.__slots__})

    def order(self) -> NDArray[np.int64]:
        """The order that decides ties: by case, kind, position and setting."""
        return np.lexsort((self.setting, self.y, self.x, self.kind, self.case_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """`why` (N,) is the reason of each case that takes no part, ALONE for one that does; see Why."""

    places: Places
    why: NDArray[np.int8]


def screen(table: CaseTable, profile: Profile, *, today: date, area: Area | None = None) -> Screened:
    """Cases and places that may be linked under `profile` on `today`."""
    why_case = _why_not_case(table, profile, today)
    why_place, placed = _why_not_place(table, profile, area)
    uses_settings = profile.mode != "place"
    named = (table.setting != 0) & _kind_takes_part(table, profile) & uses_settings
    alone = profile.alone_confirmed & table.confirmed & ~table.imported
    stands = alone[table.place_case] & _first_place(table)
    chosen = np.flatnonzero((why_case[table.place_case] == Why.ALONE) & (placed | named | stands))
    owner = table.place_case[chosen]
    places = Places(
        case_id=table.case_id[owner],
        kind=table.kind[chosen],
        day=table.day[owner],
        report_day=table.report_day[owner],
        x=np.where(placed, table.x, np.nan)[chosen],
        y=np.where(placed, table.y, np.nan)[chosen],
        house=(table.level == LEVELS.index(PlaceLevel.HOUSE))[chosen],
        unit=table.unit[chosen],
        setting=np.where(named, table.setting, 0)[chosen],
        confirmed=table.confirmed[owner],
        alone=alone[owner],
    )
    takes_part = np.zeros(table.case_id.size, dtype=bool)
    takes_part[owner] = True
    why = np.where((why_case == Why.ALONE) & ~takes_part, _best(table, why_place), why_case)
    return Screened(places=places.take(places.order()), why=why.astype(np.int8))


def _why_not_case(table: CaseTable, profile: Profile, today: date) -> NDArray[np.int64]:
    """Reason of each case, (N,), ALONE where nothing speaks against it. The gravest reason stands."""
    rule = profile.eligibility
    why = np.full(table.case_id.size, Why.ALONE, dtype=np.int64)
    if rule.outpatients == "verified":
        verified = np.isin(table.verification, rule.verified_outcomes)
        refuted = np.isin(table.verification, rule.address_refuted)
        why[(table.inpatient != 1) & ~verified] = Why.UNVERIFIED
        why[(table.inpatient != 1) & refuted] = Why.ADDRESS_REFUTED
    why[table.day > day_number(today)] = Why.FUTURE
    why[np.isin(table.verification, rule.not_this_disease)] = Why.NOT_THIS_DISEASE
    why[table.discarded] = Why.DISCARDED
    return why


def _why_not_place(
    table: CaseTable, profile: Profile, area: Area | None
) -> tuple[NDArray[np.int64], BoolArray]:
    """Reason of each place, (P,), and whether its position may link."""
    takes_part = _kind_takes_part(table, profile)
    known = np.isfinite(table.x) & np.isfinite(table.y)
    with np.errstate(invalid="ignore"):
        far = known & (area is not None) & ~inside(table, area)
        near_enough = table.uncertainty_m <= profile.max_uncertainty_m
    house = (table.level == LEVELS.index(PlaceLevel.HOUSE)) & np.isnan(table.uncertainty_m)
    fine = table.level < LEVELS.index(PlaceLevel.COMMUNE)
    exact = known & fine & (near_enough | house)
    home = table.kind == KINDS.index("home")
    refuted = home & np.isin(table.verification[table.place_case], profile.eligibility.address_refuted)
    why = np.full(table.place_case.size, Why.NOT_EXACT, dtype=np.int64)
    why[~known & (table.unit < 0)] = Why.NO_PLACE
    why[far] = Why.OUTSIDE
    why[refuted] = Why.ADDRESS_REFUTED
    why[~takes_part] = Why.NO_PLACE
    if profile.radius_m is None:
        why[takes_part & ~refuted] = Why.NO_PLACE
    placed = exact & ~far & ~refuted & takes_part & (profile.radius_m is not None)
    return why, placed


def _kind_takes_part(table: CaseTable, profile: Profile) -> BoolArray:
    return np.isin(table.kind, [KINDS.index(kind) for kind in profile.places])


def inside(table: CaseTable, area: Area | None) -> BoolArray:
    """Which cases have a position within `area` (None: anywhere)."""
    import shapely

    if area is None:
        return np.ones(table.x.size, dtype=bool)
    return np.asarray(shapely.contains_xy(area, table.x, table.y), dtype=np.bool_)


def _first_place(table: CaseTable) -> BoolArray:
    """The first place of each case, (P,): a case that is enough alone stands at one place."""
    first = np.zeros(table.place_case.size, dtype=bool)
    first[np.unique(table.place_case, return_index=True)[1]] = True
    return first


def _best(table: CaseTable, why_place: NDArray[np.int64]) -> NDArray[np.int64]:
    """The most favourable reason among the places of each case, (N,); NO_PLACE for a case without any."""
    best = np.full(table.case_id.size, Why.NO_PLACE, dtype=np.int64)
    np.minimum.at(best, table.place_case, why_place)
    return best
