# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What each cell of the map of pages looks like: a glyph by how full it is, a look by what the person colours by.

A look is a number: place in LOOKS, and HOT beside it for what changed just now. Nothing here knows a widget.
"""

from __future__ import annotations

import msgspec

from workbench.arena.pages import Cells

COLOURS = ("class", "lane", "context", "age")
"""What hues can tell."""

HUES = 7
LOOKS = (
    "none",
    "free",
    "own",
    *(f"hue-{number}" for number in range(HUES)),
    "runs",
    "user",
    "kernel",
    *(f"age-{number}" for number in range(4)),
)
"""Names of looks; the screen has a style for each."""
HOT = 0x80
HOT_TICKS = 5
_AGES = (5, 20, 100)  # ticks of 100 ms: half a second, two, ten

GLYPHS = "·░▒▓█≡×"
_NONE, _EMPTY, _LOW, _HIGH, _FULL, _OWN, _APART = range(7)


_BY_FILL = bytes([_EMPTY, *[_LOW] * 127, *[_HIGH] * 127, _FULL])
_FILLED = 0xFF
_BY_KIND = bytes((_NONE, _EMPTY, _FILLED, _FILLED, _FILLED, _OWN, _APART))  # by PageKind
_LOOK = {name: at for at, name in enumerate(LOOKS)}
_KIND_LOOK = bytes((_LOOK["none"], _LOOK["free"], _FILLED, _FILLED, _FILLED, _LOOK["own"], _LOOK["own"]))
_HUE = bytes(_LOOK["hue-0"] + number % HUES for number in range(256))
_BY_CLASS = bytes([_LOOK["runs"]]) + _HUE[:-1]  # class 1 has the first hue
_BY_CONTEXT = bytes([_LOOK["user"], *[_LOOK["kernel"]] * 255])
_BY_AGE = bytes(_LOOK[f"age-{sum(age > limit for limit in _AGES)}"] for age in range(256))


class Grid(msgspec.Struct, frozen=True):
    """Cells ready to be drawn: `glyphs` and `looks` have one of each a cell, from cell number `first` on.

    Cell numbers count from the arena's beginning.
    """

    first: int
    per_cell: int
    glyphs: str
    looks: bytes

    def slice(self, start: int, end: int) -> tuple[str, bytes]:
        """Glyphs and looks of cells [start, end), as far as they are known here."""
        low, high = max(0, start - self.first), max(0, end - self.first)
        return self.glyphs[low:high], self.looks[low:high]


def grid(cells: Cells, colour: str) -> Grid:
    """What cells look like."""
    fills = cells.fill.translate(_BY_FILL)
    codes = bytes(map(_code, cells.kind, fills))
    column = {
        "class": lambda: cells.size_class.translate(_BY_CLASS),
        "lane": lambda: cells.lane.translate(_HUE),
        "context": lambda: cells.kernel.translate(_BY_CONTEXT),
        "age": lambda: cells.age.translate(_BY_AGE),
    }[colour]()
    looks = bytes(map(_look, cells.kind, column, cells.age))
    return Grid(cells.first // cells.per_cell, cells.per_cell, "".join(map(GLYPHS.__getitem__, codes)), looks)


def class_look(size_class: int) -> str:
    """The look of a size class."""
    return LOOKS[_BY_CLASS[size_class & 0xFF]]


def lane_look(lane: int) -> str:
    """The look of a lane."""
    return LOOKS[_HUE[lane & 0xFF]]


def _look(kind: int, chosen: int, age: int) -> int:
    look = _KIND_LOOK[kind]
    if look != _FILLED:
        chosen = look
    return chosen | HOT if age <= HOT_TICKS and look != _LOOK["none"] else chosen


def _code(kind: int, fill: int) -> int:
    return fill if _BY_KIND[kind] == _FILLED else _BY_KIND[kind]


def zooms(pages: int, room: int) -> tuple[int, ...]:
    """Pages a cell, from one to as many as bring the whole arena into `room` cells."""
    steps = [1]
    while pages > steps[-1] * max(1, room):
        steps.append(steps[-1] * 2)
    return tuple(steps)
