# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a run looks like at one moment, frozen: the only thing that a live display is given.

A Sampler turns the lanes' counters into Snapshots, with rates over the time since the last one. It reads shared
memory and computes; nothing of a lane's waits for it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from workbench import telemetry
from workbench.plan import Lane, Plan
from workbench.telemetry import LaneSample

SHARES = (0.50, 0.99, 0.999)
"""The percentiles of a row: p50, p99, p99.9."""


class LaneRow(msgspec.Struct, frozen=True):
    """One lane now: counters since the start, `ops_per_sec` over the last interval, percentiles in ns or None."""

    id: int
    name: str
    kernel: bool
    trigger: str | None
    state: str
    operations: int
    inserts: int
    deletes: int
    searches: int
    pops: int
    failures: int
    ops_per_sec: float
    p50: int | None
    p99: int | None
    p999: int | None
    cpu: int | None
    missed: int


class Rates(msgspec.Struct, frozen=True):
    """Operations per second over the last interval: all, by context, and by operation."""

    total: float = 0.0
    user: float = 0.0
    kernel: float = 0.0
    by_operation: dict[str, float] = {}


class ArenaCounters(msgspec.Struct, frozen=True):
    """The allocator's counters; pages of 4 KiB; `stalled` names lanes that hold reclamation up now."""

    pages: int
    populated: int
    used: int
    allocations: int
    frees: int
    failed: int
    retired: int
    double_frees: int
    bad_frees: int
    stalled: tuple[str, ...] = ()

    @property
    def live(self) -> int:
        """Objects handed out and not given back; retired ones are among them."""
        return self.allocations - self.frees


class Snapshot(msgspec.Struct, frozen=True):
    """One moment of a run.

    `elapsed_s` and `total_s` (None: no limit) are on the run's clock, `share` is the progress 0..1 (None: no limit of
    any kind). `elements` is what the counters say. `latency` holds counts by telemetry bucket, user and kernel.
    """

    phase: str
    elapsed_s: float
    total_s: float | None
    share: float | None
    lanes: tuple[LaneRow, ...]
    total: LaneRow
    rates: Rates
    elements: int
    arena: ArenaCounters | None
    latency_user: tuple[int, ...]
    latency_kernel: tuple[int, ...]
    triggers: dict[str, bool]


class Sampler:
    """Makes Snapshots of one run. `read` gives a telemetry slot's counters, `limit` is the operations a lane may do."""

    def __init__(
        self, plan: Plan, read: Callable[[int], LaneSample | None], *, limit: int, total_s: float | None
    ) -> None:
        self._plan = plan
        self._read = read
        self._limit = limit
        self._total_s = total_s
        self._before: dict[int, LaneSample] = {}
        self._before_s = 0.0
        self._rates: dict[int, float] = {}

    def snapshot(
        self, *, phase: str, elapsed_s: float, arena: ArenaCounters | None, triggers: dict[str, bool]
    ) -> Snapshot:
        """The run now. `elapsed_s` must not go backwards."""
        samples = {lane.id: self._sample(lane.slots) for lane in self._plan.lanes}
        interval = elapsed_s - self._before_s
        rates = Rates()
        if interval > 0:
            rates = self._measure(samples, interval)
            self._before, self._before_s = samples, elapsed_s
        shown = [
            lane
            for lane in self._plan.lanes
            if not lane.optional or triggers.get(lane.name) or samples[lane.id].operations
        ]
        rows = tuple(self._row(lane, samples[lane.id]) for lane in shown)
        setup = self._sample((self._plan.setup_slot,))
        user = [samples[lane.id] for lane in self._plan.lanes if not lane.kernel]
        kernel = [samples[lane.id] for lane in self._plan.lanes if lane.kernel]
        return Snapshot(
            phase=phase,
            elapsed_s=elapsed_s,
            total_s=self._total_s,
            share=self._share(rows, elapsed_s),
            lanes=rows,
            total=_total(rows, rates.total, telemetry.combine(list(samples.values()))),
            rates=rates,
            elements=_elements([*samples.values(), setup]),
            arena=arena,
            latency_user=_buckets(user),
            latency_kernel=_buckets(kernel),
            triggers=triggers,
        )

    def _sample(self, slots: tuple[int, ...]) -> LaneSample:
        found = [one for one in map(self._read, slots) if one is not None]
        return telemetry.combine(found) if found else telemetry.NOTHING

    def _measure(self, samples: dict[int, LaneSample], interval: float) -> Rates:
        """Rates since the last snapshot; each lane's own is kept for its row."""
        by_operation = dict.fromkeys(("insert", "delete", "search", "pop"), 0.0)
        by_context = {False: 0.0, True: 0.0}
        for lane in self._plan.lanes:
            now, before = samples[lane.id], self._before.get(lane.id, telemetry.NOTHING)
            rate = (now.operations - before.operations) / interval
            self._rates[lane.id] = rate
            by_context[lane.kernel] += rate
            for kind, name in enumerate(telemetry.OPERATIONS):
                if name in by_operation:
                    by_operation[name] += (now.attempts[kind] - before.attempts[kind]) / interval
        return Rates(
            total=by_context[False] + by_context[True],
            user=by_context[False],
            kernel=by_context[True],
            by_operation=by_operation,
        )

    def _row(self, lane: Lane, sample: LaneSample) -> LaneRow:
        kinds = dict(zip(telemetry.OPERATIONS, sample.attempts, strict=False))
        p50, p99, p999 = telemetry.percentiles(sample, SHARES)
        return LaneRow(
            id=lane.id,
            name=lane.name,
            kernel=lane.kernel,
            trigger=lane.trigger,
            state=telemetry.STATES[sample.state] if sample.state < len(telemetry.STATES) else "unknown",
            operations=sample.operations,
            inserts=kinds["insert"],
            deletes=kinds["delete"],
            searches=kinds["search"],
            pops=kinds["pop"],
            failures=sample.failures,
            ops_per_sec=self._rates.get(lane.id, 0.0),
            p50=p50,
            p99=p99,
            p999=p999,
            cpu=lane.cpu,
            missed=sample.missed,
        )

    def _share(self, rows: tuple[LaneRow, ...], elapsed_s: float) -> float | None:
        shares = []
        if self._total_s:
            shares.append(elapsed_s / self._total_s)
        own = [row for row in rows if row.trigger in (None, "manual")]
        if self._limit and own:
            shares.append(min(row.operations for row in own) / self._limit)
        return min(1.0, max(shares)) if shares else None


def _total(rows: tuple[LaneRow, ...], rate: float, all_of_them: LaneSample) -> LaneRow:
    p50, p99, p999 = telemetry.percentiles(all_of_them, SHARES)

    def summed(name: str) -> int:
        return sum(getattr(row, name) for row in rows)

    return LaneRow(
        id=-1,
        name="TOTAL",
        kernel=False,
        trigger=None,
        state="",
        operations=summed("operations"),
        inserts=summed("inserts"),
        deletes=summed("deletes"),
        searches=summed("searches"),
        pops=summed("pops"),
        failures=summed("failures"),
        ops_per_sec=rate,
        p50=p50,
        p99=p99,
        p999=p999,
        cpu=None,
        missed=summed("missed"),
    )


def _elements(samples: list[LaneSample]) -> int:
    insert, delete, pop = (telemetry.OPERATIONS.index(name) for name in ("insert", "delete", "pop"))
    return sum(one.successes[insert] - one.successes[delete] - one.successes[pop] for one in samples)


def _buckets(samples: list[LaneSample]) -> tuple[int, ...]:
    return telemetry.combine(samples).buckets if samples else telemetry.NOTHING.buckets
