# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Compiling and running the C programs of tests/c, each against one structure."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
WARNINGS = ("-Wall", "-Wextra", "-Wno-unused-parameter")
# ThreadSanitizer keeps its own books where the arena lies otherwise, does not take volatile for atomic, and knows no
# fences: those are the library's, and what hangs on them is not judged here.
THREAD_SANITIZER = (
    "-fsanitize=thread",
    "-DARENA_BASE=0x7e8100000000ULL",
    "-DREAD_ONCE(x)=__atomic_load_n(&(x),__ATOMIC_RELAXED)",
    "-DWRITE_ONCE(x,v)=__atomic_store_n(&(x),(v),__ATOMIC_RELAXED)",
)
UNDEFINED_SANITIZER = ("-fsanitize=undefined", "-fno-sanitize-recover=undefined")


class Programs:
    """Programs of tests/c, each compiled once for a structure and flags."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, ...], Path] = {}

    def compile(self, source: str, structure: str, *flags: str) -> Path:
        """tests/c/<source>.c, compiled; skips the test where the compiler lacks a sanitizer."""
        key = (source, structure, *flags)
        if key in self._made:
            return self._made[key]
        out = self._folder / f"{source}-{structure}-{len(self._made)}"
        include = [f"-I{TOP / name}" for name in ("bpf/include", "bpf/structures", "csrc")]
        cc = os.environ.get("CC", "cc").split()
        command = [*cc, "-O2", "-g", "-std=gnu11", "-pthread", *WARNINGS, f"-DSTRUCTURE={structure}", *flags, *include]
        command += [str(TOP / "tests" / "c" / f"{source}.c"), "-o", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode and flags and re.search(r"unrecognized|cannot find|unsupported option", done.stderr):
            pytest.skip(f"the compiler has no {flags[0]}")
        assert done.returncode == 0, done.stderr
        self._made[key] = out
        return out


def run(program: Path, *arguments: object) -> None:
    """Run a program to its end, which has to be a good one."""
    done = subprocess.run(
        [program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"TSAN_OPTIONS": "halt_on_error=1", "UBSAN_OPTIONS": "print_stacktrace=1"},
    )
    assert done.returncode == 0, f"{program.name} {arguments}: status {done.returncode}\n{done.stderr[-4000:]}"
