# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The verifier's whole log of one program: made on demand in a process of its own, kept in a file, read by the line."""

from __future__ import annotations

import array
import bisect
import errno
import mmap
import os
import re
import subprocess
import sys
from collections import deque
from pathlib import Path

from workbench import builds, cache
from workbench.builds import Build
from workbench.errors import EngineError, UsageError

MOST = 64 << 20
"""Bytes of a log; of a longer one the end is kept."""

TIME_LIMIT_S = 120.0
_PIECE = 2048  # lines
_WIDEST = 4096
_PACKAGE_PARENT = Path(__file__).resolve().parents[1]


class VerifierLog:
    """A log that was written to `path`. `verdict` says in words how the program fared, `cut` that the log is an end."""

    def __init__(self, program: str, path: Path, verdict: str = "", *, cut: bool = False) -> None:
        self.program = program
        self.path = path
        self.verdict = verdict
        self.cut = cut
        size = path.stat().st_size
        with path.open("rb") as file:
            self._text: mmap.mmap | bytes = mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ) if size else b""
        self._starts = _line_starts(self._text)
        self.width = min(_WIDEST, max(map(int.__sub__, self._starts[1:], self._starts), default=0))
        """Of the longest line, in bytes."""

    def __len__(self) -> int:
        return len(self._starts) - 1

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self._text)

    def text(self) -> str:
        """All of it."""
        return self._text[:].decode(errors="replace")

    def line(self, number: int) -> str:
        """A line, counted from 0, tabs as spaces."""
        text = self._text[self._starts[number] : self._starts[number + 1]]
        return text.decode(errors="replace").rstrip("\n").expandtabs(8)

    def find(self, words: str, line: int, *, back: bool = False) -> int | None:
        """The next line with `words` after `line` (or before it), going round; None when there is none.

        Capitals matter when there are any in `words`. In pieces, so that other threads get on meanwhile.
        """
        if not words:
            return None
        pattern = re.compile(re.escape(words.encode()), 0 if words != words.lower() else re.IGNORECASE)
        count = len(self)
        here = min(max(line, -1), count - 1)
        spans = [(0, max(here, 0)), (max(here, 0), count)] if back else [(here + 1, count), (0, here + 1)]
        for start, end in spans:
            pieces = range(start, end, _PIECE)
            for first in reversed(pieces) if back else pieces:
                last = min(first + _PIECE, end)
                matches = pattern.finditer(self._text, self._starts[first], self._starts[last])
                for match in deque(matches, maxlen=1) if back else matches:
                    return bisect.bisect_right(self._starts, match.start()) - 1
        return None


def read(build: Build, program: str) -> VerifierLog:
    """Have the kernel verify `program` once more and say everything. Takes as long as verifying, or longer.

    Raises UsageError for a build without a kernel side, EngineError when there is no log to be had.
    """
    if build.bpf is None:
        raise UsageError(f"{build.structure.name} has no kernel side: {build.bpf_reason}")
    folder = cache.root() / "logs"
    folder.mkdir(exist_ok=True)
    path = folder / f"{build.structure.name}-{program}.verifier.log"
    path.unlink(missing_ok=True)
    paths = [str(_PACKAGE_PARENT), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [
        *(sys.executable, "-m", "workbench.engine.verbose"),
        *(str(builds.loader()), str(build.bpf), program, str(path), str(MOST)),
    ]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=TIME_LIMIT_S,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            process_group=0,  # Ctrl-C is the screen's
        )
    except subprocess.TimeoutExpired:
        raise EngineError(f"{program} was not verified within {TIME_LIMIT_S:.0f} s when asked for its log") from None
    if done.returncode or not path.is_file():
        last = done.stderr.strip().splitlines()[-1:] or [f"error {done.stdout or done.returncode}"]
        raise EngineError(f"no verifier log of {program}: {last[0]}")
    error = -int(done.stdout)
    log = VerifierLog(program, path, _verdict(error), cut=error == errno.ENOSPC)
    if not len(log):
        raise EngineError(f"no verifier log of {program}: {_verdict(error)}")
    return log


def _verdict(error: int) -> str:
    if error == 0:
        return "accepted"
    if error == errno.ENOSPC:
        return f"longer than {MOST >> 20} MiB"
    return f"refused ({errno.errorcode.get(error, error)}: {os.strerror(error)})"


def _line_starts(text: mmap.mmap | bytes) -> array.array[int]:
    """Where lines start, and where the last one ends."""
    starts = array.array("L", [0])
    at = text.find(b"\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find(b"\n", at + 1)
    if starts[-1] != len(text):
        starts.append(len(text))
    return starts
