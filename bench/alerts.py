"""What our alerts are worth, beside InfoDengue's four levels and mean + 2 SD alone, on the same kept signals.

    python -m bench.alerts [--daily] [--from DAY] [--to DAY] [--scan] [--folder DIR] [--taiwan]

The first 24 communes of the city (a seventh of it) with all ten diseases, simulated from 2015 (seed 1), through the
real files and the real pipeline. Without options 2023 is replayed on Sundays only: a few minutes, and every delay too
long. `--daily` replays each day (about 1 s of processor), `--from 2020-12-13 --to 2025-12-28` all five years.
`--taiwan`: the real line list, Tainan and Kaohsiung, 2014–2015, day by day. With --folder the database is kept there
and what was replayed is not run again. Every figure is defined in docs/methods/scorecard.md. Prints JSON lines; asserts
nothing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, text

import replay
from alerts.budget import LINE, with_strictness
from alerts.known_truth import truth_of
from alerts.rules import default_policy, parse_policy, shipped_text
from alerts.scorecard import Epidemic, Planted, Spell, Step, Truth, Where, lead, score
from bench.alert_city import Ground, database, fill, settings_of, simulated, units
from bench.alert_peers import infodengue, two_sd
from city import prepare
from db import make_engine, session_scope
from migrate import migrate
from scoring import WARM_UP_DAYS as UNSCORED_DAYS
from scoring import Kept, load_kept, steps_of
from settings import Settings
from surveillance.simulate import WARM_UP_DAYS
from surveillance.simulation.truth import simulated_truth
from surveillance.sources.taiwan import line_list, write_files
from worker import Chain

SEED, COMMUNES, CITY = 1, 24, 168
START, END = date(2015, 1, 1), date(2025, 12, 28)
FIRST, LAST = date(2022, 12, 11), date(2023, 12, 31)
INVESTIGATED = date(2020, 12, 13)
"""Wards' forms are read from some months before this day on."""
TAIWAN = date(2013, 12, 11), date(2015, 12, 31)
DENGUE = frozenset({"dengue"})
DISEASES_WITH_PLACES = frozenset({"dengue", "zika", "chikungunya"})
"""Whose cases are investigated at home; an outbreak of the others is seen by counts alone."""
LONG_DAYS = 28
"""Excesses at least so long are epidemics with a peak."""
EPIDEMIC_CASES = 20
GAP_DAYS = 21


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    for flag in ("--daily", "--scan", "--taiwan"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=FIRST)
    parser.add_argument("--to", dest="last", type=date.fromisoformat, default=LAST)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="canhdich-alerts-") as home, database(chosen.folder) as url:
        place = chosen.folder or Path(home)
        if chosen.taiwan:
            taiwan(url, place)
        else:
            hcmc(url, place, chosen.first, chosen.last, every=1 if chosen.daily else 7, scan=chosen.scan)


def hcmc(url: str, home: Path, first: date, last: date, *, every: int, scan: bool) -> None:
    settings = settings_of(home)
    city, epidemic = simulated(settings, start=START, end=END, seed=SEED, communes=COMMUNES)
    codes = [commune.key.code for commune in city.communes[:COMMUNES]]
    ground = _ground(
        url, settings, lambda: fill(url, settings, city, epidemic, COMMUNES, min(first, INVESTIGATED)), codes
    )
    inside = _replayed(ground, settings, first, last, every, scan=scan)
    known = simulated_truth(
        epidemic.cases,
        {disease: weeks[:COMMUNES] for disease, weeks in epidemic.expected.items()},
        first=START - timedelta(days=WARM_UP_DAYS),
        code_of_place={i: place.commune.key.code for i, place in enumerate(city.places)},
        communes=codes,
        epidemic_years=settings.deployment.epidemic_years,
    )
    truth = truth_of(known, ground.unit_of)
    kept = load_kept(
        inside, settings, settings.deployment.diseases, first, last, list(ground.unit_of.values())
    )
    peaks = epidemics(truth.excess, daily_counts(inside))
    compare(inside, kept, truth, peaks, list(ground.unit_of.values()), range(1, 13))


def taiwan(url: str, home: Path) -> None:
    settings = settings_of(home, "taiwan")

    def read() -> None:
        migrate(url)
        engine = make_engine(url)
        prepare(engine, settings, lambda _message: None)
        with tempfile.TemporaryDirectory() as folder:
            history, days = Path(folder) / "history", Path(folder) / "days"
            history.mkdir()
            days.mkdir()
            write_files(history, days, live_from=date(2016, 3, 1), until=date(2016, 3, 1))
            Chain(engine, settings).ingest(
                sorted(history.iterdir()), backfill=True, say=lambda _message: None
            )

    codes = townships()
    ground = _ground(url, settings, read, codes)
    inside = _replayed(ground, settings, *TAIWAN, 1, scan=False)
    truth = taiwan_truth(ground.unit_of)
    ids = list(ground.unit_of.values())
    kept = load_kept(inside, settings, settings.deployment.diseases, *TAIWAN, ids)
    spells = [
        Spell(where=Where("dengue", min(p.unit_ids)), first=p.first_onset, last=p.last_onset)
        for p in truth.planted
        if p.cases >= EPIDEMIC_CASES
    ]
    compare(inside, kept, truth, epidemics(spells, daily_counts(inside), least=1), ids, range(5, 12))


def _ground(url: str, settings: Settings, make: Any, codes: Sequence[str]) -> Ground:
    engine = make_engine(url)
    with engine.connect() as connection:
        known = connection.scalar(text("SELECT to_regclass('public.case_version')"))
        filled = known and connection.scalar(text("SELECT count(*) FROM case_version"))
    if not filled:
        began = time.process_time()
        make()
        _say("fill", cpu_seconds=round(time.process_time() - began))
    return Ground(engine=engine, settings=settings, unit_of=units(engine, settings, codes), epidemic=None)


def _replayed(
    ground: Ground, settings: Settings, first: date, last: date, every: int, *, scan: bool
) -> Engine:
    plan = replay.Plan(
        schema=f"replay_{first:%y%m%d}_{every}{'_scan' if scan else ''}",
        first=first,
        last=last,
        every=every,
        diseases=settings.deployment.diseases,
        policy=default_policy(),
        without=() if scan else ("scan",),
        unit_ids=tuple(ground.unit_of.values()),
    )
    began = time.perf_counter(), time.process_time()
    replay.run(ground.engine, settings, plan, lambda message: print(f"# {message}", flush=True))
    seconds = [
        round(end - begin)
        for begin, end in zip(began, (time.perf_counter(), time.process_time()), strict=True)
    ]
    _say("replay", days=(last - first).days // every + 1, seconds=seconds[0], cpu_seconds=seconds[1])
    return replay.engine_of(ground.engine, plan.schema)


def compare(
    inside: Engine,
    kept: Kept,
    truth: Truth,
    peaks: Sequence[Epidemic],
    unit_ids: Sequence[int],
    favourable: Sequence[int],
) -> None:
    """From UNSCORED_DAYS on: all that went on already opens before."""
    first, last = kept.moments[0].date() + timedelta(days=UNSCORED_DAYS), kept.moments[-1].date()
    own, simple = steps_of(kept, default_policy()), steps_of(kept, two_sd())
    every, placed = frozenset(kept.facts), DISEASES_WITH_PLACES & frozenset(kept.facts)
    runs: list[tuple[str, Sequence[Step], frozenset[str]]] = [
        ("ours, all diseases", own, every),
        ("ours, with places of cases", own, placed),
        ("ours, without places", own, every - placed),
        ("ours, dengue", own, DENGUE),
        ("mean + 2 SD, all diseases", simple, every),
        ("mean + 2 SD, dengue", simple, DENGUE),
        ("InfoDengue, dengue", infodengue(inside, kept, unit_ids, favourable=favourable), DENGUE),
    ]
    for name, steps, diseases in runs:
        recorded = kept.recorded if name.startswith("ours") else []
        figures(name, steps, truth, recorded, peaks, diseases, first, last, len(unit_ids))
    source = shipped_text()
    for step in LINE:
        line = steps_of(kept, parse_policy(with_strictness(source, step)))
        figures(f"line {step.name}", line, truth, kept.recorded, peaks, every, first, last, len(unit_ids))


def figures(
    name: str,
    steps: Sequence[Step],
    truth: Truth,
    recorded: Any,
    peaks: Sequence[Epidemic],
    diseases: frozenset[str],
    first: date,
    last: date,
    unit_count: int,
) -> None:
    steps, truth = [step for step in steps if step.where.disease in diseases], only(truth, diseases)
    card = score(steps, truth, recorded, first=first, last=last, units=unit_count)
    chains = score(steps, as_planted(truth), recorded, first=first, last=last, units=unit_count)
    warned = lead(steps, [p for p in peaks if p.first >= first and p.where.disease in diseases])
    line: dict[str, Any] = {"rule": name, "days": (last - first).days + 1}
    for kind in ("opened", "called", "alarmed"):
        burden = getattr(card, kind)
        line[kind] = {
            "per_week": round(burden.per_week, 2),
            "per_week_of_168": round(burden.per_week * CITY / unit_count, 1),
            "ppv": _share(burden.true),
            "ppv_strict": _share(burden.strict),
            "false_per_unit_year": round(burden.false_per_unit_year, 2),
        }
    for way, caught in {"caught": card.caught, **card.caught_by}.items():
        line[f"planted {way}"] = [_share(caught.share), caught.median_delay_days]
    line["standing"] = card.standing
    line["chains caught"] = [_share(chains.caught.share), chains.caught.median_delay_days]
    line["chains alarmed"] = _share(chains.caught_by["alarmed"].share)
    line["before peak"] = [_share(warned.before_peak), warned.median_days]
    print(json.dumps(line), flush=True)


def as_planted(truth: Truth) -> Truth:
    """Local chains asked for as if planted; the second case and the last are taken to be known a week late."""
    return Truth(
        planted=[
            Planted(
                id=number,
                disease=spell.where.disease,
                unit_ids=frozenset({spell.where.unit_id}),
                first_onset=spell.first,
                second_known=spell.first + timedelta(days=7),
                last_onset=spell.last,
                last_known=spell.last + timedelta(days=7),
                cases=5,
            )
            for number, spell in enumerate(truth.foci)
        ]
    )


def only(truth: Truth, diseases: frozenset[str]) -> Truth:
    return Truth(
        planted=[planted for planted in truth.planted if planted.disease in diseases],
        excess=[spell for spell in truth.excess if spell.where.disease in diseases],
        foci=[spell for spell in truth.foci if spell.where.disease in diseases],
    )


def daily_counts(inside: Engine) -> dict[Where, dict[date, int]]:
    query = text(
        "SELECT disease, unit_id, event_date, count(*) FROM case_version WHERE known_to IS NULL AND unit_id IS NOT NULL"
        " AND classification <> 'discarded' GROUP BY 1, 2, 3"
    )
    found: defaultdict[Where, dict[date, int]] = defaultdict(dict)
    with session_scope(inside) as session:
        for disease, unit_id, day, n in session.execute(query):
            found[Where(disease, unit_id)][day] = n
    return found


def epidemics(
    spells: Iterable[Spell], counts: dict[Where, dict[date, int]], *, least: int = LONG_DAYS
) -> list[Epidemic]:
    """Long spells, with the Monday of the week that had most cases."""
    found = []
    for spell in spells:
        if (spell.last - spell.first).days + 1 < least:
            continue
        weeks: defaultdict[date, int] = defaultdict(int)
        for day, n in counts.get(spell.where, {}).items():
            if spell.first <= day <= spell.last:
                weeks[day - timedelta(days=day.weekday())] += n
        if weeks:
            peak = max(weeks, key=lambda monday: (weeks[monday], -monday.toordinal()))
            found.append(Epidemic(where=spell.where, first=spell.first, peak=peak, last=spell.last))
    return found


def townships() -> list[str]:
    """Of Tainan and Kaohsiung, where nearly all cases of the two years were."""
    return sorted(
        {
            row["MOI_Township_living_Code"]
            for row in line_list()
            if row["County_living"] in ("Tainan City", "Kaohsiung City")
            and row["MOI_Township_living_Code"] != "None"
        }
    )


def taiwan_truth(unit_of: dict[str, int]) -> Truth:
    """A township's local cases with no more than GAP_DAYS between two onsets are one outbreak."""
    cases: defaultdict[str, list[tuple[date, date]]] = defaultdict(list)
    for row in line_list():
        code = row["MOI_Township_living_Code"]
        if code in unit_of and row["Imported"] == "N":
            onset, notified = (
                date.fromisoformat(row[f"Date_{k}"].replace("/", "-")) for k in ("Onset", "Notification")
            )
            cases[code].append((onset, notified))
    planted: list[Planted] = []
    for code, known in cases.items():
        ordered = sorted(known)
        cuts = [n + 1 for n in range(len(ordered) - 1) if (ordered[n + 1][0] - ordered[n][0]).days > GAP_DAYS]
        for part in np.split(np.arange(len(ordered)), cuts):
            episode = [ordered[n] for n in part.tolist()]
            if len(episode) >= 2:
                planted.append(
                    Planted(
                        id=len(planted),
                        disease="dengue",
                        unit_ids=frozenset({unit_of[code]}),
                        first_onset=episode[0][0],
                        second_known=sorted(day for _, day in episode)[1],
                        last_onset=episode[-1][0],
                        last_known=max(day for _, day in episode),
                        cases=len(episode),
                    )
                )
    return Truth(planted=planted)


def _share(share: Any) -> str | None:
    if not share.n:
        return None
    low, high = share.interval
    return f"{share.k}/{share.n} = {share.value:.2f} ({low:.2f}–{high:.2f})"


def _say(what: str, **values: Any) -> None:
    print(json.dumps({"part": what, **values}), flush=True)


if __name__ == "__main__":
    main()
