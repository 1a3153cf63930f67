"""Nowcasts equal R surveillance's; ours never falls under what is reported and says when it cannot know."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveillance.nowcast import REASONS, NowcastSettings, explain, nowcast
from surveillance.nowcast_files import boda as boda_file
from surveillance.nowcast_files import nowcast as nowcast_file
from surveillance.nowcasting.boda import BodaDelay, boda_delay
from surveillance.nowcasting.hazard import DelayCounts, bayes_cdf, delay_cdf, lawless_hazard
from surveillance.nowcasting.reference import ReferenceSettings, reference_nowcast
from surveillance.nowcasting.triangle import Triangle, due_cells, triangle_of
from surveillance.plain_files import PlainFileError
from surveillance.types import CountSeries, Frequency, SeriesKey

ORACLES = Path(__file__).parent / "oracles"
REFERENCE = Path(__file__).parents[2] / "shared" / "reference" / "nowcast"
NOW = date(2011, 6, 2)
MONDAY = date(2026, 1, 5)
R_BODA: dict[str, Any] = {"years": 4, "half_window": 3, "periods": 10, "guard": 26, "least": 0, "draws": 200}
MONTE_CARLO = {"bayes.notrunc", "bayes.trunc"}


def read(name: str) -> list[dict[str, str]]:
    lines = [line for line in (ORACLES / name).read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def number(text: str) -> float:
    return float(text) if text.strip() not in ("", "NA") else np.nan


def recorded_triangle(name: str, width: int) -> Any:
    return np.array([[number(row[f"d{d}"]) for d in range(width)] for row in read(name)])


HUS = recorded_triangle("nowcast_triangle.csv", 16)


@pytest.mark.parametrize(
    ("method", "window"),
    [("lawless", "NA"), ("lawless", "20"), ("bayes.notrunc", "NA"), ("bayes.trunc", "NA")],
)
def test_delay_distributions_equal_r(method: str, window: str) -> None:
    theirs = [
        float(r["F"]) for r in read("nowcast_delay_cdf.csv") if (r["method"], r["m"]) == (method, window)
    ]
    delays = DelayCounts.of(HUS, None if window == "NA" else int(window))
    if method == "lawless":
        ours = delay_cdf(lawless_hazard(delays))
    else:
        ours = bayes_cdf(delays, "trunc" if method == "bayes.trunc" else "notrunc")

    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_medians_and_limits_equal_r() -> None:
    rows = read("nowcast_quantiles.csv")
    for method, window in sorted({(row["method"], row["m"]) for row in rows}):
        name: Any = method
        chosen = ReferenceSettings(
            method=name, window=None if window == "NA" else int(float(window)), largest=1000, draws=4000
        )
        result = reference_nowcast(HUS, chosen, np.random.default_rng(1))
        theirs = [row for row in rows if (row["method"], row["m"]) == (method, window)]
        days = [(date.fromisoformat(row["date"]) - date(2011, 5, 7)).days for row in theirs]
        assert result.reported[days].tolist() == [float(row["reported"]) for row in theirs]
        for ours, column in ((result.median, "nowcast"), (result.lower, "lo"), (result.upper, "hi")):
            expected = np.array([float(row[column]) for row in theirs])
            # R prints 0 for a limit above the largest count it considers; ours is unknown and says so.
            beyond = (result.reason[days] == "beyond_largest") & np.isnan(ours[days])
            assert (expected[beyond] == 0).all()
            tolerance = 1 + 0.05 * expected if method in MONTE_CARLO else 0
            assert (
                np.abs(ours[days] - expected)[~beyond] <= np.broadcast_to(tolerance, len(days))[~beyond]
            ).all()


def weekly(observed: Any, start: date) -> CountSeries:
    return CountSeries(
        keys=(SeriesKey("salmonella", 1),), frequency=Frequency.WEEK, start=start,
        observed=observed[None, :], as_of=datetime(2015, 12, 1, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize("delay", [False, True])
def test_delay_aware_bounds_equal_r(delay: bool) -> None:
    rows = read("nowcast_boda_triangle.csv")
    triangle = recorded_triangle("nowcast_boda_triangle.csv", 11)
    theirs = [row for row in read("nowcast_boda.csv") if row["delay"] == str(delay)]
    steps = np.array([int(row["t"]) - int(rows[0]["t"]) for row in theirs])
    series = weekly(np.nansum(triangle, axis=1), date.fromisoformat(rows[0]["date"]))
    bounds = boda_delay(series, triangle, steps, BodaDelay(delay=delay, **R_BODA))

    assert bounds.upperbound[0].tolist() == [float(row["upperbound"]) for row in theirs]
    assert bounds.alarm[0].tolist() == [row["alarm"] == "1" for row in theirs]


def test_delay_aware_bounds_without_enough_years_or_figures_say_so() -> None:
    counts = np.full(300, 20.0)
    counts[250] = np.nan
    bounds = boda_delay(weekly(counts, MONDAY), None, np.array([100, 260, 299]), BodaDelay(delay=False))

    assert bounds.reason[0].tolist() == ["insufficient_history", "insufficient_history", "unknown_counts"]
    assert np.isnan(bounds.upperbound).all()
    assert not bounds.alarm.any()


def test_files_of_the_reference_go_through_the_command_as_they_are(tmp_path: Path) -> None:
    if not REFERENCE.exists():
        pytest.skip(
            "../shared/reference/nowcast is not here; tests/oracles/nowcast_*.csv was checked instead"
        )
    out, cdf = tmp_path / "out.csv", tmp_path / "cdf.csv"
    written = nowcast_file(
        REFERENCE / "husO104Hosp_linelist.csv", out, now=NOW, max_delay=15,
        settings=ReferenceSettings(method="lawless", window=20), cdf_csv=cdf,
    )  # fmt: skip
    boda_file(
        REFERENCE / "salmAllOnset_triangle.csv", tmp_path / "boda.csv", first=718, last=738,
        settings=BodaDelay(delay=True, **R_BODA),
    )  # fmt: skip

    ours = [(r["date"], r["nowcast"], r["lo"], r["hi"]) for r in csv.DictReader(out.read_text().splitlines())]
    theirs = [
        (r["date"], r["nowcast"], r["lo"], r["hi"])
        for r in read("nowcast_quantiles.csv")
        if (r["method"], r["m"]) == ("lawless", "20")
    ]
    assert written == 16
    assert ours == theirs
    shares = [float(row["F"]) for row in csv.DictReader(cdf.read_text().splitlines())]
    expected = [
        float(r["F"]) for r in read("nowcast_delay_cdf.csv") if (r["method"], r["m"]) == ("lawless", "20")
    ]
    np.testing.assert_allclose(shares, expected, rtol=1e-6)
    bounds = [r["upperbound"] for r in csv.DictReader((tmp_path / "boda.csv").read_text().splitlines())]
    assert bounds == [r["upperbound"] for r in read("nowcast_boda.csv") if r["delay"] == "True"]


def simulated(
    rng: np.random.Generator,
    *,
    areas: int = 12,
    steps: int = 70,
    per_day: float = 6.0,
    mean_delay: float = 3.0,
) -> tuple[Triangle, Any]:
    """A triangle with geometric delays, and the true final counts (areas, steps)."""
    truth = rng.poisson(per_day, (areas, steps))
    area, event = (np.repeat(index, truth.ravel()) for index in np.indices(truth.shape).reshape(2, -1))
    delay = rng.geometric(1 / (1 + mean_delay), area.size) - 1
    return (
        triangle_of(area, event, event + delay, areas=areas, steps=steps, max_delay=14, start=MONDAY),
        truth,
    )


def test_the_triangle_holds_only_what_was_reported_by_now() -> None:
    triangle = triangle_of(
        np.array([0, 0, 0, 1]), np.array([0, 2, 2, 1]), np.array([9, 3, 4, 0]),
        areas=2, steps=4, max_delay=2, start=MONDAY,
    )  # fmt: skip

    assert triangle.reported.tolist() == [[0, 0, 1, 0], [0, 0, 0, 0]]
    assert np.isnan(triangle.counts[0, 3, 1:]).all()
    assert triangle.counts[0, 2, 1] == 1


def test_true_counts_fall_into_the_intervals_about_as_often_as_promised() -> None:
    rng = np.random.default_rng(1)
    inside, total, ratio = 0, 0, []
    for _ in range(6):
        triangle, truth = simulated(rng)
        result = nowcast(triangle, rng=rng)
        final, low, high = truth[:, -14:], result.quantile(0.05), result.quantile(0.95)
        inside += int(((low <= final) & (final <= high))[:, -5:].sum())
        total += final[:, -5:].size
        ratio.append(result.quantile(0.5)[:, -5:].sum() / final[:, -5:].sum())

    assert 0.85 < inside / total < 0.99
    assert 0.9 < np.mean(ratio) < 1.1


def test_without_delay_the_nowcast_is_the_count() -> None:
    rng = np.random.default_rng(2)
    triangle, truth = simulated(rng, mean_delay=0.0)
    result = nowcast(triangle, rng=rng)

    assert (result.reason == "").all()
    np.testing.assert_array_equal(result.quantile(0.5), truth[:, -14:])
    assert result.share.min() > 0.98


def test_an_area_that_reports_late_is_nowcast_by_its_own_delays() -> None:
    rng = np.random.default_rng(3)
    quick, _ = simulated(rng, areas=10, mean_delay=1.0)
    slow, truth = simulated(rng, areas=1, per_day=40, mean_delay=6.0)
    both = Triangle(start=MONDAY, counts=np.concatenate([quick.counts, slow.counts]))
    result = nowcast(both, rng=rng)

    assert result.share[10, -3] < 0.6 * result.share[:10, -3].mean()
    assert np.nansum(result.quantile(0.5)[10, -4:]) == pytest.approx(truth[0, -4:].sum(), rel=0.35)


def test_an_area_with_hardly_a_case_borrows_the_delays_of_the_city() -> None:
    rng = np.random.default_rng(4)
    city, _ = simulated(rng, areas=10)
    tiny, _ = simulated(rng, areas=1, per_day=0.02)
    both = Triangle(start=MONDAY, counts=np.concatenate([city.counts, tiny.counts]))
    result = nowcast(both, rng=rng)

    np.testing.assert_allclose(result.share[10], result.share[:10].mean(axis=0), rtol=0.15)


def test_a_holiday_to_come_delays_what_is_expected() -> None:
    rng = np.random.default_rng(5)
    truth = rng.poisson(30, (8, 90))
    area, event = (np.repeat(index, truth.ravel()) for index in np.indices(truth.shape).reshape(2, -1))
    reported = event + rng.geometric(0.4, area.size) - 1
    closed = {30, 45, 60, 89}
    for day in sorted(closed):
        reported = np.where(reported == day, day + 1, reported)
    triangle = triangle_of(area, event, reported, areas=8, steps=90, max_delay=12, start=MONDAY)
    told = nowcast(triangle, rng=rng, holidays={MONDAY + timedelta(days=d) for d in closed})
    untold = nowcast(triangle, rng=rng)
    final = truth[:, -2].sum()

    error_told = abs(np.nanmedian(told.draws[:, :, -2].sum(axis=1)) - final)
    error_untold = abs(np.nanmedian(untold.draws[:, :, -2].sum(axis=1)) - final)
    assert error_told < error_untold


def test_too_short_or_too_thin_a_history_is_refused_in_plain_words() -> None:
    rng = np.random.default_rng(6)
    short, _ = simulated(rng, steps=20)
    thin, _ = simulated(rng, per_day=0.01)

    assert set(nowcast(short, rng=rng).reason.ravel()) == {"insufficient_history"}
    assert set(nowcast(thin, rng=rng).reason.ravel()) == {"too_few_reports"}
    for code in REASONS:
        assert "ca chưa báo cáo" in str(explain(code)) or "Chưa ước tính được" in str(explain(code))


def test_one_areas_bad_figures_leave_the_others_standing() -> None:
    rng = np.random.default_rng(7)
    triangle, _ = simulated(rng)
    counts = triangle.counts.copy()
    counts[0, 5, 2], counts[1, 6, 3], counts[2, 7, 0] = np.nan, -4, np.inf
    result = nowcast(Triangle(start=MONDAY, counts=counts), rng=rng)

    assert [set(result.reason[s]) for s in range(3)] == [
        {"unknown_counts"},
        {"negative_counts"},
        {"unknown_counts"},
    ]
    assert np.isnan(result.draws[:, :3]).all()
    assert (result.reason[3:] == "").all()


def test_a_history_that_does_not_tell_the_delays_is_refused() -> None:
    result = nowcast(
        Triangle(start=date(2011, 5, 7), counts=HUS[None]),
        rng=np.random.default_rng(8),
        settings=NowcastSettings(min_history=10),
    )

    assert set(result.reason[0, -10:]) <= {"uncertain_delays", "too_early"}
    assert np.isnan(result.quantile(0.5)[0, -10:]).all()


def test_the_same_seed_gives_the_same_nowcast() -> None:
    triangle, _ = simulated(np.random.default_rng(9))
    first = nowcast(triangle, rng=np.random.default_rng(1))
    second = nowcast(triangle, rng=np.random.default_rng(1))

    np.testing.assert_array_equal(first.draws, second.draws)


def test_completed_series_keep_the_older_days() -> None:
    rng = np.random.default_rng(10)
    triangle, _ = simulated(rng)
    result = nowcast(triangle, rng=rng)
    whole = result.completed(triangle.reported)

    assert whole.shape == (200, 12, 70)
    np.testing.assert_array_equal(whole[:, :, :56], np.broadcast_to(triangle.reported[:, :56], (200, 12, 56)))
    np.testing.assert_array_equal(whole[:, :, 56:], result.draws)


def test_an_empty_city_and_empty_days_raise_nothing() -> None:
    rng = np.random.default_rng(11)
    for shape in ((0, 60, 11), (3, 0, 11), (3, 60, 1)):
        counts = np.where(due_cells(shape[1], shape[2] - 1), np.zeros(shape), np.nan)
        nowcast(Triangle(start=MONDAY, counts=counts), rng=rng)


@st.composite
def triangles(draw: st.DrawFn) -> Triangle:
    areas, steps, delay = draw(st.integers(1, 7)), draw(st.integers(16, 45)), draw(st.integers(1, 8))
    seed, level = draw(st.integers(0, 10_000)), draw(st.sampled_from([0.0, 0.3, 3.0, 60.0]))
    rng = np.random.default_rng(seed)
    counts = rng.poisson(level, (areas, steps, delay + 1)).astype(float)
    bad = draw(st.sampled_from([None, np.nan, -1.0, np.inf]))
    if bad is not None:
        counts[draw(st.integers(0, areas - 1)), draw(st.integers(0, steps - 1)), 0] = bad
    return Triangle(start=MONDAY, counts=np.where(due_cells(steps, delay), counts, np.nan))


@settings(deadline=None, max_examples=40)
@given(triangle=triangles(), seed=st.integers(0, 100))
def test_never_under_what_is_reported_and_silent_only_with_a_reason(triangle: Triangle, seed: int) -> None:
    result = nowcast(triangle, rng=np.random.default_rng(seed), settings=NowcastSettings(draws=20))

    stands = result.reason == ""
    assert (result.draws[:, stands] >= result.reported[stands]).all()
    assert np.isnan(result.draws[:, ~stands]).all()
    assert set(result.reason.ravel()) <= {"", *REASONS}


@given(
    counts=st.lists(st.lists(st.integers(0, 20), min_size=4, max_size=4), min_size=8, max_size=20),
    factor=st.integers(2, 9),
)
def test_delays_depend_on_proportions_only(counts: list[list[int]], factor: int) -> None:
    triangle = np.array(counts, dtype=float)
    once = delay_cdf(lawless_hazard(DelayCounts.of(triangle)))
    often = delay_cdf(lawless_hazard(DelayCounts.of(triangle * factor)))

    np.testing.assert_allclose(once, often)
    assert (np.diff(once) >= -1e-12).all()
    assert once[-1] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ReferenceSettings(method="lawles"),  # type: ignore[arg-type]
        lambda: ReferenceSettings(alpha=1.0),
        lambda: ReferenceSettings(window=0),
        lambda: ReferenceSettings(prior_mean=50, prior_variance=40),
        lambda: NowcastSettings(draws=1),
        lambda: NowcastSettings(min_share=0),
        lambda: BodaDelay(alpha=0),
        lambda: BodaDelay(years=0),
    ],
)
def test_an_impossible_setting_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError):
        wrong()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dHosp,other\n2026-01-01,2026-01-02\n", "dReport"),
        ("dHosp,dReport\n2026-01-01,02/01/2026\n", "dòng 2"),
        ("dHosp,dReport\nNA,2026-01-02\n", "đủ hai ngày"),
        ("date,d0,d1\n2026-01-01,1,x\n", "cột d1"),
        ("date,d0,d1\n2026-01-01,1,2\n2026-01-03,1,2\n2026-01-04,1,NA\n", "cách đều"),
        ("date,d0\n", "không có dòng"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "in.csv").write_text(text)
    with pytest.raises(PlainFileError, match=words):
        nowcast_file(tmp_path / "in.csv", tmp_path / "out.csv")


def test_the_pooled_model_runs_on_a_line_list_with_areas(tmp_path: Path) -> None:
    rng = np.random.default_rng(12)
    lines = ["area,date_onset,date_report"]
    for day in range(60):
        for area in "abcdef":
            for _ in range(rng.poisson(4)):
                onset = MONDAY + timedelta(days=day)
                lines.append(f"{area},{onset},{onset + timedelta(days=int(rng.poisson(2)))}")
    (tmp_path / "in.csv").write_text("\n".join(lines))
    nowcast_file(
        tmp_path / "in.csv", tmp_path / "out.csv", now=MONDAY + timedelta(days=59), max_delay=10,
        pooled=NowcastSettings(),
    )  # fmt: skip

    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert len(rows) == 6 * 10
    assert all(float(row["lo"]) >= float(row["reported"]) for row in rows if row["lo"] != "NA")
    assert {row["method"] for row in rows} == {"pooled"}
