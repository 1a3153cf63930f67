"""Addresses that bounce: seen by the person and by whoever looks after the accounts, until mended or checked."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from accounts.models import Role, User
from alerts.telling.models import AddressFault
from i18n import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultView:
    id: int
    user_id: int
    name: str
    address: str
    reason: Message
    since: datetime


def faults(
    session: Session, area_ids: Collection[int] | None = None, user_id: int | None = None
) -> list[FaultView]:
    """Those that still count: nobody cleared them and the account still has the address. The newest first."""
    rows = session.execute(
        select(AddressFault, User)
        .join(User, User.id == AddressFault.user_id)
        .where(AddressFault.cleared_at.is_(None), User.active, User.email == AddressFault.address)
        .where(*([User.id == user_id] if user_id is not None else []))
        .order_by(AddressFault.since.desc(), AddressFault.id.desc())
    ).unique()
    return [
        FaultView(
            id=fault.id,
            user_id=user.id,
            name=user.full_name,
            address=fault.address,
            reason=Message.from_json(json.loads(fault.reason)),
            since=fault.since,
        )
        for fault, user in rows
        if area_ids is None or any(unit.id in area_ids for unit in user.areas)
    ]


def clear_fault(session: Session, fault_id: int, *, by: User, now: datetime) -> bool:
    """The person, an analyst or a manager says the address is good; a new bounce flags it anew. False: not theirs."""
    fault = session.get(AddressFault, fault_id)
    if fault is None or (by.id != fault.user_id and by.role == Role.OFFICER):
        return False
    session.execute(
        update(AddressFault)
        .where(AddressFault.id == fault_id, AddressFault.cleared_at.is_(None))
        .values(cleared_at=now, cleared_by=by.id)
    )
    return True
