"""SaTScan's files scanned from the command line: its results, its options, and what is wrong with a file."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from app import main
from surveillance.plain_files import PlainFileError
from surveillance.scan_files import scan_files
from surveillance.scan_options import Options, options
from surveillance.scanning.null import Model
from surveillance.scanning.satscan_files import read_date
from surveillance.scanning.significance import monte_carlo_p

ORACLES = Path(__file__).parent / "oracles"
REFERENCE = Path(__file__).parents[2] / "shared" / "reference" / "scan"
needs_reference = pytest.mark.skipif(not REFERENCE.exists(), reason="../shared/reference/scan is not here")
SAMPLES = {
    "samples/NHumbersideSpatialBernoulli": "samples/NHumberside",
    "samples/NYCSpaceTimePermutation": "samples/NYCfever",
    "samples/NewMexicoSpaceTimePoisson": "samples/nm",
    "s300_stp": "s300_stp",
    "s300_poi": "s300_poi",
    "s1000_stp": "s1000_stp",
    "s1000_poi": "s1000_poi",
    "s1000sparse_stp": "s1000sparse_stp",
    "s1000sparse_poi": "s1000sparse_poi",
}


def rows(name: str) -> list[dict[str, str]]:
    lines = (ORACLES / name).read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def told(asked: Options, folder: Path, **how: Any) -> dict[str, Any]:
    scan_files(asked, folder / "out.json", **how)
    result: dict[str, Any] = json.loads((folder / "out.json").read_text())
    return result


@pytest.mark.parametrize("model", ["permutation", "poisson"])
def test_the_command_finds_satscans_clusters(model: str, tmp_path: Path, capsys: Any) -> None:
    out, largest = tmp_path / "out.json", tmp_path / "maxima.csv"
    city = str(ORACLES / "scan_s300")
    asked = [
        "--cases",
        f"{city}.cas",
        "--coordinates",
        f"{city}.geo",
        "--model",
        model,
        "--start",
        "2024-01-01",
    ]
    asked += ["--end", "2024/2/29", "--max-days", "30", "--max-population", "50", "--replications", "99"]
    asked += ["--seed", "1", "--threads", "1", "--out", str(out), "--maxima", str(largest)]
    with pytest.raises(SystemExit) as ended:
        main(["scan", *asked, *(["--population", f"{city}.pop"] if model == "poisson" else [])])
    assert not ended.value.code
    found = json.loads(out.read_text())["clusters"]
    recorded = [row for row in rows("scan_clusters.csv") if row["model"] == model]
    for ours, theirs in zip(found, recorded, strict=False):
        assert (ours["members"], ours["start"], ours["end"]) == (
            theirs["members"].split(),
            theirs["start"],
            theirs["end"],
        )
        assert ours["statistic"] == pytest.approx(float(theirs["statistic"]), rel=1e-6, abs=5e-7)
        assert ours["centre"]["id"] == theirs["centre"]
        assert ours["radius"] == pytest.approx(float(theirs["radius"]), abs=0.005)
        assert ours["observed"] == int(theirs["observed"]) == sum(case["count"] for case in ours["cases"])
        assert ours["expected"] == pytest.approx(float(theirs["expected"]), rel=0.02)
        assert ours["p"] == pytest.approx(float(theirs["p"]), abs=0.15)
    assert len(found) >= len(recorded)
    assert len(largest.read_text().splitlines()) == 100
    assert "cụm" in capsys.readouterr().out


@pytest.mark.parametrize("model", ["permutation", "poisson"])
def test_p_follows_from_the_maxima_as_satscans_does(model: str) -> None:
    maxima = np.array([float(row[model]) for row in rows("scan_maxima.csv")])
    recorded = [row for row in rows("scan_clusters.csv") if row["model"] == model]
    for row in recorded:
        p = monte_carlo_p(float(row["statistic"]), maxima, stopped=False)
        assert p == pytest.approx(float(row["p"]), abs=1e-9)


@needs_reference
@pytest.mark.parametrize("parameters", SAMPLES)
def test_parameter_files_give_satscans_clusters_and_maxima(parameters: str, tmp_path: Path) -> None:
    asked = options(REFERENCE / f"{parameters}.prm", {})
    result, _ = scan_files(asked, tmp_path / "out.json", threads=2)
    stem = REFERENCE / SAMPLES[parameters]
    head, *lines = (line.split() for line in Path(f"{stem}.col.txt").read_text().splitlines())
    members: dict[str, list[str]] = {}
    for row in Path(f"{stem}.gis.txt").read_text().splitlines()[1:]:
        members.setdefault(row.split()[1], []).append(row.split()[0])
    found = json.loads((tmp_path / "out.json").read_text())["clusters"]
    for ours, line in zip(found, lines, strict=False):
        theirs = dict(zip(head, line, strict=True))
        statistic = float(theirs.get("LLR") or theirs["TEST_STAT"])
        assert ours["members"] == members[theirs["CLUSTER"]]
        assert ours["statistic"] == pytest.approx(statistic, rel=1e-6, abs=5e-7)
        days = [date(*map(int, theirs[f"{end}_DATE"].split("/"))).isoformat() for end in ("START", "END")]
        assert [ours["start"], ours["end"]] == days
        assert ours["radius"] == pytest.approx(float(theirs["RADIUS"]), abs=0.006)
    assert len(found) >= len(lines) - 1  # the weakest may be reached by each of our replicates
    recorded = np.loadtxt(f"{stem}.llr.txt", skiprows=1)
    drawn = result.maxima[0].size
    for ours, line in zip(found, lines, strict=False):
        theirs = dict(zip(head, line, strict=True))
        p = p_from(recorded, float(theirs.get("LLR") or theirs["TEST_STAT"]))
        if theirs["CLUSTER"] != "1" or recorded.size == 999:
            assert float(theirs["P_VALUE"]) == pytest.approx(p, abs=6e-4)
        error = np.sqrt(max(p * (1 - p), 0.001) * (1 / drawn + 1 / recorded.size))
        assert ours["p"] == pytest.approx(p, abs=4 * error)
    assert ks_2samp(np.round(result.maxima[0], 6), recorded).pvalue > 0.01


def p_from(maxima: Any, statistic: float) -> float:
    """SaTScan's p from the maxima it wrote, ties against the cluster. Runs that it stopped early count ties so too, but
    not for the first cluster, whose p is 50 ÷ replicates where 50 were strictly above it."""
    reached = int(np.sum(maxima > statistic - 5e-7))
    return (reached + 1) / 1000 if maxima.size == 999 else reached / maxima.size


@needs_reference
@pytest.mark.parametrize("sample", ["NHumberside", "NYCfever"])
def test_satscan_stops_early_when_fifty_are_strictly_above_its_first_cluster(sample: str) -> None:
    """Why the first p of these samples is lower than ours: 0.360 where as strong a second cluster has 0.583."""
    head, first, *_ = (REFERENCE / "samples" / f"{sample}.col.txt").read_text().splitlines()
    theirs = dict(zip(head.split(), first.split(), strict=False))
    maxima = np.loadtxt(REFERENCE / "samples" / f"{sample}.llr.txt", skiprows=1)
    statistic = float(theirs.get("LLR") or theirs["TEST_STAT"])
    assert np.sum(maxima > statistic + 5e-7) == 50
    assert maxima[-1] > statistic
    assert float(theirs["P_VALUE"]) == pytest.approx(50 / maxima.size, abs=6e-4)
    assert p_from(maxima, statistic) > 50 / maxima.size


def small(folder: Path, **changed: str) -> Options:
    """A city of four places in a row, three people each, as files; `changed` are other contents."""
    files = {
        "cas": "a 1 2024/1/1\nb 2 2024/1/9\nb 2 2024-01-10\nc 1 2024/1/4\n",
        "geo": "a 0 0\nb 1 0\nc 2 0\nd 3 0\n",
        "pop": "a 2024 300\nb 2024 300\nc 2024 300\nd 2024 300\n",
        **changed,
    }
    for name, text in files.items():
        (folder / f"x.{name}").write_text(text)
    given = {
        "cases": folder / "x.cas",
        "coordinates": folder / "x.geo",
        "population": folder / "x.pop",
        "model": Model.POISSON,
        "start": date(2024, 1, 1),
        "end": date(2024, 1, 10),
        "max_days": 3,
        "replications": 99,
    }
    return options(None, given)


def test_each_cluster_lists_its_cases_with_their_lines(tmp_path: Path) -> None:
    first = told(small(tmp_path), tmp_path)["clusters"][0]
    assert (first["members"], first["start"], first["observed"]) == (["b"], "2024-01-09", 4)
    assert [(case["line"], case["count"], case["date"]) for case in first["cases"]] == [
        (2, 2, "2024-01-09"),
        (3, 2, "2024-01-10"),
    ]


def test_the_order_of_cases_does_not_matter(tmp_path: Path) -> None:
    lines = ["a 1 2024/1/1", "b 2 2024/1/9", "b 2 2024-01-10", "c 1 2024/1/4"]
    one = told(small(tmp_path), tmp_path)["clusters"]
    other = told(small(tmp_path, cas="\n".join(reversed(lines)) + "\n"), tmp_path)["clusters"]
    for cluster in (*one, *other):
        del cluster["cases"]
    assert one == other


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cas": "a 1 2024/1/1\nb x 2024/1/2\n"}, ["x.cas", "dòng 2", "cột 2", "cần một số"]),
        ({"cas": "a 1.5 2024/1/1\n"}, ["dòng 1", "cột 2", "số nguyên"]),
        ({"cas": "a -1 2024/1/1\n"}, ["dòng 1", "cột 2", "âm"]),
        ({"cas": "a 1 31/1/2024\n"}, ["dòng 1", "cột 3", "năm/tháng/ngày"]),
        ({"cas": "a 1 2024/2/30\n"}, ["dòng 1", "cột 3"]),
        ({"cas": "a 1 2024/1\n"}, ["dòng 1", "cột 3", "chưa đủ"]),
        ({"cas": "a 1\n"}, ["dòng 1", "2 cột", "ít nhất 3"]),
        ({"cas": "zz 1 2024/1/1\n"}, ["dòng 1", "zz", "x.geo"]),
        ({"geo": "a 0 0\nb 1 0\nc 2 0\na 3 0\n"}, ["x.geo", "dòng 4", "dòng 1"]),
        ({"geo": "a 0 y\nb 1 0\nc 2 0\n"}, ["x.geo", "dòng 1", "cột 3"]),
        ({"geo": "\n"}, ["x.geo", "không có dòng số liệu"]),
        ({"pop": "a 2024 300\nc 2024 300\n"}, ["x.cas", "dòng 2", "“b”", "x.pop"]),
        ({"pop": "a 2024 300\nb 2024 0\nc 2024 9\n"}, ["x.cas", "dòng 2", "“b”", "x.pop"]),
        ({"pop": "a when 300\n"}, ["x.pop", "dòng 1", "cột 2"]),
    ],
)
def test_a_malformed_file_says_where_and_how_to_mend_it(
    changed: dict[str, str], words: list[str], tmp_path: Path
) -> None:
    with pytest.raises(PlainFileError) as error:
        scan_files(small(tmp_path, **changed), tmp_path / "out.json")
    assert all(word in str(error.value) for word in words), str(error.value)
    assert not (tmp_path / "out.json").exists()


def test_cases_outside_the_period_are_left_out_and_counted(tmp_path: Path) -> None:
    asked = small(tmp_path, cas="a 1 2023/12/31\nb 2 2024/1/9\nc 1 2024/1/11\n")
    result = told(asked, tmp_path)
    assert result["study"]["cases"] == 2
    assert "bỏ 2 dòng ngoài thời kỳ (dòng đầu tiên: 1)" in result["warnings"][0]


@pytest.mark.parametrize("cases", ["", "a 1 2024/1/10\n", "a 7 2024/1/9\na 10000 2024/1/10\n"])
def test_few_cases_one_point_and_ten_thousand_in_a_day_have_an_outcome(cases: str, tmp_path: Path) -> None:
    result = told(small(tmp_path, cas=cases), tmp_path)
    assert len(result["warnings"]) == 1
    assert [c["observed"] for c in result["clusters"][:1]] == ([10_000] if "10000" in cases else [])


def test_the_end_before_the_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlainFileError, match="trước ngày đầu"):
        options(None, {**vars_of(small(tmp_path)), "end": date(2023, 1, 1)})


def vars_of(asked: Options) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in asked.__slots__}


def test_unsupported_parameters_are_named_and_refused_only_if_they_change_the_result(tmp_path: Path) -> None:
    base = (
        "[Input]\nCaseFile=x.cas\nCoordinatesFile=x.geo\nPopulationFile=x.pop\nStartDate=2024/1/1\n"
        "EndDate=2024/1/10\nCoordinatesType=0\n[Analysis]\nAnalysisType=4\nModelType=0\nMonteCarloReps=9\n"
    )
    small(tmp_path)
    path = tmp_path / "x.prm"
    path.write_text(base + "[Output]\nOutputGoogleEarthKML=y\n")
    asked = options(path, {"replications": 19})
    assert "OutputGoogleEarthKML" in str(asked.warnings[0]) and asked.replications == 19
    assert any("OutputGoogleEarthKML" in warning for warning in told(asked, tmp_path)["warnings"])
    path.write_text(base + "MaximumOfTomorrow=7\n")
    assert ["MaximumOfTomorrow=7" in str(warning) for warning in options(path, {}).warnings] == [True]
    for line in ("ScanAreas=3", "ModelType=5", "UseMetaLocationsFile=y", "IncludePurelyTemporal=y"):
        path.write_text(base.replace("ModelType=0\n", "") + line + "\n")
        with pytest.raises(PlainFileError, match=line.split("=")[0]):
            options(path, {})


def test_a_known_share_makes_quiet_last_days_no_surprise_and_busy_ones_a_greater_one(tmp_path: Path) -> None:
    (tmp_path / "share.csv").write_text("days_ago,share\n0,0.2\n1,0.5\n")
    plain = told(small(tmp_path), tmp_path)["clusters"][0]
    asked = options(None, {**vars_of(small(tmp_path)), "known_share": tmp_path / "share.csv"})
    aware = told(asked, tmp_path)["clusters"][0]
    assert aware["expected"] < plain["expected"] and aware["statistic"] > plain["statistic"]
    (tmp_path / "share.csv").write_text("days_ago,share\n0,1.2\n")
    with pytest.raises(PlainFileError, match="từ 0 đến 1"):
        scan_files(asked, tmp_path / "out.json")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020/1/5", (date(2020, 1, 5), 3)),
        ("2020-01-05", (date(2020, 1, 5), 3)),
        ("2020.1.5", (date(2020, 1, 5), 3)),
        ("1/5/2020", (date(2020, 1, 5), 3)),
        ("13/5/2020", None),
        ("2020/0/5", None),
        ("2020/1/0", None),
        ("2020/3", (date(2020, 3, 1), 2)),
        ("3/2020", (date(2020, 3, 1), 2)),
        ("2020", (date(2020, 1, 1), 1)),
        ("73", (date(1973, 1, 1), 1)),
        ("05", (date(2005, 1, 1), 1)),
        ("2020/13/1", None),
        ("soon", None),
    ],
)
def test_dates_as_satscan_writes_them(text: str, expected: Any) -> None:
    found = read_date(text)
    assert (found and (found.day, found.parts)) == expected
