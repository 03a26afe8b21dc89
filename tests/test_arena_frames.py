# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Frames: what is shown of a structure, where, what is left out, and what changed since the frame before."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest
from arena_made import HEAD, NODE, Made, list_walker, pointer, record, types_of
from test_arena_links import TREE, chain, tree

from workbench.arena import plane
from workbench.arena.frame import Frame, Mark, Role
from workbench.arena.frames import Explorer
from workbench.arena.links import LinkKind, Walker
from workbench.arena.plane import Spot
from workbench.arena.shapes import Figure
from workbench.arena.view import ArenaView, ObjectState


@pytest.fixture
def made() -> Iterator[Made]:
    """A small arena."""
    arena = Made()
    yield arena
    arena.close()


@pytest.fixture
def view(made: Made) -> Iterator[ArenaView]:
    """A look into it."""
    with made.view() as view:
        yield view


def frame_of(explorer: Explorer, width: int = 120, height: int = 40, focus: int | None = None) -> Frame:
    """A frame that must be there, and in which nothing lies on anything else."""
    frame = explorer.frame(width, height, focus)
    assert frame is not None
    spots = [Spot(box.x, box.y, box.width, box.height) for box in frame.boxes]
    spots += [Spot(gap.x, gap.y, len(gap.text), 1) for gap in frame.gaps]
    for a, b in itertools.combinations(spots, 2):
        assert a.right <= b.x or b.right <= a.x or a.bottom <= b.y or b.bottom <= a.y, (a, b)
    for spot in spots:
        assert spot.x >= 0
        assert spot.y >= 0
        assert spot.right <= width, spot
        assert spot.bottom <= height, spot
    assert len({box.offset for box in frame.boxes}) == len(frame.boxes)
    return frame


def titles(frame: Frame) -> list[str]:
    return [box.title for box in frame.boxes]


def test_a_short_list_is_shown_whole(made: Made, view: ArenaView) -> None:
    chain(made, 5)
    frame = frame_of(Explorer(list_walker(view)))
    assert frame.figure is Figure.CHAIN
    assert titles(frame) == ["head", "0", "1", "2", "3", "4", "∅"]
    assert frame.elements == 5
    assert not frame.gaps
    assert [(wire.name, wire.kind) for wire in frame.wires][:2] == [("first", LinkKind.OK), ("next", LinkKind.OK)]


@pytest.mark.parametrize(("width", "height"), [(120, 40), (80, 24), (60, 10)])
@pytest.mark.parametrize("place", [None, 0, 3, 700, 1998, 1999])
def test_a_long_list_is_shown_round_the_focus_and_the_rest_counted(
    made: Made, view: ArenaView, place: int | None, width: int, height: int
) -> None:
    nodes = chain(made, 2000)
    walker = list_walker(view)
    frame = frame_of(Explorer(walker), width, height, nodes[place] if place is not None else None)
    shown = [box for box in frame.boxes if box.role is Role.NODE]
    assert sum(gap.count or 0 for gap in frame.gaps) + len(shown) == 2000
    assert titles(frame)[0] == "head"
    if place is not None:
        assert [box.offset for box in frame.boxes if box.focus] == [nodes[place]]


def test_a_gap_tells_where_it_goes_on(made: Made, view: ArenaView) -> None:
    nodes = chain(made, 500)
    explorer = Explorer(list_walker(view))
    frame = frame_of(explorer)
    ahead = frame.gaps[-1].to
    assert ahead in nodes
    following = frame_of(explorer, focus=ahead)
    assert following.box(ahead or 0) is not None


def test_a_bad_link_ends_in_words(made: Made, view: ArenaView) -> None:
    nodes = chain(made, 4)
    made.call.made_free(nodes[2])
    frame = frame_of(Explorer(list_walker(view)))
    assert titles(frame) == ["head", "0", "1", "✗ into freed memory"]
    assert frame.bad == {LinkKind.FREED: 1}
    assert frame.wires[-1].kind is LinkKind.FREED


def test_what_came_changed_and_went_is_marked(made: Made, view: ArenaView) -> None:
    nodes = chain(made, 6)
    explorer = Explorer(list_walker(view))
    assert {box.mark for box in frame_of(explorer).boxes} == {Mark.NONE}
    fresh = made.alloc(24, 0, 100, 200)
    made.point(fresh, nodes[2])
    made.point(nodes[1], fresh)
    made.point(nodes[3], nodes[5])
    made.call.made_free(nodes[4])
    frame = frame_of(explorer)
    assert {box.title: box.mark for box in frame.boxes if box.mark} == {
        "100": Mark.NEW,
        "1": Mark.CHANGED,
        "3": Mark.CHANGED,
    }
    assert [(gone.title, gone.state) for gone in frame.gone] == [("4", ObjectState.FREED)]
    assert not any(box.mark for box in frame_of(explorer).boxes)


def test_what_comes_into_sight_is_not_new(made: Made, view: ArenaView) -> None:
    nodes = chain(made, 400)
    explorer = Explorer(list_walker(view))
    frame_of(explorer, focus=nodes[100])
    moved = frame_of(explorer, focus=nodes[130])
    assert not any(box.mark is Mark.NEW for box in moved.boxes)
    assert not moved.gone


def test_a_marked_link_makes_its_node_deleted(made: Made, view: ArenaView) -> None:
    nodes = chain(made, 4)
    made.put(nodes[1], 1 | int.from_bytes(made.memory[nodes[1] : nodes[1] + 8], "little"))
    frame = frame_of(Explorer(list_walker(view)))
    assert [box.title for box in frame.boxes if box.deleted] == ["1"]


@pytest.mark.parametrize(("width", "height"), [(120, 40), (80, 24)])
def test_a_tree_has_parents_above_the_middle_of_their_children(
    made: Made, view: ArenaView, width: int, height: int
) -> None:
    tree(made, 10)
    frame = frame_of(Explorer(Walker(view, TREE, "struct head", "struct node")), width, height)
    assert frame.figure is Figure.TREE
    by = {box.offset: box for box in frame.boxes}
    for box in frame.boxes:
        below = [by[link.target] for link in box.links if not link.back and link.target in by]
        if len(below) == 2:
            assert below[0].x < below[1].x
            middle = (below[0].x + below[1].x + below[1].width) // 2
            assert abs(box.x + box.width // 2 - middle) <= 1
    shown = sum(box.role is Role.NODE for box in frame.boxes)
    assert shown + sum(gap.count or 0 for gap in frame.gaps) == 1023
    assert shown >= 7


def test_a_deep_node_of_a_tree_is_shown_with_what_is_above_it(made: Made, view: ArenaView) -> None:
    nodes = tree(made, 10)
    frame = frame_of(Explorer(Walker(view, TREE, "struct head", "struct node")), focus=nodes[900])
    assert [box.offset for box in frame.boxes if box.focus] == [nodes[900]]
    assert frame.box(nodes[(900 - 1) // 2]) is not None
    assert frame.gaps[0].text.startswith("▴") or any(gap.text.startswith("▴") for gap in frame.gaps)


def test_buckets_are_rows(made: Made, view: ArenaView) -> None:
    table = record("struct table", 8, pointer("rows", 0, "struct row"))
    row = record("struct row", 8, pointer("first", 0, "struct node"))
    rows = made.alloc(64 * 8)
    for at in range(0, 64, 2):
        nodes = [made.alloc(24, 0, 100 * at + each, 0) for each in range(1 + at)]
        for a, b in itertools.pairwise(nodes):
            made.point(a, b)
        made.point(rows + 8 * at, nodes[0])
    head = made.alloc(8)
    made.point(head, rows)
    made.root(head)
    explorer = Explorer(Walker(view, types_of(table, row, NODE), "struct table", "struct node"))
    frame = frame_of(explorer)
    assert frame.figure is Figure.BUCKETS
    labels = [gap.text for gap in frame.gaps if gap.text.startswith("[")]
    assert labels[:3] == ["[0]", "[2]", "[4]"]
    total, found = explorer.find(5801)
    assert total == 1
    deep = frame_of(explorer, focus=found[0])
    assert "[58]" in [gap.text for gap in deep.gaps]


def test_a_ring_closes(made: Made, view: ArenaView) -> None:
    nodes = chain(made, 8)
    made.point(nodes[-1], nodes[0])
    frame = frame_of(Explorer(list_walker(view)))
    assert frame.figure is Figure.RING
    assert (frame.wires[-1].source, frame.wires[-1].target) == (nodes[-1], nodes[0])
    assert len({box.y for box in frame.boxes}) == 2


def test_a_skip_list_has_towers(made: Made, view: ArenaView) -> None:
    node = record("struct node", 48, pointer("tower", 0, "struct node", 4))
    head = record("struct head", 32, pointer("tower", 0, "struct node", 4))
    nodes = [made.alloc(48) for _ in range(9)]
    root = made.alloc(32)
    for level in range(4):
        on = [root, *(offset for at, offset in enumerate(nodes) if at % (1 << level) == 0)]
        for a, b in itertools.pairwise(on):
            made.point(a + 8 * level, b)
    made.root(root, 32)
    frame = frame_of(Explorer(Walker(view, types_of(head, node), "struct head", "struct node")))
    assert frame.figure is Figure.SKIP_LIST
    assert frame.boxes[0].height > frame.boxes[2].height


def test_figures_of_no_known_kind_are_layered(made: Made, view: ArenaView) -> None:
    node = record("struct node", 24, *(pointer(name, 8 * at, "struct node") for at, name in enumerate("abc")))
    chance = random.Random(5)
    nodes = [made.alloc(24) for _ in range(60)]
    for offset in nodes:
        for slot in range(3):
            made.point(offset + 8 * slot, chance.choice(nodes))
    head = made.alloc(8)
    made.point(head, nodes[0])
    made.root(head)
    explorer = Explorer(Walker(view, types_of(HEAD, node), "struct head", "struct node"))
    frame = frame_of(explorer)
    assert frame.figure is Figure.UNKNOWN
    assert len(frame.boxes) > 4
    frame_of(explorer, 80, 24, nodes[30])


def test_an_empty_structure_is_its_head(made: Made, view: ArenaView) -> None:
    chain(made, 0)
    frame = frame_of(Explorer(list_walker(view)))
    assert (frame.figure, frame.elements, [box.role for box in frame.boxes]) == (Figure.EMPTY, 0, [Role.HEAD])


def test_a_large_structure_is_not_walked_for_every_frame(made: Made, view: ArenaView) -> None:
    chain(made, 3000)
    now = [0.0]
    walker = list_walker(view)
    explorer = Explorer(walker, clock=lambda: now[0])
    first = explorer.census()
    assert first is not None
    slow = type(first)(**{**{name: getattr(first, name) for name in first.__struct_fields__}, "seconds": 0.1})
    explorer._census = slow
    now[0] = 0.5
    assert explorer.census() is slow
    assert frame_of(explorer).census_age_s == 0.5
    now[0] = 2.0
    assert explorer.census() is not slow


def test_all_about_a_node(made: Made, view: ArenaView) -> None:
    nodes = chain(made, 10)
    explorer = Explorer(list_walker(view))
    explorer.census()
    detail = explorer.detail(nodes[3])
    assert detail is not None
    assert (detail.type, detail.page, detail.state) == ("struct node", nodes[3] // 4096, ObjectState.LIVE)
    assert [name for _, name in detail.path] == ["head", "first", "next", "next", "next"]
    assert [(link.name, link.target) for link in detail.links if link.target] == [("next", nodes[4])]
    assert explorer.detail(0) is None


def test_a_tidy_tree_is_as_narrow_as_its_outlines_allow() -> None:
    spots = plane.tree([(3, 1)] * 5, [[1, 2], [3, 4], [], [], []])
    assert [spot.x for spot in spots] == [4, 2, 6, 0, 4]
    assert plane.tree([(3, 1)] * 2, [[-1, 1], []])[1].x > plane.tree([(3, 1)] * 2, [[-1, 1], []])[0].x
