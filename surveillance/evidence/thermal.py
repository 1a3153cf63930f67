"""How well Aedes aegypti transmits dengue at a temperature, against the best one. Pure.

Mordecai et al. 2017, PLoS NTD 11(4): e0005568, eq. 2 with the posterior means of their Table B for dengue in Aedes
aegypti: traits follow a Brière curve c·T·(T − T0)·√(Tm − T) or a quadratic −c·(T − T0)·(T − Tm), zero outside T0…Tm.
It is a curve of mean temperature: not for rain, water storage, or daily extremes (docs/methods/evidence.md).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final, NamedTuple


class Trait(NamedTuple):
    c: float
    coldest: float
    hottest: float


BITES: Final = Trait(2.02e-4, 13.35, 40.08)
EGGS: Final = Trait(8.56e-3, 14.58, 34.61)
SURVIVES_TO_ADULT: Final = Trait(5.99e-3, 13.56, 38.29)
DEVELOPS: Final = Trait(7.86e-5, 11.36, 39.17)
LIFESPAN: Final = Trait(0.148, 9.16, 37.73)
INFECTS_HUMAN: Final = Trait(8.49e-4, 17.05, 35.83)
INFECTS_MOSQUITO: Final = Trait(4.91e-4, 12.22, 37.46)
INCUBATES: Final = Trait(6.65e-5, 10.68, 45.90)


def suitability(temperature_c: float) -> float:
    """R0(T) over its maximum, 0…1; the number of people and mosquitoes cancels out."""
    return _r0(temperature_c) / _highest()


def _r0(t: float) -> float:
    lifespan, incubates = _quadratic(LIFESPAN, t), _briere(INCUBATES, t)
    if lifespan == 0 or incubates == 0:
        return 0.0
    infects = _briere(INFECTS_HUMAN, t) * _briere(INFECTS_MOSQUITO, t)
    breeds = _briere(EGGS, t) * _quadratic(SURVIVES_TO_ADULT, t) * _briere(DEVELOPS, t)
    lives_through = math.exp(-1 / (lifespan * incubates))
    return math.sqrt(_briere(BITES, t) ** 2 * infects * lives_through * breeds * lifespan**3)


def _briere(trait: Trait, t: float) -> float:
    if not trait.coldest < t < trait.hottest:
        return 0.0
    return trait.c * t * (t - trait.coldest) * math.sqrt(trait.hottest - t)


def _quadratic(trait: Trait, t: float) -> float:
    return max(trait.c * (t - trait.coldest) * (trait.hottest - t), 0.0)


@cache
def _highest() -> float:
    return max(_r0(k / 100) for k in range(1500, 3500))
