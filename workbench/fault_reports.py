# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What programs' streams say, sorted: the kernel's reports of faults, each kind once with its count, and other text.

A report is an ERROR line and a call trace up to an empty line (kernel/bpf/stream.c, arena.c; Linux 6.17 and later). In
the trace, a program's frame is followed by its line of source.
"""

from __future__ import annotations

import re

import msgspec

KEPT_REPORTS = 100
"""Kinds of report kept, the first ones; what comes more often is counted."""

KEPT_TEXT = 1 << 14
"""Characters kept of other text of a stream, the last ones."""

_SOURCE = re.compile(r"^\s+(?P<text>.*?)\s+@ (?P<place>\S+:\d+)$")
_FRAME = re.compile(r"^bpf_prog_[0-9a-f]{16}_(?P<name>\w+)\+")
_ADDRESS = re.compile(r"0x[0-9a-f]+")


class FaultReport(msgspec.Struct, frozen=True):
    """A kind of fault of a program: the words of the last one, where from the innermost line of source on, how often.

    Two are of one kind when they differ in the address alone. `text` is the last one in full.
    """

    program: str
    words: str
    where: tuple[str, ...]
    count: int
    text: str


class StreamText(msgspec.Struct, frozen=True):
    """The end of what a program's stream says beside reports; `stream` is "stdout" or "stderr"."""

    program: str
    stream: str
    text: str


class Collector:
    """Sorts the streams of one run as they are read, in pieces of any size."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], str] = {}
        self._reports: dict[tuple[str, str, tuple[str, ...]], FaultReport] = {}
        self._others: dict[tuple[str, str], str] = {}

    def add(self, program: str, stream: str, text: str) -> None:
        """More of a stream."""
        key = (program, stream)
        block = ""
        for line in (self._open.pop(key, "") + text).splitlines(keepends=True):
            if not line.endswith("\n"):
                block += line  # the rest comes with the next piece
            elif line.startswith("ERROR:"):
                self._enter(program, block)
                block = line
            elif block and line.strip():
                block += line
            elif block:
                self._enter(program, block)
                block = ""
            elif line.strip():
                self._others[key] = (self._others.get(key, "") + line)[-KEPT_TEXT:]
        if block:
            self._open[key] = block

    @property
    def reports(self) -> tuple[FaultReport, ...]:
        """What is complete so far."""
        return tuple(self._reports.values())

    @property
    def others(self) -> tuple[StreamText, ...]:
        """Text that is no report."""
        return tuple(StreamText(program, stream, text) for (program, stream), text in self._others.items())

    def _enter(self, program: str, block: str) -> None:
        if not block:
            return
        lines = block.splitlines()
        words, where = lines[0].removeprefix("ERROR:").strip(), _where(lines)
        key = (program, _ADDRESS.sub("", words), where)
        before = self._reports.get(key)
        if before is None and len(self._reports) >= KEPT_REPORTS:
            return
        self._reports[key] = FaultReport(program, words, where, before.count + 1 if before else 1, block)


def _where(lines: list[str]) -> tuple[str, ...]:
    """Lines of source, innermost first; without any, the programs' frames."""
    sources = [f"{found['place']}  {found['text']}" for line in lines if (found := _SOURCE.match(line))]
    frames = [f"in {found['name']}()" for line in lines if (found := _FRAME.match(line))]
    return tuple(sources or frames)
