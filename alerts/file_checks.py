"""Photos and PDFs that people attach: what they are by their content, never by their name, and nothing hidden in them:
a photo is drawn anew (surveillance/pictures.py). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from i18n import Message, MessageError
from surveillance.pictures import BadPicture, Fault, drawn_anew

MAX_BYTES = 10 * 1024 * 1024
MAX_PDF_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 50_000_000
"""Telephones take 12–50 million; a few kilobytes can claim thousands of millions, which would fill the memory."""
LONGEST_SIDE = 2000
"""Pixels: a door number or a label is still read, and a photo weighs about 0.4 MB."""
QUALITY = 82
PHOTO, PDF = "image/jpeg", "application/pdf"
FAULTS: Mapping[Fault, Message] = {
    "foreign": Message("Chỉ nhận ảnh JPEG, PNG, WebP hoặc tệp PDF. Tệp này không phải, dù tên có ghi vậy."),
    "broken": Message("Ảnh bị hỏng, không mở được. Hãy chụp hoặc lưu lại rồi gửi lần nữa."),
    "too_large": Message(
        "Ảnh có quá nhiều điểm ảnh (trên {n} triệu). Hãy thu nhỏ ảnh.", n=MAX_PIXELS // 1_000_000
    ),
}


class BadFile(MessageError):
    """A file that is not taken; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Clean:
    """What is kept and given out."""

    media_type: str
    content: bytes


def clean(content: bytes) -> Clean:
    """The file made harmless. Raises BadFile."""
    if not content:
        raise BadFile(Message("Tệp trống."))
    if len(content) > MAX_BYTES:
        raise BadFile(Message("Tệp lớn quá {n} MB. Hãy chọn tệp nhỏ hơn.", n=MAX_BYTES >> 20))
    if content.startswith(b"%PDF-"):
        return Clean(PDF, _checked_pdf(content))
    return Clean(PHOTO, _drawn_anew(content))


def _checked_pdf(content: bytes) -> bytes:
    if len(content) > MAX_PDF_BYTES:
        raise BadFile(Message("Tệp PDF lớn quá {n} MB. Hãy chọn tệp nhỏ hơn.", n=MAX_PDF_BYTES >> 20))
    if b"%%EOF" not in content[-2048:]:
        raise BadFile(Message("Tệp PDF bị cụt hoặc hỏng. Hãy lưu lại rồi gửi lần nữa."))
    return content


def _drawn_anew(content: bytes) -> bytes:
    try:
        return drawn_anew(content, most_pixels=MAX_PIXELS, longest_side=LONGEST_SIDE, quality=QUALITY)
    except BadPicture as error:
        raise BadFile(FAULTS[error.fault]) from None
