"""Detection methods by name, and what their reason codes mean in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial

import numpy as np

from i18n import Message
from surveillance.detection.cdc import HistoricalLimits
from surveillance.detection.cusum import Cusum
from surveillance.detection.ears import Ears
from surveillance.detection.farrington import Farrington, FarringtonFlexible
from surveillance.detection.glr import Glr
from surveillance.detection.mem import MovingEpidemic
from surveillance.detection.outbreakp import OutbreakP
from surveillance.detection.rare import Rare
from surveillance.detection.seasonal import SeasonalDaily
from surveillance.detection.statutory import Statutory
from surveillance.detection.windows import ReferenceWindows
from surveillance.types import Bounds, CountSeries, Detector, Frequency, Signal

DETECTORS: Mapping[str, Callable[..., Detector]] = {
    "statutory_week": partial(Statutory, frequency=Frequency.WEEK),
    "statutory_month": partial(Statutory, frequency=Frequency.MONTH),
    "ears_c1": partial(Ears, method="C1"),
    "ears_c2": partial(Ears, method="C2"),
    "ears_c3": partial(Ears, method="C3"),
    "farrington_classic": Farrington,
    "farrington_flexible": FarringtonFlexible,
    "moving_epidemic": MovingEpidemic,
    "rare": Rare,
    "seasonal_daily": SeasonalDaily,
    "bayes": partial(ReferenceWindows, method="bayes"),
    "rki": partial(ReferenceWindows, method="rki", years=2, half_window=4, this_year=False),
    "cusum": Cusum,
    "glr_poisson": partial(Glr, alpha=0.0),
    "glr_negative_binomial": partial(Glr, alpha=None),
    "outbreak_p": OutbreakP,
    "historical_limits": HistoricalLimits,
}

ROLLING = frozenset(name for name in DETECTORS if not name.startswith("statutory"))
"""Methods that a disease of the catalogue may name; the statutory test has a rule of its own."""

REASONS: Mapping[str, str] = {
    "insufficient_history": "Chưa đủ số liệu những kỳ trước để so sánh.",
    "unknown_counts": "Có kỳ chưa có số liệu nên chưa thể kết luận.",
    "unknown_findings": "Chưa có kết quả điều tra nên chưa thể kết luận.",
    "no_variation": "Số ca những kỳ trước không thay đổi nên phương pháp này chưa dùng được.",
    "too_few_cases": "Những kỳ gần đây có quá ít ca nên phương pháp này không báo động.",
    "no_past_cases": "Cùng kỳ những năm trước không có ca nào nên phương pháp này không so sánh được.",
    "no_convergence": "Số ca những kỳ trước biến động bất thường nên không ước tính được giới hạn.",
    "invalid_counts": "Có kỳ ghi số ca âm hoặc lớn quá mức có thể; hãy kiểm tra lại số liệu nguồn.",
    "unknown_population": "Có kỳ chưa có dân số hợp lệ (phải lớn hơn 0) nên chưa tính được tỷ lệ.",
    "unknown_holidays": "Chưa có lịch Tết của năm này; hãy cập nhật bảng ngày lễ.",
    "not_rare": "Bệnh này ở đây không hiếm nên không xét theo quy tắc bệnh hiếm.",
    "starts_anew": "Vừa có báo động nên phương pháp này bắt đầu tính lại từ đầu.",
    "wrong_frequency": "Phương pháp này không dùng được cho số liệu theo ngày, tuần hay tháng như của chuỗi này.",
    "too_many_periods": "Cấu hình chia năm thành nhiều giai đoạn hơn số kỳ có được; hãy giảm số giai đoạn.",
}


ABOVE = "{period} có {observed} ca, vượt giới hạn bình thường {upper}."
WITHIN = "{period} có {observed} ca, trong giới hạn bình thường {upper}."
PERIOD: Mapping[Frequency, str] = {
    Frequency.DAY: "Ngày {day}",
    Frequency.WEEK: "Tuần bắt đầu ngày {day}",
    Frequency.MONTH: "Tháng bắt đầu ngày {day}",
}


def explain(code: str) -> Message:
    """The words for a reason code of `Bounds`. Raises KeyError for a code no method of the registry gives."""
    return Message(REASONS[code])


def to_signals(series: CountSeries, bounds: Bounds, detector: Detector) -> list[Signal]:
    """One signal per series for the newest evaluated step; a count not known appears as 0 with its reason. None where
    no step was evaluated (a series without steps).

    The statutory method has more to say: `statutory_signals.to_signals`.
    """
    if not bounds.evaluated.size:
        return []
    step = int(bounds.evaluated[-1])
    start = _step_start(series, step)
    return [_signal(series, bounds, detector, row, step, start) for row in range(len(series.keys))]


def _signal(
    series: CountSeries, bounds: Bounds, detector: Detector, row: int, step: int, start: date
) -> Signal:
    key, observed = series.keys[row], float(np.nan_to_num(series.observed[row, step]))
    code, upper = str(bounds.reason[row, -1]), float(bounds.upperbound[row, -1])
    alarm = bool(bounds.alarm[row, -1])
    found = ABOVE if alarm else WITHIN
    period = Message(PERIOD[series.frequency], day=start)
    reason = explain(code) if code else Message(found, period=period, observed=observed, upper=upper)
    return Signal(
        disease=key.disease,
        unit_id=key.unit_id,
        method=detector.name,
        method_version=detector.version,
        frequency=series.frequency,
        period_start=start,
        as_of=series.as_of,
        observed=observed,
        expected=_finite(float(bounds.expected[row, -1])),
        upperbound=_finite(upper),
        alarm=alarm,
        reason=reason,
        detail={"score": _finite(float(bounds.score[row, -1])), "lacking": code},
    )


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _step_start(series: CountSeries, step: int) -> date:
    match series.frequency:
        case Frequency.DAY:
            return series.start + timedelta(days=step)
        case Frequency.WEEK:
            return series.start + timedelta(weeks=step)
        case Frequency.MONTH:
            months = series.start.year * 12 + series.start.month - 1 + step
            return date(months // 12, months % 12 + 1, 1)
