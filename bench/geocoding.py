"""Accuracy, honesty and speed of the geocoder on real addresses, with its peers run beside it on the same rows.

    python -m bench.geocoding            needs ../shared; installs the peers in .local/bench-peers (never imported here)

Rows: the public part of ../shared/data/addresses. "Names its ward": the text holds the name of the ward the point lies
in (by the wards of 2019 or January 2025), so text and truth agree; the others test abstaining. Two typos: at two random
letters (or any characters) one is changed, dropped, doubled in or swapped with the next. Prints Markdown and one JSON
line; asserts nothing.
"""

from __future__ import annotations

import csv
import json
import random
import re
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from geodata.address import parse
from geodata.geocode_files import Geocoder
from geodata.resolve import NO_COMMUNE
from geodata.street_points import distance_m
from geodata.streets import StreetBook, StreetPoint, street_key
from geodata.text import fold, strip_accents
from geodata.types import Match, PlaceLevel, UnitKey, UnitLevel

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared/data"
PEERS = ROOT / ".local/bench-peers"
PEER_PACKAGES = ("vietnamadminunits==1.0.4", "vn-address-converter==0.1.3")
TODAY = date(2026, 5, 1)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PROVINCE = re.compile(
    r"[,\-\s]*(?:(?:thành phố|tp|t\.p)\.?\s*)?(?:hcm|hồ chí minh|ho chi minh city)\b(?:,?\s*vi[eệ]t\s?nam)?",
    re.I,
)
DISTRICT_CODES = {"Quận 2": "769", "Quận 9": "769", "Quận Thủ Đức": "769"}

Row = dict[str, str]
Answer = tuple[str | None, str | None, str | None]
"""Codes of the old ward, the old district and the commune of today."""


def typos(text: str, rng: random.Random, *, letters: bool) -> str:
    for _ in range(2):
        at = rng.choice([i for i, c in enumerate(text) if c.isalpha() or not letters])
        other = rng.choice(LETTERS)
        match rng.randrange(4):
            case 0:
                text = text[:at] + other + text[at + 1 :]
            case 1:
                text = text[:at] + text[at + 1 :]
            case 2:
                text = text[:at] + other + text[at:]
            case _:
                text = text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]
    return text


VARIANTS: dict[str, Callable[[str, random.Random], str]] = {
    "as written": lambda text, _: text,
    "without accents": lambda text, _: strip_accents(text),
    "without commas": lambda text, _: text.replace(",", " "),
    "two typos, letters": lambda text, rng: typos(text, rng, letters=True),
    "two typos, any character": lambda text, rng: typos(text, rng, letters=False),
    "without province": lambda text, _: PROVINCE.sub("", text),
}


def names_ward(row: Row) -> bool:
    text = f" {fold(row['address'])} "
    for name in (row["ward322_name"], row["named_273"]):
        words = re.sub(r"\b0+(?=\d)", "", fold(name))
        bare = re.sub(r"^(?:phuong|xa|thi tran) ", "", words)
        kinds = r"(?:phuong|phg|p|f|ward|xa|x|thi tran|tt)"
        if re.search(rf" {kinds} ?0?{bare} | {bare} (?:ward|commune) ", text):
            return True
    return False


def ours(geocoder: Geocoder, texts: Sequence[str]) -> tuple[list[Answer], float]:
    began = time.process_time()
    matches = [geocoder.match(text) for text in texts]
    took = time.process_time() - began
    return [answer(match) for match in matches], len(texts) / took


def answer(match: Match) -> Answer:
    unit = None if match.estimated else match.unit
    former = match.former if match.former and match.former.level is UnitLevel.COMMUNE else None
    return code(former), code(match.district), code(unit)


def code(key: UnitKey | None) -> str | None:
    return key.code if key else None


def peers(texts: Sequence[str]) -> dict[str, tuple[list[Answer], float]]:
    """The peers' answers, from an interpreter of their own."""
    python = PEERS / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PEER_PACKAGES], check=True)
    script = Path(__file__).with_name("geocoding_peers.py")
    done = subprocess.run(
        [str(python), str(script)], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    return {
        name: ([tuple(x) for x in found], speed) for name, (found, speed) in json.loads(done.stdout).items()
    }


def shares(answers: Sequence[Answer], truth: Sequence[str], at: int) -> dict[str, float]:
    """Right, wrong and abstained, in percent."""
    counts = Counter(
        "abstained" if not found[at] else "right" if found[at] == wanted else "wrong"
        for found, wanted in zip(answers, truth, strict=True)
    )
    return {kind: round(100 * counts[kind] / len(truth), 2) for kind in ("right", "wrong", "abstained")}


def units(rows: Sequence[Row], geocoder: Geocoder, splits: set[str], told: dict[str, Any]) -> None:
    named = [row for row in rows if row["ward273_code"] and names_ward(row)]
    whole = [row["ward273_code"] not in splits for row in named]
    print(
        f"\n{len(named)} rows whose text names the ward of the point ({sum(whole)} in wards that were not split)\n"
    )
    print(
        "| text | who | old ward right | wrong | abstained | district right | today, not split, right | wrong | per s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, change in VARIANTS.items():
        rng = random.Random(7)
        texts = [change(row["address"], rng) for row in named]
        answers = {"ours": ours(fresh(geocoder), texts), **peers(texts)}
        for who, (found, speed) in answers.items():
            old = shares(found, [row["ward273_code"] for row in named], 0)
            district = shares(found, [district_code(row) for row in named], 1)
            kept = [(f, row["new_ward_code"]) for f, row, w in zip(found, named, whole, strict=True) if w]
            today = shares([f for f, _ in kept], [w for _, w in kept], 2)
            told[f"{who}, {name}"] = {"old": old, "district": district, "today_not_split": today}
            print(
                f"| {name} | {who} | {old['right']} | {old['wrong']} | {old['abstained']} | {district['right']} "
                f"| {today['right']} | {today['wrong']} | {speed:,.0f} |"
            )


def district_code(row: Row) -> str:
    return DISTRICT_CODES.get(row["district_pre2021"], row["district_code"])


def fresh(geocoder: Geocoder, streets: StreetBook | None = None) -> Geocoder:
    """With empty caches, so that no answer is remembered."""
    geocoder.gazetteer.cache.clear()
    return Geocoder(gazetteer=geocoder.gazetteer, streets=streets, today=TODAY)


def taught(rows: Iterable[Row], geocoder: Geocoder) -> StreetBook:
    units_ = geocoder.gazetteer.units
    old = {key.code: key for key in units_ if key.level is UnitLevel.COMMUNE and units_[key].valid_to}
    new = {key.code: key for key in units_ if key.level is UnitLevel.COMMUNE and not units_[key].valid_to}
    points = []
    for row in rows:
        parts = parse(row["address"], geocoder.gazetteer.vocabulary)
        former = old.get(row["ward273_code"])
        if parts.street:
            points.append(
                StreetPoint(
                    parts.street,
                    float(row["lat"]),
                    float(row["lon"]),
                    parts.house,
                    former,
                    new.get(row["new_ward_code"]),
                    units_[former].parent if former else None,
                )
            )
    return StreetBook.build(points)


def positions(rows: Sequence[Row], geocoder: Geocoder, told: dict[str, Any]) -> None:
    by_street: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_street[street_key(row["street_key"] or row["address"])].append(row)
    keys = sorted(by_street)
    random.Random(3).shuffle(keys)
    one = [row for key in keys[::2] for row in by_street[key]]
    other = [row for key in keys[1::2] for row in by_street[key]]
    odd = [row for key in keys for row in by_street[key][::2]]
    even = [row for key in keys for row in by_street[key][1::2]]
    print("\n| streets learnt from | asked for | rows | level | n | median m | 90 % m | within radius |")
    print("|---|---|---|---|---|---|---|---|")
    for title, learnt, asked in (
        ("nothing", "all rows", rows),
        ("half of the streets", "the same half", one),
        ("half of the streets", "the other half", other),
        ("every other row of each street", "the rows between", even),
    ):
        pool = {"nothing": [], "half of the streets": one}.get(title, odd)
        book = taught(pool, geocoder) if pool else None
        began = time.process_time()
        finder = fresh(geocoder, book)
        matches = [finder.match(row["address"]) for row in asked]
        speed = len(asked) / (time.process_time() - began)
        told[f"{title} → {learnt}"] = {"per_s": round(speed), **placed(title, learnt, asked, matches)}
    without_ward(even, fresh(geocoder), fresh(geocoder, taught(odd, geocoder)), told)


def placed(title: str, asked: str, rows: Sequence[Row], matches: Sequence[Match]) -> dict[str, Any]:
    errors: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for row, match in zip(rows, matches, strict=True):
        if match.lat is not None and match.lon is not None and match.uncertainty_m:
            error = distance_m((float(row["lat"]), float(row["lon"])), (match.lat, match.lon))
            errors[match.level.value].append((error, error <= match.uncertainty_m))
    told = {}
    for level, found in sorted(errors.items()):
        away = [item[0] for item in found]
        inside = sum(item[1] for item in found) / len(found)
        told[level] = {
            "n": len(found),
            "median_m": round(statistics.median(away)),
            "inside": round(inside, 3),
        }
        print(
            f"| {title} | {asked} | {len(rows)} | {level} | {len(found)} | {statistics.median(away):.0f} "
            f"| {sorted(away)[int(0.9 * len(away))]:.0f} | {inside:.1%} |"
        )
    return told


def without_ward(rows: Sequence[Row], plain: Geocoder, streets: Geocoder, told: dict[str, Any]) -> None:
    """Rows that name a street and a district only, and rows in wards that were split, with streets learnt."""
    pairs = [(row, plain.match(row["address"]), streets.match(row["address"])) for row in rows]
    lacking = [
        (row, answer(found)) for row, bare, found in pairs if bare.rule == NO_COMMUNE and row["ward273_code"]
    ]
    split = [
        (row, answer(found))
        for row, bare, found in pairs
        if bare.estimated and found.level in (PlaceLevel.HOUSE, PlaceLevel.STREET)
    ]
    told["no ward, streets learnt"] = {
        "rows": len(lacking),
        "old_ward": shares([a for _, a in lacking], [row["ward273_code"] for row, _ in lacking], 0),
        "today": shares([a for _, a in lacking], [row["new_ward_code"] for row, _ in lacking], 2),
    }
    told["split wards, street known"] = {
        "rows": len(split),
        "today": shares([a for _, a in split], [row["new_ward_code"] for row, _ in split], 2),
    }
    for name in ("no ward, streets learnt", "split wards, street known"):
        print(f"\n{name}: {told[name]}")


def start_and_memory(told: dict[str, Any]) -> None:
    source, target = ROOT / ".local/bench-one.csv", ROOT / ".local/bench-out.csv"
    source.parent.mkdir(exist_ok=True)
    source.write_text("address\n12 Lê Lợi\n", encoding="utf-8")
    command = [sys.executable, str(ROOT / "app.py"), "geocode", str(source), "--out", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    clock = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told["start_s"] = {"clock": round(clock, 2), "processor": round(after.ru_utime - before.ru_utime, 2)}


def repeats(rows: Sequence[Row], geocoder: Geocoder, told: dict[str, Any]) -> None:
    finder = fresh(geocoder)
    texts = [row["address"] for row in rows]
    for text in texts:
        finder.match(text)
    began = time.process_time()
    for _ in range(50):
        for text in texts:
            finder.match(text)
    told["cached_per_s"] = round(50 * len(texts) / (time.process_time() - began))
    told["memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    geocoder = Geocoder.of_provinces(["79"])
    gazetteer = geocoder.gazetteer
    with (DATA / "addresses/hcmc_addresses_public.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    old = {
        key.code: unit
        for key, unit in gazetteer.units.items()
        if key.level is UnitLevel.COMMUNE and unit.valid_to
    }
    for row in rows:
        ward = old.get(row["ward273_code"])
        row["named_273"] = ward.name if ward else ""
        row["district_code"] = ward.parent.code if ward and ward.parent else ""
    with (DATA / "boundaries/hcmc_ward_crosswalk_2025.csv").open(encoding="utf-8") as file:
        splits = {row["old_code"] for row in csv.DictReader(file) if row["old_is_split"] == "True"}
    told: dict[str, Any] = {}
    repeats(rows, geocoder, told)
    start_and_memory(told)
    units(rows, geocoder, splits, told)
    positions(rows, geocoder, told)
    print(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main()
