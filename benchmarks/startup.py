# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Starting: `arena-workbench --help`, and from the command to the first operation with everything in the cache.

As ratios, too, to what starting Python alone takes. A structure (ds_first.h, which is ds_list) tells of the operation.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import common
from benchmarks.lanes import HERE, unable

HELP_S, FIRST_S = 0.1, 0.5
RUN = ("run", "--structure", str(HERE / "ds_first.h"), "-w", "insert", "-t", "1", "-o", "1", "-k", "10")


def main() -> None:
    """One table."""
    options = common.arguments(__doc__)
    variants: dict[str, Callable[[], float]] = {
        "python -c pass": lambda: ended([sys.executable, "-c", "pass"]),
        "arena-workbench --help": lambda: ended(workbench("--help")),
        "first operation, native": lambda: first_operation("native"),
        "whole run of it, native": lambda: ended(workbench(*RUN, "--backend", "native")),
    }
    if why := unable():
        print(f"bpf left out: {why}")
    else:
        variants["first operation, bpf"] = lambda: first_operation("bpf")
        variants["whole run of it, bpf"] = lambda: ended(workbench(*RUN, "--backend", "bpf"))
    targets = {"arena-workbench --help": HELP_S, "first operation, native": FIRST_S, "first operation, bpf": FIRST_S}
    measured = common.interleave(variants, options.repeats)
    plain = measured["python -c pass"]
    print(f"{'':26} {'seconds':>22} {'x python -c pass':>24}")
    for name, spread in measured.items():
        verdict = common.verdict(spread.median, at_most=targets[name]) if name in targets else ""
        ratio = common.ratio(spread, plain).text(".1f")
        print(f"{name:26} {spread.text():>22} {ratio:>24}  {verdict}".rstrip())
    print(f"\nnot imported by --help: {unwanted() or 'neither textual nor cffi is'}")


def workbench(*arguments: str) -> list[str]:
    """The command as its console script runs it."""
    return [sys.executable, "-c", "import sys; from workbench.cli import main; sys.exit(main())", *arguments]


def ended(command: list[str]) -> float:
    """Seconds until a command has ended."""
    started = time.perf_counter()
    run(command)
    return time.perf_counter() - started


def first_operation(backend: str) -> float:
    """Seconds from the start of the command to its first operation."""
    with tempfile.NamedTemporaryFile() as file:
        started = time.monotonic_ns()
        run(workbench(*RUN, "--backend", backend), ARENA_FIRST=file.name)
        return (int(Path(file.name).read_text(encoding="ascii")) - started) / 1e9


def run(command: list[str], **variables: str) -> None:
    """Run a command of which only its time matters. Raises when it fails."""
    environment = {"ARENA_FIRST": os.devnull, **os.environ, **variables}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)


def unwanted() -> str:
    """What `--help` imports although it should not."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *workbench("--help")[1:]], capture_output=True, text=True, check=True
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    return ", ".join(sorted(imported & {"textual", "cffi", "_cffi_backend", "rich", "plotext"}))


if __name__ == "__main__":
    main()
