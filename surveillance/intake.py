"""One recognised file → placed, keyed, encrypted reports on their way in. Reads no table and writes none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, tzinfo
from functools import cached_property
from typing import Any

import orjson

from i18n import Message
from surveillance.belief import ROW, Facts
from surveillance.linkage import Incoming, Key, Problem, person_keys
from surveillance.place import AT_SEA, OUTSIDE, Place, Placer, place_name
from surveillance.privacy import Vault
from surveillance.sources.mapping import SourceMapping
from surveillance.sources.rows import ParsedRow, RowParser
from surveillance.types import CaseReport, Rejected
from surveillance.verification import MOVED

REPORT_HOUR = time(18)
"""When a report of the past counts as known: 18:00 local time of its report day."""

_IDENTITY = ("name", "phone", "guardian", "address", "occupation")
_SOURCE = (
    "disease", "icd10", "date_report", "date_onset", "date_admission", "facility", "sex", "age_years",
    "commune", "district", "province", "unit_code", "lon", "lat", "setting", "outcome", "date_outcome",
    "verification",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Reads one file. `reject` gets the problems of each row that cannot be taken; `total` counts rows that are not
    blank, and what `notes` tells of. A row that names a disease not under surveillance goes on when it has a
    file number: it may discard a case.

    `known_at` None: each row counts as known at 18:00 of its report day (data of the past).
    """

    parser: RowParser
    placer: Placer
    vault: Vault
    timezone: tzinfo
    known_at: datetime | None
    reject: Callable[[tuple[Problem, ...]], None]
    total: Counter[str] = field(default_factory=Counter)
    _identical: Counter[bytes] = field(default_factory=Counter)

    def reports(self) -> Iterator[Incoming]:
        for row in self.parser.rows():
            self.total["rows"] += 1
            if row.report is None:
                self.reject(self._sealed(row, row.problems))
                continue
            place = self.placer.place(row.report, self.mapping.point_level)
            if place.unit_id is None and self.mapping.place_required and not row.problems:
                self.reject(self._sealed(row, (_unplaced(row, place),)))
                continue
            self._note(row.report, place)
            incoming = self._incoming(row, row.report, place)
            if row.problems and not incoming.keys:
                self.reject(incoming.problems)
                continue
            yield incoming

    @cached_property
    def mapping(self) -> SourceMapping:
        return self.parser.mapping

    def _incoming(self, row: ParsedRow, report: CaseReport, place: Place) -> Incoming:
        facts = _facts(report, place)
        source = {name: value for name in _SOURCE if (value := getattr(report, name)) is not None}
        source |= {"classification": facts.classification, "treatment": facts.treatment}
        person = _person(report)
        if self.mapping.identity == "row":
            keys, content = self._row_key(row, report)
        else:
            keys = person_keys(
                report, system=self.mapping.system, place=place_name(report, place), vault=self.vault
            )
            content = self.vault.digest(orjson.dumps([source, person]).decode())
        return Incoming(
            row=row.number,
            known_at=self.known_at or known_at_report(report, self.timezone),
            keys=keys,
            facts=facts,
            source=source,
            identity=self.vault.encrypt(person) if person else None,
            content_hash=content,
            problems=self._sealed(row, problems) if (problems := self._without_case(row)) else (),
        )

    def _note(self, report: CaseReport, place: Place) -> None:
        named = bool(report.commune or report.district)
        stays = report.verification is not None and report.verification not in MOVED
        self.total["outside"] += report.verification is not None and place.rule in (OUTSIDE, AT_SEA)
        self.total["unknown commune"] += stays and named and place.unit_id is None

    def notes(self) -> Iterator[Message]:
        """What people must look at although the rows were taken."""
        if count := self.total["unknown commune"]:
            yield Message(
                "{count} phiếu điều tra ghi phường/xã không nhận ra: đã nhận, ca giữ phường/xã đã báo cáo.",
                count=count,
            )
        if count := self.total["outside"]:
            yield Message(
                "{count} phiếu điều tra có tọa độ nằm ngoài phường/xã đã ghi: đã nhận, cần kiểm tra lại.",
                count=count,
            )

    def _without_case(self, row: ParsedRow) -> tuple[Rejected, ...]:
        """Why the row is rejected when no case is found for it."""
        return row.problems or (_no_case(row),) if self.mapping.identity == "file" else row.problems

    def _row_key(self, row: ParsedRow, report: CaseReport) -> tuple[tuple[Key, ...], bytes]:
        """Identical rows are different people: the second of them is another case, in every edition of the file."""
        digest = self.vault.digest(ROW, self.mapping.system, *map(str, row.raw))
        self._identical[digest] += 1
        if (number := self._identical[digest]) > 1:
            digest = self.vault.digest(ROW, digest.hex(), str(number))
        return (Key(digest, ROW, report.date_report),), digest

    def _sealed(self, row: ParsedRow, problems: Iterable[Rejected]) -> tuple[Problem, ...]:
        """The problems as they may be stored: what stood there is encrypted."""
        raw = self.vault.encrypt(_by_column(self.parser.source.headers, row))
        return tuple(
            Problem(
                row.number,
                problem.column,
                self.vault.encrypt(problem.value) if problem.value is not None else None,
                orjson.dumps(problem.reason.to_json()).decode(),
                raw,
            )
            for problem in problems
        )


def _unplaced(row: ParsedRow, place: Place) -> Rejected:
    reason = Message(
        "Không xác định được xã/phường ({rule}). Nguồn này bắt buộc có nơi ở; hãy sửa địa chỉ rồi gửi lại.",
        rule=Message(place.rule),
    )
    return Rejected(row=row.number, column=None, value=None, reason=reason)


def _no_case(row: ParsedRow) -> Rejected:
    reason = Message(
        "Chưa có ca nào của bệnh viện và số hồ sơ này. Hãy kiểm tra hai ô đó; nếu danh sách của bệnh viện đến sau thì "
        "gửi lại dòng này khi đã có ca."
    )
    return Rejected(row=row.number, column=None, value=None, reason=reason)


def _by_column(headers: Sequence[str], row: ParsedRow) -> dict[str, str]:
    names = [*headers, *(f"+{n}" for n in range(1, len(row.raw) - len(headers) + 1))]
    return {name: str(cell) for name, cell in zip(names, row.raw, strict=False)}


def known_at_report(report: CaseReport, timezone: tzinfo) -> datetime:
    return datetime.combine(report.date_report, REPORT_HOUR, timezone).astimezone(UTC)


def _person(report: CaseReport) -> dict[str, Any]:
    person = {name: value for name in _IDENTITY if (value := getattr(report.identity, name)) is not None}
    if report.facility_case_no:
        person["facility_case_no"] = report.facility_case_no
    return person


def _facts(report: CaseReport, place: Place) -> Facts:
    return Facts(
        report.disease,
        report.icd10,
        report.classification.value,
        report.treatment.value if report.treatment else None,
        report.event_date,
        report.date_onset,
        report.date_admission,
        report.date_report,
        report.sex,
        report.age_years,
        report.facility,
        report.setting,
        report.outcome.value if report.outcome else None,
        report.date_outcome,
        report.verification.value if report.verification else None,
        *place,
    )
