"""SaTScan's parameter files (.prm): what of them is followed, what changes nothing, what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from configparser import ConfigParser, Error
from pathlib import Path

from i18n import Message
from surveillance.plain_files import PlainFileError

Parameters = Mapping[str, str]

UNCHANGED = {
    "IncludeClusters": "0",
    "UseLocationsNetworkFile": "n",
    "UseNeighborsFile": "n",
    "UseMetaLocationsFile": "n",
    "MultipleCoordinatesType": "0",
    "UseMaxCirclePopulationFileOption": "n",
    "IncludePurelyTemporal": "n",
    "IncludePurelySpatial": "n",
    "IsotonicScan": "0",
    "RiskLimitHighClusters": "n",
    "TimeTrendAdjustmentType": "0",
    "SpatialAdjustmentType": "0",
    "UseAdjustmentsByRRFile": "n",
    "UseReportOnlySmallerClusters": "n",
    "PerformPowerEvaluation": "n",
    "SimulatedDataMethodType": "0",
    "MultipleDataSetsPurposeType": "0",
    "ScanAreas": "1",
}
"""Options that would change the result, with the only value that is followed."""

ASIDE = {
    "OutputGoogleEarthKML": "n",
    "OutputShapefiles": "n",
    "OutputCartesianGraph": "n",
    "OutputGoogleMaps": "n",
    "OutputTemporalGraphHTML": "n",
    "MostLikelyClusterEachCentroidDBase": "n",
    "MostLikelyClusterCaseInfoEachCentroidDBase": "n",
    "CensusAreasReportedClustersDBase": "n",
    "IncludeRelativeRisksCensusAreasDBase": "n",
    "IncludeRelativeRisksCensusAreasASCII": "n",
    "SaveSimLLRsDBase": "n",
    "ReportGiniClusters": "n",
    "CalculateOliveira": "n",
    "CriticalValue": "n",
    "PerformStandardDrilldown": "n",
    "PerformBernoulliDrilldown": "n",
    "EmailAlwaysSummary": "n",
    "EmailCutoffSummary": "n",
    "PrintSimulatedDataToFile": "n",
}
"""Options that add an output which is not made here, with the value that asks for none."""


def read_parameters(path: Path) -> tuple[Parameters, tuple[Message, ...]]:
    """Options by name and warnings of what is asked for and not done.

    Raises PlainFileError for a file that cannot be read and for an option that would change the result.
    """
    parser = ConfigParser(interpolation=None, strict=False, comment_prefixes=(";", "#"))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise PlainFileError(Message("Không tìm thấy tệp {file}.", file=path.name)) from error
    except (OSError, UnicodeDecodeError, Error) as error:
        raise PlainFileError(Message("Không đọc được tệp {file}.", file=path.name)) from error
    options = {key: value.strip() for section in parser.sections() for key, value in parser[section].items()}
    several = {
        name: "" for name in options if name.startswith(("CaseFile", "DataSet2")) and name != "CaseFile"
    }
    for name, followed in (UNCHANGED | several).items():
        if options.get(name, followed) not in (followed, ""):
            raise PlainFileError(
                Message(
                    "Tệp {file}: tùy chọn {option}={value} chưa được hỗ trợ và sẽ làm kết quả khác đi. "
                    "Hãy đặt {option}={followed}.",
                    file=path.name, option=name, value=options[name], followed=followed,
                )
            )  # fmt: skip
    return options, _warnings(options)


def _warnings(options: Parameters) -> tuple[Message, ...]:
    return tuple(
        Message("Tùy chọn {option} của SaTScan không được dùng; kết quả không đổi.", option=name)
        for name, none in ASIDE.items()
        if options.get(name, none) not in (none, "")
    )
