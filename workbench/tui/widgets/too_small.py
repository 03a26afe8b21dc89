# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What stands in front of everything when the terminal is too small to show it: how large it is, and has to be."""

from __future__ import annotations

from textual import events
from textual.widget import Widget


class TooSmall(Widget):
    """Covers the screen below a size; the run goes on behind it."""

    DEFAULT_CSS = """
    TooSmall {
        layer: top; width: 100%; height: 100%; display: none; position: absolute;
        content-align: center middle; text-align: center; background: $background;
    }
    TooSmall.-shown { display: block; }
    """

    def __init__(self, smallest: tuple[int, int]) -> None:
        super().__init__(id="too-small")
        self._smallest = smallest

    def on_mount(self) -> None:
        """Watch the screen, which a hidden widget hears nothing of."""
        self.watch(self.screen, "size", self._measure)

    def _measure(self) -> None:
        size = self.screen.size
        self.set_class(size.width < self._smallest[0] or size.height < self._smallest[1], "-shown")
        self.refresh()

    def render(self) -> str:
        """In as few words as fit anywhere."""
        width, height = self._smallest
        size = self.app.size
        return f"{width} × {height} needed\nthis is {size.width} × {size.height}\n\nthe run goes on"

    def on_resize(self, _event: events.Resize) -> None:
        """The words name the size."""
        self._measure()
