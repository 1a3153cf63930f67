"""How a disease is scanned for clusters: clusters.toml, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from surveillance.scanning.null import Model
from surveillance.strict_toml import Table, read_toml

DEFAULT_PATH = Path(__file__).parent.parent / "clusters.toml"
MODELS = (Model.PERMUTATION.value, Model.POISSON.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """The numbers of clusters.toml, which explains them."""

    model: Model
    days: int
    longest: int
    share: float
    least_cases: int
    delays: int
    replications: int
    keep_days: int
    alarm_days: int
    placements: int
    stable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AllSettings:
    default: ClusterSettings
    by_disease: Mapping[str, ClusterSettings]

    def __getitem__(self, disease: str) -> ClusterSettings:
        return self.by_disease.get(disease, self.default)


def load_settings(path: Path | None = None) -> AllSettings:
    """Read and check the file; None means the one shipped. Raises ConfigError, OSError."""
    file = read_toml(path or DEFAULT_PATH)
    table = file.table("default")
    default = ClusterSettings(**{field.name: _value(table, field.name) for field in fields(ClusterSettings)})
    _check(table, default)
    return AllSettings(
        default=default, by_disease={code: _changed(default, file.table(code)) for code in file.names()}
    )


def _changed(default: ClusterSettings, table: Table) -> ClusterSettings:
    given = {name: _value(table, name) for name in table.names() if name in ClusterSettings.__slots__}
    changed = replace(default, **given)
    _check(table, changed)
    return changed


def _value(table: Table, name: str) -> Any:
    if name == "model":
        return Model(table.choice(name, MODELS))
    return table.number(name) if name == "share" else table.whole(name, at_least=1)


def _check(table: Table, settings: ClusterSettings) -> None:
    table.finish()
    if not 0 < settings.share <= 1:
        raise table.wrong("share", "cần lớn hơn 0 và không quá 1")
    if settings.longest * 2 > settings.days:
        raise table.wrong("longest", "không được quá nửa số ngày nhìn lại")
    if settings.replications + 1 < settings.alarm_days:
        raise table.wrong("replications", "quá ít: không thể đạt alarm_days")
    if not settings.keep_days <= settings.alarm_days:
        raise table.wrong("keep_days", "không được quá alarm_days")
    if settings.stable > settings.placements:
        raise table.wrong("stable", "không được quá placements")
