"""A forecast is given where it has beaten last year's count, says how well, and otherwise why not."""

from __future__ import annotations

import csv
import warnings
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveillance.forecast import REASONS, ForecastSettings, Skill, backtest, explain, forecast
from surveillance.forecast_files import COLUMNS
from surveillance.forecast_files import forecast as forecast_file
from surveillance.forecasting.backtest import rolling_quantiles
from surveillance.forecasting.history import as_told, start_and_bridge
from surveillance.forecasting.scores import interval_score, skill_of
from surveillance.forecasting.settings import PROBABILITIES
from surveillance.forecasting.smoothing import learn, levels, predict, seasonal_naive
from surveillance.plain_files import PlainFileError
from surveillance.types import Frequency, SeriesKey
from tests.chart_series import read, weekly

ORACLES = Path(__file__).parent / "oracles"
VIETNAM = Path(__file__).parents[2] / "shared" / "data" / "epi" / "vietnam_dengue_weekly_2016_2024.csv"
WEEKS = 220
QUICK = ForecastSettings(origins=52, refit=26)


def epidemic(seed: int, weeks: int = WEEKS, mean: float = 60.0) -> np.ndarray:
    """A season, and epidemics that come and go within half a year: what last year says little about."""
    rng = np.random.default_rng(seed)
    drift = np.zeros(weeks)
    for week in range(1, weeks):
        drift[week] = 0.93 * drift[week - 1] + rng.normal(0, 0.25)
    season = 0.5 * np.cos(2 * np.pi * np.arange(weeks) / 52)
    return rng.poisson(mean * np.exp(season + drift)).astype(np.float64)


def repeating(seed: int, weeks: int = WEEKS) -> np.ndarray:
    """White noise around a jagged season that comes back every year: last year says it all."""
    season = np.random.default_rng(99).choice([20.0, 60.0, 180.0, 400.0], 52)
    return np.random.default_rng(seed).poisson(season[np.arange(weeks) % 52]).astype(np.float64)


def reasons(counts: np.ndarray) -> list[str]:
    series = weekly(counts)
    return sorted(set(forecast(series, backtest(series, settings=QUICK), settings=QUICK).reason.ravel()))


def test_an_epidemic_that_last_year_did_not_know_is_forecast() -> None:
    series = weekly(np.vstack([epidemic(1), epidemic(2)]))
    skill = backtest(series, settings=QUICK)
    result = forecast(series, skill, settings=QUICK)
    assert (result.reason == "").all()
    assert (skill.skill[:, 0] > 0.3).all() and (skill.skill_last[:, 0] > 0).all()
    assert skill.scored.tolist() == [[52, 51, 50, 49]] * 2
    assert result.dates[0] == date.fromordinal(series.start.toordinal() + 7 * WEEKS)
    np.testing.assert_allclose(result.median[:, 0], series.observed[:, -1], rtol=0.5)
    assert (result.skill == skill.skill).all() and (result.skill_lower < result.skill).all()


def test_noise_around_a_jagged_season_is_refused_and_the_skill_still_shown() -> None:
    series = weekly(repeating(3))
    skill = backtest(series, settings=QUICK)
    result = forecast(series, skill, settings=QUICK)
    assert set(result.reason.ravel()) == {"not_better_than_naive"}
    assert np.isnan(result.quantiles).all() and (result.skill < 0).all()


def test_noise_around_a_smooth_season_is_beaten_only_by_averaging_the_years() -> None:
    """Last year's count carries its own noise: 1 − 1/√2 of the score, at every horizon alike."""
    season = 40 * np.exp(0.5 * np.cos(2 * np.pi * np.arange(WEEKS) / 52))
    noise = np.random.default_rng(24).poisson(season, (30, WEEKS))
    skill = backtest(weekly(noise), settings=QUICK).skill.mean(axis=0)
    np.testing.assert_allclose(skill, 1 - np.sqrt(0.5), atol=0.04)


def test_worse_than_the_newest_count_is_refused_too() -> None:
    series = weekly(epidemic(1))
    skill = backtest(series, settings=QUICK)
    worse = replace(skill, skill_last=np.array([[0.1, 0.0, -0.1, np.nan]]))
    assert forecast(series, worse, settings=QUICK).reason.tolist() == [["", *["not_better_than_last"] * 3]]


def test_intervals_hold_what_they_promise() -> None:
    series = weekly(np.vstack([epidemic(seed, mean=30) for seed in range(10, 30)]))
    coverage = backtest(series, settings=QUICK).coverage.mean(axis=(1, 2))
    np.testing.assert_allclose(coverage, [0.5, 0.8, 0.95], atol=0.06)


def test_the_future_changes_nothing_that_was_said_before_it() -> None:
    counts = np.vstack([epidemic(4), epidemic(5)])
    changed = counts.copy()
    changed[:, -20:] = np.random.default_rng(6).poisson(900, (2, 20))
    rows, origins = np.arange(2), range(WEEKS - 40, WEEKS)
    before, after = (rolling_quantiles(weekly(c), rows, origins, QUICK, None) for c in (counts, changed))
    assert np.isfinite(before).all()
    np.testing.assert_array_equal(after[:, :, :21], before[:, :, :21])
    assert (after[:, :, 21] != before[:, :, 21]).any()


def test_each_origin_is_told_what_was_known_then() -> None:
    counts = np.vstack([epidemic(4), epidemic(5)])
    asked: list[int] = []

    def known(origin: int) -> np.ndarray:
        asked.append(origin)
        return counts[None, :, :origin]

    told = backtest(weekly(counts), settings=QUICK, known=known)
    np.testing.assert_array_equal(told.wis, backtest(weekly(counts), settings=QUICK).wis)
    assert asked == list(range(WEEKS - 52, WEEKS))

    def incomplete(origin: int) -> np.ndarray:
        return np.where(np.arange(origin) == origin - 1, counts[:, :origin] // 2, counts[:, :origin])[None]

    late = backtest(weekly(counts), settings=QUICK, known=incomplete)
    assert (late.wis[0, :, 0] > 1.2 * told.wis[0, :, 0]).all()


def test_one_origin_of_the_back_test_is_the_forecast_of_that_day() -> None:
    series = weekly(np.vstack([epidemic(7), epidemic(8)]))
    one = replace(QUICK, origins=4, min_origins=1, refit=1)
    skill = backtest(series, settings=one)
    then = weekly(series.observed[:, : WEEKS - 4])
    quantiles = forecast(then, _proven(then.keys, series.frequency), settings=QUICK).quantiles
    # Only the first of the four origins sees all four steps ahead of it.
    truth = series.observed[:, WEEKS - 4 :]
    np.testing.assert_allclose(skill.wis[0, :, 3], _score_by_hand(quantiles, truth)[:, 3])


def _proven(keys: tuple[SeriesKey, ...], frequency: Frequency) -> Skill:
    ones = np.ones((len(keys), 4))
    three = np.ones((3, len(keys), 4))
    return Skill(
        keys=keys, frequency=frequency, wis=three, mae=three, coverage=three, skill=ones, error=0.1 * ones,
        skill_last=ones, scored=np.full((len(keys), 4), 50), reason=np.full(len(keys), ""),
    )  # fmt: skip


def _score_by_hand(quantiles: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Bracher et al. 2021, eq. 1: the median and three intervals, each with its penalty."""
    total = 0.5 * np.abs(truth - quantiles[3])
    for pair, alpha in ((1, 0.5), (2, 0.2), (3, 0.05)):
        lower, upper = quantiles[3 - pair], quantiles[3 + pair]
        outside = 2 / alpha * (np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0))
        total = total + alpha / 2 * (upper - lower + outside)
    return total / 3.5


def test_the_interval_score_is_the_published_one() -> None:
    quantiles = np.array([2.0, 4, 6, 10, 12, 16, 20])[:, None]
    # y = 14: |14-10|/2 = 2; 50 %: 0.25 (6 + 4·2) = 3.5; 80 %: 0.1·12 = 1.2; 95 %: 0.025·18 = 0.45; sum / 3.5.
    by_hand = interval_score(quantiles, PROBABILITIES, np.array([14.0]))
    np.testing.assert_allclose(by_hand, [(2 + 3.5 + 1.2 + 0.45) / 3.5])
    rng = np.random.default_rng(1)
    many, truth = np.sort(rng.gamma(2, 10, (7, 200)), axis=0), rng.gamma(2, 10, 200)
    np.testing.assert_allclose(interval_score(many, PROBABILITIES, truth), _score_by_hand(many, truth))


def test_the_uncertainty_of_the_skill_holds_the_truth() -> None:
    """Autocorrelated scores whose true ratio is 0.8: the 95 % interval misses it about one time in twenty."""
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 1, (404, 2, 500))
    moving = (noise[4:] + noise[3:-1] + noise[2:-2] + noise[1:-3]) / 2
    skill, error = skill_of(8 + 2 * moving[:, 0], 10 + 2 * moving[:, 1], 12)
    missed = np.abs(skill - 0.2) > 1.96 * error
    assert 0.03 < missed.mean() < 0.11
    assert abs(skill.mean() - 0.2) < 0.005


def test_skill_against_nothing_is_unknown_not_perfect() -> None:
    skill, error = skill_of(np.zeros((30, 1)), np.zeros((30, 1)), 4)
    assert np.isnan(skill).all() and np.isnan(error).all()


def test_the_seasonal_naive_is_last_year_with_its_own_past_errors() -> None:
    counts = np.log1p(epidemic(9)[None])
    found = seasonal_naive(counts, Frequency.WEEK, QUICK)
    for horizon in range(4):
        assert found[3, 0, horizon] == epidemic(9)[WEEKS - 52 + horizon]
    errors = [counts[0, t] - counts[0, t - 52] for t in range(WEEKS - 156, WEEKS)]
    upper = np.expm1(counts[0, WEEKS - 52] + 1.959964 * np.sqrt(np.mean(np.square(errors))))
    assert found[6, 0, 0] == pytest.approx(upper, abs=0.5)


def test_levels_are_those_of_statsmodels() -> None:
    from statsmodels.tsa.holtwinters import SimpleExpSmoothing

    counts = np.log1p(np.vstack([epidemic(11), epidemic(12)]))
    model = learn(counts, np.array([0.0, 30.0]), Frequency.WEEK, QUICK, ahead=4)
    level = levels(model, counts)
    for row, start in ((0, 0), (1, 30)):
        rest = counts[row, start:] - model.season[row, start:WEEKS]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer = SimpleExpSmoothing(
                rest, initialization_method="known", initial_level=rest[:10].mean()
            ).fit()
        np.testing.assert_allclose(level[row, start:WEEKS], peer.fittedvalues, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(level[row, -1], peer.forecast(1)[0], rtol=1e-9)
    assert np.isnan(level[1, :30]).all()


def test_draws_of_one_value_are_the_counts_themselves() -> None:
    series = weekly(np.vstack([epidemic(13), epidemic(14)]))
    skill = _proven(series.keys, series.frequency)
    plain = forecast(series, skill).quantiles
    same = forecast(
        series, skill, draws=np.broadcast_to(series.observed, (50, *series.observed.shape))
    ).quantiles
    np.testing.assert_array_equal(same, plain)


def test_an_uncertain_newest_week_widens_the_interval() -> None:
    series = weekly(epidemic(15))
    skill = _proven(series.keys, series.frequency)
    draws = np.broadcast_to(series.observed, (200, 1, WEEKS)).copy()
    draws[:, 0, -2:] *= np.random.default_rng(16).lognormal(0, 0.6, (200, 2))
    sure, unsure = forecast(series, skill).quantiles, forecast(series, skill, draws=draws).quantiles
    assert (unsure[6] - unsure[0] > 1.15 * (sure[6] - sure[0])).all()
    newest_only = forecast(series, skill, draws=draws[:, :, -2:]).quantiles
    np.testing.assert_array_equal(newest_only, unsure)


def test_a_nowcast_that_was_refused_is_unknown() -> None:
    series = weekly(np.vstack([epidemic(17), epidemic(18)]))
    draws = np.broadcast_to(series.observed, (20, *series.observed.shape)).copy()
    draws[:, 1, -1] = np.nan
    found = forecast(series, _proven(series.keys, series.frequency), draws=draws)
    assert (found.reason[0] == "").all() and (found.reason[1] == "unknown_counts").all()


@settings(max_examples=40)
@given(st.lists(st.integers(0, 40), min_size=40, max_size=40), st.integers(0, 1000))
def test_quantiles_are_whole_ordered_and_never_negative(newest: list[int], seed: int) -> None:
    counts = np.r_[epidemic(seed, 110, mean=4.0), newest][None]
    told = as_told(counts, None, QUICK)
    model = learn(told.centre, told.start, Frequency.WEEK, QUICK, ahead=4)
    found = predict(model, told, 4)
    assert (np.diff(found, axis=0) >= 0).all() and (found >= 0).all()
    assert (found == np.rint(found)).all()


def test_a_skill_is_found_by_key_whatever_its_order() -> None:
    series = weekly(np.vstack([epidemic(19), repeating(20), epidemic(21)]))
    skill = backtest(series, settings=QUICK)
    shuffled = weekly(series.observed[::-1])
    shuffled = replace(shuffled, keys=(*series.keys[:0:-1], SeriesKey("dengue", 77)))
    found = forecast(shuffled, skill, settings=QUICK)
    assert found.reason[:, 0].tolist() == ["", "not_better_than_naive", "no_backtest"]
    np.testing.assert_array_equal(found.skill[0], skill.skill[2])
    nobody = forecast(series, backtest(weekly(np.empty((0, WEEKS))), settings=QUICK), settings=QUICK)
    assert set(nobody.reason.ravel()) == {"no_backtest"}


def test_what_the_counts_lack_is_said() -> None:
    good = epidemic(22)
    gap, newest, negative, huge = (good.copy() for _ in range(4))
    gap[-60:-50], newest[-1], negative[30], huge[40] = np.nan, np.nan, -1, 1e12
    assert reasons(gap) == reasons(newest) == ["unknown_counts"]
    assert reasons(negative) == reasons(huge) == ["invalid_counts"]
    for weeks in (1, 100, 104, 115):
        assert reasons(good[:weeks]) == ["insufficient_history"]
    assert reasons(np.zeros(WEEKS)) == ["too_few_cases"]
    assert reasons(np.full(WEEKS, np.nan)) == ["insufficient_history"]
    assert reasons(np.where(np.arange(WEEKS) == WEEKS - 70, np.nan, good)) == [""]
    for code in REASONS:
        assert str(explain(code))


def test_short_gaps_are_bridged_and_long_ones_start_anew() -> None:
    counts = np.array(
        [[np.nan, 3, np.nan, 3, np.nan, np.nan, np.nan, 1, np.nan, np.nan, 1], [1.0] * 10 + [np.nan]]
    )
    bridged, start = start_and_bridge(counts, 2)
    assert start[0] == 7 and np.isnan(start[1])
    np.testing.assert_allclose(np.expm1(bridged[0, 7:]), 1.0)


def test_a_constant_count_is_no_error() -> None:
    assert reasons(np.full(WEEKS, 5.0)) == ["not_better_than_naive"]


def test_months_are_forecast_and_days_refused() -> None:
    series = weekly(epidemic(23, 120), frequency=Frequency.MONTH, start=date(2016, 3, 1))
    found = forecast(series, backtest(series, settings=QUICK), settings=QUICK)
    assert found.dates == (date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1))
    odd = weekly(epidemic(23, 13), frequency=Frequency.MONTH, start=date(2016, 1, 31))
    assert forecast(odd, backtest(odd)).dates[0] == date(2017, 2, 28)
    with pytest.raises(ValueError, match="weeks or months"):
        backtest(weekly(epidemic(23), frequency=Frequency.DAY))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


LIMITS = ("lower_95", "lower_80", "lower_50", "median", "upper_50", "upper_80", "upper_95")


def test_a_file_of_several_series(tmp_path: Path) -> None:
    """With Salmonella Agona, a real series so rare (two cases a week) that two years hardly prove a forecast."""
    source = tmp_path / "in.csv"
    agona = [
        r["observed"] for r in read(ORACLES / "farrington_series.csv") if r["series"] == "salmonella.agona"
    ]
    columns: dict[str, list[object]] = {
        "dịch": [*epidemic(1, len(agona))],
        "agona": [*agona],
        "lặp lại": [*repeating(3, len(agona))],
        "ngắn": [*["NA"] * 200, *agona[200:]],
    }
    rows = [f"{name},{t},52,{count},NA\n" for name, own in columns.items() for t, count in enumerate(own, 1)]
    source.write_text("series,t,freq,observed,date\n" + "".join(rows), encoding="utf-8")
    done = forecast_file(source, tmp_path / "out.csv", horizon=2, origins=52)
    found = _rows(tmp_path / "out.csv")
    assert tuple(found[0]) == COLUMNS and (done.series, done.rows) == (4, len(found)) == (4, 8)
    assert done.given == sum(row["reason"] == "" for row in found)
    assert [(row["t"], row["horizon"], row["date"]) for row in found[:2]] == [
        ("313", "1", "NA"),
        ("314", "2", "NA"),
    ]
    for row in found:
        limits = [float(row[name]) for name in LIMITS if row[name] != "NA"]
        assert len(limits) == (7 if row["reason"] == "" else 0)
        assert limits == sorted(limits) and min(limits, default=0) >= 0
    reason = {row["series"]: row["reason"] for row in found if row["horizon"] == "1"}
    assert reason["agona"] in ("", "not_better_than_naive") and 0 < float(found[2]["skill"]) < 0.5
    assert (reason["dịch"], reason["lặp lại"], reason["ngắn"]) == (
        "",
        "not_better_than_naive",
        "insufficient_history",
    )
    assert float(found[4]["skill"]) < 0 and found[6]["skill"] == "NA"


def test_vietnams_dengue_weeks_are_forecast_until_the_record_breaks_off(tmp_path: Path) -> None:
    if not VIETNAM.exists():
        pytest.skip(f"the recorded series {VIETNAM} is not on this machine")
    rows = [r for r in _rows(VIETNAM) if r["calendar_start_date"] < "2022"]
    lines = [f"VN,{t},52,{r['dengue_total']},{r['calendar_start_date']}\n" for t, r in enumerate(rows, 1)]
    source = tmp_path / "in.csv"
    source.write_text("series,t,freq,observed,date\n" + "".join(lines))
    forecast_file(source, tmp_path / "out.csv", horizon=4, origins=52)
    found = _rows(tmp_path / "out.csv")
    assert [row["date"] for row in found] == ["2019-12-29", "2020-01-05", "2020-01-12", "2020-01-19"]
    assert all(row["reason"] == "" and float(row["skill"]) > 0.4 for row in found)
    later = _rows(VIETNAM)
    lines = [f"VN,{t},52,{r['dengue_total']},{r['calendar_start_date']}\n" for t, r in enumerate(later, 1)]
    source.write_text("series,t,freq,observed,date\n" + "".join(lines))
    forecast_file(source, tmp_path / "out.csv", horizon=4, origins=52)
    assert {row["reason"] for row in _rows(tmp_path / "out.csv")} == {"unknown_counts"}


def test_a_daily_file_is_refused_in_words(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("series,t,freq,observed\nA,1,365,4\n")
    with pytest.raises(PlainFileError, match="theo ngày"):
        forecast_file(source, tmp_path / "out.csv", horizon=4, origins=52)
    assert not (tmp_path / "out.csv").exists()
