# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Opens the screen, and leaves the terminal and the machine as they were, whatever happens in between."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from workbench.profiles import Profile
from workbench.tui import preflight


def main(profile: Profile, saved: Profile, path: Path | None, include: Sequence[Path]) -> int:
    """Show the screen until the person leaves; the exit status.

    Raises MachineError for what prevents it, and what went wrong inside once the terminal is restored.
    """
    profile = preflight.clear(profile, sys.stdin, sys.stderr)

    from workbench.tui.app import WorkbenchApp
    from workbench.tui.workspace import Workspace

    app = WorkbenchApp(Workspace(profile=profile, path=path, saved=saved, include=tuple(include)))

    def hung_up(_number: int, _frame: FrameType | None) -> None:
        # The terminal is gone: there is nothing to restore, and what writes to it would wait for ever.
        app.close_session()
        os._exit(128 + signal.SIGHUP)

    signal.signal(signal.SIGHUP, hung_up)
    try:
        status = app.run()
    finally:
        app.close_session()
    if app.failure is not None:
        raise app.failure
    return status or 0
