# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One line on the terminal that says how far a run is; silent where there is no terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Protocol, TextIO

_INTERVAL_S = 0.1
_BAR = 20


class Moment(Protocol):
    """What a run says about itself while it goes on (workbench.runs.Progress)."""

    @property
    def elapsed_s(self) -> float:
        """Seconds on the run's clock."""
        ...

    @property
    def total_s(self) -> float | None:
        """Seconds it may take at most, None without a limit."""
        ...

    @property
    def operations(self) -> int:
        """Operations done so far, by all lanes."""
        ...

    @property
    def ops_per_sec(self) -> float:
        """The present rate."""
        ...

    @property
    def phase(self) -> str:
        """What is being done: building, prefill, running, checking."""
        ...


class ProgressLine:
    """Draws moments over one another on `out`; `clear` before anything else is written there."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._on = out.isatty()
        self._drawn_at = float("-inf")
        self._phase = ""
        self._dirty = False

    def update(self, moment: Moment) -> None:
        """Draw `moment`, at most ten times a second unless its phase is new."""
        now = self._clock()
        if not self._on or (now - self._drawn_at < _INTERVAL_S and moment.phase == self._phase):
            return
        self._drawn_at, self._phase = now, moment.phase
        self._write(f"\r{line(moment)[: self._columns() - 1]}\x1b[K")
        self._dirty = True

    def clear(self) -> None:
        """Leave the line empty, the cursor at its start."""
        if self._dirty:
            self._write("\r\x1b[K")
            self._dirty = False

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError):  # the terminal went away: the run goes on without a picture of it
            self._on = self._dirty = False

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._out.fileno()).columns or 80
        except (OSError, ValueError):
            return 80


def line(moment: Moment) -> str:
    """`running [#####---------------]  25%  2.5 s  1.25 M operations  498 k/s`; no bar without a time limit."""
    parts = [moment.phase]
    if moment.total_s:
        share = min(1.0, max(0.0, moment.elapsed_s / moment.total_s))
        parts.append(f"[{'#' * round(share * _BAR):-<{_BAR}}] {share:4.0%}")
    parts += [f"{moment.elapsed_s:.1f} s", f"{short(moment.operations)} operations", f"{short(moment.ops_per_sec)}/s"]
    return "  ".join(parts)


def short(number: float) -> str:
    """A count in three digits and a letter: 950, 12.5 k, 1.25 M, 3.00 G."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            value = number / size
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    return f"{number:.0f}"
