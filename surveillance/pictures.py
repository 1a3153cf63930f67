"""Photos as people send them, drawn anew as JPEG: nothing else of the file goes on, no place, time or device, no
text behind the picture, no page inside it. Pure; each caller has words of its own for what cannot be taken.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Literal

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
Fault = Literal["foreign", "broken", "too_large"]


class BadPicture(ValueError):
    """`fault`: no picture of FORMATS, one that cannot be read, or one of more pixels than asked for."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


def drawn_anew(content: bytes, *, most_pixels: int, longest_side: int, quality: int) -> bytes:
    """Upright, at most `longest_side` pixels wide and high, on white where it was transparent. Raises BadPicture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow only warns of a picture that is too large
            with Image.open(BytesIO(content), formats=FORMATS) as picture:
                if picture.width * picture.height > most_pixels:
                    raise BadPicture("too_large")
                picture.draft("RGB", (longest_side, longest_side))
                return _as_jpeg(ImageOps.exif_transpose(picture), longest_side, quality)
    except BadPicture:
        raise
    except UnidentifiedImageError:
        raise BadPicture("foreign") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadPicture("too_large") from None
    except (OSError, SyntaxError, ValueError, Warning, MemoryError):
        raise BadPicture("broken") from None


def _as_jpeg(picture: Image.Image, longest_side: int, quality: int) -> bytes:
    picture.thumbnail((longest_side, longest_side))
    layers = picture.convert("RGBA")
    page = Image.new("RGB", layers.size, "white")
    page.paste(layers, mask=layers.getchannel("A"))
    out = BytesIO()
    page.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()
