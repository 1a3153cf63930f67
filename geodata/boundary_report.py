"""What an import of boundaries did, for people: both sides of the matching, repairs, overlaps, odd areas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from geodata.boundary_check import BoundaryCheck, Overlap
from geodata.boundary_match import BoundaryMatch, LeftOver
from geodata.types import UnitKey
from i18n import Message

SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryReport:
    """`created`: units that only this release knows; `counted`: units whose people the file holds, by year."""

    source: str
    format: str
    release: date
    match: BoundaryMatch
    check: BoundaryCheck
    names: Mapping[UnitKey, str]
    counted: Mapping[int, int]
    notes: tuple[Message, ...] = ()
    created: int = 0
    links: int = 0

    def messages(self) -> list[Message]:
        match, check = self.match, self.check
        lines = [
            Message(
                "{source} ({format}), ranh giới từ {day}: đã nhận {count} đơn vị ({by_code} theo mã, {by_name} theo "
                "tên, {by_place} theo tên và vị trí).",
                source=self.source,
                format=self.format,
                day=self.release,
                count=len(match.areas),
                by_code=match.by_code,
                by_name=match.by_name,
                by_place=match.by_place,
            ),
            *self.notes,
            *self._made(),
        ]
        if match.elsewhere:
            lines.append(Message("Bỏ qua {count} vùng của tỉnh, thành phố khác.", count=match.elsewhere))
        if check.repaired:
            lines.append(Message("Đã sửa {count} hình không hợp lệ.", count=check.repaired))
        listed: tuple[tuple[Message, Sequence[str]], ...] = (
            (
                Message("Vùng không dùng được"),
                [self._left(x) for x in match.left_over],
            ),
            (Message("Đơn vị chưa có ranh giới"), [f"{x.unit.name}: {x.reason}" for x in match.lacking]),
            (Message("Hình không còn diện tích sau khi sửa"), [self.names[key] for key in check.vanished]),
            (Message("Chồng lấn nhau"), [self._overlap(overlap) for overlap in check.overlaps]),
            (Message("Diện tích khác diện tích chính thức hơn 10%"), [*self._ratios()]),
        )
        return lines + [_listing(title, items) for title, items in listed if items]

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Everything that did not match, for a CSV: side, name (with its row), reason."""
        for left in self.match.left_over:
            yield "file", f"{left.name} ({left.row})", str(left.reason)
        for lacking in self.match.lacking:
            yield "unit", f"{lacking.unit.name} ({lacking.unit.key.code})", str(lacking.reason)

    def _made(self) -> Iterator[Message]:
        if self.created:
            yield Message("Đã thêm {count} đơn vị chỉ có trong đợt ranh giới này.", count=self.created)
        if self.links:
            yield Message("Đã ghi {count} liên kết tới đơn vị sau này theo tệp.", count=self.links)
        for year, count in sorted(self.counted.items()):
            yield Message("Dân số năm {year} của {count} đơn vị.", year=str(year), count=count)

    def _left(self, left: LeftOver) -> str:
        return str(
            Message("{name} (dòng {row}): {reason}", name=left.name, row=str(left.row), reason=left.reason)
        )

    def _overlap(self, overlap: Overlap) -> str:
        return f"{self.names[overlap.first]} – {self.names[overlap.second]} ({overlap.km2:.2f} km²)"

    def _ratios(self) -> Iterator[str]:
        for key, ratio in self.check.ratios.items():
            yield f"{self.names[key]} ({ratio:.0%})"


def _listing(title: Message, items: Sequence[str]) -> Message:
    shown = "; ".join(items[:SHOWN])
    if len(items) > SHOWN:
        return Message("{title}: {count}, gồm {items}; …", title=title, count=len(items), items=shown)
    return Message("{title}: {count}, gồm {items}.", title=title, count=len(items), items=shown)
