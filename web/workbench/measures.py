"""The registry of what the areas are coloured by, one measure at a time (docs/methods/measures.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from sqlalchemy.orm import Session

from geodata.people import persons_about
from i18n import Message
from surveillance.clock import data_until
from surveillance.coverage import communes
from surveillance.measures.incidence import PER
from surveillance.measures.spots import Quadrant, Spot
from surveillance.release_counts import counts_on_release
from surveillance.types import FloatArray
from web.context import Moment
from web.selection import Selection
from web.workbench import readers
from web.workbench.classes import Cut
from web.workbench.reading import Category, Look, Measure, MeasureValues, Reading

FILTERS: Mapping[str, Message] = {
    "dated_by": Message("cách tính ngày"),
    "ages": Message("tuổi"),
    "sex": Message("giới tính"),
    "severity": Message("mức nặng"),
    "status": Message("phân loại"),
    "source": Message("nguồn"),
}
"""By field of the selection; the measures of `NONE_OF_THEM` leave all of these aside."""
NONE_OF_THEM = frozenset(FILTERS)

ONE_DISEASE = Message("Chọn một bệnh để xem chỉ số này.")
TODAYS_ONLY = Message("Chỉ số này chỉ có trên ranh giới hiện nay.")
IGNORED = "Chỉ số này không theo bộ lọc: {filters}."
NO_PERIOD = Message("Chỉ số này không theo kỳ đã chọn.")


MEASURES: Mapping[str, Measure] = {
    measure.key: measure
    for measure in (
        Measure(
            key="level",
            name=Message("Mức nguy cơ"),
            unit=Message("mức"),
            says=Message(
                "Mức hệ thống đề xuất từ mọi bằng chứng, theo Thông tư 15/2026; không phải kết luận về mặt pháp lý."
            ),
            page="levels",
            scale="levels",
            read=readers.level,
            days="last",
            ignores=NONE_OF_THEM,
            releases=True,
        ),
        Measure(
            key="cases",
            name=Message("Số ca"),
            unit=Message("ca"),
            says=Message(
                "Số ca có ngày tính trong kỳ. Nơi đông dân thường nhiều ca hơn: muốn so sánh các nơi, xem tỷ suất."
            ),
            page="measures",
            scale="sequential",
            read=readers.counts,
            zero_apart=True,
            releases=True,
        ),
        Measure(
            key="rate",
            name=Message("Ca trên 100.000 dân"),
            unit=Message("ca/100.000 dân"),
            says=Message(
                "Số ca trong kỳ chia cho dân số. Nơi ít dân chỉ một vài ca đã thành tỷ suất cao: xem thêm tỷ suất"
                " làm trơn."
            ),
            page="measures",
            scale="sequential",
            read=readers.rates,
            decimals=1,
            zero_apart=True,
            releases=True,
        ),
        Measure(
            key="ratio",
            name=Message("So với cùng kỳ các năm"),
            unit=Message("lần"),
            says=Message(
                "Số ca trong kỳ chia cho trung bình cùng kỳ của tối đa 5 năm trước, bỏ năm có dịch. Cần ít nhất"
                " 3 năm và 1 ca dự kiến; nguồn số liệu thay đổi giữa các năm cũng làm tỷ số đổi."
            ),
            page="measures",
            scale="diverging",
            read=readers.ratio,
            usual=Cut("breaks", 5, (0.5, 0.8, 1.25, 2.0)),
            decimals=2,
        ),
        Measure(
            key="smoothed",
            name=Message("Tỷ suất làm trơn"),
            unit=Message("ca/100.000 dân"),
            says=Message(
                "Tỷ suất kéo về mức chung của thành phố, nơi càng ít dân kéo càng mạnh (Bayes thực nghiệm): bớt"
                " nhiễu, nhưng một nơi nhỏ có dịch thật cũng bị kéo thấp xuống."
            ),
            page="association",
            scale="sequential",
            read=readers.smoothed,
            decimals=1,
        ),
        Measure(
            key="gi",
            name=Message("Điểm nóng, điểm lạnh"),
            unit=Message("Gi*"),
            says=Message(
                "Nơi cùng các nơi liền kề có tỷ suất cao hoặc thấp hơn hẳn phần còn lại (Getis–Ord Gi*; tối đa 5 %"
                " số nơi được nêu là do ngẫu nhiên). Kỳ có dưới 20 ca thì không xét."
            ),
            page="association",
            scale="categories",
            read=readers.gi,
            categories=(
                Category(value=Spot.HOT, name=Message("Điểm nóng"), colour="hot", symbol="▲"),
                Category(value=Spot.NONE, name=Message("Không nổi bật"), colour="none"),
                Category(value=Spot.COLD, name=Message("Điểm lạnh"), colour="cold", symbol="●"),
            ),
        ),
        Measure(
            key="lisa",
            name=Message("Cụm cao, cụm thấp"),
            unit=Message("Moran"),
            says=Message(
                "Nơi cao giữa các nơi cao, thấp giữa thấp, và nơi khác hẳn xung quanh (Moran địa phương; tối đa 5 %"
                " số nơi được nêu là do ngẫu nhiên). Kỳ có dưới 20 ca thì không xét."
            ),
            page="association",
            scale="categories",
            read=readers.lisa,
            categories=(
                Category(
                    value=Quadrant.HIGH_HIGH, name=Message("Cao giữa nơi cao"), colour="high_high", symbol="■"
                ),
                Category(
                    value=Quadrant.HIGH_LOW, name=Message("Cao giữa nơi thấp"), colour="high_low", symbol="▲"
                ),
                Category(value=Quadrant.NONE, name=Message("Không nổi bật"), colour="none"),
                Category(
                    value=Quadrant.LOW_HIGH, name=Message("Thấp giữa nơi cao"), colour="low_high", symbol="◆"
                ),
                Category(
                    value=Quadrant.LOW_LOW, name=Message("Thấp giữa nơi thấp"), colour="low_low", symbol="●"
                ),
            ),
        ),
        Measure(
            key="rt",
            name=Message("Hệ số lây nhiễm Rt"),
            unit=Message("Rt"),
            says=Message(
                "Một ca lây cho bao nhiêu ca trong 7 ngày qua; trên 1 là đang tăng. Chỉ có ở nơi đủ ca; chậm vài ngày"
                " và kém chắc chắn: xem chiều hướng, đừng xem số lẻ."
            ),
            page="reproduction",
            scale="diverging",
            read=readers.rt,
            usual=Cut("breaks", 5, (0.7, 0.9, 1.1, 1.5)),
            decimals=2,
            one_disease=True,
            days="last",
            ignores=NONE_OF_THEM,
        ),
        Measure(
            key="silence",
            name=Message("Chưa có báo cáo"),
            unit=Message("ngày"),
            says=Message(
                "Số ngày từ báo cáo mới nhất của nơi này, tính mọi bệnh, đến tệp số liệu mới nhất. Im lặng lâu có thể"
                " là yên ổn, cũng có thể là báo cáo bị tắc."
            ),
            page="evidence",
            scale="sequential",
            read=readers.silence,
            usual=Cut("breaks", 5, (3, 7, 14, 28)),
            days="last",
            ignores=NONE_OF_THEM,
        ),
        Measure(
            key="delay",
            name=Message("Độ trễ báo cáo"),
            unit=Message("ngày"),
            says=Message(
                "Số ngày ở giữa (trung vị) từ ngày mắc đến ngày báo cáo của các ca trong kỳ; cần ít nhất 5 ca."
            ),
            page="nowcast",
            scale="sequential",
            read=readers.delays,
        ),
        Measure(
            key="insects",
            name=Message("Chỉ số véc tơ"),
            unit=Message("lần ngưỡng"),
            says=Message(
                "DI hoặc BI của lần giám sát mới nhất trong 28 ngày, so với ngưỡng nguy cơ cao (từ 1 là cao). Chỉ có ở"
                " xã, phường có ổ dịch được giám sát."
            ),
            page="evidence",
            scale="diverging",
            read=readers.insects,
            usual=Cut("breaks", 4, (0.5, 1, 2)),
            decimals=2,
            days="last",
            ignores=NONE_OF_THEM,
        ),
        Measure(
            key="climate",
            name=Message("Khí hậu thuận cho muỗi vằn"),
            unit=Message("%"),
            says=Message(
                "Nhiệt độ trung bình tháng bằng bao nhiêu phần trăm mức thuận lợi nhất cho muỗi vằn truyền bệnh; không"
                " xét mưa và cách trữ nước."
            ),
            page="evidence",
            scale="sequential",
            read=readers.warmth,
            usual=Cut("breaks", 5, (20, 40, 60, 80)),
            days="last",
            ignores=NONE_OF_THEM,
        ),
    )
}


def measure_of(key: str) -> Measure:
    """The measure a URL names; the levels for any other word."""
    return MEASURES.get(key, MEASURES["level"])


def measure_options() -> list[dict[str, str]]:
    return [{"value": key, "label": str(measure.name)} for key, measure in MEASURES.items()]


def values(session: Session, selection: Selection, shown: Moment) -> MeasureValues:
    """The chosen measure of today's communes on the moment on show."""
    measure, look = measure_of(selection.metric), Look.of(selection, shown)
    as_at = (look.judged_at if measure.days == "last" else shown.as_of) or data_until(session)
    if measure.one_disease and selection.disease is None:
        return MeasureValues(values={}, as_at=as_at, notes=(ONE_DISEASE,), words={})
    units = tuple(communes(session))
    answers = measure.read(Reading(session=session, selection=selection, looks=[look], units=units))
    found = zip(units, answers.values[0].tolist(), strict=True)
    return MeasureValues(
        values={unit: value for unit, value in found if value == value},
        as_at=as_at,
        notes=(*aside(measure, selection), *answers.notes),
        words=answers.words,
    )


def values_over(
    session: Session, selection: Selection, looks: Sequence[Look]
) -> tuple[tuple[int, ...], FloatArray]:
    """The communes (N,) and the chosen measure's values at each of L looks, (L, N); NaN unknown."""
    measure, units = measure_of(selection.metric), tuple(communes(session))
    if measure.one_disease and selection.disease is None:
        return units, np.full((len(looks), len(units)), np.nan)
    return units, measure.read(Reading(session=session, selection=selection, looks=looks, units=units)).values


def values_on_release(
    session: Session, selection: Selection, shown: Moment, release: date, levels: Mapping[int, float]
) -> MeasureValues:
    """The measure on the units of an older release, of which `levels` are known; only some have one there."""
    measure, as_at = measure_of(selection.metric), shown.as_of or data_until(session)
    if not measure.releases:
        return MeasureValues(values={}, as_at=as_at, notes=(TODAYS_ONLY,), words={})
    if measure.scale == "levels":
        return MeasureValues(values=levels, as_at=as_at, notes=aside(measure, selection), words={})
    first, last = selection.period(shown)
    counts = counts_on_release(
        session, release, disease=selection.disease, periods=[(first, last)], as_of=shown.as_of
    )
    cases = counts.by_unit(0)
    if measure.key == "rate":
        persons = persons_about(session, counts.unit_ids, last.year)
        found = {unit: PER * cases.get(unit, 0) / n for unit, n in persons.items() if n > 0}
    else:
        found = {unit: float(cases.get(unit, 0)) for unit in counts.unit_ids}
    left = aside(replace(measure, ignores=NONE_OF_THEM), selection)
    return MeasureValues(values=found, as_at=as_at, notes=left, words={})


def aside(measure: Measure, selection: Selection) -> tuple[Message, ...]:
    """What the measure leaves aside of what was chosen."""
    plain = Selection()
    left = [
        str(name)
        for field, name in FILTERS.items()
        if field in measure.ignores and getattr(selection, field) != getattr(plain, field)
    ]
    found = [Message(IGNORED, filters=", ".join(left))] if left else []
    chosen = selection.first or selection.days
    return (*found, *((NO_PERIOD,) if chosen and measure.days == "last" else ()))
