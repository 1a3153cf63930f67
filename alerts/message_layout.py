"""How the words of a message are laid out: plain text, HTML, chat. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from alerts.levels import Colours

MOST_CHAT = 1900


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A message in one language, before it is laid out. `badge`: its level, where it has one."""

    subject: str
    badge: str
    heading: str
    sentence: str
    facts: Sequence[tuple[str, str]]
    lists: Sequence[tuple[str, Sequence[str]]]
    call: str
    link: str
    footer: str


def as_text(words: Words) -> str:
    lines = [words.heading, *([words.badge] if words.badge else []), "", words.sentence]
    lines += ["", *(f"{name}: {value}" for name, value in words.facts)] if words.facts else []
    for title, items in words.lists:
        lines += ["", title, *(f"- {item}" for item in items)]
    lines += ["", f"{words.call}:", words.link, "", words.footer]
    return "\n".join(lines) + "\n"


def as_chat(words: Words) -> str:
    """Under a heading what happened and what to do; reasons give way to the bound of Zalo (2,000 characters), which is
    below Telegram's (4,096)."""
    lists = list(words.lists)
    while True:
        parts = [words.subject, "", words.sentence]
        parts += [line for title, items in lists for line in ("", title, *(f"- {item}" for item in items))]
        text = "\n".join([*parts, "", f"{words.call}:", words.link])
        if len(text) <= MOST_CHAT or not lists:
            return text
        title, items = lists.pop(0)
        if len(items) > 1:
            lists.insert(0, (title, items[: len(items) // 2]))


def as_html(words: Words, locale: str, colours: Colours | None = None) -> str:
    """Inline styles and a table, because mail programs drop the rest; every value escaped."""
    cell = 'style="padding:4px 12px 4px 0;vertical-align:top"'
    rows = "".join(
        f"<tr><td {cell}>{escape(name)}:</td><td {cell}><b>{escape(value)}</b></td></tr>"
        for name, value in words.facts
    )
    lists = "".join(
        f"<h3>{escape(title)}</h3><ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
        for title, items in words.lists
    )
    badge = colours and (
        f'<p><span style="background:{colours.badge};color:{colours.text};'
        f'padding:4px 12px;border-radius:12px;font-weight:bold">{escape(words.badge)}</span></p>'
    )
    return (
        f'<!doctype html><html lang="{locale}"><head><meta charset="utf-8">'
        f"<title>{escape(words.subject)}</title></head>"
        '<body style="font-family:sans-serif;font-size:16px;line-height:1.5;color:#1d2328;max-width:40em">'
        f"<h2>{escape(words.heading)}</h2>"
        f"{badge or ''}<p>{escape(words.sentence)}</p><table>{rows}</table>{lists}"
        f'<p>{escape(words.call)}:<br><a href="{escape(words.link)}">{escape(words.link)}</a></p>'
        f'<p style="color:#5b6670;font-size:13px">{escape(words.footer)}</p></body></html>'
    )
