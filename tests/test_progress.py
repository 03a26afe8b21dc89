# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The progress line: what it says of a moment, how often, and where it keeps silent."""

from __future__ import annotations

import io

import msgspec
import pytest

from workbench.progress import ProgressLine, line, short


class Moment(msgspec.Struct):
    elapsed_s: float = 2.5
    total_s: float | None = 10.0
    operations: int = 1_250_000
    ops_per_sec: float = 498_000.0
    phase: str = "running"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_tells_elapsed_percent_and_rate() -> None:
    assert line(Moment()) == "running  [#####---------------]  25%  2.5 s  1.25 M operations  498 k/s"
    assert line(Moment(total_s=None)) == "running  2.5 s  1.25 M operations  498 k/s"
    assert " 100% " in line(Moment(elapsed_s=11.0))
    assert [short(n) for n in (0, 999, 12_345, 3e9)] == ["0", "999", "12.3 k", "3.00 G"]


def test_progress_redraws_one_line_seldom_and_leaves_it_empty() -> None:
    now = 0.0
    out = Terminal()
    progress = ProgressLine(out, clock=lambda: now)
    for tick in range(100):
        now = tick * 0.01
        progress.update(Moment(elapsed_s=now))
    progress.update(Moment(phase="checking"))  # a new phase is drawn at once
    progress.clear()
    text = out.getvalue()
    assert "\n" not in text
    assert 10 <= text.count("\r") <= 13
    assert "checking" in text
    assert text.endswith("\r\x1b[K")


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    progress = ProgressLine(out)
    progress.update(Moment())
    progress.clear()
    assert out.getvalue() == ""


def test_progress_survives_a_terminal_that_goes_away() -> None:
    class Gone(Terminal):
        def write(self, _text: str) -> int:
            raise OSError("gone")

    progress = ProgressLine(Gone())
    progress.update(Moment())
    progress.clear()
