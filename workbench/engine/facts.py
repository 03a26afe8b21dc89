# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the kernel tells of the programs that were loaded, and its counting of their runs, on only while wanted."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

from workbench.engine import messages
from workbench.engine.sides import TRACEPOINTS, KernelSide
from workbench.native import Library

LEASE_S = 3.0
"""Counting ends so long after it was last asked for: a front that is suspended asks for nothing."""

_STREAMS = (1, 2)  # stdout, stderr
_STREAM_BYTES = 1 << 16
_STREAM_READS = 2  # the kernel keeps 100,000 bytes a stream


class Facts:
    """Reads KernelFacts of one KernelSide."""

    def __init__(self, side: KernelSide) -> None:
        self._side = side
        self._library = Library("bpf_facts.h", side.loader)
        self._statistics = _Statistics(self._library.call)
        self._text = self._library.ffi.new("char[]", _STREAM_BYTES)

    def read(self, stage: str, wanted: frozenset[int], *, statistics: bool) -> messages.KernelFacts:
        """All that is known now; `wanted` are the triggers that are switched on."""
        problem = self._statistics.ask(on=statistics)
        call = self._library.call
        programs = list(self._side.programs())
        return messages.KernelFacts(
            stage=stage,
            monotonic_ns=time.monotonic_ns(),
            boottime_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME),
            statistics=problem if statistics else None,
            programs=[
                {"name": name, "statistics": said, **facts}
                for name, fd, said in programs
                if (facts := self._of(call.bpf_facts_program, "struct bpf_program_facts", fd))
            ],
            maps=[
                {"name": name, **facts}
                for name, fd in self._side.maps()
                if (facts := self._of(call.bpf_facts_map, "struct bpf_map_facts", fd))
            ],
            triggers=[self._trigger(trigger, wanted=trigger in wanted) for trigger in range(len(TRACEPOINTS))],
            streams=self._streams([(name, fd) for name, fd, _ in programs]),
        )

    def _trigger(self, trigger: int, *, wanted: bool) -> messages.TriggerFacts:
        fd = self._side.link(trigger)
        link = self._of(self._library.call.bpf_facts_link, "struct bpf_link_facts", fd) if fd >= 0 else None
        return messages.TriggerFacts(wanted, link, self._side.problems.get(trigger, ""))

    def _of(self, ask: Any, kind: str, fd: int) -> dict[str, Any] | None:
        """A record as a dict, its texts decoded; None where the kernel does not tell."""
        record = self._library.ffi.new(f"{kind} *")
        if fd < 0 or ask(fd, record):
            return None
        plain = self._library.plain(record[0])
        for name in ("type", "event"):
            if name in plain:
                plain[name] = self._library.ffi.string(getattr(record, name)).decode(errors="replace")
        return plain

    def _streams(self, programs: list[tuple[str, int]]) -> list[tuple[str, int, str]] | None:
        said = []
        for name, fd in programs:
            for stream in _STREAMS:
                try:
                    text = b"".join(self._taken(fd, stream))
                except OSError:
                    return None
                if text:
                    said.append((name, stream, text.decode(errors="replace")))
        return said

    def _taken(self, fd: int, stream: int) -> Iterator[bytes]:
        for _ in range(_STREAM_READS):
            taken = self._library.call.bpf_facts_stream(fd, stream, self._text, _STREAM_BYTES)
            if taken < 0:
                raise OSError(-taken, os.strerror(-taken))
            if not taken:
                return
            yield self._library.ffi.buffer(self._text, taken)[:]


class _Statistics:
    """The kernel counts runs and their time, of all programs of the machine, while a descriptor is open."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._fd = -1
        self._until = 0.0
        self._times = 0

    def ask(self, *, on: bool) -> str:
        """Have them on for LEASE_S from now on, or off; "" or why they cannot be."""
        with self._lock:
            if not on:
                self._close()
                return ""
            self._until = time.monotonic() + LEASE_S
            if self._fd >= 0:
                return ""
            fd = int(self._call.bpf_facts_statistics())
            if fd < 0:
                return f"{errno.errorcode.get(-fd, -fd)}: {os.strerror(-fd)}"
            self._fd = fd
            self._times += 1
            threading.Thread(target=self._watch, args=(self._times,), name="statistics", daemon=True).start()
            return ""

    def _watch(self, times: int) -> None:
        """Close what was opened as number `times` when nobody has asked for so long."""
        while True:
            with self._lock:
                if self._fd < 0 or self._times != times:
                    return
                left = self._until - time.monotonic()
                if left <= 0:
                    self._close()
                    return
            time.sleep(left)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
