"""Which reports are one case, and what a later report changes (domain.md §8 case 15)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveillance.belief import FILE, PERSON, Belief, Facts, follow, merge
from surveillance.linkage import Current, Incoming, Key, Links, Plan, person_keys, plan
from surveillance.privacy import PrivacyError, Vault, mask_name
from surveillance.types import CaseReport, Identity

VAULT = Vault.of(bytes(range(32)))
REPORT = CaseReport(
    row=2,
    disease="dengue",
    date_report=date(2025, 11, 4),
    date_admission=date(2025, 11, 3),
    facility="BV A",
    facility_case_no="SIM-1",
    sex="M",
    age_years=30,
    identity=Identity(name="Nguyễn Văn Mẫu"),
)
FACTS = Facts(
    disease="dengue",
    icd10="A91",
    classification="suspected",
    treatment="outpatient",
    event_date=date(2025, 11, 3),
    date_onset=None,
    date_admission=date(2025, 11, 3),
    date_report=date(2025, 11, 4),
    sex="M",
    age_years=30,
    facility="BV A",
    setting=None,
    outcome=None,
    date_outcome=None,
    verification=None,
    unit_id=1,
    former_unit_id=None,
    place_level="commune",
    place_rule="",
    place_estimated=False,
    lon=None,
    lat=None,
    uncertainty_m=None,
)
DAY_1 = datetime(2025, 11, 4, 11, tzinfo=UTC)


def keys(report: CaseReport) -> tuple[Key, ...]:
    return person_keys(report, system="hcdc", place="#1", vault=VAULT)


def same_person(one: CaseReport, other: CaseReport) -> bool:
    links = Links((key.digest, key.day, 7) for key in keys(one))
    return links.find(keys(other)) is not None


def test_a_hospitals_file_number_names_a_case_even_when_the_name_is_corrected() -> None:
    corrected = replace(REPORT, identity=Identity(name="Nguyễn Văn Mẩu"), age_years=31)
    assert same_person(REPORT, corrected)


def test_another_hospital_is_linked_by_person() -> None:
    elsewhere = replace(
        REPORT, facility="BV B", facility_case_no="X-9", identity=Identity(name="NGUYEN VAN  MAU")
    )
    assert same_person(REPORT, elsewhere)


@pytest.mark.parametrize(
    "change",
    [
        {"identity": Identity(name="Trần Văn Mẫu")},
        {"sex": "F"},
        {"age_years": 31},
        {"disease": "measles"},
        {"date_admission": date(2025, 11, 3) - timedelta(days=15)},
        {"sex": None},
        {"age_years": None},
        {"identity": Identity()},
    ],
)
def test_without_the_same_person_disease_and_fortnight_two_hospitals_have_two_cases(
    change: dict[str, object],
) -> None:
    assert not same_person(REPORT, replace(REPORT, facility="BV B", **change))  # type: ignore[arg-type]


def test_the_fortnight_is_fourteen_days_inclusive() -> None:
    day = date(2025, 11, 3) - timedelta(days=14)
    assert same_person(REPORT, replace(REPORT, facility="BV B", date_admission=day))


def test_a_hospital_that_starts_its_numbers_anew_means_someone_else() -> None:
    next_year = replace(
        REPORT,
        date_admission=date(2026, 11, 3),
        date_report=date(2026, 11, 4),
        identity=Identity(name="Lê Thị Khác"),
    )
    assert not same_person(REPORT, next_year)


def test_a_person_in_another_commune_is_another_person() -> None:
    links = Links((key.digest, key.day, 7) for key in keys(REPORT)[1:])
    assert links.find(person_keys(REPORT, system="hcdc", place="#2", vault=VAULT)[1:]) is None


def test_case_15_outpatient_here_then_inpatient_there_is_one_case_with_the_earliest_dates() -> None:
    there = FACTS._replace(
        treatment="inpatient",
        facility="BV B",
        date_admission=date(2025, 11, 6),
        date_report=date(2025, 11, 7),
        event_date=date(2025, 11, 6),
    )

    merged = merge(FACTS, there, linked_by=PERSON, late=False)

    assert (merged.treatment, merged.facility) == ("inpatient", "BV B")
    assert (merged.event_date, merged.date_report) == (date(2025, 11, 3), date(2025, 11, 4))
    assert merge(there, FACTS, linked_by=PERSON, late=False) == merged


def test_a_hospital_corrects_its_own_line() -> None:
    correction = FACTS._replace(
        age_years=3, date_admission=date(2025, 11, 1), event_date=date(2025, 11, 1), treatment="inpatient"
    )

    assert merge(FACTS, correction, linked_by=FILE, late=False) == correction


def test_empty_cells_and_an_unfound_place_erase_nothing() -> None:
    poorer = FACTS._replace(
        icd10=None, age_years=None, sex=None, unit_id=None, place_level="unknown", place_rule="?"
    )

    assert merge(FACTS, poorer, linked_by=FILE, late=False) == FACTS


def test_a_confirmed_case_is_not_made_suspected_by_a_list_that_knows_no_better() -> None:
    confirmed = FACTS._replace(classification="confirmed")

    assert merge(confirmed, FACTS, linked_by=FILE, late=False).classification == "confirmed"
    discarded = FACTS._replace(classification="discarded")
    assert merge(confirmed, discarded, linked_by=FILE, late=False).classification == "discarded"


def test_a_class_the_source_itself_discarded_stays_after_a_list_that_knows_no_better() -> None:
    discarded = Belief(FACTS._replace(classification="discarded"), False)

    assert follow(discarded, FACTS, linked_by=FILE, late=False) == discarded


def test_a_case_ruled_out_and_named_again_has_the_class_of_the_new_report() -> None:
    confirmed = Belief(FACTS._replace(classification="confirmed"), False)

    ruled_out = follow(confirmed, FACTS._replace(disease=""), linked_by=FILE, late=False)
    again = follow(ruled_out, FACTS, linked_by=FILE, late=False)

    assert ruled_out == Belief(FACTS._replace(classification="discarded"), True)
    assert again == Belief(FACTS, False)


def test_a_report_without_a_disease_has_no_person_key_and_opens_no_case() -> None:
    assert [key.kind for key in keys(replace(REPORT, disease=""))] == [FILE]
    assert follow(None, FACTS._replace(disease=""), linked_by=FILE, late=False) is None


def test_a_late_report_only_fills_gaps() -> None:
    early = FACTS._replace(age_years=99, setting="truong A")

    merged = merge(FACTS, early, linked_by=FILE, late=True)

    assert (merged.age_years, merged.setting) == (30, "truong A")


def incoming(row: int, known_at: datetime, facts: Facts, *, content: bytes | None = None) -> Incoming:
    key = Key(b"k", FILE, facts.date_report)
    return Incoming(row, known_at, (key,), facts, {}, None, content or bytes([row]))


def run(*batch: Incoming, current: dict[int, Current] | None = None) -> Plan:
    known = [(b"k", date(2025, 11, 4), case) for case in current or {}]
    return plan(
        batch,
        links=Links(known),
        contents=set(),
        current=current or {},
        case_ids=count(100),
        report_ids=count(500),
    )


def test_reports_of_several_days_make_a_chain_of_versions() -> None:
    ages = [FACTS._replace(age_years=age) for age in (1, 2, 3)]
    made = run(*(incoming(n, DAY_1 + timedelta(days=n), facts) for n, facts in enumerate(ages)))

    assert [(v.known_from, v.known_to, v.facts.age_years) for v in made.versions] == [
        (DAY_1, DAY_1 + timedelta(days=1), 1),
        (DAY_1 + timedelta(days=1), DAY_1 + timedelta(days=2), 2),
        (DAY_1 + timedelta(days=2), None, 3),
    ]
    assert (len(made.new_cases), made.updated) == (1, 2)


def test_reports_of_the_same_instant_leave_one_version() -> None:
    made = run(incoming(1, DAY_1, FACTS), incoming(2, DAY_1, FACTS._replace(age_years=31)))

    assert [(v.known_from, v.known_to, v.facts.age_years) for v in made.versions] == [(DAY_1, None, 31)]
    assert len(made.reports) == 2


def test_the_same_content_twice_is_kept_once() -> None:
    made = run(incoming(1, DAY_1, FACTS, content=b"x"), incoming(2, DAY_1, FACTS, content=b"x"))

    assert (len(made.reports), made.unchanged) == (1, 1)


def test_a_stored_version_is_closed_by_a_later_one_and_replaced_by_one_of_its_instant() -> None:
    def stored() -> dict[int, Current]:
        return {7: Current(Belief(FACTS, False), DAY_1, 1, True)}

    older = FACTS._replace(setting="truong A")
    later = run(incoming(1, DAY_1 + timedelta(days=1), older), current=stored())
    same = run(incoming(1, DAY_1, older), current=stored())
    late = run(incoming(1, DAY_1 - timedelta(days=9), older), current=stored())

    assert later.closed == {7: DAY_1 + timedelta(days=1)} and not later.replaced
    assert same.replaced == {7} and not same.closed
    assert late.replaced == {7} and late.versions[0].known_from == DAY_1


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=12))
def test_versions_of_a_case_never_overlap_and_one_is_open(reports: list[tuple[int, int]]) -> None:
    made = run(
        *(
            incoming(n, DAY_1 + timedelta(days=d), FACTS._replace(age_years=a))
            for n, (d, a) in enumerate(reports)
        )
    )
    chain = sorted(made.versions, key=lambda v: v.known_from)

    assert [v.known_to for v in chain] == [*(v.known_from for v in chain[1:]), None]
    assert len({v.known_from for v in chain}) == len(chain)


def test_what_is_encrypted_opens_with_its_key_only_and_notices_change() -> None:
    secret = VAULT.encrypt({"name": "Nguyễn Văn Mẫu"})

    assert VAULT.decrypt(secret) == {"name": "Nguyễn Văn Mẫu"}
    assert VAULT.encrypt("a") != VAULT.encrypt("a")
    with pytest.raises(PrivacyError, match="khóa khác"):
        Vault.of(b"x" * 32).decrypt(secret)
    with pytest.raises(PrivacyError, match="bị hỏng"):
        VAULT.decrypt(secret[:-1] + bytes([secret[-1] ^ 1]))


def test_hashes_depend_on_the_key_and_do_not_run_together() -> None:
    assert VAULT.digest("a", "b") != VAULT.digest("ab")
    assert VAULT.digest("a") != Vault.of(b"x" * 32).digest("a")
    assert "_hash_key" not in repr(VAULT)


def test_names_are_masked_to_initials() -> None:
    assert mask_name("Nguyễn Văn an") == "N. V. A."
