"""Much static HTML is one component; what has a life of its own stays itself."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
import pytest
from dash import dcc, html

from web.markup import Later, Markup, light, lightened, tree_of


def kinds(part: Any) -> list[str]:
    """The components, outermost first."""
    if isinstance(part, list):
        return [kind for each in part for kind in kinds(each)]
    if isinstance(part, str) or part is None:
        return []
    return [part._type, *kinds(getattr(part, "children", None))]


def test_a_table_is_one_component_with_all_its_words_and_properties() -> None:
    table = html.Table([html.Tr([html.Th("Xã", scope="col"), html.Td(3)])], className="facts", role="table")
    assert tree_of(table) == [
        "table",
        {"className": "facts", "role": "table"},
        ["tr", {}, ["th", {"scope": "col"}, "Xã"], ["td", {}, 3]],
    ]


def test_only_plain_html_can_be_light() -> None:
    with pytest.raises(TypeError, match="Slider"):
        light(html.Div(dmc.Slider()))


def test_a_link_keeps_its_way_within_the_program_and_one_that_loads_the_page_anew_does_not() -> None:
    inside, anew = dcc.Link("Ổ dịch", href="/outbreaks"), dcc.Link("Đầu", href="/", refresh=True)
    assert tree_of([inside, anew]) == [
        "",
        {},
        ["Link", {"href": "/outbreaks"}, "Ổ dịch"],
        ["a", {"href": "/"}, "Đầu"],
    ]


def test_what_callbacks_know_by_its_id_stays_a_component_and_the_rest_around_it_is_joined() -> None:
    page = html.Div([html.H1("Bản đồ"), html.P("Một"), html.Div(html.B("Hai"), id="live"), html.P("Ba")])
    assert kinds(lightened(page)) == ["Div", "Markup", "Div", "Markup", "Markup"]


def test_a_component_without_life_beside_it_loses_nothing() -> None:
    parts = lightened([html.P("Một"), "chữ", html.P("Hai")])
    assert kinds(parts) == ["Markup"]
    assert parts[0].to_plotly_json()["props"]["tree"] == ["", {}, ["p", {}, "Một"], "chữ", ["p", {}, "Hai"]]


def test_the_target_of_a_popover_stays_one_component() -> None:
    target = lightened(dmc.PopoverTarget(html.Span("?")))
    assert isinstance(target.children, html.Span)


def test_what_is_light_already_joins_its_neighbours() -> None:
    assert kinds(lightened([html.P("Một"), Markup(["p", {}, "Hai"])])) == ["Markup"]
    assert kinds(lightened([html.P("Một"), Markup(["p", {}, "Hai"], id="two")])) == ["Markup", "Markup"]


def test_a_part_that_comes_later_keeps_its_children_for_callbacks() -> None:
    assert kinds(lightened(Later(html.Div(html.Ul(id="list"))))) == ["Later", "Div", "Ul"]
