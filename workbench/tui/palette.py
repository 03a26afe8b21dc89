# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command palette: every action there is, with its keys, those of the pane in view and of the whole app."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode

from workbench.tui import keymap

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp


def commands(app: WorkbenchApp) -> Iterable[SystemCommand]:
    """Actions that can be done now, tabs to go to, what the pane adds, and themes."""
    pane = app.pane
    for node in (pane, app):
        for binding in keymap.known_bindings(type(node).__mro__[:1]).values():
            if node.check_action(binding.action.split("(")[0], ()):
                yield _entry(app, node, binding)
    for spec in app.panes:
        if spec.id != pane.id:
            yield SystemCommand(f"Go to {spec.title}", f"Key {spec.key}", partial(app.action_pane, spec.id))
    for command in pane.commands():
        yield SystemCommand(command.title, command.help, command.run)
    yield SystemCommand("Theme", "Choose the colours", app.action_change_theme)
    yield SystemCommand("Keymap: write a file to edit", f"To {app.workspace.keymap}", app.write_keymap)


def keys_of(app: WorkbenchApp, binding: Binding) -> str:
    """The keys that a binding has by now, as they are labelled."""
    keys = app.keys_by_id.get(binding.id or "", binding.key)
    return " ".join(app.get_key_display(binding.with_key(key.strip())) for key in keys.split(","))


def _entry(app: WorkbenchApp, node: DOMNode, binding: Binding) -> SystemCommand:
    label = getattr(node, "action_label", lambda _action: None)(binding.action) or binding.description
    return SystemCommand(
        label, f"{binding.tooltip} · {keys_of(app, binding)}", partial(app.run_action, binding.action, node)
    )
