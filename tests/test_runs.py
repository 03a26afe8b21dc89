# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whole runs by the real command: limits, repetition, interruption, prefill, both backends, reports, exit status."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import jsonschema
import pytest
from command import CHECKOUT, Ran, Started, bad, counts, gone, holders, run

from workbench.reports.as_json import SCHEMA_FILE

NATIVE = ("--backend", "native")
BPF = ("--backend", "bpf")
BACKENDS = [pytest.param("native"), pytest.param("bpf", marks=pytest.mark.kernel)]
ISSUE_FIELDS = {
    *("backend", "structure", "seed", "duration_s", "lanes", "totals", "kernel", "arena", "elements", "checks"),
    "exit_status",
}
LANE_FIELDS = {
    *("id", "context", "operations", "inserts", "deletes", "searches", "failures", "ops_per_sec", "latency_ns"),
}


def sound(ran: Ran) -> None:
    """The run ended well and every check that could be made is ok."""
    assert ran.status == 0, ran.stderr
    assert set(ran.checks().values()) <= {"ok", "skipped"}, ran.report["checks"]
    assert ran.checks()["leaks"] == ran.checks()["frees"] == "ok"


# How long it goes on


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_lane_does_as_many_operations_as_it_was_told(backend: str) -> None:
    ran = run("--backend", backend, "-t", "3", "-o", "700")
    sound(ran)
    assert [lane["operations"] for lane in ran.report["lanes"]] == [700] * 3
    totals = ran.report["totals"]
    assert totals["operations"] == totals["inserts"] + totals["deletes"] + totals["searches"] == 2100


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_time_ends_a_run_without_a_limit_on_operations(backend: str) -> None:
    ran = run("--backend", backend, "-t", "2", "-o", "0", "-d", "0.2", "-k", "500")
    sound(ran)
    assert all(lane["operations"] > 0 for lane in ran.report["lanes"])
    assert ran.report["duration_s"] >= 0.2


def test_the_time_ends_a_run_whose_operations_would_take_longer() -> None:
    ran = run(*NATIVE, "-t", "1", "-o", "1000000000000", "-d", "0.2", "-k", "100")
    sound(ran)
    assert 0 < ran.lane("user 0")["operations"] < 10**12


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_lanes_and_prints_the_report_so_far(number: signal.Signals) -> None:
    going = Started("-t", "2", "-o", "0", "-d", "0", "-k", "100", "-v", "--pin", "0")
    engine = going.engine()
    affinities = [Path(task, "status").read_text() for task in Path(f"/proc/{engine}/task").iterdir()]
    going.send(number)
    ran = going.wait()
    assert ran.status == 128 + number
    assert "runs until Ctrl-C" in ran.stderr
    assert "TEST STATISTICS" in ran.stdout
    assert ran.report["exit_status"] == 128 + number
    assert ran.report["totals"]["operations"] > 0
    assert ran.checks()["verify_user"] == ran.checks()["elements"] == "ok"
    assert "stopped before its end" in ran.report["notes"]
    assert gone(engine)
    assert sum("Cpus_allowed_list:\t0\n" in text for text in affinities) >= 2  # pinned, while we are at it
    assert [lane["cpu"] for lane in ran.report["lanes"]] == [0, 0]


def test_a_second_ctrl_c_leaves_at_once() -> None:
    going = Started(*NATIVE, *bad("hang_search"), "-w", "search", "-o", "0", "-d", "0")
    engine = going.engine()
    going.send(signal.SIGINT)
    while "stopping the lanes" not in (going.process.stderr.readline() if going.process.stderr else ""):
        assert going.process.poll() is None
    going.send(signal.SIGINT)
    ran = going.wait()
    assert ran.status == 130
    assert ran.report == {}
    assert gone(engine)


@pytest.mark.kernel
def test_an_interrupted_run_leaves_nothing_attached() -> None:
    going = Started(*BPF, "-t", "1", "--kernel-lanes", "1", "-K", "-o", "0", "-d", "0", "-k", "100")
    engine = going.engine()
    assert any("perf_event" in held or "bpf_link" in held for held in holders(going.folder)[engine])
    going.send(signal.SIGINT)
    ran = going.wait()
    assert ran.status == 130
    assert ran.checks()["elements"] == "ok"


# The same again


@pytest.mark.parametrize(
    "lanes",
    [
        pytest.param(("-t", "1", *NATIVE), id="user, native"),
        pytest.param(("-t", "1", *BPF), id="user, bpf", marks=pytest.mark.kernel),
        pytest.param(("-t", "0", "--kernel-lanes", "1", *BPF), id="kernel", marks=pytest.mark.kernel),
    ],
)
def test_one_seed_on_one_lane_gives_the_same_counts(lanes: tuple[str, ...]) -> None:
    flags = (*lanes, "-o", "3000", "-k", "300", "--prefill", "100")
    first, again = (run(*flags, "--seed", "7") for _ in range(2))
    other = run(*flags, "--seed", "8")
    sound(first)
    assert counts(first) == counts(again)
    assert counts(first) != counts(other)
    assert first.report["seed"] == 7
    assert first.report["elements"] == again.report["elements"]


@pytest.mark.kernel
def test_one_seed_gives_the_same_counts_in_the_kernel_as_in_user_space() -> None:
    flags = ("-o", "3000", "-k", "300", "--seed", "7", *BPF)
    user, kernel = run(*flags, "-t", "1"), run(*flags, "-t", "0", "--kernel-lanes", "1")
    one, other = counts(user)[0], counts(kernel)[0]
    assert (one.pop("name"), other.pop("name")) == ("user 0", "kernel 0")
    assert one == other
    assert user.report["elements"] == kernel.report["elements"]


def test_a_seed_that_was_picked_repeats_the_run() -> None:
    picked = run(*NATIVE, "-t", "1", "-o", "500", "-k", "100")
    again = run(*NATIVE, "-t", "1", "-o", "500", "-k", "100", "--seed", str(picked.report["seed"]))
    assert f"Seed: {picked.report['seed']}" in picked.stdout
    assert counts(picked) == counts(again)


# What is done


@pytest.mark.parametrize("workload", ["insert", "search", "delete"])
def test_a_workload_of_one_operation_does_nothing_else(workload: str) -> None:
    ran = run(*NATIVE, "-t", "1", "-o", "300", "-w", workload)
    sound(ran)
    column = {"insert": "inserts", "search": "searches", "delete": "deletes"}[workload]
    assert {name: ran.lane("user 0")[name] for name in ("inserts", "searches", "deletes")} == {
        name: 300 if name == column else 0 for name in ("inserts", "searches", "deletes")
    }


def test_weights_of_ones_own_are_kept() -> None:
    lane = run(*NATIVE, "-t", "1", "-o", "4000", "--mix", "insert=1,search=3", "-k", "100").lane("user 0")
    assert lane["deletes"] == 0
    assert 2800 < lane["searches"] < 3200


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("prefill", "elements"), [("half", 500), ("1000", 1000), ("7", 7)])
def test_a_prefilled_structure_holds_as_many_different_keys(prefill: str, elements: int, backend: str) -> None:
    ran = run("--backend", backend, "-t", "1", "-o", "2000", "-k", "1000", "-w", "search", "--prefill", prefill)
    sound(ran)
    assert ran.report["elements"] == elements
    assert ran.report["totals"]["inserts"] == 0  # before the clock
    missed = ran.lane("user 0")["failures"]
    assert abs(missed - (1000 - elements) * 2) < 200


def test_zipf_keys_meet_each_other_more_often_than_uniform_ones() -> None:
    flags = (*NATIVE, "-t", "1", "-o", "3000", "-k", "100000", "-w", "insert", "--seed", "3")
    uniform, zipf = run(*flags), run(*flags, "--distribution", "zipf")
    sound(zipf)
    assert zipf.lane("user 0")["failures_by_code"]["EXISTS"] > 10 * uniform.lane("user 0")["failures"]


def test_what_happens_in_the_warm_up_is_checked_and_not_counted(tmp_path: Path) -> None:
    profile = tmp_path / "warm.toml"
    profile.write_text(
        'arena.backend = "native"\nlanes.user = 1\n'
        "workload = { type = 'insert', keys = 50, operations = 0, duration_s = 0.2, warmup_s = 0.3 }\n"
    )
    ran = run(str(profile))
    sound(ran)
    lane = ran.lane("user 0")
    # All keys went in long before the counting began.
    assert lane["operations"] == lane["inserts"] > 0
    assert lane["failures_by_code"]["EXISTS"] > 0.999 * lane["operations"]
    assert ran.report["elements"] == 50
    short = run(str(profile), "-o", "5")
    sound(short)
    assert any("warm-up" in note for note in short.report["notes"])
    assert short.lane("user 0")["operations"] == 5


def test_two_lanes_on_one_cpu_are_flagged() -> None:
    ran = run(*NATIVE, "-t", "2", "-o", "10", "--pin", "0")
    assert any("share 1 CPU" in note for note in ran.report["notes"])


# Both sides at once


@pytest.mark.kernel
@pytest.mark.parametrize("structure", ["list", "tree"])
def test_kernel_lanes_work_beside_user_lanes(structure: str) -> None:
    ran = run(*BPF, "-S", structure, "-t", "2", "--kernel-lanes", "2", "-o", "0", "-d", "0.4", "-k", "300", "-v")
    sound(ran)
    assert set(ran.checks().values()) == {"ok"}
    lanes = {lane["name"]: lane for lane in ran.report["lanes"]}
    assert set(lanes) == {"user 0", "user 1", "kernel 0", "kernel 1"}
    assert all(lane["operations"] > 0 for lane in lanes.values())
    assert [lane["context"] for lane in lanes.values()] == ["user", "user", "kernel", "kernel"]
    kernel = ran.report["kernel"]
    assert kernel["operations"] == lanes["kernel 0"]["operations"] + lanes["kernel 1"]["operations"]
    assert kernel["by_trigger"]["manual"]["operations"] == kernel["operations"]
    assert "k1 (kernel)" in ran.stdout


@pytest.mark.kernel
def test_kernel_lanes_end_with_their_operations_whatever_the_batch() -> None:
    ran = run(*BPF, "-t", "0", "--kernel-lanes", "2", "-o", "2500", "-k", "100")
    sound(ran)
    assert [lane["operations"] for lane in ran.report["lanes"]] == [2500, 2500]


@pytest.mark.kernel
def test_two_workbenches_work_at_once() -> None:
    flags = (*BPF, "-t", "1", "--kernel-lanes", "1", "-o", "0", "-d", "0.5", "-k", "200", "-K", "-v")
    going = [Started(*flags) for _ in range(2)]
    for ran in [one.wait() for one in going]:
        sound(ran)
        assert all(lane["operations"] for lane in ran.report["lanes"])


# What comes out


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_json_report_is_what_the_schema_says(backend: str, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    ran = run("--backend", backend, "-t", "2", "-o", "500", "-v", "--csv", str(rows))
    jsonschema.validate(ran.report, json.loads(SCHEMA_FILE.read_text()))
    assert set(ran.report) >= ISSUE_FIELDS
    assert all(set(lane) >= LANE_FIELDS for lane in ran.report["lanes"])
    assert ran.report["backend"] == backend
    assert set(ran.report["kernel"]) >= {"operations", "failures", "by_trigger"}
    assert set(ran.report["arena"]) >= {"allocations", "frees", "current", "failed"}
    arena = ran.report["arena"]
    assert arena["current"] == arena["allocations"] - arena["frees"]
    latency = ran.report["lanes"][0]["latency_ns"]
    assert 0 < latency["p50"] <= latency["p99"] <= latency["p999"] <= latency["max"]
    table = list(csv.DictReader(io.StringIO(rows.read_text())))
    assert [row["lane"] for row in table] == ["user 0", "user 1", "TOTAL"]
    assert [int(row["operations"]) for row in table] == [500, 500, 1000]


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_a_report_on_stdout_stands_there_alone(form: str) -> None:
    ran = run(*NATIVE, "-t", "1", "-o", "50", form, "-")
    assert ran.status == 0
    if form == "--json":
        assert json.loads(ran.stdout)["totals"]["operations"] == 50
    else:
        assert [row["operations"] for row in csv.DictReader(io.StringIO(ran.stdout))] == ["50", "50"]


def test_flags_go_before_the_profile(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text("[lanes]\nuser = 3\n[workload]\noperations = 40\nkeys = 9\n[arena]\nbackend = 'native'\n")
    ran = run(str(profile), "-o", "60")
    assert [lane["operations"] for lane in ran.report["lanes"]] == [60] * 3
    assert ran.report["profile"]["workload"]["keys"] == 9
    assert ran.report["elements"] <= 9


# What the machine cannot

NO_CAPABILITIES = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")


def nobody() -> tuple[str, ...]:
    """A prefix to be no root with, as which the checkout is still readable: a user namespace without a mapping."""
    if os.geteuid():
        return ()
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare")
    return ("unshare", "--user")


def test_without_root_user_lanes_run_and_it_is_said_why_no_others(tmp_path: Path) -> None:
    own = {"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    flags = ("-t", "1", "--kernel-lanes", "1", "-K", "-o", "100")
    ran = run(*flags, prefix=nobody(), changes=own)
    sound(ran)
    assert ran.report["backend"] == "native"
    assert [lane["name"] for lane in ran.report["lanes"]] == ["user 0"]
    (note,) = ran.report["notes"]
    assert note == "native backend: kernel lanes and triggers are off: kernel lanes need root (run it with sudo)"

    insisting = run(*flags, *BPF, prefix=nobody(), changes=own)
    assert insisting.status == 3
    assert insisting.stderr.strip() == (
        "arena-workbench: error: --backend bpf: kernel lanes need root (run it with sudo)"
    )
    alone = run("-t", "0", "--kernel-lanes", "1", prefix=nobody(), changes=own)
    assert alone.status == 3
    assert "kernel lanes need root" in alone.stderr


@pytest.mark.kernel
def test_a_root_that_may_not_is_told_so() -> None:
    ran = run("-t", "1", "-o", "10", *BPF, prefix=NO_CAPABILITIES)
    assert ran.status == 3
    assert "refuses bpf() even to root (EPERM" in ran.stderr


@pytest.mark.kernel
def test_a_root_that_may_make_an_arena_and_load_nothing_gets_its_user_lanes() -> None:
    prefix = ("setpriv", "--bounding-set", "-all,+bpf", "--inh-caps", "-all")
    ran = run("-t", "1", "--kernel-lanes", "1", "-o", "100", prefix=prefix)
    sound(ran)
    assert ran.report["backend"] == "native"
    assert "CAP_PERFMON" in ran.report["backend_reason"]
    assert run(*BPF, prefix=prefix).status == 3


def test_without_a_compiler_for_bpf_the_tools_name_is_said(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("cc", "as", "ld"):
        (tools / name).symlink_to(shutil.which(name) or "/usr/bin/cc")
    ran = run("-t", "1", "-o", "10", changes={"PATH": str(tools), "XDG_CACHE_HOME": str(tmp_path)})
    assert ran.status == 0, ran.stderr
    assert ran.report["backend"] == "native"
    if os.geteuid() == 0 and "root" not in ran.report["backend_reason"]:
        assert "clang 19 or newer" in ran.report["backend_reason"]
        assert "to mend it:" in ran.report["backend_reason"]


def test_a_second_start_compiles_nothing(tmp_path: Path) -> None:
    """Compilers are stood in for by scripts that keep a record of being started."""
    record, tools = tmp_path / "record", tmp_path / "bin"
    tools.mkdir()
    for name in ["cc", "gcc", "clang", *(f"clang-{version}" for version in range(19, 30))]:
        if real := shutil.which(name):
            (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {record}\nexec {real} "$@"\n')
            (tools / name).chmod(0o755)
    changes = {"PATH": f"{tools}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    first = run("-t", "1", "-o", "10", changes=changes)
    sound(first)
    compiled = record.read_text()
    assert "driver.c" in compiled
    second = run("-t", "1", "-o", "10", changes=changes)
    sound(second)
    assert record.read_text() == compiled
    assert second.report["backend"] == first.report["backend"]


def test_the_command_is_the_package_in_this_checkout() -> None:
    """Else all of this would test something that is installed."""
    assert (CHECKOUT / "workbench" / "cli.py").is_file()
    ran = run("-t", "1", "-o", "1", *NATIVE)
    assert str(CHECKOUT) in ran.report["structure_path"], sys.path
