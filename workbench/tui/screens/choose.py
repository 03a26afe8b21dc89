# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A dialog that offers a few lines to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class Choose(ModalScreen[int | None]):
    """Answers the number of the line chosen, None for none."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss(None)", "Close")]

    def __init__(self, title: str, lines: Sequence[str], *, at: int = 0) -> None:
        super().__init__()
        self._title = title
        self._lines = lines
        self._at = at

    def compose(self) -> ComposeResult:
        """One list."""
        choices = OptionList(*(Option(line) for line in self._lines), id="dialog", markup=False)
        choices.border_title = self._title
        choices.border_subtitle = "enter choose · esc close"
        yield choices

    def on_mount(self) -> None:
        """Start where the present choice is."""
        self.query_one(OptionList).highlighted = self._at if self._lines else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Chosen."""
        self.dismiss(event.option_index)
