"""Photos and PDFs that people attach: what they are by their content, never by their name, and nothing hidden in them.

A photo is drawn anew as JPEG, so that nothing else of the file that came goes on: no place, time or telephone in EXIF,
no text behind the picture, no page inside it. Pure.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from i18n import Message, MessageError

MAX_BYTES = 10 * 1024 * 1024
MAX_PDF_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 50_000_000
"""Telephones take 12–50 million; a few kilobytes can claim thousands of millions, which would fill the memory."""
LONGEST_SIDE = 2000
"""Pixels: a door number or a label is still read, and a photo weighs about 0.4 MB."""
QUALITY = 82
PHOTO, PDF = "image/jpeg", "application/pdf"
FORMATS = ("JPEG", "PNG", "WEBP")


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
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow only warns of a picture that is too large
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise _too_large()
                picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
                upright = ImageOps.exif_transpose(picture)
                return _as_jpeg(upright)
    except UnidentifiedImageError:
        raise BadFile(
            Message("Chỉ nhận ảnh JPEG, PNG, WebP hoặc tệp PDF. Tệp này không phải, dù tên có ghi vậy.")
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large() from None
    except (OSError, SyntaxError, ValueError, Warning, MemoryError):
        raise BadFile(Message("Ảnh bị hỏng, không mở được. Hãy chụp hoặc lưu lại rồi gửi lần nữa.")) from None


def _as_jpeg(picture: Image.Image) -> bytes:
    """Only the pixels: on white where it was transparent."""
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    layers = picture.convert("RGBA")
    page = Image.new("RGB", layers.size, "white")
    page.paste(layers, mask=layers.getchannel("A"))
    out = io.BytesIO()
    page.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def _too_large() -> BadFile:
    return BadFile(
        Message("Ảnh có quá nhiều điểm ảnh (trên {n} triệu). Hãy thu nhỏ ảnh.", n=MAX_PIXELS // 1_000_000)
    )
