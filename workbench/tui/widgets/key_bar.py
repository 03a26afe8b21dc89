# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The line at the bottom: at most eight keys, those that do something in the present state; a click does it too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.binding import ActiveBinding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

MOST = 8
_LAST = ("app.export", "app.help", "app.palette")
_FIRST = ("app.start", "app.pause")
# Whom a short of room hits first: the front of this.
_GIVE_UP = ("app.palette", "app.export", "app.pause")


@dataclass(frozen=True)
class Hint:
    """One entry: which keys, what they do, and the binding to run."""

    id: str
    key: str
    label: str
    active: ActiveBinding

    @property
    def width(self) -> int:
        """Cells, with the space around."""
        return len(self.key) + len(self.label) + 3


def chosen(hints: Sequence[Hint], width: int) -> list[Hint]:
    """At most MOST hints, and no more than fit: start and pause, what the pane has, then export, help, palette."""
    first = [hint for hint in hints if hint.id in _FIRST]
    last = sorted((hint for hint in hints if hint.id in _LAST), key=lambda hint: _LAST.index(hint.id))
    middle = [hint for hint in hints if hint not in first and hint not in last]
    shown = [*first, *middle, *last]
    while len(shown) > MOST or sum(hint.width for hint in shown) > width:
        surplus = [hint for hint in middle if hint in shown]
        given = [hint for name in _GIVE_UP for hint in shown if hint.id == name]
        shown.remove((surplus or shown)[-1] if len(surplus) > 3 or not given else given[0])
    return shown


class KeyBar(Widget):
    """One line of keys."""

    DEFAULT_CSS = """
    KeyBar { height: 1; background: $panel; text-wrap: nowrap; dock: bottom; }
    """

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._hints: list[Hint] = []

    def on_mount(self) -> None:
        """Follow the screen's bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self._changed(self.screen)

    @property
    def labels(self) -> list[str]:
        """What is shown, as "key label"."""
        return [f"{hint.key} {hint.label}" for hint in chosen(self._hints, self.size.width)]

    def _changed(self, screen: Screen[object]) -> None:
        hints = _hints(screen)
        if hints != self._hints:
            self._hints = hints
            self.refresh()

    def render(self) -> Content:
        """The chosen hints."""
        parts: list[Content | str | tuple[str, str]] = []
        for hint in chosen(self._hints, self.size.width):
            parts += [(f" {hint.key}", "bold $text-accent"), f" {hint.label} "]
        return Content.assemble(*parts)

    async def on_click(self, event: events.Click) -> None:
        """Do what was clicked on."""
        left = 0
        for hint in chosen(self._hints, self.size.width):
            if left <= event.x < left + hint.width:
                await self.app.run_action(hint.active.binding.action, hint.active.node)
                return
            left += hint.width


def _hints(screen: Screen[object]) -> list[Hint]:
    """What the focus, its pane and the app offer now, each action once."""
    found: dict[str, Hint] = {}
    wanted: frozenset[str] = getattr(screen.app, "footer_ids", frozenset)()
    for active in screen.active_bindings.values():
        binding = active.binding
        name = binding.id or binding.action
        if not active.enabled or name in found or not (binding.show or name in wanted):
            continue
        label = getattr(active.node, "action_label", lambda _action: None)(binding.action) or binding.description
        if label:
            found[name] = Hint(name, screen.app.get_key_display(binding), label, active)
    return sorted(found.values(), key=lambda hint: hint.id not in wanted)  # what the pane asks for goes first
