# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The worked example of docs/structures.md is a structure that works as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workbench import runs
from workbench.profiles import Arena, Checks, Lanes, Profile, Structure, Workload


@pytest.fixture
def example(checkout: Path, tmp_path: Path) -> Path:
    text = (checkout / "docs" / "structures.md").read_text()
    (code,) = re.findall(r"^```c\n(.*?)^```$", text, flags=re.M | re.S)
    path = tmp_path / "ds_pile.h"
    path.write_text(code)
    return path


@pytest.mark.parametrize("backend", ["native", pytest.param("bpf", marks=pytest.mark.kernel)])
def test_the_worked_example_runs_and_passes_every_check(example: Path, backend: str) -> None:
    profile = Profile(
        structure=Structure(path=str(example)),
        arena=Arena(backend=backend),  # type: ignore[arg-type]
        workload=Workload(keys=100, operations=50_000),
        lanes=Lanes(user=2, kernel=1 if backend == "bpf" else 0),
        checks=Checks(verify=True),
    )

    report = runs.execute(profile)

    unmet = {name: check.reason for name, check in report.checks.items() if check.result not in ("ok", "skipped")}
    assert unmet == {}
    assert report.exit_status == 0
    assert report.totals.pops > 0
    assert report.totals.inserts > 0
