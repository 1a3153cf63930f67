"""One outbreak in full: dates, what is due, cases and why they belong, surveys, measures, kinship, log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import html

from i18n import Message, _
from surveillance.outbreaks.comparing import Comparison
from surveillance.outbreaks.detail import CaseView, OutbreakDetail, Relative, Side, SurveyView
from surveillance.outbreaks.entries import NOTE, Entry
from surveillance.outbreaks.lifecycle import NAMES, Status
from surveillance.outbreaks.links import Links
from surveillance.outbreaks.profiles import VectorControl
from surveillance.outbreaks.tasks import State
from surveillance.outbreaks.vectors import Indices
from surveillance.outbreaks.views import OutbreakSummary, TaskView
from web.context import context, disease_name, theme
from web.figures import chart
from web.formats import count, day, deadline_text, facts, icon, kpi, link, moment, stored, table
from web.outbreak_layers import PLACE_LEVELS
from web.outbreak_timeline import LANES, marks_of, timeline_figure
from web.pages.outbreak_closing import closing_panel
from web.pages.outbreak_effect import effect_panel
from web.pages.outbreak_links import links_panel

TONES: Mapping[Status, str] = {
    Status.SUSPECTED: "is-warn",
    Status.CONFIRMED: "is-bad",
    Status.ACTIVE: "is-bad",
    Status.REOPENED: "is-bad",
    Status.MONITORING: "is-warn",
    Status.PROPOSED: "is-ok",
}
SEXES = {"M": Message("Nam"), "F": Message("Nữ")}
STATES: Mapping[State, Message] = {
    State.DONE: Message("đã làm"),
    State.OVERDUE: Message("quá hạn"),
    State.DUE: Message("đang đến hạn"),
    State.LATER: Message("chưa đến lúc"),
}
SHOWN_CASES = 12


def head(detail: OutbreakDetail) -> list[Any]:
    outbreak = detail.summary
    others = outbreak.unit_names[1:]
    return [
        html.Div([status_of(outbreak), html.Span(outbreak.code, className="dim num")], className="badge-row"),
        html.H2(outbreak.unit_names[0] if outbreak.unit_names else outbreak.code, className="detail-title"),
        html.P(
            [
                disease_name(outbreak.disease),
                *([" · " + _("cùng với {places}", places=", ".join(others))] if others else []),
            ],
            className="detail-subtitle",
        ),
        html.Div(
            [
                kpi(_("Ca bệnh"), count(outbreak.cases), _("{n} ca xác định", n=outbreak.confirmed)),
                kpi(_("Ca mới nhất"), day(outbreak.last_event), _("ca đầu {day}", day=outbreak.first_event)),
                kpi(
                    _("Đóng sớm nhất"),
                    day(outbreak.closing_from),
                    _("dự kiến kết thúc {day}", day=outbreak.expected_end),
                ),
            ],
            className="kpi-grid is-three",
        ),
        *[html.P([icon("alert-triangle"), stored(note)], className="outbreak-note") for note in detail.notes],
    ]


def todo(detail: OutbreakDetail, current: datetime) -> list[Any]:
    """Tasks by deadline: those to be done now; what is done and what comes later are folded away."""
    if not detail.tasks:
        return []

    def those(*states: State) -> list[TaskView]:
        return [task for task in detail.tasks if task.state in states]

    now, done, later = those(State.DUE, State.OVERDUE), those(State.DONE), those(State.LATER)
    return [
        html.H3(_("Việc cần làm"), className="section-title"),
        _task_list(now, current) if now else html.P(_("Lúc này không có việc nào đến hạn."), className="dim"),
        *([_more(_("{n} việc sau đó", n=len(later)), _task_list(later, current))] if later else []),
        *([_more(_("{n} việc đã làm", n=len(done)), _task_list(done, current))] if done else []),
    ]


def body(
    detail: OutbreakDetail,
    current: datetime,
    names: Mapping[int, str],
    acting: bool,
    links: Links | None = None,
    compared: Sequence[Comparison] = (),
) -> list[Any]:
    """`links` None: not for this reader, or its disease has no generation time."""
    outbreak = detail.summary
    figure = timeline_figure(detail, current, theme())
    return [
        html.H3(_("Dòng thời gian"), className="section-title"),
        chart(figure, _("Dòng thời gian của ổ dịch {code}", code=outbreak.code), legend=False),
        _happened(detail, current),
        *closing_panel(detail, current.date()),
        *_members(detail.members),
        *_near(detail.near),
        *(links_panel(links) if links else []),
        *_surveys(detail.surveys, acting, vector_of(outbreak.disease)),
        *_measures(detail.measures, acting),
        *effect_panel(compared),
        *_relatives(detail.relatives),
        html.H3(_("Nhật ký"), className="section-title"),
        html.Ol([_log(entry, names, acting) for entry in reversed(detail.log)], className="timeline-log"),
        _history(detail),
    ]


def _happened(detail: OutbreakDetail, current: datetime) -> html.Details:
    """The marks of the timeline in words, newest first."""
    marks = marks_of(detail, current.tzinfo)
    rows = [(day(mark.on), str(LANES[mark.lane]), mark.text) for mark in reversed(marks)]
    return _more(_("Dòng thời gian bằng chữ"), table([_("Ngày"), _("Loại"), _("Việc")], rows))


def vector_of(disease: str) -> VectorControl | None:
    """How the vector of this disease is surveyed and fought; None where it has none."""
    profile = context().profiles.get(disease)
    return profile.response.vector if profile else None


def status_of(outbreak: OutbreakSummary) -> html.Span:
    tone = TONES.get(outbreak.status, "")
    return html.Span(_(NAMES[outbreak.status]), className=f"status-chip {tone}".strip())


def index_text(found: Indices) -> str:
    """ "BI 30,0 · CI 11,3 % · HI 20,0 % · DI 0,10"; what was not counted is left out."""
    parts = (
        ("BI", found.bi, 1, ""),
        ("CI", found.ci, 1, " %"),
        ("HI", found.hi, 1, " %"),
        ("DI", found.di, 2, ""),
    )
    return " · ".join(
        f"{name} {count(value, n)}{unit}" for name, value, n, unit in parts if value is not None
    )


# --- tasks ------------------------------------------------------------------------------------------------


def _task_list(tasks: Sequence[TaskView], current: datetime) -> html.Ul:
    return html.Ul([_task(task, current) for task in tasks], className="task-list")


def _task(view: TaskView, current: datetime) -> html.Li:
    if view.state is State.DONE:
        when = _("đã làm {day}", day=view.task.done_on)
    elif view.state is State.LATER:
        when = _("từ {day}", day=view.task.not_before)
    else:
        when = deadline_text(view.deadline, current)
    due = moment(view.task.hour) if view.task.hour else day(view.task.due)
    return html.Li(
        [
            html.Span(icon("check") if view.state is State.DONE else None, className="task-mark"),
            html.Span(
                [
                    stored(view.task.words),
                    html.Span(f" ({STATES[view.state]})", className="visually-hidden"),
                    html.Span(_("hạn {due}", due=due), className="dim task-due"),
                ]
            ),
            html.Strong(when, className="task-when"),
        ],
        className=f"task is-{view.state.value}",
    )


# --- cases ------------------------------------------------------------------------------------------------


def _members(members: Sequence[CaseView]) -> list[Any]:
    title = html.H3(_("Vì sao thuộc ổ dịch ({n} ca)", n=len(members)), className="section-title")
    newest = list(reversed(members))
    parts: list[Any] = [title, _case_table(newest[:SHOWN_CASES])]
    if len(newest) > SHOWN_CASES:
        rest = newest[SHOWN_CASES:]
        parts.append(_more(_("{n} ca trước đó", n=len(rest)), _case_table(rest)))
    return parts


def _near(near: Sequence[CaseView]) -> list[Any]:
    if not near:
        return []
    newest = list(reversed(near))
    return [_more(_("Ca ở gần nhưng không thuộc ổ, vì sao ({n})", n=len(near)), _case_table(newest))]


def _case_table(cases: Iterable[CaseView]) -> html.Div:
    rows = [
        (
            html.Span(str(case.case_id), className="num"),
            html.Div(
                [html.Div(day(case.event_date)), html.Div(_person(case), className="dim")],
                className="case-who",
            ),
            html.Div(
                [
                    html.Div(stored(case.why)),
                    html.Div(
                        _(
                            "{place} · vị trí {level}",
                            place=case.unit_name or _("chưa rõ xã, phường"),
                            level=PLACE_LEVELS[case.place_level],
                        ),
                        className="dim",
                    ),
                ],
                className="case-why",
            ),
        )
        for case in cases
    ]
    return table([_("Ca"), _("Mắc bệnh"), _("Vì sao")], rows)


def _person(case: CaseView) -> str:
    sex = str(SEXES[case.sex]) if case.sex in SEXES else ""
    age = "" if case.age_years is None else str(case.age_years)
    return ", ".join(part for part in (sex, age) if part) or "–"


# --- surveys and measures -------------------------------------------------------------------------------------


def _surveys(surveys: Sequence[SurveyView], acting: bool, vector: VectorControl | None) -> list[Any]:
    if vector is None and not surveys:
        return []
    parts: list[Any] = [html.H3(_("Giám sát véc tơ"), className="section-title")]
    if surveys:
        parts += [html.Div([_survey(view, acting) for view in reversed(surveys)], className="entry-list")]
    else:
        parts.append(html.P(_("Chưa có lần giám sát nào."), className="dim"))
    return [*parts, index_help(vector)]


def _survey(view: SurveyView, acting: bool) -> html.Div:
    found = view.indices
    values = (
        ("BI", found.bi, 1, ""),
        ("CI", found.ci, 1, " %"),
        ("HI", found.hi, 1, " %"),
        ("DI", found.di, 2, ""),
    )
    return html.Div(
        [
            html.Div(
                [
                    html.Strong(day(view.survey.on)),
                    html.Span(_("{n} nhà", n=view.survey.houses), className="dim"),
                    *([_withdraw(view.entry)] if acting else []),
                ],
                className="entry-head",
            ),
            html.Dl(
                [
                    html.Div([html.Dt(name), html.Dd("–" if value is None else count(value, n) + unit)])
                    for name, value, n, unit in values
                ],
                className="index-row",
            ),
            *([html.P(_("Nguy cơ cao: {why}", why=view.risk), className="entry-risk")] if view.risk else []),
        ],
        className="entry",
    )


def index_help(vector: VectorControl | None = None) -> html.Details:
    """What each index means, in words of the field; with the limits of the disease's rule where it is known."""
    high = " " + _("Từ {limit} trở lên là nguy cơ cao.", limit=vector.high_bi) if vector else ""
    many = " " + _("Từ {limit} trở lên là nguy cơ cao.", limit=vector.high_di) if vector else ""
    rows = [
        ("BI (Breteau)", _("Số vật chứa có lăng quăng trên 100 nhà đã kiểm tra.") + high),
        ("CI", _("Trong 100 vật chứa có nước, bao nhiêu có lăng quăng.")),
        ("HI", _("Trong 100 nhà, bao nhiêu nhà có lăng quăng.")),
        ("DI", _("Số muỗi vằn cái bắt được trung bình mỗi nhà.") + many),
        (_("Dấu –"), _("Không đếm hoặc không đủ số liệu; không có nghĩa là bằng 0.")),
    ]
    return _more(_("BI, CI, HI, DI là gì"), facts(rows))


def _measures(measures: Sequence[Entry], acting: bool) -> list[Any]:
    title = html.H3(_("Biện pháp đã làm"), className="section-title")
    if not measures:
        return [title, html.P(_("Chưa ghi biện pháp nào."), className="dim")]
    return [
        title,
        html.Div([_measure(entry, acting) for entry in reversed(measures)], className="entry-list"),
    ]


def _measure(entry: Entry, acting: bool) -> html.Div:
    houses = entry.detail.get("houses")
    return html.Div(
        [
            html.Div(
                [
                    html.Strong(stored(entry.message)),
                    *([html.Span(_("{n} nhà", n=houses), className="dim")] if houses is not None else []),
                    *([_withdraw(entry)] if acting else []),
                ],
                className="entry-head",
            ),
            *([html.P(entry.comment, className="dim")] if entry.comment else []),
        ],
        className="entry",
    )


def _withdraw(entry: Entry) -> html.Button:
    return html.Button(
        _("Rút lại…"), id={"withdraw": entry.id}, className="link-button entry-withdraw", type="button"
    )


# --- kinship and history ---------------------------------------------------------------------------------------


def _relatives(relatives: Sequence[Relative]) -> list[Any]:
    if not relatives:
        return []

    def row(label: str, side: Side) -> list[tuple[str, Any]]:
        links = [link(r.code, f"/outbreaks?id={r.id}") for r in relatives if r.side == side]
        return [(label, html.Span(links, className="relative-links"))] if links else []

    return [
        html.H3(_("Ổ dịch liên quan"), className="section-title"),
        facts(
            [
                *row(_("Từ ổ trước"), "older"),
                *row(_("Sang ổ sau"), "younger"),
                *row(_("Cùng vùng dịch"), "zone"),
            ]
        ),
    ]


def _log(entry: Entry, names: Mapping[int, str], acting: bool) -> html.Li:
    who = _("Hệ thống") if entry.user_id is None else names.get(entry.user_id, _("Cán bộ"))
    what: list[Any] = [stored(entry.message)]
    if "after" in entry.detail:
        what.append(html.Span(f" → {_(NAMES[Status(entry.detail['after'])])}", className="dim"))
    if entry.withdrawn:
        what.append(html.Span(f" ({_('đã rút lại')})", className="dim"))
    mine = acting and entry.kind == NOTE and not entry.withdrawn
    take_back = [_withdraw(entry)] if mine else []
    return html.Li(
        [
            html.Div(what, className="log-what is-withdrawn" if entry.withdrawn else "log-what"),
            *([html.Blockquote(entry.comment, className="log-comment")] if entry.comment else []),
            html.Div([html.Span(f"{moment(entry.at)} · {who}"), *take_back], className="log-when"),
        ]
    )


def _history(detail: OutbreakDetail) -> html.Details:
    """How the outbreak was known, version by version, and by which rule."""
    rows = [
        (moment(v.known_from), _(NAMES[Status(v.status)]), count(v.cases)) for v in reversed(detail.history)
    ]
    return _more(
        _("Đã biết gì, từ khi nào"),
        html.Div(
            [
                table([_("Từ lúc"), _("Trạng thái"), _("Số ca")], rows, numeric=(2,)),
                facts(
                    [
                        (_("Tiêu chuẩn ổ dịch"), detail.summary.profile),
                        (_("Đủ tiêu chuẩn từ"), day(detail.criteria_met_on)),
                        (_("Ngày xác định ổ dịch"), day(detail.summary.confirmed_on)),
                        (_("Chỗ rộng nhất"), _("{n} m", n=count(detail.diameter_m))),
                    ]
                ),
            ]
        ),
    )


def _more(title: str, content: Any) -> html.Details:
    return html.Details([html.Summary(title), content], className="more")
