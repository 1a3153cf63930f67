"""Cases before and after each measure against matched communes, in words that do not claim more than the figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from i18n import Message, _
from surveillance.outbreaks.comparing import LAG_DAYS, WINDOW_DAYS, Comparison
from surveillance.outbreaks.effect import Effect, Lacking, Unknown
from surveillance.outbreaks.entries import COMMUNICATION, LARVICIDE, SPRAYING
from web.formats import count, day

NAMES = {
    SPRAYING: Message("Phun hóa chất"),
    LARVICIDE: Message("Diệt lăng quăng"),
    COMMUNICATION: Message("Truyền thông"),
}


def effect_panel(found: Sequence[Comparison]) -> list[Any]:
    if not found:
        return []
    return [
        html.H3(_("Trước và sau biện pháp"), className="section-title"),
        html.Div([_comparison(one) for one in found], className="entry-list"),
        html.P(
            _(
                "So số ca {window} ngày trước với {window} ngày sau (bỏ {lag} ngày đầu sau biện pháp) "
                "của các xã, phường có ổ, với nơi có số ca trước đó tương tự mà không làm biện pháp này. "
                "Khác biệt không chứng minh nguyên nhân.",
                window=WINDOW_DAYS, lag=LAG_DAYS,
            ),
            className="dim",
        ),
    ]  # fmt: skip


def _comparison(one: Comparison) -> html.Div:
    return html.Div(
        [
            html.Div(
                [html.Strong(_name(one)), html.Span(_("từ {day}", day=one.on), className="dim")],
                className="entry-head",
            ),
            *[html.P(line) for line in _lines(one)],
        ],
        className="entry",
    )


def _name(one: Comparison) -> str:
    name = str(NAMES[one.kind])
    return f"{name} ({', '.join(one.products)})" if one.products else name


def _lines(one: Comparison) -> list[str]:
    match one.found:
        case None:
            return [_("Còn sớm: đủ ngày để so sánh từ {day}.", day=day(one.ready_on))]
        case Unknown() as unknown:
            why = {
                Lacking.FEW_CASES: _(
                    "Chưa đủ để kết luận: trước đó chỉ có {n} ca.", n=unknown.treated.before
                ),
                Lacking.FEW_CONTROLS: _(
                    "Chưa đủ để kết luận: chỉ có {n} nơi tương tự để so sánh.", n=len(unknown.controls)
                ),
            }
            return [_change(unknown.treated.before, unknown.treated.after), why[unknown.why]]
        case Effect() as effect:
            total = effect.control_total
            matched = _(
                "{n} nơi tương tự: {before} → {after} ca.",
                n=len(effect.controls), before=total.before, after=total.after,
            )  # fmt: skip
            return [f"{_change(*effect.treated)} {matched}", _ratio(effect)]


def _change(before: int, after: int) -> str:
    return _("Nơi có ổ: {before} → {after} ca.", before=before, after=after)


def _ratio(effect: Effect) -> str:
    figures = _(
        "tỷ số {ratio} (95 %: {lower}–{upper})",
        ratio=count(effect.ratio, 2), lower=count(effect.lower, 2), upper=count(effect.upper, 2),
    )  # fmt: skip
    if effect.upper < 1:
        return _("Giảm nhiều hơn nơi tương tự: {figures}.", figures=figures)
    if effect.lower > 1:
        return _("Tăng nhiều hơn nơi tương tự: {figures}.", figures=figures)
    return _("Chưa đủ để kết luận: {figures}.", figures=figures)
