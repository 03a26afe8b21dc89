# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line: one function a command, and what every end of one means as an exit status.

Data goes to stdout, talk to stderr. Nothing heavy is imported before a command needs it (`Services`),
so that --help answers at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from workbench import cli_arguments
from workbench.errors import EngineError, MachineError, UsageError, WorkbenchError

if TYPE_CHECKING:
    import argparse

    from workbench.builds import Build
    from workbench.profiles import Profile
    from workbench.reports.model import Report
    from workbench.structures import Structure, Surveyed

EXIT_USAGE = 2
EXIT_INTERNAL = 70  # EX_SOFTWARE of sysexits.h
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141


class Services:
    """What the commands call, each imported when called; tests hand in their own."""

    def execute(self, profile: Profile, **how: Any) -> Report:
        """Run a profile (workbench.runs.execute)."""
        from workbench import runs

        return runs.execute(profile, **how)

    def survey(self, include: list[Path]) -> list[Surveyed]:
        """All headers found."""
        from workbench import structures

        return structures.survey(include)

    def find(self, name_or_path: str, include: list[Path], prefix: str) -> Structure:
        """One structure."""
        from workbench import structures

        return structures.find(name_or_path, include, prefix)

    def build(self, structure: Structure, flavour: str, *, bpf: bool, verbose: bool) -> Build:
        """Compile one structure."""
        from workbench import builds

        return builds.build(structure, flavour, bpf=bpf, verbose=verbose)

    def arena_list(self, count: int) -> int:
        """The guide's example, printing to stdout."""
        from workbench import examples

        return examples.arena_list(count, sys.stdout)

    def screen(self, profile: Profile, saved: Profile, path: Path | None, include: list[Path]) -> int:
        """The screen, until the person leaves it."""
        from workbench.tui import start

        return start.main(profile, saved, path, include)

    def machine_report(self) -> Sequence[object]:
        """The machine's facts, a line each."""
        from workbench import machine

        return machine.report()


def main(argv: Sequence[str] | None = None, services: Services | None = None) -> int:
    """Run one command line and return the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _command(argv, services or Services())
        sys.stdout.flush()
        return status
    except WorkbenchError as error:
        _say(f"arena-workbench: error: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        _say("arena-workbench: aborted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _drop_stdout()
        return EXIT_PIPE
    except Exception as error:
        return _crashed(error, argv)


def _command(argv: Sequence[str], services: Services) -> int:
    parser = cli_arguments.parser()
    try:
        args = parser.parse_args(argv)
    except SystemExit as end:  # argparse, which has said all there is to say
        return end.code if isinstance(end.code, int) else EXIT_USAGE
    if args.command is None:
        if not _in_a_terminal():
            parser.print_help(sys.stderr)
            return EXIT_USAGE
        args = parser.parse_args(["screen"])
    return _COMMANDS[args.command](args, services)


def run(args: argparse.Namespace, services: Services) -> int:
    """`run`: profile and flags to a run, its report to where it was wanted."""
    from workbench import profile_saving, profiles

    if args.json == "-" and args.csv == "-":
        raise UsageError("--json - and --csv - both want stdout; give one of them a file")
    profile = profiles.load(profiles.find(args.profile)) if args.profile else profiles.Profile()
    flags = dict(cli_arguments.FIELDS.values())
    profile = profiles.override(profile, cli_arguments.changes(args), flags)
    for target in (args.json, args.csv):
        _require_writable(target)
    if args.verbose:
        _say(profile_saving.as_toml(profile).rstrip())
    if not profile.workload.operations and not profile.workload.duration_s:
        _say("no limit on operations or time: runs until Ctrl-C")
    report, stopped_by = _execute(profile, args.include, services)
    status = _status(report, stopped_by)
    if status == EngineError.exit_status and report.notes:
        _say(f"arena-workbench: error: {report.notes[0]}")
    _hand_over(report, status, args, statistics=profile.checks.statistics)
    return status


def screen(args: argparse.Namespace, services: Services) -> int:
    """`screen`: the workbench in the whole terminal."""
    from workbench import profiles

    if not _in_a_terminal():
        raise UsageError(
            "the screen needs a terminal on stdin and stdout; `arena-workbench run` prints a report without one"
        )
    path = profiles.find(args.profile) if args.profile else None
    saved = profiles.load(path) if path else profiles.Profile()
    profile = profiles.override(saved, cli_arguments.changes(args), dict(cli_arguments.FIELDS.values()))
    return services.screen(profile, saved, path, args.include)


def _in_a_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def _execute(profile: Profile, include: list[Path], services: Services) -> tuple[Report, int]:
    """Run with a progress line; the signal that stopped it comes back with the report, 0 if none did."""
    from workbench.progress import ProgressLine

    line = ProgressLine(sys.stderr)
    with _stoppable(line.clear) as stop:
        try:
            report = services.execute(profile, include=include, progress=line.update, cancel=stop.asked)
        finally:
            line.clear()
        return report, stop.signal


def _status(report: Report, stopped_by: int) -> int:
    """The report's own status; a run that was stopped and has nothing to complain of says that it was stopped."""
    return report.exit_status or (128 + stopped_by if stopped_by else 0)


def _hand_over(report: Report, status: int, args: argparse.Namespace, *, statistics: bool) -> None:
    """Print and write the report in the forms asked for; what is for a person yields stdout to a form that wants it."""
    import msgspec

    from workbench.reports import as_csv, as_json, as_text

    report = msgspec.structs.replace(report, exit_status=status)
    for target, text in ((args.json, as_json.render), (args.csv, as_csv.render)):
        if target not in (None, "-"):
            try:
                Path(target).write_text(text(report), encoding="utf-8")
            except OSError as error:
                raise MachineError(f"cannot write {target}: {error.strerror}") from error
    if args.json == "-":
        _put(as_json.render(report))
    elif args.csv == "-":
        _put(as_csv.render(report))
    else:
        _put(as_text.render(report, statistics=statistics))
        return
    for note in report.notes[status == EngineError.exit_status :]:  # a crash has been told
        _say(f"note: {note}")
    for name, check in report.checks.items():
        if check.result == "failed":
            _say(f"check failed: {name}: {check.reason}")


def list_structures(args: argparse.Namespace, services: Services) -> int:
    """`list`: the structures that a run can name. A header that is none is told, and is no failure."""
    from workbench import catalogue

    found = services.survey(args.include)
    _put(catalogue.list_json(found) if args.json else catalogue.list_text(found))
    for item in found:
        if item.error:
            _say(f"left out: {item.error}")
    return 0


def build(args: argparse.Namespace, services: Services) -> int:
    """`build`: compile for both sides. A BPF side that this machine cannot compile is told, and is no failure."""
    structure = services.find(args.structure, args.include, args.prefix)
    made = services.build(structure, args.flavour, bpf=True, verbose=args.verbose)
    how = "unchanged, from the cache" if made.cached else f"compiled in {made.seconds:.1f} s"
    _say(f"{structure.name} ({args.flavour}): {how}")
    _put(f"native  {made.native}\n")
    if made.bpf is not None:
        _put(f"bpf     {made.bpf}\n")
    else:
        _say(f"no BPF side: {made.bpf_reason}")
    return 0


def describe(args: argparse.Namespace, services: Services) -> int:
    """`describe`: what a header defines."""
    from workbench import catalogue

    structure = services.find(args.structure, args.include, args.prefix)
    _put(catalogue.describe_json(structure) if args.json else catalogue.describe_text(structure))
    return 0


def new(args: argparse.Namespace, _services: Services) -> int:
    """`new`: a stub header."""
    from workbench import scaffold

    path = scaffold.write(args.name, args.dir)
    _put(f"{path}\n")
    shown = path if "/" in str(path) else f"./{path}"
    _say(f"Fill in what is marked DS_API_INSERT, then: arena-workbench run --structure {shown} -v")
    return 0


def example(args: argparse.Namespace, services: Services) -> int:
    """`example`: the guide's arena_list."""
    return services.arena_list(args.count)


def doctor(_args: argparse.Namespace, services: Services) -> int:
    """`doctor`: what the machine can and cannot do."""
    for fact in services.machine_report():
        _put(f"{fact}\n")
    return 0


_COMMANDS: dict[str, Callable[[argparse.Namespace, Services], int]] = {
    "screen": screen,
    "run": run,
    "list": list_structures,
    "build": build,
    "describe": describe,
    "new": new,
    "example": example,
    "doctor": doctor,
}


class _Stop:
    """Whether the run was asked to stop, and by which signal."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.signal = 0


@contextlib.contextmanager
def _stoppable(before_talk: Callable[[], None]) -> Iterator[_Stop]:
    """The first Ctrl-C or SIGTERM asks the run to stop, a second one leaves at once (KeyboardInterrupt)."""
    stop = _Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if stop.asked.is_set():
            raise KeyboardInterrupt
        stop.signal = number
        stop.asked.set()
        before_talk()
        _say("stopping the lanes; the report so far follows (once more to abort)")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _require_writable(target: str | None) -> None:
    """Find out before the run, not after it, that a report cannot be written there."""
    if target in (None, "-"):
        return
    path = Path(str(target))
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder")
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"cannot write {path}: no permission")


def _put(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop_stdout()
        raise MachineError(f"cannot write to stdout: {error.strerror}") from error


def _say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody to talk to is no reason to fail
        print(text, file=sys.stderr, flush=True)


def _drop_stdout() -> None:
    """What is still buffered goes nowhere, or the interpreter would complain of it at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _crashed(error: Exception, argv: Sequence[str]) -> int:
    """Say in one line that this is our mistake, and where the traceback is. Never a traceback on the screen."""
    from workbench import crash_notes

    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    where = crash_notes.write(error, argv)
    _say(f"arena-workbench: a mistake in the workbench itself: {what}\n  the details, for a bug report, are in {where}")
    return EXIT_INTERNAL
