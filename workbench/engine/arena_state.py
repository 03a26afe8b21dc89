# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The allocator's counters and faults, read from the arena's memory: by the engine, or by the front after its death."""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import Any

import msgspec

from workbench.engine.native import Library

_FIXED_NOREPLACE = 0x100000
_FAILED = ctypes.c_void_p(-1).value
_LANES_MAX = 512  # ARENA_LANES_MAX


class ArenaState(msgspec.Struct, frozen=True):
    """`arena` as in struct runtime_summary, `arena_lanes` as in struct runtime_lane, `faults` the first few."""

    arena: dict[str, Any]
    arena_lanes: list[dict[str, int]]
    faults: list[dict[str, int]]


def read(runtime: Library, address: int, size: int) -> ArenaState:
    """What is in the arena mapped at `address`. Survives any damage to it: `arena["status"]` is then not 0."""
    base = runtime.ffi.cast("void *", address)
    summary = runtime.ffi.new("struct runtime_summary *")
    runtime.call.runtime_summarise(base, size, summary)
    lanes = runtime.ffi.new("struct runtime_lane[]", _LANES_MAX)
    count = runtime.call.runtime_lanes(base, size, lanes, _LANES_MAX)
    arena = runtime.plain(summary[0])
    faults = arena.pop("faults")[: arena["faults_kept"]]
    return ArenaState(arena, [runtime.plain(lanes[i]) for i in range(count)], faults)


def read_descriptor(runtime_path: str, descriptor: int, size: int) -> ArenaState | None:
    """What is in the arena of a file descriptor, from a mapping of its own that is gone afterwards; None without one.

    Looks at pages of the layout only, which are populated: nothing is changed.
    """
    runtime = Library("runtime.h", runtime_path)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    base = int(runtime.call.runtime_base())
    got = libc.mmap(base, size, mmap.PROT_READ, mmap.MAP_SHARED | _FIXED_NOREPLACE, descriptor, 0)
    if got in (None, _FAILED):
        return None
    try:
        # A memfd is as long as it was made: shorter now, and reading it would kill the front.
        if got != base or 0 < os.fstat(descriptor).st_size < size:
            return None
        return read(runtime, base, size)
    finally:
        libc.munmap(got, size)
