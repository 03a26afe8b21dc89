# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A read-only mapping of an engine's arena, which outlives the engine. Never touches a page that is not populated.

Calls into C release the interpreter lock and may take milliseconds, so they are made for a worker thread as well as
for any other; one view's calls take turns.
"""

from __future__ import annotations

import os
import threading
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec

from workbench.arena import state
from workbench.arena.state import ArenaState
from workbench.errors import EngineError, MachineError
from workbench.native import Library

PAGE = 4096


class ObjectState(IntEnum):
    """enum arena_state"""

    NEVER = 0
    LIVE = 1
    FREED = 2
    RETIRED = 3


class ArenaObject(msgspec.Struct, frozen=True):
    """An object of the allocator: `size` usable bytes at `offset`; `lane` allocated it, where that is known."""

    offset: int
    size: int
    size_class: int
    state: ObjectState
    lane: int | None

    @property
    def page(self) -> int:
        """The page that it begins on."""
        return self.offset // PAGE


class ArenaSummary(msgspec.Struct, frozen=True):
    """The arena's header: page numbers, and the structure's head as an address and a size (0 before init)."""

    pages: int
    pages_first: int
    limit: int
    frontier: int
    free_pages: int
    lanes: int
    epoch: int
    root: int
    root_size: int


class ArenaView:
    """The arena behind a file descriptor, mapped where there is room (a BPF arena: at its own address, so once only).

    Raises MachineError when it cannot be mapped. The descriptor may be closed afterwards.
    """

    def __init__(self, fd: int, size: int, runtime: Path) -> None:
        self.native = Library("arena_view.h", runtime)
        self._runtime = Library("runtime.h", runtime)
        self.size = size
        self.lock = threading.RLock()
        base = self.native.ffi.new("void **")
        error = self.native.call.arena_view_map(fd, size, base)
        if error:
            busy = "; another BPF arena is mapped here, close its view first" if error == 17 else ""
            raise MachineError(f"cannot look into the arena: mapping {size} bytes failed ({os.strerror(error)}){busy}")
        self._base = base[0]
        self._arena_base = int(self._runtime.call.runtime_base())

    def __enter__(self) -> ArenaView:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def base(self) -> Any:
        """Where it is mapped in this process, for C. Raises EngineError once the view is closed."""
        if self._base is None:
            raise EngineError("this view of the arena is closed")
        return self._base

    def close(self) -> None:
        """Unmap. Waits for a call that is under way."""
        with self.lock:
            if self._base is not None:
                self.native.call.arena_view_unmap(self._base, self.size)
                self._base = None

    def address(self, offset: int) -> int:
        """The pointer that structures hold to an offset."""
        return self._arena_base | offset

    def offset(self, address: int) -> int | None:
        """The offset that an address is of; None outside the arena."""
        offset = address - self._arena_base
        return offset if 0 <= offset < self.size else None

    def summary(self) -> ArenaSummary | None:
        """What the header says; None while there is none, or a damaged one."""
        ffi = self._runtime.ffi
        out = ffi.new("struct runtime_summary *")
        with self.lock:
            self._runtime.call.runtime_summarise(ffi.cast("void *", self.base), self.size, out)
        if out.status:
            return None
        return ArenaSummary(**{name: int(getattr(out, name)) for name in ArenaSummary.__struct_fields__})

    def state(self) -> ArenaState:
        """Counters of the allocator and its lanes, and faults. Survives any damage: `arena["status"]` is not 0 then."""
        with self.lock:
            return state.read(self._runtime, self.base, self.size)

    def object_at(self, offset: int) -> ArenaObject | None:
        """The object that contains an offset, live or not; None where none ever was."""
        out = self.native.ffi.new("struct view_object *")
        with self.lock:
            if not 0 <= offset < self.size or self.native.call.arena_view_object(self.base, self.size, offset, out):
                return None
        state = ObjectState(out.state) if out.state <= ObjectState.RETIRED else ObjectState.NEVER
        lane = int(out.lane) if state == ObjectState.LIVE or not out.size_class else None
        return ArenaObject(int(out.offset), int(out.size), int(out.size_class), state, lane)

    def read(self, offset: int, count: int) -> bytes:
        """Bytes from populated pages; shorter where they end."""
        buffer = self.native.ffi.new("unsigned char[]", max(count, 1))
        with self.lock:
            done = self.native.call.arena_view_read(self.base, self.size, offset, count, buffer)
        return bytes(self.native.ffi.buffer(buffer, done))

    def slot_size(self, size_class: int) -> int:
        """Bytes from one object of a size class to the next; 0 for runs of pages."""
        return int(self.native.call.arena_view_slot_size(size_class))

    def class_of(self, size: int) -> int:
        """The size class of an object of so many bytes; 0: a run of pages."""
        return int(self.native.call.arena_view_class(size))
