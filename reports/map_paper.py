"""A drawn sheet as a PDF page (A4, landscape) or a picture of dots; typst draws the SVG with the shipped fonts."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Literal

import typst

from i18n import current_locale
from reports.drawing import FONTS
from reports.map_sheet import Drawing
from reports.typesetting import TEMPLATES

DOTS_PER_PX = 2


def paper(drawing: Drawing, title: str, kind: Literal["pdf", "png"]) -> bytes:
    """The bytes of an A4 page, or of a picture with 2 dots to a pixel of the sheet."""
    with tempfile.TemporaryDirectory(prefix="canhdich-map-") as name:
        folder = Path(name)
        (folder / "map.svg").write_text(drawing.svg, encoding="utf-8")
        facts = {
            "title": title,
            "lang": current_locale(),
            "paper": kind == "pdf",
            "width": drawing.width,
            "height": drawing.height,
        }
        (folder / "map_sheet.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
        shutil.copy(TEMPLATES / "map_sheet.typ", folder)
        made = typst.compile(
            str(folder / "map_sheet.typ"),
            root=str(folder),
            font_paths=[str(FONTS)],
            ignore_system_fonts=True,
            format=kind,
            ppi=72.0 * DOTS_PER_PX,
        )
    return bytes(made)
