# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A short list of rows under a header, with a cursor that stays on its row: for tens of rows, once a second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class Rows(Widget, can_focus=True):
    """Rows by key. `Looked` when the cursor comes to one, `Picked` for enter or a double click."""

    DEFAULT_CSS = """
    Rows {
        height: auto; border: round $foreground 30%; background: $surface; padding: 0 1;
        text-wrap: nowrap; text-overflow: ellipsis;
        &:focus { border: round $border; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1)", "Up", show=False),
        Binding("down", "cursor(1)", "Down", show=False),
        Binding("home", "cursor(-1000)", "First", show=False),
        Binding("end", "cursor(1000)", "Last", show=False),
        Binding("enter", "pick", "Choose", show=False),
    ]

    class Looked(Message):
        """The cursor is on another row."""

        def __init__(self, rows: Rows, key: str) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

        @property
        def control(self) -> Rows:
            """Whose row it is."""
            return self.rows

    class Picked(Looked):
        """A row was chosen."""

    AROUND: ClassVar[int] = 6
    """Cells of its width that no row gets: border, padding, the cursor's mark."""

    CLICKS: ClassVar[int] = 2
    """How many of them choose."""

    def __init__(self, *, id: str, title: str) -> None:
        super().__init__(id=id)
        self.border_title = title
        self.key = ""
        self._header = ""
        self._rows: list[tuple[str, Content]] = []

    def show(self, rows: Sequence[tuple[str, Content]], header: str = "") -> None:
        """Show these rows; the cursor stays where it was, if that is still there."""
        rows = list(rows)
        if (rows, header) == (self._rows, self._header):
            return
        grown = len(rows) != len(self._rows) or bool(header) != bool(self._header)
        self._rows, self._header = rows, header
        if rows and self.key not in [key for key, _ in rows]:
            self.key = rows[0][0]
        self.refresh(layout=grown)

    def render(self) -> Content:
        """All of it; the cursor's row is marked, and reversed while the list has the focus."""
        lines = [Content.styled(f"  {self._header}", "bold $foreground-muted")] if self._header else []
        for key, row in self._rows:
            under = key == self.key
            line = Content.assemble("▸ " if under else "  ", row)
            lines.append(Content.styled(line.plain, "reverse") if under and self.has_focus else line)
        return Content("\n").join(lines)

    def action_cursor(self, by: int) -> None:
        """Move the cursor."""
        keys = [key for key, _ in self._rows]
        if keys:
            at = keys.index(self.key) if self.key in keys else 0
            self._look(keys[max(0, min(len(keys) - 1, at + by))])

    def action_pick(self) -> None:
        """Choose the cursor's row."""
        if self._rows:
            self.post_message(self.Picked(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """A click looks, enough of them choose."""
        offset = event.get_content_offset(self)
        at = offset.y - bool(self._header) if offset is not None else -1
        if 0 <= at < len(self._rows):
            self._look(self._rows[at][0])
            if event.chain >= self.CLICKS:
                self.action_pick()

    def _look(self, key: str) -> None:
        if key != self.key:
            self.key = key
            self.post_message(self.Looked(self, key))
        self.refresh()

    def on_focus(self) -> None:
        """The cursor shows with the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """And fades without."""
        self.refresh()


class Switches(Rows):
    """Rows that are switched on and off: by enter, space or a click."""

    CLICKS = 1
    BINDINGS: ClassVar[list[BindingType]] = [Binding("space,enter", "pick", "Switch")]
