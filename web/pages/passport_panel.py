"""The button that decides an alert again from its passport, and says what became known since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import ALL, Dash, Input, Output, html, no_update
from sqlalchemy.orm import Session

from alerts.passport import DiseaseFacts, Evidence, Passport
from alerts.policy_store import policy_of_hash
from alerts.recompute import Recomputed, recompute
from alerts.views import alert_detail
from i18n import _
from surveillance.epiweek import local_day
from surveillance.known_since import cases_in, last_words
from web.context import context, open_session, viewer
from web.formats import aria, count, day, link, stored, table
from web.policy_words import difference_table
from web.pressed import pressed


def parts(alert_id: int) -> list[Any]:
    return [
        html.Button(
            _("Tính lại"), id={"recompute": alert_id}, className="button", type="button",
            title=_("Tính lại mức từ đúng những căn cứ đã lưu"),
        ),
        html.Div(id="recomputed", **aria(live="polite")),
    ]  # fmt: skip


def register(app: Dash) -> None:
    app.callback(
        Output("recomputed", "children"), Input({"recompute": ALL}, "n_clicks"), prevent_initial_call=True
    )(draw)


def draw(_clicks: Sequence[int | None]) -> Any:
    press = pressed()
    if press is None:
        return no_update
    with open_session() as session:
        detail = alert_detail(session, int(press.cause["recompute"]), viewer().area_ids)
        if detail is None:
            return html.P(_("Không có cảnh báo này."), className="dim")
        return [*_again(session, detail.passport), *_since(session, detail.passport)]


def _again(session: Session, passport: Passport) -> list[Any]:
    disease = context().diseases.get(passport.disease)
    policy = policy_of_hash(session, passport.policy_hash)
    if policy is None or disease is None:
        return [
            html.P(_("Không tính lại được: bộ quy tắc hoặc bệnh này không còn được lưu."), className="dim")
        ]
    facts = DiseaseFacts(
        code=disease.code,
        name_vi=disease.name_vi,
        name_en=disease.name_en,
        group=disease.group,
        endemic=disease.endemic,
        display_floor=disease.display_floor,
    )
    return said(recompute(passport, policy, facts))


def said(found: Recomputed) -> list[Any]:
    if found.identical:
        return [html.P(_("Tính lại từ căn cứ đã lưu: kết quả giống hệt."), className="recomputed-same")]
    return [
        html.P(_("Tính lại từ căn cứ đã lưu: có khác.")),
        difference_table(found.differences, (_("Khi đó"), _("Tính lại"))),
    ]


def _since(session: Session, passport: Passport) -> list[Any]:
    """What was known then and what is known now of the same days."""
    place = {"disease": passport.disease, "unit_id": passport.unit_id}
    today = local_day(passport.as_of, context().settings.deployment.timezone)
    last = last_words(session, **place, periods={e.period_start for e in passport.evidence})  # type: ignore[arg-type]
    rows = []
    for first in sorted({e.period_start for e in passport.evidence}):
        then, now_ = (
            cases_in(session, **place, first=first, last=today, as_of=as_of)  # type: ignore[arg-type]
            for as_of in (passport.as_of, None)
        )
        if then != now_:
            span = _("Ca từ {first} đến {last}", first=day(first), last=day(today))
            rows.append((_on_map(span, passport), count(then), count(now_)))
    rows += [
        (_on_map(_method(evidence), passport), stored(evidence.reason), stored(newer.reason))
        for evidence in passport.evidence
        if (newer := last.get((evidence.method, evidence.frequency, evidence.period_start))) is not None
        and str(newer.reason) != str(evidence.reason)
    ]
    if not rows:
        return [html.P(_("Từ đó đến nay không biết thêm gì về những ngày ấy."), className="dim")]
    return [
        html.H4(_("Số liệu biết thêm từ đó"), className="section-title"),
        table([_("Căn cứ"), _("Khi quyết định"), _("Biết sau này")], rows),
    ]


def _method(evidence: Evidence) -> str:
    return _("{method}, kỳ từ {first}", method=evidence.method, first=day(evidence.period_start))


def _on_map(words: str, passport: Passport) -> Any:
    return link(words, f"/map?unit={passport.unit_id}&disease={passport.disease}")
