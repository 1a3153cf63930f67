"""A duty's form as DOCX (python-docx), so that the station can change it before it is signed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.shared import Cm, Pt

if TYPE_CHECKING:
    from reports.duty_forms import Form, Item

FONT = "Times New Roman"
"""What offices here write in; it is not shipped, Word and LibreOffice bring it or its twin."""


def write(form: Form, file: IO[bytes]) -> None:
    document = Document()
    style: Any = document.styles["Normal"]
    style.font.name, style.font.size = FONT, Pt(13)
    style.paragraph_format.space_after = Pt(4)
    for section in document.sections:
        section.page_width, section.page_height = Cm(21), Cm(29.7)
        section.left_margin, section.right_margin = Cm(3), Cm(1.8)
        section.top_margin = section.bottom_margin = Cm(2)
        section.footer.paragraphs[0].add_run(form.trace).font.size = Pt(8)
    _side_by_side(
        document,
        [(form.org_above, False), (form.org, True), (form.number, False)],
        [(form.nation, True), (form.motto, True), (form.place_date, False)],
    )
    _centred(document, form.title, 15)
    _centred(document, form.subtitle, 13)
    if form.form:
        _centred(document, form.form, 10, bold=False)
    if form.to:
        document.add_paragraph("Kính gửi:")
        for one in form.to:
            document.add_paragraph(f"– {one}")
    for item in form.items:
        _item(document, item)
    recipients = [
        ("Nơi nhận:", True),
        *((f"– {one};", False) for one in form.recipients),
        ("– Lưu: VT.", False),
    ]
    _side_by_side(document, recipients, [(form.signer, True), ("(Ký, ghi rõ họ tên, đóng dấu)", False)])
    document.core_properties.title = f"{form.title} {form.subtitle}"
    document.core_properties.author = ""
    document.save(file)


def _item(document: Any, item: Item) -> None:
    document.add_paragraph().add_run(item.head).bold = True
    for line in item.lines:
        document.add_paragraph(line)
    if item.rows:
        table = document.add_table(rows=0, cols=len(item.columns), style="Table Grid")
        for n, row in enumerate([item.columns, *item.rows]):
            for cell, text in zip(table.add_row().cells, row, strict=True):
                run = cell.paragraphs[0].add_run(text)
                run.bold, run.font.size = n == 0, Pt(11)


def _centred(document: Any, text: str, size: int, *, bold: bool = True) -> None:
    paragraph = document.add_paragraph()
    paragraph.alignment = ALIGN.CENTER
    run = paragraph.add_run(text)
    run.bold, run.font.size = bold, Pt(size)


def _side_by_side(document: Any, left: Sequence[tuple[str, bool]], right: Sequence[tuple[str, bool]]) -> None:
    cells = document.add_table(rows=1, cols=2).rows[0].cells
    for cell, lines in zip(cells, (left, right), strict=True):
        for n, (text, bold) in enumerate(lines):
            paragraph = cell.paragraphs[0] if n == 0 else cell.add_paragraph()
            paragraph.alignment = ALIGN.LEFT if text.startswith(("–", "Nơi nhận")) else ALIGN.CENTER
            run = paragraph.add_run(text)
            run.bold, run.font.size = bold, Pt(12 if len(text) < 30 else 11)
