# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Moments of runs that never were: snapshots by arithmetic, a session that only remembers, structures from memory.

Nothing here reads a clock: a moment is named by its seconds on the run's clock.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import canned_kernel
from canned_arena import CannedLook

from workbench import telemetry
from workbench.builds import Build
from workbench.contract import Form
from workbench.declarations import Field
from workbench.errors import BuildError, WorkbenchError
from workbench.metadata import Metadata, Tags
from workbench.person import Person
from workbench.plan import Lane
from workbench.profiles import Profile
from workbench.reports.model import CheckResult, Fault, LaneReport, Latency, Report, total
from workbench.session import Crashed, Event, Finished, Started
from workbench.snapshots import ArenaCounters, LaneRow, Rates, Snapshot
from workbench.structures import Structure, Surveyed
from workbench.tui import seam
from workbench.tui.workspace import Services, Workspace
from workbench.verifier_log import VerifierLog

SEED = 42
TOTAL_S = 12.0


def lane(
    id: int, *, kernel: bool = False, trigger: str | None = None, at_s: float = 7.2, state: str = "running"
) -> LaneRow:
    """One lane after `at_s` seconds; each has its own speed."""
    speed = (550_000 if kernel else 1_200_000) - 7_919 * id if trigger in (None, "manual") else 103
    operations = int(speed * at_s)
    return LaneRow(
        id=id,
        name=trigger if trigger not in (None, "manual") else f"{'kernel' if kernel else 'user'} {id}",
        kernel=kernel,
        trigger="manual" if kernel and trigger is None else trigger,
        state=state,
        operations=operations,
        inserts=operations // 2,
        deletes=operations // 5,
        searches=operations - operations // 2 - operations // 5,
        pops=0,
        failures=operations // 4000,
        ops_per_sec=speed * (1 + 0.1 * math.sin(at_s + id)) if state == "running" else 0.0,
        p50=610 + 5 * id,
        p99=1_400 + 100 * id,
        p999=9_800 + 10 * id if speed > 1000 else None,
        cpu=None,
        missed=0,
    )


def snapshot(
    at_s: float = 7.2, *, user: int = 2, kernel: int = 1, triggers: Sequence[str] = ("execve",), running: bool = True
) -> Snapshot:
    """A moment of a run with so many lanes."""
    state = "running" if running else "finished"
    rows = [lane(i, at_s=at_s, state=state) for i in range(user)]
    rows += [lane(user + i, kernel=True, at_s=at_s, state=state) for i in range(kernel)]
    rows += [
        lane(user + kernel + i, kernel=True, trigger=name, at_s=at_s, state=state) for i, name in enumerate(triggers)
    ]
    of_user = sum(row.ops_per_sec for row in rows if not row.kernel)
    of_kernel = sum(row.ops_per_sec for row in rows if row.kernel)
    whole = of_user + of_kernel
    return Snapshot(
        phase="running" if running else "checking",
        elapsed_s=at_s,
        total_s=TOTAL_S,
        share=min(1.0, at_s / TOTAL_S),
        lanes=tuple(rows),
        total=_sum(rows, whole),
        rates=Rates(
            whole, of_user, of_kernel, {"insert": whole / 2, "delete": whole / 5, "search": whole * 0.3, "pop": 0.0}
        ),
        elements=1343,
        arena=ArenaCounters(4096, 412, 388, 2144, 801, 0, 0, 0, 0),
        latency_user=_bell(170, 30, 9000),
        latency_kernel=_bell(190, 20, 3000),
        triggers={name: name in triggers for name in ("execve", "exit_group", "openat", "write")},
    )


def _sum(rows: Sequence[LaneRow], rate: float) -> LaneRow:
    def summed(name: str) -> int:
        return sum(getattr(row, name) for row in rows)

    names = ("operations", "inserts", "deletes", "searches", "pops", "failures", "missed")
    return LaneRow(
        id=-1, name="TOTAL", kernel=False, trigger=None, state="", ops_per_sec=rate,
        p50=700, p99=1_800, p999=10_000, cpu=None, **{name: summed(name) for name in names},
    )  # fmt: skip


def _bell(middle: int, width: int, count: int) -> tuple[int, ...]:
    return tuple(int(count * math.exp(-(((i - middle) / width) ** 2))) for i in range(telemetry.BUCKETS))


def report(*, failed: bool = False, crashed: bool = False) -> Report:
    """What came of it."""
    lanes = [
        LaneReport(
            id=row.id,
            name=row.name,
            context="kernel" if row.kernel else "user",
            trigger=row.trigger,
            operations=row.operations,
            inserts=row.inserts,
            deletes=row.deletes,
            searches=row.searches,
            failures=row.failures,
            ops_per_sec=row.operations / TOTAL_S,
            latency_ns=Latency(samples=1000, mean=700.0, p50=610, p90=900, p99=1400, p999=9800, max=70_000),
        )
        for row in snapshot(TOTAL_S).lanes
    ]
    checks = {
        "verify_user": CheckResult("unknown" if crashed else "ok"),
        "verify_kernel": CheckResult("failed", "keys out of order at 17") if failed else CheckResult("ok"),
        "elements": CheckResult("ok"),
    }
    fault = Fault(kind="SIGSEGV", address="0x100000001040", lane="user 1", operation="insert", key=17)
    return Report(
        backend="bpf",
        kernel_release="6.18.44",
        structure="list",
        seed=SEED,
        duration_s=TOTAL_S,
        lanes=lanes,
        totals=total(lanes),
        elements=1343,
        checks=checks,
        faults=[fault] if crashed else [],
        notes=["the engine died: SIGSEGV in user 1, insert of key 17"] if crashed else [],
        exit_status=4 if crashed else 1 if failed else 0,
    )


LANES = (Lane(0, "user 0", False, None, (0,), None),)


def started(profile: Profile | None = None, *, backend: str = "bpf", reason: str = "") -> Started:
    """A run has begun."""
    return Started(profile or Profile(), backend, reason, SEED, LANES)


def running(until_s: float = 7.2, **lanes: Any) -> list[Event]:
    """A run from its start to a moment, at 4 Hz."""
    steps = [quarter / 4 for quarter in range(1, int(until_s * 4) + 1)]
    return [started(), *(snapshot(at_s, **lanes) for at_s in steps if at_s < until_s), snapshot(until_s, **lanes)]


def finished(**how: Any) -> list[Event]:
    """A whole run."""
    return [*running(TOTAL_S), snapshot(TOTAL_S, running=False), Finished(report(**how))]


def crashed() -> list[Event]:
    """A run that ends in a crash."""
    return [*running(), Crashed("the engine died: SIGSEGV in user 1, during insert of key 17", report(crashed=True))]


class FakeSession:
    """Does nothing and remembers what it was told; tests publish the events themselves."""

    def __init__(self, publish: seam.Publish) -> None:
        self.publish = publish
        self.calls: list[tuple[Any, ...]] = []

    def start(self, profile: Profile, include: Sequence[Path] = ()) -> None:
        self.calls.append(("start", profile))

    def stop(self) -> None:
        self.calls.append(("stop",))

    def burst(self, operations: int = 1000) -> None:
        self.calls.append(("burst", operations))

    def verify(self) -> None:
        self.calls.append(("verify",))

    def set_trigger(self, name: str, on: bool) -> None:
        self.calls.append(("trigger", name, on))

    def kernel(self, statistics: bool = False) -> None:
        self.calls.append(("kernel", statistics))

    def inspect(self) -> seam.Inspection | None:
        return seam.Inspection(1, -1, 0, BUILD, True) if self.calls else None

    def close(self) -> None:
        self.calls.append(("close",))


def structure(name: str, kind: str, progress: str, description: str) -> Structure:
    """A structure as its header would be read."""
    forms = {
        one: Form(f"ds_{name}_{one}", "head_key_value", f"struct ds_{name}_head *")
        for one in ("init", "insert", "delete", "search", "verify")
    }
    return Structure(
        name=name,
        path=Path(f"/headers/ds_{name}.h"),
        prefix=f"ds_{name}",
        head_type=f"struct ds_{name}_head",
        node_type=f"struct ds_{name}_node",
        operations=frozenset(forms),
        forms=forms,
        kernel_operations=frozenset(forms),
        kernel_forms=forms,
        description=description,
        metadata=Metadata(name, description, abstract_type=kind, concurrency="mpmc", progress=progress),
        head_fields=(Field("first", f"struct ds_{name}_node __arena *"),),
        node_fields=(Field("next", f"struct ds_{name}_node __arena *"), Field("key", "__u64"), Field("value", "__u64")),
        tags=Tags(),
    )


LIST = structure("list", "map", "lock_free", "Sorted linked list after Harris and Michael")
TREE = structure("tree", "map", "blocking", "AVL tree under one lock")
BUILD = Build(LIST, "fast", Path("list.so"), Path("list.bpf.o"), None, "key", False, 1.25)
BROKEN = Surveyed(
    "broken", Path("/headers/ds_broken.h"), None, "/headers/ds_broken.h:12:5: error: unknown type name '__u65'"
)


class FakeServices(Services):
    """Two structures and a broken header; builds succeed unless told otherwise."""

    def __init__(self) -> None:
        self.sessions: list[FakeSession] = []
        self.look_into = CannedLook()
        self.build_error: WorkbenchError | None = None
        self.log_error: WorkbenchError | None = None

    def open_session(self, publish: seam.Publish) -> seam.Session:
        self.sessions.append(FakeSession(publish))
        return self.sessions[-1]

    def look(self, inspection: seam.Inspection) -> CannedLook:
        return self.look_into

    def survey(self, include: Sequence[Path]) -> list[Surveyed]:
        return [BROKEN, *(Surveyed(one.name, one.path, one, None) for one in (LIST, TREE))]

    def find(self, name_or_path: str, include: Sequence[Path], prefix: str) -> Structure:
        for one in (LIST, TREE):
            if name_or_path in (one.name, str(one.path)):
                return one
        if "fine" in name_or_path:
            return structure("fine", "queue", "lock_free", "Opened by its path")
        raise BuildError(f"{name_or_path}:1:1: error: nothing of the kind")

    def build(self, structure: Structure, *, bpf: bool) -> Build:
        if self.build_error:
            raise self.build_error
        return Build(structure, "fast", Path("x.so"), Path("x.bpf.o"), None, "key", False, 1.25)

    def verifier_log(self, build: Build, program: str) -> VerifierLog:
        if self.log_error:
            raise self.log_error
        return canned_kernel.verifier_log(Path.cwd(), program)

    def sizes(self, build: Build) -> dict[str, int]:
        return {str(build.structure.node_type): 24}

    @property
    def session(self) -> FakeSession:
        """The one that was opened."""
        return self.sessions[-1]


def workspace(home: Path, **how: Any) -> Workspace:
    """A workspace of a person whose folders are below `home`."""
    return Workspace(person=Person(os.geteuid(), os.getegid(), home), release="6.18.44-canned", **how)
