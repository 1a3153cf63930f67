"""Two years of ten diseases in 168 communes decided again under a policy: seconds of processor.

`python -m bench.redecide [DAYS]`. Five methods speak of every area every day, as the pipeline's do; what they find
stays for three weeks on average and is quiet nine times in ten. Only alerts/redecide.py is timed: the beliefs of a
day are made before its clock runs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np

from alerts.passport import DiseaseFacts
from alerts.redecide import redecide
from alerts.rules import default_policy
from i18n import Message
from surveillance.types import Belief, Frequency, Signal, StatutoryStatus

DISEASES, COMMUNES = 10, 168
METHODS = ("statutory_week", "statutory_month", "nowcast", "ears_c2", "farrington_flexible")
START = datetime(2024, 11, 1, 16, tzinfo=UTC)
STAYS = 1 / 21
QUIET = 0.9


def main(days: int) -> None:
    facts = {
        f"d{i}": DiseaseFacts(
            code=f"d{i}", name_vi="", name_en="", group="B", endemic=i % 2 == 0, display_floor=3
        )
        for i in range(DISEASES)
    }
    spent = [0.0]
    moments = [START + timedelta(days=day) for day in range(days)]
    decided = 0
    began = time.process_time()
    for _made in redecide(_beliefs(sorted(facts), days, spent), [], default_policy(), facts, moments):
        decided += 1
    took = time.process_time() - began - spent[0]
    print(f"{days} days, {days * DISEASES * COMMUNES} area-days: {took:.1f} s, {decided} decisions")


def _beliefs(codes: list[str], days: int, spent: list[float]) -> Iterator[Belief]:
    """A day's signals are made at once; the seconds that takes are added to `spent`."""
    rng = np.random.default_rng(1)
    shape = (len(codes), COMMUNES, len(METHODS))
    loud, observed = rng.random(shape) > QUIET, rng.poisson(3, shape)
    for day in range(days):
        began = time.process_time()
        fresh = rng.random(shape) < STAYS
        loud = np.where(fresh, rng.random(shape) > QUIET, loud)
        observed = np.where(fresh, rng.poisson(3, shape), observed)
        made = [
            _belief(codes[i], unit, METHODS[m], day, float(observed[i, unit, m]), bool(loud[i, unit, m]))
            for i in range(len(codes))
            for unit in range(COMMUNES)
            for m in range(len(METHODS))
        ]
        spent[0] += time.process_time() - began
        yield from made


def _belief(disease: str, unit: int, method: str, day: int, observed: float, loud: bool) -> Belief:
    since = START + timedelta(days=day)
    status = None
    if method.startswith("statutory"):
        status = StatutoryStatus.WARNING if loud else StatutoryStatus.NONE
    signal = Signal(
        disease=disease, unit_id=unit, method=method, method_version="1", frequency=Frequency.DAY,
        period_start=date(2024, 11, 1) + timedelta(days=day), as_of=since, observed=observed, expected=2.0,
        upperbound=5.0, alarm=loud and status is None, reason=Message(""), status=status,
        detail={"lacking": "", "threshold": 5.0},
    )  # fmt: skip
    return Belief(signal=signal, known_from=since, known_to=since + timedelta(days=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 730)
