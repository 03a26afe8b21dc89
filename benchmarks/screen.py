# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The screen: seconds to the first content, and what 64 lanes at 4 Hz on 120x40 take of a core and the event loop."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import common

CHECKOUT = Path(__file__).parent.parent
SIZE = (120, 40)
HZ = 4
FIRST_CONTENT_S = 0.7
SHARE = 0.25
STALL_S = 0.05
_MARK = b"Structures"


def first_content() -> float:
    """Seconds from starting the process to the words of the first paint on its terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", SIZE[1], SIZE[0], 0, 0))
    environment = os.environ | {"TERM": "xterm-256color", "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "workbench", "screen", "--backend", "native"]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    try:
        seen = b""
        while _MARK not in seen:
            if not select.select([ours], [], [], 20)[0]:
                raise SystemExit(f"nothing was painted within 20 s: {seen[-400:]!r}")
            seen += os.read(ours, 65536)
        took = time.perf_counter() - started
        os.write(ours, b"q")
        _drain(ours, process)
        return took
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _drain(terminal: int, process: subprocess.Popen[bytes]) -> None:
    """Take what the process still writes, or it would never end."""
    until = time.monotonic() + 5
    while process.poll() is None and time.monotonic() < until:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                os.read(terminal, 65536)
            except OSError:  # the other end is closed
                return


class Loop:
    """Watches how late the event loop is: by the clock, and by the work that it did itself meanwhile.

    On a machine that is busy otherwise the clock also counts what others took.
    """

    def __init__(self) -> None:
        self.late = self.work = 0.0

    async def watch(self) -> None:
        while True:
            clock, work = time.perf_counter(), time.thread_time()
            await asyncio.sleep(0.005)
            self.late = max(self.late, time.perf_counter() - clock - 0.005)
            self.work = max(self.work, time.thread_time() - work)


async def _live(seconds: float) -> tuple[float, float, float]:
    """Of a run in view: the share of a core, and in seconds the longest stretch of work and the longest stall."""
    sys.path.insert(0, str(CHECKOUT / "tests" / "tui"))
    import canned

    from workbench.tui.app import WorkbenchApp

    with tempfile.TemporaryDirectory() as home:
        app = WorkbenchApp(canned.workspace(Path(home)), canned.FakeServices())
        async with app.run_test(size=SIZE) as pilot:
            await pilot.press("space")
            app.publish(canned.started())
            steps = int(seconds * HZ)
            moments = [canned.snapshot((n + 1) / HZ, user=48, kernel=16) for n in range(steps + 2 * HZ)]
            for moment in moments[: 2 * HZ]:  # imports and first strips are not what is measured
                app.publish(moment)
                await pilot.pause()
            loop = Loop()
            watcher = asyncio.create_task(loop.watch())
            worked, began = time.process_time(), time.perf_counter()
            for moment in moments[2 * HZ :]:
                app.publish(moment)
                await asyncio.sleep(1 / HZ)
            share = (time.process_time() - worked) / (time.perf_counter() - began)
            watcher.cancel()
        return share, loop.work, loop.late


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = common.arguments(__doc__, argv)
    seconds = 3.0 if options.quick else 10.0
    painted = common.interleave({"screen": first_content}, options.repeats)["screen"]
    words = common.verdict(painted.median, at_most=FIRST_CONTENT_S)
    print(f"first content after          {painted.text()} s   {words}")
    lives = [asyncio.run(_live(seconds)) for _ in range(min(3, options.repeats))]
    share = common.Spread(tuple(one[0] for one in lives))
    work = common.Spread(tuple(one[1] for one in lives))
    stall = common.Spread(tuple(one[2] for one in lives))
    print(f"of a core, 64 lanes at 4 Hz  {share.text()}     {common.verdict(share.median, at_most=SHARE)}")
    print(f"longest stretch of work      {work.text()} s   {common.verdict(work.median, at_most=STALL_S)}")
    print(f"longest stall by the clock   {stall.text()} s   (counts what others on this machine took)")


if __name__ == "__main__":
    main()
