# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One engine under the front's eyes: its events, its progress, its death or hanging, and the report of all that.

A command that runs a profile and the screen that shows one both step a Watch; neither knows an engine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from workbench import builds, cache, diagnostics, findings, plan, telemetry
from workbench.builds import Build
from workbench.engine import messages
from workbench.engine.client import Engine, EngineDied
from workbench.errors import BuildError, EngineError, MachineError, UsageError
from workbench.profiles import TRIGGER_NAMES, Profile
from workbench.reports.model import Report
from workbench.snapshots import ArenaCounters, Sampler, Snapshot

_STARTING_S = 60.0  # loading: the verifier may take its time over a large structure
_PATIENT = frozenset({"prefill", "running"})  # phases whose progress the telemetry shows
_RATE_EVERY_S = 0.25


Heard = messages.Note | messages.Verified | messages.KernelFacts


class Progress(msgspec.Struct, frozen=True):
    """Where a run is; `total_s` is None without a time limit."""

    elapsed_s: float
    total_s: float | None
    operations: int
    ops_per_sec: float
    phase: str


class Refused(Exception):
    """This machine's kernel does not take the kernel side; the words say why."""


class _Hung(Exception):
    """A lane does not come back from an operation."""

    def __init__(self, crash: findings.Crash) -> None:
        super().__init__(crash.message)
        self.crash = crash


class Watch:
    """A run from the start of its engine to its report. Not for several threads at once, but for what says so.

    `heard` is told of notes, verify results and kernel facts as they come. After the report the engine stays, idle,
    until `close`; after a crash its memory does.
    """

    def __init__(
        self,
        profile: Profile,
        build: Build,
        reason: str,
        heard: Callable[[Heard], None] = lambda _event: None,
    ) -> None:
        self.profile = profile
        self.build = build
        self.reason = reason
        self.plan = plan.draw(profile, build.structure, kernel_side=build.bpf is not None, reason=reason)
        self.phase = "starting"
        self.triggers = {name: build.bpf is not None and name in profile.triggers.enabled for name in TRIGGER_NAMES}
        self._heard = heard
        self._notes = [*self.plan.notes]
        self._stopping = False
        self._phase_at = time.monotonic()
        self._moved_at: dict[int, tuple[int, float]] = {}
        self._baseline: findings.Samples = {}
        self._baseline_ns = 0
        self._last = (0.0, 0)
        self._done = 0
        self._rate = 0.0
        self._log = self._log_path()
        self._keep_log = False
        work = profile.workload
        self.total_s = work.duration_s + work.warmup_s if work.duration_s else None
        self._sampler = Sampler(self.plan, self._read, limit=work.operations, total_s=self.total_s)
        self.engine = Engine(self._orders())

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the engine; nothing stays attached."""
        self.engine.close()
        if not self._keep_log:
            self._log.unlink(missing_ok=True)

    def poll(self, timeout_s: float) -> Report | None:
        """Handle what the engine says within `timeout_s` and look after it; the report when the run is over.

        Raises Refused, UsageError, BuildError, MachineError, EngineError for a run that cannot be.
        """
        try:
            event = self.engine.next_event(timeout_s)
            finished = self._handle(event) if event is not None else None
            if finished is None:
                self._observe()
                return None
        except EngineDied as died:
            crash = findings.crash(self.plan, self.build, died.death, self.phase)
            return self._compose(None, crash, time.monotonic_ns())
        except _Hung as hung:
            self.engine.kill()
            return self._compose(None, hung.crash, 0)
        self._enter("finished")
        if self.profile.workload.warmup_s and not self._baseline:
            self._notes.append("the run ended before its warm-up did (workload.warmup_s): everything is counted")
        return self._compose(finished, None, finished.ended_ns)

    def idle(self, timeout_s: float) -> bool:
        """Handle what the engine says after the report; False when it has died meanwhile."""
        try:
            event = self.engine.next_event(timeout_s)
        except EngineDied:
            return False
        if isinstance(event, Heard):
            self._heard(event)
        return True

    def stop(self) -> None:
        """From any thread: the lanes leave, and the report comes."""
        if not self._stopping:
            self._stopping = True
            self._notes.append("stopped before its end")
            self.engine.send(messages.Stop())

    def burst(self, operations: int) -> None:
        """From any thread: have the kernel perform so many of the workload's operations now."""
        self.engine.send(messages.Burst(operations))

    def verify(self) -> None:
        """From any thread: have the structure verified now, from both sides."""
        self.engine.send(messages.VerifyNow())

    def set_trigger(self, name: str, *, on: bool) -> None:
        """From any thread: attach or detach a trigger."""
        self.triggers[name] = on
        self.engine.send(messages.SetTrigger(TRIGGER_NAMES.index(name), on))

    def query_kernel(self, *, statistics: bool) -> None:
        """From any thread: ask what the kernel tells of the programs, and have it count their runs meanwhile."""
        self.engine.send(messages.QueryKernel(statistics))

    def elapsed_s(self) -> float:
        """Seconds on the run's clock, 0 before it starts; it stands still once the lanes have stopped."""
        control = self.engine.control()
        if control is None or not control.started_ns:
            return 0.0
        ends = [
            sample.finished_ns
            for lane in self.plan.lanes
            if lane.trigger in (None, "manual") and (sample := self._read(lane.slots[0])) is not None
        ]
        now_ns = max(ends) if ends and all(ends) else time.monotonic_ns()
        return max(0.0, (now_ns - control.started_ns) / 1e9)

    def progress(self) -> Progress:
        """Where the run is, cheaply."""
        return Progress(self.elapsed_s(), self.total_s, self._done, self._rate, self.phase)

    def snapshot(self, arena: ArenaCounters | None) -> Snapshot:
        """The run now, in full."""
        return self._sampler.snapshot(
            phase=self.phase, elapsed_s=self.elapsed_s(), arena=arena, triggers=dict(self.triggers)
        )

    def _read(self, slot: int) -> telemetry.LaneSample | None:
        return self.engine.lane(slot)

    def _log_path(self) -> Path:
        logs = cache.root() / "logs"
        logs.mkdir(exist_ok=True)
        return logs / f"{self.build.structure.name}-{os.getpid()}.log"

    def _orders(self) -> messages.Configure:
        return plan.configure(
            self.profile,
            self.plan,
            driver=self.build.native,
            runtime=builds.runtime(),
            loader=builds.loader() if self.build.bpf else None,
            bpf=self.build.bpf,
            log=self._log,
        )

    def _handle(self, event: messages.Event) -> messages.Finished | None:
        if isinstance(event, messages.Finished):
            return event
        if isinstance(event, messages.Phase):
            self._enter(event.name)
        elif isinstance(event, messages.Failed):
            self._failed(event)
        elif isinstance(event, messages.Note):
            self._notes.append(event.text)
            self._heard(event)
        elif isinstance(event, messages.Verified | messages.KernelFacts):
            self._heard(event)
        return None

    def _enter(self, phase: str) -> None:
        self.phase, self._phase_at = phase, time.monotonic()
        self._moved_at.clear()

    def _failed(self, failed: messages.Failed) -> None:
        if failed.kind == "machine" and self.build.bpf:
            raise Refused(failed.message)
        if failed.kind == "machine":
            raise MachineError(failed.message)
        if failed.kind == "verifier":
            self._keep_log = True  # the message names it
            verifier = diagnostics.explain_verifier(Path(failed.log), self.build.bpf or Path())
            raise BuildError(f"{failed.message}\n{verifier}")
        if failed.message.startswith("arena.pages"):
            raise UsageError(failed.message)
        raise EngineError(failed.message)

    def _compose(self, finished: messages.Finished | None, crash: findings.Crash | None, ended_ns: int) -> Report:
        return findings.compose(
            self.profile,
            self.plan,
            self.build,
            findings.Outcome(
                samples=findings.sample(self.plan, self.engine.lane),
                baseline=self._baseline,
                baseline_ns=self._baseline_ns,
                control=self.engine.control(),
                finished=finished,
                left=self.engine.arena_state() if crash else None,
                ended_ns=ended_ns,
                crash=crash,
                reason=self.reason,
                notes=tuple(self._notes),
            ),
        )

    def _observe(self) -> None:
        """See whether a lane hangs, keep the warm-up's counters apart, measure the rate."""
        now, memory = time.monotonic(), self.engine.memory
        self._watch(now)
        if memory is None:
            return
        elapsed = self.elapsed_s()
        warmup = self.profile.workload.warmup_s
        if warmup and not self._baseline and elapsed >= warmup:
            self._baseline = findings.sample(self.plan, self.engine.lane)
            self._baseline_ns = time.monotonic_ns()
        self._done = sum(telemetry.operations_done(memory, slot) for lane in self.plan.lanes for slot in lane.slots)
        if elapsed - self._last[0] >= _RATE_EVERY_S:
            self._rate = (self._done - self._last[1]) / (elapsed - self._last[0])
            self._last = (elapsed, self._done)

    def _watch(self, now: float) -> None:
        """Raise _Hung when something has not moved for the profile's watchdog_s."""
        patience, memory = self.profile.lanes.watchdog_s, self.engine.memory
        if self.phase == "starting":
            patience = max(patience, _STARTING_S)
        if memory is None or self.phase not in _PATIENT:
            if now - self._phase_at > patience:
                self._hung(self.plan.setup_slot, patience)
            return
        slots = [self.plan.setup_slot]
        if self.phase == "running":
            slots = [lane.slots[0] for lane in self.plan.lanes if lane.trigger in (None, "manual")]
        for slot in slots:
            done = telemetry.operations_done(memory, slot)
            before, since = self._moved_at.get(slot, (-1, now))
            if done != before:
                self._moved_at[slot] = (done, now)
            elif now - since > patience and self._still_running(slot):
                self._hung(slot, patience)

    def _hung(self, slot: int, patience: float) -> None:
        raise _Hung(findings.hang(self.plan, slot, self.engine, self.phase, patience))

    def _still_running(self, slot: int) -> bool:
        if slot == self.plan.setup_slot:
            return True
        sample = self._read(slot)
        return sample is not None and sample.state == telemetry.RUNNING
