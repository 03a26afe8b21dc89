# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a run's counters and the engine's findings are judged to mean."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from workbench.checks import after_run
from workbench.engine.messages import Checked, Finished
from workbench.telemetry import NOTHING, OPERATIONS, LaneSample

NO_LANE_FAULTS = {"double_frees": 0, "bad_frees": 0}
CLEAN = Finished(
    init_result=0,
    prefilled=0,
    ended_ns=0,
    undrained=0,
    walk_supported=True,
    walk_result=0,
    elements=3,
    key_sum=60,
    verified=Checked(0, 0),
    arena={},
    arena_lanes=[NO_LANE_FAULTS],
    faults=[],
    mark={"status": 0, "live_objects": 4, "leaked_objects": 0, "leaked_bytes": 0},
)


def lane(key_sum: int, **successes: int) -> LaneSample:
    counts = (*(successes.get(name, 0) for name in OPERATIONS), 0)
    return msgspec.structs.replace(NOTHING, successes=counts, key_sum=key_sum % 2**64)


# Five put in, two taken out, by two lanes and before the clock.
SAMPLES = {-1: lane(100, insert=2), 0: lane(50, insert=3, delete=1), 1: lane(-90, pop=1)}


def judged(*, verify: bool = True, kernel: bool = True, **changes: Any) -> dict[str, Any]:
    found = msgspec.structs.replace(CLEAN, **changes)
    return after_run.check(SAMPLES, found, verify=verify, kernel=kernel)


def test_a_clean_run_passes_everything() -> None:
    assert {name: check.result for name, check in judged().items()} == dict.fromkeys(
        ("verify_user", "verify_kernel", "elements", "key_sum", "leaks", "frees"), "ok"
    )


@pytest.mark.parametrize(
    ("elements", "reason"), [(2, "3 by inserts minus deletes: 1 lost"), (5, "3 by inserts minus deletes: 2 too many")]
)
def test_elements_are_counted_against_what_was_put_in(elements: int, reason: str) -> None:
    check = judged(elements=elements)["elements"]
    assert check.result == "failed"
    assert reason in check.reason


def test_the_right_number_of_wrong_keys_is_noticed() -> None:
    checks = judged(key_sum=61)
    assert (checks["elements"].result, checks["key_sum"].result) == ("ok", "failed")


def test_a_walk_that_fails_is_a_failure_not_a_count() -> None:
    checks = judged(walk_result=-5, elements=1)
    assert checks["elements"].result == checks["key_sum"].result == "failed"
    assert "DS_ERROR_CORRUPT after 1 elements" in checks["elements"].reason


def test_without_iterate_there_is_nothing_to_count_and_the_counters_say_how_many() -> None:
    checks = judged(walk_supported=False, elements=0)
    assert checks["elements"].result == checks["key_sum"].result == "skipped"
    assert "iterate" in checks["elements"].reason
    assert after_run.elements(SAMPLES, msgspec.structs.replace(CLEAN, walk_supported=False, elements=0)) == 3


def test_each_side_is_verified_by_itself() -> None:
    checks = judged(verified=Checked(user=0, kernel=-5))
    assert (checks["verify_user"].result, checks["verify_kernel"].result) == ("ok", "failed")
    assert checks["verify_kernel"].reason == "DS_ERROR_CORRUPT"


def test_a_verify_cut_off_says_nothing_either_way() -> None:
    assert judged(verified=Checked(0, -6))["verify_kernel"].result == "unknown"


def test_a_verify_that_there_is_not_or_was_not_asked_for_is_skipped() -> None:
    assert judged(verified=Checked(-9, -9))["verify_user"].result == "skipped"
    assert "-v" in judged(verify=False, verified=Checked())["verify_user"].reason
    assert judged(kernel=False, verified=Checked(0, None))["verify_kernel"].reason == "no kernel side"


def test_leaks_are_told_in_objects_and_bytes() -> None:
    leaky = {"status": 0, "live_objects": 9, "leaked_objects": 5, "leaked_bytes": 120}
    check = judged(mark=leaky)["leaks"]
    assert check.result == "failed"
    assert "5 of 9 live objects (120 bytes)" in check.reason


def test_retired_memory_that_cannot_be_reclaimed_is_a_leak() -> None:
    check = judged(undrained=7)["leaks"]
    assert check.result == "failed"
    assert "7 retired objects" in check.reason


def test_a_damaged_arena_is_a_failure() -> None:
    checks = judged(mark={"status": -1}, arena_lanes=[])
    assert (checks["leaks"].result, checks["frees"].result) == ("failed", "unknown")
    assert "damaged" in checks["leaks"].reason


def test_leaks_not_looked_for_are_unknown() -> None:
    assert judged(mark={"status": -2})["leaks"].result == "unknown"


def test_wrong_frees_of_all_lanes_are_added_up() -> None:
    lanes = [{"double_frees": 1, "bad_frees": 0}, {"double_frees": 2, "bad_frees": 4}]
    check = judged(arena_lanes=lanes)["frees"]
    assert check.result == "failed"
    assert check.reason == "3 double frees, 4 frees of what was never handed out"


def test_a_lane_that_waited_for_its_own_lock_is_a_failure_of_its_own() -> None:
    assert "locks" not in judged()
    assert judged(faults=[{"kind": 5}])["locks"].result == "failed"


def test_an_init_that_refuses_fails_and_nothing_else_is_judged() -> None:
    checks = judged(init_result=-3, elements=0, key_sum=0)
    assert checks["init"].result == "failed"
    assert "DS_ERROR_NOMEM" in checks["init"].reason
    assert {check.result for name, check in checks.items() if name != "init"} == {"skipped"}


def test_after_a_crash_nothing_is_known() -> None:
    checks = after_run.check(SAMPLES, None, verify=True, kernel=True)
    assert len(checks) == 6
    assert {check.result for check in checks.values()} == {"unknown"}
    assert after_run.elements(SAMPLES, None) is None
