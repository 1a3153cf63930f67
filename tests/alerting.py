"""Places, people and evidence for the tests of alerting. All people are invented."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from accounts.models import Role, User
from alerts.engine import DiseaseFacts, ReconcileReport, reconcile
from alerts.rules import default_policy
from geodata.models import AdminUnit
from i18n import Message
from surveillance.types import Frequency, Signal, StatutoryStatus

POLICY = default_policy()
NOW = datetime(2026, 7, 15, 1, 0, tzinfo=UTC)
"""08:00 on Wednesday 15 July 2026 in Ho Chi Minh City."""
DENGUE = DiseaseFacts(
    code="dengue", name_vi="Sốt xuất huyết Dengue", name_en="Dengue", group="B", endemic=True, display_floor=3
)
DISEASES = {"dengue": DENGUE}


def add_unit(session: Session, code: str, name: str, parent: AdminUnit | None = None) -> AdminUnit:
    unit = AdminUnit(
        level="commune" if parent else "province",
        code=code,
        valid_from=date(2025, 7, 1),
        name=name,
        short_name=name,
        kind="ward",
        parent_id=parent.id if parent else None,
    )
    session.add(unit)
    session.flush()
    return unit


def add_user(
    session: Session, username: str, role: Role, *areas: AdminUnit, email: bool = True, locale: str = "vi"
) -> User:
    user = User(
        username=username,
        password_hash="-",
        full_name=f"Người thử {username}",
        role=role.value,
        email=f"{username}@example.org" if email else None,
        locale=locale,
        active=True,
        areas=list(areas),
    )
    session.add(user)
    session.flush()
    return user


@pytest.fixture
def city(session: Session) -> AdminUnit:
    return add_unit(session, "79", "Thành phố Hồ Chí Minh")


@pytest.fixture
def ward(session: Session, city: AdminUnit) -> AdminUnit:
    return add_unit(session, "26740", "Phường Sài Gòn", city)


@pytest.fixture
def other_ward(session: Session, city: AdminUnit) -> AdminUnit:
    return add_unit(session, "26737", "Phường Tân Định", city)


@pytest.fixture
def analyst(session: Session) -> User:
    return add_user(session, "analyst", Role.ANALYST)


def signal(
    unit: AdminUnit | int,
    method: str,
    *,
    observed: float = 10,
    upper: float | None = 6,
    alarm: bool = True,
    status: StatutoryStatus | None = None,
    disease: str = "dengue",
    detail: dict[str, Any] | None = None,
) -> Signal:
    return Signal(
        disease=disease,
        unit_id=unit if isinstance(unit, int) else unit.id,
        method=method,
        method_version="test",
        frequency=Frequency.MONTH if method == "statutory_month" else Frequency.WEEK,
        period_start=date(2026, 7, 13),
        as_of=NOW,
        observed=observed,
        expected=3.0,
        upperbound=upper,
        alarm=alarm,
        reason=Message("Tuần này có {observed} ca, ngưỡng {threshold}.", observed=observed, threshold=upper),
        status=status,
        detail={"threshold": upper, "lower": upper, "upper": upper, **(detail or {})},
    )


def calm(unit: AdminUnit | int, disease: str = "dengue") -> list[Signal]:
    """Level 1: counts are known and low."""
    return [
        signal(unit, "statutory_week", observed=1, alarm=False, status=StatutoryStatus.NONE, disease=disease)
    ]


def warning(unit: AdminUnit | int, observed: float = 10) -> list[Signal]:
    """Level 2, statutory cảnh báo."""
    return [signal(unit, "statutory_week", observed=observed, status=StatutoryStatus.WARNING)]


def ears(unit: AdminUnit | int) -> list[Signal]:
    """Level 2 by statistics alone, no statutory status."""
    return [*calm(unit), signal(unit, "ears_c2")]


def outbreak(unit: AdminUnit | int) -> list[Signal]:
    """Level 3 by a large open outbreak, no statutory status."""
    return [*calm(unit), signal(unit, "outbreak", observed=5, upper=None)]


def epidemic(unit: AdminUnit | int) -> list[Signal]:
    """Level 4, statutory có dịch."""
    return [signal(unit, "statutory_month", observed=40, upper=25, status=StatutoryStatus.EPIDEMIC)]


def run(session: Session, evidence: Sequence[Signal], *, days: float = 0, **options: Any) -> ReconcileReport:
    """Reconcile, `days` after NOW."""
    settings: dict[str, Any] = {
        "policy": POLICY,
        "diseases": DISEASES,
        "silent": (),
        "now": NOW + timedelta(days=days),
        "code_version": "test",
        **options,
    }
    return reconcile(session, evidence=evidence, **settings)
