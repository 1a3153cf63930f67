"""Doors that wards found teach their streets, in the transaction of the form; nothing of the patient goes along."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, inspect, select
from sqlalchemy.orm import Session

from db import session_scope
from geodata.models import StreetFile, StreetLesson
from geodata.registry import LEGACY_FROM
from geodata.street_store import Lesson, StreetShelf, forget_streets, store_book, teach_streets
from geodata.streets import StreetBook, StreetPoint
from geodata.types import PlaceLevel, UnitKey, UnitLevel
from surveillance.pipeline import undo_run
from tests.ingest_files import NOW, Desk, person
from tests.test_investigations import HOUSE, form, investigate, point

DISTRICT_1 = UnitKey(UnitLevel.DISTRICT, "760", LEGACY_FROM)
BEN_NGHE = UnitKey(UnitLevel.COMMUNE, "26740", LEGACY_FROM)
LATER = NOW + timedelta(days=9)


@pytest.fixture
def street(desk: Desk) -> Iterator[Desk]:
    """A hospital told of a patient at 12 Lê Lợi, phường Bến Nghé, quận 1."""
    desk.take([person(1)])
    yield desk


def lessons(desk: Desk) -> list[StreetLesson]:
    with Session(desk.engine, expire_on_commit=False) as session:
        current = StreetLesson.known_to.is_(None)
        return list(session.scalars(select(StreetLesson).where(current).order_by(StreetLesson.id)))


def book(desk: Desk, shelf: StreetShelf | None = None) -> StreetBook:
    with session_scope(desk.engine) as session:
        return (shelf or StreetShelf()).book(session)


def test_a_door_that_was_found_is_known_from_then_on(street: Desk, tmp_path: Path) -> None:
    assert book(street).locate("Lê Lợi", "12", districts=[DISTRICT_1]) is None

    investigate(street, tmp_path, form(8, **HOUSE))

    hit = book(street).locate("Đường Lê Lợi", "12", districts=[DISTRICT_1])
    assert hit is not None
    assert (hit.lat, hit.lon) == (HOUSE["VĨ ĐỘ"], HOUSE["KINH ĐỘ"])
    assert hit.former[0].unit == BEN_NGHE


def test_what_is_kept_names_nobody(street: Desk, tmp_path: Path) -> None:
    """The columns are those of a door: a new one that could point to a case must be argued for here."""
    investigate(street, tmp_path, form(8, **HOUSE))

    (lesson,) = lessons(street)
    assert (lesson.street, lesson.house) == ("le loi", "12")
    assert {column.key for column in inspect(StreetLesson).columns} == {
        "id", "street", "house", "geom", "former_unit_id", "unit_id", "district_id", "known_from", "known_to",
        "taught_by",
    }  # fmt: skip


@pytest.mark.parametrize("outcome", [7, 8])
def test_address_and_patient_found_teach_whatever_the_disease(
    street: Desk, tmp_path: Path, outcome: int
) -> None:
    investigate(street, tmp_path, form(outcome, **HOUSE))
    assert len(lessons(street)) == 1


@pytest.mark.parametrize(
    "row",
    [
        form(8),
        form(8, **HOUSE | {"SAI SỐ (M)": 80}),
        form(1, PX="PHUONG TAN DINH", **HOUSE),
        form(4, PX="PHUONG TAN DINH", **HOUSE),
        form(5, **HOUSE),
    ],
    ids=["no point", "too coarse", "no such address", "patient elsewhere", "moved to another district"],
)
def test_what_was_not_seen_at_that_door_teaches_nothing(
    street: Desk, tmp_path: Path, row: dict[str, object]
) -> None:
    investigate(street, tmp_path, row)
    assert lessons(street) == []


@pytest.mark.parametrize("address", ["", "KHONG RO", "12", "DOI DIEN CHO"])
def test_an_address_without_a_street_teaches_nothing(desk: Desk, tmp_path: Path, address: str) -> None:
    desk.take([person(1, **{"DIA CHI": address})])
    investigate(desk, tmp_path, form(8, **HOUSE))
    assert [lesson.street for lesson in lessons(desk) if lesson.street != "doi dien cho"] == []


def test_a_form_that_comes_twice_teaches_once(street: Desk, tmp_path: Path) -> None:
    investigate(street, tmp_path, form(8, **HOUSE))
    investigate(street, tmp_path, form(8, **HOUSE), form(8, 2), days=2)
    assert len(lessons(street)) == 1


def test_undoing_the_forms_ends_what_they_taught(street: Desk, tmp_path: Path) -> None:
    run = investigate(street, tmp_path, form(8, **HOUSE))
    shelf = StreetShelf()
    assert book(street, shelf).locate("Lê Lợi", "12", districts=[DISTRICT_1])

    with session_scope(street.engine) as session:
        undo_run(session, run.id, LATER)

    assert lessons(street) == []
    assert book(street, shelf).locate("Lê Lợi", "12", districts=[DISTRICT_1]) is None


def test_undoing_the_list_that_named_the_address_ends_it_too(desk: Desk, tmp_path: Path) -> None:
    listed = desk.take([person(1)])
    investigate(desk, tmp_path, form(8, **HOUSE))

    with session_scope(desk.engine) as session:
        undo_run(session, listed.id, LATER)

    assert lessons(desk) == []


def test_a_run_that_fails_teaches_nothing(
    street: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lesson is written in the run's own transaction: a crash after it takes both back."""

    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("surveillance.pipeline._finish", broken)
    with pytest.raises(ValueError):
        investigate(street, tmp_path, form(8, **HOUSE))

    assert lessons(street) == []


# --- the book of a database ------------------------------------------------------------------------------------------


def lesson(house: str, lat: float, run: int = 1) -> Lesson:
    return Lesson("Hàm Nghi", house, lat, 106.7, BEN_NGHE, None, DISTRICT_1, datetime.now(UTC), (run,))


def test_a_shelf_reads_the_import_and_then_only_what_was_taught_since(desk: Desk) -> None:
    imported = StreetBook.build([StreetPoint("Hàm Nghi", 10.77, 106.7, "2", BEN_NGHE, None, DISTRICT_1)])
    shelf = StreetShelf()
    with session_scope(desk.engine) as session:
        store_book(session, imported, source="a.osm.pbf", now=NOW)
        teach_streets(session, [lesson("100", 10.78)])
    first = book(desk, shelf)
    assert book(desk, shelf) is first
    with session_scope(desk.engine) as session:
        teach_streets(session, [lesson("200", 10.79, run=2)])

    second = book(desk, shelf)

    for house, lat in (("2", 10.77), ("100", 10.78), ("200", 10.79)):
        hit = second.locate("Hàm Nghi", house, districts=[DISTRICT_1])
        assert hit and hit.lat == pytest.approx(lat)
    with session_scope(desk.engine) as session:
        forget_streets(session, 2, NOW)
    hit = book(desk, shelf).locate("Hàm Nghi", "200", districts=[DISTRICT_1])
    assert hit and hit.lat == pytest.approx(10.78)
    with session_scope(desk.engine) as session:
        session.execute(delete(StreetFile))


def test_a_new_import_replaces_the_old_one_and_keeps_what_was_taught(desk: Desk) -> None:
    shelf = StreetShelf()
    with session_scope(desk.engine) as session:
        for street in ("Hàm Nghi", "Pasteur"):
            point = StreetPoint(street, 10.77, 106.7, "2", BEN_NGHE, None, DISTRICT_1)
            store_book(session, StreetBook.build([point]), source="a", now=NOW)
            shelf.book(session)
        teach_streets(session, [lesson("100", 10.78)])
        now = shelf.book(session)
        assert sorted(now.streets) == ["hamnghi", "pasteur"]
        assert session.query(StreetFile).count() == 1
        session.rollback()


def test_a_verified_door_is_placed_as_finely_as_a_house(street: Desk, tmp_path: Path) -> None:
    """The next case at that door has its place from the street; one at another number only nearly."""
    investigate(street, tmp_path, form(8, **HOUSE))
    hit = book(street).locate("Lê Lợi", "12", districts=[DISTRICT_1])
    assert hit and hit.uncertainty_m and hit.uncertainty_m <= 50 and hit.level is PlaceLevel.HOUSE
    beside = book(street).locate("Lê Lợi", "14", districts=[DISTRICT_1])
    assert (
        beside and beside.uncertainty_m and beside.uncertainty_m > 100 and beside.level is PlaceLevel.STREET
    )


def test_the_next_case_at_a_door_that_was_seen_lies_there(street: Desk, tmp_path: Path) -> None:
    investigate(street, tmp_path, form(8, **HOUSE))

    street.take([person(2)], name="next.xlsx", now=NOW + timedelta(days=2))

    (case,) = [version for version in street.versions() if version.verification is None]
    assert (case.place_level, case.uncertainty_m) == ("house", 50)
    assert point(case) == (HOUSE["KINH ĐỘ"], HOUSE["VĨ ĐỘ"])


def test_what_is_undone_places_nobody_any_more(street: Desk, tmp_path: Path) -> None:
    run = investigate(street, tmp_path, form(8, **HOUSE))
    street.take([person(2)], name="next.xlsx", now=NOW + timedelta(days=2))
    with session_scope(street.engine) as session:
        undo_run(session, run.id, LATER)

    street.take([person(3)], name="third.xlsx", now=LATER + timedelta(days=1))

    levels = sorted(version.place_level for version in street.versions())
    assert levels == ["commune", "commune", "house"]


def test_a_case_whose_commune_stays_open_has_no_point_of_a_street(street: Desk, tmp_path: Path) -> None:
    investigate(street, tmp_path, form(8, **HOUSE))

    street.take(
        [person(2, PX="KHONG RO", **{"DIA CHI": "900 LE LOI"})], name="n.xlsx", now=NOW + timedelta(days=2)
    )

    (case,) = [version for version in street.versions() if version.verification is None]
    assert (case.unit_id, case.place_level, case.geom) == (None, "unknown", None)
