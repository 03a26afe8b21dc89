# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The allocator's counters and faults, read from the arena's memory: by the engine, or by the front after its death."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.native import Library

_LANES_MAX = 512  # ARENA_LANES_MAX


class ArenaState(msgspec.Struct, frozen=True):
    """`arena` as in struct runtime_summary, `arena_lanes` as in struct runtime_lane, `faults` the first few."""

    arena: dict[str, Any]
    arena_lanes: list[dict[str, int]]
    faults: list[dict[str, int]]


def read(runtime: Library, address: Any, size: int) -> ArenaState:
    """What is in the arena mapped at `address`, a number or a C pointer.

    Survives any damage to it: `arena["status"]` is then not 0.
    """
    base = runtime.ffi.cast("void *", address)
    summary = runtime.ffi.new("struct runtime_summary *")
    runtime.call.runtime_summarise(base, size, summary)
    lanes = runtime.ffi.new("struct runtime_lane[]", _LANES_MAX)
    count = runtime.call.runtime_lanes(base, size, lanes, _LANES_MAX)
    arena = runtime.plain(summary[0])
    faults = arena.pop("faults")[: arena["faults_kept"]]
    return ArenaState(arena, [runtime.plain(lanes[i]) for i in range(count)], faults)
