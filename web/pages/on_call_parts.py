"""What the parts of the page of the rota and of silences share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time

from dash import ctx, html
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import User
from accounts.service import active_user
from geodata.models import AdminUnit
from geodata.units import units_for
from i18n import MessageError
from web.context import (
    context,
    local,
    now,
    viewer,
)


def pressed_row(name: str) -> int | None:
    """The row whose button `name` started this callback. A new version of the data may start it as well."""
    for item in ctx.triggered:
        cause = ctx.triggered_prop_ids.get(item["prop_id"])
        if item["value"] and isinstance(cause, dict):
            return int(cause[name])
    return None


def acting(session: Session) -> User:
    user = active_user(session, viewer().id)
    assert user is not None
    return user


def units_of_viewer(session: Session, area_ids: set[int] | None) -> Sequence[AdminUnit]:
    """The communes of today that the viewer answers for, by name."""
    province = context().settings.deployment.province_code
    found = units_for(session, province, local(now(session)).date())
    if not found:  # a city without a registry, as in tests of one's own squares
        query = select(AdminUnit).where(AdminUnit.level == "commune", AdminUnit.valid_to.is_(None))
        found = list(session.scalars(query))
    mine = [unit for unit in found if area_ids is None or unit.id in area_ids]
    return sorted(mine, key=lambda unit: unit.name)


def unit_choices(units: Sequence[AdminUnit]) -> list[dict[str, str]]:
    return [{"value": str(unit.id), "label": unit.name} for unit in units]


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=context().settings.deployment.timezone)


def refused(error: MessageError) -> html.P:
    return html.P(str(error.message), className="form-error", role="alert")


def done(text: str) -> html.P:
    return html.P(text, className="form-done", role="status")
