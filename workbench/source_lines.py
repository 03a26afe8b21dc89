# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which line of source an instruction came from, as binutils or LLVM tell it from the debug information."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

_TOOLS = ("addr2line", "llvm-addr2line")
_TIME_LIMIT_S = 5


def at(shared_object: Path, offset: int) -> str:
    """`path:line (function)` of the instruction at an offset into a shared object; "" when nobody can tell."""
    tool = next((found for name in _TOOLS if (found := shutil.which(name))), None)
    if not tool or not 0 < offset < shared_object.stat().st_size:
        return ""
    import subprocess  # only after a crash

    try:
        done = subprocess.run(
            [tool, "-f", "-i", "-e", str(shared_object), hex(offset)],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIME_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    function, _, place = done.stdout.partition("\n")
    place = re.sub(r" \(discriminator \d+\)$", "", place.partition("\n")[0])
    return "" if place.startswith("?") or place.endswith((":?", ":0")) else f"{place} ({function})"
