"""Clusters in space and time: the part of the map's panel that lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from sqlalchemy.orm import Session

from geodata.places import Place, communes_today
from i18n import _
from surveillance.cluster_identity import Kind, explain
from surveillance.clustering.views import ClusterView, clusters_known
from web.context import Moment, context, disease_name, local, now
from web.formats import count, day, link
from web.help_mark import explained
from web.selection import Layer, Selection, on_show

NAMED = 3
"""Communes named in a line; of more, the number."""

STANDS = "Vững trong {k}/{n} lần thử lại những vị trí chưa chắc."
FALLS = "Chưa vững: {k}/{n} lần thử lại những vị trí chưa chắc."


def cluster_list(session: Session, selection: Selection, shown: Moment) -> list[Any]:
    """Heading and clusters of one disease, or of all, each the way to its panel; nothing where there is none."""
    disease, codes = selection.disease, list(context().diseases)
    found = clusters_known(session, disease=disease, diseases=codes, as_of=shown.as_of, now=now(session))
    if not found:
        return []
    places = {place.id: place for place in communes_today(session)}
    return [
        explained(_("Cụm ca theo không gian và thời gian"), "clusters"),
        html.Ul(
            [_line(view, places, selection) for view in found],
            className="alert-lines cluster-lines",
        ),
    ]


def with_clusters(selection: Selection) -> tuple[Layer, ...]:
    """The layers on show, the clusters among them."""
    layers = on_show(selection)
    return layers if any(layer.id == "clusters" for layer in layers) else (*layers, Layer("clusters"))


def _line(view: ClusterView, places: Mapping[int, Place], selection: Selection) -> html.Li:
    title = _("Cụm số {number}", number=view.number)
    if selection.disease is None:
        title = f"{title} · {disease_name(view.disease)}"
    if not view.stable:
        title = f"{title} · {_('chưa vững')}"
    return html.Li(
        link(
            [
                html.Strong(title),
                html.Span(_where(view, places)),
                html.Span(_numbers(view), className="dim"),
                html.Span(what_is_new(view), className="dim"),
            ],
            selection.href(cluster=view.number, outbreak=None, layers=with_clusters(selection)),
            className="cluster-line" if view.lasts else "cluster-line is-dim",
        )
    )


def _where(view: ClusterView, places: Mapping[int, Place]) -> str:
    names = [places[unit].name for unit in view.units if unit in places]
    if len(names) <= NAMED:
        return ", ".join(names)
    return _("{names} và {n} nơi khác", names=", ".join(names[:NAMED]), n=len(names) - NAMED)


def _numbers(view: ClusterView) -> str:
    numbers = _(
        "{first}–{last}: {cases} ca, bình thường {expected}; ngẫu nhiên thì {days} ngày mới có một lần.",
        first=day(view.first),
        last=day(view.last),
        cases=view.observed,
        expected=count(view.expected, 1),
        days=count(view.recurrence_days),
    )
    stands = _(STANDS if view.stable else FALLS, k=view.stands_in, n=view.placements)
    return f"{numbers} {stands}"


def what_is_new(view: ClusterView) -> str:
    told = str(explain(view.kind))
    if view.kind is Kind.MERGED:
        told = _("Đã nhập vào cụm số {number}.", number=view.into)
    elif view.kind is Kind.SPLIT:
        told = _("Tách ra từ cụm số {numbers}.", numbers=_numbers_of(view.parents))
    return f"{day(local(view.since).date())}: {told}"


def _numbers_of(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
