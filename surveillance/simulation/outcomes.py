"""Who dies of a simulated illness, and the form on which the ward tells it (domain.md §5.1)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from surveillance.simulation.patients import SEVERE
from surveillance.simulation.settings import SimulationSettings
from surveillance.types import Verification

NO_DAY = np.datetime64("NaT")
DAYS_ILL = (1, 8)
"""From admission to death, days. [P]"""
TOLD_AFTER = np.timedelta64(1, "D")
"""A death is told within 24 hours (Circular 15/2026 art. 10)."""


def died_on(cases: pd.DataFrame, settings: SimulationSettings, rng: np.random.Generator) -> pd.Series:
    """The day each case died, NaT for all who live; only severe cases die, by the disease's `deaths`."""
    share = cases["disease"].map({code: profile.deaths for code, profile in settings.diseases.items()})
    dies = (cases["severity"] == SEVERE) & (rng.random(len(cases)) < share.to_numpy())
    days = cases["date_admission"] + pd.to_timedelta(rng.integers(*DAYS_ILL, len(cases)), unit="D")
    return days.where(dies)


def with_deaths(
    forms: pd.DataFrame, cases: pd.DataFrame, again: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """`forms` with columns `result` ("" or "died") and `ended`, and one more for each death of a case that has any.

    `again(asked, truth)` fills in forms at the patient's home, row by row.
    """
    plain = forms.assign(result="", ended=NO_DAY)
    dead = cases[cases["died"].notna() & (cases["outcome"] != Verification.OTHER_DISEASE)].set_index(
        "case_id"
    )
    asked = forms[forms["case_id"].isin(dead.index)].drop_duplicates("case_id")
    if asked.empty:
        return plain
    truth = dead.loc[asked["case_id"]]
    ended = truth["died"].to_numpy()
    told = np.maximum(asked["date_report"].to_numpy(), ended + TOLD_AFTER)
    made = again(asked, truth).assign(date_report=told, result="died", ended=ended)
    return pd.concat([plain, made]) if len(plain) else made
