# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`doctor`: what this machine can do, by trying it."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import machine as machine_of_the_tests
import pytest
from command import environment

from workbench import cache, machine
from workbench.errors import MachineError
from workbench.machine import Fact


def fact(what: str) -> Fact:
    return next(one for one in machine.report() if one.what == what)


def test_doctor_prints_a_line_a_fact() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "doctor"], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 0
    assert done.stdout.splitlines() == [str(one) for one in machine.report()]
    assert all(line.startswith(("ok ", "missing ")) for line in done.stdout.splitlines())
    assert done.stderr == ""


def test_it_agrees_with_the_tests_own_probe() -> None:
    assert fact("kernel lanes").ok == (machine_of_the_tests.why_no_kernel_side() is None)


@pytest.mark.kernel
def test_an_arena_that_can_be_made_is_seen() -> None:
    assert fact("BPF arena").ok
    assert machine.why_no_kernel_lanes() == ""


@pytest.mark.parametrize(
    ("error", "uid", "words"),
    [
        (errno.EPERM, 1000, "kernel lanes need root (run it with sudo)"),
        (errno.EPERM, 0, "the kernel refuses bpf() even to root (EPERM: Operation not permitted)"),
        (errno.EINVAL, 0, "makes none (EINVAL: Invalid argument); to mend it: boot Linux 6.9 or newer"),
        (errno.EOPNOTSUPP, 0, "Operation not supported); to mend it: boot"),
        (errno.ENOSYS, 0, "Function not implemented); to mend it: boot"),
    ],
)
def test_why_there_are_no_kernel_lanes(error: int, uid: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_create_arena_map", lambda: error)
    monkeypatch.setattr(machine, "_uid", lambda: uid)
    assert words in machine.why_no_kernel_lanes()
    assert "\n" not in machine.why_no_kernel_lanes()
    assert not fact("BPF arena").ok


def test_without_a_cache_there_is_still_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Path:
        raise MachineError("no folder can be written: set XDG_CACHE_HOME")

    monkeypatch.setattr(cache, "root", refuse)
    assert fact("build cache").detail == "no folder can be written: set XDG_CACHE_HOME"
    assert not fact("kernel lanes").ok


def test_a_missing_tool_is_told_with_the_command_that_mends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    clang = fact("clang for BPF")
    assert not clang.ok
    assert str(clang).startswith("missing ")
    assert "to mend it:" in str(clang)
    assert not fact("kernel lanes").ok
