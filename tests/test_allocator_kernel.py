# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The allocator between kernel lanes and user lanes: the program tests/c/alloc_kernel.c with the BPF programs of
tests/bpf/allocator.bpf.c, on a real arena."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from workbench import toolchain

TOP = Path(__file__).resolve().parent.parent
SOURCE = TOP / "tests" / "c" / "alloc_kernel.c"
pytestmark = pytest.mark.kernel


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The program and the BPF object file."""
    folder = tmp_path_factory.mktemp("allocator-kernel")
    program, programs = folder / "alloc_kernel", folder / "allocator.bpf.o"
    clang = toolchain.require(toolchain.find_clang())
    cc = toolchain.require(toolchain.find_cc())
    libbpf = toolchain.require(toolchain.find_libbpf())
    include = f"-I{TOP / 'bpf' / 'include'}"
    commands = [
        [
            *clang.command,
            *("-target", "bpf", "-mcpu=v4", "-O2", "-fno-builtin", "-g", "-Wall", "-Wno-visibility"),
            f"-D__TARGET_ARCH_{toolchain.target_arch()}",
            *toolchain.kernel_header_flags(),
            *libbpf.compile_flags,
            *(include, "-c", str(TOP / "tests" / "bpf" / "allocator.bpf.c"), "-o", str(programs)),
        ],
        [
            *cc.command,
            *("-O2", "-g", "-std=gnu11", "-pthread", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"),
            *(include, f"-I{TOP / 'csrc'}", *libbpf.compile_flags),
            *(str(SOURCE), str(TOP / "csrc" / "bpf_loader.c"), "-o", str(program)),
            *(*libbpf.link_flags, "-lbpf", "-lelf", "-lz"),
        ],
    ]
    for command in commands:
        subprocess.run(command, check=True)
    return program, programs


@pytest.mark.parametrize("name", re.findall(r'\{"(\w+)",', SOURCE.read_text()))
def test_kernel(built: tuple[Path, Path], name: str) -> None:
    program, programs = built
    done = subprocess.run(
        [program, name],
        env={**os.environ, "ALLOCATOR_BPF": str(programs)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr or f"ended by signal {-done.returncode}"
    assert done.stdout == f"ok {name}\n"
