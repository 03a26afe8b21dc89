# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A frame of the structure drawn into character cells: each has a sign and a look. Nothing here knows a widget.

What a look says, a sign says too: nothing is told by hue alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from workbench.arena.frame import Box, Frame, Mark, Role
from workbench.arena.plane import Point
from workbench.arena.view import ObjectState

LOOKS = (
    "blank",
    "wire",
    "marked",
    "bad",
    "box",
    "title",
    "text",
    "head",
    "array",
    "new",
    "changed",
    "retired",
    "quiet",
    "gone",
    "here",
    "under",
)
"""Names of looks; the screen has a style for each."""
_LOOK = {name: at for at, name in enumerate(LOOKS)}

NEW, CHANGED, GONE = "✱", "~", "†"
_NORTH, _EAST, _SOUTH, _WEST = 1, 2, 4, 8
_WIRES = " ╵╶└╷│┌├╴┘─┴┐┤┬┼"
_DASHES = {"─": "╌", "│": "╎"}
_HEADS = {(1, 0): "▶", (-1, 0): "◀", (0, 1): "▼", (0, -1): "▲"}
_PLAIN, _HEAD, _ARRAY, _DELETED, _HERE = "╭─╮│╰╯", "╔═╗║╚╝", "┌─┐│└┘", "╭╌╮╎╰╯", "┏━┓┃┗┛"


class Stop(msgspec.Struct, frozen=True):
    """Where the cursor can be: an object's box, or what stands for nodes left out, which `to` leads to."""

    offset: int | None
    to: int | None
    x: int
    y: int
    width: int
    height: int

    @property
    def name(self) -> tuple[int | None, int | None]:
        """What tells stops of one frame apart, and is the same in the next."""
        return self.offset, self.to

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle."""
        return self.x + self.width / 2, self.y + self.height / 2


class Drawing(msgspec.Struct, frozen=True):
    """Rows of signs and as many looks; and where the cursor can be, in the order of reading."""

    rows: tuple[tuple[str, bytes], ...]
    stops: tuple[Stop, ...]

    def stop_at(self, x: int, y: int) -> Stop | None:
        """The stop that covers a cell."""
        for stop in self.stops:
            if stop.x <= x < stop.x + stop.width and stop.y <= y < stop.y + stop.height:
                return stop
        return None


class _Canvas:
    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.signs = [[" "] * width for _ in range(height)]
        self.looks = [bytearray(width) for _ in range(height)]

    def put(self, x: int, y: int, text: str, look: str) -> None:
        """Write `text`, as far as it is on the canvas."""
        if not 0 <= y < self.height or x >= self.width:
            return
        text = text[max(0, -x) : self.width - x]
        x = max(0, x)
        self.signs[y][x : x + len(text)] = text
        self.looks[y][x : x + len(text)] = bytes([_LOOK[look]]) * len(text)

    def free(self, x: int, y: int, width: int) -> bool:
        """Whether nothing is there yet."""
        if not (0 <= y < self.height and x >= 0 and x + width <= self.width):
            return False
        return not any(self.looks[y][x : x + width])


def draw(frame: Frame, here: tuple[int | None, int | None] | None, width: int, height: int) -> Drawing:
    """Draw a frame; the cursor is `here`."""
    canvas = _Canvas(width, height)
    _wires(canvas, frame)
    for box in frame.boxes:
        if box.role is Role.NULL:
            canvas.put(box.x, box.y, box.title, "quiet")
        elif box.role is Role.BAD:
            canvas.put(box.x, box.y, box.title, "bad")
        else:
            _box(canvas, box, here == (box.offset, None))
    for gap in frame.gaps:
        under = gap.to is not None and here == (None, gap.to)
        canvas.put(gap.x, gap.y, gap.text, "under" if under else "quiet")
    for gone in frame.gone:
        text = f"{GONE} {gone.title}"
        if canvas.free(gone.x, gone.y, len(text)):
            canvas.put(gone.x, gone.y, text, "gone")
    rows = tuple(("".join(signs), bytes(looks)) for signs, looks in zip(canvas.signs, canvas.looks, strict=True))
    return Drawing(rows, stops_of(frame))


def stops_of(frame: Frame) -> tuple[Stop, ...]:
    """Where the cursor can be, in the order of reading."""
    boxes = [box for box in frame.boxes if box.role not in (Role.NULL, Role.BAD)]
    stops = [Stop(box.offset, None, box.x, box.y, box.width, box.height) for box in boxes]
    stops += [Stop(None, gap.to, gap.x, gap.y, len(gap.text), 1) for gap in frame.gaps if gap.to is not None]
    return tuple(sorted(stops, key=lambda stop: (stop.y, stop.x)))


def _wires(canvas: _Canvas, frame: Frame) -> None:
    """All wires: where two share a cell it joins or crosses them. Heads come last, so that none is run over."""
    cells: dict[Point, int] = {}
    looks: dict[Point, str] = {}
    heads: list[tuple[Point, str, str]] = []
    boxes = {box.offset: box for box in frame.boxes}
    for wire in frame.wires:
        look = "bad" if wire.kind.bad else "marked" if wire.marks else "wire"
        for start, end in pairwise(wire.points):
            _segment(cells, looks, start, end, look)
        if wire.points:
            start = wire.points[0]
            cells[start] = cells.get(start, 0) | _out_of(boxes.get(wire.source), wire.points)
            heads.append((wire.points[-1], _HEADS[_direction(wire.points)], look))
    for (x, y), bits in cells.items():
        look = looks.get((x, y), "wire")
        sign = _WIRES[bits]
        canvas.put(x, y, _DASHES.get(sign, sign) if look == "marked" else sign, look)
    for (x, y), sign, look in heads:
        canvas.put(x, y, sign, look)


def _segment(cells: dict[Point, int], looks: dict[Point, str], start: Point, end: Point, look: str) -> None:
    (x, y), (to_x, to_y) = start, end
    dx, dy = (to_x > x) - (to_x < x), (to_y > y) - (to_y < y)
    out = _EAST if dx > 0 else _WEST if dx < 0 else _SOUTH if dy > 0 else _NORTH
    back = {_EAST: _WEST, _WEST: _EAST, _SOUTH: _NORTH, _NORTH: _SOUTH}[out]
    steps = max(abs(to_x - x), abs(to_y - y))
    for step in range(steps + 1 if steps else 0):
        at = (x + dx * step, y + dy * step)
        cells[at] = cells.get(at, 0) | (out if step < steps else 0) | (back if step else 0)
        if looks.get(at) != "bad":
            looks[at] = look


def _out_of(box: Box | None, points: Sequence[Point]) -> int:
    """On which side of a wire's first cell the box is that it comes from."""
    x, y = points[0]
    if box is not None and y >= box.y + box.height:
        return _NORTH
    if box is not None and y < box.y:
        return _SOUTH
    if box is not None and x >= box.x + box.width:
        return _WEST
    return _WEST if points[-1][0] >= x else _EAST


def _direction(points: Sequence[Point]) -> tuple[int, int]:
    """Of the last part of a wire that has a length; to the right where none has."""
    for (x, y), (to_x, to_y) in reversed(list(pairwise(points))):
        if (x, y) != (to_x, to_y):
            dx, dy = (to_x > x) - (to_x < x), (to_y > y) - (to_y < y)
            return (dx, 0) if dx else (0, dy)
    return 1, 0


def _box(canvas: _Canvas, box: Box, here: bool) -> None:
    look = _box_look(box, here)
    corners = _HERE if here else _border(box)
    inner = box.width - 2
    sign = {Mark.NEW: NEW, Mark.CHANGED: CHANGED, Mark.NONE: " "}[box.mark]
    inside = box.height >= len(box.lines) + 3
    title = box.title[: max(0, inner - 2)]
    rows = [f"{title:<{inner - 2}}", *box.lines] if inside else list(box.lines)
    canvas.put(box.x, box.y, corners[0] + corners[1] * inner + corners[2], look)
    for at in range(1, box.height - 1):
        canvas.put(box.x, box.y + at, corners[3] + " " * inner + corners[3], look)
    canvas.put(box.x, box.y + box.height - 1, corners[4] + corners[1] * inner + corners[5], look)
    for at, text in enumerate(rows[: box.height - 2], 1):
        canvas.put(box.x + 2, box.y + at, text[: inner - 1], "title" if inside and at == 1 else "text")
    if inside:
        canvas.put(box.x + 1, box.y, sign if sign != " " else corners[1], look)
    else:
        canvas.put(box.x + 1, box.y, sign, look)
        canvas.put(box.x + 2, box.y, f"{title} ", "here" if here else "title" if look in ("box", "array") else look)
    word = _word(box)
    if word and inner >= len(word):
        canvas.put(box.x + 1, box.y + box.height - 1, word, look)


def _border(box: Box) -> str:
    if box.role is Role.HEAD:
        return _HEAD
    return _ARRAY if box.role is Role.ARRAY else _DELETED if box.deleted else _PLAIN


def _word(box: Box) -> str:
    """What is wrong with an object, or will soon be."""
    if box.state is ObjectState.RETIRED:
        return "retired"
    if box.state is ObjectState.FREED:
        return "freed"
    return "marked" if box.deleted else ""


def _box_look(box: Box, here: bool) -> str:
    if here:
        return "here"
    if box.state is ObjectState.FREED:
        return "bad"
    if box.state is ObjectState.RETIRED or box.deleted:
        return "retired"
    if box.mark is not Mark.NONE:
        return "new" if box.mark is Mark.NEW else "changed"
    return {Role.HEAD: "head", Role.ARRAY: "array"}.get(box.role, "box")


def step(stops: Sequence[Stop], here: Stop, right: int, down: int, *, wrapped: bool = True) -> Stop:
    """The next stop in a direction; sideways at the end of a row that is `wrapped`, the next one to be read."""
    x, y = here.middle
    best, least = None, 0.0
    for stop in stops:
        if stop.name == here.name:
            continue
        dx, dy = stop.middle[0] - x, stop.middle[1] - y
        if right:
            # The same row: their heights overlap.
            if dx * right <= 0 or stop.y >= here.y + here.height or here.y >= stop.y + stop.height:
                continue
            cost = abs(dx) + 4 * abs(dy)
        else:
            apart = stop.y - (here.y + here.height) if down > 0 else here.y - (stop.y + stop.height)
            if apart < -1 or dy * down <= 0:
                continue
            cost = 4 * abs(dy) + abs(dx)
        if best is None or cost < least:
            best, least = stop, cost
    if best is None and right and wrapped:
        order = [stop.name for stop in stops]
        at = order.index(here.name) + right if here.name in order else 0
        return stops[at] if 0 <= at < len(stops) else here
    return best or here


def nearest(stops: Sequence[Stop], x: float, y: float) -> Stop | None:
    """The stop nearest to a place."""
    return min(stops, key=lambda stop: abs(stop.middle[0] - x) + 3 * abs(stop.middle[1] - y), default=None)
