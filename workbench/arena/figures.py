# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Chains, rings and skip lists: what of them is shown round the focus, and where.

Links are followed as they are now, from the head or from where the census found the focus; what is left out is counted
by the census.
"""

from __future__ import annotations

import msgspec

from workbench.arena import plane
from workbench.arena.links import Census, Edge, LinkKind, Node
from workbench.arena.plane import Spot
from workbench.arena.schema import UNTYPED
from workbench.arena.shapes import Shape
from workbench.arena.sketch import Sketch, gap_text

_BOX_WIDTH = 16  # of a usual box with its arrow
_BOX_HEIGHT = 5
_BEFORE = 3  # nodes shown before the focus
_FEWEST = 4


class Around(msgspec.Struct, frozen=True):
    """What is to be seen: the whole from its head, or the part round a node of the census."""

    census: Census
    shape: Shape
    head: Node
    focus: Node | None
    width: int
    height: int


class Part(msgspec.Struct):
    """A place in a line: an item, reached by `edge`; or (item -1) a gap of `count` nodes, the next of them at `to`."""

    item: int
    edge: Edge | None = None
    count: int | None = None
    to: int | None = None


class Line(msgspec.Struct):
    """Items and gaps from the head on. `last` is the link at the end: None for NULL; `more`: it leads on."""

    parts: list[Part]
    last: Edge | None = None
    more: bool = False


def chain(sketch: Sketch, around: Around) -> dict[int, Spot]:
    """From left to right, in as many rows as there is room for: the beginning, the part round the focus, the end."""
    room = max(_FEWEST, (around.width // _BOX_WIDTH) * max(1, around.height // _BOX_HEIGHT))
    return _in_rows(sketch, around, line(sketch, around, room))


def ring(sketch: Sketch, around: Around) -> dict[int, Spot]:
    """Round about, in two rows, the last leading to the first again; as a chain where it is too long for that."""
    room = max(_FEWEST, 2 * (around.width // (_BOX_WIDTH + 2)))
    found = line(sketch, around, room)
    last = found.last
    if last is None or last.kind.bad or any(part.item < 0 for part in found.parts):
        return _in_rows(sketch, around, found)
    items = [part.item for part in found.parts]
    spots = plane.ring([sketch.items[at].size for at in items], around.width)
    places = dict(zip(items, spots, strict=True))
    for at, part in zip(items, found.parts[1:], strict=False):
        sketch.join(at, part.item, part.edge, plane.ring_wire(places[at], places[part.item]))
    first = sketch.by_offset[last.target]
    sketch.join(items[-1], first, last, plane.wire(places[items[-1]], places[first]))
    return places


def skip_list(sketch: Sketch, around: Around) -> dict[int, Spot]:
    """One row, each box as tall as its tower, the links of each level on a line of their own."""
    found = line(sketch, around, max(_FEWEST, around.width // (_BOX_WIDTH - 4)), lines=0)
    most = max(1, around.height - 3)
    towers = {part.item: sketch.forward(part.item)[:most] for part in found.parts if part.item >= 0}
    sizes = [
        (_size(sketch, part)[0], 2 + max(1, len(towers[part.item])) if part.item >= 0 else 1) for part in found.parts
    ]
    base = max(height for _, height in sizes)
    places: dict[int, Spot] = {}
    for part, spot in zip(found.parts, plane.rows(sizes, 1 << 30), strict=True):
        if spot.right > around.width:
            break
        if part.item >= 0:
            places[part.item] = Spot(spot.x, base - spot.height, spot.width, spot.height)
        else:
            sketch.gap(spot.x, base - 2, part.count, part.to)
    for at, edges in towers.items():
        for level, edge in enumerate(edges):
            target = sketch.by_offset.get(edge.target, -1)
            if at in places and target in places and places[target].x > places[at].x:
                y = base - 2 - level
                sketch.join(at, target, edge, ((places[at].right, y), (places[target].x - 1, y)))
    return places


def line(sketch: Sketch, around: Around, room: int, lines: int = 2) -> Line:
    """At most about `room` places: the head, then from the beginning or from shortly before the focus, then the end."""
    census, focus = around.census, around.focus
    head = sketch.add(around.head.offset, around.head.type, lines=lines, named="head")
    if focus is None or focus.depth < room - _BEFORE:
        found = follow(sketch, around, Part(head), room, lines)
        shown = len(found.parts) - 1
    else:
        way = sketch.walker.path(focus.index, _BEFORE + 1)
        anchor = sketch.walker.node(way[0]) or focus
        first = Part(sketch.add(anchor.offset, anchor.type, anchor.elements, lines=lines))
        found = follow(sketch, around, first, room - 2, lines)
        shown = anchor.depth - 1 + len(found.parts)
        found.parts[:0] = [Part(head), Part(-1, count=anchor.depth - 1)]
    if not found.more:
        if found.last is None or found.last.kind.bad:
            found.parts.append(Part(sketch.end(found.last), found.last))
        return found
    left = max(0, census.max_depth - shown)
    gap = Part(-1, count=max(1, left - 1) if not census.cut else None, to=found.last.target if found.last else None)
    found.parts.append(gap)
    deepest = sketch.walker.node(census.deepest)
    if deepest and deepest.offset not in sketch.by_offset and left > 1:
        at = sketch.add(deepest.offset, deepest.type, lines=lines)
        end = way_on(sketch, around, at)
        found.parts.append(Part(at))
        if end is None or end.kind.bad:
            found.parts.append(Part(sketch.end(end), end))
    return found


def follow(sketch: Sketch, around: Around, first: Part, room: int, lines: int) -> Line:
    """As far as the chain goes, or `room` places."""
    found, at = Line([first]), first.item
    while True:
        edge = found.last = way_on(sketch, around, at)
        if edge is None or edge.kind.bad or edge.target in sketch.by_offset:
            return found
        if len(found.parts) >= room:
            found.more = True
            return found
        at = sketch.add(edge.target, edge.type, edge.elements, lines=lines)
        found.parts.append(Part(at, edge))


def way_on(sketch: Sketch, around: Around, at: int) -> Edge | None:
    """The first link of an item that leads to the next element, or should."""
    main = around.shape.main
    for edge in sketch.forward(at):
        meant = edge.type if edge.kind is LinkKind.OK else _meant(sketch, sketch.items[at].type, edge)
        if edge.counted or meant == UNTYPED or sketch.is_element(meant, main) or edge.target in sketch.by_offset:
            return edge
    return None


def _meant(sketch: Sketch, type_: int, edge: Edge) -> int:
    """The type that a link was to lead to."""
    links = sketch.schema.shapes[type_].links
    name = edge.name.split("[")[0]
    return next((link.target for link in links if link.name == name), UNTYPED)


def _size(sketch: Sketch, part: Part) -> plane.Point:
    return sketch.items[part.item].size if part.item >= 0 else (len(gap_text(part.count)), 1)


def _in_rows(sketch: Sketch, around: Around, found: Line) -> dict[int, Spot]:
    """The parts of a line from left to right, less of them where they need too many rows."""
    focus = sketch.by_offset.get(sketch.focus) if sketch.focus is not None else None
    while True:
        sizes = [_size(sketch, part) for part in found.parts]
        tallest = max(height for _, height in sizes)
        # All of one height, so that arrows run straight.
        spots = plane.rows([(width, tallest) for width, _ in sizes], around.width)
        if spots[-1].bottom <= around.height or not _shorten(found, focus):
            break
    places: dict[int, Spot] = {}
    before: tuple[Part, Spot] | None = None
    for part, spot, (_, height) in zip(found.parts, spots, sizes, strict=True):
        placed = Spot(spot.x, spot.y + (spot.height - height) // 2, spot.width, height)
        if part.item >= 0:
            places[part.item] = placed
        else:
            sketch.gap(placed.x, placed.y, part.count, part.to)
        if before:
            # A wire into or out of a gap belongs to the nodes on its side.
            a = before[0].item if before[0].item >= 0 else part.item
            b = part.item if part.item >= 0 else before[0].item
            sketch.join(a, b, part.edge, plane.row_wire(before[1], spot))
        before = part, spot
    return places


def _shorten(found: Line, focus: int | None) -> bool:
    """Leave out one node more, before the end or behind the head, far from the focus; false: none is to spare."""
    parts = found.parts
    at = next((place for place, part in enumerate(parts) if part.item == focus), 1)
    late = next((place for place in range(len(parts) - 1, at, -1) if parts[place].item < 0), None)
    early = next((place for place in range(1, at) if parts[place].item < 0), None)
    last = (late if late is not None else len(parts) - 1) - 1
    first = (early if early is not None else 0) + 1
    if len(parts) <= _FEWEST:
        return False
    if last - at >= at - first and last > at:
        out = parts.pop(last)
        if late is None:
            parts.insert(last, Part(-1, count=0))
        _count(parts[last], out)
        return True
    if first < at:
        out = parts.pop(first)
        if early is None:
            parts.insert(first, Part(-1, count=0))
        _count(parts[early if early is not None else first], out)
        return True
    return False


def _count(gap: Part, out: Part) -> None:
    """One node more is left out."""
    gap.count = None if gap.count is None else gap.count + 1
    gap.to = out.edge.target if out.edge else gap.to
