"""Tables of the review of addresses. No address stands in the clear in any of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BIGINT, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db import Base


class PlaceText(Base):
    """What the words of a waiting case say, read from the vault once (`texts.index_texts`) so that lists need no key.

    `address_key` is a keyed hash of all the words, `group_key` of those that decide together with others: equal
    words, equal place. `candidates`: ids of communes, likeliest first. `by_area`: the group is that of the area's words
    alone, which can be learnt (`geodata.aliases`). `changed`: a corrected case whose hospital then wrote other words.
    """

    __tablename__ = "place_text"
    __table_args__ = (
        Index("ix_place_text_group_key", "group_key"),
        Index("ix_place_text_changed", "case_id", postgresql_where=text("changed")),
    )

    case_id: Mapped[int] = mapped_column(ForeignKey("epi_case.id"), primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("case_report.id"))
    address_key: Mapped[bytes] = mapped_column(LargeBinary)
    group_key: Mapped[bytes] = mapped_column(LargeBinary)
    by_area: Mapped[bool]
    has_address: Mapped[bool]
    candidates: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    changed: Mapped[bool]


class AddressFix(Base):
    """What a person decided of the place of a case; append-only. Kinds: choice, pin, text, unknown, undo.

    Events of one press of a button share `act`, the id of the first. `before`, `after`: the place columns of
    `belief.PLACE`. `report_id`: whose words were read, `address_key` their keyed hash; `after_report`: the last report
    of the case known then. `typed`: a corrected text, encrypted. `reason`: why it cannot be told (`fixes.REASONS`).
    """

    __tablename__ = "address_fix"

    id: Mapped[int] = mapped_column(primary_key=True)
    act: Mapped[int] = mapped_column(index=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("epi_case.id"), index=True)
    at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    kind: Mapped[str]
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    report_id: Mapped[int | None] = mapped_column(ForeignKey("case_report.id"))
    address_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    after_report: Mapped[int]
    typed: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason: Mapped[str | None]
    undoes: Mapped[int | None] = mapped_column(ForeignKey("address_fix.id"), unique=True)


class PlaceAlias(Base):
    """Words of an area that were said to mean a unit (`geodata.aliases.AreaWords`), from a fix until taken back."""

    __tablename__ = "place_alias"
    __table_args__ = (
        Index(
            "ix_place_alias_standing", "text", "district", "province", unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    district: Mapped[str]
    province: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("admin_unit.id"))
    learnt_from: Mapped[int] = mapped_column(ForeignKey("address_fix.id"))
    valid_from: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
