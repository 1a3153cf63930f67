"""One address on the page: why it waits, its words under a cover, candidates, the map, and what may be pressed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from accounts.models import Role
from alerts.levels import Level
from geodata.aliases import AreaWords
from geodata.places import communes_today
from geodata.types import PlaceLevel
from i18n import Message, _
from surveillance.outbreaks.views import code_of
from surveillance.review.detail import CandidateView, CaseDetail
from surveillance.review.fixes import REASONS
from surveillance.review.placing import MAX_TYPED
from surveillance.review.queue import Entry, Tier, Waiting
from web.context import disease_name, open_session, theme, viewer
from web.epimap import EpiMap
from web.epimap.texts import map_words
from web.formats import aria, count, day, icon, level_badge, link, table

REVIEWERS = (Role.ANALYST, Role.OFFICER)
SHOWN_CHARACTERS = 160
NUMBERED = 9
PIN_LEVELS: Mapping[PlaceLevel, Message] = {
    PlaceLevel.HOUSE: Message("Đúng nhà"),
    PlaceLevel.STREET: Message("Đúng đường"),
    PlaceLevel.NEIGHBOURHOOD: Message("Đúng khu phố, ấp"),
}
KEYS = (
    ("1 … 9", Message("Nhận xã, phường mang số đó")),
    ("Enter", Message("Nhận khả năng đầu tiên")),
    ("j · ↓ · →", Message("Ca sau")),
    ("k · ↑ · ←", Message("Ca trước")),
    ("s", Message("Bỏ qua")),
    ("v", Message("Hiện địa chỉ (được ghi lại)")),
    ("e", Message("Sửa lại chữ")),
    ("p", Message("Đặt ghim lên bản đồ")),
    ("x", Message("Không thể xác định")),
    ("u", Message("Hoàn tác lần vừa rồi")),
    ("?", Message("Mở bảng phím tắt")),
)


def masked(case: Waiting) -> str:
    """What the columns said, with the address as dots; as plain text, shortened."""
    columns = plain(case.columns)
    if not case.has_address:
        return columns or _("(nguồn không ghi nơi ở)")
    return f"••••, {columns}" if columns else "••••"


def lesson_text(words: AreaWords) -> str:
    """What is learnt, as people read it: “14 kp 1” (quận, huyện: 10)."""
    named = [(_("quận, huyện"), words.district), (_("tỉnh"), words.province)]
    scope = ", ".join(f"{name}: {value}" for name, value in named if value)
    return f"“{words.text}”" + (f" ({scope})" if scope else "")


def plain(text: str, most: int = SHOWN_CHARACTERS) -> str:
    """One line of visible characters, at most so many: cells hold line breaks, direction marks and 10,000 letters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most else f"{line[:most].rstrip()}…"


def detail_parts() -> list[Any]:
    return [
        html.Div(
            [
                link([icon("chevron-right"), _("Danh sách")], "/review", className="back-link only-phone"),
                html.Div(
                    [
                        _plain_button("review-back", _("Trước"), "k"),
                        _plain_button("review-next", _("Bỏ qua"), "s"),
                        html.Button(
                            icon("help"),
                            id="review-help-open",
                            className="icon-button",
                            type="button",
                            title=_("Phím tắt (?)"),
                            **aria(label=_("Phím tắt")),
                        ),
                    ],
                    className="review-steps",
                ),
            ],
            className="review-top",
        ),
        html.Div(id="review-feedback", **aria(live="polite")),
        html.Div(id="review-head"),
        html.Div(
            [
                html.Div(
                    [
                        html.Div(id="review-address", className="review-address"),
                        html.Button(
                            [icon("eye"), _("Hiện")],
                            id="review-reveal",
                            className="button",
                            type="button",
                            title=_("Lần xem này được ghi lại. Phím v."),
                        ),
                    ],
                    className="review-words",
                ),
                html.Div(id="review-candidates", className="candidate-list"),
                html.Div(
                    [
                        dmc.Checkbox(id="review-together", checked=True, label="", className="is-hidden"),
                        dmc.Checkbox(id="review-remember", checked=True, label="", className="is-hidden"),
                    ],
                    className="review-scope",
                ),
                html.Div(_map(), className="review-map-box"),
                html.Div(
                    [
                        dmc.Select(
                            id="review-unit",
                            data=_communes(),
                            placeholder=_("Xã, phường khác: gõ tên hoặc chạm bản đồ"),
                            searchable=True,
                            clearable=True,
                            nothingFoundMessage=_("Không có tên này"),
                            **aria(label=_("Xã, phường khác")),
                        ),
                        html.Button(_("Nhận"), id="review-take", className="button", type="button"),
                    ],
                    className="review-unit-row",
                ),
                html.Div(
                    [
                        _plain_button("review-text-open", _("Sửa lại chữ"), "e"),
                        _plain_button("review-pin-open", _("Đặt ghim"), "p"),
                        _plain_button("review-unknown-open", _("Không thể xác định…"), "x"),
                    ],
                    className="outbreak-actions",
                ),
                html.Div(pin_panel(), id="review-pin-panel", className="review-panel is-hidden"),
                html.Div(text_panel(), id="review-text-panel", className="review-panel is-hidden"),
            ],
            id="review-work",
            className="review-work is-hidden",
        ),
    ]


def _plain_button(id: str, words: str, key: str) -> html.Button:
    return html.Button(
        [words, html.Kbd(key, className="only-desktop")], id=id, className="button", type="button"
    )


def head(detail: CaseDetail, entry: Entry) -> list[Any]:
    case = detail.case
    chips: list[Any] = []
    if entry.tier is Tier.OUTBREAK and entry.outbreak_id is not None:
        words = _("Gần ổ dịch {code}", code=code_of(entry.outbreak_id))
        chips.append(link(words, f"/outbreaks?id={entry.outbreak_id}", className="status-chip is-bad"))
    elif entry.tier is Tier.HIGH_LEVEL and entry.area_level is not None:
        chips.append(level_badge(Level(entry.area_level)))
    chips.append(html.Span(_("Ca {id}", id=str(case.case_id)), className="dim num"))
    facts = [disease_name(case.disease), _("mắc bệnh {day}", day=day(case.event_date)),
             _("báo cáo {day}", day=day(case.date_report))]  # fmt: skip
    if case.facility:
        facts.append(plain(case.facility, 40))
    former = (
        [html.P(_("Đơn vị cũ đã ghi: {name}", name=detail.former), className="dim")] if detail.former else []
    )
    return [
        html.Div(chips, className="badge-row"),
        html.H2(str(case.why), className="detail-title"),
        html.P(" · ".join(facts), className="detail-subtitle"),
        *former,
    ]


def candidate_buttons(found: Sequence[CandidateView], kind: str = "pick") -> list[Any]:
    """Up to nine, numbered as the keys that press them; an officer takes a case into their own area only."""
    if not found:
        return [
            html.P(
                _("Chữ trong hồ sơ không cho biết khả năng nào: chọn trên bản đồ, sửa lại chữ hoặc ghim."),
                className="dim",
            )
        ]
    buttons = [
        html.Button(
            [
                html.Kbd(str(number)),
                html.Span(candidate.name, className="candidate-name"),
                html.Span(
                    f"{count(100 * candidate.share)} %" if candidate.share else "", className="dim num"
                ),
            ],
            id={"review": kind, "unit": candidate.unit_id},
            disabled=not viewer().may_see(candidate.unit_id),
            className="candidate is-first" if number == 1 else "candidate",
            type="button",
        )
        for number, candidate in enumerate(found[:NUMBERED], start=1)
    ]
    more = len(found) - NUMBERED
    note = _("Còn {n} xã, phường khác có thể: chạm bản đồ hoặc gõ tên.", n=more)
    return [*buttons, *([html.P(note, className="dim")] if more > 0 else [])]


def _map() -> EpiMap:
    return EpiMap(
        id="review-map",
        layers=[],
        dark=theme() == "dark",
        ariaLabel=_("Bản đồ các xã, phường có thể có ca này. Danh sách cùng nội dung ở trên."),
        className="review-map",
        noWebglText=_("Máy này không vẽ được bản đồ. Hãy chọn xã, phường trong danh sách."),
        pinLabel=_("Ghim: kéo, hoặc dùng phím mũi tên"),
        padding=28,
        **map_words(),
    )


def _communes() -> list[dict[str, str]]:
    """Those this visitor may place a case into."""
    with open_session() as session:
        places = communes_today(session, viewer().area_ids)
    return [{"value": str(place.id), "label": place.name} for place in places]


def help_dialog() -> dmc.Modal:
    rows = [(html.Kbd(key), str(words)) for key, words in KEYS]
    return dmc.Modal(
        table([_("Phím"), _("Việc")], rows), id="review-help", title=_("Phím tắt"), centered=True
    )


def pin_panel() -> list[Any]:
    levels = [{"value": level.value, "label": str(words)} for level, words in PIN_LEVELS.items()]
    return [
        html.Div(id="review-pin-where", role="status"),
        dmc.SegmentedControl(id="review-pin-level", data=levels, value=PlaceLevel.HOUSE.value, fullWidth=True),
        html.Button(
            [icon("map-pin"), _("Lưu vị trí ghim")], id="review-pin-save", className="button button-primary",
            type="button",
        ),
    ]  # fmt: skip


def text_panel() -> list[Any]:
    return [
        dmc.Textarea(
            id="review-text", label=_("Địa chỉ đúng"), autosize=True, minRows=2, maxRows=5,
            inputProps={"maxLength": MAX_TYPED},
            description=_("Chữ này được mã hóa khi lưu. Xem kết quả đọc trước khi nhận."),
        ),
        html.Button([icon("search"), _("Đọc thử")], id="review-text-try", className="button", type="button"),
        html.Div(id="review-text-result", className="candidate-list"),
    ]  # fmt: skip


def dialogs() -> list[Any]:
    choices = [dmc.Radio(label=_(words), value=code) for code, words in REASONS.items()]
    return [
        dmc.Modal(
            id="review-unknown",
            title=_("Không thể xác định"),
            centered=True,
            children=[
                dmc.RadioGroup(dmc.Stack(choices, gap="sm"), id="review-reason", label=_("Vì sao")),
                html.P(
                    _("Ca vẫn được tính cho toàn địa bàn, và lại chờ xem khi địa chỉ đổi."), className="dim"
                ),
                html.Div(id="review-unknown-error"),
                html.Div(
                    [
                        html.Button(_("Thôi"), id="review-unknown-cancel", className="button", type="button"),
                        html.Button(
                            _("Lưu"),
                            id="review-unknown-save",
                            className="button button-primary",
                            type="button",
                        ),
                    ],
                    className="dialog-actions",
                ),
            ],
        )
    ]


def undo_button(act_id: int, words: str) -> html.Button:
    return html.Button(
        [icon("arrow-back-up"), words],
        id={"review": "undo", "act": act_id},
        className="link-button review-undo",
        type="button",
    )
