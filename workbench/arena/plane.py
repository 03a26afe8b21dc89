# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Boxes on a plane of character cells: where a person would put the nodes of each figure, and how the wires run.

Only sizes go in and only positions come out; what the boxes hold is not known here. (Own layered layout: grandalf,
the one on PyPI that is light, takes 20 ms for 80 nodes and 120 ms for 120, and places them off the character grid.)
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

Point = tuple[int, int]
_ARROW = 4  # cells between two boxes of a row: " ─▶ "
_ROUNDS = 4


class Spot(msgspec.Struct, frozen=True):
    """Where a box is: its upper left corner and its size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The column behind it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The row below it."""
        return self.y + self.height

    @property
    def middle(self) -> Point:
        """Its middle cell."""
        return self.x + self.width // 2, self.y + self.height // 2


def rows(sizes: Sequence[Point], width: int, *, left: int = 0, top: int = 0, indent: int = 2) -> list[Spot]:
    """From left to right, going on in the next row where there is no room."""
    spots: list[Spot] = []
    x, y, tallest = left, top, 0
    for w, h in sizes:
        if x > left and x + w > width:
            x, y, tallest = left + indent, y + tallest + 1, 0
        spots.append(Spot(x, y, w, h))
        x, tallest = x + w + _ARROW, max(tallest, h)
    return spots


def row_wire(a: Spot, b: Spot) -> tuple[Point, ...]:
    """From a box to the next one of `rows`: straight, or round the end of the row."""
    start, end = (a.right, a.middle[1]), (b.x - 1, b.middle[1])
    if b.y == a.y or (a.y <= start[1] < a.bottom and b.y <= start[1] < b.bottom):
        return (start, (end[0], start[1]))
    between = max(a.bottom, b.y - 1)
    return (
        start,
        (start[0] + 1, start[1]),
        (start[0] + 1, between),
        (max(0, b.x - 2), between),
        (max(0, b.x - 2), end[1]),
        end,
    )


def ring(sizes: Sequence[Point], width: int) -> list[Spot]:
    """Round about: the first half from left to right, the second below it from right to left."""
    upper = (len(sizes) + 1) // 2
    spots = rows(sizes[:upper], max(width, 1 << 30))
    top = max((spot.bottom for spot in spots), default=0) + 2
    right = max((spot.right for spot in spots), default=0)
    lower: list[Spot] = []
    x = right
    for w, h in sizes[upper:]:
        lower.append(Spot(x - w, top, w, h))
        x -= w + _ARROW
    shift = max(0, -min((spot.x for spot in lower), default=0))
    return [Spot(spot.x + shift, spot.y, spot.width, spot.height) for spot in (*spots, *lower)]


def ring_wire(a: Spot, b: Spot) -> tuple[Point, ...]:
    """From a box of `ring` to the next one."""
    if a.y == b.y:
        forward = b.x > a.x
        return (
            ((a.right, a.middle[1]), (b.x - 1, a.middle[1]))
            if forward
            else ((a.x - 1, a.middle[1]), (b.right, a.middle[1]))
        )
    return drop(a, b) if a.y < b.y else rise(a, b)


def drop(a: Spot, b: Spot) -> tuple[Point, ...]:
    """Down from a box to one below it."""
    (ax, _), (bx, _) = a.middle, b.middle
    if ax == bx:
        return ((ax, a.bottom), (bx, b.y - 1))
    between = max(a.bottom, b.y - 2)
    return ((ax, a.bottom), (ax, between), (bx, between), (bx, b.y - 1))


def rise(a: Spot, b: Spot) -> tuple[Point, ...]:
    """Up from a box to one above it."""
    (ax, _), (bx, _) = a.middle, b.middle
    between = min(a.y - 1, b.bottom + 1)
    return (
        ((ax, a.y - 1), (ax, between), (bx, between), (bx, b.bottom)) if ax != bx else ((ax, a.y - 1), (bx, b.bottom))
    )


def tree(sizes: Sequence[Point], children: Sequence[Sequence[int]], *, gap: int = 1, level: int = 2) -> list[Spot]:
    """A tidy tree, node 0 at the top: each above the middle of its children, subtrees as near as their outlines allow.

    (Reingold and Tilford, "Tidier drawings of trees", 1981, with outlines kept as lists of levels.) `children` have
    higher numbers than their parents; a negative one leaves the place of a missing child free.
    """
    x = [0] * len(sizes)  # of the left edge, relative to the subtree's own origin
    offset = [0] * len(sizes)  # of the subtree, relative to its parent's
    outline: list[list[tuple[int, int]]] = [[] for _ in sizes]  # leftmost and rightmost cell of each level
    for node in range(len(sizes) - 1, -1, -1):
        width = sizes[node][0]
        below: list[tuple[int, int]] = []
        placed: list[tuple[int, int]] = []  # the middle that each child takes
        for child in children[node]:
            mine = outline[child] if child >= 0 else [(0, 1)]
            shift = max((right + gap - mine[i][0] for i, (_, right) in enumerate(below[: len(mine)])), default=0)
            if child >= 0:
                offset[child] = shift
            placed.append((mine[0][0] + shift, mine[0][1] + shift))
            moved = [(left + shift, right + shift) for left, right in mine]
            below = [
                (below[i][0] if i < len(below) else moved[i][0], moved[i][1] if i < len(moved) else below[i][1])
                for i in range(max(len(below), len(moved)))
            ]
        x[node] = ((placed[0][0] + placed[-1][1]) - width) // 2 if placed else 0
        outline[node] = [(x[node], x[node] + width), *below]
    depth = [0] * len(sizes)
    heights: list[int] = []
    for node in range(len(sizes)):
        for child in children[node]:
            if child >= 0:
                offset[child] += offset[node]
                depth[child] = depth[node] + 1
        while len(heights) <= depth[node]:
            heights.append(0)
        heights[depth[node]] = max(heights[depth[node]], sizes[node][1])
    tops = [sum(heights[:at]) + at * level for at in range(len(heights))]
    left = min((x[node] + offset[node] for node in range(len(sizes))), default=0)
    return [Spot(x[n] + offset[n] - left, tops[depth[n]], *sizes[n]) for n in range(len(sizes))]


def layers(sizes: Sequence[Point], links: Sequence[tuple[int, int]], *, gap: int = 2, level: int = 3) -> list[Spot]:
    """Anything else: in layers by distance from node 0, ordered so that wires cross little.

    (Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures", 1981: the
    barycentre method.)
    """
    beside: list[list[int]] = [[] for _ in sizes]
    forward: list[list[int]] = [[] for _ in sizes]
    for a, b in links:
        forward[a].append(b)
        beside[a].append(b)
        beside[b].append(a)
    depth = _distances(forward, len(sizes))
    order: list[list[int]] = [[] for _ in range(max(depth, default=0) + 1)]
    for node in range(len(sizes)):
        order[depth[node]].append(node)
    place = {node: at * 1000 for layer in order for at, node in enumerate(layer)}
    for turn in range(_ROUNDS):
        downward = turn % 2 == 0
        for layer in order if downward else reversed(order):
            for node in layer:
                near = [place[other] for other in beside[node] if (depth[other] < depth[node]) == downward]
                place[node] = sum(near) // len(near) if near else place[node]
            layer.sort(key=place.__getitem__)
            place.update({node: at * 1000 for at, node in enumerate(layer)})
    widths = [sum(sizes[node][0] + gap for node in layer) - gap for layer in order]
    spots = [Spot(0, 0, 0, 0)] * len(sizes)
    y = 0
    for layer, width in zip(order, widths, strict=True):
        x = (max(widths) - width) // 2
        for node in layer:
            spots[node] = Spot(x, y, *sizes[node])
            x += sizes[node][0] + gap
        y += max((sizes[node][1] for node in layer), default=0) + level
    return spots


def _distances(forward: list[list[int]], count: int) -> list[int]:
    """Of each node from node 0, along the links; of one that cannot be reached, 0."""
    depth = [0] * count
    seen, layer, distance = {0}, [0], 0
    while layer:
        distance += 1
        following = []
        for node in layer:
            for other in forward[node]:
                if other not in seen:
                    seen.add(other)
                    depth[other] = distance
                    following.append(other)
        layer = following
    return depth


def wire(a: Spot, b: Spot) -> tuple[Point, ...]:
    """Between any two boxes: down, up, or along the row's upper edge."""
    if b.y >= a.bottom:
        return drop(a, b)
    if b.bottom <= a.y:
        return rise(a, b)
    (ax, _), (bx, _) = a.middle, b.middle
    above = min(a.y, b.y) - 1
    if a == b:
        return ((a.right, a.y), (a.right, above), (ax, above))
    return ((ax, above + 1), (ax, above), (bx, above), (bx, above + 1))
