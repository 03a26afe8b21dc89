# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""System calls as triggers of kernel operations: whose count, whose do not, and where they cannot be had."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import Ran, Started, bad, holders, run

pytestmark = pytest.mark.kernel

TRIGGERS = ("execve", "exit_group", "openat", "write")
BPF = ("--backend", "bpf")
ENDLESS = (*BPF, *bad("sound"), "-t", "0", "-o", "0", "-d", "0")
CALLER = """
import os, pathlib, sys, time
go, done = (pathlib.Path(name) for name in sys.argv[1:])
while not go.exists():
    time.sleep(0.02)
for _ in range(300):
    os.close(os.open("/dev/null", os.O_RDONLY))
    sink = os.open("/dev/null", os.O_WRONLY)
    os.write(sink, b"x")
    os.close(sink)
for _ in range(3):
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
done.touch()
"""


def make_calls(folder: Path) -> None:
    """600 openat, 300 write, 3 execve and 3 exit_group, and those of the program that makes them."""
    subprocess.run([sys.executable, "-c", CALLER, str(folder), str(folder / "done")], check=True)


def triggers(*names: str) -> list[str]:
    return [word for name in names for word in ("--trigger", name)]


def fired(ran: Ran) -> dict[str, int]:
    return {name: counts["operations"] for name, counts in ran.report["kernel"]["by_trigger"].items()}


def at_work(going: Started) -> int:
    """The engine, once it holds an attachment: with no lane of its own it uses no time."""
    for _ in range(1000):
        for pid, held in holders(going.folder).items():
            if any("perf_event" in one or "bpf_link" in one for one in held):
                time.sleep(0.1)  # attached just before the clock starts
                return pid
        assert going.process.poll() is None
        time.sleep(0.02)
    raise AssertionError("nothing was attached")


def test_dash_k_fires_all_four() -> None:
    ran = run(*BPF, "-t", "1", "-o", "0", "-d", "0.4", "-k", "200", "-K", "-v")
    assert ran.status == 0, ran.stderr
    assert set(ran.checks().values()) == {"ok"}
    assert set(fired(ran)) == set(TRIGGERS)
    assert all(count > 0 for count in fired(ran).values()), fired(ran)
    lanes = {lane["name"]: lane for lane in ran.report["lanes"]}
    assert {name: lanes[name]["operations"] for name in TRIGGERS} == fired(ran)
    assert all(lanes[name]["context"] == "kernel" and lanes[name]["trigger"] == name for name in TRIGGERS)
    assert all(lanes[name]["latency_ns"]["samples"] == lanes[name]["operations"] for name in TRIGGERS)


def test_dash_k_fires_a_few_of_each_however_short_the_run() -> None:
    ran = run(*BPF, "-t", "1", "-o", "10", "-K")
    assert ran.lane("user 0")["operations"] == 10
    by_trigger = ran.report["kernel"]["by_trigger"]
    assert all(counts["operations"] + counts["missed"] >= 8 for counts in by_trigger.values()), by_trigger


@pytest.mark.parametrize("name", TRIGGERS)
def test_each_trigger_counts_its_own_calls_and_no_others(name: str, tmp_path: Path) -> None:
    going = Started(*ENDLESS, *triggers(name), "--trigger-scope", "all")
    at_work(going)
    make_calls(tmp_path)
    going.send(signal.SIGINT)
    ran = going.wait()
    assert set(fired(ran)) == {name}
    least = {"execve": 4, "exit_group": 4, "openat": 600, "write": 300}[name]
    missed = ran.report["kernel"]["by_trigger"][name]["missed"]
    assert fired(ran)[name] + missed >= least
    assert ran.checks()["elements"] == "ok"


def test_a_call_by_a_stranger_fires_nothing(tmp_path: Path) -> None:
    going = Started(*ENDLESS, *triggers("execve", "openat"))
    at_work(going)
    make_calls(tmp_path)
    going.send(signal.SIGINT)
    ran = going.wait()
    # The workbench itself starts nothing while it runs, and opens hardly anything.
    assert fired(ran)["execve"] == 0
    assert fired(ran)["openat"] < 100


def test_a_call_by_a_descendant_of_the_workbench_fires(tmp_path: Path) -> None:
    """A shell starts the caller and then becomes, by exec, the workbench: the caller's parent."""
    go, done = tmp_path / "go", tmp_path / "done"
    script = f'"$1" -c \'{CALLER}\' {go} {done} & exec "$@"'
    going = Started(*ENDLESS, *triggers("execve", "openat"), prefix=("sh", "-c", script, "sh"))
    at_work(going)
    go.touch()
    while not done.exists():
        assert going.process.poll() is None
        time.sleep(0.02)
    going.send(signal.SIGINT)
    ran = going.wait()
    assert fired(ran)["execve"] == 3
    assert fired(ran)["openat"] >= 600


def test_without_tracefs_it_is_mounted() -> None:
    ran = run(*BPF, "-t", "1", "-o", "0", "-d", "0.2", "-k", "100", "-K", prefix=without_tracefs())
    assert ran.status == 0, ran.stderr
    assert all(count > 0 for count in fired(ran).values())


def test_where_tracefs_cannot_be_mounted_the_run_goes_on_and_says_why(tmp_path: Path) -> None:
    refusing = tmp_path / "mount"
    refusing.write_text("#!/bin/sh\necho 'mount: permission denied' >&2\nexit 32\n")
    refusing.chmod(0o755)
    changes = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ran = run(*BPF, "-t", "1", "-o", "50", *triggers("openat"), prefix=without_tracefs(), changes=changes)
    assert ran.status == 0, ran.stderr
    assert fired(ran) == {"openat": 0}
    (note,) = ran.report["notes"]
    assert "sys_enter_openat cannot be attached: tracefs is not mounted" in note
    assert "mount: permission denied" in note
    assert "mount -t tracefs tracefs /sys/kernel/tracing" in note


def without_tracefs() -> tuple[str, ...]:
    """A prefix that hides tracefs in a mount namespace of its own."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare")
    umount = shutil.which("umount")
    script = f"for at in /sys/kernel/debug/tracing /sys/kernel/debug /sys/kernel/tracing; do {umount} -R $at; done"
    return ("unshare", "--mount", "sh", "-c", f'({script}) 2>/dev/null; exec "$@"', "sh")
