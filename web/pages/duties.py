"""What the law asks of whom by when: open duties by hours left, what became of the others, the share done in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, dcc, html, no_update
from sqlalchemy.orm import Session

from alerts.agenda import mark_duties_read
from alerts.duties import NOTICES, DutyKind, DutyState, Tally
from alerts.duty_acts import DutyError, mark_done
from alerts.duty_views import NAMES, DutyView, duty_list, open_counts, shares, whole
from i18n import Message, _
from reports.duty_forms import HAVE_FORM
from web.context import disease_name, for_roles, local, now, open_session, viewer
from web.formats import aria, count, deadline_text, empty, icon, kpi, link, moment, stored, table
from web.pages import duty_record
from web.pages.duty_panel import settled_words, share_text
from web.pages.duty_record import ACTORS, acting_user
from web.pressed import pressed

TABS = {"open": Message("Phải làm"), "past": Message("Đã qua hạn hoặc đã xong")}
PERIODS = (7, 30, 90, 365)
SOON = timedelta(hours=6)
SHOWN = 200


def layout(
    rest: str = "", tab: str = "", kind: str = "", unit: str = "", days: str = "", **_query: str
) -> Any:
    """The list, or one duty: /duties/{id}."""
    if rest:
        return duty_record.layout(rest)
    tab = tab if tab in TABS else "open"
    period = int(days) if days.isdigit() and int(days) in PERIODS else 30
    with open_session() as session:
        units = _units(session, tab, period)
    chosen_unit = unit if unit in {one["value"] for one in units} else "all"
    return html.Div(
        [
            dcc.Store(id="duties-tab", data=tab),
            dcc.Store(id="duties-acted"),
            html.Div(
                [
                    html.H1(_("Việc theo luật"), className="page-title"),
                    html.Div(
                        [
                            html.A(
                                str(title),
                                href=f"/duties?tab={name}",
                                className="is-active" if name == tab else "",
                            )
                            for name, title in TABS.items()
                        ],
                        className="segmented",
                        role="group",
                        **aria(label=_("Danh sách")),
                    ),
                ],
                className="page-head",
            ),
            html.Div(id="duties-share"),
            _filters(kind, units, chosen_unit, period, past=tab == "past"),
            html.Div(id="duties-feedback"),
            html.Div(html.Div(className="skeleton page-skeleton"), id="duties-list", **aria(live="polite")),
        ],
        className="page duties-page",
    )


def _filters(
    kind: str, units: Sequence[Mapping[str, str]], unit: str, period: int, *, past: bool
) -> html.Div:
    """The period is asked for only where duties are `past`."""
    return html.Div(
        [
            dmc.Select(
                id="duties-kind",
                label=_("Việc"),
                data=[{"value": "all", "label": _("Tất cả các việc")}]
                + [{"value": k.value, "label": str(NAMES[k])} for k in DutyKind],
                value=kind if kind in set(DutyKind) else "all",
                allowDeselect=False,
            ),
            dmc.Select(
                id="duties-unit",
                label=_("Xã, phường"),
                data=units,
                value=unit,
                allowDeselect=False,
                searchable=True,
            ),
            dmc.Select(
                id="duties-days",
                label=_("Hạn trong"),
                className="" if past else "is-hidden",
                data=[{"value": str(n), "label": _("{n} ngày qua", n=n)} for n in PERIODS],
                value=str(period),
                allowDeselect=False,
            ),
        ],
        className="form-row",
    )


def register(app: Dash) -> None:
    app.callback(
        Output("duties-share", "children"),
        Output("duties-list", "children"),
        Input("duties-tab", "data"),
        Input("duties-kind", "value"),
        Input("duties-unit", "value"),
        Input("duties-days", "value"),
        Input("duties-acted", "data"),
        Input("version", "data"),
    )(draw)
    app.callback(
        Output("duties-acted", "data"),
        Output("duties-feedback", "children"),
        Input({"duty-done": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )(done_now)
    duty_record.register(app)


def draw(
    tab: str | None, kind: str | None, unit: str | None, days: str | None, _acted: Any, _version: Any
) -> tuple[Any, Any]:
    kinds = [DutyKind(kind)] if kind in set(DutyKind) else None
    unit_ids = [int(unit)] if unit and unit.isdigit() else None
    period = int(days) if days and days.isdigit() else 30
    who = viewer()
    with open_session() as session:
        current = now(session)
        mark_duties_read(session, who.id, current)
        start = current - timedelta(days=period)
        chosen: dict[str, Any] = {"area_ids": who.area_ids, "kinds": kinds, "unit_ids": unit_ids}
        if tab == "past":
            found = duty_list(
                session, **chosen, due_from=start, due_before=current + timedelta(days=7), limit=None
            )
            found = sorted((d for d in found if _is_past(d, current)), key=lambda d: d.due_at, reverse=True)
        else:
            found = duty_list(session, **chosen, states=[DutyState.OPEN], limit=None)
        by_kind = shares(session, area_ids=who.area_ids, start=start, end=current, now=current)
        late, waiting = open_counts(session, who.area_ids, current)
    cards = [_card(duty, current) for duty in found[:SHOWN]]
    more = [html.P(_("Còn {n} việc nữa: hãy lọc theo việc hoặc xã, phường.", n=len(found) - SHOWN))]
    return (
        _share(by_kind, period, late, waiting, export=_export(period)),
        [html.Div(cards, className="duty-list"), *(more if len(found) > SHOWN else [])]
        if cards
        else empty(_("Không có việc nào theo bộ lọc này.")),
    )


def _is_past(duty: DutyView, current: datetime) -> bool:
    return duty.state is not DutyState.OPEN or duty.due_at < current


@for_roles(*ACTORS)
def done_now(_clicks: list[int | None]) -> tuple[Any, Any]:
    """One tap: done at this moment. Notices ask for their number and are recorded on their own page."""
    press = pressed()
    if press is None:
        return no_update, no_update
    try:
        with open_session() as session:
            current = now(session)
            mark_done(
                session, int(press.cause["duty-done"]), user=acting_user(session), now=current, done_at=current,
                document="", note="",
            )  # fmt: skip
    except DutyError as error:
        return no_update, html.P(str(error.message), className="form-error", role="alert")
    id_ = press.cause["duty-done"]
    undo = link(_("Xem hoặc hoàn tác"), f"/duties/{id_}")
    return f"{id_}:{press.clicks}", html.P(
        [_("Đã ghi nhận."), " ", undo], className="form-done", role="status"
    )


def _share(by_kind: dict[DutyKind, Tally], period: int, late: int, waiting: int, export: Any) -> html.Div:
    """Numerator and denominator, in all and by kind, each with the way to its rows."""
    rows = [
        (
            html.A(
                str(NAMES[kind]), href="/duties?" + urlencode({"tab": "past", "kind": kind, "days": period})
            ),
            count(share.in_time),
            count(share.counted),
            f"{round(100 * share.in_time / share.counted)} %",
        )
        for kind, share in by_kind.items()
    ]
    head = [_("Việc"), _("Đúng hạn"), _("Đã đến hạn"), _("Tỷ lệ")]
    by = html.Details(
        [
            html.Summary(_("Theo từng việc")),
            table(head, rows, numeric=(1, 2, 3)) if rows else html.P(_("Chưa có việc nào đến hạn.")),
            html.P(
                _("Tính các việc đã làm, lỡ hạn hoặc đang quá hạn; việc không còn cần thì không tính."),
                className="dim",
            ),
            export,
        ],
        className="more",
    )
    return html.Div(
        [
            html.Div(
                [
                    kpi(
                        _("Đúng hạn, {n} ngày qua", n=period),
                        share_text(whole(by_kind)),
                        _("đúng hạn / đã đến hạn"),
                    ),
                    html.Div(
                        kpi(_("Đang quá hạn"), count(late), _("trong {n} việc phải làm", n=count(waiting))),
                        className="is-late" if late else "",
                    ),
                ],
                className="kpi-grid",
            ),
            by,
        ],
        className="duty-shares",
    )


def _export(period: int) -> Any:
    return html.Div(
        [
            html.A(
                [icon("download"), name],
                href=f"/duties/register.{extension}?days={period}",
                className="button",
                download=f"viec-theo-luat.{extension}",
            )
            for name, extension in (("Excel", "xlsx"), ("CSV", "csv"))
        ],
        className="badge-row",
    )


def _card(duty: DutyView, current: datetime) -> html.Article:
    late = duty.late(current)
    return html.Article(
        [
            html.Div(_hours(duty, current), className="duty-hours"),
            html.Div(
                [
                    link(str(NAMES[duty.kind]), f"/duties/{duty.id}", className="duty-what"),
                    html.Div(f"{duty.unit_name} · {disease_name(duty.disease)}"),
                    html.Div(_about(duty), className="dim"),
                ],
                className="duty-about",
            ),
            html.Div(_acts(duty), className="duty-acts"),
        ],
        className="duty-card is-late" if late else "duty-card",
    )


def _hours(duty: DutyView, current: datetime) -> list[Any]:
    """Hours left or past in words; of what is settled, how it went."""
    deadline = html.Div(_("hạn {at}", at=moment(duty.due_at)))
    if duty.state is not DutyState.OPEN:
        done = duty.state is DutyState.DONE
        return [
            html.Strong(settled_words(duty, current)),
            *([html.Div(_("lúc {at}", at=moment(duty.settled_at)))] if done else []),
            deadline,
        ]
    soon = [html.Div(_("sắp hết hạn"))] if timedelta(0) <= duty.due_at - current <= SOON else []
    return [html.Strong(deadline_text(duty.due_at, current), className="duty-left"), *soon, deadline]


def _about(duty: DutyView) -> str:
    """What it is about, and its reason where it ceased."""
    if duty.why is not None:
        return stored(duty.why)
    codes = [code for _id, code in duty.detail.get("outbreaks", [])]
    if codes:
        return _("Ổ dịch: {codes}", codes=", ".join(codes[:4]) + (" …" if len(codes) > 4 else ""))
    if "count" in duty.detail:
        return _("{n} ca", n=duty.detail["count"])
    return _("đủ tiêu chí lúc {at}", at=moment(duty.met_at))


def _acts(duty: DutyView) -> list[Any]:
    if duty.state is not DutyState.OPEN:
        return [link(_("Xem hồ sơ"), f"/duties/{duty.id}", className="button")]
    acts: list[Any] = []
    if duty.kind in HAVE_FORM:
        form = _("Mở mẫu") if duty.kind in NOTICES else _("Mở báo cáo")
        acts.append(
            html.A(
                [icon("file-report"), form],
                href=f"/duties/{duty.id}/form.pdf",
                target="_blank",
                className="button",
            )
        )
    if viewer().role not in ACTORS:
        return [*acts, link(_("Xem hồ sơ"), f"/duties/{duty.id}", className="button")]
    label = _("{what}, {place}", what=str(NAMES[duty.kind]), place=duty.unit_name)
    if duty.kind in NOTICES:
        acts.append(
            link(
                [icon("check"), _("Đã ra thông báo…")],
                f"/duties/{duty.id}",
                className="button button-primary",
            )
        )
    else:
        acts.append(
            html.Button(
                [icon("check"), _("Đã làm")],
                id={"duty-done": duty.id},
                className="button button-primary",
                type="button",
                **aria(label=f"{_('Đã làm')}: {label}"),
            )
        )
    return acts


def _units(session: Session, tab: str, period: int) -> list[dict[str, str]]:
    """Communes with a duty on this list."""
    states = [DutyState.OPEN] if tab == "open" else list(DutyState)
    start = None if tab == "open" else local(now(session)) - timedelta(days=period)
    found = duty_list(session, area_ids=viewer().area_ids, states=states, due_from=start, limit=None)
    names = sorted({(duty.unit_name, str(duty.unit_id)) for duty in found})
    return [{"value": "all", "label": _("Tất cả xã, phường")}] + [
        {"value": id_, "label": n} for n, id_ in names
    ]
