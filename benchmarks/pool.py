# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The pool of user lanes against a hand-written C loop: same header, same nodes, same keys.

And what timing costs: the pool with every operation timed, and with none, against one in 256 as in a run.
"""

from __future__ import annotations

import argparse

from benchmarks import common
from benchmarks.lanes import NEVER, Lanes, hand_written

CASES = (("list", 100, 1_000_000), ("list", 1000, 60_000), ("tree", 1000, 1_000_000), ("tree", 100_000, 1_000_000))
"""Structure, keys, operations a lane and turn: less than a tenth of a second."""
TARGET = 0.95


def main() -> None:
    """Measure all cases, each in an arena of its own."""
    options = common.arguments(__doc__)
    print(f"{'structure keys lanes':22} {'pool, M ops/s':>24} {'by hand, M ops/s':>24}   pool / by hand")
    for structure, keys, operations in CASES:
        for count in (1, 2):
            common.in_child(against_hand, structure, keys, count, operations, options)
    print(f"\n{'structure keys lanes':22} timed: all / one in 256  timed: none / one in 256")
    for structure, keys, operations in CASES:
        common.in_child(timing, structure, keys, operations, options)


def against_hand(structure: str, keys: int, count: int, operations: int, options: argparse.Namespace) -> None:
    """One row: driver's lanes and the hand-written loop, in turns on one arena."""
    lanes = Lanes(structure, keys=keys)
    library = hand_written(lanes.structure)
    if options.quick:
        operations //= 10
    measured = common.interleave(
        {
            "pool": lambda: lanes.pool(count, operations) / 1e6,
            "hand": lambda: lanes.baseline(library, count, operations) / 1e6,
        },
        options.repeats,
    )
    ratio = common.ratio(measured["pool"], measured["hand"])
    print(
        f"{structure:9} {keys:6} {count:5} {measured['pool'].text():>25} {measured['hand'].text():>24}   "
        f"{ratio.text()}  {common.verdict(ratio.median, at_least=TARGET)}"
    )


def timing(structure: str, keys: int, operations: int, options: argparse.Namespace) -> None:
    """One row: the same lane, with its operations timed differently often."""
    lanes = Lanes(structure, keys=keys)
    if options.quick:
        operations //= 10
    measured = common.interleave(
        {
            "some": lambda: lanes.pool(1, operations),
            "all": lambda: lanes.pool(1, operations, stride=1),
            "none": lambda: lanes.pool(1, operations, stride=NEVER),
        },
        options.repeats,
    )
    every, none = (common.ratio(measured[name], measured["some"]) for name in ("all", "none"))
    print(f"{structure:9} {keys:6} {1:5}  {every.text():>22}  {none.text():>22}")


if __name__ == "__main__":
    main()
