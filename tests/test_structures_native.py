# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The shipped structures in user space: C programs of tests/c, built against each and run over a memfd arena."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

STRUCTURES = ("list", "tree")
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

Compile = Callable[..., Path]


@pytest.fixture(scope="module")
def compile_program(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Compiles tests/c/<source>.c once for a structure and flags."""
    folder = tmp_path_factory.mktemp("programs")
    made: dict[tuple[str, ...], Path] = {}
    cc = os.environ.get("CC", "cc").split()

    def compile_(source: str, structure: str, *flags: str) -> Path:
        key = (source, structure, *flags)
        if key in made:
            return made[key]
        out = folder / f"{source}-{structure}-{len(made)}"
        include = [f"-I{checkout / name}" for name in ("bpf/include", "bpf/structures", "csrc")]
        command = [*cc, "-O2", "-g", "-std=gnu11", "-pthread", *WARNINGS, f"-DSTRUCTURE={structure}", *flags, *include]
        command += [str(checkout / "tests" / "c" / f"{source}.c"), "-o", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode and flags and re.search(r"unrecognized|cannot find|unsupported option", done.stderr):
            pytest.skip(f"the compiler has no {flags[0]}")
        assert done.returncode == 0, done.stderr
        made[key] = out
        return out

    return compile_


def run(program: Path, *arguments: object) -> None:
    done = subprocess.run(
        [program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"TSAN_OPTIONS": "halt_on_error=1", "UBSAN_OPTIONS": "print_stacktrace=1"},
    )
    assert done.returncode == 0, f"{program.name} {arguments}: status {done.returncode}\n{done.stderr[-4000:]}"


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("seed", [1, 20_261_122, 987_654_321])
def test_one_lane_answers_as_an_array_of_keys_would(compile_program: Compile, structure: str, seed: int) -> None:
    run(compile_program("model", structure, *UNDEFINED_SANITIZER), seed)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize(("keys", "operations"), [(4, 200_000), (64, 200_000), (2000, 100_000)])
def test_lanes_that_fight_over_keys_lose_invent_and_leak_nothing(
    compile_program: Compile, structure: str, keys: int, operations: int
) -> None:
    run(compile_program("stress", structure), keys, operations)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_no_access_of_the_lanes_races(compile_program: Compile, structure: str) -> None:
    program = compile_program("stress", structure, *THREAD_SANITIZER)
    for keys in (8, 500):
        run(program, keys, 20_000)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_full_arena_is_answered_and_survived(compile_program: Compile, structure: str) -> None:
    run(compile_program("full", structure, *UNDEFINED_SANITIZER))


@pytest.mark.parametrize("structure", STRUCTURES)
def test_verify_notices_each_kind_of_damage(compile_program: Compile, structure: str) -> None:
    run(compile_program(f"damage_{structure}", structure))


def test_a_node_marked_but_not_unlinked_is_no_element(compile_program: Compile) -> None:
    run(compile_program("half_deleted_list", "list"))
