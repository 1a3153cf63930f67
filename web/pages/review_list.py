"""The list of addresses that wait, and what was decided and learnt lately."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html
from sqlalchemy.orm import Session

from accounts.service import full_names
from alerts.levels import Level
from i18n import Message, _
from surveillance.outbreaks.views import code_of
from surveillance.review.detail import ActView, recent_acts
from surveillance.review.fixes import REASONS
from surveillance.review.learnt import AliasView, list_aliases
from surveillance.review.queue import Entry, Tier
from web.context import context, disease_name, viewer
from web.fields import disease_select
from web.formats import aria, count, day, empty, level_text, link, moment, table
from web.grids import ONE_ROW, grid, number_column, text_column
from web.pages.review_detail import lesson_text, masked, undo_button

ACTS = {
    "choice": Message("Chọn xã, phường"),
    "pin": Message("Đặt ghim"),
    "text": Message("Sửa lại chữ"),
    "unknown": Message("Không thể xác định"),
    "undo": Message("Hoàn tác"),
}


def list_parts(disease: str) -> list[Any]:
    diseases = [{"value": "all", "label": _("Tất cả các bệnh")}]
    diseases += [{"value": code, "label": disease_name(code)} for code in context().diseases]
    wrapped = {
        "filter": False,
        "sortable": False,
        "wrapText": True,
        "autoHeight": True,
        "cellClass": "cell-wrap",
    }
    fixed = wrapped | {"flex": None}
    columns = [
        text_column("first", _("Ưu tiên"), 84, width=92, **fixed),
        text_column("words", _("Địa chỉ đã che"), 140, **wrapped),
        text_column("why", _("Vì sao phải xem"), 160, **wrapped),
        text_column("disease", _("Bệnh, ngày mắc"), 130, width=150, **fixed),
        number_column("cases", _("Ca"), 68, filter=False, sortable=False),
    ]
    return [
        html.Div(
            [
                html.H1(_("Địa chỉ cần xem"), className="page-title"),
                html.Div(id="review-tabs", className="segmented", role="group", **aria(label=_("Phần"))),
            ],
            className="page-head",
        ),
        html.Div(
            [
                disease_select("review-disease", diseases, disease, **aria(label=_("Bệnh"))),
            ],
            className="list-filters",
        ),
        html.Div(
            [
                html.Div(
                    grid("review-grid", columns, rowSelection=ONE_ROW), className="grid-fill only-desktop"
                ),
                html.Div(
                    html.Div(className="skeleton page-skeleton"),
                    id="review-cards",
                    className="card-list only-phone",
                ),
                html.Div(id="review-other", className="review-other"),
            ],
            id="review-list",
            className="review-list",
        ),
    ]


def grid_row(entry: Entry) -> dict[str, Any]:
    case = entry.first
    return {
        "id": str(case.case_id),
        "first": _first_text(entry),
        "words": masked(case),
        "why": str(case.why),
        "disease": f"{disease_name(case.disease)}, {day(case.event_date)}",
        "cases": entry.cases,
    }


def _first_text(entry: Entry) -> str:
    if entry.tier is Tier.OUTBREAK and entry.outbreak_id is not None:
        return _("Ổ dịch {code}", code=code_of(entry.outbreak_id))
    if entry.tier is Tier.HIGH_LEVEL and entry.area_level is not None:
        return level_text(Level(entry.area_level))
    return ""


def card(entry: Entry, href: str) -> html.Article:
    case, first = entry.first, _first_text(entry)
    about = (disease_name(case.disease), day(case.event_date), _("{n} ca", n=entry.cases))
    head = [html.Div(html.Span(first, className="status-chip is-bad"), className="alert-card-head")]
    return html.Article(
        link(
            [
                *(head if first else []),
                html.Div(masked(case), className="alert-card-place"),
                html.Div(str(case.why), className="alert-card-meta"),
                html.Div(" · ".join(about), className="alert-card-meta num"),
            ],
            href,
            className="alert-card-link",
        ),
        className="alert-card",
    )


def empty_text(disease: str | None) -> str:
    if disease:
        return _("Không có địa chỉ nào của bệnh này đang chờ.")
    return _("Không có địa chỉ nào đang chờ. Mọi ca đều đã rõ xã, phường.")


def other(session: Session, tab: str) -> list[Any]:
    who = viewer()
    if tab == "learnt" and who.areas is None:
        learnt = list_aliases(session)
        return [_aliases(learnt, full_names(session, [alias.user_id for alias in learnt]))]
    acts = recent_acts(session, user_id=None if who.areas is None else who.id)
    return [_history(acts, full_names(session, [act.user_id for act in acts]))]


def _history(acts: Sequence[ActView], names: dict[int, str]) -> Any:
    if not acts:
        return empty(_("Chưa có lần xử lý nào."))
    rows = [
        (
            moment(act.at),
            names.get(act.user_id, ""),
            _what(act),
            count(act.cases),
            undo_button(act.act, _("Hoàn tác"))
            if act.stands
            else html.Span(_("đã hoàn tác") if act.kind != "undo" else "", className="dim"),
        )
        for act in acts
    ]
    return table([_("Lúc"), _("Ai"), _("Việc"), _("Số ca"), ""], rows, numeric=(3,))


def _what(act: ActView) -> Any:
    more = act.unit_name if act.kind not in ("unknown", "undo") else None
    if act.reason is not None:
        more = _(REASONS[act.reason])
    first = _("ca {id}", id=str(act.case_id))
    return html.Div(
        [html.Div(f"{ACTS[act.kind]}{': ' + more if more else ''}"), html.Div(first, className="dim")]
    )


def _aliases(learnt: Sequence[AliasView], names: dict[int, str]) -> Any:
    if not learnt:
        return empty(_("Chưa nhớ cách ghi nào. Khi nhận một địa chỉ, hãy đánh dấu “Nhớ cho các tệp sau”."))
    rows = [
        (
            html.Strong(lesson_text(alias.words)),
            alias.unit_name,
            html.Div(
                [html.Div(names.get(alias.user_id, "")), html.Div(moment(alias.valid_from), className="dim")]
            ),
            html.Button(
                _("Thôi nhớ"),
                id={"review": "forget", "alias": alias.id},
                className="link-button",
                type="button",
            ),
        )
        for alias in learnt
    ]
    note = _(
        "Dòng mới ghi như cột đầu được xếp vào xã, phường ở cột sau. Chỉ nhớ tên khu vực, không nhớ số nhà."
    )
    return html.Div(
        [
            html.P(note, className="dim"),
            table([_("Cách ghi"), _("Xã, phường"), _("Ai nhớ, khi nào"), ""], rows),
        ]
    )
