"""Detectors of the catalogue every day on counts completed by the nowcast: the last seven days, ending today. Pure.

A weekly method judges the seven days that end today as one week, a daily method each of them. It alarms where
the final count exceeds its limit with CERTAINTY, given what is reported so far (docs/methods/rolling.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from i18n import Message
from surveillance.completed import WEEK, Completed
from surveillance.detection import DETECTORS, ROLLING, explain
from surveillance.types import BoolArray, Bounds, CountSeries, FloatArray, Frequency, SeriesKey, Signal

CERTAINTY = 0.9
"""Share of the nowcast's draws that must lie above the limit."""
DAILY = frozenset({"ears_c1", "ears_c2", "ears_c3", "seasonal_daily"})
"""Methods that judge days; the others judge weeks."""

DAY_ABOVE = "Ngày {day} có {cases}, vượt giới hạn {upper} của phương pháp {method}."
DAY_WITHIN = "Trong {days} ngày qua không có ngày nào vượt giới hạn của phương pháp {method}."
WEEK_ABOVE = "7 ngày đến {day} có {cases}, vượt giới hạn {upper} của phương pháp {method}."
WEEK_WITHIN = "7 ngày đến {day} có {cases}, trong giới hạn {upper} của phương pháp {method}."
WEEK_UNSURE = (
    "7 ngày đến {day} có {cases}, có thể đã vượt giới hạn {upper} của phương pháp {method} nhưng chưa chắc chắn"
    " ({percent} %)."
)
CASES = "{n} ca"
ESTIMATED = "khoảng {n} ca (mới báo cáo {reported})"

TITLES: Mapping[str, Message] = {
    "ears_c1": Message("EARS C1"),
    "ears_c2": Message("EARS C2"),
    "ears_c3": Message("EARS C3"),
    "farrington_classic": Message("Farrington"),
    "farrington_flexible": Message("Farrington linh hoạt"),
    "moving_epidemic": Message("ngưỡng mùa dịch (MEM)"),
    "rare": Message("bệnh hiếm"),
    "seasonal_daily": Message("theo ngày trong mùa"),
    "bayes": Message("Bayes"),
    "rki": Message("RKI"),
    "cusum": Message("CUSUM"),
    "glr_poisson": Message("GLR Poisson"),
    "glr_negative_binomial": Message("GLR nhị thức âm"),
    "outbreak_p": Message("OutbreakP"),
    "historical_limits": Message("giới hạn lịch sử (CDC)"),
}


def title(method: str) -> Message:
    """The name people read for a method; its own name where it has none."""
    return TITLES.get(method, Message("{name}", name=method))


def rolling_signals(
    completed: Completed, units: Sequence[int], disease: str, method: str, settings: Mapping[str, Any],
    as_of: datetime,
) -> list[Signal]:  # fmt: skip
    """What `method` of the registry says of the last seven days of each area, one Signal per unit.

    `units` has one id per row of `completed`. Raises KeyError for a method that is not in ROLLING.
    """
    if method not in ROLLING:
        raise KeyError(method)
    keys = tuple(SeriesKey(disease, unit) for unit in units)
    daily = method in DAILY
    start, counts = (completed.start, completed.median) if daily else completed.weeks()
    series = CountSeries(
        keys=keys, frequency=Frequency.DAY if daily else Frequency.WEEK, start=start, observed=counts, as_of=as_of
    )  # fmt: skip
    detector = DETECTORS[method](**{"last": WEEK if daily else 1, **settings})
    bounds = detector(series)
    if daily:
        draws, reported = completed.newest(WEEK), completed.reported[:, -WEEK:]
    else:
        draws = completed.newest(WEEK).sum(axis=2)[:, :, None]
        reported = completed.reported[:, -WEEK:].sum(axis=1)[:, None]
    judged = _Judged.of(bounds, draws, reported, method, detector.version, series)
    return [judged.signal(row) for row in range(len(keys))]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """Bounds of E newest steps beside the draws (K, S, E) of their counts; `probability` (S, E) of exceeding."""

    bounds: Bounds
    series: CountSeries
    method: str
    version: str
    estimate: FloatArray
    reported: FloatArray
    probability: FloatArray
    alarm: BoolArray

    @classmethod
    def of(
        cls, bounds: Bounds, draws: FloatArray, reported: FloatArray, method: str, version: str,
        series: CountSeries,
    ) -> _Judged:  # fmt: skip
        stands = bounds.reason == ""
        above = (draws > bounds.upperbound) & (draws > 0)
        probability = np.where(stands, above.mean(axis=0), np.nan)
        return cls(
            bounds=bounds, series=series, method=method, version=version,
            estimate=series.observed[:, bounds.evaluated], reported=reported, probability=probability,
            alarm=stands & (probability >= CERTAINTY),
        )  # fmt: skip

    def signal(self, row: int) -> Signal:
        at = row, self._column(row)
        lacking = str(self.bounds.reason[at])
        key = self.series.keys[row]
        upper = None if lacking else float(self.bounds.upperbound[at])
        return Signal(
            disease=key.disease,
            unit_id=key.unit_id,
            method=self.method,
            method_version=self.version,
            frequency=self.series.frequency,
            period_start=self._first_day(at[1]),
            as_of=self.series.as_of,
            observed=float(np.nan_to_num(self.estimate[at])),
            expected=None if lacking else _finite(self.bounds.expected[at]),
            upperbound=upper,
            alarm=bool(self.alarm[at]),
            reason=self._reason(at, lacking),
            detail={
                "threshold": upper,
                "reported": _finite(self.reported[at]),
                "probability": None if lacking else round(float(self.probability[at]), 3),
                "score": _finite(self.bounds.score[at]),
                "lacking": lacking,
            },
        )

    def _column(self, row: int) -> int:
        """The newest step that alarms, else the newest that could be judged, else the newest."""
        for chosen in (self.alarm[row], self.bounds.reason[row] == ""):
            if chosen.any():
                return int(np.flatnonzero(chosen)[-1])
        return int(self.bounds.evaluated.size - 1)

    def _first_day(self, column: int) -> date:
        days = WEEK if self.series.frequency is Frequency.WEEK else 1
        return self.series.start + timedelta(days=days * int(self.bounds.evaluated[column]))

    def _reason(self, at: tuple[int, int], lacking: str) -> Message:
        if lacking:
            return Message("{method}: {why}", method=title(self.method), why=explain(lacking))
        weekly = self.series.frequency is Frequency.WEEK
        upper = round(float(self.bounds.upperbound[at]), 1)
        values: dict[str, Any] = {"method": title(self.method), "upper": upper}
        n, reported = float(self.estimate[at]), float(self.reported[at])
        values["cases"] = Message(CASES, n=n) if n == reported else Message(ESTIMATED, n=n, reported=reported)
        values["day"] = self._first_day(at[1]) + timedelta(days=WEEK - 1 if weekly else 0)
        if self.alarm[at]:
            return Message(WEEK_ABOVE if weekly else DAY_ABOVE, **values)
        if not weekly:
            return Message(DAY_WITHIN, days=WEEK, method=values["method"])
        if self.probability[at] >= 1 - CERTAINTY:
            return Message(WEEK_UNSURE, percent=round(100 * float(self.probability[at])), **values)
        return Message(WEEK_WITHIN, **values)


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
