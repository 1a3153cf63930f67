"""Settings of R's `cusum`, `glrpois` and `glrnb`, under R's argument names, as our detectors.

R's `range` says where watching begins (the first of its steps, counted from 1); all later steps are watched.
Without it watching begins as in the reference recordings: after three years and four steps, or with the newest 61
steps when the series is too short for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
OWN_KEYS = {"cusum": {"m", "range"}, "glr": {"mu0", "ret", "range", "xMax"}}
RETURNS = {"value": "statistic", "cases": "cases"}
HISTORY_YEARS, HISTORY_STEPS, SHORTEST_WATCH = 3, 4, 61


def cusum(fields: Mapping[str, Any], control: Control, frequency: Frequency, steps: int) -> Cusum:
    """`fields` are the plain ones, already read by CUSUM_KEYS. Raises ValueError."""
    m = control.get("m")
    mean: Any = "constant" if m is None else "seasonal" if m == "glm" else m
    return Cusum(mean=mean, training=_training(control, frequency, steps), **fields)


def glr(
    fields: Mapping[str, Any], control: Control, frequency: Frequency, steps: int, *, alpha: float | None
) -> Glr:
    """`fields` are the plain ones, already read by GLR_KEYS; `alpha` stands when they have none."""
    longest = fields.get("longest")
    bound = RETURNS.get(control.get("ret", "value"))
    if bound is None:
        raise ValueError(f"ret is {control['ret']!r}; use one of {', '.join(RETURNS)}")
    return Glr(
        **{"alpha": alpha, **fields, "longest": None if longest == -1 else longest},
        **_mean(control.get("mu0")),
        bound=bound,  # type: ignore[arg-type]
        as_r=True,
        training=_training(control, frequency, steps),
    )


def _mean(mu0: Any) -> dict[str, Any]:
    if mu0 is None:
        return {}
    if isinstance(mu0, int | float):
        return {"mean": float(mu0)}
    if not isinstance(mu0, dict) or not set(mu0) <= {"S", "trend", "refit"}:
        raise ValueError("mu0 must be a number, or S, trend and refit")
    names = {"S": "harmonics", "trend": "trend", "refit": "refit"}
    return {names[key]: value for key, value in mu0.items()}


def _training(control: Control, frequency: Frequency, steps: int) -> int:
    wanted = control.get("range")
    if wanted is None:
        usual = HISTORY_YEARS * STEPS_PER_YEAR[frequency] + HISTORY_STEPS
        return max(1, min(usual, steps - SHORTEST_WATCH))
    first = wanted[0] if isinstance(wanted, list) and wanted else wanted
    if not isinstance(first, int) or first < 2:
        raise ValueError("range must begin at a whole number from 2 on")
    return first - 1
