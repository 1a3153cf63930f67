"""A private PostGIS for those who bring none: a cluster on a unix socket, reachable by no one else.

initdb refuses root, so as root the server runs as an unprivileged user (PostgreSQL's own where Debian made it).
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from i18n import Message, MessageError

DATABASE = "canhdich"
SOCKET_PATH_LIMIT = 90  # a unix socket's path may have 107 bytes, ".s.PGSQL.5432" included
DURABLE = {"shared_buffers": "256MB", "max_connections": "100", "wal_compression": "on"}
FOR_TESTS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedError(MessageError, RuntimeError):
    """The private server cannot run; the text says what to do."""


@dataclass(frozen=True)
class EmbeddedPostGIS:
    """The cluster in `folder`. `start` is idempotent: it creates, starts and prepares what is missing."""

    folder: Path
    options: tuple[tuple[str, str], ...] = tuple(DURABLE.items())

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://canhdich@/{DATABASE}?host={self._socket_folder}"

    def start(self) -> str:
        """Returns the database URL.

        Raises EmbeddedError when PostGIS is not installed or the server does not come up.
        """
        binaries = find_binaries()
        self._make_folder(self.data.parent)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(binaries)
        if not self.running():
            self._make_folder(self._socket_folder)
            log, options = self.data.parent / "postgres.log", self._server_options()
            start: list[str | Path] = [binaries / "pg_ctl", "start", "-w", "-s", "-t", "60", "-D", self.data]
            self._run([*start, "-l", log, "-o", options])
        self._create_database(binaries)
        return self.url

    def stop(self) -> None:
        if self.running():
            self._run([find_binaries() / "pg_ctl", "stop", "-w", "-s", "-m", "fast", "-D", self.data])

    def running(self) -> bool:
        if not (self.data / "postmaster.pid").exists():
            return False
        status = self._call([find_binaries() / "pg_ctl", "status", "-D", self.data])
        return status.returncode == 0

    @property
    def data(self) -> Path:
        return self._place / "data"

    @property
    def _place(self) -> Path:
        """`folder`, or a place of our own under /var/lib when root's server user may not enter `folder`."""
        if os.getuid() == 0 and not _enterable_by_others(self.folder):
            return Path("/var/lib/canh-dich") / self._digest
        return self.folder

    @property
    def _socket_folder(self) -> Path:
        inside = self._place / "socket"
        if len(str(inside)) < SOCKET_PATH_LIMIT:
            return inside
        return Path(tempfile.gettempdir()) / f"canh-dich-{self._digest}"

    @property
    def _digest(self) -> str:
        return hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]

    def _server_options(self) -> str:
        settings = {
            "listen_addresses": "''",
            "unix_socket_directories": f"'{self._socket_folder}'",
            "unix_socket_permissions": "0700",
            **dict(self.options),
        }
        return " ".join(f"-c {key}={value}" for key, value in settings.items())

    def _initialise(self, binaries: Path) -> None:
        unfinished = self.data.with_name("data.new")  # an interrupted initdb leaves no half cluster behind
        shutil.rmtree(unfinished, ignore_errors=True)
        make: list[str | Path] = [
            binaries / "initdb",
            "-U",
            "canhdich",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "-D",
            unfinished,
        ]
        self._run([*make, "--locale=C.UTF-8", "--no-instructions"])
        unfinished.rename(self.data)

    def _create_database(self, binaries: Path) -> None:
        connect = ["-h", str(self._socket_folder), "-U", "canhdich"]
        query = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"
        found = self._call([binaries / "psql", *connect, "-d", "postgres", "-Atc", query])
        if found.stdout.strip() != "1":
            self._run([binaries / "createdb", *connect, DATABASE])

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            user = _server_user()
            os.chown(folder, user.pw_uid, user.pw_gid)
        folder.chmod(0o700)

    def _run(self, command: Sequence[str | Path]) -> None:
        done = self._call(command)
        if done.returncode != 0:
            log = self.data.parent / "postgres.log"
            raise EmbeddedError(
                Message(
                    "Không khởi động được cơ sở dữ liệu riêng ({program}): {error}. Xem nhật ký: {log}",
                    program=Path(command[0]).name,
                    error=(done.stderr or done.stdout).strip()[-400:] or "?",
                    log=str(log),
                )
            )

    def _call(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        words = [str(word) for word in command]
        # pg_ctl's server inherits our pipes, so output goes to a file: a pipe would never close
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            who = _server_user() if os.getuid() == 0 else None
            done = subprocess.run(
                words,
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
                cwd="/",
                check=False,
                user=who.pw_uid if who else None,
                group=who.pw_gid if who else None,
                extra_groups=[] if who else None,
            )
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(words, done.returncode, out.read(), err.read())


def find_binaries() -> Path:
    """Folder of a PostgreSQL server (13+) that has PostGIS beside it; the newest one."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True):
        control = Path("/usr/share/postgresql") / folder.parent.name / "extension/postgis.control"
        if (folder / "initdb").exists() and control.exists():
            return folder
    raise EmbeddedError(
        Message(
            "Chưa có PostGIS trên máy này. Hãy chạy: {command} — hoặc đặt DATABASE_URL trỏ đến một PostGIS khác.",
            command="sudo apt-get install postgresql-15 postgresql-15-postgis-3",
        )
    )


def _version(folder: Path) -> int:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0


def _server_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError(
        Message(
            "Không có người dùng “postgres” để chạy cơ sở dữ liệu; PostgreSQL không chạy bằng quyền root."
        )
    )


def _enterable_by_others(folder: Path) -> bool:
    parents = [p for p in (folder.parent, *folder.parent.parents) if p.exists()]
    return all(p.stat().st_mode & 0o001 for p in parents)


def database_url(configured: str | None, home: Path) -> str:
    """The database to use: the configured one, else the private one under `home`, started when it is not up."""
    return configured or EmbeddedPostGIS(home / "pg").start()
