# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The shell: title, tabs, panes and keys around one session. Orders to a run are in run_control, drawing in panes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import work
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import ContentSwitcher

from workbench.errors import WorkbenchError
from workbench.person import acting_as
from workbench.tui import exports, keymap, palette
from workbench.tui.panes import PANES, Offer, Pane, PaneSpec
from workbench.tui.run_control import RunControl
from workbench.tui.run_state import Phase, RunState
from workbench.tui.seam import Event
from workbench.tui.widgets.key_bar import KeyBar
from workbench.tui.widgets.tab_line import TabLine
from workbench.tui.widgets.title_line import TitleLine
from workbench.tui.widgets.too_small import TooSmall
from workbench.tui.workspace import Services, Workspace

SMALLEST = (80, 24)
WIDE = 100
LOG_LINES = 2000


class WorkbenchApp(RunControl, App[int]):
    """The screen of the workbench."""

    TITLE = "arena-workbench"
    CSS_PATH = "workbench.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+underscore"  # ours, with an id, is below
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 as Textual declares it

    BINDINGS: ClassVar[list[BindingType]] = [
        *RunControl.ACTIONS,
        Binding(
            "e",
            "export",
            "Export",
            id="app.export",
            tooltip="Write the screen, the counters, the report or the profile to a file",
        ),
        Binding(
            "question_mark,f1", "help", "Help", id="app.help", tooltip="What this screen shows, and all of its keys"
        ),
        Binding(
            "ctrl+p", "command_palette", "Palette", id="app.palette", tooltip="Every action, by name", priority=True
        ),
        Binding(
            "ctrl+z",
            "suspend_process",
            "Suspend",
            show=False,
            id="app.suspend",
            tooltip="Back to the shell; fg returns, the run goes on",
            priority=True,
        ),
        Binding("q", "quit", "Quit", show=False, id="app.quit", tooltip="End the run, detach everything, and leave"),
    ]

    shown: reactive[RunState] = reactive(RunState(), init=False)
    paused: reactive[bool] = reactive(False, init=False, bindings=True)

    class Arrived(Message):
        """Events wait in the inbox; told from the collector's thread."""

    def __init__(
        self, workspace: Workspace | None = None, services: Services | None = None, panes: Sequence[PaneSpec] = PANES
    ) -> None:
        super().__init__()
        self.workspace = workspace or Workspace()
        self.services = services or Services()
        self.panes = tuple(panes)
        self.run_state = RunState()
        self.log_lines: deque[str] = deque(maxlen=LOG_LINES)
        self.said = 0
        self._pane = self.panes[0].id
        self.keys_by_id: dict[str, str] = {}
        self.failure: Exception | None = None
        self._inbox: deque[Event] = deque()
        self._told = threading.Event()

    def compose(self) -> ComposeResult:
        """Only what the first paint needs: the other panes come when they are looked at."""
        first = self.panes[0]
        yield TitleLine(self.workspace.release)
        yield TabLine(self.panes)
        with ContentSwitcher(id="panes", initial=first.id):
            yield first.load()(id=first.id)
        yield KeyBar()
        yield TooSmall(SMALLEST)

    def on_mount(self) -> None:
        """Keys and theme as the person wants them; the rest after the first paint."""
        for spec in self.panes:
            self.bind(spec.key, f"pane('{spec.id}')", description=spec.title, show=False)
        if self.console.color_system == "standard" and not (self.no_color or self.is_headless):
            self.theme = "ansi-dark"
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit, 128 + signal.SIGTERM)
        self.app_resume_signal.subscribe(self, self._resumed)
        self.query_one(TabLine).show(self.panes[0].id)
        self.show_state()
        self.pane.focus_main()
        self.call_after_refresh(self.read_keymap)

    # The panes

    @property
    def pane(self) -> Pane:
        """The pane in view."""
        return self.main.query_one(ContentSwitcher).get_child_by_id(self._pane, Pane)

    @property
    def main(self) -> Screen[object]:
        """The screen below all dialogs."""
        return self.screen_stack[0]

    async def action_pane(self, name: str) -> None:
        """Bring a pane into view, mounting it the first time."""
        switcher = self.main.query_one(ContentSwitcher)
        if self._pane == name:
            return
        self.pane.leave()
        spec = next(spec for spec in self.panes if spec.id == name)
        try:
            switcher.get_child_by_id(name)
        except NoMatches:
            await switcher.mount(spec.load()(id=name))
        switcher.current = self._pane = name
        self.main.query_one(TabLine).show(name)
        self.pane.focus_main()
        self.pane.show_run(self.shown)
        self.refresh_bindings()

    async def on_tab_line_chosen(self, event: TabLine.Chosen) -> None:
        """A click on a tab."""
        await self.action_pane(event.pane)

    def footer_ids(self) -> frozenset[str]:
        """Bindings of the shell that the pane in view wants in the footer."""
        return frozenset(self.pane.FOOTER)

    # What arrives

    def publish(self, event: Event) -> None:
        """Take an event, from whatever thread; several that arrive together are one message."""
        self._inbox.append(event)
        if not self._told.is_set():
            self._told.set()
            self.post_message(self.Arrived())

    def on_workbench_app_arrived(self) -> None:
        """Go through the inbox; what is seen is the state after all of it."""
        if not self.screen_stack:  # the screen is being taken down
            return
        self._told.clear()
        while self._inbox:
            self.take(self._inbox.popleft())
        self.show_state()

    def show_state(self) -> None:
        """Bring the state before the eyes, unless the display is paused."""
        if not self.paused:
            self.shown = self.run_state
        self.main.set_class(self.paused, "-paused")
        self.main.query_one(TitleLine).show(
            self.shown, structure=self.workspace.profile.structure.reference, paused=self.paused
        )

    def watch_shown(self, before: RunState, now: RunState) -> None:
        """Hand a new state to the pane in view; its bindings change with the phase only."""
        self.pane.show_run(now)
        if (before.phase, before.stopping, before.problem) != (now.phase, now.stopping, now.problem):
            self.refresh_bindings()
            if now.phase is Phase.RUNNING:
                gc.freeze()  # all that the screen is made of stays: collecting through it would take 50 ms each time

    def say(self, text: str, *, severity: str = "information", toast: bool = False) -> None:
        """Keep `text` in the log, and where it is asked for show it for a moment."""
        self.log_lines.append(text)
        self.said += 1
        if self._pane == "log":
            self.pane.show_run(self.shown)
        else:
            self.main.query_one(TabLine).mark("log")
        if toast:
            self.notify(text, severity="error" if severity == "error" else "information", markup=False)

    # Keys, help, palette, exports

    def known_bindings(self) -> dict[str, Binding]:
        """Every action that a keymap may name."""
        return keymap.known_bindings([type(self), *(spec.load() for spec in self.panes)])

    @work(thread=True, exit_on_error=True)
    def read_keymap(self) -> None:
        """Read the keymap file, and say what is wrong with it."""
        path = self.workspace.keymap
        if not path.exists():
            return
        found = keymap.load(path, self.known_bindings())
        self.call_from_thread(self._use_keymap, found)

    def _use_keymap(self, found: keymap.Keymap) -> None:
        self.keys_by_id = found.keys
        self.set_keymap(found.keys)
        for problem in found.problems:
            self.say(problem, severity="error", toast=True)

    def write_keymap(self) -> None:
        """Write a keymap file to edit, unless there is one."""
        path = self.workspace.keymap
        try:
            with acting_as(self.workspace.person):
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("x", encoding="utf-8") as file:
                    file.write(keymap.template(self.known_bindings()))
        except OSError as error:
            self.say(f"{path}: {error.strerror}", severity="error", toast=True)
        else:
            self.say(f"Written: {path}; it is read at the next start", toast=True)

    def action_help(self) -> None:
        """Help for the pane in view."""
        from workbench.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.pane))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers."""
        return palette.commands(self)

    def offers(self) -> list[Offer]:
        """All that can be exported now."""
        from workbench.profile_saving import as_toml

        profile = self.workspace.profile
        svg = self.export_screenshot(title=self.TITLE)
        return [
            Offer("The screen, as SVG", f"screen-{self.pane.id}", ".svg", lambda: svg),
            *exports.of_run(self.shown),
            Offer("The profile, as TOML", "profile", ".toml", lambda: as_toml(profile)),
            *self.pane.offers(),
        ]

    @work
    async def action_export(self) -> None:
        """Ask what to export, write it, say where it went."""
        from workbench.tui.screens.choose import Choose

        offers = self.offers()
        picked = await self.push_screen_wait(Choose("Export", [offer.title for offer in offers]))
        if picked is not None:
            self.export(offers[picked])

    def export(self, offer: Offer) -> None:
        """Write an offer, and say where it went."""
        try:
            path = exports.write(offer, self.workspace.person)
        except WorkbenchError as error:
            self.say(str(error), severity="error", toast=True)
        else:
            self.say(f"Written: {path}", toast=True)

    # The end

    def _resumed(self, _app: object) -> None:
        """Back in the foreground: the shell may have written on the screen after it was painted, so paint it again."""
        for after_s in (0.1, 0.5):
            self.set_timer(after_s, lambda: self.screen.refresh(layout=True))

    def action_suspend_process(self) -> None:
        """Stop the whole job, as the terminal's own Ctrl-Z would: make and sudo, which wait for us, too."""
        if self._driver is not None and self._driver.can_suspend:
            self._suspend_signal()
            os.kill(0, signal.SIGTSTP)

    def _handle_exception(self, error: Exception) -> None:
        """Keep the error for whoever started the app: a traceback on the terminal helps nobody."""
        self.failure = self.failure or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()
