"""The parts of an address: what is read, and that nothing is read that is not there."""

from __future__ import annotations

import csv
import random
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.address import LONGEST_READ, Address, PartKind, parse
from geodata.gazetteer import Gazetteer
from geodata.registry import load_registry
from geodata.text import strip_accents

REGISTRY = load_registry(["79"])
VOCABULARY = Gazetteer.build(REGISTRY.units, REGISTRY.lineage, province_codes=["79"]).vocabulary


def read(text: str) -> Address:
    return parse(text, VOCABULARY)


def unit_keys(text: str) -> tuple[list[str], list[str], list[str]]:
    named = read(text).named
    return (
        [x.key for x in named.communes],
        [x.key for x in named.districts],
        [x.key for x in named.provinces],
    )


@pytest.mark.parametrize(
    ("text", "house", "street", "neighbourhood"),
    [
        ("123/4 Nguyễn Trãi, P.2, Q.5", "123/4", "Nguyễn Trãi", None),
        ("505/56/8E Lê Văn Sỹ, P.2, Q. Tân Bình", "505/56/8E", "Lê Văn Sỹ", None),
        ("27-29/A66, Tổ 10, KP. Bình Giao, P. Thuận Giao, TP. Thuận An", "27-29/A66", None, "Tổ 10"),
        ("82 đường số 9 - KP3 - phường Bình Hưng Hòa - quận Bình Tân", "82", "số 9", "KP3"),
        ("29 Số 1, Phường Hiệp Bình Chánh, Quận Thủ Đức", "29", "Số 1", None),
        ("190 3/2, P.12, Q.10", "190", "3/2", None),
        ("1132 Quốc lộ 50 - Ấp 3 - xã Bình Hưng - huyện Bình Chánh", "1132", "Quốc lộ 50", "Ấp 3"),
        ("41, Hữu Nghị, Khu phố 3, Phường Bình Thọ, Quận Thủ Đức", "41", "Hữu Nghị", "Khu phố 3"),
        ("38 Hẻm 82 Thành Thái, Phường 12, Quận 10", "38", "Hẻm 82 Thành Thái", None),
        (
            "A01-05, tầng 1, CC The Golden Star, 72 Nguyễn Thị Thập, p.Bình Thuận, Q.7",
            "72",
            "Nguyễn Thị Thập",
            "tầng 1",
        ),
        ("CC The Goldview 346 Bến Vân Đồn, P.1, Q.4", "346", "Bến Vân Đồn", "CC The Goldview"),
        ("46-48-50-52 B4 Street, An Loi Dong Ward, District 2", "46-48-50-52", "B4", None),
        ("Quận 5, phường 2, 12 Lê Lợi", "12", "Lê Lợi", None),
        ("220/110 Nguyễn Văn Khối, P. 9, Q. Gò Vấp", "220/110", "Nguyễn Văn Khối", None),
        ("Cô Giang, Quận 1", None, "Cô Giang", None),
        ("KHONG RO", None, None, None),
        ("", None, None, None),
    ],
)
def test_house_street_and_neighbourhood(
    text: str, house: str | None, street: str | None, neighbourhood: str | None
) -> None:
    address = read(text)
    assert (address.house, address.street, address.neighbourhood) == (house, street, neighbourhood)


@pytest.mark.parametrize(
    "text",
    [
        "123/4 Nguyễn Trãi, Phường 2, Quận 5, TP. Hồ Chí Minh",
        "123/4 Nguyễn Trãi, P.2, Q.5, TPHCM",
        "123/4 Nguyễn Trãi P2 Q5 TPHCM",
        "123/4 Nguyễn Trãi P2Q5, Sài Gòn",
        "123/4 Nguyễn Trãi, P2/Q5 HCM",
        "123/4 Nguyen Trai Street, Ward 2, District 5, Ho Chi Minh City",
        "123/4 NGUYỄN TRÃI, PHƯỜNG P2, QUẬN Q5, HCM",
        "HCM, Q. 05, P. 02, 123/4 Nguyễn Trãi",
        "123/4 Nguyễn Trãi, f2, q5, tp hcm, Việt Nam 700000",
    ],
)
def test_every_way_to_write_a_numbered_ward(text: str) -> None:
    communes, districts, provinces = unit_keys(text)
    assert (communes, districts, len(provinces)) == (["2"], ["5"], 1)


@pytest.mark.parametrize(
    ("text", "communes", "districts"),
    [
        ("12 Cô Giang, Quận 1", [], ["1"]),
        ("302 Tân Kỳ Tân Quý, Quận Tân Phú", [], ["tanphu"]),
        ("45 xa lộ Hà Nội, Quận 2", [], ["2"]),
        ("12 cư xá Phú Lâm, Quận 6", [], ["6"]),
        ("F1.01 Block F CC Carillon, 1 Trần Văn Danh, P. 13, Q. Tân Bình", ["13"], ["tanbinh"]),
        ("Số 5 K.P 3, phường Dĩ An, Dĩ An, Bình Dương", ["dian"], ["dian"]),
        ("309 Nguyễn Thị Rành, Ấp Xóm Mới, Trung Lập Hạ, Củ Chi, TPHCM", ["trunglapha"], ["cuchi"]),
        ("3 Nguyễn Trãi, Bến Thành, Hồ Chí Minh, Quận 1, Việt Nam", ["benthanh"], ["1"]),
        ("Bến Nghé, Quận 1, Sài Gòn", [], ["1"]),
    ],
)
def test_a_street_or_a_house_is_not_read_as_a_unit(
    text: str, communes: list[str], districts: list[str]
) -> None:
    found = unit_keys(text)
    assert (found[0], found[1]) == (communes, districts)


HOSTILE = [
    "' OR 1=1; DROP TABLE case_report; --",
    "<script>alert(1)</script> 12 Lê Lợi, P. Bến Thành, Q1",
    "🏠 12 Lê Lợi 🎉, P.2, Q.5",
    "12 Lê Lợi, P.2, Q.5, ĐT 0909123456",
    "Phường " * 1500,
    "a",
    "\x00\x01",
    "P",
    "5 Rue de Rivoli, 75001 Paris",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_every_part_is_a_piece_of_the_text(text: str) -> None:
    for part in read(text).parts:
        assert text[part.start : part.end] == part.text


def test_no_more_than_an_address_can_hold_is_read() -> None:
    assert all(part.end <= LONGEST_READ for part in read("12 Lê Lợi, P.2, Q.5 " * 1000).parts)


def test_a_telephone_number_is_no_house() -> None:
    assert read("0909123456, P.2, Q.5").house is None


ALPHABET = st.text(alphabet="aăâbcdđeêghiklmnoôơpqrstuưvxy0123456789 ,./-()PQ\u0301\u0309", max_size=120)


@given(ALPHABET)
def test_a_parse_never_invents(text: str) -> None:
    ends = 0
    for part in read(text).parts:
        assert text[part.start : part.end] == part.text
        assert part.start >= ends or part.kind in (PartKind.HOUSE, PartKind.STREET, PartKind.NEIGHBOURHOOD)
        ends = max(ends, part.end)


def public_texts(shared: Path) -> list[str]:
    with (shared / "data/addresses/hcmc_addresses_public.csv").open(encoding="utf-8") as file:
        return [row["address"] for row in csv.DictReader(file)]


def named_units(text: str) -> tuple[set[str], set[str], set[str]]:
    return tuple(set(keys) for keys in unit_keys(text))  # type: ignore[return-value]


@pytest.mark.parametrize(
    "change",
    [
        strip_accents,
        str.upper,
        str.lower,
        lambda text: text.replace(",", " "),
        lambda text: text.replace(" ", "  "),
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: text.replace(" ", ", "),
    ],
    ids=["no accents", "upper", "lower", "no commas", "double spaces", "NFD", "a comma after every word"],
)
def test_accents_case_commas_and_spaces_never_change_the_units(shared: Path, change: object) -> None:
    for text in public_texts(shared):
        assert named_units(change(text)) == named_units(text), text  # type: ignore[operator]


def test_a_comma_anywhere_never_changes_the_units(shared: Path) -> None:
    rng = random.Random(5)
    for text in public_texts(shared):
        spaces = [at for at, c in enumerate(text) if c == " "]
        at = rng.choice(spaces)
        assert named_units(f"{text[:at]},{text[at:]}") == named_units(text), text
