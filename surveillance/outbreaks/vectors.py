"""Insect surveys: the indices from raw counts, and what they say (domain.md §2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from i18n import Message, MessageError
from surveillance.outbreaks.profiles import VectorControl


class SurveyError(MessageError, ValueError):
    """Counts that contradict one another; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Raw counts of one insect survey. A count that was not taken is None: mosquitoes are not caught in every round."""

    on: date
    houses: int
    houses_with_larvae: int | None = None
    containers: int | None = None
    containers_with_larvae: int | None = None
    houses_with_mosquitoes: int | None = None
    female_aedes: int | None = None

    def __post_init__(self) -> None:
        counts = [getattr(self, name) for name in self.__slots__ if name != "on"]
        if any(count is not None and count < 0 for count in counts):
            raise SurveyError(Message("Số đếm không được âm."))
        _at_most("nhà có lăng quăng", self.houses_with_larvae, self.houses)
        _at_most("nhà có muỗi", self.houses_with_mosquitoes, self.houses)
        _at_most("vật chứa có lăng quăng", self.containers_with_larvae, self.containers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Indices:
    """BI: containers with larvae per 100 houses; CI: % of containers with larvae; HI: % of houses with larvae;
    DI: female Aedes per house; HI of mosquitoes: % of houses with them. None where the counts do not say."""

    bi: float | None
    ci: float | None
    hi: float | None
    di: float | None
    hi_mosquitoes: float | None


def indices(survey: Survey) -> Indices:
    """The indices of one survey; none without a house, rather than 0."""
    return Indices(
        bi=_ratio(survey.containers_with_larvae, survey.houses, 100),
        ci=_ratio(survey.containers_with_larvae, survey.containers, 100),
        hi=_ratio(survey.houses_with_larvae, survey.houses, 100),
        di=_ratio(survey.female_aedes, survey.houses, 1),
        hi_mosquitoes=_ratio(survey.houses_with_mosquitoes, survey.houses, 100),
    )


def vector_found(survey: Survey) -> bool:
    """Whether larvae or mosquitoes were found at all (MOH-3711 needs them for an outbreak)."""
    return any(
        (
            survey.containers_with_larvae,
            survey.houses_with_larvae,
            survey.female_aedes,
            survey.houses_with_mosquitoes,
        )
    )


def high_risk(found: Indices, control: VectorControl) -> Message | None:
    """Why the vector risk is high; None when it is not, or not known."""
    return _exceeds(found, control.high_di, control.high_bi)


def third_round(found: Indices, control: VectorControl) -> Message | None:
    """Why one more spraying round is due after the planned ones; None when the survey does not ask for it."""
    return _exceeds(found, control.third_round_di, control.third_round_bi)


def _exceeds(found: Indices, di: float, bi: float) -> Message | None:
    if found.di is not None and found.di >= di:
        return Message("DI {value} con/nhà, từ {limit} trở lên.", value=round(found.di, 2), limit=di)
    if found.bi is not None and found.bi >= bi:
        return Message("BI {value}, từ {limit} trở lên.", value=round(found.bi, 1), limit=bi)
    return None


def _ratio(count: int | None, base: int | None, per: int) -> float | None:
    return None if count is None or not base else per * count / base


def _at_most(what: str, count: int | None, whole: int | None) -> None:
    if count is not None and whole is not None and count > whole:
        raise SurveyError(
            Message(
                "Số {what} ({count}) lớn hơn tổng số ({whole}).", what=Message(what), count=count, whole=whole
            )
        )
