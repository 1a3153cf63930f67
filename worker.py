"""The worker's jobs, composed: collect → analyse → reconcile → deliver, and what keeps the house.

Each job reads what the one before committed; a NOTIFY in that commit wakes it, so an alert follows a file in
seconds. Reconciling is level-triggered: a job that was killed is simply run again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from alerts.agenda import tell_duties
from alerts.cap_settings import city_of, publication_of, receiver_of
from alerts.channels import WEBHOOK, Channel
from alerts.channels.email import EmailChannel
from alerts.channels.outlets import phone_channels
from alerts.channels.webhook import WebhookChannel
from alerts.delivery import Letterhead, deliver_due
from alerts.duty_register import reconcile_duties
from alerts.duty_reminders import remind
from alerts.engine import ReconcileReport, reconcile
from alerts.passport import DiseaseFacts
from alerts.policy_preview import Past, previews_wait, run_previews
from alerts.policy_store import policy_in_force, record_shipped
from alerts.publishing import publish
from alerts.rules import Policy, shipped_text
from alerts.short_text import twins
from alerts.telling.hours import Calendar
from alerts.telling.mailboxes import parse_mailbox, read_bounces
from alerts.telling.rules import default_rules
from alerts.telling.steps import tell
from db import notify, session_scope
from duty_facts import case_facts, outbreak_facts
from geodata.models import AdminUnit
from geodata.units import codes_of, units_for
from i18n import Message, show_times_in
from reports.service import run_waiting
from settings import ROOT, Settings
from surveillance.analysis import AnalysisReport, analyse, replay
from surveillance.apart import run_apart
from surveillance.beliefs import believed_between, day_ends, first_belief, silences_between
from surveillance.clock import current_time
from surveillance.clustering.settings import load_settings
from surveillance.clustering.watching import Clusters
from surveillance.detection.holidays import is_day_off
from surveillance.diseases import Catalogue, load_catalogue
from surveillance.epiweek import local_day
from surveillance.evidence.climate import load_climate
from surveillance.evidence.watching import Evidence
from surveillance.jobs import Job, forget_old_runs
from surveillance.models import IngestRun, SourceFile
from surveillance.outbreaks.profiles import load_profiles, profiles_for
from surveillance.outbreaks.watching import Outbreaks
from surveillance.outlooks import forecast_city
from surveillance.pipeline import Context, build_context, collect, ingest_file
from surveillance.quality import silent_diseases
from surveillance.review.learnt import load_aliases
from surveillance.review.texts import index_texts
from surveillance.signals import current_signals

PREVIEWED = timedelta(days=731)
"""How much of the past a draft of the rules is tried on."""
KEEP_JOB_RUNS = timedelta(days=90)
SETTLED_S = 60
"""Work that nobody waits for begins this long after the worker: alerts that are due go first."""


class Chain:
    """What the jobs share: engine, settings, catalogue, policy; each method is one job's work."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self.settings = settings
        show_times_in(settings.deployment.timezone)
        self.publication, self.receiver = publication_of(settings), receiver_of(settings)
        self.bounces = parse_mailbox(settings.bounces)
        self.phone_channels: dict[str, Channel] = phone_channels(settings, engine)
        self._noted_shipped = False

    @cached_property
    def catalogue(self) -> Catalogue:
        return load_catalogue()

    @property
    def policy(self) -> Policy:
        """The rules in force, asked anew each time: an approval needs no restart."""
        with session_scope(self.engine) as session:
            if not self._noted_shipped:
                record_shipped(session, shipped_text(), datetime.now(UTC))
            found = policy_in_force(session)
        self._noted_shipped = True
        return found

    @cached_property
    def context(self) -> Context:
        with session_scope(self.engine) as session:
            return build_context(session, self.settings)

    @cached_property
    def unit_ids(self) -> list[int]:
        deployment = self.settings.deployment
        with session_scope(self.engine) as session:
            today = current_time(session, self.settings.clock).astimezone(deployment.timezone).date()
            return [unit.id for unit in units_for(session, deployment.province_code, today)]

    @cached_property
    def twins(self) -> frozenset[str]:
        with session_scope(self.engine) as session:
            return twins(session.scalars(select(AdminUnit.name).where(AdminUnit.id.in_(self.unit_ids))))

    @cached_property
    def facts(self) -> dict[str, DiseaseFacts]:
        return {code: disease_facts(self.catalogue, code) for code in self.settings.deployment.diseases}

    def collect(self) -> dict[str, Any]:
        runs = collect(self.engine, self.context, datetime.now(UTC))
        return {"files": len(runs)} if runs else {}

    def read_addresses(self) -> dict[str, Any]:
        with session_scope(self.engine) as session:
            placer = replace(self.context.placer(session), aliases=load_aliases(session))
            read = index_texts(session, placer, self.context.vault)
        return {"addresses": read} if read else {}

    def analyse(self) -> dict[str, Any]:
        with session_scope(self.engine) as session:
            report = self.analyse_at(session, current_time(session, self.settings.clock))
        return {"signals_changed": report.changed} if report.changed else {}

    def analyse_at(self, session: Session, now: datetime) -> AnalysisReport:
        return analyse(
            session,
            self.catalogue,
            diseases=self.settings.deployment.diseases,
            unit_ids=self.unit_ids,
            now=now,
            timezone=self.settings.deployment.timezone,
        )

    @cached_property
    def outbreaks(self) -> Outbreaks:
        deployment = self.settings.deployment
        profiles = profiles_for(deployment.diseases, deployment.outbreak_profiles, load_profiles())
        return Outbreaks(profiles, crs=deployment.metric_crs)

    def find_outbreaks(self) -> dict[str, Any]:
        try:
            with session_scope(self.engine) as session:
                changed = self.outbreaks_at(session, current_time(session, self.settings.clock))
                if changed:
                    notify(session, "signals")
        except Exception:
            self.outbreaks.forget()
            raise
        for refused in self.outbreaks.refused.values():
            raise refused
        return {"outbreaks_changed": changed} if changed else {}

    def outbreaks_at(self, session: Session, now: datetime) -> int:
        return self.outbreaks.update(
            session, today=local_day(now, self.settings.deployment.timezone), now=now
        )

    def check_outbreaks(self) -> dict[str, Any]:
        """Once a night: what is kept in memory is what all cases together give."""
        with session_scope(self.engine) as session:
            now = current_time(session, self.settings.clock)
            today = local_day(now, self.settings.deployment.timezone)
            wrong = self.outbreaks.check(session, today=today, now=now)
        return {"outbreaks_disagree": len(wrong)} if wrong else {}

    @cached_property
    def evidence(self) -> Evidence:
        deployment = self.settings.deployment
        with session_scope(self.engine) as session:
            codes = set(codes_of(session, self.unit_ids).values())
        return Evidence(
            catalogue=self.catalogue,
            diseases=deployment.diseases,
            unit_ids=self.unit_ids,
            profiles=self.outbreaks.profiles,
            climate=load_climate(deployment.folder / "climate.csv", codes=codes),
            timezone=deployment.timezone,
        )

    def find_evidence(self) -> dict[str, Any]:
        with session_scope(self.engine) as session:
            changed = self.evidence_at(session, current_time(session, self.settings.clock))
            if changed:
                notify(session, "signals")
        return {"evidence_changed": changed} if changed else {}

    def evidence_at(self, session: Session, now: datetime) -> int:
        """Severe cases and deaths, insects, climate, silent communes; after the outbreaks of the same moment."""
        return self.evidence.update(session, now=now)

    @cached_property
    def clusters(self) -> Clusters:
        deployment = self.settings.deployment
        return Clusters(
            catalogue=self.catalogue,
            settings=load_settings(),
            diseases=deployment.diseases,
            unit_ids=self.unit_ids,
            timezone=deployment.timezone,
        )

    def clusters_apart(self) -> dict[str, Any]:
        return run_apart("clusters")

    def find_clusters(self) -> dict[str, Any]:
        """Seconds of array work: `clusters_apart` is what the worker runs."""
        with session_scope(self.engine) as session:
            now = current_time(session, self.settings.clock)
        changed = self.clusters.find(self.engine, now=now)
        return {"clusters_changed": changed} if changed else {}

    def reconcile(self) -> dict[str, Any]:
        with session_scope(self.engine) as session:
            done = self.reconcile_at(session, current_time(session, self.settings.clock))
            if news_of(done):
                notify(session, "alerts")
        return news_of(done)

    def reconcile_at(
        self, session: Session, now: datetime, *, notify: bool = True, policy: Policy | None = None
    ) -> ReconcileReport:
        """`policy` None: the one in force."""
        return reconcile(
            session,
            evidence=current_signals(session, unit_ids=self.unit_ids),
            policy=policy or self.policy,
            diseases=self.facts,
            silent=self.silent(session, now),
            now=now,
            notify=notify,
            code_version=code_version(),
        )

    @cached_property
    def calendar(self) -> Calendar:
        zone = self.settings.deployment.timezone
        return Calendar(hours=default_rules().hours, is_holiday=is_day_off, zone=zone)

    def tell(self) -> dict[str, Any]:
        """Who must be told next: apart from reconcile, since time passes without news."""
        with session_scope(self.engine) as session:
            now = current_time(session, self.settings.clock)
            done = tell(session, rules=default_rules(), calendar=self.calendar, policy=self.policy, now=now)
        return news_of(done)

    def read_bounces(self) -> dict[str, Any]:
        """Letters that say a mail never arrived, where a mailbox for them is set."""
        if self.bounces is None:
            return {}
        domain = parseaddr(self.settings.mail_from)[1].rpartition("@")[2]
        return dict(read_bounces(self.engine, self.bounces, domain, datetime.now(UTC)))

    def duties(self) -> dict[str, Any]:
        """The register of legal duties; apart from reconcile, so that a fault here holds up no alert."""
        with session_scope(self.engine) as session:
            now = current_time(session, self.settings.clock)
            done = self.duties_at(session, now)
        with session_scope(self.engine) as session:
            reminders = remind(session, now)
            told = tell_duties(session, now, self.settings.deployment.timezone)
        return done | {key: n for key, n in (("reminders", reminders), ("told", told)) if n}

    def duties_at(self, session: Session, now: datetime) -> dict[str, Any]:
        zone = self.settings.deployment.timezone
        watched = [self.catalogue[code] for code in self.facts]
        done = reconcile_duties(
            session,
            policy=self.policy,
            outbreaks=outbreak_facts(session, now=now, zone=zone),
            cases=case_facts(session, watched, now=now, zone=zone),
            now=now,
            timezone=zone,
        )
        return news_of(done)

    def publish(self) -> dict[str, Any]:
        """CAP messages; apart from reconcile, so that a fault here holds up no alert."""
        if self.publication is None:
            return {}
        with session_scope(self.engine) as session:
            now = current_time(session, self.settings.clock)
            done = publish(session, self.publication, city_of(self.settings), now)
        return news_of(done)

    def silent(self, session: Session, now: datetime) -> Collection[str]:
        return silent_diseases(
            session, [self.catalogue[code] for code in self.settings.deployment.diseases], now=now
        )

    def deliver(self) -> dict[str, Any]:
        settings = self.settings
        channels: dict[str, Channel] = {
            "email": EmailChannel(settings.smtp_url, settings.mail_from),
            **self.phone_channels,
            WEBHOOK: WebhookChannel(self.receiver),
        }
        letterhead = Letterhead(
            public_url=settings.public_url,
            timezone=settings.deployment.timezone,
            twins=self.twins,
            diseases=self.facts,
        )
        done = deliver_due(self.engine, channels, datetime.now(UTC), letterhead=letterhead)
        return news_of(done)

    def forecast_apart(self) -> dict[str, Any]:
        return run_apart("forecast")

    def forecast(self) -> dict[str, Any]:
        """Minutes of work: `forecast_apart` is what the worker runs."""
        deployment = self.settings.deployment
        with session_scope(self.engine) as session:
            now = current_time(session, self.settings.clock)
        made = forecast_city(
            self.engine,
            self.catalogue,
            diseases=deployment.diseases,
            unit_ids=self.unit_ids,
            now=now,
            timezone=deployment.timezone,
        )
        return {"forecasts": made} if made else {}

    def policy_apart(self) -> dict[str, Any]:
        return run_apart("policy") if previews_wait(self.engine) else {}

    def preview_policies(self) -> dict[str, Any]:
        """Minutes of work over two years: `policy_apart` is what the worker runs."""
        done = run_previews(self.engine, self.past, self.facts)
        return {"policy_previews": done} if done else {}

    def past(self, session: Session) -> Past:
        """What the last two years knew, as far as it is kept."""
        zone, units = self.settings.deployment.timezone, self.unit_ids
        now = current_time(session, self.settings.clock)
        watched = [self.catalogue[code] for code in self.facts]
        first = first_belief(session, self.facts, units)
        start = max(first, now - PREVIEWED) if first else now
        moments = day_ends(start.astimezone(zone).date(), now, zone)
        return Past(
            moments=moments,
            beliefs=lambda: believed_between(
                session, moments[0], moments[-1], unit_ids=units, diseases=list(self.facts)
            ),
            silences=silences_between(session, watched, moments[0], moments[-1]),
        )

    def reports(self) -> dict[str, Any]:
        done = run_waiting(self.engine, self.settings)
        return {"reports": done} if done else {}

    def housekeeping(self) -> dict[str, Any]:
        gone = forget_old_runs(self.engine, datetime.now(UTC) - KEEP_JOB_RUNS)
        return {"job_runs_dropped": gone} if gone else {}

    def ingest(self, files: Sequence[Path], *, backfill: bool, say: Callable[[Message | str], None]) -> None:
        """Read `files` in this order and say what came of each; `backfill`: known from their report days."""
        context = replace(self.context, known="report") if backfill else self.context
        for path in files:
            run_id = ingest_file(self.engine, context, path, datetime.now(UTC))
            with session_scope(self.engine) as session:
                say(_outcome(session, path, run_id))
        with session_scope(
            self.engine
        ) as session:  # after a bulk load the planner knows nothing of these tables yet
            session.execute(text("ANALYZE epi_case, case_key, case_report, case_version"))

    def replay(
        self,
        days: Iterable[date],
        say: Callable[[Message | str], None],
        *,
        then: Callable[[Session, datetime], object] = lambda session, now: None,
    ) -> None:
        """Levels and alerts of past days as they would have been; nothing is sent. `then(session, now)` closes each
        day, in its transaction."""

        def after_day(session: Session, now: datetime) -> None:
            done = self.rest_of_day(session, now)
            then(session, now)
            say(f"{now:%d/%m/%Y}: {_counts_text(done)}")

        replay(
            self.engine,
            self.catalogue,
            diseases=self.settings.deployment.diseases,
            unit_ids=self.unit_ids,
            timezone=self.settings.deployment.timezone,
            days=days,
            after_day=after_day,
        )

    def rest_of_day(
        self, session: Session, now: datetime, *, scan: bool = True, policy: Policy | None = None
    ) -> ReconcileReport:
        """What follows the analysis of a past day; `policy` None: the rules in force. Nothing is sent."""
        self.outbreaks_at(session, now)
        self.evidence_at(session, now)
        if scan:
            self.clusters.find_at(session, now)
        return self.reconcile_at(session, now, notify=False, policy=policy)

    @property
    def long_jobs(self) -> Mapping[str, Callable[[], dict[str, Any]]]:
        """What `app.py job` runs in a process of its own."""
        return {
            "forecast": self.forecast,
            "clusters": self.find_clusters,
            "policy": self.preview_policies,
        }

    def jobs(self) -> list[Job]:
        return [
            Job(name="collect", run=self.collect, every_s=2, late_after_s=120),
            Job(name="analyse", run=self.analyse, every_s=300, late_after_s=900, wakes_on=("ingested",)),
            Job(
                name="outbreaks",
                run=self.find_outbreaks,
                every_s=300,
                late_after_s=900,
                wakes_on=("ingested",),
            ),
            Job(
                name="evidence",
                run=self.find_evidence,
                every_s=300,
                late_after_s=900,
                wakes_on=("ingested", "surveys"),
            ),
            Job(
                name="review",
                run=self.read_addresses,
                every_s=300,
                late_after_s=3600,
                wakes_on=("ingested",),
            ),
            Job(
                name="outbreak_check",
                run=self.check_outbreaks,
                every_s=86400,
                late_after_s=3 * 86400,
                first_after_s=SETTLED_S,
            ),
            Job(
                name="clusters",
                run=self.clusters_apart,
                every_s=900,
                late_after_s=3 * 3600,
                first_after_s=SETTLED_S,
            ),
            Job(name="reconcile", run=self.reconcile, every_s=300, late_after_s=900, wakes_on=("signals",)),
            Job(name="tell", run=self.tell, every_s=60, late_after_s=900),
            Job(name="bounces", run=self.read_bounces, every_s=60, late_after_s=3600),
            Job(name="duties", run=self.duties, every_s=60, late_after_s=900, wakes_on=("alerts",)),
            Job(name="publish", run=self.publish, every_s=30, late_after_s=900, wakes_on=("alerts",)),
            Job(name="deliver", run=self.deliver, every_s=15, late_after_s=300, wakes_on=("deliveries",)),
            Job(
                name="forecast",
                run=self.forecast_apart,
                every_s=3600,
                late_after_s=3 * 86400,
                first_after_s=SETTLED_S,
            ),
            Job(
                name="policy", run=self.policy_apart, every_s=300, late_after_s=6 * 3600, wakes_on=("policy",)
            ),
            Job(name="reports", run=self.reports, every_s=5, late_after_s=1800, wakes_on=("reports",)),
            Job(name="housekeeping", run=self.housekeeping, every_s=86400, late_after_s=2 * 86400),
        ]


def disease_facts(catalogue: Catalogue, code: str) -> DiseaseFacts:
    """What policy and messages need to know of a disease."""
    disease = catalogue[code]
    return DiseaseFacts(
        code=code,
        name_vi=disease.name_vi,
        name_en=disease.name_en,
        group=disease.group,
        endemic=disease.endemic,
        display_floor=disease.display_floor,
    )


def _outcome(session: Session, path: Path, run_id: int | None) -> Message:
    run = session.get(IngestRun, run_id) if run_id is not None else None
    if run is not None:
        return Message(
            "{file}: {total} dòng, {new} ca mới, {updated} cập nhật, {unchanged} không đổi, {rejected} bị giữ lại",
            file=path.name,
            total=run.rows_total,
            new=run.rows_new,
            updated=run.rows_updated,
            unchanged=run.rows_unchanged,
            rejected=run.rows_rejected,
        )
    newest = select(SourceFile).where(SourceFile.name == path.name).order_by(SourceFile.received_at.desc())
    file = session.scalars(newest.limit(1)).one_or_none()
    reason = Message.from_json(file.reason) if file and file.reason else Message("đã nhận trước đây")
    return Message("{file}: {reason}", file=path.name, reason=reason)


def _counts_text(done: ReconcileReport) -> str:
    return ", ".join(f"{key} {count}" for key, count in news_of(done).items()) or "–"


def news_of(report: Any) -> dict[str, int]:
    """The counts of a report dataclass by name, those that are not zero."""
    return {name: count for name in report.__dataclass_fields__ if (count := getattr(report, name))}


def code_version() -> str:
    """This program's version, for the passport of an alert."""
    return (ROOT / "VERSION").read_text(encoding="utf-8").strip()
