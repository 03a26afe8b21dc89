# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Performers: processes of perform.py, whose methods are called from here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from workbench import builds
from workbench.structures import Structure

_PERFORM = Path(__file__).with_name("perform.py")


class Performer:
    """An arena of `room` pages beside the allocator's own, and a structure's operations in it: see perform.py."""

    def __init__(self, structure: Structure, sides: list[str], room: int, log: Path) -> None:
        kernel = "kernel" in sides
        build = builds.build(structure, bpf=kernel)
        files = [build.native, builds.runtime(), *([build.bpf, builds.loader(), log] if kernel else [])]
        self._process = subprocess.Popen(
            [sys.executable, str(_PERFORM), str(room), *map(str, files)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._read() == "ready\n"

    def __call__(self, method: str, *arguments: object) -> Any:
        assert self._process.stdin
        self._process.stdin.write(json.dumps([method, *arguments]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._read())

    def _read(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            _, said = self._process.communicate()
            raise AssertionError(f"perform.py ended by {self._process.returncode}: {said[-2000:]}")
        return line

    def close(self) -> None:
        """End it."""
        self._process.communicate()
