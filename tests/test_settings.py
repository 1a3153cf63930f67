"""Settings: read once, refused with a sentence that names the variable and how to mend it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from settings import Settings, SettingsError


def settings(home: Path, **environment: str) -> Settings:
    return Settings.from_environment({"CANHDICH_HOME": str(home), **environment})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CANHDICH_PORT", "eighty"),
        ("CANHDICH_CLOCK", "sundial"),
        ("CANHDICH_DEPLOYMENT", "atlantis"),
        ("CANHDICH_MAX_FILE_MB", "1.5"),
    ],
)
def test_a_wrong_value_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(tmp_path, **{name: value})
    assert name in str(refused.value) and value in str(refused.value)


def test_an_unknown_deployment_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="hcmc, taiwan"):
        settings(tmp_path, CANHDICH_DEPLOYMENT="atlantis")


def test_a_key_is_made_once_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = settings(tmp_path).secret_key
    assert len(first) == 32 and settings(tmp_path).secret_key == first
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(settings(tmp_path).secret_key)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_a_broken_key_is_refused_and_never_shown(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        _ = settings(tmp_path, CANHDICH_SECRET_KEY="hunter2").secret_key
    assert "CANHDICH_SECRET_KEY" in str(refused.value) and "hunter2" not in str(refused.value)


def test_a_setting_is_not_printed_with_its_secrets(tmp_path: Path) -> None:
    secrets = {
        "CANHDICH_SECRET_KEY": "5a" * 32,
        "CANHDICH_SMTP_URL": "smtp://me:hunter2@mail",
        "DATABASE_URL": "postgresql://me:hunter2@host/db",
    }
    shown = repr(settings(tmp_path, **secrets))
    assert "5a5a" not in shown and "hunter2" not in shown
