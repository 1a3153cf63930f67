import io, os
from datetime import timedelta
import pytest
from PIL import Image
from sqlalchemy import select
from playwright.sync_api import expect
from tests.test_dashboard import site, visitor, sign_in, browser_type_launch_args, city, settings
from db import session_scope
from alerts import inbox
from alerts.models import Alert
from alerts.attachments import attach
from alerts.engine import reconcile
from alerts.passport import DiseaseFacts
from alerts.rules import default_policy
from accounts.models import User
from surveillance.privacy import Vault
from tests.web_city import NOW, _square, _signal
from dataclasses import replace

OUT = "/tmp/me/life"
os.makedirs(OUT, exist_ok=True)


def test_shots(visitor, site, city, engine, settings):
    with session_scope(engine) as s:
        units = [_square(s, f"Tân Sơn Nhì {i}", 6 + i) for i in range(7)]
        ids = [u.id for u in units] + [city["Ô 1"].id]
        ev = []
        from sqlalchemy import text

        for i, u in enumerate(ids):
            ev.append(_signal(u, 4 if i % 3 == 0 else 2))
        ev.append(_signal(city["Ô 0"].id, 4))
        sh = [city["Ô 1"].id, ids[0], ids[1]]
        ev += [
            replace(
                _signal(u, 2),
                method="outbreak",
                status=None,
                detail={"shared": [sh]},
                observed=5.0,
                upperbound=None,
            )
            for u in sh
        ]
        facts = DiseaseFacts(
            code="dengue",
            name_vi="Sốt xuất huyết",
            name_en="Dengue",
            group="B",
            endemic=True,
            display_floor=0,
        )
        reconcile(
            s,
            evidence=ev,
            policy=default_policy(),
            diseases={"dengue": facts},
            silent=[],
            now=NOW + timedelta(minutes=5),
            code_version="test",
        )
        off = s.scalars(select(User).where(User.username == "officer")).one()
        ana = s.scalars(select(User).where(User.username == "analyst")).one()
        off.full_name, ana.full_name = "Trần Thị Hoa", "Nguyễn Văn Bình"
        a1 = city["Ô 1"].alert_id
        inbox.acknowledge(s, a1, user=ana, now=NOW)
        inbox.conclude(
            s, a1, user=ana, outcome="data_error", comment="Bệnh viện báo nhập nhầm mã xã", now=NOW
        )
        inbox.reopen(
            s, a1, user=ana, reason="Bệnh viện xác nhận lại: mã xã đúng", now=NOW + timedelta(minutes=9)
        )
        inbox.assign(s, a1, user=ana, to=off.id, note="Nhờ chị xem tại chỗ", now=NOW + timedelta(minutes=10))
        out = io.BytesIO()
        Image.effect_noise((1200, 900), 60).convert("RGB").save(out, "JPEG")
        attach(
            s,
            a1,
            out.getvalue(),
            user=off,
            vault=Vault.of(settings.secret_key),
            now=NOW + timedelta(minutes=12),
        )
        attach(
            s,
            a1,
            b"%PDF-1.4 x %%EOF",
            user=off,
            vault=Vault.of(settings.secret_key),
            now=NOW + timedelta(minutes=12),
        )
        for alert in s.scalars(select(Alert).where(Alert.unit_id.in_(ids[1:3]))):
            inbox.assign(s, alert.id, user=ana, to=ana.id, now=NOW)
    sign_in(visitor, site, "analyst")
    visitor.goto(f"{site.url}/alerts")
    visitor.wait_for_timeout(2500)
    boxes = visitor.locator(".ag-row .ag-checkbox-input")
    boxes.nth(0).click()
    boxes.nth(1).click()
    visitor.keyboard.press("Escape")
    visitor.wait_for_timeout(500)
    visitor.screenshot(path=f"{OUT}/list-desktop.png")
    visitor.goto(f"{site.url}/alerts?tab=checking&alert={a1}")
    visitor.wait_for_timeout(3000)
    visitor.screenshot(path=f"{OUT}/detail-desktop.png")
    visitor.get_by_role("button", name="Bắt đầu kiểm tra").click()
    visitor.wait_for_timeout(1500)
    visitor.get_by_role("button", name="Kết luận…").click()
    visitor.wait_for_timeout(800)
    visitor.get_by_label("Trùng với cảnh báo khác").click()
    visitor.wait_for_timeout(500)
    visitor.screenshot(path=f"{OUT}/close-desktop.png")
    visitor.keyboard.press("Escape")
    visitor.wait_for_timeout(500)
    visitor.get_by_role("button", name="Giao cho…").first.click(force=True)
    visitor.wait_for_timeout(800)
    visitor.screenshot(path=f"{OUT}/assign-desktop.png")
    visitor.context.clear_cookies()
    visitor.set_viewport_size({"width": 390, "height": 844})
    sign_in(visitor, site, "officer")
    visitor.goto(f"{site.url}/alerts?tab=mine")
    visitor.wait_for_timeout(2500)
    visitor.screenshot(path=f"{OUT}/list-phone.png")
    visitor.goto(f"{site.url}/alerts?tab=mine&alert={a1}")
    visitor.wait_for_timeout(3000)
    visitor.screenshot(path=f"{OUT}/detail-phone.png")
    visitor.locator("#page, main, .page-slot").first.evaluate("e => 0")
    visitor.locator("#alert-comment-form").scroll_into_view_if_needed()
    visitor.wait_for_timeout(700)
    visitor.screenshot(path=f"{OUT}/detail-phone-2.png")
    visitor.get_by_text("Ảnh và tệp").scroll_into_view_if_needed()
    visitor.wait_for_timeout(500)
    visitor.screenshot(path=f"{OUT}/detail-phone-3.png")
    visitor.get_by_role("button", name="Kết luận…").click()
    visitor.wait_for_timeout(800)
    visitor.screenshot(path=f"{OUT}/close-phone.png")
    print(site.complaints)
