"""Cases whose address a person must look at, and people who do, for tests of the review."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from accounts.models import Role
from accounts.service import create_user
from db import session_scope
from geodata.models import AdminUnit
from surveillance.outbreaks.acts import Actor
from surveillance.place import Placer
from surveillance.review import fixes
from surveillance.review.fixes import Done
from surveillance.review.learnt import load_aliases
from surveillance.review.placing import Choice
from surveillance.review.queue import Waiting, waiting
from surveillance.review.texts import index_texts
from tests.ingest_files import NOW, Desk, person

DAY = timedelta(days=1)
LATER = NOW + DAY
LA: dict[str, Any] = {"PX": "PHUONG LA HOAC", "QH": "QUAN 5"}
"""A ward nobody knows."""


def unknown(number: int, **cells: Any) -> dict[str, Any]:
    """A row whose ward no register has."""
    return person(number, **{**LA, "DIA CHI": f"{number}/8E NGUYEN TRAI", **cells})


@dataclass(frozen=True)
class Clerk:
    """A person who reviews addresses of the city, or of their own communes."""

    desk: Desk
    actor: Actor

    def placer(self, session: Any) -> Placer:
        return replace(self.desk.context.placer(session), aliases=load_aliases(session))

    def sees(self) -> list[Waiting]:
        """Once the worker has read the words."""
        with session_scope(self.desk.engine) as session:
            index_texts(session, self.placer(session), self.desk.context.vault)
        with session_scope(self.desk.engine) as session:
            return waiting(session, self.actor.areas)

    def at_work(self, session: Any, now: datetime) -> fixes.Desk:
        return fixes.Desk(
            session=session,
            actor=self.actor,
            placer=self.placer(session),
            vault=self.desk.context.vault,
            now=now,
        )

    def place(self, case: Waiting, choice: Choice | int, *, now: datetime = LATER, **how: Any) -> Done:
        wanted = Choice(kind="choice", unit_id=choice) if isinstance(choice, int) else choice
        with session_scope(self.desk.engine) as session:
            given = {"seen": case.version_id} | how
            return fixes.place_case(self.at_work(session, now), case.case_id, wanted, **given)

    def unknown(self, case: Waiting, reason: str, *, now: datetime = LATER, **how: Any) -> Done:
        with session_scope(self.desk.engine) as session:
            given = {"seen": case.version_id} | how
            return fixes.leave_unknown(self.at_work(session, now), case.case_id, reason, **given)

    def undo(self, act: int, *, now: datetime = LATER + DAY) -> Done:
        with session_scope(self.desk.engine) as session:
            return fixes.undo(self.at_work(session, now), act)


def clerk(desk: Desk, name: str, areas: set[int] | None = None, role: Role = Role.ANALYST) -> Clerk:
    with session_scope(desk.engine) as session:
        user = create_user(
            session, username=name, password="a long enough password", full_name=name, role=role
        ).id
    allowed = None if areas is None else frozenset(areas)
    actor = Actor(user_id=user, name=name, areas=allowed, may_act=role is not Role.MANAGER)
    return Clerk(desk, actor)


def commune(desk: Desk, name: str) -> int:
    with session_scope(desk.engine) as session:
        query = select(AdminUnit.id).where(AdminUnit.name == name, AdminUnit.valid_to.is_(None))
        return session.scalars(query).one()


def forget(desk: Desk) -> None:
    with session_scope(desk.engine) as session:
        session.execute(text("TRUNCATE place_alias, address_fix, place_text, app_user, user_area CASCADE"))
