"""Do our alerts deserve trust: what officers found, what a replay shows, and how many a week we can handle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update
from sqlalchemy.orm import Session

from accounts.models import Role
from accounts.service import active_user
from alerts.budget import LINE, Point, proposed, with_strictness
from alerts.inbox import OUTCOMES
from alerts.models import ReplayRun
from alerts.policy_store import PolicyRefused, propose, version_in_force
from alerts.rules import PolicyError
from alerts.score_views import HandledAlert, finished_replays, handled_alerts, officer_count
from alerts.scorecard import Share, handling
from geodata.places import communes_today
from i18n import Message, _
from web.context import disease_name, for_roles, local, now, open_session, theme, viewer
from web.figures import EXPECTED, GRID, INK, chart
from web.formats import count, day, empty, kpi, level_badge, link, moment, table

PERIODS = {
    "30": Message("30 ngày"),
    "90": Message("90 ngày"),
    "365": Message("một năm"),
}
WITHIN_HOURS = 24
TILES = {"gridTemplateColumns": "repeat(auto-fill, minmax(165px, 1fr))"}
SHOWN_ROWS = 50
READERS = (Role.ANALYST, Role.MANAGER)
WAYS = {
    "caught": Message("Bằng cách nào cũng được"),
    "opened": Message("Cảnh báo trong hộp"),
    "called": Message("Tin gửi ngay cho cán bộ"),
    "alarmed": Message("Tin gửi ngay vì mức cao"),
    "recorded": Message("Ổ dịch được ghi nhận"),
}


def layout(rest: str = "", **_query: str) -> Any:
    return html.Div(
        [
            dcc.Location(id="score-url", refresh="callback-nav"),
            html.Div(html.H1(_("Cảnh báo có đáng tin không"), className="page-title"), className="page-head"),
            html.Div(html.Div(className="skeleton page-skeleton"), id="score-content"),
        ],
        className="page",
    )


def register(app: Dash) -> None:
    app.callback(Output("score-content", "children"), Input("score-url", "search"))(draw)
    app.callback(
        Output("score-proposal", "children"), Input("score-budget", "value"), State("score-replay", "data")
    )(propose_step)
    app.callback(
        Output("score-drafted", "children"),
        Input("score-draft", "n_clicks"),
        State("score-budget", "value"),
        State("score-replay", "data"),
        prevent_initial_call=True,
    )(draft)


@for_roles(*READERS)
def draw(search: str | None) -> Any:
    query = dict(parse_qsl((search or "").lstrip("?")))
    period = query.get("days", "90")
    with open_session() as session:
        replays = finished_replays(session)
        chosen = next((run for run in replays if run.schema == query.get("replay")), None)
        return [
            *_handled(session, period if period in PERIODS else "90"),
            *_replayed(session, replays, chosen or (replays[0] if replays else None)),
        ]


# What officers found


def _handled(session: Session, period: str) -> list[Any]:
    end = now(session)
    start = end - timedelta(days=int(period))
    alerts = handled_alerts(session, start, end + timedelta(seconds=1), viewer().area_ids)
    officers = officer_count(session)
    found = handling(
        [alert.handled for alert in alerts],
        first=local(start).date() + timedelta(days=1),
        last=local(end).date(),
        officers=officers,
        now=end,
        within_hours=WITHIN_HOURS,
    )
    hours = _("trung vị; 9 trên 10 cảnh báo trong {hours} giờ", hours=count(found.p90_hours, 1))
    tiles = [
        kpi(_("Cảnh báo mỗi tuần"), _rate(found.per_week), _("mở trong hộp, toàn địa bàn của bạn")),
        kpi(
            _("Mỗi cán bộ mỗi tuần"),
            count(found.per_officer_week, 2) if officers else "–",
            _("chia đều cho {n} cán bộ", n=officers),
        ),
        kpi(_("Cảnh báo đúng"), share(found.right), _("trong số cán bộ đã kết luận đúng hay giả")),
        kpi(_("Nhận việc sau"), _hours(found.median_hours), hours if found.median_hours is not None else ""),
        kpi(_("Nhận việc kịp thời"), share(found.in_time), _("trong vòng {n} giờ", n=WITHIN_HOURS)),
    ]
    return [
        html.H2(_("Cán bộ đã thấy gì"), className="section-title"),
        _choices({key: (str(text), f"?days={key}") for key, text in PERIODS.items()}, period),
        html.Div(tiles, className="kpi-grid", style=TILES),
        _alert_rows(session, alerts) if alerts else empty(_("Không có cảnh báo nào trong thời gian này.")),
    ]


def _alert_rows(session: Session, alerts: Sequence[HandledAlert]) -> html.Details:
    names = {place.id: place.name for place in communes_today(session)}
    rows = [
        [
            link(names.get(alert.unit_id, "–"), f"/alerts/{alert.id}"),
            disease_name(alert.disease),
            level_badge(alert.peak_level),
            moment(alert.handled.opened_at),
            moment(alert.handled.acknowledged_at),
            _outcome(alert.handled.outcome),
        ]
        for alert in alerts[:SHOWN_ROWS]
    ]
    head = [_("Nơi"), _("Bệnh"), _("Mức cao nhất"), _("Mở lúc"), _("Nhận lúc"), _("Kết luận")]
    title = _("Từng cảnh báo ({shown} mới nhất trên {n})", shown=len(rows), n=len(alerts))
    return html.Details([html.Summary(title), table(head, rows)], className="more")


def _outcome(outcome: str | None) -> str:
    return next((_(text) for code, text in OUTCOMES.items() if code == outcome), "–")


# What a replay shows


def _replayed(session: Session, replays: Sequence[ReplayRun], run: ReplayRun | None) -> list[Any]:
    title = html.H2(_("Chạy lại quá khứ"), className="section-title")
    if run is None or run.scorecard is None:
        told = _(
            "Chưa có lần chạy lại nào. Người quản trị chạy: {command}",
            command="app.py replay --from … --to …",
        )
        return [title, empty(told)]
    card = run.scorecard
    return [
        title,
        _choices({one.schema: (_name(one), f"?replay={one.schema}") for one in replays}, run.schema),
        html.P(_what_it_is(run), className="lead-note"),
        html.Div(_burden_tiles(card), className="kpi-grid", style=TILES),
        *(_caught(session, card) if card["truth"] else [_no_truth()]),
        *_budget(run),
    ]


def _name(run: ReplayRun) -> str:
    return f"{day(run.first_day)}–{day(run.done_to or run.last_day)}"


def _what_it_is(run: ReplayRun) -> str:
    told = _(
        "Cả chuỗi xét lại từng ngày theo đúng những gì biết được hôm đó, bằng bộ quy tắc {version}. Không ai được báo"
        " và số liệu thật không bị động đến.",
        version=run.policy_version,
    )
    if run.every > 1:
        told = (
            f"{told} {_('Chỉ xét {n} ngày một lần, nên mọi việc được biết muộn hơn thực tế.', n=run.every)}"
        )
    if "scan" in run.without:
        told = f"{told} {_('Không tìm cụm ca theo không gian và thời gian.')}"
    return told


def _burden_tiles(card: Mapping[str, Any]) -> list[html.Div]:
    notes = {
        "opened": (_("Mở trong hộp"), _("mỗi tuần; từ mức trung bình")),
        "called": (_("Gửi ngay cho cán bộ"), _("mỗi tuần; vì mức cao hoặc vì luật")),
        "alarmed": (_("Gửi ngay vì mức cao"), _("mỗi tuần; không kể nghĩa vụ theo luật")),
    }
    tiles = [kpi(label, _rate(card[key]["per_week"]), note) for key, (label, note) in notes.items()]
    if card["truth"]:
        burden = card["alarmed"]
        tiles += [
            kpi(
                _("Trong đó đúng"),
                share(_share(burden["true"])),
                _("mở khi có ổ dịch đã biết hoặc đợt tăng thật, chậm nhất 14 ngày sau"),
            ),
            kpi(_("Báo nhầm"), count(burden["false_per_unit_year"], 2), _("mỗi xã, phường mỗi năm")),
        ]
    return tiles


def _caught(session: Session, card: Mapping[str, Any]) -> list[Any]:
    ways = {"caught": card["caught"], **card["caught_by"]}
    rows = [
        [
            str(WAYS[way]),
            share(_share(ways[way]["share"])),
            _days(ways[way]["median_delay_days"]),
            _days(ways[way]["p90_delay_days"]),
        ]
        for way in WAYS
    ]
    head = [_("Phát hiện nhờ"), _("Số ổ dịch bắt được"), _("Chậm, trung vị"), _("Chậm, 9 trên 10")]
    return [
        html.P(
            _(
                "Một ổ dịch đã biết (từ 5 ca) được tính là bắt được khi có tin mới về nó, từ ngày ca thứ hai được báo"
                " cáo đến ca cuối (ít nhất 7 ngày). Chậm bao nhiêu ngày tính từ ngày ca thứ hai được báo cáo."
            ),
            className="dim",
        ),
        table(head, rows, numeric=(1, 2, 3)),
        _outbreak_rows(session, card["rows"]),
    ]


def _outbreak_rows(session: Session, rows: Sequence[Mapping[str, Any]]) -> html.Details:
    names = {place.id: place.name for place in communes_today(session)}
    head = [_("Nơi"), _("Bệnh"), _("Số ca"), _("Ca thứ hai được biết"), *map(str, list(WAYS.values())[1:])]
    body = [
        [
            names.get(row["unit_id"], "–"),
            disease_name(row["disease"]),
            row["cases"],
            _iso(row["second_known"]),
            *[_iso(row[way]) for way in list(WAYS)[1:]],
        ]
        for row in rows
    ]
    return html.Details(
        [html.Summary(_("Từng ổ dịch ({n})", n=len(rows))), table(head, body, numeric=(2,))], className="more"
    )


def _no_truth() -> html.P:
    return html.P(
        _(
            "Không có danh sách ổ dịch đã biết cho thời gian này, nên chỉ biết số cảnh báo, không biết đúng sai."
        ),
        className="dim",
    )


# The budget


def _budget(run: ReplayRun) -> list[Any]:
    points = points_of(run)
    if not points:
        return []
    return [
        html.H2(_("Mỗi tuần xử lý được bao nhiêu cảnh báo?"), className="section-title"),
        html.P(
            _(
                "Bộ quy tắc càng chặt thì càng ít tin gửi ngay, và càng dễ bỏ sót hay báo muộn. Quy tắc của luật"
                " không bao giờ bị nới."
            ),
            className="dim",
        ),
        dcc.Store(id="score-replay", data=run.schema),
        dmc.NumberInput(
            id="score-budget",
            label=_("Số tin gửi ngay mỗi tuần, toàn địa bàn"),
            value=10,
            min=0,
            max=1000,
            w=280,
        ),
        html.Div(id="score-proposal"),
        chart(
            curve_figure(points, known=bool(run.scorecard and run.scorecard["truth"])),
            _("Được và mất theo số tin gửi ngay mỗi tuần"),
        ),
        *([_draft_button()] if viewer().role is Role.MANAGER else []),
    ]


def _draft_button() -> html.Div:
    return html.Div(
        [
            html.Button(_("Đưa thành bản nháp bộ quy tắc"), id="score-draft", className="button is-primary"),
            html.Div(id="score-drafted"),
        ],
        className="form-row",
    )


def points_of(run: ReplayRun) -> list[Point]:
    return [Point(**point) for point in (run.curve or {}).get("points", [])]


@for_roles(*READERS)
def propose_step(budget: float | str | None, schema: str) -> Any:
    """The loosest rules that fit, and what is lost beside the loosest of all."""
    points = _stored_points(schema)
    point = proposed(points, _number(budget)) if points else None
    if point is None:
        return html.P(
            _("Ngay cả bộ quy tắc chặt nhất cũng gửi nhiều hơn thế."), className="form-error", role="alert"
        )
    step = next(one for one in LINE if one.name == point.name)
    told = _(
        "Nấc {name} trên {n}: khoảng {per_week} tin gửi ngay mỗi tuần. Nâng lên mức cao khi một ổ dịch có từ {large} ca"
        " trong 14 ngày.",
        name=point.name,
        n=len(LINE),
        per_week=_rate(point.per_week),
        large=step.least_cases["outbreak-large"],
    )
    if point.alarmed is None:
        return html.P(told, role="status")
    worth = _(
        "Trong quá khứ: tin gửi ngay bắt được {alarmed} ổ dịch, {caught} nếu kể cả hộp cảnh báo và danh sách ổ dịch;"
        " chậm {days}; {right} tin là đúng.",
        alarmed=_percent(point.alarmed),
        caught=_percent(point.caught),
        days=_days(point.median_delay_days),
        right=_percent(point.precision),
    )
    return html.P(f"{told} {worth}", role="status")


@for_roles(Role.MANAGER)
def draft(clicks: int | None, budget: float | str | None, schema: str) -> Any:
    """Hand the proposed step over as a draft, which a second person must approve."""
    if not clicks or ctx.triggered_id != "score-draft":
        return no_update
    point = proposed(_stored_points(schema), _number(budget))
    if point is None:
        return html.Span(_("Không có bộ quy tắc nào vừa số này."), className="form-error", role="alert")
    step = next(one for one in LINE if one.name == point.name)
    with open_session() as session:
        user, current = active_user(session, viewer().id), version_in_force(session)
        assert user is not None
        note = _(
            "Theo ngân sách {n} tin gửi ngay mỗi tuần, từ lần chạy lại {name}.",
            n=count(_number(budget)),
            name=schema,
        )
        try:
            if current is None:
                raise PolicyRefused(
                    Message("Chưa có bộ quy tắc nào được ghi nhận; hãy khởi động worker một lần.")
                )
            source = with_strictness(current.text, step)
            version = propose(
                session, source, user=user, note=note, base_id=current.id, now=datetime.now(UTC)
            )
        except (PolicyRefused, PolicyError) as error:
            return html.Span(str(error.message), className="form-error", role="alert")
        return html.Span(
            _("Đã tạo bản nháp {version}; cần người thứ hai duyệt.", version=version.version), role="status"
        )


def _stored_points(schema: str) -> list[Point]:
    with open_session() as session:
        run = session.get(ReplayRun, schema)
        return points_of(run) if run else []


def curve_figure(points: Sequence[Point], *, known: bool) -> dict[str, Any]:
    """What is lost (share caught by a message sent at once, share right) against messages a week."""
    colour = theme()
    shown = {_("Ổ dịch bắt được bằng tin gửi ngay"): "alarmed", _("Tin đúng"): "precision"} if known else {}
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": [round(point.per_week, 2) for point in points],
            "y": [None if (y := getattr(point, name)) is None else round(100 * y, 1) for point in points],
            "name": label,
            "line": {
                "color": EXPECTED[colour] if name == "alarmed" else INK[colour],
                "dash": dash,
                "width": 2,
            },
            "hovertemplate": _("{x} tin mỗi tuần: {y} %", x="%{x}", y="%{y}") + "<extra></extra>",
        }
        for (label, name), dash in zip(shown.items(), ("solid", "dash"), strict=False)
    ]
    axis = {"gridcolor": GRID[colour], "zeroline": False, "fixedrange": True}
    return {
        "data": traces,
        "layout": {
            "height": 240,
            "margin": {"l": 44, "r": 12, "t": 8, "b": 40},
            "showlegend": False,
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"color": INK[colour], "size": 12},
            "xaxis": {**axis, "title": {"text": _("Tin gửi ngay mỗi tuần")}, "rangemode": "tozero"},
            "yaxis": {**axis, "ticksuffix": " %", "range": [0, 102]},
        },
    }


# Words


def _choices(choices: Mapping[str, tuple[str, str]], chosen: str) -> html.Div:
    links = [
        link(text, f"/scorecard{search}", className="status-chip is-ok" if key == chosen else "status-chip")
        for key, (text, search) in choices.items()
    ]
    return html.Div(links, className="badge-row")


def share(of: Share) -> str:
    """ "72 % (18/25)"; a dash of nothing."""
    return "–" if of.value is None else f"{_percent(of.value)} ({of.k}/{of.n})"


def _share(data: Mapping[str, Any]) -> Share:
    return Share(k=data["k"], n=data["n"])


def _percent(part: float | None) -> str:
    return "–" if part is None else f"{round(100 * part)} %"


def _rate(number: float) -> str:
    return count(number, 1 if number >= 1 else 2)


def _days(days: float | None) -> str:
    return "–" if days is None else _("{n} ngày", n=count(days, 0 if float(days).is_integer() else 1))


def _hours(hours: float | None) -> str:
    return "–" if hours is None else _("{n} giờ", n=count(hours, 1))


def _iso(text: str | None) -> str:
    return day(datetime.fromisoformat(text).date()) if text else "–"


def _number(value: float | str | None) -> float:
    """What stands in the field; nothing fits what is no number."""
    return float(value) if isinstance(value, int | float) else -1.0
