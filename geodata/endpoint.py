"""A Nominatim or Photon server of the deployment's own, asked for houses that nothing here knows.

An address is a patient's: it leaves for hosts of this machine or this private network only, unless the setting says in
so many words that it may leave them. Off unless set; slow or broken, it is left alone for a while.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import cos, radians
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlencode, urlsplit

import structlog

from geodata.coordinates import METRES_PER_DEGREE
from geodata.street_block import Circle
from geodata.street_names import house_key, street_key
from geodata.street_points import distance_m
from geodata.street_radius import Evidence, Method, radius_m
from geodata.types import PlaceLevel
from i18n import Message, MessageError

RULE = "Máy chủ định vị nội bộ"
OUTSIDE_WORDS = "addresses may leave this network"
"""What CANHDICH_GEOCODER_OUTSIDE must say for a host that is not private."""

_PRIVATE = tuple(
    ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
_FAILURES = 5
_REST_S = 60.0
_MOST_BYTES = 1_000_000
_CACHE_LIMIT = 50_000

log = structlog.get_logger()


class EndpointError(MessageError, ValueError):
    """An endpoint that must not be asked; the text says why and how to mend it."""


class Answer(NamedTuple):
    lat: float
    lon: float
    level: PlaceLevel
    uncertainty_m: float


class _Place(NamedTuple):
    """One result as both servers tell it. `box`: (south, west, north, east) of a street."""

    lat: float
    lon: float
    street: str
    house: str | None
    box: tuple[float, float, float, float] | None


@dataclass(eq=False, kw_only=True)
class Endpoint:
    """`url` ends in /search (Nominatim) or /api (Photon). Raises EndpointError for another one, and for a host that is
    not private unless `outside`; a name is looked up anew for each request, so it cannot move away later."""

    url: str = field(repr=False)
    timeout_s: float = 2.0
    outside: bool = False
    clock: Callable[[], float] = time.monotonic
    _failed: int = field(default=0, init=False)
    _resting_until: float = field(default=0.0, init=False)
    _cache: dict[tuple[str, str | None, Circle], Answer | None] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        parts = self._parts()
        if parts.scheme not in ("http", "https") or not parts.hostname or self._reader() is None:
            raise EndpointError(
                Message(
                    "CANHDICH_GEOCODER_URL phải là địa chỉ http(s) kết thúc bằng /search (Nominatim) "
                    "hoặc /api (Photon)."
                )
            )
        try:
            _address_of(parts, self.outside)
        except OSError:
            log.warning("geocoder.not_found")

    def find(self, street: str, house: str | None, around: Circle) -> Answer | None:
        """The house, else the street, within the ward's circle; None when the server knows neither, names another
        street, lies outside the ward, does not answer, or has moved to a host that is not private."""
        asked = (street_key(street), house, around)
        if asked in self._cache:
            return self._cache[asked]
        if self.clock() < self._resting_until:
            return None
        try:
            places = list(self._ask(street, house, around))
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError) as error:
            self._note_failure(type(error).__name__)
            return None
        self._failed = 0
        if len(self._cache) >= _CACHE_LIMIT:
            self._cache.clear()
        answer = self._cache[asked] = _best(places, street, house, around)
        return answer

    def _note_failure(self, kind: str) -> None:
        """Only the kind is told: an error's own words may quote the address."""
        self._failed += 1
        if self._failed >= _FAILURES:
            self._resting_until = self.clock() + _REST_S
            log.warning("geocoder.resting", kind=kind, seconds=_REST_S)

    def _ask(self, street: str, house: str | None, around: Circle) -> Iterator[_Place]:
        reader = self._reader()
        assert reader
        parts = self._parts()
        words = f"{house} {street}" if house else street
        query = _nominatim_query(words, around) if reader is _nominatim else _photon_query(words, around)
        connection = self._connection(parts)
        try:
            connection.request(
                "GET", f"{parts.path}?{urlencode(query)}", headers={"Accept": "application/json"}
            )
            response = connection.getresponse()
            content = response.read(_MOST_BYTES + 1)
        finally:
            connection.close()
        if response.status != 200 or len(content) > _MOST_BYTES:
            raise http.client.HTTPException
        yield from reader(json.loads(content))

    def _connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        """To the address that was checked, not to whatever the name says a moment later."""
        address, port = _address_of(parts, self.outside)
        sock = socket.create_connection((str(address), port), self.timeout_s)
        if parts.scheme == "https":
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=parts.hostname)
        connection = http.client.HTTPConnection(parts.netloc.rpartition("@")[2], timeout=self.timeout_s)
        connection.sock = sock
        return connection

    def _parts(self) -> SplitResult:
        return urlsplit(self.url)

    def _reader(self) -> Callable[[Any], Iterator[_Place]] | None:
        path = self._parts().path.rstrip("/")
        return _nominatim if path.endswith("/search") else _photon if path.endswith("/api") else None


def _address_of(parts: SplitResult, outside: bool) -> tuple[IPv4Address | IPv6Address, int]:
    """Address and port of the host. Raises EndpointError when any address of it is not private, OSError when it has
    none."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = [_plain(ip_address(str(item[4][0]).partition("%")[0])) for item in found]
    if not outside and not all(
        any(x in net for net in _PRIVATE if net.version == x.version) for x in addresses
    ):
        raise EndpointError(
            Message(
                "CANHDICH_GEOCODER_URL không nằm trong mạng nội bộ: địa chỉ người bệnh không được gửi ra ngoài. "
                "Hãy dùng máy chủ nội bộ, hoặc đặt CANHDICH_GEOCODER_OUTSIDE=“{words}” nếu đã được phép.",
                words=OUTSIDE_WORDS,
            )
        )
    return addresses[0], port


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _box(around: Circle) -> tuple[float, float, float, float]:
    """(west, south, east, north)"""
    north = around.radius_m / METRES_PER_DEGREE
    east = north / cos(radians(around.lat))
    return around.lon - east, around.lat - north, around.lon + east, around.lat + north


def _nominatim_query(words: str, around: Circle) -> dict[str, Any]:
    box = ",".join(f"{x:.6f}" for x in _box(around))
    return {"q": words, "format": "jsonv2", "addressdetails": 1, "limit": 10, "viewbox": box, "bounded": 1}


def _photon_query(words: str, around: Circle) -> dict[str, Any]:
    box = ",".join(f"{x:.6f}" for x in _box(around))
    return {"q": words, "limit": 10, "bbox": box, "lat": around.lat, "lon": around.lon}


def _nominatim(found: Any) -> Iterator[_Place]:
    for row in found:
        address: Mapping[str, str] = row.get("address", {})
        south, north, west, east = (float(x) for x in row["boundingbox"])
        if road := address.get("road") or address.get("pedestrian"):
            house = address.get("house_number")
            yield _Place(float(row["lat"]), float(row["lon"]), road, house, (south, west, north, east))


def _photon(found: Any) -> Iterator[_Place]:
    for feature in found["features"]:
        lon, lat = feature["geometry"]["coordinates"][:2]
        about: Mapping[str, Any] = feature["properties"]
        house = about.get("housenumber")
        street = about.get("street") or (about.get("name") if about.get("osm_key") == "highway" else None)
        extent = about.get("extent")
        box = (extent[3], extent[0], extent[1], extent[2]) if extent else None
        if street:
            yield _Place(float(lat), float(lon), street, house, box)


def _best(places: list[_Place], street: str, house: str | None, around: Circle) -> Answer | None:
    """The very house before the street; another street, another house, or a place outside the ward is no answer."""
    inside = [
        place
        for place in places
        if street_key(place.street) == street_key(street)
        and distance_m(place[:2], around[:2]) <= around.radius_m
    ]
    for place in inside:
        if house and place.house and house_key(place.house) == house_key(house):
            known = Evidence(Method.KNOWN, 0.0, 0, 0.0, 1, 0)
            return Answer(place.lat, place.lon, PlaceLevel.STREET, round(radius_m(known)))
    for place in inside:
        if place.house is None:
            return Answer(place.lat, place.lon, PlaceLevel.STREET, _street_radius(place, around))
    return None


def _street_radius(place: _Place, around: Circle) -> float:
    """To the far end of the piece of street, but no further than the ward reaches."""
    ward = distance_m(place[:2], around[:2]) + around.radius_m
    if place.box is None:
        return round(ward)
    south, west, north, east = place.box
    corners = [(lat, lon) for lat in (south, north) for lon in (west, east)]
    return round(min(ward, max(distance_m(place[:2], corner) for corner in corners) + ward / 2))
