# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The node under the cursor: where it is, its fields, where its pointers lead, the way to it, its bytes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from workbench.arena.frame import Detail, Link
from workbench.arena.links import WORDS, LinkKind
from workbench.arena.types import Kind
from workbench.arena.view import ObjectState
from workbench.tui.widgets import figures
from workbench.tui.widgets.page_detail import hex_lines

_HEX = 128
_LINKS = 40
_PATH = 6
_Part = Content | str | tuple[str, str]
_STATES = {ObjectState.LIVE: "", ObjectState.RETIRED: "$text-warning", ObjectState.FREED: "bold $text-error"}


class NodeDetail(VerticalScroll, can_focus=True):
    """Everything about one node."""

    DEFAULT_CSS = """
    NodeDetail { border: round $foreground 30%; background: $surface; padding: 0 1; &:focus { border: round $border; } }
    NodeDetail > Static { width: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__(Static(id="node-words", markup=False), id="node-detail")
        self._shown: Detail | None = None
        self.border_title = "Node"

    def show(self, detail: Detail | None, lane_name: Callable[[int], str]) -> None:
        """Show a node; None: there is none."""
        if detail == self._shown:
            return
        if detail is None or self._shown is None or detail.offset != self._shown.offset:
            self.scroll_home(animate=False)
        self._shown = detail
        self.border_title = "Node" if detail is None else detail.type or f"{detail.size} bytes of no known type"
        self.query_one("#node-words", Static).update(Content("") if detail is None else words(detail, lane_name))


def words(detail: Detail, lane_name: Callable[[int], str]) -> Content:
    """All of it, the most important first."""
    state = detail.state.name.lower()
    owner = f" · by {lane_name(detail.lane)}" if detail.lane is not None else ""
    lines = [
        Content.assemble(
            (state, f"bold {_STATES.get(detail.state, '')}"), (f"{owner} · page {detail.page:,}", "$text-muted")
        ),
        Content.styled(f"{detail.address:#x} · {detail.size} bytes", "$text-muted"),
    ]
    if detail.elements > 1:
        lines.append(Content.styled(f"an array of {detail.elements:,}", "$text-muted"))
    fields = [value for value in detail.values if value.field.kind is not Kind.POINTER or value.number is None]
    if fields:
        name_width = min(18, max(len(value.path) for value in fields))
        lines += [Content(""), *(_field(value.path, value.text, name_width) for value in fields)]
    plain = {value.path for value in fields}  # numbers, which might be addresses
    links = [link for link in detail.links if link.kind is not LinkKind.NULL or link.name not in plain]
    if links:
        lines += [Content(""), Content.styled("links", "$text-muted")]
        lines += [_link(link) for link in links[:_LINKS]]
        if len(links) > _LINKS:
            lines.append(Content.styled(f"… {len(links) - _LINKS:,} more", "$text-muted"))
    lines += [Content(""), *_way(detail)]
    lines += [Content(""), hex_lines(detail.content[:_HEX], 8)]
    return Content("\n").join(lines)


def _field(name: str, text: str, width: int) -> Content:
    return Content.assemble((f"{name:<{width}} ", "$text-muted"), (text, "bold"))


def _link(link: Link) -> Content:
    parts: list[_Part] = [(f"  {link.name} ", "$text-muted" if link.back else "")]
    if link.kind.bad:
        parts.append((f"✗ {WORDS[link.kind]} ({link.value:#x})", "bold $text-error"))
    elif link.kind is LinkKind.NULL:
        parts.append(("∅", "$text-muted"))
    elif link.target is None:
        parts.append((f"→ {link.value:#x}, not looked at", "$text-muted"))
    else:
        parts.append(f"{'⇠' if link.back else '→'} {link.target:#x}")
    if link.marks:
        parts.append((f"  marked {link.marks}", "$text-warning"))
    if link.counted:
        parts.append((f"  tag {figures.count(link.tag)}", "$text-muted"))
    return Content.assemble(*parts)


def _way(detail: Detail) -> list[Content]:
    """The last steps from the head."""
    if not detail.path:
        return [Content.styled("no link of the structure leads here", "$text-warning")]
    steps = [(name, len(list(same))) for name, same in groupby(name for _, name in detail.path)]
    left_out = detail.path_left_out + sum(count for _, count in steps[:-_PATH])
    words = [f"{name} ×{count}" if count > 1 else name for name, count in steps[-_PATH:]]
    text = " → ".join([f"… {left_out:,} …", *words] if left_out else words)
    return [Content.styled("the way here", "$text-muted"), Content(f"  {text}")]
