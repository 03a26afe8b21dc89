# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What compilers and the kernel's verifier say, cut down to what a person needs first; nothing is reworded."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from workbench import cache

TAIL_LINES = 30

_DIAGNOSTIC = re.compile(r"^(?P<file>[^\s:][^:]*):(?P<line>\d+)(?::\d+)?: (?P<kind>fatal error|error|warning|note): ")
_LEAD = re.compile(r"^(In file included from |\s+from \S+:\d+|\S+: In function |\S+: At top level)")
_LINKER = re.compile(r"undefined reference|multiple definition|cannot find -l|: error: |^error: |collect2: error|ld: ")

# Reading a log of hundreds of MB from its end: enough for the reason, then further back for a source comment.
_WINDOWS = (1 << 18, 1 << 22, 1 << 25)
_SOURCE = re.compile(r"^; (?P<text>.*?) ?@ (?P<file>[^@]*?):(?P<line>\d+)$")
_INSTRUCTION = re.compile(r"^\d+: (\([0-9a-f]{2}\)|R\d|safe$)|^from \d+ to \d+|^\d+: $")
_STATE = re.compile(
    r"^\s*(frame\d+: ?)?R\d+(_\w+)?=|^(cur|old) state:|^(caller|callee):$|^\s*refs=|^mark_precise:|^\s*fp-\d+"
    r"|^(to caller|returning from callee)"
)
_ENDING = re.compile(r"^processed \d+ insns|^verification time|^stack depth|^-- END PROG LOAD LOG --|^\s*$")
_LIBBPF = re.compile(r"^(libbpf: |Error: |libbpf\(\d\): )")


class VerifierReport(msgspec.Struct, frozen=True):
    """Why the kernel refused a program, and for which line of source ("" and 0 where the log does not say)."""

    source_file: str
    line: int
    source_text: str
    reason: str
    tail: tuple[str, ...]
    log_path: Path

    def __str__(self) -> str:
        where = f"{self.source_file}:{self.line}: " if self.source_file else ""
        source = f"\n    {self.source_text}" if self.source_text else ""
        tail = "\n".join(f"  {line}" for line in self.tail)
        return (
            f"{where}rejected by the kernel's verifier: {self.reason}{source}\n"
            f"The last {len(self.tail)} lines of its log (the whole log: {self.log_path}):\n{tail}"
        )


def compile_errors(stderr: str, limit: int = 5) -> str:
    """The errors of a compiler's text, first error first, each with its context and notes; at most `limit` of them.

    Warnings are shown only where there is no error.
    """
    lead: list[str] = []
    blocks: list[tuple[str, list[str]]] = []
    for line in stderr.splitlines():
        match = _DIAGNOSTIC.match(line)
        if match and match["kind"] != "note":
            blocks.append((match["kind"], [*lead, line]))
            lead = []
        elif _LEAD.match(line):
            lead.append(line)
        elif blocks and not re.match(r"^\d+ (error|warning)s?.* generated\.$", line):
            blocks[-1][1].extend([*lead, line])
            lead = []
        elif not blocks:
            blocks.append(("error" if _LINKER.search(line) else "other", [*lead, line]))
            lead = []
    errors = [lines for kind, lines in blocks if kind.endswith("error")]
    shown = errors or [lines for _, lines in blocks]
    text = "\n".join(line for lines in shown[:limit] for line in lines)
    more = len(shown) - limit
    return f"{text}\n... and {more} more error{'s' if more > 1 else ''}" if more > 0 else text


def explain_verifier(log: str | Path, obj: Path) -> VerifierReport:
    """What a verifier's log (log level 1, libbpf's lines around it or not) says of the object `obj`.

    A log given as a file is read from its end only. The whole log is kept in the cache; its path is in the report.
    """
    kept = _keep(log, obj)
    size = kept.stat().st_size
    lines: list[str] = []
    source: re.Match[str] | None = None
    reason = ""
    for window in _WINDOWS:
        lines = _last_log(_tail(kept, window))
        reason, before = _reason(lines)
        source = next((found for line in reversed(lines[:before]) if (found := _SOURCE.match(line))), None)
        if source or window >= size:
            break
    tail = tuple(line[:400] for line in lines[-TAIL_LINES:])
    if not source:
        return VerifierReport("", 0, "", reason, tail, kept)
    file = _full_path(source["file"], obj)
    return VerifierReport(file, int(source["line"]), source["text"].strip(), reason, tail, kept)


def _keep(log: str | Path, obj: Path) -> Path:
    folder = cache.root() / "logs"
    if isinstance(log, Path) and log.parent == folder:
        return log
    kept = folder / f"{obj.name.split('.')[0]}-{obj.parent.name[:12]}.log"
    if isinstance(log, Path):
        folder.mkdir(exist_ok=True)
        shutil.copyfile(log, kept)
    else:
        cache.write(kept, log.encode(errors="replace"))
    return kept


def _tail(path: Path, count: int) -> list[str]:
    with path.open("rb") as file:
        start = max(0, os.fstat(file.fileno()).st_size - count)
        file.seek(start)
        lines = file.read().decode(errors="replace").rstrip("\x00\n").splitlines()
    return lines[1:] if start else lines


def _last_log(lines: list[str]) -> list[str]:
    """The lines of the last program's log, without libbpf's own around them, if both are there."""
    end = next((at for at in reversed(range(len(lines))) if "-- END PROG LOAD LOG --" in lines[at]), None)
    if end is None:
        return lines
    begin = next((at for at in reversed(range(end)) if "-- BEGIN PROG LOAD LOG --" in lines[at]), -1)
    return lines[begin + 1 : end] or lines


def _reason(lines: list[str]) -> tuple[str, int]:
    """The verifier's reason and the index of the line it starts at."""
    end = len(lines)
    while end and (_ENDING.match(lines[end - 1]) or _LIBBPF.match(lines[end - 1])):
        end -= 1
    at = end
    said: list[int] = []
    while at:
        line = lines[at - 1]
        if _INSTRUCTION.match(line) or _SOURCE.match(line):
            if said:
                break
        elif not _STATE.match(line) and not _ENDING.match(line):
            said.append(at - 1)
        at -= 1
    if said:
        first = said[-1]
        return lines[first].strip(), first
    return _refusal(lines), end


def _refusal(lines: Iterable[str]) -> str:
    """Refused before anything was verified: all there is, is libbpf's word."""
    spoken = [line for line in lines if line.strip()]
    failed = [line for line in spoken if "failed" in line or "Error" in line]
    return (failed or spoken or ["the kernel gave no reason"])[0].removeprefix("libbpf: ").strip()


def _full_path(name: str, obj: Path) -> str:
    """The path of a source that the log names by its last part, if the build knows exactly one."""
    try:
        paths = (obj.parent / "sources.txt").read_text().splitlines()
    except OSError:
        return name
    matching = {path for path in paths if path.endswith(f"/{name}")}
    return matching.pop() if len(matching) == 1 else name
