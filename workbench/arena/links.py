# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Walks along the structure's links, in C: a census of all that the head reaches, and looks at parts of it.

Lanes may be at work meanwhile. Everything found was so at some moment of the walk; `moved` counts what changed under
it, and a link is called bad only if it was so twice and the object that it is in was still there.
"""

from __future__ import annotations

import weakref
from enum import IntEnum
from typing import Any

import msgspec

from workbench.arena.schema import UNTYPED, Schema
from workbench.arena.types import Types
from workbench.arena.view import ArenaView
from workbench.errors import EngineError, UsageError
from workbench.native import Library

_NONE = 0xFFFFFFFF
BADS_MOST = 256
"""How many bad links a census keeps (WALK_BADS_MAX)."""


class LinkKind(IntEnum):
    """enum walk_link"""

    OK = 0
    NULL = 1
    FREED = 2
    RETIRED = 3
    OUTSIDE = 4
    UNPOPULATED = 5
    NO_OBJECT = 6
    CYCLE = 7
    APART = 8

    @property
    def bad(self) -> bool:
        """Whether it is red, and counted."""
        return LinkKind.FREED <= self <= LinkKind.CYCLE


WORDS: dict[LinkKind, str] = {
    LinkKind.FREED: "into freed memory",
    LinkKind.RETIRED: "into retired memory",
    LinkKind.OUTSIDE: "outside the arena",
    LinkKind.UNPOPULATED: "into memory never handed out",
    LinkKind.NO_OBJECT: "to where no object begins",
    LinkKind.CYCLE: "closes a cycle",
}
"""What is wrong with a bad link, for a person."""


class Node(msgspec.Struct, frozen=True):
    """An object that a walk reached: by link `via` of the node with index `parent`. `type` is its number in the schema.

    `subtree` nodes were reached through it, itself among them, and `children` directly.
    """

    index: int
    offset: int
    parent: int
    via: int
    depth: int
    subtree: int
    elements: int
    size: int
    type: int
    children: int


class Edge(msgspec.Struct, frozen=True):
    """A link: slot number `slot` of an object, with `value`, leads to the object at `target`, `inside` bytes into it.

    `marks` are low bits that were set (Harris); `counted`: an offset with a tag. For a target not seen before, `type`
    and `elements` are what the link says it is.
    """

    slot: int
    name: str
    kind: LinkKind
    value: int
    target: int
    inside: int
    size: int
    elements: int
    type: int
    marks: int
    counted: bool
    tag: int
    back: bool


class BadLink(msgspec.Struct, frozen=True):
    """A bad link and the object that it is in."""

    node: int
    offset: int
    edge: Edge


class FieldTally(msgspec.Struct, frozen=True):
    """Where the links of one field led: to new nodes, the parent, the entry, other ancestors, itself, elsewhere."""

    name: str
    type: int
    count: int
    back: bool
    null: int
    fresh: int
    parent: int
    entry: int
    ancestor: int
    self: int
    visited: int
    marked: int
    counted: int
    bad: int


class TypeTally(msgspec.Struct, frozen=True):
    """Nodes of one type; `children`: how many have 0, 1, 2, more."""

    nodes: int
    children: tuple[int, ...]
    elements: int


class Census(msgspec.Struct, frozen=True):
    """A walk over everything: `cut` says why it ended early ("", "nodes", "steps", "time")."""

    nodes: int
    max_depth: int
    deepest: int
    links: dict[LinkKind, int]
    bad: tuple[BadLink, ...]
    fields: tuple[FieldTally, ...]
    types: tuple[TypeTally, ...]
    moved: int
    cut: str
    seconds: float

    @property
    def bad_count(self) -> int:
        """How many links are bad; `bad` has the first of them."""
        return sum(count for kind, count in self.links.items() if kind.bad)


class Walker:
    """Walks one arena by one structure's types. Raises UsageError where the head's type is not among the types."""

    def __init__(self, view: ArenaView, types: Types, head: str, node: str | None = None) -> None:
        try:
            self.schema = Schema(types, head, node)
        except KeyError:
            raise UsageError(f"the build's debugging information has no type '{head}' to decode the head by") from None
        self.view = view
        self._native = view.native
        self._walk = self._new()
        self._tables = self.schema.tables(self._native.ffi)

    def _new(self) -> Any:
        walk = self._native.call.walk_new()
        if walk == self._native.ffi.NULL:
            raise MemoryError
        weakref.finalize(self, _close, self._native, walk)
        return walk

    def _request(self, max_nodes: int = 0, max_s: float = 0.0) -> Any:
        request = self._native.ffi.new("struct walk_request *")
        request.base, request.size = self.view.base, self.view.size
        request.types, request.fields, request.embeds = self._tables
        request.type_count, request.field_count = len(self.schema.shapes), len(self.schema.fields)
        request.embed_count = sum(len(shape.embeds) for shape in self.schema.shapes)
        request.root_type, request.default_type = self.schema.head, self.schema.node
        request.max_nodes, request.max_steps = max_nodes, max(64, max_nodes) * 64
        request.max_ns = int(max_s * 1e9)
        return request

    def _run(self, walk: Any, request: Any) -> Any:
        summary = self._native.ffi.new("struct walk_summary *")
        self._native.call.walk_run(walk, request, summary)
        if summary.status == -2:
            raise EngineError("no memory to walk the structure")
        return summary if not summary.status else None

    def census(self, max_nodes: int = 4_000_000, max_s: float = 0.5) -> Census | None:
        """Walk everything from the head, depth first; what is found is kept for `node`, `path` and `search`.

        None while there is no head, or the arena's header is damaged. About 50 ns a node, more where memory is slow.
        """
        ffi, call = self._native.ffi, self._native.call
        with self.view.lock:
            summary = self._run(self._walk, self._request(max_nodes, max_s))
            if summary is None:
                return None
            bads = ffi.new("struct walk_bad[]", BADS_MOST)
            bad_count = call.walk_bads(self._walk, bads, BADS_MOST)
            fields = ffi.new("struct walk_field_tally[]", max(1, len(self.schema.fields)))
            types = ffi.new("struct walk_type_tally[]", max(1, len(self.schema.shapes)))
            call.walk_tallies(self._walk, fields, types)
            deepest = int(call.walk_last(self._walk))
            bad = tuple(self._bad(bads[at]) for at in range(bad_count))
        return Census(
            nodes=int(summary.nodes),
            max_depth=int(summary.max_depth),
            deepest=deepest,
            links={kind: int(summary.links[kind]) for kind in LinkKind},
            bad=bad,
            fields=tuple(self._field_tally(at, fields[at]) for at in range(len(self.schema.fields))),
            types=tuple(
                TypeTally(int(one.nodes), tuple(one.children), int(one.elements))
                for one in (types[at] for at in range(len(self.schema.shapes)))
            ),
            moved=int(summary.moved),
            cut=("", "nodes", "steps", "time")[summary.cut],
            seconds=summary.ns / 1e9,
        )

    def nodes(self, first: int, count: int) -> tuple[Node, ...]:
        """Nodes of the census in the order in which they were reached."""
        with self.view.lock:
            return self._nodes(self._walk, first, count)

    def node(self, index: int) -> Node | None:
        """A node of the census."""
        found = self.nodes(index, 1)
        return found[0] if found else None

    def node_at(self, offset: int) -> Node | None:
        """The node of the census whose object begins at an offset."""
        with self.view.lock:
            index = int(self._native.call.walk_index(self._walk, offset))
            found = self._nodes(self._walk, index, 1) if index != _NONE else ()
        return found[0] if found else None

    def path(self, index: int, most: int = 4096) -> tuple[int, ...]:
        """Indices of the census's nodes from the head to a node; of a longer way, its last `most`."""
        buffer = self._native.ffi.new("__u32[]", most)
        with self.view.lock:
            done = self._native.call.walk_path(self._walk, index, buffer, most)
        return tuple(int(buffer[at]) for at in range(done - 1, -1, -1))

    def children(self, index: int, most: int = 65536) -> tuple[int, ...]:
        """Indices of the nodes first reached from a node, in the order of its links."""
        buffer = self._native.ffi.new("__u32[]", most)
        with self.view.lock:
            count = self._native.call.walk_children(self._walk, index, buffer, most)
            return tuple(self._native.ffi.unpack(buffer, min(count, most)))

    def search(self, field: str, number: int, after: int = -1, most: int = 64) -> tuple[int, tuple[int, ...]]:
        """Nodes of the census whose `field` (dotted, or its last part) has a value now: how many, and the first.

        Looks at every type that has such a field; begins behind node `after`.
        """
        from workbench.arena.types import leaves

        total, found = 0, list[int]()
        buffer = self._native.ffi.new("__u32[]", most)
        for at, shape in enumerate(self.schema.shapes):
            for name, offset, leaf in leaves(self.schema.types, shape.record):
                if leaf.array or leaf.bits or leaf.size > 8 or field not in (name, name.rsplit(".", 1)[-1]):
                    continue
                value = number & ((1 << (8 * leaf.size)) - 1)
                if value != number and value - (1 << (8 * leaf.size)) != number:
                    continue
                with self.view.lock:
                    count = self._native.call.walk_search(
                        self._walk, self._request(), at, offset, leaf.size, value, after + 1, buffer, most
                    )
                total += int(count)
                found += [int(buffer[each]) for each in range(min(count, most))]
        return total, tuple(sorted(set(found))[:most])

    def edges(self, offset: int, type_: int, elements: int = 1, first: int = 0, most: int = 64) -> tuple[Edge, ...]:
        """The links of an object as they are now, NULL ones too, from slot `first` on. None if it is gone."""
        buffer = self._native.ffi.new("struct walk_edge[]", most)
        with self.view.lock:
            slots = self._native.call.walk_edges(self._request(), offset, type_, elements, first, buffer, most)
        return tuple(self._edge(buffer[at], type_, elements) for at in range(max(0, min(most, slots - first))))

    def _nodes(self, walk: Any, first: int, count: int) -> tuple[Node, ...]:
        buffer = self._native.ffi.new("struct walk_node[]", max(1, count))
        done = self._native.call.walk_nodes(walk, first, count, buffer)
        return tuple(
            Node(
                first + at,
                one.offset,
                one.parent,
                one.via,
                one.depth,
                one.subtree,
                one.elements,
                one.size,
                one.type,
                one.children,
            )
            for at, one in enumerate(buffer[0:done])
        )

    def _edge(self, edge: Any, type_: int, elements: int) -> Edge:
        link = self.schema.fields[edge.field][1] if edge.field < len(self.schema.fields) else None
        return Edge(
            slot=edge.slot,
            name=self.schema.slot_name(type_, edge.slot, elements),
            kind=LinkKind(edge.link),
            value=edge.value,
            target=edge.target,
            inside=edge.inside,
            size=edge.size,
            elements=edge.elements or 1,
            type=edge.type,
            marks=edge.marks,
            counted=bool(edge.counted),
            tag=edge.tag,
            back=bool(link and link.back),
        )

    def _bad(self, bad: Any) -> BadLink:
        node = self._nodes(self._walk, int(bad.node), 1)
        type_, elements = (node[0].type, node[0].elements) if node else (UNTYPED, 1)
        return BadLink(int(bad.node), int(bad.offset), self._edge(bad.edge, type_, elements))

    def _field_tally(self, at: int, tally: Any) -> FieldTally:
        type_, link = self.schema.fields[at]
        return FieldTally(
            link.name,
            type_,
            link.count,
            link.back,
            **{name: int(getattr(tally, name)) for name in FieldTally.__struct_fields__[4:]},
        )


def _close(native: Library, walk: Any) -> None:
    """Free the C side's walk. Not by cffi's own collector, which may come after the library is closed."""
    native.call.walk_close(walk)
