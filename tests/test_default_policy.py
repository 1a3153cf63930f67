"""What the policy that ships makes of each disease's evidence, with the numbers of domain.md."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.levels import Level
from alerts.policy import Decision, decide
from alerts.rules import default_policy
from i18n import Message
from surveillance.diseases import load_catalogue
from surveillance.types import Signal, StatutoryStatus
from tests.test_rules import NOW, signal

POLICY = default_policy()
CATALOGUE = load_catalogue()
LOW, MEDIUM, HIGH, RED = Level


def decided(disease: str, *evidence: Signal) -> Decision:
    """With nothing else to see: the law's own counts are quiet."""
    facts = CATALOGUE[disease]
    calm = [
        signal(
            method, disease=disease, status=StatutoryStatus.NONE, observed=0.0, alarm=False, upperbound=9.0
        )
        for method in ("statutory_week", "statutory_month")
    ]
    return decide(
        None, [*calm, *evidence], POLICY, NOW, disease_group=facts.group, endemic=facts.endemic,
        display_floor=facts.display_floor, disease=disease,
    )  # fmt: skip


def seen(disease: str, method: str, observed: float, **detail: Any) -> Level:
    return decided(disease, signal(method, disease=disease, observed=observed, detail=detail)).level


@pytest.mark.parametrize(
    ("disease", "observed", "detail", "level"),
    [
        ("dengue", 2, {"age_days": 5, "size": 2}, LOW),
        ("dengue", 3, {"age_days": 5, "size": 3}, MEDIUM),
        ("dengue", 5, {"age_days": 5, "size": 5}, HIGH),
        ("dengue", 3, {"age_days": 28, "size": 8}, HIGH),  # not contained after two generations
        ("dengue", 3, {"age_days": 27, "size": 8}, MEDIUM),
        ("dengue", 2, {"age_days": 60, "size": 30}, LOW),  # it is dying out
        ("hfmd", 3, {"age_days": 40, "size": 20}, MEDIUM),
        ("cholera", 1, {"confirmed": 1}, HIGH),  # domain.md §3: one confirmed case is an outbreak
        ("cholera", 1, {"confirmed": 0}, LOW),
        ("diphtheria", 1, {"confirmed": 1}, HIGH),
        ("measles", 1, {"confirmed": 1}, MEDIUM),
        ("pertussis", 1, {"confirmed": 1}, LOW),
    ],
)
def test_outbreaks_by_recent_cases_age_and_confirmation(
    disease: str, observed: float, detail: dict[str, int], level: Level
) -> None:
    assert seen(disease, "outbreak", observed, **detail) is level


@pytest.mark.parametrize(
    ("disease", "detail", "level"),
    [
        ("dengue", {"deaths_14": 1, "severe_14": 0}, HIGH),
        ("typhoid", {"deaths_14": 1, "severe_14": 0}, HIGH),
        ("dengue", {"deaths_14": 0, "severe_14": 1, "severe_percent": 50.0}, LOW),
        ("dengue", {"deaths_14": 0, "severe_14": 2, "severe_percent": 5.0}, MEDIUM),
        (
            "dengue",
            {"deaths_14": 0, "severe_14": 2, "severe_percent": 2.2},
            LOW,
        ),  # as in 2022, domain.md §5.1
        ("dengue", {"deaths_14": 0, "severe_14": 4, "severe_percent": 8.0}, HIGH),
    ],
)
def test_severe_cases_and_deaths(disease: str, detail: dict[str, float], level: Level) -> None:
    assert seen(disease, "severity", 1.0, **detail) is level


@pytest.mark.parametrize(
    ("di", "bi", "recent", "level"),
    [
        (0.5, None, 1, MEDIUM), (0.49, 29.9, 5, LOW), (None, 30.0, 1, MEDIUM), (0.5, 30.0, 0, LOW),
        (0.5, None, 3, HIGH), (None, 30.0, 3, HIGH),
    ],
)  # fmt: skip
def test_insects_by_the_thresholds_of_the_ministry(
    di: float | None, bi: float | None, recent: float, level: Level
) -> None:
    """domain.md §2.4: DI ≥ 0.5 or BI ≥ 30."""
    assert seen("dengue", "vector", recent, di=di, bi=bi) is level


@pytest.mark.parametrize(
    ("disease", "cases", "detail", "level"),
    [
        ("zika", 1, {"suitability": 0.9, "growth": 1.0}, MEDIUM),
        ("zika", 1, {"suitability": 0.2, "growth": 1.0}, LOW),
        ("dengue", 10, {"suitability": 0.9, "growth": 2.0}, MEDIUM),
        ("dengue", 9, {"suitability": 0.9, "growth": 9.0}, LOW),
        ("dengue", 40, {"suitability": 0.9, "growth": 1.2}, LOW),
        ("dengue", 4000, {"suitability": 1.0, "growth": 99.0}, MEDIUM),
    ],
)
def test_climate_needs_cases_and_never_goes_above_level_2(
    disease: str, cases: float, detail: dict[str, float], level: Level
) -> None:
    assert seen(disease, "climate", cases, **detail) is level


@pytest.mark.parametrize(
    ("recurrence", "here", "level"),
    [(364, 9, LOW), (365, 2, MEDIUM), (365, 1, LOW), (1000, 7, MEDIUM), (1000, 8, HIGH)],
)
def test_clusters_by_how_seldom_chance_makes_them(recurrence: int, here: float, level: Level) -> None:
    assert seen("dengue", "scan", here, recurrence_days=recurrence) is level


@pytest.mark.parametrize(
    ("probabilities", "observed", "level"),
    [
        ([0.95, 0.95], 5.0, HIGH), ([0.95, 0.95], 4.0, MEDIUM), ([0.94, 0.99], 50.0, LOW),
        ([None, 0.99], 50.0, LOW),
    ],
)  # fmt: skip
def test_growth_by_the_probability_that_rt_is_above_1(
    probabilities: list[float | None], observed: float, level: Level
) -> None:
    """domain.md §1.6: InfoDengue's p1 > 0.95 for two weeks."""
    assert seen("dengue", "rt", observed, above_one=probabilities) is level


@pytest.mark.parametrize(
    ("disease", "observed", "upper", "level"),
    [
        ("dengue", 3, 2.9, MEDIUM),
        ("dengue", 9, 2.0, MEDIUM),
        ("dengue", 12, 8.0, HIGH),
        ("dengue", 12, 8.1, MEDIUM),
    ],
)
def test_farrington_by_how_far_its_limit_is_passed(
    disease: str, observed: float, upper: float, level: Level
) -> None:
    found = signal("farrington_flexible", disease=disease, observed=observed, upperbound=upper)

    assert decided(disease, found).level is level


@pytest.mark.parametrize(
    ("disease", "observed", "level"), [("cholera", 1, MEDIUM), ("diphtheria", 1, MEDIUM), ("typhoid", 1, LOW)]
)
def test_one_case_is_enough_for_cholera_and_diphtheria(disease: str, observed: float, level: Level) -> None:
    assert seen(disease, "rare", observed) is level


def test_measles_is_held_for_a_generation_longer_than_dengue() -> None:
    assert POLICY.fall_of("measles").hold_days[MEDIUM] == 14
    assert POLICY.fall_of("dengue").hold_days[MEDIUM] == 7


@pytest.mark.parametrize("locale", ["vi", "en"])
@pytest.mark.parametrize("disease", [disease.code for disease in CATALOGUE])
def test_every_disease_says_what_would_raise_it_in_both_languages(disease: str, locale: str) -> None:
    said = decided(disease).why_not_higher.render(locale)

    assert "{" not in said
    assert said.startswith("Lên mức Trung bình khi: " if locale == "vi" else "Rises to Medium when: ")


def test_a_death_gives_its_sentence_as_the_reason_and_what_holds_the_level() -> None:
    reason = Message("Trong 28 ngày qua có 1 ca tử vong và 0 ca nặng trên 12 ca.")
    detail = {"deaths_14": 1, "severe_14": 0}
    decision = decided("dengue", signal("severity", observed=1.0, reason=reason, detail=detail))

    assert decision.reasons == (reason,)
    assert decision.why_not_lower == reason
    assert decision.fired == ("death",)
