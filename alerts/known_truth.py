"""The truth behind a simulated epidemic as the scorecard asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alerts.scorecard import Planted, Spell, Truth, Where
from surveillance.simulation.truth import SimulatedTruth, SpellTruth


def truth_of(simulated: SimulatedTruth, unit_of: Mapping[str, int]) -> Truth:
    """With ids for codes; what lies in none of them is left out."""
    return Truth(
        planted=[
            Planted(
                id=o.id,
                disease=o.disease,
                unit_ids=frozenset({unit_of[o.commune_code]}),
                first_onset=o.first_onset,
                second_known=o.second_known,
                last_onset=o.last_onset,
                last_known=o.last_known,
                cases=o.cases,
            )
            for o in simulated.outbreaks
            if o.commune_code in unit_of
        ],
        excess=_spells(simulated.excess, unit_of),
        foci=_spells(simulated.chains, unit_of),
    )


def _spells(found: Iterable[SpellTruth], unit_of: Mapping[str, int]) -> list[Spell]:
    return [
        Spell(where=Where(one.disease, unit_of[one.commune_code]), first=one.first, last=one.last)
        for one in found
        if one.commune_code in unit_of
    ]
