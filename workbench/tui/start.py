# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Opens the screen, and leaves the terminal and the machine as they were, whatever happens in between."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from workbench.profiles import Profile
from workbench.tui import preflight

_CLOSE_S = 3.0


def main(profile: Profile, saved: Profile, path: Path | None, include: Sequence[Path]) -> int:
    """Show the screen until the person leaves; the exit status.

    Raises MachineError for what prevents it, and what went wrong inside once the terminal is restored.
    """
    profile = preflight.clear(profile, sys.stdin, sys.stderr)

    from workbench.tui.app import WorkbenchApp
    from workbench.tui.workspace import Workspace

    app = WorkbenchApp(Workspace(profile=profile, path=path, saved=saved, include=tuple(include)))

    def hung_up(_number: int, _frame: FrameType | None) -> None:
        # The terminal is gone: there is nothing to restore, and what writes to it would wait for ever. A shell and
        # the kernel may both send this; a second one in the middle of the first would wait for a lock of its own.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        closing = threading.Thread(target=app.close_session, daemon=True)
        closing.start()
        closing.join(_CLOSE_S)  # an engine that is not told to leave by then notices that its front has gone
        os._exit(128 + signal.SIGHUP)

    signal.signal(signal.SIGHUP, hung_up)
    try:
        status = app.run()
    finally:
        app.close_session()
    if app.failure is not None:
        raise app.failure
    return status or 0
