"""Acts that a phone sends, perhaps hours later and perhaps twice: each is done once and always answered the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from accounts.models import FieldAct
from i18n import Message, MessageError

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ActIdError(MessageError, ValueError):
    """An id that is none, or that another person's act has."""


def once(
    session: Session,
    act_id: str,
    *,
    user_id: int,
    kind: str,
    made_at: datetime,
    now: datetime,
    do: Callable[[], Mapping[str, Any]],
) -> dict[str, Any]:
    """What `do` answers, run once for `act_id` whatever comes how often and at the same time; a repetition gets the
    first answer. When `do` raises, nothing is kept and the act may come again."""
    if not _ID.fullmatch(act_id):
        raise ActIdError(Message("Việc gửi lên không có mã hợp lệ. Hãy tải lại trang."))
    values = {"user_id": user_id, "kind": kind, "made_at": made_at, "at": now, "result": {}}
    row = insert(FieldAct).values(id=act_id, **values)
    fresh = session.scalar(row.on_conflict_do_nothing().returning(FieldAct.id))
    if fresh is None:
        before = session.scalars(select(FieldAct).where(FieldAct.id == act_id)).one()
        if before.user_id != user_id:
            raise ActIdError(Message("Việc gửi lên không có mã hợp lệ. Hãy tải lại trang."))
        return dict(before.result)
    result = dict(do())
    session.execute(update(FieldAct).where(FieldAct.id == act_id).values(result=result))
    return result
