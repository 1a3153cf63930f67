"""The officer's phone: two plain pages, their shell for use without a network, and the acts they send.

No Dash here: its scripts weigh more than a slow network carries (docs/decisions/phone.md).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request, send_file
from flask_wtf.csrf import generate_csrf

from accounts.field_acts import ActIdError
from accounts.models import Role
from accounts.service import record_access
from alerts.push_settings import parse_push
from alerts.views import unread_count
from i18n import _, current_locale
from surveillance.outbreaks.addresses import member_addresses
from surveillance.outbreaks.photos import read_photo
from surveillance.outbreaks.shapes import outlines
from surveillance.outbreaks.views import outbreaks_version
from surveillance.privacy import Vault
from web.context import context, for_roles, now, open_session, theme, viewer
from web.formats import day, level_styles
from web.outbreak_layers import PLACE_LEVELS, case_layers
from web.phone_acts import BadAct, perform
from web.phone_view import my_area, outbreak_page
from web.review_layers import ground_layer
from web.security import SESSION_HOURS

FIELD_ROLES = (Role.OFFICER, Role.ANALYST)
STATIC = Path(__file__).parent / "static/phone"
ASSETS = Path(__file__).parent.parent / "assets"
ENGINE = Path(__file__).parent / "epimap/dist"
ENGINE_FILES = ("engine.js", "worker.js", "epimap.css")
LABEL_FONTS = {
    "noto-sans-vietnamese": "U+0102-0103 U+0110-0111 U+0128-0129 U+0168-0169 U+01A0-01A1 U+01AF-01B0 U+0300-0301"
    " U+0303-0304 U+0308-0309 U+0323 U+1EA0-1EF9 U+20AB",
    "noto-sans-latin": "U+0000-00FF U+2000-206F U+20AC U+2122 U+2212",
}
"""As web/epimap/build.mjs cuts them."""
_ICONS = (
    "bell",
    "check",
    "chevron-right",
    "clock",
    "logout",
    "map",
    "map-pin",
    "moon",
    "sun",
    "user",
    "virus",
)
SHELL = {
    **{name: STATIC / name for name in ("phone.css", "queue.js", "phone.js", "icon-192.png")},
    **{name: ASSETS / name for name in ("app.css", "push.js", "logo.svg")},
    **{f"icons/{name}.svg": ASSETS / f"icons/{name}.svg" for name in _ICONS},
}
"""What a page needs to stand, below /my/shell/VERSION/: kept by the browser and by the service worker."""

FONTS = {f"fonts/{path.name}": path for path in (ASSETS / "fonts").glob("*.woff2")}
"""Of app.css, which a browser may ask for before phone.css has said that the phone's own font will do."""

blueprint = Blueprint("phone", __name__)


@blueprint.get("/my")
@for_roles(*FIELD_ROLES)
def my_page() -> Response:
    with open_session() as session:
        area = my_area(session)
        return _page("my.html", area=area, push=_push_key())


@blueprint.get("/my/outbreaks/<int:outbreak_id>")
@for_roles(*FIELD_ROLES)
def my_outbreak(outbreak_id: int) -> Response:
    with open_session() as session:
        shown = outbreak_page(session, outbreak_id)
    if shown is None:
        abort(404)
    return _page("my_outbreak.html", shown=shown)


@blueprint.get("/api/my/who")
def who_am_i() -> Response:
    """Before a phone sends what it kept: whose session this is, and the token to send with."""
    return _unkept(jsonify(user=_user_tag(), csrf=generate_csrf()))


@blueprint.post("/api/my/acts")
@for_roles(*FIELD_ROLES)
def act() -> tuple[Response, int] | Response:
    """One act, as JSON; a photo comes as a form with the file `photo`."""
    upload = request.files.get("photo")
    data = request.form.to_dict() if upload else request.get_json(silent=True)
    try:
        with open_session() as session:
            done = perform(session, data, upload.read() if upload else None)
            done["unread"] = unread_count(session, viewer().id)
    except (BadAct, ActIdError) as wrong:
        return jsonify(state="refused", text=str(wrong.message)), 400
    return _unkept(jsonify(done))


@blueprint.post("/api/my/outbreaks/<int:outbreak_id>/addresses")
@for_roles(*FIELD_ROLES)
def addresses(outbreak_id: int) -> Response:
    """Where the cases of one's own area live; reading it is written down, and no page keeps it."""
    who, vault = viewer(), Vault.of(context().settings.secret_key)
    with open_session() as session:
        found = member_addresses(session, outbreak_id, area_ids=who.area_ids, vault=vault)
        if not found:
            abort(404)
        detail = {"outbreak": outbreak_id, "cases": len(found)}
        record_access(session, who.id, "outbreak.addresses", detail, now(session))
    cases = [
        {
            "case": _("Ca {id}", id=str(case.case_id)),
            "day": _("mắc bệnh {day}", day=day(case.event_date)),
            "address": case.address or _("không có địa chỉ; vị trí {level}", level=PLACE_LEVELS[case.place_level]),
        }
        for case in found
    ]  # fmt: skip
    return _unkept(jsonify(cases=cases))


@blueprint.get("/api/my/outbreaks/<int:outbreak_id>/map")
@for_roles(*FIELD_ROLES)
def map_of(outbreak_id: int) -> Response:
    """What the map component draws; the places themselves come from /api/outbreaks, which writes down who looked."""
    with open_session() as session:
        area = next(outlines(session, area_ids=viewer().area_ids, outbreak_id=outbreak_id), None)
        if area is None:
            abort(404)
        ground = ground_layer(session, theme(), interactive=False)
        layers = [ground, *case_layers(theme(), outbreak_id, outbreaks_version(session), "")]
    files = {name: f"/my/map/{name}?v={_digest(ENGINE / name)}" for name in ENGINE_FILES}
    fonts = [
        {"url": f"/my/map/{name}.woff2", "unicode-range": spans.split()}
        for name, spans in LABEL_FONTS.items()
    ]
    told = {
        "layers": layers,
        "bounds": area.bounds,
        "dark": theme() == "dark",
        "files": files,
        "fonts": fonts,
    }
    return _unkept(jsonify(told))


@blueprint.get("/my/map/<name>")
@for_roles(*FIELD_ROLES)
def map_file(name: str) -> Response:
    """The engine of the map component, without Dash around it."""
    kinds = {"js": "text/javascript", "css": "text/css", "woff2": "font/woff2"}
    path = ENGINE / name
    if name not in {file.name for file in ENGINE.iterdir()} or path.suffix[1:] not in kinds:
        abort(404)
    response = Response(path.read_bytes(), mimetype=kinds[path.suffix[1:]])
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


@blueprint.get("/my/photos/<int:photo_id>.jpg")
@for_roles(*FIELD_ROLES)
def photo(photo_id: int) -> Response:
    who, vault = viewer(), Vault.of(context().settings.secret_key)
    with open_session() as session:
        found = read_photo(session, photo_id, area_ids=who.areas, vault=vault)
        if found is None:
            abort(404)
        record_access(
            session, who.id, "outbreak.photo", {"outbreak": found[0], "photo": photo_id}, now(session)
        )
    return _unkept(Response(found[1], mimetype="image/jpeg"))


@blueprint.get("/sw.js")
def service_worker() -> Response:
    """At the root, so that it sees signing out everywhere. Not cached: browsers compare it byte by byte."""
    text = (STATIC / "sw.js").read_text(encoding="utf-8")
    words = {
        "offline": _("Đang ngoại tuyến"),
        "nothing": _("Trang này chưa được tải trên máy, hoặc phiên làm việc đã hết. Hãy mở lại khi có mạng."),
        "again": _("Thử lại"),
    }
    head = f"const VERSION = {_js(shell_version())};\nconst SHELL = {_js(list(SHELL))};\nconst WORDS = {_js(words)};\n"
    response = Response(head + text, mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/my/manifest.webmanifest")
def manifest() -> Response:
    icons: list[dict[str, str]] = [
        {"src": f"/static/phone/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": use}
        for size, use in ((192, "any"), (512, "any"), (512, "maskable"))
    ]  # fmt: skip
    content = {
        "id": "/my",
        "name": _("Canh Dịch: Địa bàn của tôi"),
        "short_name": "Canh Dịch",
        "lang": current_locale(),
        "start_url": "/my",
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#1660b8",
        "icons": icons,
    }
    response = Response(_js(content), mimetype="application/manifest+json")
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/my/shell/<version>/<path:name>")
def shell_file(version: str, name: str) -> Response:
    """A file under the name of its version never changes; under an older one it is asked for again."""
    path = SHELL.get(name) or FONTS.get(name)
    if path is None:  # no page of words: it would need the session these addresses have not (web/security.py)
        return Response(status=404, mimetype="text/plain")
    response = send_file(path)
    lasting = "public, max-age=31536000, immutable" if version == shell_version() else "no-cache"
    response.headers["Cache-Control"] = lasting
    return response


@cache
def shell_version() -> str:
    """Changes with any file of the shell, and with the worker."""
    parts = [path.read_bytes() for path in (*SHELL.values(), STATIC / "sw.js")]
    return sha256(b"\0".join(parts)).hexdigest()[:12]


def _page(template: str, **values: Any) -> Response:
    """With what the service worker needs to know: whose page it is, and until when it may be shown offline."""
    until = datetime.now(UTC) + timedelta(hours=SESSION_HOURS)
    html = render_template(
        template, _=_, language=current_locale(), theme=theme(), level_styles=level_styles(), who=viewer(),
        user_tag=_user_tag(), version=shell_version(), title=context().settings.deployment.title[current_locale()],
        **values,
    )  # fmt: skip
    response = _unkept(Response(html, mimetype="text/html"))
    response.headers["X-Phone-User"] = _user_tag()
    response.headers["X-Phone-Until"] = str(int(until.timestamp() * 1000))
    return response


def _user_tag() -> str:
    """Tells one person's kept pages and acts from another's on the same phone, and says nothing else."""
    return Vault.of(context().settings.secret_key).digest("phone", str(viewer().id)).hex()


def _push_key() -> str:
    push = parse_push(context().settings)
    return push.public_key if push is not None else ""


@cache
def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()[:12]


def _unkept(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _js(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
