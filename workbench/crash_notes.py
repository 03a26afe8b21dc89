# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The note left behind when the workbench itself fails: for a bug report, out of the user's sight."""

from __future__ import annotations

import os
import platform
import shlex
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from workbench import __version__


def write(error: BaseException, argv: Sequence[str]) -> str:
    """Write the traceback to a new file and return its path, or why there is none."""
    text = "".join(
        [
            f"arena-workbench {__version__}, Python {platform.python_version()}, {platform.platform()}\n",
            f"arguments: {shlex.join(argv)}\n\n",
            *traceback.format_exception(error),
        ]
    )
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    for name in (f"{base}/arena-workbench", tempfile.gettempdir()):
        try:
            folder = Path(name).expanduser()
            folder.mkdir(parents=True, exist_ok=True)
            stamp = time.strftime("%Y%m%d-%H%M%S")
            handle, path = tempfile.mkstemp(prefix=f"crash-{stamp}-", suffix=".txt", dir=folder)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except (OSError, RuntimeError):
            continue
        return path
    return "no file: none could be written"
