"""Long work in a process of its own, at low priority, so that an alert never waits for it.

Threads share one interpreter lock: minutes of array work in the worker would hold up the seconds between a file and
its alert (docs/decisions/apart.md).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from i18n import Message, MessageError

PROGRAM = Path(__file__).parent.parent / "app.py"
PRIORITY = 10


class ApartError(MessageError, RuntimeError):
    """Work in its own process failed; its words went to the log."""


def run_apart(name: str) -> dict[str, Any]:
    """Run the command `app.py job NAME` and return the counts it prints. Raises ApartError when it fails."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "job", name], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise ApartError(
            Message("Việc “{name}” dừng giữa chừng (mã {code}).", name=name, code=done.returncode)
        )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def as_apart() -> None:
    """Make this process the one that is run apart: give way to others, and end with the one that began it."""
    os.nice(PRIORITY)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
