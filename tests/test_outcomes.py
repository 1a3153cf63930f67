"""How a stay in hospital ended, from a column of the file to what is believed of the case (domain.md §2.2)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from db import session_scope
from tests.ingest_files import HEADERS, NOW, Desk, csv_text, person

WIDE = [*HEADERS, "Kết quả điều trị", "Ngày ra viện"]
LATER = datetime(2025, 12, 3, 3, tzinfo=UTC)


def told(number: int, outcome: str = "", on: str = "", **changes: Any) -> dict[str, Any]:
    return person(number, **{"Kết quả điều trị": outcome, "Ngày ra viện": on, **changes})


def believed(desk: Desk) -> list[tuple[str | None, date | None]]:
    return [(version.outcome, version.date_outcome) for version in desk.versions()]


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("Tử vong", "died"), ("RA VIEN", "discharged"), ("chuyển viện", "transferred"), ("Đang điều trị", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_outcome_is_read_where_a_file_has_the_column(desk: Desk, word: str, outcome: str | None) -> None:
    run = desk.take(csv_text([told(1, word, "09/11/2025")], WIDE), name="f.csv")

    assert run.rows_rejected == 0
    assert believed(desk) == [(outcome, date(2025, 11, 9))]


def test_a_file_without_the_column_is_read_as_before(desk: Desk) -> None:
    desk.take([person(1)])

    assert believed(desk) == [(None, None)]


@pytest.mark.parametrize(
    ("outcome", "on", "says"),
    [
        ("Tử vonng", "09/11/2025", "Các giá trị dùng được: ra vien"),
        ("Tử vong", "01/11/2025", "trước ngày mắc bệnh hoặc nhập viện"),
        ("Tử vong", "09/11/2030", "ở tương lai"),
    ],
)
def test_an_outcome_that_cannot_be_is_set_aside_with_its_reason(
    desk: Desk, outcome: str, on: str, says: str
) -> None:
    run = desk.take(csv_text([told(1, outcome, on), told(2)], WIDE), name="f.csv")

    (row,) = desk.rejected(run)
    assert says in row.reason.render("vi")
    assert row.column == ("Kết quả điều trị" if outcome == "Tử vonng" else "Ngày ra viện")
    assert believed(desk) == [(None, None)]


def test_a_death_told_later_is_known_from_then_on(desk: Desk) -> None:
    desk.take([person(1)])
    desk.take(csv_text([told(1, "Tử vong", "09/11/2025", NG_BC="10/11/2025")], WIDE), name="g.csv", now=LATER)

    assert believed(desk) == [("died", date(2025, 11, 9))]
    with session_scope(desk.engine) as session:
        query = text("SELECT outcome FROM case_version WHERE known_from <= :at AND (known_to > :at)")
        assert session.execute(query, {"at": NOW}).scalars().all() == [None]


def test_no_later_word_of_another_hospital_takes_a_death_back(desk: Desk) -> None:
    desk.take(csv_text([told(1, "Tử vong", "09/11/2025")], WIDE), name="f.csv")
    other = told(1, "Chuyển viện", "05/11/2025", BV="BV002", SHS="SIM-9999")
    desk.take(csv_text([other], WIDE), name="g.csv", now=LATER)

    assert believed(desk) == [("died", date(2025, 11, 9))]


def test_the_hospital_itself_may_correct_its_line(desk: Desk) -> None:
    desk.take(csv_text([told(1, "Tử vong", "09/11/2025")], WIDE), name="f.csv")
    desk.take(csv_text([told(1, "Ra viện", "12/11/2025")], WIDE), name="g.csv", now=LATER)

    assert believed(desk) == [("discharged", date(2025, 11, 12))]
