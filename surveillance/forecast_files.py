"""Forecasts on a plain file, no database: the columns of `detect` in, one row a series and step ahead out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from i18n import Message
from surveillance.detect_files import OneSeries, batches, read_series
from surveillance.forecast import Forecast, ForecastSettings, backtest
from surveillance.forecast import forecast as forecast_series
from surveillance.plain_files import PlainFileError, write_rows
from surveillance.types import Frequency

COLUMNS = (
    "series", "t", "horizon", "date", "median", "lower_50", "upper_50", "lower_80", "upper_80",
    "lower_95", "upper_95", "skill", "reason",
)  # fmt: skip
IN_COLUMN_ORDER = (3, 2, 4, 1, 5, 0, 6)
"""Of the forecast's quantiles: the median, then the limits of the 50, 80 and 95 % intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasted:
    """What was written: how many series and rows, and how many of the rows hold a forecast."""

    series: int
    rows: int
    given: int


def forecast(in_csv: Path, out_csv: Path, *, horizon: int, origins: int) -> Forecasted:
    """Back-test and forecast every series of `in_csv` (may be .gz; weeks or months) and write `out_csv`.

    Raises PlainFileError; nothing is written then. What cannot be forecast is a row with a reason code.
    """
    series = read_series(in_csv)
    daily = [one.name for one in series if one.frequency is Frequency.DAY]
    if daily:
        raise PlainFileError(
            Message(
                "Chuỗi «{series}» theo ngày; dự báo cần số ca theo tuần (52) hoặc tháng (12).",
                series=daily[0],
            )
        )
    settings = ForecastSettings(horizon=horizon, origins=origins, min_origins=min(26, origins))
    found: dict[str, tuple[Forecast, int]] = {}
    for counts, batch in batches(series):
        result = forecast_series(counts, backtest(counts, settings=settings), settings=settings)
        found.update({one.name: (result, position) for position, one in enumerate(batch)})
    rows = [row for one in series for row in _rows(one, *found[one.name])]
    write_rows(out_csv, COLUMNS, rows)
    return Forecasted(series=len(series), rows=len(rows), given=sum(row[-1] == "" for row in rows))


def _rows(one: OneSeries, result: Forecast, position: int) -> Iterator[list[object]]:
    last = max(one.labels)
    for step, day in enumerate(result.dates):
        limits = result.quantiles[list(IN_COLUMN_ORDER), position, step]
        yield [
            one.name, last + step + 1, step + 1, day if one.dated else None, *map(float, limits),
            float(result.skill[position, step]), str(result.reason[position, step]),
        ]  # fmt: skip
