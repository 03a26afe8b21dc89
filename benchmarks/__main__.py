# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Run every benchmark, or those named: each module here that has a `main`, in a process of its own.

An arena has one address, so two of them do not fit in one process.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def names() -> list[str]:
    """The benchmarks, by the alphabet: modules that define `main`."""
    return sorted(
        path.stem
        for path in HERE.glob("[!_]*.py")
        if any(
            isinstance(node, ast.FunctionDef) and node.name == "main"
            for node in ast.parse(path.read_text(encoding="utf-8")).body
        )
    )


def run(chosen: list[str], options: list[str]) -> int:
    """0, or the status of the first benchmark that could not be run."""
    status = 0
    for name in chosen:
        print(f"=== {name} " + "=" * (96 - len(name)), flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *options]
        status = status or subprocess.run(command, check=False, cwd=HERE.parent).returncode
        print(flush=True)
    return status


if __name__ == "__main__":
    given = sys.argv[1:]
    wanted = [word for word in given if word in names()]
    sys.exit(run(wanted or names(), [word for word in given if word not in wanted]))
