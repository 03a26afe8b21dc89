# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What can be done to a run from any pane: start, stop, pause the display, burst, verify, repeat, triggers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from workbench.profiles import TRIGGER_NAMES, Profile
from workbench.tui import run_state
from workbench.tui.run_state import Phase, RunState
from workbench.tui.seam import Building, Crashed, Event, Finished, Problem, Said, Session, Started, Verified

if TYPE_CHECKING:
    from workbench.tui.workspace import Services, Workspace

BURST = 1000


class RunControl:
    """The part of the app that gives orders to the session. Mixed into WorkbenchApp."""

    ACTIONS: ClassVar[list[Binding]] = [
        Binding(
            "space,f5",
            "start",
            "Start",
            id="app.start",
            tooltip="Start a run with the profile as it is shown, or stop the one that runs",
        ),
        Binding(
            "p", "pause", "Pause", id="app.pause", tooltip="Hold the display still; the run and the counting go on"
        ),
        Binding("r", "again", "Again", show=False, id="app.again", tooltip="Run once more with the same seed"),
        Binding(
            "k",
            "burst",
            "Kernel burst",
            show=False,
            id="app.burst",
            tooltip=f"Have the kernel do {BURST} operations now",
        ),
        Binding(
            "v", "verify", "Verify", show=False, id="app.verify", tooltip="Verify the structure now, from both sides"
        ),
    ]

    if TYPE_CHECKING:
        workspace: Workspace
        services: Services
        run_state: RunState
        paused: bool
        log_lines: deque[str]

        def publish(self, event: Event) -> None: ...
        def show_state(self) -> None: ...
        def refresh_bindings(self) -> None: ...
        def say(self, text: str, *, severity: str = "information", toast: bool = False) -> None: ...

    _session: Session | None = None

    @property
    def session(self) -> Session:
        """The session, opened when it is first needed."""
        if self._session is None:
            self._session = self.services.open_session(self.publish)
        return self._session

    def close_session(self) -> None:
        """End the engine and detach everything; harmless when there is nothing."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which orders make sense in the present state."""
        run = self.run_state
        match action:
            case "start":
                return not run.stopping
            case "pause":
                return run.active or self.paused
            case "again":
                return run.ended and bool(run.seed)
            case "burst":
                return run.live and run.backend == "bpf" and not run.stopping
            case "verify":
                return run.live and not run.stopping
        return True

    def action_label(self, action: str) -> str | None:
        """The footer's word for an order, in the present state."""
        match action:
            case "start":
                return "Stop" if self.run_state.active else "Start"
            case "pause":
                return "Go on" if self.paused else "Pause"
            case "again":
                return "Restart" if self.run_state.phase is Phase.CRASHED else "Same seed"
        return None

    def action_start(self) -> None:
        """Start, or stop what runs."""
        if self.run_state.active:
            self.session.stop()
            self.run_state = run_state.stopping(self.run_state)
            self.show_state()
        else:
            self.start(self.workspace.profile)

    def action_again(self) -> None:
        """The same run once more: same profile in the form, same seed."""
        self.start(self.workspace.with_seed(self.run_state.seed))

    def start(self, profile: Profile) -> None:
        """Start a run of `profile`."""
        self.paused = False
        self.run_state = run_state.started(profile)
        self.show_state()
        self.session.start(profile, self.workspace.include)

    def action_pause(self) -> None:
        """Hold the display, or let it go on with what is true by now."""
        self.paused = not self.paused
        self.show_state()

    def action_burst(self) -> None:
        """Kernel operations, now."""
        self.session.burst(BURST)
        self.say(f"Asked the kernel for {BURST} operations")

    def action_verify(self) -> None:
        """Verify, now."""
        self.session.verify()

    def set_trigger(self, name: str, on: bool) -> None:
        """Switch a trigger of the run that goes on."""
        if self.run_state.live and name in TRIGGER_NAMES:
            self.session.set_trigger(name, on)
            self.say(f"Trigger {name} switched {'on' if on else 'off'}")

    def take(self, event: Event) -> None:
        """Enter an event into the state and, where it is news, into the log."""
        self.run_state = run_state.after(self.run_state, event)
        match event:
            case Building():
                self.say(event.text)
            case Started():
                why = f" ({event.reason})" if event.reason else ""
                name = event.profile.structure.reference
                self.say(f"Started {name} on the {event.backend} backend{why}, seed {event.seed}")
            case Said():
                self.say(event.text, toast=True)
            case Verified():
                self.say(_verified(event), toast=True)
            case Problem():
                self.say(f"{event.title}\n{event.message}", severity="error")
            case Finished():
                failed = [name for name, check in event.report.checks.items() if check.result == "failed"]
                self.say(
                    f"Finished after {event.report.duration_s:.2f} s"
                    + (f"; failed: {', '.join(failed)}" if failed else "")
                )
            case Crashed():
                self.say(f"Crashed: {event.message}", severity="error")


def _verified(event: Verified) -> str:
    """Both sides' answers, and how far they may be trusted."""
    sides = [f"{side}: {said}" for side, said in (("user", event.user), ("kernel", event.kernel)) if said is not None]
    note = " (lanes were running meanwhile, so a failure may be one of timing)" if event.live else ""
    return f"Verify: {', '.join(sides) or 'nobody could look'}{note}"
