"""One street, every way it is written; house numbers as doors have them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.street_names import (
    alley_of,
    door,
    house_key,
    house_number,
    initials_of,
    street_key,
    street_words,
    within_edits,
)

SAME = [
    (
        "Nguyễn Thị Minh Khai",
        "NGUYEN THI MINH KHAI",
        "Đ. Nguyễn Thị Minh Khai",
        "đường  nguyễn thị minh khai",
    ),
    ("3/2", "3 Tháng 2", "Ba Tháng Hai", "Đường 3-2", "03/02", "ba tháng 2"),
    ("30/4", "Ba mươi tháng tư", "30 tháng 4"),
    ("19/5", "Mười Chín Tháng Năm"),
    ("Cách Mạng Tháng 8", "Cách Mạng Tháng Tám", "CMT8", "CM Tháng 8", "CMTT", "Đường CMT8"),
    ("Quốc lộ 1A", "QL1A", "QL 1", "QL.1A", "Quốc Lộ 1"),
    ("Tỉnh lộ 10", "TL10", "TL 10", "Đường Tỉnh lộ 10"),
    ("ĐT743", "ĐT.743", "Đường tỉnh 743", "Tỉnh lộ 743"),
    ("Hương lộ 80", "HL80", "HL 80"),
    ("số 7", "đường số 7", "Đ. 7", "Đường số 07", "7", "ĐS 7", "Street No. 7"),
    ("Quý Đức", "Quí Đức"),
    ("Lý Thường Kiệt", "Lí Thường Kiệt"),
    ("Tỉnh lộ 8", "Tỉnh lộ 8, Củ Chi"),
    ("Lê Đức Thọ", "Hẻm 319 Đường Lê Đức Thọ", "Hẻm 319/2A Lê Đức Thọ"),
    ("Dương Bá Trạc", "Đường Dương Bá Trạc", "DUONG BA TRAC"),
    ("Võ Văn Kiệt", "Võ Văn Kiệt (nối dài)", "Đại lộ Võ Văn Kiệt"),
    ("Phố Huế", "Huế"),
    ("Xa lộ Hà Nội", "XL Hà Nội"),
]
APART = [
    "Quốc lộ 1K",
    "QL1",
    "Tỉnh lộ 1",
    "số 7",
    "7A",
    "D7",
    "3/2",
    "2/3",
    "Hai Bà Trưng",
    "Phổ Quang",
    "HL80B",
]


@pytest.mark.parametrize("writings", SAME, ids=lambda writings: writings[0])
def test_every_writing_of_a_street_has_one_key(writings: tuple[str, ...]) -> None:
    keys = {street_key(text) for text in writings}
    assert len(keys) == 1 and keys != {""}


def test_different_streets_keep_different_keys() -> None:
    keys = [street_key(text) for text in APART]
    assert len(set(keys)) == len(APART)


@given(st.sampled_from([text for writings in SAME for text in writings if "Đ" not in text[:1]]), st.data())
def test_case_accents_spaces_and_composition_never_change_the_key(text: str, data: st.DataObject) -> None:
    composed = data.draw(st.booleans())
    text = unicodedata.normalize("NFC", text) if composed else unicodedata.normalize("NFD", text)
    written = text.replace(" ", data.draw(st.sampled_from([" ", "  ", "\u00a0"])))
    written = data.draw(st.sampled_from([written, written.upper(), written.lower(), f" {written} "]))
    assert street_key(written) == street_key(text)


@given(st.text(max_size=60))
def test_any_text_has_words_that_stay_as_they_are(text: str) -> None:
    words = street_words(text)
    assert street_words(words) == words


@pytest.mark.parametrize(
    ("text", "main", "depth"),
    [
        ("505/56/8E", 505, 2),
        ("27-29/A66", 27, 1),
        ("84", 84, 0),
        ("84bis", 84, 0),
        ("12A", 12, 0),
        ("639C-639B", 639, 0),
        ("Số 15", 15, 0),
        ("007", 7, 0),
        ("B12", None, 0),
        ("L1-05", None, 0),
        ("0938123456", None, 0),
        ("", None, 0),
    ],
)
def test_a_house_number_is_the_one_at_the_street_front(text: str, main: int | None, depth: int) -> None:
    assert house_number(text)[:2] == (main, depth)


def test_an_alley_stands_at_its_own_number() -> None:
    assert alley_of("Hẻm 319 Đường Lê Đức Thọ") == ("319", "le duc tho")
    assert alley_of("Hẻm 436/2 đường 3/2") == ("436/2", "3/2")
    assert alley_of("Lê Đức Thọ") is None


@pytest.mark.parametrize(
    ("street", "house", "whole"),
    [
        ("Lê Lợi", "7", "7"),
        ("Hẻm 36 Lê Lợi", "7", "36/7"),
        ("Hẻm 36 đường Lê Lợi", None, "36/x"),
        ("Hẻm 436/2 đường 3/2", "436/2", "436/2"),
        ("Hẻm 36", "7", "7"),
        ("Lê Lợi", None, None),
    ],
)
def test_a_house_of_an_alley_has_the_alley_in_its_number(
    street: str, house: str | None, whole: str | None
) -> None:
    assert door(street, house) == whole


def test_whole_numbers_compare_without_what_is_not_said_aloud() -> None:
    assert house_key("Số 505/56/8E") == house_key("505/56/8e") != house_key("505/56/8")


def test_initials_keep_numbers() -> None:
    assert initials_of("xo viet nghe tinh") == "xvnt"
    assert initials_of("cach mang thang 8") == "cmt8"
    assert initials_of("pasteur") == ""


def edits(a: str, b: str) -> int:
    """Optimal string alignment, straight from its definition."""
    if not a or not b:
        return len(a) + len(b)
    best = min(edits(a[1:], b) + 1, edits(a, b[1:]) + 1, edits(a[1:], b[1:]) + (a[0] != b[0]))
    if len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0]:
        best = min(best, edits(a[2:], b[2:]) + 1)
    return best


@given(st.text("abc", max_size=6), st.text("abc", max_size=6), st.integers(0, 3))
def test_edits_are_counted_as_their_definition_counts_them(a: str, b: str, most: int) -> None:
    assert within_edits(a, b, most) == (edits(a, b) <= most)
