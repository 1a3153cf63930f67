"""Cases as vector tiles: what each reader may see of them, how their places are told honestly, and what is kept."""

from __future__ import annotations

import math
import re
import struct
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dash import Dash
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from accounts.models import AccessLog, Role
from db import session_scope
from geodata.models import AdminUnit
from surveillance.case_cells import FEWEST, hexagons, shown
from surveillance.models import CaseVersion, IngestRun
from surveillance.world import WORLD, to_world
from tests.line_list import Sick, add_cases, evening, supersede
from tests.test_tiles import fields, tile_of
from tests.web_city import Place, SignIn, app, city, client, settings, sign_in
from web.case_layers import CASES, VERIFIED, case_layer

__all__ = ["app", "city", "client", "settings", "sign_in"]
"""Fixtures."""

TODAY = date(2026, 11, 22)
HERE, THERE = (106.62, 10.72), (106.67, 10.72)
"""In “Ô 0”, and in “Ô 1” for which the officer answers."""
COMMUNE = (106.625, 10.725)
QUERY = "disease=dengue&days=28"
Feature = dict[str, Any]


def house(where: tuple[float, float], unit: int, **facts: Any) -> Sick:
    geom = f"SRID=4326;POINT({where[0]} {where[1]})"
    told = {"place_level": "house", "geom": geom, "uncertainty_m": 20.0, "verification": None, **facts}
    return Sick(day=TODAY - timedelta(days=3), unit_id=unit, facts=told)


def only_commune(unit: int) -> Sick:
    told = {"place_level": "commune", "geom": None, "uncertainty_m": None, "verification": None}
    return Sick(day=TODAY - timedelta(days=3), unit_id=unit, facts=told)


@pytest.fixture(scope="module")
def sick(engine: Engine, city: dict[str, Place]) -> list[int]:
    """3 cases in one house of “Ô 0”, 6 in one house of “Ô 1” (one verified), 7 of “Ô 0” known only to the commune."""
    here, there = city["Ô 0"].id, city["Ô 1"].id
    with session_scope(engine) as session:
        session.get_one(AdminUnit, here).lon, session.get_one(AdminUnit, here).lat = COMMUNE
        run = session.scalars(select(IngestRun.id)).first()
        assert run is not None
        verified = house(THERE, there, verification=8)
        cases = [*[house(HERE, here)] * 3, *[house(THERE, there)] * 5, verified, *[only_commune(here)] * 7]
        return add_cases(session, run, cases)


def layers_of(data: bytes) -> dict[str, list[Feature]]:
    """Features of each layer with their properties and first position in pixels of the tile (MVT 2.1)."""
    found = {}
    for _tag, layer in fields(data):
        entries = list(fields(layer))
        name = next(value for tag, value in entries if tag == 1).decode()
        keys = [value.decode() for tag, value in entries if tag == 3]
        values = [value_of(value) for tag, value in entries if tag == 4]
        found[name] = [feature(value, keys, values) for tag, value in entries if tag == 2]
    return found


def value_of(data: bytes) -> Any:
    """Of a field whose type the tag tells; floats are 32 bits, which `fields` does not read."""
    tag = data[0] >> 3
    if tag == 2:
        return struct.unpack("<f", data[1:5])[0]
    [(_tag, value)] = fields(data)
    return value.decode() if tag == 1 else value >> 1 if tag == 6 else value


def feature(data: bytes, keys: list[str], values: list[Any]) -> Feature:
    parts = dict(fields(data))
    tags, shape = varints(parts[2]), varints(parts[4])
    told = {keys[a]: values[b] for a, b in zip(tags[::2], tags[1::2], strict=True)}
    return {**told, "at": tuple((n >> 1) ^ -(n & 1) for n in shape[1:3])}


def varints(data: bytes) -> list[int]:
    found, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append(value)
            value = shift = 0
    return found


def tile(
    client: FlaskClient, where: tuple[float, float], z: int, query: str = QUERY
) -> dict[str, list[Feature]]:
    z, x, y = tile_of(*where, z)
    answer = client.get(f"/t/cases/{z}/{x}/{y}?{query}&v=1")
    assert answer.status_code == 200
    return layers_of(answer.data)


def counts(features: list[Feature]) -> list[int]:
    return sorted(each["n"] for each in features)


@pytest.mark.usefixtures("sick")
class TestReaders:
    def test_an_analyst_sees_every_case_and_cases_at_one_position_together(self, sign_in: SignIn) -> None:
        reader = sign_in("analyst")
        [one] = tile(reader, HERE, 14)["cases"]
        [other] = tile(reader, THERE, 14)["cases"]
        assert (one["n"], other["n"]) == (3, 6)
        assert one["text"].splitlines()[0].endswith("3 ca cùng một điểm")
        assert "±20 m" in one["text"] and "1 ca đã xác minh" in other["text"]

    def test_an_officer_sees_single_cases_of_the_own_communes_only(self, sign_in: SignIn) -> None:
        reader = sign_in("officer")
        assert counts(tile(reader, THERE, 12)["cases"]) == [6]
        assert "cases" not in tile(reader, HERE, 14)

    def test_a_manager_sees_no_case_singly_and_no_cell_of_few(self, sign_in: SignIn) -> None:
        reader = sign_in("manager")
        near = tile(reader, THERE, 12)
        assert "cases" not in near
        assert set(counts(near["cells"])) == {6}
        assert "cells" not in tile(reader, HERE, 14)

    def test_a_case_outside_the_own_area_is_hidden_in_a_cell_of_few(self, sign_in: SignIn) -> None:
        assert counts(tile(sign_in("officer"), HERE, 11)["cell_labels"]) == [6]
        assert counts(tile(sign_in("analyst"), HERE, 11)["cell_labels"]) == [3, 6]

    def test_nobody_without_an_account_gets_a_tile(self, client: FlaskClient) -> None:
        assert client.get("/t/cases/12/3261/1925").status_code in (302, 401)


@pytest.mark.usefixtures("sick")
def test_a_case_known_to_its_commune_is_told_at_the_communes_point_and_never_as_a_house(
    sign_in: SignIn,
) -> None:
    found = tile(sign_in("analyst"), HERE, 13)
    assert counts(found["communes"]) == [7] and counts(found["cases"]) == [3]
    size = 2**13
    x, y = (
        (1 + COMMUNE[0] / 180) / 2 * size,
        (1 - math.asinh(math.tan(math.radians(COMMUNE[1]))) / math.pi) / 2 * size,
    )
    assert found["communes"][0]["at"] == pytest.approx((x % 1 * 4096, y % 1 * 4096), abs=1)


@pytest.mark.usefixtures("sick")
def test_far_away_the_coarse_cells_hold_all_cases_once(sign_in: SignIn) -> None:
    for z in (5, 7, 8):
        found = tile(sign_in("analyst"), HERE, z)
        assert "communes" not in found and "cases" not in found
        assert sum(counts(found["cell_labels"])) == 16


@pytest.mark.usefixtures("sick")
def test_the_verified_are_a_layer_of_their_own(sign_in: SignIn) -> None:
    assert counts(tile(sign_in("analyst"), THERE, 12, QUERY + "&status=verified")["cases"]) == [1]


@pytest.mark.usefixtures("sick")
def test_a_halo_is_as_wide_as_the_uncertainty_on_the_ground(sign_in: SignIn) -> None:
    [one] = tile(sign_in("analyst"), HERE, 12)["cases"][:1]
    metres_per_pixel = 40_075_016.7 * math.cos(math.radians(HERE[1])) / 512 / 2**12
    assert one["r"] * metres_per_pixel == pytest.approx(20, rel=0.001)


@pytest.mark.usefixtures("sick")
def test_an_unchanged_tile_is_not_sent_again_and_another_reader_has_another(sign_in: SignIn) -> None:
    z, x, y = tile_of(*THERE, 12)
    url = f"/t/cases/{z}/{x}/{y}?{QUERY}"
    analyst, manager = sign_in("analyst"), sign_in("manager")
    first = analyst.get(url)
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert analyst.get(url, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert (
        analyst.get(url + "&metric=rate", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    )
    assert manager.get(url, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize("position", ["15/0/0", "3/8/0", "3/0/8"])
def test_there_is_no_tile_outside_the_pyramid(sign_in: SignIn, position: str) -> None:
    assert sign_in("analyst").get(f"/t/cases/{position}").status_code == 404


def test_reading_single_cases_is_written_down_once_for_a_selection(
    sign_in: SignIn, engine: Engine, sick: list[int]
) -> None:
    with session_scope(engine) as session:
        session.execute(delete(AccessLog))
    reader = sign_in("analyst")
    tile(reader, HERE, 10)
    tile(reader, HERE, 13)
    tile(reader, THERE, 13)
    with session_scope(engine) as session:
        log = session.scalars(select(AccessLog).where(AccessLog.action == "map.cases")).all()
        assert [each.detail for each in log] == [{"query": QUERY}]


def test_what_is_corrected_changes_the_tile_and_the_past_stays(
    sign_in: SignIn, engine: Engine, sick: list[int]
) -> None:
    reader, yesterday = sign_in("analyst"), f"{QUERY}&on={TODAY - timedelta(days=1)}"
    before = tile(reader, HERE, 14, yesterday)
    with session_scope(engine) as session:
        supersede(session, sick[0], evening(TODAY), classification="discarded")
    assert counts(tile(reader, HERE, 14)["cases"]) == [2]
    assert tile(reader, HERE, 14, yesterday) == before
    with session_scope(engine) as session:
        at = evening(TODAY) + timedelta(hours=1)
        supersede(session, sick[0], at, classification="suspected")
        assert session.scalar(select(CaseVersion.known_to).where(CaseVersion.known_from == at)) is None


def test_the_layer_asks_for_what_chooses_cases_and_draws_places_for_those_who_may_see_them(app: Dash) -> None:
    for role, drawn in ((Role.ANALYST, True), (Role.OFFICER, True), (Role.MANAGER, False)):
        with app.server.test_request_context():
            layer = case_layer("light", "disease=dengue&metric=rate&view=table&sex=male", "7-0", role)
        assert layer["tiles"] == "/t/cases/{z}/{x}/{y}?disease=dengue&sex=male&v=7-0"
        sources = {part["source-layer"] for part in layer["styleLayers"]}
        assert ("cases" in sources) == drawn and {"cells", "cell_labels", "communes"} <= sources


def test_the_legend_has_the_colours_of_the_map() -> None:
    css = (Path(__file__).parent.parent / "assets" / "cases.css").read_text(encoding="utf-8")
    light, dark = re.findall(r"\{ (--case-few.*?) \}", css)
    for theme, said in (("light", light), ("dark", dark)):
        for name, inks in (("case", CASES), ("verified", VERIFIED)):
            for part in ("few", "many", "mark"):
                assert f"--{name}-{part}: {getattr(inks[theme], part)};" in said + ";"  # type: ignore[index]


@given(st.floats(106, 107), st.floats(10, 11), st.integers(5, 11))
def test_a_case_is_in_the_hexagon_with_the_nearest_middle(lon: float, lat: float, z: int) -> None:
    x, y = to_world(np.array([lon]), np.array([lat]))
    radius = 24 / 512 * WORLD / 2**z
    cell = hexagons(x, y, np.array([True]), radius)
    own = math.hypot(x[0] - cell.x[0], y[0] - cell.y[0])
    for k in range(6):
        turn = math.radians(60 * k)
        beside = (
            cell.x[0] + math.sqrt(3) * radius * math.cos(turn),
            cell.y[0] + math.sqrt(3) * radius * math.sin(turn),
        )
        assert own <= math.hypot(x[0] - beside[0], y[0] - beside[1]) + 1e-3


@given(st.lists(st.tuples(st.floats(106, 107), st.floats(10, 11)), max_size=60), st.integers(5, 11))
def test_cells_hold_every_case_once_on_one_lattice(found: list[tuple[float, float]], z: int) -> None:
    x, y = to_world(*np.array(found).reshape(-1, 2).T)
    radius = 24 / 512 * WORLD / 2**z
    cells = hexagons(x, y, np.ones(len(x), bool), radius)
    assert cells.n.sum() == len(x)
    row, half_steps = cells.y / (1.5 * radius), cells.x / (math.sqrt(3) * radius / 2)
    assert np.allclose(np.sin(math.pi / 2 * (half_steps - row)), 0, atol=1e-4)


@given(st.integers(0, 20), st.integers(0, 20))
def test_other_peoples_cases_are_told_only_when_they_are_not_few(single: int, others: int) -> None:
    told = int(shown(np.array([single]), np.array([single + others]))[0])
    assert told == (single + others if others >= FEWEST else single)
