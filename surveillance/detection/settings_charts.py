"""Settings of R's `cusum`, `glrpois` and `glrnb`, under R's argument names, as our detectors.

R's `range` says where watching begins (the first of its steps, counted from 1); all later steps are watched.
Without it watching begins as in the reference recordings: after three years and four steps, or with the newest 61
steps when the series is too short for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from surveillance.detection.cusum import Cusum
from surveillance.detection.glr import Glr
from surveillance.detection.harmonics import STEPS_PER_YEAR
from surveillance.types import Frequency

Control = Mapping[str, Any]
CUSUM_KEYS = {
    "k": ("reference", float),
    "h": ("limit", float),
    "trans": ("transform", str),
    "alpha": ("dispersion", float),
}
GLR_KEYS = {
    "c.ARL": ("limit", float),
    "Mtilde": ("shortest", int),
    "M": ("longest", int),
    "change": ("change", str),
    "theta": ("theta", float),
    "dir": ("direction", str),
    "alpha": ("alpha", float),
}
OWN_KEYS = {"cusum": {"m", "range"}, "glr": {"mu0", "ret", "range", "xMax", "S", "beta"}}
"""R documents S and beta for `glrpois` but does not look at them (it takes mu0's S); nor do we."""
RETURNS: Mapping[str, Literal["statistic", "cases"]] = {"value": "statistic", "cases": "cases"}
HISTORY_YEARS, HISTORY_STEPS, SHORTEST_WATCH = 3, 4, 61


def cusum(fields: Mapping[str, Any], control: Control, frequency: Frequency, steps: int) -> Cusum:
    """`fields` are the plain ones, already read by CUSUM_KEYS. Raises ValueError."""
    m, training = control.get("m"), _training(control, frequency, steps)
    mean: Any = "constant" if m is None else "seasonal" if m == "glm" else _levels("m", m, steps - training)
    return Cusum(mean=mean, training=training, **fields)


def glr(
    fields: Mapping[str, Any], control: Control, frequency: Frequency, steps: int, *, alpha: float | None
) -> Glr:
    """`fields` are the plain ones, already read by GLR_KEYS; `alpha` stands when they have none. Raises
    ValueError."""
    if alpha == 0 and fields.get("alpha", 0) != 0:
        raise ValueError(f"alpha is {fields['alpha']}; glrpois takes none, use glrnb")
    training = _training(control, frequency, steps)
    return Glr(
        **{"alpha": alpha, **_as_r_reads(fields)},
        **_mean(control.get("mu0"), steps - training),
        bound=returned(control),
        as_r=True,
        training=training,
    )


def returned(control: Control) -> Literal["statistic", "cases"]:
    """What R's `ret` asks to stand as bound. Raises ValueError."""
    bound = RETURNS.get(control.get("ret", "value"))
    if bound is None:
        raise ValueError(f"ret is {control['ret']!r}; use one of {', '.join(RETURNS)}")
    return bound


def _as_r_reads(fields: Mapping[str, Any]) -> dict[str, Any]:
    """R takes any M below 1 for no limit, ignores `theta` for `epi`, and `dir` where `theta` is given."""
    read = dict(fields)
    if read.get("change") == "epi":
        read.pop("theta", None)
    if "theta" in read:
        read.pop("direction", None)
    if read.get("longest", -1) == -1:
        read.pop("longest", None)
    return read


def _mean(mu0: Any, watched: int) -> dict[str, Any]:
    if mu0 is None:
        return {}
    if not isinstance(mu0, dict):
        return {"mean": _levels("mu0", mu0, watched)}
    if not set(mu0) <= {"S", "trend", "refit"}:
        raise ValueError("mu0 must be a number, one for each step watched, or S, trend and refit")
    names = {"S": "harmonics", "trend": "trend", "refit": "refit"}
    return {names[key]: value for key, value in mu0.items()}


def _levels(key: str, value: Any, watched: int) -> float | tuple[float, ...]:
    """A mean for all steps, or one for each step watched."""
    levels = value if isinstance(value, list) else [value]
    if any(isinstance(level, bool) or not isinstance(level, int | float) for level in levels):
        raise ValueError(f"{key} must be a number or numbers")
    if len(levels) not in (1, watched):
        raise ValueError(
            f"{key} has {len(levels)} numbers; give one, or one for each of the {watched} steps watched"
        )
    return float(levels[0]) if len(levels) == 1 else tuple(float(level) for level in levels)


def _training(control: Control, frequency: Frequency, steps: int) -> int:
    wanted = control.get("range")
    if wanted is None:
        usual = HISTORY_YEARS * STEPS_PER_YEAR[frequency] + HISTORY_STEPS
        return max(1, min(usual, steps - SHORTEST_WATCH))
    first = wanted[0] if isinstance(wanted, list) and wanted else wanted
    if not isinstance(first, int) or first < 2:
        raise ValueError("range must begin at a whole number from 2 on")
    return first - 1
