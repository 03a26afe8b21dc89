# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Types as the native walker wants them: where in each record words lie that lead on, in the order to be followed.

What is a pointer, the types say. What else may lead on, is guessed from names and checked against the allocator by the
walker: a number of 64 bits with a link's name may be an offset with a tag (a counted pointer), one of 32 bits an
offset, and any 64 bits may hold an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from workbench.arena.types import Field, Kind, Record, Types

POINTER, COUNTED, OFFSET, ADDRESS, LENGTH4, LENGTH8 = range(6)
UNTYPED = 0xFFFF

_EXPAND_MOST = 64
_GUESSED_MOST = 8
_LINK_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        next first head root top bottom left right child children down below above up parent link links sibling
        ptr pointer pointers node nodes ref reference anchor begin end front rear back tail last stub
        free freelist succ pred prev previous pprev forward backward
        """,
    )
)
_BACK_WORDS = frozenset(("prev", "previous", "pprev", "parent", "up", "pred", "backward", "owner"))
_LATE_WORDS = frozenset(("tail", "last", "rear", "end", "newest", "bottom"))


class Link(msgspec.Struct, frozen=True):
    """A field that may lead on: `count` of them, `stride` bytes apart, the first at `offset`. `name` is dotted."""

    name: str
    offset: int
    count: int
    stride: int
    target: int
    kind: int
    back: bool


class Shape(msgspec.Struct, frozen=True):
    """A record as the walker sees it: `embeds` are (type, offset) of records that lie inside."""

    record: Record
    links: tuple[Link, ...]
    lengths: tuple[Link, ...]
    embeds: tuple[tuple[int, int], ...]
    single: bool


class Schema:
    """The records that can be reached from `head` and `node`, numbered; and their C tables."""

    def __init__(self, types: Types, head: str, node: str | None) -> None:
        self.types = types
        self._numbers: dict[str, int] = {}
        found = types.find(head)
        if found is None:
            raise KeyError(head)
        self.head = self._number(found)
        element = types.find(node) if node else None
        self.node = self._number(element) if element else UNTYPED
        shapes: list[Shape] = []
        while len(shapes) < len(self._numbers):  # grows meanwhile
            shapes.append(self._shape(types.records[list(self._numbers)[len(shapes)]]))
        self.shapes = tuple(shapes)
        self.fields = tuple(
            (number, link) for number, shape in enumerate(shapes) for link in (*shape.links, *shape.lengths)
        )

    def number(self, name: str) -> int | None:
        """A record's number."""
        found = self.types.find(name)
        return self._numbers.get(found.name) if found else None

    def record(self, number: int) -> Record | None:
        """The record with a number; None for UNTYPED."""
        return self.shapes[number].record if number < len(self.shapes) else None

    def slots(self, number: int) -> int:
        """Links of one element of a record, without those of a flexible array."""
        return sum(link.count for link in self.shapes[number].links) if number < len(self.shapes) else 0

    def slot_name(self, number: int, slot: int, elements: int = 1) -> str:
        """A link as C would name it: `next`, `tower[2]`, `[17].first`."""
        if number >= len(self.shapes):
            return f"[{slot}]"
        each, prefix, links = self.slots(number), "", self.shapes[number].links
        if each and elements > 1:
            prefix, slot = f"[{slot // each}].", slot % each
        for link in links:
            if not link.count or slot < link.count:
                name = link.name if link.count == 1 else f"{link.name}[{slot}]"
                return prefix + name
            slot -= link.count
        return f"{prefix}[{slot}]"

    def tables(self, ffi: Any) -> tuple[Any, Any, Any]:
        """struct walk_type[], walk_field[], walk_embed[]"""
        types = ffi.new("struct walk_type[]", len(self.shapes))
        fields = ffi.new("struct walk_field[]", max(1, len(self.fields)))
        embeds = ffi.new("struct walk_embed[]", max(1, sum(len(shape.embeds) for shape in self.shapes)))
        at = inside = 0
        for number, shape in enumerate(self.shapes):
            one = types[number]
            one.size, one.single = max(1, shape.record.size), shape.single
            one.first_field, one.links = at, len(shape.links)
            one.fields = len(shape.links) + len(shape.lengths)
            one.first_embed, one.embeds = inside, len(shape.embeds)
            for link in (*shape.links, *shape.lengths):
                row = fields[at]
                row.offset, row.count, row.stride = link.offset, link.count, link.stride
                row.target, row.kind, row.back = link.target, link.kind, link.back
                at += 1
            for type_, offset in shape.embeds:
                embeds[inside].type, embeds[inside].offset = type_, offset
                inside += 1
        return types, fields, embeds

    def _number(self, record: Record) -> int:
        return self._numbers.setdefault(record.name, len(self._numbers))

    def _shape(self, record: Record) -> Shape:
        links: list[Link] = []
        lengths: list[Link] = []
        embeds: list[tuple[int, int]] = []
        guessed = 0
        for link in self._words(record, 0, "", record.union, embeds):
            if link.kind in (LENGTH4, LENGTH8):
                lengths.append(link)
                continue
            if link.kind == ADDRESS:
                guessed += 1
                if guessed > _GUESSED_MOST:
                    continue
            links.append(link)
        links.sort(key=_order)
        flexible = any(field.array and field.count == 0 for field in record.fields)
        while len([link for link in links if not link.count]) > 1:
            links.remove(next(link for link in links if not link.count))
        return Shape(record, tuple(links), tuple(lengths), tuple(embeds), flexible)

    def _words(
        self, record: Record, at: int, path: str, doubtful: bool, embeds: list[tuple[int, int]]
    ) -> Iterator[Link]:
        """Links and lengths of a record; `doubtful` inside a union, where a word may be something else."""
        for field in record.fields:
            name, offset = f"{path}.{field.name}".strip("."), at + field.offset
            if field.bits:
                continue
            if field.kind is Kind.POINTER:
                yield self._pointer(field, name, offset, doubtful)
            elif field.kind is Kind.RECORD:
                inner = self.types.find(field.target) if field.target else None
                if inner and inner.size:
                    yield from self._inner(field, inner, name, offset, doubtful, embeds)
            elif field.kind in (Kind.UNSIGNED, Kind.SIGNED):
                yield from self._number_words(field, name, offset, doubtful)

    def _inner(
        self, field: Field, inner: Record, name: str, offset: int, doubtful: bool, embeds: list[tuple[int, int]]
    ) -> Iterator[Link]:
        """The words of a record inside a record, or of an array of them."""
        if not field.array:
            if field.name:
                embeds.append((self._number(inner), offset))
            yield from self._words(inner, offset, name, doubtful or inner.union, embeds)
            return
        if not field.count:  # what is counted at run time only: pointers in it are rows of one flexible array
            words = [word for word in self._words(inner, offset, name, doubtful, []) if word.kind <= ADDRESS]
            pointers = [word for word in words if word.kind == POINTER and word.count == 1]
            if len(pointers) == 1:
                yield msgspec.structs.replace(pointers[0], count=0, stride=inner.size)
            return
        if field.count <= _EXPAND_MOST:
            embeds.extend((self._number(inner), offset + each * inner.size) for each in range(field.count))
        inside: list[tuple[int, int]] = []
        for word in self._words(inner, offset, name, doubtful or inner.union, inside):
            if word.kind in (LENGTH4, LENGTH8, ADDRESS):
                continue
            if word.count == 1:
                yield msgspec.structs.replace(word, count=field.count, stride=inner.size)
            elif word.count and field.count <= _EXPAND_MOST:
                for each in range(field.count):
                    yield msgspec.structs.replace(word, offset=word.offset + each * inner.size)

    def _pointer(self, field: Field, name: str, offset: int, doubtful: bool) -> Link:
        target = self.types.find(field.target) if field.target else None
        number = self._number(target) if target else UNTYPED
        # A pointer to no record may lead into the middle of anything, or out of the arena.
        kind = POINTER if not doubtful and (target or _named_link(name)) else ADDRESS
        return Link(name, offset, field.count, 8, number, kind, _is_back(name))

    def _number_words(self, field: Field, name: str, offset: int, doubtful: bool) -> Iterator[Link]:
        wide = field.size == 8
        if field.size not in (4, 8):
            return
        if field.kind is Kind.UNSIGNED and _named_link(name):
            kind = (ADDRESS if doubtful else COUNTED) if wide else OFFSET
            yield Link(name, offset, field.count, field.size, UNTYPED, kind, _is_back(name))
            return
        if field.array:
            return
        if wide and field.kind is Kind.UNSIGNED:
            yield Link(name, offset, 1, 8, UNTYPED, ADDRESS, False)
        yield Link(name, offset, 1, field.size, UNTYPED, LENGTH8 if wide else LENGTH4, False)


def _order(link: Link) -> tuple[bool, int]:
    """Guessed ones first, for they seldom lead on; back ones last, so that a walk goes forward."""
    rank = 0 if link.kind == ADDRESS else 3 if link.back else 2 if is_late(link.name) else 1
    return link.count == 0, rank


def is_late(name: str) -> bool:
    """Whether a link leads to the end of something, by its name."""
    return bool(_tokens(name) & _LATE_WORDS)


def _tokens(name: str) -> frozenset[str]:
    last = name.rsplit(".", 1)[-1]
    return frozenset(re.findall(r"[a-z]+", re.sub(r"([A-Z])", r"_\1", last).lower()))


def _named_link(name: str) -> bool:
    return bool(_tokens(name) & _LINK_WORDS)


def _is_back(name: str) -> bool:
    return bool(_tokens(name) & _BACK_WORDS)
