# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The report of one run, as data: the JSON report is exactly this, and every other form is drawn from it.

A change here changes the shipped schema: write it anew with `python -m workbench.reports.as_json`,
and raise SCHEMA_VERSION when a reader of the old form would be misled.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

SCHEMA_VERSION = 1

Context = Literal["user", "kernel"]
Result = Literal["ok", "failed", "unknown", "skipped"]


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Sampled latencies of one lane, in nanoseconds."""

    samples: int
    mean: float
    p50: int
    p90: int
    p99: int
    p999: int
    max: int


class LaneReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one lane did; `trigger` is None for user lanes."""

    id: int
    name: str
    context: Context
    trigger: str | None = None
    operations: int = 0
    inserts: int = 0
    deletes: int = 0
    searches: int = 0
    pops: int = 0
    failures: int = 0
    failures_by_code: dict[str, int] = {}
    ops_per_sec: float = 0.0
    latency_ns: Latency | None = None
    cpu: int | None = None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over all lanes, and the rates of the two contexts apart."""

    operations: int = 0
    inserts: int = 0
    deletes: int = 0
    searches: int = 0
    pops: int = 0
    failures: int = 0
    failures_by_code: dict[str, int] = {}
    ops_per_sec: float = 0.0
    user_ops_per_sec: float = 0.0
    kernel_ops_per_sec: float = 0.0


class TriggerReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one trigger caused; `missed` counts firings at which no operation could run."""

    operations: int = 0
    failures: int = 0
    missed: int = 0


class KernelReport(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel side as a whole, and by trigger ("manual", "execve", ...)."""

    operations: int = 0
    failures: int = 0
    by_trigger: dict[str, TriggerReport] = {}


class ArenaReport(msgspec.Struct, frozen=True, kw_only=True):
    """The allocator's counters at the end of the run; `stalled` names lanes that held reclamation up."""

    pages: int = 0
    pages_populated: int = 0
    pages_used: int = 0
    allocations: int = 0
    frees: int = 0
    current: int = 0
    failed: int = 0
    retired: int = 0
    double_frees: int = 0
    bad_frees: int = 0
    epoch: int = 0
    stalled: list[str] = []


class CheckResult(msgspec.Struct, frozen=True):
    """The outcome of one check, and why."""

    result: Result
    reason: str = ""


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """Live objects of one size class that nothing reaches, with one of them as an example."""

    size_class_bytes: int
    objects: int
    bytes: int
    example_address: str
    example_hex: str


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Something that died, hung or touched memory it must not: where, and in which operation."""

    kind: str
    address: str | None = None
    lane: str | None = None
    operation: str | None = None
    key: int | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what was asked, what happened, what the checks say."""

    schema_version: int = SCHEMA_VERSION
    backend: Literal["bpf", "native"]
    backend_reason: str = ""
    kernel_release: str = ""
    structure: str
    structure_path: str = ""
    flavour: str = "fast"
    seed: int
    duration_s: float
    profile: dict[str, Any] = {}
    notes: list[str] = []
    lanes: list[LaneReport] = []
    totals: Totals = Totals()
    kernel: KernelReport = KernelReport()
    arena: ArenaReport = ArenaReport()
    elements: int | None = None
    checks: dict[str, CheckResult] = {}
    leaks: list[Leak] = []
    faults: list[Fault] = []
    exit_status: int = 0


def total(lanes: Iterable[LaneReport]) -> Totals:
    """Sum the lanes; a context's rate is the sum of its lanes' rates."""
    lanes = list(lanes)
    codes: dict[str, int] = {}
    for lane in lanes:
        for code, count in lane.failures_by_code.items():
            codes[code] = codes.get(code, 0) + count
    user = sum(lane.ops_per_sec for lane in lanes if lane.context == "user")
    kernel = sum(lane.ops_per_sec for lane in lanes if lane.context == "kernel")
    return Totals(
        operations=sum(lane.operations for lane in lanes),
        inserts=sum(lane.inserts for lane in lanes),
        deletes=sum(lane.deletes for lane in lanes),
        searches=sum(lane.searches for lane in lanes),
        pops=sum(lane.pops for lane in lanes),
        failures=sum(lane.failures for lane in lanes),
        failures_by_code=codes,
        ops_per_sec=user + kernel,
        user_ops_per_sec=user,
        kernel_ops_per_sec=kernel,
    )
