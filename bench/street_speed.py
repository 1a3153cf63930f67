"""A city's book of streets: how long it takes to load, what it weighs, and how many look-ups a second it answers.

    python -m bench.street_speed [--streets 20000] [--points 15]

Streets are made up (seeded): names of three or four syllables, half their points numbered houses and half points of
their line, over 300 old wards and 24 districts. Rates are by time on the processor: others work on this machine too.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from geodata.registry import LEGACY_FROM, REFORM
from geodata.streets import Source, StreetBook, StreetPoint
from geodata.types import UnitKey, UnitLevel

SYLLABLES = ("an", "binh", "cao", "dinh", "duc", "giang", "ha", "hung", "lan", "le", "loi", "minh", "nam", "nguyen",
             "phuc", "quang", "son", "tan", "thanh", "tran", "trung", "tuan", "van", "vinh", "xuan", "yen")  # fmt: skip
DISTRICTS = [UnitKey(UnitLevel.DISTRICT, str(760 + i), LEGACY_FROM) for i in range(24)]
OLD = [UnitKey(UnitLevel.COMMUNE, str(26000 + i), LEGACY_FROM) for i in range(300)]
NEW = [UnitKey(UnitLevel.COMMUNE, str(26000 + i), REFORM) for i in range(168)]


def names_of(streets: int, rng: random.Random) -> list[str]:
    names: set[str] = set()
    while len(names) < streets:
        names.add(" ".join(rng.choice(SYLLABLES) for _ in range(rng.choice((3, 4, 4)))))
    return sorted(names)


def points_of(names: list[str], each: int, rng: random.Random) -> Iterator[StreetPoint]:
    for name in names:
        district, ward = rng.randrange(24), rng.randrange(300)
        lat, lon = 10.7 + rng.random() * 0.3, 106.5 + rng.random() * 0.3
        for i in range(each):
            number = rng.randrange(1, 400)
            at = (lat + number * 1e-5, lon + number * 1e-5)
            units = (
                OLD[(ward + number // 200) % 300],
                NEW[(ward + number // 200) % 168],
                DISTRICTS[district],
            )
            house, source = (str(number), Source.HOUSE) if i % 2 else (None, Source.LINE)
            yield StreetPoint(name, *at, house, *units, source)


def memory_mb() -> float:
    """Resident now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def ask(path: Path, names: list[str], asked: int = 20_000) -> None:
    """In a process of its own, so that memory is that of loading and asking alone."""
    rng, empty = random.Random(2), memory_mb()
    start = time.perf_counter()
    book = StreetBook.load(path)
    loaded, size = time.perf_counter() - start, path.stat().st_size / 1e6
    print(f"load {loaded:.2f} s, +{memory_mb() - empty:.0f} MB, file {size:.1f} MB")
    questions = []
    for name in rng.choices(names, k=asked):
        street = book.streets[name.replace(" ", "").replace("y", "i")][0]
        units = (book.units[street.block.former[street.start]], book.units[street.district])
        questions.append((name, str(rng.randrange(1, 400)), *units))
    for title, ward, house in (
        ("ward and number", True, True),
        ("number", False, True),
        ("name alone", False, False),
    ):
        start = time.process_time()
        hits = sum(
            book.locate(name, number if house else None, wards=[old] if ward else [], districts=[district])
            is not None
            for name, number, old, district in questions
        )
        print(f"{title}: {asked / (time.process_time() - start):,.0f}/s, {hits} of {asked} placed")
    print(f"whole process {memory_mb():.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--streets", type=int, default=20_000)
    parser.add_argument("--points", type=int, default=15)
    parser.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    rng = random.Random(1)
    names = names_of(chosen.streets, rng)
    if chosen.ask:
        ask(chosen.ask, names)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "streets.npz"
        start = time.perf_counter()
        StreetBook.build(points_of(names, chosen.points, rng)).save(path)
        print(f"build and save {time.perf_counter() - start:.1f} s")
        command = [
            sys.executable,
            "-m",
            "bench.street_speed",
            "--streets",
            str(chosen.streets),
            "--ask",
            str(path),
        ]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
