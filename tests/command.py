# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs `arena-workbench run` as a person does, in a process of its own, and says what came of it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

CHECKOUT = Path(__file__).resolve().parent.parent
BAD = CHECKOUT / "tests" / "bad"
HEADERS = CHECKOUT / "tests" / "headers"
LIMIT_S = 60
LEAVE_S = 10


class Ran(msgspec.Struct, frozen=True):
    """How a command ended; `report` is what --json wrote, {} when it wrote nothing."""

    status: int
    stdout: str
    stderr: str
    report: dict[str, Any]

    def checks(self) -> dict[str, str]:
        """Each check's result."""
        return {name: check["result"] for name, check in self.report["checks"].items()}

    def reason(self, check: str) -> str:
        """A check's reason."""
        return str(self.report["checks"][check]["reason"])

    def lane(self, name: str) -> dict[str, Any]:
        """The lane of a name."""
        return next(lane for lane in self.report["lanes"] if lane["name"] == name)


def bad(name: str) -> list[str]:
    """The flags for a structure of tests/bad, which has room for keys below 1024."""
    return ["--structure", str(BAD / f"ds_{name}.h"), "-k", "1000"]


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment in which the checkout's own package is found."""
    return os.environ | {"PYTHONPATH": str(CHECKOUT)} | dict(changes or {})


class Started:
    """A run that goes on; `wait` for its end."""

    def __init__(self, *flags: str, prefix: Sequence[str] = (), changes: Mapping[str, str] | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name).resolve()
        self._json = self.folder / "report.json"
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "workbench", "run", "--json", str(self._json), *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment(changes),
            cwd=self.folder,
            process_group=0,
        )

    def engine(self, doing: str = "lane-") -> int:
        """The engine's process id, once a thread whose name begins with `doing` is at work."""
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            for child in _children(self.process.pid):
                if b"workbench.engine.worker" in _command_line(child) and _busy(child, doing):
                    return child
            if self.process.poll() is not None:
                raise AssertionError(f"the run ended before it was at work: {self.wait().stderr}")
            time.sleep(0.02)
        raise AssertionError("no engine got to work")

    def send(self, number: signal.Signals) -> None:
        """Send the front a signal, but Ctrl-C's to its whole process group, as a terminal does."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def wait(self) -> Ran:
        """Its end, after which no process of it may hold a program."""
        try:
            stdout, stderr = self.process.communicate(timeout=LIMIT_S)
        finally:
            self.process.kill()
        report = json.loads(self._json.read_text()) if self._json.exists() else {}
        until = time.monotonic() + LEAVE_S  # an engine whose front was killed may be a moment behind
        while (left := holders(self.folder)) and time.monotonic() < until:
            time.sleep(0.02)
        assert not left, f"still attached or loaded: {left}"
        self._folder.cleanup()
        return Ran(self.process.returncode, stdout, stderr, report)


def run(*flags: str, prefix: Sequence[str] = (), changes: Mapping[str, str] | None = None) -> Ran:
    """One run from start to end."""
    return Started(*flags, prefix=prefix, changes=changes).wait()


def counts(ran: Ran) -> list[dict[str, Any]]:
    """What each lane did, without what depends on time."""
    names = ("name", "operations", "inserts", "deletes", "searches", "pops", "failures", "failures_by_code")
    return [{name: lane[name] for name in names} for lane in ran.report["lanes"]]


def gone(pid: int) -> bool:
    """Whether a process is gone, or goes within a few seconds."""
    for _ in range(LEAVE_S * 50):
        if not Path(f"/proc/{pid}").exists() or _state(pid) == "Z":
            return True
        time.sleep(0.02)
    return False


def holders(folder: Path) -> dict[int, set[str]]:
    """Processes that work in a folder and hold BPF programs, maps or attachments, and which of these."""
    found: dict[int, set[str]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str((process / "cwd").readlink()).removesuffix(" (deleted)") != str(folder):
                continue
            for entry in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    target = str(entry.readlink())
                    if "bpf" in target or "perf_event" in target:
                        found.setdefault(int(process.name), set()).add(target)
    return found


def _children(pid: int) -> list[int]:
    try:
        tasks = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    own = [int(child) for text in tasks for child in text.split()]
    return list(itertools.chain(own, *(_children(child) for child in own)))


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _state(pid: int) -> str:
    return (_stat(pid) or ["Z"])[0]


def _busy(pid: int, name: str) -> bool:
    """Whether a thread with such a name has used some time."""
    try:
        tasks = [(path / "stat").read_text() for path in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return False
    for text in tasks:
        head, _, rest = text.rpartition(")")
        user, system = rest.split()[11:13]
        if head.partition("(")[2].startswith(name) and int(user) + int(system) >= _TICKS:
            return True
    return False


_TICKS = 10  # of 10 ms
