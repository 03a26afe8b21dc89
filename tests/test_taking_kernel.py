# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The shipped queues, rings, stack and heap with kernel lanes: contention, chains without an end, long verifies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import models
import pytest
from performing import Performer

from workbench import runs, structures, telemetry
from workbench.profiles import Arena, Checks, Lanes, Mix, Profile, Structure, Triggers, Workload

pytestmark = pytest.mark.kernel

KINDS = {name: telemetry.OPERATIONS.index(name) for name in telemetry.OPERATIONS}
WORK = Workload(type="custom", mix=Mix(insert=50, pop=50), keys=20, operations=0, duration_s=0.7)
# A lock, or a lane that stopped half way, is waited for so long and no longer.
MAY_ANSWER = {
    "msqueue": {"EMPTY"},
    "ck_stack_upmc": {"EMPTY"},
    "vyukov": {"EMPTY", "FULL", "BUSY"},
    "heap": {"EMPTY", "FULL", "BUSY"},
    "folly_spsc": {"EMPTY", "FULL"},
}


@pytest.fixture
def performer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Performer]:
    """Both sides of the structure that is the parameter."""
    started = Performer(structures.find(request.param), ["kernel", "user"], 16384, tmp_path / "log")
    yield started
    started.close()


def hold(profile: Profile) -> None:
    """Run it; nothing may be lost, and nothing answered but what the operations mean."""
    report = runs.execute(profile, include=[])

    assert {name: check.reason for name, check in report.checks.items() if check.result != "ok"} == {}
    assert report.exit_status == 0
    assert report.kernel.operations > 0
    codes = {code for lane in report.lanes for code in lane.failures_by_code}
    assert codes <= MAY_ANSWER[profile.structure.name]


@pytest.mark.parametrize(
    ("structure", "capacity"),
    [("msqueue", 1), ("ck_stack_upmc", 1), ("vyukov", 3), ("vyukov", 1024), ("heap", 3), ("heap", 1024)],
)
def test_user_and_kernel_lanes_and_triggers_lose_nothing(structure: str, capacity: int) -> None:
    hold(
        Profile(
            structure=Structure(name=structure, capacity=capacity),
            arena=Arena(backend="bpf"),
            workload=WORK,
            lanes=Lanes(user=2, kernel=2),
            triggers=Triggers(write=True, openat=True, generate=True),
            checks=Checks(verify=True),
        )
    )


@pytest.mark.parametrize(("user", "kernel", "capacity"), [(1, 1, 1024), (1, 1, 1), (0, 2, 64)])
def test_one_producer_and_one_consumer_lose_nothing(user: int, kernel: int, capacity: int) -> None:
    hold(
        Profile(
            structure=Structure(name="folly_spsc", capacity=capacity),
            arena=Arena(backend="bpf"),
            workload=WORK,
            lanes=Lanes(user=user, kernel=kernel),
            checks=Checks(verify=True),
        )
    )


@pytest.mark.parametrize("performer", ["msqueue"], indirect=True)
def test_a_kernel_insert_that_finds_no_end_does_nothing_and_says_so(performer: Performer) -> None:
    assert performer("one", "kernel", KINDS["init"], 0, 0)[0] == models.SUCCESS
    for key in range(3):
        assert performer("one", "kernel", KINDS["insert"], key, key)[0] == models.SUCCESS
    last = performer("word", performer("root")[0] + 64) & 0xFFFFFFFF  # struct ds_msqueue_head: tail
    end = performer("word", last)
    performer("poke", last, end | last)

    assert performer("one", "kernel", KINDS["insert"], 9, 9)[0] == models.BUSY
    for side in ("kernel", "user"):
        assert performer("one", side, KINDS["verify"], 0, 0)[0] == models.CORRUPT

    performer("poke", last, end)
    assert performer("one", "kernel", KINDS["verify"], 0, 0)[0] == models.SUCCESS
    assert performer("one", "user", KINDS["insert"], 3, 3)[0] == models.SUCCESS
    assert performer("walk") == [0, 4, 6]
    assert performer("drain") == 0


@pytest.mark.parametrize("performer", ["msqueue", "ck_stack_upmc", "vyukov", "folly_spsc", "heap"], indirect=True)
def test_a_long_structure_is_seen_whole_by_a_kernel_verify(performer: Performer) -> None:
    count = 200_000
    assert performer("one", "kernel", KINDS["init"], count, 0)[0] == models.SUCCESS
    assert performer("fill", "user", count) == [models.SUCCESS, count]
    assert performer("one", "kernel", KINDS["verify"], 0, 0)[0] in (models.SUCCESS, models.BUSY)
    assert performer("one", "user", KINDS["verify"], 0, 0)[0] == models.SUCCESS
