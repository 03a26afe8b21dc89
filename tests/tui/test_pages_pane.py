# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Pages pane: what the map tells, its cursor and zoom, a page in detail, live and frozen, and what it costs."""

from __future__ import annotations

from pathlib import Path

import canned
import pytest
from canned_arena import FIRST_NODE, PAGES_FIRST
from stage import NARROW, Stage, played, stage

from workbench.arena.pages import Cells, PageKind
from workbench.errors import EngineError
from workbench.session import Building, Event, Problem
from workbench.tui import page_cells
from workbench.tui.page_cells import HOT, LOOKS
from workbench.tui.screens.pages import PagesPane


def pages(on: Stage) -> PagesPane:
    """The pane."""
    return on.app.main.query_one(PagesPane)


async def opened(on: Stage) -> PagesPane:
    """A run goes on, and its pages are looked at."""
    await on.run(canned.running(2.0))
    await on.press("2")
    return pages(on)


@played
async def test_the_map_shows_each_page_by_how_full_it_is(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        text = "\n".join(pane.grid.lines)
        assert set("█▓▒░·≡×") <= set(text)
        assert text.split()[1][:2] == "××"  # the program's globals come first
        assert "4,096 pages · 1 cell = 1 page · by class · live" in str(pane.grid.border_title)
        assert pane.grid.page == PAGES_FIRST


@played
async def test_arrows_page_keys_and_clicks_move_the_cursor(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        columns = pane.grid.columns
        await on.press("right", "right", "down")
        assert pane.grid.page == PAGES_FIRST + 2 + columns
        await on.press("left", "up")
        assert pane.grid.page == PAGES_FIRST + 1
        await on.press("end")
        assert pane.grid.page == 4095
        assert "4,095" in pane.grid.lines[-1] or pane.grid.lines[-1].split()[0] == f"{4095 // columns * columns:,}"
        await on.press("home")
        assert pane.grid.page == 0
        await on.press("pagedown")
        assert pane.grid.page == (pane.grid.scrollable_content_region.height - 1) * columns
        await on.press("home")
        await on.pilot.click(pane.grid, offset=(7 + 3, 2))
        await on.settle()
        assert pane.grid.page // columns == 1


@played
async def test_zooming_keeps_the_cursor_and_ends_at_one_screen(home: Path) -> None:
    async with stage(home) as on:
        on.services.look_into.pages_count = 1_048_576
        on.services.look_into.frontier = 400
        pane = await opened(on)
        assert pane.grid.per_cell == 1  # all that is populated fits
        await on.press("right", "minus")
        assert (pane.grid.per_cell, pane.grid.page) == (2, PAGES_FIRST + 1)
        await on.press("0")
        assert pane.grid.cells <= pane.grid.room < 2 * pane.grid.cells
        assert pane.grid.page == PAGES_FIRST + 1
        await on.press("minus")
        assert pane.grid.cells <= pane.grid.room < 2 * pane.grid.cells
        await on.press(*["plus"] * 20)
        assert pane.grid.per_cell == 1
        await on.press("minus", "a")
        assert pane.grid.per_cell == 1


@played
async def test_hues_go_round_and_the_legend_says_what_they_mean(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        seen = []
        for _ in range(5):
            seen.append((pane.colour, pane.query_one("PageWords").lines[1]))  # type: ignore[attr-defined]
            await on.press("t")
        assert [colour for colour, _ in seen] == ["class", "lane", "context", "age", "class"]
        assert "32 B" in seen[0][1]
        assert "user 0" in seen[1][1]
        assert "kernel" in seen[2][1]
        assert "10 s" in seen[3][1]


@played
async def test_the_page_under_the_cursor_is_shown_with_its_objects_decoded(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        pane.look_at(FIRST_NODE + 32)
        await on.settle()
        await on.press("enter")
        table = pane.page_detail.table
        assert table.has_focus
        assert table.cursor == 1
        assert "class 32 B" in str(pane.page_detail.border_title)
        assert "ds_list_node key=20 value=40" in table.lines[1]
        assert "retired" in table.lines[2]
        assert "ds_list_node?" in table.lines[2]
        assert "free" in table.lines[3]
        assert "key" not in table.lines[3]
        await on.press("down", "down")
        assert table.cursor == 3
        await on.press("escape")
        assert pane.grid.has_focus


@played
async def test_going_to_a_page_takes_a_number_an_offset_or_a_pointer(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        for typed, page in (("137", 137), ("0x89000", 137), ("0x10000008a010", 138)):
            await on.press("g", *typed, "enter")
            assert pane.grid.page == page


@played
async def test_links_of_a_page_lead_to_its_first_live_object_and_back(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        pane.look_at(FIRST_NODE)
        await on.settle()
        await on.press("l")
        assert on.app.pane.id == "links"
        assert on.services.look_into.link_asks[-1].detail == FIRST_NODE
        await on.press("p")
        assert on.app.pane.id == "pages"
        assert pane.grid.page == FIRST_NODE // 4096


@played
async def test_frozen_the_map_stands_still_and_says_so(home: Path) -> None:
    async with stage(home) as on:
        pane = await opened(on)
        await on.press("f")
        assert "FROZEN" in str(pane.grid.border_title)
        fresh = sum(ask.fresh for ask in on.services.look_into.page_asks)
        await on.happen([canned.snapshot(3.0), canned.snapshot(3.25)])
        await on.press("right")
        assert sum(ask.fresh for ask in on.services.look_into.page_asks) == fresh
        await on.press("f")
        assert on.services.look_into.page_asks[-1].fresh


@played
async def test_nothing_is_asked_while_the_pane_is_out_of_view_or_the_display_paused(home: Path) -> None:
    async with stage(home) as on:
        await opened(on)
        await on.press("1")
        asked = len(on.services.look_into.page_asks)
        await on.happen([canned.snapshot(3.0), canned.snapshot(3.25)])
        assert len(on.services.look_into.page_asks) == asked
        await on.press("2", "p")
        asked = len(on.services.look_into.page_asks)
        await on.happen([canned.snapshot(3.5), canned.snapshot(3.75)])
        assert len(on.services.look_into.page_asks) == asked


@played
async def test_only_rows_that_changed_are_made_anew(home: Path) -> None:
    async with stage(home) as on:
        on.services.look_into.frontier = PAGES_FIRST + 60
        pane = await opened(on)
        before = pane.grid.rows_rendered
        await on.happen([canned.snapshot(3.0)])
        assert pane.grid.rows_rendered == before
        on.services.look_into.moving = True
        await on.happen([canned.snapshot(3.25)])
        assert 0 < pane.grid.rows_rendered - before <= -(-on.services.look_into.frontier // pane.grid.columns)


@played
async def test_a_page_is_drawn_in_runs_of_one_look(home: Path) -> None:
    async with stage(home) as on:
        on.services.look_into.frontier = PAGES_FIRST
        pane = await opened(on)
        assert len(pane.grid.render_line(10)._segments) <= 3  # the row's number, its cells, what is right of them


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "No arena yet"),
        ([Building("compiling ds_list.h")], "compiling ds_list.h"),
        ([Problem("No", "No", "build")], "did not start"),
    ],
)
def test_without_an_arena_it_says_why(home: Path, events: list[Event], words: str) -> None:
    @played
    async def story() -> None:
        async with stage(home) as on:
            if events:
                await on.run(events)
            else:
                on.app.session.calls.clear()  # type: ignore[attr-defined]
            await on.press("2")
            assert words in "\n".join(pages(on).grid.lines)
            await on.press("plus", "t", "enter", "l", "right", "end")

    story()


@played
async def test_an_arena_that_cannot_be_read_is_told(home: Path) -> None:
    async with stage(home) as on:
        on.services.look_into.unformatted = True
        pane = await opened(on)
        assert "cannot be read" in "\n".join(pane.grid.lines)
        on.services.look_into.error = EngineError("this view of the arena is closed")
        await on.happen([canned.snapshot(3.0)])
        assert "this view of the arena is closed" in "\n".join(pane.grid.lines)


@played
async def test_after_a_crash_the_arena_is_still_looked_into(home: Path) -> None:
    async with stage(home) as on:
        await on.run(canned.crashed())
        await on.press("2")
        pane = pages(on)
        assert "as the run left it" in str(pane.grid.border_title)
        await on.press("right", "enter")
        assert pane.page_detail.table.has_focus


@played
async def test_in_a_narrow_terminal_map_and_page_take_turns(home: Path) -> None:
    async with stage(home, NARROW) as on:
        pane = await opened(on)
        assert not pane.page_detail.display
        assert not on.services.look_into.page_asks[-1].detail
        await on.press("enter")
        assert pane.page_detail.display
        assert not pane.grid.is_on_screen or pane.grid.region.width == 0
        assert on.services.look_into.page_asks[-1].detail
        await on.press("escape")
        assert not pane.page_detail.display


def test_a_cell_shows_how_full_it_is_and_what_is_chosen() -> None:
    kinds = bytes((PageKind.SMALL,) * 5 + (PageKind.UNPOPULATED, PageKind.FREE, PageKind.META, PageKind.APART))
    fill = bytes((0, 1, 127, 128, 255, 0, 0, 0, 0))
    age = bytes((255, 5, 6, 255, 255, 0, 0, 255, 255))
    none = bytes(9)
    cells = Cells(0, 1, 9, 9, kinds, fill, bytes([3] * 9), none, age, none, b"")
    grid = page_cells.grid(cells, "class")
    assert grid.glyphs == "░▒▒▓█·░≡×"
    names = [LOOKS[look & ~HOT] for look in grid.looks]
    assert names == [*["hue-2"] * 5, "none", "free", "own", "own"]
    assert [bool(look & HOT) for look in grid.looks] == [False, True, False, False, False, False, True, False, False]
    assert page_cells.grid(cells, "context").looks[0] == LOOKS.index("user")


@pytest.mark.parametrize(("pages", "room", "last"), [(64, 100, 1), (4096, 1000, 8), (1_048_576, 64 * 30, 1024)])
def test_zooming_out_ends_when_all_is_in_view(pages: int, room: int, last: int) -> None:
    assert page_cells.zooms(pages, room)[-1] == last
