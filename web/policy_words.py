"""The rules for levels in words: by disease, their numbers as fields, and what a draft would have changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from dash import html

from alerts.levels import COLOURS, Level, Theme
from alerts.policy_diff import Difference, label
from alerts.policy_edit import Field, Path
from alerts.rules import Policy, Regime, Rule
from i18n import Message, _
from surveillance.diseases import Disease
from web.context import disease_name
from web.figures import BAR, week_layout
from web.formats import count, day, facts, level_badge, level_text, table

STATES: Mapping[str, tuple[Message, str]] = {
    "draft": (Message("Chờ duyệt"), "is-warn"),
    "approved": (Message("Đã duyệt"), "is-ok"),
    "refused": (Message("Bị từ chối"), "is-bad"),
    "withdrawn": (Message("Đã rút"), ""),
    "offered": (Message("Đi kèm chương trình, chưa dùng"), ""),
}
WHERE: Mapping[tuple[str, ...], Message] = {
    ("floor",): Message("Khi còn ít ca"),
    ("fall",): Message("Giữ mức sau bằng chứng cuối (ngày)"),
    ("routing",): Message("Gửi tin"),
    ("duties",): Message("Thời hạn (giờ)"),
}


def general(policy: Policy) -> html.Dl:
    """What holds for every disease."""
    return facts(
        [
            (_("Lên mức"), _("ngay khi có bằng chứng")),
            *(
                (_("Giữ mức {level}", level=level_text(level)), _("{n} ngày sau bằng chứng cuối", n=days))
                for level, days in sorted(policy.hold_days.items())
            ),
            (_("Hạ mức"), _("mỗi lần một bậc, cách nhau ít nhất {n} ngày", n=policy.period_days)),
            (_("Khi còn ít ca"), _("không lên quá mức {level}", level=level_text(policy.floor_level))),
            (_("Gửi thư cho cán bộ"), _("từ mức {level}", level=level_text(policy.routing.email_min_level))),
            (_("Trạm y tế ra thông báo"), _("trong {n} giờ", n=policy.duties.notice_hours)),
            (_("Xử lý ổ dịch"), _("trong {n} giờ", n=policy.duties.handling_hours)),
        ]
    )


def by_disease(policy: Policy, diseases: Sequence[Disease]) -> list[html.Div]:
    """A card for each set of rules, with the diseases it holds for."""
    together: defaultdict[tuple[str, ...], list[Disease]] = defaultdict(list)
    for disease in diseases:
        own = (str(policy.fall_of(disease.code)), str(policy.floors.get(disease.code)))
        together[(*(rule.id for rule in _rules(policy, disease)), *own)].append(disease)
    return [_card(policy, same) for same in together.values()]


def _rules(policy: Policy, disease: Disease) -> tuple[Rule, ...]:
    regime: Regime = "endemic" if disease.endemic else "non_endemic"
    return policy.rules_for("group_a" if disease.group == "A" else regime, disease.code)


def _card(policy: Policy, diseases: Sequence[Disease]) -> html.Div:
    rules = _rules(policy, diseases[0])
    rows = []
    for level in sorted({rule.level for rule in rules}, reverse=True):
        needs = [rule for rule in rules if rule.level == level]
        rows.append((level_badge(level), html.Ul([_need(rule) for rule in needs], className="reason-list")))
    names = ", ".join(disease_name(disease.code) for disease in diseases)
    return html.Div(
        [
            html.H3(names, className="card-title"),
            table([_("Mức"), _("Khi có một trong các điều sau")], rows, caption=names),
            *_own(policy, diseases[0].code),
        ],
        className="card policy-card",
    )


def _own(policy: Policy, disease: str) -> list[Any]:
    """Holds and floor that are not everybody's."""
    words = []
    if disease in policy.falls:
        holds = sorted(policy.fall_of(disease).hold_days.items())
        held = ", ".join(f"{level_text(level)} {_('{n} ngày', n=days)}" for level, days in holds)
        words.append(_("Giữ mức sau bằng chứng cuối: {held}.", held=held))
    if disease in policy.floors:
        words.append(_("Đủ số ca: từ {n} ca trở lên.", n=policy.floors[disease]))
    return [html.P(" ".join(words), className="dim")] if words else []


def _need(rule: Rule) -> html.Li:
    words: list[Any] = [str(rule.needed())]
    if rule.display_floor:
        words.append(html.Span(_(" (khi đủ số ca)"), className="dim"))
    return html.Li(words)


def difference_table(found: Sequence[Difference], sides: tuple[str, str] | None = None) -> html.Div:
    """`sides`: what the old and the new column are called, unless they are policies."""
    nothing, (old, new) = "–", sides or (_("Đang dùng"), _("Đề nghị"))
    rows = [(str(d.what), str(d.old or nothing), str(d.new or nothing)) for d in found]
    return table([_("Mục"), old, new], rows)


def field_label(field: Field, data: Mapping[str, Any]) -> tuple[str, str]:
    """The heading a number stands under, and what it is called. `data`: the file as TOML reads it."""
    path, last = field.path, str(field.path[-1])
    if path[0] == "rule":
        rule = data["rule"][path[1]]
        needs = rule["needs"] if "{" not in rule["needs"] else rule["id"]
        return _(needs), str(label(last))
    heading = str(WHERE.get((str(path[0]),), Message(str(path[0]))))
    if last in ("2", "3", "4") and "hold_days" in path:
        return heading, _("mức {level}", level=level_text(Level(int(last))))
    return heading, str(label(last if path[0] != "floor" else f"floor_{last}"))


def is_level(path: Path) -> bool:
    return str(path[-1]).endswith("level")


def preview_parts(result: Mapping[str, Any], unit_names: Mapping[int, str]) -> list[Any]:
    """What a draft would have made of the past: by disease, and where most."""
    diseases = result["diseases"]
    rows = [
        (
            disease_name(code),
            *(_change(old, new) for old, new in zip(found["old"][1:], found["new"][1:], strict=True)),
            _change(found["opened_old"], found["opened_new"]),
        )
        for code, found in diseases.items()
    ]
    columns = [_("Bệnh"), *(_("Ngày ở mức {level}", level=level_text(Level(n))) for n in (2, 3, 4))]
    areas = [
        (
            f"{unit_names.get(area['unit_id'], area['unit_id'])}, {disease_name(area['disease'])}",
            count(area["higher"]),
            count(area["lower"]),
        )
        for area in result["areas"]
    ]
    opened = [sum(found[key] for found in diseases.values()) for key in ("opened_old", "opened_new")]
    weeks = max(1.0, result["days"] / 7)
    return [
        html.P(
            _(
                "Từ {first} đến {last}: {old} cảnh báo mở theo quy tắc đang dùng, {new} theo bản này "
                "(mỗi tuần {old_week} và {new_week}).",
                first=day(date.fromisoformat(result["first"])), last=day(date.fromisoformat(result["last"])),
                old=opened[0], new=opened[1],
                old_week=round(opened[0] / weeks, 1), new_week=round(opened[1] / weeks, 1),
            ),
            className="lead-note",
        ),
        table([*columns, _("Cảnh báo mở")], rows, numeric=(1, 2, 3, 4)),
        html.H3(_("Nơi khác nhiều nhất"), className="section-title"),
        table([_("Địa bàn, bệnh"), _("Ngày ở mức cao hơn"), _("Ngày ở mức thấp hơn")], areas, numeric=(1, 2))
        if areas
        else html.P(_("Không có địa bàn nào đổi mức vào ngày nào."), className="dim"),
    ]  # fmt: skip


def _change(old: int, new: int) -> Any:
    if old == new:
        return count(new)
    return [html.Span(f"{count(old)} → ", className="dim"), html.Strong(count(new))]


def weeks_figure(result: Mapping[str, Any], theme: Theme) -> dict[str, Any]:
    """Alerts opened per week: bars by the rules in force, a line by the draft."""
    weeks = [date.fromisoformat(week["week"]) for week in result["weeks"]]
    colour, layout = COLOURS[theme][Level.CAO].fill, week_layout(theme, 200)
    if max((max(week["old"], week["new"]) for week in result["weeks"]), default=0) < 5:
        layout["yaxis"] = {**layout["yaxis"], "dtick": 1}
    return {
        "data": [
            {
                "type": "bar",
                "x": weeks,
                "y": [week["old"] for week in result["weeks"]],
                "name": _("Quy tắc đang dùng"),
                "marker": {"color": BAR[theme]},
                "meta": {"legend": BAR[theme]},
            },
            {
                "type": "scatter",
                "mode": "lines+markers" if len(weeks) < 40 else "lines",
                "x": weeks,
                "y": [week["new"] for week in result["weeks"]],
                "name": _("Bản đề nghị"),
                "line": {"color": colour, "width": 1.8, "dash": "solid"},
            },
        ],
        "layout": layout,
    }
