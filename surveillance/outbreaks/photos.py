"""Photos of the work on the spot: made small, without what a camera adds (place, time, device), encrypted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from i18n import Message
from surveillance.outbreaks.acts import Actor, BadEntry, add_note
from surveillance.outbreaks.models import OutbreakEvent, OutbreakPhoto, OutbreakVersion
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.record import withdrawn
from surveillance.outbreaks.views import believed, within
from surveillance.pictures import BadPicture, drawn_anew
from surveillance.privacy import Vault

MOST_PIXELS = 40_000_000
LONGEST_SIDE = 1600
QUALITY = 78
TOO_LARGE = Message("Ảnh quá lớn: nhiều nhất 40 triệu điểm ảnh.")
NO_PHOTO = Message("Tệp gửi lên không phải ảnh JPEG, PNG hay WebP đọc được.")


def add_photo(
    session: Session, outbreak_id: int, data: bytes, words: str, *, actor: Actor,
    profiles: Mapping[str, Profile], vault: Vault, now: datetime,
) -> OutbreakPhoto:  # fmt: skip
    """Keep a photo with a note in the outbreak's log. Raises BadEntry for what is no photo, ActError as a note does."""
    small = _small(data)
    event = add_note(session, outbreak_id, words, actor=actor, profiles=profiles, now=now)
    photo = OutbreakPhoto(
        outbreak_id=outbreak_id, event_id=event.id, user_id=actor.user_id, at=now,
        content=vault.seal(small),
    )  # fmt: skip
    session.add(photo)
    session.flush()
    return photo


def photos_of(session: Session, outbreak_id: int) -> Sequence[int]:
    """Ids in the order they came, without those whose note was taken back."""
    query = select(OutbreakPhoto.id).where(
        OutbreakPhoto.outbreak_id == outbreak_id, OutbreakPhoto.event_id.not_in(withdrawn())
    )
    return session.scalars(query.order_by(OutbreakPhoto.id)).all()


def read_photo(
    session: Session, photo_id: int, *, area_ids: frozenset[int] | None, vault: Vault
) -> tuple[int, bytes] | None:
    """The outbreak and the JPEG; None when there is no such photo in these areas."""
    found = session.execute(
        select(OutbreakPhoto.outbreak_id, OutbreakPhoto.content)
        .join(OutbreakVersion, OutbreakVersion.outbreak_id == OutbreakPhoto.outbreak_id)
        .join(OutbreakEvent, OutbreakEvent.id == OutbreakPhoto.event_id)
        .where(OutbreakPhoto.id == photo_id, believed(None), within(area_ids))
        .where(OutbreakEvent.id.not_in(withdrawn()))
    ).one_or_none()
    return None if found is None else (found.outbreak_id, vault.unseal(found.content))


def _small(data: bytes) -> bytes:
    """As a JPEG with nothing but the picture. Raises BadEntry."""
    try:
        return drawn_anew(data, most_pixels=MOST_PIXELS, longest_side=LONGEST_SIDE, quality=QUALITY)
    except BadPicture as error:
        raise BadEntry(TOO_LARGE if error.fault == "too_large" else NO_PHOTO) from None
