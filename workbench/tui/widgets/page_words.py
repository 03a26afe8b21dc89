# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Below the map of pages: what its glyphs and hues mean, and how the memory is cut up, in figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from workbench.arena.pages import PageKind, Totals
from workbench.tui import page_cells
from workbench.tui.look import PagesFrame
from workbench.tui.widgets import figures

_GLYPHS = {"█": "full", "▓": "≥½", "▒": "<½", "░": "empty", "·": "none", "≡": "own", "×": "globals"}
_AGES = ("½ s", "2 s", "10 s", "older")
_Part = tuple[str, str]  # text, and the name of a look or a style


class PageWords(Widget):
    """A few lines, by the Line API; `styles` gives the map's own style for a look."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"words--quiet", "words--loud"}
    DEFAULT_CSS = """
    PageWords {
        height: 5; background: $surface; padding: 0 1;
        & > .words--quiet { color: $text-muted; }
        & > .words--loud { text-style: bold; }
    }
    """

    def __init__(self, styles: Callable[[str], Style]) -> None:
        super().__init__(id="page-words")
        self._styles = styles
        self._lines: list[list[_Part]] = []

    def show(self, frame: PagesFrame | None, lane_name: Callable[[int], str]) -> None:
        """Show a frame's legend and figures; nothing without one."""
        lines = [] if frame is None else [_glyphs(), _hues(frame, lane_name), *_figures(frame.totals)]
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line; what does not fit is left out from the end."""
        width = self.size.width
        segments: list[Segment] = []
        room = width
        for text, look in self._lines[y] if y < len(self._lines) else ():
            if len(text.rstrip()) > room:
                break
            segments.append(Segment(text, self._style(look)))
            room -= len(text)
        return Strip(segments).extend_cell_length(width, self.rich_style).crop(0, width)

    def _style(self, look: str) -> Style:
        if look.startswith("words"):
            return self.get_component_rich_style(look)
        return self._styles(look) + Style(bold=True)

    @property
    def lines(self) -> list[str]:
        """The text, for tests."""
        return [self.render_line(y).text.rstrip() for y in range(self.size.height)]


def _glyphs() -> list[_Part]:
    parts: list[_Part] = []
    for glyph, meaning in _GLYPHS.items():
        parts += [(f"{glyph} ", "words--loud"), (f"{meaning}  ", "words--quiet")]
    return [*parts, ("bright: changed", "words--loud")]


def _hues(frame: PagesFrame, lane_name: Callable[[int], str]) -> list[_Part]:
    """What is in the arena, or for lanes in view, with its hue."""
    parts: list[_Part] = []
    match frame.ask.colour:
        case "class":
            parts.append(("live:  " if frame.totals.classes else "", "words--quiet"))
            for one in sorted(frame.totals.classes, key=lambda one: -one.pages):
                name = f"{one.slot_size} B" if one.size_class else "runs"
                parts += [(f"■ {name} ", page_cells.class_look(one.size_class))]
                parts += [(f"{figures.count(one.live)}  ", "words--quiet")]
        case "lane":
            for lane in frame.lanes:
                parts += [(f"■ {lane_name(lane)}  ", page_cells.lane_look(lane))]
        case "context":
            parts += [("■ last changed by user  ", "user"), ("■ by kernel", "kernel")]
        case _:
            parts += [("changed within  ", "words--quiet")]
            parts += [(f"■ {age}  ", f"age-{number}") for number, age in enumerate(_AGES)]
    return parts


def _figures(totals: Totals) -> list[list[_Part]]:
    pages = sum(totals.kinds.values())
    free = totals.kinds[PageKind.FREE]
    used = totals.populated - free
    first: list[_Part] = [
        (figures.count(totals.populated), "words--loud"),
        (f" of {figures.count(pages)} populated · ", "words--quiet"),
        (figures.count(used), "words--loud"),
        (" used · ", "words--quiet"),
        (f"{figures.count(free)} free", "words--loud"),
        (f" in {figures.count(totals.free_runs)} runs", "words--quiet"),
        (f", longest {figures.count(totals.longest_free)}", "words--quiet"),
    ]
    second: list[_Part] = [
        ("live ", "words--quiet"),
        (figures.size(totals.live_bytes), "words--loud"),
        (" · retired ", "words--quiet"),
        (figures.size(totals.retired_bytes), "words--loud"),
        (f" · freed slots {figures.size(totals.idle_bytes)}", "words--quiet"),
        (f" · never used {figures.size(totals.fresh_bytes)}", "words--quiet"),
    ]
    third: list[_Part] = [
        ("fragmentation inside pages ", "words--quiet"),
        (f"{totals.internal_fragmentation:.0%}", "words--loud"),
        (", between them ", "words--quiet"),
        (f"{totals.external_fragmentation:.0%}", "words--loud"),
        (f" · headers {figures.size(totals.lost_bytes)}", "words--quiet"),
    ]
    if totals.due:
        third.append((f" · {figures.count(totals.due)} pages to count", "words--quiet"))
    return [first, second, third]
