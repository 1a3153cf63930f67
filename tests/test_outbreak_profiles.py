"""Outbreak profiles: what the file says, that it agrees with the diseases, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveillance.diseases import load_catalogue
from surveillance.outbreaks.profiles import DEFAULT_PATH, Profile, load_profiles
from surveillance.strict_toml import ConfigError
from tests.outbreak_cases import HCDC, MOH, NEA, PROFILES

CATALOGUE = load_catalogue()


def test_the_three_dengue_profiles_are_those_of_the_domain_study() -> None:
    assert (HCDC.radius_m, HCDC.seed_days, HCDC.chain_days, HCDC.min_cases, HCDC.quiet_days) == (
        200,
        14,
        30,
        2,
        28,
    )
    assert (MOH.radius_m, MOH.seed_days, MOH.quiet_days, MOH.vector_needed) == (200, 7, 14, True)
    assert (NEA.radius_m, NEA.seed_days, NEA.monitoring_days, NEA.quiet_days) == (150, 14, 21, 35)


def test_every_disease_has_its_profile() -> None:
    for disease in CATALOGUE:
        profile = PROFILES.of_disease(disease.code)
        assert profile is not None and profile.default
    assert PROFILES.of_disease("plague") is None


@pytest.mark.parametrize("profile", [p for p in PROFILES.by_code.values() if p.default], ids=lambda p: p.code)
def test_windows_radius_and_closing_agree_with_the_disease(profile: Profile) -> None:
    link = CATALOGUE[profile.disease].link
    assert (profile.chain_days, profile.close_days) == (link.window_days, link.close_days)
    assert profile.radius_m == link.radius_m


@pytest.mark.parametrize("profile", PROFILES.by_code.values(), ids=lambda p: p.code)
def test_every_profile_is_bounded_and_reopens_as_long_as_it_closes(profile: Profile) -> None:
    assert (profile.max_diameter_m is None) == (profile.radius_m is None)
    assert profile.max_age_days >= profile.chain_days
    assert profile.reopen_days <= profile.quiet_days


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("radius_m = 200", "radius = 200", "radius"),
        ("seed_days = 14", "seed_days = 31", "chain_days"),
        ("max_diameter_m = 600", "max_diameter_m = 100", "max_diameter_m"),
        ("default = true", "default = false", "default = true"),
        ('eligibility = "hcdc"', 'eligibility = "nobody"', "eligibility"),
        ('places = ["home"]', 'places = ["hospital"]', "home"),
        ('link = "domain.md §1.3 [V]: 200 m, seed 14 days, chain 30 days"\n', "", "link"),
        ("spray_gap_days = [7, 10]", "spray_gap_days = [10, 7]", "spray_gap_days"),
    ],
)
def test_a_wrong_file_is_refused_with_the_key(tmp_path: Path, before: str, after: str, says: str) -> None:
    text = DEFAULT_PATH.read_text(encoding="utf-8")
    assert before in text
    wrong = tmp_path / "profiles.toml"
    wrong.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        load_profiles(wrong)
