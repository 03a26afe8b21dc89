# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The shipped structures in user space: C programs of tests/c, built against each and run over a memfd arena."""

from __future__ import annotations

import pytest
from native_programs import THREAD_SANITIZER, UNDEFINED_SANITIZER, Programs, run

STRUCTURES = ("list", "tree")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """The programs that this module's tests share."""
    return Programs(tmp_path_factory.mktemp("programs"))


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("seed", [1, 20_261_122, 987_654_321])
def test_one_lane_answers_as_an_array_of_keys_would(programs: Programs, structure: str, seed: int) -> None:
    run(programs.compile("model", structure, *UNDEFINED_SANITIZER), seed)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize(("keys", "operations"), [(4, 200_000), (64, 200_000), (2000, 100_000)])
def test_lanes_that_fight_over_keys_lose_invent_and_leak_nothing(
    programs: Programs, structure: str, keys: int, operations: int
) -> None:
    run(programs.compile("stress", structure), keys, operations)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_no_access_of_the_lanes_races(programs: Programs, structure: str) -> None:
    program = programs.compile("stress", structure, *THREAD_SANITIZER)
    for keys in (8, 500):
        run(program, keys, 20_000)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_full_arena_is_answered_and_survived(programs: Programs, structure: str) -> None:
    run(programs.compile("full", structure, *UNDEFINED_SANITIZER))


@pytest.mark.parametrize("structure", STRUCTURES)
def test_verify_notices_each_kind_of_damage(programs: Programs, structure: str) -> None:
    run(programs.compile(f"damage_{structure}", structure))


def test_a_node_marked_but_not_unlinked_is_no_element(programs: Programs) -> None:
    run(programs.compile("half_deleted_list", "list"))
