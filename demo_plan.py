"""What the demo's people would do, and when. Pure: a moment, a few facts and an rng in, deeds out.

Every plan is drawn from the generator of its own alert, duty or outbreak (`rng_of`), so that the same city gets the
same deeds however its days are cut, and nothing need be kept between them. Shares are invented; they make a city that
works but is not perfect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zlib import crc32

import numpy as np

from alerts.acts import Act
from alerts.duties import NOTICES, DutyKind
from alerts.judging import Outcome
from surveillance.outbreaks.profiles import VectorControl
from surveillance.outbreaks.vectors import Survey

Rng = np.random.Generator
Really = Literal["event", "chain", "nothing", "unknown"]
"""What an alert is about, by the simulation: planted or an excess; a chain nobody planted; neither; nobody knows."""
FRESH = timedelta(days=3)
"""Of alerts this young at the end of the past, a part is still untouched."""
LEFT_ALONE = 0.4
OFFICE = (time(7, 15), time(17, 15))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDeed:
    """`CONFIRM` stands for concluding: the outcome is drawn when it is done. `by_colleague`: given to somebody else."""

    at: datetime
    act: Act
    words: str = ""
    by_colleague: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyDeed:
    at: datetime
    document: str


PRODUCTS = {"spraying": "Permethrin 50 EC", "larvicide": "Temephos 1 % SG"}
What = Literal["confirm", "start", "households", "survey", "larvicide", "spraying", "communication"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutbreakDeed:
    at: datetime
    what: What
    survey: Survey | None = None
    houses: int | None = None


def rng_of(seed: int, *words: object) -> Rng:
    return np.random.default_rng([seed, crc32("|".join(map(str, words)).encode())])


def alert_deeds(opened_at: datetime, *, grave: bool, past_ends: datetime, rng: Rng) -> list[AlertDeed]:
    """Of an alert that opened at `opened_at`, on the clocks of the city. `grave`: very high, or a status of the law."""
    left_alone, slow, remark, given, quick_close = rng.random(5).tolist()
    draws = rng.random(6).tolist()
    if opened_at > past_ends - FRESH and left_alone < LEFT_ALONE:
        return []
    taken = opened_at + timedelta(hours=0.4 + 4 * draws[0])
    if not grave:
        taken = in_office(taken + timedelta(days=1 if slow < 0.12 else 0), draws[0])
    assigned = in_office(taken + timedelta(hours=0.2 + 2.5 * draws[1]), draws[1])
    verifying = in_office(assigned + timedelta(hours=0.7 + 4 * draws[2]), draws[2])
    concluded = in_office(taken + timedelta(hours=24 + 26 * draws[3]), draws[3])
    concluded = max(concluded, verifying + timedelta(hours=1))
    closed = concluded + timedelta(hours=2 if quick_close < 0.5 else 24 + 72 * draws[4])
    deeds = [
        AlertDeed(at=taken, act=Act.ACKNOWLEDGE),
        AlertDeed(at=assigned, act=Act.ASSIGN, words=_one(HANDED, rng), by_colleague=given < 0.3),
        AlertDeed(at=verifying, act=Act.VERIFY),
        AlertDeed(at=concluded, act=Act.CONFIRM),
        AlertDeed(at=in_office(closed, draws[5]), act=Act.CLOSE),
    ]
    if remark < 0.4:
        between = verifying + (concluded - verifying) / 2
        deeds.insert(3, AlertDeed(at=between, act=Act.COMMENT, words=_one(REMARKS, rng)))
    return deeds


OUTCOMES: tuple[Outcome, ...] = ("true", "false", "data_error", "duplicate")
CHANCES: dict[Really, tuple[float, float, float, float]] = {
    "event": (0.94, 0.03, 0.00, 0.03),
    "chain": (0.75, 0.14, 0.03, 0.08),
    "nothing": (0.10, 0.63, 0.15, 0.12),
    "unknown": (0.55, 0.30, 0.08, 0.07),
}


def outcome_of(really: Really, rng: Rng) -> Outcome:
    """What a person finds: mostly what is so."""
    return OUTCOMES[int(rng.choice(len(OUTCOMES), p=CHANCES[really]))]


def reason_for(outcome: Outcome, rng: Rng) -> str:
    return _one(REASONS[outcome], rng)


def duty_deed(kind: DutyKind, opened_at: datetime, due_at: datetime, rng: Rng) -> DutyDeed | None:
    """When it is recorded as done, mostly in time; None: never. Clocks of the city."""
    luck, share, number = float(rng.random()), float(rng.random()), int(rng.integers(4, 190))
    left = due_at - opened_at
    at = opened_at + max(left, timedelta(hours=5)) * (0.08 + 0.75 * share)
    if left > timedelta(hours=12):
        at = min(in_office(at, share), due_at - timedelta(minutes=10 + 80 * share))
    if luck > 0.91:
        at = max(due_at, opened_at) + timedelta(hours=1 + 8 * share)
    if luck > 0.96:
        at = in_office(at + timedelta(days=1), share)
    if luck > 0.99:
        return None
    return DutyDeed(at=at, document=f"{number}/{'TB' if kind in NOTICES else 'BC'}-TYT")


def outbreak_deeds(
    begun_at: datetime, *, suspected: bool, whole: bool, vector: VectorControl | None, rng: Rng
) -> list[OutbreakDeed]:
    """Of an outbreak whose clocks began at `begun_at`, on the clocks of the city. Nothing where nobody
    comes; `whole`: what follows the beginning too."""
    luck, *draws = rng.random(9).tolist()
    if luck > 0.97:
        return []
    if suspected:
        at = in_office(begun_at + timedelta(hours=16 + 30 * draws[0]), draws[0])
        return [OutbreakDeed(at=at, what="confirm")] if luck < 0.5 else []
    hours = 3 + 36 * draws[0] if luck < 0.92 else 52 + 24 * draws[0]
    start = in_office(begun_at + timedelta(hours=hours), draws[0])
    if luck < 0.92:
        start = min(start, begun_at + timedelta(hours=46))
    deeds = [OutbreakDeed(at=start, what="start")]
    if not whole:
        return deeds
    deeds += [
        OutbreakDeed(at=start + timedelta(minutes=50), what="households", houses=int(rng.integers(12, 26))),
    ]
    if draws[1] < 0.6:
        at = in_office(start + timedelta(days=1 + draws[2]), draws[2])
        deeds.append(OutbreakDeed(at=at, what="communication", houses=int(rng.integers(40, 160))))
    return deeds + ([] if vector is None else _against_mosquitoes(start, vector, draws[3:], rng))


def _against_mosquitoes(
    start: datetime, vector: VectorControl, draws: Sequence[float], rng: Rng
) -> list[OutbreakDeed]:
    first = start + timedelta(hours=1.5 + draws[0])
    spray = in_office(start + timedelta(hours=18 + 10 * draws[1]), draws[1])
    days = [first + timedelta(days=vector.survey_every_days * n) for n in range(vector.surveys)]
    deeds = [
        OutbreakDeed(at=at, what="survey", survey=_survey(at.date(), n, vector.survey_houses, rng))
        for n, at in enumerate(days)
    ]
    for n in range(2):
        at = first + timedelta(hours=1, days=vector.larvicide_every_days * n)
        deeds.append(OutbreakDeed(at=at, what="larvicide", houses=int(rng.integers(60, 190))))
    for n in range(vector.spray_rounds if draws[2] < 0.85 else 1):
        at = spray + timedelta(days=vector.spray_gap_days[0] * n)
        deeds.append(OutbreakDeed(at=at, what="spraying", houses=int(rng.integers(80, 240))))
    return deeds


def _survey(on: date, number: int, least: int, rng: Rng) -> Survey:
    """Fewer larvae and mosquitoes with each round."""
    houses = least + int(rng.integers(0, 15))
    containers = int(houses * rng.uniform(2, 4))
    share = rng.beta(3, 12) * 0.45**number
    with_larvae = int(rng.binomial(containers, 0.5 * share))
    with_mosquitoes = int(rng.binomial(houses, 0.8 * share))
    return Survey(
        on=on, houses=houses, houses_with_larvae=min(houses, (with_larvae * 2 + 2) // 3), containers=containers,
        containers_with_larvae=with_larvae, houses_with_mosquitoes=with_mosquitoes,
        female_aedes=with_mosquitoes + int(rng.poisson(0.5 * with_mosquitoes)),
    )  # fmt: skip


def in_office(moment: datetime, share: float) -> datetime:
    """`moment`, or the next morning where nobody is at work; `share` of three hours after its beginning."""
    begins, ends = OFFICE
    if begins <= moment.time() <= ends:
        return moment
    day = moment.date() + timedelta(days=int(moment.time() > ends))
    return datetime.combine(day, begins, moment.tzinfo) + timedelta(hours=3 * share)


def _one(words: tuple[str, ...], rng: Rng) -> str:
    return words[int(rng.integers(len(words)))]


HANDED = (
    "Nhờ đồng chí xác minh tại địa bàn trong hôm nay.",
    "Giao theo phân công địa bàn; báo lại khi có kết quả điều tra.",
    "Đề nghị phối hợp trạm y tế kiểm tra danh sách ca.",
)
REMARKS = (
    "Đã gọi trạm y tế, đang đối chiếu danh sách ca với bệnh viện.",
    "Trạm y tế hẹn chiều nay xuống các nhà có ca bệnh.",
    "Đã nhờ bệnh viện gửi lại ngày khởi phát của các ca mới.",
    "Tổ dân phố báo thêm hai nhà có người sốt, đang kiểm tra.",
    "Chờ kết quả xét nghiệm, dự kiến có vào ngày mai.",
    "Đã thống nhất với địa bàn giáp ranh để cùng điều tra.",
)
REASONS: dict[Outcome, tuple[str, ...]] = {
    "true": (
        "Điều tra tại chỗ: các ca ở gần nhau, khởi phát trong hai tuần. Đã triển khai xử lý.",
        "Trạm y tế xác nhận số ca tăng thật, chưa thấy dấu hiệu giảm.",
        "Đối chiếu bệnh viện và điều tra nhà: ca mới tập trung ở hai khu phố.",
        "Số ca tăng liên tiếp ba tuần, danh sách đã kiểm tra từng ca.",
    ),
    "false": (
        "Các ca rải rác, không liên quan nhau; số ca trở lại bình thường.",
        "Tăng do bệnh viện gửi dồn ca của tuần trước, theo ngày khởi phát thì không tăng.",
        "Đã xuống địa bàn, không ghi nhận ca mới; tiếp tục giám sát thường xuyên.",
        "Phần lớn ca mắc bệnh ở nơi khác, chỉ khai địa chỉ tại phường.",
    ),
    "data_error": (
        "Bệnh viện nhập trùng danh sách, đã đề nghị đính chính.",
        "Một số ca ghi sai địa chỉ, thực tế thuộc địa bàn khác.",
        "Sai ngày khởi phát ở nhiều ca, đã báo lại nơi gửi.",
    ),
    "duplicate": ("Cùng một đợt với cảnh báo trước, theo dõi chung ở đó.",),
}
CLOSING = (
    "Đã hết thời gian theo dõi, không có ca mới.",
    "Đã xử lý đủ các vòng, không phát sinh ca mới.",
)
ONLY_WATCHED = "Ổ dịch đã qua giai đoạn xử lý, chỉ còn theo dõi đến khi đủ ngày đóng."
