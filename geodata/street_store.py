"""Streets in the database: what was imported, what verified houses taught, and both as one book."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from geodata.models import StreetFile, StreetLesson
from geodata.street_names import door, street_words
from geodata.street_points import Source, StreetPoint
from geodata.streets import StreetBook
from geodata.types import UnitKey
from geodata.units import unit_ids


class Lesson(NamedTuple):
    """A verified house: street and number as written, and where it stands (degrees)."""

    street: str
    house: str | None
    lat: float
    lon: float
    former: UnitKey | None
    today: UnitKey | None
    district: UnitKey | None
    known_from: datetime
    taught_by: Sequence[int]


def store_book(session: Session, book: StreetBook, *, source: str, now: datetime) -> None:
    """Replace what was imported before; what verified houses taught stays."""
    session.execute(delete(StreetFile))
    session.add(
        StreetFile(source=source, imported_at=now, streets=len(book.streets), content=book.to_bytes())
    )
    session.flush()


def teach_streets(session: Session, lessons: Iterable[Lesson]) -> int:
    """Write down what verified houses teach, in the caller's transaction; how many they were."""
    lessons = list(lessons)
    ids = unit_ids(session) if lessons else {}
    rows = [
        {
            "street": street_words(lesson.street),
            "house": door(lesson.street, lesson.house),
            "geom": f"SRID=4326;POINT({lesson.lon} {lesson.lat})",
            "former_unit_id": ids.get(lesson.former) if lesson.former else None,
            "unit_id": ids.get(lesson.today) if lesson.today else None,
            "district_id": ids.get(lesson.district) if lesson.district else None,
            "known_from": lesson.known_from,
            "taught_by": list(lesson.taught_by),
        }
        for lesson in lessons
    ]
    if rows:
        session.execute(insert(StreetLesson), rows)
    return len(rows)


def forget_streets(session: Session, run_id: int, now: datetime) -> None:
    """End what a run taught, in the caller's transaction."""
    session.execute(
        update(StreetLesson)
        .where(StreetLesson.taught_by.contains([run_id]), StreetLesson.known_to.is_(None))
        .values(known_to=now)
    )


class _Seen(NamedTuple):
    """What a book was made of: newest import, newest lesson, number of lessons that count."""

    file: int | None
    lesson: int
    lessons: int


@dataclass
class StreetShelf:
    """The book of a database for one process: read once, then only what was taught since."""

    _seen: _Seen = field(default=_Seen(None, 0, 0), init=False)
    _imported: StreetBook = field(default_factory=StreetBook, init=False)
    current: StreetBook = field(default_factory=StreetBook, init=False)

    def book(self, session: Session) -> StreetBook:
        """As the session's transaction sees it."""
        now = _Seen(
            session.scalar(select(func.max(StreetFile.id))),
            *session.execute(
                select(func.coalesce(func.max(StreetLesson.id), 0), func.count()).where(_COUNTS)
            ).one(),
        )
        if now == self._seen:
            return self.current
        if now.file != self._seen.file:
            self._imported = _imported(session, now.file)
        fresh = _points(session, after=self._seen.lesson)
        if now.file == self._seen.file and len(fresh) == now.lessons - self._seen.lessons:
            self.current = self.current.taught(fresh)
        else:
            self.current = self._imported.taught(_points(session, after=0))
        self._seen = now
        return self.current


_COUNTS = StreetLesson.known_to.is_(None)


def _imported(session: Session, file_id: int | None) -> StreetBook:
    if file_id is None:
        return StreetBook()
    return StreetBook.from_bytes(session.get_one(StreetFile, file_id).content)


def _points(session: Session, *, after: int) -> list[StreetPoint]:
    keys = {unit_id: key for key, unit_id in unit_ids(session).items()}
    query = (
        select(
            StreetLesson.street,
            func.ST_Y(StreetLesson.geom).label("lat"),
            func.ST_X(StreetLesson.geom).label("lon"),
            StreetLesson.house,
            StreetLesson.former_unit_id,
            StreetLesson.unit_id,
            StreetLesson.district_id,
        )
        .where(_COUNTS, StreetLesson.id > after)
        .order_by(StreetLesson.id)
    )
    return [
        StreetPoint(
            row.street,
            row.lat,
            row.lon,
            row.house,
            keys.get(row.former_unit_id),
            keys.get(row.unit_id),
            keys.get(row.district_id),
            Source.VERIFIED,
        )
        for row in session.execute(query)
    ]
