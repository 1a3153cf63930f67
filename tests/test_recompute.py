"""An alert decided again from its passport: the same, or exactly what differs; and what became known since."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.models import Alert, AlertEvent
from alerts.passport import Passport
from alerts.policy_store import PolicyRefused
from alerts.recompute import recompute
from alerts.rules import parse_policy
from i18n import Message
from policy_commands import recompute_stored
from surveillance.known_since import cases_in, last_words
from surveillance.signals import store_signals
from tests.alerting import DENGUE, DISEASES, NOW, POLICY, add_unit, calm, ears, epidemic, run, warning
from tests.line_list import Sick, add_cases, add_file, supersede


def passports(session: Session) -> list[Passport]:
    """Of every event the system wrote, oldest first."""
    rows = session.scalars(select(AlertEvent.message).order_by(AlertEvent.id))
    return [Passport.from_json(row["passport"]) for row in rows if row and "passport" in row]


def test_every_step_of_an_alert_is_decided_the_same_again(session: Session) -> None:
    city = add_unit(session, "79", "Thành phố")
    ward = add_unit(session, "26740", "Phường", city)
    for days, evidence in ((0, warning(ward)), (1, epidemic(ward)), (20, calm(ward)), (40, ears(ward))):
        run(session, evidence, days=days)

    kept = passports(session)
    assert [passport.level for passport in kept] == [2, 4, 4, 3]
    for passport in kept:
        assert recompute(Passport.from_json(passport.to_json()), POLICY, DENGUE).identical


def test_what_differs_is_listed(session: Session) -> None:
    city = add_unit(session, "79", "Thành phố")
    run(session, warning(add_unit(session, "26740", "Phường", city)))
    passport = passports(session)[0]
    doctored = replace(passport, level=3, reasons=(Message("Khác."),))

    found = recompute(doctored, POLICY, DENGUE)

    assert [str(d.what) for d in found.differences] == ["Mức", "Vì sao"]
    first = found.differences[0]
    assert (str(first.old), str(first.new)) == ("Cao", "Trung bình")
    with pytest.raises(ValueError, match="did not make"):
        recompute(passport, parse_policy(_other()), DENGUE)


def test_the_command_says_why_it_cannot(session: Session) -> None:
    city = add_unit(session, "79", "Thành phố")
    run(session, warning(add_unit(session, "26740", "Phường", city)))
    alert = session.scalars(select(Alert)).one()
    said: list[str] = []

    assert recompute_stored(session, alert.id, DISEASES, lambda text: said.append(str(text)))
    assert said == ["Tính lại từ căn cứ đã lưu: kết quả giống hệt."]
    alert.passport = {**alert.passport, "policy_hash": "mất"}
    with pytest.raises(PolicyRefused, match="không còn được lưu"):
        recompute_stored(session, alert.id, DISEASES, lambda text: None)


def test_what_became_known_since(session: Session) -> None:
    city = add_unit(session, "79", "Thành phố")
    unit = add_unit(session, "26740", "Phường", city).id
    told = [NOW - timedelta(days=1), NOW - timedelta(days=1), NOW + timedelta(days=3)]
    sick = [Sick(day=date(2026, 7, 14), unit_id=unit, disease="dengue", known_from=at) for at in told]
    ids = add_cases(session, add_file(session, "hcdc", NOW), sick)
    supersede(session, ids[0], NOW + timedelta(days=4), classification="discarded")
    days = {"disease": "dengue", "unit_id": unit, "first": date(2026, 7, 13), "last": date(2026, 7, 15)}

    def known(at: object) -> int:
        return cases_in(session, **days, as_of=at)  # type: ignore[arg-type]

    assert [known(NOW), known(NOW + timedelta(days=3)), known(None)] == [2, 3, 2]

    week = calm(unit)[0]
    store_signals(session, [week], {}, now=NOW)
    session.connection().exec_driver_sql("UPDATE signal SET known_to = %s", (NOW + timedelta(days=1),))
    store_signals(session, [replace(week, observed=5)], {}, now=NOW + timedelta(days=1))
    newest = last_words(session, disease="dengue", unit_id=unit, periods=[week.period_start])
    assert {key[0]: s.observed for key, s in newest.items()} == {"statutory_week": 5}


def _other() -> str:
    return (
        'version = "t"\n[floor]\nmin_cases = 3\nlevel = 2\n'
        "[fall]\nperiod_days = 1\nhold_days = { 2 = 0, 3 = 0, 4 = 0 }\n"
        '[[rule]]\nid = "e"\nregime = "any"\nmethod = "ears_c2"\nalarm = true\nlevel = 4\nneeds = "x"\n'
    )
