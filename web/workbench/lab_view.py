"""What a trial came to, in words, numbers, charts and tables. Pure but for names and the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

from dash import html

from alerts.laboratory import Pair as AlertPair
from alerts.laboratory import opened_weeks
from alerts.levels import Theme
from alerts.scorecard import Share
from i18n import Message, _
from surveillance.epiweek import week_start
from surveillance.laboratory import Found
from surveillance.laboratory import Pair as OutbreakPair
from web.figures import BAR, week_layout
from web.formats import aria, count, day, icon, level_badge, link, table
from web.workbench.lab_map import TRIAL
from web.workbench.lab_run import Result, Side

MOST_ROWS = 60
WEEK_MS = 7 * 86_400_000
KINDS: Mapping[str, tuple[Message, str]] = {
    "new": (Message("Mới"), "is-warn"),
    "gone": (Message("Không còn"), "is-bad"),
    "earlier": (Message("Sớm hơn"), "is-ok"),
    "later": (Message("Muộn hơn"), "is-bad"),
    "same": (Message("Như cũ"), ""),
}
"""What the trial makes of an outbreak or alert. One that stood before the period came before any day of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How the trial moves one outbreak or alert: `days` later (less: earlier), None where that has no number."""

    kind: str
    days: int | None = None


def shift(old: Any | None, new: Any | None, came: Callable[[Any], date | None]) -> Shift:
    """`came`: the day on which one came; None: it stood before the period."""
    if old is None:
        return Shift(kind="new")
    if new is None:
        return Shift(kind="gone")
    before, after = came(old), came(new)
    if before is None or after is None:
        return Shift(kind="same" if before == after else "later" if after else "earlier")
    days = (after - before).days
    return Shift(kind="same" if not days else "later" if days > 0 else "earlier", days=days)


def outbreak_shifts(pairs: Sequence[OutbreakPair]) -> list[tuple[Shift, OutbreakPair]]:
    """Those that would have come, or not, within the period."""
    return [
        (shift(*both, lambda one: one.born), both)
        for both in pairs
        if any(one is not None and one.born is not None for one in both)
    ]


def alert_shifts(pairs: Sequence[AlertPair]) -> list[tuple[Shift, AlertPair]]:
    return [
        (shift(*both, lambda one: one.opened), both)
        for both in pairs
        if any(one is not None and one.opened is not None for one in both)
    ]


# In words


def summary(result: Result) -> html.Div:
    """The trial in two sentences: how many, and when."""
    if not result.trial.profile and not result.trial.rules:
        return html.Div(
            _("Chưa đổi con số nào: kết quả dưới đây là của quy tắc đang dùng. Kéo một thanh trượt để thử."),
            className="lab-summary",
            role="status",
        )
    weeks = len(result.past.history.days) / 7
    parts = [_outbreaks_said(result, weeks)]
    if result.alert_days:
        parts.append(_alerts_said(result))
    return html.Div([html.P(part) for part in parts], className="lab-summary", role="status")


def _outbreaks_said(result: Result, weeks: float) -> str:
    more = (result.new.burden.born - result.old.burden.born) / weeks
    return (
        f"{_more(more, _('{n} ổ dịch mới mỗi tuần', n=count(abs(more), 1)))}; "
        f"{_moved([found for found, _ in outbreak_shifts(result.outbreaks)])}."
    )


def _alerts_said(result: Result) -> str:
    opened = [sum(a is not None and a.opened is not None for a in side) for side in _sides(result.alerts)]
    more = (opened[1] - opened[0]) * 7 / result.alert_days
    return (
        f"{_more(more, _('{n} cảnh báo mỗi tuần', n=count(abs(more), 1)))}; "
        f"{_moved([found for found, _ in alert_shifts(result.alerts)])}."
    )


def _sides(pairs: Sequence[AlertPair]) -> tuple[list[Any], list[Any]]:
    return [old for old, _ in pairs], [new for _, new in pairs]


def _more(difference: float, what: str) -> str:
    if abs(difference) < 0.05:
        return _("Gần như không đổi số lượng ({what})", what=what)
    return _("Thêm {what}", what=what) if difference > 0 else _("Bớt {what}", what=what)


def _moved(shifts: Sequence[Shift]) -> str:
    number = {kind: sum(one.kind == kind for one in shifts) for kind in KINDS}
    days = [one.days for one in shifts if one.days]
    said = [
        _("{n} mới xuất hiện", n=number["new"]),
        _("{n} không còn", n=number["gone"]),
        _("{n} sớm hơn", n=number["earlier"]),
        _("{n} muộn hơn", n=number["later"]),
    ]
    if days:
        middle = median(days)
        n = count(abs(middle), 1)
        said.append(_("trung vị sớm {n} ngày", n=n) if middle < 0 else _("trung vị muộn {n} ngày", n=n))
    return ", ".join(said)


# In numbers


def tiles(result: Result) -> html.Div:
    weeks = len(result.past.history.days) / 7
    old, new = result.old, result.new
    found = [
        _tile(_("Ổ dịch mới mỗi tuần"), old.burden.born / weeks, new.burden.born / weeks, decimals=1),
        *_alert_tiles(result),
        *_truth_tiles(old, new),
        _tile(
            _("Ca nằm trong ổ dịch"),
            _part(old.burden.covered, old.burden.cases),
            _part(new.burden.covered, new.burden.cases),
            unit="%",
            note=_("của {n} ca mắc trong kỳ", n=count(new.burden.cases)),
        ),
        _tile(_("Ổ lớn nhất"), old.burden.largest, new.burden.largest, unit=_("ca")),
        _tile(_("Ổ theo dõi cùng lúc"), old.burden.watched, new.burden.watched, note=_("vào một ngày giữa")),
    ]
    return html.Div(found, className="lab-tiles")


def _alert_tiles(result: Result) -> list[Any]:
    if not result.alert_days:
        return []
    weeks = result.alert_days / 7
    opened = [
        sum(a is not None and a.opened is not None for a in side) / weeks for side in _sides(result.alerts)
    ]
    first = result.past.kept.counted_from if result.past.kept else None
    judged = (
        _("theo những gì đã cài vào thành phố mô phỏng")
        if result.past.truth is not None
        else _("theo kết luận của cán bộ về cảnh báo cùng nơi, cùng lúc")
    )
    return [
        _tile(_("Cảnh báo mở mỗi tuần"), *opened, decimals=1, note=_("từ {day}", day=day(first))),
        _tile(_("Cảnh báo đúng"), _share(result.old.right), _share(result.new.right), unit="%", note=judged),
    ]


def _truth_tiles(old: Side, new: Side) -> list[Any]:
    """Delays are from the second case: of what was planted where the truth is known, else of the outbreak itself."""
    if old.card is None or new.card is None:
        delays = old.burden.delay_days, new.burden.delay_days
        note = _("trung vị, từ ngày báo cáo ca đủ để thành ổ")
        return [_tile(_("Thấy ổ dịch sau"), *delays, decimals=1, unit=_("ngày"), note=note)]
    caught = old.card.caught_by["recorded"], new.card.caught_by["recorded"]
    note = _(
        "trung vị từ ca thứ hai; bắt được {k} trên {n} ổ cài sẵn", k=caught[1].share.k, n=caught[1].share.n
    )
    return [
        _tile(_("Ổ dịch đúng"), _share(old.card.opened.true), _share(new.card.opened.true), unit="%",
              note=_("là ổ hoặc đợt tăng có thật trong mô phỏng")),
        _tile(_("Thấy ổ thật sau"), caught[0].median_delay_days, caught[1].median_delay_days, decimals=1,
              unit=_("ngày"), note=note),
    ]  # fmt: skip


def _share(share: Share | None) -> float | None:
    return None if share is None or share.value is None else 100 * share.value


def _part(k: int, n: int) -> float | None:
    return 100 * k / n if n else None


def _tile(
    label: str, old: float | None, new: float | None, *, decimals: int = 0, unit: str = "", note: str = ""
) -> html.Div:
    """The trial's number, and what it is by the rules in force."""
    before, now = (f"{count(n, decimals)} {unit}".strip() if n is not None else "–" for n in (old, new))
    same = before == now
    return html.Div(
        [
            html.Div(label, className="kpi-label"),
            html.Div(now, className="kpi-value"),
            html.Div(
                _("như đang dùng") if same else _("đang dùng: {n}", n=before),
                className="lab-before dim" if same else "lab-before",
            ),
            html.Div(note, className="kpi-note"),
        ],
        className="kpi" if same else "kpi is-changed",
    )


# In charts


def weeks_figure(
    old: Mapping[date, int], new: Mapping[date, int], first: date, last: date, theme: Theme
) -> dict[str, Any]:
    """Paired bars a week, by Monday."""
    begin = week_start(first)
    weeks = [begin + timedelta(days=7 * n) for n in range((last - begin).days // 7 + 1)]
    layout = {**week_layout(theme, 190), "barmode": "group", "bargap": 0.25, "bargroupgap": 0.05}
    layout["xaxis"] = {
        **layout["xaxis"],
        "tickformat": "%d/%m",
        "tick0": begin,
        "dtick": WEEK_MS * (1 + len(weeks) // 8),
    }
    if max([*old.values(), *new.values()], default=0) < 5:
        layout["yaxis"] = {**layout["yaxis"], "dtick": 1}
    return {
        "data": [
            _bars(weeks, old, _("Đang dùng"), BAR[theme]),
            _bars(weeks, new, _("Thử"), TRIAL[theme]),
        ],
        "layout": layout,
    }


def _bars(weeks: Sequence[date], values: Mapping[date, int], name: str, colour: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "x": weeks,
        "y": [values.get(week, 0) for week in weeks],
        "name": name,
        "marker": {"color": colour},
        "meta": {"legend": colour},
        "hovertemplate": _("Tuần từ {x}: {y}", x="%{x|%d/%m}", y="%{y}") + f" <extra>{name}</extra>",
    }


def alert_weeks(result: Result) -> tuple[Mapping[date, int], Mapping[date, int]]:
    old, new = ([a for a in side if a is not None] for side in _sides(result.alerts))
    return opened_weeks(old), opened_weeks(new)


# In tables


def outbreak_table(result: Result, names: Mapping[int, str]) -> html.Div:
    """What differs, the largest first."""
    changed = [found for found in outbreak_shifts(result.outbreaks) if found[0].kind != "same"]
    changed.sort(key=lambda found: -max(len(one.largest.members) for one in found[1] if one is not None))
    rows = [_outbreak_row(moved, both, result, names) for moved, both in changed[:MOST_ROWS]]
    head = [_("Nơi"), _("Thử thì"), _("Đang dùng"), _("Thử"), _("Chênh"), ""]
    return _listed(head, rows, len(changed), _("Không có ổ dịch nào khác đi."))


def _outbreak_row(
    moved: Shift, both: OutbreakPair, result: Result, names: Mapping[int, str]
) -> Sequence[Any]:
    one = both[1] or both[0]
    assert one is not None
    state = one.largest
    real = next((n for case in state.members if (n := result.past.outbreak_of.get(case))), None)
    place = names.get(state.units[0], "–") if state.units else "–"
    where = link(place, f"/outbreaks?id={real}", title=_("Ổ dịch đã ghi nhận")) if real else place
    spots = state.places
    go = f"{float(spots.x[0])},{float(spots.y[0])},{(one.born or result.trial.first).isoformat()}"
    show = html.Button(
        icon("map-pin"), id={"lab-go": f"{one.number}:{int(both[1] is not None)}:{go}"}, type="button",
        className="icon-button is-small", title=_("Xem trên bản đồ"), **aria(label=_("Xem trên bản đồ")),
    )  # fmt: skip
    return where, _chip(moved), _came(both[0]), _came(both[1]), _days(moved), show


def _came(one: Found | None) -> Any:
    if one is None:
        return "–"
    size = _("{n} ca", n=len(one.largest.members))
    return f"{day(one.born)}, {size}" if one.born else _("có từ trước, {size}", size=size)


def alert_table(result: Result, names: Mapping[int, str]) -> html.Div:
    changed = [found for found in alert_shifts(result.alerts) if found[0].kind != "same"]
    changed.sort(key=lambda found: -max(one.peak for one in found[1] if one is not None))
    rows = []
    for moved, both in changed[:MOST_ROWS]:
        one = both[1] or both[0]
        assert one is not None
        on = one.opened or result.trial.first
        href = f"/map?disease={result.trial.disease}&unit={one.unit_id}&on={on.isoformat()}"
        opened = [_opened(alert) for alert in both]
        rows.append((link(names.get(one.unit_id, "–"), href), _chip(moved), *opened, _days(moved)))
    head = [_("Nơi"), _("Thử thì"), _("Đang dùng"), _("Thử"), _("Chênh")]
    return _listed(head, rows, len(changed), _("Không có cảnh báo nào khác đi."))


def _opened(alert: Any | None) -> Any:
    if alert is None:
        return "–"
    return [day(alert.opened) if alert.opened else _("có từ trước"), " ", level_badge(alert.peak)]


def _chip(moved: Shift) -> html.Span:
    said, tone = KINDS[moved.kind]
    return html.Span(str(said), className=f"status-chip {tone}".strip())


def _days(moved: Shift) -> str:
    if not moved.days:
        return ""
    return _("{n} ngày", n=f"{moved.days:+d}".replace("-", "−"))


def _listed(head: Sequence[str], rows: Sequence[Sequence[Any]], total: int, nothing: str) -> html.Div:
    if not rows:
        return html.Div(html.P(nothing, className="dim"))
    said = _("{shown} lớn nhất trên {n}", shown=len(rows), n=total) if total > len(rows) else ""
    return html.Div([table(head, rows), html.P(said, className="dim")])


def limits(result: Result) -> html.Details:
    """What the laboratory does not do."""
    points: Iterable[str] = (
        _("Từng ngày chỉ xét những gì biết được vào cuối ngày đó; kết quả xác minh về sau chỉ tính từ ngày có."),
        _("Không ai bấm gì ở đây: ổ dịch tự hết theo dõi vào ngày sớm nhất được đóng, không ai mở lại hay đóng muộn."),
        _("Cảnh báo chỉ xét lại trong {n} ngày cuối còn lưu bằng chứng; chỉ bằng chứng của ổ dịch được tính lại.",
          n=result.alert_days),
        _("Quét cụm ca, Farrington và các phép tính khác giữ nguyên như đã tính hôm đó."),
        _("Ngưỡng là của chung: đổi ở đây rồi được duyệt thì mọi bệnh dùng quy tắc ấy cũng đổi."),
        _("Tính trong {n} giây.", n=count(result.seconds, 1)) if result.seconds > 1.5 else "",
    )  # fmt: skip
    return html.Details(
        [
            html.Summary(_("Phòng thử tính thế nào, và không tính gì")),
            html.Ul([html.Li(point) for point in points if point], className="reason-list"),
        ],
        className="more",
    )
