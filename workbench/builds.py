# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a structure compiles to, a native shared object and a BPF object, made once per content and found again.

The runtime and the BPF loader, which are the same for all structures, are made and kept in the same way.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from workbench import binding, cache, diagnostics, headers, process, resources, structures, toolchain
from workbench.errors import BuildError, MachineError
from workbench.structures import Structure
from workbench.toolchain import Compiler

FLAVOURS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {"fast": ((), ())}
"""Flavour -> further flags of the native and of the kernel side."""

# What is missing is to be told by the compiler or the linker, and not by the loader in the middle of a run.
_NATIVE = ("-g", "-fPIC", "-Wall", "-Werror=implicit-function-declaration")
_SHARED = ("-shared", "-Wl,-z,defs")
# clang 19 puts no address space cast before a memset of arena memory, and makes one of two neighbouring stores of zero
# (llvm BPFCheckAndAdjustIR.cpp, insertASpaceCasts: loads, stores and atomics only). Without builtins it makes none.
_KERNEL = ("-g", "-Wall", "-fno-builtin")


class Build(msgspec.Struct, frozen=True):
    """A structure compiled in one flavour. `bpf` is None where `bpf_reason` says why."""

    structure: Structure
    flavour: str
    native: Path
    bpf: Path | None
    bpf_reason: str | None
    key: str
    cached: bool
    seconds: float


class _Unit(msgspec.Struct, frozen=True):
    """One product of one command: what it is for (in an error), its file name, the command without the output."""

    title: str
    product: str
    recipe: str
    make: Callable[[Path], Sequence[str]]

    def lookup(self) -> cache.Entry | None:
        return cache.lookup(self.recipe, self.product)

    def fetch(self) -> cache.Entry:
        return cache.fetch(self.recipe, self.product, self.make)


def build(structure: Structure, flavour: str = "fast", *, bpf: bool, verbose: bool = False) -> Build:
    """The build of a structure, from the cache where nothing that went into it has changed.

    Raises BuildError with the compiler's words when the header does not compile for a side that is wanted, and
    MachineError without a C compiler. Without what BPF needs, only the native side is built and `bpf_reason` says why.
    """
    started = time.perf_counter()
    if flavour not in FLAVOURS:
        raise BuildError(f"no flavour '{flavour}'; there is: {', '.join(FLAVOURS)}")
    view = headers.view(structure.path)
    reason = None if bpf else "no kernel side was asked for"
    units = [_native_unit(structure, flavour, view, verbose)]
    if bpf:
        clang, libbpf = toolchain.find_clang(), toolchain.find_libbpf()
        if isinstance(clang, toolchain.Missing):
            reason = str(clang)
        elif isinstance(libbpf, toolchain.Missing):
            reason = str(libbpf)
        else:
            units.append(_kernel_unit(structure, flavour, view, clang, libbpf, verbose))
    entries = _all(units)
    native, kernel = entries[0], entries[1] if len(units) > 1 else None
    return Build(
        structure=structure,
        flavour=flavour,
        native=native.folder / units[0].product,
        bpf=kernel.folder / units[1].product if kernel else None,
        bpf_reason=reason,
        key=cache.digest(native.key, kernel.key)[:40] if kernel else native.key,
        cached=not any(entry.made for entry in entries),
        seconds=time.perf_counter() - started,
    )


def runtime(verbose: bool = False) -> Path:
    """The shared object of `csrc/runtime*.c`: what user space needs once, whatever the structure."""
    return _library("runtime", "runtime*.c", [], ["-lm"], [], verbose)


def loader(verbose: bool = False) -> Path:
    """The shared object of `csrc/bpf_*.c`, linked with libbpf. Raises MachineError where libbpf is missing."""
    libraries = [
        toolchain.require(found)
        for found in (
            toolchain.find_libbpf(),
            toolchain.find_library("libelf", "libelf"),
            toolchain.find_library("zlib", "zlib"),
        )
    ]
    compiling = [flag for library in libraries for flag in library.compile_flags]
    linking = [flag for library in libraries for flag in library.link_flags]
    versions = [library.version for library in libraries]
    return _library("bpf_loader", "bpf_*.c", compiling, [*linking, "-lbpf", "-lelf", "-lz"], versions, verbose)


def _library(
    name: str, pattern: str, compiling: list[str], linking: list[str], versions: list[str], verbose: bool
) -> Path:
    """One shared object of all C files of csrc/ that match `pattern`."""
    cc = toolchain.require(toolchain.find_cc())
    sources = sorted(resources.csrc_dir().glob(pattern))
    if not sources:
        raise MachineError(f"{resources.csrc_dir()} has no {pattern}: the installation is incomplete")
    compile_ = [*cc.command, "-O2", "-std=gnu11", "-pthread", *_NATIVE, *_library_folders(), *compiling]
    link = [*cc.command, *_SHARED, "-pthread"]

    def make(folder: Path) -> list[str]:
        objects = [folder / f"{source.stem}.o" for source in sources]
        done = process.at_once(
            [
                _job([*compile_, "-c", str(source), "-o", str(out)], out, verbose)
                for source, out in zip(sources, objects, strict=True)
            ]
        )
        for source, result in zip(sources, done, strict=True):
            _check(result, f"{source} does not compile", verbose)
        product = str(folder / f"{name}.so")
        linked = process.run([*link, *map(str, objects), *linking, "-o", product], verbose=verbose)
        _check(linked, f"{name}.so does not link", verbose)
        for out in objects:
            out.unlink()
        return [path for result in done for path in result.dependencies]

    recipe = _recipe(name, cc, [*compile_, *link, *linking, *map(str, sources), *versions])
    return _path(_Unit(name, f"{name}.so", recipe, make))


def _native_unit(structure: Structure, flavour: str, view: headers.View, verbose: bool) -> _Unit:
    cc = toolchain.require(toolchain.find_cc())
    command = [
        *cc.command,
        *structures.native_flags(),
        *(*_NATIVE, *_SHARED, *FLAVOURS[flavour][0]),
        *_folders(view),
        *("-include", str(_binding(structure, flavour, view))),
        str(resources.csrc_dir() / "driver.c"),
    ]
    title = f"{structure.path} does not compile for user space"
    return _unit(title, f"{structure.name}.so", _recipe("native", cc, command), command, view, verbose)


def _kernel_unit(
    structure: Structure, flavour: str, view: headers.View, clang: Compiler, libbpf: toolchain.Library, verbose: bool
) -> _Unit:
    command = [
        *clang.command,
        *structures.kernel_flags(),
        *(*_KERNEL, *FLAVOURS[flavour][1]),
        *view.flags,
        *libbpf.compile_flags,
        *("-include", str(_binding(structure, flavour, view))),
        *("-c", str(resources.bpf_dir() / "skeleton.bpf.c")),
    ]
    title = f"{structure.path} does not compile for the kernel (BPF)"
    recipe = _recipe("kernel", clang, [*command, libbpf.version])
    return _unit(title, f"{structure.name}.bpf.o", recipe, command, view, verbose)


def _binding(structure: Structure, flavour: str, view: headers.View) -> Path:
    return cache.store_text("bindings", "binding.h", binding.generate(structure, flavour, view.header))


def _unit(title: str, product: str, recipe: str, command: Sequence[str], view: headers.View, verbose: bool) -> _Unit:
    def make(folder: Path) -> list[str]:
        view.prepare()
        out = folder / product
        done = _job([*command, "-o", str(out)], out, verbose)()
        done = msgspec.structs.replace(done, stderr=view.restore(done.stderr))
        _check(done, title, verbose)
        sources = [view.restore(path) for path in done.dependencies]
        (folder / "sources.txt").write_text("\n".join(sources), errors="surrogateescape")
        return list(done.dependencies)

    return _Unit(title, product, recipe, make)


def _all(units: Sequence[_Unit]) -> list[cache.Entry]:
    """The entries of all units; those not in the cache are made beside each other."""
    entries = [unit.lookup() for unit in units]
    missing = [unit for unit, entry in zip(units, entries, strict=True) if entry is None]
    if not missing:
        return [entry for entry in entries if entry]
    if len(missing) == 1:
        made = [missing[0].fetch()]
    else:
        from concurrent.futures import ThreadPoolExecutor  # not on the way of a warm start

        with ThreadPoolExecutor(max_workers=len(missing)) as pool:
            waiting = [pool.submit(unit.fetch) for unit in missing]
        made = [future.result() for future in waiting]  # the first unit's error is the one that is raised
    following = iter(made)
    return [entry or next(following) for entry in entries]


def _path(unit: _Unit) -> Path:
    return unit.fetch().folder / unit.product


def _job(command: Sequence[str], out: Path, verbose: bool) -> Callable[[], process.Done]:
    return lambda: process.run(command, depfile=out.with_name(f"{out.name}.d"), verbose=verbose)


def _check(done: process.Done, title: str, verbose: bool) -> None:
    if done.status:
        raise BuildError(f"{title}:\n{diagnostics.compile_errors(done.stderr)}")
    if verbose and done.stderr:
        sys.stderr.write(done.stderr)


def _recipe(kind: str, compiler: Compiler, command: Sequence[str]) -> str:
    return cache.digest(kind, compiler.identity, *command, *process.environment_flags())


def _folders(view: headers.View) -> list[str]:
    library, own = view.flags[:-1], view.flags[-1]
    return [*library, f"-I{resources.csrc_dir()}", own]


def _library_folders() -> list[str]:
    return [f"-I{resources.bpf_dir() / 'include'}", f"-I{resources.csrc_dir()}"]
