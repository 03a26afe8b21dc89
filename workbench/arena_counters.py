# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The allocator's counters of a run that is going on, as a live display wants them."""

from __future__ import annotations

from workbench import plan as plans
from workbench.arena.state import ArenaState
from workbench.plan import Plan
from workbench.snapshots import ArenaCounters
from workbench.watch import Watch


class CounterReader:
    """Reads one run's arena again and again; None until there is one, and where it is damaged."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def read(self) -> ArenaCounters | None:
        """The counters now."""
        state = self._watch.engine.arena_state()
        if state is None or state.arena["status"]:
            return None
        return summarise(self._watch.plan, state)

    def close(self) -> None:
        """Nothing is kept open between two readings."""


def summarise(plan: Plan, state: ArenaState) -> ArenaCounters:
    """The lanes' counters summed; who is inside an operation of an epoch before the present one is stalled."""

    def summed(name: str) -> int:
        return sum(lane[name] for lane in state.arena_lanes)

    populated = state.arena["frontier"] - state.arena["pages_first"]
    return ArenaCounters(
        pages=state.arena["pages"],
        populated=populated,
        used=populated - state.arena["free_pages"],
        allocations=summed("allocations"),
        frees=summed("frees"),
        failed=summed("failed"),
        retired=summed("limbo"),
        double_frees=summed("double_frees"),
        bad_frees=summed("bad_frees"),
        stalled=tuple(
            plans.arena_lane_name(plan, number)
            for number, lane in enumerate(state.arena_lanes)
            if lane["epoch"] & 1 and (lane["epoch"] >> 1) + 1 < state.arena["epoch"]
        ),
    )
