# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The guide's arena_list: the kernel builds a list, user space walks it by plain pointers, the kernel deletes it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TextIO

from workbench import builds, cache, diagnostics, process, resources, structures, toolchain
from workbench.errors import BuildError, EngineError, MachineError, UsageError
from workbench.native import Library

_PAGES_MAX = 1 << 20  # 4 GiB, the largest arena
_ELEMENTS_A_PAGE = 127  # slots of 32 bytes: the node's 16, 8 before it, aligned
_SPARE_PAGES = 64
_LAYOUT_PAGES = 1024  # of an arena, at least
_KERNEL_FLAGS = ("-g", "-Wall", "-fno-builtin")
"""As for structures; builds.py says why without builtins."""


def arena_list(n: int, out: TextIO) -> int:
    """Run the example with `n` elements, printing each step; 0, or 1 when user space saw another list than was built.

    Raises UsageError for an `n` no arena has room for, MachineError where the kernel side cannot run.
    """
    if n < 1:
        raise UsageError(f"example arena_list {n}: at least 1 element")
    if os.geteuid() != 0:
        raise MachineError("example arena_list: loading BPF programs needs root (run it with sudo)")
    runtime = builds.runtime()
    wanted = n // _ELEMENTS_A_PAGE + _SPARE_PAGES
    layout = Library("runtime.h", runtime)
    pages = wanted + layout.call.runtime_overhead_pages(min(2 * wanted + _LAYOUT_PAGES, _PAGES_MAX)) + _SPARE_PAGES
    if pages > _PAGES_MAX:
        raise UsageError(f"example arena_list {n}: that needs {pages} pages, and an arena has {_PAGES_MAX} at most")
    kernel = _Kernel(pages)
    try:
        return _Example(n, out, Library("arena_list_walk.h", runtime), kernel).steps(pages, wanted)
    finally:
        kernel.close()


def _elements(count: int) -> str:
    return "1 element" if count == 1 else f"{count} elements"


class _Example:
    def __init__(self, n: int, out: TextIO, user: Library, kernel: _Kernel) -> None:
        self._n = n
        self._out = out
        self._user = user
        self._kernel = kernel

    def steps(self, pages: int, wanted: int) -> int:
        n = self._n
        if self._user.call.arena_list_format(pages):
            raise EngineError(f"example arena_list: an arena of {pages} pages has no room for its own layout")
        populated = self._kernel.call("populate", wanted)
        self._say(f"1. arena of {pages} pages, {populated} of them populated for the kernel")
        self._say(f"2. kernel adds {_elements(self._kernel.call('add_elements', n))}")
        full = self._walk()
        self._say(
            f"3. user space walks {_elements(full['count'])} from {full['first']:#x} to {full['last']:#x}: "
            f"sum {full['sum']}, expected {n * (n + 1) // 2}"
        )
        self._say(f"4. kernel deletes {_elements(self._kernel.call('delete_elements', n))}")
        empty = self._walk()
        self._say(
            f"5. user space walks {_elements(empty['count'])}: sum {empty['sum']}; "
            f"objects allocated: {empty['live']} (the list's head)"
        )
        right = (full["count"], full["sum"], full["live"]) == (n, n * (n + 1) // 2, n + 1)
        right = right and (empty["count"], empty["sum"], empty["live"]) == (0, 0, 1)
        self._say("ok" if right else "FAILED: user space does not see what the kernel built")
        return 0 if right else 1

    def _walk(self) -> dict[str, int]:
        seen = self._user.ffi.new("struct arena_list_seen *")
        self._user.call.arena_list_walk(seen)
        return self._user.plain(seen[0])

    def _say(self, line: str) -> None:
        self._out.write(f"{line}\n")
        self._out.flush()


class _Kernel:
    """The example's programs, loaded; libbpf maps their arena into this process."""

    def __init__(self, pages: int) -> None:
        program = _bpf_object()
        library = Library("bpf_loader.h", builds.loader())
        self._call: Any = library.call
        self._ffi = library.ffi
        log = cache.root() / "arena_list.log"
        self._handle = self._call.bpf_loader_open(str(program).encode(), str(log).encode())
        if self._handle == self._ffi.NULL:
            raise MachineError(f"example arena_list: {self._said()}")
        error = self._call.bpf_loader_resize(self._handle, b"arena", pages)
        error = error or self._call.bpf_loader_load(self._handle)
        if error:
            said = self._said() or os.strerror(-error)
            self.close()
            raise MachineError(f"example arena_list: the kernel does not load the programs: {said} (log: {log})")

    def call(self, name: str, count: int) -> int:
        """Run a program until it has done `count` of what it does, or no more; a run has 250 ms at most."""
        total, done = 0, self._ffi.new("__u64 *")
        while total < count:
            fd = self._call.bpf_loader_program(self._handle, name.encode())
            error = self._call.bpf_loader_call(fd, 0, count - total, done)
            if error:
                raise EngineError(f"example arena_list: program {name} does not run: {os.strerror(error)}")
            if not done[0]:
                break
            total += int(done[0])
        return total

    def close(self) -> None:
        """Unload; the arena goes with it."""
        self._call.bpf_loader_close(self._handle)

    def _said(self) -> str:
        return str(self._ffi.string(self._call.bpf_loader_message()).decode(errors="replace"))


def _bpf_object() -> Path:
    clang, libbpf = toolchain.require(toolchain.find_clang()), toolchain.require(toolchain.find_libbpf())
    source = resources.bpf_dir() / "examples" / "arena_list.bpf.c"
    command = [
        *clang.command,
        *structures.kernel_flags(),
        *_KERNEL_FLAGS,
        f"-I{resources.bpf_dir() / 'include'}",
        *libbpf.compile_flags,
        *("-c", str(source)),
    ]

    def make(folder: Path) -> tuple[str, ...]:
        product = folder / "arena_list.bpf.o"
        done = process.run([*command, "-o", str(product)], depfile=folder / "arena_list.d")
        if done.status:
            raise BuildError(f"{source} does not compile:\n{diagnostics.compile_errors(done.stderr)}")
        return done.dependencies

    recipe = cache.digest("example", clang.identity, libbpf.version, *command, *process.environment_flags())
    return cache.fetch(recipe, "arena_list.bpf.o", make).folder / "arena_list.bpf.o"
