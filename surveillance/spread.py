"""Long work in independent pieces, here or on a Dask cluster, with the same results.

    with spread_over(address) as spread:
        for result in spread.map(work, shared, pieces): ...

`work(shared, piece)` must depend on nothing but its arguments: then it does not matter where a piece runs, nor that
it runs twice because a machine was lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from i18n import Message, MessageError

Shared = TypeVar("Shared")
Piece = TypeVar("Piece")
Result = TypeVar("Result")

RETRIES = 3
"""How often a piece is tried elsewhere when the machine that had it was lost."""
AHEAD = 4
"""Pieces that wait for each worker, so that none is idle."""
CONNECT_S = 10


class SpreadError(MessageError, RuntimeError):
    """No cluster to work on; `message` says what to do."""


class Spread(Protocol):
    """`workers` is how many pieces can run at once. Results come in the order of the pieces."""

    @property
    def workers(self) -> int: ...

    def map(
        self, work: Callable[[Shared, Piece], Result], shared: Shared, pieces: Iterable[Piece]
    ) -> Iterator[Result]: ...


class Here:
    """One piece after another, in this process."""

    workers = 1

    def map(
        self, work: Callable[[Shared, Piece], Result], shared: Shared, pieces: Iterable[Piece]
    ) -> Iterator[Result]:
        return (work(shared, piece) for piece in pieces)


@dataclass(frozen=True)
class Dask:
    """On the cluster of a `distributed.Client`. What raises on a worker raises here."""

    client: Any

    @property
    def workers(self) -> int:
        return max(len(self.client.scheduler_info(n_workers=-1)["workers"]), 1)

    def map(
        self, work: Callable[[Shared, Piece], Result], shared: Shared, pieces: Iterable[Piece]
    ) -> Iterator[Result]:
        """`shared` travels once, as a task of its own: the scheduler can make it anew where it was lost. Only a few
        pieces a worker wait there, so that there may be more of them than memory holds."""
        held = self.client.submit(_same, shared, pure=False)
        waiting: deque[Any] = deque()
        for piece in pieces:
            waiting.append(self.client.submit(work, held, piece, pure=False, retries=RETRIES))
            if len(waiting) >= AHEAD * self.workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _same(shared: Shared) -> Shared:
    return shared


@contextmanager
def spread_over(address: str | None) -> Iterator[Spread]:
    """On the Dask scheduler at `address` ("tcp://host:8786"); None: here. Raises SpreadError."""
    if address is None:
        yield Here()
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise SpreadError(
            Message("Cần cài thêm Dask: pip install --no-deps -r requirements-dask.txt.")
        ) from error
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SpreadError(
            Message(
                "Không nối được bộ điều phối Dask tại {address}: {error}.", address=address, error=str(error)
            )
        ) from error
    with client:
        yield Dask(client)
