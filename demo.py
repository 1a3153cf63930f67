"""The demo city: history through the real pipeline, then a new day's file every minute."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import Engine, exists, func, select
from sqlalchemy.orm import Session

from accounts.models import Role, User
from accounts.service import create_user
from alerts.acts import State
from alerts.duties import DutyState
from alerts.duty_models import Duty
from alerts.duty_reminders import pass_over
from alerts.known_truth import truth_of
from alerts.models import Alert, AreaLevel
from city import prepare
from db import make_engine, session_scope
from demo_people import People, fill_rota, hire
from embedded import database_url
from geodata.models import AdminUnit
from geodata.units import codes_of
from i18n import Message, MessageError
from migrate import migrate
from settings import ROOT, Settings
from surveillance.clock import current_time
from surveillance.investigation_layout import reading_order
from surveillance.models import IngestRun
from surveillance.outbreaks.lifecycle import OPEN
from surveillance.outbreaks.models import OutbreakVersion
from surveillance.simulate import Epidemic
from surveillance.simulation.city import City
from surveillance.simulation.truth import read_truth
from web.serve import check_port
from worker import Chain

Say = Callable[[Message | str], None]
LIVE_DAYS = 30
LEAD_DAYS = 7
"""Daily files begin this long before the replayed days, so that no source counts as silent on their first."""
YEARS = 6
INVESTIGATED_DAYS = 425
"""Wards' forms begin this long (14 months) before today: outbreaks need the points of a season, not of six years."""
SECONDS_PER_DAY = 60
SEED = 20261122
PROCESSES = ("mail", "worker", "web", "demo-feed")
ACCOUNTS = (
    ("phantich", "analyst", "Nguyễn Phân Tích (mô phỏng)"),
    ("canbo", "officer", "Trần Cán Bộ (mô phỏng)"),
    ("quanly", "manager", "Lê Quản Lý (mô phỏng)"),
)
PASSWORD = "canhdich2026"
OFFICER = "canbo"
TRUTH = "truth.csv"
REPLAY_HOUR = time_of_day(18)


class DemoError(MessageError, RuntimeError):
    """The text says why."""


def run(settings: Settings, say: Say) -> None:
    """Prepare once, start what is not running, return when the dashboard answers."""
    if _answers(settings):
        say(Message("Đã chạy sẵn tại {url}", url=settings.public_url))
        return
    check_port(settings)
    say(Message("Khởi động cơ sở dữ liệu PostGIS riêng trong {folder}", folder=str(settings.home)))
    url = database_url(settings.database_url, settings.home)
    migrate(url)
    engine = make_engine(url)
    prepare(engine, settings, say)
    if not _loaded(engine):
        _fill(engine, settings, say)
    _create_accounts(engine)
    _give_area(engine, settings)
    engine.dispose()
    _start_processes(settings, url)
    _wait_until_it_answers(settings)
    say(Message("Bảng điều khiển: {url}", url=settings.public_url))
    for username, role, _ in ACCOUNTS:
        say(f"    {username} / {PASSWORD}  ({role})")
    say(Message("Thư cảnh báo gửi thử nằm trong {folder}", folder=str(settings.home / "mail")))
    say(Message("Cứ mỗi phút, tệp của một ngày mới được thả vào. Dừng lại: make stop"))


def feed(settings: Settings) -> None:
    """Move the next prepared day into the inbox, once a minute, until no day is left."""
    while days := sorted({path.stem[-10:] for path in _days(settings).glob("*.*")}):
        time.sleep(SECONDS_PER_DAY)
        for path in _days(settings).glob(f"*{days[0]}.*"):
            path.rename(settings.inbox / path.name)


def stop(settings: Settings, say: Say) -> None:
    """Stop the processes `run` started here, by their ids."""
    for name in PROCESSES:
        pid_file = settings.home / "run" / f"{name}.pid"
        if pid_file.exists():
            pid = int(pid_file.read_text())
            if _is_ours(pid):
                os.kill(pid, signal.SIGTERM)
                _wait_for_end(pid)
                say(Message("Đã dừng {name}.", name=name))
            pid_file.unlink()


def _loaded(engine: Engine) -> bool:
    with session_scope(engine) as session:
        return bool(session.scalar(select(func.count()).select_from(IngestRun)))


def _fill(engine: Engine, settings: Settings, say: Say) -> None:
    work = settings.home / "demo"
    shutil.rmtree(work, ignore_errors=True)
    history, days = work / "history", _days(settings)
    for folder in (history, days, settings.inbox):
        folder.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    if settings.deployment.units == "vietnam":
        live_from = _write_simulated(settings, history, days, say)
    else:
        live_from = _write_taiwan(history, days, say)
    say(Message("Đang nạp lịch sử qua đúng quy trình thu nhận…"))
    chain = Chain(engine, settings)
    chain.ingest(sorted(history.iterdir(), key=reading_order), backfill=True, say=say)
    say(Message("Đang dựng lại mức nguy cơ và cảnh báo của {count} ngày gần đây…", count=LIVE_DAYS))
    _create_accounts(engine)
    relive(chain, [live_from - timedelta(days=n) for n in range(LIVE_DAYS, 0, -1)], work / TRUTH, say)
    shutil.rmtree(history)
    say(Message("Nạp xong trong {seconds} giây.", seconds=round(time.monotonic() - begin)))


def relive(chain: Chain, days: Sequence[date], truth_file: Path, say: Say) -> None:
    """The last days again, with what the law asked and, in a simulated city, people at work."""
    last = datetime.combine(days[-1], REPLAY_HOUR, chain.settings.deployment.timezone)
    chain.replay(days, say, then=evenings(chain, last, truth_file))
    with session_scope(chain.engine) as session:
        pass_over(session, last)


def evenings(chain: Chain, last: datetime, truth_file: Path) -> Callable[[Session, datetime], None]:
    """What closes each replayed day until `last`: the register of duties as of that hour, or the whole past would be
    asked for at once; then what people do until the next evening, where `truth_file` is there to be found out."""
    people = _people(chain, last, truth_file) if truth_file.exists() else None

    def then(session: Session, now: datetime) -> None:
        chain.duties_at(session, now)
        if people is not None:
            people.act(session, now, min(now + timedelta(days=1), last))

    return then


def _people(chain: Chain, last: datetime, truth_file: Path) -> People:
    with session_scope(chain.engine) as session:
        codes = codes_of(session, chain.unit_ids)
        staff = hire(session, chain.unit_ids)
        fill_rota(session, staff, last)
    return People(
        staff=staff,
        truth=truth_of(read_truth(truth_file), {code: unit_id for unit_id, code in codes.items()}),
        profiles={profile.disease: profile for profile in chain.outbreaks.profiles},
        zone=chain.settings.deployment.timezone,
        past_ends=last,
        seed=SEED,
    )


def _write_simulated(settings: Settings, history: Path, days: Path, say: Say) -> date:
    from surveillance import hcdc_layout, investigation_layout
    from surveillance.diseases import load_catalogue
    from surveillance.simulate import load_settings, places_from_registry, simulate

    today = date.today()
    live_from = today - timedelta(days=LIVE_DAYS)
    start = date(today.year - YEARS, today.month, 1)
    say(Message("Đang mô phỏng {years} năm ca bệnh của thành phố…", years=YEARS))
    simulation = load_settings(settings.deployment.folder / "simulation.toml")
    city = places_from_registry(settings.deployment.province_code, simulation)
    epidemic = simulate(
        city,
        load_catalogue(),
        start=start,
        end=today,
        rng=np.random.default_rng(SEED),
    )
    say(Message("Đang ghi {count} dòng báo cáo thành tệp Excel theo mẫu HCDC…", count=len(epidemic.reports)))
    replay_from = live_from - timedelta(days=LIVE_DAYS + LEAD_DAYS)
    _write_truth(epidemic, city, settings, days.parent / TRUTH)
    investigated_from = (today - timedelta(days=INVESTIGATED_DAYS)).replace(day=1)
    for month in _months(start, replay_from):
        hcdc_layout.write_month(epidemic, month, history, until=replay_from)
        if month >= investigated_from:
            investigation_layout.write_month(epidemic, month, history, until=replay_from)
    for day in _days_between(replay_from, today):
        folder = history if day < live_from else days
        hcdc_layout.write_day(epidemic, day, folder)
        investigation_layout.write_day(epidemic, day, folder)
    return live_from


def _write_truth(epidemic: Epidemic, city: City, settings: Settings, file: Path) -> None:
    """What really was, for the people of the demo and for `app.py replay --truth`; local chains since
    INVESTIGATED_DAYS only."""
    from surveillance.simulate import WARM_UP_DAYS
    from surveillance.simulation.truth import simulated_truth, write_truth

    since = pd.Timestamp(epidemic.end - timedelta(days=INVESTIGATED_DAYS))
    truth = simulated_truth(
        epidemic.cases[epidemic.cases["date_onset"] >= since],
        epidemic.expected,
        first=epidemic.start - timedelta(days=WARM_UP_DAYS),
        code_of_place={number: place.commune.key.code for number, place in enumerate(city.places)},
        communes=[commune.key.code for commune in city.communes],
        epidemic_years=settings.deployment.epidemic_years,
    )
    write_truth(truth, file)


def _write_taiwan(history: Path, days: Path, say: Say) -> date:
    from surveillance.sources.taiwan import write_files

    live_from = date(2015, 8, 15)
    say(Message("Đang chuẩn bị 107.117 ca sốt xuất huyết thật của Đài Loan (CDC Đài Loan)…"))
    write_files(history, days, live_from=live_from, until=date(2015, 12, 31))
    return live_from


def _months(start: date, end: date) -> Iterable[date]:
    month = start.replace(day=1)
    while month < end:
        yield month
        month = (month + timedelta(days=32)).replace(day=1)


def _days_between(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days))


def _days(settings: Settings) -> Path:
    return settings.home / "demo" / "days"


def _create_accounts(engine: Engine) -> None:
    """The documented accounts, before all others: the sign-in page offers the first of each role."""
    with session_scope(engine) as session:
        if session.scalar(select(func.count()).select_from(User)):
            return
        for username, role, full_name in ACCOUNTS:
            create_user(
                session,
                username=username,
                password=PASSWORD,
                full_name=full_name,
                role=Role(role),
                email=f"{username}@canhdich.example",
            )


def _give_area(engine: Engine, settings: Settings) -> None:
    """Give the documented officer a commune, once, where there is work to do."""
    with session_scope(engine) as session:
        officer = session.scalar(select(User).where(User.username == OFFICER))
        if officer is not None and not officer.areas:
            now = current_time(session, settings.clock)
            officer.areas = [session.get_one(AdminUnit, unit_with_work(session, now))]


def unit_with_work(session: Session, now: datetime) -> int:
    """A commune with an alert nobody took on and a duty that still has hours left, none that is late; of the highest
    level, with most open outbreaks."""
    lies_here = OutbreakVersion.units.any(AreaLevel.unit_id)  # type: ignore[arg-type]
    outbreaks = (
        select(func.count())
        .where(OutbreakVersion.known_to.is_(None), OutbreakVersion.status.in_(OPEN), lies_here)
        .scalar_subquery()
    )
    here = Duty.unit_id == AreaLevel.unit_id
    open_duty = exists().where(here, Duty.state == DutyState.OPEN)
    untouched = exists().where(Alert.unit_id == AreaLevel.unit_id, Alert.state == State.OPEN)
    query = (
        select(AreaLevel.unit_id)
        .join(AdminUnit, AdminUnit.id == AreaLevel.unit_id)
        .where(AreaLevel.known_to.is_(None), AdminUnit.level == "commune")
        .group_by(AreaLevel.unit_id)
        .order_by(
            untouched.desc(),
            open_duty.where(Duty.due_at < now).asc(),
            open_duty.where(Duty.due_at >= now).desc(),
            func.max(AreaLevel.level).desc(),
            outbreaks.desc(),
            AreaLevel.unit_id,
        )
        .limit(1)
    )
    found = session.scalar(query)
    if found is not None:
        return found
    return session.scalars(select(AdminUnit.id).where(AdminUnit.level == "commune").limit(1)).one()


def make_folders(home: Path) -> None:
    """Those the processes write into. A Maildir that exists is taken as it is: its three folders must be there."""
    for folder in ("run", "log", "mail/cur", "mail/new", "mail/tmp"):
        (home / folder).mkdir(parents=True, exist_ok=True)


def _start_processes(settings: Settings, url: str) -> None:
    make_folders(settings.home)
    mail_port = _free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url or "",
        "CANHDICH_HOME": str(settings.home),
    }
    environment |= {"CANHDICH_SMTP_URL": settings.smtp_url or f"smtp://127.0.0.1:{mail_port}"}
    commands: Mapping[str, list[str]] = {
        "mail": ["-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{mail_port}"]
        + ["-c", "aiosmtpd.handlers.Mailbox", str(settings.home / "mail")],
        "worker": ["app.py", "worker"],
        "web": ["app.py", "web"],
        "demo-feed": ["app.py", "demo-feed"],
    }
    for name in PROCESSES:
        _start(settings, name, commands[name], environment)


def _start(settings: Settings, name: str, arguments: list[str], environment: dict[str, str]) -> None:
    with (settings.home / "log" / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (settings.home / "run" / f"{name}.pid").write_text(str(process.pid))


def _answers(settings: Settings) -> bool:
    try:
        with urllib.request.urlopen(f"http://{settings.host}:{settings.port}/healthz", timeout=5) as answer:
            return b'"jobs"' in answer.read()
    except urllib.error.HTTPError as error:
        return b'"jobs"' in error.read()
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(settings: Settings, seconds: int = 120) -> None:
    for _ in range(seconds):
        if _answers(settings):
            return
        time.sleep(1)
    raise DemoError(
        Message(
            "Bảng điều khiển chưa trả lời. Xem nhật ký: {log}", log=str(settings.home / "log" / "web.log")
        )
    )


def _is_ours(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"app.py" in command or b"aiosmtpd" in command


def _wait_for_end(pid: int, seconds: int = 30) -> None:
    for _ in range(seconds * 10):
        if not _is_ours(pid):
            return
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
