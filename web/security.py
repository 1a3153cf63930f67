"""Headers, cookies, cross-site request forgery and the rate of sign-in attempts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_talisman import Talisman
from flask_wtf.csrf import CSRFProtect, generate_csrf

from settings import Settings

SESSION_HOURS = 12
CSRF_COOKIE = "_csrf_token"
FILES_PATHS = ("/my/shell/", "/assets/", "/_dash-component-suites/")
FILES_KEPT_S = 3600
OVERLAYS_PATH = "/api/overlays"
OVERLAY_BYTES = 9 * 1024 * 1024
"""A file of 8 MB (web/workbench/overlay_files.py) and the form around it."""


class _Sessions(SecureCookieSessionInterface):
    """None for the program's own files: they are everybody's, and a cookie renewed with each would keep browsers from
    using what they have (`Vary: Cookie`)."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return None if request.path.startswith(FILES_PATHS) else super().open_session(app, request)


def configure(server: Flask, settings: Settings) -> Limiter:
    """Cookies and CSRF; returns the limiter that routes decorate themselves with."""
    https = settings.public_url.startswith("https://")
    server.secret_key = settings.secret_key
    server.session_interface = _Sessions()
    server.config.update(
        SESSION_COOKIE_NAME="canhdich",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=SESSION_HOURS),
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
    )

    @server.before_request
    def take_larger_files() -> None:
        """Before anything reads the form."""
        if request.path == OVERLAYS_PATH:
            request.max_content_length = OVERLAY_BYTES

    CSRFProtect(server)

    @server.after_request
    def give_csrf_cookie(response: Response) -> Response:
        """Readable by our own scripts, which send it back as a header (Dash does so by itself)."""
        if response.mimetype == "text/html" and request.method == "GET":
            response.set_cookie(CSRF_COOKIE, generate_csrf(), samesite="Lax", secure=https)
        return response

    @server.after_request
    def let_browsers_keep_files(response: Response) -> Response:
        """Dash names an asset with the time it changed: that one lasts. Pictures and fonts are asked for again."""
        if request.path.startswith("/assets/") and response.status_code == 200:
            lasting = "max-age=31536000, immutable" if "m" in request.args else f"max-age={FILES_KEPT_S}"
            response.headers["Cache-Control"] = f"public, {lasting}"
        return response

    return Limiter(get_remote_address, app=server, storage_uri="memory://")


def protect(server: Flask, settings: Settings, script_hashes: Sequence[str]) -> Talisman:
    """Content security policy and its companions. Call it after all callbacks are registered.

    `script_hashes`: the one inline script Dash needs. Styles stay 'unsafe-inline' for the components.
    """
    https = settings.public_url.startswith("https://")
    policy = {
        "default-src": "'self'",
        "script-src": ["'self'", *script_hashes],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'", "data:"],
        "connect-src": "'self'",
        "worker-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return Talisman(
        server,
        content_security_policy=policy,
        force_https=https,
        session_cookie_secure=https,
        strict_transport_security=https,
        referrer_policy="same-origin",
    )
