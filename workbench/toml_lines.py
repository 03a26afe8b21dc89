# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""On which line of a TOML text a value stands: parsers forget it, and an error message needs it."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(r"\s*\[\[?\s*([^\]#]+?)\s*\]")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def line_of(text: str, path: Sequence[str]) -> int | None:
    """The line (from 1) of `path`, or of the nearest table around it; None when not even that is there.

    A value inside an inline table or a list is reported at the line where that begins.
    """
    best_length, best_line = 0, None
    table: tuple[str, ...] = ()
    quote = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if quote:  # inside a multi-line string, where nothing is a key
            if line.count(quote) % 2:
                quote = ""
            continue
        if header := _HEADER.match(line):
            table = here = _parts(header.group(1))
        elif key := _KEY.match(line):
            here = table + _parts(key.group(1))
        else:
            continue
        if len(here) > best_length and tuple(path[: len(here)]) == here:
            best_length, best_line = len(here), number
        quote = next((q for q in ('"""', "'''") if line.count(q) % 2), "")
    return best_line


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
