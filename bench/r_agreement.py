"""How often our bounds and alarms equal those of R `surveillance` on random series under random settings.

    python -m bench.r_agreement [CASES] [SEED] [METHOD]

Each case is one random series (seasons, trends, outbreaks, zeros, large counts; days, weeks or months, dated or
not) and one random setting in R's words, given to R and to `app.py detect`'s function as the same JSON file. Prints one
JSON line a method, and one for each of its first cases that differ. Needs R with surveillance and jsonlite.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from surveillance.detect_files import detect
from surveillance.types import FloatArray

Control = dict[str, Any]
STEPS = {52: (320, 420), 12: (96, 160), 365: (1200, 1500)}
TRANSFORMS = ("standard", "rossi", "anscombe", "anscombe2nd", "pearsonNegBin", "none")
SHOWN = 3
R_SCRIPT = """
suppressMessages({library(surveillance); library(jsonlite)})
cases <- fromJSON(commandArgs(TRUE)[1], simplifyVector = TRUE, simplifyDataFrame = FALSE)
found <- lapply(cases, function(case) {
  sink(nullfile()); on.exit(sink())
  by <- c("52" = "week", "12" = "month", "365" = "day")[[as.character(case$freq)]]
  counts <- matrix(case$counts)
  given <- list(counts, frequency = case$freq, population = matrix(case$population))
  if (!is.null(case$start)) given <- c(given, list(start = c(2000, 1), epochAsDate = TRUE,
    epoch = seq(as.Date(case$start), by = by, length.out = length(counts))))
  x <- do.call(sts, given)
  control <- case$control
  tryCatch(suppressWarnings(suppressMessages({
    if (case$method == "cdc") {
      y <- algo.cdc(surveillance:::sts2disProg(x), control)
      list(upper = as.numeric(y$upperbound), alarm = as.numeric(y$alarm))
    } else {
      y <- get(case$method)(x, control)
      list(upper = as.numeric(upperbound(y)), alarm = as.numeric(alarms(y)))
    }
  })), error = function(e) list(error = conditionMessage(e)))
})
write_json(found, commandArgs(TRUE)[2], digits = NA, na = "string", auto_unbox = FALSE)
"""


def main(cases: int, seed: int, only: str | None) -> None:
    for method, draw in METHODS.items():
        if only in (None, method):
            rng = np.random.default_rng(seed)
            made = [_case(method, draw, rng) for _ in range(cases)]
            print(json.dumps(compare(method, made)), flush=True)


def series(rng: np.random.Generator, steps: int, year: int) -> FloatArray:
    t = np.arange(steps)
    level = float(np.exp(rng.uniform(-1.5, 4.5)))
    wave = rng.uniform(0, 0.8) * np.cos(2 * np.pi * (t / year + rng.random()))
    mean = level * np.exp(wave + rng.normal(0, 0.1) * t / year)
    spread = rng.choice([0.0, 0.1, 0.5])
    counts = rng.poisson(mean * (rng.gamma(1 / spread, spread, steps) if spread else 1))
    for begin in rng.integers(0, steps, rng.integers(0, 5)):
        counts[begin : begin + rng.integers(1, 6)] += rng.poisson(3 * np.sqrt(level) + 1)
    if rng.random() < 0.15:
        counts[: steps // 3] = 0
    return counts.astype(np.float64)


def _case(
    method: str, draw: Callable[[np.random.Generator, int, int], Control], rng: np.random.Generator
) -> Control:
    freq = 52 if method == "cdc" else int(rng.choice([52, 12, 365], p=[0.7, 0.2, 0.1]))
    steps = int(rng.integers(*STEPS[freq]))
    dated = method.startswith(("farrington", "earsC")) and rng.random() < 0.5
    control = {**draw(rng, steps, freq)}
    return {
        "method": method,
        "freq": freq,
        **({"start": str(rng.choice(["2001-01-01", "1999-11-01", "2004-03-01"]))} if dated else {}),
        "counts": series(rng, steps, freq).tolist(),
        "population": (1e5 * np.exp(rng.normal(0, 0.1) * np.arange(steps) / freq)).tolist(),
        "control": control,
    }


def _window(rng: np.random.Generator, steps: int, freq: int, years: int, half: int) -> Control:
    first = min(years * freq + half + 2, steps - 1)
    return {"b": years, "w": half, "range": list(range(max(first, steps - 20), steps + 1))}


def _farrington(rng: np.random.Generator, steps: int, freq: int) -> Control:
    years = int(rng.integers(3, 6)) if freq != 365 else 3
    return {
        **_window(rng, steps, freq, years, int(rng.integers(0, 2 if freq == 12 else 4))),
        "alpha": float(rng.choice([0.01, 0.05, 0.1])),
        "reweight": bool(rng.integers(2)),
        "trend": bool(rng.integers(2)),
        "limit54": [int(rng.choice([0, 5, 10])), int(rng.choice([4, 6]))],
        "powertrans": str(rng.choice(["2/3", "1/2", "none"])),
    }


def _flexible(rng: np.random.Generator, steps: int, freq: int) -> Control:
    periods = int(rng.choice([1, 2, 3] if freq == 12 else [1, 2, 5, 10]))
    return {
        **_farrington(rng, steps, freq),
        "weightsThreshold": float(rng.choice([1.0, 2.58])),
        "pThresholdTrend": float(rng.choice([0.05, 1.0])),
        "populationOffset": bool(rng.random() < 0.3),
        "noPeriods": periods,
        "pastWeeksNotIncluded": int(rng.choice([0, 3, 6] if freq == 12 else [0, 3, 26])),
        "thresholdMethod": str(rng.choice(["delta", "nbPlugin", "muan"])),
        "glmWarnings": False,
    }


def _ears(rng: np.random.Generator, steps: int, freq: int) -> Control:
    return {
        "method": str(rng.choice(["C1", "C2", "C3"])),
        "baseline": int(rng.integers(3, 30)),
        "minSigma": float(rng.choice([0.0, 0.5, 2.0])),
        "alpha": float(rng.choice([0.001, 0.025, 0.1])),
    }


def _windows(rng: np.random.Generator, steps: int, freq: int) -> Control:
    years = int(rng.integers(0, 4))
    return {
        **_window(rng, steps, freq, years, int(rng.integers(1, 7))),
        "actY": bool(rng.integers(2) or not years),
    }


def _bayes(rng: np.random.Generator, steps: int, freq: int) -> Control:
    return {**_windows(rng, steps, freq), "alpha": float(rng.choice([0.01, 0.05, 0.2]))}


def _watched(rng: np.random.Generator, steps: int, freq: int) -> list[int]:
    return list(range(int(rng.integers(freq * 2, steps - 20)) if freq != 365 else steps - 60, steps + 1))


def _cusum(rng: np.random.Generator, steps: int, freq: int) -> Control:
    watched = _watched(rng, steps, freq)
    m = [None, "glm", float(rng.uniform(1, 20)), rng.uniform(1, 20, len(watched)).tolist()][rng.integers(4)]
    return {
        "range": watched,
        "k": float(rng.uniform(0, 2)),
        "h": float(rng.uniform(0.5, 6)),
        "trans": str(rng.choice(TRANSFORMS)),
        "alpha": float(rng.choice([0.1, 0.5])),
        **({} if m is None else {"m": m}),
    }


def _glr(rng: np.random.Generator, steps: int, freq: int) -> Control:
    watched = _watched(rng, steps, freq)
    model = {"S": int(rng.integers(0, 3)), "trend": bool(rng.integers(2)), "refit": bool(rng.integers(2))}
    change = str(rng.choice(["intercept", "intercept", "epi"]))
    known = change == "intercept" and rng.random() < 0.25
    return {
        "range": watched,
        "c.ARL": float(rng.uniform(2, 8)),
        "change": change,
        "mu0": rng.uniform(1, 20, len(watched)).tolist() if rng.random() < 0.3 else model,
        "M": int(rng.choice([-1, 10, 26])),
        "Mtilde": int(rng.choice([1, 1, 3])),
        **({"theta": float(rng.choice([-0.5, 0.4, 1.2]))} if known else {}),
        **({"dir": "dec"} if change == "intercept" and not known and rng.random() < 0.3 else {}),
    }


def _glr_poisson(rng: np.random.Generator, steps: int, freq: int) -> Control:
    drawn = _glr(rng, steps, freq)
    cases = drawn["change"] == "intercept" and rng.random() < 0.4
    return {**drawn, **({"ret": "cases"} if cases else {})}


def _glr_negative_binomial(rng: np.random.Generator, steps: int, freq: int) -> Control:
    drawn = _glr(rng, steps, freq)
    given = isinstance(drawn["mu0"], list) or rng.random() < 0.5
    return {**drawn, **({"alpha": float(rng.choice([0.05, 0.3]))} if given else {})}


def _outbreak(rng: np.random.Generator, steps: int, freq: int) -> Control:
    cases = bool(rng.random() < 0.4)
    first = steps - 15 if cases else 1
    return {
        "range": list(range(first, steps + 1)),
        "k": float(rng.choice([1.0, 20.0, 100.0])),
        **({"ret": "cases", "maxUpperboundCases": 500} if cases else {}),
    }


def _cdc(rng: np.random.Generator, steps: int, freq: int) -> Control:
    years, months = int(rng.integers(1, 6)), int(rng.integers(0, 9))
    years = max(years, 2)
    first = min(years * 52 + 4 * months + 4, steps)
    return {
        "range": list(range(first, steps + 1)),
        "b": years,
        "m": months,
        "alpha": float(rng.choice([0.01, 0.025, 0.2])),
    }


METHODS: dict[str, Callable[[np.random.Generator, int, int], Control]] = {
    "farringtonFlexible": _flexible,
    "farrington": _farrington,
    "earsC": _ears,
    "bayes": _bayes,
    "rki": _windows,
    "cusum": _cusum,
    "glrpois": _glr_poisson,
    "glrnb": _glr_negative_binomial,
    "outbreakP": _outbreak,
    "cdc": _cdc,
}


def compare(method: str, cases: list[Control]) -> dict[str, Any]:
    tally: Counter[str] = Counter()
    shown: list[Any] = []
    with tempfile.TemporaryDirectory() as folder:
        theirs = run_r(cases, Path(folder))
        for case, found in zip(cases, theirs, strict=True):
            ours = run_ours(method, case, Path(folder))
            verdict = _verdict(case, ours, found)
            tally.update(verdict)
            if (verdict["bounds_differ"] or verdict["alarms_differ"]) and len(shown) < SHOWN:
                brief = {
                    k: v if not isinstance(v, list) or len(v) < 5 else f"{len(v)} numbers"
                    for k, v in case["control"].items()
                }
                shown.append({**brief, "freq": case["freq"], "dated": "start" in case, **verdict})
    return {"method": method, "cases": len(cases), **tally, "examples": shown}


def _verdict(case: Control, ours: dict[int, tuple[float, str, str]], found: Control) -> Counter[str]:
    """Bounds equal and not, alarms not equal; where R stopped or gave none, whether we gave a reason."""
    if "error" in found:
        return Counter(r_errors=1)
    steps = len(case["counts"])
    upper, alarm = (
        [float("nan") if v in ("NA", "NaN") else float(v) for v in found[key]] for key in ("upper", "alarm")
    )
    tally: Counter[str] = Counter(bounds_equal=0, bounds_differ=0, alarms_differ=0)
    for t, bound, alarmed in zip(range(steps - len(upper) + 1, steps + 1), upper, alarm, strict=True):
        mine, my_alarm, reason = ours[t]
        if np.isnan(bound):
            tally["none_in_both" if reason or np.isnan(mine) else "none_in_r"] += 1
            continue
        if reason not in ("", "too_few_cases"):
            tally[f"r_has_a_bound_we_{reason}"] += 1
            continue
        same = bool(np.isclose(mine, bound, rtol=1e-6, atol=1e-6))
        tally["bounds_equal" if same else "bounds_differ"] += 1
        tally["alarms_differ"] += my_alarm != str(int(alarmed))
    return tally


def run_r(cases: list[Control], folder: Path) -> list[Control]:
    (folder / "cases.json").write_text(json.dumps(cases))
    (folder / "run.R").write_text(R_SCRIPT)
    names = [str(folder / name) for name in ("run.R", "cases.json", "found.json")]
    subprocess.run(["Rscript", *names], check=True, stdout=subprocess.DEVNULL)
    found: list[Control] = json.loads((folder / "found.json").read_text())
    return found


def run_ours(method: str, case: Control, folder: Path) -> dict[int, tuple[float, str, str]]:
    """By t: bound, alarm and reason, through the files a user would give."""
    source, control, out = (folder / name for name in ("in.csv", "settings.json", "out.csv"))
    dates = _dates(case)
    with source.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["series", "t", "date", "freq", "observed", "population"])
        for t, count in enumerate(case["counts"]):
            writer.writerow(["a", t + 1, dates[t], case["freq"], count, case["population"][t]])
    control.write_text(json.dumps({"case": case["control"]}))
    detect(source, method, control, out)
    with out.open() as file:
        rows = list(csv.DictReader(file))
    return {int(r["t"]): (float(r["upperbound"].replace("NA", "nan")), r["alarm"], r["reason"]) for r in rows}


def _dates(case: Control) -> list[str]:
    if "start" not in case:
        return ["NA"] * len(case["counts"])
    unit = {52: "W", 12: "M", 365: "D"}[case["freq"]]
    if unit == "M":
        months = np.arange(
            np.datetime64(case["start"][:7]), np.datetime64(case["start"][:7]) + len(case["counts"])
        )
        return [f"{month}-01" for month in months]
    step = 7 if unit == "W" else 1
    return [str(np.datetime64(case["start"]) + step * t) for t in range(len(case["counts"]))]


if __name__ == "__main__":
    cases, seed, method = [*sys.argv[1:], *(None, None, None)][:3]
    main(int(cases or 30), int(seed or 1), method)
