from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata import geocoder, resolve
from geodata.gazetteer import Gazetteer
from geodata.geocoder import geocode
from geodata.registry import load_registry
from geodata.text import accent_key, fold, name_key, strip_accents
from geodata.types import Match, PlaceLevel, Unit, UnitLevel

TODAY = date(2026, 5, 1)
BEFORE = date(2024, 5, 1)

REGISTRY = load_registry(["79"])
GAZETTEER = Gazetteer.build(REGISTRY.units, REGISTRY.lineage, province_codes=["79"])


def find(
    commune: str | None = None,
    district: str | None = None,
    province: str | None = None,
    address: str | None = None,
    on: date = TODAY,
) -> Match:
    return geocode(GAZETTEER, commune=commune, district=district, province=province, address=address, on=on)


def unit_name(match: Match) -> str | None:
    return GAZETTEER.units[match.unit].name if match.unit else None


def former_name(match: Match) -> str | None:
    return GAZETTEER.units[match.former].name if match.former else None


@pytest.mark.parametrize(
    ("commune", "district"),
    [
        ("PHUONG 2", "QUAN 5"),
        ("PHUONG 02", "QUAN 05"),
        ("02", "5"),
        ("P2", "Q5"),
        ("P.2", "Q.5"),
        ("Phường 2", "Quận 5"),
        ("phường  2", "quận 5"),
        ("F2", "District 5"),
    ],
)
def test_an_old_ward_in_the_columns_of_a_line_list(commune: str, district: str) -> None:
    match = find(commune, district)
    assert unit_name(match) == "Phường Chợ Quán"
    assert former_name(match) == "Phường 2"
    assert match.rule == resolve.OLD_IN_DISTRICT


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("123/4 Nguyễn Trãi, P.2, Q.5", "Phường Chợ Quán"),
        ("123/4 NGUYEN TRAI P2 Q5 TPHCM", "Phường Chợ Quán"),
        ("123/4 Nguyễn Trãi, P2/Q5", "Phường Chợ Quán"),
        ("145 Vĩnh Viễn - phường 4 - quận 10 - thành phố Hồ Chí Minh - Việt Nam", "Phường Vườn Lài"),
        ("84 Đường 1, P. 16, Q. GV", "Phường An Hội Đông"),
        ("12 Bùi Đình Túy, Phường 24, Quận BT", "Phường Bình Thạnh"),
        ("22 Đường 25, P. Trường Thọ, TP. Thủ Đức (Q. Thủ Đức cũ), TP. HCM", "Phường Thủ Đức"),
        ("5 Lê Văn Việt, Hiệp Phú, Hồ Chí Minh, Quận 9, Việt Nam", "Phường Tăng Nhơn Phú"),
        ("46 B4 Street, Thao Dien Ward, District 2, Ho Chi Minh City", "Phường An Khánh"),
        ("108 Lê Hồng Phong, P. Bình An, TP. Dĩ An, T. Bình Dương", "Phường Đông Hòa"),
        ("32 Trần Đồng, phường 3, TP Vũng Tàu, tỉnh Bà Rịa - Vũng Tàu", "Phường Vũng Tàu"),
        ("12 Huyền Trân Công Chúa, P. Bến Thành, TP.HCM", "Phường Bến Thành"),
        ("P.12, Q. Tân Bình (nay là phường Bảy Hiền)", "Phường Bảy Hiền"),
        ("A4 chung cư P8, 12 Trần Phú, Phường 4, Quận 5", "Phường Chợ Quán"),
    ],
)
def test_a_free_text_address_that_names_its_ward(address: str, expected: str) -> None:
    assert unit_name(find(address=address)) == expected


@pytest.mark.parametrize(
    ("commune", "district", "expected"),
    [
        ("THAO DIEN", "QUAN 2", "Phường An Khánh"),
        ("HIEP PHU", "Q9", "Phường Tăng Nhơn Phú"),
        ("TRUONG THO", "QUAN THU DUC", "Phường Thủ Đức"),
        ("TRUONG THO", "TP THU DUC", "Phường Thủ Đức"),
    ],
)
def test_districts_that_became_thu_duc_city_in_2021(commune: str, district: str, expected: str) -> None:
    assert unit_name(find(commune, district)) == expected


def test_a_ward_merged_away_in_january_2025_is_found_under_the_one_it_joined() -> None:
    match = find("PHUONG 3", "QUAN 5")
    assert former_name(match) == "Phường 2"
    assert unit_name(match) == "Phường Chợ Quán"


def test_a_split_ward_goes_to_its_default_successor_as_an_estimate() -> None:
    match = find("DA KAO", "QUAN 1")
    assert match.estimated
    assert match.rule == resolve.OLD_SPLIT
    assert {GAZETTEER.units[c.unit].name for c in match.candidates} == {
        "Phường Sài Gòn",
        "Phường Tân Định",
    }
    assert match.unit == match.candidates[0].unit
    assert sum(c.share for c in match.candidates) == pytest.approx(1)


def test_the_address_may_settle_a_split_ward() -> None:
    match = find("DA KAO", "QUAN 1", address="12 X, P. Tân Định")
    assert unit_name(match) == "Phường Tân Định"
    assert former_name(match) == "Phường Đa Kao"
    assert not match.estimated


def test_columns_win_over_the_address() -> None:
    assert unit_name(find("PHUONG 2", "QUAN 5", address="12 X, P. Sài Gòn")) == "Phường Chợ Quán"


def test_a_name_of_today_beside_an_old_district_is_today_s() -> None:
    match = find("SAI GON", "QUAN 1")
    assert unit_name(match) == "Phường Sài Gòn"
    assert match.rule == resolve.TODAY_IN_DISTRICT
    assert match.former is None


def test_a_name_alone_is_today_s_since_july_2025() -> None:
    assert unit_name(find("AN PHU", on=TODAY)) == "Phường An Phú"


def test_the_same_name_in_an_older_report_is_not_guessed() -> None:
    match = find("AN PHU", on=BEFORE)
    assert match.unit is None
    assert match.rule == resolve.AMBIGUOUS
    assert len(match.candidates) > 1
    assert sum(c.share for c in match.candidates) == pytest.approx(1)


@pytest.mark.parametrize(
    ("match", "rule"),
    [
        (lambda: find("PHUONG 2"), resolve.AMBIGUOUS),
        (lambda: find("Bình An"), resolve.AMBIGUOUS),
        (lambda: find("PHUONG 25", "QUAN 5"), resolve.NOT_IN_DISTRICT),
        (lambda: find("TAN DINH", "QUAN 99"), resolve.UNKNOWN_DISTRICT),
        (lambda: find("KHONG RO", "QUAN 5"), resolve.UNKNOWN_COMMUNE),
        (lambda: find("LA HOAC", "QUAN 5", address="12 Lê Lợi"), resolve.UNKNOWN_COMMUNE),
        (lambda: find(district="QUAN 5"), resolve.NO_COMMUNE),
        (lambda: find(address="12 Cô Giang, Quận 1"), resolve.NO_COMMUNE),
        (lambda: find(address="Cô Giang, Quận 1"), resolve.NO_COMMUNE),
        (lambda: find("P.1", "TP Tân An", "Long An"), resolve.ELSEWHERE),
        (lambda: find(address="12 Trần Phú, P. 2, Tỉnh Đồng Tháp"), resolve.ELSEWHERE),
        (lambda: find(), resolve.EMPTY),
        (lambda: find("-", " ", None, "."), resolve.EMPTY),
    ],
)
def test_what_cannot_be_known_stays_unresolved_and_says_why(match: object, rule: str) -> None:
    result = match()  # type: ignore[operator]
    assert result.unit is None
    assert result.level is PlaceLevel.UNKNOWN
    assert result.lat is None
    assert result.rule == rule


def test_an_island_district_that_is_now_one_unit_needs_no_commune() -> None:
    assert unit_name(find(district="CON DAO")) == "Đặc khu Côn Đảo"


def test_accents_tell_two_communes_apart_where_they_are_written() -> None:
    assert unit_name(find("Xã Thạnh An")) == "Xã Thạnh An"
    assert unit_name(find("Xã Thanh An")) == "Xã Thanh An"
    assert find("XA THANH AN").unit is None
    assert unit_name(find("XA THANH AN", "CAN GIO")) == "Xã Thạnh An"


def test_an_old_province_narrows_the_search() -> None:
    assert unit_name(find("Bình An", province="Bình Dương")) == "Phường Đông Hòa"


def test_the_position_is_the_named_unit_s_and_never_finer_than_a_commune() -> None:
    ward = find("PHUONG 2", "QUAN 5")
    commune = find("CHO QUAN")
    assert ward.level is commune.level is PlaceLevel.COMMUNE
    assert ward.uncertainty_m and commune.uncertainty_m
    assert 150 < ward.uncertainty_m < commune.uncertainty_m < 1500


def test_the_unit_is_always_one_of_today() -> None:
    for unit in REGISTRY.units:
        if unit.key.level is UnitLevel.COMMUNE:
            parent = GAZETTEER.units[unit.parent].name if unit.valid_to and unit.parent else None
            match = find(unit.name, parent)
            assert match.unit is None or GAZETTEER.units[match.unit].valid_to is None
            if unit.valid_to:
                assert match.former == unit.key


def test_text_keys() -> None:
    assert strip_accents("Đường Hoà Bình") == "duong hoa binh"
    assert fold("P.02,  Q.Tân\u00a0Bình") == "p 02 q tan binh"
    assert name_key("Phường 02") == "phuong2"
    assert name_key("MỸ") == name_key("Mĩ")
    assert name_key("Ða Kao") == "dakao"
    assert accent_key("Hoà") == accent_key("Hòa") != accent_key("Hóa")


WARDS = [u for u in REGISTRY.units if u.key.level is UnitLevel.COMMUNE and u.parent]
STYLES = st.sampled_from(["{c}, {d}", "12/3 Lê Lợi, {c}, {d}, TP.HCM", "Số 5 - {c} - {d}", "12 Lê Lợi {c}"])
RECASED = st.sampled_from([str.upper, str.lower, str.title])
SPELT = st.sampled_from(
    [
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: text.replace(" ", "  "),
        lambda text: f"  {text}\t",
        lambda text: text.replace(" ", "\u00a0"),
    ]
)


def composed(ward_index: int, style: str) -> str:
    ward = WARDS[ward_index]
    parent = GAZETTEER.units[ward.parent].name if ward.parent else ""
    return style.format(c=ward.name, d=parent)


@given(st.integers(0, len(WARDS) - 1), STYLES, RECASED, SPELT, st.sampled_from([TODAY, BEFORE]))
def test_case_spacing_and_unicode_form_never_change_the_unit(
    index: int, style: str, recase: object, respell: object, on: date
) -> None:
    text = composed(index, style)
    changed = respell(recase(text))  # type: ignore[operator]
    assert find(address=changed, on=on).unit == find(address=text, on=on).unit


@given(st.integers(0, len(WARDS) - 1), STYLES, st.sampled_from([TODAY, BEFORE]))
def test_losing_the_accents_never_leads_to_another_unit(index: int, style: str, on: date) -> None:
    text = composed(index, style)
    written, stripped = find(address=text, on=on), find(address=strip_accents(text), on=on)
    if written.rule == "Tên phường/xã hiện nay" and on == BEFORE:
        return  # a name of today in a report of then: without accents it may be one that there was (Phước Thạnh)
    if stripped.unit != written.unit:
        assert stripped.unit is None
        assert written.unit in {candidate.unit for candidate in stripped.candidates}


@given(st.text(max_size=80), st.text(max_size=20))
def test_any_text_has_an_answer(address: str, district: str) -> None:
    assert find(address=address, district=district).rule


def test_public_addresses_that_name_their_ward(shared: Path) -> None:
    """Floors measured on the public set: of 1,360 rows that name a ward 93 % right, 5 % wrong only as marked
    estimates, 1.4 % wrong (most of them points just over a border), the rest unresolved."""
    with (shared / "data/addresses/hcmc_addresses_public.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    outcome: Counter[str] = Counter()
    for row in rows:
        match = find(address=row["address"])
        if match.rule in (resolve.NO_COMMUNE, resolve.EMPTY):
            continue
        right = match.unit is not None and match.unit.code == row["new_ward_code"]
        wrong = "estimated" if match.estimated else "wrong"
        outcome["right" if right else "unresolved" if match.unit is None else wrong] += 1
    total = outcome.total()
    assert total > 1300
    assert outcome["right"] / total >= 0.92
    assert outcome["wrong"] / total <= 0.02
    assert outcome["unresolved"] / total <= 0.01


def test_public_addresses_in_the_style_of_today(shared: Path) -> None:
    with (shared / "data/addresses/hcmc_addresses_public.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["address_2025"]]
    right = sum(
        (unit := find(address=row["address_2025"]).unit) is not None and unit.code == row["new_ward_code"]
        for row in rows
    )
    assert right / len(rows) >= 0.995


SHORT = {"Phường": "P.", "Xã": "X.", "Thị trấn": "TT.", "Quận": "Q.", "Huyện": "H.", "Thành phố": "TP."}


def plain(unit: Unit) -> str:
    """'Phường 2' → '2', 'Quận Gò Vấp' → 'Gò Vấp'."""
    return unit.short_name.removeprefix("Phường ").removeprefix("Quận ")


def named(unit: Unit) -> str:
    return unit.name.split(" (")[0]


WAYS = {
    "in full": lambda w, d, p: f"12/3 Lê Lợi, {named(w)}, {named(d)}, {named(p)}",
    "shortened": lambda w, d, p: (
        f"12/3 Lê Lợi, {SHORT[w.kind]}{plain(w)}, {SHORT[d.kind]}{plain(d)}, {named(p)}"
    ),
    "capitals without accents": lambda w, d, p: strip_accents(f"12/3 LE LOI {named(w)} {named(d)}").upper(),
    "swapped": lambda w, d, p: f"{named(p)}, {named(d)}, {named(w)}, 12/3 Lê Lợi",
    "without province": lambda w, d, p: f"12/3 Lê Lợi, {named(w)}, {named(d)}",
    "dashes": lambda w, d, p: (
        f"12/3 Lê Lợi - {named(w).lower()} - {named(d).lower()} - {named(p)} - Việt Nam"
    ),
    "names alone": lambda w, d, p: f"12/3 Lê Lợi, {plain(w)}, {plain(d)}, {named(p)}",
}


@pytest.mark.parametrize("way", WAYS)
def test_every_old_ward_is_found_in_every_way_to_write_it(way: str) -> None:
    for ward in WARDS:
        district = GAZETTEER.units[ward.parent]  # type: ignore[index]
        numbered = plain(ward).isdigit() or plain(district).isdigit()
        if not ward.valid_to or (way == "names alone" and numbered):
            continue
        province = GAZETTEER.units[district.parent]  # type: ignore[index]
        text = WAYS[way](ward, district, province)
        assert find(address=text, on=BEFORE).former == ward.key, text


@pytest.mark.parametrize(
    ("text", "ward"),
    [
        ("68 Hồ Văn Long, phườg Bình Hưng Hoà B, quận Bình Tân", "Phường Bình Hưng Hòa B"),
        ("12 Lê Lợi, Phường Bến Ngé, Quận 1", "Phường Bến Nghé"),
        ("15 Nguyễn Quang Bích, pkhường 13, Tân Bình, TPHCM", "Phường 13"),
        ("19A Bình Lợi, Phường 13, Qận Bình Thnh", "Phường 13"),
        ("309 Nguyễn Thị Rành, Trung Lập Hạ, Củ Ci, TPHCM", "Xã Trung Lập Hạ"),
        ("63 Đào Sư Tích, XãPhước Kiển, Huyện Nhà Bè", "Xã Phước Kiển"),
        ("5 X, Ph ường 12, Quận 10", "Phường 12"),
    ],
)
def test_a_misspelt_unit_is_the_nearest_that_can_stand_there(text: str, ward: str) -> None:
    match = find(address=text)
    assert former_name(match) == ward
    assert match.rule in (geocoder.MISSPELT, resolve.OLD_IN_DISTRICT)


@pytest.mark.parametrize(
    "text",
    [
        "34 Chương Dương, P. inh Chiểu, Q. Thủ Đức",  # Bình Chiểu or Linh Chiểu
        "12 Lê Lợi, Phường 123, Quận 5",
        "292-294 Hưng Phú, Quận a, TP.HCM",
        "343-345 Tân Kỳ Tân Quý, Quận Tân Phú",
    ],
)
def test_what_may_be_two_names_or_a_wrong_number_is_not_corrected(text: str) -> None:
    assert find(address=text).former is None
