"""Gunicorn around the Dash app (ui.md §6: gthread 2 × 8, keep-alive 75 s)."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from sqlalchemy import Engine

from i18n import Message
from settings import Settings, SettingsError
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
        return create_app(self._settings, self._connect()).server


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
