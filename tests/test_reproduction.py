"""Rt equals EpiEstim, says nothing where it cannot know, and carries every uncertainty through."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from i18n import Message
from surveillance.plain_files import PlainFileError, write_rows
from surveillance.reproduction import Prior, Reproduction, Rules, Windows, estimate_rt, infectivity
from surveillance.reproduction_draws import estimate_rt_from_draws, estimate_rt_uncertain
from surveillance.rt_files import RtConfig, rt
from surveillance.serial_interval import GrowthTable, SerialInterval, UncertainInterval

ORACLES = Path(__file__).parent / "oracles"
REFERENCE = Path(__file__).parents[2] / "shared" / "reference" / "epiestim"
INTERVALS = {"Flu2009": SerialInterval(mean=2.6, sd=1.5), "SARS2003": SerialInterval(mean=8.4, sd=3.8)}
COLUMNS = (
    "Mean", "Std", "Quantile.0.025", "Quantile.0.05", "Quantile.0.25", "Median", "Quantile.0.75",
    "Quantile.0.95", "Quantile.0.975",
)  # fmt: skip
EVERY = Rules(min_cases=0)


def read(name: str) -> list[dict[str, str]]:
    lines = [line for line in (ORACLES / name).read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def number(text: str) -> float:
    return float(text) if text.strip() not in ("", "NA") else np.nan


def counts_of(series: str) -> Any:
    return np.array([[float(row["total"]) for row in read("epiestim_inputs.csv") if row["series"] == series]])


def windows_of(rows: Iterable[dict[str, str]]) -> Windows:
    pairs = np.array([(int(row["t_start"]) - 1, int(row["t_end"]) - 1) for row in rows])
    return Windows(first=pairs[:, 0], last=pairs[:, 1])


def figures(result: Reproduction) -> Any:
    return np.vstack([result.mean, result.sd, result.quantiles[:, 0]])


def recorded(rows: Iterable[dict[str, str]]) -> Any:
    return np.array([[number(row[column]) for row in rows] for column in COLUMNS])


@pytest.mark.parametrize("series", INTERVALS)
def test_serial_interval_and_infectivity_equal_epiestim(series: str) -> None:
    rows = [row for row in read("epiestim_si.csv") if row["series"] == series]
    cases = counts_of(series)
    weights = INTERVALS[series].weights(cases.shape[1])

    lags = [int(row["k"]) for row in rows if int(row["k"]) < weights.size]
    np.testing.assert_allclose(
        weights[lags], [float(r["w"]) for r in rows][: len(lags)], rtol=1e-6, atol=1e-12
    )
    known = [(int(row["k"]), float(row["lambda"])) for row in rows if row["lambda"] != "NA"]
    ours = infectivity(cases, weights)[0, [k for k, _ in known]]
    np.testing.assert_allclose(ours, [value for _, value in known], rtol=1e-6, atol=1e-12)


RECORDED = sorted({(row["series"], row["config"]) for row in read("epiestim_estimate_R.csv")})


@pytest.mark.parametrize(("series", "config"), RECORDED)
def test_mean_and_quantiles_equal_epiestim(series: str, config: str) -> None:
    rows = [r for r in read("epiestim_estimate_R.csv") if (r["series"], r["config"]) == (series, config)]
    interval: Any = INTERVALS[series]
    if config == "weekly_nonparam":
        own = [row for row in read("epiestim_si.csv") if row["series"] == f"{series}__nonparam"]
        interval = np.array([float(row["w"]) for row in own])
    prior = Prior(mean=float(rows[0]["mean_prior"]), sd=float(rows[0]["std_prior"]))
    result = estimate_rt(
        counts_of(series), interval, windows=windows_of(rows), rules=Rules(prior=prior, min_cases=0)
    )

    np.testing.assert_allclose(figures(result), recorded(rows), rtol=1e-6)


def test_every_recorded_window_equals_epiestim_through_the_plain_file_command(tmp_path: Path) -> None:
    if not REFERENCE.exists():
        pytest.skip(
            "../shared/reference/epiestim is not here; tests/oracles/epiestim_*.csv was checked instead"
        )
    out = tmp_path / "rt.csv"
    written = rt(
        REFERENCE / "inputs.csv", out, settings=REFERENCE / "estimate_R.csv",
        si_csv=REFERENCE / "si_distr_lambda.csv",
    )  # fmt: skip

    with (REFERENCE / "estimate_R.csv").open() as file:
        theirs = list(csv.DictReader(file, skipinitialspace=True))
    ours = list(csv.DictReader(out.read_text().splitlines()))
    assert written == len(theirs) > 600
    keys = [(r["series"], r["config"], r["t_start"], r["t_end"]) for r in ours]
    assert keys == [(r["series"], r["config"], r["t_start"].strip(), r["t_end"].strip()) for r in theirs]
    np.testing.assert_allclose(recorded(ours), recorded(theirs), rtol=1e-6)


@pytest.mark.parametrize("series", INTERVALS)
def test_uncertain_serial_interval_equals_epiestim_within_monte_carlo_error(series: str) -> None:
    rows = [row for row in read("epiestim_uncertain.csv") if row["series"] == series]
    names = (
        "mean_si",
        "std_mean_si",
        "min_mean_si",
        "max_mean_si",
        "std_si",
        "std_std_si",
        "min_std_si",
        "max_std_si",
    )
    values = [float(rows[0][name]) for name in names]
    keys = ("mean", "mean_sd", "mean_min", "mean_max", "sd", "sd_sd", "sd_min", "sd_max")
    interval = UncertainInterval(**dict(zip(keys, values, strict=True)))
    rng = np.random.default_rng(1)
    result = estimate_rt_uncertain(
        counts_of(series), interval, windows=windows_of(rows), rng=rng, intervals=2000, draws=25, rules=EVERY
    )

    ours, theirs = figures(result), recorded(rows)
    np.testing.assert_allclose(ours[[0, 4, 5, 6]], theirs[[0, 4, 5, 6]], rtol=0.03)
    np.testing.assert_allclose(ours, theirs, rtol=0.12)


def test_many_series_at_once_give_what_each_gives_alone() -> None:
    rng = np.random.default_rng(2)
    cases = rng.poisson(20, (5, 60)).astype(float)
    interval, windows = SerialInterval(mean=5, sd=2), Windows.sliding(60)
    together = estimate_rt(cases, interval, windows=windows)

    for row in range(5):
        alone = estimate_rt(cases[row : row + 1], interval, windows=windows)
        np.testing.assert_allclose(together.quantiles[:, row], alone.quantiles[:, 0])


def test_probability_above_one_agrees_with_the_quantiles() -> None:
    cases = np.random.default_rng(3).poisson(30, (1, 80)).astype(float)
    result = estimate_rt(cases, SerialInterval(mean=5, sd=2), windows=Windows.sliding(80))
    stands = result.reason[0] == ""

    lower, upper = result.quantiles[0, 0, stands], result.quantiles[-1, 0, stands]
    above = result.above_one[0, stands]
    assert ((lower > 1) == (above > 0.975)).all()
    assert ((upper < 1) == (above < 0.025)).all()


def test_steady_exponential_growth_is_found_with_its_doubling_time() -> None:
    cases = np.round(1000 * 2 ** (np.arange(60) / 10))[None, :]
    result = estimate_rt(cases, SerialInterval(mean=5, sd=2), windows=Windows.sliding(60, newest=1))

    assert result.doubling_time[3, 0, 0] == pytest.approx(10, rel=0.02)
    assert result.above_one[0, 0] > 0.999


def test_growth_rate_solves_euler_lotka() -> None:
    weights = SerialInterval(mean=8.4, sd=3.8).weights(60)
    table = GrowthTable.of(weights)
    values = np.array([0.5, 0.9, 1.0, 1.3, 3.0])

    back = 1 / (weights * np.exp(-np.outer(table(values), np.arange(60)))).sum(axis=1)
    np.testing.assert_allclose(back, values, rtol=1e-4)
    assert table(np.array([1.0]))[0] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"value": np.nan, "at": 40}, "unknown_counts"),
        ({"value": -3.0, "at": 40}, "negative_counts"),
        ({"value": np.inf, "at": 40}, "negative_counts"),
    ],
)
def test_what_is_no_count_is_a_reason_and_not_a_zero(change: dict[str, Any], code: str) -> None:
    cases = np.full((2, 60), 10.0)
    cases[0, change["at"]] = change["value"]
    result = estimate_rt(cases, SerialInterval(mean=3, sd=1), windows=Windows.sliding(60))

    touched = (result.windows.first - 6 <= 40) & (result.windows.last >= 40)
    assert set(result.reason[0, touched & (result.windows.last <= 46)]) == {code}
    assert np.isnan(result.mean[0, result.reason[0] == code]).all()
    assert (result.reason[1, 5:] == "").all()


def test_too_few_cases_and_windows_before_the_serial_interval_are_refused() -> None:
    cases = np.zeros((1, 80))
    cases[0, :3] = 1
    result = estimate_rt(cases, SerialInterval(mean=15.3, sd=9.3), windows=Windows.sliding(80))

    assert set(result.reason[0, result.windows.last + 1 <= 15]) == {"insufficient_history"}
    assert result.reason[0, -1] == "too_few_cases"


def test_cases_without_anyone_before_them_are_refused() -> None:
    cases = np.zeros((1, 40))
    cases[0, 39] = 50
    result = estimate_rt(cases, SerialInterval(mean=3, sd=1), windows=Windows.sliding(40, newest=1))

    assert result.reason[0, 0] == "no_infectors"


def test_imported_cases_infect_but_were_not_infected_here() -> None:
    cases, imported = np.full((1, 40), 10.0), np.full((1, 40), 10.0)
    interval, windows = SerialInterval(mean=3, sd=1), Windows.sliding(40, newest=1)
    everyone = estimate_rt(cases, interval, windows=windows, rules=EVERY)
    nobody = estimate_rt(cases, interval, windows=windows, imported=imported, rules=EVERY)

    assert nobody.mean[0, 0] < 0.05 < 0.9 < everyone.mean[0, 0]


def test_uncertain_counts_widen_the_interval_and_certain_ones_do_not() -> None:
    rng = np.random.default_rng(4)
    cases = np.full((1, 60), 40.0)
    interval, windows = SerialInterval(mean=5, sd=2), Windows.sliding(60, newest=1)
    exact = estimate_rt(cases, interval, windows=windows)
    same = estimate_rt_from_draws(
        np.repeat(cases[None], 400, 0), interval, windows=windows, rng=rng, per_draw=20
    )
    draws = np.repeat(cases[None], 400, 0)
    draws[:, :, -5:] = rng.poisson(rng.gamma(4, 10, (400, 1, 5)))
    spread = estimate_rt_from_draws(draws, interval, windows=windows, rng=rng, per_draw=20)

    np.testing.assert_allclose(same.quantiles, exact.quantiles, rtol=0.03)
    assert spread.sd[0, 0] > 1.2 * exact.sd[0, 0]


def test_draws_with_an_unknown_day_are_refused() -> None:
    draws = np.full((10, 1, 40), 20.0)
    draws[:, 0, 38] = np.nan
    interval = UncertainInterval(
        mean=5, mean_sd=1, mean_min=3, mean_max=7, sd=2, sd_sd=0.5, sd_min=1, sd_max=3
    )
    result = estimate_rt_from_draws(
        draws, interval, windows=Windows.sliding(40, newest=1), rng=np.random.default_rng(5)
    )

    assert result.reason[0, 0] == "unknown_counts"
    assert np.isnan(result.quantiles).all()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: SerialInterval(mean=1, sd=1),
        lambda: SerialInterval(mean=3, sd=0),
        lambda: Prior(mean=0),
        lambda: Windows.sliding(30, 0),
        lambda: Windows(first=np.array([0]), last=np.array([6])),
        lambda: estimate_rt(np.ones((1, 20)), np.array([0.5, 0.5]), windows=Windows.sliding(20)),
        lambda: UncertainInterval(
            mean=2, mean_sd=1, mean_min=3, mean_max=4, sd=1, sd_sd=1, sd_min=1, sd_max=2
        ),
    ],
)
def test_an_impossible_setting_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError):
        wrong()


histories = st.lists(
    st.lists(
        st.one_of(st.integers(0, 80).map(float), st.just(np.nan), st.just(-1.0)), min_size=0, max_size=40
    ),
    min_size=1,
    max_size=1,
)


@settings(deadline=None)
@given(counts=histories, mean=st.floats(1.5, 12), length=st.integers(1, 14))
def test_numbers_stand_exactly_where_there_is_no_reason(
    counts: list[list[float]], mean: float, length: int
) -> None:
    cases = np.array(counts)
    result = estimate_rt(
        cases, SerialInterval(mean=mean, sd=2), windows=Windows.sliding(cases.shape[1], length)
    )

    for array in (result.mean, result.sd, result.above_one, *result.quantiles, *result.growth):
        np.testing.assert_array_equal(np.isnan(array), result.reason != "")
    assert (np.diff(result.quantiles, axis=0)[:, result.reason == ""] > 0).all()


@settings(deadline=None)
@given(counts=st.lists(st.integers(5, 80), min_size=30, max_size=30), factor=st.integers(2, 50))
def test_counting_every_case_several_times_moves_rt_little_and_narrows_it(
    counts: list[int], factor: int
) -> None:
    cases = np.array([counts], dtype=float)
    interval, windows = SerialInterval(mean=4, sd=2), Windows.sliding(30, newest=3)
    flat = Rules(prior=Prior(mean=1, sd=100))
    once = estimate_rt(cases, interval, windows=windows, rules=flat)
    often = estimate_rt(cases * factor, interval, windows=windows, rules=flat)

    np.testing.assert_allclose(often.mean, once.mean, rtol=1e-2)
    assert (often.sd < once.sd).all()


def test_the_command_writes_reasons_and_uncertain_configs(tmp_path: Path) -> None:
    rows = [f"a,{t},{5 + t % 3}" for t in range(1, 41) if t != 30]
    (tmp_path / "in.csv").write_text("\n".join(["series,t,total", *rows]))
    config = {
        "mean_si": 3, "std_mean_si": 0.5, "min_mean_si": 2, "max_mean_si": 4,
        "std_si": 1, "std_std_si": 0.2, "min_std_si": 0.5, "max_std_si": 1.5, "n1": 20, "n2": 10,
    }  # fmt: skip
    (tmp_path / "settings.json").write_text(json.dumps({"weekly": config}))
    rt(tmp_path / "in.csv", tmp_path / "out.csv", settings=tmp_path / "settings.json")

    written = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert {row["si"] for row in written} == {"uncertain"}
    assert [row["reason"] for row in written if int(row["t_end"]) == 30] == ["unknown_counts"]
    assert all((row["Mean"] == "NA") == (row["reason"] != "") for row in written)


@pytest.mark.parametrize(
    "text", ["{", "[1, 2]", '{"a": 1}', '{"a": {"mean": 3}}', '{"a": {"mean_si": 0.5, "std_si": 1}}']
)
def test_a_settings_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "in.csv").write_text("series,t,total\na,1,3\na,2,3\n")
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(PlainFileError):
        rt(tmp_path / "in.csv", tmp_path / "out.csv", settings=tmp_path / "settings.json")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("series,day\na,1\n", "cột t"),
        ("series,t,total\na,1,x\n", "dòng 2"),
        ("series,t,total\na,1,1\na,1,2\n", "bị lặp"),
        ("series,t,total\n", "không có dòng"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "in.csv").write_text(text)
    with pytest.raises(PlainFileError, match=words):
        rt(tmp_path / "in.csv", tmp_path / "out.csv", defaults=RtConfig(mean_si=3, std_si=1))


def test_an_error_on_the_way_leaves_no_half_written_file(tmp_path: Path) -> None:
    def rows() -> Iterator[tuple[float]]:
        yield (1.0,)
        raise PlainFileError(Message("Tệp {file} không có dòng số liệu nào.", file="x"))

    with pytest.raises(PlainFileError):
        write_rows(tmp_path / "out.csv", ["a"], rows())
    assert list(tmp_path.iterdir()) == []
