# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One run from a profile to its report: build, watch, fall back to the native backend where that is allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from workbench import builds, machine, structures
from workbench.builds import Build
from workbench.errors import BuildError, MachineError
from workbench.profiles import Profile
from workbench.reports.model import Report
from workbench.watch import Progress, Refused, Watch

_TICK_S = 0.05


class Cancel(Protocol):
    """A flag that may be set from elsewhere (threading.Event)."""

    def is_set(self) -> bool: ...


def execute(
    profile: Profile,
    *,
    include: Sequence[Path] = (),
    progress: Callable[[Progress], None] | None = None,
    cancel: Cancel | None = None,
) -> Report:
    """Perform one run and report on it.

    A crash or hang of the engine is part of the report (exit_status 4). Raises UsageError, BuildError, MachineError
    for what cannot be run at all, EngineError for a run that failed otherwise, and KeyboardInterrupt when `cancel` is
    set before there is anything to report.
    """
    tell = progress or (lambda _moment: None)
    stopped = cancel.is_set if cancel else lambda: False
    tell(Progress(0.0, None, 0, 0.0, "building"))
    try:
        build, reason = prepare(profile, include)
    except BuildError:
        if stopped():  # Ctrl-C reached the compiler as well
            raise KeyboardInterrupt from None
        raise
    if stopped():  # there is nothing to report yet
        raise KeyboardInterrupt
    try:
        return _step(Watch(profile, build, reason), tell, stopped)
    except Refused as refused:
        build, reason = fall_back(profile, build, refused)
        return _step(Watch(profile, build, reason), tell, stopped)


def prepare(profile: Profile, include: Sequence[Path]) -> tuple[Build, str]:
    """Find and build the profile's structure: the build, and why it has no kernel side ("" if it has).

    Raises UsageError, BuildError, and MachineError where the kernel side was insisted on and cannot be.
    """
    structure = structures.find(profile.structure.reference, list(include), profile.structure.prefix)
    wanted = profile.arena.backend
    reason = machine.why_no_kernel_lanes() if wanted != "native" else "asked for"
    build = builds.build(structure, bpf=wanted != "native" and not reason)
    reason = reason or build.bpf_reason or ""
    if wanted == "bpf" and reason:
        raise MachineError(f"--backend bpf: {reason}")
    return build, reason


def fall_back(profile: Profile, build: Build, refused: Refused) -> tuple[Build, str]:
    """What to run after the kernel refused `build`: its native side. Raises MachineError if that is not wanted."""
    if profile.arena.backend == "bpf":
        raise MachineError(f"--backend bpf: {refused}") from refused
    return msgspec.structs.replace(build, bpf=None), str(refused)


def _step(watch: Watch, tell: Callable[[Progress], None], stopped: Callable[[], bool]) -> Report:
    with watch:
        while True:
            report = watch.poll(_TICK_S)
            if report is not None:
                return report
            if stopped():
                watch.stop()
            tell(watch.progress())
