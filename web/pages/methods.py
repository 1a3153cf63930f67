"""How a figure is made: the pages of docs/methods inside the program, with what the map says of its measures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from dash import dcc, html

from i18n import _
from settings import ROOT
from web.formats import empty, link
from web.workbench.measures import MEASURES

FOLDER = ROOT / "docs" / "methods"


def layout(rest: str = "", **_query: str) -> Any:
    """The page named `rest`, with or without ".md"; without a name the list of all."""
    files = method_files()
    name = rest.removesuffix(".md")
    if not name:
        return html.Div([html.H1(_("Cách tính")), *_list(files)], className="page methods-page")
    if name not in files:
        return empty(_("Không có trang này."), link(_("Cách tính"), "/methods"))
    said = [
        html.P([html.Strong(str(measure.name)), ": ", str(measure.says)])
        for measure in MEASURES.values()
        if measure.page == name
    ]
    return html.Div(
        [
            html.P(link(_("Mọi cách tính"), "/methods")),
            *said,
            html.P(_("Phần dưới đây dành cho người làm phương pháp, viết bằng tiếng Anh."), className="dim"),
            html.Div(
                dcc.Markdown(_text(files[name]), link_target="_self"),
                lang="en",
                className="methods-text",
                tabIndex=0,
            ),
        ],
        className="page methods-page",
    )


def _text(path: Path) -> str:
    """Links out of the folder lead nowhere inside the program: their words stay."""
    return re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"\1", path.read_text(encoding="utf-8"))


@cache
def method_files() -> Mapping[str, Path]:
    """By name; only these can be asked for."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.md"))}


def _list(files: Mapping[str, Path]) -> list[Any]:
    titles = {name: path.open(encoding="utf-8").readline().strip("# \n") for name, path in files.items()}
    return [html.Ul([html.Li(link(title, f"/methods/{name}")) for name, title in titles.items()], lang="en")]
