"""Files that people attach: known by their content, and nothing of them goes on but the picture."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from alerts.file_checks import LONGEST_SIDE, MAX_BYTES, PDF, PHOTO, BadFile, clean

SECRET = b"GPS 10.7712 106.6981 Nguyen Van A"


def picture(format: str, size: tuple[int, int] = (640, 480), **options: object) -> bytes:
    out = io.BytesIO()
    mode = "RGB" if format == "JPEG" else "RGBA"
    Image.new(mode, size, "green").save(out, format, **options)
    return out.getvalue()


def with_exif() -> bytes:
    """A telephone's photo: maker, GPS position, a remark, and turned by 90 degrees."""
    exif = Image.Exif()
    exif[0x010F], exif[0x010E], exif[0x0112] = "Telefon", SECRET.decode(), 6
    exif[0x8825] = {1: "N", 2: (10.0, 46.0, 16.3), 3: "E", 4: (106.0, 41.0, 53.2)}
    return picture("JPEG", exif=exif)


def png_claiming(width: int, height: int) -> bytes:
    """A few bytes that say they are a picture of this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


def test_a_photo_loses_place_time_and_maker_but_stands_upright() -> None:
    source = with_exif()
    assert SECRET in source and Image.open(io.BytesIO(source)).getexif().get_ifd(0x8825)
    kept = clean(source)

    after = Image.open(io.BytesIO(kept.content))
    assert kept.media_type == PHOTO
    assert SECRET not in kept.content and b"Exif" not in kept.content
    assert dict(after.getexif()) == {} and dict(after.getexif().get_ifd(0x8825)) == {}
    assert after.size == (480, 640)


def test_what_hangs_behind_the_picture_does_not_go_on() -> None:
    kept = clean(picture("JPEG") + b"<script>alert(1)</script>" + SECRET)

    assert b"script" not in kept.content and SECRET not in kept.content


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_every_kind_of_photo_becomes_a_jpeg(format: str) -> None:
    kept = clean(picture(format))

    assert (kept.media_type, Image.open(io.BytesIO(kept.content)).format) == (PHOTO, "JPEG")


def test_a_large_photo_is_made_smaller() -> None:
    kept = clean(picture("JPEG", (6000, 4000)))

    assert max(Image.open(io.BytesIO(kept.content)).size) == LONGEST_SIDE


def test_a_transparent_picture_lies_on_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(out, "PNG")

    assert Image.open(io.BytesIO(clean(out.getvalue()).content)).getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "trống"),
        (b"<html><script>alert(1)</script></html>", "Chỉ nhận ảnh"),
        (b"GIF89a" + bytes(100), "Chỉ nhận ảnh"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "Chỉ nhận ảnh"),
        (b"MZ" + bytes(500), "Chỉ nhận ảnh"),
        (b"\xff\xd8\xff\xe0" + bytes(200), "Chỉ nhận ảnh"),
        (picture("JPEG", (900, 900))[:2000], "bị hỏng"),
        (png_claiming(100_000, 100_000), "quá nhiều điểm ảnh"),
        (png_claiming(9000, 9000), "quá nhiều điểm ảnh"),
        (png_claiming(64, 64), "bị hỏng"),
        (b"%PDF-1.7 cut off", "bị cụt"),
        (bytes(MAX_BYTES + 1), "lớn quá 10 MB"),
        (b"%PDF-1.7" + bytes(6 * 1024 * 1024) + b"%%EOF", "lớn quá 5 MB"),
    ],
    ids=[
        "empty", "html", "gif", "svg", "program", "only-a-head", "cut-off", "bomb", "large", "no-pixels", "cut-pdf",
        "too-many-bytes", "large-pdf",
    ],
)  # fmt: skip
def test_what_is_not_a_sound_photo_or_pdf_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(BadFile, match=words):
        clean(content)


def test_a_pdf_is_kept_as_it_is() -> None:
    content = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"

    assert clean(content).media_type == PDF
    assert clean(content).content == content
