# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The table of lanes, by the Line API: a row is drawn anew only when it changed and is in view.

Rows are lanes, not positions: the cursor stays on its lane however the table is sorted.
"""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.snapshots import LaneRow, Snapshot
from workbench.tui import lane_rows
from workbench.tui.lane_rows import Layout


class LaneTable(ScrollView, can_focus=True):
    """Header, lanes, totals; header and totals stay in view."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lanes--header",
        "lanes--sorted",
        "lanes--user",
        "lanes--kernel",
        "lanes--done",
        "lanes--total",
        "lanes--cursor",
        "lanes--quiet",
    }
    DEFAULT_CSS = """
    LaneTable {
        border: round $foreground 30%;
        background: $surface;
        border-subtitle-color: $text-muted;
        &:focus { border: round $border; }
        & > .lanes--header { color: $text-muted; text-style: bold; }
        & > .lanes--sorted { color: $text-accent; text-style: bold underline; }
        & > .lanes--kernel { color: $text-accent; }
        & > .lanes--done { text-style: dim; }
        & > .lanes--total { text-style: bold; background: $panel; }
        & > .lanes--cursor { text-style: reverse; }
        & > .lanes--quiet { color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1)", "Up", show=False),
        Binding("down", "cursor(1)", "Down", show=False),
        Binding("pageup", "cursor(-10)", "Page up", show=False),
        Binding("pagedown", "cursor(10)", "Page down", show=False),
        Binding("home", "cursor(-1000000)", "First", show=False),
        Binding("end", "cursor(1000000)", "Last", show=False),
    ]

    class Sorted(Message):
        """A column's title was clicked."""

        def __init__(self, field: str) -> None:
            super().__init__()
            self.field = field

    def __init__(self) -> None:
        super().__init__(id="lanes")
        self.rows_rendered = 0
        self.cursor_lane: int | None = None
        self.sort = ""
        self.descending = False
        self.only = ""
        self._words = ""
        self._snapshot: Snapshot | None = None
        self._rows: list[LaneRow] = []
        self._layout: Layout | None = None
        self._strips: dict[int, tuple[LaneRow, bool, Strip]] = {}
        self.border_title = "Lanes"

    # What is shown

    def show(self, snapshot: Snapshot | None, words: str = "") -> None:
        """Show a snapshot's lanes; without one, `words`."""
        if snapshot is None:
            self._snapshot, self._rows, self._layout, self._words = None, [], None, words
            self.virtual_size = Size(0, 3)
            self.refresh(layout=True)
            return
        before, self._snapshot = self._snapshot, snapshot
        if before is None or [row.id for row in before.lanes] != [row.id for row in snapshot.lanes]:
            self._layout = None
        self._rearrange()

    def reorder(self, *, sort: str | None = None, descending: bool | None = None, only: str | None = None) -> None:
        """Another order or filter."""
        self.sort = self.sort if sort is None else sort
        self.descending = self.descending if descending is None else descending
        self.only = self.only if only is None else only
        self._layout = None
        self._rearrange()

    def _rearrange(self) -> None:
        snapshot = self._snapshot
        self.border_subtitle = self._subtitle()
        if snapshot is None:
            return
        before = [row.id for row in self._rows]
        rows = lane_rows.arranged(snapshot.lanes, sort=self.sort, descending=self.descending, only=self.only)
        old, self._rows = self._rows, rows
        layout = lane_rows.layout(snapshot.lanes, snapshot.total, self._room, self._layout)
        if layout != self._layout or before != [row.id for row in rows]:
            if layout != self._layout:
                self._strips.clear()
            self._layout = layout
            self.virtual_size = Size(layout.width + 2, len(rows) + 2)
            self.refresh(layout=len(before) != len(rows))
            return
        self._refresh_changed(old)

    def _refresh_changed(self, old: list[LaneRow]) -> None:
        """Only the lines that changed and are in view, and the totals."""
        top = self.scroll_offset.y
        changed = [
            y + 1 - top
            for y, (row, was) in enumerate(zip(self._rows, old, strict=True))
            if row != was and 1 <= y + 1 - top < self._total_y
        ]
        self.refresh(*(Region(0, y, self.size.width, 1) for y in (*changed, self._total_y)))

    def _subtitle(self) -> str:
        parts = []
        if self.only:
            parts.append(f"only {self.only}")
        if self.sort:
            title = next(column.title for column in lane_rows.COLUMNS if column.field == self.sort)
            parts.append(f"by {title} {'▼' if self.descending else '▲'}")
        return " · ".join(parts)

    @property
    def _room(self) -> int:
        return max(20, self.scrollable_content_region.width - 2)

    @property
    def _total_y(self) -> int:
        return min(len(self._rows) + 1, max(1, self.scrollable_content_region.height - 1))

    # Drawing

    def render_line(self, y: int) -> Strip:
        """One line of the viewport."""
        width = self.scrollable_content_region.width
        layout, snapshot = self._layout, self._snapshot
        if layout is None or snapshot is None:
            return self._wordy(y, width)
        if y == 0:
            return self._cropped(self._header(layout), width)
        if y == self._total_y:
            return self._cropped(self._strip(snapshot.total, layout, "lanes--total"), width)
        index = y - 1 + self.scroll_offset.y
        if y > self._total_y or index >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        return self._cropped(self._row(self._rows[index], layout), width)

    def _cropped(self, strip: Strip, width: int) -> Strip:
        left = self.scroll_offset.x
        return strip.crop_extend(left, left + width, strip._segments[-1].style or self.rich_style)

    def _wordy(self, y: int, width: int) -> Strip:
        lines = self._words.splitlines()
        at = y - 1
        text = f"  {lines[at]}" if 0 <= at < len(lines) else ""
        style = self.get_component_rich_style("lanes--quiet")
        return Strip([Segment(text[:width].ljust(width), style)], width)

    def _header(self, layout: Layout) -> Strip:
        plain, chosen = (self.get_component_rich_style(name) for name in ("lanes--header", "lanes--sorted"))
        segments = [Segment(" ", plain)]
        for at, (column, width) in enumerate(zip(layout.columns, layout.widths, strict=True)):
            title = lane_rows.title(column, layout.tight)
            pad = " " * (width - len(title))
            style = chosen if column.field == self.sort else plain
            cells = [Segment(title, style), Segment(pad, plain)]
            segments += [*(cells if at == 0 else reversed(cells)), Segment(" ", plain)]
        return Strip(segments)

    def _row(self, row: LaneRow, layout: Layout) -> Strip:
        under = row.id == self.cursor_lane and self.has_focus
        known = self._strips.get(row.id)
        if known is not None and known[0] == row and known[1] == under:
            return known[2]
        name = "lanes--kernel" if row.kernel else "lanes--user"
        strip = self._strip(row, layout, name, done=row.state == "finished", under=under)
        self._strips[row.id] = (row, under, strip)
        return strip

    def _strip(self, row: LaneRow, layout: Layout, name: str, *, done: bool = False, under: bool = False) -> Strip:
        self.rows_rendered += 1
        style = self.get_component_rich_style(name)
        for condition, other in ((done, "lanes--done"), (under, "lanes--cursor")):
            if condition:
                style += self.get_component_rich_style(other, partial=True)
        texts = [lane_rows.cell(column, row, layout.tight) for column in layout.columns]
        first, *others = zip(texts, layout.widths, strict=True)
        line = " ".join([first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)])
        return Strip([Segment(f" {line} ", style)], len(line) + 2)

    # What is done to it

    def action_cursor(self, by: int) -> None:
        """Move the cursor from lane to lane."""
        if not self._rows:
            return
        ids = [row.id for row in self._rows]
        at = ids.index(self.cursor_lane) if self.cursor_lane in ids else (0 if by > 0 else len(ids)) - (by > 0)
        at = max(0, min(len(ids) - 1, at + by))
        self.cursor_lane = ids[at]
        self._show_line(at)
        self.refresh()

    def _show_line(self, at: int) -> None:
        seen = max(1, self._total_y - 1)
        top = self.scroll_offset.y
        if at < top:
            self.scroll_to(y=at, animate=False)
        elif at >= top + seen:
            self.scroll_to(y=at - seen + 1, animate=False)

    def on_click(self, event: events.Click) -> None:
        """A title sorts, a lane takes the cursor."""
        offset = event.get_content_offset(self)
        layout = self._layout
        if offset is None or layout is None:
            return
        if offset.y == 0:
            self._click_title(offset.x + self.scroll_offset.x - 1, layout)
        elif offset.y < self._total_y and (at := offset.y - 1 + self.scroll_offset.y) < len(self._rows):
            self.cursor_lane = self._rows[at].id
            self.refresh()

    def _click_title(self, x: int, layout: Layout) -> None:
        left = 0
        for column, width in zip(layout.columns, layout.widths, strict=True):
            if left <= x < left + width + 1:
                self.post_message(self.Sorted(column.field))
                return
            left += width + 1

    def on_resize(self) -> None:
        """Columns may fit better or worse now."""
        self._layout = None
        self._rearrange()

    def notify_style_update(self) -> None:
        """Another theme: every strip has old colours."""
        self._strips.clear()
        super().notify_style_update()

    def on_focus(self) -> None:
        """The cursor shows only with the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor goes."""
        self.refresh()

    @property
    def lines(self) -> list[str]:
        """The text in view, for tests."""
        return [self.render_line(y).text.rstrip() for y in range(self.scrollable_content_region.height)]
