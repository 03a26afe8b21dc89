# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Performs operations on a structure from both sides, in a process of its own: the arena's address is fixed.

Usage: perform.py ROOM X.so RUNTIME.so [X.bpf.o LOADER.so LOG]. ROOM is how many pages there are beside the
allocator's own. Requests on stdin and answers on stdout, JSON, one a line; see `Performer` below.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from workbench import telemetry
from workbench.native import Library

LANES, USER, KERNEL = 4, 0, 1
PAGE = 4096
ENTRIES = 8
INIT, INSERT, DELETE, POP, _, VERIFY = range(6)
CORRUPT = -5
HASH = 0x9E3779B1


class Performer:
    """An arena with at most one structure in it."""

    def __init__(self, room: int, native: str, runtime: str, kernel: list[str]) -> None:
        self._driver, self._runtime = Library("driver.h", native), Library("runtime.h", runtime)
        self._manual = -1
        pages = room + self._runtime.call.runtime_overhead_pages(room + 1024)
        if kernel:
            self._load(pages, *kernel)
        else:
            from workbench.engine.sides import NativeSide

            self._native = NativeSide(self._runtime, pages, ENTRIES, 1)
        if self._driver.call.driver_format(pages, pages, LANES, LANES - 1):
            sys.exit("the arena is too small")
        self._base = int(self._runtime.call.runtime_base())
        self._size = pages * PAGE
        self._begin()
        if kernel:
            done = self._loader.ffi.new("__u64 *")
            fd = self._loader.call.bpf_loader_program(self._handle, b"populate")
            while self._loader.call.bpf_loader_call(fd, KERNEL, 256, done) == 0 and done[0]:
                pass

    def _load(self, pages: int, obj: str, loader: str, log: str) -> None:
        self._loader = Library("bpf_loader.h", loader)
        call = self._loader.call
        self._handle = call.bpf_loader_open(obj.encode(), log.encode())
        if call.bpf_loader_resize(self._handle, b"arena", pages) or call.bpf_loader_load(self._handle):
            sys.exit(f"cannot be loaded; see {log}")
        self._manual = call.bpf_loader_program(self._handle, b"manual_operation")

    def _begin(self) -> None:
        ffi = self._driver.ffi
        self._telemetry = ffi.new("char[]", (ENTRIES + 1) * telemetry.ENTRY_SIZE + 64)
        setup = self._setup = ffi.new("struct driver_setup *")
        aligned = (int(ffi.cast("uintptr_t", self._telemetry)) + 63) & ~63
        setup.telemetry = ffi.cast("void *", aligned)
        setup.batch_fd = setup.populate_fd = -1
        self._driver.call.driver_begin(setup)

    def one(self, side: str, kind: int, key: int, value: int) -> list[int]:
        """One operation: its code, key and value."""
        if side == "user":
            out = self._driver.ffi.new("__u64[2]")
            return [int(self._driver.call.driver_operation(USER, 0, kind, key, value, out)), *map(int, out)]
        ffi = self._loader.ffi
        result, out = ffi.new("__s32 *"), ffi.new("__u64[2]")
        if self._loader.call.bpf_loader_operation(self._manual, KERNEL, kind, key, value, result, out):
            sys.exit("the kernel side does not run")
        return [int(result[0]), *map(int, out)]

    def operations(self, wanted: list[tuple[str, int, int, int]]) -> list[list[int]]:
        """Operations, one after the other."""
        return [self.one(*each) for each in wanted]

    def walk(self) -> list[int]:
        """What the structure's own iterate finds: its code, elements, sum of keys."""
        found = self._driver.ffi.new("struct driver_walk *")
        self._driver.call.driver_walk_all(USER, found)
        return [int(found.result), int(found.elements), int(found.key_sum)]

    def fill(self, side: str, first: int) -> list[int]:
        """Insert `first`, `first` - 1 and so on until that fails: the code then, and how many there are."""
        for count in range(first):
            code = self.one(side, INSERT, first - count, count)[0]
            if code:
                return [code, count]
        return [0, first]

    def empty(self, side: str, first: int, count: int, kind: int) -> list[int]:
        """Delete, or pop, what `fill` put in: the first code that is no success, and how many came out."""
        for done in range(count):
            code = self.one(side, kind, first - done, 0)[0]
            if code:
                return [code, done]
        return [0, count]

    def drain(self) -> int:
        """Reclaim what is retired; how many objects could not be."""
        return int(self._driver.call.driver_drain(USER))

    def faults(self) -> int:
        """Misuses of the allocator so far."""
        found = self._runtime.ffi.new("struct runtime_summary *")
        self._runtime.call.runtime_summarise(self._memory(0), self._size, found)
        return int(found.fault_count)

    def damage(self, sides: list[str]) -> dict[str, Any]:
        """Damage every link that can be reached, in every way, and mend it: how many there were, and which damage
        was not told by verify on which side."""
        links, missed = 0, []
        for at, good in self._links():
            links += 1
            for name, bad in self._wrong(at, good):
                self.poke(at, bad)
                codes = {side: self.one(side, VERIFY, 0, 0)[0] for side in sides}
                self.poke(at, good)
                missed += [f"{name} at {at:#x}: {side} {code}" for side, code in codes.items() if code != CORRUPT]
        return {"links": links, "missed": missed}

    def _wrong(self, at: int, good: int) -> Iterator[tuple[str, int]]:
        """Values that a link must not have."""
        high = good >> 32 << 32
        yield "nothing", 0
        yield "the object's middle", good + 16
        yield "an odd address", good + 8
        yield "memory never used", high | (self._size - PAGE + 16)
        yield "the allocator's own", high | 16 * PAGE
        yield "beyond the arena", high | 0xFFFFFFF0
        yield "the structure's head", high | self.root()[0]

    def _links(self) -> Iterator[tuple[int, int]]:
        """Offset and content of each word that leads from the head, or an object that it leads to, to an object; those
        that lead to the statistics, or to arrays' elements, aside."""
        root, size = self.root()
        waiting, seen = [(root, size)], {root}
        while waiting:
            offset, size = waiting.pop()
            for at in range(offset, offset + size, 8):
                word = self.word(at)
                to = word & 0xFFFFFFFF
                if not self._is_link(word, to):
                    continue
                yield at, word
                if to not in seen and len(seen) < 40 and to % PAGE:
                    seen.add(to)
                    waiting.append((to, self._object_size(to)))

    def _is_link(self, word: int, to: int) -> bool:
        if to % PAGE == 0:  # whole pages: by full address only
            return word >> 32 == self._base >> 32 and not self._are_statistics(to)
        return to % 16 == 0 and PAGE * 16 < to < self._size and self._is_object(to)

    def _is_object(self, offset: int) -> bool:
        state = self.word(offset - 8) >> 32
        return state & 7 == 1 and state >> 8 == (offset * HASH & 0xFFFFFF00) >> 8

    def _object_size(self, offset: int) -> int:
        size_class = self.word(offset - 8) >> 35 & 31
        return size_class * 16 - 8 & ~7

    def _are_statistics(self, offset: int) -> bool:
        return self.word(offset) == LANES and not any(self.word(offset + 8 * i) for i in range(2, 16))

    def root(self) -> tuple[int, int]:
        """Offset and size of the structure's head."""
        found = self._runtime.ffi.new("struct runtime_summary *")
        self._runtime.call.runtime_summarise(self._memory(0), self._size, found)
        return int(found.root) & 0xFFFFFFFF, int(found.root_size)

    def _memory(self, offset: int) -> Any:
        return self._runtime.ffi.cast("void *", self._base + offset)

    def word(self, offset: int) -> int:
        """The 8 bytes at an offset in the arena."""
        return int(self._runtime.ffi.cast("__u64 *", self._memory(offset))[0])

    def poke(self, offset: int, value: int) -> None:
        """Write them."""
        self._runtime.ffi.cast("__u64 *", self._memory(offset))[0] = value


def main() -> None:
    """Answer requests, [method, arguments...] each, until there are no more."""
    room, native, runtime, *kernel = sys.argv[1:]
    performer = Performer(int(room), native, runtime, kernel)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        perform: Callable[..., Any] = getattr(performer, method)
        sys.stdout.write(json.dumps(perform(*arguments)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
