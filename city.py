"""Make a deployment's places ready: units, boundaries (generated ones until real ones are imported)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from db import session_scope
from geodata.boundaries import Wanted, store_cells
from geodata.boundaries import import_boundaries as read_and_store
from geodata.cells import generate_cells, generate_point_cells
from geodata.lineage import LineageError, read_pairs, store_lineage
from geodata.models import AdminUnit
from geodata.people import renew_population
from geodata.registry import Registry, load_registry
from geodata.releases import find_release, release_before, releases
from geodata.shares import renew_shares
from geodata.street_areas import WardAreas, areas_from_files, surveyed_wards
from geodata.street_import import import_streets as read_streets
from geodata.street_store import store_book
from geodata.streets import StreetBook
from geodata.units import load_population, load_units, stored_registry, units_for
from i18n import Message
from settings import Settings, SettingsError
from surveillance.models import DiseaseArea
from surveillance.sources.taiwan import taiwan_units

Say = Callable[[Message | str], None]


def prepare(engine: Engine, settings: Settings, say: Say) -> None:
    """Load units and generate missing boundaries. Running it again changes nothing."""
    with session_scope(engine) as session:
        if session.scalar(select(func.count()).select_from(AdminUnit)):
            return
        if settings.deployment.units == "vietnam":
            _prepare_vietnam(session, settings, say)
        else:
            _prepare_from_points(session, settings, say)
        for disease, years in settings.deployment.epidemic_years.items():
            session.add(DiseaseArea(disease=disease, unit_id=None, endemic=None, epidemic_years=years))


def _prepare_vietnam(session: Session, settings: Settings, say: Say) -> None:
    registry = load_registry([settings.deployment.province_code])
    load_units(session, registry)
    population = settings.deployment.folder / "population_2019.csv"
    if population.exists():
        load_population(session, registry, population)
    say(Message("Đã nạp {count} đơn vị hành chính, trước và sau 01/07/2025.", count=len(registry.units)))
    say(Message("Chưa có ranh giới thật: đang tạo ranh giới mô phỏng từ vị trí và diện tích các xã phường…"))
    cells = generate_cells(registry, settings.deployment.province_code)
    store_cells(session, cells, now=datetime.now(UTC))


def _prepare_from_points(session: Session, settings: Settings, say: Say) -> None:
    registry, points = taiwan_units()
    load_units(session, registry)
    say(
        Message("Đã nạp {count} đơn vị từ danh sách ca bệnh; đang tạo ranh giới mô phỏng…", count=len(points))
    )
    store_cells(session, generate_point_cells(points), now=datetime.now(UTC))


def import_boundaries(
    engine: Engine,
    settings: Settings,
    file: Path,
    say: Say,
    *,
    wanted: Wanted,
    unmatched: Path | None = None,
    keep: bool = True,
) -> None:
    """Replace boundaries by those of `file` and say what was repaired, what overlaps and what did not match, all of it
    in the CSV `unmatched`. Not `keep`: only say it."""
    with session_scope(engine) as session:
        report = read_and_store(
            session,
            file,
            province_code=settings.deployment.province_code,
            now=datetime.now(UTC),
            wanted=wanted,
        )
        if not keep:
            session.rollback()
    for line in report.messages():
        say(line)
    if unmatched is not None:
        with unmatched.open("w", encoding="utf-8-sig", newline="") as table:
            csv.writer(table).writerows([("side", "name", "reason"), *report.rows()])
    if not keep:
        say(Message("Chỉ xem thử: chưa ghi gì vào cơ sở dữ liệu."))


def import_lineage(engine: Engine, file: Path, say: Say, *, old: str | None, new: str | None) -> None:
    """Replace what became of old units by the pairs of `file`, between two neighbouring releases, the last two where
    none is named."""
    pairs = read_pairs(file)
    with session_scope(engine) as session:
        later = find_release(session, new)
        earlier = find_release(session, old) if old else release_before(session, later)
        if later is None or earlier is None or earlier.until != later.on:
            listed = ", ".join(x.on.isoformat() for x in releases(session))
            raise LineageError(
                Message("Cần hai đợt ranh giới liền nhau (--from, --to); hiện có: {known}.", known=listed)
            )
        report = store_lineage(session, pairs, old=earlier.on, new=later.on)
        renew_shares(session)
        renew_population(session)
    for line in report.messages():
        say(line)


def list_releases(engine: Engine, say: Say) -> None:
    with session_scope(engine) as session:
        known = releases(session)
    for release in known:
        say(
            Message(
                "{day} {name}: {units} đơn vị, {drawn} có ranh giới thật",
                day=release.on.isoformat(),
                name=release.name or "",
                units=release.units,
                drawn=release.drawn,
            )
        )


def import_streets(
    settings: Settings, files: Sequence[Path], boundaries: Sequence[Path], out: Path, say: Say
) -> None:
    """Streets of `files` into the file `out`; needs no database. Wards are known by `boundaries` alone."""
    registry = load_registry([settings.deployment.province_code])
    areas = areas_from_files(boundaries, registry) if boundaries else None
    book = _read_streets(files, registry, areas, say)
    out.parent.mkdir(parents=True, exist_ok=True)
    book.save(out)
    say(Message("Đã ghi {file}.", file=str(out)))


def store_streets(
    engine: Engine,
    settings: Settings,
    files: Sequence[Path],
    boundaries: Sequence[Path],
    out: Path | None,
    say: Say,
) -> None:
    """Streets of `files` into the database instead of those imported before, and into `out` where it is given. Wards
    by `boundaries`, else by the real boundaries of the database."""
    with session_scope(engine) as session:
        registry = stored_registry(session)
        areas = areas_from_files(boundaries, registry) if boundaries else surveyed_wards(session, registry)
        book = _read_streets(files, registry, areas, say)
        store_book(session, book, source=", ".join(file.name for file in files), now=datetime.now(UTC))
    if out:
        book.save(out)
    say(Message("Đã nạp đường phố vào cơ sở dữ liệu."))


def _read_streets(files: Sequence[Path], registry: Registry, areas: WardAreas | None, say: Say) -> StreetBook:
    book, report = read_streets(files, registry, areas)
    for line in report.messages():
        say(line)
    return book


def units_by_code(session: Session, settings: Settings, codes: Sequence[str]) -> list[AdminUnit]:
    """Units of today with these codes. Raises SettingsError naming the code that is not one."""
    province = session.scalars(
        select(AdminUnit).where(
            AdminUnit.level == "province",
            AdminUnit.code == settings.deployment.province_code,
            AdminUnit.valid_to.is_(None),
        )
    )
    today = units_for(session, settings.deployment.province_code, date.today())
    known = {unit.code: unit for unit in [*today, *province]}
    for code in codes:
        if code not in known:
            raise SettingsError(Message("Không có xã, phường hay tỉnh nào hiện nay có mã {code}.", code=code))
    return [known[code] for code in codes]
