# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Links pane: what does the structure look like right now?"""

from __future__ import annotations

from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.geometry import Size

from workbench.arena.frame import Frame, Link
from workbench.arena.links import WORDS
from workbench.errors import WorkbenchError
from workbench.tui.look import LinksAsk, LinksFrame, Look
from workbench.tui.screens.choose import Choose
from workbench.tui.screens.looking import LookingPane
from workbench.tui.screens.prompt import Prompt
from workbench.tui.widgets import figures
from workbench.tui.widgets.link_graph import LinkGraph
from workbench.tui.widgets.link_words import LinkWords
from workbench.tui.widgets.node_detail import NodeDetail

_BACK_MOST = 200


class LinksPane(LookingPane):
    """The graph, what it adds up to below, the node under the cursor beside it."""

    HELP = """
What does the structure look like right now? The graph begins at the head, or round the node that was gone to; what
there is no room for is counted ("… 1,335 more …", "▾12" below a node of a tree) and enter on it goes there. Boxes bear
what happened since the frame before: ✱ new, ~ changed, † gone. Pointers that lead into freed or retired memory, out of
the arena or into a cycle are ✗ and counted; the lanes go on meanwhile, so one of a running structure may be a moment's.
A dashed box is marked as deleted. Types are from the structure's own debugging information.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "follow", "Follow", id="links.follow", tooltip="Go where this node's pointer leads"),
        Binding("backspace", "back", "Back", id="links.back", tooltip="Back to where Follow came from"),
        Binding("slash", "search", "Search", id="links.search", tooltip="Find a key, or a field: value=34"),
        Binding("n", "next", "Next", show=False, id="links.next", tooltip="The next node found"),
        Binding("p", "page", "Page", id="links.page", tooltip="Show the page that this node is on"),
        Binding("h", "head", "Head", id="links.head", tooltip="Begin at the head again"),
        Binding("f", "freeze", "Freeze", id="links.freeze", tooltip="Hold the graph still; the run goes on"),
        Binding("b", "bad", "Bad", show=False, id="links.bad", tooltip="To the next node that has a bad pointer"),
        Binding("c", "centre", "Centre", show=False, id="links.centre", tooltip="Draw the graph round this node"),
        Binding("i", "fields", "Fields", show=False, id="links.fields", tooltip="All of this node, or the graph alone"),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._answer: LinksFrame | None = None
        self._anchor: int | None = None  # the graph is drawn round this object
        self._want: int | None = None  # the object that the cursor is to be on
        self._shown_for: tuple[object, ...] | None = None
        self._room = Size(0, 0)  # of the graph, when it was last to be seen
        self._trail: list[tuple[int | None, int | None]] = []
        self._found: tuple[str, int] | None = None
        self._at_bad = -1

    def compose(self) -> ComposeResult:
        """Graph and node."""
        with Horizontal(id="link-columns"):
            yield LinkGraph()
            yield NodeDetail()
        yield LinkWords(lambda look: self.graph.look(look))

    @property
    def graph(self) -> LinkGraph:
        """The graph."""
        return self.query_one(LinkGraph)

    @property
    def node(self) -> int | None:
        """The offset of the object under the cursor."""
        return self.graph.here.offset if self.graph.here else None

    @property
    def frame(self) -> Frame | None:
        """What is shown."""
        return self._answer.frame if self._answer else None

    def focus_main(self) -> None:
        """The graph."""
        self.graph.focus()

    # Asking and showing

    @property
    def ready(self) -> bool:
        """Once the graph has its size."""
        return bool(self.graph.content_size or self._room)

    def question(self, *, fresh: bool) -> LinksAsk:
        """What fits, round the anchor; held still, only what was not asked for yet."""
        self._room = size = self.graph.content_size or self._room
        width, height = max(20, size.width - 2), max(6, size.height)  # arrows turn right of the last box
        what = (width, height, self._anchor)
        drawn = fresh or self.frame is None or what != self._shown_for
        marked = what == self._shown_for
        self._shown_for = what
        return LinksAsk(width, height, self._anchor, self._want if self._want is not None else self.node, drawn, marked)

    def answer(self, look: Look, question: Any) -> LinksFrame:
        """In the worker."""
        return look.links(question)

    def show_answer(self, answer: Any) -> None:
        """A frame of the structure, or a node's detail alone."""
        found: LinksFrame = answer
        first = self._answer is None
        if found.ask.drawn:
            self._answer = found
            if found.frame is None:
                self.graph.say("There is no head to begin at: it is not set up, or the arena's header is damaged.")
            elif found.ask.focus == self._anchor:
                want, self._want = self._want, None
                self.graph.show(found.frame, want if want is not None else self._anchor_if_new(found))
                self._notice_lost(found)
        if self.look is not None:
            if found.ask.detail == self.node:
                self.query_one(NodeDetail).show(found.detail, self.look.lane_name)
            self.query_one(LinkWords).show(self.frame, self._at_work)
        self.entitle()
        if first:
            self.refresh_bindings()

    @property
    def _at_work(self) -> bool:
        return self._run_shown.live

    def _anchor_if_new(self, found: LinksFrame) -> int | None:
        return self._anchor if not found.ask.marked else None

    def _notice_lost(self, found: LinksFrame) -> None:
        """An anchor that is not, or no longer, in the structure: begin at the head, and say so."""
        if self._anchor is not None and found.frame is not None and found.frame.focus is None:
            self.app.say(f"No link of the structure leads to the object at {self._anchor:#x}: shown from the head")
            self.graph.border_subtitle = f"{self._anchor:#x} is not, or no longer, in the structure"
            self._anchor = None
            self._shown_for = None

    def say(self, words: str) -> None:
        """No structure: say why."""
        self._answer = None
        self.graph.say(words)
        self.query_one(NodeDetail).show(None, str)
        self.query_one(LinkWords).show(None, False)
        self.entitle()

    def new_arena(self) -> None:
        """Another structure: from its head."""
        self._answer = self._anchor = self._want = self._shown_for = self._found = None
        self._trail.clear()
        self.graph.forget()
        self.graph.border_subtitle = ""

    def entitle(self) -> None:
        """Which structure, its figure and size, live or frozen."""
        frame = self.frame
        if frame is None:
            self.graph.border_title = "Links"
            return
        profile = self._run_shown.profile
        name = profile.structure.reference.rsplit("/", 1)[-1] if profile else ""
        state = "FROZEN" if self.frozen else "live" if self._run_shown.live else "as the run left it"
        parts = [name, frame.figure.value, f"{figures.count(frame.elements)} elements", state]
        if frame.cut:
            parts.insert(3, f"not all walked: {frame.cut}")
        elif frame.census_age_s > 1:
            parts.insert(3, f"counted {frame.census_age_s:.0f} s ago")
        self.graph.border_title = " · ".join(part for part in parts if part)

    def go_to(self, offset: int | None, *, anchor: bool = False) -> None:
        """Put the cursor on an object (None: the head); where it is out of sight, draw the graph round it."""
        stop = next((one for one in self.graph.drawing.stops if one.offset == offset), None)
        if stop is not None and not anchor:
            self.graph.put_cursor(stop)
            return
        self._anchor = self._want = offset
        if offset is None:
            self.graph.forget()
        self.graph.border_subtitle = ""
        self.ask()

    def look_at(self, offset: int) -> None:
        """Show an object; called by other panes."""
        self._remember()
        self.go_to(offset, anchor=True)

    def _remember(self) -> None:
        self._trail.append((self._anchor, self.node))
        del self._trail[:-_BACK_MOST]
        self.refresh_bindings()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which actions make sense now."""
        frame = self.frame
        match action:
            case "back":
                return bool(self._trail)
            case "next":
                return self._found is not None
            case "bad":
                return frame is not None and bool(frame.bad)
            case "follow" | "search" | "page" | "head" | "freeze" | "centre" | "fields":
                return frame is not None
        return True

    def action_label(self, action: str) -> str | None:
        """The footer's word, in the present state."""
        return "Go live" if action == "freeze" and self.frozen else None

    @work
    async def action_follow(self) -> None:
        """Where the pointer leads; where there are several, ask which."""
        here, frame = self.graph.here, self.frame
        if here is None or frame is None:
            return
        if here.to is not None:
            self._remember()
            self.go_to(here.to, anchor=True)
            return
        box = frame.box(here.offset) if here.offset is not None else None
        links = [link for link in box.links if link.target is not None] if box else []
        ahead = [link for link in links if not link.back] or links
        if not ahead:
            why = next((WORDS[link.kind] for link in box.links if link.kind.bad), "nowhere") if box else "nowhere"
            self.app.say(f"This node's pointer leads {why}", toast=True)
            return
        at: int | None = 0
        if len(ahead) > 1:
            at = await self.app.push_screen_wait(Choose("Follow", [_named(link, frame) for link in ahead]))
        if at is not None:
            self._remember()
            self.go_to(ahead[at].target)

    def action_back(self) -> None:
        """Where it was before."""
        if not self._trail:
            return
        anchor, node = self._trail.pop()
        if anchor == self._anchor and node is not None:
            self.go_to(node)
        else:
            self._anchor, self._want = anchor, node
            self.ask()
        self.refresh_bindings()

    def action_head(self) -> None:
        """From the head."""
        self._remember()
        self._anchor = self._want = None
        self.graph.forget()
        self.graph.border_subtitle = ""
        self.ask()

    def action_centre(self) -> None:
        """Round this one."""
        if self.node is not None:
            self._remember()
            self.go_to(self.node, anchor=True)

    def action_fields(self) -> None:
        """Show or hide the node's detail."""
        self.toggle_class("-fields")
        alone = self.has_class("-fields") and self.screen.has_class("-narrow")
        (self.query_one(NodeDetail) if alone else self.graph).focus()

    @work
    async def action_search(self) -> None:
        """Ask for a value, and go to the first node that has it."""
        hint = "A key (17), or a field by name: value=34; hexadecimal with 0x"
        typed = await self.app.push_screen_wait(Prompt("Search", hint=hint, check=_wrong_search))
        if typed:
            self._found = _searched(typed)
            self._search(self.look, *self._found, None)

    def action_next(self) -> None:
        """The next one that was searched for."""
        if self._found is not None:
            self._search(self.look, *self._found, self.node)

    @work(thread=True, group="searching", exclusive=True)
    def _search(self, look: Look | None, field: str, number: int, after: int | None) -> None:
        if look is None:
            return
        try:
            total, found = look.find(field, number, after)
            if not found and after is not None:
                total, found = look.find(field, number, None)
        except WorkbenchError as error:
            self.app.call_from_thread(self.app.say, str(error), toast=True)
            return
        self.app.call_from_thread(self._arrive, f"{field} {number:,}", total, found)

    def _arrive(self, what: str, total: int, found: tuple[int, ...]) -> None:
        if not found:
            self.app.say(f"No node has {what}", toast=True)
            return
        self._remember()
        self.go_to(found[0])
        self.graph.border_subtitle = what if total == 1 else f"{what}: {total:,} nodes, n for the next"

    def action_bad(self) -> None:
        """The next node with a bad pointer."""
        bad = self._answer.bad if self._answer else ()
        if bad:
            self._at_bad = (self._at_bad + 1) % len(bad)
            self._remember()
            self.go_to(bad[self._at_bad])

    async def action_page(self) -> None:
        """The page that this node is on, and there its slot."""
        if self.node is None:
            return
        node = self.node
        await self.app.action_pane("pages")
        if hasattr(self.app.pane, "look_at"):
            self.app.pane.look_at(node)

    # What the widgets tell

    def on_link_graph_moved(self) -> None:
        """Another node under the cursor."""
        self.ask(fresh=False)

    def on_link_graph_resized(self) -> None:
        """Another frame fits."""
        self.ask(fresh=False)

    def on_link_graph_followed(self) -> None:
        """As Enter does."""
        self.action_follow()


def _named(link: Link, frame: Frame) -> str:
    box = frame.box(link.target) if link.target is not None else None
    where = box.title if box else f"{link.target or 0:#x}"
    return f"{link.name}  →  {where}"


def _searched(typed: str) -> tuple[str, int]:
    field, sign, number = typed.replace(",", "").rpartition("=")
    return (field.strip() if sign else "key"), int(number.strip(), 0)


def _wrong_search(typed: str) -> str:
    try:
        _searched(typed)
    except ValueError:
        return "not a number"
    return ""
