"""Which unit went into which, as files tell it: a CSV of pairs, or columns of later codes in a boundary file."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from geodata.models import AdminUnit, UnitLineage
from geodata.releases import units_on
from i18n import Message, MessageError

LINKED = "lineage"
WITH_SHARES = "shares"
_TOO_MUCH = 1.02
"""Shares of one unit may sum to a little more than 1: files round them."""


class LineageError(MessageError, ValueError):
    """A lineage file that cannot be used; the text says where and how to mend it."""


class Pair(NamedTuple):
    """`share` of the old unit that went into the new one; None when the file does not say."""

    old_code: str
    new_code: str
    share: float | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageReport:
    pairs: int
    units: int
    split: int
    unknown: tuple[str, ...]

    def messages(self) -> list[Message]:
        lines = [
            Message(
                "Đã ghi {pairs} liên kết của {units} đơn vị cũ, trong đó {split} đơn vị bị chia.",
                pairs=self.pairs,
                units=self.units,
                split=self.split,
            )
        ]
        if self.unknown:
            lines.append(
                Message("Mã không có trong đợt ranh giới: {codes}.", codes="; ".join(self.unknown[:20]))
            )
        return lines


def read_pairs(path: Path) -> list[Pair]:
    """Rows of a CSV with the columns old_code, new_code and, if known, share (0 to 1). Raises LineageError."""
    if not path.exists():
        raise LineageError(Message("Không thấy tệp {file}.", file=path.name))
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [x for x in ("old_code", "new_code") if x not in (reader.fieldnames or ())]:
            raise LineageError(
                Message("{file}: thiếu cột {columns}.", file=path.name, columns=", ".join(missing))
            )
        pairs = [_pair(row, reader.line_num, path.name) for row in reader]
    _check_sums(pairs, path.name)
    return pairs


def _pair(row: Mapping[str, str], line: int, file: str) -> Pair:
    old, new = ((row[name] or "").strip() for name in ("old_code", "new_code"))
    if not old or not new:
        raise LineageError(Message("{file}, dòng {row}: thiếu mã đơn vị cũ hoặc mới.", file=file, row=line))
    text = (row.get("share") or "").strip().replace(",", ".")
    try:
        share = float(text) if text else None
    except ValueError:
        share = -1.0
    if share is not None and not 0 <= share <= 1:
        raise LineageError(
            Message(
                "{file}, dòng {row}: tỷ lệ “{text}” phải là số từ 0 đến 1.", file=file, row=line, text=text
            )
        )
    return Pair(old, new, share, line)


def _check_sums(pairs: Iterable[Pair], file: str) -> None:
    by_old: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_old[pair.old_code].append(pair)
    for old, group in by_old.items():
        known = [pair.share for pair in group if pair.share is not None]
        if known and (len(known) < len(group) or not 0 < sum(known) <= _TOO_MUCH):
            raise LineageError(
                Message(
                    "{file}, dòng {row}: các tỷ lệ của đơn vị {code} phải đủ và cộng lại không quá 1.",
                    file=file,
                    row=group[0].line,
                    code=old,
                )
            )


def store_lineage(session: Session, pairs: Sequence[Pair], *, old: date, new: date) -> LineageReport:
    """Replace what became of these old units. Pairs of unknown codes are told and left out."""
    olds, news = (_ids_by_code(session, day) for day in (old, new))
    strange = [(x.old_code, x.line) for x in pairs if x.old_code not in olds]
    strange += [(x.new_code, x.line) for x in pairs if x.new_code not in news]
    unknown = [str(Message("{code} (dòng {line})", code=code, line=str(line))) for code, line in strange]
    known = [x for x in pairs if x.old_code in olds and x.new_code in news]
    if not known:
        raise LineageError(
            Message("Không cặp mã nào thuộc hai đợt ranh giới {old} và {new}.", old=old, new=new)
        )
    links = {(olds[x.old_code], news[x.new_code]): x.share for x in known}
    store_links(session, links)
    parts = Counter(unit for unit, _new in links)
    split = sum(n > 1 for n in parts.values())
    return LineageReport(pairs=len(links), units=len(parts), split=split, unknown=tuple(unknown))


def store_links(session: Session, links: Mapping[tuple[int, int], float | None]) -> None:
    """Replace the links of these old units by these, with their shares where known."""
    by_old: dict[int, dict[int, float | None]] = defaultdict(dict)
    for (old, new), share in links.items():
        by_old[old][new] = share
    session.execute(delete(UnitLineage).where(UnitLineage.old_id.in_(by_old)))
    for old, parts in by_old.items():
        largest = max(parts, key=lambda new: (parts[new] or 0.0, -new))
        for new, share in parts.items():
            session.add(
                UnitLineage(
                    old_id=old,
                    new_id=new,
                    split=len(parts) > 1,
                    is_default=new == largest,
                    share=share,
                    basis=LINKED if share is None else WITH_SHARES,
                )
            )
    session.flush()


def link_by_later_codes(session: Session, codes: Mapping[int, Iterable[str]], later: date) -> int:
    """From the codes that units (by id) have in the next release; returns how many links there are."""
    news = _ids_by_code(session, later)
    links = {(unit, news[code]): None for unit, found in codes.items() for code in found if code in news}
    store_links(session, links)
    return len(links)


def _ids_by_code(session: Session, day: date) -> dict[str, int]:
    query = select(AdminUnit.code, AdminUnit.id).where(AdminUnit.id.in_(units_on(session, day)))
    return {row.code: row.id for row in session.execute(query)}
