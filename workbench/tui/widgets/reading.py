# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A text to read in place: a report, a compiler's words, a problem. It scrolls, and says how to leave."""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static


class Reading(VerticalScroll, can_focus=True):
    """One text with a title; nothing in it is taken for markup."""

    DEFAULT_CSS = """
    Reading {
        border: round $foreground 30%; background: $surface; padding: 0 1;
        &:focus { border: round $border; }
        border-subtitle-color: $text-muted;
        &.-problem { border: round $error; border-title-color: $text-error; border-title-style: bold; }
        & > Static { width: auto; min-width: 100%; }
        overflow-x: auto;
    }
    """

    def __init__(self) -> None:
        self.text = ""
        super().__init__(Static(id="reading-text", markup=False), id="reading")

    def show(self, title: str, text: str | Content, *, problem: bool = False, leave: str = "esc back") -> None:
        """Show a text from its beginning; one that is shown already stays where it was scrolled to."""
        content = text if isinstance(text, Content) else Content(text)
        self.text = content.plain
        static = self.query_one("#reading-text", Static)
        self.set_class(problem, "-problem")
        self.border_title = f"✗ {title}" if problem else title
        self.border_subtitle = leave
        if static.content != content:
            static.update(content)
            self.scroll_home(animate=False)
