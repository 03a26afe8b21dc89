# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The arena's allocator, reclamation and counters, driven natively by the programs tests/c/alloc_*.c. Each test there
is one here; what it checks is said where it is written."""

from __future__ import annotations

import functools
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
PROGRAMS = sorted(
    path.stem for path in (TOP / "tests" / "c").glob("alloc_*.c") if not path.stem.startswith("alloc_kernel")
)


def names_in(program: str) -> list[str]:
    """The names in a program's TESTS(...), read from its source: nothing is compiled to collect them."""
    source = (TOP / "tests" / "c" / f"{program}.c").read_text()
    return re.findall(r'\{"(\w+)",', source[source.index("\nTESTS(") :])


@functools.cache
def built(folder: Path, program: str) -> Path:
    target = folder / program
    if not target.exists():
        subprocess.run(
            [
                *shlex.split(os.environ.get("CC", "cc")),
                *["-O2", "-g", "-std=gnu11", "-pthread", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"],
                f"-I{TOP / 'bpf' / 'include'}",
                f"-I{TOP / 'csrc'}",
                str(TOP / "tests" / "c" / f"{program}.c"),
                "-o",
                str(target),
            ],
            check=True,
        )
    return target


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("allocator")


@pytest.mark.parametrize(
    ("program", "name"), [pytest.param(p, n, id=f"{p}-{n}") for p in PROGRAMS for n in names_in(p)]
)
def test_native(programs: Path, program: str, name: str) -> None:
    done = subprocess.run([built(programs, program), name], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr or f"ended by signal {-done.returncode}"
    assert done.stdout == f"ok {name}\n"
