# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where the memory is and what just moved: a map of all pages in cells of one page or many, and fragmentation.

The map is kept in C between refreshes. Columns of a map are bytes, one a cell, so that a drawer can find runs of
equal cells without an object for each.
"""

from __future__ import annotations

import struct
import weakref
from enum import IntEnum
from typing import Any

import msgspec

from workbench.arena.view import ArenaView
from workbench.errors import EngineError
from workbench.native import Library


class PageKind(IntEnum):
    """enum view_kind: APART is left to a program's own globals, and not looked at."""

    UNPOPULATED = 0
    FREE = 1
    SMALL = 2
    RUN = 3
    RUN_TAIL = 4
    META = 5
    APART = 6


class Refresh(msgspec.Struct, frozen=True):
    """What a refresh found. `due` pages have slots that are still to be counted, for its time was up."""

    pages: int
    pages_first: int
    limit: int
    frontier: int
    tick: int
    changed: int
    counted: int
    due: int


class CellCounts(msgspec.Struct, frozen=True):
    """One cell in numbers. `kinds` by PageKind; slots: `live` and `retired` of `carved` once used of `capacity`."""

    first_page: int
    pages: int
    kind: PageKind
    fill: float
    size_class: int
    kernel: bool
    age: int | None
    lane: int
    kinds: tuple[int, ...]
    live: int
    retired: int
    carved: int
    capacity: int
    live_bytes: int
    room_bytes: int
    exact: bool


_CELL = struct.Struct("=BBBBBBH7IIIIII QQ".replace(" ", ""))


class Cells(msgspec.Struct, frozen=True):
    """`count` cells of `per_cell` pages each, from page `first` on; each column has a byte a cell.

    kind: PageKind. fill: 0 no object live .. 255 all that fit. size_class: 0 runs or none. kernel: 1 if a kernel lane
    was the first to change it in its last tick. age: ticks (100 ms) since then, 255 long ago or never. lane: its low
    byte; `at` has it whole.
    """

    first: int
    per_cell: int
    count: int
    pages: int
    kind: bytes
    fill: bytes
    size_class: bytes
    kernel: bytes
    age: bytes
    lane: bytes
    raw: bytes

    def at(self, index: int) -> CellCounts:
        """A cell in numbers."""
        fields = _CELL.unpack_from(self.raw, index * _CELL.size)
        kind, fill, size_class, kernel, age, flags, lane, *rest = fields
        first = self.first + index * self.per_cell
        return CellCounts(
            first_page=first,
            pages=min(self.per_cell, self.pages - first),
            kind=PageKind(kind),
            fill=fill / 255,
            size_class=size_class,
            kernel=bool(kernel),
            age=None if age == 255 else age,
            lane=lane,
            kinds=tuple(rest[:7]),
            live=rest[7],
            retired=rest[8],
            carved=rest[9],
            capacity=rest[10],
            live_bytes=rest[12],
            room_bytes=rest[13],
            exact=not flags & 1,
        )

    def index_of(self, page: int) -> int | None:
        """The cell that a page is in."""
        index = (page - self.first) // self.per_cell
        return index if 0 <= index < self.count else None


class ClassTotals(msgspec.Struct, frozen=True):
    """All pages of one size class; class 0: runs, counted as objects, `pages` with their tails."""

    size_class: int
    slot_size: int
    pages: int
    empty_pages: int
    capacity: int
    carved: int
    live: int
    retired: int


class Totals(msgspec.Struct, frozen=True):
    """Fragmentation. Bytes: in live and retired objects, in freed slots, in slots never used, lost to headers and ends.

    `free_runs` stretches of free pages, the longest `longest_free` pages; `due` pages are not counted yet.
    """

    kinds: dict[PageKind, int]
    free_runs: int
    longest_free: int
    due: int
    live_bytes: int
    retired_bytes: int
    idle_bytes: int
    fresh_bytes: int
    lost_bytes: int
    classes: tuple[ClassTotals, ...]

    @property
    def populated(self) -> int:
        """Pages that hold or held objects, and free ones."""
        return sum(self.kinds[kind] for kind in (PageKind.FREE, PageKind.SMALL, PageKind.RUN, PageKind.RUN_TAIL))

    @property
    def external_fragmentation(self) -> float:
        """Share of the free pages that the longest free run leaves out, 0..1."""
        free = self.kinds[PageKind.FREE]
        return 1 - self.longest_free / free if free else 0.0

    @property
    def internal_fragmentation(self) -> float:
        """Share of the pages in use that no live object has, 0..1."""
        used = sum(self.kinds[kind] for kind in (PageKind.SMALL, PageKind.RUN, PageKind.RUN_TAIL)) * 4096
        return 1 - self.live_bytes / used if used else 0.0


class PageMap:
    """The map of one arena. `refresh` brings it up to date; `cells` and `totals` sum up what it knows."""

    def __init__(self, view: ArenaView) -> None:
        self._view = view
        self._native = view.native
        map_ = self._native.call.page_map_new()
        if map_ == self._native.ffi.NULL:
            raise MemoryError
        self._map = map_
        weakref.finalize(self, _close, self._native, map_)
        self._pages = 0

    def refresh(self, count_s: float = 0.008) -> Refresh | None:
        """Read all descriptors, and count slots where something changed, for at most about `count_s` seconds.

        None while there is no arena to read: not formatted yet, or its header is damaged.
        """
        out = self._native.ffi.new("struct page_refresh *")
        with self._view.lock:
            self._native.call.page_map_refresh(self._map, self._view.base, self._view.size, int(count_s * 1e9), out)
        if out.status == -2:
            raise EngineError("no memory for a map of the arena's pages")
        if out.status:
            return None
        self._pages = int(out.pages)
        return Refresh(**{name: int(getattr(out, name)) for name in Refresh.__struct_fields__})

    def cells(self, first: int, per_cell: int, count: int) -> Cells:
        """Sum up pages [first, first + per_cell * count), as far as the arena goes."""
        buffer = self._native.ffi.new("struct page_cell[]", max(count, 1))
        with self._view.lock:
            done = self._native.call.page_map_cells(self._map, first, per_cell, count, buffer)
        raw = bytes(self._native.ffi.buffer(buffer, done * _CELL.size))
        columns = [raw[at :: _CELL.size] for at in range(7)]
        kind, fill, size_class, kernel, age, _, lane = columns
        return Cells(first, per_cell, int(done), self._pages, kind, fill, size_class, kernel, age, lane, raw)

    def totals(self) -> Totals:
        """Fragmentation of the whole arena."""
        out = self._native.ffi.new("struct page_totals *")
        with self._view.lock:
            self._native.call.page_map_totals(self._map, out)
        numbers = self._native.plain(out[0])
        kinds, classes = numbers.pop("kinds"), numbers.pop("classes")
        names = [name for name in ClassTotals.__struct_fields__ if name != "size_class"]
        return Totals(
            kinds={kind: kinds[kind] for kind in PageKind},
            classes=tuple(
                ClassTotals(size_class=at, **{name: one[name] for name in names})
                for at, one in enumerate(classes)
                if one["pages"]
            ),
            **numbers,
        )


def _close(native: Library, map_: Any) -> None:
    """Free the C side's map. Not by cffi's own collector, which may come after the library is closed."""
    native.call.page_map_close(map_)
