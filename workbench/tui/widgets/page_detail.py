# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One page beside the map: what it is, its slots with state, owner and decoded fields, the bytes of one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from workbench.arena.pages import PageKind
from workbench.arena.slots import PageDetail as Page
from workbench.arena.slots import Slot
from workbench.arena.types import Kind, Value
from workbench.arena.view import PAGE, ObjectState
from workbench.tui.widgets import figures

_SIGNS = {
    ObjectState.LIVE: ("●", "live"),
    ObjectState.RETIRED: ("◐", "retired"),
    ObjectState.FREED: ("○", "free"),
    ObjectState.NEVER: ("·", "never used"),
}
_TOLD = (ObjectState.LIVE, ObjectState.RETIRED)  # what is in others is of no type any more
_KINDS = {
    PageKind.UNPOPULATED: "not populated",
    PageKind.FREE: "free",
    PageKind.SMALL: "small objects",
    PageKind.RUN: "a run of pages",
    PageKind.RUN_TAIL: "part of a run of pages",
    PageKind.META: "the allocator's own",
    PageKind.APART: "a program's own globals, not looked at",
}


class SlotTable(ScrollView, can_focus=True):
    """The slots of a page; the cursor's one is shown in hex."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "slots--live",
        "slots--retired",
        "slots--free",
        "slots--never-used",
        "slots--cursor",
    }
    DEFAULT_CSS = """
    SlotTable {
        background: $surface; height: 1fr;
        & > .slots--retired { color: $text-warning; }
        & > .slots--free { color: $text-muted; }
        & > .slots--never-used { color: $foreground 40%; }
        & > .slots--cursor { text-style: reverse; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1)", "Up", show=False),
        Binding("down", "cursor(1)", "Down", show=False),
        Binding("pageup", "cursor(-10)", "Page up", show=False),
        Binding("pagedown", "cursor(10)", "Page down", show=False),
        Binding("home", "cursor(-100000)", "First", show=False),
        Binding("end", "cursor(100000)", "Last", show=False),
    ]

    class Moved(Message):
        """The cursor is on another slot."""

    def __init__(self) -> None:
        super().__init__(id="slots")
        self.slots: tuple[Slot, ...] = ()
        self.cursor = 0
        self._lane_name: Callable[[int], str] = str

    @property
    def slot(self) -> Slot | None:
        """The one under the cursor."""
        return self.slots[self.cursor] if self.cursor < len(self.slots) else None

    def show(self, slots: tuple[Slot, ...], lane_name: Callable[[int], str]) -> None:
        """Show these slots."""
        if slots == self.slots:
            return
        self._lane_name = lane_name
        if len(slots) != len(self.slots):
            self.virtual_size = Size(0, len(slots))
        self.slots = slots
        self.cursor = max(0, min(self.cursor, len(slots) - 1))
        self.refresh()

    def go_to(self, index: int) -> None:
        """Put the cursor on a slot."""
        self.cursor = max(0, min(len(self.slots) - 1, index))
        self._follow()
        self.refresh()
        self.post_message(self.Moved())

    def _follow(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if not top <= self.cursor < top + height:
            y = self.cursor if self.cursor < top else self.cursor - height + 1
            self.scroll_to(y=y, animate=False, immediate=True)

    def on_resize(self) -> None:
        """What is above and below takes more room or less: the cursor stays in view."""
        self._follow()

    def render_line(self, y: int) -> Strip:
        """One slot."""
        width, at = self.scrollable_content_region.width, y + self.scroll_offset.y
        if at >= len(self.slots):
            return Strip.blank(width, self.rich_style)
        slot = self.slots[at]
        sign, word = _SIGNS[slot.state]
        owner = self._lane_name(slot.lane) if slot.lane is not None else ""
        name = slot.type.removeprefix("struct ") + ("?" if slot.guessed and slot.type else "")
        fields = summary(slot.values) if slot.values and slot.state in _TOLD else slot.content[:16].hex(" ")
        text = f"{name} {fields}" if name and width >= 60 and slot.state in _TOLD else fields
        line = (
            f"{slot.index:>4} {sign} {word if slot.state is not ObjectState.NEVER else 'never':<8}{owner:<9.9} {text}"
        )
        style = self.get_component_rich_style(f"slots--{word.replace(' ', '-')}")
        if at == self.cursor and self.has_focus:
            style += self.get_component_rich_style("slots--cursor", partial=True)
        line = line if len(line) <= width else line[: width - 1] + "…"
        return Strip([Segment(line.ljust(width), style)], width)

    def action_cursor(self, by: int) -> None:
        """From slot to slot."""
        self.go_to(self.cursor + by)

    def on_click(self, event: events.Click) -> None:
        """Choose a slot."""
        offset = event.get_content_offset(self)
        if offset is not None:
            self.go_to(offset.y + self.scroll_offset.y)

    def on_focus(self) -> None:
        """The cursor shows only with the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor goes."""
        self.refresh()

    @property
    def lines(self) -> list[str]:
        """The text in view, for tests."""
        return [self.render_line(y).text.rstrip() for y in range(self.scrollable_content_region.height)]


class PageDetail(Vertical):
    """The page under the map's cursor."""

    DEFAULT_CSS = """
    PageDetail {
        border: round $foreground 30%; background: $surface; padding: 0 1;
        &:focus-within { border: round $border; }
        & > #page-head { height: auto; max-height: 4; }
        & > #page-hex { height: auto; max-height: 10; }
    }
    """

    def __init__(self) -> None:
        super().__init__(id="page-detail")
        self._shown: Page | None = None
        self._lane_name: Callable[[int], str] = str
        self._hex: tuple[bytes, int] | None = None

    def compose(self) -> ComposeResult:
        """Words, slots, bytes."""
        yield Static(id="page-head", markup=False)
        yield SlotTable()
        yield Static(id="page-hex", markup=False)

    @property
    def table(self) -> SlotTable:
        """The slots."""
        return self.query_one(SlotTable)

    def show(self, page: Page | None, lane_name: Callable[[int], str]) -> None:
        """Show a page as it is now; None: there is none."""
        if page is not None and self._shown is not None and page.page != self._shown.page:
            self.table.cursor = 0
            self.table.scroll_to(y=0, animate=False, immediate=True)
        self._lane_name = lane_name
        if page == self._shown:
            return
        self._shown = page
        self.table.show(page.slots if page else (), lane_name)
        if page is None:
            self.border_title = "Page"
            self.query_one("#page-head", Static).update("")
        else:
            self.border_title = _title(page, lane_name)
            self.query_one("#page-head", Static).update(_head(page))
        self.show_bytes()

    def show_bytes(self) -> None:
        """The bytes of the slot under the cursor; of a page within a run, its own."""
        page, slot = self._shown, self.table.slot
        width = 16 if self.content_size.width >= 68 else 8
        data = b""
        if page is not None and slot is not None:
            data = page.content if page.kind is PageKind.RUN_TAIL else slot.content
        if (data[: 8 * width], width) != self._hex:
            self._hex = (data[: 8 * width], width)
            self.query_one("#page-hex", Static).update(hex_lines(*self._hex))

    def on_resize(self) -> None:
        """More or fewer bytes a line."""
        self.show_bytes()


def summary(values: tuple[Value, ...]) -> str:
    """An object's fields in one line by their last names: key and value first, pointers last."""
    order = {"key": 0, "value": 1}
    ranked = sorted(
        values, key=lambda value: (order.get(value.path, 2) + 2 * (value.field.kind is Kind.POINTER), value.offset)
    )
    return " ".join(f"{value.path.rsplit('.', 1)[-1]}={value.text}" for value in ranked)


def hex_lines(data: bytes, width: int) -> Content:
    """Bytes with their place from the beginning, and as letters; zeros are quiet."""
    lines = []
    for at in range(0, len(data), width):
        row = data[at : at + width]
        cells = [(f"{byte:02x} ", "" if byte else "$text-muted") for byte in row]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in row)
        pad = "   " * (width - len(row))
        lines.append(Content.assemble((f"+{at:02x} ", "$text-muted"), *cells, pad, (letters, "$text-muted")))
    return Content("\n").join(lines)


def _title(page: Page, lane_name: Callable[[int], str]) -> str:
    parts = [f"Page {page.page:,}"]
    if page.kind is PageKind.SMALL:
        parts += [f"class {page.slot_size} B", lane_name(page.lane)]
    elif page.kind in (PageKind.RUN, PageKind.RUN_TAIL):
        parts += [f"run of {page.run_pages:,}", lane_name(page.lane)]
    else:
        parts += [_KINDS[page.kind]]
    return " · ".join(parts)


def _head(page: Page) -> Content:
    parts: list[Content | str | tuple[str, str]] = [(f"at {page.page * PAGE:#x}", "$text-muted")]
    if page.age is not None:
        parts.append((f" · changed {page.age / 10:.1f} s ago", "$text-muted"))
    if page.kind is PageKind.SMALL:
        counts = [(state, page.count(state)) for state in _SIGNS]
        counts[-1] = (ObjectState.NEVER, counts[-1][1] + page.capacity - len(page.slots))
        words = " ".join(
            f"{_SIGNS[state][0]} {figures.count(count)} {_SIGNS[state][1].split()[0]}"
            for state, count in counts
            if count
        )
        parts.append(f"\n{words}")
    elif page.run_pages and page.run_first != page.page:
        parts.append(f"\nit begins on page {page.run_first:,}; this is page {page.page - page.run_first + 1} of it")
    if page.slots:
        parts.append(("\n   # state   owner     fields", "$text-muted"))
    return Content.assemble(*parts)
