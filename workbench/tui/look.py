# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the Pages and Links panes ask of an arena, and what they get: frozen frames, made in a worker thread.

A Look belongs to one run's arena and is shared by the panes. When the arena is gone, asking it raises EngineError.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

import msgspec

from workbench.arena import slots
from workbench.arena.frame import Detail, Frame
from workbench.arena.pages import CellCounts, Refresh, Totals
from workbench.arena.slots import PageDetail
from workbench.errors import WorkbenchError
from workbench.tui import page_cells
from workbench.tui.page_cells import Grid
from workbench.tui.seam import Inspection

if TYPE_CHECKING:
    from workbench.arena.frames import Explorer
    from workbench.arena.pages import PageMap

_TOTALS_SHARE = 30


class PagesAsk(msgspec.Struct, frozen=True):
    """Cells [first, first + count) of `per_cell` pages each; and where it is to be seen `page` in `detail`.

    `fresh`: as they are now, else as they were when that was asked last.
    """

    per_cell: int = 1
    first: int = 0
    count: int = 0
    colour: str = "class"
    page: int = 0
    detail: bool = False
    fresh: bool = True


class PagesFrame(msgspec.Struct, frozen=True):
    """The answer to `ask`. `cell` is the one that the page is in; `lanes` have pages in view."""

    ask: PagesAsk
    refresh: Refresh
    grid: Grid
    totals: Totals
    cell: CellCounts | None
    lanes: tuple[int, ...]
    page: PageDetail | None


class LinksAsk(msgspec.Struct, frozen=True):
    """The structure round the object at `focus` (None: from its head), in so many cells; `detail` of an object.

    `drawn`: whether a frame is wanted at all. `marked`: with what happened since the frame before.
    """

    width: int
    height: int
    focus: int | None = None
    detail: int | None = None
    drawn: bool = True
    marked: bool = True


class LinksFrame(msgspec.Struct, frozen=True):
    """The answer to `ask`; no `frame` while the structure has no head. `bad`: objects that have the first bad links."""

    ask: LinksAsk
    frame: Frame | None
    detail: Detail | None
    bad: tuple[int, ...] = ()


class Look(Protocol):
    """Looks into one arena. Every call may take milliseconds, and is made in a worker thread."""

    def lane_name(self, lane: int) -> str:
        """Whose an arena lane is."""
        ...

    def pages(self, ask: PagesAsk) -> PagesFrame | None:
        """The map; None while the arena is not formatted, or its header is damaged. Raises WorkbenchError."""
        ...

    def links(self, ask: LinksAsk) -> LinksFrame:
        """A part of the structure. Raises WorkbenchError."""
        ...

    def find(self, field: str, number: int, after: int | None) -> tuple[int, tuple[int, ...]]:
        """Offsets of the objects whose field has a value: how many there are, the first ones behind that at `after`."""
        ...


class ArenaLook:
    """The Look into a real arena."""

    def __init__(self, inspection: Inspection) -> None:
        self.inspection = inspection
        self._lock = threading.Lock()  # two panes' workers may overlap for a moment
        self._map: PageMap | None = None
        self._explorer: Explorer | None = None
        self._no_types: WorkbenchError | None = None
        self._known: tuple[Refresh, Totals] | None = None
        self._totals_due = 0.0

    def lane_name(self, lane: int) -> str:
        """Whose an arena lane is."""
        names = self.inspection.lane_names
        return names[lane] if lane < len(names) else f"lane {lane}"

    def pages(self, ask: PagesAsk) -> PagesFrame | None:
        """The map, brought up to date if that is wanted."""
        with self._lock:
            map_ = self._pages()
            if ask.fresh or self._known is None:
                refresh = map_.refresh()
                if refresh is None:
                    return None
                self._known = (refresh, self._totals(map_))
            refresh, totals = self._known
            cells = map_.cells(ask.first * ask.per_cell, ask.per_cell, ask.count)
            cell = map_.cells(ask.page // ask.per_cell * ask.per_cell, ask.per_cell, 1)
            return PagesFrame(
                ask=ask,
                refresh=refresh,
                grid=page_cells.grid(cells, ask.colour),
                totals=totals,
                cell=cell.at(0) if cell.count else None,
                lanes=tuple(sorted(set(cells.lane))),
                page=self._page(ask),
            )

    def links(self, ask: LinksAsk) -> LinksFrame:
        """A part of the structure."""
        with self._lock:
            explorer = self._explore()
            frame: Frame | None = None
            if ask.drawn:
                if not ask.marked:
                    explorer.forget()
                frame = explorer.frame(ask.width, ask.height, ask.focus)
            detail = explorer.detail(ask.detail) if ask.detail is not None else None
            census = explorer.census() if frame is not None and frame.bad else None
            bad = tuple(dict.fromkeys(link.offset for link in census.bad)) if census else ()
            return LinksFrame(ask, frame, detail, bad)

    def find(self, field: str, number: int, after: int | None) -> tuple[int, tuple[int, ...]]:
        """Where a value is."""
        with self._lock:
            return self._explore().find(number, field, after)

    def _totals(self, map_: PageMap) -> Totals:
        """Of a large arena they take longer than all else, so not before a multiple of that time has gone by."""
        began = time.monotonic()
        if self._known is not None and began < self._totals_due:
            return self._known[1]
        totals = map_.totals()
        ended = time.monotonic()
        self._totals_due = ended + _TOTALS_SHARE * (ended - began)
        return totals

    def _page(self, ask: PagesAsk) -> PageDetail | None:
        """The page in detail; without types where the build has none."""
        view = self.inspection.view
        if view is None or not ask.detail:
            return None
        try:
            explorer = self._explore()
            explorer.census()
        except WorkbenchError:
            explorer = None
        return slots.page(view, ask.page, explorer.walker if explorer else None)

    def _pages(self) -> PageMap:
        if self._map is None:
            from workbench.arena.pages import PageMap

            if self.inspection.view is None:
                raise WorkbenchError("the arena could not be mapped here, so there is nothing to look into")
            self._map = PageMap(self.inspection.view)
        return self._map

    def _explore(self) -> Explorer:
        """Types are read the first time, which takes a tenth of a second; what went wrong then is kept."""
        if self._no_types is not None:
            raise self._no_types
        if self._explorer is None:
            from workbench.arena import types
            from workbench.arena.frames import Explorer
            from workbench.arena.links import Walker

            view, structure = self.inspection.view, self.inspection.build.structure
            if view is None:
                raise WorkbenchError("the arena could not be mapped here, so there is nothing to look into")
            try:
                names = [name for name in (structure.head_type, structure.node_type) if name]
                found = types.read(self.inspection.build.native, names)
                self._explorer = Explorer(Walker(view, found, structure.head_type, structure.node_type))
            except WorkbenchError as error:
                self._no_types = error
                raise
        return self._explorer
