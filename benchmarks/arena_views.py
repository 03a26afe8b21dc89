# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Looking into the arena: the map of a full 4 GiB arena, a walk of 1,000,000 nodes, a frame of the graph.

Times are of this machine; next to each the target. The arena is a real one, filled by the real allocator.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import common

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from arena_made import Made, list_walker

from workbench.arena.frames import Explorer
from workbench.arena.pages import PageMap

PAGES = 1 << 20
NODES = 1_000_000
SIZE = (120, 40)
CELLS = 100 * 36
MAP_MS, WALK_MS, FRAME_MS = 20.0, 100.0, 30.0
_ROOM = 8 << 30  # bytes that must be available to fill an arena of 4 GiB


def main() -> None:
    """Print each measurement: median, quartiles, worst, target."""
    options = common.arguments(__doc__)
    print(f"{'':58} {'median [quartiles], ms':>28} {'worst':>8} {'target':>8}")
    common.in_child(page_map, options.repeats)
    for step, order in ((1, "in the order of memory"), (7919, "far apart"), (382_457, "scattered")):
        common.in_child(walk, options.repeats, step, order)


def page_map(repeats: int) -> None:
    """A refresh of all descriptors, at rest and with pages that change, and the cells of a screen."""
    pages = PAGES if available() > _ROOM else PAGES // 8
    made = Made(pages)
    if not made.call.made_full():
        raise SystemExit("cannot fill the arena")
    with made.view() as view:
        known = PageMap(view)
        rounds, began = 0, time.perf_counter()
        while (found := known.refresh()) is not None and found.due:
            rounds += 1
        first = time.perf_counter() - began
        print(f"{f'{pages:,} pages, full: counted for the first time':58} {1e3 * first:>12.0f}, {rounds} refreshes")

        def busy() -> object:
            made.call.made_tick()
            for page in range(5000, 5000 + 2000):
                made.call.made_touch(page * (pages // 8192), 0)
            return None

        for _ in range(4):
            busy()
            known.refresh()
        for _ in range(3):  # until the changes of the last ticks are no longer recent
            made.call.made_tick()
            while (found := known.refresh()) is not None and found.due:
                pass
        show("refresh, nothing changed", repeats, known.refresh, MAP_MS)
        show("refresh, 2,000 pages changed", repeats, known.refresh, MAP_MS, before=busy)
        show(f"{CELLS:,} cells of a screen", repeats, lambda: known.cells(0, -(-pages // CELLS), CELLS))
        show("totals", repeats, known.totals)


def walk(repeats: int, step: int, order: str) -> None:
    """A census of a list, and frames of it."""
    made = Made(16384)
    if made.call.made_list(NODES, step):
        raise SystemExit("cannot make the list")
    with made.view() as view:
        walker = list_walker(view)
        show(f"walk of {NODES:,} nodes, {order}", repeats, walker.census, WALK_MS)
        show("  the bare loop over it, in C", repeats, made.call.made_chase)
        explorer = Explorer(walker, clock=lambda: 0.0)
        explorer.census()
        middle = walker.node(NODES // 2)
        focus = middle.offset if middle else None
        show("  a frame from the head", repeats, lambda: explorer.frame(*SIZE), FRAME_MS)
        show("  a frame round its middle", repeats, lambda: explorer.frame(*SIZE, focus), FRAME_MS)
        show("  search for a key", repeats, lambda: explorer.find(NODES - 1))


def show(
    title: str, repeats: int, work: Callable[[], object], target: float = 0, before: Callable[[], object] = int
) -> None:
    """Measure and print one line."""

    def once() -> float:
        before()
        began = time.perf_counter()
        work()
        return 1e3 * (time.perf_counter() - began)

    spread = common.interleave({title: once}, repeats)[title]
    worst = max(spread.values)
    print(f"{title:58} {spread.text('.2f'):>28} {worst:>8.2f} {f'{target:.0f}' if target else '':>8}", flush=True)


def available() -> int:
    """Bytes of memory that can be had."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main()
