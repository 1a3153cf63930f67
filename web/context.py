"""What every page needs from its process and its request: settings, database, who is looking, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import wraps
from typing import Any, TypeVar, cast

from flask import abort, current_app, g, request
from flask_login import UserMixin, current_user
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from accounts.models import Role
from accounts.service import active_user, areas_of
from alerts.levels import Theme
from db import session_scope
from geodata.models import Boundary
from geodata.tiles import TileCache
from i18n import current_locale
from settings import Settings
from surveillance.clock import current_time
from surveillance.columns import ColumnStore
from surveillance.diseases import Disease
from surveillance.outbreaks.cases import load_area
from surveillance.outbreaks.eligibility import Area
from surveillance.outbreaks.profiles import Profile
from surveillance.review.placers import Placers
from web.placed_cases import PlacedCache
from web.remember import Memory

Callback = TypeVar("Callback", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Context:
    """One web process. `profiles` of outbreaks, by disease; `land` where cases may lie, by when its newest boundary
    came."""

    settings: Settings
    engine: Engine
    diseases: Mapping[str, Disease]
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    tiles: TileCache = field(default_factory=TileCache)
    land: dict[datetime | None, Area | None] = field(default_factory=dict)
    placers: Placers = field(default_factory=Placers)
    memory: Memory = field(default_factory=Memory)
    columns: ColumnStore = field(default_factory=lambda: ColumnStore({}))
    placed: PlacedCache = field(default_factory=PlacedCache)


@dataclass(frozen=True, kw_only=True)
class Viewer(UserMixin):
    """The person signed in. `areas` None means the whole city."""

    id: int
    username: str
    full_name: str
    role: Role
    locale: str
    areas: frozenset[int] | None

    def may_see(self, unit_id: int) -> bool:
        return self.areas is None or unit_id in self.areas

    @property
    def area_ids(self) -> set[int] | None:
        return None if self.areas is None else set(self.areas)

    @property
    def initials(self) -> str:
        """First letters of the family and the given name: Nguyễn Thị Hoa is NH."""
        words = self.full_name.partition("(")[0].split()
        return "".join(word[0] for word in (words if len(words) < 2 else (words[0], words[-1]))).upper()


def context() -> Context:
    return cast(Context, current_app.extensions["canhdich"])


@contextmanager
def open_session() -> Iterator[Session]:
    """A session of this request that commits at the end, or rolls back when the block raises."""
    with session_scope(context().engine) as session:
        yield session


def land(session: Session) -> Area | None:
    """Where positions of cases may lie, read once for each set of boundaries."""
    kept, newest = context().land, session.scalar(select(func.max(Boundary.imported_at)))
    if newest not in kept:
        kept.clear()
        kept[newest] = load_area(session, context().settings.deployment.metric_crs)
    return kept[newest]


def viewer() -> Viewer:
    """Who makes this request. The gate in `web.auth` lets nobody else come here."""
    if not current_user.is_authenticated:
        abort(401)
    return cast(Viewer, current_user._get_current_object())


def load_viewer(user_id: str) -> Viewer | None:
    """The viewer behind a session cookie; None when the account is gone or stopped."""
    with open_session() as session:
        user = active_user(session, int(user_id))
        if user is None:
            return None
        areas = areas_of(session, user)
        return Viewer(
            id=user.id,
            username=user.username,
            full_name=user.full_name,
            role=Role(user.role),
            locale=user.locale,
            areas=None if areas is None else frozenset(areas),
        )


def disease_name(code: str) -> str:
    """In the reader's language; the code itself when the deployment no longer lists the disease."""
    disease = context().diseases.get(code)
    if disease is None:
        return code
    return disease.name_en if current_locale() == "en" else disease.name_vi


def disease_short(code: str) -> str:
    """For a narrow column: “SXH”, in English “Dengue”."""
    disease = context().diseases.get(code)
    if disease is None:
        return code
    return disease.short_en if current_locale() == "en" else disease.short_vi


def theme() -> Theme:
    return "dark" if request.cookies.get("theme") == "dark" else "light"


def now(session: Session) -> datetime:
    """Now as this deployment counts it, in UTC; one moment for all of an answer."""
    if "now" not in g:
        g.now = current_time(session, context().settings.clock)
    moment: datetime = g.now
    return moment


@dataclass(frozen=True, kw_only=True)
class Moment:
    """The day on show. `as_of` None: what is known now; else the end of a past day, as it was known then."""

    today: date
    as_of: datetime | None


def day_on_show(session: Session, on: date | None) -> Moment:
    """`on` when it is past, else today."""
    today = local(now(session)).date()
    if on is None or on >= today:
        return Moment(today=today, as_of=None)
    return Moment(today=on, as_of=end_of(on))


def end_of(day: date) -> datetime:
    """The last moment of `day` on the deployment's clock."""
    return datetime.combine(day, time.max, tzinfo=context().settings.deployment.timezone)


def parse_day(text: str | None) -> date | None:
    """A day of a URL; None for anything else."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def known_disease(code: str | None) -> str | None:
    """`code` when this deployment watches the disease; None, all diseases, for anything else."""
    return code if code in context().diseases else None


def local(moment: datetime) -> datetime:
    """`moment` on the deployment's clock."""
    return moment.astimezone(context().settings.deployment.timezone)


def for_roles(*roles: Role) -> Callable[[Callback], Callback]:
    """Refuse a callback or route to everyone else (403), whatever the page shows."""

    def decorate(function: Callback) -> Callback:
        @wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            if viewer().role not in roles:
                abort(403)
            return function(*args, **kwargs)

        return cast(Callback, checked)

    return decorate
