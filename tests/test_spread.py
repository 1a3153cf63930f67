"""Long work on a real Dask cluster of two processes: the same results, seed for seed, also when one of them dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import main
from surveillance.clustering.runs import _scan as scan_of_a_disease
from surveillance.clustering.settings import AllSettings
from surveillance.clusters import City, Found, Reported, find_clusters
from surveillance.scan import Settings, scan
from surveillance.scanning.null import permutation
from surveillance.spread import Dask, Here, Spread, SpreadError, spread_over
from tests.case_lines import TODAY
from tests.cluster_cities import SETTINGS, city_lines, grid_city, reported
from tests.scan_cities import city, growth_of


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def dask(address: str) -> Iterator[Spread]:
    with spread_over(address) as spread:
        yield spread


def squared(power: int, piece: int) -> int:
    return int(piece**power)


def fail(shared: None, piece: int) -> int:
    raise ValueError(f"piece {piece}")


def die_once(grave: Path, piece: int) -> int:
    """The first worker to meet piece 3 is gone in the middle of it."""
    if piece == 3 and not grave.exists():
        grave.touch()
        os._exit(1)
    return piece


def cluster_day(shared: tuple[City, Any], day: Reported) -> tuple[Found, ...] | None:
    where, settings = shared
    return find_clusters(day, where, settings)


def test_results_come_in_the_order_of_the_pieces(dask: Spread) -> None:
    assert isinstance(dask, Dask) and dask.workers == 2
    assert list(dask.map(squared, 2, range(30))) == list(Here().map(squared, 2, range(30)))


def test_what_raises_there_raises_here(dask: Spread) -> None:
    with pytest.raises(ValueError, match="piece 0"):
        list(dask.map(fail, None, range(3)))


@pytest.mark.parametrize("enough", [None, 10], ids=["all replicates", "stopped early"])
def test_a_scan_on_two_workers_is_the_local_one_seed_for_seed(dask: Spread, enough: int | None) -> None:
    places, counts = city(outbreak=0 if enough else 6)
    null = permutation(counts)
    settings = Settings(replications=399, enough=enough)

    here, there = (
        scan(null, growth_of(places, null), settings, seed=9, spread=spread) for spread in (Here(), dask)
    )

    assert np.array_equal(here.maxima[0], there.maxima[0])
    assert [c.members.tolist() for c in here.clusters] == [c.members.tolist() for c in there.clusters]
    assert [(c.p, c.statistic) for c in here.clusters] == [(c.p, c.statistic) for c in there.clusters]
    assert here.maxima[0].size == 399 if enough is None else here.maxima[0].size < 399


def test_days_of_clusters_on_two_workers_are_the_local_ones(dask: Spread) -> None:
    days = [reported(city_lines({14: (1, 1, 2, 2, n)}, seed=n)) for n in range(1, 5)]
    shared = (grid_city(), SETTINGS)

    there = list(dask.map(cluster_day, shared, days))

    assert there == list(Here().map(cluster_day, shared, days))
    assert any(there)


def test_diseases_and_days_on_two_workers_are_the_local_ones_each_by_its_own_settings(dask: Spread) -> None:
    settings = AllSettings(default=SETTINGS, by_disease={"measles": replace(SETTINGS, least_cases=2)})
    lines = [
        replace(city_lines({14: (1, 2, 2, 3)}, seed=1), diseases=(code,)) for code in ("dengue", "measles")
    ]
    pieces = [reported(each, last=TODAY - timedelta(days=back)) for back in (1, 0) for each in lines]

    there = list(dask.map(scan_of_a_disease, (grid_city(), settings), pieces))

    assert there == list(Here().map(scan_of_a_disease, (grid_city(), settings), pieces))
    assert len({found[0].seed for found in there if found}) == 4


@pytest.mark.parametrize("model", ["permutation", "poisson"])
def test_the_command_writes_the_same_on_a_cluster(address: str, model: str, tmp_path: Path) -> None:
    city = Path(__file__).parent / "oracles" / "scan_s300"
    asked = ["scan", "--cases", f"{city}.cas", "--coordinates", f"{city}.geo", "--population", f"{city}.pop"]
    asked += ["--model", model, "--start", "2024-01-01", "--end", "2024-02-29", "--max-days", "30"]
    told = []
    for name, where in (("here", []), ("there", ["--dask", address])):
        files = ["--out", f"{tmp_path}/{name}.json", "--maxima", f"{tmp_path}/{name}.csv"]
        with pytest.raises(SystemExit) as ended:
            main([*asked, "--replications", "99", "--seed", "7", *files, *where])
        assert not ended.value.code
        told.append([(tmp_path / f"{name}.{kind}").read_bytes() for kind in ("json", "csv")])
    assert told[0] == told[1]


def test_a_worker_that_dies_is_survived(dask: Spread, tmp_path: Path) -> None:
    grave = tmp_path / "grave"

    assert list(dask.map(die_once, grave, range(6))) == list(range(6))
    assert grave.exists()


def test_an_address_where_nobody_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surveillance.spread.CONNECT_S", 1)

    with pytest.raises(SpreadError, match=r"tcp://127\.0\.0\.1:9"), spread_over("tcp://127.0.0.1:9"):
        pass
