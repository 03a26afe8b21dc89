# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What lanes tell the outside, read from shared memory: the Python view of bpf/include/lane_telemetry.h.

Reading is sampling: no lock, no system call, nothing of a lane's waits for it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgspec

OPERATIONS = ("init", "insert", "delete", "pop", "search", "verify", "iterate")
"""Names by enum ds_op_type."""

RESULTS = (
    "SUCCESS",
    "NOT_FOUND",
    "EXISTS",
    "NOMEM",
    "INVALID",
    "CORRUPT",
    "BUSY",
    "FULL",
    "EMPTY",
    "UNSUPPORTED",
)
"""Names by negated result code, without DS_ERROR_."""

BUCKETS = 528
IDLE, RUNNING, FINISHED = range(3)
STATES = ("idle", "running", "finished")
"""Names by enum telemetry_state."""
CRASH_EXIT = 256
"""In place of a signal's number."""

_LANE = struct.Struct("=2IQ")
_TYPES, _CODES = 8, 16  # TELEMETRY_OPS, TELEMETRY_RESULTS
_CELLS = struct.Struct(f"={2 * _TYPES * _CODES}Q")
_CELLS_AT = 16
_REST = struct.Struct(f"=7Q{BUCKETS}I")
_REST_AT = _CELLS_AT + _CELLS.size
_CONTROL = struct.Struct("=6I3Q2I3Q")
ENTRY_SIZE = (_REST_AT + _REST.size + 63) // 64 * 64
"""Bytes from one entry to the next (union telemetry_entry)."""

_KEY_BITS = 60
_INSERT, _DELETE, _POP = (OPERATIONS.index(name) for name in ("insert", "delete", "pop"))


class LaneSample(msgspec.Struct, frozen=True):
    """One lane's counters at one moment; times in ns of CLOCK_MONOTONIC, counts of operations by enum ds_op_type."""

    state: int
    operation: int
    operations: int
    attempts: tuple[int, ...]
    successes: tuple[int, ...]
    results: tuple[int, ...]
    key_sum: int
    missed: int
    started_ns: int
    finished_ns: int
    latency_count: int
    latency_sum: int
    latency_max: int
    buckets: tuple[int, ...]

    @property
    def failures(self) -> int:
        """Operations that answered anything but DS_SUCCESS."""
        return sum(self.results[1:])

    def named_operation(self) -> tuple[str, int]:
        """The operation in progress, or the last one: its name and key."""
        return named(self.operation)


class Control(msgspec.Struct, frozen=True):
    """The run's control word and, after a crash, the note that the engine's signal handler left.

    `crash_signal` is CRASH_EXIT where exit() was called; `crash_instruction` an offset into the driver's object.
    """

    go: bool
    stop: bool
    started_ns: int
    crash_signal: int
    crash_slot: int
    crash_address: int
    crash_operation: int
    crash_instruction: int


def named(entry: int) -> tuple[str, int]:
    """A plan entry as the operation's name and the key."""
    kind = entry >> _KEY_BITS
    return (OPERATIONS[kind] if kind < len(OPERATIONS) else f"operation {kind}"), entry & ((1 << _KEY_BITS) - 1)


def read_control(memory: memoryview) -> Control:
    """Entry 0 of the telemetry."""
    words = _CONTROL.unpack_from(memory, 0)
    return Control(
        go=bool(words[0]),
        stop=bool(words[1]),
        started_ns=words[8],
        crash_signal=words[9],
        crash_slot=words[10],
        crash_address=words[11],
        crash_operation=words[12],
        crash_instruction=words[13],
    )


def read_lane(memory: memoryview, slot: int) -> LaneSample:
    """The entry of telemetry slot `slot`."""
    at = (slot + 1) * ENTRY_SIZE
    state, _busy, operation = _LANE.unpack_from(memory, at)
    cells = _CELLS.unpack_from(memory, at + _CELLS_AT)
    counts, keys = cells[::2], cells[1::2]
    rest = _REST.unpack_from(memory, at + _REST_AT)
    key_sum = keys[_INSERT * _CODES] - keys[_DELETE * _CODES] - keys[_POP * _CODES]
    return LaneSample(
        state=state,
        operation=operation,
        operations=sum(counts),
        attempts=tuple(sum(counts[first : first + _CODES]) for first in range(0, len(counts), _CODES)),
        successes=counts[::_CODES],
        results=tuple(sum(counts[code::_CODES]) for code in range(_CODES)),
        key_sum=key_sum % 2**64,
        missed=rest[0],
        started_ns=rest[2],
        finished_ns=rest[3],
        latency_count=rest[4],
        latency_sum=rest[5],
        latency_max=rest[6],
        buckets=rest[7:],
    )


def operations_done(memory: memoryview, slot: int) -> int:
    """Only the count of finished operations of a slot: what a progress line or a watchdog needs."""
    return sum(_CELLS.unpack_from(memory, (slot + 1) * ENTRY_SIZE + _CELLS_AT)[::2])


def difference(now: LaneSample, before: LaneSample) -> LaneSample:
    """What happened between two samples of one lane; state, operation, times and the maximum are those of `now`."""

    def less(a: Sequence[int], b: Sequence[int]) -> tuple[int, ...]:
        return tuple(x - y for x, y in zip(a, b, strict=True))

    return msgspec.structs.replace(
        now,
        operations=now.operations - before.operations,
        attempts=less(now.attempts, before.attempts),
        successes=less(now.successes, before.successes),
        results=less(now.results, before.results),
        missed=now.missed - before.missed,
        latency_count=now.latency_count - before.latency_count,
        latency_sum=now.latency_sum - before.latency_sum,
        buckets=less(now.buckets, before.buckets),
    )


def combine(samples: Sequence[LaneSample]) -> LaneSample:
    """The sum of several lanes, as of one that did it all (a trigger has a lane on each CPU)."""

    def plus(columns: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        return tuple(map(sum, zip(*columns, strict=True)))

    started = [one.started_ns for one in samples if one.started_ns]
    return LaneSample(
        state=max(one.state for one in samples),
        operation=max(samples, key=lambda one: one.operations).operation,
        operations=sum(one.operations for one in samples),
        attempts=plus([one.attempts for one in samples]),
        successes=plus([one.successes for one in samples]),
        results=plus([one.results for one in samples]),
        key_sum=sum(one.key_sum for one in samples) % 2**64,
        missed=sum(one.missed for one in samples),
        started_ns=min(started, default=0),
        finished_ns=max(one.finished_ns for one in samples),
        latency_count=sum(one.latency_count for one in samples),
        latency_sum=sum(one.latency_sum for one in samples),
        latency_max=max(one.latency_max for one in samples),
        buckets=plus([one.buckets for one in samples]),
    )


def bucket_upper_ns(index: int) -> int:
    """The largest latency that falls into a bucket: the inverse of telemetry_bucket()."""
    if index < 32:
        return index
    log = (index - 16) // 16 + 4
    return ((index - (log - 4) * 16 + 1) << (log - 4)) - 1


def percentiles(sample: LaneSample, shares: Sequence[float]) -> list[int | None]:
    """The latencies in ns that each of the ascending `shares` (0..1) of the sampled operations did not exceed.

    At most 6.25 % too high; None where nothing was sampled.
    """
    count = sum(sample.buckets)
    if not count:
        return [None for _ in shares]
    found: list[int | None] = []
    seen = 0
    for index, here in enumerate(sample.buckets):
        seen += here
        while here and len(found) < len(shares) and seen >= shares[len(found)] * count:
            found.append(min(bucket_upper_ns(index), sample.latency_max))
    return found + [sample.latency_max] * (len(shares) - len(found))


NOTHING = LaneSample(
    state=IDLE,
    operation=0,
    operations=0,
    attempts=(0,) * 8,
    successes=(0,) * 8,
    results=(0,) * 16,
    key_sum=0,
    missed=0,
    started_ns=0,
    finished_ns=0,
    latency_count=0,
    latency_sum=0,
    latency_max=0,
    buckets=(0,) * BUCKETS,
)
"""The counters of a lane that has done nothing."""
