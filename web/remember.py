"""What a process has worked out once and may say again while nothing new is known."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

import orjson
from plotly.io.json import to_json_plotly
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.duty_models import DutyEvent
from alerts.models import AlertEvent, AreaLevel
from geodata.models import Boundary
from surveillance.clustering.models import ClusterVersion
from surveillance.models import CaseVersion, IngestRun, SignalRow
from surveillance.outbreaks.models import OutbreakEvent, OutbreakVersion
from surveillance.review.models import AddressFix

T = TypeVar("T")
MOST = 300
GROWING = (
    CaseVersion,
    SignalRow,
    AreaLevel,
    AlertEvent,
    DutyEvent,
    OutbreakVersion,
    OutbreakEvent,
    ClusterVersion,
    AddressFix,
)
STATE = select(
    *[select(func.max(table.id)).scalar_subquery() for table in GROWING],
    select(func.max(IngestRun.known_at)).where(IngestRun.state == "done").scalar_subquery(),
    select(func.count(ClusterVersion.known_to)).scalar_subquery(),
    select(func.max(Boundary.imported_at)).scalar_subquery(),
    select(func.count(Boundary.unit_id)).scalar_subquery(),
)


def state_of(session: Session) -> Hashable:
    """Changes whenever a screen could."""
    return tuple(session.execute(STATE).one())


def as_sent(parts: Iterable[Any]) -> list[orjson.Fragment]:
    """The parts of a callback's answer as the JSON the browser gets: small to keep, and written once."""
    return [orjson.Fragment(to_json_plotly(part)) for part in parts]


@dataclass(slots=True)
class Memory:
    """The answers last asked for. Who asks for one that is being made waits for it."""

    _kept: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)
    _making: dict[Hashable, Future[Any]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def ask(self, key: Hashable, make: Callable[[], T]) -> T:
        """The answer to `key`, which must name all that it depends on. `make` may ask for others, never for its own."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                found: T = self._kept[key]
                return found
            awaited = self._making.get(key)
            if awaited is None:
                mine = self._making[key] = Future()
        if awaited is not None:
            made: T = awaited.result()
            return made
        return self._make(key, make, mine)

    def _make(self, key: Hashable, make: Callable[[], T], mine: Future[T]) -> T:
        try:
            made = make()
        except BaseException as error:
            with self._lock:
                del self._making[key]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._making[key]
            self._kept[key] = made
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
        mine.set_result(made)
        return made
