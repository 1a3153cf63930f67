"""Much static HTML as one Dash component.

Dash 4 keeps books on every component of the page at every change of any: a page of 3,000 table cells and links stood
still for a minute in Chromium. `Markup` is one component whatever it holds (assets/workbench-charts.js draws it).
"""

from __future__ import annotations

from typing import Any

from dash.development.base_component import Component

Tree = Any
"""A text, or [tag, props, *trees]; the tag "" is a list of trees."""


class Markup(Component):
    """`tree` is drawn as it is; a link in it changes the page without loading it anew, as `dcc.Link` does."""

    _namespace = "canhdich_markup"
    _type = "Markup"
    _base_nodes = ["children"]
    _children_props: list[str] = []
    _valid_wildcard_attributes: list[str] = []
    available_wildcard_properties: list[str] = []
    _prop_names = ["id", "tree", "className"]
    available_properties = _prop_names

    def __init__(self, tree: Tree = None, id: str | None = None, className: str | None = None) -> None:
        given = {"id": id, "tree": tree, "className": className}
        super().__init__(**{name: value for name, value in given.items() if value is not None})


def light(part: Any) -> Markup:
    """Dash's own HTML and links, without ids and callbacks, as one component."""
    return Markup(tree_of(part))


def tree_of(part: Any) -> Tree:
    """Raises TypeError for a component that is not plain HTML or a link."""
    if part is None or isinstance(part, str | int | float):
        return part
    if isinstance(part, list | tuple):
        return ["", {}, *map(tree_of, part)]
    kind = part.to_plotly_json()
    if kind["namespace"] == "dash_html_components" or kind["type"] == "Link":
        props = dict(kind["props"])
        children = props.pop("children", None)
        inside = [tree_of(each) for each in (children if isinstance(children, list | tuple) else [children])]
        return ["Link" if kind["type"] == "Link" else kind["type"].lower(), props, *inside]
    raise TypeError(f"{kind['type']} has a life of its own")
