"""Settings files as R's users write them: a JSON object of named settings, each with R's argument names.

Reads `farringtonFlexible_settings.json` and `earsC_settings.json` of the reference as they are. A file that holds
one setting, not named, is the setting "default"; no file at all is R's defaults under that name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from i18n import Message, MessageError
from surveillance.detection import settings_charts
from surveillance.detection.cdc import HistoricalLimits
from surveillance.detection.ears import Ears
from surveillance.detection.farrington import Farrington, FarringtonFlexible
from surveillance.detection.farrington_plan import STEPS_PER_YEAR, Calendar
from surveillance.detection.mem import MovingEpidemic
from surveillance.detection.outbreakp import OutbreakP
from surveillance.detection.rare import Rare
from surveillance.detection.seasonal import SeasonalDaily
from surveillance.detection.windows import ReferenceWindows
from surveillance.types import Bounds, CountSeries, Detector, Frequency

Control = Mapping[str, Any]
ALIASES = {
    "farringtonFlexible": "farrington_flexible",
    "farrington": "farrington_classic",
    "earsC": "ears",
    "glrpois": "glr_poisson",
    "glrnb": "glr_negative_binomial",
    "outbreakP": "outbreak_p",
    "cdc": "historical_limits",
}
SHARED_KEYS = {
    "reweight": ("reweight", bool),
    "alpha": ("alpha", float),
    "trend": ("trend", bool),
    "powertrans": ("power", str),
}
FLEXIBLE_KEYS = {
    **SHARED_KEYS,
    "weightsThreshold": ("weights_threshold", float),
    "pThresholdTrend": ("trend_p", float),
    "populationOffset": ("population_offset", bool),
    "thresholdMethod": ("threshold", str),
}
EARS_KEYS = {
    "method": ("method", str),
    "alpha": ("alpha", float),
    "baseline": ("baseline", int),
    "minSigma": ("min_sigma", float),
}
REFERENCE_WINDOW_KEYS = {
    "b": ("years", int),
    "w": ("half_window", int),
    "actY": ("this_year", bool),
    "alpha": ("alpha", float),
}
OUTBREAK_KEYS = {"k": ("limit", float), "maxUpperboundCases": ("most_cases", float)}
HISTORICAL_KEYS = {"b": ("years", int), "m": ("months", int), "alpha": ("alpha", float)}
WINDOW_KEYS = frozenset({"b", "w", "limit54"})
FOR_R_ALONE = frozenset({"glmWarnings", "verbose", "plot", "range", "fitFun"})
"""They change what R prints or how it computes, not what is found; all steps of the input are evaluated."""
FIT_WITH_POPULATION = "algo.farrington.fitGLM.populationOffset"
ONLY_FOR = {
    "historical_limits": Frequency.WEEK,
    "moving_epidemic": Frequency.WEEK,
    "seasonal_daily": Frequency.DAY,
}
FULL_YEARS, FEWER_YEARS = 5, 3
MONTHLY_WINDOW, MONTHLY_PERIODS, MONTHLY_GUARD = 1, 3, 6


class SettingsFileError(MessageError, ValueError):
    """A settings file that cannot be used; `message` says where and how to mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesShape:
    """What of a series a setting may depend on."""

    frequency: Frequency
    steps: int
    calendar: Calendar


def read_settings(path: Path | None) -> dict[str, Control]:
    """Settings by name. Raises SettingsFileError when the file is no JSON object of settings."""
    if path is None:
        return {"default": {}}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsFileError(Message("Không tìm thấy tệp cấu hình {file}.", file=path.name)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsFileError(Message("Không đọc được tệp cấu hình {file}.", file=path.name)) from error
    except json.JSONDecodeError as error:
        raise SettingsFileError(
            Message("Tệp cấu hình {file} sai cú pháp JSON ở dòng {line}.", file=path.name, line=error.lineno)
        ) from error
    if not isinstance(content, dict) or not content:
        raise SettingsFileError(
            Message("Tệp cấu hình {file} phải là một đối tượng JSON gồm các cấu hình có tên.", file=path.name)
        )
    nested = [isinstance(value, dict) for value in content.values()]
    return content if all(nested) else {"default": content}


def method_name(method: str) -> str:
    """Our name of a method given by ours or by R's (`algo.` before it or not). Raises SettingsFileError for a method
    not known here."""
    plain = method.removeprefix("algo.")
    name = ALIASES.get(plain, plain)
    if name not in BUILDERS:
        known = ", ".join(BUILDERS)
        raise SettingsFileError(
            Message("Không có phương pháp «{method}». Dùng một trong: {known}.", method=method, known=known)
        )
    return name


def run_setting(
    method: str, setting: str, control: Control, shape: SeriesShape, series: CountSeries
) -> Bounds:
    """Judge `series`, all of one shape, with one setting. Raises SettingsFileError for what the method cannot take."""
    given = {key: _scalar(value) for key, value in control.items() if value is not None}
    name = method_name(method)
    try:
        detector = BUILDERS[name](given, shape)
        if ONLY_FOR.get(name, series.frequency) is not series.frequency:
            return _not_judged(series, "wrong_frequency")
        return detector(series)
    except SettingsFileError:
        raise
    except (ValueError, TypeError) as error:
        raise SettingsFileError(
            Message("Cấu hình «{setting}» không dùng được: {why}", setting=setting, why=str(error))
        ) from error


def _not_judged(series: CountSeries, reason: str) -> Bounds:
    shape = series.observed.shape
    nothing = np.full(shape, np.nan)
    return Bounds(
        evaluated=np.arange(shape[1], dtype=np.int64),
        expected=nothing,
        upperbound=nothing,
        alarm=np.zeros(shape, dtype=np.bool_),
        score=nothing,
        reason=np.full(shape, reason),
    )


def _flexible(control: Control, shape: SeriesShape) -> Detector:
    known = {*FLEXIBLE_KEYS, *WINDOW_KEYS, *FOR_R_ALONE, "noPeriods", "pastWeeksNotIncluded"}
    _refuse_unknown(control, known)
    window = _window(control, shape)
    periods, guard = _number(control, "noPeriods", 1), control.get("pastWeeksNotIncluded")
    steps = None if guard in (None, "w") else _number(control, "pastWeeksNotIncluded", 0)
    if shape.frequency is Frequency.MONTH:
        periods = min(periods, MONTHLY_PERIODS)
        steps = None if steps is None else min(steps, MONTHLY_GUARD)
    return FarringtonFlexible(periods=periods, guard=steps, **window, **_named(control, FLEXIBLE_KEYS))


def _classic(control: Control, shape: SeriesShape) -> Detector:
    _refuse_unknown(control, {*SHARED_KEYS, *WINDOW_KEYS, *FOR_R_ALONE})
    offset = control.get("fitFun") == FIT_WITH_POPULATION
    return Farrington(population_offset=offset, **_window(control, shape), **_named(control, SHARED_KEYS))


def _ears(default: str) -> Callable[[Control, SeriesShape], Detector]:
    def build(control: Control, shape: SeriesShape) -> Detector:
        _refuse_unknown(control, {*EARS_KEYS, "range"})
        return Ears(**{"method": default, **_named(control, EARS_KEYS)})

    return build


def _cusum(control: Control, shape: SeriesShape) -> Detector:
    _refuse_unknown(control, {*settings_charts.CUSUM_KEYS, *settings_charts.OWN_KEYS["cusum"]})
    fields = _named(control, settings_charts.CUSUM_KEYS)
    return settings_charts.cusum(fields, control, shape.frequency, shape.steps)


def _glr(alpha: float | None) -> Callable[[Control, SeriesShape], Detector]:
    def build(control: Control, shape: SeriesShape) -> Detector:
        _refuse_unknown(control, {*settings_charts.GLR_KEYS, *settings_charts.OWN_KEYS["glr"]})
        fields = _named(control, settings_charts.GLR_KEYS)
        return settings_charts.glr(fields, control, shape.frequency, shape.steps, alpha=alpha)

    return build


def _outbreak_p(control: Control, shape: SeriesShape) -> Detector:
    _refuse_unknown(control, {*OUTBREAK_KEYS, "ret", "range"})
    bound = settings_charts.returned(control)
    return OutbreakP(bound=bound, fewest=1, as_r=True, **_named(control, OUTBREAK_KEYS))


def _historical_limits(control: Control, shape: SeriesShape) -> Detector:
    _refuse_unknown(control, {*HISTORICAL_KEYS, "range"})
    return HistoricalLimits(bound="total", **_named(control, HISTORICAL_KEYS))


def _own(
    detector: Callable[..., Detector], names: Iterable[str]
) -> Callable[[Control, SeriesShape], Detector]:
    """A method R has not, whose settings have our names."""
    known = set(names) - {"version", "name"}

    def build(control: Control, shape: SeriesShape) -> Detector:
        _refuse_unknown(control, known)
        return detector(**{key: tuple(v) if isinstance(v, list) else v for key, v in control.items()})

    return build


def _reference_windows(**defaults: Any) -> Callable[[Control, SeriesShape], Detector]:
    def build(control: Control, shape: SeriesShape) -> Detector:
        _refuse_unknown(control, {*REFERENCE_WINDOW_KEYS, "range"})
        return ReferenceWindows(**{**defaults, **_named(control, REFERENCE_WINDOW_KEYS)})

    return build


BUILDERS: Mapping[str, Callable[[Control, SeriesShape], Detector]] = {
    "farrington_flexible": _flexible,
    "farrington_classic": _classic,
    "ears": _ears("C1"),
    "ears_c1": _ears("C1"),
    "ears_c2": _ears("C2"),
    "ears_c3": _ears("C3"),
    "bayes": _reference_windows(method="bayes"),
    "bayes1": _reference_windows(method="bayes"),
    "bayes2": _reference_windows(method="bayes", years=1),
    "bayes3": _reference_windows(method="bayes", years=2, half_window=4, this_year=False),
    "rki": _reference_windows(method="rki", years=2, half_window=4, this_year=False),
    "rki1": _reference_windows(method="rki"),
    "rki2": _reference_windows(method="rki", years=1),
    "rki3": _reference_windows(method="rki", years=2, half_window=4, this_year=False),
    "cusum": _cusum,
    "glr_poisson": _glr(0.0),
    "glr_negative_binomial": _glr(None),
    "outbreak_p": _outbreak_p,
    "historical_limits": _historical_limits,
    "moving_epidemic": _own(MovingEpidemic, MovingEpidemic.__dataclass_fields__),
    "rare": _own(Rare, Rare.__dataclass_fields__),
    "seasonal_daily": _own(SeasonalDaily, SeasonalDaily.__dataclass_fields__),
}


def _window(control: Control, shape: SeriesShape) -> dict[str, Any]:
    """b, w and limit54. Weekly windows are capped at a month either side for months; without a `b`, five years
    are taken, or three when the series is too short for five.
    """
    half = _number(control, "w", 3)
    if shape.frequency is Frequency.MONTH:
        half = min(half, MONTHLY_WINDOW)
    enough = shape.steps > FULL_YEARS * STEPS_PER_YEAR[shape.frequency] + half
    years = _number(control, "b", FULL_YEARS if enough else FEWER_YEARS)
    limit = control.get("limit54", [5, 4])
    if not (isinstance(limit, list) and len(limit) == 2):
        raise SettingsFileError(
            Message("«{key}» phải là hai số trong ngoặc vuông, ví dụ [5, 4].", key="limit54")
        )
    return {
        "years": years,
        "half_window": half,
        "min_cases": float(limit[0]),
        "min_cases_steps": int(limit[1]),
        "calendar": shape.calendar,
    }


def _named(control: Control, keys: Mapping[str, tuple[str, type]]) -> dict[str, Any]:
    return {field: _typed(control[key], key, kind) for key, (field, kind) in keys.items() if key in control}


def _scalar(value: Any) -> Any:
    """R's JSON writes a single value as a list of one."""
    if isinstance(value, dict):
        return {key: _scalar(inner) for key, inner in value.items()}
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _number(control: Control, key: str, default: int) -> int:
    return int(_typed(control.get(key, default), key, int))


def _typed(value: Any, key: str, kind: type) -> Any:
    """`value` as `kind`: a whole number may stand for a decimal one, never text or a switch for a number."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise SettingsFileError(
            Message("«{key}» có giá trị «{value}», không đúng kiểu cần dùng.", key=key, value=str(value))
        )
    return value


def _refuse_unknown(control: Control, known: set[str]) -> None:
    for key in control:
        if key not in known:
            raise SettingsFileError(
                Message("Cấu hình có mục «{key}» mà phương pháp này không có; hãy bỏ hoặc sửa tên.", key=key)
            )
