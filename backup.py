"""Backup and restore: the database and the files beside it in one file, without the key (docs/runbook.md)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.engine import make_url

from db import make_engine
from embedded import find_binaries
from i18n import Message, MessageError

DUMP = "database.dump"
FOLDERS = ("archive", "attachments")
"""Of CANHDICH_HOME: source files as they arrived, and what people attached to alerts (encrypted)."""


class BackupError(MessageError, RuntimeError):
    """A backup that could not be made or restored; the text says what to do."""


def backup(url: str, home: Path, target: Path) -> None:
    """Write `target` (tar): a consistent dump while the program runs, and then the FOLDERS of `home`.

    It appears under its name only when it is complete. Raises BackupError.
    """
    part = target.with_name(f".{target.name}.part")
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / DUMP
        _run(["pg_dump", "--format=custom", "--file", str(dump), "--dbname", _libpq(url)])
        with tarfile.open(part, "w") as tar:
            tar.add(dump, DUMP)
            for name in FOLDERS:
                if (home / name).is_dir():
                    tar.add(home / name, name)
    os.chmod(part, 0o600)
    part.rename(target)


def restore(url: str, home: Path, source: Path) -> None:
    """Put a backup into an empty database, and its files into the FOLDERS of `home`. Raises BackupError."""
    if inspect(make_engine(url, pooled=False)).has_table("epi_case"):
        raise BackupError(Message("Cơ sở dữ liệu này đã có bảng. Chỉ phục hồi vào một cơ sở dữ liệu trống."))
    with tempfile.TemporaryDirectory() as folder, _open(source) as tar:
        _extract(tar, Path(folder).resolve(), source.name)
        dump = Path(folder) / DUMP
        if not dump.exists():
            raise BackupError(Message("{file} không phải bản sao lưu của Canh Dịch.", file=source.name))
        _run(["pg_restore", "--no-owner", "--exit-on-error", "--dbname", _libpq(url), str(dump)])
        for name in FOLDERS:
            if (Path(folder) / name).is_dir():
                shutil.copytree(Path(folder) / name, home / name, dirs_exist_ok=True)


def _extract(tar: tarfile.TarFile, folder: Path, file: str) -> None:
    """Plain files and folders that stay inside `folder`; Debian 12's Python has no extraction filters yet."""
    for member in tar:
        inside = (folder / member.name).resolve().is_relative_to(folder)
        if not inside or not (member.isfile() or member.isdir()):
            raise BackupError(Message("{file} không phải bản sao lưu của Canh Dịch.", file=file))
        tar.extract(member, folder)


def _open(source: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(source)
    except (OSError, tarfile.TarError) as error:
        raise BackupError(
            Message("Không đọc được {file}: {error}", file=source.name, error=type(error).__name__)
        ) from None


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _run(command: list[str]) -> None:
    done = subprocess.run(
        [find_binaries() / command[0], *command[1:]], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BackupError(
            Message(
                "{program} không chạy xong: {error}", program=command[0], error=done.stderr.strip()[-300:]
            )
        )
