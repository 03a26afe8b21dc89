# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A part of the structure on a plane of character cells: plain data for a screen, a file or a test.

Coordinates are cells from the upper left corner; y grows downward. A box has a border of one cell all round, its title
on the first line inside and its lines below. Wires run through the cells between their points, which are never inside
the boxes that they join; the last point is the arrow's head.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from workbench.arena.links import LinkKind
from workbench.arena.plane import Point
from workbench.arena.shapes import Figure
from workbench.arena.types import Value
from workbench.arena.view import ObjectState


class Mark(StrEnum):
    """What happened to a box since the frame before."""

    NONE = ""
    NEW = "new"
    CHANGED = "changed"


class Role(StrEnum):
    """What a box stands for: the head, an element, an array; NULL or a bad link's end have no border."""

    HEAD = "head"
    NODE = "node"
    ARRAY = "array"
    NULL = "null"
    BAD = "bad"


class Link(msgspec.Struct, frozen=True):
    """A link of a box's object: slot `slot` leads to `target` (an offset; None for NULL and bad ones)."""

    slot: int
    name: str
    kind: LinkKind
    value: int
    target: int | None
    marks: int
    counted: bool
    tag: int
    back: bool


class Box(msgspec.Struct, frozen=True):
    """An object. `offset` tells boxes apart (of NULL and BAD: negative, and of this frame only).

    `deleted`: its own link on has a mark (Harris): logically it is no element any more.
    """

    offset: int
    role: Role
    type: str
    title: str
    lines: tuple[str, ...]
    x: int
    y: int
    width: int
    height: int
    state: ObjectState
    mark: Mark
    focus: bool
    deleted: bool
    links: tuple[Link, ...]


class Wire(msgspec.Struct, frozen=True):
    """A line from the box at `source` to the box at `target`."""

    source: int
    target: int
    name: str
    kind: LinkKind
    marks: int
    counted: bool
    points: tuple[Point, ...]


class Gap(msgspec.Struct, frozen=True):
    """What is left out, or a label: `text` at a place. `count` nodes (None: not known); focus on `to` to see them."""

    x: int
    y: int
    text: str
    count: int | None
    to: int | None


class Gone(msgspec.Struct, frozen=True):
    """A box of the frame before whose object is not linked there any more."""

    offset: int
    title: str
    x: int
    y: int
    state: ObjectState


class Frame(msgspec.Struct, frozen=True):
    """What can be seen of the structure now. `elements` and what follows are the last census's, `census_age_s` old.

    `bad` counts the links that two censuses in a row found bad, `passing` those that only the last one did: a lane
    that is stopped in the middle of a change leaves links in a state that nobody is meant to see.
    `cut`: why the census is not of everything ("", "nodes", "steps", "time").
    """

    figure: Figure
    width: int
    height: int
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    gaps: tuple[Gap, ...]
    gone: tuple[Gone, ...]
    focus: int | None
    elements: int
    nodes: int
    max_depth: int
    bad: dict[LinkKind, int]
    passing: int
    moved: int
    cut: str
    census_age_s: float

    def box(self, offset: int) -> Box | None:
        """The box of an object."""
        return next((box for box in self.boxes if box.offset == offset), None)


class Detail(msgspec.Struct, frozen=True):
    """All of one object: its fields, links, bytes, and the way to it from the head as links' names."""

    offset: int
    address: int
    type: str
    state: ObjectState
    lane: int | None
    page: int
    size: int
    elements: int
    values: tuple[Value, ...]
    links: tuple[Link, ...]
    content: bytes
    path: tuple[tuple[int, str], ...]
    path_left_out: int


def changes(now: Frame, before: Frame | None) -> Frame:
    """`now` with what is new, changed or gone against the frame before it.

    Only where it can be told: what was out of sight before is not new because it can be seen now.
    """
    if before is None:
        return now
    old = {box.offset: box for box in before.boxes if box.role not in (Role.NULL, Role.BAD)}
    led = {(box.offset, link.slot): link.target for box in old.values() for link in box.links}
    fresh = {box.offset for box in now.boxes if box.offset not in old}
    came: set[int] = set()
    for box in now.boxes:  # in the order of the walk: a new one's own followers come after it
        for link in box.links:
            known = led.get((box.offset, link.slot), link.target) != link.target
            if link.target in fresh and (known or (box.offset in came and not link.back)):
                came.add(link.target)
    boxes = tuple(msgspec.structs.replace(box, mark=_mark(box, old, came)) for box in now.boxes)
    seen = {box.offset for box in now.boxes}
    kept = {link.target for box in now.boxes for link in box.links}
    lost = {
        target
        for (offset, slot), target in led.items()
        if target not in seen
        and target not in kept
        and offset in seen
        and any(box.offset == offset and _leads_elsewhere(box, slot, target) for box in now.boxes)
    }
    gone = tuple(
        Gone(box.offset, box.title, box.x, box.y, ObjectState.FREED) for box in old.values() if box.offset in lost
    )
    return msgspec.structs.replace(now, boxes=boxes, gone=gone)


def _mark(box: Box, old: dict[int, Box], came: set[int]) -> Mark:
    before = old.get(box.offset)
    if before is None:
        return Mark.NEW if box.offset in came else Mark.NONE
    same = (box.title, box.lines, box.state, box.deleted) == (before.title, before.lines, before.state, before.deleted)
    values = [(link.slot, link.value) for link in box.links]
    return Mark.NONE if same and values == [(link.slot, link.value) for link in before.links] else Mark.CHANGED


def _leads_elsewhere(box: Box, slot: int, target: int | None) -> bool:
    return all(link.target != target for link in box.links if link.slot == slot)
