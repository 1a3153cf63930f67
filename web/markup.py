"""Much static HTML as one Dash component.

Dash 4 keeps books on every component of the page at every change of any: a page of 3,000 table cells and links stood
still for a minute in Chromium. `Markup` is one component whatever it holds (assets/markup.js draws it).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Literal

from dash.development.base_component import Component

Tree = Any
"""A text, or [tag, props, *trees]; the tag "" is a list of trees."""


class Markup(Component):
    """`tree` is drawn as it is, in a div if there is an id or class; a link in it acts as `dcc.Link` does."""

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


class Later(Component):
    """Its children come once the map of the page stands, once they are in sight, or at whichever of both is sooner.

    Callbacks see them from the beginning.
    """

    _namespace = "canhdich_markup"
    _type = "Later"
    _base_nodes = ["children"]
    _children_props: list[str] = []
    _valid_wildcard_attributes: list[str] = []
    available_wildcard_properties: list[str] = []
    _prop_names = ["children", "until", "here"]
    available_properties = _prop_names

    def __init__(self, children: Any, *, until: Literal["map", "sight", "either"] = "either") -> None:
        super().__init__(children=children, until=until)


def light(part: Any) -> Markup:
    """Dash's own HTML and links, without callbacks, as one component."""
    return Markup(tree_of(part))


def tree_of(part: Any) -> Tree:
    """Raises TypeError for a component that is not plain HTML or a link."""
    if part is None or isinstance(part, str | int | float):
        return part
    if isinstance(part, list | tuple):
        return ["", {}, *map(tree_of, part)]
    if not _is_html(part):
        raise TypeError(f"{part._type} has a life of its own")
    return _element(part, [tree_of(each) for each in _children(part)])


def lightened(part: Any) -> Any:
    """The same part of a page with few components: HTML without id and without life in it becomes `Markup`.

    The sole child of a component that is not HTML stays one: a popover needs its target itself.
    """
    if isinstance(part, list | tuple):
        return _joined([_lightened(each) for each in part])
    return _joined([_lightened(part)])[0]


def _lightened(part: Any) -> Component | Tree:
    if not isinstance(part, Component):
        return part
    if isinstance(part, Markup):
        return part if hasattr(part, "id") or hasattr(part, "className") else getattr(part, "tree", None)
    inside = [_lightened(each) for each in _children(part)]
    living = any(isinstance(each, Component) for each in inside)
    if _is_html(part) and not living and not hasattr(part, "id"):
        return _element(part, inside)
    if isinstance(getattr(part, "children", None), list | tuple):
        part.children = _joined(inside)
    elif inside and (living or _is_html(part)):
        (part.children,) = _joined(inside)
    return part


def _joined(parts: Sequence[Component | Tree]) -> list[Any]:
    joined: list[Any] = []
    for living, run in groupby(parts, key=lambda each: isinstance(each, Component)):
        beside = list(run)
        whole = living or all(isinstance(each, str) for each in beside)
        joined += beside if whole else [Markup(["", {}, *beside] if len(beside) > 1 else beside[0])]
    return joined


def _is_html(part: Component) -> bool:
    return part._namespace == "dash_html_components" or part._type == "Link"


def _element(part: Component, inside: Sequence[Tree]) -> Tree:
    props = {name: value for name, value in part.to_plotly_json()["props"].items() if name != "children"}
    if part._type != "Link":
        return [part._type.lower(), props, *inside]
    return ["a" if props.pop("refresh", False) is True else "Link", props, *inside]


def _children(part: Component) -> Sequence[Any]:
    """None of them nothing, none of them itself a list."""
    children = getattr(part, "children", None)
    return [
        each for each in (children if isinstance(children, list | tuple) else [children]) if each is not None
    ]
