"""Canh Dịch's command line: `python app.py --help`. Composes the packages; decides nothing itself."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from i18n import Message, MessageError
from settings import Deployment, Settings

if TYPE_CHECKING:  # a command over plain files starts without the database's libraries
    from sqlalchemy import Engine

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
user_cli = typer.Typer(no_args_is_help=True, help="Accounts.")
boundaries_cli = typer.Typer(no_args_is_help=True, help="Boundaries of administrative units.")
cli.add_typer(user_cli, name="user")
cli.add_typer(boundaries_cli, name="boundaries")
policy_cli = typer.Typer(no_args_is_help=True, help="Rules for the risk levels.")
cli.add_typer(policy_cli, name="policy")
streets_cli = typer.Typer(no_args_is_help=True, help="Streets and house numbers.")
cli.add_typer(streets_cli, name="streets")


def say(message: Message | str) -> None:
    print(f"==> {message}", flush=True)


def configure_logging(level: str) -> None:
    """One JSON object per line on stderr; never a row of data."""
    import structlog

    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # "skipped" is our way of waking a running job
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def connect(settings: Settings) -> Engine:
    from db import make_engine
    from embedded import database_url

    return make_engine(database_url(settings.database_url, settings.home))


@contextmanager
def ready() -> Iterator[tuple[Settings, Engine]]:
    """Settings and a migrated database, for one command."""
    from db import make_engine
    from embedded import database_url
    from migrate import migrate as migrate_database

    settings = Settings.from_environment()
    configure_logging(settings.log_level)
    url = database_url(settings.database_url, settings.home)
    migrate_database(url)
    engine = make_engine(url)
    try:
        yield settings, engine
    finally:
        engine.dispose()


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema and load the deployment's administrative units."""
    from city import prepare

    with ready() as (settings, engine):
        prepare(engine, settings, say)


@cli.command()
def web() -> None:
    """Serve the dashboard (gunicorn) on CANHDICH_HOST:CANHDICH_PORT."""
    from web.serve import serve

    settings = Settings.from_environment()
    configure_logging(settings.log_level)
    serve(settings, lambda: connect(settings))


@cli.command()
def worker() -> None:
    """Run the scheduled jobs until stopped (SIGTERM lets running ones end)."""
    from surveillance.jobs import Worker, wait_for_database
    from worker import Chain

    settings = Settings.from_environment()
    configure_logging(settings.log_level)
    engine = connect(settings)

    def revive() -> str:
        from embedded import database_url

        return database_url(settings.database_url, settings.home)

    wait_for_database(engine, revive)
    running = Worker(engine, Chain(engine, settings).jobs(), revive)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: running.request_stop())
    running.start()
    running.wait()
    running.stop()


@cli.command(hidden=True)
def job(name: Annotated[str, typer.Argument(help="forecast, clusters")]) -> None:
    """One job of the worker in this process, at low priority; prints its counts as JSON."""
    from surveillance.apart import as_apart
    from worker import Chain

    as_apart()
    settings = Settings.from_environment()
    configure_logging(settings.log_level)
    engine = connect(settings)
    print(json.dumps(Chain(engine, settings).long_jobs[name]()))
    engine.dispose()


@cli.command()
def ingest(
    files: list[Path],
    backfill: Annotated[bool, typer.Option(help="Rows count as known from their report date.")] = False,
) -> None:
    """Read files now, through the same pipeline as the drop folder, and print the run report."""
    from worker import Chain

    with ready() as (settings, engine):
        Chain(engine, settings).ingest(files, backfill=backfill, say=say)


@cli.command()
def analyse() -> None:
    """Recompute signals, levels and alerts now."""
    from worker import Chain

    with ready() as (settings, engine):
        chain = Chain(engine, settings)
        judged, found = chain.analyse(), chain.find_evidence()
        say(
            f"analyse {judged} · evidence {found} · reconcile {chain.reconcile()} · deliver {chain.deliver()}"
        )


@cli.command()
def replay(
    first: Annotated[str | None, typer.Option("--from", help="YYYY-MM-DD")] = None,
    last: Annotated[str | None, typer.Option("--to", help="YYYY-MM-DD")] = None,
    policy: Annotated[Path | None, typer.Option(help="Another policy than alerts/policy.toml")] = None,
    schema: Annotated[str, typer.Option(help="Where to write; begins with replay")] = "replay",
    diseases: Annotated[str | None, typer.Option(help="Codes, comma between; all otherwise")] = None,
    without: Annotated[str | None, typer.Option(help="scan: leave out the search for clusters")] = None,
    truth: Annotated[
        Path | None, typer.Option(help="CSV of planted outbreaks, docs/methods/scorecard.md")
    ] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Forget this replay")] = False,
) -> None:
    """Run the whole chain again day by day as it would have been known, into a schema of its own; sends nothing."""
    import replay as replays

    with ready() as (settings, engine):
        if drop:
            replays.drop(engine, schema)
            say(Message("Đã xoá lần chạy lại {name}.", name=schema))
            return
        plan = replays.plan_of(
            settings, schema=schema, first=first, last=last, policy=policy, diseases=diseases, without=without
        )
        replays.run(engine, settings, plan, say)
        for line in replays.report(engine, settings, plan, truth):
            say(line)


@cli.command()
def clusters(
    first: Annotated[str, typer.Option("--from", help="YYYY-MM-DD")],
    last: Annotated[str, typer.Option("--to", help="YYYY-MM-DD")],
    out: Annotated[Path, typer.Option(help="CSV, see docs/methods/clusters.md")] = Path("clusters.csv"),
    dask: Annotated[str | None, typer.Option(help="Dask scheduler, tcp://HOST:8786")] = None,
) -> None:
    """Scan past days for clusters, each as it was known then, into a file; changes nothing that is recorded."""
    from surveillance.clustering.runs import write_history
    from surveillance.spread import spread_over
    from worker import Chain

    start, end = date.fromisoformat(first), date.fromisoformat(last)
    days = [start + timedelta(days=i) for i in range((end - start).days + 1)]
    with ready() as (settings, engine), spread_over(dask) as spread:
        rows = write_history(out, Chain(engine, settings).clusters, engine, days, spread=spread, say=say)
    say(f"{out}: {rows} rows")


@cli.command()
def backup(file: Path) -> None:
    """Write database and archived files into FILE; the key is not inside: keep it apart."""
    import backup as backups
    from embedded import database_url

    settings = Settings.from_environment()
    backups.backup(database_url(settings.database_url, settings.home), settings.home, file)
    say(
        Message(
            "Đã sao lưu vào {file}. Khóa {key} không nằm trong đó: hãy giữ riêng.",
            file=str(file),
            key="secret.key",
        )
    )


@cli.command()
def restore(file: Path) -> None:
    """Put a backup into an empty database."""
    import backup as backups
    from embedded import database_url

    settings = Settings.from_environment()
    backups.restore(database_url(settings.database_url, settings.home), settings.home, file)
    say(Message("Đã phục hồi từ {file}.", file=str(file)))


@boundaries_cli.command("import")
def boundaries_import(
    file: Annotated[
        Path,
        typer.Argument(help="GeoJSON, GeoPackage, GeoParquet, Shapefile, KML, TopoJSON, OSM; zip or folder"),
    ],
    release: Annotated[
        str | None,
        typer.Option(help="First day (YYYY-MM-DD) or name of the release the file draws; today's otherwise"),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call a new release")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer of a file that has several")] = None,
    crs: Annotated[
        str | None, typer.Option(help="Coordinate system of a file that does not say: EPSG:9210")
    ] = None,
    unmatched: Annotated[Path | None, typer.Option(help="CSV of all that did not match, both sides")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done")] = False,
) -> None:
    """Import real boundaries of today or of an earlier time, and say what did not match and why."""
    from city import import_boundaries
    from geodata.boundaries import Wanted

    wanted = Wanted(release=release, name=name, layer=layer, crs=crs)
    with ready() as (settings, engine):
        import_boundaries(engine, settings, file, say, wanted=wanted, unmatched=unmatched, keep=not dry_run)


@boundaries_cli.command("lineage")
def boundaries_lineage(
    file: Annotated[Path, typer.Argument(help="CSV: old_code, new_code, share (0 to 1, optional)")],
    old: Annotated[str | None, typer.Option("--from", help="Release of the old codes")] = None,
    new: Annotated[
        str | None, typer.Option("--to", help="Release of the new codes; today's otherwise")
    ] = None,
) -> None:
    """Say which old unit went into which new one, and how much of it."""
    from city import import_lineage

    with ready() as (_settings, engine):
        import_lineage(engine, file, say, old=old, new=new)


@boundaries_cli.command("list")
def boundaries_list() -> None:
    """The releases there are, with how many of their units have a real boundary."""
    from city import list_releases

    with ready() as (_settings, engine):
        list_releases(engine, say)


@streets_cli.command("import")
def streets_import(
    files: list[Path],
    out: Annotated[
        Path | None, typer.Option(help="Write the streets there, for use without a database")
    ] = None,
    database: Annotated[bool, typer.Option("--database", help="Put them into the database")] = False,
    boundaries: Annotated[
        list[Path] | None, typer.Option(help="Areas of old wards, of communes of today; repeatable")
    ] = None,
) -> None:
    """Import streets (OSM PBF, GeoJSON, GeoPackage, Shapefile, CSV) and say what was not taken."""
    from city import import_streets, store_streets

    if database:
        with ready() as (settings, engine):
            store_streets(engine, settings, files, boundaries or [], out, say)
    else:
        settings = Settings.from_environment()
        import_streets(settings, files, boundaries or [], out or settings.home / "streets.npz", say)


@cli.command("push-keys")
def push_keys() -> None:
    """Make the key pair of Web Push if there is none, and print its public half."""
    from alerts.push_settings import private_key, public_text

    settings = Settings.from_environment()
    key = private_key(settings.home)
    say(
        Message(
            "Khóa thông báo đẩy nằm trong {file}. Hãy sao lưu cùng secret.key.",
            file=str(settings.home / "vapid.pem"),
        )
    )
    say(public_text(key))


@user_cli.command("add")
def user_add(
    username: str,
    role: Annotated[str, typer.Option(help="analyst, officer or manager")],
    name: Annotated[str, typer.Option(help="Full name")],
    email: Annotated[str | None, typer.Option()] = None,
    area: Annotated[list[str] | None, typer.Option(help="Code of a commune or province; repeatable")] = None,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Add an account."""
    from accounts.models import Role
    from accounts.service import create_user
    from city import units_by_code
    from db import session_scope

    with ready() as (settings, engine), session_scope(engine) as session:
        areas = units_by_code(session, settings, area or [])
        create_user(
            session,
            username=username,
            password=password,
            full_name=name,
            role=Role(role),
            email=email,
            area_ids=[unit.id for unit in areas],
        )
        say(Message("Đã thêm tài khoản {username}.", username=username))


@policy_cli.command("show")
def policy_show(
    number: Annotated[int | None, typer.Argument(help="As `policy list` says; in force otherwise")] = None,
) -> None:
    """Print the text of a version of the rules."""
    from db import session_scope
    from policy_commands import source_of

    with ready() as (_settings, engine), session_scope(engine) as session:
        print(source_of(session, number))


@policy_cli.command("list")
def policy_list() -> None:
    """Every version there ever was, newest first."""
    from db import session_scope
    from policy_commands import list_versions

    with ready() as (_settings, engine), session_scope(engine) as session:
        list_versions(session, say)


@policy_cli.command("check")
def policy_check(file: Path) -> None:
    """Whether a file of rules can be used; names the line otherwise. Needs no database."""
    from policy_commands import check

    check(file, say)


@policy_cli.command("propose")
def policy_propose(
    file: Path,
    user: Annotated[str, typer.Option(help="Account of the one who proposes")],
    note: Annotated[str, typer.Option(help="Why")] = "",
    password: Annotated[str, typer.Option(prompt=True, hide_input=True)] = "",
) -> None:
    """Keep a file of rules as a draft that another person may approve."""
    from db import session_scope
    from policy_commands import propose_file

    with ready() as (_settings, engine), session_scope(engine) as session:
        propose_file(session, file, user, password, note, say)


@policy_cli.command("approve")
def policy_approve(
    number: int,
    user: Annotated[str, typer.Option(help="Account of a second person")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True)] = "",
) -> None:
    """Put a draft of another person into force."""
    from db import session_scope
    from policy_commands import approve_version

    with ready() as (_settings, engine), session_scope(engine) as session:
        approve_version(session, number, user, password, say)


@cli.command("recompute")
def recompute_alert(alert: int) -> None:
    """Decide an alert again from its passport: the same, or exactly what differs (exit code 1)."""
    from db import session_scope
    from policy_commands import recompute_stored
    from worker import Chain

    with ready() as (settings, engine), session_scope(engine) as session:
        same = recompute_stored(session, alert, Chain(engine, settings).facts, say)
    if not same:
        sys.exit(1)


@cli.command()
def detect(
    table: Annotated[
        Path, typer.Argument(help="CSV: series, t, epoch, date, freq, observed, population, state")
    ],
    method: Annotated[
        str,
        typer.Option(help="farringtonFlexible, earsC, cusum, glrpois, outbreakP, cdc, …, or our name"),
    ],
    out: Annotated[Path, typer.Option()],
    settings: Annotated[Path | None, typer.Option(help="JSON of named settings")] = None,
) -> None:
    """Run a detector over plain files; needs no database."""
    from surveillance.detect_files import detect as detect_files

    done = detect_files(table, method, settings, out)
    say(f"{out}: {done.rows} rows, {done.series} series, {done.settings} settings, {done.alarms} alarms")


@cli.command()
def rt(
    table: Annotated[Path, typer.Argument(help="CSV of counts, as reference/epiestim/inputs.csv")],
    out: Annotated[Path, typer.Option()],
    settings: Annotated[Path | None, typer.Option(help="JSON or CSV of windows and serial intervals")] = None,
    si: Annotated[Path | None, typer.Option(help="CSV of serial intervals: series, k, w")] = None,
    seed: Annotated[int, typer.Option()] = 1,
) -> None:
    """Estimate the reproduction number over plain files; needs no database."""
    from surveillance.rt_files import rt as rt_files

    rt_files(table, out, settings=settings, si_csv=si, seed=seed)
    say(str(out))


@cli.command()
def nowcast(
    table: Annotated[Path, typer.Argument(help="CSV line list: one row a case, event and report day")],
    out: Annotated[Path, typer.Option()],
    now: Annotated[str | None, typer.Option(help="YYYY-MM-DD; the last report day otherwise")] = None,
    max_delay: Annotated[int, typer.Option()] = 15,
    seed: Annotated[int, typer.Option()] = 1,
) -> None:
    """Estimate cases not reported yet over a plain file; needs no database."""
    from surveillance.nowcast_files import nowcast as nowcast_files

    day = date.fromisoformat(now) if now else None
    nowcast_files(table, out, now=day, max_delay=max_delay, seed=seed)
    say(str(out))


@cli.command()
def forecast(
    table: Annotated[Path, typer.Argument(help="CSV: series, t, freq (52 or 12), observed, date")],
    out: Annotated[Path, typer.Option()],
    weeks: Annotated[int, typer.Option(help="1 to 4 weeks (or months) ahead", min=1, max=4)] = 4,
    backtest: Annotated[int, typer.Option(help="newest weeks that must be forecast well", min=26)] = 104,
) -> None:
    """Forecast the coming weeks over plain files, where that beats last year's count; needs no database."""
    from surveillance.forecast_files import forecast as forecast_files

    done = forecast_files(table, out, horizon=weeks, origins=backtest)
    say(f"{out}: {done.rows} rows, {done.series} series, {done.given} forecasts")


@cli.command()
def scan(
    cases: Annotated[Path | None, typer.Option(help="SaTScan's .cas")] = None,
    coordinates: Annotated[Path | None, typer.Option(help="SaTScan's .geo")] = None,
    model: Annotated[str | None, typer.Option(help="permutation, poisson or bernoulli")] = None,
    start: Annotated[str | None, typer.Option(help="YYYY-MM-DD")] = None,
    end: Annotated[str | None, typer.Option(help="YYYY-MM-DD")] = None,
    out: Annotated[Path, typer.Option(help="JSON, see docs/methods/scan.md")] = Path("scan.json"),
    population: Annotated[Path | None, typer.Option(help="SaTScan's .pop")] = None,
    control: Annotated[Path | None, typer.Option(help="SaTScan's .ctl")] = None,
    grid: Annotated[Path | None, typer.Option(help="SaTScan's .grd")] = None,
    network: Annotated[Path | None, typer.Option(help="Ways between places: id, id, length")] = None,
    neighbours: Annotated[
        Path | None, typer.Option(help="SaTScan's .nbr: centre, neighbours in order")
    ] = None,
    known_share: Annotated[Path | None, typer.Option(help="CSV: days_ago, share reported by now")] = None,
    parameters: Annotated[Path | None, typer.Option(help="SaTScan's .prm; options here go before it")] = None,
    analysis: Annotated[str | None, typer.Option(help="prospective, retrospective or spatial")] = None,
    coordinates_type: Annotated[str | None, typer.Option(help="cartesian or latlong")] = None,
    time_unit: Annotated[str | None, typer.Option(help="day, month or year")] = None,
    time_length: Annotated[int | None, typer.Option(help="Units in an interval")] = None,
    max_days: Annotated[int | None, typer.Option(help="Longest window, in days (or time units)")] = None,
    min_days: Annotated[int | None, typer.Option(help="Shortest window, in days (or time units)")] = None,
    max_population: Annotated[float | None, typer.Option(help="Largest window, % of the population")] = None,
    max_radius: Annotated[
        float | None, typer.Option(help="Largest window, km or units of coordinates")
    ] = None,
    ellipses: Annotated[bool, typer.Option("--ellipses", help="Ellipses beside circles")] = False,
    compactness: Annotated[str | None, typer.Option(help="Long ellipses pay: none, medium, strong")] = None,
    weekly: Annotated[bool | None, typer.Option(help="Adjust for the day of the week")] = None,
    undated: Annotated[bool, typer.Option("--undated", help="Cases without dates (spatial)")] = False,
    least_cases: Annotated[int | None, typer.Option(help="Fewest cases of a cluster")] = None,
    earlier_from: Annotated[
        str | None, typer.Option(help="Adjust p for the daily analyses since YYYY-MM-DD")
    ] = None,
    overlap: Annotated[str | None, typer.Option(help="Secondary clusters: no-shared-place, any, …")] = None,
    iterations: Annotated[int | None, typer.Option(help="Take clusters away and scan again")] = None,
    replications: Annotated[int | None, typer.Option()] = None,
    enough: Annotated[int | None, typer.Option(help="Stop once so many replicates are as strong")] = None,
    maxima: Annotated[Path | None, typer.Option(help="CSV of the replicates' maxima")] = None,
    seed: Annotated[int, typer.Option()] = 1,
    threads: Annotated[int, typer.Option()] = os.cpu_count() or 1,
    dask: Annotated[str | None, typer.Option(help="Dask scheduler, tcp://HOST:8786")] = None,
) -> None:
    """Find space-time clusters over SaTScan's own files; needs no database."""
    from surveillance.scan_files import scan_files
    from surveillance.scan_options import from_command
    from surveillance.spread import spread_over

    asked = from_command(parameters, locals())
    with spread_over(dask) as spread:
        result, warnings = scan_files(asked, out, seed=seed, threads=threads, spread=spread, maxima=maxima)
    for warning in warnings:
        say(warning)
    say(Message("{out}: {n} cụm.", out=str(out), n=len(result.clusters)))


@cli.command()
def geocode(
    table: Annotated[Path, typer.Argument(help="CSV with a column of addresses")],
    out: Annotated[Path, typer.Option(help="CSV: the same columns, units and places beside them")],
    column: Annotated[str, typer.Option(help="Column of the address")] = "address",
    commune: Annotated[
        str | None, typer.Option(help="Column of the ward or commune, if there is one")
    ] = None,
    district: Annotated[str | None, typer.Option(help="Column of the district")] = None,
    province: Annotated[str | None, typer.Option(help="Column of the province")] = None,
    date_column: Annotated[str | None, typer.Option(help="Column of the day it was written")] = None,
    on: Annotated[str | None, typer.Option(help="That day for all rows, YYYY-MM-DD; today otherwise")] = None,
    province_code: Annotated[list[str] | None, typer.Option(help="Provinces of today; repeatable")] = None,
    streets: Annotated[Path | None, typer.Option(help="Streets, from `streets import`")] = None,
    boundaries: Annotated[Path | None, typer.Option(help="Boundaries of today's communes")] = None,
) -> None:
    """Find units and places of addresses in a plain file; needs no database."""
    from geodata.geocode_files import Columns, geocode_file, geocoder_for

    codes = province_code or [Deployment.load(os.environ.get("CANHDICH_DEPLOYMENT", "hcmc")).province_code]
    day = date.fromisoformat(on) if on else date.today()
    geocoder = geocoder_for(codes, streets=streets, boundaries=boundaries, on=day)
    columns = Columns(address=column, commune=commune, district=district, province=province, date=date_column)
    counts = geocode_file(table, out, columns, geocoder)
    levels = ", ".join(f"{level} {number}" for level, number in sorted(counts.items()))
    say(Message("{out}: {n} địa chỉ ({levels}).", out=str(out), n=counts.total(), levels=levels))


@cli.command()
def demo() -> None:
    """Fill a demo city, start worker and dashboard in the background, and come back when they answer."""
    import demo as demonstration

    settings = Settings.from_environment()
    configure_logging(settings.log_level)
    demonstration.run(settings, say)


@cli.command("demo-feed", hidden=True)
def demo_feed() -> None:
    """Drop a new day's file into the inbox every minute (started by `demo`)."""
    import demo as demonstration

    settings = Settings.from_environment()
    configure_logging(settings.log_level)
    demonstration.feed(settings)


@cli.command()
def stop() -> None:
    """Stop what `demo` started here, and the private database."""
    import demo as demonstration

    settings = Settings.from_environment()
    demonstration.stop(settings, say)
    if settings.database_url is None:
        from embedded import EmbeddedPostGIS

        EmbeddedPostGIS(settings.home / "pg").stop()


def main(arguments: list[str] | None = None) -> Any:
    """Run a command; a foreseen failure ends with its sentence and exit code 1, not with a traceback."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # docs/decisions/blas-threads.md
    try:
        return cli(args=arguments)
    except MessageError as error:
        say(error.message)
    except Exception as error:
        if not _lost_database(error):
            raise
        say(Message("Không kết nối được cơ sở dữ liệu. Kiểm tra DATABASE_URL và máy chủ PostgreSQL."))
    sys.exit(1)


def _lost_database(error: Exception) -> bool:
    from sqlalchemy.exc import OperationalError

    return isinstance(error, OperationalError)


if __name__ == "__main__":
    main()
