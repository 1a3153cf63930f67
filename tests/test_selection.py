"""The map's whole state is its URL: reading what was written gives the same, and no URL can break the page."""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings import ROOT
from surveillance.case_filter import DATED_BY, SEVERITIES, SEXES, STATUSES, CaseFilter, Circle, Lasso
from web.context import Moment
from web.selection import STACKS, STEPS, VIEWS, Compare, Layer, Selection
from web.workbench.controls import CONTROLS

DISEASES = ("dengue", "pertussis")
SHOWN = Moment(today=date(2026, 10, 28), as_of=None)

days = st.dates(date(2000, 1, 1), date(2030, 12, 31))
degrees = st.integers(-8_999_999, 8_999_999).map(lambda n: n / 100_000)
circles = st.builds(Circle, degrees, degrees, st.integers(1, 50_000).map(float))
lassos = st.builds(Lasso, st.lists(st.tuples(degrees, degrees), min_size=3, max_size=20).map(tuple))
words = st.text("abcđêxyz0123456789 .-_", min_size=1, max_size=30)
compares = st.one_of(
    st.builds(Compare, st.sampled_from(["on", "to"]), days.map(date.isoformat)),
    st.builds(Compare, st.just("disease"), st.sampled_from(DISEASES)),
)
names = st.from_regex(r"[a-z]{2,9}", fullmatch=True).filter(lambda name: name != "none")
layers = st.lists(st.builds(Layer, names, st.integers(0, 100)), max_size=4)
selections = st.builds(
    Selection,
    disease=st.none() | st.sampled_from(DISEASES),
    first=st.none(),
    last=st.none() | days,
    days=st.none() | st.integers(1, 400),
    on=st.none() | days,
    dated_by=st.sampled_from(DATED_BY),
    unit=st.none() | st.integers(1, 10_000),
    units=st.none() | st.frozensets(st.integers(1, 999), min_size=1, max_size=5),
    within=st.none() | circles | lassos,
    ages=st.none() | st.tuples(st.integers(0, 40), st.integers(41, 120)),
    sex=st.none() | st.sampled_from(SEXES),
    severity=st.none() | st.sampled_from(SEVERITIES),
    status=st.none() | st.sampled_from(STATUSES),
    source=st.none() | words,
    metric=words,
    classes=st.none() | words,
    layers=st.none() | layers.map(tuple),
    compare=st.none() | compares,
    release=st.none() | days,
    view=st.sampled_from(VIEWS),
    stack=st.none() | st.sampled_from(STACKS),
    step=st.sampled_from(STEPS),
    years=st.integers(1, 10),
    outbreak=st.none() | st.integers(1, 10_000),
    cluster=st.none() | st.integers(1, 10_000),
)  # fmt: skip


@given(selections)
def test_what_is_written_is_read_again(selection: Selection) -> None:
    assert Selection.parse(selection.query(), DISEASES) == selection


@given(st.text(max_size=200))
def test_no_query_breaks_it(query: str) -> None:
    Selection.parse(query, DISEASES).filter(SHOWN)


@given(
    st.sampled_from(["from", "to", "on", "area", "age", "layers", "compare", "units"]), st.text(max_size=40)
)
def test_no_value_breaks_it(name: str, value: str) -> None:
    Selection.parse(urlencode({name: value}), DISEASES).filter(SHOWN)


def test_what_is_as_it_always_is_stays_out_of_the_url() -> None:
    assert Selection().query() == ""
    assert Selection(disease="dengue").href(unit=7) == "/map?disease=dengue&unit=7"


def test_unknown_values_are_dropped_and_known_ones_kept() -> None:
    read = Selection.parse(
        "?disease=plague&sex=x&age=9-2&area=circle:1&view=charts&on=2026-13-01&days=7", DISEASES
    )
    assert read == Selection(view="charts", days=7)


@pytest.mark.parametrize(
    ("query", "period"),
    [
        ("", (date(2026, 10, 1), date(2026, 10, 28))),
        ("days=7", (date(2026, 10, 22), date(2026, 10, 28))),
        ("to=2026-10-10&days=7", (date(2026, 10, 4), date(2026, 10, 10))),
        ("from=2026-09-01", (date(2026, 9, 1), date(2026, 10, 28))),
        ("from=2026-09-01&to=2026-12-31", (date(2026, 9, 1), date(2026, 10, 28))),
        ("from=2026-12-01", (date(2026, 10, 1), date(2026, 10, 28))),
    ],
)
def test_the_period_ends_no_later_than_the_day_on_show(query: str, period: tuple[date, date]) -> None:
    assert Selection.parse(query, DISEASES).period(SHOWN) == period


def test_the_second_clock_becomes_as_of() -> None:
    shown = Moment(today=date(2026, 10, 1), as_of=datetime(2026, 10, 1, 17, tzinfo=UTC))
    wanted = Selection.parse("disease=dengue&on=2026-10-01&status=verified", DISEASES).filter(shown, {4})
    assert wanted == CaseFilter(
        start=date(2026, 9, 4), end=date(2026, 10, 1), as_of=shown.as_of, disease="dengue", status="verified",
        readable=frozenset({4}),
    )  # fmt: skip
    assert wanted.narrowed


def test_the_other_side_differs_in_one_thing() -> None:
    here = Selection.parse("disease=dengue&on=2026-10-01&compare=disease:pertussis&days=7", DISEASES)
    there = here.other_side()
    assert there == Selection(disease="pertussis", on=date(2026, 10, 1), days=7)
    assert Selection.parse("compare=to:2026-09-01", DISEASES).other_side() == Selection(last=date(2026, 9, 1))


def test_every_control_of_the_page_is_known_to_its_script() -> None:
    script = (ROOT / "assets" / "map.js").read_text(encoding="utf-8")
    missing = [f"{control}.{prop}" for control, prop in CONTROLS if f'"{control}.{prop}": ' not in script]
    assert missing == []
