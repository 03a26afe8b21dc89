# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The shipped structures in the kernel: damage, loops without an end, a verify of a million elements."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from workbench import builds, runs, structures, toolchain
from workbench.profiles import Arena, Checks, Lanes, Profile, Structure, Triggers, Workload

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("structure", ["list", "tree"])
def test_a_kernel_lane_answers_what_it_cannot_follow(structure: str, checkout: Path, tmp_path: Path) -> None:
    build = builds.build(structures.find(structure), bpf=True)
    libbpf = toolchain.require(toolchain.find_libbpf())
    program = tmp_path / "kernel_side"
    compiled = subprocess.run(
        [
            *os.environ.get("CC", "cc").split(),
            *("-O2", "-g", "-std=gnu11", "-pthread", f"-DSTRUCTURE={structure}"),
            *(f"-I{checkout / name}" for name in ("bpf/include", "bpf/structures", "csrc")),
            *libbpf.compile_flags,
            *(str(checkout / name) for name in ("tests/c/kernel_side.c", "csrc/bpf_loader.c")),
            *libbpf.link_flags,
            *("-lbpf", "-lelf", "-lz", "-o", str(program)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert compiled.returncode == 0, compiled.stderr

    done = subprocess.run(
        [program, str(build.bpf), str(tmp_path / "log"), "1000000"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("structure", ["list", "tree"])
@pytest.mark.parametrize("keys", [4, 300])
def test_user_and_kernel_lanes_keep_a_structure_whole_under_contention(structure: str, keys: int) -> None:
    profile = Profile(
        structure=Structure(name=structure),
        arena=Arena(backend="bpf"),
        workload=Workload(keys=keys, operations=0, duration_s=1.5),
        lanes=Lanes(user=2, kernel=2),
        triggers=Triggers(write=True, openat=True, generate=True),
        checks=Checks(verify=True),
    )

    report = runs.execute(profile, include=[])

    assert {name: check.reason for name, check in report.checks.items() if check.result != "ok"} == {}
    assert report.exit_status == 0
    assert report.totals.operations > report.kernel.operations > 0
    # Nothing is answered but what the operations mean, and BUSY where a lock is waited for.
    expected = {"EXISTS", "NOT_FOUND"} | ({"BUSY"} if structure == "tree" else set())
    assert {code for lane in report.lanes for code in lane.failures_by_code} <= expected
