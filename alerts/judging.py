"""What an alert was found to be, and whether that may be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from accounts.models import User
from alerts.acts import State
from alerts.desk import BadInput, WrongState, standing_of
from alerts.lifecycle import ALERT_LEVEL
from alerts.models import Alert, AreaLevel
from i18n import Message

Outcome = Literal["true", "false", "duplicate", "data_error"]
OUTCOMES: Mapping[Outcome, str] = {
    "true": "đúng: có dịch bệnh thật",
    "false": "báo động giả",
    "duplicate": "trùng với cảnh báo khác",
    "data_error": "sai số liệu",
}


def outcome_name(outcome: Outcome) -> Message:
    return Message(OUTCOMES[outcome])


def judge(session: Session, alert: Alert, outcome: Outcome, duplicate_of: int | None, user: User) -> None:
    """Put down the outcome. Raises BadInput, and then leaves the alert as it was."""
    original = _original(session, alert, duplicate_of, user) if outcome == "duplicate" else None
    alert.outcome, alert.duplicate_of = outcome, original


def _original(session: Session, alert: Alert, duplicate_of: int | None, user: User) -> int:
    """The alert that this one repeats: of the same disease, itself no duplicate, so that no chain or ring arises."""
    if duplicate_of is None:
        raise BadInput(Message("Hãy chọn cảnh báo mà cảnh báo này trùng với."))
    other = session.get(Alert, duplicate_of)
    if other is None or standing_of(session, user, other) is None:
        raise BadInput(Message("Không có cảnh báo số {n} trong địa bàn bạn được xem.", n=str(duplicate_of)))
    if other.id == alert.id:
        raise BadInput(Message("Một cảnh báo không thể trùng với chính nó."))
    if other.disease != alert.disease:
        raise BadInput(Message("Cảnh báo số {n} thuộc bệnh khác.", n=str(duplicate_of)))
    if other.duplicate_of is not None:
        raise BadInput(
            Message(
                "Cảnh báo số {n} cũng là trùng: hãy chọn cảnh báo gốc, số {first}.",
                n=str(other.id), first=str(other.duplicate_of),
            )
        )  # fmt: skip
    if session.scalar(select(exists().where(Alert.duplicate_of == alert.id))):
        raise BadInput(
            Message("Có cảnh báo khác đã được kết luận là trùng với cảnh báo này; hãy giữ nó làm gốc.")
        )
    return other.id


def check_place_free(session: Session, alert: Alert) -> None:
    """One live alert of a disease and unit at a time, and none where the system would end it at once."""
    same = (Alert.disease == alert.disease, Alert.unit_id == alert.unit_id, Alert.id != alert.id)
    other = session.scalar(select(Alert.id).where(*same, Alert.state != State.CLOSED))
    if other is not None:
        raise WrongState(
            Message("Địa bàn này đã có cảnh báo số {n} đang mở: hãy ghi tiếp vào đó.", n=str(other))
        )
    here = (AreaLevel.disease == alert.disease, AreaLevel.unit_id == alert.unit_id)
    level = session.scalar(select(AreaLevel.level).where(*here, AreaLevel.known_to.is_(None)))
    if level is not None and level < ALERT_LEVEL:
        raise WrongState(
            Message(
                "Địa bàn đã về mức thấp: hệ thống sẽ tự mở lại nếu tình hình nặng lên. Có thể ghi nhận ở trang ổ dịch."
            )
        )


def said(alert: Alert) -> Message:
    """The outcome as the log tells it."""
    assert alert.outcome is not None
    if alert.duplicate_of is not None:
        return Message("trùng với cảnh báo số {n}", n=str(alert.duplicate_of))
    return Message(OUTCOMES[alert.outcome])  # type: ignore[index]


def known(outcome: str | None) -> Outcome:
    if outcome not in get_args(Outcome):
        raise BadInput(Message("Hãy chọn kết luận: đúng, báo động giả, trùng, hoặc sai số liệu."))
    return outcome  # type: ignore[return-value]
