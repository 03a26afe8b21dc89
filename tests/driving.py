# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Running what was built: a native object in a process of its own, a BPF object by the loader."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from pathlib import Path

from workbench import builds

TESTS = Path(__file__).parent
HEADERS = TESTS / "headers"


def drive(native: Path, operations: list[tuple[str, int, int]]) -> tuple[list[list[int]], list[int] | None]:
    """Results [code, key, value] of operations on a native build, and [elements, sum of keys] by its own iterate."""
    done = subprocess.run(
        [sys.executable, str(TESTS / "drive_native.py"), str(native)],
        input=json.dumps(operations),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return found["answers"], found["walk"]


def load(obj: Path, log: Path) -> tuple[int, Path]:
    """Load an object as the engine does; status and log."""
    loader = ctypes.CDLL(str(builds.loader()))
    loader.bpf_loader_open.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(loader.bpf_loader_open(str(obj).encode(), str(log).encode()))
    assert handle.value
    try:
        return loader.bpf_loader_load(handle), log
    finally:
        loader.bpf_loader_close(handle)
