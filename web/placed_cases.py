"""What the tiles of one selection share, kept by this process."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock

from surveillance.case_cells import PlacedCases
from surveillance.case_filter import CaseFilter
from surveillance.columns import Columns

TOLD_AGAIN = timedelta(hours=1)
_KEPT = 6
"""Selections whose placed cases a process remembers: a view asks for some ten tiles of the same one."""
_REMEMBERED = 10_000


@dataclass(slots=True)
class PlacedCache:
    """The placed cases of the last selections, for one state of the columns, and who read which single cases when."""

    columns: Columns | None = None
    kept: OrderedDict[CaseFilter, PlacedCases] = field(default_factory=OrderedDict)
    read: OrderedDict[tuple[int, str], datetime] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def placed(self, columns: Columns, wanted: CaseFilter) -> PlacedCases:
        """The cases of `wanted`; its `readable` says which of them may be seen singly, and leaves none out."""
        with self.lock:
            if columns is not self.columns:
                self.kept.clear()
                self.columns = columns
            if wanted not in self.kept:
                rows = columns.rows(replace(wanted, readable=None))
                self.kept[wanted] = PlacedCases.of(columns, rows, wanted.readable)
            self.kept.move_to_end(wanted)
            if len(self.kept) > _KEPT:
                self.kept.popitem(last=False)
            return self.kept[wanted]

    def first_reading(self, user_id: int, query: str, moment: datetime) -> bool:
        """Whether this reader has not read these cases within the last TOLD_AGAIN."""
        with self.lock:
            before = self.read.get((user_id, query))
            if before is not None and moment - before < TOLD_AGAIN:
                return False
            self.read[user_id, query] = moment
            self.read.move_to_end((user_id, query))
            if len(self.read) > _REMEMBERED:
                self.read.popitem(last=False)
            return True
