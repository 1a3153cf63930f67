"""Where photos of alerts should lie: in the database or in files. Seconds to keep, to give out, to back up.

python -m bench.attachments [photos]      (300 unless told: about a week of 75 outbreaks with four each)
"""

from __future__ import annotations

import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
from PIL import Image
from sqlalchemy import text

from alerts.file_checks import clean
from backup import backup
from db import make_engine, session_scope
from embedded import EmbeddedPostGIS
from surveillance.privacy import Vault

T = TypeVar("T")
KEEP = "INSERT INTO photo (content) VALUES (:content) RETURNING id"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    vault = Vault.of(b"k" * 32)
    source = camera_photo()
    kept = timed("make one photo harmless", lambda: clean(source).content)
    print(f"{len(source) / 1e6:.1f} MB from the telephone, {len(kept) / 1e6:.2f} MB kept")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        url = EmbeddedPostGIS(home / "postgres").start()
        engine = make_engine(url)
        with session_scope(engine) as session:
            session.execute(text("CREATE TABLE photo (id bigserial PRIMARY KEY, content bytea)"))
            session.execute(text("ALTER TABLE photo ALTER content SET STORAGE EXTERNAL"))

        def into_database() -> None:
            for _ in range(count):
                with session_scope(engine) as session:
                    session.execute(text(KEEP), {"content": vault.seal(kept)})

        def into_files() -> None:
            for n in range(count):
                with (home / f"{n}.photo").open("wb") as file:
                    file.write(vault.seal(kept))
                    file.flush()
                    os.fsync(file.fileno())

        def give_out() -> None:
            with session_scope(engine) as session:
                row = session.execute(text("SELECT content FROM photo WHERE id = 7")).scalar_one()
            vault.unseal(row)

        timed(f"keep {count} in the database", into_database)
        timed(f"keep {count} in files, synced", into_files)
        print(f"give one out of the database: {1000 * median(seconds(give_out) for _ in range(20)):.1f} ms")
        timed("back up the database", lambda: backup(url, home / "none", home / "backup.tar"))
        print(f"{(home / 'backup.tar').stat().st_size / 1e6:.0f} MB")
        timed("tar the files", lambda: tar(home))
        engine.dispose()


def camera_photo() -> bytes:
    """12 million points with the grain of a telephone."""
    grain = np.random.default_rng(1).normal(128, 25, (375, 500, 3)).clip(0, 255).astype(np.uint8)
    path = Path(tempfile.gettempdir()) / f"photo-{os.getpid()}.jpg"
    Image.fromarray(grain).resize((4000, 3000), Image.Resampling.BICUBIC).save(path, quality=92)
    content = path.read_bytes()
    path.unlink()
    return content


def tar(home: Path) -> None:
    with tarfile.open(home / "files.tar", "w") as archive:
        for file in home.glob("*.photo"):
            archive.add(file, file.name)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def timed(what: str, work: Callable[[], T]) -> T:
    start = time.perf_counter()
    result = work()
    print(f"{what}: {time.perf_counter() - start:.2f} s")
    return result


if __name__ == "__main__":
    main()
