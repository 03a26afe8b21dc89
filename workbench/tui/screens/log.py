# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Log pane: everything that was said since the start, builds and compilers' words included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import RichLog

from workbench.tui.panes import Offer, Pane
from workbench.tui.run_state import RunState

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp


class LogPane(Pane):
    """What was said, the newest at the bottom."""

    HELP = """
Everything that was said since the start: notes of the engine, builds, compilers' and the verifier's words, what was
exported and where to. Export (e) writes it to a file.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home,g", "first", "Oldest", id="log.first", tooltip="To the oldest line"),
        Binding("end,G", "last", "Newest", id="log.last", tooltip="To the newest line, and follow it"),
    ]

    if TYPE_CHECKING:
        app: WorkbenchApp

    def compose(self) -> ComposeResult:
        """Lines that wrap."""
        yield RichLog(id="log-lines", wrap=True, max_lines=self.app.log_lines.maxlen, min_width=20)

    def on_mount(self) -> None:
        """Nothing is shown yet."""
        self._shown = 0

    def focus_main(self) -> None:
        """The lines scroll with the arrows."""
        self.query_one(RichLog).focus()

    def show_run(self, run: RunState) -> None:
        """Add what was said since the last time."""
        lines = self.query_one(RichLog)
        said = self.app.said
        for text in list(self.app.log_lines)[-(said - self._shown) :] if said > self._shown else ():
            lines.write(text)
        self._shown = said

    def offers(self) -> Sequence[Offer]:
        """The whole log."""
        return [Offer("The log, as text", "log", ".txt", lambda: "\n".join(self.app.log_lines) + "\n")]

    def action_first(self) -> None:
        """Up to the oldest."""
        self.query_one(RichLog).scroll_home(animate=False)

    def action_last(self) -> None:
        """Down to the newest."""
        self.query_one(RichLog).scroll_end(animate=False)
