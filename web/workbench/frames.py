"""The frames of the time player: the chosen measure at each step of either clock, in one answer.

Event clock: the same question with its period ending at each step, by one state of knowledge. Known clock: the same
question as it would have been answered at the end of each day.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
from flask import Blueprint, Response, jsonify, request
from sqlalchemy.orm import Session

from i18n import current_locale, show_date
from web.context import Moment, context, day_on_show, local, now, open_session
from web.private import etag_of, private
from web.remember import state_of
from web.selection import Selection
from web.workbench.measures import values_over
from web.workbench.reading import Look

MOST_STEPS = 120
USUAL_STEPS = 52
DECIMALS = 4

blueprint = Blueprint("frames", __name__)


@blueprint.get("/api/frames")
def frames() -> Response:
    """?{selection}&clock=event|known&steps=…: {ids, steps: [{day, label}], values: steps × ids, null unknown}. Counts
    of areas, which every reader of the map may see."""
    selection = Selection.parse(request.query_string.decode("ascii", "replace"), context().diseases)
    known = request.args.get("clock") == "known"
    steps = _steps(request.args.get("steps"))
    with open_session() as session:
        shown = day_on_show(session, selection.on)
        asked = selection.query(), known, steps, shown, current_locale()
        etag = etag_of(
            state_of(session), context().columns.version(session), local(now(session)).date(), asked
        )
        if etag in request.if_none_match:
            return private(Response(status=304), etag)
        looks = known_looks(session, selection, steps) if known else event_looks(selection, shown, steps)
        units, values = values_over(session, selection, looks)
    days = [look.moment.today if known else look.wanted.end for look in looks]
    return private(
        jsonify(
            ids=units,
            steps=[{"day": day.isoformat(), "label": show_date(day)} for day in days],
            values=[[None if x != x else x for x in row] for row in np.round(values, DECIMALS).tolist()],
        ),
        etag,
    )


def event_looks(selection: Selection, shown: Moment, steps: int) -> list[Look]:
    """Periods as long as the chosen one, ending at each step, the last of them at the chosen one's end."""
    first, last = selection.period(shown)
    length = (last - first).days + 1
    return [
        Look.of(replace(selection, first=None, last=day, days=length), shown)
        for day in _days(last, selection, steps)
    ]


def known_looks(session: Session, selection: Selection, steps: int) -> list[Look]:
    """The question at the end of each step's day, the last of them the day on show."""
    last = day_on_show(session, selection.on).today
    moments = [day_on_show(session, day) for day in _days(last, selection, steps)]
    return [Look.of(selection, moment) for moment in moments]


def _days(last: date, selection: Selection, steps: int) -> list[date]:
    size = timedelta(days=1 if selection.step == "day" else 7)
    return [last - back * size for back in reversed(range(steps))]


def _steps(text: str | None) -> int:
    wanted = int(text) if text and text.isascii() and text.isdigit() and len(text) < 5 else USUAL_STEPS
    return min(max(wanted, 1), MOST_STEPS)
