# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The protocol by which a screen becomes a tab of the shell, and the list of those there are.

To add one: write a Pane subclass, and add a line to PANES. The shell does the rest: its tab and key, mounting when it
is first looked at, help, palette, keymap, exports.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.containers import Vertical

from workbench.tui.run_state import RunState


@dataclass(frozen=True)
class Offer:
    """Something that can be exported: what it is called, the file's ending, and how to make its text."""

    title: str
    name: str
    suffix: str
    text: Callable[[], str]


@dataclass(frozen=True)
class Command:
    """An entry of the command palette beyond the bindings."""

    title: str
    help: str
    run: Callable[[], object]


class Pane(Vertical, can_focus=True):
    """One tab's content. BINDINGS need an id ("pages.zoom_in"), a short description and a tooltip (one sentence).

    What shows in the footer may depend on the state: `check_action` hides a binding, `action_label` renames it.
    """

    HELP: ClassVar[str] = ""
    """What the screen answers and how to use it: a few lines of plain text, above the table of its keys."""

    FOOTER: ClassVar[Sequence[str]] = ()
    """Ids of the shell's bindings (such as "app.burst") that this pane wants in its footer beside its own."""

    def show_run(self, run: RunState) -> None:
        """Show this state. Called when the pane comes into view, and then for each new state while it is."""

    def leave(self) -> None:
        """The pane goes out of view: stop timers, switch statistics off."""

    def focus_main(self) -> None:
        """Put the focus where a person wants it when the tab is opened."""
        self.focus()

    def offers(self) -> Sequence[Offer]:
        """What this pane can export beyond the screen, the snapshot, the report and the profile."""
        return ()

    def commands(self) -> Iterable[Command]:
        """Palette entries beyond the bindings."""
        return ()

    def action_label(self, action: str) -> str | None:
        """A better word for the footer than the binding's own, in the present state."""
        return None


@dataclass(frozen=True)
class PaneSpec:
    """A tab: its id, title and key, and where its class is, as "module:class"."""

    id: str
    title: str
    key: str
    where: str

    def load(self) -> type[Pane]:
        """The pane's class, imported now."""
        module, _, name = self.where.partition(":")
        found: type[Pane] = getattr(importlib.import_module(module), name)
        return found


_SCREENS = "workbench.tui.screens"

PANES: tuple[PaneSpec, ...] = (
    PaneSpec("run", "Run", "1", f"{_SCREENS}.run:RunPane"),
    PaneSpec("pages", "Pages", "2", f"{_SCREENS}.pages:PagesPane"),
    PaneSpec("links", "Links", "3", f"{_SCREENS}.links:LinksPane"),
    PaneSpec("kernel", "Kernel", "6", f"{_SCREENS}.kernel:KernelPane"),
    PaneSpec("log", "Log", "7", f"{_SCREENS}.log:LogPane"),
)
"""Tabs from left to right; 2 Pages, 3 Links, 4 Races, 5 History and 6 Kernel go between."""
