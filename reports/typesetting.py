"""Words and figures to PDF: a typst template reads them from a JSON file beside it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import typst

from reports.drawing import FONTS

TEMPLATES = Path(__file__).parent / "templates"


def typeset(folder: Path, template: str, data: dict[str, Any], file: str) -> None:
    """Typeset `data` in `folder`, where its pictures are, then remove everything but the PDF."""
    (folder / template).with_suffix(".json").write_text(
        json.dumps(data, ensure_ascii=False), encoding="utf-8"
    )
    shutil.copy(TEMPLATES / template, folder)
    typst.compile(
        str(folder / template),
        output=str(folder / file),
        root=str(folder),
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
    )
    for path in folder.iterdir():
        if path.name != file:
            path.unlink()
