# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a person is working on: a profile with its file, the folders searched, the builds that are loaded.

And what the screen asks of the rest of the workbench (Services), each imported when called; tests hand in their own.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from workbench import person, profiles
from workbench.person import Person
from workbench.profiles import Profile
from workbench.tui import seam

if TYPE_CHECKING:
    from workbench.builds import Build
    from workbench.structures import Structure, Surveyed
    from workbench.tui.look import ArenaLook, Look
    from workbench.verifier_log import VerifierLog


class Services:
    """What the screen calls, beside the session."""

    _look: ArenaLook | None = None

    def open_session(self, publish: seam.Publish) -> seam.Session:
        """A session that tells its events to `publish`."""
        return seam.RealSession(publish)

    def look(self, inspection: seam.Inspection) -> Look:
        """The look into an arena; the same one for the same arena."""
        from workbench.tui.look import ArenaLook

        known, view = self._look, inspection.view
        if known is None or known.inspection.view is not view or known.inspection.generation != inspection.generation:
            known = self._look = ArenaLook(inspection)
        return known

    def survey(self, include: Sequence[Path]) -> list[Surveyed]:
        """All headers found, broken ones with the reason."""
        from workbench import structures

        return structures.survey(include)

    def find(self, name_or_path: str, include: Sequence[Path], prefix: str) -> Structure:
        """One structure. Raises WorkbenchError."""
        from workbench import structures

        return structures.find(name_or_path, include, prefix)

    def build(self, structure: Structure, *, bpf: bool) -> Build:
        """Compile one structure. Raises WorkbenchError."""
        from workbench import builds

        return builds.build(structure, bpf=bpf)

    def verifier_log(self, build: Build, program: str) -> VerifierLog:
        """All that the verifier says of a program. Raises WorkbenchError; takes about a second."""
        from workbench import verifier_log

        return verifier_log.read(build, program)

    def sizes(self, build: Build) -> dict[str, int]:
        """Bytes by type name, as the build's own debugging information has them. Takes a tenth of a second."""
        from workbench.arena import types

        names = [name for name in (build.structure.head_type, build.structure.node_type) if name]
        found = types.read(build.native, names)
        return {name: record.size for name in names if (record := found.find(name)) is not None}


@dataclass
class Workspace:
    """The present work; `saved` is what the file says, so that it is known whether anything is modified."""

    profile: Profile = field(default_factory=Profile)
    path: Path | None = None
    saved: Profile | None = None
    include: tuple[Path, ...] = ()
    person: Person = field(default_factory=person.present)
    release: str = field(default_factory=platform.release)

    def __post_init__(self) -> None:
        if self.saved is None:
            self.saved = self.profile

    @property
    def name(self) -> str:
        """What the profile is called: its file's name, or that it has none."""
        return self.path.stem if self.path else "unnamed"

    @property
    def modified(self) -> bool:
        """Whether saving would change anything."""
        return self.profile != self.saved

    @property
    def keymap(self) -> Path:
        """Where the keymap file is, if there is one."""
        return self.person.config / "keymap.toml"

    def take(self, profile: Profile, path: Path | None) -> None:
        """Work on this profile from now on, as `path` has it."""
        self.profile = self.saved = profile
        self.path = path

    def change(self, changes: dict[str, object]) -> None:
        """Set fields by dotted path. Raises UsageError and changes nothing when the result is no valid profile."""
        self.profile = profiles.override(self.profile, changes)

    def with_seed(self, seed: int) -> Profile:
        """The profile, to run with this seed."""
        work = msgspec.structs.replace(self.profile.workload, seed=seed)
        return msgspec.structs.replace(self.profile, workload=work)
