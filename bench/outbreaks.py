"""Outbreaks on Taiwan's real dengue line list: how fast, how bounded, how stable.

    python -m bench.outbreaks [full] [days] [tainan] [others]

full: all placed local cases of 1998–2024, filled up to 110,000. days: 2014 and 2015 day by day as notified, beside
the full run at the end. tainan: the epidemic of 2015 (22,742 cases), by diameter, without bounds, and what one case
less changes. others: other ways to split, in the township with most cases. Prints JSON lines; asserts nothing. The
positions are centres of small areas; the treatment is not in the list, so all count as inpatients.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geodata.types import PlaceLevel
from surveillance.lines import EPOCH, day_number
from surveillance.outbreaks.eligibility import Why, screen
from surveillance.outbreaks.find import Finding, find_outbreaks
from surveillance.outbreaks.incremental import Watch
from surveillance.outbreaks.lineage import Kind, Known, match
from surveillance.outbreaks.linking import find_pairs
from surveillance.outbreaks.outbreak import Outbreak
from surveillance.outbreaks.profiles import load_profiles
from surveillance.outbreaks.table import LEVELS, CaseTable, project
from surveillance.sources.taiwan import line_list

PROFILE = load_profiles()["HCDC-2021"]
LATER = date(2030, 1, 1)
TAINAN, CASES, TRIALS = "67", 110_000, 40
Labelling = Callable[[CaseTable], NDArray[np.int64]]


def main(parts: list[str]) -> None:
    table, county = taiwan()
    for name, part in {"full": full, "days": days, "tainan": tainan, "others": others}.items():
        if not parts or name in parts:
            for line in part(table, county):
                print(json.dumps({"part": name, **line}), flush=True)


def taiwan() -> tuple[CaseTable, NDArray[np.str_]]:
    """Local cases with a position, in the order of the list, and the county of each."""
    rows = [r for r in line_list() if r["Enumeration_unit_long"] != "None" and r["Imported"] == "N"]
    onset, notified = (
        np.array([(date.fromisoformat(r[name].replace("/", "-")) - EPOCH).days for r in rows])
        for name in ("Date_Onset", "Date_Notification")
    )
    lon, lat = (np.array([float(r[f"Enumeration_unit_{name}"]) for r in rows]) for name in ("long", "lat"))
    x, y = project(lon, lat, "EPSG:3826")
    town = [
        int(r["MOI_Township_living_Code"]) if r["MOI_Township_living_Code"] != "None" else -1 for r in rows
    ]
    n = len(rows)
    table = CaseTable(
        case_id=np.arange(n),
        day=onset,
        report_day=notified,
        by_onset=np.ones(n, dtype=bool),
        confirmed=np.ones(n, dtype=bool),
        discarded=np.zeros(n, dtype=bool),
        inpatient=np.ones(n, dtype=np.int8),
        verification=np.zeros(n, dtype=np.int8),
        imported=np.zeros(n, dtype=bool),
        place_case=np.arange(n),
        kind=np.zeros(n, dtype=np.int8),
        x=x,
        y=y,
        level=np.full(n, LEVELS.index(PlaceLevel.NEIGHBOURHOOD), dtype=np.int8),
        uncertainty_m=np.full(n, 150.0),
        unit=np.array(town),
        setting=np.zeros(n, dtype=np.int64),
    )
    return table, np.array([r["MOI_County_living_Code"] for r in rows])


def full(table: CaseTable, county: NDArray[np.str_]) -> list[dict[str, Any]]:
    n = table.case_id.size
    more = table.cases(np.arange(n) >= 2 * n - CASES)
    elsewhere = replace(more, case_id=more.case_id + n, x=more.x + 1e6)
    whole = CaseTable.joined([table, elsewhere])
    find_outbreaks(whole, PROFILE, today=LATER)
    seconds = []
    for _ in range(5):
        began = time.perf_counter(), time.process_time()
        finding = find_outbreaks(whole, PROFILE, today=LATER)
        seconds.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    wall, cpu = min(seconds)
    return [
        {
            "cases": whole.case_id.size,
            "seconds": round(wall, 2),
            "cpu_seconds": round(cpu, 2),
            **figures(finding),
        }
    ]


def figures(finding: Finding) -> dict[str, Any]:
    sizes = [len(outbreak.members) for outbreak in finding.outbreaks]
    n = finding.table.case_id.size
    return {
        "outbreaks": len(sizes),
        "zones_split": len({o.zone for o in finding.outbreaks if o.shares_zone}),
        "share_in_outbreaks": round(float((finding.why == Why.MEMBER).mean()), 3),
        "largest_share": round(max(sizes) / n, 4),
        "median_size": float(np.median(sizes)),
        "widest_m": round(max(o.diameter_m for o in finding.outbreaks), 1),
        "longest_days": max((o.last_event - o.first_event).days for o in finding.outbreaks),
        "outcomes": {Why(code).name.lower(): n for code, n in sorted(Counter(finding.why.tolist()).items())},
    }


class Ledger:
    """What a database would keep: numbered outbreaks, and what each day changed."""

    def __init__(self) -> None:
        self.known: dict[int, Known] = {}
        self.of_case: dict[int, int] = {}
        self.kinds: Counter[Kind] = Counter()
        self.renamed = self.renamed_by_merger = 0
        self.next_id = 1

    def record(self, before: tuple[Outbreak, ...], after: tuple[Outbreak, ...]) -> None:
        touched = {self.of_case[case_id] for outbreak in before for case_id in outbreak.members}
        old = [self.known.pop(number) for number in sorted(touched)]
        steps = match(old, after, profile=PROFILE, event_dates={}, next_id=self.next_id)
        was = {case_id: k.outbreak_id for k in old for case_id in k.members}
        for case_id in was:
            del self.of_case[case_id]
        merged = {step.outbreak_id for step in steps if step.kind is Kind.MERGED}
        for step in steps:
            self.kinds[step.kind] += 1
            if step.outbreak is not None:
                self._keep(step.outbreak_id, step.outbreak, was, merged)

    def _keep(self, number: int, outbreak: Outbreak, was: dict[int, int], merged: set[int]) -> None:
        self.next_id = max(self.next_id, number + 1)
        self.known[number] = Known(
            outbreak_id=number,
            members=frozenset(outbreak.members),
            first_event=outbreak.first_event,
            last_event=outbreak.last_event,
        )
        other = [was[case_id] for case_id in outbreak.members if was.get(case_id, number) != number]
        self.renamed += len(other)
        self.renamed_by_merger += sum(old in merged for old in other)
        self.of_case |= dict.fromkeys(outbreak.members, number)


def days(table: CaseTable, county: NDArray[np.str_]) -> list[dict[str, Any]]:
    first, last = date(2014, 1, 1), date(2015, 12, 31)
    watch, ledger = Watch(PROFILE), Ledger()
    change = watch.update(table.cases(table.report_day < day_number(first)), today=first - timedelta(days=1))
    ledger.record(change.before, change.after)
    ledger.kinds.clear()
    seconds, cpu, relinked, widest, longest = [], [], [], 0.0, 0
    for ahead in range((last - first).days + 1):
        today = first + timedelta(days=ahead)
        arriving = table.cases(table.report_day == day_number(today))
        began = time.perf_counter(), time.process_time()
        change = watch.update(arriving, today=today)
        seconds.append(time.perf_counter() - began[0])
        cpu.append(time.process_time() - began[1])
        relinked.append(change.relinked)
        ledger.record(change.before, change.after)
        widest = max([widest, *(o.diameter_m for o in change.after)])
        longest = max([longest, *((o.last_event - o.first_event).days for o in change.after)])
    known = table.cases(table.report_day <= day_number(last))
    whole = find_outbreaks(known, PROFILE, today=last)
    return [
        {
            "days": len(seconds),
            "cases_reported": int((known.report_day >= day_number(first)).sum()),
            **{f"seconds_{name}": round(value, 3) for name, value in spread(seconds).items()},
            **{f"cpu_seconds_{name}": round(value, 3) for name, value in spread(cpu).items()},
            "relinked_max": max(relinked),
            "equals_full_run": whole.outbreaks == watch.outbreaks(),
            "widest_m": round(widest, 1),
            "longest_days": longest,
            "steps": {kind.value: n for kind, n in sorted(ledger.kinds.items())},
            "merged_split_dissolved_per_day": round(
                sum(ledger.kinds[k] for k in (Kind.MERGED, Kind.SPLIT, Kind.DISSOLVED)) / len(seconds), 2
            ),
            "cases_renamed_per_day": round(ledger.renamed / len(seconds), 2),
            "of_these_by_merger": round(ledger.renamed_by_merger / ledger.renamed, 2),
        }
    ]


def spread(values: list[float]) -> dict[str, float]:
    return {
        "mean": float(np.mean(values)),
        "p95": float(np.quantile(values, 0.95)),
        "max": float(np.max(values)),
    }


def tainan(table: CaseTable, county: NDArray[np.str_]) -> list[dict[str, Any]]:
    year = (table.day >= day_number(date(2015, 1, 1))) & (table.day <= day_number(date(2015, 12, 31)))
    epidemic = table.cases((county == TAINAN) & year)
    lines = []
    for diameter, age in ((None, 100_000), (400.0, 90), (600.0, 60), (600.0, 90), (800.0, 90), (1_000.0, 90)):
        profile = replace(PROFILE, max_diameter_m=diameter, max_age_days=age)
        finding = find_outbreaks(epidemic, profile, today=LATER)
        line = {"max_diameter_m": diameter, "max_age_days": age, **figures(finding)}
        if diameter is not None:
            line |= one_less(epidemic, lambda t, p=profile: bounded(t, p))  # type: ignore[misc]
        lines.append(line)
    return lines


def bounded(table: CaseTable, profile: Any) -> NDArray[np.int64]:
    """The number of the outbreak of each case, -1 for none."""
    label = np.full(table.case_id.max() + 1, -1)
    for number, outbreak in enumerate(find_outbreaks(table, profile, today=LATER).outbreaks):
        label[list(outbreak.members)] = number
    return label[table.case_id]


def one_less(table: CaseTable, labelled: Labelling, trials: int = TRIALS) -> dict[str, Any]:
    """How many other cases are in another outbreak when one case, drawn at random, is left out."""
    rng, whole, changed = np.random.default_rng(1), labelled(table), []
    for gone in rng.choice(table.case_id.size, trials, replace=False):
        rest = np.arange(table.case_id.size) != gone
        changed.append(moved(whole[rest], labelled(table.cases(rest))))
    return {"moved_by_one_less": {"mean": float(np.mean(changed)), "max": int(max(changed))}}


def moved(before: NDArray[np.int64], after: NDArray[np.int64]) -> int:
    """Cases whose group is not the heir, by largest overlap, of the one they were in."""
    both = (before >= 0) & (after >= 0)
    overlaps = Counter(zip(before[both].tolist(), after[both].tolist(), strict=True))
    used: tuple[set[int], set[int]] = set(), set()
    kept = 0
    for (old, new), n in overlaps.most_common():
        if old not in used[0] and new not in used[1]:
            used[0].add(old)
            used[1].add(new)
            kept += n
    return int(both.sum() - kept + ((before >= 0) != (after >= 0)).sum())


def others(table: CaseTable, county: NDArray[np.str_]) -> list[dict[str, Any]]:
    """In the township with most cases in the worst two months: our split beside others of the same width."""
    season = (table.day >= day_number(date(2015, 8, 15))) & (table.day <= day_number(date(2015, 10, 15)))
    here = table.cases((county == TAINAN) & season)
    town = Counter(here.unit.tolist()).most_common(1)[0][0]
    here = here.cases(here.unit[here.place_case] == town)
    ways: dict[str, Labelling] = {
        "ours, 600 m": lambda t: bounded(t, PROFILE),
        "complete linkage cut at 600 m": complete_linkage,
        "DBSCAN 200 m, 14 days, 5 neighbours": lambda t: dbscan(t, 5),
        "DBSCAN 200 m, 14 days, 20 neighbours": lambda t: dbscan(t, 20),
        "DBSCAN 200 m, 14 days, 60 neighbours": lambda t: dbscan(t, 60),
    }
    lines = []
    for name, labelled in ways.items():
        label = labelled(here)
        sizes = np.bincount(label[label >= 0])
        line = {"way": name, "cases": here.case_id.size, "groups": int((sizes > 1).sum())}
        line |= {"largest_share": round(sizes.max() / here.case_id.size, 3)}
        line |= {"widest_m": round(max(width(here, label == g) for g in np.flatnonzero(sizes)))}
        line |= {"share_in_groups": round(float((label >= 0).mean()), 3)}
        lines.append(line | one_less(here, labelled, 15))
    return lines


def complete_linkage(table: CaseTable) -> NDArray[np.int64]:
    points = np.column_stack([table.x, table.y])
    return np.asarray(fcluster(linkage(points, "complete"), 600.0, "distance"), dtype=np.int64)


def dbscan(table: CaseTable, neighbours: int) -> NDArray[np.int64]:
    """Cores have at least so many neighbours within 200 m and 14 days; a border case goes to its nearest core."""
    places = screen(table, PROFILE, today=LATER).places
    pairs = find_pairs(places, replace(PROFILE, chain_days=14))
    n = places.case_id.size
    core = np.bincount(np.concatenate([pairs.first, pairs.second]), minlength=n) >= neighbours
    both = core[pairs.first] & core[pairs.second]
    graph = coo_array((np.ones(both.sum()), (pairs.first[both], pairs.second[both])), shape=(n, n))
    label = np.where(core, connected_components(graph, directed=False)[1], -1)
    nearest = np.full(n, np.inf)
    for border, at in ((pairs.first, pairs.second), (pairs.second, pairs.first)):
        edges = np.flatnonzero(~core[border] & core[at])
        for e in edges[np.argsort(-pairs.apart[edges])]:
            if pairs.apart[e] < nearest[border[e]]:
                nearest[border[e]], label[border[e]] = pairs.apart[e], label[at[e]]
    return np.unique(label, return_inverse=True)[1] - int((label < 0).any())


def width(table: CaseTable, chosen: NDArray[np.bool_]) -> float:
    x, y = table.x[chosen], table.y[chosen]
    return float(np.hypot(x[:, None] - x, y[:, None] - y).max())


if __name__ == "__main__":
    main(sys.argv[1:])
