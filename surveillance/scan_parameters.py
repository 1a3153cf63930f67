"""SaTScan's options (.prm) in the terms of a scan of files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from math import isfinite
from pathlib import Path, PureWindowsPath
from typing import Any

from i18n import Message
from surveillance.plain_files import PlainFileError
from surveillance.scan import Overlap
from surveillance.scanning.growth import Compactness, Ellipses
from surveillance.scanning.intervals import Unit
from surveillance.scanning.null import Model
from surveillance.scanning.parameters import Parameters
from surveillance.scanning.satscan_files import read_date

MODELS = {"0": Model.POISSON, "1": Model.BERNOULLI, "2": Model.PERMUTATION}
UNITS = {"1": Unit.YEAR, "2": Unit.MONTH, "3": Unit.DAY}
DATED = {"0": False, "1": True, "2": True, "3": True}
"""How exactly times are given: not at all, to the year, month, day."""
OVERLAPS = dict(
    zip(
        "012345",
        (
            Overlap.NO_SHARED_PLACE,
            Overlap.NO_CENTRE_IN_ANOTHER,
            Overlap.NO_CENTRE_IN_STRONGER,
            Overlap.NO_CENTRE_IN_WEAKER,
            Overlap.NOT_BOTH_CENTRES,
            Overlap.ANY,
        ),
        strict=True,
    )
)
COMPACTNESS = {"0": Compactness.FREE, "1": Compactness.MEDIUM, "2": Compactness.STRONG}


class Analysis(StrEnum):
    PROSPECTIVE = "prospective"
    RETROSPECTIVE = "retrospective"
    SPATIAL = "spatial"


ANALYSES = {"1": Analysis.SPATIAL, "3": Analysis.RETROSPECTIVE, "4": Analysis.PROSPECTIVE}


def translated(read: Parameters, path: Path) -> tuple[dict[str, Any], list[Message]]:
    """Fields of `scan_options.Options`, and warnings of files found elsewhere than written. Raises PlainFileError."""
    asked = _Asked(read, path)
    return {**_input(asked), **_windows(asked), **_inference(asked)}, asked.moved


def _input(asked: _Asked) -> dict[str, Any]:
    return {
        "cases": asked.file("CaseFile"),
        "control": asked.file("ControlFile"),
        "population": asked.file("PopulationFile"),
        "coordinates": asked.file("CoordinatesFile"),
        "grid": asked.used("UseGridFile", "GridFile"),
        "network": asked.used("UseLocationsNetworkFile", "LocationsNetworkFilename"),
        "neighbours": asked.used("UseNeighborsFile", "NeighborsFilename"),
        "start": asked.day("StartDate"),
        "end": asked.day("EndDate"),
        "dated": asked.choice("PrecisionCaseTimes", DATED, "3"),
        "latlong": asked.read.get("CoordinatesType", "1") == "1",
        "leave_out": asked.read.get("StudyPeriodCheckType") == "1",
        "leave_out_unknown": asked.read.get("GeographicalCoordinatesCheckType") == "1",
    }


def _windows(asked: _Asked) -> dict[str, Any]:
    in_time = asked.read.get("MaxTemporalSizeInterpretation", "0") == "1"
    elliptic = asked.read.get("SpatialWindowShapeType") == "1"
    by_distance = asked.yes("UseDistanceFromCenterOption")
    return {
        "unit": asked.choice("TimeAggregationUnits", {**UNITS, "0": Unit.DAY}, "3"),
        "length": asked.whole("TimeAggregationLength", 1),
        "max_days": asked.whole("MaxTemporalSize", 1) if in_time else None,
        "max_time": 50.0 if in_time else asked.number("MaxTemporalSize", 50),
        "min_days": asked.whole("MinimumTemporalClusterSize", 1),
        "max_population": asked.number("MaxSpatialSizeInPopulationAtRisk", 50),
        "max_radius": asked.number("MaxSpatialSizeInDistanceFromCenter", 1) if by_distance else None,
        "ellipses": _ellipses(asked) if elliptic else None,
        "least_cases": asked.whole("MinimumCasesInHighRateClusters", 2),
        "overlap": asked.choice("CriteriaForReportingSecondaryClusters", OVERLAPS, "0"),
    }


def _inference(asked: _Asked) -> dict[str, Any]:
    early = asked.read.get("PValueReportType", "0") in ("0", "2")
    adjusted = asked.yes("AdjustForEarlierAnalyses")
    iterative = asked.yes("IterativeScan")
    return {
        "model": asked.choice("ModelType", MODELS, "0"),
        "analysis": asked.choice("AnalysisType", ANALYSES, "1"),
        "weekly": asked.yes("AdjustForWeeklyTrends"),
        "replications": asked.whole("MonteCarloReps", 999),
        "enough": asked.whole("EarlyTerminationThreshold", 50) if early else None,
        "earlier_from": asked.day("ProspectiveStartDate") if adjusted else None,
        "iterations": asked.whole("IterativeScanMaxIterations", 10) if iterative else 1,
        "iterate_to": asked.number("IterativeScanMaxPValue", 0.05),
    }


def _ellipses(asked: _Asked) -> Ellipses:
    usual = Ellipses(compactness=asked.choice("NonCompactnessPenalty", COMPACTNESS, "1"))
    shapes, angles = (asked.read.get(name, "") for name in ("EllipseShapes", "EllipseAngles"))
    if not (shapes and angles):
        return usual
    try:
        pairs = list(zip(map(float, shapes.split(",")), map(int, angles.split(",")), strict=True))
    except ValueError as error:
        raise asked.refused("EllipseShapes") from error
    if any(shape < 1 or number < 1 for shape, number in pairs):
        raise asked.refused("EllipseShapes")
    return Ellipses(
        shapes=tuple(shape for shape, _ in pairs),
        angles=tuple(number for _, number in pairs),
        compactness=usual.compactness,
    )


@dataclass
class _Asked:
    """Options as written, read one by one; what cannot be is refused by name."""

    read: Parameters
    path: Path
    moved: list[Message] = field(default_factory=list)

    def refused(self, name: str) -> PlainFileError:
        return PlainFileError(
            Message(
                "Tệp {file}: tùy chọn {option}={value} chưa được hỗ trợ.",
                file=self.path.name, option=name, value=self.read.get(name, ""),
            )
        )  # fmt: skip

    def file(self, name: str) -> Path | None:
        """As written, from the parameter file's folder; else of that name in this folder, for files that moved here."""
        if not self.read.get(name):
            return None
        written = self.read[name].strip('"')
        found, beside = self.path.parent / written, self.path.parent / PureWindowsPath(written).name
        if found.exists() or not beside.exists():
            return found
        self.moved.append(
            Message("Không có {written}; dùng {file} cạnh tệp tham số.", written=written, file=beside.name)
        )
        return beside

    def used(self, switch: str, name: str) -> Path | None:
        if self.yes(switch) and not self.read.get(name):
            raise self.refused(name)
        return self.file(name) if self.yes(switch) else None

    def choice(self, name: str, choices: Mapping[str, Any], default: str) -> Any:
        value = self.read.get(name) or default
        if value not in choices:
            raise self.refused(name)
        return choices[value]

    def number(self, name: str, default: float) -> float:
        try:
            value = float(self.read.get(name) or default)
        except ValueError as error:
            raise self.refused(name) from error
        if not isfinite(value):
            raise self.refused(name)
        return value

    def whole(self, name: str, default: int) -> int:
        return int(self.number(name, default))

    def yes(self, name: str) -> bool:
        return self.read.get(name, "n").lower() in ("y", "1")

    def day(self, name: str) -> date | None:
        if not self.read.get(name):
            return None
        found = read_date(self.read[name])
        if found is None or found.month_first:
            raise self.refused(name)
        return found.day
