"""Odd but legal files of SaTScan's users: the right result, or an error that says what, where and how to mend it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import main

FILES = {
    "cas": "a 1 2024/1/1\nb 3 2024/1/9\nb 3 2024/1/10\nc 2 2024/1/4\nd 2 2024/1/3\ne 2 2024/1/6\n",
    "geo": "a 0 0\nb 1 0\nc 2 0\nd 3 0\ne 9 0\n",
    "pop": "".join(f"{name} 2024 300\n" for name in "abcde"),
    "ctl": "".join(f"{name} 3 2024/1/{day}\n" for day, name in enumerate("abcde", 2)),
}
PRM = (
    "[Input]\nCaseFile=x.cas\nCoordinatesFile=x.geo\nPopulationFile=x.pop\nStartDate=2024/1/1\nEndDate=2024/1/10\n"
    "CoordinatesType=0\n[Analysis]\nAnalysisType=4\nModelType=2\nMonteCarloReps=99\nPValueReportType=1\n"
)


def written(folder: Path, **changed: str | bytes) -> Path:
    for name, text in (FILES | changed).items():
        (folder / f"x.{name}").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def ran(folder: Path, *asked: str) -> tuple[int, dict[str, Any]]:
    """The exit code of `app.py scan` and what it wrote."""
    with pytest.raises(SystemExit) as ended:
        main(["scan", "--threads", "1", "--out", str(folder / "out.json"), *asked])
    out = folder / "out.json"
    return int(ended.value.code or 0), json.loads(out.read_text()) if out.exists() else {}


def scanned(folder: Path, *asked: str, **changed: str | bytes) -> dict[str, Any]:
    """`app.py scan` with options over the files of a row of five places, three people each."""
    written(folder, **changed)
    files = (f"--cases {folder}/x.cas --coordinates {folder}/x.geo --population {folder}/x.pop").split()
    period = [
        "--start",
        "2024-01-01",
        "--end",
        "2024-01-10",
        "--max-population",
        "60",
        "--replications",
        "99",
    ]
    model = () if "--model" in asked else ("--model", "permutation")
    code, result = ran(folder, *files, *period, *model, *asked)
    assert code == 0
    return result


def first(result: dict[str, Any]) -> tuple[list[str], str, str, int]:
    cluster = result["clusters"][0]
    return cluster["members"], cluster["start"], cluster["end"], cluster["observed"]


FOUND = (["b"], "2024-01-09", "2024-01-10", 6)


@pytest.mark.parametrize(
    "changed",
    [
        {
            "cas": '\ufeffa,1,2024/1/1\r\n\r\n"b" , 3,2024-1-9\r\nb,3,2024.01.10\r\nc\t2\t2024/1/4\r\nd 2 2024/1/3'
        },
        {"cas": "a 1 1/1/2024\nb 3 1/9/2024\nb 3 01-10-2024\nc 2 1/4/2024\nd 2 1/3/2024\ne 2 1/6/2024\n"},
        {"cas": FILES["cas"].encode("utf-16")},
        {"cas": FILES["cas"] + "a 5 2023/12/31\ne 0 2024/1/2\n"},
        {"geo": FILES["geo"] + "b 1.0 0\n"},
        {"geo": "a 0 0\nb 1 0\n\n\nc 2 0\nd 3 0\ne 9 0\nnobody 4 4\n"},
    ],
    ids=[
        "commas, CRLF, mark, tabs",
        "month first",
        "UTF-16",
        "outside, none",
        "line twice",
        "place without cases",
    ],
)
def test_another_way_of_writing_the_same_is_the_same(changed: dict[str, Any], tmp_path: Path) -> None:
    assert first(scanned(tmp_path, **changed)) == FOUND


@pytest.mark.parametrize("code", ["NFC", "NFD"])
def test_an_identifier_with_vietnamese_letters_is_the_same_however_typed(code: Any, tmp_path: Path) -> None:
    name = '"Phường Bến Nghé"'
    cases = unicodedata.normalize(code, FILES["cas"].replace("b ", name + " "))
    result = scanned(tmp_path, cas=cases, geo=FILES["geo"].replace("b ", name + " "))
    assert first(result) == (["Phường Bến Nghé"], *FOUND[1:])


def test_a_file_of_an_older_program_is_read_and_told(tmp_path: Path) -> None:
    changed = {name: FILES[name].replace("b ", "Québec ").encode("cp1252") for name in ("cas", "geo")}
    result = scanned(tmp_path, **changed)
    assert first(result) == (["Québec"], *FOUND[1:])
    assert ["Windows-1252" in warning for warning in result["warnings"]] == [True, True]


def test_degrees_taken_for_flat_coordinates_are_told(tmp_path: Path) -> None:
    geo = (
        "a 10.7001 106.6001\nb 10.7101 106.6001\nc 10.7201 106.6001\nd 10.7301 106.6001\ne 10.8101 106.6001\n"
    )
    told = scanned(tmp_path, geo=geo)["warnings"]
    assert len(told) == 1 and "--coordinates-type latlong" in told[0]
    for said in ("latlong", "cartesian"):
        assert not scanned(tmp_path, "--coordinates-type", said, geo=geo)["warnings"]


def test_months_written_first_are_told_with_a_date_that_cannot_be_misread(tmp_path: Path) -> None:
    result = scanned(tmp_path, cas="a 2 1/5/2024\nb 3 1/9/2024\n")
    assert "2024-01-05" in result["warnings"][0]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cas": "a;1;2024/1/1\n"}, ["dòng 1", "1 cột", "dấu phẩy"]),
        ({"cas": "id count date\na 1 2024/1/1\n"}, ["dòng 1", "cột 2", "count"]),
        ({"cas": "a 1 2024/1/1 10:30\n"}, ["dòng 1", "cột 4", "giờ"]),
        ({"cas": "a 1 2024-01-01T10:30\n"}, ["dòng 1", "cột 3", "năm/tháng/ngày"]),
        ({"cas": "a 1 31/1/2024\n"}, ["dòng 1", "cột 3", "năm/tháng/ngày"]),
        ({"cas": "a 1e30 2024/1/1\n"}, ["dòng 1", "cột 2", "quá nhiều"]),
        ({"cas": b"PK\x03\x04\x00\x00"}, ["x.cas", "UTF-8"]),
        ({"geo": "a 0 0\na 5 0\n"}, ["x.geo", "dòng 2", "tọa độ khác", "dòng 1"]),
        ({"geo": "a 0 0 1\nb 1 0\n"}, ["x.geo", "dòng 2", "cần ít nhất 4"]),
    ],
)
def test_what_cannot_be_read_says_where(
    changed: dict[str, Any], words: list[str], tmp_path: Path, capsys: Any
) -> None:
    written(tmp_path, **changed)
    (tmp_path / "x.prm").write_text(PRM)
    code, result = ran(tmp_path, "--parameters", f"{tmp_path}/x.prm")
    told = capsys.readouterr()
    assert (code, result) == (1, {})
    assert all(word in told.out + told.err for word in words), told


@pytest.mark.parametrize(
    "people",
    ["unspecified 300", "2023 300\n{0} 2025 300", "2024/1/5 300", "2024/6 300", "2024 100\n{0} 2024 200"],
    ids=["no date", "two dates", "a day", "a month", "two lines"],
)
def test_people_of_one_date_or_several_or_none_are_the_same_when_they_do_not_change(
    people: str, tmp_path: Path
) -> None:
    text = "".join(f"{name} {people.format(name)}\n" for name in "abcde")
    result = scanned(tmp_path, "--model", "poisson", pop=text)
    assert first(result) == FOUND
    assert result["clusters"][0]["expected"] == pytest.approx(13 * 2 / 5 / 10)


def test_where_nobody_lives_nothing_is_expected_and_nothing_found(tmp_path: Path) -> None:
    pop = FILES["pop"].replace("e 2024 300", "e 2024 0")
    cases = FILES["cas"].replace("e 2 2024/1/6\n", "")
    result = scanned(tmp_path, "--model", "poisson", cas=cases, pop=pop)
    assert first(result) == FOUND
    assert result["clusters"][0]["expected"] == pytest.approx(11 * 2 / 4 / 10)


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        ("IncludeClusters=1\nUseNeighborsFile=N\nUseMetaLocationsFile=0", None),
        ("CaseFile=C:\\Users\\me\\My data\\x.cas", "x.cas"),
        ("CaseFile=data/x.cas", "x.cas"),
    ],
)
def test_a_parameter_file_of_another_computer_is_followed(
    line: str, warning: str | None, tmp_path: Path
) -> None:
    written(tmp_path)
    text = (PRM if "CaseFile" not in line else PRM.replace("CaseFile=x.cas\n", "")) + line + "\n;ghi chú: é\n"
    (tmp_path / "x.prm").write_bytes(text.replace("\n", "\r\n").encode("cp1252", errors="replace"))
    code, result = ran(tmp_path, "--parameters", f"{tmp_path}/x.prm", "--max-population", "60")
    assert code == 0 and first(result) == FOUND
    assert [warning in told for told in result["warnings"]] == [True] if warning else not result["warnings"]


@pytest.mark.parametrize(
    "line",
    ["PrecisionCaseTimes=4", "TimeAggregationUnits=4", "CaseFile-SourceType=0", "MonteCarloReps=many",
     "EllipseShapes=2,3\nEllipseAngles=4\nSpatialWindowShapeType=1", 
     "NeighborsFilename=\nUseNeighborsFile=y", "StartDate=1/2/2024"],
)  # fmt: skip
def test_an_option_that_cannot_be_followed_is_named(line: str, tmp_path: Path, capsys: Any) -> None:
    written(tmp_path)
    option = line.split("=")[0]
    kept = "".join(part + "\n" for part in PRM.splitlines() if not part.startswith(option + "="))
    (tmp_path / "x.prm").write_text(kept + line + "\n")
    assert ran(tmp_path, "--parameters", f"{tmp_path}/x.prm")[0] == 1
    assert option in "".join(capsys.readouterr())


def test_durations_count_days_whatever_the_length_of_an_interval(tmp_path: Path) -> None:
    """As SaTScan: the longest rounded down to whole intervals, the shortest up; a share of the period in days too."""
    weeks = scanned(tmp_path, *["--time-length", "3", "--max-days", "8", "--min-days", "4"])["settings"]
    assert (weeks["min_duration"], weeks["max_duration"]) == (2, 2)
    assert scanned(tmp_path, "--time-length", "3")["settings"]["max_duration"] == 1
    months = scanned(
        tmp_path,
        *["--time-unit", "month", "--end", "2024-06-30", "--max-days", "2"],
        cas="a 1 2024/1\nb 3 2024/6\nb 3 2024/5\nc 2 2024/2\nd 3 2024/3\n",
    )
    assert months["settings"]["max_duration"] == 2
    assert first(months) == (["b"], "2024-05-01", "2024-06-30", 6)


def test_the_recurrence_of_an_adjusted_p_is_of_one_analysis(tmp_path: Path) -> None:
    cluster = scanned(tmp_path, "--earlier-from", "2024-01-06")["clusters"][0]
    assert (1 - 1 / cluster["recurrence_days"]) ** 5 == pytest.approx(1 - cluster["p"])
    once = scanned(tmp_path)["clusters"][0]
    assert once["recurrence_days"] == pytest.approx(1 / once["p"])


def test_a_network_file_keeps_a_cluster_on_its_side_of_the_river(tmp_path: Path) -> None:
    """b and c lie side by side; the way between them leads over the bridge at e."""
    cas = "a 1 2024/1/1\nb 3 2024/1/10\nc 3 2024/1/10\nd 3 2024/1/3\ne 3 2024/1/6\n"
    (tmp_path / "x.nwk").write_text("a b 1\nb e 8\nc d\nd e 6\n")
    around = scanned(tmp_path, cas=cas)
    along = scanned(tmp_path, "--network", f"{tmp_path}/x.nwk", cas=cas)
    assert sorted(first(around)[0]) == ["b", "c"] and along["settings"]["window"] == "network"
    assert {len(cluster["members"]) for cluster in along["clusters"]} == {1}


def test_a_neighbours_file_says_in_which_order_places_join(tmp_path: Path) -> None:
    cas = "a 1 2024/1/1\nb 3 2024/1/10\nc 3 2024/1/3\nd 3 2024/1/3\ne 3 2024/1/10\n"
    (tmp_path / "x.nbr").write_text("b e a\ne b\na c\n")
    result = scanned(tmp_path, "--neighbours", f"{tmp_path}/x.nbr", cas=cas)
    assert first(result)[0] == ["b", "e"]
    (tmp_path / "x.prm").write_text(PRM + "UseNeighborsFile=y\nNeighborsFilename=x.nbr\n")
    code, same = ran(tmp_path, "--parameters", f"{tmp_path}/x.prm", "--max-population", "60")
    assert code == 0 and same["clusters"] == result["clusters"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("network", "a b 1\nb q 2\n", ["dòng 2", "cột 2", "q"]),
        ("network", "\n", ["không có dòng số liệu"]),
        ("network", "a b 0\n", ["dòng 1", "cột 3"]),
        ("network", "a b 1\nb a 2\n", ["dòng 2", "cột 3"]),
        ("neighbours", "a b z\n", ["dòng 1", "cột 3", "z"]),
        ("neighbours", "\n", ["không có dòng số liệu"]),
        ("grid", "0.5\n", ["dòng 1", "1 cột"]),
    ],
)
def test_a_wrong_window_file_says_where(
    name: str, text: str, words: list[str], tmp_path: Path, capsys: Any
) -> None:
    written(tmp_path)
    (tmp_path / "x.prm").write_text(PRM)
    (tmp_path / "x.win").write_text(text)
    assert ran(tmp_path, "--parameters", f"{tmp_path}/x.prm", f"--{name}", f"{tmp_path}/x.win")[0] == 1
    told = "".join(capsys.readouterr())
    assert all(word in told for word in words), told


def test_clusters_are_taken_away_one_after_another_among_persons(tmp_path: Path) -> None:
    cas = "b 7 2024/1/10\nd 5 2024/1/10\na 1 2024/1/1\n"
    ctl = "".join(f"{name} 9 2024/1/{day}\n" for name in "abcde" for day in (1, 10))
    written(tmp_path, ctl=ctl)
    options = ["--model", "bernoulli", "--iterations", "2", "--replications", "99", "--control"]
    result = scanned(tmp_path, *options, f"{tmp_path}/x.ctl", cas=cas, ctl=ctl)
    assert len(result["replicates"]) == 2
    assert [cluster["members"] for cluster in result["clusters"]] == [["b"], ["d"]]


def test_spatial_cases_need_no_dates(tmp_path: Path) -> None:
    result = scanned(
        tmp_path, *["--model", "poisson", "--analysis", "spatial", "--undated"], cas="a 1\nb 6\nc 2\nd 1\n"
    )
    assert first(result)[0] == ["b"] and result["clusters"][0]["recurrence_days"] is None


def test_a_plain_processor_finds_the_same_maxima(tmp_path: Path) -> None:
    """Without AVX, in a process of its own: the vectors of the kernel are LLVM's, not a processor's."""
    written(tmp_path)
    (tmp_path / "x.prm").write_text(PRM)
    maxima = []
    for name, features in ((None, None), ("generic", "")):
        told = tmp_path / f"{name}.csv"
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")} if name else dict(os.environ)
        if name:
            environment |= {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features or ""}
        command = [
            sys.executable,
            "app.py",
            "scan",
            "--parameters",
            f"{tmp_path}/x.prm",
            "--maxima",
            str(told),
        ]
        subprocess.run([*command, "--out", str(tmp_path / "o.json")], check=True, env=environment)
        maxima.append(np.loadtxt(told, delimiter=",", skiprows=1)[:, 2])
    assert maxima[0].size == 99 and maxima[0].max() > 0 and np.array_equal(maxima[0], maxima[1])
