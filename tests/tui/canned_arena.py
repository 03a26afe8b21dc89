# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An arena that never was: pages by arithmetic, a list and a tree put on the plane as the real ones are.

The list is of keys 17, 20, 23 and so on, one every 32 bytes from page 100 on; it changes with each frame.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from workbench.arena import plane
from workbench.arena.frame import Box, Detail, Frame, Gap, Gone, Link, Mark, Role, Wire
from workbench.arena.links import LinkKind
from workbench.arena.pages import Cells, ClassTotals, PageKind, Refresh, Totals
from workbench.arena.plane import Point, Spot
from workbench.arena.shapes import Figure
from workbench.arena.slots import PageDetail, Slot
from workbench.arena.types import Field, Kind, Value
from workbench.arena.view import ObjectState
from workbench.errors import WorkbenchError
from workbench.tui import page_cells
from workbench.tui.look import LinksAsk, LinksFrame, PagesAsk, PagesFrame

PAGES_FIRST = 13
FIRST_NODE = 100 * 4096 + 16
BASE = 1 << 44
_CELL = struct.Struct("=BBBBBBH7IIIIIIQQ")
_KEY = Field("key", 8, 8, Kind.UNSIGNED, "__u64")
_VALUE = Field("value", 16, 8, Kind.UNSIGNED, "__u64")


def key_of(offset: int) -> int:
    """The key in the node at an offset."""
    return 17 + 3 * ((offset - FIRST_NODE) // 32)


def node_of(key: int) -> int:
    """Where the node with a key is."""
    return FIRST_NODE + 32 * ((key - 17) // 3)


class CannedLook:
    """Answers at once, and remembers what it was asked. `bad`: the list ends in freed memory; `moving`: other
    pages change from frame to frame."""

    def __init__(
        self, *, pages: int = 4096, frontier: int = 420, figure: Figure = Figure.CHAIN, nodes: int = 1343
    ) -> None:
        self.pages_count = pages
        self.frontier = frontier
        self.figure = figure
        self.nodes = nodes
        self.bad = False
        self.moving = False
        self.error: WorkbenchError | None = None
        self.unformatted = False
        self.frames = 0
        self.page_asks: list[PagesAsk] = []
        self.link_asks: list[LinksAsk] = []

    def lane_name(self, lane: int) -> str:
        return ("setup", "keeper", "by hand", "user 0", "user 1", "kernel 2")[lane % 6]

    # Pages

    def pages(self, ask: PagesAsk) -> PagesFrame | None:
        self._refuse()
        if self.unformatted:
            return None
        self.page_asks.append(ask)
        self.frames += ask.fresh
        cells = self._cells(ask.first, ask.per_cell, ask.count)
        cell = self._cells(ask.page // ask.per_cell, ask.per_cell, 1)
        return PagesFrame(
            ask=ask,
            refresh=Refresh(self.pages_count, PAGES_FIRST, self.pages_count, self.frontier, self.frames, 1, 1, 0),
            grid=page_cells.grid(cells, ask.colour),
            totals=self._totals(),
            cell=cell.at(0) if cell.count else None,
            lanes=tuple(sorted(set(cells.lane))),
            page=self._page(ask.page) if ask.detail else None,
        )

    def _kind(self, page: int) -> PageKind:
        if page < 2:
            return PageKind.APART
        if page < PAGES_FIRST:
            return PageKind.META
        if page >= self.frontier:
            return PageKind.UNPOPULATED
        if page % 50 < 3:
            return PageKind.RUN if page % 50 == 0 else PageKind.RUN_TAIL
        return PageKind.FREE if page > self.frontier - 40 else PageKind.SMALL

    def _cells(self, first: int, per_cell: int, count: int) -> Cells:
        last = -(-self.pages_count // per_cell)
        rows = [self._cell(cell * per_cell, per_cell) for cell in range(first, min(first + count, last))]
        columns = [bytes(row[at] for row in rows) for at in range(7)]
        kind, fill, size_class, kernel, age, _, lane = columns
        raw = b"".join(_CELL.pack(*row) for row in rows)
        return Cells(
            first * per_cell, per_cell, len(rows), self.pages_count, kind, fill, size_class, kernel, age, lane, raw
        )

    def _cell(self, page: int, per_cell: int) -> tuple[int, ...]:
        kind = self._kind(page)
        used = kind in (PageKind.SMALL, PageKind.RUN, PageKind.RUN_TAIL)
        fill = (255, 0, 200, 90, 30, 255, 140)[page // 3 % 7] if used else 0
        size_class = (page // 60 % 5) + 2 if kind is PageKind.SMALL else 0
        age = (
            1
            if used and (page + 7 * (self.frames if self.moving else 1)) % 61 < 4
            else 255
            if not used
            else page % 150 + 6
        )
        lane = page // 16 % 3 + 3
        kinds = [per_cell if one is kind else 0 for one in PageKind]
        live = fill // 2
        return (
            *(kind, fill, size_class, int(lane == 5), age, 0, lane),
            *(*kinds, live, 1, 127, 127 if used else 0, 0, live * 32, 4096),
        )

    def _totals(self) -> Totals:
        kinds = dict.fromkeys(PageKind, 0)
        for page in range(self.frontier):
            kinds[self._kind(page)] += 1
        kinds[PageKind.UNPOPULATED] = self.pages_count - self.frontier
        classes = tuple(
            ClassTotals(size_class=at, slot_size=16 * at, pages=60, empty_pages=4, capacity=7000, carved=6000,
                        live=900 + at, retired=3)
            for at in range(2, 7)
        )  # fmt: skip
        return Totals(
            kinds=kinds, free_runs=3, longest_free=31, due=0, live_bytes=412_000, retired_bytes=2_400,
            idle_bytes=88_000, fresh_bytes=120_000, lost_bytes=51_000,
            classes=(ClassTotals(0, 0, 24, 0, 8, 8, 8, 0), *classes),
        )  # fmt: skip

    def _page(self, page: int) -> PageDetail:
        kind = self._kind(page)
        slots: tuple[Slot, ...] = ()
        if kind is PageKind.SMALL or page == FIRST_NODE // 4096:
            kind = PageKind.SMALL
            slots = tuple(_slot(index, page) for index in range(90))
        return PageDetail(
            page=page, kind=kind, readable=kind in (PageKind.SMALL, PageKind.FREE), size_class=2, slot_size=32,
            capacity=127, lane=page // 16 % 3 + 3, kernel=False, age=page % 40, run_first=page - page % 50, run_pages=3,
            slots=slots, content=bytes(4096) if kind is PageKind.SMALL else b"",
        )  # fmt: skip

    # Links

    def links(self, ask: LinksAsk) -> LinksFrame:
        self._refuse()
        self.link_asks.append(ask)
        detail = self._detail(ask.detail) if ask.detail is not None else None
        if not ask.drawn:
            return LinksFrame(ask, None, detail)
        self.frames += 1
        known = ask.focus is None or 0 <= (ask.focus - FIRST_NODE) // 32 < self.nodes
        focus = ask.focus if known else None
        frame = self._tree(ask) if self.figure is Figure.TREE else self._chain(ask, focus)
        return LinksFrame(ask, frame, detail, (frame.boxes[-2].offset,) if self.bad else ())

    def find(self, field: str, number: int, after: int | None) -> tuple[int, tuple[int, ...]]:
        self._refuse()
        if field != "key" or (number - 17) % 3 or not 17 <= number < 17 + 3 * self.nodes:
            return 0, ()
        return 1, (node_of(number),)

    def _chain(self, ask: LinksAsk, focus: int | None) -> Frame:
        """The head, ten nodes from the focus on, what is left out, the end."""
        first = key_of(focus) if focus is not None else 17
        keys = [first + 3 * at for at in range(10)]
        sizes = [(13, 5), *(_size(key) for key in keys), (len("… 1,332 more …"), 5), (19, 5)]
        spots = plane.rows(sizes, ask.width)
        boxes = [_head(spots[0])]
        for at, key in enumerate(keys):
            mark = Mark.NEW if at == 3 else Mark.CHANGED if at == 5 else Mark.NONE
            boxes.append(_node(key, spots[1 + at], mark, deleted=at == 4, retired=at == 7, here=focus == node_of(key)))
        gap = Gap(spots[11].x, spots[11].y + 2, "… 1,332 more …", 1332, node_of(keys[-1] + 3))
        places = [box.offset for box in boxes]
        wires = [
            _wire(a, b, plane.row_wire(spots[at], spots[at + 1]), marks=int(at == 5))
            for at, (a, b) in enumerate(pairwise(places))
        ]
        end = Role.BAD if self.bad else Role.NULL
        text = "✗ into freed memory" if self.bad else "∅"
        boxes.append(_words(end, text, spots[12]))
        kind = LinkKind.FREED if self.bad else LinkKind.NULL
        wires += [
            _wire(places[-1], places[-1], plane.row_wire(spots[10], spots[11])),
            _wire(-1, -1, plane.row_wire(spots[11], spots[12]), kind=kind),
        ]
        gone = (Gone(node_of(keys[2]) + 8, "24", spots[0].x, spots[12].bottom + 1, ObjectState.FREED),)
        return self._frame(Figure.CHAIN, boxes, wires, (gap,), gone, focus)

    def _tree(self, ask: LinksAsk) -> Frame:
        keys = [500, 200, 800, 101, 302, 701, 902]
        sizes = [(13, 5), *((len(str(key)) + 4, 3) for key in keys)]
        children = [[1], [2, 3], [4, 5], [6, 7], [], [], [], []]
        spots = plane.tree(sizes, children)
        boxes = [_head(spots[0])]
        boxes += [
            msgspec.structs.replace(_node(key, spot), lines=()) for key, spot in zip(keys, spots[1:], strict=True)
        ]
        wires = [
            _wire(boxes[at].offset, boxes[child].offset, plane.drop(spots[at], spots[child]))
            for at, below in enumerate(children)
            for child in below
        ]
        gaps = tuple(
            Gap(spot.x, spot.bottom, "▾12", 12, box.offset) for box, spot in zip(boxes[4:], spots[4:], strict=True)
        )
        return self._frame(Figure.TREE, boxes, wires, gaps, (), ask.focus)

    def _frame(
        self,
        figure: Figure,
        boxes: Sequence[Box],
        wires: Sequence[Wire],
        gaps: Sequence[Gap],
        gone: Sequence[Gone],
        focus: int | None,
    ) -> Frame:
        known = {"boxes": tuple(boxes), "wires": tuple(wires), "gaps": tuple(gaps), "gone": tuple(gone)}
        return Frame(
            figure=figure,
            width=max(box.x + box.width for box in boxes),
            height=max(box.y + box.height for box in boxes),
            focus=focus,
            elements=self.nodes,
            nodes=self.nodes + 1,
            max_depth=self.nodes,
            bad={LinkKind.FREED: 2, LinkKind.CYCLE: 1} if self.bad else {},
            passing=0,
            moved=0,
            cut="",
            census_age_s=0.0,
            **known,  # type: ignore[arg-type]
        )

    def _detail(self, offset: int) -> Detail:
        key = key_of(offset) if offset >= FIRST_NODE else 0
        return Detail(
            offset=offset,
            address=BASE + offset,
            type="struct ds_list_node" if key else "struct ds_list_head",
            state=ObjectState.LIVE,
            lane=3,
            page=offset // 4096,
            size=24,
            elements=1,
            values=_values(key),
            links=(_link(offset + 32),),
            content=_content(key),
            path=((56, "head"), (FIRST_NODE, "first"), (offset, "next")),
            path_left_out=max(0, (key - 23) // 3),
        )

    def _refuse(self) -> None:
        if self.error is not None:
            raise self.error


def _values(key: int) -> tuple[Value, ...]:
    return (Value("key", _KEY, 8, key, f"{key:,}"), Value("value", _VALUE, 16, 2 * key, f"{2 * key:,}"))


def _content(key: int) -> bytes:
    return struct.pack("=QQQ", BASE + node_of(key + 3) if key else 0, key, 2 * key)


def _slot(index: int, page: int) -> Slot:
    state = (ObjectState.LIVE, ObjectState.LIVE, ObjectState.RETIRED, ObjectState.FREED)[index % 4]
    offset = page * 4096 + 16 + 32 * index
    key = key_of(offset) if offset >= FIRST_NODE else index
    told = state is not ObjectState.FREED
    return Slot(
        index=index,
        offset=offset,
        state=state,
        lane=3 + index % 3 if state is ObjectState.LIVE else None,
        type="struct ds_list_node" if told else "",
        guessed=state is ObjectState.RETIRED,
        values=_values(key) if told else (),
        content=_content(key),
    )


def _size(key: int) -> Point:
    return len(f"value={2 * key:,}") + 4, 4


def _link(target: int) -> Link:
    return Link(0, "next", LinkKind.OK, BASE + target, target, 0, False, 0, False)


def _head(spot: Spot) -> Box:
    return Box(
        56, Role.HEAD, "struct ds_list_head", "head", ("count=" + "7", "epoch=3"), spot.x, spot.y, spot.width,
        spot.height, ObjectState.LIVE, Mark.NONE, False, False, (_link(FIRST_NODE),),
    )  # fmt: skip


def _node(
    key: int, spot: Spot, mark: Mark = Mark.NONE, *, deleted: bool = False, retired: bool = False, here: bool = False
) -> Box:
    state = ObjectState.RETIRED if retired else ObjectState.LIVE
    return Box(
        node_of(key), Role.NODE, "struct ds_list_node", f"{key:,}", (f"value={2 * key:,}",), spot.x, spot.y, spot.width,
        spot.height, state, mark, here, deleted, (_link(node_of(key + 3)),),
    )  # fmt: skip


def _words(role: Role, text: str, spot: Spot) -> Box:
    return Box(
        -1, role, "", text, (), spot.x, spot.y + 2, len(text), 1, ObjectState.NEVER, Mark.NONE, False, False, ()
    )  # fmt: skip


def _wire(source: int, target: int, points: tuple[Point, ...], kind: LinkKind = LinkKind.OK, *, marks: int = 0) -> Wire:
    return Wire(source, target, "next", kind, marks, False, points)
