"""Signing in and out, the gate in front of everything, and the language and theme of a visitor."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_limiter import Limiter
from flask_login import LoginManager, current_user, login_user, logout_user
from werkzeug.wrappers import Response as BaseResponse

from accounts.models import Role, User
from accounts.service import first_user_of_each_role, use_language, verify
from alerts.levels import THEMES
from i18n import LOCALES, Message, _, current_locale, use_locale
from web.context import context, load_viewer, open_session, theme, viewer
from web.formats import level_styles

OPEN_PATHS = (
    "/login",
    "/cap/",
    "/assets/",
    "/_dash-component-suites/",
    "/_favicon.ico",
    "/favicon.ico",
    "/healthz",
    "/metrics",
    "/preferences",
    "/api/receipts/",
    "/static/",
    "/sw.js",
    "/my/shell/",
    "/my/manifest.webmanifest",
    "/embed/",
)
LANDING = {Role.OFFICER: "/my", Role.ANALYST: "/map", Role.MANAGER: "/reports"}
ROLE_NAMES = {
    Role.ANALYST: Message("Chuyên viên phân tích"),
    Role.OFFICER: Message("Cán bộ địa bàn"),
    Role.MANAGER: Message("Lãnh đạo"),
}
ROLE_HINTS = {
    Role.ANALYST: Message("Bản đồ, cảnh báo và dữ liệu của cả thành phố"),
    Role.OFFICER: Message("Cảnh báo của địa bàn mình phụ trách"),
    Role.MANAGER: Message("Bản tin và báo cáo"),
}
YEAR_S = 365 * 24 * 3600

blueprint = Blueprint("auth", __name__)


class DemoUser(NamedTuple):
    username: str
    full_name: str
    role: str
    hint: str


def configure(server: Flask, limiter: Limiter) -> None:
    manager = LoginManager(
        server, add_context_processor=False
    )  # else an error page would ask the database too
    manager.session_protection = "basic"
    manager.user_loader(load_viewer)
    server.before_request(choose_language)
    server.before_request(require_sign_in)
    server.register_blueprint(blueprint)
    attempts = limiter.limit("10 per minute", methods=["POST"], error_message=_too_many_attempts)
    views: dict[str, Any] = server.view_functions
    views["auth.login"] = attempts(views["auth.login"])


def choose_language() -> None:
    """Cookie first (the visitor's last choice), Vietnamese for everyone new."""
    use_locale(request.cookies.get("language", "vi"))


def require_sign_in() -> BaseResponse | tuple[Response, int] | None:
    if request.path.startswith(OPEN_PATHS):
        return None
    if current_user.is_authenticated:
        return None
    if request.path.startswith(("/_dash", "/t/", "/api/")):
        return jsonify(error=_("Phiên làm việc đã hết. Hãy đăng nhập lại.")), 401
    return redirect(url_for("auth.login", next=request.full_path.rstrip("?")))


@blueprint.get("/")
def home() -> BaseResponse:
    return redirect(LANDING[current_user.role])


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> Any:
    if request.method == "GET":
        return redirect("/") if current_user.is_authenticated else _login_page()
    with open_session() as db:
        user = verify(db, request.form.get("username", ""), request.form.get("password", ""))
        if user is None:
            return _login_page(_("Tên đăng nhập hoặc mật khẩu không đúng.")), 401
        return _sign_in(user)


@blueprint.post("/login/demo")
def login_demo() -> Any:
    """One click, no password: only in a demonstration, whose people and data are made up."""
    if not context().settings.demo:
        abort(404)
    with open_session() as db:
        chosen = [u for u in first_user_of_each_role(db) if u.username == request.form.get("username")]
        return _sign_in(chosen[0]) if chosen else abort(404)


@blueprint.post("/logout")
def logout() -> BaseResponse:
    logout_user()
    session.clear()
    return redirect(url_for("auth.login"))


@blueprint.get("/preferences")
def preferences() -> BaseResponse:
    """Keep `language` and `theme` in cookies (and the language in the account), then go back."""
    response = redirect(_page_before())
    language, wanted_theme = request.args.get("language"), request.args.get("theme")
    if language in LOCALES:
        response.set_cookie("language", language, max_age=YEAR_S, samesite="Lax")
        if current_user.is_authenticated:
            with open_session() as db:
                use_language(db, viewer().id, language)
    if wanted_theme in THEMES:
        response.set_cookie("theme", wanted_theme, max_age=YEAR_S, samesite="Lax")
    return response


def _sign_in(user: User) -> BaseResponse:
    signed_in = load_viewer(str(user.id))
    assert signed_in is not None
    session.clear()
    session.permanent = True
    login_user(signed_in)
    response = redirect(_safe_path(request.args.get("next"), LANDING[signed_in.role]))
    if "language" not in request.cookies:
        response.set_cookie("language", signed_in.locale, max_age=YEAR_S, samesite="Lax")
    return response


def _login_page(error: str = "") -> str:
    demo_users: list[DemoUser] = []
    if context().settings.demo:
        with open_session() as db:
            demo_users = [_demo_user(user) for user in first_user_of_each_role(db)]
    deployment = context().settings.deployment
    return render_template(
        "login.html",
        _=_,
        error=error,
        demo_users=demo_users,
        place=deployment.title[current_locale()],
        language=current_locale(),
        theme=theme(),
        username=request.form.get("username", ""),
        next=_safe_path(request.args.get("next"), ""),
        level_styles=level_styles(),
    )


def _demo_user(user: User) -> DemoUser:
    role = Role(user.role)
    return DemoUser(user.username, user.full_name, str(ROLE_NAMES[role]), str(ROLE_HINTS[role]))


def _page_before() -> str:
    """The path the visitor came from, if it is ours."""
    before = urlsplit(request.referrer or "")
    if before.netloc != request.host:
        return "/"
    return _safe_path(before.path + (f"?{before.query}" if before.query else ""), "/")


def _safe_path(path: str | None, default: str) -> str:
    """`path` when it stays on this site (no scheme, no host), else `default`."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")):
        return default
    return path


def _too_many_attempts() -> str:
    return _("Đã thử quá nhiều lần. Hãy chờ một phút rồi thử lại.")
