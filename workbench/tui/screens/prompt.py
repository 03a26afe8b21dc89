# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A dialog that asks for one line of text, with what is wrong with it said below."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class Prompt(ModalScreen[str | None]):
    """Answers the text, None for none. `check` says what is wrong with a text, "" for nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Close")]

    def __init__(
        self, title: str, value: str = "", *, hint: str = "", check: Callable[[str], str] = lambda _text: ""
    ) -> None:
        super().__init__()
        self._title = title
        self._value = value
        self._hint = hint
        self._check = check

    def compose(self) -> ComposeResult:
        """A line to type in, and one to read."""
        with Vertical(id="dialog") as frame:
            yield Input(self._value, compact=True, select_on_focus=False)
            yield Static(self._hint, id="prompt-words", markup=False)
        frame.border_title = self._title
        frame.border_subtitle = "enter ok · esc close"

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what is wrong while it is typed, once something was."""
        wrong = self._check(event.value) if event.value != self._value else ""
        self._say(wrong)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take it, unless it is wrong."""
        wrong = self._check(event.value)
        self._say(wrong)
        if not wrong:
            self.dismiss(event.value)

    def _say(self, wrong: str) -> None:
        words = self.query_one("#prompt-words", Static)
        words.update(wrong or self._hint)
        words.set_class(bool(wrong), "-wrong")
