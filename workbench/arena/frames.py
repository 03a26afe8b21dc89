# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Live frames of a structure: a census now and then, and at every frame the part round the focus as it is now."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from workbench.arena import branching, figures, rows
from workbench.arena.figures import Around
from workbench.arena.frame import Detail, Frame, changes
from workbench.arena.links import BADS_MOST, BadLink, Census, LinkKind, Node, Walker
from workbench.arena.plane import Spot
from workbench.arena.schema import UNTYPED
from workbench.arena.shapes import Figure, Shape, recognise
from workbench.arena.sketch import Sketch, link_of
from workbench.arena.types import values
from workbench.arena.view import PAGE, ObjectState

_CENSUS_ALWAYS_S = 0.004  # one that takes no longer is taken anew for every frame
_CENSUS_SHARE = 15  # a longer one not before so many times its own time has gone by
_CONTENT_MOST = 4096
_PATH_MOST = 64

_DRAW: dict[Figure, Callable[[Sketch, Around], dict[int, Spot]]] = {
    Figure.EMPTY: branching.unknown,
    Figure.CHAIN: figures.chain,
    Figure.RING: figures.ring,
    Figure.TREE: branching.tree,
    Figure.BUCKETS: rows.buckets,
    Figure.SKIP_LIST: figures.skip_list,
    Figure.ARRAY: rows.array,
    Figure.UNKNOWN: branching.unknown,
}


class Explorer:
    """Frames of one structure, one after the other; `clock` in seconds is there for tests."""

    def __init__(self, walker: Walker, clock: Callable[[], float] = time.monotonic) -> None:
        self.walker = walker
        self._clock = clock
        self._census: Census | None = None
        self._shape: Shape | None = None
        self._bad: dict[LinkKind, int] = {}
        self._taken = 0.0
        self._before: Frame | None = None

    def census(self, *, fresh: bool = False) -> Census | None:
        """The last census, or a new one if it is `fresh` that is wanted, or due. None while there is no head."""
        now = self._clock()
        known = self._census
        due = known is None or known.seconds <= _CENSUS_ALWAYS_S or now - self._taken >= known.seconds * _CENSUS_SHARE
        if fresh or due:
            self._census = self.walker.census()
            if self._census and self._census.bad and not known:
                known, self._census = self._census, self.walker.census()
            self._bad = _confirmed(self._census, known)
            self._shape = recognise(self._census, self.walker.schema) if self._census else None
            self._taken = now
        return self._census

    def frame(self, width: int = 120, height: int = 40, focus: int | None = None) -> Frame | None:
        """The structure round the object at offset `focus`, or from its head; marked against the frame before.

        None while there is no head. A focus that is not, or no longer, in the structure is as none.
        """
        census = self.census()
        head = self.walker.node(0)
        shape = self._shape
        if census is None or head is None or shape is None:
            return None
        node = self.walker.node_at(focus) if focus is not None else None
        sketch = Sketch(self.walker, node.offset if node else None)
        around = Around(census, shape, head, node, width, height)
        boxes = sketch.boxes(_DRAW[shape.figure](sketch, around))
        frame = Frame(
            figure=shape.figure,
            width=max((box.x + box.width for box in boxes), default=0),
            height=max((box.y + box.height for box in boxes), default=0),
            boxes=boxes,
            wires=sketch.wires(),
            gaps=tuple(sketch.gaps),
            gone=(),
            focus=sketch.focus,
            elements=_elements(census, shape, self.walker),
            nodes=census.nodes,
            max_depth=census.max_depth,
            bad=self._bad,
            passing=census.bad_count - sum(self._bad.values()),
            moved=census.moved,
            cut=census.cut,
            census_age_s=max(0.0, self._clock() - self._taken),
        )
        marked = changes(frame, self._before)
        self._before = frame
        states = tuple(msgspec.structs.replace(gone, state=self._state(gone.offset)) for gone in marked.gone)
        return msgspec.structs.replace(marked, gone=states)

    def forget(self) -> None:
        """Mark nothing in the next frame: the view is another one, or time has gone by."""
        self._before = None

    def detail(self, offset: int) -> Detail | None:
        """All about the object at an offset: in the structure, or elsewhere (then of no known type)."""
        view, schema = self.walker.view, self.walker.schema
        found = view.object_at(offset)
        if found is None:
            return None
        node = self.walker.node_at(found.offset)
        record = schema.record(node.type) if node else None
        content = view.read(found.offset, min(found.size, _CONTENT_MOST))
        edges = self.walker.edges(node.offset, node.type, node.elements) if node else ()
        way = self.walker.path(node.index, _PATH_MOST) if node else ()
        return Detail(
            offset=found.offset,
            address=view.address(found.offset),
            type=record.name if record else "",
            state=found.state,
            lane=found.lane,
            page=found.offset // PAGE,
            size=found.size,
            elements=node.elements if node else 1,
            values=values(schema.types, record, content) if record else (),
            links=tuple(link_of(edge) for edge in edges),
            content=content,
            path=self._named(way),
            path_left_out=max(0, node.depth + 1 - len(way)) if node else 0,
        )

    def find(self, key: int, field: str = "key", after: int | None = None) -> tuple[int, tuple[int, ...]]:
        """Offsets of objects whose `field` is `key`: how many there are, and the first behind one at `after`."""
        self.census(fresh=self._census is None)
        start = self.walker.node_at(after) if after is not None else None
        total, found = self.walker.search(field, key, start.index if start else -1)
        nodes = [self.walker.node(index) for index in found]
        return total, tuple(node.offset for node in nodes if node)

    def _state(self, offset: int) -> ObjectState:
        found = self.walker.view.object_at(offset)
        return found.state if found else ObjectState.NEVER

    def _named(self, way: tuple[int, ...]) -> tuple[tuple[int, str], ...]:
        """Offsets on a way, each with the link by which it was reached."""
        named: list[tuple[int, str]] = []
        parent: Node | None = None
        for index in way:
            node = self.walker.node(index)
            if node is None:
                break
            above = parent or (self.walker.node(node.parent) if index else None)
            name = self.walker.schema.slot_name(above.type, node.via, above.elements) if above else "head"
            named.append((node.offset, name))
            parent = node
        return tuple(named)


def _elements(census: Census, shape: Shape, walker: Walker) -> int:
    """Nodes of the elements' type; the head is none of them."""
    if shape.main == UNTYPED:
        return 0
    return census.types[shape.main].nodes - (shape.main == walker.schema.head)


def _confirmed(now: Census | None, before: Census | None) -> dict[LinkKind, int]:
    """The bad links that were found before, and as bad; all of them where there are too many to compare each."""
    if now is None or before is None:
        return {}
    if now.bad_count > min(len(now.bad), BADS_MOST - 1):
        return {kind: count for kind, count in now.links.items() if kind.bad and count}
    old = {_identity(bad) for bad in before.bad}
    kinds = [bad.edge.kind for bad in now.bad if _identity(bad) in old]
    return {kind: kinds.count(kind) for kind in LinkKind if kind in kinds}


def _identity(bad: BadLink) -> tuple[int, int, int, LinkKind]:
    return bad.offset, bad.edge.slot, bad.edge.value, bad.edge.kind
