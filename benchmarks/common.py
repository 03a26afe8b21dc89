# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What makes two measurements comparable: taken in turns, summed up by the median, shown with their spread.

A ratio is the median of the ratios of neighbours in time, so that a machine that gets slower or busier half-way moves
both sides of it alike.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gc
import os
import platform
import statistics
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ParamSpec

P = ParamSpec("P")

REPEATS = 25
"""Unless --repeats says otherwise; an odd number, so that the median is a value that was measured."""


@dataclasses.dataclass(frozen=True)
class Spread:
    """Some values of one quantity: median, the quartiles around it, and all of them in the order of measuring."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        if len(self.values) < 2:
            return self.median, self.median
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return low, high

    def text(self, form: str = ".3f") -> str:
        """`median [lower quartile, upper quartile]`."""
        low, high = self.quartiles
        return f"{self.median:{form}} [{low:{form}}, {high:{form}}]"


def interleave(variants: Mapping[str, Callable[[], float]], repeats: int, warm: int = 1) -> dict[str, Spread]:
    """Measure each variant `repeats` times, in turns, every second turn backwards; `warm` turns before do not count."""
    values: dict[str, list[float]] = {name: [] for name in variants}
    gc.collect()
    gc.disable()
    try:
        _schedule(os.SCHED_RR, 1)
        for turn in range(warm + repeats):
            for name in list(variants) if turn % 2 else reversed(list(variants)):
                value = variants[name]()
                if turn >= warm:
                    values[name].append(value)
    finally:
        _schedule(os.SCHED_OTHER, 0)
        gc.enable()
    return {name: Spread(tuple(measured)) for name, measured in values.items()}


def _schedule(policy: int, priority: int) -> None:
    """Go before everything else on the machine, where that is permitted, or back in line. Threads inherit it."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, policy, os.sched_param(priority))


def ratio(ours: Spread, theirs: Spread) -> Spread:
    """Ours by theirs, turn by turn."""
    return Spread(tuple(a / b for a, b in zip(ours.values, theirs.values, strict=True)))


def difference(more: Spread, less: Spread) -> Spread:
    """The one less the other, turn by turn."""
    return Spread(tuple(a - b for a, b in zip(more.values, less.values, strict=True)))


def verdict(value: float, *, at_least: float | None = None, at_most: float | None = None) -> str:
    """Whether a target is met, in words for the end of a row."""
    if at_least is not None:
        return f"target >= {at_least:g}: {'met' if value >= at_least else 'MISSED'}"
    if at_most is not None:
        return f"target <= {at_most:g}: {'met' if value <= at_most else 'MISSED'}"
    return ""


def machine() -> str:
    """The kind of machine: processor, cores, kernel, and how busy it is just now."""
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {platform.system()} {platform.release()} "
        f"{platform.machine()}, Python {platform.python_version()}, load {load:.1f}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model"):
            return value.strip()
    return platform.processor() or "unknown processor"


def arguments(doc: str | None, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options that every benchmark has; prints the heading."""
    title = (doc or "").strip().splitlines()[0]
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"turns to measure (default {REPEATS})")
    parser.add_argument("--quick", action="store_true", help="short ones, to see that all of it works")
    options = parser.parse_args(argv)
    if options.quick:
        options.repeats = min(options.repeats, 3)
    print(f"{title}\n{machine()}\nmedians of {options.repeats} turns [quartiles]\n", flush=True)
    return options


def in_child(work: Callable[P, None], *given: P.args, **named: P.kwargs) -> None:
    """Do `work` in a process of its own, which the next one's arena does not meet."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        ended = 1
        try:
            work(*given, **named)
            sys.stdout.flush()
            ended = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(ended)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        sys.exit(f"it ended with {f'signal {-status}' if status < 0 else f'status {status}'}")
