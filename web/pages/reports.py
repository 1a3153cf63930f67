"""Bulletins, counts and line lists: one click, a job with its progress, files to take away."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from sqlalchemy.orm import Session

from accounts.models import User
from accounts.service import active_user
from i18n import Message, _
from reports.service import KINDS, Period, ReportError, ReportView, cancel_report, report_jobs, request_report
from surveillance.epiweek import week_start
from web.context import context, disease_name, known_disease, local, now, open_session, viewer
from web.formats import aria, empty, icon, moment, stored
from web.map_choice import release_options
from web.pages.duty_panel import share_box
from web.pressed import pressed
from web.release_levels import chosen_release

POLL_MS = 2000
OPEN_STATES = ("waiting", "running")
ICONS = {"bulletin": "file-report", "counts": "database", "line_list": "user"}


def layout(rest: str = "", **_query: str) -> Any:
    """Kinds of report on top, this user's reports below."""
    with open_session() as session:
        today = local(now(session)).date()
        releases = release_options(session)
        duties = share_box(session)
    kinds = [name for name, kind in KINDS.items() if viewer().role in kind.roles]
    if not kinds:
        return html.Div(empty(_("Vai trò của bạn chưa có báo cáo nào để lập.")), className="page")
    return html.Div(
        [
            dcc.Interval(id="reports-poll", interval=POLL_MS, disabled=True),
            html.Div(html.H1(_("Báo cáo"), className="page-title"), className="page-head"),
            *duties,
            _choices(week_start(today), today, releases),
            html.Div([_kind_card(name) for name in kinds], className="card-grid"),
            html.Div(id="reports-feedback"),
            html.H2(_("Báo cáo đã lập"), className="section-title"),
            html.Div(
                html.Div(className="skeleton page-skeleton"),
                id="reports-jobs",
                className="job-list",
                **aria(live="polite"),
            ),
        ],
        className="page",
    )


def register(app: Dash) -> None:
    app.callback(
        Output("reports-jobs", "children"),
        Output("reports-poll", "disabled"),
        Output("reports-feedback", "children"),
        Input("reports-poll", "n_intervals"),
        Input({"report": ALL}, "n_clicks"),
        Input({"cancel": ALL}, "n_clicks"),
        State("reports-period", "value"),
        State("reports-disease", "value"),
        State("reports-release", "value"),
    )(draw_jobs)


def draw_jobs(
    _ticks: int | None,
    _asked: list[int | None],
    _cancelled: list[int | None],
    days: list[str | None] | None,
    disease: str | None,
    release: str | None,
) -> tuple[Any, Any, Any]:
    """Do what was clicked, then show this user's reports; poll while one is being written."""
    feedback: Any = None if ctx.triggered_id != "reports-poll" else no_update
    press = pressed()
    with open_session() as session:
        user = active_user(session, viewer().id)
        assert user is not None
        if press and isinstance(press.cause, dict):
            try:
                _do(session, press.cause, user, days, disease, release)
            except ReportError as error:
                feedback = html.P(str(error.message), className="form-error", role="alert")
        jobs = report_jobs(session, user)
    rows = [_job_row(job) for job in jobs] or empty(
        _("Chưa có báo cáo nào. Chọn kỳ rồi bấm “Lập báo cáo” ở trên.")
    )
    return rows, not any(job.state in OPEN_STATES for job in jobs), feedback


def _do(
    session: Session,
    cause: dict[str, Any],
    user: User,
    days: list[str | None] | None,
    disease: str | None,
    release: str | None,
) -> None:
    if "cancel" in cause:
        cancel_report(session, int(cause["cancel"]), user)
        return
    request_report(
        session,
        cause["report"],
        period=_period(days),
        disease=known_disease(disease),
        user=user,
        now=now(session),
        release=chosen_release(session, release) if cause["report"] == "counts" else None,
    )


def _period(days: list[str | None] | None) -> Period:
    """Both ends of the date picker. Raises ReportError when one is missing."""
    chosen = [date.fromisoformat(text) for text in (days or []) if text]
    if len(chosen) != 2:
        raise ReportError(Message("Hãy chọn cả ngày đầu và ngày cuối của kỳ báo cáo."))
    return Period(start=chosen[0], end=chosen[1])


def _choices(start: date, today: date, releases: list[dict[str, str]]) -> html.Div:
    last_week = start - timedelta(days=7)
    diseases = [{"value": "all", "label": _("Tất cả các bệnh")}]
    diseases += [{"value": code, "label": disease_name(code)} for code in context().diseases]
    return html.Div(
        [
            dmc.DatePickerInput(
                id="reports-period",
                label=_("Kỳ báo cáo"),
                type="range",
                value=[start.isoformat(), today.isoformat()],
                valueFormat="DD/MM/YYYY",
                maxDate=today.isoformat(),
                presets=[
                    {"value": [start.isoformat(), today.isoformat()], "label": _("Tuần này")},
                    {
                        "value": [last_week.isoformat(), (start - timedelta(days=1)).isoformat()],
                        "label": _("Tuần trước"),
                    },
                    {"value": [today.replace(day=1).isoformat(), today.isoformat()], "label": _("Tháng này")},
                ],
            ),
            dmc.Select(
                id="reports-disease",
                label=_("Bệnh"),
                data=diseases,
                value="all",
                allowDeselect=False,
                searchable=True,
            ),
            dmc.Select(
                id="reports-release",
                label=_("Ranh giới (cho bảng số ca)"),
                data=releases,
                value="today",
                allowDeselect=False,
                className="" if len(releases) > 1 else "is-hidden",
            ),
        ],
        className="form-row",
    )


def _kind_card(name: str) -> html.Div:
    kind = KINDS[name]
    return html.Div(
        [
            html.Div(
                [icon(ICONS.get(name, "file-report")), html.H2(stored(kind.title), className="card-title")],
                className="card-head",
            ),
            html.P(stored(kind.about), className="dim"),
            html.Button(
                _("Lập báo cáo"),
                id={"report": name},
                className="button button-primary",
                type="button",
                **aria(label=_("Lập báo cáo: {title}", title=stored(kind.title))),
            ),
        ],
        className="card report-kind",
    )


def _job_row(job: ReportView) -> html.Div:
    about = [_("{start} – {end}", start=job.period.start, end=job.period.end)]
    about += [disease_name(job.disease)] if job.disease else []
    return html.Div(
        [
            html.Div(
                [
                    html.Strong(stored(job.title)),
                    html.Div(" · ".join(about), className="dim"),
                    html.Div(_("Yêu cầu lúc {at}", at=moment(job.requested_at)), className="dim"),
                ],
                className="job-what",
            ),
            html.Div(_job_state(job), className="job-state"),
        ],
        className="card job",
    )


def _job_state(job: ReportView) -> list[Any]:
    if job.state in OPEN_STATES:
        stage = stored(job.stage) or _("Đang chờ")
        return [
            html.Div(f"{stage} · {job.percent} %"),
            html.Div(
                html.Div(className="progress-bar", style={"width": f"{max(job.percent, 3)}%"}),
                className="progress",
                role="progressbar",
                **aria(valuenow=str(job.percent), valuemin="0", valuemax="100", label=stage),
            ),
            html.Button(_("Hủy"), id={"cancel": job.id}, className="link-button", type="button"),
        ]
    if job.state == "done":
        return [
            html.A(
                [icon("download"), name],
                href=f"/reports/files/{job.id}/{name}",
                className="button",
                download=name,
            )
            for name in job.files
        ]
    if job.state == "cancelled":
        return [html.Span(_("Đã hủy"), className="status-chip")]
    return [
        html.Span(_("Không lập được"), className="status-chip is-bad"),
        html.P(stored(job.error), className="dim"),
    ]
