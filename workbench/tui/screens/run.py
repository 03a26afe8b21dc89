# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Run pane: choose a structure, set the profile, start, watch. How fast, how fair, how healthy?"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from workbench.errors import UsageError
from workbench.tui import curves, form_fields, lane_rows, structure_card
from workbench.tui.run_state import Phase, RunState
from workbench.tui.screens.prompt import Prompt
from workbench.tui.screens.run_files import RunFiles
from workbench.tui.widgets import figures
from workbench.tui.widgets.arena_panel import ArenaPanel
from workbench.tui.widgets.lane_table import LaneTable
from workbench.tui.widgets.profile_form import ProfileForm
from workbench.tui.widgets.reading import Reading
from workbench.tui.widgets.structure_list import StructureList

if TYPE_CHECKING:
    from workbench.tui.widgets.plots import Plots

_VIEWS = ("card", "live", "reading")


class RunPane(RunFiles):
    """Setup to the left; to the right what is known of the structure, then the run, then its report."""

    HELP = """
How fast, how fair, how healthy? Choose a structure (enter), set the profile (enter edits a field, space or ←→ switch
one), and start with space. Changes in the form hold for the next run, triggers for the present one as well. ⚙ marks
kernel lanes. Latencies are sampled and at most 6 % too high. A click on a column's title sorts by it.
"""
    FOOTER = ("app.burst", "app.verify", "app.again")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "setup", "Setup", id="run.setup", tooltip="Choose and set up, in a narrow terminal"),
        Binding("t", "report", "Report", id="run.report", tooltip="The report of the run that is over, and back"),
        Binding("escape", "back", "Back", id="run.back", tooltip="From a report or a problem back to the run"),
        Binding("b", "build", "Build", id="run.build", tooltip="Compile the structure under the cursor for both sides"),
        Binding(
            "l",
            "view",
            "Latency",
            id="run.view",
            tooltip="Throughput, throughput by operation, latencies: one after the other",
        ),
        Binding("s", "save", "Save", id="run.save", tooltip="Save the profile, with the comments of its file"),
        Binding("S", "save_as", "Save as", show=False, id="run.save_as", tooltip="Save the profile under another name"),
        Binding("o", "open", "Open", id="run.open", tooltip="Open a profile, recent ones first"),
        Binding(
            "h",
            "open_header",
            "Header",
            show=False,
            id="run.open_header",
            tooltip="Open another header by its path, or a folder of them",
        ),
        Binding(
            "w", "window", "Window", show=False, id="run.window", tooltip="The time that the curves span: 10 s to 5 min"
        ),
        Binding("f,slash", "filter", "Filter", show=False, id="run.filter", tooltip="Show only some lanes"),
        Binding(
            "greater_than_sign",
            "sort(1)",
            "Sort",
            show=False,
            id="run.sort_next",
            tooltip="Sort the lanes by the next column",
        ),
        Binding(
            "less_than_sign",
            "sort(-1)",
            "Sort",
            show=False,
            id="run.sort_previous",
            tooltip="Sort the lanes by the column before",
        ),
        Binding("i", "invert", "Invert", show=False, id="run.invert", tooltip="Sort the other way round"),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._view = "card"
        self._phase: Phase | None = None
        self._about = ""

    def compose(self) -> ComposeResult:
        """Curves come with the first run: plotext is not needed for the first paint."""
        with Horizontal(id="run-columns"):
            with Vertical(id="setup"):
                yield StructureList()
                yield ProfileForm()
            with Vertical(id="main"):
                yield Static(id="banner", markup=False)
                yield Reading()
                yield LaneTable()
                with Horizontal(id="lower"):
                    yield ArenaPanel()

    def on_mount(self) -> None:
        """Headers are looked for once the first paint is out."""
        self.add_class("-setup")
        self.query_one(StructureList).waiting()
        self.show_profile()
        self._look("card")
        self.call_after_refresh(self.survey)

    def focus_main(self) -> None:
        """Structures to choose from, or lanes to watch."""
        self.query_one(StructureList if self._view == "card" else LaneTable).focus()

    # What is shown

    def show_run(self, run: RunState) -> None:
        """Hand the state on; the view follows the phase when that changes."""
        if run.phase is not self._phase:
            self._phase = run.phase
            self._enter(run)
        if self._view == "live":
            self.query_one(LaneTable).show(run.snapshot, _waiting(run))
            self.query_one(ArenaPanel).show(run)
            if plots := self._plots():
                plots.show(run)

    def _enter(self, run: RunState) -> None:
        """A new phase: what to look at, and what to say above it."""
        banner = self.query_one("#banner", Static)
        banner.update(_banner(run))
        banner.set_classes(f"-{run.phase.name.lower()}")
        match run.phase:
            case Phase.BUILDING | Phase.RUNNING:
                self.remove_class("-setup")
                self._look("live")
                if run.phase is Phase.BUILDING:
                    self.query_one(LaneTable).focus()
                elif inspection := self.app.session.inspect():
                    self.know_build(inspection.build)
            case Phase.FINISHED | Phase.CRASHED:
                self._look("live")
            case Phase.FAILED if run.problem is not None:
                self.remove_class("-setup")
                self.show_problem(run.problem.title, run.problem.message)

    def _look(self, view: str) -> None:
        self._view = view
        for one in _VIEWS:
            self.set_class(one == view, f"-view-{one}")
        if view == "card":
            self.show_card()
        elif view == "live" and self._phase is not None:
            self.show_run(self.app.shown)
        self.refresh_bindings()

    def _plots(self) -> Plots | None:
        """The curves, mounted when they are first looked at."""
        from workbench.tui.widgets.plots import Plots

        found = self.query(Plots)
        if found:
            return found.first()
        if self.app.shown.snapshot is not None:
            made = Plots()
            self.query_one("#lower").mount(made, before=0)
            return made
        return None

    def show_profile(self) -> None:
        """The form anew, and what names the structure."""
        workspace = self.app.workspace
        self.query_one(ProfileForm).show(workspace.profile, workspace.saved or workspace.profile, workspace.name)
        self.app.show_state()

    def show_card(self) -> None:
        """What is known of the structure under the cursor."""
        one = self.query_one(StructureList).looked_at
        if self._view != "card":
            return
        reading = self.query_one(Reading)
        if one is None:
            reading.show("Structure", "", leave="")
            return
        build = self.builds.get(str(one.path))
        sizes = self.sizes.get(str(one.path), {})
        reading.show(
            f"Structure {one.name}", structure_card.card(one, build, sizes), problem=one.structure is None, leave=""
        )

    def show_problem(self, title: str, text: str) -> None:
        """A compiler's, a verifier's or a profile's trouble, to read in place."""
        self._about = "problem"
        self._look("reading")
        self.query_one(Reading).show(title, text, problem=True)
        self.query_one(Reading).focus()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which actions make sense now."""
        run, live = self.app.shown, self._view == "live"
        match action:
            case "setup":
                return self.screen.has_class("-narrow")
            case "report":
                return run.report is not None
            case "back":
                return self._view == "reading" or (self._view == "card" and run.snapshot is not None)
            case "build" | "open" | "open_header":
                return not run.active
            case "save":
                return not run.active and (self.app.workspace.modified or self.app.workspace.path is None)
            case "view" | "window" | "filter" | "sort" | "invert":
                return live and run.snapshot is not None
        return True

    def action_label(self, action: str) -> str | None:
        """The footer's word, in the present state."""
        if action == "report" and self._about == "report" and self._view == "reading":
            return "Run"
        if action == "setup" and self.has_class("-setup"):
            return "Run"
        if action == "view" and (plots := self._plots()):
            return {"throughput": "By operation", "operations": "Latency", "latency": "Throughput"}[plots.view]
        return None

    def action_setup(self) -> None:
        """Fold the setup out or in, where there is no room for both."""
        self.toggle_class("-setup")
        if self.has_class("-setup"):
            self.query_one(ProfileForm).focus()
        else:
            self.focus_main()
        self.refresh_bindings()

    def action_report(self) -> None:
        """The text report in place, or back to the figures."""
        from workbench.reports import as_text

        report = self.app.shown.report
        if report is None:
            return
        if self._view == "reading" and self._about == "report":
            self.action_back()
            return
        self._about = "report"
        self._look("reading")
        self.query_one(Reading).show("Report", as_text.render(report), leave="t back · e export")
        self.query_one(Reading).focus()

    def action_back(self) -> None:
        """To the run, or where there is none to the structure."""
        self._look("live" if self.app.shown.snapshot is not None else "card")
        self.focus_main()

    def action_view(self) -> None:
        """The next chart."""
        if plots := self._plots():
            from workbench.tui.widgets.plots import VIEWS

            plots.look_at(view=VIEWS[(VIEWS.index(plots.view) + 1) % len(VIEWS)])
            self.refresh_bindings()

    def action_window(self) -> None:
        """The next span of time."""
        if plots := self._plots():
            spans = curves.WINDOWS_S
            plots.look_at(window_s=spans[(spans.index(plots.window_s) + 1) % len(spans)])

    @work
    async def action_filter(self) -> None:
        """Ask for words that lanes must have."""
        table = self.query_one(LaneTable)
        hint = "Words of a lane's name, user or kernel, running or finished; nothing shows all"
        typed = await self.app.push_screen_wait(Prompt("Show only lanes with", table.only, hint=hint))
        if typed is not None:
            table.reorder(only=typed.strip())

    def action_sort(self, by: int) -> None:
        """Another column; before the first one is the order of the lanes."""
        table = self.query_one(LaneTable)
        fields = ["", *(column.field for column in lane_rows.COLUMNS)]
        field = fields[(fields.index(table.sort) + by) % len(fields)]
        table.reorder(sort=field, descending=field not in ("", "name"))

    def action_invert(self) -> None:
        """The other way round."""
        table = self.query_one(LaneTable)
        table.reorder(descending=not table.descending)

    # What the widgets tell

    def on_lane_table_sorted(self, event: LaneTable.Sorted) -> None:
        """A click on a title; a second one turns the order round."""
        table = self.query_one(LaneTable)
        again = table.sort == event.field
        table.reorder(sort=event.field, descending=not table.descending if again else event.field != "name")

    def on_structure_list_looked(self, event: StructureList.Looked) -> None:
        """Tell about the header under the highlight, unless there is a run to look at."""
        if not self.app.shown.active and self.query_one(StructureList).has_focus and self._view != "card":
            self._look("card")
        else:
            self.show_card()
        self.refresh_bindings()

    def on_structure_list_picked(self, event: StructureList.Picked) -> None:
        """Choose a header, or open one."""
        if event.found is None:
            self.action_open_header()
        else:
            self.choose(event.found)

    def on_profile_form_changed(self, event: ProfileForm.Changed) -> None:
        """Enter a field's value into the profile; a trigger is switched at once where a run goes on."""
        workspace = self.app.workspace
        try:
            workspace.change(form_fields.changes(workspace.profile, event.field, event.value))
        except UsageError as error:
            self.app.say(str(error), severity="error", toast=True)
        table, _, name = event.field.path.partition(".")
        if table == "triggers" and isinstance(event.value, bool):
            self.app.set_trigger(name, event.value)
        self.show_profile()
        self.refresh_bindings()


def _waiting(run: RunState) -> str:
    """What stands in the table while there is nothing to count."""
    return f"◌ {run.step}…" if run.phase is Phase.BUILDING else ""


def _banner(run: RunState) -> Content:
    """What came of the run, above its last figures."""
    if run.report is None or not run.ended:
        return Content("")
    report = run.report
    if run.phase is Phase.CRASHED:
        return Content.assemble(
            (f"✗ {run.message}\n", "bold"),
            "The arena is still there to look into   ",
            (" r ", "bold reverse"),
            " restart, same seed  ",
            (" t ", "bold reverse"),
            " report",
        )
    failed = [(name, check) for name, check in report.checks.items() if check.result == "failed"]
    done = f"{figures.count(report.totals.operations)} operations in {report.duration_s:.2f} s"
    if failed:
        words = "; ".join(f"{name.replace('_', ' ')} failed: {check.reason}" for name, check in failed)
        return Content.assemble((f"✗ {words}", "bold $text-error"), f"  {done}")
    fine = [name.replace("_", " ") for name, check in report.checks.items() if check.result == "ok"]
    checked = f"; ok: {', '.join(fine)}" if fine else "; nothing was checked"
    return Content.assemble(("■ ", "bold $text-success"), f"{done}{checked}")
