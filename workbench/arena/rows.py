# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Buckets and arrays: one row for each chain that an array, or the head, begins; or the elements in turn."""

from __future__ import annotations

from workbench.arena import content, plane
from workbench.arena.figures import Around, way_on
from workbench.arena.links import LinkKind, Node
from workbench.arena.plane import Spot
from workbench.arena.sketch import Sketch, gap_text

_ROW = 3
_LABEL = 8
_GAP = 18
_ELEMENT = 24
_NEAR_THE_HEAD = 256


def buckets(sketch: Sketch, around: Around) -> dict[int, Spot]:
    """The head and its array above; below it a row for each bucket that is in use, those round the focus."""
    nodes = (around.head, *sketch.walker.nodes(1, _NEAR_THE_HEAD))
    container = next((node for node in nodes if node.type == around.shape.container), around.head)
    places = _above(sketch, around, container, 1)
    top = max(spot.bottom for spot in places.values())
    rows = sketch.walker.children(container.index)
    room = max(1, (around.height - top - 2) // _ROW)
    first = _first_row(sketch, around, rows, room)
    slots = container.elements if container.elements > 1 else sketch.schema.slots(container.type)
    above = f", {first:,} of them above" if first else ""
    sketch.gap(0, top, first or None, None, f"{len(rows):,} of {max(slots, len(rows)):,} in use{above}")
    for place, index in enumerate(rows[first : first + room]):
        found = sketch.walker.node(index)
        if found is not None:
            _row(sketch, around, container, found, top + 1 + place * _ROW, places)
    below = len(rows) - first - room
    if below > 0:
        following = sketch.walker.node(rows[first + room])
        to = following.offset if following else None
        sketch.gap(0, top + 1 + room * _ROW, below, to, f"… {below:,} more rows …")
    return places


def array(sketch: Sketch, around: Around) -> dict[int, Spot]:
    """The head, and the elements one after the other."""
    found = next((node for node in sketch.walker.nodes(1, _NEAR_THE_HEAD) if node.elements > 1), around.head)
    places = _above(sketch, around, found, 3)
    record = sketch.schema.record(found.type)
    top, x, y = max(spot.bottom for spot in places.values()), 0, 0
    for number in range(found.elements if record else 0):
        size = record.size if record else 0
        data = sketch.walker.view.read(found.offset + number * size, size)
        shown = content.of(sketch.schema, found.type, data, 1, 12)
        text = f"[{number}] {' '.join((shown.title, *shown.lines))}"
        if x and x + len(text) > around.width:
            x, y = 0, y + 1
        if top + y >= around.height - 1:
            sketch.gap(0, top + y, found.elements - number)
            break
        sketch.gap(x, top + y, 1, None, text)
        x += max(_ELEMENT, len(text) + 2)
    return places


def _above(sketch: Sketch, around: Around, container: Node, lines: int) -> dict[int, Spot]:
    """The head, and the array that hangs on it if it is not the head itself."""
    head = sketch.add(around.head.offset, around.head.type, lines=lines, named="head")
    places = {head: Spot(0, 0, *sketch.items[head].size)}
    if container.offset != around.head.offset:
        whole = sketch.add(container.offset, container.type, container.elements)
        width, height = sketch.items[whole].size
        places[whole] = Spot(places[head].right + 4, (places[head].height - height) // 2, width, height)
        edge = next((edge for edge in sketch.forward(head) if edge.target == container.offset), None)
        sketch.join(head, whole, edge, plane.row_wire(places[head], places[whole]))
    return places


def _first_row(sketch: Sketch, around: Around, rows: tuple[int, ...], room: int) -> int:
    """The row to begin with, so that the focus is among those shown."""
    if around.focus is None:
        return 0
    way = set(sketch.walker.path(around.focus.index))
    at = next((place for place, index in enumerate(rows) if index in way), 0)
    return max(0, min(at - room // 2, len(rows) - room))


def _row(sketch: Sketch, around: Around, container: Node, first: Node, y: int, places: dict[int, Spot]) -> None:
    """One bucket: its number or its link's name, then its chain as far as there is room."""
    name = sketch.schema.slot_name(container.type, first.via, container.elements)
    label = name.split("]")[0] + "]" if "[" in name else name
    sketch.gap(0, y + 1, None, None, label)
    live = sketch.walker.edges(container.offset, container.type, container.elements, first.via, 1)
    edge = live[0] if live else None
    x, shown, before = max(_LABEL, len(label) + 1) + 3, 0, -1
    while edge and edge.kind is LinkKind.OK and edge.target not in sketch.by_offset:
        left = first.subtree - shown
        if shown and x + 2 * _GAP > around.width and left > 1:
            sketch.gap(x, y + 1, left, edge.target, gap_text(left))
            return
        at = sketch.add(edge.target, edge.type, edge.elements, lines=0)
        places[at] = Spot(x, y, sketch.items[at].size[0], _ROW)
        start = places[before] if shown else Spot(0, y, max(_LABEL, len(label) + 1), _ROW)
        sketch.join(before if shown else at, at, edge, plane.row_wire(start, places[at]))
        x, shown, before = places[at].right + 4, shown + 1, at
        edge = way_on(sketch, around, at)
    if edge is not None and edge.kind.bad:
        end = sketch.end(edge)
        places[end] = Spot(x, y + 1, *sketch.items[end].size)
        sketch.join(before if shown else end, end, edge, ((x - 4, y + 1), (x - 1, y + 1)))
