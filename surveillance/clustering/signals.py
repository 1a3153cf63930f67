"""What the levels hear of clusters: one signal for each commune of one that lasts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from i18n import Message
from surveillance.clusters import METHOD, VERSION
from surveillance.types import Frequency, Signal

FOUND = (
    "Cụm ca số {number}: {communes} xã, phường, từ {first} đến {last} có {cases} ca (ở đây {here}), bình thường"
    " {expected}; ngẫu nhiên thì {days} ngày hoặc lâu hơn mới có một cụm như vậy."
)
STANDS = "{found} Còn nguyên trong {k} trên {n} lần đặt lại những ca chưa rõ vị trí."
FALLS = "{found} Chưa vững: chỉ còn trong {k} trên {n} lần đặt lại những ca chưa rõ vị trí."


def sentence(cluster: Mapping[str, Any], here: int) -> Message:
    """What there is to know of a recorded cluster, in one of its communes with `here` cases."""
    found = Message(
        FOUND, number=cluster["id"], communes=len(cluster["units"]), first=cluster["first_day"],
        last=cluster["last_day"], cases=cluster["observed"], here=here, expected=round(cluster["expected"], 1),
        days=round(cluster["recurrence_days"]),
    )  # fmt: skip
    stands = STANDS if cluster["stable"] else FALLS
    return Message(stands, found=found, k=cluster["stands_in"], n=cluster["placements"])


def cluster_signals(clusters: Iterable[Mapping[str, Any]], disease: str, now: datetime) -> list[Signal]:
    """Signals of the recorded `clusters` of a disease (`record.lasting`); a commune without a case of its own never
    alarms."""
    return [
        Signal(
            disease=disease,
            unit_id=unit,
            method=METHOD,
            method_version=VERSION,
            frequency=Frequency.DAY,
            period_start=cluster["first_day"],
            as_of=now,
            observed=float(here),
            expected=round(expected, 4),
            upperbound=None,
            alarm=cluster["alarm"] and here > 0,
            reason=sentence(cluster, here),
            detail={
                "cluster": cluster["id"],
                "recurrence_days": round(cluster["recurrence_days"]),
                "stands_in": cluster["stands_in"],
                "communes": len(cluster["units"]),
                "cluster_cases": cluster["observed"],
                "seed": cluster["seed"],
            },
        )
        for cluster in clusters
        for unit, here, expected in zip(
            cluster["units"], cluster["unit_cases"], cluster["unit_expected"], strict=True
        )
    ]
