"""Addresses that a person should look at: the list, one case with its candidates, what was decided and learnt."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from dash import ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update

from i18n import Message, _
from surveillance.privacy import PrivacyError, Vault
from surveillance.review.detail import CaseDetail, case_detail
from surveillance.review.queue import Waiting, entries, surroundings, waiting
from web.context import context, for_roles, known_disease, open_session, theme, viewer
from web.formats import aria, count, empty, link
from web.pages import review_acts
from web.pages.review_detail import (
    NUMBERED,
    REVIEWERS,
    candidate_buttons,
    detail_parts,
    dialogs,
    head,
    help_dialog,
    lesson_text,
    masked,
)
from web.pages.review_list import card, empty_text, grid_row, list_parts, other
from web.review_layers import box_of, candidate_layer, ground_layer

TABS = {
    "waiting": Message("Đang chờ"),
    "done": Message("Đã xử lý"),
    "learnt": Message("Đã nhớ"),
}
LIMIT, CARDS = 1000, 60


SHOWS = {
    "head": ("review-head", "children"),
    "address": ("review-address", "children"),
    "candidates": ("review-candidates", "children"),
    "candidates_class": ("review-candidates", "className"),
    "shown": ("review-shown", "data"),
    "work_class": ("review-work", "className"),
    "together": ("review-together", "label"),
    "together_class": ("review-together", "className"),
    "remember": ("review-remember", "label"),
    "remember_class": ("review-remember", "className"),
    "layers": ("review-map", "layers"),
    "bounds": ("review-map", "bounds"),
    "pin": ("review-map", "pin"),
    "unit": ("review-unit", "value"),
    "text_class": ("review-text-panel", "className"),
    "text": ("review-text", "value"),
}
"""What the detail draws, by name."""
HIDDEN: dict[str, Any] = {
    "address": None, "candidates": None, "shown": None, "work_class": "review-work is-hidden", "layers": [],
    "pin": None, "unit": None, "text_class": "review-panel is-hidden", "text": "",
}  # fmt: skip


def layout(rest: str = "", disease: str = "", id: str = "", **_query: str) -> Any:
    """List and detail; the case is chosen by ?id= (our own number, which names nobody)."""
    return html.Div(
        [
            dcc.Location(id="review-url", refresh="callback-nav"),
            dcc.Store(id="review-linked", data=rest),
            dcc.Store(id="review-when"),
            dcc.Store(id="review-id"),
            dcc.Store(id="review-order", data=[]),
            dcc.Store(id="review-shown"),
            dcc.Store(id="review-acted"),
            html.Section(list_parts(disease), className="split-main"),
            html.Aside(
                detail_parts(), className="split-detail", tabIndex=0, **aria(label=_("Xem một địa chỉ"))
            ),
            help_dialog(),
            *dialogs(),
        ],
        id="review-page",
        className="split is-wide has-detail" if rest or id else "split is-wide",
    )


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("review", "sync"),
        Output("review-url", "search"),
        Output("review-disease", "value"),
        Output("review-when", "data"),
        Output("review-id", "data"),
        Output("review-page", "className"),
        Input("review-url", "search"),
        Input("review-disease", "value"),
        Input("review-grid", "cellClicked"),
        Input("review-next", "n_clicks"),
        Input("review-back", "n_clicks"),
        Input("review-acted", "data"),
        State("review-order", "data"),
        State("review-linked", "data"),
    )
    app.clientside_callback(
        ClientsideFunction("review", "mark"),
        Output("review-grid", "selectedRows"),
        Output("review-grid", "scrollTo"),
        Input("review-id", "data"),
        Input("review-order", "data"),
    )
    app.callback(
        Output("review-tabs", "children"),
        Output("review-grid", "rowData"),
        Output("review-cards", "children"),
        Output("review-order", "data"),
        Output("review-other", "children"),
        Output("review-list", "className"),
        Input("review-when", "data"),
        Input("review-acted", "data"),
        Input("version", "data"),
    )(draw_list)
    app.callback(
        output={name: Output(*place) for name, place in SHOWS.items()},
        inputs={
            "case_id": Input("review-id", "data"),
            "_acted": Input("review-acted", "data"),
            "_version": Input("version", "data"),
        },
        state={"before": State("review-shown", "data")},
    )(draw_detail)
    app.clientside_callback(
        ClientsideFunction("review", "help"),
        Output("review-help", "opened"),
        Input("review-help-open", "n_clicks"),
        prevent_initial_call=True,
    )
    review_acts.register(app)


@for_roles(*REVIEWERS)
def draw_list(when: str | None, _acted: Any, _version: str | None) -> tuple[Any, ...]:
    disease, tab = _chosen(when)
    who = viewer()
    with open_session() as session:
        cases = waiting(session, who.area_ids, disease=disease)
        found = entries(cases, surroundings(session)) if tab == "waiting" else []
        more = [] if tab == "waiting" else other(session, tab)

    def href(**more: Any) -> str:
        given = {"disease": disease, "tab": tab, **more}
        return "/review?" + urlencode({k: v for k, v in given.items() if v and v != "waiting"})

    tabs = [
        link(
            f"{TABS[name]} ({count(len(cases))})" if name == "waiting" else str(TABS[name]),
            href(tab=name),
            className="is-active" if name == tab else "",
        )
        for name in TABS
        if name != "learnt" or who.areas is None
    ]
    cards: list[Any] = [card(entry, href(id=entry.first.case_id)) for entry in found[:CARDS]]
    if len(found) > CARDS:
        cards.append(html.P(_("Còn {n} địa chỉ nữa.", n=count(len(found) - CARDS)), className="dim"))
    return (
        tabs,
        [grid_row(entry) for entry in found[:LIMIT]],
        cards or empty(empty_text(disease)),
        [entry.first.case_id for entry in found[:LIMIT]],
        more,
        "review-list" if tab == "waiting" else "review-list is-other",
    )


@for_roles(*REVIEWERS)
def draw_detail(
    case_id: str | None, _acted: Any, _version: str | None, before: dict[str, Any] | None
) -> dict[str, Any]:
    """New data elsewhere leave what stands here: an address that is shown and a text that is typed stay."""
    if not case_id or not str(case_id).isdigit():
        return _nothing(_("Chọn một địa chỉ trong danh sách. Nhấn ? để xem các phím."))
    here = context()
    with open_session() as session:
        placer = here.placers.of(session, here.settings.deployment)
        vault = Vault.of(here.settings.secret_key)
        try:
            detail = case_detail(session, int(case_id), viewer().area_ids, placer=placer, vault=vault)
        except PrivacyError as error:
            return _nothing(str(error.message))
        if detail is None:
            return _nothing(_("Ca này không còn chờ xem trong danh sách của bạn."))
        if ctx.triggered_id == "version" and before == _shown(detail):
            return _drawn()
        [entry] = entries([detail.case], surroundings(session))
        layers = [
            ground_layer(session, theme()),
            candidate_layer(detail.candidates[:NUMBERED], detail.case, theme()),
        ]
    return _drawn(
        head=head(detail, entry),
        address=masked(detail.case),
        candidates=candidate_buttons(detail.candidates),
        candidates_class="candidate-list is-many" if len(detail.candidates) > 3 else "candidate-list",
        shown=_shown(detail),
        work_class="review-work",
        together=_("Áp dụng cho cả {n} ca cùng địa chỉ", n=detail.together),
        together_class="" if detail.together > 1 else "is-hidden",
        remember=_("Nhớ cho các tệp sau: {words}", words=lesson_text(detail.lesson)) if detail.lesson else "",
        remember_class="" if detail.lesson else "is-hidden",
        layers=layers,
        bounds=box_of(detail.candidates[:NUMBERED], detail.case),
        pin=_pin_of(detail.case),
        unit=None,
        text_class="review-panel is-hidden",
        text="",
    )


def _drawn(**given: Any) -> dict[str, Any]:
    return {name: given.get(name, no_update) for name in SHOWS}


def _nothing(words: str) -> dict[str, Any]:
    return _drawn(head=empty(words), **HIDDEN)


def _pin_of(case: Waiting) -> dict[str, float] | None:
    """Where the case was measured; the centre of a commune is no pin."""
    if case.lon is None or case.lat is None or case.level in ("commune", "unknown"):
        return None
    return {"lng": case.lon, "lat": case.lat}


def _chosen(when: str | None) -> tuple[str | None, str]:
    disease, tab = ((when or "") + "|").split("|", 1)
    tab = tab.rstrip("|")
    return known_disease(disease), tab if tab in TABS else "waiting"


def _shown(detail: CaseDetail) -> dict[str, Any]:
    """What was looked at: acts refuse when it is no longer so."""
    return {
        "case": detail.case.case_id,
        "version": detail.case.version_id,
        "together": detail.together,
        "by_area": detail.case.by_area,
    }
