# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Nodes being put together for a frame: each is read once, as it is now; then they get places and become boxes."""

from __future__ import annotations

import msgspec

from workbench.arena import content, plane
from workbench.arena.frame import Box, Gap, Link, Mark, Role, Wire
from workbench.arena.links import WORDS, Edge, LinkKind, Walker
from workbench.arena.plane import Spot
from workbench.arena.view import ObjectState

_TEXT_MOST = 20
_NAME_MOST = 40
_LINKS_MOST = 64


class Item(msgspec.Struct):
    """A box to be: an object read at `offset`, or a mark without one (offset below 0)."""

    offset: int
    type: int
    elements: int
    role: Role
    state: ObjectState
    title: str
    lines: tuple[str, ...]
    edges: tuple[Edge, ...]

    @property
    def size(self) -> plane.Point:
        """Width and height of its box."""
        if self.role in (Role.NULL, Role.BAD):
            return len(self.title), 1
        return max(len(text) for text in (self.title, *self.lines)) + 4, len(self.lines) + 3


class Sketch:
    """What a frame is made of. Items are numbered as they are added."""

    def __init__(self, walker: Walker, focus: int | None) -> None:
        self.walker = walker
        self.schema = walker.schema
        self.focus = focus
        self.items: list[Item] = []
        self.by_offset: dict[int, int] = {}
        self.gaps: list[Gap] = []
        self._wires: list[tuple[int, int, Edge | None, tuple[plane.Point, ...]]] = []

    def add(self, offset: int, type_: int, elements: int = 1, *, lines: int = 2, named: str = "") -> int:
        """Read an object, if that has not been done; its number."""
        if offset in self.by_offset:
            return self.by_offset[offset]
        record = self.schema.record(type_)
        found = self.walker.view.object_at(offset)
        size = record.size if record and elements == 1 else 0
        data = self.walker.view.read(offset, min(size or 64, found.size if found else 0))
        role = Role.HEAD if type_ == self.schema.head and not self.items else Role.NODE
        if elements > 1:
            role, named = Role.ARRAY, f"{content.short(record.name) if record else '?'}[{elements:,}]"
        lines, width = (lines, _TEXT_MOST) if elements == 1 else (0, _NAME_MOST)
        shown = content.of(self.schema, type_, data, lines, width, named=named)
        state = found.state if found else ObjectState.NEVER
        edges = self.walker.edges(offset, type_, 1, most=_LINKS_MOST) if elements == 1 else ()
        self.by_offset[offset] = len(self.items)
        self.items.append(Item(offset, type_, elements, role, state, shown.title, shown.lines, edges))
        return len(self.items) - 1

    def clear(self) -> None:
        """Begin again."""
        self.items, self.gaps, self._wires = [], [], []
        self.by_offset = {}

    def mark(self, role: Role, text: str) -> int:
        """Something that is no object: the end of a chain, a bad link's target, a row's label."""
        self.items.append(Item(-1 - len(self.items), 0, 1, role, ObjectState.NEVER, text, (), ()))
        return len(self.items) - 1

    def end(self, edge: Edge | None) -> int:
        """What a link that leads to no node ends at."""
        if edge is None or not edge.kind.bad:
            return self.mark(Role.NULL, "∅")
        return self.mark(Role.BAD, f"✗ {WORDS[edge.kind]}")

    def forward(self, at: int) -> list[Edge]:
        """An item's links that lead on to an object, or should: not back, not NULL."""
        return [edge for edge in self.items[at].edges if not edge.back and (edge.kind is LinkKind.OK or edge.kind.bad)]

    def is_element(self, type_: int, main: int) -> bool:
        """Whether a link to `type_` leads to an element: its own type, or a place inside one."""
        return type_ == main or any(embedded == type_ for embedded, _ in self.schema.shapes[main].embeds)

    def join(self, a: int, b: int, edge: Edge | None, points: tuple[plane.Point, ...]) -> None:
        """A wire between two items."""
        self._wires.append((a, b, edge, points))

    def gap(self, x: int, y: int, count: int | None, to: int | None = None, text: str = "") -> None:
        """Say that something is left out."""
        self.gaps.append(Gap(x, y, text or gap_text(count), count, to))

    def boxes(self, spots: dict[int, Spot]) -> tuple[Box, ...]:
        """The items that have a place, as boxes."""
        return tuple(self._box(self.items[at], spot) for at, spot in sorted(spots.items()))

    def wires(self) -> tuple[Wire, ...]:
        """What `join` was told."""
        return tuple(
            Wire(
                self.items[a].offset,
                self.items[b].offset,
                edge.name if edge else "",
                edge.kind if edge else LinkKind.NULL,
                edge.marks if edge else 0,
                bool(edge and edge.counted),
                points,
            )
            for a, b, edge, points in self._wires
        )

    def _box(self, item: Item, spot: Spot) -> Box:
        record = self.schema.record(item.type) if item.offset >= 0 else None
        return Box(
            offset=item.offset,
            role=item.role,
            type=record.name if record else "",
            title=item.title,
            lines=item.lines,
            x=spot.x,
            y=spot.y,
            width=spot.width,
            height=spot.height,
            state=item.state,
            mark=Mark.NONE,
            focus=item.offset == self.focus,
            deleted=any(edge.marks and not edge.back for edge in item.edges),
            links=tuple(link_of(edge) for edge in item.edges if edge.value),
        )


def link_of(edge: Edge) -> Link:
    """A link as a frame has it."""
    target = edge.target if edge.kind is LinkKind.OK else None
    return Link(edge.slot, edge.name, edge.kind, edge.value, target, edge.marks, edge.counted, edge.tag, edge.back)


def gap_text(count: int | None) -> str:
    """How much is left out, in words."""
    return f"… {count:,} more …" if count is not None else "… more …"
