"""Every word a person reads is there in Vietnamese and English."""

from __future__ import annotations

import ast
import re
import tomllib
import unicodedata
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from i18n import Message, catalogue

ROOT = Path(__file__).parent.parent
PACKAGES = ("i18n", "geodata", "accounts", "surveillance", "alerts", "reports", "web")
PLACEHOLDER = re.compile(r"{(\w+)")


DATA = {  # names, keyboards and file layouts, not sentences
    "alerts/short_text.py",
    "demo.py",
    "demo_people.py",
    "demo_plan.py",
    "reports/duty_docx.py",
    "reports/duty_forms.py",
    "geodata/coordinates.py",
    "geodata/registry.py",
    "geodata/text.py",
    "surveillance/hcdc_layout.py",
    "surveillance/investigation_layout.py",
    "surveillance/sources/legacy_text.py",
    "web/figures.py",
    "web/grids.py",
    "web/server.py",
}
LETTERS = set("ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ")


def marked_msgids() -> set[str]:
    """What code and templates pass to `_` and `Message`."""
    keywords = {"_": None, "Message": None}
    methods = [("**.py", "python"), ("**.html", "jinja2")]
    found = (
        str(message[2])
        for folder in PACKAGES
        for message in extract_from_dir(ROOT / folder, methods, keywords=keywords)
    )
    return {text for text in found if text != "lacking"}  # the subscript in Message(EARS_LACK[lacking])


def texts_in_code() -> dict[str, str]:
    """Every string constant of the program that is not a docstring, with the file it stands in."""
    found: dict[str, str] = {}
    for file in [
        *ROOT.glob("*.py"),
        *(path for folder in PACKAGES for path in (ROOT / folder).rglob("*.py")),
    ]:
        if "node_modules" in file.parts:
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                found.setdefault(node.value, str(file.relative_to(ROOT)))
    return found


def needs_of_policy() -> set[str]:
    policy = tomllib.loads((ROOT / "alerts" / "policy.toml").read_text(encoding="utf-8"))
    return {rule["needs"] for rule in policy["rule"]}


def test_every_vietnamese_sentence_has_an_english_one() -> None:
    sentences = {
        text for text, file in texts_in_code().items() if set(text.lower()) & LETTERS and file not in DATA
    }
    missing = sorted((sentences | marked_msgids() | needs_of_policy()) - set(catalogue("en")))
    assert not missing, f"{len(missing)} without English: {missing[:20]}"


def test_no_english_sentence_is_left_over() -> None:
    with (ROOT / "i18n" / "en.po").open("rb") as file:
        ids = [str(m.id) for m in read_po(file) if m.id]
    assert len(ids) == len(set(ids))
    left_over = sorted(set(ids) - set(texts_in_code()) - marked_msgids() - needs_of_policy())
    assert not left_over, left_over


@pytest.mark.parametrize("msgid", sorted(catalogue("en")))
def test_both_languages_name_the_same_values(msgid: str) -> None:
    assert set(PLACEHOLDER.findall(msgid)) == set(PLACEHOLDER.findall(catalogue("en")[msgid]))
    assert unicodedata.is_normalized("NFC", msgid)


def test_dates_and_numbers_follow_the_language() -> None:
    message = Message("{day}: {n} / {x}", day=date(2026, 9, 2), n=12345, x=61.25)
    assert message.render("vi") == "02/09/2026: 12.345 / 61,25"
    assert message.render("en") == "02/09/2026: 12,345 / 61.25"


def test_a_message_inside_a_message_is_rendered_in_the_same_language() -> None:
    inner = Message("không đủ dữ liệu")
    assert Message("{file}: {reason}", file="a.xlsx", reason=inner).render("en") == "a.xlsx: not enough data"


values = st.one_of(
    st.text(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.datetimes(timezones=st.just(ZoneInfo("UTC"))),
    st.booleans(),
)


@given(st.dictionaries(st.text("abc", min_size=1), values))
def test_a_stored_message_comes_back_as_it_was(given_values: dict[str, object]) -> None:
    message = Message("x", **given_values, inner=Message("y", at=datetime(2026, 1, 1)))
    assert Message.from_json(message.to_json()) == message
