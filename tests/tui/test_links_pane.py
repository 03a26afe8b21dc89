# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Links pane: boxes and arrows, following pointers, searching, marks and bad pointers, live and frozen."""

from __future__ import annotations

from pathlib import Path

import canned
import pytest
from canned_arena import FIRST_NODE, node_of
from stage import NARROW, Stage, played, stage

from workbench.arena.shapes import Figure
from workbench.errors import EngineError, UsageError
from workbench.session import Building
from workbench.tui import link_canvas
from workbench.tui.link_canvas import Stop
from workbench.tui.screens.links import LinksPane
from workbench.tui.widgets.link_words import LinkWords
from workbench.tui.widgets.node_detail import NodeDetail

HEAD = 56


def links(on: Stage) -> LinksPane:
    """The pane."""
    return on.app.main.query_one(LinksPane)


def text(on: Stage) -> str:
    """The graph."""
    return "\n".join(links(on).graph.lines)


async def opened(on: Stage) -> LinksPane:
    """A run goes on, and its links are looked at."""
    await on.run(canned.running(2.0))
    await on.press("3")
    return links(on)


@played
async def test_a_chain_is_drawn_from_its_head_with_fields_and_what_is_left_out(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        assert pane.node == HEAD
        for words in ("head", "17", "value=34", "… 1,332 more …", "∅", "▶"):
            assert words in text(on)
        assert "list · chain · 1,343 elements · live" in str(pane.graph.border_title)


@played
async def test_nodes_that_came_changed_and_went_are_marked_by_signs(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        shown = text(on)
        assert "✱" in shown
        assert "~" in shown
        assert "† 24" in shown
        assert "marked" in shown
        assert "retired" in shown
        assert "╌" in shown
        assert "✱ 1 new  ~ 1 changed  † 1 gone: 24" in pane.query_one(LinkWords).lines[1]


@played
async def test_bad_pointers_are_drawn_and_counted_by_kind(home: Path) -> None:
    async with stage(home) as on:
        on.services.look_into.bad = True
        pane = await opened(on)
        assert "✗ into freed memory" in text(on)
        words = pane.query_one(LinkWords).lines[0]
        assert "✗ 3 bad pointers: 2 into freed memory, 1 closes a cycle" in words
        on.services.look_into.bad = False
        await on.happen([canned.snapshot(3.0)])
        assert "✓ no bad pointers" in pane.query_one(LinkWords).lines[0]


@played
async def test_enter_follows_and_backspace_comes_back(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        await on.press("enter")
        assert pane.node == FIRST_NODE
        await on.press("enter", "enter")
        assert pane.node == node_of(23)
        await on.press("backspace")
        assert pane.node == node_of(20)
        await on.press("backspace", "backspace", "backspace")
        assert pane.node == HEAD


@played
async def test_following_out_of_sight_draws_the_graph_round_the_node(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        last = node_of(17 + 27)
        pane.go_to(last)
        await on.settle()
        await on.press("enter")
        assert on.services.look_into.link_asks[-1].focus == node_of(47)
        assert pane.node == node_of(47)
        await on.press("backspace")
        assert pane.node == last


@played
async def test_arrows_go_from_box_to_box_and_into_what_is_left_out(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        await on.press(*["right"] * 11)
        assert pane.node is None
        assert pane.graph.here is not None
        assert pane.graph.here.to == node_of(47)
        await on.press("enter")
        assert pane.node == node_of(47)
        await on.press("h")
        assert pane.node == HEAD
        await on.press("down")
        assert pane.graph.here is not None
        assert pane.graph.here.y > 3
        await on.press("up")
        assert pane.node is not None
        assert pane.graph.here.y == 0


@played
async def test_a_key_is_searched_and_gone_to(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        await on.press("slash", *"3,017", "enter")
        assert pane.node == node_of(3017)
        assert "key 3,017" in str(pane.graph.border_subtitle)
        await on.press("slash", "5", "enter")
        assert pane.node == node_of(3017)
        assert "No node has key 5" in on.log
        await on.press("slash", *"abc", "enter")
        assert "not a number" in str(on.app.screen.query_one("#prompt-words").render())


@played
async def test_a_click_puts_the_cursor_and_a_second_one_follows(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        stop = next(one for one in pane.graph.drawing.stops if one.offset == FIRST_NODE)
        for expected in (FIRST_NODE, node_of(20)):
            await on.pilot.click(pane.graph, offset=(stop.x + 2, stop.y + 2))
            await on.settle()
            assert pane.node == expected


@played
async def test_p_shows_the_page_of_a_node_and_l_comes_back(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        await on.press("right", "right", "p")
        assert on.app.pane.id == "pages"
        asked = on.services.look_into.page_asks[-1]
        assert asked.page == FIRST_NODE // 4096
        await on.press("l")
        assert on.app.pane is pane
        assert pane.node == node_of(20)


@played
async def test_everything_about_the_node_under_the_cursor(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        await on.press("right")
        shown = str(pane.query_one(NodeDetail).query_one("#node-words").render())
        for words in ("live", "user 0", "key", "17", "value", "34", "next", "head → first → next", "+00"):
            assert words in shown


@played
async def test_frozen_the_graph_stands_still_and_the_cursor_moves(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        await on.press("f")
        assert "FROZEN" in str(pane.graph.border_title)
        frames = on.services.look_into.frames
        await on.happen([canned.snapshot(3.0), canned.snapshot(3.25)])
        await on.press("right", "right")
        assert pane.node == node_of(20)
        assert on.services.look_into.frames == frames
        assert on.services.look_into.link_asks[-1].detail == node_of(20)
        await on.press("f")
        assert on.services.look_into.frames == frames + 1


@played
async def test_nothing_is_asked_out_of_view_or_paused(home: Path) -> None:
    async with stage(home) as on:
        await opened(on)
        await on.press("1")
        asked = len(on.services.look_into.link_asks)
        await on.happen([canned.snapshot(3.0)])
        assert len(on.services.look_into.link_asks) == asked


@played
async def test_a_frame_makes_only_the_rows_that_changed(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        before = pane.graph.rows_rendered
        await on.happen([canned.snapshot(3.0)])
        assert pane.graph.rows_rendered == before
        await on.press("right")
        assert 0 < pane.graph.rows_rendered - before <= 10


@played
async def test_a_focus_that_is_not_in_the_structure_is_told(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        pane.look_at(4096)
        await on.settle()
        assert "not, or no longer, in the structure" in str(pane.graph.border_subtitle)
        assert pane.node == HEAD


@played
async def test_a_tree_is_drawn_from_the_top(home: Path) -> None:
    async with stage(home) as on:
        on.services.look_into.figure = Figure.TREE
        pane = await opened(on)
        assert "┴" in text(on)
        assert "▾12" in text(on)
        await on.press("down", "down")
        assert pane.node == node_of(200)
        await on.press("left")
        assert pane.node == node_of(200)
        await on.press("right")
        assert pane.node == node_of(800)


@pytest.mark.parametrize("error", [UsageError("no type 'struct x'"), EngineError("this view of the arena is closed")])
def test_what_prevents_a_graph_is_told_in_place(home: Path, error: UsageError | EngineError) -> None:
    @played
    async def story() -> None:
        async with stage(home) as on:
            on.services.look_into.error = error
            await opened(on)
            assert str(error) in text(on)
            await on.press("enter", "backspace", "h", "right", "slash", "p")

    story()


@played
async def test_before_and_between_runs_it_says_so(home: Path) -> None:
    async with stage(home) as on:
        await on.press("3")
        assert "No arena yet" in text(on)
        await on.run([Building("compiling ds_list.h")])
        assert "compiling ds_list.h" in text(on)
        await on.happen(canned.crashed())
        assert "as the run left it" in str(links(on).graph.border_title)
        await on.press("right", "enter")
        assert links(on).node == node_of(20)


@played
async def test_in_a_narrow_terminal_graph_and_node_take_turns(home: Path) -> None:
    async with stage(home, NARROW) as on:
        pane = await opened(on)
        detail = pane.query_one(NodeDetail)
        assert not detail.display
        await on.press("i")
        assert detail.display
        await on.press("i")
        assert not detail.display


def test_sideways_at_the_end_of_a_row_the_cursor_goes_on_in_the_next() -> None:
    stops = [Stop(at, None, at % 3 * 10, at // 3 * 6, 8, 4) for at in range(6)]
    assert link_canvas.step(stops, stops[2], 1, 0) is stops[3]
    assert link_canvas.step(stops, stops[3], -1, 0) is stops[2]
    assert link_canvas.step(stops, stops[0], -1, 0) is stops[0]
    assert link_canvas.step(stops, stops[1], 0, 1) is stops[4]
    assert link_canvas.step(stops, stops[5], 0, 1) is stops[5]
