# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A log of any length by the Line API: only lines in view are read from it."""

from __future__ import annotations

from typing import ClassVar, Protocol

from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

MARGIN = 9  # of line numbers


class Lines(Protocol):
    """What can be shown."""

    def __len__(self) -> int: ...
    def line(self, number: int) -> str:
        """A line, counted from 0."""
        ...

    @property
    def width(self) -> int:
        """Of the longest line, about."""
        ...


class LogView(ScrollView, can_focus=True):
    """Numbered lines; `mark` is the one that was found, `words` what is bright in every line."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--number", "log--source", "log--quiet", "log--loud", "log--marked"}
    DEFAULT_CSS = """
    LogView {
        background: $surface;
        & > .log--number { color: $text-muted; }
        & > .log--source { color: $text-accent; }
        & > .log--quiet { color: $text-muted; }
        & > .log--loud { text-style: bold; }
        & > .log--marked { text-style: reverse; }
    }
    """

    def __init__(self, lines: Lines) -> None:
        super().__init__(id="log-view")
        self._lines = lines
        self.mark: int | None = None
        self.words = ""
        self.virtual_size = Size(lines.width + MARGIN, len(lines))

    def go(self, line: int) -> None:
        """Bring a line into view, in the middle unless it is there already."""
        height = max(1, self.scrollable_content_region.height)
        if not self.scroll_offset.y <= line < self.scroll_offset.y + height:
            self.scroll_to(y=line - height // 2, animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the viewport."""
        width = self.scrollable_content_region.width
        number = y + self.scroll_offset.y
        if number >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        text = self._lines.line(number)
        style = self.get_component_rich_style(_look(text)) if _look(text) else self.rich_style
        left = self.scroll_offset.x
        marked = self.get_component_rich_style("log--marked", partial=True)
        segments = [Segment(f"{number + 1:>{MARGIN - 2}}  ", self.get_component_rich_style("log--number"))]
        start = 0
        for at in _places(text, self.words):
            segments += [Segment(text[start:at], style), Segment(text[at : at + len(self.words)], style + marked)]
            start = at + len(self.words)
        segments.append(Segment(text[start:], style))
        strip = Strip([segment for segment in segments if segment.text])
        if number == self.mark:
            strip = Strip([Segment("▸", strip._segments[0].style), *strip.crop(1)])
        return strip.crop_extend(left, left + width, self.rich_style)


def _look(text: str) -> str:
    """Lines of source stand out, explored paths step back, figures are loud."""
    if text.startswith(";"):
        return "log--source"
    if text.endswith(": safe") or text.startswith(("from ", "mark_precise: ", "frame ")):
        return "log--quiet"
    if text.startswith(("processed ", "verification time", "stack depth", "Validating ")):
        return "log--loud"
    return ""


def _places(text: str, words: str) -> list[int]:
    """Where `words` are in a line."""
    if not words:
        return []
    inside = text.lower() if words == words.lower() else text
    places, at = [], inside.find(words)
    while at >= 0:
        places.append(at)
        at = inside.find(words, at + len(words))
    return places
