from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import AccessLog, Role, User
from accounts.service import AccountError, areas_of, create_user, record_access, units_inside, verify
from geodata.models import AdminUnit

PASSWORD = "mật khẩu đủ dài"


def add_unit(
    session: Session, name: str, level: str = "commune", parent: AdminUnit | None = None
) -> AdminUnit:
    unit = AdminUnit(
        level=level,
        code=name,
        valid_from=date(2025, 7, 1),
        name=name,
        short_name=name,
        kind="phường",
        parent_id=parent.id if parent else None,
    )
    session.add(unit)
    session.flush()
    return unit


@pytest.fixture
def city(session: Session) -> AdminUnit:
    return add_unit(session, "Thành phố", "province")


@pytest.fixture
def new_user(session: Session) -> Callable[..., User]:
    def make(role: Role, areas: tuple[AdminUnit, ...] = ()) -> User:
        ids = [unit.id for unit in areas]
        return create_user(
            session, username="Lan.Tran", password=PASSWORD, full_name="Trần Lan", role=role, area_ids=ids
        )

    return make


def test_a_user_signs_in_with_the_right_password_only(
    session: Session, new_user: Callable[..., User]
) -> None:
    user = new_user(Role.ANALYST)
    assert verify(session, "lan.tran ", PASSWORD) is user
    assert verify(session, "lan.tran", PASSWORD + "x") is None
    assert verify(session, "nobody", PASSWORD) is None


def test_a_stopped_account_cannot_sign_in(session: Session, new_user: Callable[..., User]) -> None:
    new_user(Role.ANALYST).active = False
    assert verify(session, "lan.tran", PASSWORD) is None


def test_the_password_is_stored_as_argon2_only(new_user: Callable[..., User]) -> None:
    stored = new_user(Role.ANALYST).password_hash
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored


def test_an_account_needs_a_new_name_a_long_password_and_known_areas(
    session: Session, new_user: Callable[..., User]
) -> None:
    new_user(Role.OFFICER)
    with pytest.raises(AccountError, match=r"Đã có người dùng tên “lan\.tran”"):
        new_user(Role.OFFICER)
    with pytest.raises(AccountError, match="ít nhất 8 ký tự"):
        create_user(session, username="b", password="short", full_name="B", role=Role.OFFICER)
    with pytest.raises(AccountError, match="Không có địa bàn mang số 999999"):
        create_user(
            session, username="c", password=PASSWORD, full_name="C", role=Role.OFFICER, area_ids=[999999]
        )


def test_an_officer_sees_assigned_areas_only(
    session: Session, city: AdminUnit, new_user: Callable[..., User]
) -> None:
    mine, _other = add_unit(session, "A", parent=city), add_unit(session, "B", parent=city)
    assert areas_of(session, new_user(Role.OFFICER, (mine,))) == {mine.id}


def test_an_officer_without_areas_sees_nothing(session: Session, new_user: Callable[..., User]) -> None:
    assert areas_of(session, new_user(Role.OFFICER)) == set()


def test_an_area_holds_everything_inside_it(
    session: Session, city: AdminUnit, new_user: Callable[..., User]
) -> None:
    district = add_unit(session, "D", "district", city)
    inside, outside = add_unit(session, "A", parent=district), add_unit(session, "B", parent=city)
    assert areas_of(session, new_user(Role.OFFICER, (district,))) == {district.id, inside.id}
    assert units_inside(session, {city.id}) == {city.id, district.id, inside.id, outside.id}


@pytest.mark.parametrize("role", [Role.ANALYST, Role.MANAGER])
def test_analysts_and_managers_see_the_whole_city(
    session: Session, new_user: Callable[..., User], role: Role
) -> None:
    assert areas_of(session, new_user(role)) is None


def test_reading_personal_data_leaves_a_record(session: Session, new_user: Callable[..., User]) -> None:
    user, now = new_user(Role.ANALYST), datetime(2026, 11, 22, tzinfo=UTC)
    record_access(session, user.id, "reveal_rejected_value", {"run": 3, "row": 17}, now)
    session.flush()
    entry = session.scalars(select(AccessLog)).one()
    assert (entry.user_id, entry.action, entry.detail) == (
        user.id,
        "reveal_rejected_value",
        {"run": 3, "row": 17},
    )
