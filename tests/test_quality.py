"""Silence and completeness of sources."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from surveillance.diseases import Catalogue, load_catalogue
from surveillance.models import IngestRun
from surveillance.quality import silent_diseases, source_quality
from tests.line_list import Sick, add_cases, add_file, add_unit, evening, supersede

TODAY = date(2026, 11, 20)
NOW = evening(TODAY)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def test_a_disease_is_silent_when_its_source_is(session: Session, catalogue: Catalogue) -> None:
    unit = add_unit(session, "26740")
    dengue = add_file(session, "hcdc_dengue", evening(days_ago(4)))
    other = add_file(session, "hcdc_other", evening(days_ago(3)))
    add_cases(session, dengue, [Sick(day=days_ago(4), unit_id=unit)])
    add_cases(session, other, [Sick(day=days_ago(30), unit_id=unit, disease="hfmd")])

    silent = silent_diseases(session, catalogue, now=NOW)

    assert silent["dengue"] == days_ago(4)
    assert "hfmd" not in silent  # three days are not more than three days
    assert "hfmd" in silent_diseases(session, catalogue, now=NOW + timedelta(seconds=1))


def test_a_rare_disease_is_not_silent_while_its_file_comes(session: Session, catalogue: Catalogue) -> None:
    unit = add_unit(session, "26740")
    old = add_file(session, "hcdc_other", evening(date(2023, 5, 1)))
    add_cases(session, old, [Sick(day=date(2023, 5, 1), unit_id=unit, disease="diphtheria")])
    add_file(session, "hcdc_other", NOW)

    silent = silent_diseases(session, catalogue, now=NOW)

    assert "diphtheria" not in silent
    assert "cholera" not in silent  # no source ever told of it: any file will do


def test_before_the_first_file_every_disease_is_silent(session: Session, catalogue: Catalogue) -> None:
    add_file(session, "hcdc_other", NOW)
    failed = session.get_one(IngestRun, add_file(session, "hcdc_dengue", evening(days_ago(1))))
    failed.state = "failed"

    silent = silent_diseases(session, catalogue, now=evening(days_ago(1)))

    assert silent == {disease.code: None for disease in catalogue}


def test_completeness_and_timeliness_of_each_source(session: Session) -> None:
    unit = add_unit(session, "26740")
    add_file(session, "hcdc_other", evening(days_ago(40)), rejected=7)
    run = add_file(session, "hcdc_dengue", evening(days_ago(1)), rejected=2)
    admitted = [{"date_admission": days_ago(2 + delay)} for delay in (1, 2, 4, 9)]
    facts = [{**a, "sex": "f", "age_years": 7} for a in admitted[:2]] + [
        {**a, "sex": "m"} for a in admitted[2:]
    ]
    places = [unit, unit, unit, None]
    ids = add_cases(
        session, run, [Sick(day=days_ago(2), unit_id=p, facts=f) for p, f in zip(places, facts, strict=True)]
    )
    supersede(session, ids[2], evening(days_ago(1)), date_onset=days_ago(9))

    dengue, other = source_quality(session, since=days_ago(28), now=NOW)

    assert (dengue.source, dengue.files, dengue.last_file_at) == ("hcdc_dengue", 1, evening(days_ago(1)))
    assert (dengue.rows, dengue.rejected) == (4, 2)
    assert (dengue.with_sex, dengue.with_age, dengue.with_commune, dengue.with_onset) == (1, 0.5, 0.75, 0.25)
    assert dengue.median_delay_days == 3
    assert (other.source, other.files, other.rows, other.with_sex) == ("hcdc_other", 0, 0, None)
    assert other.last_file_at == evening(days_ago(40))
