"""Files kept as they arrived, under their sha256, and files set aside. Every step can be repeated after a crash."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from i18n import Message, MessageError

_BLOCK = 1 << 20


class ArchiveError(MessageError, OSError):
    """The file could not be kept; it is still where it was."""


def fingerprint(path: Path) -> str:
    """sha256 of the content, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def archived_path(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / sha256


def keep(path: Path, folder: Path, sha256: str) -> Path:
    """Copy `path` to the archive unless it is there: temporary file, fsync, rename. Raises ArchiveError."""
    target = archived_path(folder, sha256)
    if target.exists():
        return target
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy_synced(path, part)
        part.rename(target)
        _sync_folder(target.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ArchiveError(
            Message(
                "Không lưu trữ được tệp vào {folder}: {error}. Tệp vẫn ở thư mục nhận; hãy giải phóng dung lượng "
                "hoặc sửa quyền ghi, hệ thống sẽ tự đọc lại.",
                folder=str(folder),
                error=error.strerror or type(error).__name__,
            )
        ) from error
    return target


def set_aside(path: Path, folder: Path) -> Path:
    """Move `path` into `folder` under its own name; a different file of that name there is not overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    number = 1
    while target.exists() and fingerprint(target) != fingerprint(path):
        number += 1
        target = folder / f"{path.stem} ({number}){path.suffix}"
    shutil.move(path, target)
    return target


def _copy_synced(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("wb") as write:
        shutil.copyfileobj(read, write, _BLOCK)
        write.flush()
        os.fsync(write.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
