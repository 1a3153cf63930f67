"""Coordinates typed where an address belongs: '10.7769, 106.7009', '106.7009 10.7769', '10°46'37"N 106°42'3"E'."""

from __future__ import annotations

import re
from typing import NamedTuple

LAT_RANGE = (8.0, 24.0)
LON_RANGE = (102.0, 118.0)
"""Viet Nam with its islands; outside, two numbers are not taken for coordinates."""

METRES_PER_DEGREE = 111_195.0

_DECIMAL = r"-?\d{1,3}[.,]\d{3,}|-?\d{1,3}\.\d+"
_SEXAGESIMAL = r"\d{1,3}\s*°\s*\d{1,2}\s*['′’]\s*(?:\d{1,2}(?:\.\d+)?\s*(?:\"|″|”|'')?)?"
_WORDS = r"t[oọ]a?\s*đ?d?[oộ]|to[aạ]\s*đ[oộ]|gps|lat(?:itude)?|l(?:o?ng|on)(?:itude)?|vĩ độ|kinh độ|[xy]"
_LABEL = rf"(?:(?:{_WORDS})\s*[:=]?\s*)?"
_ONE = rf"{_LABEL}({_SEXAGESIMAL}|{_DECIMAL})\s*°?\s*([NSEWBĐ])?"
_PAIR = re.compile(rf"\W*{_ONE}\s*[,;/|\s]\s*{_ONE}\W*", re.IGNORECASE)
_EAST = frozenset("EWĐ")


class Coordinates(NamedTuple):
    """Degrees, WGS 84. `swapped`: the longitude came first, without saying so. `precision_m`: half the last digit
    written, at least a phone's 20 m."""

    lat: float
    lon: float
    swapped: bool
    precision_m: float


def read_coordinates(text: str) -> Coordinates | None:
    """None when the text is not two numbers that can be a place in Viet Nam, in either order."""
    pair = _PAIR.fullmatch(text.strip()) if len(text) < 100 else None
    if pair is None:
        return None
    first, second = _degrees(pair[1]), _degrees(pair[3])
    precision = max(_precision_m(pair[1]), _precision_m(pair[3]), 20.0)
    if _within(first, LAT_RANGE) and _within(second, LON_RANGE):
        return Coordinates(first, second, False, precision)
    if _within(first, LON_RANGE) and _within(second, LAT_RANGE):
        labelled = (pair[2] or "-").upper() in _EAST
        return Coordinates(second, first, not labelled, precision)
    return None


def _precision_m(text: str) -> float:
    """'10.77' is known to half of a hundredth of a degree, some 600 m."""
    if "°" in text:
        parts = len(re.findall(r"\d+", text.split(".")[0]))
        return METRES_PER_DEGREE / 60 ** (parts - 1) / 2
    return METRES_PER_DEGREE / 10 ** len(re.split("[.,]", text)[-1]) / 2


def _degrees(text: str) -> float:
    parts = [float(x) for x in re.findall(r"\d+(?:[.,]\d+)?", text.replace(",", "."))]
    return (
        sum(part / 60**at for at, part in enumerate(parts)) if "°" in text else float(text.replace(",", "."))
    )


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
