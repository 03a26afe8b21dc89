# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Allocating and freeing in the arena against malloc() and free() of the C library, and mimalloc where it is installed.

The same loops, compiled once for each (allocator.c). Ratios are the arena's time by the other's: lower is better.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import common
from workbench import resources, toolchain

HERE = Path(__file__).parent
ARENA, MALLOC, MIMALLOC = range(3)
SIZES = (16, 32, 48, 128, 256, 512, 1024)
PAIR_TARGET = 1.5
EXCHANGE_TARGET = 1.0

Bench = Callable[[int, int, int, int], float]
"""Allocator, lanes, size, count of objects a lane: nanoseconds an object."""


def main() -> None:
    """Each table in a process of its own, with an arena of its own."""
    options = common.arguments(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(Path(folder))
        print(f"{'one lane':34} {'arena, ns':>22} {'malloc, ns':>22}   arena / malloc")
        common.in_child(one_lane, library, options)
        print(f"\n{'lanes free what others allocated':34} {'arena, ns':>22} {'malloc, ns':>22}   arena / malloc")
        common.in_child(exchange, library, options)
        print(f"\n{'reclamation, one lane':34} {'ns':>22}   by allocate and free")
        common.in_child(reclamation, library, options)
        print(f"\n{'an arena of 1 GiB, full':34} {'ns':>22}")
        common.in_child(failing, library, options)


def compiled(folder: Path) -> Path:
    """The shared object, with mimalloc if its header is there."""
    target = folder / "allocator.so"
    command = [
        *toolchain.require(toolchain.find_cc()).command,
        *("-O2", "-g", "-std=gnu11", "-fPIC", "-shared", "-pthread"),
        *(f"-I{resources.bpf_dir() / 'include'}", f"-I{resources.csrc_dir()}"),
        *(str(HERE / "allocator.c"), "-o", str(target)),
    ]
    with_mimalloc = [*command, "-DWITH_MIMALLOC", "-lmimalloc"]
    if subprocess.run(with_mimalloc, check=False, stderr=subprocess.DEVNULL).returncode:
        subprocess.run(command, check=True)
    return target


def load(library: Path, pages: int) -> ctypes.CDLL:
    """The library with an arena made."""
    loaded = ctypes.CDLL(str(library))
    for name in (
        "pairs",
        "batches",
        "churn",
        "exchange",
        "announcements",
        "announced_pairs",
        "retired_pairs",
        "failures",
    ):
        function = getattr(loaded, f"bench_{name}")
        function.restype = ctypes.c_double
        function.argtypes = [ctypes.c_int, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_uint64]
    if loaded.bench_arena(pages):
        raise SystemExit("no arena can be mapped")
    return loaded


def one_lane(library: Path, options: argparse.Namespace) -> None:
    """Patterns and sizes."""
    loaded = load(library, 1 << 16)
    for size in SIZES:
        row(loaded, "pairs", f"{size} bytes, freed at once", 1, size, 1_000_000, options, PAIR_TARGET)
    for size in (48, 256):
        row(loaded, "batches", f"{size} bytes, 64 at a time", 1, size, 640_000, options, PAIR_TARGET)
    for size in (48, 256):
        row(loaded, "churn", f"{size} bytes, one of 4096 replaced", 1, size, 500_000, options, PAIR_TARGET)
    row(loaded, "churn", "16 to 1024, one of 4096 replaced", 1, 0, 500_000, options, PAIR_TARGET)
    for size in (4096, 40_000):
        row(loaded, "pairs", f"{size} bytes, freed at once", 1, size, 100_000, options, None)


def exchange(library: Path, options: argparse.Namespace) -> None:
    """Lanes in a ring, each with a CPU; four lanes share two."""
    loaded = load(library, 1 << 16)
    for lanes in (2, 4):
        for size in (48, 256, 1024):
            row(loaded, "exchange", f"{lanes} lanes, {size} bytes", lanes, size, 400_000, options, EXCHANGE_TARGET)
    row(loaded, "pairs", "2 lanes, 48 bytes, their own", 2, 48, 1_000_000, options, PAIR_TARGET)


def row(
    loaded: ctypes.CDLL,
    name: str,
    title: str,
    lanes: int,
    size: int,
    count: int,
    options: argparse.Namespace,
    target: float | None,
) -> None:
    """Measure and print one row."""
    bench: Bench = getattr(loaded, f"bench_{name}")
    if options.quick:
        count //= 10
    variants = {
        "arena": lambda: bench(ARENA, lanes, size, count),
        "malloc": lambda: bench(MALLOC, lanes, size, count),
    }
    if loaded.bench_has_mimalloc():
        variants["mimalloc"] = lambda: bench(MIMALLOC, lanes, size, count)
    measured = common.interleave(variants, options.repeats)
    ratio = common.ratio(measured["arena"], measured["malloc"])
    end = common.verdict(ratio.median, at_most=target)
    if "mimalloc" in measured:
        other = common.ratio(measured["arena"], measured["mimalloc"])
        end += f"  (/ mimalloc: {other.median:.2f})"
    arena, malloc = measured["arena"].text(".1f"), measured["malloc"].text(".1f")
    print(f"{title:34} {arena:>22} {malloc:>22}   {ratio.text('.2f')}  {end}")


def reclamation(library: Path, options: argparse.Namespace) -> None:
    """What an operation pays for being announced, and for retiring its node instead of freeing it."""
    loaded = load(library, 1 << 16)
    count = 100_000 if options.quick else 1_000_000
    titles = {
        "pairs": "allocate, free",
        "announcements": "enter, exit",
        "announced_pairs": "enter, allocate, free, exit",
        "retired_pairs": "enter, allocate, retire, exit",
    }

    def timed(name: str) -> Callable[[], float]:
        bench: Bench = getattr(loaded, f"bench_{name}")
        return lambda: bench(ARENA, 1, 48, count)

    measured = common.interleave({name: timed(name) for name in titles}, options.repeats)
    for name, title in titles.items():
        ratio = common.ratio(measured[name], measured["pairs"])
        print(f"{title:34} {measured[name].text('.1f'):>22}   {ratio.text('.2f')}")


def failing(library: Path, options: argparse.Namespace) -> None:
    """What one allocation costs that finds no memory; every second page is free, so runs are searched for in vain."""
    loaded = load(library, 1 << 18)
    loaded.bench_fragment()
    bench: Bench = loaded.bench_failures
    measured = common.interleave({"runs": lambda: bench(ARENA, 1, 8192, 10_000)}, options.repeats)
    print(f"{'two pages, every second one free':34} {measured['runs'].text('.1f'):>22}")


if __name__ == "__main__":
    main()
