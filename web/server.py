"""The web application: Flask below, Dash above, everything behind the sign-in gate."""

from __future__ import annotations

import secrets
from pathlib import Path
from traceback import extract_tb
from typing import Any

import structlog
from dash import Dash, set_props
from flask import Flask, Response, jsonify, render_template, request
from flask_compress import Compress
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException

from alerts.cap_settings import publication_of
from alerts.channels.outlets import connected
from i18n import _, current_locale, show_times_in
from settings import ROOT, Settings
from surveillance.columns import ColumnStore
from surveillance.diseases import load_catalogue
from surveillance.outbreaks.profiles import load_profiles, profiles_for
from web import auth, layout, routes, security, view_routes
from web.contacts import load_contacts
from web.context import Context, theme
from web.formats import failure, level_styles

log = structlog.get_logger()
DATABASE_LOST = "DB-1"
LOGGED_FRAMES = 8


class CanhDichDash(Dash):
    """Writes each visitor's language and theme into the page itself, so that nothing flickers."""

    def interpolate_index(self, *_: Any, **parts: Any) -> str:
        return render_template(
            "index.html", language=current_locale(), theme=theme(), level_styles=level_styles(), **parts
        )


def create_app(settings: Settings, engine: Engine) -> Dash:
    """The whole site, ready for a WSGI server as `create_app(…).server`."""
    show_times_in(settings.deployment.timezone)
    publication_of(settings)  # a wrong setting stops the program
    connected(settings)
    load_contacts(settings)
    server = Flask("canh-dich", root_path=str(Path(__file__).parent))
    catalogue = load_catalogue()
    diseases = {d.code: d for d in catalogue if d.code in settings.deployment.diseases}
    chosen = profiles_for(list(diseases), settings.deployment.outbreak_profiles, load_profiles())
    profiles = {profile.disease: profile for profile in chosen}
    server.extensions["canhdich"] = Context(
        settings=settings, engine=engine, diseases=diseases, profiles=profiles, columns=ColumnStore(diseases)
    )
    limiter = security.configure(server, settings)
    server.config["COMPRESS_MIMETYPES"] = [
        "text/html",
        "text/css",
        "application/json",
        "application/javascript",
        "text/javascript",
        "image/svg+xml",
        "application/vnd.mapbox-vector-tile",
    ]
    Compress(server)
    auth.configure(server, limiter)
    routes.configure(server)
    view_routes.allow_frames(server, settings.embed_origins)
    _handle_errors(server)
    options: Any = {"server": server, "update_title": None}
    app = CanhDichDash(
        __name__,
        assets_folder=str(ROOT / "assets"),
        title="Canh Dịch",
        suppress_callback_exceptions=True,
        on_error=_callback_failed,
        **options,
    )
    app.layout = layout.shell
    layout.register(app)
    security.protect(server, settings, app.csp_hashes())
    return app


def _handle_errors(server: Flask) -> None:
    server.register_error_handler(DBAPIError, _database_failed)
    server.register_error_handler(Exception, _failed)


def _database_failed(error: DBAPIError) -> Any:
    if not isinstance(error, OperationalError):
        return _failed(error)
    log.error("database.lost", path=request.path, error=type(error.orig).__name__)
    if _for_machines():
        return _error_answer(503, lost_database(), DATABASE_LOST)
    return _error_answer(503, _("Mất kết nối cơ sở dữ liệu, đang thử lại."), DATABASE_LOST)


def _failed(error: Exception) -> Any:
    if isinstance(error, HTTPException):
        return _error_answer(error.code or 500, _http_text(error.code or 500), f"HTTP-{error.code}")
    return _error_answer(500, unexpected(), log_failure(error, request.path))


def log_failure(error: BaseException, where: str) -> str:
    """Write the failure to the log under a new code; returns the code to show.

    Where in the code, never the error's text or values: they may name a person.
    """
    code = f"APP-{secrets.token_hex(3).upper()}"
    frames = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in extract_tb(error.__traceback__)]
    log.error(
        "web.failed", code=code, where=where, error=type(error).__name__, frames=frames[-LOGGED_FRAMES:]
    )
    return code


def lost_database() -> str:
    return _("Mất kết nối cơ sở dữ liệu, đang thử lại. Số liệu đang hiện là số liệu cũ.")


def unexpected() -> str:
    return _("Có lỗi trong hệ thống. Hãy thử lại; nếu vẫn lỗi, báo mã này cho người quản trị.")


def _http_text(code: int) -> str:
    return {
        400: _("Yêu cầu không hợp lệ hoặc trang đã mở quá lâu. Hãy tải lại trang."),
        403: _("Tài khoản này không có quyền xem mục này."),
        404: _("Không có trang này."),
        413: _("Tệp quá lớn. Hãy chọn tệp nhỏ hơn."),
        429: _("Đã thử quá nhiều lần. Hãy chờ một phút rồi thử lại."),
    }.get(code, _("Máy chủ không thực hiện được yêu cầu này."))


def _for_machines() -> bool:
    return request.path.startswith(("/_dash", "/t/", "/api/", "/cap/", "/healthz", "/metrics"))


def _error_answer(status: int, text: str, code: str) -> Any:
    if _for_machines():
        return jsonify(error=text, code=code), status
    page = render_template(
        "error.html",
        _=_,
        text=text,
        code=code,
        language=current_locale(),
        theme=theme(),
        retry=status == 503,
        level_styles=level_styles(),
    )
    return Response(page, status, mimetype="text/html")


def _callback_failed(error: Exception) -> None:
    """Tell the visitor in the page's notice; what stands on the page stays, since it was right before."""
    if isinstance(error, HTTPException):
        raise error
    if isinstance(error, OperationalError):
        log.error("database.lost", path=request.path, error=type(error.orig).__name__)
        set_props("notice", {"children": failure(lost_database(), DATABASE_LOST)})
        return
    set_props("notice", {"children": failure(unexpected(), log_failure(error, request.path))})
