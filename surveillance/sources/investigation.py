"""What the cells of one row say together of a place, days and outcomes: where they contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from i18n import Message
from surveillance.types import Classification, Verification
from surveillance.verification import UNFOUND

Bounds = tuple[float, ...]


def contradictions(values: Mapping[str, Any], bounds: Bounds | None) -> Iterator[tuple[str, Message]]:
    """(field, reason) of each. `bounds` (west, south, east, north) is where a point may lie; None: anywhere."""
    lon, lat = values.get("lon"), values.get("lat")
    if (lon is None) != (lat is None):
        present = "lon" if lat is None else "lat"
        reason = Message("Chỉ có một trong hai tọa độ. Hãy ghi cả kinh độ và vĩ độ, hoặc bỏ trống cả hai.")
        yield present, reason
    elif lon is not None and lat is not None and bounds and not _inside(lon, lat, bounds):
        yield "lat", _outside(lon, lat, bounds)
    ended = values.get("date_outcome")
    began = max((values[name] for name in ("date_onset", "date_admission") if values.get(name)), default=None)
    if ended is not None and began is not None and ended < began:
        reason = Message(
            "Ngày ra viện, chuyển viện hoặc tử vong {day} trước ngày mắc bệnh hoặc nhập viện {began}. Hãy kiểm tra"
            " lại hai ngày.",
            day=ended,
            began=began,
        )
        yield "date_outcome", reason
    outcome = values.get("verification")
    if outcome is not None:
        yield from _of_outcome(Verification(int(outcome)), values)


def _inside(lon: float, lat: float, bounds: Bounds) -> bool:
    west, south, east, north = bounds
    return west <= lon <= east and south <= lat <= north


def _outside(lon: float, lat: float, bounds: Bounds) -> Message:
    if _inside(lat, lon, bounds):
        return Message("Kinh độ và vĩ độ bị đổi chỗ cho nhau. Hãy đổi lại hai ô rồi gửi lại dòng này.")
    west, south, east, north = bounds
    return Message(
        "Tọa độ nằm ngoài lãnh thổ (vĩ độ {south} đến {north}, kinh độ {west} đến {east}). Hãy xem lại máy định vị.",
        south=south,
        north=north,
        west=west,
        east=east,
    )


def _of_outcome(outcome: Verification, values: Mapping[str, Any]) -> Iterator[tuple[str, Message]]:
    named = next((field for field in ("lat", "commune", "district") if values.get(field) is not None), None)
    if outcome in UNFOUND and named:
        reason = Message(
            "Kết quả {outcome} là không tìm thấy nơi ở, nhưng phiếu lại ghi nơi ở. Hãy sửa kết quả, hoặc bỏ trống "
            "tọa độ và phường/xã.",
            outcome=outcome.value,
        )
        yield named, reason
    conclusion = values.get("classification")
    says_no = conclusion == Classification.DISCARDED
    says_yes = conclusion in (Classification.CONFIRMED, Classification.PROBABLE)
    if (outcome is Verification.VERIFIED and says_no) or (outcome is Verification.OTHER_DISEASE and says_yes):
        reason = Message(
            "Kết luận chẩn đoán trái với kết quả xác minh {outcome}. Hãy sửa một trong hai ô.",
            outcome=outcome.value,
        )
        yield "classification", reason
