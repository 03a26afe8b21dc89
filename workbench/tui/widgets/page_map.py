# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The map of pages, by the Line API: rows of cells with the number of their first page, a cursor on one of them.

It shows the cells that it is given, and tells which ones are in view; a row is drawn anew only when it changed.
"""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.tui import page_cells
from workbench.tui.page_cells import HOT, LOOKS, Grid

_ROUND = 8  # cells of a row are a multiple of this, so that page numbers are round
_LIVELY = ("runs", "user", "kernel", "age-0", *(look for look in LOOKS if look.startswith("hue")))


class PageGrid(ScrollView, can_focus=True):
    """Rows of cells. `page` is the first one of the cell under the cursor, or the one in it that was asked for."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"pages--gutter", "pages--here", "pages--cursor", "pages--hot"} | {
        f"pages--{look}" for look in LOOKS
    }
    # Seven hues that colour-blind people can tell apart (Okabe and Ito), darker where the ground is light.
    DEFAULT_CSS = """
    PageGrid {
        border: round $foreground 30%;
        background: $surface;
        border-subtitle-color: $text-muted;
        &:focus { border: round $border; }
        & > .pages--gutter { color: $text-muted; }
        & > .pages--here { color: $foreground; text-style: bold; }
        & > .pages--cursor { background: $foreground; color: $background; text-style: bold; }
        & > .pages--hot { text-style: bold; }
        & > .pages--none { color: $foreground 25%; }
        & > .pages--free { color: $foreground 45%; }
        & > .pages--own { color: $foreground 45%; }
        & > .pages--hue-0 { color: #56b4e9; }
        & > .pages--hue-1 { color: #e69f00; }
        & > .pages--hue-2 { color: #00a878; }
        & > .pages--hue-3 { color: #cc79a7; }
        & > .pages--hue-4 { color: #f0e442; }
        & > .pages--hue-5 { color: #3d7fd0; }
        & > .pages--hue-6 { color: #e0662a; }
        & > .pages--runs { color: #c8c8c8; }
        & > .pages--user { color: #56b4e9; }
        & > .pages--kernel { color: #e69f00; }
        & > .pages--age-0 { color: #f0e442; }
        & > .pages--age-1 { color: #e69f00; }
        & > .pages--age-2 { color: #b0603a; }
        & > .pages--age-3 { color: #6a6a78; }
        &:light {
            & > .pages--hue-0, & > .pages--user { color: #0a78b4; }
            & > .pages--hue-1, & > .pages--kernel, & > .pages--age-1 { color: #a86f00; }
            & > .pages--hue-2 { color: #007a58; }
            & > .pages--hue-3 { color: #a04878; }
            & > .pages--hue-4, & > .pages--age-0 { color: #7d7400; }
            & > .pages--hue-5 { color: #0c4f98; }
            & > .pages--hue-6 { color: #b04400; }
            & > .pages--runs, & > .pages--age-3 { color: #505058; }
        }
        &:ansi {
            & > .pages--none { color: ansi_bright_black; }
            & > .pages--free, & > .pages--own { color: ansi_white; }
            & > .pages--hue-0, & > .pages--user { color: ansi_cyan; }
            & > .pages--hue-1, & > .pages--kernel { color: ansi_yellow; }
            & > .pages--hue-2 { color: ansi_green; }
            & > .pages--hue-3 { color: ansi_magenta; }
            & > .pages--hue-4 { color: ansi_bright_yellow; }
            & > .pages--hue-5 { color: ansi_blue; }
            & > .pages--hue-6 { color: ansi_red; }
            & > .pages--runs { color: ansi_white; }
            & > .pages--age-0 { color: ansi_bright_yellow; }
            & > .pages--age-1 { color: ansi_yellow; }
            & > .pages--age-2 { color: ansi_red; }
            & > .pages--age-3 { color: ansi_bright_black; }
            & > .pages--cursor { text-style: reverse; background: transparent; color: ansi_default; }
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1, 0)", "Left", show=False),
        Binding("right", "move(1, 0)", "Right", show=False),
        Binding("up", "move(0, -1)", "Up", show=False),
        Binding("down", "move(0, 1)", "Down", show=False),
        Binding("pageup", "turn(-1)", "Page up", show=False),
        Binding("pagedown", "turn(1)", "Page down", show=False),
        Binding("home", "edge(0)", "First", show=False),
        Binding("end", "edge(1)", "Last", show=False),
    ]

    class Moved(Message):
        """The cursor is on another page."""

    class Wanted(Message):
        """Other cells are in view than the ones that are known."""

    def __init__(self) -> None:
        super().__init__(id="page-map")
        self.rows_rendered = 0
        self.pages = 0
        self.per_cell = 1
        self.page = 0
        self._grid: Grid | None = None
        self._strips: dict[int, tuple[object, Strip]] = {}
        self._words = ""
        self._styles: tuple[list[Style], list[Style]] | None = None

    # Where things are

    @property
    def columns(self) -> int:
        """Cells of a row."""
        room = self.scrollable_content_region.width - self._gutter - 1
        return max(_ROUND, room // _ROUND * _ROUND)

    @property
    def room(self) -> int:
        """Cells in view."""
        return self.columns * max(1, self.scrollable_content_region.height)

    @property
    def _gutter(self) -> int:
        return len(f"{max(0, self.pages - 1):,}") + 1

    @property
    def cells(self) -> int:
        """Cells of the whole arena."""
        return -(-self.pages // self.per_cell)

    @property
    def _rows(self) -> int:
        return -(-self.cells // self.columns)

    @property
    def in_view(self) -> tuple[int, int]:
        """The first cell of the first row in view, and how many there are down to the last."""
        first = self.scroll_offset.y * self.columns
        return first, max(0, min(self.room, self.cells - first))

    # What is shown

    def say(self, words: str) -> None:
        """Show words, for want of an arena."""
        self._words, self._grid, self.pages, self.page = words, None, 0, 0
        self.virtual_size = Size(0, 0)
        self.refresh()

    def show(self, pages: int, grid: Grid) -> None:
        """Show these cells of an arena of so many pages."""
        old, self._grid = self._grid, grid
        if pages != self.pages or old is None or old.per_cell != grid.per_cell:
            self.pages = pages
            self._measure()
            self.refresh()
            return
        columns, top = self.columns, self.scroll_offset.y
        changed = [
            y
            for y in range(self.scrollable_content_region.height)
            if old.slice((top + y) * columns, (top + y + 1) * columns)
            != grid.slice((top + y) * columns, (top + y + 1) * columns)
        ]
        if changed:
            self.refresh(*(Region(0, y, self.scrollable_content_region.width, 1) for y in changed))

    def zoom(self, per_cell: int) -> None:
        """Another number of pages a cell; the cursor stays where it is in view."""
        if per_cell == self.per_cell:
            return
        below = self._cursor[1] - self.scroll_offset.y
        self.per_cell = per_cell
        self._measure()
        height = max(1, self.scrollable_content_region.height)
        self.scroll_to(y=max(0, self._cursor[1] - min(max(0, below), height - 1)), animate=False, immediate=True)
        self.refresh()
        self.post_message(self.Wanted())

    def go_to(self, page: int) -> None:
        """Put the cursor on a page, and bring it into view."""
        before = self._cursor
        self.page = max(0, min(self.pages - 1, page))
        self._follow()
        top = self.scroll_offset.y
        rows = {before[1] - top, self._cursor[1] - top}
        self.refresh(*(Region(0, y, self.scrollable_content_region.width, 1) for y in rows if y >= 0))
        self.post_message(self.Moved())

    def _measure(self) -> None:
        self._strips.clear()
        self.virtual_size = Size(self._gutter + self.columns, self._rows if self.pages else 0)

    def _follow(self) -> None:
        row, height = self._cursor[1], max(1, self.scrollable_content_region.height)
        top = self.scroll_offset.y
        if not top <= row < top + height:
            self.scroll_to(y=row if row < top else row - height + 1, animate=False, immediate=True)

    @property
    def _cursor(self) -> tuple[int, int]:
        cell = self.page // self.per_cell
        return cell % self.columns, cell // self.columns

    # Drawing

    def render_line(self, y: int) -> Strip:
        """One line of the viewport."""
        width = self.scrollable_content_region.width
        row = y + self.scroll_offset.y
        if not self.pages:
            lines = textwrap.wrap(self._words, max(20, width - 4))
            text = f"  {lines[y - 1]}" if 0 < y <= len(lines) else ""
            style = self.get_component_rich_style("pages--gutter")
            return Strip([Segment(text[:width].ljust(width), style)], width)
        if row >= self._rows:
            return Strip.blank(width, self.rich_style)
        start, end = row * self.columns, min(self.cells, (row + 1) * self.columns)
        glyphs, looks = "", b""
        if self._grid is not None and self._grid.per_cell == self.per_cell:
            glyphs, looks = self._grid.slice(start, end)
        x, at = self._cursor
        under = x if at == row else -1
        key = (glyphs, looks, under, self.has_focus, width)
        known = self._strips.get(row)
        if known is None or known[0] != key:
            strip = self._row(row, glyphs, looks, under).extend_cell_length(width, self.rich_style).crop(0, width)
            self._strips[row] = known = (key, strip)
            if len(self._strips) > 4 * max(1, self.scrollable_content_region.height):
                self._strips = {row: known}
        return known[1]

    def _row(self, row: int, glyphs: str, looks: bytes, under: int) -> Strip:
        self.rows_rendered += 1
        plain, hot = self._looks()
        first = f"{row * self.columns * self.per_cell:>{self._gutter - 1},} "
        gutter = self.get_component_rich_style("pages--here" if under >= 0 else "pages--gutter")
        segments = [Segment(first, gutter)]
        at = 0
        for look, run in groupby(looks):
            end = at + len(list(run))
            style = hot[look & ~HOT] if look & HOT else plain[look]
            if at <= under < end:
                cursor = self.get_component_rich_style("pages--cursor")
                here = "■" if glyphs[under] == page_cells.GLYPHS[4] else glyphs[under]
                segments += [Segment(glyphs[at:under], style), Segment(here, cursor)]
                segments.append(Segment(glyphs[under + 1 : end], style))
            else:
                segments.append(Segment(glyphs[at:end], style))
            at = end
        return Strip(segments)

    def _looks(self) -> tuple[list[Style], list[Style]]:
        """Styles by look: as usual, and for what changed just now, which without colours is underlined."""
        if self._styles is None:
            plain = [self.get_component_rich_style(f"pages--{look}") for look in LOOKS]
            bright = self.get_component_rich_style("pages--hot", partial=True)
            if self.app.no_color:
                bright += Style(underline=True)
            dimmer = Style(dim=True)
            hot = [style + bright for style in plain]
            calm = [style + dimmer if name in _LIVELY else style for name, style in zip(LOOKS, plain, strict=True)]
            self._styles = (calm, hot)
        return self._styles

    def look(self, name: str) -> Style:
        """The style of a look, for a legend."""
        return self.get_component_rich_style(f"pages--{name}")

    # What is done to it

    def action_move(self, right: int, down: int) -> None:
        """By cells and rows; at the ends it stays."""
        cell = self.page // self.per_cell + right + down * self.columns
        if 0 <= cell < self.cells:
            self.go_to(cell * self.per_cell)

    def action_turn(self, by: int) -> None:
        """By as many rows as are in view."""
        rows = by * max(1, self.scrollable_content_region.height - 1) * self.columns
        cell = max(0, min(self.cells - 1, self.page // self.per_cell + rows))
        self.go_to(cell * self.per_cell)

    def action_edge(self, end: int) -> None:
        """To the first or the last cell."""
        self.go_to((self.cells - 1) * self.per_cell if end else 0)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor there."""
        offset = event.get_content_offset(self)
        if offset is None or not self.pages:
            return
        x, row = offset.x - self._gutter, offset.y + self.scroll_offset.y
        cell = row * self.columns + x
        if 0 <= x < self.columns and 0 <= cell < self.cells:
            self.go_to(cell * self.per_cell)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows: their cells are wanted."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Wanted())

    def on_resize(self) -> None:
        """More or fewer cells a row."""
        self._measure()
        self.refresh()
        self.post_message(self.Wanted())

    def notify_style_update(self) -> None:
        """Another theme: every strip has old colours."""
        self._styles = None
        self._strips.clear()
        super().notify_style_update()

    @property
    def lines(self) -> list[str]:
        """The text in view, for tests."""
        return [self.render_line(y).text.rstrip() for y in range(self.scrollable_content_region.height)]
