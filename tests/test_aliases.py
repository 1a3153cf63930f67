"""What may be learnt from a place text: its area, never a house, a street or a person."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.aliases import BY_ALIAS, Aliases, AreaWords, area_words, names_person
from geodata.areas import Areas
from geodata.text import fold
from geodata.types import UnitKey, UnitLevel
from surveillance.place import Placer
from tests.test_geocoder import GAZETTEER

A_DAY = date(2026, 5, 1)


def words(
    address: str = "", commune: str = "", district: str = "", *, fine: bool = False
) -> AreaWords | None:
    return area_words({"commune": commune, "district": district, "address": address}, fine=fine)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"commune": "PHUONG LINH XUAN A", "district": "QUAN 5"}, ("linh xuan a", "5", "")),
        ({"commune": "P.LINH XUÂN A", "district": "Q5"}, ("linh xuan a", "5", "")),
        ({"address": "505/56/8E Nguyễn Trãi, P. Linh Xuân A, Q. GV"}, ("linh xuan a", "gv", "")),
        ({"address": "505 NGUYEN TRAI P02 Q 05 TPHCM"}, ("2", "5", "")),
        ({"address": "Tổ 3, ấp 4, xã Tân Kiên Mới, H. BC"}, ("tan kien moi", "bc", "")),
        ({"address": "12/3 ấp 4 xã Tân Kiên Mới"}, ("tan kien moi", "", "")),
        ({"address": "12/3 Lê Lợi, ấp 4"}, ("ap 4", "", "")),
        ({"commune": "KHONG RO", "address": "KP3, P. Lạ, Q. GV"}, ("la", "gv", "")),
        ({"commune": "12/5 LE LOI, PHUONG LA, QUAN 1"}, ("la", "", "")),
    ],
)
def test_the_area_is_kept(said: dict[str, str], kept: tuple[str, str, str]) -> None:
    assert area_words(said) == AreaWords(*kept)


@pytest.mark.parametrize(
    "address",
    [
        "", "12 Lê Lợi", "Nhà bà Nguyễn Thị Hoa, 0908123456", "nhà ông Quân", "12 Huỳnh Thúc Kháng", "Q. 5",
        "hẻm 505/56/8E", "'; DROP TABLE--", "<b>x</b>", "🙂🙂", "phường 0908123456",
    ],
)  # fmt: skip
def test_a_text_without_a_commune_or_neighbourhood_teaches_nothing(address: str) -> None:
    assert words(address) is None


def test_of_a_split_ward_the_neighbourhood_must_be_named() -> None:
    assert words(commune="PHUONG 14", district="QUAN GV", fine=True) is None
    assert words("12 Lê Lợi, KP 3", "PHUONG 14", "QUAN GV", fine=True) == AreaWords("14 kp 3", "gv", "")


def test_words_that_name_the_patient_are_not_learnt() -> None:
    found = words("ấp bà Nguyễn Thị Hoa")
    assert found is not None
    assert names_person(found, ["NGUYEN THI HOA"])
    assert not names_person(found, ["Trần Văn An", "Nguyễn Văn Bé"])


@given(st.text(max_size=300), st.text(max_size=80))
def test_no_long_number_and_no_fraction_is_ever_kept(address: str, commune: str) -> None:
    found = words(address, commune)
    for part in found or ():
        assert all(sum(letter.isdigit() for letter in word) <= 2 for word in part.split())
        assert fold(part) == part


@given(st.from_regex(r"[0-9]{1,4}[A-Z]?(/[0-9]{1,4}){0,3}", fullmatch=True))
def test_the_house_makes_no_difference(house: str) -> None:
    assert words(f"{house} Nguyễn Trãi, P. Lạ, Q. GV") == AreaWords("la", "gv", "")


def test_what_was_taught_is_asked_only_where_the_register_leaves_it_open() -> None:
    ben_thanh = next(unit.key for unit in GAZETTEER.today["benthanh"])
    placer = Placer(
        unit_ids={ben_thanh: 1},
        gazetteer=GAZETTEER,
        areas=Areas(by_unit={}),
        aliases=Aliases({AreaWords("la", "gv", ""): ben_thanh, AreaWords("2", "5", ""): ben_thanh}),
    )

    def look_up(commune: str, district: str) -> tuple[UnitKey | None, str]:
        match = placer.look_up(
            commune=commune, district=district, province=None, address="9 Lê Lợi", on=A_DAY
        )
        return match.unit, match.rule

    assert look_up("PHUONG LA", "QUAN GV") == (ben_thanh, BY_ALIAS)
    assert look_up("PHUONG LA", "QUAN 5")[0] is None
    unit, rule = look_up("PHUONG 2", "QUAN 5")
    assert unit != ben_thanh and rule != BY_ALIAS


def test_nothing_taught_nothing_found() -> None:
    assert Aliases().find({"commune": "PHUONG LA"}) is None
    known = Aliases({AreaWords("la", "", ""): UnitKey(UnitLevel.COMMUNE, "1", A_DAY)})
    assert known.find({"commune": "PHUONG LA"}) == UnitKey(UnitLevel.COMMUNE, "1", A_DAY)
    assert known.find({"commune": "PHUONG LA", "district": "QUAN 5"}) is None
