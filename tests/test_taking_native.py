# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The shipped queues, stacks, rings and heaps in user space: C programs of tests/c over a memfd arena."""

from __future__ import annotations

import pytest
from native_programs import THREAD_SANITIZER, UNDEFINED_SANITIZER, Programs, run

UNBOUNDED = ("msqueue", "ck_stack_upmc")
BOUNDED = ("vyukov", "folly_spsc", "heap")
STRUCTURES = UNBOUNDED + BOUNDED


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """The programs that this module's tests share."""
    return Programs(tmp_path_factory.mktemp("programs"))


def room(structure: str, capacity: int) -> list[str]:
    """The flag that says which capacity to ask for, where one is to be asked for."""
    return [f"-DCAPACITY={capacity}"] if structure in BOUNDED else []


@pytest.mark.parametrize(
    ("structure", "capacity"), [(name, 0) for name in UNBOUNDED] + [(name, n) for name in BOUNDED for n in (1, 7)]
)
def test_one_lane_answers_as_an_array_of_elements_would(programs: Programs, structure: str, capacity: int) -> None:
    program = programs.compile("taking_model", structure, *UNDEFINED_SANITIZER, *room(structure, capacity))
    for seed in (1, 987_654_321):
        run(program, seed)


@pytest.mark.parametrize(
    ("structure", "capacity"), [(name, 0) for name in UNBOUNDED] + [(name, n) for name in BOUNDED for n in (1, 64)]
)
def test_lanes_take_each_element_once_and_in_order(programs: Programs, structure: str, capacity: int) -> None:
    program = programs.compile("taking_stress", structure, *room(structure, capacity))
    for keys in (3, 1000):
        run(program, keys, 50_000)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_no_access_of_the_lanes_races(programs: Programs, structure: str) -> None:
    program = programs.compile("taking_stress", structure, *THREAD_SANITIZER, *room(structure, 16))
    run(program, 100, 20_000)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_no_memory_or_no_room_is_answered_and_survived(programs: Programs, structure: str) -> None:
    run(programs.compile("taking_full", structure, *UNDEFINED_SANITIZER, *room(structure, 100)))


@pytest.mark.parametrize("structure", STRUCTURES)
def test_verify_notices_each_kind_of_damage(programs: Programs, structure: str) -> None:
    run(programs.compile(f"damage_{structure}", structure, *room(structure, 100)))


@pytest.mark.parametrize("structure", ["msqueue", "ck_stack_upmc", "vyukov"])
def test_a_lane_that_stops_half_way_makes_no_answer_wrong(programs: Programs, structure: str) -> None:
    run(programs.compile(f"half_{structure}", structure, *room(structure, 8)))
