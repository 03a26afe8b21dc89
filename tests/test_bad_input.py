# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a person gets for input that is wrong, and for structures that are (tests/bad): where, and why."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import jsonschema
import pytest
from command import BAD, Ran, Started, bad, gone, run

from workbench.reports.as_json import SCHEMA_FILE

NATIVE = ("--backend", "native")
BPF = ("--backend", "bpf")
BACKENDS = [pytest.param("native"), pytest.param("bpf", marks=pytest.mark.kernel)]
# Enough operations to come by key 77 with each operation.
WORK = ("-t", "2", "-o", "20000", "-d", "5", "--seed", "5")


def told(ran: Ran) -> str:
    """The error that stderr tells, which there must be only one of."""
    lines = [line for line in ran.stderr.splitlines() if line.startswith("arena-workbench: error: ")]
    assert len(lines) == 1, ran.stderr
    return lines[0].removeprefix("arena-workbench: error: ")


def crashed(ran: Ran, how: str, operation: str, key: int | None, lane: str = "user") -> dict[str, object]:
    """The run ended as a crash or hang does, in that operation on that key; the fault in its report."""
    assert ran.status == ran.report["exit_status"] == 4
    fault = ran.report["faults"][0]
    assert (fault["kind"], fault["operation"]) == (how, operation)
    assert fault["lane"].startswith(lane)
    assert key is None or fault["key"] == key
    message = told(ran)
    assert ran.report["notes"][0] == message
    assert " ".join(message.split()) in " ".join(ran.stdout.split())
    for word in (how if how != "hang" else "hangs", fault["lane"], f"{operation}(key {fault['key']})"):
        assert word in message
    assert set(ran.checks().values()) == {"unknown"}
    jsonschema.validate(ran.report, json.loads(SCHEMA_FILE.read_text()))
    return dict(fault)


def next_run_works(*flags: str) -> None:
    ran = run(*flags, *bad("sound"), "-t", "2", "-o", "500", "-v")
    assert ran.status == 0, ran.stderr


# What is asked for


def test_an_unknown_structure_is_told_with_what_there_is() -> None:
    ran = run("-S", "lisst")
    assert ran.status == 2
    assert "no structure 'lisst'. Did you mean list?" in told(ran)


def test_malformed_toml_is_told_with_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("[lanes]\nuser = = 3\n")
    ran = run(str(tmp_path / "x.toml"))
    assert ran.status == 2
    assert "x.toml:2:8: not valid TOML" in told(ran)


@pytest.mark.parametrize(
    ("text", "path"), [("[lanes]\nusers = 3\n", "lanes.users"), ("[lanes]\nuser = 1000\n", "lanes.user")]
)
def test_a_wrong_field_is_told_by_its_path(text: str, path: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(text)
    ran = run(str(tmp_path / "x.toml"))
    assert ran.status == 2
    assert f"{path}: " in told(ran)
    assert "x.toml:2" in told(ran)


def test_a_header_that_lacks_an_operation_is_told_which() -> None:
    ran = run(*bad("no_insert"))
    assert ran.status == 2
    assert f"{BAD / 'ds_no_insert.h'}: ds_broken_insert() missing" in told(ran)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_header_that_does_not_compile_is_told_in_the_compilers_words(backend: str) -> None:
    ran = run("--backend", backend, *bad("no_compile"))
    assert ran.status == 2
    first = next(line for line in ran.stderr.splitlines() if " error: " in line and "ds_no_compile.h:" in line)
    assert f"{BAD / 'ds_no_compile.h'}:5:" in first
    assert "forgotten_helper" in first


@pytest.mark.kernel
def test_a_structure_that_the_verifier_rejects_is_told_with_the_line_the_reason_and_the_log() -> None:
    ran = run(*BPF, *bad("rejected"))
    assert ran.status == 2
    assert f"{BAD / 'broken.h'}:101: rejected by the kernel's verifier: R3 invalid mem access 'scalar'" in ran.stderr
    assert "BROKEN_SEARCH" in ran.stderr
    heading, _, tail = ran.stderr.partition("The last 30 lines of its log (the whole log: ")
    assert heading
    log, _, lines = tail.partition("):\n")
    assert len(lines.rstrip("\n").splitlines()) == 30
    assert "invalid mem access 'scalar'" in Path(log).read_text()
    Path(log).unlink()


# Too little memory


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_arena_that_fills_up_fails_inserts_and_the_run_goes_on(backend: str) -> None:
    lanes = ("--kernel-lanes", "1") if backend == "bpf" else ()
    flags = ("-t", "2", "-o", "8000", "-k", "1000000", "-w", "insert", "--arena-pages", "200", "-S", "tree")
    ran = run("--backend", backend, *flags, *lanes, "-v")
    assert ran.status == 0, ran.stderr
    assert {"ok"} <= set(ran.checks().values()) <= {"ok", "skipped"}
    for lane in ran.report["lanes"]:
        assert lane["operations"] == 8000
        assert lane["failures_by_code"]["NOMEM"] > 0
    assert ran.report["arena"]["failed"] > 0


def test_a_prefill_that_does_not_fit_is_told() -> None:
    flags = ("-S", "tree", "-t", "1", "-o", "10", "-k", "100000", "--prefill", "half", "--arena-pages", "200")
    ran = run(*NATIVE, *flags)
    assert ran.status == 0, ran.stderr
    (note,) = ran.report["notes"]
    assert "of 50000 elements went in before the clock" in note
    assert 0 < ran.report["elements"] < 50_000


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_arena_too_small_for_anything_is_told_with_what_to_take(backend: str) -> None:
    ran = run("--backend", backend, "--arena-pages", "64")
    assert ran.status == 2
    message = told(ran)
    assert "arena.pages: 64 is too small" in message
    least = message.split("take ")[-1].split()[0]
    enough = run("--backend", backend, "--arena-pages", least, "-t", "1", "-o", "5")
    assert enough.status == 0, enough.stderr


# What crashes


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_lane_that_crashes_is_told_with_signal_lane_operation_key_and_line(backend: str) -> None:
    lanes = ("--kernel-lanes", "1", "-K") if backend == "bpf" else ()
    ran = run("--backend", backend, *bad("crash_insert"), *WORK, *lanes)
    fault = crashed(ran, "SIGSEGV", "insert", 77)
    assert fault["address"] == "0x40"
    assert "broken.h:67 (ds_broken_insert)" in told(ran)
    assert "nothing stays attached" in told(ran)
    # What the allocator had counted is there to look at.
    assert ran.report["arena"]["allocations"] > 0
    next_run_works("--backend", backend)


@pytest.mark.parametrize(
    ("name", "how", "operation"),
    [
        ("crash_abort", "SIGABRT", "delete"),
        ("crash_divide", "SIGFPE", "search"),
        ("crash_stack", "SIGSEGV", "search"),
        ("crash_together", "SIGSEGV", "search"),
        ("exits", "exit status 0", "search"),
    ],
)
def test_every_way_to_die_is_told_apart(name: str, how: str, operation: str) -> None:
    ran = run(*NATIVE, *bad(name), *WORK)
    crashed(ran, how, operation, 77)


def test_the_last_words_are_passed_on() -> None:
    ran = run(*NATIVE, *bad("crash_abort"), *WORK)
    assert "Assertion `key != 77' failed" in ran.report["notes"][1]


def test_a_crash_beside_one_in_the_same_moment_still_names_its_lane() -> None:
    for _ in range(3):
        ran = run(*NATIVE, *bad("crash_together"), *WORK, "-w", "search")
        crashed(ran, "SIGSEGV", "search", 77)


@pytest.mark.parametrize(
    ("name", "operation", "lane", "doing"),
    [
        ("crash_init", "init", "setup", "making the structure"),
        ("crash_verify", "verify", "setup", "verifying from user space"),
        ("crash_iterate", "iterate", "setup", "counting the elements"),
    ],
)
def test_a_crash_outside_the_lanes_is_told_with_what_was_done(name: str, operation: str, lane: str, doing: str) -> None:
    ran = run(*NATIVE, *bad(name), "-t", "1", "-o", "10", "-v")
    crashed(ran, "SIGSEGV", operation, None, lane)
    assert f"while {doing}" in told(ran)


def test_a_crash_while_filling_is_told_with_the_key() -> None:
    ran = run(*NATIVE, *bad("crash_insert"), "-t", "1", "-o", "10", "--prefill", "1000")
    crashed(ran, "SIGSEGV", "insert", 77, "setup")
    assert "while filling it beforehand" in told(ran)


# What never ends


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_lane_that_never_comes_back_is_told_and_ended(backend: str) -> None:
    lanes = ("--kernel-lanes", "1", "-K") if backend == "bpf" else ()
    ran = run("--backend", backend, *bad("hang_search"), *WORK, *lanes, "--watchdog", "2")
    crashed(ran, "hang", "search", 77)
    assert "no progress for 2 s" in told(ran)
    assert "watchdog_s" in told(ran)
    next_run_works("--backend", backend)


@pytest.mark.parametrize(("name", "operation"), [("init", "init"), ("verify", "verify"), ("iterate", "iterate")])
def test_what_never_comes_back_outside_the_lanes_is_told_and_ended(name: str, operation: str) -> None:
    ran = run(*NATIVE, *bad(f"hang_{name}"), "-t", "1", "-o", "10", "-v", "--watchdog", "2")
    crashed(ran, "hang", operation, None, "setup")


def test_a_hang_after_the_time_is_up_is_told_too() -> None:
    ran = run(*NATIVE, *bad("hang_search"), "-t", "1", "-w", "search", "-o", "0", "-d", "0.2", "--watchdog", "2")
    crashed(ran, "hang", "search", 77)


@pytest.mark.kernel
def test_a_kernel_lane_that_goes_round_is_cut_off_and_the_run_ends() -> None:
    flags = ("-t", "1", "--kernel-lanes", "1", "-o", "0", "-d", "1", "-w", "search", "--prefill", "half")
    ran = run(*BPF, *bad("endless_kernel"), *flags, "-v", "--watchdog", "5")
    assert ran.status == 0, ran.stderr
    assert ran.lane("kernel 0")["operations"] > 0
    assert ran.lane("kernel 0")["latency_ns"]["max"] > 100_000_000


@pytest.mark.kernel
def test_a_killed_engine_does_not_finish_its_batch_first() -> None:
    """A batch of a thousand operations of a quarter of a second each would keep the program for minutes."""
    flags = ("-t", "1", "--kernel-lanes", "1", "-o", "0", "-d", "0", "-w", "search")
    going = Started(*BPF, *bad("endless_kernel"), *flags)
    engine = going.engine()
    os.kill(engine, signal.SIGKILL)
    assert gone(engine)
    assert going.wait().status == 4


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_lock_that_is_never_released_ends_in_busy_answers(backend: str) -> None:
    lanes = ("--kernel-lanes", "1") if backend == "bpf" else ()
    ran = run("--backend", backend, *bad("lock_kept"), *WORK, *lanes, "-d", "0.5")
    assert ran.status == 1
    assert ran.checks()["locks"] == "failed"
    assert ran.report["totals"]["failures_by_code"]["BUSY"] > 0
    assert any("waits for the lock it holds" in fault["kind"] for fault in ran.report["faults"])


# What corrupts, leaks, loses


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("double_free", "double free", "double_frees"),
        ("wild_free", "free of what was never handed out", "bad_frees"),
    ],
)
def test_a_wrong_free_is_told_with_lane_operation_and_key(name: str, kind: str, count: str, backend: str) -> None:
    lanes = ("--kernel-lanes", "1") if backend == "bpf" else ()
    ran = run("--backend", backend, *bad(name), *WORK, *lanes, "-v")
    assert ran.status == 1
    assert ran.checks() | {"frees": ""} == dict.fromkeys(ran.checks(), "ok") | {
        "frees": "",
        **({"verify_kernel": "skipped"} if backend == "native" else {}),
    }
    assert ran.checks()["frees"] == "failed"
    assert ran.report["arena"][count] > 0
    assert {(fault["kind"], fault["operation"], fault["key"]) for fault in ran.report["faults"]} == {
        (kind, "delete", 77)
    }
    faulty = {fault["lane"] for fault in ran.report["faults"]}
    assert faulty <= {"user 0", "user 1", "kernel 0"}
    assert ("kernel 0" in faulty) == (backend == "bpf")
    assert f"{kind} at 0x" in ran.stdout


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_leak_is_told_in_objects_bytes_size_class_and_an_example(backend: str) -> None:
    ran = run("--backend", backend, *bad("leak"), *WORK)
    assert ran.status == 1
    assert ran.checks() == ran.checks() | {"leaks": "failed", "elements": "ok", "frees": "ok"}
    (leak,) = ran.report["leaks"]
    deleted = ran.report["totals"]["deletes"] - ran.report["totals"]["failures_by_code"]["NOT_FOUND"]
    assert leak["objects"] >= deleted > 0
    assert leak["bytes"] == leak["objects"] * 24
    assert leak["size_class_bytes"] == 32
    assert leak["example_address"].startswith("0x")
    key, value, _ = (int.from_bytes(bytes.fromhex(word), "little") for word in leak["example_hex"].split())
    assert 1 <= key <= 1000
    assert value == 2 * key
    assert f"{leak['objects']} objects, {leak['bytes']} bytes, size class 32" in ran.stdout


def test_elements_that_get_lost_are_counted() -> None:
    ran = run(*NATIVE, *bad("lost"), *WORK, "-v")
    assert ran.status == 1
    assert (ran.checks()["elements"], ran.checks()["key_sum"]) == ("failed", "failed")
    assert ran.checks()["verify_user"] == "ok"  # which walks what is there
    assert "lost" in ran.reason("elements")


@pytest.mark.kernel
def test_a_verify_that_finds_fault_is_told_for_each_side() -> None:
    ran = run(*BPF, *bad("corrupt"), "-t", "1", "-o", "10", "-v")
    assert ran.status == 1
    assert (ran.checks()["verify_user"], ran.checks()["verify_kernel"]) == ("failed", "failed")
    assert ran.reason("verify_kernel") == "DS_ERROR_CORRUPT"


@pytest.mark.parametrize("backend", BACKENDS)
def test_damage_to_the_allocators_header_is_told(backend: str) -> None:
    ran = run("--backend", backend, *bad("header_damage"), *WORK)
    assert ran.status == 1
    assert (ran.checks()["leaks"], ran.checks()["frees"]) == ("failed", "unknown")
    assert "header is damaged" in ran.reason("leaks")


@pytest.mark.parametrize("backend", BACKENDS)
def test_noise_all_over_the_allocators_header_ends_the_engine_alone(backend: str) -> None:
    ran = run("--backend", backend, *bad("scribble"), *WORK, "--watchdog", "2")
    assert ran.status in (1, 4)
    assert ran.report["faults"] or ran.checks()["leaks"] == "failed"
    next_run_works("--backend", backend)


def test_an_init_that_refuses_is_a_failed_check() -> None:
    ran = run(*NATIVE, *bad("init_refuses"))
    assert ran.status == 1
    assert ran.reason("init") == "init answered DS_ERROR_NOMEM: nothing was run"
    assert ran.report["totals"]["operations"] == 0


def test_what_a_structure_prints_does_not_get_into_the_report() -> None:
    ran = run(*NATIVE, *bad("noisy"), *WORK)
    assert ran.status == 0
    assert "looking for" not in ran.stdout
    assert ran.stderr == ""


# What is killed


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_killed_engine_is_told_and_leaves_nothing(backend: str) -> None:
    lanes = ("--kernel-lanes", "1", "-K") if backend == "bpf" else ()
    going = Started("--backend", backend, *bad("sound"), "-t", "1", "-o", "0", "-d", "0", *lanes)
    os.kill(going.engine(), signal.SIGKILL)
    ran = going.wait()
    assert ran.status == 4
    assert "was killed from outside by SIGKILL, while the lanes ran; nothing stays attached" in told(ran)
    assert ran.report["totals"]["operations"] > 0
    assert ran.report["totals"]["ops_per_sec"] > 0
    next_run_works("--backend", backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_killed_front_takes_its_engine_along(backend: str) -> None:
    lanes = ("--kernel-lanes", "1", "-K") if backend == "bpf" else ()
    going = Started("--backend", backend, *bad("sound"), "-t", "1", "-o", "0", "-d", "0", *lanes)
    engine = going.engine()
    going.send(signal.SIGKILL)
    assert going.wait().status == -signal.SIGKILL
    assert gone(engine)
    next_run_works("--backend", backend)


@pytest.mark.parametrize("name", ["hang_init", "hang_search"])
def test_a_front_killed_beside_a_hanging_lane_takes_its_engine_along(name: str) -> None:
    going = Started(*NATIVE, *bad(name), "-t", "1", "-o", "0", "-d", "0")
    engine = going.engine("")
    going.send(signal.SIGKILL)
    going.wait()
    assert gone(engine)
