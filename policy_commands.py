"""The commands `app.py policy …` and `app.py recompute`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import User
from accounts.service import AccountError, verify
from alerts.models import Alert
from alerts.passport import DiseaseFacts, Passport
from alerts.policy_models import PolicyVersion
from alerts.policy_store import (
    PolicyRefused,
    approve,
    policy_of_hash,
    propose,
    record_shipped,
    version_in_force,
    versions,
)
from alerts.recompute import recompute
from alerts.rules import parse_policy, shipped_text
from i18n import Message
from surveillance.diseases import load_catalogue

Say = Callable[[Message | str], None]


def source_of(session: Session, number: int | None) -> str:
    """Text of a version; None: of the one in force. Raises PolicyRefused where there is none."""
    version = version_in_force(session) if number is None else session.get(PolicyVersion, number)
    if version is None and number is not None:
        raise PolicyRefused(Message("Không có bộ quy tắc số {id}.", id=str(number)))
    return shipped_text() if version is None else version.text


def list_versions(session: Session, say: Say) -> None:
    current = version_in_force(session)
    for version in versions(session):
        mark = "*" if version is current else " "
        say(f"{mark} {version.id:3} {version.version:14} {version.state:10} {version.hash[:12]}")


def check(file: Path, say: Say) -> None:
    """Raises PolicyError, which names the line."""
    codes = [disease.code for disease in load_catalogue()]
    policy = parse_policy(file.read_text(encoding="utf-8"), diseases=codes)
    say(
        Message(
            "Dùng được: bản {version}, {n} quy tắc, {hash}.",
            version=policy.version, n=len(policy.rules), hash=policy.hash[:12],
        )
    )  # fmt: skip


def propose_file(session: Session, file: Path, name: str, password: str, note: str, say: Say) -> None:
    now = datetime.now(UTC)
    record_shipped(session, shipped_text(), now)
    current = version_in_force(session)
    assert current is not None
    user, text = _person(session, name, password), file.read_text(encoding="utf-8")
    made = propose(session, text, user=user, note=note, base_id=current.id, now=now, adopt=True)
    say(
        Message(
            "Đã lưu bản {version} (số {id}), chờ một người khác duyệt.", version=made.version, id=str(made.id)
        )
    )


def approve_version(session: Session, number: int, name: str, password: str, say: Say) -> None:
    made = approve(session, number, user=_person(session, name, password), now=datetime.now(UTC))
    say(Message("Bản {version} có hiệu lực từ bây giờ.", version=made.version))


def recompute_stored(session: Session, alert_id: int, diseases: Mapping[str, DiseaseFacts], say: Say) -> bool:
    """Whether deciding again gave the same. Raises PolicyRefused where it cannot be decided again."""
    stored = session.scalar(select(Alert.passport).where(Alert.id == alert_id))
    if stored is None:
        raise PolicyRefused(Message("Không có cảnh báo số {id}.", id=str(alert_id)))
    passport = Passport.from_json(stored)
    policy = policy_of_hash(session, passport.policy_hash)
    if policy is None or passport.disease not in diseases:
        raise PolicyRefused(Message("Không tính lại được: bộ quy tắc hoặc bệnh này không còn được lưu."))
    found = recompute(passport, policy, diseases[passport.disease])
    if found.identical:
        say(Message("Tính lại từ căn cứ đã lưu: kết quả giống hệt."))
    for difference in found.differences:
        say(Message("{what}: {old} → {new}", what=difference.what, old=difference.old, new=difference.new))
    return found.identical


def _person(session: Session, name: str, password: str) -> User:
    user = verify(session, name, password)
    if user is None:
        raise AccountError(Message("Sai tên đăng nhập hoặc mật khẩu."))
    return user
