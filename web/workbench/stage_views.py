"""What stands on the stage instead of the map: charts, small curves, cases. And the chips above."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output
from sqlalchemy.orm import Session

from web.context import Moment, context, day_on_show, open_session
from web.selection import Selection
from web.workbench import curve, line_list, multiples
from web.workbench.charts import attempt, charts_view, places_view
from web.workbench.chips import chips

VIEWS = {"charts": charts_view, "places": places_view, "cases": line_list.line_list}


def register(app: Dash) -> None:
    app.callback(
        Output("map-view-pane", "children"),
        Output("map-chips", "children"),
        Input("map-query", "data"),
        Input("version", "data"),
    )(draw_stage)
    for part in (curve, line_list, multiples):
        part.register(app)


def draw_stage(query: str | None, _version: str | None) -> tuple[Any, Any]:
    selection = Selection.parse(query, context().diseases)
    with open_session() as session:
        shown = day_on_show(session, selection.on)
        return stage_view(session, selection, shown), chips(session, selection, shown)


def stage_view(session: Session, selection: Selection, shown: Moment) -> Any:
    """None where the map or its table is on the stage."""
    view = VIEWS.get(selection.view)
    return None if view is None else attempt(selection.view, lambda: view(session, selection, shown))
