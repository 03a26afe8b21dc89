# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Pages and Links panes on 120x40: what a frame takes in the worker, and what is left to the event loop.

The arena is real and full, the list in it has 1,000,000 nodes, and both change between frames; the run beside it is
canned, 4 moments a second.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import arena_views, common
from benchmarks.screen import HZ, SIZE, STALL_S, Loop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "tui"))

import canned
from arena_made import Made, list_walker

from workbench.arena.frames import Explorer
from workbench.session import Inspection
from workbench.tui.app import WorkbenchApp
from workbench.tui.look import ArenaLook, PagesAsk
from workbench.tui.screens.links import LinksPane
from workbench.tui.screens.pages import PagesPane

if TYPE_CHECKING:
    from workbench.arena.view import ArenaView

ANSWER_MS, FRAME_MS = 20.0, 30.0


class _Services(canned.FakeServices):
    def __init__(self, look: ArenaLook) -> None:
        super().__init__()
        self._real = look

    def look(self, inspection: object) -> ArenaLook:  # type: ignore[override]
        return self._real


def look_into(view: ArenaView, made: Made) -> ArenaLook:
    """The look that a session would hand out, with types that need no build."""
    look = ArenaLook(Inspection(1, made.fd, made.size, canned.BUILD, True, view))
    look._explorer = Explorer(list_walker(view))
    return look


async def live(key: str, look: ArenaLook, seconds: float, disturb: Callable[[], object]) -> None:
    """Print what a pane takes: its answers, and of the event loop; `disturb` happens before each moment."""
    with tempfile.TemporaryDirectory() as home:
        app = WorkbenchApp(canned.workspace(Path(home)), _Services(look))
        async with app.run_test(size=SIZE) as pilot:
            await pilot.press("space")
            app.publish(canned.started())
            app.publish(canned.snapshot(0.25))
            await pilot.press(key)
            await asyncio.sleep(2.0)
            answers: list[float] = []
            pane = app.pane
            assert isinstance(pane, PagesPane | LinksPane)
            ask = pane.answer

            def timed(look: object, question: object) -> object:
                began = time.thread_time()
                answer = ask(look, question)  # type: ignore[arg-type]
                answers.append(1e3 * (time.thread_time() - began))
                return answer

            pane.answer = timed  # type: ignore[method-assign, assignment]
            loop = Loop()
            watcher = asyncio.create_task(loop.watch())
            worked, began = time.process_time(), time.perf_counter()
            for moment in range(int(seconds * HZ)):
                disturb()
                app.publish(canned.snapshot(0.5 + moment / HZ))
                await asyncio.sleep(1 / HZ)
            share = (time.process_time() - worked) / (time.perf_counter() - began)
            watcher.cancel()
    target = ANSWER_MS if key == "2" else FRAME_MS
    spread = common.Spread(tuple(answers))
    print(
        f"  work of the worker, a frame     {spread.text('.1f')} ms   {common.verdict(spread.median, at_most=target)}"
    )
    print(f"  longest work of the event loop  {1e3 * loop.work:.1f} ms   {common.verdict(loop.work, at_most=STALL_S)}")
    print(f"  of a core, all together         {share:.0%}", flush=True)


def pages(seconds: float) -> None:
    """The map of a full arena, 2,000 pages of which change."""
    count = arena_views.PAGES if arena_views.available() > arena_views._ROOM else arena_views.PAGES // 8
    made = Made(count)
    if not made.call.made_full():
        raise SystemExit("cannot fill the arena")

    def busy() -> None:
        made.call.made_tick()
        for page in range(5000, 7000):
            made.call.made_touch(page * (count // 8192), 0)

    with made.view() as view:
        look = look_into(view, made)
        while (found := look.pages(PagesAsk(count=1))) is not None and found.refresh.due:
            pass
        print(f"Pages, {count:,} pages, all of them in view")
        asyncio.run(live("2", look, seconds, busy))


def links(seconds: float) -> None:
    """A list of 1,000,000 nodes from its head; the first ones' values change."""
    made = Made(16384)
    if made.call.made_list(arena_views.NODES, 7919):
        raise SystemExit("cannot make the list")
    with made.view() as view:
        look = look_into(view, made)
        print(f"Links, a list of {arena_views.NODES:,} nodes")
        first = list_walker(view)
        first.census()
        offsets = [node.offset for node in first.nodes(1, 6)]
        turn = 0

        def busy() -> None:
            nonlocal turn
            turn += 1
            for offset in offsets:
                made.put(offset + 16, turn)

        asyncio.run(live("3", look, seconds, busy))


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = common.arguments(__doc__, argv)
    seconds = 3.0 if options.quick else 8.0
    common.in_child(pages, seconds)
    common.in_child(links, seconds)


if __name__ == "__main__":
    main()
