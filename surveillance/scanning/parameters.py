"""SaTScan's parameter files (.prm): what of them is followed, what changes nothing, what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from configparser import ConfigParser, Error
from pathlib import Path

from i18n import Message
from surveillance.plain_files import PlainFileError, read_text

Parameters = Mapping[str, str]

UNCHANGED = {
    "IncludeClusters": "0",
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

FOLLOWED = frozenset((
    "AdjustForEarlierAnalyses", "AdjustForWeeklyTrends", "AnalysisType", "CaseFile", "ControlFile",
    "CoordinatesFile", "CoordinatesType", "CriteriaForReportingSecondaryClusters", "EarlyTerminationThreshold",
    "EllipseAngles", "EllipseShapes", "EndDate", "GeographicalCoordinatesCheckType", "GridFile",
    "IterativeScan", "IterativeScanMaxIterations", "IterativeScanMaxPValue",
    "MaxSpatialSizeInDistanceFromCenter", "MaxSpatialSizeInPopulationAtRisk", "MaxTemporalSize",
    "MaxTemporalSizeInterpretation", "MinimumCasesInHighRateClusters", "MinimumTemporalClusterSize",
    "ModelType", "MonteCarloReps", "NonCompactnessPenalty", "PValueReportType", "PopulationFile",
    "PrecisionCaseTimes", "ProspectiveStartDate", "SpatialWindowShapeType", "StartDate", "StudyPeriodCheckType",
    "TimeAggregationLength", "TimeAggregationUnits", "UseDistanceFromCenterOption", "UseGridFile",
    "LocationsNetworkFilename", "NeighborsFilename", "UseLocationsNetworkFile", "UseNeighborsFile",
))  # fmt: skip
"""Options that scan_parameters.py translates."""

SILENT = frozenset((
    "AdjustmentsByKnownRelativeRisksFilename", "AlternativeHypothesisFilename",
    "CensusAreasReportedClustersASCII", "CompressKMLtoKMZ", "CriticalValue001", "CriticalValue01",
    "CriticalValue05", "CriticalValueType", "CustomEmail", "CustomEmailMessageBody", "CustomEmailSubjectLine",
    "CutoffClusterLinelistCSV", "DataSet1-Name", "DrilldownClusterCutoff", "DrilldownMinimumClusterCases",
    "DrilldownMinimumClusterLocations", "EmailAlwaysRecipients", "EmailAttachResults", "EmailCutoffRecipients",
    "EmailCutoffValue", "EmailIncludeResults", "ExecutionType", "GiniIndexClusterReportingType",
    "GiniIndexClustersPValueCutOff", "IncludeClusterLocationsKML", "IntervalEndRange", "IntervalStartRange",
    "LaunchMapViewer", "LineListIndividualCache", "LogRunToHistoryFile",
    "MaxCirclePopulationFile", "MaxSizeInMaxCirclePopulationFile_Reported",
    "MaxSpatialSizeInDistanceFromCenter_Reported", "MaxSpatialSizeInMaxCirclePopulationFile",
    "MaxSpatialSizeInPopulationAtRisk_Reported", "MetaLocationsFilename", "MinimumCasesInLowRateClusters",
    "MostLikelyClusterCaseInfoEachCentroidASCII", "MostLikelyClusterEachCentroidASCII", "MultipleLocationsFile",
    "NumBootstrapReplications", "NumberParallelProcesses", "NumberPowerReplications",
    "OliveiraPvalueCutoff", "PowerEstimationType", "PowerEvaluationTotalCases", "PowerEvaluationsMethod",
    "PowerEvaluationsSimulationMethod", "PowerEvaluationsSimulationOutputFilename",
    "PowerEvaluationsSimulationSourceFilename", "PrintAsciiColumnHeaders", "ProspectiveFrequency",
    "ProspectiveFrequencyType", "ReportClusterRank", "ReportGiniIndexCoefficents", "ReportGumbel",
    "ReportHierarchicalClusters", "ReportPowerEvaluationSimulationData", "ResultsFile", "ResultsTitle",
    "RiskLimitLowClusters", "RiskThresholdHighClusters", "RiskThresholdLowClusters", "SaveSimLLRsASCII",
    "SimulatedDataInputFilename", "SimulatedDataOutputFilename", "SpatialMaxima", "SuppressWarnings",
    "TemporalGraphMostMLC", "TemporalGraphReportType", "TemporalGraphSignificanceCutoff",
    "ThresholdLocationsSeparateKML", "TimeStratifiedAdjLength", "TimeTrendPercentage", "TimeTrendType",
    "UseDistanceFromCenterOption_Reported", "UseMaxCirclePopulationFileOption_Reported", "Version",
))  # fmt: skip
"""Options of output, e-mail and what another option turns on, which is refused."""


def read_parameters(path: Path) -> tuple[Parameters, tuple[Message, ...]]:
    """Options by name and warnings of what is asked for and not done.

    Raises PlainFileError for a file that cannot be read and for an option that would change the result.
    """
    parser = ConfigParser(interpolation=None, strict=False, comment_prefixes=(";", "#"))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(read_text(path)[0])
    except Error as error:
        raise PlainFileError(
            Message("Tệp {file} không phải tệp tham số của SaTScan (.prm).", file=path.name)
        ) from error
    options = {key: value.strip() for section in parser.sections() for key, value in parser[section].items()}
    several = {
        name: ""
        for name in options
        if (name.startswith(("CaseFile", "DataSet2")) and name != "CaseFile") or "-Source" in name
    }
    alive = options.get("AnalysisType", "1") in (
        "1",
        "4",
    )  # where only windows that last are looked at in any case
    for name, followed in (UNCHANGED | several).items():
        same = {followed, "", "0" if followed == "n" else followed}
        if options.get(name, followed).lower() not in same and not (alive and name == "IncludeClusters"):
            raise PlainFileError(
                Message(
                    "Tệp {file}: tùy chọn {option}={value} chưa được hỗ trợ và sẽ làm kết quả khác đi. "
                    "Hãy đặt {option}={followed}.",
                    file=path.name, option=name, value=options[name], followed=followed,
                )
            )  # fmt: skip
    return options, _warnings(path, options)


def _warnings(path: Path, options: Parameters) -> tuple[Message, ...]:
    aside = [
        Message("Tùy chọn {option} của SaTScan không được dùng; kết quả không đổi.", option=name)
        for name, none in ASIDE.items()
        if options.get(name, none) not in (none, "")
    ]
    strange = [
        Message(
            "Tệp {file}: không biết tùy chọn {option}={value}, nên bỏ qua; kết quả có thể khác SaTScan.",
            file=path.name, option=name, value=value,
        )
        for name, value in options.items()
        if value and name not in FOLLOWED | SILENT | UNCHANGED.keys() | ASIDE.keys()
    ]  # fmt: skip
    return (*aside, *strange)
