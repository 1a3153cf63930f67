"""Detection on a plain file: the reference's settings as they are, unknown stays NA, bad files say where."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from surveillance.detect_files import COLUMNS, detect
from surveillance.detection.settings_files import SettingsFileError
from surveillance.plain_files import PlainFileError

HEAD = "series,t,epoch,date,freq,observed,population,state\n"
ORACLES = Path(__file__).parent / "oracles"
REFERENCE = Path(__file__).parents[2] / "shared" / "reference"


def write_series(path: Path, counts: list[str], name: str = "phường A", head: str = HEAD) -> Path:
    rows = [f"{name},{t},{t},NA,52,  {count},1,0\n" for t, count in enumerate(counts, start=1)]
    path.write_text(head + "".join(rows), encoding="utf-8")
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def test_one_row_for_each_row_in_and_each_setting(tmp_path: Path) -> None:
    source = write_series(tmp_path / "in.csv", ["4", "6"] * 140)
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"quen": {"alpha": 0.05}, "chặt": {"alpha": 0.001, "b": 3}}))
    done = detect(source, "farringtonFlexible", settings, tmp_path / "out.csv")
    rows = rows_of(tmp_path / "out.csv")
    assert tuple(rows[0]) == COLUMNS
    assert (done.series, done.settings, done.rows) == (1, 2, len(rows)) == (1, 2, 560)
    assert [row["t"] for row in rows[:280]] == [str(t) for t in range(1, 281)]
    assert {row["reason"] for row in rows} == {"", "insufficient_history"}
    assert rows[0]["upperbound"] == rows[0]["alarm"] == "NA"
    assert float(rows[-1]["upperbound"]) > 4 and rows[-1]["alarm"] == "0"


def test_a_short_series_takes_three_years_when_no_number_is_set(tmp_path: Path) -> None:
    source = write_series(tmp_path / "in.csv", ["5"] * 200)
    detect(source, "farrington_flexible", None, tmp_path / "out.csv")
    assert rows_of(tmp_path / "out.csv")[-1]["reason"] == ""


def test_missing_rows_and_na_are_unknown_not_zero(tmp_path: Path) -> None:
    source = write_series(tmp_path / "in.csv", ["5"] * 278 + ["NA", "7"])
    detect(source, "farrington_flexible", None, tmp_path / "na.csv")
    lines = source.read_text().splitlines(keepends=True)
    source.write_text("".join(line for line in lines if ",279,279," not in line))
    detect(source, "farrington_flexible", None, tmp_path / "gap.csv")
    na, gap = rows_of(tmp_path / "na.csv")[-1], rows_of(tmp_path / "gap.csv")[-1]
    assert na == gap
    assert (na["reason"], na["upperbound"], na["alarm"]) == ("unknown_counts", "NA", "NA")


def test_the_repository_oracle_through_the_file(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text('{"default": {"alpha": 0.05}, "default_pop": {"populationOffset": true}}')
    clean = tmp_path / "in.csv"
    lines = (ORACLES / "farrington_series.csv").read_text().splitlines(keepends=True)
    clean.write_text("".join(line for line in lines if not line.startswith("#")))
    detect(clean, "farringtonFlexible", settings, tmp_path / "out.csv")
    found = {(r["series"], r["setting"], r["t"]): r for r in rows_of(tmp_path / "out.csv")}
    for row in rows_of(ORACLES / "farrington_flexible.csv"):
        if row["setting"] in ("default", "default_pop") and row["upperbound"] != "NA":
            mine = found[row["series"], row["setting"], row["t"]]
            assert float(mine["upperbound"]) == pytest.approx(float(row["upperbound"]), rel=1e-6)
            assert mine["alarm"] == row["alarm"]


@pytest.mark.parametrize(("method", "settings"), [("farringtonFlexible", "farringtonFlexible_settings.json"),
                                                  ("earsC", "earsC_settings.json")])  # fmt: skip
def test_the_reference_files_are_accepted_as_they_are(tmp_path: Path, method: str, settings: str) -> None:
    if not REFERENCE.exists():
        pytest.skip(f"the recorded reference {REFERENCE} is not on this machine")
    import pandas as pd

    detect(REFERENCE / "temporal/inputs.csv.gz", method, REFERENCE / settings, tmp_path / "out.csv")
    recorded = pd.read_csv(REFERENCE / f"temporal/{method}.csv.gz", skipinitialspace=True)
    both = recorded.merge(
        pd.read_csv(tmp_path / "out.csv"), on=["series", "setting", "t"], suffixes=("_r", "")
    )
    assert len(both) == len(recorded)
    pd.testing.assert_series_equal(both.alarm, both.alarm_r, check_names=False, check_dtype=False)
    pd.testing.assert_series_equal(both.upperbound, both.upperbound_r, check_names=False, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("series,t,observed\n", "freq"),
        (HEAD, "không có dòng số liệu"),
        (HEAD + "a,1,1,NA,52,năm,1,0\n", "Dòng 2, cột observed"),
        (HEAD + "a,1,1,NA,51,5,1,0\n", "365"),
        (HEAD + "a,1,1,16/11/2026,52,5,1,0\n", "2026-11-16"),
        (HEAD + "a,1,1,NA,52,5,1,0\na,1,1,NA,52,6,1,0\n", "hai dòng"),
        (HEAD + "a,1,1,2026-11-16,52,5,1,0\na,2,2,2026-11-24,52,6,1,0\n", "không cách đều"),
        (HEAD + "a,1,1,2026-11-16,52,5,1,0\na,2,2,NA,52,6,1,0\n", "có ngày ở mọi dòng"),
        (HEAD + "a,1,1,NA,52,5,1,0\na,999999999,2,NA,52,6,1,0\n", "dài quá"),
    ],
)
def test_a_bad_file_says_where_and_how(tmp_path: Path, text: str, words: str) -> None:
    source = tmp_path / "in.csv"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(PlainFileError, match=words):
        detect(source, "ears_c2", None, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "JSON ở dòng 1"),
        ("[]", "đối tượng JSON"),
        ('{"a": {"alfa": 0.1}}', "alfa"),
        ('{"a": {"alpha": "0.1"}}', "alpha"),
        ('{"a": {"alpha": 2}}', "Cấu hình «a»"),
        ('{"a": {"limit54": 5}}', "limit54"),
        ('{"a": {"trend": 1}}', "trend"),
    ],
)
def test_bad_settings_say_what_to_mend(tmp_path: Path, text: str, words: str) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(text)
    source = write_series(tmp_path / "in.csv", ["5"] * 10)
    with pytest.raises(SettingsFileError, match=words):
        detect(source, "farrington_flexible", settings, tmp_path / "out.csv")


def test_an_unknown_method_or_file_is_named(tmp_path: Path) -> None:
    source = write_series(tmp_path / "in.csv", ["5"])
    with pytest.raises(SettingsFileError, match="farrington_flexible"):
        detect(source, "arima", None, tmp_path / "out.csv")
    with pytest.raises(PlainFileError, match=r"không\.csv"):
        detect(tmp_path / "không.csv", "ears", None, tmp_path / "out.csv")
    with pytest.raises(SettingsFileError, match=r"s\.json"):
        detect(source, "ears", tmp_path / "s.json", tmp_path / "out.csv")
