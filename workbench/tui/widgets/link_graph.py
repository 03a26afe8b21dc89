# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The structure as boxes and arrows, by the Line API: shows a frame, moves a cursor from box to box."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from workbench.arena.frame import Frame
from workbench.arena.shapes import Figure
from workbench.tui import link_canvas
from workbench.tui.link_canvas import LOOKS, Drawing, Stop

_DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


class LinkGraph(Widget, can_focus=True):
    """A frame that fits; the cursor is on a box, or on what stands for nodes that are left out."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"links--{look}" for look in LOOKS}
    DEFAULT_CSS = """
    LinkGraph {
        border: round $foreground 30%;
        background: $surface;
        border-subtitle-color: $text-muted;
        &:focus { border: round $border; }
        & > .links--wire { color: $foreground 60%; }
        & > .links--marked { color: $text-warning; }
        & > .links--bad { color: $text-error; text-style: bold; }
        & > .links--box { color: $foreground 60%; }
        & > .links--title { text-style: bold; }
        & > .links--head { text-style: bold; }
        & > .links--array { color: $foreground 60%; }
        & > .links--new { color: $text-success; text-style: bold; }
        & > .links--changed { color: $text-primary; text-style: bold; }
        & > .links--retired { color: $text-warning; }
        & > .links--quiet { color: $text-muted; }
        & > .links--gone { color: $text-error; }
        & > .links--here { color: $accent; text-style: bold; }
        & > .links--under { text-style: reverse; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, f"step('{key}')", key.capitalize(), show=False) for key in _DIRECTIONS
    ]

    class Moved(Message):
        """The cursor is on another stop."""

    class Resized(Message):
        """There is more or less room."""

    class Followed(Message):
        """The stop under the cursor was clicked once more."""

    def __init__(self) -> None:
        super().__init__(id="link-graph")
        self.rows_rendered = 0
        self.frame: Frame | None = None
        self.drawing = Drawing((), ())
        self.here: Stop | None = None
        self._words = ""
        self._strips: dict[tuple[str, bytes], Strip] = {}

    # What is shown

    def say(self, words: str) -> None:
        """Show words, for want of a structure."""
        self.frame, self.drawing, self._words = None, Drawing((), ()), words
        self.refresh()

    def show(self, frame: Frame, want: int | None = None) -> None:
        """Show a frame; the cursor goes to the object at `want`, or stays on its own, or goes to what is nearest."""
        before = self.here
        self.frame = frame
        stops = link_canvas.stops_of(frame)
        by_name = {stop.name: stop for stop in stops}
        found = by_name.get((want, None)) if want is not None else None
        if found is None and before is not None:
            found = by_name.get(before.name) or link_canvas.nearest(stops, *before.middle)
        self.here = found or (stops[0] if stops else None)
        self._draw()
        if before is None or self.here is None or before.name != self.here.name:
            self.post_message(self.Moved())

    def forget(self) -> None:
        """The next frame's cursor begins anew."""
        self.here = None

    def _draw(self) -> None:
        """Draw the frame, and again only the rows that changed."""
        if self.frame is None:
            return
        size = self.content_size
        old, name = self.drawing, self.here.name if self.here else None
        self.drawing = link_canvas.draw(self.frame, name, size.width, size.height)
        rows = self.drawing.rows
        if len(old.rows) != len(rows):
            self.refresh()
            return
        changed = [y for y, row in enumerate(rows) if row != old.rows[y]]
        if changed:
            self.refresh(*(Region(0, y, size.width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        """One row."""
        width = self.content_size.width
        if self.frame is None:
            lines = textwrap.wrap(self._words, max(20, width - 4))
            text = f"  {lines[y - 1]}" if 0 < y <= len(lines) else ""
            return Strip([Segment(text[:width].ljust(width), self._style("quiet"))], width)
        if y >= len(self.drawing.rows):
            return Strip.blank(width, self.rich_style)
        row = self.drawing.rows[y]
        strip = self._strips.get(row)
        if strip is None:
            strip = self._strip(*row).adjust_cell_length(width, self.rich_style)
            if len(self._strips) > 500:
                self._strips.clear()
            self._strips[row] = strip
        return strip

    def _strip(self, signs: str, looks: bytes) -> Strip:
        self.rows_rendered += 1
        segments: list[Segment] = []
        at = 0
        for look, run in groupby(looks):
            end = at + len(list(run))
            segments.append(Segment(signs[at:end], self._style(LOOKS[look])))
            at = end
        return Strip(segments, len(signs))

    def look(self, name: str) -> Style:
        """The style of a look, for a legend."""
        return self._style(name)

    def _style(self, look: str) -> Style:
        return self.get_component_rich_style(f"links--{look}")

    # What is done to it

    def action_step(self, direction: str) -> None:
        """To the next box that way."""
        if self.here is not None and self.frame is not None:
            wrapped = self.frame.figure is Figure.CHAIN
            self.put_cursor(link_canvas.step(self.drawing.stops, self.here, *_DIRECTIONS[direction], wrapped=wrapped))

    def put_cursor(self, stop: Stop) -> None:
        """The cursor, there."""
        if self.here is None or stop.name != self.here.name:
            self.here = stop
            self._draw()
            self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a box; a second click follows its pointer."""
        offset = event.get_content_offset(self)
        stop = self.drawing.stop_at(*offset) if offset is not None else None
        if stop is None:
            return
        if self.here is not None and stop.name == self.here.name:
            self.post_message(self.Followed())
        self.put_cursor(stop)

    def on_resize(self) -> None:
        """Another frame is wanted; until it is there, as much of this one as fits."""
        self._strips.clear()
        self._draw()
        self.post_message(self.Resized())

    def notify_style_update(self) -> None:
        """Another theme: every strip has old colours."""
        self._strips.clear()
        super().notify_style_update()

    @property
    def lines(self) -> list[str]:
        """The text in view, for tests."""
        return [self.render_line(y).text.rstrip() for y in range(self.content_size.height)]
