"""The fields of the filter panel that narrow the cases. Their values are the texts that the URL has.

| id         | value                                      | URL          |
|------------|--------------------------------------------|--------------|
| `f-units`  | ids of communes; []: all                   | `units`      |
| `f-period` | [from, to], ISO days; null: last 28 days   | `from`, `to` |
| `f-by`     | "event", "onset", "admission", "report"    | `by`         |
| `f-age`    | "0-14"; null: all                          | `age`        |
| `f-sex`    | "all", "male", "female"                    | `sex`        |
| `f-sev`    | "inpatient", …; null: all                  | `sev`        |
| `f-status` | "suspected", …; null: all                  | `status`     |
| `f-source` | a source's name; null: all                 | `source`     |

While a period is being picked, `f-period` is [from, null]: not yet a choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import dash_mantine_components as dmc
from dash import html

from i18n import Message, _
from web.context import Moment, context
from web.pages.data import source_title
from web.selection import OLDEST_AGE, Selection
from web.workbench.case_words import DATED_BY, EVENT_DATE, SEVERITIES, SEXES, STATUSES
from web.workbench.chips import age_text

AGES = ((0, 4), (5, 14), (0, 14), (15, 24), (25, 44), (45, 59), (60, OLDEST_AGE))
HALF = (date(1, 7, 1), date(1, 12, 31))
"""69 % of a year's dengue in the city, 2000–2010 (domain.md §5.1)."""


def filter_fields(selection: Selection, shown: Moment, places: Sequence[dict[str, str]]) -> list[Any]:
    """What stands below disease and commune in the panel. `places`: today's communes to choose several from."""
    return [
        dmc.MultiSelect(
            id="f-units",
            label=_("Chỉ tính ca ở các xã, phường"),
            description=_("Gõ tên để thêm; trên bản đồ: giữ Shift và bấm."),
            placeholder=_("Thêm theo tên"),
            data=places,
            value=[str(unit) for unit in sorted(selection.units or ())],
            searchable=True,
            clearable=True,
            hidePickedOptions=True,
            limit=50,
            nothingFoundMessage=_("Không có xã, phường này"),
        ),
        _period(selection, shown),
        dmc.Select(
            id="f-by",
            label=_("Tính theo"),
            description=str(EVENT_DATE),
            data=_options(DATED_BY),
            value=selection.dated_by,
            allowDeselect=False,
        ),
        _any("f-age", _("Tuổi"), _ages(selection), age_value(selection)),
        _sex(selection),
        _any("f-sev", _("Mức độ nặng"), _options(SEVERITIES), selection.severity),
        _any("f-status", _("Phân loại ca"), _options(STATUSES), selection.status),
        _any("f-source", _("Nguồn"), _sources(), selection.source),
    ]


def presets(today: date) -> list[dict[str, Any]]:
    """Periods people ask for, as the date picker wants them."""
    last_year = today.year - 1
    begin, until = (day.replace(year=last_year) for day in HALF)
    periods = (
        (_("7 ngày"), today - timedelta(days=6), today),
        (_("28 ngày"), today - timedelta(days=27), today),
        (_("Từ đầu năm"), today.replace(month=1, day=1), today),
        (_("Tháng 7–12/{year}", year=str(last_year)), begin, until),
    )
    return [{"label": text, "value": [start.isoformat(), end.isoformat()]} for text, start, end in periods]


def age_value(selection: Selection) -> str | None:
    return None if selection.ages is None else f"{selection.ages[0]}-{selection.ages[1]}"


def _period(selection: Selection, shown: Moment) -> dmc.DatePickerInput:
    start, end = selection.period(shown)
    return dmc.DatePickerInput(
        id="f-period",
        type="range",
        label=_("Kỳ"),
        value=[start.isoformat(), end.isoformat()],
        valueFormat="DD/MM/YYYY",
        maxDate=shown.today.isoformat(),
        presets=presets(shown.today),
        allowSingleDateInRange=True,
    )


def _sex(selection: Selection) -> html.Div:
    choices = [{"value": "all", "label": _("Tất cả")}, *_options(SEXES)]
    return html.Div(
        [
            html.Div(_("Giới"), className="field-label", id="f-sex-label"),
            dmc.SegmentedControl(id="f-sex", data=choices, value=selection.sex or "all", fullWidth=True),
        ],
        className="field",
    )


def _any(name: str, label: str, options: Sequence[dict[str, str]], chosen: str | None) -> dmc.Select:
    return dmc.Select(
        id=name,
        label=label,
        placeholder=_("Tất cả"),
        data=options,
        value=chosen,
        clearable=True,
    )


def _options(names: Mapping[Any, Message]) -> list[dict[str, str]]:
    return [{"value": value, "label": str(text)} for value, text in names.items()]


def _ages(selection: Selection) -> list[dict[str, str]]:
    """A band clicked on the pyramid is no group of ours, yet the field must be able to show it."""
    groups = AGES if selection.ages is None or selection.ages in AGES else (*AGES, selection.ages)
    return [{"value": f"{low}-{high}", "label": age_text((low, high))} for low, high in groups]


def _sources() -> list[dict[str, str]]:
    names = context().settings.deployment.sources
    return [{"value": name, "label": source_title(name)} for name in names]
