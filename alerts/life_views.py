"""What pages read of one alert's life: what may be done, what was concluded before, what it repeats, who shares it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import User
from alerts.acts import Act, Standing, State, allowed
from alerts.areas import AreaRole
from alerts.attachments import AttachmentView, attachments
from alerts.desk import standing_of
from alerts.lifecycle import Kind
from alerts.models import Alert, AlertArea, AlertWatch
from alerts.views import AlertSummary, EventView, alert_list
from geodata.models import AdminUnit

JUDGEMENTS = (Kind.VERIFIED, Kind.DISMISSED, Kind.CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaView:
    """A commune that shares the alert's outbreak. `own`: the alert's own."""

    unit_id: int
    name: str
    role: AreaRole
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """`acts`: what this reader may do now; `seen`: the newest event on show, given back with an act (inbox.py).

    `former`: the last conclusion before the alert re-opened. `duplicate_of` and `duplicates`: the links both ways.
    `siblings`: live alerts of the same disease in the areas that share its outbreak.
    """

    standing: Standing
    acts: tuple[Act, ...]
    seen: int
    watching: bool
    former: EventView | None
    duplicate_of: int | None
    duplicates: tuple[int, ...]
    areas: tuple[AreaView, ...]
    siblings: tuple[AlertSummary, ...]
    files: tuple[AttachmentView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value of a filter, with its name."""

    id: int
    name: str


def life_of(session: Session, alert_id: int, events: Sequence[EventView], *, user: User) -> Life | None:
    """None when the reader may not know of it. `events`: those of views.alert_detail."""
    alert = session.get_one(Alert, alert_id)
    standing = standing_of(session, user, alert)
    if standing is None:
        return None
    areas = _areas(session, alert)
    watched = select(AlertWatch.since).where(AlertWatch.alert_id == alert_id, AlertWatch.user_id == user.id)
    return Life(
        standing=standing,
        acts=allowed(State(alert.state), standing),
        seen=max((event.id for event in events), default=0),
        watching=session.scalar(watched) is not None,
        former=former_judgement(events),
        duplicate_of=alert.duplicate_of,
        duplicates=tuple(
            session.scalars(select(Alert.id).where(Alert.duplicate_of == alert_id).order_by(Alert.id))
        ),
        areas=areas,
        siblings=_siblings(session, alert, areas),
        files=attachments(session, alert_id),
    )


def former_judgement(events: Sequence[EventView]) -> EventView | None:
    """What people concluded last before the alert re-opened; None when it never did, or the system had ended it."""
    reopened = [index for index, event in enumerate(events) if event.kind is Kind.REOPENED]
    before = events[: reopened[-1]] if reopened else ()
    return next((event for event in reversed(before) if event.kind in JUDGEMENTS), None)


def originals(session: Session, alert: AlertSummary, area_ids: set[int] | None) -> tuple[AlertSummary, ...]:
    """Alerts that this one may repeat: of its disease, live or closed, the newest first."""
    page = alert_list(
        session, area_ids=area_ids, states=tuple(State), disease=alert.disease, order="newest", shared=True
    )
    repeats = set(session.scalars(select(Alert.id).where(Alert.duplicate_of.is_not(None))))
    return tuple(item for item in page.items if item.id != alert.id and item.id not in repeats)


def filter_units(session: Session, area_ids: set[int] | None) -> list[Choice]:
    """Units with alerts, of those the reader may see."""
    query = select(AdminUnit.id, AdminUnit.name).where(AdminUnit.id.in_(select(Alert.unit_id)))
    if area_ids is not None:
        query = query.where(AdminUnit.id.in_(area_ids))
    return [Choice(id=row.id, name=row.name) for row in session.execute(query.order_by(AdminUnit.name))]


def filter_holders(session: Session) -> list[Choice]:
    """People who hold alerts now."""
    holding = select(Alert.assignee_id).where(Alert.state != State.CLOSED)
    query = select(User.id, User.full_name).where(User.id.in_(holding)).order_by(User.full_name)
    return [Choice(id=row.id, name=row.full_name) for row in session.execute(query)]


def _areas(session: Session, alert: Alert) -> tuple[AreaView, ...]:
    """The lead first."""
    rows = session.execute(
        select(AlertArea.unit_id, AlertArea.role, AdminUnit.name)
        .join(AdminUnit, AdminUnit.id == AlertArea.unit_id)
        .where(AlertArea.alert_id == alert.id)
        .order_by(AlertArea.role != AreaRole.LEAD, AdminUnit.name)
    )
    return tuple(
        AreaView(unit_id=r.unit_id, name=r.name, role=AreaRole(r.role), own=r.unit_id == alert.unit_id)
        for r in rows
    )


def _siblings(session: Session, alert: Alert, areas: Sequence[AreaView]) -> tuple[AlertSummary, ...]:
    others = {area.unit_id for area in areas if not area.own}
    if not others:
        return ()
    live = tuple(state for state in State if state is not State.CLOSED)
    return alert_list(session, area_ids=others, states=live, disease=alert.disease).items
