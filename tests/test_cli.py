# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line: what reaches a run, what goes to which stream, and what each end means as an exit status.

Runs are stood in for by a recorder here; real ones have tests of their own.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from workbench import cli, cli_arguments, profiles
from workbench.errors import BuildError, EngineError, MachineError, UsageError
from workbench.profiles import Mix, Profile
from workbench.reports.model import CheckResult, LaneReport, Report, total

CHECKOUT = Path(cli.__file__).parent.parent
LANES = [LaneReport(id=0, name="user 0", context="user", operations=5, inserts=5, ops_per_sec=50.0)]
REPORT = Report(
    backend="native",
    structure="list",
    seed=3,
    duration_s=0.1,
    lanes=LANES,
    totals=total(LANES),
    notes=["no kernel lanes: not root"],
)


class Recorder(cli.Services):
    """Answers `run` with a report, or by what `during` does; keeps what it was called with."""

    def __init__(self, report: Report = REPORT, during: Callable[[threading.Event], None] | None = None) -> None:
        self.report = report
        self.during = during
        self.profile = Profile()
        self.how: dict[str, Any] = {}
        self.runs = 0

    def execute(self, profile: Profile, **how: Any) -> Report:
        self.profile, self.how = profile, how
        self.runs += 1
        if self.during:
            self.during(how["cancel"])
        return self.report


def profile_of(*argv: str) -> Profile:
    services = Recorder()
    assert cli.main(["run", *argv], services) == 0
    return services.profile


def fails(error: Exception) -> Recorder:
    def during(_cancel: threading.Event) -> None:
        raise error

    return Recorder(during=during)


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "state" / "arena-workbench"


def program(*argv: str, code: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """The command line, or Python `code` that uses it, in a process of its own whose stdout is buffered."""
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    environment.pop("PYTHONUNBUFFERED", None)
    command = [sys.executable, *(["-c", code] if code else ["-m", "workbench", *argv])]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run(command, env=environment, text=True, check=False, **pipes)


# What reaches a run


def test_run_without_a_flag_is_the_default_profile() -> None:
    assert profile_of() == Profile()


def test_the_guides_flags_mean_what_they_mean_there() -> None:
    profile = profile_of("-t", "8", "-o", "5000", "-k", "100000", "-d", "3", "-w", "insert", "-v", "-s", "-K")
    assert profile.lanes.user == 8
    assert profile.workload.operations == 5000
    assert profile.workload.keys == 100_000
    assert profile.workload.duration_s == 3.0
    assert profile.workload.type == "insert"
    assert profile.checks.verify
    assert profile.checks.statistics
    assert profile.triggers.generate
    assert profile.triggers.enabled == ("execve", "exit_group", "openat", "write")


def test_long_forms_are_the_same_flags() -> None:
    short_form = profile_of("-t", "8", "-o", "5", "-k", "9", "-d", "3", "-w", "search", "-v", "-K")
    long_form = profile_of(
        *("--threads", "8", "--operations", "5", "--keys", "9", "--duration", "3"),
        *("--workload", "search", "--verify", "--kernel"),
    )
    assert short_form == long_form


def test_the_flags_beyond_the_guide_reach_their_fields() -> None:
    profile = profile_of(
        *("-S", "tree", "--backend", "native", "--seed", "7", "--kernel-lanes", "2", "--pin", "0,1"),
        *("--mix", "insert=5,pop=1", "--distribution", "zipf", "--prefill", "half", "--watchdog", "1.5"),
        *("--arena-pages", "128", "--trigger", "write", "--trigger", "openat", "--trigger-scope", "all"),
        *("--prefix", "ds_t"),
    )
    assert profile.structure == profiles.Structure(name="tree", prefix="ds_t")
    assert (profile.arena.backend, profile.arena.pages) == ("native", 128)
    assert (profile.workload.seed, profile.workload.prefill) == (7, "half")
    assert (profile.workload.type, profile.workload.mix) == ("custom", Mix(insert=5, pop=1))
    assert profile.workload.distribution == "zipf"
    assert (profile.lanes.kernel, profile.lanes.pin, profile.lanes.watchdog_s) == (2, (0, 1), 1.5)
    assert (profile.triggers.enabled, profile.triggers.scope) == (("openat", "write"), "all")


def test_flags_override_the_profile_and_leave_its_other_fields() -> None:
    profile = profile_of("demo", "-d", "1", "--no-verify", "--no-statistics")
    demo = profiles.load(profiles.find("demo"))
    assert profile.workload == msgspec.structs.replace(demo.workload, duration_s=1.0)
    assert profile.checks == profiles.Checks(verify=False, statistics=False)
    assert profile.lanes == demo.lanes
    assert profile.triggers == demo.triggers


def test_named_triggers_replace_the_profiles_and_none_turns_all_off() -> None:
    assert profile_of("demo", "--trigger", "write").triggers.enabled == ("write",)
    assert profile_of("demo", "-K").triggers.enabled == ("execve", "openat")
    off = profile_of("demo", "--trigger", "none").triggers
    assert off.enabled == ()
    assert not off.generate
    assert cli.main(["run", "--trigger", "none", "-K"], Recorder()) == 2


def test_a_structure_with_a_slash_or_dot_h_is_a_path_from_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert profile_of("-S", "ds_foo.h").structure.reference == str(tmp_path / "ds_foo.h")
    assert profile_of("-S", "a/ds_foo.h").structure.reference == str(tmp_path / "a" / "ds_foo.h")
    assert profile_of("-S", "foo").structure.reference == "foo"


def test_include_folders_are_handed_on_in_order() -> None:
    services = Recorder()
    cli.main(["run", "--include", "a", "--include", "b"], services)
    assert services.how["include"] == [Path("a"), Path("b")]


def test_the_help_names_the_defaults_that_a_profile_has() -> None:
    text = " ".join(cli_arguments.parser()._subparsers._group_actions[0].choices["run"].format_help().split())  # type: ignore[index, union-attr]
    profile = Profile()
    for flag, value in (
        ("--threads N", profile.lanes.user),
        ("--operations N", profile.workload.operations),
        ("--keys N", profile.workload.keys),
        ("--duration S", f"{profile.workload.duration_s:g}"),
        ("--workload TYPE", profile.workload.type),
        ("--distribution {uniform,zipf}", profile.workload.distribution),
        ("--prefill N|half", profile.workload.prefill),
        ("--structure NAME|PATH", profile.structure.name),
        ("--backend {auto,bpf,native}", profile.arena.backend),
        ("--arena-pages N", profile.arena.pages),
        ("--kernel-lanes N", profile.lanes.kernel),
        ("--trigger-scope {tree,all}", profile.triggers.scope),
        ("--watchdog S", f"{profile.lanes.watchdog_s:g}"),
        ("--verify, --no-verify", "no"),
        ("--statistics, --no-statistics", "yes"),
    ):
        told = text.rsplit(flag, 1)[1].split("(default: ", 1)[1]
        assert told.startswith(f"{value})"), flag


# Exit statuses


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["run", "-k", "0"], "-k/--keys: 0 is below 1"),
        (["run", "-t", "-1"], "-t/--threads: -1 is below 0"),
        (["run", "-d", "nan"], "-d/--duration: nan is not a number"),
        (["run", "-t", "many"], "argument -t/--threads: invalid int value: 'many'"),
        (["run", "-w", "mixd"], "invalid choice: 'mixd'"),
        (["run", "-w", "insert", "--mix", "insert=1"], "not allowed with argument"),
        (["run", "--mix", "inserts=1"], "'inserts' is not one of insert, search, delete, pop"),
        (["run", "--mix", "insert=x"], "'insert=x' is not of the form insert=N"),
        (["run", "--mix", "insert=1,insert=2"], "insert stands twice"),
        (["run", "--mix", "insert=-1"], "--mix: -1 is below 0"),
        (["run", "--mix", "insert=0"], "--mix: no operation has a weight above 0"),
        (["run", "--pin", "a"], "'a' is not a list of CPU numbers"),
        (["run", "--prefill", "some"], "'some' is neither a number nor half"),
        (["run", "--arena-pages", "1"], "--arena-pages: 1 is below 64"),
        (["run", "--watchdog", "0"], "--watchdog: 0 is not above 0"),
        (["run", "--thread", "1"], "unrecognized arguments: --thread"),
        (["run", "nosuch"], "no profile named 'nosuch'"),
        (["run", "./nosuch.toml"], "cannot read the profile nosuch.toml: No such file"),
        (["run", "--json", "-", "--csv", "-"], "both want stdout"),
        (["run", "--json", "/nosuch/folder/x"], "cannot write /nosuch/folder/x: there is no folder /nosuch/folder"),
        (["run", "--csv", "/tmp"], "cannot write /tmp: it is a folder"),
        (["nosuch"], "invalid choice: 'nosuch'"),
        (["example", "arena_list", "0"], "0 is below 1"),
        (["new", "No-Good"], "'No-Good' cannot name a structure"),
    ],
)
def test_bad_usage_is_status_two_with_a_reason_before_anything_runs(
    argv: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    services = Recorder()
    assert cli.main(argv, services) == 2
    out, err = capsys.readouterr()
    assert told in err
    assert out == ""
    assert services.runs == 0


def test_no_command_is_status_two_with_help_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "usage: arena-workbench" in err
    assert "sudo arena-workbench run demo" in err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("no structure named 'x'"), 2),
        (BuildError("ds_x.h:3: error: expected ';'"), 2),
        (MachineError("no root: run with sudo"), 3),
        (EngineError("lane user 1 died of SIGSEGV in insert of key 5"), 4),
    ],
)
def test_errors_for_persons_are_a_message_and_their_status(
    error: Exception, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run"], fails(error)) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"arena-workbench: error: {error}\n"


@pytest.mark.parametrize("status", [0, 1, 4])
def test_the_reports_status_is_the_exit_status(status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run"], Recorder(msgspec.structs.replace(REPORT, exit_status=status))) == status
    assert "TEST STATISTICS" in capsys.readouterr().out


def test_a_mistake_of_our_own_is_one_line_and_a_file_never_a_traceback(
    capsys: pytest.CaptureFixture[str], state_folder: Path
) -> None:
    assert cli.main(["run", "-t", "3"], fails(ZeroDivisionError("of all things"))) == 70
    err = capsys.readouterr().err
    assert "a mistake in the workbench itself: ZeroDivisionError: of all things" in err
    assert "Traceback" not in err
    (note,) = state_folder.iterdir()
    assert str(note) in err
    text = note.read_text()
    assert "Traceback" in text
    assert "arguments: run -t 3" in text


def test_a_mistake_is_told_even_where_no_state_folder_can_be_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert cli.main(["run"], fails(RuntimeError("oh"))) == 70
    note = Path(capsys.readouterr().err.split(" are in ")[1].strip())
    assert "Traceback" in note.read_text()
    note.unlink()


# Ctrl-C


def press(number: int, times: int = 1) -> Callable[[threading.Event], None]:
    def during(cancel: threading.Event) -> None:
        for _ in range(times):
            signal.raise_signal(number)
        assert cancel.is_set()

    return during


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_signal_stops_the_run_and_prints_the_report_so_far(
    number: int, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    services = Recorder(during=press(number))
    assert cli.main(["run", "--json", "-"], services) == status
    out, err = capsys.readouterr()
    assert "stopping the lanes" in err
    data = json.loads(out)
    assert data["exit_status"] == status
    assert data["totals"]["operations"] == 5


def test_a_failed_check_outranks_the_interruption(capsys: pytest.CaptureFixture[str]) -> None:
    failed = msgspec.structs.replace(REPORT, exit_status=1)
    assert cli.main(["run"], Recorder(failed, press(signal.SIGINT))) == 1
    assert "TEST STATISTICS" in capsys.readouterr().out


def test_a_second_ctrl_c_leaves_at_once_without_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run"], Recorder(during=press(signal.SIGINT, times=2))) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("arena-workbench: aborted\n")


def test_the_signal_handlers_are_put_back_after_a_run() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    cli.main(["run"], Recorder(during=press(signal.SIGINT)))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


# What goes where


def test_json_to_stdout_stands_alone_there_and_notes_are_talk(capsys: pytest.CaptureFixture[str]) -> None:
    failed = CheckResult("failed", "3 lost")
    assert cli.main(["run", "--json", "-"], Recorder(msgspec.structs.replace(REPORT, checks={"elements": failed}))) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["seed"] == 3
    assert "note: no kernel lanes: not root" in err
    assert "check failed: elements: 3 lost" in err


def test_csv_to_stdout_stands_alone_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--csv", "-"], Recorder()) == 0
    assert [row["lane"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))] == ["user 0", "TOTAL"]


def test_files_are_written_beside_the_text(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data, table = tmp_path / "r.json", tmp_path / "r.csv"
    assert cli.main(["run", "--json", str(data), "--csv", str(table)], Recorder()) == 0
    assert "TEST STATISTICS" in capsys.readouterr().out
    assert json.loads(data.read_text())["structure"] == "list"
    assert table.read_text().startswith("structure,backend,seed,lane,")


def test_no_statistics_leaves_the_tables_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--no-statistics"], Recorder()) == 0
    assert "TEST STATISTICS" not in capsys.readouterr().out


def test_verbose_says_on_stderr_what_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["run", "-V", "-k", "77"], Recorder())
    out, err = capsys.readouterr()
    assert "[workload]\nkeys = 77" in err
    assert "keys = 77" not in out


def test_a_run_without_any_limit_says_how_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["run", "-o", "0", "-d", "0"], Recorder())
    assert "runs until Ctrl-C" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["run", "--help"], ["new", "x"]])
def test_a_reader_that_leaves_is_no_traceback(argv: list[str], tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out:
        ended = program(*argv, cwd=tmp_path, stdout=out)
    assert ended.returncode == 141
    assert ended.stderr.count("\n") <= 1
    assert "Error" not in ended.stderr


def test_a_full_disk_behind_stdout_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = program("new", "x", "--dir", str(tmp_path), stdout=full)
    assert ended.returncode == 3
    assert ended.stderr == "arena-workbench: error: cannot write to stdout: No space left on device\n"


# Start


def test_help_imports_nothing_heavy() -> None:
    code = """
import sys
from workbench.cli import main
status = main(["run", "--help"])
heavy = {"textual", "cffi", "msgspec", "tomli", "tomlkit", "tree_sitter", "dataclasses", "inspect"} & set(sys.modules)
print(status, sorted(heavy), file=sys.stderr)
"""
    assert program(code=code).stderr == "0 []\n"


def test_version_and_module_start() -> None:
    ended = program("--version")
    assert ended.returncode == 0
    assert re.fullmatch(r"arena-workbench \d+\.\d+\.\d+\n", ended.stdout)


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("run", "list", "build", "describe", "new", "example", "doctor"):
        assert cli.main([command, "--help"]) == 0
        assert f"usage: arena-workbench {command}" in capsys.readouterr().out


def test_run_dash_h_is_help_as_in_the_guide(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "-h"]) == 0
    assert "exit status:" in capsys.readouterr().out


# The other commands


def test_doctor_and_example_print_what_they_are_given(capsys: pytest.CaptureFixture[str]) -> None:
    class Other(cli.Services):
        def machine_report(self) -> list[object]:
            return ["kernel 6.18", "clang missing"]

        def arena_list(self, count: int) -> int:
            sys.stdout.write(f"{count} elements\n")
            return 1

    assert cli.main(["doctor"], Other()) == 0
    assert cli.main(["example", "arena_list", "7"], Other()) == 1
    assert cli.main(["example", "arena_list"], Other()) == 1
    assert capsys.readouterr().out == "kernel 6.18\nclang missing\n7 elements\n100 elements\n"


def test_new_writes_a_stub_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new", "my_stack", "--dir", str(tmp_path)]) == 0
    path = tmp_path / "ds_my_stack.h"
    out, err = capsys.readouterr()
    assert out == f"{path}\n"
    assert f"--structure {path}" in err
    text = path.read_text()
    assert "DS_API_INSERT: " in text
    assert '.name = "my_stack"' in text
    assert "ds_stub" not in text
    operations = ("init", "insert", "delete", "search", "verify", "get_stats", "reset_stats", "get_metadata", "iterate")
    assert [name for name in operations if f"ds_my_stack_{name}(" not in text] == []


def test_new_never_touches_a_file_that_exists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ds_mine.h").write_text("precious")
    assert cli.main(["new", "ds_mine.h", "--dir", str(tmp_path)]) == 2
    assert (tmp_path / "ds_mine.h").read_text() == "precious"
    assert "exists already" in capsys.readouterr().err
    assert cli.main(["new", "mine", "--dir", str(tmp_path / "none")]) == 2
    assert "No such file or directory" in capsys.readouterr().err


# Documentation


def test_the_docs_name_every_flag_and_every_field() -> None:
    flags = (CHECKOUT / "docs" / "cli.md").read_text()
    parser = cli_arguments.parser()
    run = parser._subparsers._group_actions[0].choices["run"]  # type: ignore[index, union-attr]
    for action in run._actions:
        for flag in action.option_strings:
            assert re.search(rf"`{flag}[ `]", flags), flag
    fields = (CHECKOUT / "docs" / "profiles.md").read_text()
    for table, values in profiles.to_dict(Profile()).items():
        assert f"`[{table}]`" in fields
        for field in values:
            assert f"`{field}`" in fields, field
