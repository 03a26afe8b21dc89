# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Help for the pane in view: what it answers, and every key that works there."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from workbench.tui import keymap, palette
from workbench.tui.panes import Pane

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

_KEYS = 11


class HelpScreen(ModalScreen[None]):
    """Closed by any of the keys that opened it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,f1,enter", "dismiss", "Close")]

    if TYPE_CHECKING:
        app: WorkbenchApp

    def __init__(self, pane: Pane) -> None:
        super().__init__()
        self._pane = pane

    def compose(self) -> ComposeResult:
        """The text in a frame that scrolls."""
        with VerticalScroll(id="dialog", classes="help") as frame:
            yield Static(self.text)
        spec = next(spec for spec in self.app.panes if spec.id == self._pane.id)
        frame.border_title = f"Help · {spec.title}"
        frame.border_subtitle = "esc close · ↑↓ scroll"

    @property
    def text(self) -> Content:
        """What is shown."""
        room = min(100, self.app.size.width * 9 // 10) - 6
        paragraphs = [textwrap.fill(part, room) for part in self._pane.HELP.strip().split("\n\n")]
        parts: list[Content | str | tuple[str, str]] = ["\n\n".join(paragraphs), "\n"]
        for title, node in (("Keys here", self._pane), ("Keys everywhere", self.app)):
            known = keymap.known_bindings([type(node)])
            if known:
                parts.append((f"\n{title}\n", "bold $text-accent"))
            for binding in known.values():
                words = textwrap.wrap(binding.tooltip, room - _KEYS - 2) or [""]
                parts += [(f"  {palette.keys_of(self.app, binding):<{_KEYS}}", "bold"), f"{words[0]}\n"]
                parts += [f"{'':<{_KEYS + 2}}{more}\n" for more in words[1:]]
        tabs = "  ".join(f"{spec.key} {spec.title}" for spec in self.app.panes)
        parts += [(f"  {'tabs':<{_KEYS}}", "bold"), f"{tabs}\n"]
        return Content.assemble(*parts)
