# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Pages pane: where does the memory live, and what just moved?"""

from __future__ import annotations

from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from workbench.arena.view import PAGE, ObjectState
from workbench.tui import page_cells
from workbench.tui.look import Look, PagesAsk, PagesFrame
from workbench.tui.run_state import RunState
from workbench.tui.screens.looking import LookingPane
from workbench.tui.screens.prompt import Prompt
from workbench.tui.widgets.page_detail import PageDetail, SlotTable
from workbench.tui.widgets.page_map import PageGrid
from workbench.tui.widgets.page_words import PageWords


class PagesPane(LookingPane):
    """The map to the left, the page under its cursor to the right; in a narrow terminal one or the other."""

    HELP = """
Where does the memory live, and what just moved? Every cell is a page of 4 KiB, or several: its glyph says how full it
is, its hue what t chose, and it is bright when it changed within the last half second. Zooming is by itself until + or
- is pressed. The page under the cursor is shown in detail: slots with their state, who allocated them, their fields as
the structure's types have them ("?": by the size alone, for no link leads there), and their bytes. Pages that are not
populated are never touched. Frozen, the map stands still; a page's detail is always as it is now.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "inspect", "Inspect", id="pages.inspect", tooltip="Look through the slots of this page"),
        Binding("escape", "back", "Map", id="pages.back", tooltip="From the slots back to the map"),
        Binding("plus,equals_sign", "zoom(-1)", "Zoom in", id="pages.zoom_in", tooltip="Half as many pages a cell"),
        Binding("minus", "zoom(1)", "Zoom out", id="pages.zoom_out", tooltip="Twice as many pages a cell"),
        Binding("t", "colour", "Colour", id="pages.colour", tooltip="Hues by size class, lane, context, age"),
        Binding("l", "links", "Links", id="pages.links", tooltip="Show this page's object in the structure"),
        Binding("f", "freeze", "Freeze", id="pages.freeze", tooltip="Hold the map still; the run goes on"),
        Binding("g", "go", "Go to", show=False, id="pages.go", tooltip="To a page by number, or by an address"),
        Binding("0", "fit", "Whole", show=False, id="pages.fit", tooltip="The whole arena at once"),
        Binding("a", "auto", "Auto zoom", show=False, id="pages.auto", tooltip="All that is populated, as it grows"),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.colour = page_cells.COLOURS[0]
        self._steps: int | None = None  # of zooming out; None: as far as is populated
        self._frame: PagesFrame | None = None
        self._target: int | None = None  # an object's offset to put the cursor on

    def compose(self) -> ComposeResult:
        """Map, legend, detail."""
        with Horizontal():
            with Vertical(id="page-left"):
                yield PageGrid()
                yield PageWords(lambda look: self.grid.look(look))
            yield PageDetail()

    @property
    def grid(self) -> PageGrid:
        """The map."""
        return self.query_one(PageGrid)

    @property
    def page_detail(self) -> PageDetail:
        """The page in detail."""
        return self.query_one(PageDetail)

    def focus_main(self) -> None:
        """The map, or the slots that are looked through."""
        (self.page_detail.table if self.has_class("-inspect") else self.grid).focus()

    # Asking and showing

    @property
    def ready(self) -> bool:
        """Once the map has its size."""
        return bool(self.grid.content_size) or self.has_class("-inspect")

    def question(self, *, fresh: bool) -> PagesAsk:
        """The cells in view with a few rows more, and the page under the cursor."""
        grid = self.grid
        first, count = grid.in_view
        return PagesAsk(
            per_cell=grid.per_cell,
            first=max(0, first - 2 * grid.columns),
            count=(count or grid.room) + 4 * grid.columns,
            colour=self.colour,
            page=grid.page,
            detail=self.has_class("-inspect") or not self.screen.has_class("-narrow"),
            fresh=fresh,
        )

    def answer(self, look: Look, question: Any) -> PagesFrame | None:
        """In the worker."""
        return look.pages(question)

    def show_answer(self, answer: Any) -> None:
        """A frame of the map."""
        frame: PagesFrame = answer
        first_time = self._frame is None
        self._frame = frame
        grid = self.grid
        if frame.ask.per_cell == grid.per_cell:
            grid.show(frame.refresh.pages, frame.grid)
        if first_time:
            target = self._target
            grid.go_to(frame.refresh.pages_first if target is None else target // PAGE)
        self._zoom()
        if self.look is not None:
            self.query_one(PageWords).show(frame, self.look.lane_name)
            if frame.ask.page == grid.page and frame.ask.detail:
                self.page_detail.show(frame.page, self.look.lane_name)
                self._reach_target(frame)
        self.entitle()
        if first_time:
            self.refresh_bindings()

    def say(self, words: str) -> None:
        """No arena: say why."""
        self._frame = None
        self.grid.say(words)
        self.query_one(PageWords).show(None, str)
        self.page_detail.show(None, str)
        self.entitle()

    def new_arena(self) -> None:
        """Another arena: back to its beginning."""
        self._frame, self._steps = None, None
        self.grid.say("")

    def entitle(self) -> None:
        """What a cell is, what hues tell, live or frozen."""
        grid, frame = self.grid, self._frame
        if frame is None:
            grid.border_title, grid.border_subtitle = "Pages", ""
            return
        each = "1 page" if grid.per_cell == 1 else f"{grid.per_cell:,} pages"
        state = "FROZEN" if self.frozen else "live" if self._run_shown.live else "as the run left it"
        grid.border_title = f"{frame.refresh.pages:,} pages · 1 cell = {each} · by {self.colour} · {state}"
        cell = frame.cell
        if cell is not None and grid.per_cell > 1 and cell.capacity:
            grid.border_subtitle = (
                f"pages {cell.first_page:,}–{cell.first_page + cell.pages - 1:,}: "
                f"{cell.live:,} of {cell.capacity:,} live, {cell.fill:.0%}"
            )
        else:
            grid.border_subtitle = f"page {grid.page:,}"

    def _zoom(self) -> None:
        frame, grid = self._frame, self.grid
        if frame is None:
            return
        steps = page_cells.zooms(frame.refresh.pages, grid.room)
        if self._steps is None:
            grid.zoom(page_cells.zooms(frame.refresh.frontier, grid.room)[-1])
        else:
            self._steps = min(self._steps, len(steps) - 1)
            grid.zoom(steps[self._steps])

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which actions make sense now."""
        inspecting = self.has_class("-inspect")
        match action:
            case "inspect":
                return self._frame is not None and not inspecting
            case "back":
                return inspecting
            case "zoom" | "colour" | "go" | "fit" | "auto" | "links" | "freeze":
                return self._frame is not None
        return True

    def action_label(self, action: str) -> str | None:
        """The footer's word, in the present state."""
        return "Go live" if action == "freeze" and self.frozen else None

    def action_inspect(self) -> None:
        """Widen the detail, and look through its slots."""
        self.add_class("-inspect")
        self.page_detail.table.focus()
        self.refresh_bindings()
        self.ask()

    def action_back(self) -> None:
        """The map again."""
        self.remove_class("-inspect")
        self.grid.focus()
        self.refresh_bindings()

    def action_zoom(self, by: int) -> None:
        """More or fewer pages a cell."""
        frame = self._frame
        if frame is None:
            return
        steps = page_cells.zooms(frame.refresh.pages, self.grid.room)
        at = self.grid.per_cell.bit_length() - 1
        self._steps = max(0, min(len(steps) - 1, at + by))
        self._zoom()
        self.entitle()

    def action_fit(self) -> None:
        """All in view."""
        self._steps = 64
        self._zoom()
        self.entitle()

    def action_auto(self) -> None:
        """What is populated in view, as it grows."""
        self._steps = None
        self._zoom()
        self.entitle()

    def action_colour(self) -> None:
        """Hues by something else."""
        colours = page_cells.COLOURS
        self.colour = colours[(colours.index(self.colour) + 1) % len(colours)]
        self.ask(fresh=False)
        self.entitle()

    @work
    async def action_go(self) -> None:
        """Ask for a page, and go there."""
        hint = "A page's number (137), an offset (0x89000), or a pointer (0x100000089010)"
        typed = await self.app.push_screen_wait(Prompt("Go to page", hint=hint, check=self._wrong_page))
        if typed:
            self.look_at(_offset_of(typed))

    def _wrong_page(self, typed: str) -> str:
        try:
            page = _offset_of(typed) // PAGE
        except ValueError:
            return "neither a number nor an address"
        pages = self.grid.pages
        return "" if page < pages else f"the arena has pages 0 to {pages - 1:,}"

    async def action_links(self) -> None:
        """The object under the cursor, or the first live one of the page, in the structure."""
        slot = self.page_detail.table.slot
        frame = self._frame
        if frame is not None and frame.page is not None and (slot is None or slot.state is not ObjectState.LIVE):
            slot = next((one for one in frame.page.slots if one.state is ObjectState.LIVE), slot)
        if slot is None:
            self.app.say("No object on this page to show in the structure", toast=True)
            return
        await self.app.action_pane("links")
        if hasattr(self.app.pane, "look_at"):
            self.app.pane.look_at(slot.offset)

    def look_at(self, offset: int) -> None:
        """Put the cursors on the page and the slot of an offset."""
        self._target = offset
        if self._frame is not None:
            self.grid.go_to(offset // PAGE)
            self.entitle()

    def _reach_target(self, frame: PagesFrame) -> None:
        """Once the page is there, the slot."""
        target = self._target
        if target is None or frame.page is None or frame.page.page != target // PAGE:
            return
        self._target = None
        for slot in frame.page.slots:
            if slot.offset <= target < slot.offset + max(len(slot.content), 1):
                self.page_detail.table.go_to(slot.index)

    # What the widgets tell

    def on_page_grid_moved(self) -> None:
        """Another page under the cursor."""
        self.entitle()
        self.ask()

    def on_page_grid_wanted(self) -> None:
        """Other cells in view, or another size."""
        self._zoom()
        self.ask()

    def on_slot_table_moved(self, _event: SlotTable.Moved) -> None:
        """Other bytes."""
        self.page_detail.show_bytes()

    def show_run(self, run: RunState) -> None:
        """See LookingPane; bindings depend on whether there is an arena."""
        known = self._frame is None
        super().show_run(run)
        if known != (self._frame is None):
            self.refresh_bindings()


def _offset_of(typed: str) -> int:
    """What a person typed: decimal is a page, hexadecimal an offset or a pointer."""
    text = typed.strip().replace(",", "").replace("_", "").lower()
    if text.startswith("0x"):
        return int(text, 16) & 0xFFFFFFFF
    return int(text) * PAGE
