# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The guide's example: what each step prints, and what too many elements or no root get."""

from __future__ import annotations

import io
import os

import pytest

from workbench import examples
from workbench.errors import MachineError, UsageError


@pytest.mark.kernel
@pytest.mark.parametrize("n", [1, 100, 300_000])
def test_arena_list_prints_what_each_side_did(n: int) -> None:
    out = io.StringIO()

    assert examples.arena_list(n, out) == 0
    lines = out.getvalue().splitlines()

    count = "1 element" if n == 1 else f"{n} elements"
    assert lines[1] == f"2. kernel adds {count}"
    assert lines[2].startswith(f"3. user space walks {count} from 0x")
    assert f"sum {n * (n + 1) // 2}, expected {n * (n + 1) // 2}" in lines[2]
    assert lines[3] == f"4. kernel deletes {count}"
    assert lines[4].startswith("5. user space walks 0 elements: sum 0")
    assert lines[5] == "ok"


@pytest.mark.kernel
def test_arena_list_of_more_elements_than_an_arena_holds_is_refused() -> None:
    with pytest.raises(UsageError, match=r"an arena has 1048576 at most"):
        examples.arena_list(10**9, io.StringIO())


def test_arena_list_without_root_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MachineError, match="needs root"):
        examples.arena_list(1, io.StringIO())
