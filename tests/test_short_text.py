"""A text message by the law: 160 septets of GSM 7-bit, no accents, level and area always there."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.levels import NAMES, Level
from alerts.lifecycle import STATUS_NAMES
from alerts.short_text import MOST_LINK, ShortFacts, digest_sms, gsm7, sms_link, sms_text, telex, twins
from geodata.registry import load_registry
from geodata.types import UnitLevel
from i18n import Message
from surveillance.diseases import load_catalogue

GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""3GPP TS 23.038 §6.2.1, the default alphabet without its escape (0x1B)."""
UNITS = load_registry(None).units
NAMES_OF_UNITS = sorted({unit.name for unit in UNITS})
DISEASES = [name for disease in load_catalogue() for name in (disease.name_vi, disease.name_en)]
LEVELS = [Message(NAMES[level]).render(locale) for level in Level for locale in ("vi", "en")]
STATUSES = ["", *(Message(name).render(locale) for name in STATUS_NAMES.values() for locale in ("vi", "en"))]
DUTIES = st.one_of(
    st.just(""),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(
        lambda at: f"Thông báo trước {at:%H:%M %d/%m}"
    ),
)
LINKS = st.builds(
    lambda host, id_: f"https://{host[: MOST_LINK - 28]}.vn/alerts/{id_}",
    st.from_regex(r"[a-z][a-z0-9.-]{0,80}", fullmatch=True),
    st.integers(1, 10**9),
)
FACTS = st.builds(
    ShortFacts,
    level=st.sampled_from(LEVELS),
    disease=st.sampled_from(DISEASES),
    area=st.sampled_from(NAMES_OF_UNITS),
    status=st.sampled_from(STATUSES),
    duty=DUTIES,
    link=LINKS,
)


def septets(text: str) -> int:
    """How long the network counts it; ValueError for a letter that would make it UCS-2."""
    outside = sorted(set(text) - set(GSM_BASIC))
    if outside:
        raise ValueError(f"not in the basic alphabet: {outside}")
    return len(text)


def bare(text: str) -> str:
    marks = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in marks if unicodedata.category(letter) != "Mn")


# Every name of the registry, every disease


@given(FACTS)
def test_never_longer_never_another_alphabet_never_without_level_area_and_link(facts: ShortFacts) -> None:
    text = sms_text(facts)

    assert septets(text) <= 160
    assert text.isascii()
    assert bare(facts.level).upper() in text
    assert bare(facts.area).split()[-1] in text
    assert text.endswith(f" {facts.link}")


def test_every_unit_with_every_disease_under_the_longest_link_keeps_its_whole_name() -> None:
    """All 11,000 names and more, not a sample: shortened are only the kind of unit and what is not the name."""
    link = "https://" + "x" * (MOST_LINK - 20) + "/alerts/1234"
    for area in NAMES_OF_UNITS:
        for disease in DISEASES:
            text = sms_text(
                ShortFacts("Trung bình", disease, area, "có dịch", "Thông báo trước 08:00 16/07", link)
            )
            assert septets(text) <= 160
            assert bare(area).split(" ", 1)[-1].split(" - ")[-1].split()[-1] in text


def test_two_communes_of_the_city_never_read_the_same() -> None:
    today = date(2026, 7, 15)
    communes = [
        unit
        for unit in load_registry(["79"]).units
        if unit.key.level is UnitLevel.COMMUNE and unit.key.valid_from <= today and unit.valid_to is None
    ]
    link = "https://" + "x" * (MOST_LINK - 20) + "/alerts/1234"
    alike = twins(unit.name for unit in communes)
    names = [telex(unit.name) if unit.name in alike else unit.name for unit in communes]
    texts = {sms_text(ShortFacts("Cao", "Bệnh do vi rút Chikungunya", name, "", "", link)) for name in names}

    assert alike == {"Xã Thanh An", "Xã Thạnh An"}
    assert len(communes) == len(texts) == 168


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Thạnh An", "Thanhj An"),
        ("Thanh An", "Thanh An"),
        ("Văn Lăng", "Vawn Lawng"),
        ("Ba Tơ", "Ba Tow"),
        ("Ba Tô", "Ba Too"),
        ("Đường Chữ", "DDuwowngf Chuwx"),
        ("Ấp", "Aaps"),
    ],
)
def test_telex_as_it_is_typed(name: str, typed: str) -> None:
    assert telex(name) == typed


# Any words at all


@given(st.text(max_size=200))
def test_whatever_comes_leaves_in_the_basic_alphabet(text: str) -> None:
    assert septets(gsm7(text)) == len(gsm7(text))


@given(FACTS, st.text(st.characters(min_codepoint=33, max_codepoint=0x1EF9), min_size=1, max_size=300))
def test_even_a_name_of_300_letters_leaves_room_for_level_and_link(facts: ShortFacts, area: str) -> None:
    text = sms_text(facts._replace(area=area))

    assert septets(text) <= 160
    assert bare(facts.level).upper() in text
    assert text.endswith(facts.link)


@given(st.integers(2, 10**6), LINKS)
def test_a_digest_fits_too(count: int, link: str) -> None:
    for locale in ("vi", "en"):
        words = Message("cảnh báo có thay đổi").render(locale)
        assert septets(digest_sms(count, f"{words}. ■ Trung bình", link)) <= 160


# By example


def test_the_full_form() -> None:
    facts = ShortFacts(
        "Rất cao", "Sốt xuất huyết Dengue", "Phường Sài Gòn", "có dịch", "Thông báo trước 08:00 16/07",
        "https://canhdich.example.org/alerts/12",
    )  # fmt: skip

    assert sms_text(facts) == (
        "Canh Dich: RAT CAO, Sot xuat huyet Dengue, P. Sai Gon. co dich. Thong bao truoc 08:00 16/07. "
        "https://canhdich.example.org/alerts/12"
    )


def test_what_gives_way_first() -> None:
    link = "https://" + "x" * 50 + "/alerts/12"
    facts = ShortFacts(
        "Rất cao", "Bệnh do vi rút Chikungunya", "Phường Nguyễn Thái Bình", "có dịch",
        "Thông báo trước 08:00 16/07", link,
    )  # fmt: skip
    longer = facts._replace(link="https://" + "x" * 62 + "/alerts/12")

    assert sms_text(facts).startswith(
        "Canh Dich: RAT CAO, Benh do vi rut Chikungunya, P. Nguyen Thai Binh. co dich. h"
    )
    assert "P. Nguyen Thai Binh. co dich. https" in sms_text(longer)


def test_a_link_that_leaves_no_room_is_an_error_not_a_silent_cut() -> None:
    with pytest.raises(ValueError, match="link"):
        sms_text(ShortFacts("Cao", "Sởi", "Xã A", "", "", "https://" + "x" * 100))


def test_a_tilde_of_the_extension_table_is_encoded() -> None:
    assert sms_link("https://h/~cdc/alerts/1") == "https://h/%7Ecdc/alerts/1"


def test_dashes_and_dots_of_print_become_those_of_the_alphabet() -> None:
    assert gsm7("08:00 — Đặc khu Côn Đảo…") == "08:00 - Dac khu Con Dao."
