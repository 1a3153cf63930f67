"""kill -9, again and again, while messages go out: nothing is lost, and only what was on its way may come twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from accounts.choices import WantedMessages, choose
from accounts.models import Role, UserArea
from alerts.channels import TELEGRAM
from alerts.models import Delivery, DeliveryReceipt
from db import session_scope
from settings import ROOT
from tests.alerting import NOW, add_user, epidemic, run
from tests.providers import TELEGRAM_TOKEN, Telegram, serving
from tests.test_delivery import unit_id

__all__ = ["unit_id"]
"""Fixtures."""

PEOPLE, KILLS = 60, 10
WORKER = """
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo
from alerts.channels.telegram import TelegramBot, TelegramChannel
from alerts.delivery import Letterhead, deliver_due
from db import make_engine
engine = make_engine(sys.argv[1])
channel = TelegramChannel(TelegramBot(url=sys.argv[2], token=sys.argv[3]))
letterhead = Letterhead(public_url="https://canhdich.example.org", timezone=ZoneInfo("Asia/Ho_Chi_Minh"))
while deliver_due(engine, {"telegram": channel}, datetime.now(UTC), letterhead=letterhead).sent:
    pass
"""
"""What the worker's job does, in a process that can be killed."""


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    with serving(Telegram(delay_s=0.02)) as server:
        assert isinstance(server, Telegram)
        yield server


def test_ten_kills_lose_nothing_and_double_at_most_one_message_each(
    engine: Engine, unit_id: int, database_url: str, telegram: Telegram
) -> None:
    with session_scope(engine) as session:
        for n in range(PEOPLE):
            user = add_user(session, f"officer{n}", Role.OFFICER, email=False)
            session.add(UserArea(user_id=user.id, unit_id=unit_id))
            wanted = WantedMessages(channel=TELEGRAM, address=str(100_000 + n), at_once_from=3, digest=False)
            choose(session, user, wanted, NOW)
        run(session, epidemic(unit_id))

    for kill in range(1, KILLS + 1):
        worker = start(database_url, telegram)
        wait_for(telegram, kill * 5, worker)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    assert start(database_url, telegram).wait() == 0

    copies = Counter(message["chat_id"] for message in telegram.taken)
    with Session(engine) as session:
        states = session.scalars(select(Delivery.state).where(Delivery.channel == TELEGRAM)).all()
        accepted = session.scalar(select(func.count()).select_from(DeliveryReceipt))
    assert copies.keys() == set(range(100_000, 100_000 + PEOPLE))
    assert sum(copies.values()) - PEOPLE <= KILLS
    assert states == ["sent"] * PEOPLE
    assert accepted == PEOPLE


def start(database_url: str, telegram: Telegram) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-c", WORKER, database_url, telegram.url, TELEGRAM_TOKEN]
    return subprocess.Popen(arguments, cwd=ROOT)


def wait_for(telegram: Telegram, messages: int, worker: subprocess.Popen[bytes]) -> None:
    while len(telegram.taken) < messages and worker.poll() is None:
        time.sleep(0.005)
