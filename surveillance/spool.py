"""Rows put in order without holding a whole file in memory: sorted chunks in unnamed temporary files, then merged.

The rows carry their identifiers encrypted already, so nothing readable touches the disk.
"""

from __future__ import annotations

import heapq
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import IO

from surveillance.linkage import Incoming

_BLOCK = 500
"""Rows pickled together: dates and words that repeat are written once."""


def batches(rows: Iterable[Incoming], size: int) -> Iterator[list[Incoming]]:
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield batch


def in_order(rows: Iterable[Incoming], size: int) -> Iterator[list[Incoming]]:
    """`rows` by report day, then row number, in batches of `size`; at most two batches are in memory."""
    with ExitStack() as files:
        chunks = batches(rows, size)
        first = sorted(next(chunks, []), key=_order)
        kept = [_keep(files, chunk) for chunk in chunks]
        yield from batches(heapq.merge(first, *map(_read, kept), key=_order), size)


def _order(incoming: Incoming) -> tuple[int, int]:
    return incoming.facts.date_report.toordinal(), incoming.row


def _keep(files: ExitStack, chunk: list[Incoming]) -> IO[bytes]:
    file = files.enter_context(tempfile.TemporaryFile())
    for block in batches(sorted(chunk, key=_order), _BLOCK):
        pickle.dump(block, file, protocol=pickle.HIGHEST_PROTOCOL)
    file.seek(0)
    return file


def _read(file: IO[bytes]) -> Iterator[Incoming]:
    try:
        while True:
            yield from pickle.load(file)
    except EOFError:
        return
