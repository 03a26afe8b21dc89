# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One page in detail: its slots, each with its state and, as far as it can be told, its object decoded by type."""

from __future__ import annotations

import msgspec

from workbench.arena.links import Walker
from workbench.arena.pages import PageKind
from workbench.arena.types import Value, values
from workbench.arena.view import PAGE, ArenaView, ObjectState
from workbench.errors import EngineError

_FIRST_OBJECT = 16  # ARENA_FIRST_OBJECT
_HEADER = 8  # sizeof(struct arena_slot)
_STATE_BITS = 7


class Slot(msgspec.Struct, frozen=True):
    """An object's place. `lane` allocated it, if it is live. `type` is "" where it is not known.

    `guessed`: by its size only; otherwise the structure's own links lead to it as that type.
    """

    index: int
    offset: int
    state: ObjectState
    lane: int | None
    type: str
    guessed: bool
    values: tuple[Value, ...]
    content: bytes


class PageDetail(msgspec.Struct, frozen=True):
    """A page. `slots` of a SMALL page are those used at least once, of `capacity`; of a run, one for the whole.

    `readable` is false for what is not populated or not the allocator's: it has no content then. `age` in ticks.
    """

    page: int
    kind: PageKind
    readable: bool
    size_class: int
    slot_size: int
    capacity: int
    lane: int
    kernel: bool
    age: int | None
    run_first: int
    run_pages: int
    slots: tuple[Slot, ...]
    content: bytes

    def count(self, state: ObjectState) -> int:
        """Slots in a state."""
        return sum(slot.state is state for slot in self.slots)


def page(view: ArenaView, number: int, walker: Walker | None = None) -> PageDetail:
    """Look at a page; with a walker, by the types and nodes that its last census knows.

    Raises EngineError for a page that the arena does not have.
    """
    out = view.native.ffi.new("struct page_detail *")
    with view.lock:
        view.native.call.arena_view_page(view.base, view.size, number, out)
    if out.status in (-1, -2):
        raise EngineError(f"the arena has no page {number}" if out.status == -2 else "there is no arena to look at")
    content = bytes(view.native.ffi.buffer(out.content)) if not out.status else b""
    kind = PageKind(out.kind)
    slots: tuple[Slot, ...] = ()
    if kind is PageKind.SMALL and content:
        slots = _small(content, number, int(out.slot_size), int(out.carved), walker)
    elif kind in (PageKind.RUN, PageKind.RUN_TAIL) and content and out.run_pages:
        slots = (_run(view, int(out.run_first), int(out.run_pages), int(out.state), walker),)
    return PageDetail(
        page=number,
        kind=kind,
        readable=not out.status,
        size_class=int(out.size_class),
        slot_size=int(out.slot_size),
        capacity=int(out.slots),
        lane=int(out.lane),
        kernel=bool(out.stamp & 1),
        age=max(0, int(out.tick) - (int(out.stamp) >> 1)) if out.stamp else None,
        run_first=int(out.run_first),
        run_pages=int(out.run_pages),
        slots=slots,
        content=content,
    )


def _small(content: bytes, number: int, size: int, carved: int, walker: Walker | None) -> tuple[Slot, ...]:
    slots = []
    guess = _type_of_size(walker, size)
    for index in range(carved):
        at = _FIRST_OBJECT + index * size
        link = int.from_bytes(content[at - _HEADER : at - 4], "little")
        word = int.from_bytes(content[at - 4 : at], "little")
        state = ObjectState(word & _STATE_BITS) if word & _STATE_BITS <= ObjectState.RETIRED else ObjectState.NEVER
        lane = link if state is ObjectState.LIVE else None
        data = content[at : at + size - _HEADER]
        slots.append(_slot(index, number * PAGE + at, state, lane, data, walker, guess))
    return tuple(slots)


def _run(view: ArenaView, first: int, pages: int, state: int, walker: Walker | None) -> Slot:
    known = ObjectState(state) if state <= ObjectState.RETIRED else ObjectState.NEVER
    found = view.object_at(first * PAGE)
    data = view.read(first * PAGE, min(pages, 1) * PAGE)
    return _slot(0, first * PAGE, known, found.lane if found else None, data, walker, None)


def _slot(
    index: int,
    offset: int,
    state: ObjectState,
    lane: int | None,
    data: bytes,
    walker: Walker | None,
    guess: int | None,
) -> Slot:
    node = walker.node_at(offset) if walker else None
    type_ = node.type if node and state is ObjectState.LIVE else guess
    record = walker.schema.record(type_) if walker and type_ is not None else None
    if record is None or walker is None:
        return Slot(index, offset, state, lane, "", False, (), data)
    decoded = values(walker.schema.types, record, data)
    return Slot(index, offset, state, lane, record.name, type_ is guess and node is None, decoded, data)


def _type_of_size(walker: Walker | None, slot_size: int) -> int | None:
    """The one type whose objects are of this size class: the elements' if it is; None if there are several, or none."""
    if walker is None:
        return None
    schema, view = walker.schema, walker.view
    fitting = [
        number
        for number, shape in enumerate(schema.shapes)
        if shape.record.size and view.slot_size(view.class_of(shape.record.size)) == slot_size
    ]
    if schema.node in fitting:
        return schema.node
    return fitting[0] if len(fitting) == 1 else None
