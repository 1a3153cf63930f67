"""Where the figures come from: files read, rows set aside and why, each source's quality, the jobs behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from dash import MATCH, Dash, Input, Output, ctx, dcc, html, no_update
from sqlalchemy.orm import Session

from accounts.models import Role
from accounts.service import record_access
from i18n import Message, _
from surveillance import jobs
from surveillance.privacy import PrivacyError, Vault
from surveillance.quality import SourceQuality, source_quality
from surveillance.runs import (
    QuarantinedRow,
    RunSummary,
    recent_runs,
    rejected_rows,
    reveal_value,
    run_detail,
    set_aside_files,
)
from surveillance.sources.mapping import load_mappings
from web.context import context, for_roles, local, now, open_session, viewer
from web.formats import ago, count, empty, facts, icon, link, moment, stored, table

RUNS = 60
ROWS_PER_PAGE = 100
QUALITY_DAYS = 28
STATES = {
    "done": (Message("Đã đọc xong"), "is-ok"),
    "running": (Message("Đang đọc"), ""),
    "failed": (Message("Không đọc được"), "is-bad"),
    "undone": (Message("Đã rút lại"), "is-warn"),
}
JOB_NAMES = {
    "collect": Message("Nhận tệp"),
    "review": Message("Đọc địa chỉ chờ xem"),
    "analyse": Message("Phân tích số ca"),
    "outbreaks": Message("Tìm ổ dịch"),
    "outbreak_check": Message("Đối chiếu ổ dịch hằng đêm"),
    "clusters": Message("Tìm cụm ca"),
    "forecast": Message("Dự báo"),
    "reconcile": Message("Xếp mức và mở cảnh báo"),
    "deliver": Message("Gửi thông báo"),
    "reports": Message("Lập báo cáo"),
    "housekeeping": Message("Dọn dẹp"),
}


def layout(rest: str = "", **_query: str) -> Any:
    return html.Div(
        [
            dcc.Location(id="data-url", refresh="callback-nav"),
            html.Div(html.Div(className="skeleton page-skeleton"), id="data-content"),
        ],
        className="page",
    )


def register(app: Dash) -> None:
    app.callback(Output("data-content", "children"), Input("data-url", "search"), Input("version", "data"))(
        draw
    )
    app.callback(
        Output({"part": "value", "row": MATCH}, "children"),
        Input({"part": "reveal", "row": MATCH}, "n_clicks"),
        prevent_initial_call=True,
    )(reveal)


@for_roles(Role.ANALYST, Role.MANAGER)
def draw(search: str | None, _version: str | None) -> Any:
    """One run when the URL names one, else everything at a glance."""
    query = dict(parse_qsl((search or "").lstrip("?")))
    run, page = query.get("run", ""), query.get("page", "0")
    with open_session() as session:
        if run.isdigit():
            return _run_page(session, int(run), int(page) if page.isdigit() else 0)
        return _overview(session)


@for_roles(Role.ANALYST)
def reveal(clicks: int | None) -> Any:
    """What stood in a rejected row. Personal data: written down before it is shown."""
    if not clicks or not isinstance(ctx.triggered_id, dict):
        return no_update
    rejected_id = int(ctx.triggered_id["row"])
    with open_session() as session:
        record_access(
            session, viewer().id, "rejected_row.reveal", {"rejected_row": rejected_id}, datetime.now(UTC)
        )
    with open_session() as session:
        try:
            found = reveal_value(session, rejected_id, Vault.of(context().settings.secret_key))
        except PrivacyError as error:
            return html.Span(str(error.message), className="form-error", role="alert")
    if found is None:
        return _("Dòng này không còn.")
    return [html.Strong(found.value or _("(để trống)")), _whole_row(found.raw)]


def _whole_row(raw: dict[str, str]) -> html.Details:
    pairs = [(name, value) for name, value in raw.items() if value]
    return html.Details([html.Summary(_("Cả dòng")), facts(pairs)], className="more")


# --- overview --------------------------------------------------------------------------------------------


def _overview(session: Session) -> list[Any]:
    current = now(session)
    since = local(current).date() - timedelta(days=QUALITY_DAYS - 1)
    aside = set_aside_files(session)
    runs = recent_runs(session, RUNS)
    return [
        html.Div(
            [
                html.H1(_("Dữ liệu"), className="page-title"),
                link(_("Cảnh báo có đáng tin không"), "/scorecard"),
            ],
            className="page-head",
        ),
        *_jobs(datetime.now(UTC)),
        html.H2(_("Nguồn dữ liệu, {n} ngày qua", n=QUALITY_DAYS), className="section-title"),
        _quality(source_quality(session, since=since, now=current), current),
        *(_aside(aside) if aside else []),
        html.H2(_("Tệp đã đọc"), className="section-title"),
        _runs(runs) if runs else empty(_("Chưa có tệp nào. Hãy thả tệp vào thư mục nhận.")),
    ]


def _jobs(at: datetime) -> list[Any]:
    """Green and quiet when all is well; each late job by name when not."""
    health = jobs.health(context().engine, at)
    if not health["jobs"]:
        return [_strip("is-warn", _("Phần xử lý nền chưa từng chạy: dữ liệu mới chưa được đọc."), [])]
    late = [name for name, job in health["jobs"].items() if job["late"]]
    text = (
        _("Xử lý nền bị trễ: {jobs}.", jobs=", ".join(job_name(name) for name in late))
        if late
        else _("Xử lý nền đang chạy đều.")
    )
    said = jobs.failures(context().engine)
    rows = [
        (job_name(name), _ago(job["last_success_at"], at), [_late_chip(job["late"]), " ", said.get(name, "")])
        for name, job in health["jobs"].items()
    ]
    return [_strip("is-bad" if late else "is-ok", text, rows)]


def _strip(tone: str, text: str, rows: list[Any]) -> html.Details:
    detail = [table([_("Công việc"), _("Lần chạy tốt gần nhất"), _("Tình trạng")], rows)] if rows else []
    summary = html.Summary([html.Span(className=f"status-dot {tone}"), text])
    return html.Details([summary, *detail], className=f"card health {tone}", open=tone == "is-bad")


def job_name(name: str) -> str:
    return str(JOB_NAMES.get(name, name))


def _ago(iso: str | None, at: datetime) -> str:
    return ago(at - datetime.fromisoformat(iso)) if iso else _("chưa lần nào")


def _late_chip(late: bool) -> html.Span:
    return html.Span(_("trễ") if late else _("tốt"), className=f"status-chip {'is-bad' if late else 'is-ok'}")


def _quality(sources: list[SourceQuality], current: datetime) -> Any:
    if not sources:
        return empty(_("Chưa có nguồn nào gửi tệp."))
    head = [
        _("Nguồn"), _("Tệp cuối"), _("Số ca"), _("Dòng bị loại"), _("Có ngày khởi phát"),
        _("Có xã, phường"), _("Có tuổi"), _("Trễ báo cáo (ngày)"),
    ]  # fmt: skip
    rows = [
        (
            source_title(q.source),
            _since(q.last_file_at, current),
            count(q.rows),
            count(q.rejected),
            _share(q.with_onset),
            _share(q.with_commune),
            _share(q.with_age),
            count(q.median_delay_days, 1),
        )
        for q in sources
    ]
    return html.Div(table(head, rows, numeric=(2, 3, 4, 5, 6, 7)), className="card")


def _since(at: datetime | None, current: datetime) -> str:
    return ago(current - at) if at else "–"


def _share(part: float | None) -> str:
    return "–" if part is None else f"{count(100 * part)} %"


def source_title(name: str) -> str:
    return _source_titles(context().settings.deployment.sources).get(name, name)


@cache
def _source_titles(names: tuple[str, ...]) -> dict[str, str]:
    return {mapping.name: mapping.title for mapping in load_mappings(names)}


def _aside(files: list[Any]) -> list[Any]:
    rows = [(file.name, moment(file.received_at), stored(file.reason)) for file in files]
    return [
        html.H2(_("Tệp để riêng, cần sửa rồi gửi lại ({n})", n=len(files)), className="section-title"),
        html.Div(table([_("Tệp"), _("Nhận lúc"), _("Vì sao")], rows), className="card is-warn"),
    ]


def _runs(runs: list[RunSummary]) -> html.Div:
    head = [
        _("Tệp"), _("Đọc lúc"), _("Tình trạng"), _("Mới"), _("Được sửa"), _("Như cũ"), _("Bị loại"), _("Chưa rõ nơi"),
    ]  # fmt: skip
    rows = [
        (
            html.Div(
                [
                    link(run.file_name, f"/data?run={run.id}"),
                    html.Div(source_title(run.source), className="dim"),
                ]
            ),
            moment(run.known_at or run.started_at),
            _state_chip(run),
            count(run.rows_new),
            count(run.rows_updated),
            count(run.rows_unchanged),
            link(count(run.rows_rejected), f"/data?run={run.id}") if run.rows_rejected else "0",
            count(run.rows_unplaced),
        )
        for run in runs
    ]
    return html.Div(table(head, rows, numeric=(3, 4, 5, 6, 7)), className="card")


def _state_chip(run: RunSummary) -> html.Span:
    text, tone = STATES.get(run.state, (run.state, ""))
    return html.Span(str(text), className=f"status-chip {tone}".strip())


# --- one run ---------------------------------------------------------------------------------------------


def _run_page(session: Session, run_id: int, page: int) -> list[Any]:
    run = run_detail(session, run_id)
    back = link([icon("chevron-right"), _("Tất cả các tệp")], "/data", className="back-link")
    if run is None:
        return [back, empty(_("Không có lần đọc tệp này."))]
    rows = rejected_rows(session, run_id, ROWS_PER_PAGE, page * ROWS_PER_PAGE)
    return [
        back,
        html.Div([html.H1(run.file_name, className="page-title"), _state_chip(run)], className="page-head"),
        html.Div(_run_facts(run), className="card"),
        html.H2(_("Dòng bị loại ({n})", n=count(run.rows_rejected)), className="section-title"),
        _rejected(rows, run, page) if rows else empty(_("Tệp này không có dòng nào bị loại.")),
    ]


def _run_facts(run: RunSummary) -> html.Dl:
    pairs: list[tuple[str, Any]] = [
        (_("Nguồn"), source_title(run.source)),
        (_("Đọc xong lúc"), moment(run.finished_at)),
        (_("Số dòng"), count(run.rows_total)),
        (_("Ca mới"), count(run.rows_new)),
        (_("Ca được sửa"), count(run.rows_updated)),
        (_("Như cũ"), count(run.rows_unchanged)),
        (_("Chưa rõ xã, phường"), count(run.rows_unplaced)),
        (_("Dấu vân tay của tệp"), html.Span(run.sha256[:16], className="mono", title=run.sha256)),
    ]
    if run.note:
        pairs.append((_("Ghi chú"), stored(run.note)))
    return facts(pairs)


def _rejected(rows: list[QuarantinedRow], run: RunSummary, page: int) -> html.Div:
    may_reveal = viewer().role is Role.ANALYST
    head = [_("Dòng"), _("Cột"), _("Vì sao, sửa thế nào"), _("Giá trị")]
    body = [(count(row.row), row.column or "–", stored(row.reason), _value(row, may_reveal)) for row in rows]
    more = []
    if page:
        more.append(link(_("Trang trước"), f"/data?run={run.id}&page={page - 1}", className="button"))
    if len(rows) == ROWS_PER_PAGE:
        more.append(link(_("Trang sau"), f"/data?run={run.id}&page={page + 1}", className="button"))
    return html.Div(
        [table(head, body, numeric=(0,)), html.Div(more, className="dialog-actions")], className="card"
    )


def _value(row: QuarantinedRow, may_reveal: bool) -> Any:
    """Masked until an analyst asks for it."""
    if not may_reveal:
        return html.Span("••••", className="dim", title=_("Chỉ chuyên viên phân tích được xem."))
    button = html.Button(
        _("Hiện"),
        id={"part": "reveal", "row": row.id},
        className="link-button",
        type="button",
        title=_("Lần xem này được ghi lại."),
    )
    return html.Div(["•••• ", button], id={"part": "value", "row": row.id})
