# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Python view of the telemetry against the C that writes it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from command import CHECKOUT

from workbench import telemetry
from workbench.telemetry import LaneSample

_WRITER = r"""
#include <stdio.h>
#include <string.h>
#include "lane_telemetry.h"

static union telemetry_entry entries[3];

int main(void)
{
	struct telemetry_control *control = &entries[0].control;
	struct telemetry_lane *lane = &entries[2].lane;

	control->go = 1;
	control->stop = 1;
	control->started_ns = 11;
	control->crash_signal = 12;
	control->crash_slot = 13;
	control->crash_address = 14;
	control->crash_operation = 15;
	control->crash_instruction = 16;
	lane->state = TELEMETRY_FINISHED;
	lane->operation = PLAN_ENTRY(4, 77);
	lane->missed = 21;
	lane->started_ns = 22;
	lane->finished_ns = 23;
	telemetry_count(lane, 1, 0, 100);
	telemetry_count(lane, 1, 0, 50);
	telemetry_count(lane, 1, -2, 50);
	telemetry_count(lane, 2, 0, 30);
	telemetry_count(lane, 3, -8, 1);
	telemetry_count(lane, 4, -1, 1);
	telemetry_count(lane, 4, -77, 1);
	telemetry_latency(lane, 5);
	telemetry_latency(lane, 1000);
	telemetry_latency(lane, ~0ULL);
	lane->buckets[TELEMETRY_BUCKETS - 2] = 9;
	return fwrite(entries, 1, sizeof(entries), stdout) != sizeof(entries);
}
"""
_BUCKETS = r"""
#include <stdio.h>
#include <sys/cdefs.h>
#include "lane_telemetry.h"

int main(void)
{
	for (__u64 ns = 0; ns < 100000; ns++)
		printf("%llu %u\n", (unsigned long long)ns, telemetry_bucket(ns));
	for (__u64 ns = 100000; ns < 1ULL << 40; ns += ns / 7)
		printf("%llu %u\n", (unsigned long long)ns, telemetry_bucket(ns));
	return 0;
}
"""


def compiled(source: str, folder: Path, *flags: str) -> bytes:
    """What a program prints."""
    (folder / "program.c").write_text(source)
    command = ["cc", "-O1", "-Wall", "-Werror", f"-I{CHECKOUT / 'bpf/include'}", *flags, "program.c", "-o", "program"]
    subprocess.run(command, cwd=folder, check=True)
    return subprocess.run([str(folder / "program")], capture_output=True, check=True).stdout


def test_python_reads_what_c_writes(tmp_path: Path) -> None:
    written = compiled(_WRITER, tmp_path)
    assert len(written) == 3 * telemetry.ENTRY_SIZE
    memory = memoryview(written)

    control = telemetry.read_control(memory)
    assert (control.go, control.stop, control.started_ns) == (True, True, 11)
    assert (control.crash_signal, control.crash_slot, control.crash_address) == (12, 13, 14)
    assert (control.crash_operation, control.crash_instruction) == (15, 16)

    lane = telemetry.read_lane(memory, 1)
    assert (lane.state, lane.missed, lane.started_ns, lane.finished_ns) == (telemetry.FINISHED, 21, 22, 23)
    assert lane.named_operation() == ("search", 77)
    assert lane.operations == telemetry.operations_done(memory, 1) == 7
    assert dict(zip(telemetry.OPERATIONS, lane.attempts, strict=False)) == {
        "init": 0,
        "insert": 3,
        "delete": 1,
        "pop": 1,
        "search": 2,
        "verify": 0,
        "iterate": 0,
    }
    assert lane.successes[1:4] == (2, 1, 0)
    codes = dict(zip(telemetry.RESULTS, lane.results, strict=False))
    assert (codes["SUCCESS"], codes["EXISTS"], codes["EMPTY"], codes["NOT_FOUND"]) == (3, 1, 1, 1)
    assert lane.results[-1] == 1  # a code that there is not
    assert lane.failures == 4
    assert lane.key_sum == 100 + 50 - 30
    assert (lane.latency_count, lane.latency_max) == (3, 2**64 - 1)
    assert len(lane.buckets) == telemetry.BUCKETS
    assert (lane.buckets[5], lane.buckets[-2], lane.buckets[-1]) == (1, 9, 1)


@pytest.mark.parametrize("side", ["user", "kernel"])
def test_a_bucket_holds_the_latencies_that_python_says(side: str, tmp_path: Path) -> None:
    flags = ["-D__bpf__"] if side == "kernel" else []
    for line in compiled(_BUCKETS, tmp_path, *flags).splitlines():
        ns, bucket = map(int, line.split())
        lowest = telemetry.bucket_upper_ns(bucket - 1) + 1 if bucket else 0
        if bucket < telemetry.BUCKETS - 1:
            assert lowest <= ns <= telemetry.bucket_upper_ns(bucket)
            assert telemetry.bucket_upper_ns(bucket) <= max(31, lowest * 1.0625)
        else:
            assert lowest <= ns


def sample(latencies: list[int], **counters: int) -> LaneSample:
    buckets = [0] * telemetry.BUCKETS
    for ns in latencies:
        buckets[next(i for i in range(telemetry.BUCKETS) if ns <= telemetry.bucket_upper_ns(i))] += 1
    zero = {"state": 0, "operation": 0, "key_sum": 0, "missed": 0, "started_ns": 0, "finished_ns": 0}
    return LaneSample(
        **(zero | {"operations": len(latencies)} | counters),
        attempts=(len(latencies), *(0,) * 7),
        successes=(0,) * 8,
        results=(len(latencies), *(0,) * 15),
        latency_count=len(latencies),
        latency_sum=sum(latencies),
        latency_max=max(latencies, default=0),
        buckets=tuple(buckets),
    )


def test_percentiles_are_those_of_the_samples_within_a_bucket() -> None:
    found = sample([10] * 500 + [100] * 490 + [10_000] * 9 + [1_000_000])
    half, most, nearly_all, all_ = telemetry.percentiles(found, [0.50, 0.99, 0.999, 1.0])
    assert half == 10
    assert most is not None
    assert 100 <= most <= 107
    assert nearly_all is not None
    assert 10_000 <= nearly_all <= 10_625
    assert all_ == 1_000_000  # never above what was seen


def test_there_is_no_percentile_of_nothing() -> None:
    assert telemetry.percentiles(sample([]), [0.5, 0.99]) == [None, None]


def test_combined_lanes_add_up_and_last_from_the_first_to_the_last() -> None:
    both = telemetry.combine([sample([5, 6], started_ns=9, finished_ns=20), sample([7], started_ns=4, finished_ns=12)])
    assert (both.operations, both.latency_count, both.latency_sum, both.latency_max) == (3, 3, 18, 7)
    assert (both.started_ns, both.finished_ns) == (4, 20)


def test_a_lane_that_never_started_does_not_count_as_the_first() -> None:
    assert telemetry.combine([sample([], started_ns=0), sample([7], started_ns=4)]).started_ns == 4


def test_the_difference_of_two_samples_is_what_happened_between() -> None:
    between = telemetry.difference(sample([5, 6, 7]), sample([5]))
    assert (between.operations, between.latency_count, between.latency_sum, sum(between.buckets)) == (2, 2, 13, 2)
