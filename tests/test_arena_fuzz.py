# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whatever an arena holds, looking into it ends well: tried in a process of its own, which a crash would take down."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=[pytest.mark.slow] * (seed > 1)) for seed in (1, 2, 3)])
def test_garbage_in_the_arena_is_survived(seed: int) -> None:
    script = Path(__file__).with_name("arena_fuzz.py")
    done = subprocess.run(
        [sys.executable, str(script), "1500", str(seed)], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    rounds, walks, bad = map(int, done.stdout.split())
    # Most of what was looked at was damaged, and still an arena.
    assert (rounds, walks > 500, bad > 1000) == (1500, True, True)
