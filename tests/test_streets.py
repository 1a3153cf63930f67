"""Points of streets in, positions and wards out. The map of these tests is 10.8° N, where 0.001° is about 110 m."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.streets import ADDRESSES, City, cases, read_rows
from geodata.registry import LEGACY_FROM, REFORM, load_registry
from geodata.street_points import distance_m, points_along
from geodata.streets import (
    Circle,
    Source,
    StreetBook,
    StreetFileError,
    StreetHit,
    StreetPoint,
    StreetSegment,
    ward_circle,
)
from geodata.types import PlaceLevel, Unit, UnitKey, UnitLevel


def old(code: str) -> UnitKey:
    return UnitKey(UnitLevel.COMMUNE, code, LEGACY_FROM)


def new(code: str) -> UnitKey:
    return UnitKey(UnitLevel.COMMUNE, code, REFORM)


WEST, EAST = old("1"), old("2")
TODAY, TODAY_EAST = new("11"), new("12")
DISTRICT, OTHER = (UnitKey(UnitLevel.DISTRICT, code, LEGACY_FROM) for code in ("760", "761"))
LAT, LON = 10.8, 106.7


def lon_of(number: int) -> float:
    return LON + number * 0.00002


def house(
    number: int | str, *, street: str = "Lê Lợi", district: UnitKey | None = DISTRICT, **more: object
) -> StreetPoint:
    """A straight street eastwards, 2.2 m a number; the wards meet at number 100."""
    at = int(str(number).split("/")[0])
    east = at > 100
    known = {
        "lat": LAT,
        "lon": lon_of(at),
        "former": EAST if east else WEST,
        "today": TODAY_EAST if east else TODAY,
    }
    return StreetPoint(street, house=str(number), district=district, **(known | more))  # type: ignore[arg-type]


STREET = [house(number) for number in range(1, 200, 10)] + [house(number) for number in range(2, 200, 10)]


@pytest.fixture(scope="module")
def book() -> StreetBook:
    return StreetBook.build(STREET)


def found(hit: StreetHit | None) -> StreetHit:
    assert hit is not None
    return hit


def error_m(hit: StreetHit, lat: float, lon: float) -> float:
    assert hit.lat is not None and hit.lon is not None
    return distance_m((hit.lat, hit.lon), (lat, lon))


def test_a_house_between_two_known_ones_lies_between_them(book: StreetBook) -> None:
    hit = found(book.locate("Lê Lợi", "36", districts=[DISTRICT]))

    assert hit.level is PlaceLevel.STREET
    assert error_m(hit, LAT, lon_of(36)) < 1
    assert hit.former[0].unit == WEST and hit.former[0].share > 0.95


def test_a_house_that_is_known_lies_where_it_is(book: StreetBook) -> None:
    hit = found(book.locate("ĐƯỜNG LE LOI", "141", districts=[DISTRICT]))

    assert error_m(hit, LAT, lon_of(141)) < 1
    assert hit.today[0].unit == TODAY_EAST


def test_beyond_the_last_number_the_last_one_stands_with_a_wider_radius(book: StreetBook) -> None:
    inside = found(book.locate("Lê Lợi", "186", districts=[DISTRICT]))
    beyond = found(book.locate("Lê Lợi", "600", districts=[DISTRICT]))

    assert error_m(beyond, LAT, lon_of(192)) < 5
    assert beyond.uncertainty_m and inside.uncertainty_m
    assert beyond.uncertainty_m > inside.uncertainty_m


def test_deeper_alleys_are_less_certain(book: StreetBook) -> None:
    radii = [
        found(book.locate("Lê Lợi", number, districts=[DISTRICT])).uncertainty_m or 0
        for number in ("36", "36/2", "36/2/5")
    ]
    assert radii == sorted(radii) and radii[0] < radii[1] < radii[2]


def test_an_alley_written_as_the_street_is_found_at_its_mouth(book: StreetBook) -> None:
    hit = found(book.locate("Hẻm 36 đường Lê Lợi", "7", districts=[DISTRICT]))
    assert error_m(hit, LAT, lon_of(36)) < 1


def test_a_house_of_an_alley_teaches_its_own_number_not_that_of_the_street() -> None:
    inside = house("7", street="Hẻm 36 đường Lê Lợi", lat=LAT + 0.002, source=Source.VERIFIED)
    street = StreetBook.build([*STREET, inside])

    assert error_m(found(street.locate("Lê Lợi", "36/7", districts=[DISTRICT])), LAT + 0.002, lon_of(7)) < 1
    assert (
        error_m(found(street.locate("Hẻm 36 Lê Lợi", "7", districts=[DISTRICT])), LAT + 0.002, lon_of(7)) < 1
    )
    assert error_m(found(street.locate("Lê Lợi", "7", districts=[DISTRICT])), LAT, lon_of(7)) < 15


def test_units_of_a_city_without_a_reform_are_units_of_today() -> None:
    always = UnitKey(UnitLevel.COMMUNE, "67", LEGACY_FROM)
    street = StreetBook.build([house(36, former=None, today=always, district=None)])
    assert found(street.locate("Lê Lợi", "36", wards=[always])).today == ((always, 1.0),)


def test_without_a_number_the_street_within_the_ward_named_is_meant(book: StreetBook) -> None:
    whole = found(book.locate("Lê Lợi", districts=[DISTRICT]))
    east = found(book.locate("Lê Lợi", districts=[DISTRICT], wards=[EAST]))

    assert error_m(whole, LAT, lon_of(97)) < 15
    assert error_m(east, LAT, lon_of(147)) < 15
    assert {share.unit for share in whole.former} == {WEST, EAST}
    assert 0.95 < sum(share.share for share in whole.former) < 1
    assert east.former == ((EAST, 1.0),)


def test_a_split_ward_is_told_by_the_number() -> None:
    """One old ward, two communes of today along its street."""
    street = StreetBook.build(point._replace(former=WEST) for point in STREET)

    low = found(street.locate("Lê Lợi", "20", wards=[WEST]))
    high = found(street.locate("Lê Lợi", "180", wards=[WEST]))

    assert (low.today[0].unit, high.today[0].unit) == (TODAY, TODAY_EAST)
    assert low.today[0].share > 0.9


def test_old_ward_and_commune_of_today_must_both_hold() -> None:
    street = StreetBook.build(point._replace(former=WEST) for point in STREET)
    hit = found(street.locate("Lê Lợi", wards=[WEST, TODAY_EAST]))
    assert hit.today == ((TODAY_EAST, 1.0),)


def test_a_ward_the_street_does_not_touch_gives_no_answer_without_its_circle(book: StreetBook) -> None:
    nowhere = old("9")

    assert book.locate("Lê Lợi", "36", wards=[nowhere]) is None
    near = found(book.locate("Lê Lợi", wards=[nowhere], around=Circle(LAT + 0.003, lon_of(0), 600)))
    assert error_m(near, LAT, lon_of(1)) < 5
    assert book.locate("Lê Lợi", wards=[nowhere], around=Circle(LAT + 0.02, lon_of(0), 600)) is None


def test_a_point_far_outside_the_ward_named_is_not_taken() -> None:
    wrong = StreetBook.build([house(36, lat=LAT + 0.1)])
    assert wrong.locate("Lê Lợi", "36", wards=[WEST], around=Circle(LAT, LON, 800)) is None


def test_numbers_that_start_anew_are_not_mixed() -> None:
    """Numbers 5 and 9 of one commune, 7 and 11 of another 5 km away: 8 is beside one of them, not half-way."""
    far: dict[str, Any] = {"lat": LAT + 0.05, "former": EAST, "today": TODAY_EAST}
    street = StreetBook.build([house(5), house(9), house(7, **far), house(11, **far)])

    hit = found(street.locate("Lê Lợi", "8", districts=[DISTRICT]))
    assert min(error_m(hit, LAT, lon_of(9)), error_m(hit, LAT + 0.05, lon_of(7))) < 10
    assert hit.uncertainty_m and hit.uncertainty_m > 1000
    west = found(street.locate("Lê Lợi", "8", districts=[DISTRICT], wards=[WEST]))
    assert error_m(west, LAT, lon_of(8)) < 50


def test_a_number_far_from_where_its_neighbours_agree_to_be_is_passed_over() -> None:
    street = StreetBook.build([*STREET, house(36, lat=LAT + 0.03)])
    hit = found(street.locate("Lê Lợi", "37", districts=[DISTRICT]))
    assert error_m(hit, LAT, lon_of(37)) < 20


def test_positions_between_numbers_follow_the_line_of_the_street() -> None:
    """The street goes north, then east: half-way by number is at the corner, not across the block."""
    corner, end = (LAT + 0.002, LON), (LAT + 0.002, LON + 0.002)
    line = StreetSegment("Lê Lợi", [(LAT, LON), corner, end], WEST, TODAY, DISTRICT)
    ends = [house(1), house(201, lat=end[0], lon=end[1])]

    straight = found(StreetBook.build(ends).locate("Lê Lợi", "101", districts=[DISTRICT]))
    bent = found(StreetBook.build([line, *ends]).locate("Lê Lợi", "101", districts=[DISTRICT]))

    assert error_m(straight, *corner) > 100
    assert min(error_m(bent, *point) for point in [corner, end, (LAT, LON)]) < 200
    assert min(error_m(bent, x.lat or 0, x.lon or 0) for x in points_along(line)) < 1


def test_a_segment_knows_its_numbers_at_its_ends() -> None:
    line = StreetSegment("Lê Lợi", [(LAT, LON), (LAT, LON + 0.004)], WEST, TODAY, DISTRICT, first=2, last=200)
    hit = found(StreetBook.build([line]).locate("Lê Lợi", "101", districts=[DISTRICT]))
    assert error_m(hit, LAT, LON + 0.002) < 25


def test_a_line_is_kept_as_points_not_further_apart_than_a_step() -> None:
    points = list(points_along(StreetSegment("Lê Lợi", [(LAT, LON), (LAT, LON + 0.01), (LAT + 0.01, LON)])))
    places = [(point.lat or 0, point.lon or 0) for point in points]
    gaps = [distance_m(a, b) for a, b in pairwise(places)]
    assert max(gaps) <= 40.1 and places[0] == (LAT, LON) and places[-1] == (LAT + 0.01, LON)


def test_a_verified_point_counts_before_a_mapped_one() -> None:
    seen = house(36, lat=LAT + 0.0005, source=Source.VERIFIED)
    hit = found(StreetBook.build([house(36), seen, house(36)]).locate("Lê Lợi", "36", districts=[DISTRICT]))
    assert error_m(hit, LAT + 0.0005, lon_of(36)) < 1


def test_the_very_house_counts_before_the_mouth_of_its_alley() -> None:
    deep = house("36/5/2", lat=LAT + 0.002)
    street = StreetBook.build([house(36), deep])
    assert (
        error_m(found(street.locate("Lê Lợi", "36/5/2", districts=[DISTRICT])), LAT + 0.002, lon_of(36)) < 1
    )
    assert error_m(found(street.locate("Lê Lợi", "36", districts=[DISTRICT])), LAT, lon_of(36)) < 1


def test_initials_and_typing_errors_are_read_where_they_can_mean_one_street_only() -> None:
    book = StreetBook.build(
        [
            house(5, street="Xô Viết Nghệ Tĩnh"),
            house(5, street="Nguyễn Thị Minh Khai"),
            house(5, street="Nguyễn Thị Mỹ Kim"),
            house(5, street="Hương lộ 80"),
            house(5, street="Điện Biên Phủ", district=OTHER),
        ]
    )

    def street(text: str, district: UnitKey = DISTRICT) -> str | None:
        hit = book.locate(text, "5", districts=[district])
        return hit.street if hit else None

    assert street("XVNT") == "xo viet nghe tinh"
    assert street("NTMK") is None
    assert street("Xo Viet Nge Tinh") == "xo viet nghe tinh"
    assert street("Nguyễn Thị Mịnh Khia") == "nguien thi minh khai"
    assert street("Hương lộ 81") is None
    assert street("Điện Biên Phũu") is None
    assert street("Điện Biên Phũu", OTHER) == "dien bien phu"
    hit = found(book.locate("XVNT", "5", districts=[DISTRICT]))
    assert hit.respelt and not found(book.locate("Xô Viết Nghệ Tĩnh", districts=[DISTRICT])).respelt


def test_a_name_in_several_districts_gives_units_and_no_point(book: StreetBook) -> None:
    both = book.taught([house(7, district=OTHER, former=old("3"), today=new("13"))])

    hit = found(both.locate("Lê Lợi", "7"))

    assert (hit.lat, hit.uncertainty_m, hit.level) == (None, None, PlaceLevel.UNKNOWN)
    assert {x.unit for x in hit.former} >= {WEST, old("3")}
    assert set(both.districts_of("LE LOI")) == {DISTRICT, OTHER}
    assert found(both.locate("Lê Lợi", "7", districts=[OTHER])).former[0].unit == old("3")


def test_a_name_without_any_point_says_only_which_district_has_it() -> None:
    book = StreetBook.build([StreetPoint("Lê Lợi", district=DISTRICT, source=Source.NAME)])
    assert book.districts_of("Lê Lợi") == (DISTRICT,)
    assert book.locate("Lê Lợi", "36", districts=[DISTRICT]) is None


def test_teaching_leaves_the_book_as_it_was(book: StreetBook) -> None:
    before = book.locate("Lê Lợi", "36", districts=[DISTRICT])
    taught = book.taught([house(36, lat=LAT + 0.001), house(4, street="Hàm Nghi")])

    assert book.locate("Lê Lợi", "36", districts=[DISTRICT]) == before
    assert book.locate("Hàm Nghi", "4", districts=[DISTRICT]) is None
    assert error_m(found(taught.locate("Lê Lợi", "36", districts=[DISTRICT])), LAT + 0.001, lon_of(36)) < 1


def test_taught_in_turns_is_built_at_once() -> None:
    at_once = StreetBook.build(STREET)
    in_turns = StreetBook.build(STREET[:7]).taught(STREET[7:20]).taught(STREET[20:])
    for number in ("1", "36", "36/2", "141", "500"):
        assert in_turns.locate("Lê Lợi", number, districts=[DISTRICT]) == at_once.locate(
            "Lê Lợi", number, districts=[DISTRICT]
        )


def test_a_book_comes_back_from_its_file(book: StreetBook, tmp_path: Path) -> None:
    path = tmp_path / "streets.npz"
    whole = book.taught(
        [StreetPoint("Hàm Nghi", district=OTHER, source=Source.NAME), house("7/3", street="Số 5")]
    )

    whole.save(path)
    again = StreetBook.load(path)

    assert again.units == whole.units and again.words == whole.words
    for street, number in (("Lê Lợi", "36"), ("Lê Lợi", None), ("số 5", "7/3"), ("Hàm Nghi", "1")):
        assert again.locate(street, number, districts=[DISTRICT]) == whole.locate(
            street, number, districts=[DISTRICT]
        )
    assert again.districts_of("Hàm Nghi") == (OTHER,)


def test_an_empty_book_has_a_file_too(tmp_path: Path) -> None:
    StreetBook().save(tmp_path / "none.npz")
    assert StreetBook.load(tmp_path / "none.npz").locate("Lê Lợi", "36") is None


@pytest.mark.parametrize("content", [b"", b"street,district\n", b"PK\x03\x04 broken"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(StreetFileError):
        StreetBook.load(path)


@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01)),
        min_size=1,
        max_size=30,
    ),
    st.integers(1, 500),
)
def test_a_position_never_leaves_the_box_of_what_is_known(
    points: list[tuple[int, float, float]], number: int
) -> None:
    known = [house(n, lat=LAT + dlat, lon=LON + dlon) for n, dlat, dlon in points]
    hit = found(StreetBook.build(known).locate("Lê Lợi", str(number), districts=[DISTRICT]))
    assert min(x.lat or 0 for x in known) - 1e-6 <= (hit.lat or 0) <= max(x.lat or 0 for x in known) + 1e-6
    assert min(x.lon or 0 for x in known) - 1e-6 <= (hit.lon or 0) <= max(x.lon or 0 for x in known) + 1e-6
    assert 0 < sum(x.share for x in hit.former) < 1


@pytest.mark.parametrize("text", ["", "   ", "🏠", "'; DROP TABLE", "<b>", "x" * 10_000, "số"])
def test_nonsense_is_no_street(book: StreetBook, text: str) -> None:
    assert book.locate(text, text, districts=[DISTRICT]) is None


def test_the_radius_of_a_ward_comes_from_its_box_else_its_area() -> None:
    boxed = Unit(
        key=WEST,
        name="Phường 1",
        short_name="1",
        kind="Phường",
        lat=LAT,
        lon=LON,
        bounds=(106.7, 10.8, 106.71, 10.81),
    )
    measured = Unit(
        key=TODAY, name="Phường 2", short_name="2", kind="Phường", lat=LAT, lon=LON, area_km2=np.pi
    )
    unknown = Unit(key=EAST, name="Phường 3", short_name="3", kind="Phường", lat=LAT, lon=LON)

    circles = [ward_circle(unit) for unit in (boxed, measured, unknown)]

    assert circles[0] and circles[0].radius_m == pytest.approx(0.72 * 1559 / 2, rel=0.01)
    assert circles[1] and circles[1].radius_m == pytest.approx(1200)
    assert circles[2] is None


@pytest.fixture(scope="module")
def real(shared: Path) -> list[tuple[str, float, float, bool, bool]]:
    """Half of each street of the real addresses learnt, the other half asked, and the other way round."""
    city = City.of(load_registry(["79"]))
    asked = cases(city, read_rows(city, shared / "data" / "addresses" / ADDRESSES.name))
    return [
        (
            case.asks,
            case.error_m,
            case.hit.uncertainty_m,
            bool(case.hit.former) and case.hit.former[0].unit == case.row.point.former,
            case.row.split and case.hit.today[0].unit != case.row.point.today,
        )
        for case in asked
        if case.hit and case.hit.uncertainty_m is not None
    ]


def test_half_of_the_real_addresses_place_the_other_half(
    real: list[tuple[str, float, float, bool, bool]],
) -> None:
    errors = [error for asks, error, *_ in real if asks == "ward"]
    assert np.median(errors) < 200


def test_nine_in_ten_real_addresses_lie_within_the_radius(
    real: list[tuple[str, float, float, bool, bool]],
) -> None:
    inside = [error <= radius for _, error, radius, *_ in real]
    assert 0.88 < np.mean(inside) < 0.97


def test_a_share_is_right_about_as_often_as_it_says(shared: Path) -> None:
    city = City.of(load_registry(["79"]))
    asked = cases(city, read_rows(city, shared / "data" / "addresses" / ADDRESSES.name))
    first = [
        (case.hit.former[0].share, case.hit.former[0].unit == case.row.point.former)
        for case in asked
        if case.asks == "district" and case.hit and case.hit.former and case.row.point.former
    ]
    assert np.mean([right for _, right in first]) == pytest.approx(
        np.mean([share for share, _ in first]), abs=0.08
    )
    assert np.mean([right for share, right in first if share >= 0.9]) > 0.9


def test_street_and_district_find_the_ward(real: list[tuple[str, float, float, bool, bool]]) -> None:
    right = [ward for asks, _, _, ward, _ in real if asks == "district"]
    assert np.mean(right) > 0.6
