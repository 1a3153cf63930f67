"""What every map says in the reader's language: `EpiMap(…, **map_words())`."""

from __future__ import annotations

from typing import TypedDict

from i18n import _
from web.epimap import Texts


class Words(TypedDict):
    """Those of the `Props` of an EpiMap that are the same for all."""

    locale: dict[str, str]
    errorText: str
    retryText: str
    texts: Texts


def map_words() -> Words:
    return {
        "locale": {"NavigationControl.ZoomIn": _("Phóng to"), "NavigationControl.ZoomOut": _("Thu nhỏ")},
        "errorText": _("Một phần bản đồ chưa tải được."),
        "retryText": _("Thử lại"),
        "texts": _texts(),
    }


def _texts() -> Texts:
    """The words of src/words.js, which the browser shows where a page gives none."""
    return {
        "lasso": _(
            "Giữ và kéo để khoanh vùng. Bàn phím: mũi tên đưa dấu đi, phím cách đặt góc. Esc để thôi."
        ),
        "corner": _(
            "Đã đặt {n} góc. Phím cách đặt góc nữa, Backspace bỏ góc cuối, Enter để xong (từ 3 góc), Esc để thôi.",
            n="{n}",
        ),
        "circle": _("Kéo từ tâm ra để vẽ vòng tròn. Bàn phím: Enter đặt tâm ở giữa bản đồ. Esc để thôi."),
        "circlePlaced": _(
            "Đã đặt tâm, bán kính {metres} m. ↑ ↓ đổi bán kính, Enter để xong, Esc để thôi.",
            metres="{metres}",
        ),
        "drawn": _("Đã vẽ xong vùng."),
        "cancelled": _("Đã thôi vẽ."),
        "selected": _("Đang chọn: {text}", text="{text}"),
        "swipe": _("Thanh so sánh hai bản đồ"),
        "swipeValue": _("Bản đồ trái chiếm {percent}%", percent="{percent}"),
        "loading": _("Đang tải bản đồ…"),
        "lost": _("Máy tạm ngừng vẽ bản đồ, nên hiện ảnh tĩnh. Bản đồ tự hiện lại khi máy vẽ được."),
        "unknown": _("chưa rõ"),
    }
