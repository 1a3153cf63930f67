"""What an officer reads: where, how serious, why, what to do, and by when; the same in text and HTML."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest

from alerts.lifecycle import Kind
from alerts.messages import EventFacts, compose, deadline
from alerts.passport import Evidence, Passport
from i18n import Message
from surveillance.types import StatutoryStatus
from tests.alerting import NOW, signal

HCMC = ZoneInfo("Asia/Ho_Chi_Minh")
URL = "https://canhdich.example.org"
EPIDEMIC = Passport(
    as_of=NOW,
    policy_version="t",
    policy_hash="h",
    code_version="c",
    disease="dengue",
    disease_names={"vi": "Sốt xuất huyết Dengue", "en": "Dengue"},
    unit_id=1,
    unit_name="Phường Sài Gòn",
    level_before=3,
    level=4,
    status_before=StatutoryStatus.WARNING,
    status=StatutoryStatus.EPIDEMIC,
    status_since=NOW,
    outbreak_since=None,
    notice_due=NOW + timedelta(hours=24),
    handling_due=NOW + timedelta(hours=48),
    methods=("statutory_month",),
    reasons=(Message("Từ đầu tháng có {observed} ca.", observed=40.0),),
    why_not_higher=Message("Đây là mức cao nhất."),
    why_not_lower=Message("Đây là mức cao nhất."),
    evidence=(Evidence.of(signal(1, "statutory_month", observed=40, upper=25.25)),),
)


def facts(passport: Passport = EPIDEMIC, kind: Kind = Kind.RAISED) -> EventFacts:
    return EventFacts(
        alert_id=7,
        kind=kind,
        at=NOW,
        sentence=Message(
            "Nâng từ mức {before} lên mức {level}.", before=Message("Cao"), level=Message("Rất cao")
        ),
        passport=passport,
        timezone=HCMC,
    )


def words(text: str) -> list[str]:
    return text.split()


def visible(html: str) -> str:
    body = html[html.index("<body") :]
    return unescape(re.sub(r"<[^>]+>", " ", body))


def test_the_subject_begins_with_the_level_and_names_the_duty() -> None:
    assert compose(facts(), "vi", URL).subject == (
        "■ Rất cao: Sốt xuất huyết Dengue — Phường Sài Gòn (có dịch)"
    )


@pytest.mark.parametrize(
    "says",
    [
        "Phường Sài Gòn",
        "■ Rất cao",
        "có dịch",
        "40 ca, ngưỡng 25,2",
        "Nâng từ mức Cao lên mức Rất cao.",
        "Từ đầu tháng có 40 ca.",
        "Mẫu 01, Điều 26 Thông tư 15/2026/TT-BYT), hạn chót 08:00 16/07.",
        "bắt đầu xử lý, hạn chót 08:00 17/07.",
        "08:00 15/07/2026",
        f"{URL}/alerts/7",
    ],
)
def test_both_forms_say(says: str) -> None:
    message = compose(facts(), "vi", URL)

    assert says in message.text
    assert " ".join(words(says)) in " ".join(words(visible(message.html)))


@pytest.mark.parametrize("locale", ["vi", "en"])
def test_text_and_html_have_the_same_content(locale: str) -> None:
    message = compose(facts(), locale, URL)

    plain = [word for word in words(message.text) if word != "-"]
    assert sorted(plain) == sorted(words(visible(message.html)))


def test_there_is_one_link() -> None:
    message = compose(facts(), "vi", URL)

    assert re.findall(r"https?://\S+", message.text) == [f"{URL}/alerts/7"]
    assert re.findall(r'href="([^"]*)"', message.html) == [f"{URL}/alerts/7"]
    assert "<img" not in message.html and "src=" not in message.html


def test_the_level_has_its_colour_symbol_and_word() -> None:
    html = compose(facts(), "vi", URL).html

    assert "#8e1116" in html and "■ Rất cao" in html


def test_names_are_escaped() -> None:
    html = compose(facts(replace(EPIDEMIC, unit_name="<b>Xã & phường</b>")), "vi", URL).html

    assert "<b>Xã" not in html
    assert "&lt;b&gt;Xã &amp; phường" in html


def test_a_line_break_in_a_name_does_not_break_the_subject() -> None:
    subject = compose(facts(replace(EPIDEMIC, unit_name="Xã A\r\nBcc: x")), "vi", URL).subject

    assert "\n" not in subject and "\r" not in subject


def test_in_english_the_disease_has_its_english_name() -> None:
    assert "Dengue — Phường Sài Gòn" in compose(facts(), "en", URL).text


def test_an_open_outbreak_is_handled_not_looked_for() -> None:
    passport = replace(EPIDEMIC, outbreak_since=NOW)

    assert "Bắt đầu xử lý ổ dịch, hạn chót 08:00 17/07." in compose(facts(passport), "vi", URL).text


def test_the_end_of_an_epidemic_asks_for_form_02() -> None:
    passport = replace(EPIDEMIC, status=StatutoryStatus.ENDED, level=3, handling_due=None)

    text = compose(facts(passport, Kind.EVIDENCE), "vi", URL).text
    assert "Mẫu 02" in text and "Mẫu 01" not in text


def test_without_a_legal_duty_there_is_no_deadline() -> None:
    passport = replace(EPIDEMIC, status=StatutoryStatus.NONE, level=3, notice_due=None, handling_due=None)

    message = compose(facts(passport), "vi", URL)
    assert "hạn chót" not in message.text
    assert message.subject == "◆ Cao: Sốt xuất huyết Dengue — Phường Sài Gòn"


def test_a_deadline_is_on_the_citys_clocks() -> None:
    assert deadline(NOW + timedelta(hours=20), HCMC) == "04:00 16/07"


def test_a_passport_survives_the_database() -> None:
    assert Passport.from_json(EPIDEMIC.to_json()) == EPIDEMIC
