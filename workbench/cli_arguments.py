# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line's words: commands, flags, and which field of the profile each flag overrides.

Imported for `--help`, so nothing here may import more than argparse: the defaults that the help names are
those of Profile(), which a test holds them to.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench import __version__
from workbench.errors import UsageError

TRIGGERS = ("execve", "exit_group", "openat", "write")

# Flag of `run` (as argparse stores it) -> the field that it sets and its name in messages.
FIELDS = {
    "threads": ("lanes.user", "-t/--threads"),
    "operations": ("workload.operations", "-o/--operations"),
    "keys": ("workload.keys", "-k/--keys"),
    "duration": ("workload.duration_s", "-d/--duration"),
    "workload": ("workload.type", "-w/--workload"),
    "verify": ("checks.verify", "-v/--verify"),
    "statistics": ("checks.statistics", "-s/--statistics"),
    "kernel": ("triggers.generate", "-K/--kernel"),
    "prefix": ("structure.prefix", "--prefix"),
    "backend": ("arena.backend", "--backend"),
    "arena_pages": ("arena.pages", "--arena-pages"),
    "seed": ("workload.seed", "--seed"),
    "kernel_lanes": ("lanes.kernel", "--kernel-lanes"),
    "mix": ("workload.mix", "--mix"),
    "distribution": ("workload.distribution", "--distribution"),
    "prefill": ("workload.prefill", "--prefill"),
    "pin": ("lanes.pin", "--pin"),
    "watchdog": ("lanes.watchdog_s", "--watchdog"),
    "force": ("lanes.force", "--force"),
    "trigger_scope": ("triggers.scope", "--trigger-scope"),
}

_PREFIX = "what its functions' names begin with, where that cannot be guessed"
_HINT = "To see it work: sudo arena-workbench run demo"


def changes(args: argparse.Namespace) -> dict[str, object]:
    """The profile fields that the flags of `run` set, by dotted path; a flag not given sets nothing."""
    found: dict[str, object] = {
        path: value for name, (path, _) in FIELDS.items() if (value := getattr(args, name)) is not None
    }
    if args.structure is not None:
        is_path = "/" in args.structure or args.structure.endswith(".h")
        found["structure.path" if is_path else "structure.name"] = (
            str(Path(args.structure).expanduser().absolute()) if is_path else args.structure
        )
    if args.trigger is not None:  # exactly the named ones, whatever the profile enables
        found |= {f"triggers.{name}": name in args.trigger for name in TRIGGERS}
        if "none" in args.trigger:
            if args.kernel or len(args.trigger) > 1:
                raise UsageError("--trigger none goes with no other trigger, nor with -K")
            found["triggers.generate"] = False
    return found


def parser() -> argparse.ArgumentParser:
    """The whole command line; `command` is None when none was given."""
    top = argparse.ArgumentParser(
        prog="arena-workbench",
        description="Drive, watch and check concurrent data structures in a BPF arena, from user space and the kernel.",
        epilog=_HINT,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"arena-workbench {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    def command(name: str, summary: str, epilog: str = "") -> argparse.ArgumentParser:
        description = f"{summary[0].upper()}{summary[1:]}."
        return commands.add_parser(name, help=summary, description=description, epilog=epilog, allow_abbrev=False)

    _profile(command("screen", "open the screen: choose, run, watch, look into the arena", epilog=_SCREEN))
    _run(command("run", "run a workload on a structure and print the report", epilog=_EXIT_STATUS))

    listing = command("list", "list the structures that are found")
    _include(listing)
    listing.add_argument("--json", action="store_true", help="as JSON")

    building = command("build", "compile a structure for both sides, or say why it does not")
    _structure(building)
    building.add_argument(
        "--flavour", choices=("fast", "record", "explore"), default="fast", help="which build (default: fast)"
    )
    building.add_argument("-V", "--verbose", action="store_true", help="print the compilers' command lines")

    describing = command("describe", "say what a structure's header defines")
    _structure(describing)
    describing.add_argument("--json", action="store_true", help="as JSON, in the form of the guide's definition")

    new = command("new", "write a header to start a structure of your own from")
    new.add_argument("name", metavar="NAME", help="lower case letters, digits and _: the file is ds_NAME.h")
    new.add_argument("--dir", type=Path, default=Path(), metavar="DIR", help="where to (default: here)")

    example = command("example", "run one of the guide's examples")
    example.add_argument("example", choices=("arena_list",), help="arena_list: the kernel adds, user space sums")
    example.add_argument("count", nargs="?", type=_positive, default=100, metavar="N", help="elements (default: 100)")

    command("doctor", "say what this machine can do, and how to mend what it cannot")
    return top


_SCREEN = (
    "The flags override the profile's fields, as for `run`. In a terminal, `arena-workbench` alone is the same as "
    "`arena-workbench screen`."
)
_EXIT_STATUS = (
    "exit status: 0 fine; 1 a check failed; 2 bad usage or profile; 3 the machine cannot; 4 the engine crashed "
    "or hung; 70 a mistake in the workbench itself; 130 stopped by Ctrl-C, 143 by SIGTERM (the report so far is "
    "printed); 141 nobody reads the output"
)


def _run(run: argparse.ArgumentParser) -> None:
    _profile(run)
    output = run.add_argument_group("output")
    output.add_argument("--json", metavar="FILE", help="write the report as JSON; - is stdout, in place of the text")
    output.add_argument("--csv", metavar="FILE", help="write the lanes as CSV; - is stdout, in place of the text")
    output.add_argument("-V", "--verbose", action="store_true", help="say on stderr what is run")


def _profile(run: argparse.ArgumentParser) -> None:
    """A profile and the flags that override its fields."""
    run.add_argument(
        "profile", nargs="?", metavar="PROFILE", help="a profile's name (demo, smoke, ...) or path; flags override it"
    )
    guide = run.add_argument_group("workload")
    guide.add_argument("-t", "--threads", type=int, metavar="N", help="user lanes (default: 4)")
    guide.add_argument(
        "-o", "--operations", type=int, metavar="N", help="operations per lane, 0 for no limit (default: 1000)"
    )
    guide.add_argument("-k", "--keys", type=int, metavar="N", help="key range (default: 10000)")
    guide.add_argument(
        "-d", "--duration", type=float, metavar="S", help="seconds at most, 0 for no limit (default: 10)"
    )
    weights = guide.add_mutually_exclusive_group()
    weights.add_argument(
        "-w",
        "--workload",
        choices=("insert", "search", "delete", "mixed"),
        metavar="TYPE",
        help="insert, search, delete or mixed, which is 50/30/20 (default: mixed)",
    )
    weights.add_argument("--mix", type=_mix, metavar="OP=N,...", help="weights, as in insert=50,search=30,delete=20")
    guide.add_argument("--distribution", choices=("uniform", "zipf"), help="of the keys (default: uniform)")
    guide.add_argument("--prefill", type=_prefill, metavar="N|half", help="elements before the clock (default: 0)")
    guide.add_argument("--seed", type=int, metavar="N", help="of keys and choices; 0 picks one (default: 0)")

    what = run.add_argument_group("structure and arena")
    what.add_argument("-S", "--structure", metavar="NAME|PATH", help="name, or path of a header (default: list)")
    what.add_argument("--prefix", metavar="TEXT", help=_PREFIX)
    _include(what)
    what.add_argument(
        "--backend",
        choices=("auto", "bpf", "native"),
        help="bpf: the real arena; native: no kernel side (default: auto)",
    )
    what.add_argument("--arena-pages", type=int, metavar="N", help="size in pages of 4 KiB (default: 65536)")

    kernel = run.add_argument_group("kernel side and lanes")
    kernel.add_argument(
        "-K",
        "--kernel",
        action=argparse.BooleanOptionalAction,
        help="make system calls that trigger kernel operations, of all four triggers unless some are named",
    )
    kernel.add_argument("--kernel-lanes", type=int, metavar="N", help="kernel lanes run in batches (default: 0)")
    kernel.add_argument(
        "--trigger",
        action="append",
        choices=(*TRIGGERS, "none"),
        help="a system call that runs kernel operations, repeatable; replaces the profile's (default: none)",
    )
    kernel.add_argument(
        "--trigger-scope", choices=("tree", "all"), help="whose calls: the workbench's own or all (default: tree)"
    )
    kernel.add_argument("--pin", type=_cpus, metavar="CPU,...", help="lane i runs on the i-th of these CPUs, in turn")
    kernel.add_argument(
        "--watchdog", type=float, metavar="S", help="a lane without progress for so long is dead (default: 10)"
    )
    kernel.add_argument(
        "--force",
        action=argparse.BooleanOptionalAction,
        help="run with more producers or consumers than the structure is for (default: no)",
    )

    checks = run.add_argument_group("checks")
    checks.add_argument(
        "-v", "--verify", action=argparse.BooleanOptionalAction, help="verify from both sides (default: no)"
    )
    checks.add_argument(
        "-s", "--statistics", action=argparse.BooleanOptionalAction, help="print statistics (default: yes)"
    )


def _structure(to: argparse.ArgumentParser) -> None:
    to.add_argument("structure", metavar="NAME|PATH", help="a structure's name, or the path of its header")
    _include(to)
    to.add_argument("--prefix", default="", metavar="TEXT", help=_PREFIX)


def _include(to: argparse._ActionsContainer) -> None:
    to.add_argument(
        "--include",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="look for ds_*.h here too, repeatable",
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1")
    return number


def _mix(text: str) -> dict[str, int]:
    weights: dict[str, int] = {}
    for part in text.split(","):
        name, _, weight = part.partition("=")
        if name not in ("insert", "search", "delete", "pop"):
            raise argparse.ArgumentTypeError(f"{name!r} is not one of insert, search, delete, pop")
        if name in weights:
            raise argparse.ArgumentTypeError(f"{name} stands twice")
        try:
            weights[name] = int(weight)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{part!r} is not of the form {name}=N") from None
    return weights


def _prefill(text: str) -> int | str:
    try:
        return text if text == "half" else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor half") from None


def _cpus(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of CPU numbers such as 0,1") from None
