# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the screen knows of the present run, frozen: events go in, the next state comes out, nothing is drawn here.

Pausing the display is keeping an old state in view, so a state holds everything that is shown, curves included.
"""

from __future__ import annotations

import enum

import msgspec

from workbench.profiles import Profile
from workbench.reports.model import Report
from workbench.snapshots import Rates, Snapshot
from workbench.tui.seam import Building, Crashed, Event, Finished, KernelInfo, Problem, Started, Verified

HISTORY_S = 300.0
"""How far back curves reach: the widest window."""


class Phase(enum.Enum):
    """Where a run is, in the word that the title line says."""

    IDLE = "READY"
    BUILDING = "BUILDING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    CRASHED = "CRASHED"
    FAILED = "NOT STARTED"


class Point(msgspec.Struct, frozen=True):
    """Rates at one moment on the run's clock."""

    at_s: float
    rates: Rates


class RunState(msgspec.Struct, frozen=True):
    """One run as far as it is known. `profile` is the one that was started, with the seed that it got."""

    phase: Phase = Phase.IDLE
    profile: Profile | None = None
    backend: str = ""
    reason: str = ""
    seed: int = 0
    step: str = ""
    snapshot: Snapshot | None = None
    history: tuple[Point, ...] = ()
    report: Report | None = None
    message: str = ""
    problem: Problem | None = None
    verified: Verified | None = None
    kernel: KernelInfo | None = None
    stopping: bool = False

    @property
    def active(self) -> bool:
        """An engine is at work or about to be."""
        return self.phase in (Phase.BUILDING, Phase.RUNNING)

    @property
    def live(self) -> bool:
        """Lanes are running, or about to."""
        return self.phase is Phase.RUNNING

    @property
    def ended(self) -> bool:
        """There was a run, and it is over."""
        return self.phase in (Phase.FINISHED, Phase.CRASHED)


def started(profile: Profile) -> RunState:
    """The state from the moment that a run is asked for."""
    return RunState(phase=Phase.BUILDING, profile=profile, step="starting")


def stopping(state: RunState) -> RunState:
    """The state once the lanes were told to stop."""
    return msgspec.structs.replace(state, stopping=True)


def after(state: RunState, event: Event) -> RunState:
    """The state once `event` is known."""
    change = msgspec.structs.replace
    match event:
        case Building():
            return change(state, phase=Phase.BUILDING, step=event.text)
        case Started():
            return change(
                state,
                phase=Phase.RUNNING,
                profile=event.profile,
                backend=event.backend,
                reason=event.reason,
                seed=event.seed,
                step="",
            )
        case Snapshot():
            return change(state, snapshot=event, history=_grown(state.history, event))
        case Verified():
            return change(state, verified=event)
        case KernelInfo():
            return change(state, kernel=event)
        case Problem():
            return change(state, phase=Phase.FAILED, problem=event, stopping=False)
        case Finished():
            snapshot = _with_means(state.snapshot, event.report)
            return change(state, phase=Phase.FINISHED, report=event.report, snapshot=snapshot, stopping=False)
        case Crashed():
            return change(state, phase=Phase.CRASHED, report=event.report, message=event.message, stopping=False)
        case _:
            return state


def _with_means(snapshot: Snapshot | None, report: Report) -> Snapshot | None:
    """The last figures with each lane's rate over the whole run: over the last moment all of them are 0."""
    if snapshot is None:
        return None
    means = {lane.name: lane.ops_per_sec for lane in report.lanes}
    change = msgspec.structs.replace
    lanes = tuple(change(row, ops_per_sec=means.get(row.name, row.ops_per_sec)) for row in snapshot.lanes)
    return change(snapshot, lanes=lanes, total=change(snapshot.total, ops_per_sec=report.totals.ops_per_sec))


def _grown(history: tuple[Point, ...], now: Snapshot) -> tuple[Point, ...]:
    """With the moment now; the first one has no rate yet, and what is too old goes."""
    if now.phase not in ("running", "") or now.elapsed_s <= 0 or (history and now.elapsed_s <= history[-1].at_s):
        return history
    first = 0
    while first < len(history) and history[first].at_s < now.elapsed_s - HISTORY_S:
        first += 1
    return (*history[first:], Point(now.elapsed_s, now.rates))
