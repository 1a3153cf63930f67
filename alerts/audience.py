"""Who works where: active users and the units they are responsible for, read once per reconcile."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import MessageChoice, Role, User, UserArea
from alerts.levels import Level
from alerts.routing import Choice, Person
from geodata.models import AdminUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`line` is the unit's id and the ids of everything it lies in."""

    name: str
    line: frozenset[int]


def load_people(session: Session) -> list[Person]:
    """Active users by id."""
    areas: dict[int, set[int]] = {}
    for user_id, unit_id in session.execute(select(UserArea.user_id, UserArea.unit_id)):
        areas.setdefault(user_id, set()).add(unit_id)
    choices = load_choices(session)
    users = session.execute(select(User.id, User.role, User.email).where(User.active).order_by(User.id))
    return [
        Person(
            id=id_,
            role=Role(role),
            has_email=bool(email),
            area_ids=frozenset(areas.get(id_, ())),
            choices=choices.get(id_, {}),
        )
        for id_, role, email in users
    ]


def load_choices(session: Session) -> dict[int, dict[str, Choice]]:
    """By user and channel."""
    choices: dict[int, dict[str, Choice]] = {}
    for row in session.scalars(select(MessageChoice)):
        diseases = None if row.diseases is None else frozenset(row.diseases)
        choice = Choice(at_once_from=Level(row.at_once_from), digest=row.digest, diseases=diseases)
        choices.setdefault(row.user_id, {})[row.channel] = choice
    return choices


def load_places(session: Session, unit_ids: Collection[int]) -> Mapping[int, Place]:
    """The units with their lines of parents, in as many queries as there are levels."""
    units: dict[int, tuple[str, int | None]] = {}
    wanted = set(unit_ids)
    while wanted:
        rows = session.execute(
            select(AdminUnit.id, AdminUnit.name, AdminUnit.parent_id).where(AdminUnit.id.in_(wanted))
        )
        found = {id_: (name, parent_id) for id_, name, parent_id in rows}
        units |= found
        wanted = {parent for _, parent in found.values() if parent is not None} - units.keys()
    return {id_: Place(name=units[id_][0], line=_line(id_, units)) for id_ in unit_ids}


def _line(unit_id: int, units: Mapping[int, tuple[str, int | None]]) -> frozenset[int]:
    line = [unit_id]
    while (parent := units[line[-1]][1]) is not None:
        line.append(parent)
    return frozenset(line)
