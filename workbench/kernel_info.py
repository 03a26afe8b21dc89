# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a person is told of the programs in the kernel, frozen: the engine's facts with names, rates and reasons.

A Reader follows one run: rates are over the time since its last reading, and what programs' streams said is sorted.
"""

from __future__ import annotations

import platform
import re

import msgspec

from workbench.engine.messages import KernelFacts, TriggerFacts
from workbench.fault_reports import Collector, FaultReport, StreamText
from workbench.profiles import TRIGGER_NAMES

TASKS = {
    "manual_operation": "one operation, when the engine asks for it",
    "batch_operations": "a stretch of a kernel lane's operations",
    "trace_syscall": "one operation at each system call of a trigger",
    "populate": "memory for the kernel's lanes, ahead of them",
    "know_tree": "whose system calls fire the triggers",
}
"""What the programs of bpf/skeleton.bpf.c are for."""

_SHORTEST_NS = 100_000_000  # rates over less are noise
_STREAMS = {1: "stdout", 2: "stderr"}
_NUMBERS = {
    "instructions": re.compile(r"^processed (\d+) insns", re.MULTILINE),
    "states": re.compile(r"\btotal_states (\d+)"),
    "peak_states": re.compile(r"\bpeak_states (\d+)"),
    "microseconds": re.compile(r"^verification time (\d+) usec", re.MULTILINE),
}
_STACK = re.compile(r"^stack depth ([\d+]+)", re.MULTILINE)


class Verification(msgspec.Struct, frozen=True):
    """What the verifier says of a program; None where this kernel does not say it. `stack_bytes` by function."""

    instructions: int | None = None
    states: int | None = None
    peak_states: int | None = None
    microseconds: int | None = None
    stack_bytes: tuple[int, ...] = ()
    text: str = ""


class ProgramInfo(msgspec.Struct, frozen=True):
    """A loaded program. Runs are those that the kernel counted; rates are over the last interval, None without one.

    `attached` has the triggers it serves, `cpu_share` is 1.0 for a whole CPU, `missed` are runs that recursion
    prevented.
    """

    name: str
    task: str
    type: str
    id: int
    tag: str
    age_s: float
    attached: tuple[str, ...]
    functions: int
    translated_bytes: int
    jited_bytes: int
    verification: Verification
    runs: int
    mean_ns: float | None
    missed: int
    runs_per_s: float | None = None
    recent_ns: float | None = None
    cpu_share: float | None = None


class MapInfo(msgspec.Struct, frozen=True):
    """A map; `entries` of an arena are its pages, `bytes` what it costs the kernel (0: it does not say)."""

    name: str
    type: str
    id: int
    key_bytes: int
    value_bytes: int
    entries: int
    bytes: int


class TriggerInfo(msgspec.Struct, frozen=True):
    """A trigger: whether it is switched on and attached, by which link and cookie, and if not attached, why.

    `failed`: it was tried and could not be.
    """

    name: str
    event: str
    on: bool
    attached: bool
    why: str
    link: int | None = None
    cookie: int | None = None
    failed: bool = False


class KernelInfo(msgspec.Struct, frozen=True):
    """One reading. `stage` is "native", "loading", "ready", "working" or "over".

    `counting` tells whether the kernel counts runs now, `not_counting` why it cannot. `faults` are what the kernel
    reported in the programs' streams, `said` is what else stands there; both are None on a kernel without streams.
    """

    kernel_release: str
    structure: str
    stage: str
    counting: bool = False
    not_counting: str = ""
    programs: tuple[ProgramInfo, ...] = ()
    maps: tuple[MapInfo, ...] = ()
    triggers: tuple[TriggerInfo, ...] = ()
    faults: tuple[FaultReport, ...] | None = None
    said: tuple[StreamText, ...] | None = None

    @property
    def fault_count(self) -> int:
        """Reports of faults so far."""
        return sum(report.count for report in self.faults or ())


class Reader:
    """Makes KernelInfo of one run's KernelFacts."""

    def __init__(self, structure: str) -> None:
        self._structure = structure
        self._before: dict[int, tuple[int, int, int]] = {}
        self._rates: dict[int, tuple[float, float | None, float]] = {}
        self._streams = Collector()

    def read(self, facts: KernelFacts) -> KernelInfo:
        """The facts as a person sees them."""
        counting = facts.statistics == ""
        if not counting:
            self._before.clear()
            self._rates.clear()
        triggers = [
            _trigger(name, at, facts.stage)
            for name, at in zip(TRIGGER_NAMES, facts.triggers, strict=len(facts.triggers) > 0)
        ]
        attached: dict[int, list[str]] = {}
        for name, at in zip(TRIGGER_NAMES, facts.triggers, strict=False):
            if at.link:
                attached.setdefault(int(at.link["program"]), []).append(name)
        for program, number, text in facts.streams or ():
            self._streams.add(program, _STREAMS.get(number, str(number)), text)
        return KernelInfo(
            kernel_release=platform.release(),
            structure=self._structure,
            stage=facts.stage,
            counting=counting,
            not_counting=facts.statistics or "",
            programs=tuple(self._program(one, facts, attached, counting) for one in facts.programs),
            maps=tuple(
                MapInfo(
                    name=one["name"],
                    type=one["type"],
                    id=one["id"],
                    key_bytes=one["key_size"],
                    value_bytes=one["value_size"],
                    entries=one["entries"],
                    bytes=one["bytes"],
                )
                for one in facts.maps
            ),
            triggers=tuple(triggers),
            faults=self._streams.reports if facts.streams is not None else None,
            said=self._streams.others if facts.streams is not None else None,
        )

    def _program(
        self, one: dict[str, object], facts: KernelFacts, attached: dict[int, list[str]], counting: bool
    ) -> ProgramInfo:
        numbers = {name: value for name, value in one.items() if isinstance(value, int)}
        name, tag = str(one["name"]), one["tag"]
        id_, runs, run_ns = numbers["id"], numbers["runs"], numbers["run_ns"]
        if counting:
            self._measure(id_, facts.monotonic_ns, runs, run_ns)
        rate, recent, share = self._rates.get(id_, (None, None, None))
        verification = _verification(str(one["statistics"]))
        if verification.instructions is None and numbers["verified"]:
            verification = msgspec.structs.replace(verification, instructions=numbers["verified"])
        return ProgramInfo(
            name=name,
            task=TASKS.get(name, ""),
            type=str(one["type"]),
            id=id_,
            tag=tag.hex() if isinstance(tag, bytes) else "",
            age_s=max(0.0, (facts.boottime_ns - numbers["loaded_ns"]) / 1e9),
            attached=tuple(attached.get(id_, ())),
            functions=numbers["functions"],
            translated_bytes=numbers["translated_bytes"],
            jited_bytes=numbers["jited_bytes"],
            verification=verification,
            runs=runs,
            mean_ns=run_ns / runs if runs else None,
            missed=numbers["missed"],
            runs_per_s=rate,
            recent_ns=recent,
            cpu_share=share,
        )

    def _measure(self, program: int, now_ns: int, runs: int, run_ns: int) -> None:
        """Rates since the reading before, unless that was a moment ago."""
        if program in self._before:
            then_ns, runs_before, run_ns_before = self._before[program]
            passed_ns = now_ns - then_ns
            if passed_ns < _SHORTEST_NS:
                return
            more, spent_ns = runs - runs_before, run_ns - run_ns_before
            self._rates[program] = (more * 1e9 / passed_ns, spent_ns / more if more else None, spent_ns / passed_ns)
        self._before[program] = (now_ns, runs, run_ns)


def _trigger(name: str, facts: TriggerFacts, stage: str) -> TriggerInfo:
    """A trigger with the reason why it is not attached."""
    event = f"sys_enter_{name}"
    if facts.link:
        return TriggerInfo(name, event, facts.wanted, True, "", int(facts.link["id"]), int(facts.link["cookie"]))
    if stage == "over":
        why = "run is over"
    elif not facts.wanted:
        why = "switched off"
    else:
        why = facts.problem or "attached once the lanes have started"
    return TriggerInfo(name, event, facts.wanted, False, why, failed=facts.wanted and why == facts.problem)


def unloaded(info: KernelInfo) -> KernelInfo:
    """What is left of a reading once the engine has ended without a word: nothing runs, nothing is attached."""
    change = msgspec.structs.replace
    return change(
        info,
        stage="over",
        counting=False,
        programs=tuple(
            change(one, attached=(), runs_per_s=None, recent_ns=None, cpu_share=None) for one in info.programs
        ),
        triggers=tuple(TriggerInfo(one.name, one.event, one.on, False, "engine ended") for one in info.triggers),
    )


def _verification(text: str) -> Verification:
    found = {name: pattern.search(text) for name, pattern in _NUMBERS.items()}
    numbers = {name: int(match[1]) for name, match in found.items() if match}
    stack = _STACK.search(text)
    return Verification(
        **numbers, stack_bytes=tuple(int(part) for part in stack[1].split("+") if part) if stack else (), text=text
    )
