# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A kernel batch lane against a user lane: same structure, same workload, same arena; and where the time goes.

The parts (ds_parts.h) are timed as operations of their own on both sides, less an operation that does nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from benchmarks import common
from benchmarks.lanes import HERE, NEVER, Lanes, unable

CASES = (("list", 100, 500_000), ("list", 1000, 60_000), ("tree", 1000, 300_000), ("tree", 100_000, 150_000))
"""Structure, keys, operations a lane and turn."""
PARTS = {
    "call of a function": 9,
    "call of a helper": 10,
    "arena_for, 16 rounds": 11,
    "lane's id": 2,
    "enter and exit": 3,
    "count in the statistics": 4,
    "allocate and free": 5,
    "allocate and retire": 6,
    "compare-and-swap": 7,
    "walk 64 nodes": 8,
}
"""By the number that ds_parts.h gives them."""
NOTHING = 1
BATCH = 1024


def main() -> None:
    """Ratios, then the parts, then what entering a program costs."""
    options = common.arguments(__doc__)
    if why := unable():
        print(f"left out: {why}")
        return
    print(f"{'structure keys':16} {'kernel, M ops/s':>22} {'user, M ops/s':>24}   kernel / user")
    for structure, keys, operations in CASES:
        common.in_child(against_user, structure, keys, operations, options)
    print(f"\n{'part, ns each':26} {'kernel':>22} {'user':>22}   kernel - user")
    common.in_child(parts, options)
    common.in_child(entering, options)


def against_user(structure: str, keys: int, operations: int, options: argparse.Namespace) -> None:
    """One row."""
    lanes = Lanes(structure, keys=keys, kernel=True, batch=BATCH)
    if options.quick:
        operations //= 10
    measured = common.interleave(
        {
            "kernel": lambda: lanes.pool(1, operations, kernel=True) / 1e6,
            "user": lambda: lanes.pool(1, operations) / 1e6,
        },
        options.repeats,
    )
    ratio = common.ratio(measured["kernel"], measured["user"])
    print(f"{structure:9} {keys:6} {measured['kernel'].text():>22} {measured['user'].text():>24}   {ratio.text()}")


def parts(options: argparse.Namespace) -> None:
    """The table of parts, and of both, an operation without any."""
    lanes = Lanes(str(HERE / "ds_parts.h"), keys=1, kernel=True, batch=BATCH)
    operations = 20_000 if options.quick else 200_000

    def timed(part: int, *, kernel: bool) -> Callable[[], float]:
        def run() -> float:
            lanes.repeat("search", part)
            return 1e9 / lanes.pool(1, operations, kernel=kernel, stride=NEVER)

        return run

    wanted = {"an operation without any": NOTHING, **PARTS}
    measured = common.interleave(
        {f"{kernel:d}{name}": timed(part, kernel=kernel) for name, part in wanted.items() for kernel in (True, False)},
        options.repeats,
    )
    for name, part in wanted.items():
        kernel, user = measured[f"1{name}"], measured[f"0{name}"]
        if part != NOTHING:
            kernel = common.difference(kernel, measured["1an operation without any"])
            user = common.difference(user, measured["0an operation without any"])
        more = common.difference(kernel, user)
        print(f"{name:26} {kernel.text('.1f'):>22} {user.text('.1f'):>22}   {more.text('.1f')}")


def entering(options: argparse.Namespace) -> None:
    """A program run for each operation instead of one for BATCH of them."""
    lanes = Lanes(str(HERE / "ds_parts.h"), keys=1, kernel=True, batch=1)
    lanes.repeat("search", NOTHING)
    operations = 2_000 if options.quick else 50_000
    measured = common.interleave(
        {"one": lambda: 1e9 / lanes.pool(1, operations, kernel=True, stride=NEVER)}, options.repeats
    )
    print(f"{'a program run (batch of 1)':26} {measured['one'].text('.1f'):>22}")


if __name__ == "__main__":
    main()
