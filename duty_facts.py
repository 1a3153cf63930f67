"""What the register of legal duties must know of outbreaks and cases, in the words of alerts/duties.py."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from alerts.duties import CaseFact, DutyKind, OutbreakFact
from alerts.duty_register import LOOK_BACK
from i18n import Message
from surveillance.diseases import Disease
from surveillance.outbreaks.lifecycle import NAMES
from surveillance.outbreaks.standing import standings
from surveillance.urgent_cases import confirmed_deaths, urgent_cases

CASES_BIND = timedelta(days=14)
"""A case report that is this old is asked for no more."""


def outbreak_facts(session: Session, *, now: datetime, zone: ZoneInfo) -> list[OutbreakFact]:
    return [
        OutbreakFact(
            id=one.id, code=one.code, disease=one.disease, unit_id=one.unit_id, begun_at=one.begun_at,
            handled_on=one.handled_on, ended_at=one.ended_at,
            ended_as=Message("Ổ dịch {code}: {status}.", code=one.code, status=Message(NAMES[one.status]))
            if one.ended_at else None,
        )
        for one in standings(session, zone=zone, since=now - LOOK_BACK)
    ]  # fmt: skip


def case_facts(session: Session, diseases: list[Disease], *, now: datetime, zone: ZoneInfo) -> list[CaseFact]:
    """Cases of the 24-hour list, and deaths of any of `diseases`."""
    since, every = now - CASES_BIND, [disease.code for disease in diseases]
    urgent = [disease.code for disease in diseases if disease.report_deadline == "24h"]
    found = {
        DutyKind.CASES: urgent_cases(session, urgent, since=since, zone=zone),
        DutyKind.DEATH: confirmed_deaths(session, every, since=since, zone=zone),
    }
    return [
        CaseFact(
            kind=kind, disease=one.disease, unit_id=one.unit_id, day=one.day, known_at=one.known_at,
            count=one.count,
        )
        for kind, cases in found.items()
        for one in cases
    ]  # fmt: skip
