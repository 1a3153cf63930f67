"""A slow network on this machine: a TCP proxy that delays and meters every byte, whoever asks for it (page, service
worker, image). HTTP as it goes over the wire, so headers and compression count; no TLS."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 1400


class SlowNetwork:
    """`rate`: bytes per second each way, shared by all connections; `round_trip_s` is half there, half back, and once
    more for a new connection. `down`, `up`: bytes carried so far; `open`: connections made."""

    def __init__(self, host: str, port: int, *, rate: float, round_trip_s: float) -> None:
        self._target, self._rate, self._round_trip_s = (host, port), rate, round_trip_s
        self._free = {"up": 0.0, "down": 0.0}
        self.up = self.down = self.open = self.port = 0

    async def serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await stop.wait()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        await asyncio.sleep(self._round_trip_s)
        there, out = await asyncio.open_connection(*self._target)
        with suppress(asyncio.CancelledError, ConnectionError):
            await asyncio.gather(self._carry(reader, out, "up"), self._carry(there, writer, "down"))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        """Bytes wait for the line to be free, then arrive half a round trip later, in order."""
        loop = asyncio.get_running_loop()
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sender = asyncio.create_task(_deliver(late, writer))
        while data := await reader.read(CHUNK):
            setattr(self, way, getattr(self, way) + len(data))
            self._free[way] = max(self._free[way], loop.time()) + len(data) / self._rate
            await late.put((self._free[way] + self._round_trip_s / 2, data))
        await late.put((loop.time(), b""))
        await sender


async def _deliver(late: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    while True:
        due, data = await late.get()
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        if not data:
            writer.close()
            return
        writer.write(data)
        try:
            await writer.drain()
        except ConnectionError:
            return


@contextmanager
def slow_network(host: str, port: int, *, rate: float, round_trip_s: float) -> Iterator[SlowNetwork]:
    network = SlowNetwork(host, port, rate=rate, round_trip_s=round_trip_s)
    loop, ready = asyncio.new_event_loop(), threading.Event()
    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(network.serve(ready, stop)), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield network
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)
