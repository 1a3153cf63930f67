"""Gunicorn around the Dash app (ui.md §6: gthread 2 × 8, keep-alive 75 s)."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from db import session_scope
from i18n import Message
from settings import Settings, SettingsError
from web.context import Context
from web.server import create_app


class _Gunicorn(BaseApplication):
    def __init__(self, settings: Settings, connect: Callable[[], Engine]) -> None:
        self._settings = settings
        self._connect = connect
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": f"{self._settings.host}:{self._settings.port}",
            "workers": self._settings.web_workers,
            "worker_class": "gthread",
            "threads": 8,
            "keepalive": 75,
            "timeout": 120,
            "max_requests": 20000,
            "max_requests_jitter": 2000,
            "accesslog": None,
            "control_socket_disable": True,
        }
        for key, value in options.items():
            self.cfg.set(key, value)

    def load(self) -> Any:
        """In each worker, after the fork: connections are not shared between processes."""
        server = create_app(self._settings, self._connect()).server
        Thread(target=warm, args=(server,), daemon=True, name="warm").start()
        return server


def warm(server: Flask) -> None:
    """Read the cases into memory before the first visitor asks for them; without a database there is time later."""
    kept: Context = server.extensions["canhdich"]
    with suppress(DBAPIError), session_scope(kept.engine) as session:
        kept.columns.current(session)


def check_port(settings: Settings) -> None:
    """Raises SettingsError when another program listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            raise SettingsError(
                Message(
                    "Cổng {port} đang được chương trình khác dùng. Chọn cổng khác: CANHDICH_PORT=8051",
                    port=str(settings.port),
                )
            ) from None


def serve(settings: Settings, connect: Callable[[], Engine]) -> None:
    check_port(settings)
    _Gunicorn(settings, connect).run()
