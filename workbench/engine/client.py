# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The front's handle on an engine: starts it, commands it, reads its memory, and says how it died.

The front runs no structure code. It maps the engine's telemetry read-only and holds the arena's file descriptor, so
both outlive the engine.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from workbench import telemetry
from workbench.engine import messages
from workbench.errors import EngineError, MachineError
from workbench.telemetry import Control, LaneSample

if TYPE_CHECKING:
    from workbench.arena.state import ArenaState
    from workbench.arena.view import ArenaView

_PACKAGE_PARENT = Path(__file__).resolve().parents[2]
_LEAVE_S = 5.0
_KEPT = 1 << 20  # bytes of what the engine prints
_WORDS = 2000  # bytes of it that are shown


class Death(msgspec.Struct, frozen=True):
    """How an engine ended without being asked to: by which signal, and what the lane that caused it was doing.

    `noted` tells whether the engine could still say so itself; `slot` is None when no lane did it. `address` is what
    could not be accessed and `instruction` where the driver's object was, 0 when not known. `words` is the end of what
    was written to stderr or stdout.
    """

    signal: str
    noted: bool = False
    slot: int | None = None
    operation: str = ""
    key: int | None = None
    address: int = 0
    instruction: int = 0
    words: str = ""


class Engine:
    """One engine process, from Configure to its end. Use as a context manager: leaving it leaves nothing behind."""

    def __init__(self, configure: messages.Configure) -> None:
        self._runtime = configure.runtime
        self.arena_fd = -1
        self.arena_bytes = 0
        self._telemetry: mmap.mmap | None = None
        self._view: ArenaView | None = None
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (mine, its):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, messages.PACKET)
        self._socket = mine
        paths = [str(_PACKAGE_PARENT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._said = _bounded_file()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workbench.engine.worker", str(its.fileno())],
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            # Ctrl-C is the front's to handle: it asks the lanes to stop, and the engine must live to report.
            process_group=0,
        )
        its.close()
        self.send(configure)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The engine's process id."""
        return self._process.pid

    def fileno(self) -> int:
        """For select: readable when `next_event` will not wait."""
        return self._socket.fileno()

    def send(self, command: messages.Command) -> None:
        """Tell the engine something; one that has gone is noticed by `next_event`."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(messages.encode(command))

    def next_event(self, timeout_s: float) -> messages.Event | None:
        """The next event, or None when there is none within `timeout_s`.

        Raises EngineDied when the engine has ended.
        """
        if not select.select([self._socket], [], [], timeout_s)[0]:
            return None
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._socket, messages.PACKET, 4)
        except ConnectionResetError:
            packet, descriptors = b"", []
        if not packet:
            raise EngineDied(self.death())
        try:
            event = messages.event(packet)
        except msgspec.MsgspecError:
            self.kill()
            raise EngineDied(Death("nonsense: something overwrote its memory", words=self.words())) from None
        if isinstance(event, messages.Mapped):
            self.arena_fd, telemetry_fd = descriptors
            self.arena_bytes = event.arena_bytes
            self._telemetry = mmap.mmap(telemetry_fd, event.telemetry_bytes, prot=mmap.PROT_READ)
            os.close(telemetry_fd)
        return event

    @property
    def memory(self) -> memoryview | None:
        """The telemetry, once the engine has mapped it."""
        return memoryview(self._telemetry) if self._telemetry is not None else None

    def control(self) -> Control | None:
        """The run's control word."""
        memory = self.memory
        return telemetry.read_control(memory) if memory is not None else None

    def lane(self, slot: int) -> LaneSample | None:
        """A sample of one telemetry slot."""
        memory = self.memory
        return telemetry.read_lane(memory, slot) if memory is not None else None

    def view(self) -> ArenaView | None:
        """The arena, mapped here once for all who look into it, until `close`; None when there is none to look at.

        A BPF arena is at its own address in every process, so a second mapping would fail.
        """
        if self._view is None and self.arena_fd >= 0:
            from workbench.arena.view import ArenaView  # cffi: only for a screen, or after a death

            # A memfd is as long as it was made: shorter now, and reading it would kill the front.
            if 0 < os.fstat(self.arena_fd).st_size < self.arena_bytes:
                return None
            with contextlib.suppress(MachineError):
                self._view = ArenaView(self.arena_fd, self.arena_bytes, Path(self._runtime))
        return self._view

    def arena_state(self) -> ArenaState | None:
        """The allocator's counters and faults now, or as the engine left them; None when it did not come so far."""
        view = self.view()
        return view.state() if view is not None else None

    def kill(self) -> None:
        """End the engine at once; whatever it had attached goes with it."""
        self._process.kill()
        self._process.wait()

    def death(self) -> Death:
        """How the engine ended. Waits for the process, which must be about to end."""
        try:
            status = self._process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            status = -signal.SIGKILL
        name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        control, words = self.control(), self.words()
        if control is None or not control.crash_signal:
            return Death(name, words=words)
        if control.crash_signal != telemetry.CRASH_EXIT:
            name = signal.Signals(control.crash_signal).name
        operation, key = telemetry.named(control.crash_operation) if control.crash_slot else ("", None)
        return Death(
            name,
            noted=True,
            slot=control.crash_slot - 1 if control.crash_slot else None,
            operation=operation,
            key=key,
            address=control.crash_address,
            instruction=control.crash_instruction,
            words=words,
        )

    def words(self) -> str:
        """The end of what the engine, the structure's code in it above all, wrote to stdout and stderr."""
        size = os.lseek(self._said, 0, os.SEEK_CUR)
        text = os.pread(self._said, min(size, _WORDS), max(0, size - _WORDS)).decode(errors="replace").strip()
        return text if size <= _WORDS else f"... {text}"

    def close(self) -> None:
        """Ask the engine to leave, and see to it that it does."""
        self.send(messages.Leave())
        try:
            self._process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._socket.close()
        if self._view is not None:
            self._view.close()
            self._view = None
        if self.arena_fd >= 0:
            os.close(self.arena_fd)
            self.arena_fd = -1
        if self._said >= 0:
            os.close(self._said)
            self._said = -1


def _bounded_file() -> int:
    """A nameless file for what is printed: beyond its size, writing fails and nothing more is kept."""
    descriptor = os.memfd_create("engine's words", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, _KEPT)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
    return descriptor


class EngineDied(EngineError):
    """The engine ended by itself; `death` says how."""

    def __init__(self, death: Death) -> None:
        super().__init__(f"the engine ended: {death.signal}")
        self.death = death
