# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Run pane: choose, set, start, watch."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from workbench.tui.panes import Pane
from workbench.tui.run_state import RunState


class RunPane(Pane):
    """The first tab."""

    HELP = "How fast, how fair, how healthy?"
    FOOTER = ("app.burst", "app.verify", "app.again")

    def compose(self) -> ComposeResult:
        yield Static(id="x")

    def show_run(self, run: RunState) -> None:
        self.query_one("#x", Static).update(str(run.snapshot))
