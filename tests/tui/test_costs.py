# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a moment costs, by counts: rows made anew, curves drawn. Times are measured in benchmarks/screen.py."""

from __future__ import annotations

from pathlib import Path

import msgspec
from canned import running, snapshot, started
from stage import played, stage

from workbench.tui.widgets.plots import Plots


@played
async def test_only_rows_in_view_are_made(home: Path) -> None:
    async with stage(home) as on:
        await on.run([started(), snapshot(1.0, user=48, kernel=16)])
        seen = on.lanes.scrollable_content_region.height
        assert seen < 30
        before = on.lanes.rows_rendered
        await on.happen([snapshot(1.25, user=48, kernel=16)])
        assert 0 < on.lanes.rows_rendered - before <= seen


@played
async def test_a_lane_that_stands_still_is_not_made_anew(home: Path) -> None:
    async with stage(home) as on:
        first = snapshot(1.0, user=8, kernel=0, triggers=())
        await on.run([started(), first])
        moved = msgspec.structs.replace(first.lanes[3], operations=first.lanes[3].operations + 1)
        second = msgspec.structs.replace(first, elapsed_s=1.25, lanes=(*first.lanes[:3], moved, *first.lanes[4:]))
        before = on.lanes.rows_rendered
        await on.happen([second])
        assert on.lanes.rows_rendered - before == 2  # that lane, and the totals


@played
async def test_curves_are_drawn_at_most_twice_a_second_of_the_run(home: Path) -> None:
    async with stage(home) as on:
        await on.run([started(), snapshot(0.25)])
        await on.settle()
        plots = on.app.main.query_one(Plots)
        before = plots.drawn
        await on.happen(running(10.0)[2:])
        assert plots.drawn - before <= 2 * 10 + 1


@played
async def test_a_pane_out_of_view_draws_nothing(home: Path) -> None:
    async with stage(home) as on:
        await on.run(running(2.0))
        await on.press("7")
        rows, drawn = on.lanes.rows_rendered, on.app.main.query_one(Plots).drawn
        await on.happen([snapshot(3.0), snapshot(4.0)])
        assert (on.lanes.rows_rendered, on.app.main.query_one(Plots).drawn) == (rows, drawn)


@played
async def test_a_held_display_draws_nothing(home: Path) -> None:
    async with stage(home) as on:
        await on.run(running(2.0))
        await on.press("p")
        rows = on.lanes.rows_rendered
        await on.happen([snapshot(3.0), snapshot(4.0)])
        assert on.lanes.rows_rendered == rows
