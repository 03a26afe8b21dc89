# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One run from a profile to its report: build, engine, watchdog, findings. The way in for CLI and screen."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from workbench import builds, cache, diagnostics, findings, machine, plan, structures, telemetry
from workbench.builds import Build
from workbench.engine import messages
from workbench.engine.client import Engine, EngineDied
from workbench.errors import BuildError, EngineError, MachineError, UsageError
from workbench.profiles import Profile
from workbench.reports.model import Report

_TICK_S = 0.05
_STARTING_S = 60.0  # loading: the verifier may take its time over a large structure
_PATIENT = frozenset({"prefill", "running"})  # phases whose progress the telemetry shows


class Progress(msgspec.Struct, frozen=True):
    """Where a run is; `total_s` is None without a time limit."""

    elapsed_s: float
    total_s: float | None
    operations: int
    ops_per_sec: float
    phase: str


class Cancel(Protocol):
    """A flag that may be set from elsewhere (threading.Event)."""

    def is_set(self) -> bool: ...


class _Refused(Exception):
    """This machine's kernel does not take the kernel side."""


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
    tell(Progress(0.0, None, 0, 0.0, "building"))
    stopped = cancel.is_set if cancel else lambda: False
    structure = structures.find(profile.structure.reference, list(include), profile.structure.prefix)
    wanted = profile.arena.backend
    reason = machine.why_no_kernel_lanes() if wanted != "native" else "asked for"
    try:
        build = builds.build(structure, bpf=wanted != "native" and not reason)
    except BuildError:
        if stopped():  # Ctrl-C reached the compiler as well
            raise KeyboardInterrupt from None
        raise
    reason = reason or build.bpf_reason or ""
    if wanted == "bpf" and reason:
        raise MachineError(f"--backend bpf: {reason}")
    if stopped():  # there is nothing to report yet
        raise KeyboardInterrupt
    if build.bpf:
        try:
            return _Watched(profile, build, "", tell, cancel).report()
        except _Refused as refused:
            if wanted == "bpf":
                raise MachineError(f"--backend bpf: {refused}") from refused
            reason = str(refused)
    return _Watched(profile, msgspec.structs.replace(build, bpf=None), reason, tell, cancel).report()


class _Watched:
    """One engine under the front's eyes."""

    def __init__(
        self, profile: Profile, build: Build, reason: str, tell: Callable[[Progress], None], cancel: Cancel | None
    ) -> None:
        self._profile = profile
        self._build = build
        self._reason = reason
        self._tell = tell
        self._cancel = cancel
        self._plan = plan.draw(profile, build.structure, kernel_side=build.bpf is not None)
        self._phase = "starting"
        self._notes = [*self._plan.notes]
        self._moved_at: dict[int, tuple[int, float]] = {}
        self._phase_at = time.monotonic()
        self._baseline: findings.Samples = {}
        self._baseline_ns = 0
        self._last = (0.0, 0)
        self._rate = 0.0

    def report(self) -> Report:
        logs = cache.root() / "logs"
        logs.mkdir(exist_ok=True)
        log = logs / f"{self._build.structure.name}-{os.getpid()}.log"
        keep = False
        try:
            return self._run(log)
        except BuildError:
            keep = True  # it names the log
            raise
        finally:
            if not keep:
                log.unlink(missing_ok=True)

    def _run(self, log: Path) -> Report:
        orders = plan.configure(
            self._profile,
            self._plan,
            driver=self._build.native,
            runtime=builds.runtime(),
            loader=builds.loader() if self._build.bpf else None,
            bpf=self._build.bpf,
            log=log,
        )
        with Engine(orders) as engine:
            try:
                finished = self._until_finished(engine)
            except EngineDied as died:
                crash = findings.crash(self._plan, self._build, died.death, self._phase)
                return self._compose(engine, None, crash)
            except _Hung as hung:
                engine.kill()
                return self._compose(engine, None, hung.crash)
            return self._compose(engine, finished, None)

    def _compose(self, engine: Engine, finished: messages.Finished | None, crash: findings.Crash | None) -> Report:
        return findings.compose(
            self._profile,
            self._plan,
            self._build,
            findings.Outcome(
                samples=findings.sample(self._plan, engine.lane),
                baseline=self._baseline,
                baseline_ns=self._baseline_ns,
                control=engine.control(),
                finished=finished,
                left=engine.arena_state() if crash else None,
                crash=crash,
                reason=self._reason,
                notes=tuple(self._notes),
            ),
        )

    def _until_finished(self, engine: Engine) -> messages.Finished:
        told_to_stop = False
        while True:
            event = engine.next_event(_TICK_S)
            if isinstance(event, messages.Finished):
                return event
            if isinstance(event, messages.Phase):
                self._phase, self._phase_at = event.name, time.monotonic()
                self._moved_at.clear()
            elif isinstance(event, messages.Note):
                self._notes.append(event.text)
            elif isinstance(event, messages.Failed):
                self._failed(event)
            if self._cancel and self._cancel.is_set() and not told_to_stop:
                told_to_stop = True
                engine.send(messages.Stop())
                self._notes.append("stopped before its end")
            self._observe(engine)

    def _failed(self, failed: messages.Failed) -> None:
        if failed.kind == "machine" and self._build.bpf:
            raise _Refused(failed.message)
        if failed.kind == "machine":
            raise MachineError(failed.message)
        if failed.kind == "verifier":
            verifier = diagnostics.explain_verifier(Path(failed.log), self._build.bpf or Path())
            raise BuildError(f"{failed.message}\n{verifier}")
        if failed.message.startswith("arena.pages"):
            raise UsageError(failed.message)
        raise EngineError(failed.message)

    def _observe(self, engine: Engine) -> None:
        """Tell the progress, keep the warm-up's counters apart, and see whether a lane hangs."""
        now, memory = time.monotonic(), engine.memory
        self._watch(engine, now)
        if memory is None:
            return
        control = telemetry.read_control(memory)
        elapsed = max(0.0, now - control.started_ns / 1e9) if control.started_ns else 0.0
        warmup = self._profile.workload.warmup_s
        if warmup and not self._baseline and elapsed >= warmup:
            self._baseline = findings.sample(self._plan, engine.lane)
            self._baseline_ns = time.monotonic_ns()
        slots = [slot for lane in self._plan.lanes for slot in lane.slots]
        done = sum(telemetry.operations_done(memory, slot) for slot in slots)
        if elapsed - self._last[0] >= 0.25:
            self._rate = (done - self._last[1]) / (elapsed - self._last[0])
            self._last = (elapsed, done)
        total = self._profile.workload.duration_s + warmup if self._profile.workload.duration_s else None
        self._tell(Progress(elapsed, total, done, self._rate, self._phase))

    def _watch(self, engine: Engine, now: float) -> None:
        """Raise _Hung when something has not moved for the profile's watchdog_s."""
        patience, memory = self._profile.lanes.watchdog_s, engine.memory
        if self._phase == "starting":
            patience = max(patience, _STARTING_S)
        if memory is None or self._phase not in _PATIENT:
            if now - self._phase_at > patience:
                raise _Hung(findings.hang(self._plan, self._plan.setup_slot, engine, self._phase, patience))
            return
        slots = [self._plan.setup_slot]
        if self._phase == "running":
            slots = [lane.slots[0] for lane in self._plan.lanes if lane.trigger in (None, "manual")]
        for slot in slots:
            done = telemetry.operations_done(memory, slot)
            before, since = self._moved_at.get(slot, (-1, now))
            if done != before:
                self._moved_at[slot] = (done, now)
            elif now - since > patience and self._still_running(engine, slot):
                raise _Hung(findings.hang(self._plan, slot, engine, self._phase, patience))

    def _still_running(self, engine: Engine, slot: int) -> bool:
        if slot == self._plan.setup_slot:
            return True
        sample = engine.lane(slot)
        return sample is not None and sample.state == telemetry.RUNNING


class _Hung(Exception):
    """A lane does not come back from an operation."""

    def __init__(self, crash: findings.Crash) -> None:
        super().__init__(crash.message)
        self.crash = crash
