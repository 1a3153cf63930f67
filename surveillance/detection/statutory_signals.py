"""What the statutory test found, as Signals with reasons in plain words."""

from __future__ import annotations

from typing import Any

import numpy as np

from i18n import Message
from surveillance.detection.history import MIN_YEARS
from surveillance.detection.statutory import VERSION, Comparison, Regime, StatutoryResult, StatutoryRule
from surveillance.types import Frequency, Signal, StatutoryStatus

WEEK, MONTH = Frequency.WEEK, Frequency.MONTH
NONE, WARNING, EPIDEMIC = StatutoryStatus.NONE, StatutoryStatus.WARNING, StatutoryStatus.EPIDEMIC

FOUND = {
    (WEEK, Regime.ENDEMIC, NONE): (
        "Tuần này có {observed} ca, dưới ngưỡng cảnh báo {threshold}"
        " (trung bình {years} năm cộng 1 độ lệch chuẩn)."
    ),
    (WEEK, Regime.ENDEMIC, WARNING): (
        "Tuần này có {observed} ca, đạt ngưỡng cảnh báo {threshold}"
        " (trung bình {years} năm cộng 1 độ lệch chuẩn)."
    ),
    (MONTH, Regime.ENDEMIC, NONE): (
        "Từ đầu tháng có {observed} ca, chưa vượt ngưỡng có dịch {threshold}"
        " (trung bình {years} năm cộng 2 độ lệch chuẩn)."
    ),
    (MONTH, Regime.ENDEMIC, EPIDEMIC): (
        "Từ đầu tháng có {observed} ca, vượt ngưỡng có dịch {threshold}"
        " (trung bình {years} năm cộng 2 độ lệch chuẩn)."
    ),
    (WEEK, Regime.NON_ENDEMIC, NONE): (
        "Tuần này có {observed} ca có liên quan dịch tễ, dưới ngưỡng cảnh báo {threshold} ca."
    ),
    (WEEK, Regime.NON_ENDEMIC, WARNING): (
        "Tuần này có {observed} ca có liên quan dịch tễ, đạt ngưỡng cảnh báo {threshold} ca."
    ),
    (MONTH, Regime.NON_ENDEMIC, NONE): (
        "Từ đầu tháng có {observed} ca có liên quan dịch tễ, dưới ngưỡng có dịch {threshold} ca."
    ),
    (MONTH, Regime.NON_ENDEMIC, EPIDEMIC): (
        "Từ đầu tháng có {observed} ca có liên quan dịch tễ, đạt ngưỡng có dịch {threshold} ca."
    ),
    (WEEK, Regime.GROUP_A, NONE): "Không có ca xác định nào trong {case_days} ngày qua.",
    (WEEK, Regime.GROUP_A, WARNING): (
        "Có {observed} ca xác định trong {case_days} ngày qua; với bệnh nhóm A, 1 ca là đủ để cảnh báo."
    ),
    (MONTH, Regime.GROUP_A, NONE): (
        "Có {observed} ca trong {case_days} ngày qua; có dịch khi có ca xác định và ít nhất {threshold} ca."
    ),
    (MONTH, Regime.GROUP_A, EPIDEMIC): (
        "Có ca xác định và tổng cộng {observed} ca trong {case_days} ngày qua, đạt điều kiện có dịch."
    ),
}
ABOVE_2SD = "Tuần này có {observed} ca, vượt cả ngưỡng {upper} (trung bình {years} năm cộng 2 độ lệch chuẩn)."
NO_CASE = "Tuần này chưa có ca nào."
HELD = "{lack} Tình trạng đã công bố trước đó được giữ nguyên."
LACK = {
    "insufficient_history": (
        "Trong 5 năm gần nhất chỉ có {years} năm dùng được; cần ít nhất {needed} năm để so sánh."
    ),
    "unknown_counts": "Còn {unknown_days} ngày chưa có số liệu nên chưa thể kết luận.",
    "unknown_findings": (
        "Chưa có kết quả điều tra (ca liên quan dịch tễ, ca xác định) nên chưa thể kết luận."
    ),
}
BACK_BELOW = "{found} Số ca đã trở về dưới ngưỡng có dịch."


def to_signals(result: StatutoryResult) -> list[Signal]:
    """Two signals per series, week then month, in the order of `result.keys`."""
    return [
        _signal(result, part, index)
        for index in range(len(result.keys))
        for part in (result.week, result.month)
    ]


def _signal(result: StatutoryResult, part: Comparison, index: int) -> Signal:
    key, rule = result.keys[index], result.rules[index]
    status = StatutoryStatus(str(part.status[index]))
    detail = _detail(part, rule, index)
    return Signal(
        disease=key.disease,
        unit_id=key.unit_id,
        method=f"statutory_{part.frequency.value}",
        method_version=VERSION,
        frequency=part.frequency,
        period_start=part.period_start,
        as_of=result.as_of,
        observed=float(np.nan_to_num(part.observed[index])),
        expected=detail["mean"],
        upperbound=detail["threshold"],
        alarm=status in (WARNING, EPIDEMIC),
        reason=_reason(part, rule, index, detail),
        status=status,
        detail=detail,
    )


def _detail(part: Comparison, rule: StatutoryRule, index: int) -> dict[str, Any]:
    totals = {
        str(year): float(total)
        for year, total in zip(part.years, part.totals[index], strict=True)
        if not np.isnan(total)
    }
    endemic = rule.regime is Regime.ENDEMIC
    mean, sd = float(part.mean[index]), float(part.sd[index])
    return {
        "regime": rule.regime.value,
        "mean": _known(mean, endemic),
        "sd": _known(sd, endemic),
        "lower": _known(mean + sd, endemic),
        "upper": _known(mean + 2 * sd, endemic),
        "threshold": _known(float(part.threshold[index]), True),
        "above_2sd": bool(part.above_2sd[index]),
        "totals": totals if endemic else {},
        "years": [int(year) for year in totals] if endemic else [],
        "excluded_years": sorted(rule.epidemic_years & set(part.years)),
        "unknown_days": int(part.unknown_days[index]),
        "lacking": str(part.reason[index]),
    }


def _known(value: float, applies: bool) -> float | None:
    return value if applies and np.isfinite(value) else None


def _reason(part: Comparison, rule: StatutoryRule, index: int, detail: dict[str, Any]) -> Message:
    status = StatutoryStatus(str(part.status[index]))
    if detail["lacking"]:
        lack = Message(
            LACK[detail["lacking"]],
            years=len(detail["years"]), needed=MIN_YEARS, unknown_days=detail["unknown_days"],
        )  # fmt: skip
        return lack if status is StatutoryStatus.INSUFFICIENT else Message(HELD, lack=lack)
    values = {
        "observed": float(part.observed[index]),
        "threshold": detail["threshold"],
        "years": len(detail["years"]),
        "upper": detail["upper"],
        "case_days": rule.case_days,
    }
    if status is StatutoryStatus.ENDED:
        return Message(BACK_BELOW, found=Message(FOUND[part.frequency, rule.regime, NONE], **values))
    if part.frequency is WEEK and rule.regime is Regime.ENDEMIC:
        if detail["above_2sd"]:
            return Message(ABOVE_2SD, **values)
        if part.observed[index] == 0:
            return Message(NO_CASE)
    return Message(FOUND[part.frequency, rule.regime, status], **values)
