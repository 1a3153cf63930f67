"""What a process has worked out once and may say again while nothing new is known."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from alerts.duty_views import duties_version
from alerts.version import alerts_version
from geodata.places import boundaries_version
from surveillance.clock import data_until
from surveillance.clustering.views import clusters_version
from surveillance.outbreaks.views import outbreaks_version
from surveillance.review.queue import fixes_version

T = TypeVar("T")
MOST = 300


def state_of(session: Session) -> Hashable:
    """Changes whenever a screen of the map could."""
    return (
        data_until(session),
        alerts_version(session),
        duties_version(session),
        outbreaks_version(session),
        clusters_version(session),
        fixes_version(session),
        boundaries_version(session),
    )


@dataclass(slots=True)
class Memory:
    """The answers last asked for. Two threads that ask at once both work; nobody waits."""

    _kept: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def ask(self, key: Hashable, make: Callable[[], T]) -> T:
        """The answer to `key`, which must name all that it depends on."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                found: T = self._kept[key]
                return found
        made = make()
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return made
