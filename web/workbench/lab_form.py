"""The numbers of the rule laboratory as sliders and fields, each beside the number in force."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from sqlalchemy.orm import Session

from alerts.laboratory import Threshold
from alerts.policy_edit import Field
from i18n import _, current_locale
from surveillance.outbreaks.profiles import Profile
from web.context import context
from web.formats import aria, count
from web.policy_words import field_label
from web.workbench.lab_run import rules_in_force, thresholds_of
from web.workbench.lab_trial import PARAMETERS, Parameter, Trial

TYPED_MS = 500
"""A number being typed is not tried before it is whole."""


def fields(session: Session, trial: Trial) -> list[Any]:
    """The form of the trial's disease: its outbreak profile, then the thresholds of its rules."""
    profile = context().profiles[trial.disease]
    source, _version = rules_in_force(session)
    named = thresholds_of(source, trial.disease)
    used = {name: int(value) for name in PARAMETERS if (value := getattr(profile, name)) is not None}
    known = {one.url: used[name] for name, one in PARAMETERS.items() if name in used}
    base = {**known, **{one.name: one.value for one in named}}
    return [
        dcc.Store(id="lab-base", data=base),
        html.Fieldset(
            [
                html.Legend(_("Ổ dịch: {profile}", profile=_profile_name(profile))),
                *[_slider(PARAMETERS[name], trial.profile.get(name, value), value) for name, value in used.items()],
            ],
            className="lab-fields",
        ),
        html.Details(
            [
                html.Summary(_("Ngưỡng của các mức nguy cơ ({n} số)", n=len(named))),
                *_rules(named, tomllib.loads(source), trial),
            ],
            className="more lab-rules",
            open=bool(trial.rules),
        ),
    ]  # fmt: skip


def _profile_name(profile: Profile) -> str:
    return profile.name_en if current_locale() == "en" else profile.name_vi


def _slider(one: Parameter, value: int, in_force: int) -> html.Div:
    label, unit = str(one.label), str(one.unit)
    high = max(one.high, in_force)
    return html.Div(
        [
            html.Div(
                [
                    html.Label(label, htmlFor=f"lab-{one.url}", className="field-label"),
                    html.Span(_("đang dùng {n} {unit}", n=count(in_force), unit=unit), className="lab-in-force"),
                ],
                className="lab-label",
            ),
            html.Div(
                [
                    dmc.Slider(
                        id={"lab": "slider", "name": one.url},
                        value=value,
                        min=one.low,
                        max=high,
                        step=one.step,
                        label=None,
                        updatemode="mouseup",
                        size="sm",
                        className="lab-slider",
                        thumbLabel=label,
                        marks=[{"value": in_force}],
                    ),
                    dmc.NumberInput(
                        id={"lab": "number", "name": one.url},
                        value=value,
                        min=one.low,
                        max=high,
                        step=one.step,
                        size="xs",
                        allowDecimal=False,
                        allowNegative=False,
                        clampBehavior="blur",
                        debounce=TYPED_MS,
                        suffix=f" {unit}",
                        w=92,
                        **aria(label=f"{label} ({unit})"),
                    ),
                ],
                className="lab-control",
            ),
        ],
        className="lab-field",
    )  # fmt: skip


def _rules(named: Sequence[Threshold], data: Any, trial: Trial) -> list[Any]:
    """Thresholds under the sentence they stand in, as the page of the rules has them."""
    labelled = [(field_label(Field(path=one.path, value=one.value), data), one) for one in named]
    return [
        html.Fieldset(
            [html.Legend(heading), *[_rule(one, name, trial) for (_h, name), one in group]],
            className="lab-fields lab-rule",
        )
        for heading, group in groupby(labelled, key=lambda item: item[0][0])
    ]


def _rule(one: Threshold, name: str, trial: Trial) -> Any:
    return html.Div(
        [
            html.Span([name, " ", html.Span(f"({one.value:g})", className="lab-in-force")], className="lab-rule-name"),
            dmc.NumberInput(
                id={"lab-rule": one.name}, value=trial.rules.get(one.name, one.value), min=0, size="xs", w=92,
                allowDecimal=isinstance(one.value, float), allowNegative=False, debounce=TYPED_MS,
                decimalSeparator=".", **aria(label=name),
            ),
        ],
        className="lab-rule-row",
    )  # fmt: skip
