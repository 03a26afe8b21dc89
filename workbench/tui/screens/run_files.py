# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Run pane's dealings with files: profiles opened and saved, headers found, opened and built."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work

from workbench import profiles, structures
from workbench.builds import Build
from workbench.errors import UsageError, WorkbenchError
from workbench.structures import Surveyed
from workbench.tui import profile_files
from workbench.tui.panes import Command, Pane
from workbench.tui.screens.choose import Choose
from workbench.tui.screens.prompt import Prompt
from workbench.tui.widgets.structure_list import StructureList

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp


class RunFiles(Pane):
    """Half of the Run pane: what it chooses from. Slow things happen in threads, their words are shown in place."""

    if TYPE_CHECKING:
        app: WorkbenchApp

        def show_profile(self) -> None: ...
        def show_problem(self, title: str, text: str) -> None: ...
        def show_card(self) -> None: ...

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.found: list[Surveyed] = []
        self.builds: dict[str, Build] = {}
        self.sizes: dict[str, dict[str, int]] = {}
        self.build_states: dict[str, str] = {}
        self._opened: list[Surveyed] = []

    # Structures

    @work(thread=True, group="survey", exclusive=True)
    def survey(self) -> None:
        """Look for headers."""
        try:
            found = self.app.services.survey(self.app.workspace.include)
            reference = self.app.workspace.profile.structure
            if reference.path and all(str(one.path) != reference.path for one in found):
                self._opened = [self._look_into(Path(reference.path), reference.prefix)]
        except WorkbenchError as error:
            self.app.call_from_thread(self.show_problem, "No structures can be read", str(error))
            found = []
        self.app.call_from_thread(self._surveyed, found)
        importlib.import_module("workbench.tui.widgets.plots")  # here, so that the first run does not wait for it

    def _surveyed(self, found: list[Surveyed]) -> None:
        found = [*found, *(one for one in self._opened if one.path not in {other.path for other in found})]
        self.found = sorted(found, key=lambda one: one.structure is None)
        self.show_structures()
        self.show_card()

    def _look_into(self, path: Path, prefix: str = "") -> Surveyed:
        """A header by path, or why it is none."""
        try:
            one = self.app.services.find(str(path), self.app.workspace.include, prefix)
            return Surveyed(one.name, one.path, one, None)
        except WorkbenchError as error:
            return Surveyed(path.stem.removeprefix("ds_"), path, None, str(error))

    def show_structures(self) -> None:
        """The list anew."""
        reference = self.app.workspace.profile.structure.reference
        self.query_one(StructureList).show(self.found, reference, self.build_states)

    def choose(self, one: Surveyed) -> None:
        """Make a header the profile's."""
        if one.structure is None:
            self.show_problem(f"{one.name} cannot be used", one.error or "")
            return
        by_name = one not in self._opened
        key, reference = ("structure.name", one.name) if by_name else ("structure.path", str(one.path))
        self.app.workspace.change({key: reference})
        self.show_structures()
        self.show_profile()

    @work
    async def action_open_header(self) -> None:
        """Ask for a path, and look into the header there."""
        folder = str(Path.cwd()) + "/"
        typed = await self.app.push_screen_wait(
            Prompt(
                "Open a header",
                folder,
                hint="The path of a ds_<name>.h, or a folder to look for them in",
                check=_no_header,
            )
        )
        if typed is None:
            return
        path = Path(typed.strip()).expanduser().absolute()
        if path.is_dir():
            self.app.workspace.include = (*self.app.workspace.include, path)
            self.survey()
        else:
            self._open(path)

    @work(thread=True, group="open")
    def _open(self, path: Path) -> None:
        one = self._look_into(path)
        self.app.call_from_thread(self._was_opened, one)

    def _was_opened(self, one: Surveyed) -> None:
        self._opened = [other for other in self._opened if other.path != one.path] + [one]
        self.found = [other for other in self.found if other.path != one.path] + [one]
        self.choose(one)
        self.show_structures()
        self.show_card()

    def action_build(self) -> None:
        """Compile the structure that is looked at, for both sides."""
        one = self.query_one(StructureList).looked_at
        if one is None or one.structure is None or self.build_states.get(str(one.path)) == "building":
            return
        self.build_states[str(one.path)] = "building"
        self.app.say(f"Building {one.name} for both sides")
        self.show_structures()
        self._build(one.structure)

    @work(thread=True, group="build")
    def _build(self, structure: structures.Structure) -> None:
        try:
            made: Build | WorkbenchError = self.app.services.build(structure, bpf=True)
        except WorkbenchError as error:
            made = error
        self.app.call_from_thread(self.was_built, structure, made)
        if isinstance(made, Build):
            self._measure(made)

    @work(thread=True, group="measure")
    def measure(self, build: Build) -> None:
        """Find out how large a build's types are."""
        self._measure(build)

    def _measure(self, build: Build) -> None:
        with contextlib.suppress(WorkbenchError):  # without debugging information there is no size to show
            sizes = self.app.services.sizes(build)
            self.app.call_from_thread(self._measured, str(build.structure.path), sizes)

    def _measured(self, path: str, sizes: dict[str, int]) -> None:
        self.sizes[path] = sizes
        self.show_card()

    def know_build(self, build: Build) -> None:
        """A run made this build: it need not be made again."""
        path = str(build.structure.path)
        known = self.builds.get(path)
        self.builds[path], self.build_states[path] = build, "built"
        self.show_structures()
        if known is None or known.key != build.key:
            self.measure(build)

    def was_built(self, structure: structures.Structure, made: Build | WorkbenchError) -> None:
        """Mark the structure, and show a compiler's words in place."""
        path = str(structure.path)
        if isinstance(made, Build):
            self.builds[path] = made
            self.build_states[path] = "built"
            how = "unchanged, from the cache" if made.cached else f"compiled in {made.seconds:.1f} s"
            why = f"; no kernel side: {made.bpf_reason}" if made.bpf is None else ""
            self.app.say(f"Built {structure.name}: {how}{why}")
            self.show_card()
        else:
            self.builds.pop(path, None)
            self.build_states[path] = "failed"
            self.app.say(str(made), severity="error")
            self.show_problem(f"{structure.name} does not build", str(made))
        self.show_structures()

    # Profiles

    @work
    async def action_open(self) -> None:
        """Choose a profile, recent ones first."""
        person = self.app.workspace.person
        paths = profile_files.choices(person)
        lines = [profile_files.line(path, person) for path in paths]
        picked = await self.app.push_screen_wait(Choose("Open a profile", [*lines, "+ by path…"]))
        if picked is None:
            return
        if picked < len(paths):
            self.open_profile(paths[picked])
            return
        typed = await self.app.push_screen_wait(Prompt("Open a profile", hint="Its path", check=_no_profile))
        if typed is not None:
            self.open_profile(Path(typed.strip()).expanduser())

    def open_profile(self, path: Path) -> None:
        """Take a profile's file, or say at which line it is wrong."""
        try:
            profile = profiles.load(path)
        except UsageError as error:
            self.show_problem(f"{path.name} is no valid profile", str(error))
            return
        self.app.workspace.take(profile, path)
        profile_files.remember(path, self.app.workspace.person)
        self.app.say(f"Opened {path}")
        self.show_profile()
        self.survey() if profile.structure.path else self.show_structures()

    def action_save(self) -> None:
        """Save to the profile's own file; without one, or where it came with the workbench, ask for a name."""
        path = self.app.workspace.path
        if path is None or profile_files.ships(path):
            self.action_save_as()
        else:
            self._save(path)

    @work
    async def action_save_as(self) -> None:
        """Ask for a name, and save."""
        workspace = self.app.workspace
        person = workspace.person
        name = f"my-{workspace.name}" if workspace.path else "mine"
        typed = await self.app.push_screen_wait(
            Prompt(
                "Save the profile as",
                name,
                hint=f"A name, for {profile_files.own_folder(person)}; or a path. What is there keeps its comments",
                check=lambda text: profile_files.why_not(text, person),
            )
        )
        if typed is not None:
            self._save(profile_files.target(typed.strip(), person))

    def _save(self, path: Path) -> None:
        workspace = self.app.workspace
        try:
            profile_files.save(workspace.profile, path, workspace.person, workspace.path)
        except (WorkbenchError, OSError) as error:
            self.app.say(str(error), severity="error", toast=True)
            return
        workspace.take(workspace.profile, path)
        profile_files.remember(path, workspace.person)
        self.app.say(f"Saved: {path}", toast=True)
        self.show_profile()

    def commands(self) -> Iterable[Command]:
        """Profiles by name and triggers, for the palette."""
        person = self.app.workspace.person
        for path in profile_files.choices(person):
            yield Command(f"Profile: {path.stem}", str(path), lambda path=path: self.open_profile(path))  # type: ignore[misc]
        snapshot = self.app.shown.snapshot
        if self.app.run_state.live and snapshot is not None:
            for name, on in snapshot.triggers.items():
                yield Command(
                    f"Trigger {name}: switch {'off' if on else 'on'}",
                    "During this run",
                    lambda name=name, on=on: self.app.set_trigger(name, not on),  # type: ignore[misc]
                )


def _no_header(text: str) -> str:
    path = Path(text.strip()).expanduser()
    if path.is_dir() or path.is_file():
        return ""
    return f"there is no {path}"


def _no_profile(text: str) -> str:
    return "" if Path(text.strip()).expanduser().is_file() else "there is no such file"
