"""The panel of a unit of another boundary release, and what the city's panel says of a release."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from dash import html
from sqlalchemy.orm import Session

from alerts.views import levels_at
from geodata.breaks import origin
from geodata.people import persons_about
from geodata.places import Place, find_place
from geodata.releases import crosswalk_between, find_release
from i18n import _
from surveillance.release_counts import ReleaseCounts, counts_on_release, weeks_on_release
from web.context import Moment, disease_name, theme
from web.figures import Break, chart
from web.formats import (
    case_count,
    count,
    day,
    facts,
    icon,
    kpi,
    level_badge,
    link,
    percent,
    shown_level,
    table,
)
from web.map_choice import Choice, rate_of, windows
from web.pages.breaks import changed_text
from web.release_figures import shared_figure

CURVE_WEEKS = 52
TOP = 8


def former_panel(session: Session, place: Place, choice: Choice, shown: Moment) -> list[Any]:
    """A unit as it once was: its cases by point and by share, what it was made of and what it went into."""
    release = find_release(session, choice.release or place.valid_from)
    assert release is not None
    counts = counts_on_release(
        session,
        release.on,
        disease=choice.disease,
        periods=windows(shown),
        as_of=shown.as_of,
        unit_id=place.id,
    )
    weeks = weeks_on_release(
        session, release.on, disease=choice.disease, unit_id=place.id, weeks=CURVE_WEEKS * choice.years,
        today=shown.today, as_of=shown.as_of,
    )  # fmt: skip
    breaks = [Break(x, changed_text(x)) for x in (place.valid_from, place.valid_to) if x]
    figure = shared_figure(
        [first for first, _last in weeks.periods], weeks.cases[0], weeks.estimated[0], breaks, theme()
    )
    title = disease_name(choice.disease) if choice.disease else _("Tất cả các bệnh")
    return [
        html.Div(
            [
                html.Div(
                    [html.H2(place.name, className="panel-title"), html.Div(_when(place), className="dim")]
                ),
                link(
                    icon("x"), release_href(choice, shown, None), className="icon-button",
                    title=_("Đóng, xem cả thành phố"),
                ),
            ],
            className="panel-head",
        ),
        html.Div([html.Strong(title)], className="badge-row"),
        _figures(session, place, counts, shown),
        html.P(_how(counts), className="dim panel-note"),
        html.H3(_("Số ca theo tuần"), className="section-title"),
        chart(figure, _("Biểu đồ số ca theo tuần, {place}", place=place.name)),
        *years_link(choice, shown, place.id),
        *_became(session, place, choice, shown),
        *made_of(session, place),
    ]  # fmt: skip


def release_summary(session: Session, counts: ReleaseCounts, choice: Choice, shown: Moment) -> list[Any]:
    """What the city's panel says of an older release: how much of it is estimated, and its busiest units."""
    whole = float(counts.cases[:, 1].sum())
    lines = [
        (_("Ca 28 ngày trong ranh giới này"), case_count(whole)),
        (_("Trong đó ước tính"), f"{percent(float(counts.estimated[:, 1].sum()), whole)} %"),
        (_("Ngoài ranh giới này"), case_count(counts.outside[1])),
        (_("Chưa rõ xã, phường"), case_count(counts.unplaced[1])),
    ]
    return [
        html.H3(_("Ranh giới từ {day}", day=day(counts.release)), className="section-title"),
        facts(lines),
        html.P(
            _(
                "Ca có tọa độ chính xác được đếm theo tọa độ; ca khác ở đơn vị đã chia tách được chia theo tỷ lệ "
                "dân số (ước tính). Mức nguy cơ là của xã, phường hiện nay đã nhận địa bàn ấy."
            ),
            className="dim panel-note",
        ),
        html.H3(_("Nhiều ca nhất trong 28 ngày"), className="section-title"),
        _top(session, counts, choice, shown),
    ]


def _top(session: Session, counts: ReleaseCounts, choice: Choice, shown: Moment) -> Any:
    by_unit, estimated = counts.by_unit(1), counts.estimated_by_unit(1)
    if not by_unit:
        return html.P(_("Không có ca nào trong 28 ngày."), className="dim")
    rows = []
    for unit in sorted(by_unit, key=lambda x: -by_unit[x])[:TOP]:
        place = find_place(session, unit)
        assert place is not None
        name = f"{place.name}, {place.parent}" if place.parent else place.name
        share = percent(estimated.get(unit, 0), by_unit[unit])
        rows.append((link(name, release_href(choice, shown, unit)), case_count(by_unit[unit]), f"{share} %"))
    return table([_("Xã, phường"), _("Số ca"), _("Ước tính")], rows, numeric=(1, 2))


def release_href(choice: Choice, shown: Moment, unit_id: int | None, **other: str) -> str:
    """The map as it is chosen, with this unit."""
    query = {
        "disease": choice.disease,
        "on": shown.today.isoformat() if shown.as_of is not None else None,
        "unit": unit_id,
        "release": choice.release,
        "metric": "rate" if choice.metric == "rate" else None,
        "years": choice.years if choice.years != 1 else None,
        **other,
    }
    text = urlencode({name: value for name, value in query.items() if value})
    return f"/map?{text}" if text else "/map"


def years_link(choice: Choice, shown: Moment, unit_id: int | None) -> list[Any]:
    """The curve over one year or three."""
    if choice.years == 1:
        return [link(_("Xem 3 năm"), release_href(choice, shown, unit_id, years="3"), className="more-link")]
    return [link(_("Xem 1 năm"), release_href(choice, shown, unit_id, years=""), className="more-link")]


def made_of(session: Session, place: Place) -> list[Any]:
    """The units that a unit's land was of before, largest part first; nothing where it did not change."""
    made = origin(session, place.id, place.valid_from) if place.valid_from else None
    if made is None or not made.changed or not made.former:
        return []
    rows = [(_with_parent(session, unit), f"{percent(share, 1)} %") for unit, share in made.former.items()]
    return [
        html.H3(_("Trước {day} là", day=day(made.on)), className="section-title"),
        table([_("Đơn vị cũ"), _("Phần")], rows, numeric=(1,)),
    ]


def _became(session: Session, place: Place, choice: Choice, shown: Moment) -> list[Any]:
    today = find_release(session, None)
    assert today is not None and place.valid_from is not None
    parts = crosswalk_between(session, place.valid_from, today.on).row(place.id)
    levels = levels_at(session, disease=choice.disease, as_of=shown.as_of)
    rows = []
    for unit, share in parts.items():
        view, now_place = levels.get(unit), find_place(session, unit)
        level = shown_level(view.level, view.unknown) if view else "unknown"
        target = release_href(choice, shown, unit, release="")
        name = now_place.name if now_place else ""
        rows.append((link(name, target), level_badge(level), f"{percent(share, 1)} %"))
    heading = html.H3(_("Nay thuộc"), className="section-title")
    return [heading, table([_("Xã, phường"), _("Mức"), _("Phần")], rows, numeric=(2,))]


def _figures(session: Session, place: Place, counts: ReleaseCounts, shown: Moment) -> html.Div:
    persons = persons_about(session, [place.id], shown.today.year).get(place.id)
    cases = float(counts.cases[0, 1])
    rate = rate_of(cases, persons)
    people = _("{n} dân", n=count(persons)) if persons else _("chưa có dân số")
    return html.Div(
        [
            kpi(_("Ca trong 7 ngày"), case_count(counts.cases[0, 0])),
            kpi(_("Ca trong 28 ngày"), case_count(cases)),
            kpi(_("Ca trên 100.000 dân, 28 ngày"), count(rate, 1), people),
            kpi(_("Ước tính"), f"{percent(float(counts.estimated[0, 1]), cases)} %", _("số ca 28 ngày")),
        ],
        className="kpi-grid",
    )


def _how(counts: ReleaseCounts) -> str:
    if not counts.estimated[:, 1].any():
        return _("Mọi ca đều được đếm theo tọa độ hoặc theo đơn vị sáp nhập trọn vẹn.")
    return _("Phần ước tính: ca không có tọa độ đủ chính xác, chia theo tỷ lệ dân số giữa các đơn vị.")


def _when(place: Place) -> str:
    parent = f"{place.parent} · " if place.parent else ""
    if place.valid_to is None:
        return parent + _("từ {day}", day=day(place.valid_from))
    last = place.valid_to - timedelta(days=1)
    return f"{parent}{day(place.valid_from)} – {day(last)}"


def _with_parent(session: Session, unit: int) -> str:
    place = find_place(session, unit)
    if place is None:
        return ""
    return f"{place.name}, {place.parent}" if place.parent else place.name
