"""The alias table: what fixes taught, as the placer uses it and as people look through it and take it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geodata.aliases import Aliases, AreaWords
from geodata.models import AdminUnit
from geodata.units import unit_key
from surveillance.review.models import AddressFix, PlaceAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasView:
    id: int
    words: AreaWords
    unit_name: str
    valid_from: datetime
    user_id: int


def load_aliases(session: Session) -> Aliases:
    """Those not taken back whose unit is one of today."""
    query = (
        select(PlaceAlias, AdminUnit)
        .join(AdminUnit, AdminUnit.id == PlaceAlias.unit_id)
        .where(PlaceAlias.revoked_at.is_(None), AdminUnit.valid_to.is_(None))
    )
    return Aliases({_words(alias): unit_key(unit) for alias, unit in session.execute(query)})


def list_aliases(session: Session) -> list[AliasView]:
    """Newest first."""
    query = (
        select(PlaceAlias, AdminUnit.name, AddressFix.user_id)
        .join(AdminUnit, AdminUnit.id == PlaceAlias.unit_id)
        .join(AddressFix, AddressFix.id == PlaceAlias.learnt_from)
        .where(PlaceAlias.revoked_at.is_(None))
        .order_by(PlaceAlias.id.desc())
    )
    return [
        AliasView(
            id=alias.id, words=_words(alias), unit_name=name, valid_from=alias.valid_from, user_id=user_id
        )
        for alias, name, user_id in session.execute(query)
    ]


def learn(session: Session, words: AreaWords, unit_id: int, event_id: int, now: datetime) -> None:
    """From now on `words` mean `unit_id`; what they meant before is taken back by this event's person."""
    event = session.get_one(AddressFix, event_id)
    same = (
        PlaceAlias.text == words.text,
        PlaceAlias.district == words.district,
        PlaceAlias.province == words.province,
        PlaceAlias.revoked_at.is_(None),
    )
    session.execute(update(PlaceAlias).where(*same).values(revoked_at=now, revoked_by=event.user_id))
    session.add(PlaceAlias(**words._asdict(), unit_id=unit_id, learnt_from=event_id, valid_from=now))
    session.flush()


def revoke(session: Session, alias_id: int, *, user_id: int, now: datetime) -> bool:
    """Take an alias back: rows to come are asked about again. False when it was taken back already."""
    standing = (PlaceAlias.id == alias_id, PlaceAlias.revoked_at.is_(None))
    done = session.execute(update(PlaceAlias).where(*standing).values(revoked_at=now, revoked_by=user_id))
    return bool(done.rowcount)  # type: ignore[attr-defined]


def revoke_of_act(session: Session, act: int, *, user_id: int, now: datetime) -> None:
    """Take back what the fixes of one act taught."""
    taught = select(AddressFix.id).where(AddressFix.act == act)
    standing = (PlaceAlias.learnt_from.in_(taught), PlaceAlias.revoked_at.is_(None))
    session.execute(update(PlaceAlias).where(*standing).values(revoked_at=now, revoked_by=user_id))


def _words(alias: PlaceAlias) -> AreaWords:
    return AreaWords(alias.text, alias.district, alias.province)
