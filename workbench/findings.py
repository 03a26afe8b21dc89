# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""From samples and the engine's findings to the report: rates, latencies, checks, leaks, faults."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from workbench import plan as plans
from workbench import source_lines, telemetry
from workbench.builds import Build
from workbench.checks import after_run
from workbench.engine import messages
from workbench.engine.client import Death, Engine
from workbench.plan import Lane, Plan
from workbench.profiles import Profile, to_dict
from workbench.reports import model
from workbench.reports.model import ArenaReport, Fault, KernelReport, LaneReport, Leak, Report
from workbench.telemetry import Control, LaneSample

Samples = Mapping[int, LaneSample]
"""By lane id; -1 is the setup slot (prefill)."""

SETUP = -1
_PAGE = 4096
_SLOT_HEADER = 8
_ALIKE = 3
_PHASES = {
    "starting": "starting",
    "init": "making the structure",
    "prefill": "filling it beforehand",
    "plan": "drawing the operations",
    "running": "the lanes ran",
    "draining": "reclaiming what was retired",
    "verify": "verifying from user space",
    "verify in kernel": "verifying from the kernel",
    "walk": "counting the elements",
    "marking": "looking for leaks",
}
"""What is done in each of messages.Phase, after the word "while"."""
_FAULTS = {
    1: "double free",
    2: "free of what was never handed out",
    3: "double retire",
    4: "retire of what was never handed out",
    5: "a lane waits for the lock it holds",
}


class Allocator(Protocol):
    """The allocator's counters and faults (messages.Finished, arena.state.ArenaState)."""

    @property
    def arena(self) -> dict[str, Any]: ...

    @property
    def arena_lanes(self) -> list[dict[str, int]]: ...

    @property
    def faults(self) -> list[dict[str, int]]: ...


class Crash(msgspec.Struct, frozen=True):
    """Why the engine is gone: in one line, as a fault of the report, and what else there is to say."""

    message: str
    fault: Fault
    notes: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """All that is known when a run is over; after a crash or hang `finished` is None and `left` the arena as it was.

    `ended_ns` is when the lanes were stopped or died, 0 when nobody can tell. `baseline` are the counters at the end of
    the warm-up, taken at `baseline_ns` of CLOCK_MONOTONIC.
    """

    samples: Samples
    baseline: Samples
    baseline_ns: int
    control: Control | None
    finished: messages.Finished | None
    left: Allocator | None
    ended_ns: int
    crash: Crash | None
    reason: str
    notes: tuple[str, ...]


def sample(plan: Plan, read: Callable[[int], LaneSample | None]) -> dict[int, LaneSample]:
    """The counters of all lanes now, a trigger's summed over its CPUs."""
    found = {lane.id: [read(slot) for slot in lane.slots] for lane in plan.lanes}
    found[SETUP] = [read(plan.setup_slot)]
    return {
        number: telemetry.combine([one for one in ones if one is not None])
        for number, ones in found.items()
        if any(one is not None for one in ones)
    }


def crash(plan: Plan, build: Build, death: Death, phase: str) -> Crash:
    """An engine that died by itself."""
    lane = plans.slot_name(plan, death.slot) if death.slot is not None else None
    line = source_lines.at(build.native, death.instruction)
    parts = [
        f"the engine, the process that runs {build.structure.name}'s code, {_ended(death)}",
        f"in lane {lane!r}, {death.operation}(key {death.key})" if lane else "",
        f"at {line}" if line else "",
        f"accessing address {death.address:#x}" if death.address else "",
        f"while {_PHASES.get(phase, phase)}",
    ]
    fault = Fault(
        kind=death.signal,
        address=hex(death.address) if death.address else None,
        lane=lane,
        operation=death.operation or None,
        key=death.key,
    )
    words = (f"the engine's last words: {death.words}",) if death.words else ()
    return Crash(f"{', '.join(filter(None, parts))}; nothing stays attached", fault, words)


def _ended(death: Death) -> str:
    if death.signal.startswith("SIG"):
        return f"died of {death.signal}" if death.noted else f"was killed from outside by {death.signal}"
    return f"ended with {death.signal}"


def hang(plan: Plan, slot: int, engine: Engine, phase: str, patience_s: float) -> Crash:
    """A lane that has not moved for `patience_s`; its engine is about to be killed."""
    found = engine.lane(slot)
    lane = plans.slot_name(plan, slot)
    operation, key = found.named_operation() if found else (None, None)
    doing = f" in {operation}(key {key})" if operation else ""
    message = (
        f"lane {lane!r} hangs: no progress for {patience_s:g} s{doing}, while {_PHASES.get(phase, phase)}. The engine "
        "(the process) was killed, nothing stays attached. If it is meant to take that long, raise lanes.watchdog_s "
        "(--watchdog)"
    )
    return Crash(message, Fault(kind="hang", lane=lane, operation=operation, key=key))


def compose(profile: Profile, plan: Plan, build: Build, outcome: Outcome) -> Report:
    """The report of a run, however it ended."""
    started = outcome.control.started_ns if outcome.control else 0
    shown = [lane for lane in plan.lanes if not lane.optional or _did_something(outcome.samples.get(lane.id))]
    lanes = [_lane(lane, outcome, started) for lane in shown]
    finished = outcome.finished
    checks = after_run.check(outcome.samples, finished, verify=profile.checks.verify, kernel=build.bpf is not None)
    failed = any(result.result == "failed" for result in checks.values())
    notes = list(outcome.notes)
    wanted = profile.workload.prefill_count
    if finished and not finished.init_result and finished.prefilled < wanted:
        notes.append(f"workload.prefill: only {finished.prefilled} of {wanted} elements went in before the clock")
    if outcome.crash:
        notes[:0] = [outcome.crash.message, *outcome.crash.notes]
    if outcome.reason and profile.arena.backend != "native":
        off = " and triggers" if profile.triggers.enabled else ""
        notes.append(f"native backend: kernel lanes{off} are off: {outcome.reason}")
    return Report(
        backend="bpf" if build.bpf else "native",
        backend_reason=outcome.reason,
        kernel_release=platform.release(),
        structure=build.structure.name,
        structure_path=str(build.structure.path),
        flavour=build.flavour,
        seed=plan.seed,
        duration_s=_duration(lanes, outcome, started),
        profile=to_dict(profile),
        notes=notes,
        lanes=lanes,
        totals=model.total(lanes),
        kernel=_kernel(shown, lanes, outcome),
        arena=_arena(plan, finished or outcome.left),
        elements=after_run.elements(outcome.samples, finished),
        checks=checks,
        leaks=_leaks(finished),
        faults=[*([outcome.crash.fault] if outcome.crash else []), *_faults(plan, finished or outcome.left)],
        exit_status=4 if outcome.crash else 1 if failed else 0,
    )


def _did_something(sample: LaneSample | None) -> bool:
    return sample is not None and (sample.operations > 0 or sample.missed > 0)


def _lane(lane: Lane, outcome: Outcome, started_ns: int) -> LaneReport:
    found = outcome.samples.get(lane.id)
    if found is None:
        return LaneReport(id=lane.id, name=lane.name, context="kernel" if lane.kernel else "user", trigger=lane.trigger)
    before = outcome.baseline.get(lane.id)
    counted = telemetry.difference(found, before) if before else found
    by_name = dict(zip(telemetry.OPERATIONS, counted.attempts, strict=False))
    ended = found.finished_ns or outcome.ended_ns
    seconds = max(0.0, (ended - (found.started_ns or started_ns)) / 1e9)
    if before:
        seconds = max(0.0, (ended - outcome.baseline_ns) / 1e9)
    return LaneReport(
        id=lane.id,
        name=lane.name,
        context="kernel" if lane.kernel else "user",
        trigger=lane.trigger,
        operations=counted.operations,
        inserts=by_name["insert"],
        deletes=by_name["delete"],
        searches=by_name["search"],
        pops=by_name["pop"],
        failures=counted.failures,
        failures_by_code={
            name: count for name, count in zip(telemetry.RESULTS[1:], counted.results[1:], strict=False) if count
        },
        ops_per_sec=counted.operations / seconds if seconds > 0 else 0.0,
        latency_ns=_latency(counted),
        cpu=lane.cpu,
    )


def _latency(counted: LaneSample) -> model.Latency | None:
    if not counted.latency_count:
        return None
    p50, p90, p99, p999 = (found or 0 for found in telemetry.percentiles(counted, (0.50, 0.90, 0.99, 0.999)))
    return model.Latency(
        samples=counted.latency_count,
        mean=round(counted.latency_sum / counted.latency_count, 1),
        p50=p50,
        p90=p90,
        p99=p99,
        p999=p999,
        max=counted.latency_max,
    )


def _duration(lanes: list[LaneReport], outcome: Outcome, started_ns: int) -> float:
    """From the start of the clock to the last lane's last operation; a trigger's lasts until the run is stopped."""
    ends = [one.finished_ns for number, one in outcome.samples.items() if number != SETUP]
    if outcome.crash or any(lane.trigger not in (None, "manual") for lane in lanes):
        ends.append(outcome.ended_ns)
    ended = max(ends, default=0)
    return max(0.0, (ended - started_ns) / 1e9) if started_ns else 0.0


def _kernel(shown: list[Lane], lanes: list[LaneReport], outcome: Outcome) -> KernelReport:
    mine = [(lane, report) for lane, report in zip(shown, lanes, strict=True) if lane.kernel]
    by_trigger: dict[str, model.TriggerReport] = {}
    for lane, report in mine:
        before = by_trigger.get(lane.trigger or "", model.TriggerReport())
        found = outcome.samples.get(lane.id)
        by_trigger[lane.trigger or ""] = model.TriggerReport(
            operations=before.operations + report.operations,
            failures=before.failures + report.failures,
            missed=before.missed + (found.missed if found else 0),
        )
    return KernelReport(
        operations=sum(report.operations for _, report in mine),
        failures=sum(report.failures for _, report in mine),
        by_trigger=by_trigger,
    )


def _arena(plan: Plan, seen: Allocator | None) -> ArenaReport:
    if seen is None or seen.arena["status"]:
        return ArenaReport()
    arena, lanes = seen.arena, seen.arena_lanes

    def summed(name: str) -> int:
        return sum(lane[name] for lane in lanes)

    populated = arena["frontier"] - arena["pages_first"]
    inside = [
        f"{plans.arena_lane_name(plan, number)} (inside since epoch {lane['epoch'] >> 1})"
        for number, lane in enumerate(lanes)
        if lane["epoch"] & 1
    ]
    return ArenaReport(
        pages=arena["pages"],
        pages_populated=populated,
        pages_used=populated - arena["free_pages"],
        allocations=summed("allocations"),
        frees=summed("frees"),
        current=summed("allocations") - summed("frees"),
        failed=summed("failed"),
        retired=summed("limbo"),
        double_frees=summed("double_frees"),
        bad_frees=summed("bad_frees"),
        epoch=arena["epoch"],
        stalled=inside,
    )


def _leaks(finished: messages.Finished | None) -> list[Leak]:
    if finished is None:
        return []
    return [
        Leak(
            size_class_bytes=leak["slot_size"] or _PAGE,
            objects=leak["objects"],
            bytes=leak["bytes"],
            example_address=hex(finished.arena["root"] & ~0xFFFFFFFF | leak["example"]),
            example_hex=_content(leak).hex(" ", 8),
        )
        for leak in finished.mark["leaks"]
        if leak["objects"]
    ]


def _content(leak: dict[str, Any]) -> bytes:
    """The first bytes of the example, none of what lies behind it."""
    size = leak["slot_size"] - _SLOT_HEADER if leak["slot_size"] else len(leak["content"])
    return bytes(leak["content"][:size])


def _faults(plan: Plan, seen: Allocator | None) -> list[Fault]:
    """What the allocator reported, but of the same thing by the same lane only the first few."""
    found: dict[tuple[str, int, int], list[Fault]] = {}
    for fault in seen.faults if seen else ():
        operation, key = telemetry.named(fault["operation"])
        kind = _FAULTS.get(fault["kind"], f"fault {fault['kind']}")
        alike = found.setdefault((kind, fault["address"], fault["lane"]), [])
        one = Fault(
            kind=kind,
            address=hex(fault["address"]),
            lane=plans.arena_lane_name(plan, fault["lane"]),
            operation=operation,
            key=key,
        )
        if one not in alike and len(alike) < _ALIKE:
            alike.append(one)
    return [one for alike in found.values() for one in alike]
