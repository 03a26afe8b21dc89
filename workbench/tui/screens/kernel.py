# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Kernel pane: what is loaded into the kernel, what does it cost, what does the kernel say of it?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from workbench.errors import WorkbenchError
from workbench.kernel_info import KernelInfo, unloaded
from workbench.tui import kernel_rows
from workbench.tui.panes import Offer, Pane
from workbench.tui.run_state import Phase, RunState
from workbench.tui.widgets import figures
from workbench.tui.widgets.rows import Rows, Switches

if TYPE_CHECKING:
    from workbench.builds import Build
    from workbench.tui.app import WorkbenchApp
    from workbench.verifier_log import VerifierLog

EVERY_S = 1.0
_LOWER = ("detail", "maps", "reports")


class KernelPane(Pane):
    """Programs above; below, the one under the cursor, maps, triggers, and what the kernel reports."""

    HELP = """
What is loaded into the kernel, and what does it cost? Runs, their mean time and their share of a CPU are counted by
the kernel only while this tab is in view (counting slows every BPF program of the machine a little); a kernel lane's
program performs a whole stretch of operations a run, and a trigger's runs for every process of the machine though it
performs operations for the workbench's own alone. Insns and states are what the verifier went through. Triggers are
switched here for the present run; the profile has those of the next. Reports are what the kernel has written into the
programs' streams, such as accesses to arena pages that are not there (Linux 6.17 and later).
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "log", "Verifier log", id="kernel.log", tooltip="All that the verifier says of this program"),
        Binding("t", "triggers", "Triggers", id="kernel.triggers", tooltip="To the triggers; enter or space switches"),
        Binding("m", "lower", "More", id="kernel.lower", tooltip="This program, the maps or the reports, in turn"),
        Binding("escape", "programs", "Programs", show=False, id="kernel.programs", tooltip="To the programs"),
    ]
    SCOPED_CSS: ClassVar[bool] = False  # the rules name the pane themselves, below the screen's class
    DEFAULT_CSS = """
    KernelPane {
        #kernel-words { display: none; padding: 1 2; height: auto; }
        #kernel-banner { display: none; padding: 0 1; height: auto; background: $surface; }
        &.-words #kernel-words, &.-banner #kernel-banner { display: block; }
        &.-words #kernel-shown { display: none; }
        &.-wrong #kernel-words, &.-wrong #kernel-banner { color: $text-error; }
        .panel { border: round $foreground 30%; background: $surface; padding: 0 1; }
        .panel:focus { border: round $border; }
        #kernel-middle { height: 11; }
        #kernel-left, #kernel-maps { width: 53; height: 100%; }
        #kernel-triggers { height: 1fr; }
        #kernel-problems { height: auto; padding: 0 1; color: $text-error; }
        #kernel-detail, #kernel-reports { width: 1fr; height: 100%; }
        #kernel-bottom { height: 1fr; }
        #kernel-reports.-faults { border: round $error; border-title-color: $text-error; }
    }
    Screen.-narrow KernelPane {
        #kernel-middle, #kernel-left, #kernel-triggers { height: auto; }
        #kernel-problems { max-height: 2; }
        &.-banner #kernel-banner { display: none; }
        &.-banner.-wrong #kernel-banner { display: block; }
        #kernel-left, #kernel-maps { width: 1fr; }
        #kernel-detail, #kernel-maps, #kernel-reports, #kernel-bottom { display: none; }
        &.-lower-detail {
            #kernel-middle { height: 1fr; layout: vertical; }
            #kernel-detail { display: block; height: 1fr; }
        }
        &.-lower-maps #kernel-bottom, &.-lower-reports #kernel-bottom { display: block; }
        &.-lower-maps #kernel-maps, &.-lower-reports #kernel-reports { display: block; }
    }
    Screen.-paused KernelPane .live { border: round $warning; border-title-color: $text-warning; }
    """

    if TYPE_CHECKING:
        app: WorkbenchApp

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._run = RunState()
        self._shown: tuple[object, ...] = ()
        self._info: KernelInfo | None = None
        self._lower = 0
        self._clock: Timer | None = None
        self._counting = False
        self._reading = False
        self._log: VerifierLog | None = None

    def compose(self) -> ComposeResult:
        """Words, or all of it."""
        yield Static(id="kernel-words", markup=False)
        yield Static(id="kernel-banner", markup=False)
        with Vertical(id="kernel-shown"):
            yield Rows(id="kernel-programs", title="Programs")
            with Horizontal(id="kernel-middle"):
                with Vertical(id="kernel-left"):
                    yield Switches(id="kernel-triggers", title="Triggers")
                    yield Static(id="kernel-problems", markup=False)
                yield _panel("detail", "Program")
            with Horizontal(id="kernel-bottom"):
                yield _panel("maps", "Maps")
                yield _panel("reports", "Reports of the kernel")

    def on_mount(self) -> None:
        """Which of the lower panels shows in a narrow terminal."""
        self.query_one("#kernel-programs").add_class("live")
        self.query_one("#kernel-triggers").add_class("live")
        self._look_lower()

    def focus_main(self) -> None:
        """The programs; without any, the pane, so that its keys hold."""
        self.screen.set_focus(self if self.has_class("-words") else self.query_one("#kernel-programs"))

    # What is asked

    def show_run(self, run: RunState) -> None:
        """Ask while there is somebody to ask; show what is known."""
        before, self._run = self._run, run
        if self._clock is None:
            self._clock = self.set_interval(EVERY_S, self._ask)
            self._ask()
        elif self._asks(run) and not self._asks(before):
            self._ask()
        self._show()

    def leave(self) -> None:
        """Out of view: the kernel counts no more."""
        if self._clock is not None:
            self._clock.stop()
            self._clock = None
        if self._counting:
            self._counting = False
            self.app.session.kernel(False)

    def _asks(self, run: RunState) -> bool:
        return run.phase in (Phase.RUNNING, Phase.FINISHED) and run.backend == "bpf"

    def _ask(self) -> None:
        # The run itself, not the state in view: a held display still wants to be true when it goes on.
        if self._asks(self.app.run_state):
            self._counting = True
            self.app.session.kernel(True)

    # What is shown

    def _show(self) -> None:
        run = self._run
        now = (run.kernel, run.phase, run.problem, run.step, run.backend)
        if now == self._shown:
            return
        self._shown = now
        words, wrong = _words(run)
        banner = _banner(run)
        appeared = self.has_class("-words") is not bool(words)
        self.set_class(bool(words), "-words")
        self.set_class(bool(banner) and not words, "-banner")
        self.set_class(wrong or run.phase is Phase.CRASHED, "-wrong")
        self.query_one("#kernel-words", Static).update(words)
        self.query_one("#kernel-banner", Static).update(banner)
        self.refresh_bindings()
        if not words and run.kernel is not None:
            self._show_info(unloaded(run.kernel) if run.phase is Phase.CRASHED else run.kernel, run)
        if appeared and self.screen is self.app.screen:
            self.call_after_refresh(self.focus_main)

    def _show_info(self, info: KernelInfo, run: RunState) -> None:
        programs, triggers = self.query_one("#kernel-programs", Rows), self.query_one("#kernel-triggers", Rows)
        header, rows = kernel_rows.program_rows(info.programs, self.size.width - Rows.AROUND)
        programs.show([(name, Content(row)) for name, row in rows], header)
        programs.border_subtitle = "◌ verifying once more…" if self._reading else _counted(info)
        triggers.show(kernel_rows.trigger_rows(info.triggers, run.snapshot))
        problems = kernel_rows.trigger_problems(info.triggers)
        self.query_one("#kernel-problems", Static).update(problems)
        self.query_one("#kernel-problems").display = bool(problems)
        self._put("maps", kernel_rows.map_table(info.maps, run.snapshot))
        self._put("reports", _reports(info))
        self.query_one("#kernel-reports").set_class(info.fault_count > 0, "-faults")
        self.query_one("#kernel-reports").border_subtitle = (
            f"✗ {figures.count(info.fault_count)}" if info.fault_count else ""
        )
        self._info = info
        self._show_detail()

    def _show_detail(self) -> None:
        info, name = self._info, self.query_one("#kernel-programs", Rows).key
        program = next((one for one in info.programs if one.name == name), None) if info else None
        if info and program:
            self._put("detail", kernel_rows.program_detail(program, info))
            self.query_one("#kernel-detail").border_title = program.name

    def _put(self, panel: str, content: Content) -> None:
        static = self.query_one(f"#kernel-{panel}-text", Static)
        if static.content != content:
            static.update(content)

    def on_resize(self) -> None:
        """Columns may fit better or worse now."""
        self._shown = ()
        self.call_after_refresh(self._show)

    # What can be done

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What makes sense in the present state."""
        shown = self._run.kernel is not None and bool(self._run.kernel.programs)
        match action:
            case "log":
                return shown and not self._reading
            case "triggers":
                return shown
            case "lower":
                return shown and self.screen.has_class("-narrow")
        return True

    def action_label(self, action: str) -> str | None:
        """What m shows next."""
        return _LOWER[(self._lower + 1) % 3].capitalize() if action == "lower" else None

    def on_rows_looked(self, event: Rows.Looked) -> None:
        """Another program."""
        self._show_detail()

    def on_rows_picked(self, event: Rows.Picked) -> None:
        """A trigger is switched, a program's log is read."""
        event.stop()
        if event.rows.id == "kernel-programs":
            self.action_log()
            return
        info = self._run.kernel
        trigger = next((one for one in info.triggers if one.name == event.key), None) if info else None
        if trigger is None:
            return
        if not self.app.run_state.live:
            self.app.notify("Triggers are switched during a run; for the next one, in the profile (1)", markup=False)
            return
        self.app.set_trigger(trigger.name, not trigger.on)
        self._ask()

    def action_triggers(self) -> None:
        """To the triggers, before the next key is handled."""
        self.screen.set_focus(self.query_one("#kernel-triggers"))

    def action_programs(self) -> None:
        """To the programs."""
        self.focus_main()

    def action_lower(self) -> None:
        """The next of the lower panels, in a narrow terminal."""
        self._lower = (self._lower + 1) % len(_LOWER)
        self._look_lower()
        self.refresh_bindings()

    def _look_lower(self) -> None:
        for at, name in enumerate(_LOWER):
            self.set_class(at == self._lower, f"-lower-{name}")

    def action_log(self) -> None:
        """Have the program verified once more, and show all that is said."""
        inspection = self.app.session.inspect()
        if inspection is not None and not self._reading and self.check_action("log", ()):
            self._reading = True
            self.query_one("#kernel-programs").border_subtitle = "◌ verifying once more…"
            self._read_log(inspection.build, self.query_one("#kernel-programs", Rows).key)

    @work(thread=True, group="verifier-log")
    def _read_log(self, build: Build, program: str) -> None:
        try:
            found: VerifierLog | WorkbenchError = self.app.services.verifier_log(build, program)
        except WorkbenchError as error:
            found = error
        self.app.call_from_thread(self._show_log, found)

    def _show_log(self, found: VerifierLog | WorkbenchError) -> None:
        self._reading = False
        self._shown = ()
        self._show()
        if isinstance(found, WorkbenchError):
            self.app.say(str(found), severity="error", toast=True)
            return
        from workbench.tui.screens.verifier import VerifierScreen

        self._log = found
        self.app.push_screen(VerifierScreen(found))

    def offers(self) -> Sequence[Offer]:
        """What is known of the kernel, and the log that was read last."""
        offers = []
        if (info := self._run.kernel) is not None:
            offers.append(
                Offer(
                    "Programs, maps and triggers, as JSON",
                    "kernel",
                    ".json",
                    lambda: msgspec.json.format(msgspec.json.encode(info), indent=2).decode() + "\n",
                )
            )
        if (log := self._log) is not None:
            offers.append(Offer(f"The verifier's log of {log.program}", f"verifier-{log.program}", ".txt", log.text))
        return offers


def _panel(name: str, title: str) -> VerticalScroll:
    panel = VerticalScroll(Static(id=f"kernel-{name}-text", markup=False), id=f"kernel-{name}", classes="panel")
    panel.border_title = title
    return panel


def _words(run: RunState) -> tuple[str, bool]:
    """Why there is nothing to show, and whether that is a mishap; "" when there is something."""
    match run.phase:
        case Phase.IDLE:
            return "Nothing is loaded into the kernel. Start a run (space); its programs are shown here.", False
        case Phase.BUILDING:
            return f"◌ {run.step or 'starting'}…", False
        case Phase.FAILED:
            problem = run.problem
            return (f"✗ {problem.title}\n\n{problem.message}" if problem else "✗ The run did not start"), True
    if run.backend == "native":
        reason = run.reason or "the profile asks for no kernel lanes and no triggers"
        return f"Nothing is loaded into the kernel: the run is on the native backend.\n\n{reason}", False
    if run.kernel is None or not run.kernel.programs:
        if run.phase is Phase.CRASHED:
            return "The engine has ended, and the kernel has unloaded its programs.", True
        return "◌ asking the kernel…", False
    return "", False


def _banner(run: RunState) -> str:
    if run.phase is Phase.CRASHED:
        return "✗ The engine has ended, and the kernel has unloaded its programs. This is what was last known of them."
    if run.phase is Phase.FINISHED:
        return "■ The run is over. Its programs stay loaded, and detached, until the next one."
    return ""


def _counted(info: KernelInfo) -> str:
    if info.not_counting:
        return f"runs are not counted: {info.not_counting}"
    return "counting runs while in view" if info.counting else "runs are not counted"


def _reports(info: KernelInfo) -> Content:
    """Faults with where they happened, then whatever else the streams said."""
    if info.faults is None or info.said is None:
        release = info.kernel_release.split("-")[0]
        return Content.styled(
            f"not on this kernel: Linux {release} has no BPF streams (6.17 and later have)", kernel_rows.MUTED
        )
    if not (info.faults or info.said):
        return Content.styled("nothing reported", kernel_rows.MUTED)
    parts: list[Content | str | tuple[str, str]] = []
    for fault in info.faults:
        times = f" × {figures.count(fault.count)}" if fault.count > 1 else ""
        parts += [(f"✗ {fault.words}", "bold $text-error"), (f"{times}\n", "bold")]
        parts += [(f"  {line}\n", "" if at == 0 else kernel_rows.MUTED) for at, line in enumerate(fault.where)]
        parts.append((f"  in {fault.program}\n", kernel_rows.MUTED))
    for said in info.said:
        parts += [(f"{said.program} · {said.stream}\n", "bold $text-accent"), f"{said.text}\n"]
    return Content.assemble(*parts)
