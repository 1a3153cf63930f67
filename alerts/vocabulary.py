"""What a policy may speak of: the methods whose signals it reads, and what each of their signals carries.

`alerts` knows surveillance through `surveillance/types.py` only, so the names stand here; `tests/test_vocabulary.py`
holds them against what the methods really send. A rule on anything else could never fire and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from surveillance.types import Signal, StatutoryStatus

NONE, WARNING, EPIDEMIC = StatutoryStatus.NONE, StatutoryStatus.WARNING, StatutoryStatus.EPIDEMIC
ENDED, INSUFFICIENT = StatutoryStatus.ENDED, StatutoryStatus.INSUFFICIENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Of one method: entry of `detail` → how people call the number; yes/no entries; statuses it may have."""

    numbers: Mapping[str, str] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    statuses: frozenset[StatutoryStatus] = frozenset()
    alarms: bool = True


OF_EVERY_SIGNAL: Final[Mapping[str, str]] = {
    "observed": "số ca",
    "expected": "số ca bình thường",
    "upperbound": "giới hạn trên",
    "excess": "số ca so với giới hạn trên",
}
"""Numbers that every signal has, or may have. `excess` is observed ÷ upperbound."""

_LAW: Final = {
    "mean": "trung bình cùng kỳ",
    "sd": "độ lệch chuẩn cùng kỳ",
    "lower": "ngưỡng cảnh báo",
    "upper": "ngưỡng có dịch",
    "threshold": "ngưỡng",
    "unknown_days": "số ngày chưa có số liệu",
}
_ROLLING = Words(
    numbers={
        "threshold": "giới hạn",
        "reported": "số ca đã báo cáo",
        "probability": "khả năng đã vượt giới hạn",
        "score": "điểm của phương pháp",
    }
)
ROLLING_METHODS: Final = (
    "ears_c1", "ears_c2", "ears_c3", "farrington_classic", "farrington_flexible", "moving_epidemic", "rare",
    "seasonal_daily", "bayes", "rki", "cusum", "glr_poisson", "glr_negative_binomial", "outbreak_p",
    "historical_limits",
)  # fmt: skip

METHODS: Final[Mapping[str, Words]] = {
    "statutory_week": Words(
        numbers=_LAW, flags=frozenset({"above_2sd"}), statuses=frozenset({NONE, WARNING, INSUFFICIENT})
    ),
    "statutory_month": Words(numbers=_LAW, statuses=frozenset({NONE, EPIDEMIC, ENDED, INSUFFICIENT})),
    **dict.fromkeys(ROLLING_METHODS, _ROLLING),
    "rt": Words(
        numbers={
            "rt": "hệ số lây nhiễm",
            "lower": "giới hạn dưới của hệ số lây nhiễm",
            "upper": "giới hạn trên của hệ số lây nhiễm",
            "above_one": "khả năng hệ số lây nhiễm lớn hơn 1 trong từng tuần",
            "growth_per_day": "tốc độ tăng mỗi ngày",
            "doubling_days": "số ngày để số ca tăng gấp đôi",
        }
    ),
    "nowcast": Words(numbers={"lower": "số ca ít nhất", "upper": "số ca nhiều nhất"}, alarms=False),
    "hot_spot": Words(numbers={"z": "điểm z", "q": "xác suất sai"}),
    "scan": Words(
        numbers={
            "recurrence_days": "số ngày ngẫu nhiên mới có một cụm như vậy",
            "stands_in": "số lần cụm còn nguyên khi đặt lại vị trí",
            "communes": "số xã, phường trong cụm",
            "cluster_cases": "số ca trong cụm",
        }
    ),
    "outbreak": Words(
        numbers={
            "open": "số ổ dịch đang hoạt động",
            "size": "số ca của ổ dịch",
            "age_days": "tuổi của ổ dịch (ngày)",
            "confirmed": "số ca xác định trong ổ dịch",
        }
    ),
    "severity": Words(
        numbers={
            "severe_14": "số ca nặng trong 14 ngày",
            "severe_28": "số ca nặng trong 28 ngày",
            "warning_28": "số ca có dấu hiệu cảnh báo trong 28 ngày",
            "deaths_14": "số tử vong trong 14 ngày",
            "deaths_28": "số tử vong trong 28 ngày",
            "cases_28": "số ca trong 28 ngày",
            "severe_percent": "phần trăm ca nặng",
        }
    ),
    "vector": Words(
        numbers={
            "bi": "chỉ số BI",
            "ci": "chỉ số CI",
            "hi": "chỉ số HI",
            "di": "chỉ số DI",
            "survey_days": "số ngày từ lần giám sát véc tơ",
        }
    ),
    "climate": Words(
        numbers={
            "suitability": "mức thuận lợi của nhiệt độ",
            "temperature_c": "nhiệt độ trung bình",
            "rain_mm": "lượng mưa trong tháng",
            "humidity_percent": "độ ẩm",
            "before": "số ca của giai đoạn trước",
            "growth": "số ca so với giai đoạn trước",
        },
        alarms=False,
    ),
    "silence": Words(
        numbers={"days": "số ngày không có báo cáo", "chance": "xác suất im lặng do ngẫu nhiên"}, alarms=False
    ),
}
"""Methods by name. A method without a rule informs, and moves no level."""


def numbers_of(method: str) -> Mapping[str, str]:
    """Name of every number a rule on `method` may compare → the words for it."""
    return {**OF_EVERY_SIGNAL, **METHODS[method].numbers}


def values_of(signal: Signal, name: str) -> tuple[float, ...]:
    """The number `name` of a signal: one value, several where the signal has one for each week, none where it has
    none, or not for every week."""
    if name in OF_EVERY_SIGNAL:
        found = _excess(signal) if name == "excess" else getattr(signal, name)
    else:
        found = signal.detail.get(name)
    values = found if isinstance(found, list | tuple) else [found]
    known = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    return tuple(known) if len(known) == len(values) else ()


def _excess(signal: Signal) -> float | None:
    return signal.observed / signal.upperbound if signal.upperbound else None
