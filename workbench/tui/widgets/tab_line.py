# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The tabs: names with their keys, the one in view reversed; a click opens one."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from workbench.tui.panes import PaneSpec


class TabLine(Widget):
    """One line of tabs."""

    DEFAULT_CSS = """
    TabLine { height: 1; background: $surface; text-wrap: nowrap; }
    """

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, pane: str) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, panes: Sequence[PaneSpec]) -> None:
        super().__init__(id="tabs")
        self._panes = panes
        self._current = ""
        self._marked: frozenset[str] = frozenset()

    def show(self, current: str) -> None:
        """Mark the tab in view."""
        self._current = current
        self._marked -= {current}
        self.refresh()

    def mark(self, pane: str) -> None:
        """Put a dot on a tab that has something new."""
        if pane != self._current and pane not in self._marked:
            self._marked |= {pane}
            self.refresh()

    def render(self) -> Content:
        """All tabs, side by side."""
        return Content.assemble(*(self._tab(spec) for spec in self._panes))

    def _tab(self, spec: PaneSpec) -> Content:
        dot = "•" if spec.id in self._marked else " "
        if spec.id == self._current:
            return Content.styled(f" {spec.key} {spec.title} ", "bold reverse")
        return Content.assemble((f" {spec.key}", "$text-accent"), f" {spec.title}", (dot, "bold $text-warning"))

    def on_click(self, event: events.Click) -> None:
        """Which tab was hit?"""
        left = 0
        for spec in self._panes:
            right = left + len(spec.key) + len(spec.title) + 3
            if left <= event.x < right:
                self.post_message(self.Chosen(spec.id))
                return
            left = right
