"""Floods and bounded agglomeration over linked places, compiled.

One file on purpose: numba's cache does not notice a change in a compiled function of another file. Distances are
compared in whole millimetres, so that turning or moving the map decides no tie.
"""

from __future__ import annotations

from math import cos, floor, inf, pi, sin, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.compiled import compiled

Ints = NDArray[np.int64]
Slim = NDArray[np.int32]
"""Links are many: half the bytes are half the time. Millimetres within the radius fit too."""
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DIRECTIONS = 8
"""Directions in which the width of a cluster is kept: wider than allowed in one is wider than allowed."""


class Nodes(NamedTuple):
    """n places, those with a position sorted by (cell, day), the others last; see grid.py.

    `cell` (n,) is -1 without a position. `near` (c, 9) are the cells around each cell, -1 for none; the nodes of
    cell c are `start[c]:start[c + 1]`. `key` (n,) numbers the settings, -1 without; those of setting k are
    `by_key[key_start[k]:key_start[k + 1]]`, sorted by day. `owner` (n,) tells the places of one case.
    """

    x: Floats
    y: Floats
    day: Ints
    owner: Ints
    cell: Ints
    near: Ints
    start: Ints
    key: Ints
    by_key: Ints
    key_start: Ints


@compiled
def _millimetres(nodes: Nodes | Graph, i: int, j: int) -> int:
    dx, dy = nodes.x[i] - nodes.x[j], nodes.y[i] - nodes.y[j]
    return floor(sqrt(dx * dx + dy * dy) * 1000.0 + 0.5)


@compiled
def _links(nodes: Nodes, i: int, low: int, high: int, limit: int, found: Ints, apart: Ints) -> int:
    """How many nodes of days `low`..`high` are linked to `i`: at most `limit` mm away, or of the same setting.

    `found` gets them and `apart` their distance in mm, 0 for a link by setting alone. No case links to itself.
    """
    count = 0
    if nodes.cell[i] >= 0:
        for c in nodes.near[nodes.cell[i]]:
            if c < 0:
                continue
            end = nodes.start[c + 1]
            j = nodes.start[c] + np.searchsorted(nodes.day[nodes.start[c] : end], low)
            while j < end and nodes.day[j] <= high:
                if nodes.owner[j] != nodes.owner[i]:
                    mm = _millimetres(nodes, i, j)
                    if mm <= limit:
                        found[count], apart[count] = j, mm
                        count += 1
                j += 1
    if nodes.key[i] < 0:
        return count
    for at in range(nodes.key_start[nodes.key[i]], nodes.key_start[nodes.key[i] + 1]):
        j = nodes.by_key[at]
        if nodes.day[j] < low or nodes.owner[j] == nodes.owner[i]:
            continue
        if nodes.day[j] > high:
            break
        both_placed = nodes.cell[i] >= 0 and nodes.cell[j] >= 0
        if not both_placed or _millimetres(nodes, i, j) > limit:
            found[count], apart[count] = j, 0
            count += 1
    return count


@compiled
def pairs(
    nodes: Nodes, wanted: Flags, chain_days: int, limit: int, most: int
) -> tuple[Slim, Slim, Slim, bool]:
    """Each linked pair at most `chain_days` apart with a node that is `wanted`, once: two nodes and mm between them.

    The last value is False where there were more than `most`, and the others are then useless.
    """
    n = nodes.day.size
    found, apart = np.empty(n, np.int64), np.empty(n, np.int64)
    first, second, metres = np.empty(4 * n, np.int32), np.empty(4 * n, np.int32), np.empty(4 * n, np.int32)
    size = 0
    for i in range(n):
        if not wanted[i]:
            continue
        low, high = nodes.day[i] - chain_days, nodes.day[i] + chain_days
        links = _links(nodes, i, low, high, limit, found, apart)
        if size + links > most:
            return first[:0], second[:0], metres[:0], False
        while size + links > first.size:
            first = np.concatenate((first, np.empty_like(first)))
            second = np.concatenate((second, np.empty_like(second)))
            metres = np.concatenate((metres, np.empty_like(metres)))
        for at in range(links):
            if found[at] < i or not wanted[found[at]]:
                first[size], second[size], metres[size] = i, found[at], apart[at]
                size += 1
    return first[:size].copy(), second[:size].copy(), metres[:size].copy(), True


@compiled
def components(n: int, first: Slim, second: Slim) -> Ints:
    """The component of each of n nodes by the given pairs, numbered from 0, (n,)."""
    root, number = np.arange(n), np.full(n, -1, np.int64)
    for e in range(first.size):
        a, b = first[e], second[e]
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        while root[b] != b:
            root[b] = root[root[b]]
            b = root[b]
        root[max(a, b)] = min(a, b)
    found = 0
    for i in range(n):
        if root[i] == i:
            number[i] = found
            found += 1
        else:
            number[i] = number[root[i]]
    return number


class Graph(NamedTuple):
    """n places with their links: those of node i are `other[start[i]:start[i + 1]]`, `apart` mm away.

    `x`, `y` are NaN without a position.
    """

    x: Floats
    y: Floats
    day: Ints
    start: Ints
    other: Slim
    apart: Slim


@compiled
def renumbered(first: Slim, second: Slim, metres: Slim, number: Slim) -> tuple[Slim, Slim, Slim]:
    """The pairs by the new `number` of each node, without those of a node whose number is -1."""
    a, b, apart = np.empty_like(first), np.empty_like(first), np.empty_like(first)
    size = 0
    for e in range(first.size):
        if number[first[e]] >= 0 and number[second[e]] >= 0:
            a[size], b[size], apart[size] = number[first[e]], number[second[e]], metres[e]
            size += 1
    return a[:size], b[:size], apart[:size]


@compiled
def sorted_by_group(
    group: Ints, groups: int, first: Slim, second: Slim, metres: Slim, number: Slim
) -> tuple[Slim, Slim, Slim, Ints]:
    """The pairs by the new `number` of each node, sorted by the group of their nodes; where each group begins among
    them, (groups + 1,)."""
    start = np.zeros(groups + 1, np.int64)
    for e in range(first.size):
        start[group[first[e]] + 1] += 1
    start = np.cumsum(start)
    a, b, apart = np.empty_like(first), np.empty_like(first), np.empty_like(first)
    free = start.copy()
    for e in range(first.size):
        at = free[group[first[e]]]
        a[at], b[at], apart[at] = number[first[e]], number[second[e]], metres[e]
        free[group[first[e]]] += 1
    return a, b, apart, start


@compiled
def both_ways(n: int, first: Slim, second: Slim, metres: Slim) -> tuple[Ints, Slim, Slim]:
    """`start`, `other` and `apart` of a Graph from its pairs."""
    start = np.zeros(n + 1, np.int64)
    for e in range(first.size):
        start[first[e] + 1] += 1
        start[second[e] + 1] += 1
    start = np.cumsum(start)
    free = start[:-1].copy()
    other, apart = np.empty(2 * first.size, np.int32), np.empty(2 * first.size, np.int32)
    for e in range(first.size):
        a, b = first[e], second[e]
        other[free[a]], apart[free[a]] = b, metres[e]
        other[free[b]], apart[free[b]] = a, metres[e]
        free[a] += 1
        free[b] += 1
    return start, other, apart


@compiled
def flood(graph: Graph, chrono: Ints, label: Ints, alone: Flags, seed_days: int) -> Ints:
    """The group of each node by domain.md §1.3, (n,); -1 for none. Links cross no border between two labels.

    In the order of days: a node that is `alone` enough, or has a link of at most `seed_days` to one of its day or
    later, starts a group; the group takes every node linked to a member, none older than its start. Nodes with label -1
    stay out.
    """
    n = graph.day.size
    group, queue = np.full(n, -1, np.int64), np.empty(n, np.int64)
    groups = 0
    for i in chrono:
        if group[i] >= 0 or label[i] < 0:
            continue
        first = graph.day[i]
        starts = alone[i]
        for e in range(graph.start[i], graph.start[i + 1]):
            j = graph.other[e]
            starts |= label[j] == label[i] and first <= graph.day[j] <= first + seed_days
        if not starts:
            continue
        group[i], queue[0] = groups, i
        head, tail = 0, 1
        while head < tail:
            c = queue[head]
            head += 1
            for e in range(graph.start[c], graph.start[c + 1]):
                j = graph.other[e]
                if group[j] < 0 and label[j] == label[i] and graph.day[j] >= first:
                    group[j], queue[tail] = groups, j
                    tail += 1
        groups += 1
    return group


@compiled
def degrees(graph: Graph, label: Ints) -> Ints:
    """To how many nodes of the same label, and not of a later day, each is linked, (n,)."""
    degree = np.zeros(graph.day.size, np.int64)
    for i in range(graph.day.size):
        for e in range(graph.start[i], graph.start[i + 1]):
            j = graph.other[e]
            degree[i] += label[j] == label[i] and graph.day[j] <= graph.day[i]
    return degree


class _Clusters(NamedTuple):
    """Clusters while they grow; the values of a cluster stand at its root, its member of lowest rank.

    `after` chains the members, `last` is the end of the chain; `first` is the earliest day; `low` and `high`
    (n, DIRECTIONS) are how far the cluster reaches.
    """

    root: Ints
    after: Ints
    last: Ints
    first: Ints
    low: Floats
    high: Floats


@compiled
def _root(clusters: _Clusters, i: int) -> int:
    while clusters.root[i] != i:
        clusters.root[i] = clusters.root[clusters.root[i]]
        i = clusters.root[i]
    return i


@compiled
def _fit(graph: Graph, clusters: _Clusters, a: int, b: int, diameter: int) -> bool:
    """Whether no two positions of clusters `a` and `b` are more than `diameter` mm apart."""
    for k in range(DIRECTIONS):
        width = max(clusters.high[a, k], clusters.high[b, k]) - min(clusters.low[a, k], clusters.low[b, k])
        if width * 1000.0 > diameter + 1:
            return False
    i = a
    while i >= 0:
        j = b if graph.x[i] == graph.x[i] else -1
        while j >= 0:
            if graph.x[j] == graph.x[j] and _millimetres(graph, i, j) > diameter:
                return False
            j = clusters.after[j]
        i = clusters.after[i]
    return True


@compiled
def _join(clusters: _Clusters, older: int, younger: int) -> None:
    clusters.root[younger] = older
    clusters.after[clusters.last[older]] = younger
    clusters.last[older] = clusters.last[younger]
    clusters.first[older] = min(clusters.first[older], clusters.first[younger])
    for k in range(DIRECTIONS):
        clusters.low[older, k] = min(clusters.low[older, k], clusters.low[younger, k])
        clusters.high[older, k] = max(clusters.high[older, k], clusters.high[younger, k])


@compiled
def _single_clusters(graph: Graph) -> _Clusters:
    n = graph.day.size
    low, high = np.full((n, DIRECTIONS), inf), np.full((n, DIRECTIONS), -inf)
    for i in range(n):
        if graph.x[i] == graph.x[i]:
            for k in range(DIRECTIONS):
                angle = pi * k / DIRECTIONS
                low[i, k] = high[i, k] = graph.x[i] * cos(angle) + graph.y[i] * sin(angle)
    each = np.arange(n)
    return _Clusters(each.copy(), np.full(n, -1, np.int64), each.copy(), graph.day.copy(), low, high)


@compiled
def agglomerate(graph: Graph, order: Ints, label: Ints, diameter: int, max_age: int) -> Ints:
    """The cluster of each node, (n,), named by its first node in `order`; -1 where `label` is.

    `label` is that of `flood` without borders: linked nodes that have one have the same. Nodes come in `order`, oldest
    day first. Each joins the clusters it is linked to, first the one with most links, then the nearest, then the
    oldest, as long as the whole stays at most `diameter` mm wide and `max_age` days old. So the cases of a day only
    join what stood before them, and a group within the bounds stays whole.
    """
    n = graph.day.size
    links, nearest, choice = np.zeros(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    clusters, rank = _single_clusters(graph), np.full(n, -1, np.int64)
    for place in range(order.size):
        c = order[place]
        if label[c] < 0:
            continue
        choices = 0
        for e in range(graph.start[c], graph.start[c + 1]):
            j = graph.other[e]
            if rank[j] < 0:
                continue
            r = _root(clusters, j)
            if links[r] == 0:
                choice[choices], nearest[r] = r, graph.apart[e]
                choices += 1
            links[r] += 1
            nearest[r] = min(nearest[r], graph.apart[e])
        rank[c] = place
        while choices > 0:
            best = _best(choice[:choices], links, nearest, clusters.first, rank)
            r, own = choice[best], _root(clusters, c)
            choices -= 1
            choice[best], links[r] = choice[choices], 0
            young = graph.day[c] - min(clusters.first[own], clusters.first[r]) <= max_age
            if young and _fit(graph, clusters, own, r, diameter):
                if rank[own] < rank[r]:
                    _join(clusters, own, r)
                else:
                    _join(clusters, r, own)
    return np.array([_root(clusters, i) if label[i] >= 0 else -1 for i in range(n)])


@compiled
def _best(choice: Ints, links: Ints, nearest: Ints, first: Ints, rank: Ints) -> int:
    """Where in `choice` the cluster with most links stands; then the nearest, the oldest, the first in order."""
    best = 0
    for at in range(1, choice.size):
        a, b = choice[at], choice[best]
        if (-links[a], nearest[a], first[a], rank[a]) < (-links[b], nearest[b], first[b], rank[b]):
            best = at
    return best


@compiled
def diameter(x: Floats, y: Floats) -> float:
    """The greatest distance between any two positions; 0 without two."""
    widest = 0.0
    for i in range(x.size):
        for j in range(i + 1, x.size):
            square = (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2
            if square > widest:
                widest = square
    return sqrt(widest)
