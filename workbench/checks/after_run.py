# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The checks at the end of a run: what was counted against what is there.

`samples` are the lanes' counters by lane id (the prefill's under -1); `finished` is what the engine found, None when
it died before it could look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from workbench import telemetry
from workbench.reports.model import CheckResult

_SUCCESS, _BUSY, _UNSUPPORTED = 0, -6, -9
_INSERT, _DELETE, _POP = (telemetry.OPERATIONS.index(name) for name in ("insert", "delete", "pop"))
_KEYS = 1 << 64
_NAMES = ("verify_user", "verify_kernel", "elements", "key_sum", "leaks", "frees")
_NO_MEMORY = -2  # struct mark_result
_FAULTS_KEPT = 16  # ARENA_FAULTS_MAX
_SELF_LOCK = 5  # ARENA_FAULT_SELF_LOCK


class Counted(Protocol):
    """A lane's counters (telemetry.LaneSample)."""

    @property
    def successes(self) -> tuple[int, ...]: ...

    @property
    def key_sum(self) -> int: ...


class Verified(Protocol):
    """The results of the structure's verify."""

    @property
    def user(self) -> int | None: ...

    @property
    def kernel(self) -> int | None: ...


class Found(Protocol):
    """What the engine found (engine.messages.Finished)."""

    @property
    def init_result(self) -> int: ...

    @property
    def undrained(self) -> int: ...

    @property
    def walk_supported(self) -> bool: ...

    @property
    def walk_result(self) -> int: ...

    @property
    def elements(self) -> int: ...

    @property
    def key_sum(self) -> int: ...

    @property
    def verified(self) -> Verified: ...

    @property
    def arena_lanes(self) -> list[dict[str, int]]: ...

    @property
    def faults(self) -> list[dict[str, int]]: ...

    @property
    def mark(self) -> dict[str, object]: ...


def check(samples: Mapping[int, Counted], found: Found | None, *, verify: bool, kernel: bool) -> dict[str, CheckResult]:
    """Every check by name: "ok", "failed", "unknown" or "skipped", with the reason.

    "init" and "locks" are there only when they failed.
    """
    if found is None:
        gone = CheckResult("unknown", "the engine ended before it could be checked")
        return dict.fromkeys(_NAMES, gone)
    if found.init_result:
        nothing = CheckResult("skipped", "nothing was run")
        init = CheckResult("failed", f"init answered {_code(found.init_result)}: nothing was run")
        return {"init": init, **dict.fromkeys(_NAMES, nothing)}
    locks = {"locks": _locks(found)} if any(fault["kind"] == _SELF_LOCK for fault in found.faults) else {}
    return {
        "verify_user": _verified(found.verified.user, verify),
        "verify_kernel": _verified(found.verified.kernel, verify)
        if kernel or not verify
        else CheckResult("skipped", "no kernel side"),
        "elements": _elements(samples, found),
        "key_sum": _key_sum(samples, found),
        "leaks": _leaks(found),
        "frees": _frees(found),
        **locks,
    }


def elements(samples: Mapping[int, Counted], found: Found | None) -> int | None:
    """How many elements there are: counted by walking, else as the counters say; None when nobody can tell."""
    if found is None:
        return None
    if found.walk_supported and found.walk_result == _SUCCESS:
        return found.elements
    return _expected(samples)


def _expected(samples: Mapping[int, Counted]) -> int:
    return sum(one.successes[_INSERT] - one.successes[_DELETE] - one.successes[_POP] for one in samples.values())


def _code(result: int) -> str:
    name = telemetry.RESULTS[-result] if 0 <= -result < len(telemetry.RESULTS) else str(result)
    return f"DS_ERROR_{name}" if result else "DS_SUCCESS"


def _verified(result: int | None, asked: bool) -> CheckResult:
    if not asked:
        return CheckResult("skipped", "not asked for (-v)")
    if result is None or result == _UNSUPPORTED:
        return CheckResult("skipped", "the header has no verify")
    if result == _SUCCESS:
        return CheckResult("ok", "DS_SUCCESS")
    if result == _BUSY:
        return CheckResult("unknown", "DS_ERROR_BUSY: cut off before it had seen everything")
    return CheckResult("failed", _code(result))


def _walked(found: Found) -> CheckResult | None:
    """Why the walk says nothing, if it does not."""
    if not found.walk_supported:
        return CheckResult("skipped", "the header has no iterate, so the elements cannot be counted one by one")
    if found.walk_result != _SUCCESS:
        return CheckResult("failed", f"iterate answered {_code(found.walk_result)} after {found.elements} elements")
    return None


def _elements(samples: Mapping[int, Counted], found: Found) -> CheckResult:
    cannot = _walked(found)
    if cannot:
        return cannot
    expected = _expected(samples)
    if found.elements == expected:
        return CheckResult("ok", f"{expected} by walking, as inserts minus deletes say")
    word = "lost" if found.elements < expected else "too many"
    return CheckResult(
        "failed",
        f"{found.elements} by walking, {expected} by inserts minus deletes: {abs(found.elements - expected)} {word}",
    )


def _key_sum(samples: Mapping[int, Counted], found: Found) -> CheckResult:
    cannot = _walked(found)
    if cannot:
        return cannot
    expected = sum(one.key_sum for one in samples.values()) % _KEYS
    if found.key_sum == expected:
        return CheckResult("ok", f"{expected}")
    return CheckResult("failed", f"{found.key_sum} by walking, {expected} by what was put in and taken out")


def _leaks(found: Found) -> CheckResult:
    mark = found.mark
    if mark["status"] == _NO_MEMORY:
        return CheckResult("unknown", "there was no memory left to look for them")
    if mark["status"]:
        return CheckResult("failed", "the arena's header is damaged, its objects cannot be told")
    if mark["leaked_objects"]:
        return CheckResult(
            "failed",
            f"{mark['leaked_objects']} of {mark['live_objects']} live objects ({mark['leaked_bytes']} bytes) "
            "are not reachable from the head",
        )
    if found.undrained:
        return CheckResult(
            "failed", f"{found.undrained} retired objects cannot be reclaimed: a lane never left its operation"
        )
    return CheckResult("ok", f"all {mark['live_objects']} live objects are reachable from the head")


def _frees(found: Found) -> CheckResult:
    if found.mark["status"] and found.mark["status"] != _NO_MEMORY:
        return CheckResult("unknown", "the arena's header is damaged, its counters cannot be read")
    double = sum(lane["double_frees"] for lane in found.arena_lanes)
    bad = sum(lane["bad_frees"] for lane in found.arena_lanes)
    if double or bad:
        return CheckResult("failed", f"{double} double frees, {bad} frees of what was never handed out")
    return CheckResult("ok", "every free was of a live object")


def _locks(found: Found) -> CheckResult:
    waits = sum(fault["kind"] == _SELF_LOCK for fault in found.faults)
    most = " or more" if len(found.faults) == _FAULTS_KEPT else ""
    return CheckResult("failed", f"{waits}{most} times a lane waited for the lock that it held itself (BUSY)")
