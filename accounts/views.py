"""Saved views of the map and embedded pictures: who may keep, see, change and end them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from accounts.models import DefaultView, Embed, SavedView, User
from accounts.service import record_access
from i18n import Message, MessageError

LONGEST_NAME = 80
LONGEST_QUERY = 4_000
MOST_VIEWS = 100
EMBED_DAYS = (7, 30, 90, 365)


class ViewError(MessageError, ValueError):
    """A view that cannot be kept or changed; the text says why and what to do."""


def save_view(
    session: Session, owner_id: int, name: str, query: str, *, shared: bool, now: datetime
) -> SavedView:
    """A new view, or what the owner's view of this name shows from now on. Raises ViewError."""
    name = _good_name(name)
    if len(query) > LONGEST_QUERY:
        raise ViewError(Message("Khung nhìn này quá dài để lưu: hãy khoanh vùng ít điểm hơn."))
    mine = list(session.scalars(select(SavedView).where(SavedView.owner_id == owner_id)))
    view = next((each for each in mine if each.name == name), None)
    if view is None:
        if len(mine) >= MOST_VIEWS:
            raise ViewError(Message("Đã có {n} khung nhìn: hãy xóa bớt trước khi lưu thêm.", n=MOST_VIEWS))
        view = SavedView(owner_id=owner_id, name=name)
        session.add(view)
    view.query, view.shared, view.created_at = query, shared, now
    session.flush()
    return view


def views_for(session: Session, user_id: int) -> Sequence[tuple[SavedView, str]]:
    """Own views first, then those that colleagues share; each with its owner's name."""
    query = (
        select(SavedView, User.full_name)
        .join(User, User.id == SavedView.owner_id)
        .where(or_(SavedView.owner_id == user_id, SavedView.shared))
        .order_by(SavedView.owner_id != user_id, SavedView.name)
    )
    return [(view, name) for view, name in session.execute(query)]


def own_view(session: Session, view_id: int, user_id: int) -> SavedView:
    """Raises ViewError when it is gone or somebody else's."""
    view = session.get(SavedView, view_id)
    if view is None or view.owner_id != user_id:
        raise ViewError(Message("Chỉ người lưu mới sửa hoặc xóa được khung nhìn này."))
    return view


def rename_view(session: Session, view: SavedView, name: str) -> None:
    name = _good_name(name)
    taken = select(SavedView.id).where(
        SavedView.owner_id == view.owner_id, SavedView.name == name, SavedView.id != view.id
    )
    if session.scalar(taken) is not None:
        raise ViewError(Message("Đã có khung nhìn tên “{name}”. Hãy chọn tên khác.", name=name))
    view.name = name


def delete_view(session: Session, view: SavedView) -> None:
    """The map of those it opened with opens as before; embedded pictures made from it stay."""
    session.delete(view)


def open_with(session: Session, user_id: int, view_id: int | None) -> None:
    """The map opens with this view for this person; None: as it does for everybody."""
    kept = session.get(DefaultView, user_id)
    if view_id is None:
        if kept is not None:
            session.delete(kept)
        return
    if all(view.id != view_id for view, _name in views_for(session, user_id)):
        raise ViewError(Message("Khung nhìn này không còn."))
    session.merge(DefaultView(user_id=user_id, view_id=view_id))


def default_view(session: Session, user_id: int) -> SavedView | None:
    """None too when its owner no longer shares it."""
    query = (
        select(SavedView)
        .join(DefaultView, DefaultView.view_id == SavedView.id)
        .where(DefaultView.user_id == user_id, or_(SavedView.owner_id == user_id, SavedView.shared))
    )
    return session.scalar(query)


def make_embed(
    session: Session, user: User, name: str, query: str, *, days: int, now: datetime
) -> tuple[Embed, str]:
    """A new embedded picture and its secret, which is told once and kept nowhere."""
    if days not in EMBED_DAYS:
        raise ViewError(Message("Hãy chọn thời hạn trong danh sách."))
    token = secrets.token_urlsafe(32)
    embed = Embed(
        digest=digest_of(token), name=_good_name(name), query=query, locale=user.locale, made_by=user.id, made_at=now,
        expires_at=now + timedelta(days=days), revoked_at=None, revoked_by=None,
    )  # fmt: skip
    session.add(embed)
    session.flush()
    record_access(session, user.id, "embed.made", {"embed": embed.id, "days": days}, now)
    return embed, token


def embeds(session: Session) -> Sequence[tuple[Embed, str]]:
    """All, newest first, with who made them."""
    query = select(Embed, User.full_name).join(User, User.id == Embed.made_by).order_by(Embed.id.desc())
    return [(embed, name) for embed, name in session.execute(query)]


def living_embed(session: Session, token: str, now: datetime) -> Embed | None:
    """None when there is none of this secret, or its time is over."""
    embed = session.scalar(select(Embed).where(Embed.digest == digest_of(token)))
    return embed if embed is not None and is_living(embed, now) else None


def is_living(embed: Embed, now: datetime) -> bool:
    return embed.revoked_at is None and now < embed.expires_at


def revoke_embed(session: Session, embed_id: int, user_id: int, now: datetime) -> None:
    embed = session.get(Embed, embed_id)
    if embed is None:
        raise ViewError(Message("Trang nhúng này không còn."))
    if embed.revoked_at is None:
        embed.revoked_at, embed.revoked_by = now, user_id
        record_access(session, user_id, "embed.revoked", {"embed": embed.id}, now)


def digest_of(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _good_name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise ViewError(Message("Hãy đặt tên cho khung nhìn."))
    if len(name) > LONGEST_NAME:
        raise ViewError(Message("Tên khung nhìn dài nhất {n} ký tự.", n=LONGEST_NAME))
    return name
