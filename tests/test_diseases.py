"""The disease catalogue: what it answers, and what it refuses (domain.md §2.2, §2.4, §3, §8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings import Deployment
from surveillance.diseases import DEFAULT_PATH, SOURCED, Catalogue, load_catalogue
from surveillance.strict_toml import ConfigError


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def code_of_icd10(catalogue: Catalogue, icd10: str) -> str | None:
    disease = catalogue.by_icd10(icd10)
    return disease.code if disease else None


def code_of_name(catalogue: Catalogue, name: str) -> str | None:
    disease = catalogue.by_name(name)
    return disease.code if disease else None


@pytest.mark.parametrize(
    ("icd10", "code"),
    [
        ("A97.0", "dengue"),
        ("a972", "dengue"),
        ("A91", "dengue"),
        ("A90", "dengue"),
        ("A92.5", "zika"),
        ("P35.4", "zika"),
        ("A92.0", "chikungunya"),
        ("B08.4", "hfmd"),
        ("B05.9", "measles"),
        ("A37", "pertussis"),
        ("A36.0", "diphtheria"),
        ("A01.0", "typhoid"),
        ("A09", "diarrhoea"),
        ("A08.0", "diarrhoea"),
        ("A08.1", None),
        ("B34.9", None),
        ("P35", None),
    ],
)
def test_an_icd10_code_finds_its_disease(catalogue: Catalogue, icd10: str, code: str | None) -> None:
    assert code_of_icd10(catalogue, icd10) == code


def test_cholera_wins_over_the_diarrhoea_group(catalogue: Catalogue) -> None:
    diarrhoea = catalogue.by_code("diarrhoea")
    assert diarrhoea is not None and "A00" in diarrhoea.icd10

    assert code_of_icd10(catalogue, "A00") == code_of_icd10(catalogue, "A00.9") == "cholera"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SOT XUAT HUYET", "dengue"),
        ("SOT XUAT HUYET DENGUE", "dengue"),
        ("Sốt xuất huyết Dengue", "dengue"),
        ("  sot  xuat-huyet ", "dengue"),
        ("Tay – chân – miệng", "hfmd"),
        ("SỞI", "measles"),
        ("Tả", "cholera"),
        ("SOT SIEU VI", None),
        ("", None),
    ],
)
def test_a_name_is_found_whatever_its_accents_but_never_guessed(
    catalogue: Catalogue, name: str, code: str | None
) -> None:
    assert code_of_name(catalogue, name) == code


def test_report_deadlines_are_those_of_decision_97(catalogue: Catalogue) -> None:
    """domain.md §2.2."""
    deadlines = {disease.code: disease.report_deadline for disease in catalogue}

    assert {code for code, deadline in deadlines.items() if deadline == "24h"} == {"measles", "diphtheria"}
    assert {code for code, deadline in deadlines.items() if deadline == "week"} == {"typhoid", "diarrhoea"}


def test_dengue_links_as_hcdc_does(catalogue: Catalogue) -> None:
    """domain.md §1.3: 200 m, 30 days, closed after 28."""
    dengue = catalogue.by_code("dengue")

    assert dengue is not None
    assert (dengue.link.radius_m, dengue.link.window_days, dengue.link.close_days) == (200, 30, 28)


def test_every_questionable_value_says_where_it_comes_from(catalogue: Catalogue) -> None:
    for disease in catalogue:
        assert set(SOURCED) <= set(disease.sources), disease.code
        for key, source in disease.sources.items():
            assert "domain.md §" in source or "default, unverified" in source, (disease.code, key)


def test_every_disease_has_the_statutory_detector_and_a_display_floor(catalogue: Catalogue) -> None:
    for disease in catalogue:
        assert "statutory" in disease.detectors
        assert disease.display_floor >= 3


def test_the_city_watches_only_diseases_of_the_catalogue(catalogue: Catalogue) -> None:
    watched = Deployment.load("hcmc").diseases

    assert set(watched) == {disease.code for disease in catalogue}


def broken(folder: Path, old: str, new: str) -> Path:
    """The shipped catalogue with its first `old` replaced."""
    text = DEFAULT_PATH.read_text(encoding="utf-8")
    assert old in text
    path = folder / "diseases.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('name_en = "Dengue"\n', "", "dengue.name_en"),
        ('group = "B"', 'group = "D"', "dengue.group"),
        ('report_deadline = "48h"', 'report_deadline = "3 ngày"', "dengue.report_deadline"),
        ("endemic = true", 'endemic = "yes"', "dengue.endemic"),
        ("display_floor = 3", "display_flor = 3", "dengue.display_floor"),
        ("display_floor = 3", "display_floor = 3\ncolour = 1", "dengue.colour"),
        ("typical = 6", "typical = 60", "dengue.incubation_days.typical"),
        ("sd = 6", "sd = 0", "dengue.generation_time_days.mean"),
        ('mode = "place"', 'mode = "air"', "dengue.link.mode"),
        ("radius_m = 200", "radius_m = 0", "dengue.link.radius_m"),
        ('icd10 = ["A97"]', 'icd10 = ["97A"]', "dengue.icd10"),
        ('icd10 = ["A97"]', "icd10 = []", "dengue.icd10"),
        ("statutory = {}", "statutory = 5", "dengue.detectors.statutory"),
        ("statutory = {}", "statutory = { years = 5 }", "dengue.detectors.statutory"),
        ("ears_c2 = {}", "ears = {}", "dengue.detectors.ears"),
        ("periods = 10", "perods = 10", "dengue.detectors.farrington_flexible"),
        ("alpha = 0.01", "alpha = 1.0", "dengue.detectors.farrington_flexible"),
        ('group = "domain', 'grup = "domain', "dengue.sources.group"),
        ('icd10 = ["A92.0"]', 'icd10 = ["A92"]', "chikungunya.icd10"),
        ('"ZIKA",', '"SXHD",', "zika.source_names"),
    ],
)
def test_a_broken_catalogue_is_refused_by_disease_and_key(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_catalogue(broken(tmp_path, old, new))

    assert caught.value.message.values["key"] == key
    assert f"khóa {key}:" in str(caught.value)


def test_two_diseases_may_not_hold_one_code_unless_one_yields(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cholera") as caught:
        load_catalogue(broken(tmp_path, 'yields_to = ["cholera"]\n', ""))

    assert "A00" in str(caught.value)


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "diseases.toml"
    path.write_text("[dengue\n")

    with pytest.raises(ConfigError, match=r"diseases\.toml"):
        load_catalogue(path)
