# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Below the graph: what the signs mean, and how many pointers are bad and why. Two lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from workbench.arena.frame import Frame, Mark
from workbench.arena.links import WORDS
from workbench.tui.link_canvas import CHANGED, GONE, NEW
from workbench.tui.widgets import figures

_Part = tuple[str, str]  # text, and the name of a look


class LinkWords(Widget):
    """Two lines, by the Line API; `styles` gives the graph's own style for a look."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"link-words--good"}
    DEFAULT_CSS = """
    LinkWords {
        height: 2; background: $surface; padding: 0 1;
        & > .link-words--good { color: $text-success; }
    }
    """

    def __init__(self, styles: Callable[[str], Style]) -> None:
        super().__init__(id="link-words")
        self._styles = styles
        self._lines: list[list[_Part]] = []

    def show(self, frame: Frame | None, at_work: bool) -> None:
        """Show a frame's sums; `at_work`: lanes go on meanwhile."""
        lines = [] if frame is None else [_bad(frame, at_work), _signs(frame)]
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line."""
        width = self.size.width
        segments = [
            Segment(text, self.get_component_rich_style("link-words--good") if look == "good" else self._styles(look))
            for text, look in (self._lines[y] if y < len(self._lines) else ())
        ]
        return Strip(segments).extend_cell_length(width, self.rich_style).crop(0, width)

    @property
    def lines(self) -> list[str]:
        """The text, for tests."""
        return [self.render_line(y).text.rstrip() for y in range(self.size.height)]


def _bad(frame: Frame, at_work: bool) -> list[_Part]:
    total = sum(frame.bad.values())
    if not total:
        parts: list[_Part] = [("✓ no bad pointers", "good")]
    else:
        kinds = ", ".join(
            f"{figures.count(count)} {WORDS[kind]}"
            for kind, count in sorted(frame.bad.items(), key=lambda one: -one[1])
        )
        parts = [(f"✗ {figures.count(total)} bad pointer{'s' if total > 1 else ''}: {kinds}", "bad")]
    if frame.passing:
        parts.append((f" · {figures.count(frame.passing)} seen once, a lane's half-done work", "quiet"))
    elif at_work and frame.moved:
        parts.append((f" · {figures.count(frame.moved)} moved while they were followed", "quiet"))
    return [*parts, (f" · {figures.count(frame.nodes)} objects, depth {figures.count(frame.max_depth)}", "quiet")]


def _signs(frame: Frame) -> list[_Part]:
    new = sum(box.mark is Mark.NEW for box in frame.boxes)
    changed = sum(box.mark is Mark.CHANGED for box in frame.boxes)
    parts: list[_Part] = [(f"{NEW} {new} new  ", "new" if new else "quiet")]
    parts.append((f"{CHANGED} {changed} changed  ", "changed" if changed else "quiet"))
    parts.append((f"{GONE} {len(frame.gone)} gone", "gone" if frame.gone else "quiet"))
    if frame.gone:
        titles = [gone.title for gone in frame.gone[:6]]
        parts.append((f": {', '.join(titles)}{' …' if len(frame.gone) > 6 else ''}", "gone"))
    return [*parts, ("  since the last frame", "quiet")]
