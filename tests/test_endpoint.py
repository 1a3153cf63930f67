"""A geocoder of the deployment's own, over real sockets; the server here speaks as Nominatim and Photon do."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog

from geodata.endpoint import OUTSIDE_WORDS, Answer, Endpoint, EndpointError
from geodata.streets import Circle
from geodata.types import PlaceLevel
from surveillance.pipeline import Context
from tests.ingest_files import Desk, person

WARD = Circle(10.7765, 106.7030, 900.0)
HOUSE = (10.7731, 106.7040)


@dataclass
class Server:
    """What the server got and what it says."""

    port: int = 0
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    says: Callable[[str], tuple[int, Any]] = lambda path: (200, [])
    slow_s: float = 0.0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(parse_qs(urlsplit(self.path).query))
            time.sleep(state.slow_s)
            status, content = state.says(self.path)
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Location", "http://192.0.2.1/search")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = running.server_address[1]
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield state
    running.shutdown()
    running.server_close()


def nominatim(
    lat: float = HOUSE[0], lon: float = HOUSE[1], *, house: str | None = "12", road: str = "Đường Lê Lợi"
) -> dict[str, Any]:
    address = {"road": road, "city": "Thành phố Hồ Chí Minh"} | ({"house_number": house} if house else {})
    box = [str(x) for x in (lat - 0.001, lat + 0.001, lon - 0.001, lon + 0.001)]
    return {"lat": str(lat), "lon": str(lon), "boundingbox": box, "category": "place", "address": address}


def photon(
    lat: float = HOUSE[0], lon: float = HOUSE[1], *, house: str | None = "12", street: str = "Lê Lợi"
) -> dict[str, Any]:
    about = (
        {"osm_key": "place", "type": "house", "housenumber": house, "street": street}
        if house
        else {
            "osm_key": "highway",
            "type": "street",
            "name": street,
            "extent": [lon - 0.001, lat, lon, lat - 0.001],
        }
    )
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": about}


def collection(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def test_nominatim_finds_the_house(server: Server) -> None:
    server.says = lambda _: (200, [nominatim(house="10"), nominatim()])

    found = Endpoint(url=server.url("/search")).find("Lê Lợi", "12", WARD)

    assert found is not None and found[:3] == (*HOUSE, PlaceLevel.STREET)
    assert 100 <= found.uncertainty_m <= 250
    (query,) = server.asked
    assert query["q"] == ["12 Lê Lợi"] and query["bounded"] == ["1"]
    west, south, east, north = (float(x) for x in query["viewbox"][0].split(","))
    assert west < WARD.lon < east and south < WARD.lat < north


def test_photon_finds_the_house(server: Server) -> None:
    server.says = lambda _: (200, collection(photon()))
    found = Endpoint(url=server.url("/api")).find("LE LOI", "12", WARD)
    assert found is not None and found[:2] == HOUSE


@pytest.mark.parametrize(
    ("path", "street"), [("/search", nominatim(house=None)), ("/api", photon(house=None))]
)
def test_without_the_house_the_street_is_taken_with_a_wider_radius(
    server: Server, path: str, street: dict[str, Any]
) -> None:
    server.says = lambda _: (200, [street] if path == "/search" else collection(street))
    found = Endpoint(url=server.url(path)).find("Lê Lợi", "12", WARD)
    assert found is not None and found.uncertainty_m > 300


@pytest.mark.parametrize(
    "row",
    [nominatim(lat=10.9), nominatim(road="Hàm Nghi"), nominatim(house="14")],
    ids=["outside the ward", "another street", "another house"],
)
def test_what_was_not_asked_for_is_not_taken(server: Server, row: dict[str, Any]) -> None:
    server.says = lambda _: (200, [row])
    assert Endpoint(url=server.url("/search")).find("Lê Lợi", "12", WARD) is None


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, b"broken"),
        (302, b""),
        (200, b"<html>12 Le Loi</html>"),
        (200, b'{"error": "x"}'),
        (200, b"[1, 2]"),
        (200, b"x" * 1_100_000),
    ],
)
def test_a_broken_server_is_no_answer_and_no_error(server: Server, status: int, content: bytes) -> None:
    server.says = lambda _: (status, content)
    assert Endpoint(url=server.url("/search")).find("Lê Lợi", "12", WARD) is None


def test_the_same_question_is_asked_once(server: Server) -> None:
    server.says = lambda _: (200, [nominatim()])
    endpoint = Endpoint(url=server.url("/search"))
    assert endpoint.find("Lê Lợi", "12", WARD) == endpoint.find("LÊ LỢI", "12", WARD)
    assert len(server.asked) == 1


def test_after_failures_in_a_row_the_server_is_left_alone_for_a_while(server: Server) -> None:
    server.says = lambda _: (500, b"")
    now = [0.0]
    endpoint = Endpoint(url=server.url("/search"), clock=lambda: now[0])
    for number in range(20):
        endpoint.find("Lê Lợi", str(number), WARD)
    assert len(server.asked) == 5

    now[0] = 61.0
    server.says = lambda _: (200, [nominatim()])

    assert isinstance(endpoint.find("Lê Lợi", "12", WARD), Answer)


def test_a_slow_server_is_not_waited_for(server: Server) -> None:
    server.slow_s = 1.0
    server.says = lambda _: (200, [nominatim()])
    assert Endpoint(url=server.url("/search"), timeout_s=0.2).find("Lê Lợi", "12", WARD) is None


def test_logs_say_nothing_of_the_address(server: Server) -> None:
    server.says = lambda path: (500, path.encode())
    endpoint = Endpoint(url=server.url("/search"))
    with structlog.testing.capture_logs() as logs:
        for number in range(5):
            endpoint.find("Lê Lợi", f"99{number}", WARD)
    assert [entry["event"] for entry in logs] == ["geocoder.resting"]
    assert not any(word in str(logs) for word in ("Lợi", "L%C3", "99", str(server.port)))


@pytest.mark.parametrize(
    "url", ["http://8.8.8.8/search", "https://1.1.1.1/api", "http://[2001:4860:4860::8888]/search"]
)
def test_a_public_host_is_refused_until_the_setting_says_so_in_so_many_words(url: str) -> None:
    with pytest.raises(EndpointError) as refused:
        Endpoint(url=url)
    assert OUTSIDE_WORDS in str(refused.value)
    assert Endpoint(url=url, outside=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/search",
        "http://0.0.0.0/search",
        "http://100.64.0.1/api",
        "http://224.0.0.1/api",
    ],
)
def test_addresses_that_are_neither_private_nor_this_machine_are_refused(url: str) -> None:
    with pytest.raises(EndpointError):
        Endpoint(url=url)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/search", "http://10.1.2.3/api", "http://[::1]:8080/search", "http://localhost/api"],
)
def test_private_hosts_are_accepted(url: str) -> None:
    assert Endpoint(url=url)


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/search", "127.0.0.1/search", "http://127.0.0.1/", "file:///search"]
)
def test_another_kind_of_url_is_refused(url: str) -> None:
    with pytest.raises(EndpointError):
        Endpoint(url=url)


def test_a_name_that_moves_out_of_the_network_later_is_not_asked(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.says = lambda _: (200, [nominatim()])
    endpoint = Endpoint(url=f"http://localhost:{server.port}/search")
    public = [(2, 1, 6, "", ("93.184.216.34", server.port))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: public)

    assert endpoint.find("Lê Lợi", "12", WARD) is None
    assert server.asked == []


# --- in the pipeline -------------------------------------------------------------------------------------------------


def with_endpoint(desk: Desk, url: str, outside: str = "") -> Context:
    settings = replace(desk.context.settings, geocoder_url=url, geocoder_outside=outside)
    return replace(desk.context, settings=settings)


def test_a_case_on_a_street_nobody_knows_is_placed_by_the_endpoint(
    desk: Desk, server: Server, tmp_path: Path
) -> None:
    server.says = lambda _: (200, [nominatim(10.7745, 106.7040)])
    asking = Desk(desk.engine, with_endpoint(desk, server.url("/search")))

    asking.take([person(1)])

    (case,) = asking.versions()
    assert case.place_level == "street" and case.place_rule == "Máy chủ định vị nội bộ"
    assert case.uncertainty_m is not None and case.uncertainty_m < 250
    assert server.asked[0]["q"] == ["12 LE LOI"]


def test_without_the_setting_nobody_is_asked(desk: Desk, server: Server) -> None:
    desk.take([person(1)])
    assert server.asked == [] and desk.context.endpoint is None


def test_a_setting_that_would_send_addresses_out_stops_the_start(desk: Desk) -> None:
    context = with_endpoint(desk, "http://8.8.8.8/search", outside="yes")
    with pytest.raises(EndpointError):
        _ = context.endpoint
    assert with_endpoint(desk, "http://8.8.8.8/search", outside=OUTSIDE_WORDS).endpoint is not None
