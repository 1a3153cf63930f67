"""Rt on plain files: `rt(in_csv, out_csv, …)`. The files of EpiEstim's reference runs are taken as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from i18n import Message
from surveillance.plain_files import MISSING, PlainFileError, number, read_rows, whole, write_rows
from surveillance.reproduction import Prior, Reproduction, Rules, Windows, estimate_rt
from surveillance.reproduction_draws import estimate_rt_uncertain
from surveillance.serial_interval import SerialInterval, UncertainInterval
from surveillance.types import FloatArray

COLUMNS = (
    "series", "config", "mean_si", "std_si", "mean_prior", "std_prior", "si", "t_start", "t_end", "Mean", "Std",
    "Quantile.0.025", "Quantile.0.05", "Quantile.0.25", "Median", "Quantile.0.75", "Quantile.0.95",
    "Quantile.0.975", "above_one", "growth", "growth_lo", "growth_hi", "doubling_time", "reason",
)  # fmt: skip
OWN_INTERVAL = "__nonparam"


@dataclass(frozen=True, slots=True, kw_only=True)
class RtConfig:
    """One way of estimating, in EpiEstim's words; times count from 1.

    With `std_mean_si` the serial interval is uncertain; without `mean_si` its weights come from the serial
    interval file. `t_start`/`t_end` or else every `window` steps. `series` None means every series.
    """

    config: str = "rt"
    series: str | None = None
    mean_si: float | None = None
    std_si: float | None = None
    mean_prior: float = 5.0
    std_prior: float = 5.0
    window: int = 7
    t_start: tuple[int, ...] = ()
    t_end: tuple[int, ...] = ()
    std_mean_si: float | None = None
    min_mean_si: float | None = None
    max_mean_si: float | None = None
    std_std_si: float | None = None
    min_std_si: float | None = None
    max_std_si: float | None = None
    n1: int = 500
    n2: int = 50
    min_cases: int = 0

    def windows(self, steps: int) -> Windows:
        if not self.t_start:
            return Windows.sliding(steps, self.window)
        return Windows(first=np.array(self.t_start) - 1, last=np.array(self.t_end) - 1)

    @property
    def kind(self) -> str:
        if self.mean_si is None:
            return "nonparametric"
        return "parametric" if self.std_mean_si is None else "uncertain"


@dataclass(frozen=True, slots=True)
class Counted:
    """One series from step 1 on, (1, T) each; NaN where the file has no figure."""

    total: FloatArray
    imported: FloatArray | None


def rt(
    in_csv: Path,
    out_csv: Path,
    *,
    settings: Path | None = None,
    si_csv: Path | None = None,
    seed: int = 1,
    defaults: RtConfig | None = None,
) -> int:
    """Estimate Rt for every series of `in_csv` (series, t, total or local + imported) and write `out_csv`.

    `settings`: a JSON object of named configs with fields of RtConfig, or a CSV with the columns series,
    config, mean_si, std_si, mean_prior, std_prior, t_start, t_end (EpiEstim's recorded results will do).
    `si_csv`: series, k, w. Without `settings`, `defaults` alone. Returns the rows written; raises
    PlainFileError for a file or a setting that cannot be used.
    """
    counted = _read_counts(Path(in_csv))
    intervals = _read_intervals(Path(si_csv)) if si_csv else {}
    configs = _read_configs(Path(settings), defaults or RtConfig()) if settings else [defaults or RtConfig()]
    rng = np.random.default_rng(seed)
    return write_rows(Path(out_csv), COLUMNS, _rows(counted, configs, intervals, rng))


def _rows(
    counted: Mapping[str, Counted],
    configs: list[RtConfig],
    intervals: Mapping[str, FloatArray],
    rng: np.random.Generator,
) -> Iterator[list[object]]:
    for config in configs:
        for name in counted if config.series is None else [config.series]:
            if name not in counted:
                raise PlainFileError(Message("Không có chuỗi số liệu nào tên “{series}”.", series=name))
            try:
                result = _estimate(name, counted[name], config, intervals, rng)
            except PlainFileError:
                raise
            except ValueError as error:
                raise PlainFileError(
                    Message(
                        "Cách tính “{config}” không dùng được: {cause}",
                        config=config.config,
                        cause=str(error),
                    )
                ) from error
            yield from _result_rows(name, config, result)


def _estimate(
    name: str,
    counts: Counted,
    config: RtConfig,
    intervals: Mapping[str, FloatArray],
    rng: np.random.Generator,
) -> Reproduction:
    rules = Rules(prior=Prior(mean=config.mean_prior, sd=config.std_prior), min_cases=config.min_cases)
    windows = config.windows(counts.total.shape[1])
    if windows.last.size and windows.last.max() >= counts.total.shape[1]:
        raise PlainFileError(Message("Cửa sổ tính vượt quá số liệu của chuỗi “{series}”.", series=name))
    if config.kind == "uncertain":
        return estimate_rt_uncertain(
            counts.total, _uncertain(config), windows=windows, rng=rng, intervals=config.n1, draws=config.n2,
            imported=counts.imported, rules=rules,
        )  # fmt: skip
    own = intervals.get(name + OWN_INTERVAL, intervals.get(name))
    interval: SerialInterval | FloatArray
    if config.mean_si is not None and config.std_si is not None:
        interval = SerialInterval(mean=config.mean_si, sd=config.std_si)
    elif own is not None:
        interval = own
    else:
        raise PlainFileError(
            Message(
                "Chưa biết khoảng thế hệ của chuỗi “{series}”: hãy cho trung bình và độ lệch chuẩn, "
                "hoặc một tệp có cột series, k, w.",
                series=name,
            )
        )
    return estimate_rt(counts.total, interval, windows=windows, imported=counts.imported, rules=rules)


def _uncertain(config: RtConfig) -> UncertainInterval:
    names = (
        "mean_si",
        "std_mean_si",
        "min_mean_si",
        "max_mean_si",
        "std_si",
        "std_std_si",
        "min_std_si",
        "max_std_si",
    )
    missing = [name for name in names if getattr(config, name) is None]
    if missing:
        raise PlainFileError(
            Message("Khoảng thế hệ chưa chắc chắn cần thêm: {names}.", names=", ".join(missing))
        )
    values = (getattr(config, name) for name in names)
    keys = ("mean", "mean_sd", "mean_min", "mean_max", "sd", "sd_sd", "sd_min", "sd_max")
    return UncertainInterval(**dict(zip(keys, values, strict=True)))


def _result_rows(name: str, config: RtConfig, result: Reproduction) -> Iterator[list[object]]:
    doubling = result.doubling_time
    for w in range(result.windows.last.size):
        yield [
            name, config.config, config.mean_si, config.std_si, config.mean_prior, config.std_prior, config.kind,
            int(result.windows.first[w]) + 1, int(result.windows.last[w]) + 1,
            float(result.mean[0, w]), float(result.sd[0, w]), *(float(q) for q in result.quantiles[:, 0, w]),
            float(result.above_one[0, w]), float(result.growth[3, 0, w]), float(result.growth[0, 0, w]),
            float(result.growth[-1, 0, w]), float(doubling[3, 0, w]), str(result.reason[0, w]),
        ]  # fmt: skip


def _read_counts(path: Path) -> dict[str, Counted]:
    rows = read_rows(path, ("series", "t"))
    column = next((name for name in ("total", "observed", "cases", "local") if name in rows[0]), "total")
    if column not in rows[0]:
        raise PlainFileError(
            Message("Tệp {file} thiếu cột {column}. Hãy thêm cột này.", file=path.name, column=column)
        )
    cells: dict[str, dict[int, tuple[float, float]]] = {}
    for line, row in enumerate(rows, start=2):
        t = whole(row["t"], path=path, line=line, column="t")
        if t < 1 or t in cells.get(row["series"], {}):
            raise PlainFileError(
                Message(
                    "Tệp {file}, dòng {row}: bước t = {t} không hợp lệ hoặc bị lặp.",
                    file=path.name,
                    row=line,
                    t=t,
                )
            )
        total = number(row[column], path=path, line=line, column=column)
        imported = number(row.get("imported") or "0", path=path, line=line, column="imported")
        cells.setdefault(row["series"], {})[t] = (total + imported if column == "local" else total, imported)
    return {name: _counted(steps) for name, steps in cells.items()}


def _counted(steps: Mapping[int, tuple[float, float]]) -> Counted:
    values = np.full((2, max(steps)), np.nan)
    for t, pair in steps.items():
        values[:, t - 1] = pair
    imported = values[1:2] if np.nansum(values[1]) > 0 else None
    return Counted(total=values[:1], imported=imported)


def _read_intervals(path: Path) -> dict[str, FloatArray]:
    weights: dict[str, dict[int, float]] = {}
    for line, row in enumerate(read_rows(path, ("series", "k", "w")), start=2):
        k = whole(row["k"], path=path, line=line, column="k")
        weights.setdefault(row["series"], {})[k] = number(row["w"], path=path, line=line, column="w")
    return {
        name: np.array([lags.get(k, 0.0) for k in range(max(lags) + 1)]) for name, lags in weights.items()
    }


def _read_configs(path: Path, defaults: RtConfig) -> list[RtConfig]:
    if path.suffix == ".csv":
        return _configs_of_rows(path, defaults)
    known = {f.name for f in fields(RtConfig)}
    configs = []
    for name, values in _json_object(path).items():
        unknown = sorted(set(values) - known)
        if unknown:
            raise PlainFileError(
                Message(
                    "Cách tính “{config}” có mục không hiểu: {names}.", config=name, names=", ".join(unknown)
                )
            )
        times: dict[str, Any] = {k: tuple(values[k]) for k in ("t_start", "t_end") if k in values}
        configs.append(replace(defaults, **{"config": name, **values, **times}))
    return configs


def _json_object(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(values, dict) for values in found.values()):
        raise PlainFileError(
            Message("Tệp {file} cần là một đối tượng JSON gồm các cách tính có tên.", file=path.name)
        )
    return found


def _configs_of_rows(path: Path, defaults: RtConfig) -> list[RtConfig]:
    numeric = ("mean_si", "std_si", "mean_prior", "std_prior")
    windows: dict[RtConfig, list[tuple[int, int]]] = {}
    rows = read_rows(path, ("series", "config", "t_start", "t_end", *numeric))
    for line, row in enumerate(rows, start=2):
        values: dict[str, Any] = {
            k: None if row[k] in MISSING else number(row[k], path=path, line=line, column=k) for k in numeric
        }
        key = replace(defaults, config=row["config"], series=row["series"], **values)
        first, last = (whole(row[k], path=path, line=line, column=k) for k in ("t_start", "t_end"))
        windows.setdefault(key, []).append((first, last))
    return [
        replace(key, t_start=tuple(a for a, _ in times), t_end=tuple(b for _, b in times))
        for key, times in windows.items()
    ]
