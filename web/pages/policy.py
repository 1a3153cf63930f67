"""The rules for levels: what is in force, changing them, and deciding on what another person proposes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import User
from accounts.service import active_user, full_names
from alerts.levels import Level
from alerts.policy_diff import differences
from alerts.policy_edit import Field, Number, Path, numbers, with_numbers
from alerts.policy_models import PolicyVersion
from alerts.policy_store import (
    KEEPERS,
    PolicyRefused,
    approve,
    newest_preview,
    policy_in_force,
    propose,
    read,
    refuse,
    version_in_force,
    versions,
    withdraw,
)
from alerts.rules import PolicyError
from geodata.models import AdminUnit
from i18n import _
from web.context import context, for_roles, open_session, theme, viewer
from web.figures import chart
from web.formats import aria, empty, icon, level_text, link, moment, stored
from web.policy_words import (
    STATES,
    by_disease,
    difference_table,
    field_label,
    general,
    is_level,
    preview_parts,
    weeks_figure,
)
from web.pressed import pressed

POLL_MS = 2000
ACTS = {"approve": approve, "withdraw": withdraw}


def layout(rest: str = "", **_query: str) -> Any:
    """/policy what is in force, /policy/edit and /policy/edit/N the form, /policy/N one version."""
    first, _slash, number = rest.partition("/")
    with open_session() as session:
        if first == "edit":
            return _page(_edit(session, int(number) if number.isdigit() else None))
        if first.isdigit():
            version = session.get(PolicyVersion, int(first))
            if version is None:
                return _page(
                    [
                        empty(
                            _("Không có bộ quy tắc số {id}.", id=first),
                            link(_("Về trang quy tắc"), "/policy"),
                        )
                    ]
                )
            return _page(_version(session, version))
        return _page(_in_force(session))


def register(app: Dash) -> None:
    app.callback(
        Output("policy-url", "pathname"),
        Output("policy-said", "children"),
        Input("policy-save-numbers", "n_clicks"),
        Input("policy-save-text", "n_clicks"),
        State({"policy-number": ALL}, "value"),
        State({"policy-number": ALL}, "id"),
        State("policy-text", "value"),
        State("policy-note", "value"),
        State("policy-base", "data"),
        prevent_initial_call=True,
    )(save)
    app.callback(
        Output("policy-url", "pathname", allow_duplicate=True),
        Output("policy-said", "children", allow_duplicate=True),
        Input({"policy-act": ALL}, "n_clicks"),
        State("policy-reason", "value"),
        State("policy-id", "data"),
        prevent_initial_call=True,
    )(decide)
    app.callback(
        Output("policy-preview", "children"),
        Output("policy-poll", "disabled"),
        Input("policy-poll", "n_intervals"),
        State("policy-id", "data"),
    )(draw_preview)


@for_roles(*KEEPERS)
def save(
    _numbers: int | None,
    _text: int | None,
    values: Sequence[Any],
    ids: Sequence[Mapping[str, str]],
    text: str | None,
    note: str | None,
    base: Mapping[str, Any],
) -> tuple[Any, Any]:
    """Keep what was typed as a draft, then show it; refused, it stays in the form."""
    press = pressed()
    if press is None:
        return no_update, no_update
    try:
        with open_session() as session:
            source = (text or "") if press.cause == "policy-save-text" else _filled(base["text"], ids, values)
            made = propose(
                session, source, user=_me(session), note=note or "", base_id=base["id"], now=datetime.now(UTC)
            )
            return f"/policy/{made.id}", None
    except (PolicyRefused, PolicyError) as error:
        return no_update, _wrong(error)


@for_roles(*KEEPERS)
def decide(_clicks: Sequence[int | None], reason: str | None, version_id: int) -> tuple[Any, Any]:
    """Approve, refuse or withdraw, then show the version as it stands."""
    press = pressed()
    if press is None:
        return no_update, no_update
    act, now = press.cause["policy-act"], datetime.now(UTC)
    try:
        with open_session() as session:
            if act == "refuse":
                refuse(session, version_id, user=_me(session), reason=reason or "", now=now)
            else:
                ACTS[act](session, version_id, user=_me(session), now=now)
    except PolicyRefused as error:
        return no_update, _wrong(error)
    return "/policy", None


@for_roles(*KEEPERS)
def draw_preview(_ticks: int | None, version_id: int) -> tuple[Any, bool]:
    """How far the worker is, then what it found."""
    with open_session() as session:
        preview = newest_preview(session, version_id)
        if preview is None:
            return html.P(_("Chưa tính."), className="dim"), True
        if preview.state == "failed":
            return html.P(stored(preview.error), className="form-error", role="alert"), True
        if preview.result is None:
            return _progress(preview.percent), False
        units = [area["unit_id"] for area in preview.result["areas"]]
        names = {
            row.id: row.name
            for row in session.execute(select(AdminUnit.id, AdminUnit.name).where(AdminUnit.id.in_(units)))
        }
        weekly = chart(weeks_figure(preview.result, theme()), _("Số cảnh báo mở mỗi tuần"))
        sentence, *tables = preview_parts(preview.result, names)
        return [
            sentence,
            html.H3(_("Cảnh báo mở mỗi tuần"), className="section-title"),
            weekly,
            *tables,
        ], True


def _page(parts: Sequence[Any]) -> html.Div:
    return html.Div(
        [dcc.Location(id="policy-url", refresh="callback-nav"), *parts], className="page policy-page"
    )


def _in_force(session: Session) -> list[Any]:
    current = version_in_force(session)
    policy = policy_in_force(session)
    drafts = [version for version in versions(session) if version.state == "draft"]
    edit = [link(_("Sửa"), "/policy/edit", className="button button-primary")] if current else []
    return [
        html.Div(
            [
                html.H1(_("Quy tắc mức nguy cơ"), className="page-title"),
                html.Div(edit, className="page-actions"),
            ],
            className="page-head",
        ),
        html.P(
            _(
                "Đây là các quy tắc đang dùng để xếp mức nguy cơ cho từng phường, xã. Muốn đổi, một người đề nghị và"
                " một người khác duyệt."
            ),
            className="lead-note",
        ),
        *[_waiting(version) for version in drafts],
        html.Div(
            [html.H2(_("Chung cho mọi bệnh"), className="card-title"), general(policy)], className="card"
        ),
        html.H2(_("Theo từng bệnh"), className="section-title"),
        html.Div(by_disease(policy, list(context().diseases.values())), className="policy-cards"),
        html.H2(_("Các bộ quy tắc từ trước đến nay"), className="section-title"),
        _history(session, current),
    ]


def _waiting(version: PolicyVersion) -> html.Div:
    return html.Div(
        [
            icon("clock"),
            link(
                _("Bản {version} đang chờ duyệt. Xem và quyết định.", version=version.version),
                f"/policy/{version.id}",
            ),
        ],
        className="stale-note",
    )


def _history(session: Session, current: PolicyVersion | None) -> html.Div:
    every = versions(session)
    people = full_names(session, {p for v in every for p in (v.proposed_by, v.decided_by) if p})
    if not every:
        return empty(_("Bộ quy tắc đi kèm chương trình sẽ được ghi lại khi dịch vụ nền chạy lần đầu."))
    return html.Div([_row(version, people, version is current) for version in every], className="job-list")


def _row(version: PolicyVersion, people: Mapping[int, str], in_force: bool) -> html.Div:
    said, tone = (_("Đang dùng"), "is-ok") if in_force else _state(version)
    return html.Div(
        [
            html.Div(
                [
                    html.Strong(link(_("Bản {version}", version=version.version), f"/policy/{version.id}")),
                    *[html.Div(line, className="dim") for line in _acts(version, people)],
                ],
                className="job-what",
            ),
            html.Div(_chip(said, tone), className="job-state"),
        ],
        className="card job",
    )


def _title(words: str) -> html.Div:
    return html.Div(html.H1(words, className="page-title"), className="page-head")


def _chip(said: str, tone: str) -> html.Span:
    return html.Span(said, className=f"status-chip {tone}".strip())


def _state(version: PolicyVersion) -> tuple[str, str]:
    said, tone = STATES[version.state]
    return str(said), tone


def _acts(version: PolicyVersion, people: Mapping[int, str]) -> list[str]:
    """Who did what, when."""
    if version.proposed_by is None:
        return [_("Đi kèm chương trình, {at}", at=moment(version.proposed_at))]
    lines = [_("{who} đề nghị, {at}", who=people[version.proposed_by], at=moment(version.proposed_at))]
    if version.decided_by is not None:
        acts = {
            "approved": _("{who} duyệt, {at}", who=people[version.decided_by], at=moment(version.decided_at)),
            "refused": _(
                "{who} từ chối, {at}", who=people[version.decided_by], at=moment(version.decided_at)
            ),
            "withdrawn": _(
                "{who} rút lại, {at}", who=people[version.decided_by], at=moment(version.decided_at)
            ),
        }
        lines.append(acts[version.state])
    return lines


def _version(session: Session, version: PolicyVersion) -> list[Any]:
    base = session.get(PolicyVersion, version.base_id) if version.base_id else None
    people = full_names(session, {p for p in (version.proposed_by, version.decided_by) if p})
    return [
        dcc.Store(id="policy-id", data=version.id),
        _title(_("Quy tắc, bản {version}", version=version.version)),
        html.Div(
            [
                html.Div(_chip(*_state(version)), className="badge-row"),
                *[html.P(line, className="dim") for line in _acts(version, people)],
                *([html.Blockquote(version.note, className="log-comment")] if version.note else []),
                *([html.P(_("Lý do từ chối: {why}", why=version.reason))] if version.reason else []),
                *_decision(session, version),
                html.Div(id="policy-said", **aria(live="polite")),
            ],
            className="card",
        ),
        *_changed(version, base),
        *_previewed(version),
        html.Details(
            [html.Summary(_("Xem toàn văn")), html.Pre(version.text, className="policy-source")], className="more"
        ),
    ]  # fmt: skip


def _changed(version: PolicyVersion, base: PolicyVersion | None) -> list[Any]:
    if base is None:
        return []
    found = differences(read(base.text), read(version.text))
    return [
        html.H2(_("Khác gì so với bản {version}", version=base.version), className="section-title"),
        html.Div(difference_table(found), className="card")
        if found
        else html.P(_("Không có gì khác."), className="dim"),
    ]


def _previewed(version: PolicyVersion) -> list[Any]:
    if version.proposed_by is None:
        return []
    return [
        html.H2(_("Nếu đã dùng bản này từ trước"), className="section-title"),
        dcc.Interval(id="policy-poll", interval=POLL_MS),
        html.Div(_progress(0), id="policy-preview", className="card", **aria(live="polite")),
    ]


def _decision(session: Session, version: PolicyVersion) -> list[Any]:
    """The buttons this person may press, or why there are none."""
    again = link(_("Sửa tiếp từ bản này"), f"/policy/edit/{version.id}", className="button")
    if version.state != "draft":
        return [again] if version is not version_in_force(session) else []
    if version.proposed_by == viewer().id:
        own = html.P(_("Đây là bản bạn đề nghị. Một người khác sẽ duyệt."))
        return [
            own,
            html.Div([_button("withdraw", _("Rút lại"), "button"), again], className="badge-row"),
            _no_reason(),
        ]
    current = version_in_force(session)
    if current is None or version.base_id != current.id:
        old = html.P(
            _("Bản này sửa từ bộ quy tắc đã hết hiệu lực, không duyệt được nữa."), className="form-error"
        )
        return [old, again, _no_reason()]
    return [
        dmc.Textarea(id="policy-reason", label=_("Lý do, nếu từ chối"), minRows=2, autosize=True),
        html.Div(
            [
                _button("approve", _("Duyệt, dùng ngay"), "button button-primary"),
                _button("refuse", _("Từ chối"), "button button-danger"),
            ],
            className="badge-row",
        ),
    ]  # fmt: skip


def _no_reason() -> dmc.Textarea:
    """The callback reads it wherever there are buttons."""
    return dmc.Textarea(id="policy-reason", className="is-hidden")


def _button(act: str, words: str, style: str) -> html.Button:
    return html.Button(words, id={"policy-act": act}, className=style, type="button")


def _edit(session: Session, version_id: int | None) -> list[Any]:
    current = version_in_force(session)
    if current is None:
        return [
            empty(
                _("Dịch vụ nền chưa chạy lần nào nên chưa sửa được."), link(_("Về trang quy tắc"), "/policy")
            )
        ]
    start = (session.get(PolicyVersion, version_id) if version_id else None) or current
    return [
        dcc.Store(id="policy-base", data={"id": current.id, "text": start.text}),
        _title(_("Sửa quy tắc mức nguy cơ")),
        html.P(
            _(
                "Sửa từ bản {version}. Lưu xong chưa có gì thay đổi: bản mới chờ một người khác duyệt.",
                version=start.version,
            ),
            className="lead-note",
        ),
        dmc.Textarea(id="policy-note", label=_("Vì sao cần đổi"), minRows=2, autosize=True),
        html.Div(id="policy-said", **aria(live="polite")),
        html.H2(_("Sửa các con số"), className="section-title"),
        *_fields(start.text),
        _save("policy-save-numbers", _("Lưu thành bản chờ duyệt"), "button button-primary"),
        html.Details(
            [
                html.Summary(_("Sửa toàn văn (TOML)")),
                dmc.Textarea(
                    id="policy-text",
                    label=_("Toàn văn bộ quy tắc"),
                    value=start.text,
                    autosize=True,
                    minRows=10,
                    maxRows=30,
                    className="policy-text",
                ),
                _save("policy-save-text", _("Lưu toàn văn thành bản chờ duyệt"), "button"),
            ],
            className="more",
        ),
    ]  # fmt: skip


def _save(id: str, words: str, style: str) -> html.Button:
    return html.Button(words, id=id, className=style, type="button")


def _fields(source: str) -> list[Any]:
    data = tomllib.loads(source)
    named = [
        (field_label(field, data), field) for field in numbers(source) if field.path != ("floor", "min_cases")
    ]
    return [
        html.Fieldset(
            [
                html.Legend(heading),
                html.Div([_input(field, name) for (_h, name), field in group], className="form-row policy-numbers"),
            ],
            className="card policy-fields",
        )
        for heading, group in groupby(named, key=lambda item: item[0][0])
    ]  # fmt: skip


def _input(field: Field, name: str) -> Any:
    id = {"policy-number": "/".join(map(str, field.path))}
    if is_level(field.path):
        choices = [{"value": str(int(level)), "label": level_text(level)} for level in Level]
        return dmc.Select(id=id, label=name, data=choices, value=str(field.value), allowDeselect=False)
    return dmc.NumberInput(
        id=id, label=name, value=field.value, min=0, allowDecimal=isinstance(field.value, float)
    )


def _filled(source: str, ids: Sequence[Mapping[str, str]], values: Sequence[Any]) -> str:
    """`source` with the numbers of the form; one left empty stays as it was."""
    given = {id["policy-number"]: value for id, value in zip(ids, values, strict=True)}
    wanted: dict[Path, Number] = {}
    for field in numbers(source):
        value = given.get("/".join(map(str, field.path)), field.value)
        wanted[field.path] = field.value if value in ("", None) else type(field.value)(value)
    return with_numbers(source, wanted)


def _progress(percent: int) -> html.Div:
    said = _("Đang tính trên dữ liệu đã có…")
    return html.Div(
        [
            html.Div(f"{said} {percent} %"),
            html.Div(
                html.Div(className="progress-bar", style={"width": f"{max(percent, 3)}%"}),
                className="progress",
                role="progressbar",
                **aria(valuenow=str(percent), valuemin="0", valuemax="100", label=said),
            ),
        ]
    )


def _me(session: Session) -> User:
    user = active_user(session, viewer().id)
    assert user is not None
    return user


def _wrong(error: PolicyRefused | PolicyError) -> html.P:
    return html.P(str(error.message), className="form-error", role="alert")
