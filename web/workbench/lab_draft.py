"""A trial handed on: the note of a draft of the rules, and an outbreak profile as text for the deployment."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from dash import dcc, html

from i18n import _, show_date
from surveillance.outbreaks.profiles import Profile
from web.context import disease_name
from web.workbench.lab_trial import PARAMETERS, Trial

LEFT_OUT = ("code", "default", "eligibility", "response", "sources", "name_vi", "name_en")


def note_of(trial: Trial) -> str:
    """Why a draft was made: where it was tried, and how to try it again."""
    return _(
        "Từ phòng thử quy tắc: {disease}, thử trên {first} – {last}. Mở lại: /lab?{query}",
        disease=disease_name(trial.disease),
        first=show_date(trial.first),
        last=show_date(trial.last),
        query=trial.query(),
    )


def snippet(base: Profile, wanted: Profile, trial: Trial) -> html.Div:
    """The profile as text, and where it goes: profiles are no part of the rules that people approve on the page."""
    text = toml_of(base, wanted, trial)
    return html.Div(
        [
            html.P(
                _(
                    "Tiêu chuẩn ổ dịch không nằm trong bộ quy tắc nên chưa duyệt được trên trang. Người quản trị thêm"
                    " đoạn này vào surveillance/outbreak_profiles.toml, thêm hai dòng cuối vào deployment.toml, rồi"
                    " khởi động lại; docs/decisions/laboratory.md nói vì sao."
                )
            ),
            html.Pre(text, id="lab-snippet", className="policy-source lab-snippet"),
            dcc.Clipboard(target_id="lab-snippet", title=_("Chép"), className="icon-button"),
        ]
    )


def toml_of(base: Profile, wanted: Profile, trial: Trial) -> str:
    """A table for outbreak_profiles.toml under a name of its own, not the default of its disease; and the lines by
    which a deployment takes it."""
    code = f"{base.code}-THU-{trial.last:%Y%m%d}"
    lines = [
        f'["{code}"]',
        "default = false",
        f'name_vi = "{base.name_vi} (lab)"',
        f'name_en = "{base.name_en} (lab)"',
    ]
    for one in fields(Profile):
        value = getattr(wanted, one.name)
        if one.name not in LEFT_OUT and value is not None:
            lines.append(f"{one.name} = {_toml(value)}")
    lines += [f'eligibility = "{_table(base)[0]}"', f'response = "{_table(base)[1]}"', f'["{code}".sources]']
    changed = ", ".join(
        f"{name} {getattr(base, name):g} -> {getattr(wanted, name):g}"
        for name in PARAMETERS
        if getattr(base, name) != getattr(wanted, name)
    )
    tried_on = f"lab, {trial.first.isoformat()} to {trial.last.isoformat()}: {changed}; else {base.code}"
    lines += [f'{group} = "{tried_on}"' for group in base.sources]
    lines += ["", "# deployment.toml", "[outbreak_profiles]", f'{base.disease} = "{code}"']
    return "\n".join(lines)


def _table(base: Profile) -> tuple[str, str]:
    """The names of the file's tables that the profile uses."""
    eligibility = "hcdc" if base.eligibility.outpatients == "verified" else "reported"
    return eligibility, "contact" if base.response.vector is None else "vector"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return f"{value:g}"
