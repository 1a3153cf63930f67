"""Words, numbers, dates and the small marked-up pieces that every page shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from dash import dcc, html

from alerts.levels import NAMES, SYMBOLS, THEMES, UNKNOWN, Level, Shown, css_variables, slug
from i18n import Message, _, show_date, show_datetime, show_number
from surveillance.types import StatutoryStatus
from web.context import local

STATUS_NAMES: Mapping[str, Message] = {
    StatutoryStatus.NONE: Message("Chưa đến mức cảnh báo"),
    StatutoryStatus.WARNING: Message("Cảnh báo dịch"),
    StatutoryStatus.EPIDEMIC: Message("Có dịch"),
    StatutoryStatus.ENDED: Message("Hết dịch"),
    StatutoryStatus.INSUFFICIENT: Message("Chưa đủ dữ liệu để kết luận"),
}
STATUS_TONES: Mapping[str, str] = {
    StatutoryStatus.NONE: "",
    StatutoryStatus.WARNING: "is-warn",
    StatutoryStatus.EPIDEMIC: "is-bad",
    StatutoryStatus.ENDED: "is-ok",
    StatutoryStatus.INSUFFICIENT: "",
}

Child = Any


def level_styles() -> str:
    """CSS custom properties of both themes, from the one source of colours."""
    light, dark = (css_variables(theme) for theme in THEMES)
    return f':root {{\n{light}\n}}\n[data-mantine-color-scheme="dark"] {{\n{dark}\n}}'


def shown_level(level: int, unknown: bool) -> Shown:
    return UNKNOWN if unknown else Level(level)


def level_fields(level: Shown | int) -> dict[str, Any]:
    """What a grid row needs for `LevelBadge`, and to sort by it."""
    shown = _as_shown(level)
    order = 0 if isinstance(shown, str) else int(shown)
    return {"level_order": order, "level_text": level_text(shown), "level_slug": slug(shown)}


def _as_shown(level: Shown | int) -> Shown:
    return UNKNOWN if isinstance(level, str) else Level(level)


def level_text(level: Shown) -> str:
    """Symbol and word: "■ Rất cao"."""
    return f"{SYMBOLS[level]} {_(NAMES[level])}"


def level_badge(level: Shown | int) -> html.Span:
    shown = _as_shown(level)
    return html.Span(level_text(shown), className=f"level-badge level-{slug(shown)}")


def status_chip(status: str) -> html.Span:
    return html.Span(status_name(status), className=f"status-chip {STATUS_TONES[status]}".strip())


def status_name(status: str) -> str:
    return str(STATUS_NAMES[status])


def aria(**names: str) -> dict[str, Any]:
    """Keyword arguments for `aria-…` attributes, whose names are no Python identifiers."""
    return {f"aria-{name}": value for name, value in names.items()}


def icon(name: str) -> html.Span:
    return html.Span(className=f"icon icon-{name}", **aria(hidden="true"))


def moment(at: datetime | None) -> str:
    """HH:MM DD/MM/YYYY on the deployment's clock; a dash for never."""
    return show_datetime(local(at)) if at else "–"


def short_moment(at: datetime) -> str:
    """HH:MM DD/MM on the deployment's clock."""
    return local(at).strftime("%H:%M %d/%m")


def day(on: date | None) -> str:
    return show_date(on) if on else "–"


def count(number: float | None, decimals: int = 0) -> str:
    return "–" if number is None else show_number(number, decimals)


def case_count(cases: float) -> str:
    """A number of cases: tenths only where some were shared out between units."""
    return show_number(cases, 0 if float(cases).is_integer() else 1)


def percent(part: float, whole: float) -> int:
    """Whole percents, at least 1 where there is a part at all."""
    return max(1, round(100 * part / whole)) if part and whole else 0


def span(length: timedelta) -> str:
    """A length of time in the largest fitting unit: "3 giờ", "2 ngày"."""
    minutes = max(0, int(length.total_seconds() // 60))
    if minutes < 60:
        return _("{n} phút", n=minutes)
    if minutes < 48 * 60:
        return _("{n} giờ", n=minutes // 60)
    return _("{n} ngày", n=minutes // (24 * 60))


def deadline_text(due: datetime | None, current: datetime) -> str:
    """ "còn 5 giờ" or "quá 2 ngày"; empty when no clock runs."""
    if due is None:
        return ""
    if abs(due - current) < timedelta(minutes=1):
        return _("đến hạn")
    if due > current:
        return _("còn {time}", time=span(due - current))
    return _("quá {time}", time=span(current - due))


def ago(length: timedelta) -> str:
    return _("vừa xong") if length < timedelta(minutes=1) else _("{time} trước", time=span(length))


def stored(text: Mapping[str, Any] | Message | str | None) -> str:
    """A stored reason in the reader's language."""
    if text is None:
        return ""
    if isinstance(text, Mapping):
        text = Message.from_json(text)
    return str(text)


def field(label: str, control: Child, hint: str = "", target: str = "") -> html.Div:
    label_props: dict[str, Any] = {"htmlFor": target} if target else {}
    hint_row = [html.Div(hint, className="field-hint dim")] if hint else []
    return html.Div(
        [html.Label(label, className="field-label", **label_props), control, *hint_row], className="field"
    )


def kpi(label: str, value: str, note: Child = "") -> html.Div:
    return html.Div(
        [
            html.Div(label, className="kpi-label"),
            html.Div(value, className="kpi-value"),
            html.Div(note, className="kpi-note"),
        ],
        className="kpi",
    )


def table(
    head: Sequence[str], rows: Iterable[Sequence[Child]], numeric: Sequence[int] = (), caption: str = ""
) -> html.Div:
    """A plain table that scrolls sideways where it must. `numeric`: columns set to the right."""

    def style(column: int) -> dict[str, Any]:
        return {"className": "num"} if column in numeric else {}

    caption_row = [html.Caption(caption, className="visually-hidden")] if caption else []
    header = html.Tr([html.Th(text, scope="col", **style(i)) for i, text in enumerate(head)])
    body = [html.Tr([html.Td(cell, **style(i)) for i, cell in enumerate(row)]) for row in rows]
    return html.Div(
        html.Table([*caption_row, html.Thead(header), html.Tbody(body)], className="data-table"),
        className="table-wrap",
        tabIndex=0,
    )


def facts(pairs: Iterable[tuple[str, Child]]) -> html.Dl:
    """Label and value pairs."""
    return html.Dl(
        [html.Div([html.Dt(label), html.Dd(value)], className="fact") for label, value in pairs],
        className="facts",
    )


def empty(text: str, action: Child = None) -> html.Div:
    return html.Div([html.P(text), *([action] if action is not None else [])], className="empty-state")


def failure(text: str, code: str) -> html.Div:
    return html.Div(
        [
            icon("alert-triangle"),
            html.P([text, " ", html.Span(_("Mã lỗi: {code}", code=code), className="dim")]),
            html.A(_("Thử lại"), href="", className="button"),
        ],
        className="error-state",
        role="alert",
    )


def link(text: Child, href: str, **props: Any) -> dcc.Link:
    return dcc.Link(text, href=href, **props)
