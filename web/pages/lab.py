"""The rule laboratory: change numbers, see at once what they would have made of the past, keep them as a draft."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update

from accounts.models import Role
from accounts.service import active_user
from alerts.policy_store import PolicyRefused, propose
from alerts.rules import PolicyError
from geodata.places import communes_today
from i18n import Message, _
from surveillance.outbreaks.linking import TooManyLinks
from web.context import context, disease_name, for_roles, local, now, open_session, theme, viewer
from web.epimap import EpiMap
from web.epimap.texts import map_words
from web.figures import chart
from web.formats import aria, day, empty, icon, link
from web.review_layers import ground_layer
from web.workbench.lab_draft import note_of, snippet
from web.workbench.lab_form import fields
from web.workbench.lab_map import layers, lon_lat
from web.workbench.lab_run import Result, rules_in_force, run, trial_text
from web.workbench.lab_trial import Trial, refusal, tried
from web.workbench.lab_view import (
    alert_table,
    alert_weeks,
    limits,
    outbreak_table,
    summary,
    tiles,
    weeks_figure,
)

READERS = (Role.ANALYST, Role.MANAGER)


def layout(rest: str = "", **query: str) -> Any:
    if not context().profiles:
        return html.Div(empty(_("Nơi này chưa có tiêu chuẩn ổ dịch nào để thử.")), className="page")
    with open_session() as session:
        today = local(now(session)).date()
        trial = Trial.parse(urlencode(query), context().profiles, today)
        form = fields(session, trial)
    return html.Div(
        [
            dcc.Store(id="lab-query"),
            dcc.Store(id="lab-written"),
            dcc.Store(id="lab-at", data=trial.at.isoformat()),
            html.Div(
                [
                    html.H1(_("Phòng thử quy tắc"), className="page-title"),
                    html.P(
                        _("Đổi con số và xem ngay: nếu đã dùng từ trước thì ổ dịch, cảnh báo nào đã có, vào ngày nào."),
                        className="dim",
                    ),
                ],
                className="page-head lab-head",
            ),
            html.Div([_side(trial, today, form), _results(trial)], className="lab-columns"),
        ],
        className="page lab-page",
    )  # fmt: skip


def _side(trial: Trial, today: date, form: Sequence[Any]) -> html.Div:
    diseases = [{"value": code, "label": disease_name(code)} for code in context().profiles]
    return html.Div(
        [
            dmc.Select(
                id="lab-disease",
                label=_("Bệnh"),
                data=diseases,
                value=trial.disease,
                allowDeselect=False,
                searchable=True,
            ),
            dmc.DatePickerInput(
                id="lab-period",
                label=_("Thử trên các ngày"),
                type="range",
                value=[trial.first.isoformat(), trial.last.isoformat()],
                valueFormat="DD/MM/YYYY",
                maxDate=today.isoformat(),
                clearable=False,
            ),
            html.Div(form, id="lab-form"),
            html.Div(
                [
                    html.Button(_("Như đang dùng"), id="lab-reset", className="button", type="button"),
                    html.Button(
                        [icon("check"), _("Lưu thành bản nháp")],
                        id="lab-save", className="button button-primary", type="button",
                    ),
                ],
                className="lab-acts",
            ),
            html.Div(id="lab-saved", **aria(live="polite")),
        ],
        className="card lab-side",
    )  # fmt: skip


def _results(trial: Trial) -> html.Div:
    days = (trial.last - trial.first).days
    return html.Div(
        [
            html.Div(html.Div(className="skeleton lab-skeleton"), id="lab-numbers"),
            html.Div(
                [
                    html.Div(id="lab-charts", className="card"),
                    html.Div(
                        [
                            html.Div(
                                [
                                    html.Span(day(trial.at), id="lab-day", className="lab-day num"),
                                    dmc.Slider(
                                        id="lab-day-slider", min=0, max=days, value=(trial.at - trial.first).days,
                                        updatemode="mouseup", label=None, size="sm", className="lab-slider",
                                        thumbLabel=_("Ngày trên bản đồ"),
                                    ),
                                ],
                                className="lab-scrub",
                            ),
                            EpiMap(
                                id="lab-map",
                                layers=[],
                                dark=theme() == "dark",
                                ariaLabel=_("Bản đồ ổ dịch của hai bên trong ngày đã chọn"),
                                className="lab-map",
                                noWebglText=_("Máy này không vẽ được bản đồ. Xem bảng bên dưới."),
                                padding=24,
                                **map_words(),
                            ),
                            html.Div(
                                [
                                    html.Span([html.Span(className="lab-line"), _("Đang dùng")]),
                                    html.Span([html.Span(className="lab-line is-dashed"), _("Thử")]),
                                ],
                                className="lab-key",
                                **aria(hidden="true"),
                            ),
                        ],
                        className="card lab-map-card",
                    ),
                ],
                className="lab-middle",
            ),
            html.Div(id="lab-tables"),
        ],
        id="lab-results",
        className="lab-results",
    )  # fmt: skip


def register(app: Dash) -> None:
    app.callback(
        Output("lab-form", "children"),
        Input("lab-disease", "value"),
        prevent_initial_call=True,
    )(draw_form)
    app.clientside_callback(
        ClientsideFunction("lab", "sync"),
        Output("lab-query", "data"),
        Input("lab-period", "value"),
        Input({"lab": "number", "name": ALL}, "value"),
        Input({"lab-rule": ALL}, "value"),
        Input("lab-base", "data"),
        State({"lab": "number", "name": ALL}, "id"),
        State({"lab-rule": ALL}, "id"),
        State("lab-disease", "value"),
    )
    app.clientside_callback(
        ClientsideFunction("lab", "mirror"),
        Output({"lab": "number", "name": MATCH}, "value"),
        Output({"lab": "slider", "name": MATCH}, "value"),
        Input({"lab": "number", "name": MATCH}, "value"),
        Input({"lab": "slider", "name": MATCH}, "value"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("lab", "reset"),
        Output({"lab": "number", "name": ALL}, "value", allow_duplicate=True),
        Output({"lab-rule": ALL}, "value", allow_duplicate=True),
        Input("lab-reset", "n_clicks"),
        State({"lab": "number", "name": ALL}, "id"),
        State({"lab-rule": ALL}, "id"),
        State("lab-base", "data"),
        prevent_initial_call=True,
    )
    app.callback(
        Output("lab-numbers", "children"),
        Output("lab-charts", "children"),
        Output("lab-tables", "children"),
        Output("lab-map", "layers"),
        Output("lab-day-slider", "max"),
        Output("lab-day-slider", "value"),
        Output("lab-day", "children", allow_duplicate=True),
        Output("lab-saved", "children", allow_duplicate=True),
        Input("lab-query", "data"),
        State("lab-at", "data"),
        running=[(Output("lab-results", "className"), "lab-results is-working", "lab-results")],
        prevent_initial_call=True,
    )(draw)
    app.callback(
        Output("lab-map", "layers", allow_duplicate=True),
        Output("lab-day", "children"),
        Output("lab-at", "data"),
        Input("lab-day-slider", "value"),
        State("lab-query", "data"),
        prevent_initial_call=True,
    )(scrub)
    app.callback(
        Output("lab-map", "flyTo"),
        Output("lab-day-slider", "value", allow_duplicate=True),
        Input({"lab-go": ALL}, "n_clicks"),
        State("lab-query", "data"),
        prevent_initial_call=True,
    )(go)
    app.callback(
        Output("lab-saved", "children"),
        Input("lab-save", "n_clicks"),
        State("lab-query", "data"),
        prevent_initial_call=True,
    )(save)
    app.clientside_callback(
        ClientsideFunction("lab", "remember"),
        Output("lab-written", "data"),
        Input("lab-at", "data"),
        State("lab-query", "data"),
        prevent_initial_call=True,
    )


@for_roles(*READERS)
def draw_form(disease: str) -> Any:
    with open_session() as session:
        today = local(now(session)).date()
        return fields(session, Trial.parse(f"disease={disease}", context().profiles, today))


@for_roles(*READERS)
def draw(query: str | None, at: str | None) -> Any:
    """Everything on the right of the form."""
    if not query:
        return (no_update,) * 8
    with open_session() as session:
        trial = Trial.parse(f"{query}&at={at or ''}", context().profiles, local(now(session)).date())
        why = refusal(tried(context().profiles[trial.disease], trial.profile))
        if why is not None:
            return _refused(why)
        try:
            result = run(session, trial)
        except (PolicyError, TooManyLinks) as error:
            return _refused(error.message)
        names = {place.id: place.name for place in communes_today(session)}
        drawn = [
            ground_layer(session, theme()),
            *layers(result.old.course, result.new.course, trial.at, theme()),
        ]
    return (
        [summary(result), tiles(result)],
        _charts(result),
        _tables(result, names),
        drawn,
        (trial.last - trial.first).days,
        (trial.at - trial.first).days,
        day(trial.at),
        None,
    )


def _refused(why: Message) -> tuple[Any, ...]:
    """What stands on the page stays."""
    return html.P(str(why), className="form-error", role="alert"), *(no_update,) * 7


def _charts(result: Result) -> list[Any]:
    trial, colours = result.trial, theme()
    outbreaks = weeks_figure(
        result.old.burden.weeks, result.new.burden.weeks, trial.first, trial.last, colours
    )
    found = [
        html.H2(_("Ổ dịch mới mỗi tuần"), className="section-title"),
        chart(outbreaks, _("Ổ dịch mới mỗi tuần, đang dùng và thử")),
    ]
    if result.alert_days:
        alerts = weeks_figure(*alert_weeks(result), trial.first, trial.last, colours)
        found += [
            html.H2(_("Cảnh báo mở mỗi tuần"), className="section-title"),
            chart(alerts, _("Cảnh báo mở mỗi tuần, đang dùng và thử")),
        ]
    else:
        found.append(
            html.P(
                _("Không còn lưu bằng chứng của những ngày này nên không xét lại được cảnh báo."),
                className="dim",
            )
        )
    return found  # fmt: skip


def _tables(result: Result, names: dict[int, str]) -> list[Any]:
    found = [
        html.Div(
            [html.H2(_("Ổ dịch khác đi"), className="card-title"), outbreak_table(result, names)],
            className="card",
        )
    ]
    if result.alert_days:
        found.append(
            html.Div(
                [html.H2(_("Cảnh báo khác đi"), className="card-title"), alert_table(result, names)],
                className="card",
            )
        )
    return [html.Div(found, className="lab-tables"), limits(result)]  # fmt: skip


@for_roles(*READERS)
def scrub(days: int | None, query: str | None) -> Any:
    """The map of another day."""
    if days is None or not query:
        return (no_update,) * 3
    with open_session() as session:
        trial = Trial.parse(query, context().profiles, local(now(session)).date())
        on = min(trial.first + timedelta(days=days), trial.last)
        if refusal(tried(context().profiles[trial.disease], trial.profile)) is not None:
            return (no_update,) * 3
        result = run(session, trial)
        drawn = [ground_layer(session, theme()), *layers(result.old.course, result.new.course, on, theme())]
    return drawn, day(on), on.isoformat()


@for_roles(*READERS)
def go(_clicks: Sequence[int | None], query: str | None) -> Any:
    """Show an outbreak of the table on the day it came."""
    if not any(_clicks) or not query or not isinstance(ctx.triggered_id, dict):
        return no_update, no_update
    x, y, born = ctx.triggered_id["lab-go"].split(":")[-1].split(",")
    with open_session() as session:
        trial = Trial.parse(query, context().profiles, local(now(session)).date())
    fly: Any = no_update
    if x != "nan":
        lng, lat = lon_lat(float(x), float(y))
        fly = {"lng": float(lng), "lat": float(lat), "zoom": 14}
    return fly, (date.fromisoformat(born) - trial.first).days


@for_roles(*READERS)
def save(clicks: int | None, query: str | None) -> Any:
    """Keep thresholds as a draft of the rules; hand the profile over as the text a deployment needs."""
    if not clicks or not query:
        return no_update
    with open_session() as session:
        trial = Trial.parse(query, context().profiles, local(now(session)).date())
        base = context().profiles[trial.disease]
        wanted = tried(base, trial.profile)
        why = refusal(wanted)
        if why is not None:
            return html.P(str(why), className="form-error", role="alert")
        if wanted == base and not trial.rules:
            return html.P(_("Chưa đổi con số nào nên chưa có gì để lưu."), role="status")
        said: list[Any] = []
        if trial.rules:
            said.append(_drafted(session, trial))
    if wanted != base:
        said.append(snippet(base, wanted, trial))
    return said


def _drafted(session: Any, trial: Trial) -> Any:
    source, version = rules_in_force(session)
    user = active_user(session, viewer().id)
    assert user is not None
    try:
        if version is None:
            raise PolicyRefused(Message("Dịch vụ nền chưa chạy lần nào nên chưa có bộ quy tắc để sửa."))
        made = propose(
            session,
            trial_text(source, trial),
            user=user,
            note=note_of(trial),
            base_id=version.id,
            now=datetime.now(UTC),
        )
    except (PolicyRefused, PolicyError) as error:
        return html.P(str(error.message), className="form-error", role="alert")
    return html.P(
        [
            _("Đã lưu bản nháp {version}; một người khác sẽ duyệt.", version=made.version), " ",
            link(_("Xem bản nháp"), f"/policy/{made.id}"),
        ],
        role="status",
    )  # fmt: skip
