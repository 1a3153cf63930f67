"""A backup holds all that is needed but the key, and goes into an empty database only."""

from __future__ import annotations

import tarfile
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text

from backup import BackupError, backup, restore
from db import make_engine, session_scope
from surveillance.models import CaseVersion
from tests.conftest import create_database
from tests.line_list import Sick, add_cases, add_file, evening


@pytest.fixture
def filled(engine: Engine) -> None:
    with session_scope(engine) as session:
        session.execute(text("TRUNCATE epi_case, source_file CASCADE"))
        run = add_file(session, "hcdc_dengue", evening(date(2026, 11, 20)))
        add_cases(session, run, [Sick(unit_id=None, day=date(2026, 11, day)) for day in range(1, 8)])


@pytest.mark.usefixtures("filled")
def test_what_was_backed_up_is_there_after_restoring(
    database_url: str, server_url: str, tmp_path: Path
) -> None:
    home, target = tmp_path / "home", tmp_path / "backup.tar"
    for name, content in (("archive", b"a source file"), ("attachments", b"a photo, sealed")):
        (home / name / "ab").mkdir(parents=True)
        (home / name / "ab" / "abcd").write_bytes(content)
    (home / "secret.key").write_text("not for the backup")

    backup(database_url, home, target)
    empty = create_database(server_url, "template0", "restored")
    restore(empty, tmp_path / "other", target)

    engine = make_engine(empty, pooled=False)
    with session_scope(engine) as session:
        assert session.scalar(select(func.count()).select_from(CaseVersion)) == 7
    assert (tmp_path / "other" / "archive" / "ab" / "abcd").read_bytes() == b"a source file"
    assert (tmp_path / "other" / "attachments" / "ab" / "abcd").read_bytes() == b"a photo, sealed"
    with tarfile.open(target) as tar:
        assert not [name for name in tar.getnames() if "secret" in name]
    assert target.stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("filled")
def test_a_database_with_tables_is_not_overwritten(database_url: str, tmp_path: Path) -> None:
    backup(database_url, tmp_path, tmp_path / "backup.tar")
    with pytest.raises(BackupError, match="trống"):
        restore(database_url, tmp_path, tmp_path / "backup.tar")


def test_a_backup_that_would_write_elsewhere_is_refused(server_url: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        tar.add(tmp_path / "x", "../../outside")
    with pytest.raises(BackupError, match=r"bad\.tar"):
        restore(create_database(server_url, "template0", "empty"), tmp_path, tmp_path / "bad.tar")
    assert not (tmp_path.parent / "outside").exists()


def test_a_file_that_is_no_backup_is_refused(server_url: str, tmp_path: Path) -> None:
    (tmp_path / "other.tar").write_text("no tar")
    with pytest.raises(BackupError, match=r"other\.tar"):
        restore(create_database(server_url, "template0", "empty"), tmp_path, tmp_path / "other.tar")
