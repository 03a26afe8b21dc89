# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs one after another, for a screen: everything asked for returns at once, everything that happens is published.

A collector thread builds, steps the Watch, freezes Snapshots and hands each event to `publish`; nothing else of a run
reaches the screen. The engine of the last run stays until the next one starts, so that its arena can be looked into.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from workbench import plan, runs, telemetry
from workbench.arena_counters import CounterReader
from workbench.builds import Build
from workbench.engine import messages
from workbench.errors import BuildError, EngineError, MachineError, WorkbenchError
from workbench.kernel_info import KernelInfo, Reader
from workbench.plan import Lane
from workbench.profiles import Profile
from workbench.reports.model import Report
from workbench.snapshots import Snapshot
from workbench.watch import Heard, Refused, Watch

if TYPE_CHECKING:
    from workbench.arena.view import ArenaView

_TICK_S = 0.05
_ARENA_LANES = 512  # ARENA_LANES_MAX: named before it is known how many there are


class Building(msgspec.Struct, frozen=True):
    """A build or an engine's start is under way."""

    text: str


class Started(msgspec.Struct, frozen=True):
    """An engine is there; `reason` says why there is no kernel side, "" if there is."""

    profile: Profile
    backend: str
    reason: str
    seed: int
    lanes: tuple[Lane, ...]


class Said(msgspec.Struct, frozen=True):
    """Something that the person should know."""

    text: str


class Verified(msgspec.Struct, frozen=True):
    """A verify by hand: codes such as "SUCCESS", None where there is none; `live` when lanes were at work."""

    user: str | None
    kernel: str | None
    live: bool


class Problem(msgspec.Struct, frozen=True):
    """A run that could not be: `message` may have many lines; kind "usage", "build", "machine" or "engine"."""

    title: str
    message: str
    kind: str


class Finished(msgspec.Struct, frozen=True):
    """The run is over."""

    report: Report


class Crashed(msgspec.Struct, frozen=True):
    """The engine crashed or hung; the arena is still there to look into."""

    message: str
    report: Report


Event = Building | Started | Snapshot | Said | Verified | KernelInfo | Problem | Finished | Crashed


class Inspection(msgspec.Struct, frozen=True):
    """What can be looked into: the arena of run number `generation`, whose build tells the types in it.

    `view` is the one mapping of it, shared by all who look (None: it cannot be mapped), and with `arena_fd` good until
    the next run starts or the session closes; what looks into it then is told EngineError. `alive` tells whether its
    engine is. `lane_names` say whose the arena's lanes are.
    """

    generation: int
    arena_fd: int
    arena_bytes: int
    build: Build
    alive: bool
    view: ArenaView | None = None
    lane_names: tuple[str, ...] = ()


class Session:
    """Starts runs, one at a time. Every method may be called from any thread and returns at once, but for `close`."""

    def __init__(self, publish: Callable[[Event], None], *, interval_s: float = 0.25) -> None:
        self._publish = publish
        self._interval_s = interval_s
        self._orders: queue.SimpleQueue[tuple[Profile, tuple[Path, ...]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._watch: Watch | None = None
        self._over = True
        self._alive = False
        self._view: ArenaView | None = None
        self._lane_names: tuple[str, ...] = ()
        self._generation = 0
        self._kernel = Reader("")
        self._stop = threading.Event()
        self._leave = threading.Event()
        self._collector = threading.Thread(target=self._collect, name="collector", daemon=True)
        self._collector.start()

    def start(self, profile: Profile, include: Sequence[Path] = ()) -> None:
        """Run `profile`; a run that is still going on is stopped first and its report published."""
        self._stop.set()
        self._orders.put((profile, tuple(include)))

    def stop(self) -> None:
        """End the run that is going on; its report follows."""
        self._stop.set()

    def burst(self, operations: int = 1000) -> None:
        """So many kernel operations now."""
        if watch := self._at_work():
            watch.burst(operations)

    def verify(self) -> None:
        """Verify now, from both sides."""
        if watch := self._at_work():
            watch.verify()

    def kernel(self, statistics: bool = False) -> None:
        """Ask for a KernelInfo; `statistics` has the kernel count runs, until asked without, or no more for seconds."""
        if watch := self._at_work():
            watch.query_kernel(statistics=statistics)

    def set_trigger(self, name: str, on: bool) -> None:
        """Attach or detach a trigger of the run that is going on."""
        if watch := self._at_work():
            watch.set_trigger(name, on=on)

    def inspect(self) -> Inspection | None:
        """What can be looked into now."""
        with self._lock:
            watch = self._watch
            if watch is None or watch.engine.arena_fd < 0:
                return None
            return Inspection(
                generation=self._generation,
                arena_fd=watch.engine.arena_fd,
                arena_bytes=watch.engine.arena_bytes,
                build=watch.build,
                alive=self._alive,
                view=self._view,
                lane_names=self._lane_names,
            )

    def close(self) -> None:
        """End everything; returns when no process is left and nothing is attached."""
        self._leave.set()
        self._stop.set()
        self._orders.put(None)
        self._collector.join()

    def _at_work(self) -> Watch | None:
        with self._lock:
            return self._watch

    def _collect(self) -> None:
        """The collector thread."""
        try:
            while not self._leave.is_set():
                order = self._next_order()
                if order is None:
                    break
                self._stop.clear()
                self._drop()
                try:
                    self._run(*order)
                except WorkbenchError as error:
                    self._publish(_problem(error))
        finally:
            self._drop()

    def _next_order(self) -> tuple[Profile, tuple[Path, ...]] | None:
        """The next run to start; meanwhile the idle engine is listened to."""
        while True:
            watch = self._watch
            listening = watch is not None and self._alive
            with contextlib.suppress(queue.Empty):
                return self._orders.get(timeout=_TICK_S if listening else None)
            if watch is not None and not watch.idle(0):
                self._alive = False
                self._publish(Said("the idle engine has ended; its arena can still be looked into"))

    def _run(self, profile: Profile, include: tuple[Path, ...]) -> None:
        self._publish(Building("finding and building the structure"))
        build, reason = runs.prepare(profile, include)
        try:
            report = self._step(profile, build, reason)
        except Refused as refused:
            self._drop()
            build, reason = runs.fall_back(profile, build, refused)
            report = self._step(profile, build, reason)
        if report.exit_status == EngineError.exit_status:
            self._alive = False
            self._publish(Crashed(report.notes[0], report))
        else:
            self._publish(Finished(report))

    def _step(self, profile: Profile, build: Build, reason: str) -> Report:
        self._publish(Building("starting the engine"))
        self._kernel = Reader(build.structure.name)
        watch = Watch(profile, build, reason, self._hear)
        with self._lock:
            self._watch, self._alive, self._generation = watch, True, self._generation + 1
        announced, due = False, 0.0
        with contextlib.closing(CounterReader(watch)) as counters:
            while True:
                report = watch.poll(_TICK_S)
                if not announced and watch.engine.arena_fd >= 0:
                    announced = True
                    self._open(watch)
                    backend = "bpf" if build.bpf else "native"
                    self._publish(Started(profile, backend, reason, watch.plan.seed, watch.plan.lanes))
                if self._stop.is_set():
                    watch.stop()
                now = time.monotonic()
                if announced and (report is not None or now >= due):
                    due = now + self._interval_s
                    self._publish(watch.snapshot(counters.read()))
                if report is not None:
                    return report

    def _open(self, watch: Watch) -> None:
        """The arena is there: from now on it can be looked into."""
        view = watch.engine.view()
        names = tuple(plan.arena_lane_name(watch.plan, number) for number in range(_ARENA_LANES))
        with self._lock:
            self._view, self._lane_names = view, names

    def _hear(self, event: Heard) -> None:
        match event:
            case messages.Note():
                self._publish(Said(event.text))
            case messages.Verified():
                self._publish(Verified(_code(event.result.user), _code(event.result.kernel), event.live))
            case messages.KernelFacts():
                self._publish(self._kernel.read(event))

    def _drop(self) -> None:
        with self._lock:
            watch, self._watch, self._alive, self._view = self._watch, None, False, None
        if watch is not None:
            watch.close()


def _code(result: int | None) -> str | None:
    if result is None:
        return None
    return telemetry.RESULTS[-result] if 0 <= -result < len(telemetry.RESULTS) else str(result)


def _problem(error: WorkbenchError) -> Problem:
    kinds: dict[type[WorkbenchError], tuple[str, str]] = {
        BuildError: ("build", "The structure does not build"),
        MachineError: ("machine", "This machine cannot do that"),
        EngineError: ("engine", "The run failed"),
    }
    kind, title = kinds.get(type(error), ("usage", "That profile cannot be run"))
    return Problem(title, str(error), kind)
