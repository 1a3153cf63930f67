"""Why a case is in an outbreak, and why others near it are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from i18n import Message
from surveillance.outbreaks.eligibility import Why, explain
from surveillance.outbreaks.find import Finding
from surveillance.outbreaks.outbreak import Outbreak
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.table import CaseTable
from surveillance.types import FloatArray

REACH = 2.0
"""Near misses are looked for up to this many times the radius and the chain window."""
HALF_MM = 0.0005

WITHIN = "Cách ca {other}: {metres} m và {days} ngày (tiêu chuẩn cho phép {radius} m, {window} ngày)."
SAME_SETTING = (
    "Cùng hộ, trường, nơi làm việc hoặc nguồn với ca {other}, cách {days} ngày (cho phép {window} ngày)."
)
ALONE_ENOUGH = "Một ca xác định đã đủ thành ổ dịch theo tiêu chuẩn này."
TOO_FAR = "Cách ca gần nhất của ổ dịch ({other}) {metres} m, quá {radius} m."
TOO_LATE = "Cách ca gần nhất của ổ dịch ({other}) {days} ngày, quá {window} ngày."
TOO_WIDE = "Thêm ca này thì ổ dịch rộng {metres} m, quá giới hạn {limit} m; ca thuộc phần khác của vùng dịch."
TOO_OLD = (
    "Thêm ca này thì ổ dịch kéo dài {days} ngày, quá giới hạn {limit} ngày; ca thuộc phần khác của vùng dịch."
)
OTHER_OUTBREAK = "Ca thuộc ổ dịch bên cạnh; gộp hai ổ thì vượt giới hạn, hoặc ổ kia liên quan nhiều hơn."
BEFORE = (
    "Mắc bệnh {days} ngày trước ca đầu của ổ dịch, mà không có ca nào trong vòng {window} ngày để bắt đầu ổ."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A case beside an outbreak. `other` is the member it was compared with, `metres` and `days` lie between them;
    None where no position, or nobody, could be compared."""

    case_id: int
    why: Why
    message: Message
    other: int | None = None
    metres: float | None = None
    days: int | None = None


class _Spots(NamedTuple):
    """k places of cases; arrays are (k,). `x`, `y` are NaN without a position, `setting` 0 without one."""

    case_id: NDArray[np.int64]
    x: FloatArray
    y: FloatArray
    day: NDArray[np.int64]
    setting: NDArray[np.int64]


class _Pair(NamedTuple):
    """The member closest to some place. `far` is 1 at the limit of the profile and more beyond it; `metres` is
    NaN without two positions, 0 in the same setting."""

    other: int
    metres: float
    days: int
    far: float
    same_setting: bool


def explain_members(finding: Finding, outbreak: Outbreak) -> tuple[Explained, ...]:
    """For each member the link by which it belongs: to the nearest member of the same day or before, else after."""
    spots = _member_spots(finding, outbreak)
    return tuple(_explain_member(finding, spots, case_id) for case_id in outbreak.members)


def near_misses(finding: Finding, outbreak: Outbreak) -> tuple[Explained, ...]:
    """Cases near the outbreak that are not in it, each with the reason, by case id.

    Near is up to REACH times the limits; for a position that is not exact, up to the radius and its uncertainty;
    without any position, in one of the outbreak's units within the chain window.
    """
    spots = _member_spots(finding, outbreak)
    found = (_near_miss(finding, outbreak, spots, row) for row in _candidates(finding, outbreak, spots))
    return tuple(explained for explained in found if explained is not None)


def _member_spots(finding: Finding, outbreak: Outbreak) -> _Spots:
    case_id, _, x, y, setting = outbreak.places
    return _Spots(
        case_id=case_id, x=x, y=y, day=finding.table.day[_rows(finding.table, case_id)], setting=setting
    )


def _rows(table: CaseTable, case_id: NDArray[np.int64]) -> NDArray[np.int64]:
    order = np.argsort(table.case_id)
    return order[np.searchsorted(table.case_id, case_id, sorter=order)]


def _explain_member(finding: Finding, spots: _Spots, case_id: int) -> Explained:
    own, others = spots.case_id == case_id, spots.case_id != case_id
    day = int(spots.day[own][0])
    mine, before = _some(spots, own), _some(spots, others & (spots.day <= day))
    pair = _closest(finding.profile, mine, before)
    if pair is None or pair.far > 1:
        pair = _closest(finding.profile, mine, _some(spots, others))
    if pair is None or pair.far > 1:
        return Explained(case_id=case_id, why=Why.MEMBER, message=Message(ALONE_ENOUGH))
    row = int(_rows(finding.table, np.array([case_id]))[0])
    message = _dated(finding, row, _link_words(finding.profile, pair))
    return _explained(case_id, Why.MEMBER, message, pair)


def _explained(case_id: int, why: Why, message: Message, pair: _Pair) -> Explained:
    metres = None if np.isnan(pair.metres) else round(pair.metres, 1)
    return Explained(
        case_id=case_id, why=why, message=message, other=pair.other, metres=metres, days=pair.days
    )


def _link_words(profile: Profile, pair: _Pair) -> Message:
    if pair.same_setting:
        return Message(SAME_SETTING, other=str(pair.other), days=pair.days, window=profile.chain_days)
    return Message(
        WITHIN,
        other=str(pair.other),
        metres=round(pair.metres, 1),
        radius=profile.radius_m,
        days=pair.days,
        window=profile.chain_days,
    )


def _dated(finding: Finding, row: int, message: Message) -> Message:
    if finding.table.by_onset[row]:
        return message
    return Message(
        "{link} Chưa có ngày khởi phát nên tính theo ngày nhập viện hoặc ngày báo cáo.", link=message
    )


def _candidates(finding: Finding, outbreak: Outbreak, spots: _Spots) -> list[int]:
    """Rows of the cases that might be near, by case id."""
    table, profile = finding.table, finding.profile
    day = table.day[table.place_case]
    span = REACH * profile.chain_days
    in_time = (spots.day.min() - span <= day) & (day <= spots.day.max() + span)
    margin = REACH * (profile.radius_m or 0) + np.nan_to_num(table.uncertainty_m)
    placed = np.isfinite(spots.x).any()
    with np.errstate(invalid="ignore"):
        in_box = np.full(table.x.size, placed and profile.radius_m is not None)
        for axis, of in ((table.x, spots.x), (table.y, spots.y)):
            low, high = (np.nanmin(of), np.nanmax(of)) if placed else (0.0, 0.0)
            in_box = in_box & (low - margin <= axis) & (axis <= high + margin)
    no_position = ~np.isfinite(table.x) & np.isin(table.unit, outbreak.units)
    in_setting = (table.setting != 0) & np.isin(table.setting, spots.setting)
    rows = np.unique(table.place_case[in_time & (in_box | no_position | in_setting)])
    rows = rows[~np.isin(table.case_id[rows], outbreak.members)]
    return [int(row) for row in rows[np.argsort(table.case_id[rows])]]


def _near_miss(finding: Finding, outbreak: Outbreak, spots: _Spots, row: int) -> Explained | None:
    table, profile = finding.table, finding.profile
    here = np.flatnonzero(table.place_case == row)
    uses_settings = profile.mode != "place"
    mine = _Spots(
        case_id=table.case_id[[row] * here.size],
        x=table.x[here],
        y=table.y[here],
        day=table.day[[row] * here.size],
        setting=table.setting[here] * uses_settings,
    )
    case_id, why, pair = int(table.case_id[row]), Why(finding.why[row]), _closest(profile, mine, spots)
    if why == Why.NOT_EXACT or (why > Why.NOT_EXACT and (pair is None or np.isnan(pair.metres))):
        return _inexact(finding, outbreak, spots, here, case_id, why)
    if pair is None or pair.far > REACH:
        return None
    message = explain(why) if why > Why.NOT_EXACT else _why_apart(finding, outbreak, spots, mine, pair, why)
    return _explained(case_id, why, message, pair)


def _inexact(
    finding: Finding,
    outbreak: Outbreak,
    spots: _Spots,
    here: NDArray[np.int64],
    case_id: int,
    why: Why,
) -> Explained | None:
    """A case that may be near: within the radius and its uncertainty, or without position in one of the units."""
    table, profile = finding.table, finding.profile
    days = int(np.abs(spots.day - table.day[table.place_case[here[0]]]).min())
    apart = np.hypot(table.x[here][:, None] - spots.x, table.y[here][:, None] - spots.y)
    margin = (profile.radius_m or 0) + np.nan_to_num(table.uncertainty_m[here])
    with np.errstate(invalid="ignore"):
        near = bool((apart <= margin[:, None]).any())
    no_position = np.isnan(table.x[here]) & np.isin(table.unit[here], outbreak.units)
    if days > profile.chain_days or not (near or no_position.any()):
        return None
    return Explained(case_id=case_id, why=why, message=explain(why), days=days)


def _why_apart(
    finding: Finding, outbreak: Outbreak, spots: _Spots, mine: _Spots, pair: _Pair, why: Why
) -> Message:
    """Why an eligible, exactly placed case within REACH is not in the outbreak."""
    profile = finding.profile
    if not pair.same_setting and profile.radius_m is not None and pair.metres > profile.radius_m + HALF_MM:
        return Message(TOO_FAR, metres=round(pair.metres, 1), other=str(pair.other), radius=profile.radius_m)
    if pair.days > profile.chain_days:
        return Message(TOO_LATE, days=pair.days, other=str(pair.other), window=profile.chain_days)
    day = mine.day[0]
    span = int(max(spots.day.max(), day) - min(spots.day.min(), day))
    if span > profile.max_age_days:
        return Message(TOO_OLD, days=span, limit=profile.max_age_days)
    apart = np.hypot(mine.x[:, None] - spots.x, mine.y[:, None] - spots.y)
    wide = float(np.nanmax(apart)) if np.isfinite(apart).any() else 0.0
    if profile.max_diameter_m is not None and wide > profile.max_diameter_m + HALF_MM:
        return Message(TOO_WIDE, metres=round(wide, 1), limit=profile.max_diameter_m)
    if why == Why.MEMBER:
        return Message(OTHER_OUTBREAK)
    if why == Why.NO_SEED and day < spots.day.min():
        return Message(BEFORE, days=int(spots.day.min() - day), window=profile.seed_days)
    return explain(why)


def _some(spots: _Spots, chosen: NDArray[np.bool_]) -> _Spots:
    return _Spots(
        case_id=spots.case_id[chosen],
        x=spots.x[chosen],
        y=spots.y[chosen],
        day=spots.day[chosen],
        setting=spots.setting[chosen],
    )


def _closest(profile: Profile, mine: _Spots, members: _Spots) -> _Pair | None:
    """The pair of places that exceeds the limits least; None when there is nobody to compare with."""
    if not mine.case_id.size or not members.case_id.size:
        return None
    metres = np.hypot(mine.x[:, None] - members.x, mine.y[:, None] - members.y)
    same = (mine.setting[:, None] == members.setting) & (members.setting != 0)
    days = np.abs(mine.day[:, None] - members.day)
    apart = np.inf if profile.radius_m is None else np.floor(metres * 1000 + 0.5) / profile.limit_mm
    space = np.where(same, 0.0, np.nan_to_num(apart * np.ones_like(metres), nan=np.inf))
    far = np.maximum(space, days / max(profile.chain_days, 1))
    at = np.unravel_index(np.lexsort((days.ravel(), space.ravel(), far.ravel()))[0], far.shape)
    return _Pair(
        other=int(members.case_id[at[1]]),
        metres=0.0 if same[at] else float(metres[at]),
        days=int(days[at]),
        far=float(far[at]),
        same_setting=bool(same[at]),
    )
