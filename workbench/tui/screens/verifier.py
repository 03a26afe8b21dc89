# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The verifier's whole log of a program, to scroll and search. In front of the panes, closed by escape."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from workbench.tui.widgets import figures
from workbench.tui.widgets.log_view import LogView

if TYPE_CHECKING:
    from workbench.verifier_log import VerifierLog


class VerifierScreen(ModalScreen[None]):
    """A log, and a line to search in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Close"),
        Binding("slash", "search", "Search"),
        Binding("n", "again(False)", "Next"),
        Binding("N", "again(True)", "Previous"),
        Binding("g,home", "end(False)", "First line"),
        Binding("G,end", "end(True)", "Last line"),
    ]
    DEFAULT_CSS = """
    VerifierScreen {
        #verifier {
            width: 100%; height: 100%; border: round $accent; background: $surface;
            border-subtitle-color: $text-muted;
        }
        LogView { height: 1fr; }
        #verifier-words { height: 1; padding: 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        Input { display: none; }
        &.-searching { Input { display: block; } #verifier-words { display: none; } }
    }
    """

    def __init__(self, log: VerifierLog) -> None:
        super().__init__()
        self._log = log

    def compose(self) -> ComposeResult:
        """The log above, the search below while there is one."""
        with Vertical(id="verifier") as frame:
            yield LogView(self._log)
            yield Static(id="verifier-words", markup=False)
            yield Input(placeholder="search; capitals matter when there are any", compact=True, select_on_focus=True)
        log = self._log
        cut = f", the last {figures.size(log.size)}" if log.cut else ""
        frame.border_subtitle = "/ search · n N next, previous · g G ends · esc close"
        frame.border_title = f"Verifier log · {log.program} · {log.verdict} · {figures.count(len(log))} lines{cut}"

    def on_mount(self) -> None:
        """What was refused says why at its end."""
        self._say(f"all of it: {self._log.path}")
        self.query_one(LogView).focus()
        if self._log.verdict != "accepted":
            self.call_after_refresh(self.action_end, True)

    def _say(self, words: str) -> None:
        self.query_one("#verifier-words", Static).update(words)

    def action_leave(self) -> None:
        """The search first, then all of it."""
        if self.has_class("-searching"):
            self._stop_searching()
        else:
            self.dismiss()

    def action_search(self) -> None:
        """Ask for words."""
        self.add_class("-searching")
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Look for them from the top of what is in view."""
        view = self.query_one(LogView)
        self._stop_searching()
        view.words = event.value
        view.refresh()
        self._find(event.value, view.scroll_offset.y - 1, False)

    def action_again(self, back: bool) -> None:
        """The next or the previous place."""
        view = self.query_one(LogView)
        here = view.mark if view.mark is not None else view.scroll_offset.y - 1
        self._find(view.words, here, back)

    def action_end(self, last: bool) -> None:
        """To the first or the last line."""
        view = self.query_one(LogView)
        if last:
            view.scroll_end(animate=False)
        else:
            view.scroll_home(animate=False)

    def _stop_searching(self) -> None:
        self.remove_class("-searching")
        self.query_one(LogView).focus()

    @work(thread=True, exclusive=True, group="verifier-search")
    def _find(self, words: str, line: int, back: bool) -> None:
        """A long log takes a while to go through."""
        if words:
            self.app.call_from_thread(self._found, words, self._log.find(words, line, back=back))

    def _found(self, words: str, line: int | None) -> None:
        view = self.query_one(LogView)
        view.mark = line
        if line is None:
            view.refresh()
            self._say(f"“{words}” is not there")
            return
        view.go(line)
        self._say(f"“{words}” in line {figures.count(line + 1)}")
