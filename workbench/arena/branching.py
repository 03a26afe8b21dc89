# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Trees, and figures that are none: level by level from the head or from above the focus, as far as there is room."""

from __future__ import annotations

from workbench.arena import plane
from workbench.arena.figures import Around
from workbench.arena.links import Edge, LinkKind, Node
from workbench.arena.plane import Spot
from workbench.arena.schema import ADDRESS
from workbench.arena.sketch import Sketch

_ABOVE = 3  # levels shown above the focus
_UNKNOWN_MOST = 24
_MISSING = -1


class _Tree:
    """Nodes of a tree in the order of their levels: items (or marks of what is left out) and their children."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.children: list[list[int]] = []
        self.edges: list[Edge | None] = []

    def add(self, item: int, edge: Edge | None) -> int:
        self.items.append(item)
        self.children.append([])
        self.edges.append(edge)
        return len(self.items) - 1

    def cut(self, length: int) -> None:
        """Forget all nodes from number `length` on."""
        del self.items[length:], self.children[length:], self.edges[length:]
        # A level is there as a whole or not at all: places kept for missing children go with the rest.
        self.children = [below if all(child < length for child in below) else [] for below in self.children]


def tree(sketch: Sketch, around: Around) -> dict[int, Spot]:
    """Each above the middle of its children; a child that is missing keeps its place; deep ones are counted."""
    for above in range(_ABOVE, -1, -1):
        sketch.clear()
        grown = _Tree()
        anchor = _root(sketch, around, grown, above)
        _grow_all(sketch, around, grown)
        shown = {sketch.items[item].offset for item in grown.items}
        if around.focus is None or around.focus.offset in shown:
            break
    places = _place(sketch, grown, 1 if anchor else 0)
    if anchor:
        parent = sketch.walker.node(anchor.parent)
        root = places[grown.items[0]]
        sketch.gap(root.x, 0, anchor.depth, parent.offset if parent else None, f"▴{anchor.depth:,}")
    return places


def _grow_all(sketch: Sketch, around: Around, grown: _Tree) -> None:
    """Level by level, as long as there is room."""
    level = [0]
    while level:
        length, following = len(grown.items), list[int]()
        for at in level:
            following += _grow(sketch, around, grown, at)
        if not _fits(sketch, around, grown, following):
            grown.cut(length)
            return
        level = following


def unknown(sketch: Sketch, around: Around) -> dict[int, Spot]:
    """In layers by distance from the focus, or from the head."""
    start = around.focus or around.head
    items = [sketch.add(start.offset, start.type, start.elements, lines=1)]
    links: list[tuple[int, int, Edge]] = []
    left = 0
    for at in items:  # grows while it is walked
        for edge in sketch.items[at].edges:
            if edge.kind is LinkKind.NULL or edge.kind is LinkKind.APART:
                continue
            known = sketch.by_offset.get(edge.target) if edge.kind is LinkKind.OK else None
            if known is None and len(items) >= _UNKNOWN_MOST:
                left += 1
                continue
            if known is None:
                bad = edge.kind.bad
                known = sketch.end(edge) if bad else sketch.add(edge.target, edge.type, edge.elements, lines=1)
                items.append(known)
            links.append((at, known, edge))
    while True:
        number = {at: place for place, at in enumerate(items)}
        joined = [(number[a], number[b], edge) for a, b, edge in links if a in number and b in number]
        sizes = [sketch.items[at].size for at in items]
        spots = plane.layers(sizes, [(a, b) for a, b, _ in joined])
        wide = max(spot.right for spot in spots) > around.width or max(spot.bottom for spot in spots) >= around.height
        if not wide or len(items) <= 4:
            break
        items.pop()
        left += 1
    for a, b, edge in joined:
        sketch.join(items[a], items[b], edge, plane.wire(spots[a], spots[b]))
    if left:
        sketch.gap(0, max(spot.bottom for spot in spots), None, None, f"… {left:,} links lead on …")
    return dict(zip(items, spots, strict=True))


def _root(sketch: Sketch, around: Around, grown: _Tree, above: int) -> Node | None:
    """Begin with the head; or, far from it, with an ancestor of the focus, which is returned then."""
    focus = around.focus
    if focus is None or focus.depth <= above:
        grown.add(sketch.add(around.head.offset, around.head.type, lines=1, named="head"), None)
        return None
    anchor = sketch.walker.node(sketch.walker.path(focus.index, above + 1)[0]) or focus
    grown.add(sketch.add(anchor.offset, anchor.type, anchor.elements, lines=0), None)
    return anchor


def _grow(sketch: Sketch, around: Around, grown: _Tree, at: int) -> list[int]:
    """The next level below one node."""
    item = sketch.items[grown.items[at]]
    if item.offset < 0:
        return []
    main = around.shape.main
    own = item.type == main
    slots = [edge for edge in item.edges if not edge.back and not _is_guess(sketch, item.type, edge)]
    ways = [
        edge
        for edge in slots
        if edge.kind.bad or (edge.kind is LinkKind.OK and (sketch.is_element(edge.type, main) or edge.counted))
    ]
    below: list[int] = []
    for edge in slots if own and ways else ways:
        if edge in ways and edge.target not in sketch.by_offset:
            added = sketch.end(edge) if edge.kind.bad else sketch.add(edge.target, edge.type, edge.elements, lines=0)
            below.append(grown.add(added, edge))
        elif own and edge.kind is LinkKind.NULL:
            below.append(_MISSING)
    grown.children[at] = below
    return [child for child in below if child != _MISSING]


def _is_guess(sketch: Sketch, type_: int, edge: Edge) -> bool:
    links = sketch.schema.shapes[type_].links
    return any(link.name == edge.name and link.kind == ADDRESS for link in links) and not edge.target


def _fits(sketch: Sketch, around: Around, grown: _Tree, leaves: list[int]) -> bool:
    spots = plane.tree(_sizes(sketch, grown), grown.children)
    deeper = any(sketch.forward(grown.items[at]) for at in leaves)
    return (
        max(spot.right for spot in spots) <= around.width
        and max(spot.bottom for spot in spots) + (2 if deeper else 1) <= around.height
    )


def _sizes(sketch: Sketch, grown: _Tree) -> list[plane.Point]:
    return [sketch.items[item].size for item in grown.items]


def _place(sketch: Sketch, grown: _Tree, top: int) -> dict[int, Spot]:
    spots = [Spot(s.x, s.y + top, s.width, s.height) for s in plane.tree(_sizes(sketch, grown), grown.children)]
    for at, below in enumerate(grown.children):
        for child in below:
            if child != _MISSING:
                points = plane.drop(spots[at], spots[child])
                sketch.join(grown.items[at], grown.items[child], grown.edges[child], points)
    for at, spot in enumerate(spots):
        item = sketch.items[grown.items[at]]
        if item.offset >= 0 and not any(child != _MISSING for child in grown.children[at]):
            _count_below(sketch, item.offset, grown.items[at], spot)
    return dict(zip(grown.items, spots, strict=True))


def _count_below(sketch: Sketch, offset: int, item: int, spot: Spot) -> None:
    """How many nodes hang below one whose children are not shown: there is little room, so in few signs."""
    if not any(edge.kind is LinkKind.OK for edge in sketch.forward(item)):
        return
    known = sketch.walker.node_at(offset)
    count = known.subtree - 1 if known else None
    text = f"▾{count:,}" if count is not None else "▾"
    sketch.gap(spot.x + max(0, (spot.width - len(text)) // 2), spot.bottom, count, offset, text)
