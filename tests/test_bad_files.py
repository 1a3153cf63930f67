"""Files and rows that cannot be taken: each says what, where and how to mend it; nothing is lost, good ones go on."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter
from sqlalchemy import select, text

from db import session_scope
from surveillance import archive, runs
from surveillance.archive import ArchiveError
from surveillance.models import CaseReportRow
from surveillance.pipeline import collect
from surveillance.sources import reader
from tests.ingest_files import HEADERS, NOW, ROW, Desk, csv_text, person, write_xlsx


def workbook(rows: list[dict[str, object]], tmp_path: Path, **options: object) -> bytes:
    return write_xlsx(tmp_path / "made.xlsx", rows, **options).read_bytes()  # type: ignore[arg-type]


# --- files that are read after all -------------------------------------------------------------------------------


def test_content_counts_not_the_file_name(desk: Desk, tmp_path: Path) -> None:
    as_csv = desk.take(workbook([person(1)], tmp_path), name="excel.csv")
    as_xlsx = desk.take(csv_text([person(2)]), name="text.xlsx")

    assert (as_csv.rows_new, as_xlsx.rows_new) == (1, 1)
    assert "nội dung là Excel" in str(as_csv.note)
    assert "nội dung là CSV" in str(as_xlsx.note)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_unicode_csv_in_any_encoding_and_delimiter(desk: Desk, encoding: str, delimiter: str) -> None:
    rows = [person(1, **{"PX": "Phường Bến Nghé", "QH": "Quận 1"})]

    run = desk.take(csv_text(rows, delimiter=delimiter).encode(encoding), name="a.csv")

    assert (run.rows_new, run.rows_unplaced) == (1, 0)


ACCENTED = [
    person(n, **{"HO TEN": name, "PX": ward, "QH": district, "T_BENH": "Sốt xuất huyết"})
    for n, (name, ward, district) in enumerate(
        [
            ("Nguyễn Thị Mẫu", "Phường Bến Nghé", "Quận 1"),
            ("Trần Văn Thử", "Phường Đa Kao", "Quận 1"),
            ("Lê Hoàng Giả", "Phường Tân Phú", "Quận 7"),
        ]
    )
]
TCVN3 = {
    "ễ": "Ô",
    "ị": "Þ",
    "ẫ": "É",
    "ư": "\xad",
    "ờ": "ê",
    "ế": "Õ",
    "é": "Ð",
    "ậ": "Ë",
    "ầ": "Ç",
    "ă": "¨",
}
TCVN3 |= {"ử": "ö", "Đ": "§", "ê": "ª", "à": "µ", "ả": "¶", "â": "©", "ú": "ó", "ố": "è", "ấ": "Ê", "ệ": "Ö"}
VNI = {
    "ễ": "eã",
    "ị": "ò",
    "ẫ": "aã",
    "ư": "ö",
    "ờ": "ôø",
    "ế": "eá",
    "é": "eù",
    "ậ": "aä",
    "ầ": "aà",
    "ă": "aê",
}
VNI |= {
    "ử": "öû",
    "Đ": "Ñ",
    "ê": "eâ",
    "à": "aø",
    "ả": "aû",
    "â": "aâ",
    "ú": "uù",
    "ố": "oá",
    "ấ": "aá",
    "ệ": "eä",
}


def as_windows_1258(text: str) -> bytes:
    """As Windows writes it: vowel and its circumflex, breve or horn as one letter, the tone as a mark after it."""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    out = b""
    for c in text:
        parts = unicodedata.normalize("NFD", c)
        letter = unicodedata.normalize("NFC", "".join(x for x in parts if x not in tones))
        out += (letter + "".join(x for x in parts if x in tones)).encode("cp1258")
    return out


@pytest.mark.parametrize("letters", ["windows-1258", "TCVN3", "VNI", "NFD"])
def test_old_vietnamese_letters_are_converted(desk: Desk, letters: str) -> None:
    plain = csv_text(ACCENTED)
    if letters == "windows-1258":
        content = as_windows_1258(plain)
    elif letters == "NFD":
        content = unicodedata.normalize("NFD", plain).encode()
    else:
        table = TCVN3 if letters == "TCVN3" else VNI
        content = plain.translate({ord(letter): old for letter, old in table.items()}).encode("latin-1")

    run = desk.take(content, name="cu.csv")

    assert (run.rows_new, run.rows_unplaced, run.rows_rejected) == (3, 0, 0)
    if letters != "NFD":
        assert letters.lower()[:3] in str(run.note).lower()
    name = {desk.context.vault.decrypt(identity)["name"] for identity in identities(desk)}
    assert name == {"Nguyễn Thị Mẫu", "Trần Văn Thử", "Lê Hoàng Giả"}


def test_old_letters_in_excel_cells_are_converted(desk: Desk) -> None:
    table = {ord(letter): old for letter, old in TCVN3.items()}
    rows = [{k: v.translate(table) if isinstance(v, str) else v for k, v in row.items()} for row in ACCENTED]

    run = desk.take(rows)

    assert (run.rows_new, run.rows_unplaced) == (3, 0)
    assert "TCVN3" in str(run.note)


def test_letters_of_an_unknown_table_are_set_aside(desk: Desk) -> None:
    garbled = csv_text([person(n, **{"HO TEN": "Ng\x95y\xbfn V\xbcn \xa7\xf7\xbd"}) for n in range(5)])

    reason = desk.refuse(garbled.encode("latin-1"), name="la.csv")

    assert "UniKey" in reason


def test_title_rows_above_the_header_and_blank_rows_are_skipped(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Ghi chú").write(0, 0, "không có gì")
        sheet = book.add_worksheet("Dữ liệu")
        sheet.write(0, 0, "DANH SÁCH CA BỆNH")
        sheet.write_row(3, 1, HEADERS)
        sheet.write_row(4, 1, [ROW.get(h, "") for h in HEADERS])
        sheet.write_row(6, 1, [{**person(2), "PHAI": "X"}.get(h, "") for h in HEADERS])

    run = desk.take(path.read_bytes())

    assert (run.rows_total, run.rows_new, run.rows_rejected) == (2, 1, 1)
    assert [row.row for row in desk.rejected(run)] == [7]


def test_unknown_columns_are_named_in_the_run_report(desk: Desk, tmp_path: Path) -> None:
    run = desk.take(workbook([{**ROW, "GHI CHU": "x"}], tmp_path, headers=[*HEADERS, "GHI CHU"]))

    assert (run.state, run.rows_new) == ("done", 1)
    assert "GHI CHU" in str(run.note)


# --- files set aside -----------------------------------------------------------------------------------------------


def test_empty_file(desk: Desk) -> None:
    assert "0 byte" in desk.refuse(b"")


def test_blank_text(desk: Desk) -> None:
    assert "không có chữ" in desk.refuse(b" \r\n \r\n", name="a.csv")


def test_header_only(desk: Desk) -> None:
    assert "chỉ có dòng tiêu đề" in desk.refuse([])


def test_truncated_workbook(desk: Desk, tmp_path: Path) -> None:
    assert "cắt cụt" in desk.refuse(workbook([ROW], tmp_path)[:-700])


def test_workbook_with_a_damaged_sheet(desk: Desk, tmp_path: Path) -> None:
    content = bytearray(workbook([person(n) for n in range(200)], tmp_path))
    middle = content.find(b"xl/worksheets/sheet1.xml") + 200
    content[middle : middle + 50] = b"\x00" * 50

    assert "hỏng" in desk.refuse(bytes(content))


def test_zip_that_is_no_workbook(desk: Desk) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("a.csv", csv_text([ROW]))

    assert "giải nén" in desk.refuse(buffer.getvalue())


def test_old_and_password_protected_workbooks(desk: Desk) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600

    assert ".xls" in desk.refuse(ole, name="cu.xls")
    desk.empty()
    assert "mật khẩu" in desk.refuse(ole + "EncryptedPackage".encode("utf-16-le"))


def test_a_file_that_is_neither_workbook_nor_text(desk: Desk) -> None:
    assert "lưu lại dạng .xlsx" in desk.refuse(bytes(range(256)) * 40, name="anh.csv")


def test_file_above_the_limit_is_not_opened(desk: Desk) -> None:
    small = desk.limited(1)

    reason = small.refuse(csv_text([person(n) for n in range(12_000)]), name="to.csv")

    assert "quá giới hạn 1 MB" in reason
    assert not list(desk.context.settings.archive.rglob("*.part"))


def test_workbook_that_unpacks_to_too_much(desk: Desk, tmp_path: Path) -> None:
    honest = workbook([ROW], tmp_path)
    bomb = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(honest)) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))
        new.writestr("xl/media/bomb.bin", b"\0" * 30_000_000)

    assert "bung ra" in desk.limited(1).refuse(bomb.getvalue())


def test_workbook_whose_directory_lies_about_its_size(desk: Desk, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    honest = io.BytesIO(workbook([ROW], tmp_path))
    with zipfile.ZipFile(honest) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))
        new.writestr("xl/media/bomb.bin", b"\0" * 30_000_000)
    liar = buffer.getvalue().replace((30_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))

    assert "bung ra" in desk.limited(1).refuse(liar)


def test_workbook_with_a_stray_cell_far_away(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "far.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADERS)
        sheet.write(1_048_575, 16_383, "lạc")

    assert "dòng 1.048.576" in desk.refuse(path.read_bytes())


def test_missing_columns_are_named_with_the_names_that_would_do(desk: Desk, tmp_path: Path) -> None:
    headers = [h for h in HEADERS if h not in ("NG_BC", "PX")]

    reason = desk.refuse(workbook([ROW], tmp_path, headers=headers))

    assert "NG_BC / NGAYBAOCAO / Ngày báo cáo" in reason
    assert "PX / PHUONG XA" in reason
    assert "QH /" not in reason


def test_a_file_of_no_known_source_tells_nothing_of_its_content(desk: Desk) -> None:
    reason = desk.refuse("Tên,Nhà\nNGUYEN BI MAT,12 LE LOI\n", name="la.csv")

    assert "Không nhận ra" in reason and "MAU_SXH" in reason
    assert "BI MAT" not in reason


def test_case_14_a_list_of_hotline_calls_is_set_aside_and_makes_no_case(desk: Desk) -> None:
    calls = [
        "Giờ gọi,Phường,Nội dung",
        *(f"20/11/2025 {h}:00,Bến Nghé,nghi sốt xuất huyết" for h in range(10)),
    ]

    assert "Không nhận ra" in desk.refuse("\n".join(calls * 3), name="duong-day-nong.csv")
    assert desk.versions() == []


def test_two_columns_for_one_thing(desk: Desk, tmp_path: Path) -> None:
    reason = desk.refuse(workbook([ROW], tmp_path, headers=[*HEADERS, "Họ và tên"]))

    assert "“HO TEN” và “Họ và tên”" in reason


def test_csv_with_an_open_quote(desk: Desk) -> None:
    broken = csv_text([person(1)]) + '"mở ngoặc,' + "x" * 200_000

    assert "ngoặc kép" in desk.refuse(broken, name="a.csv")


def test_when_no_row_can_be_taken_the_file_is_set_aside_with_its_reasons(desk: Desk) -> None:
    reason = desk.refuse([person(n, NG_BC="2025") for n in range(3)])

    assert "Không dòng nào trong 3 dòng" in reason
    with session_scope(desk.engine) as session:
        (run,) = runs.recent_runs(session, 10)
        assert (run.state, run.rows_rejected) == ("failed", 3)
        assert len(runs.rejected_rows(session, run.id, 10, 0)) == 3
    assert desk.versions() == []


def test_bad_files_do_not_stop_good_ones(desk: Desk, tmp_path: Path) -> None:
    desk.drop("1.xlsx", b"PK broken")
    desk.drop("2.xlsx", [person(1)])
    desk.drop("3.csv", "")

    (run,) = desk.collect()

    assert run.file_name == "2.xlsx"
    assert desk.states() == ["set_aside", "ingested", "set_aside"]
    assert sorted(path.name for path in desk.aside.iterdir()) == ["1.xlsx", "3.csv"]


def test_a_panicking_reader_sets_only_its_file_aside(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("NGUYEN VAN MAU")

    monkeypatch.setattr(reader, "_open_workbook", explode)

    reason = desk.refuse([ROW])

    assert "RuntimeError" in reason and "MAU" not in reason


def test_a_set_aside_file_is_read_when_it_comes_again_mended(desk: Desk) -> None:
    content = csv_text([person(n) for n in range(12_000)])
    desk.limited(1).refuse(content, name="to.csv")

    run = desk.take(content, name="to.csv")

    assert run.rows_new == 12_000
    assert desk.states() == ["ingested"]


def test_a_full_disk_leaves_the_file_in_the_inbox(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk.drop("f.xlsx", [ROW])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(archive.os, "fsync", full)
        with pytest.raises(ArchiveError, match="No space left"):
            collect(desk.engine, desk.context, NOW)

    assert path.exists() and desk.states() == []
    assert not list(desk.context.settings.archive.rglob("*.part"))
    assert [run.rows_new for run in desk.collect()] == [1]


# --- rows quarantined ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("NG_BC", "", "bắt buộc bị trống"),
        ("NG_BC", "31/02/2025", "Không phải ngày có thật"),
        ("NG_BC", "12/31/2025", "ngày trước tháng"),
        ("NG_BC", "hôm qua", "Không phải ngày"),
        ("NG_BC", 45000, "là số, không phải ngày"),
        ("NG_BC", "02/12/2025", "Ngày 02/12/2025 ở tương lai"),
        ("NG_BC", "04/11/1989", "trước năm 1990"),
        ("NG_NV", "05/11/2025", "sau ngày báo cáo"),
        ("PHAI", "X", "không có trong danh mục"),
        ("TUOI", "1985", "từ 0 đến 120"),
        ("TUOI", "ba mươi", "từ 0 đến 120"),
        ("T_BENH", "BENH LA", "Không nhận ra bệnh “BENH LA”"),
        ("DIA CHI", "=A1&B1", "công thức"),
    ],
)
def test_a_bad_cell_quarantines_its_row(desk: Desk, column: str, value: object, reason: str) -> None:
    bad = person(2, **{column: value, **({"ICD": ""} if column == "T_BENH" else {})})

    run = desk.take([person(1), bad])

    assert (run.rows_total, run.rows_new, run.rows_rejected) == (2, 1, 1)
    (row,) = desk.rejected(run)
    assert (row.row, row.column) == (3, column)
    assert reason in str(row.reason)


def test_onset_after_report_is_rejected(desk: Desk, tmp_path: Path) -> None:
    rows = [person(1, NG_KP="01/11/2025"), person(2, NG_KP="05/11/2025")]

    run = desk.take(workbook(rows, tmp_path, headers=[*HEADERS, "NG_KP"]))

    assert [row.column for row in desk.rejected(run)] == ["NG_KP"]
    assert desk.versions()[0].event_date.isoformat() == "2025-11-01"


def test_name_and_code_of_two_diseases_contradict(desk: Desk) -> None:
    run = desk.take([person(1), person(2, ICD="B05")])

    assert "hai bệnh khác nhau" in str(desk.rejected(run)[0].reason)


def test_every_problem_of_a_row_is_told_and_the_row_counts_once(desk: Desk) -> None:
    run = desk.take([person(1), person(2, PHAI="X", TUOI=300, NG_BC="x")])

    assert run.rows_rejected == 1
    assert {row.column for row in desk.rejected(run)} == {"PHAI", "TUOI", "NG_BC"}


def test_csv_row_with_too_many_cells(desk: Desk) -> None:
    content = csv_text([person(1)]) + ",".join(["x"] * (len(HEADERS) + 2)) + "\r\n"

    run = desk.take(content, name="a.csv")

    assert any("tiêu đề chỉ có 21 cột" in str(row.reason) for row in desk.rejected(run))


def test_formulas_give_their_cached_value_or_a_reason(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADERS)
        for number, cached in ((1, "04/11/2025"), (2, "")):
            sheet.write_row(number, 0, [person(number).get(h, "") for h in HEADERS])
            sheet.write_formula(
                number, HEADERS.index("NG_BC"), '=TEXT(DATE(2025,11,4),"dd/mm/yyyy")', None, cached
            )

    run = desk.take(path.read_bytes())

    assert (run.rows_new, run.rows_rejected) == (1, 1)
    (row,) = desk.rejected(run)
    assert row.column == "NG_BC" and "mở tệp bằng Excel và lưu lại" in str(row.reason)


@pytest.mark.parametrize(
    "written",
    [
        "4/11/25",
        "04-11-2025",
        "2025-11-04",
        "2025-11-04T08:30:00",
        "04/11/2025 08:30",
        datetime(2025, 11, 4, 8),
    ],
)
def test_days_in_every_usual_way_of_writing(desk: Desk, written: object) -> None:
    desk.take([person(1, NG_BC=written)])

    assert desk.versions()[0].date_report.isoformat() == "2025-11-04"


def test_ages_in_months_are_full_years(desk: Desk) -> None:
    desk.take([person(1, TUOI="18 tháng"), person(2, TUOI="35 tuổi"), person(3, TUOI="")])

    assert [version.age_years for version in desk.versions()] == [1, 35, None]


def test_an_unknown_place_keeps_the_case_off_the_map(desk: Desk) -> None:
    run = desk.take([person(1, PX="PHUONG KHONG CO", **{"DIA CHI": ""}), person(2)])

    assert (run.rows_new, run.rows_unplaced, run.rows_rejected) == (2, 1, 0)
    lost, placed = desk.versions()
    assert (lost.unit_id, lost.place_level) == (None, "unknown")
    assert placed.unit_id is not None and placed.place_level == "commune"


def test_the_week_number_of_a_file_is_never_taken(desk: Desk) -> None:
    desk.take([person(1, **{"Tuan BC": 1, "Nam BC": 1999})])

    assert "1999" not in str(desk.census())


def test_what_stood_in_a_rejected_row_is_readable_with_the_key_only(desk: Desk) -> None:
    run = desk.take([person(1), person(2, PHAI="NGUYEN BI MAT")])
    (row,) = desk.rejected(run)

    with session_scope(desk.engine) as session:
        revealed = runs.reveal_value(session, row.id, desk.context.vault)

    assert revealed is not None
    assert revealed.value == "NGUYEN BI MAT"
    assert revealed.raw["HO TEN"] == "NGUYEN MAU C"
    assert "BI MAT" not in everything(desk)


def test_no_identifier_lies_readable_in_the_database(desk: Desk) -> None:
    desk.take([person(7, ME="LE THI ME", DT="0900000007"), person(8, PHAI="?")])

    found = everything(desk)

    assert not any(
        word in found for word in ("NGUYEN MAU", "LE THI ME", "0900000007", "12 LE LOI", "SIM-000")
    )


def identities(desk: Desk) -> list[bytes]:
    with session_scope(desk.engine) as session:
        return [identity for identity in session.scalars(select(CaseReportRow.identity)) if identity]


def everything(desk: Desk) -> str:
    """All rows of all tables ingestion writes, as the server prints them, bytes as text too."""
    tables = (
        "source_file",
        "ingest_run",
        "rejected_row",
        "epi_case",
        "case_key",
        "case_report",
        "case_version",
    )
    with session_scope(desk.engine) as session:
        rows = [row for table in tables for row in session.execute(text(f"SELECT * FROM {table}"))]
    return " ".join(
        str(bytes(x)) if isinstance(x, memoryview | bytes) else str(x) for row in rows for x in row
    )
