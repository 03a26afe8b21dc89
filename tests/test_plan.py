# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a run is told to do: lanes and their stretches, weights, how keys are distributed, roles, what is left out."""

from __future__ import annotations

import collections
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from command import HEADERS

from workbench import builds, plan, profiles, roles, structures, telemetry
from workbench.engine.messages import Configure
from workbench.errors import MachineError, UsageError
from workbench.native import Library
from workbench.profiles import Mix, Profile
from workbench.structures import Structure

COUNT = 200_000


def profile(**changes: object) -> Profile:
    return profiles.override(Profile(), {name.replace("__", "."): value for name, value in changes.items()})


def listed() -> Structure:
    return structures.find("list")


def queue(name: str) -> Structure:
    return structures.find(str(HEADERS / f"ds_{name}.h"))


def configured(wanted: Profile, structure: Structure, *, kernel_side: bool) -> Configure:
    drawn = plan.draw(wanted, structure, kernel_side=kernel_side)
    there = Path("x")
    bpf = there if kernel_side else None
    return plan.configure(wanted, drawn, driver=there, runtime=there, loader=bpf, bpf=bpf, log=there)


@pytest.fixture(scope="module")
def runtime() -> Library:
    return Library("runtime.h", builds.runtime())


def draw(runtime: Library, *, stream: int = 0, seed: int = 1, theta: float = 0.0, keys: int = 1000, **mix: int) -> Any:
    """The drawn operations as (name, key)."""
    request = runtime.ffi.new("struct plan_request *")
    request.keys, request.theta, request.seed, request.stream = keys, theta, seed, stream
    for name, weight in (mix or {"insert": 1}).items():
        request.weights[telemetry.OPERATIONS.index(name)] = weight
    entries = runtime.ffi.new("__u64[]", COUNT)
    assert runtime.call.plan_draw(request, entries, COUNT) == 0
    return [telemetry.named(entry) for entry in entries]


# What is drawn


def test_operations_come_in_their_weights(runtime: Library) -> None:
    drawn = collections.Counter(name for name, _ in draw(runtime, insert=50, search=30, delete=20))
    assert set(drawn) == {"insert", "search", "delete"}
    for name, share in (("insert", 0.5), ("search", 0.3), ("delete", 0.2)):
        assert abs(drawn[name] / COUNT - share) < 0.01


def test_uniform_keys_are_all_of_the_range_and_equally_likely(runtime: Library) -> None:
    drawn = collections.Counter(key for _, key in draw(runtime, keys=100))
    assert set(drawn) == set(range(1, 101))
    assert max(drawn.values()) / min(drawn.values()) < 1.2


@pytest.mark.parametrize("theta", [0.5, 0.99, 1.5])
def test_zipf_keys_are_as_likely_as_their_ranks(theta: float, runtime: Library) -> None:
    keys = 1000
    drawn = collections.Counter(key for _, key in draw(runtime, keys=keys, theta=theta))
    assert min(drawn) >= 1
    assert max(drawn) <= keys
    weights = [rank**-theta for rank in range(1, keys + 1)]
    found = [count / COUNT for _, count in drawn.most_common(10)]
    for share, weight in zip(found, weights, strict=False):
        assert abs(share - weight / sum(weights)) < 0.006
    tail = sum(count for _, count in drawn.most_common()[:100]) / COUNT
    assert abs(tail - sum(weights[:100]) / sum(weights)) < 0.03


def test_the_likely_keys_are_no_neighbours(runtime: Library) -> None:
    popular = [key for key, _ in collections.Counter(k for _, k in draw(runtime, theta=0.99)).most_common(10)]
    assert all(abs(a - b) > 1 for a in popular for b in popular if a != b)


def test_one_seed_draws_the_same_and_another_another(runtime: Library) -> None:
    assert draw(runtime, seed=5) == draw(runtime, seed=5)
    assert draw(runtime, seed=5) != draw(runtime, seed=6)


def test_lanes_draw_from_streams_of_their_own(runtime: Library) -> None:
    one, other = (draw(runtime, stream=stream) for stream in (0, 1))
    assert sum(a == b for a, b in zip(one, other, strict=True)) < COUNT / 100


# How it is laid out


def test_lanes_have_slots_arena_lanes_and_stretches_of_their_own() -> None:
    wanted = profile(lanes__user=3, lanes__kernel=2, triggers__execve=True, triggers__write=True)
    orders = configured(wanted, listed(), kernel_side=True)
    assert len({spec.slot for spec in orders.lanes} | {orders.setup_slot, orders.hand_slot}) == 7
    arena_lanes = {spec.lane for spec in orders.lanes}
    assert len(arena_lanes) == 5
    assert max(arena_lanes) < orders.first_trigger_lane
    assert orders.arena_lanes >= orders.first_trigger_lane + plan.possible_cpus()
    ends = [spec.plan + spec.plan_length for spec in orders.lanes]
    assert all(end <= start.plan for end, start in zip(ends, orders.lanes[1:], strict=False))
    assert ends[-1] <= orders.trigger_plan
    assert orders.trigger_plan + 4 * orders.cpus * orders.trigger_plan_length <= orders.plan_entries
    assert orders.trigger_slot + 4 * orders.cpus <= orders.slots
    assert orders.triggers == [0, 3]


def test_without_a_kernel_side_there_are_user_lanes_only() -> None:
    orders = configured(profile(lanes__kernel=2, triggers__execve=True), listed(), kernel_side=False)
    assert [spec.kernel for spec in orders.lanes] == [False] * 4
    assert (orders.triggers, orders.generate, orders.tree_only) == ([], 0, False)


def test_a_plan_is_as_long_as_the_operations_a_lane_does() -> None:
    lengths = [
        configured(profile(workload__operations=count), listed(), kernel_side=False).lanes[0].plan_length
        for count in (1, 1000, 10**9, 0)
    ]
    assert lengths[:2] == [1, 1024]
    assert lengths[2] == lengths[3]
    assert all(length & (length - 1) == 0 for length in lengths)


def test_pins_go_round_and_sharing_one_is_said() -> None:
    drawn = plan.draw(profile(lanes__user=3, lanes__pin=[0]), listed(), kernel_side=False)
    assert [lane.cpu for lane in drawn.lanes] == [0, 0, 0]
    assert any("lanes.pin" in note for note in drawn.notes)


def test_a_cpu_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match=r"lanes\.pin: no CPU 60000"):
        plan.draw(profile(lanes__pin=[60_000]), listed(), kernel_side=False)
    assert 60_000 not in os.sched_getaffinity(0)


def test_the_kernel_gets_the_pages_to_make_a_bounded_structure() -> None:
    def reserve(**changes: object) -> int:
        return configured(profile(**changes), listed(), kernel_side=True).reserve_pages

    assert reserve() == 2048
    assert reserve(structure__capacity=1_000_000) * 4096 >= 64_000_000 - 4096
    assert reserve(arena__reserve_pages=0) > 0
    assert reserve(structure__capacity=2**32 - 1, arena__pages=1000) == 500


def test_warm_up_comes_on_top_of_the_duration() -> None:
    wanted = profile(workload__duration_s=2.0, workload__warmup_s=0.5)
    assert configured(wanted, listed(), kernel_side=False).duration_ns == 2_500_000_000


def test_no_duration_is_no_limit_whatever_the_warm_up() -> None:
    wanted = profile(workload__duration_s=0.0, workload__warmup_s=0.5)
    assert configured(wanted, listed(), kernel_side=False).duration_ns == 0


def test_a_seed_is_picked_where_none_is_given() -> None:
    seeds = {plan.draw(profile(), listed(), kernel_side=False).seed for _ in range(4)}
    assert len(seeds) == 4
    assert 0 not in seeds
    assert plan.draw(profile(workload__seed=9), listed(), kernel_side=False).seed == 9


# What is left out


def test_what_a_structure_lacks_is_left_out_and_said() -> None:
    drawn = plan.draw(profile(lanes__user=1), queue("kvring"), kernel_side=True)
    assert drawn.lanes[0].mix == {"insert": 50, "pop": 20}
    assert any("no delete" in note and "pop" in note for note in drawn.notes)
    assert any("no search" in note and "DS_ERROR_UNSUPPORTED" in note for note in drawn.notes)


def test_a_workload_of_nothing_but_what_it_lacks_is_refused() -> None:
    with pytest.raises(UsageError, match="has none of the operations asked for"):
        plan.draw(profile(workload__type="search"), queue("kvring"), kernel_side=False)


def test_kernel_lanes_alone_without_a_kernel_side_say_why() -> None:
    wanted = profile(lanes__user=0, lanes__kernel=1)
    with pytest.raises(MachineError, match="no clang"):
        plan.draw(wanted, listed(), kernel_side=False, reason="no clang")
    with pytest.raises(UsageError, match="native backend has no other lanes"):
        plan.draw(msgspec.structs.replace(wanted, arena=profiles.Arena(backend="native")), listed(), kernel_side=False)


# Who may do what

MIX = msgspec.structs.asdict(Mix(insert=5, search=3, pop=2))
PUT, TAKE = {"insert": 5, "search": 3, "delete": 0}, {"search": 3, "pop": 2, "delete": 0}


@pytest.mark.parametrize(
    ("concurrency", "own", "triggers", "expected"),
    [
        ("mpmc", 2, 1, [MIX, MIX, MIX]),
        ("unknown", 2, 1, [MIX, MIX, MIX]),
        ("spsc", 1, 0, [MIX]),
        ("spsc", 1, 1, [MIX, {}]),
        ("spsc", 2, 1, [PUT, TAKE, {}]),
        ("spsc", 4, 0, [PUT, {}, {}, TAKE]),
        ("spsc", 0, 1, [{}]),
        ("mpsc", 1, 1, [MIX, PUT]),
        ("mpsc", 3, 1, [PUT, PUT, TAKE, PUT]),
        ("mpsc", 0, 1, [PUT]),
        ("spmc", 3, 1, [PUT, TAKE, TAKE, TAKE]),
        ("spmc", 1, 1, [MIX, TAKE]),
    ],
)
def test_no_more_lanes_put_in_or_take_out_than_may(
    concurrency: str, own: int, triggers: int, expected: list[dict[str, int]]
) -> None:
    without_zeroes = [{name: weight for name, weight in mix.items() if weight} for mix in expected]
    mix = {name: weight for name, weight in MIX.items() if weight}
    assert roles.share(concurrency, own, triggers, mix) == without_zeroes


def test_of_two_lanes_one_puts_in_and_one_takes_out() -> None:
    drawn = plan.draw(profile(lanes__user=1, lanes__kernel=1), queue("kvring"), kernel_side=True)
    assert [(lane.name, set(lane.mix)) for lane in drawn.lanes] == [("user 0", {"insert"}), ("kernel 0", {"pop"})]
    assert drawn.trigger_mix == {}
    said = "kvring is for one producer and one consumer at a time: user 0 inserts, kernel 0 takes out"
    assert said in drawn.notes


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"lanes__user": 3, "lanes__kernel": 1}, "and user 0, user 1, user 2, kernel 0 with this workload would be 4"),
        ({"lanes__user": 2, "workload__type": "insert"}, "user 0, user 1 with this workload would be 2 producers."),
        ({"lanes__user": 2, "workload__type": "delete"}, "user 0, user 1 with this workload would be 2 consumers."),
        ({"lanes__user": 1, "triggers__openat": True}, "a producer and a consumer on every CPU, as triggers are"),
        ({"lanes__user": 0, "triggers__openat": True}, "openat with this workload would be a producer"),
    ],
)
def test_more_producers_or_consumers_than_may_are_refused_unless_forced(changes: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match="one producer and one consumer at a time") as refused:
        plan.draw(profile(**changes), queue("kvring"), kernel_side=True)
    assert told in str(refused.value)
    assert "--force" in str(refused.value)

    drawn = plan.draw(profile(**changes, lanes__force=True), queue("kvring"), kernel_side=True)

    asked = [lane for lane in drawn.lanes if not lane.optional]
    assert all(lane.mix == drawn.trigger_mix for lane in asked)
    assert any(note.startswith("forced: kvring is for one producer") for note in drawn.notes)


def test_force_changes_nothing_where_there_is_nothing_to_force() -> None:
    for structure, lanes in ((listed(), 4), (queue("kvring"), 1)):
        drawn = plan.draw(profile(lanes__user=lanes, lanes__force=True), structure, kernel_side=True)
        assert not any("forced" in note for note in drawn.notes)
