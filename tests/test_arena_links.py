# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The walker: what it reaches, how it calls what it finds, and that it comes to an end whatever it is given."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from arena_made import BASE, HEAD, LIST, NODE, Made, list_walker, pointer, record, types_of, word

from workbench.arena.links import LinkKind, Walker
from workbench.arena.schema import COUNTED, POINTER, Schema
from workbench.arena.shapes import Figure, recognise
from workbench.arena.types import Field, Kind


@pytest.fixture
def made() -> Iterator[Made]:
    """A small arena."""
    arena = Made()
    yield arena
    arena.close()


def chain(made: Made, count: int) -> list[int]:
    """A list with keys 0..count; its nodes' offsets."""
    nodes = [made.alloc(24, 0, key, 2 * key) for key in range(count)]
    for a, b in itertools.pairwise(nodes):
        made.point(a, b)
    head = made.alloc(8)
    made.point(head, nodes[0] if nodes else 0)
    made.root(head)
    return nodes


def test_a_list_is_reached_in_its_order(made: Made) -> None:
    nodes = chain(made, 100)
    with made.view() as view:
        walker = list_walker(view)
        census = walker.census()
        assert census is not None
        assert (census.nodes, census.max_depth, census.bad_count, census.cut) == (101, 100, 0, "")
        assert [node.offset for node in walker.nodes(1, 1000)] == nodes
        assert walker.node_at(nodes[40]) == walker.node(41)
        assert walker.path(41, 3) == (39, 40, 41)
        last = walker.node(census.deepest)
        assert last is not None
        assert last.offset == nodes[-1]
        assert walker.search("key", 77) == (1, (78,))
        assert walker.search("key", 177) == (0, ())
        assert recognise(census, walker.schema).figure is Figure.CHAIN


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lambda made, a, b: made.call.made_free(b), LinkKind.FREED),
        (lambda made, a, b: made.call.made_retire(b), LinkKind.RETIRED),
        (lambda made, a, b: made.put(a, 0x7FFF00000010), LinkKind.OUTSIDE),
        (lambda made, a, b: made.put(a, BASE + made.size), LinkKind.OUTSIDE),
        (lambda made, a, b: made.put(a, BASE + made.size - PAGE_FROM_END), LinkKind.UNPOPULATED),
        (lambda made, a, b: made.put(a, BASE | (b & ~4095) + 4096 - 32), LinkKind.UNPOPULATED),
        (lambda made, a, b: made.put(a, BASE | b + 8), LinkKind.NO_OBJECT),
        (lambda made, a, b: made.put(a, BASE | 16 * 4096), LinkKind.NO_OBJECT),
        (lambda made, a, b: made.point(b, a), LinkKind.CYCLE),
        (lambda made, a, b: made.point(b, b), LinkKind.CYCLE),
    ],
    ids=lambda value: value.name if isinstance(value, LinkKind) else "",
)
def test_a_bad_link_is_found_and_called_what_it_is(made: Made, damage, kind: LinkKind) -> None:  # type: ignore[no-untyped-def]
    nodes = chain(made, 20)
    a, b = nodes[10], nodes[11]
    damage(made, a, b)
    with made.view() as view:
        walker = list_walker(view)
        census = walker.census()
        assert census is not None
        assert {one: count for one, count in census.links.items() if one.bad and count} == {kind: 1}
        assert [(bad.offset, bad.edge.name, bad.edge.kind) for bad in census.bad] == [
            (b if kind is LinkKind.CYCLE else a, "next", kind)
        ]


PAGE_FROM_END = 8 * 4096


def test_the_link_to_page_0_that_a_cast_null_is_is_not_followed(made: Made) -> None:
    nodes = chain(made, 3)
    made.put(nodes[2], BASE)
    with made.view() as view:
        census = list_walker(view).census()
        assert census is not None
        assert census.links[LinkKind.UNPOPULATED] == 1


def test_a_mark_in_a_link_is_no_part_of_the_address(made: Made) -> None:
    nodes = chain(made, 10)
    made.put(nodes[4], (BASE | nodes[5]) + 1)
    with made.view() as view:
        walker = list_walker(view)
        census = walker.census()
        assert census is not None
        assert (census.nodes, census.bad_count) == (11, 0)
        assert [field.marked for field in census.fields if field.name == "next"] == [1]
        assert [edge.marks for edge in walker.edges(nodes[4], 1) if edge.name == "next"] == [1]


def test_a_ring_is_no_bad_cycle(made: Made) -> None:
    nodes = chain(made, 12)
    made.point(nodes[-1], nodes[0])
    with made.view() as view:
        walker = list_walker(view)
        census = walker.census()
        assert census is not None
        assert census.bad_count == 0
        assert recognise(census, walker.schema).figure is Figure.RING


def test_links_back_are_no_cycles_whatever_their_name(made: Made) -> None:
    node = record("struct node", 24, pointer("a", 0, "struct node"), pointer("b", 8, "struct node"), word("key", 16))
    nodes = [made.alloc(24, 0, 0, key) for key in range(30)]
    for at, offset in enumerate(nodes):
        made.point(offset, nodes[at + 1] if at + 1 < len(nodes) else 0)
        made.point(offset + 8, nodes[at - 1] if at else 0)
    head = made.alloc(8)
    made.point(head, nodes[0])
    made.root(head)
    with made.view() as view:
        walker = Walker(view, types_of(HEAD, node), "struct head", "struct node")
        census = walker.census()
        assert census is not None
        assert census.bad_count == 0
        shape = recognise(census, walker.schema)
        assert (shape.figure, shape.doubly) == (Figure.CHAIN, True)


def tree(made: Made, depth: int) -> list[int]:
    """A perfect tree with parents; nodes in the order of levels."""
    nodes = [made.alloc(32, 0, 0, 0, key) for key in range(2**depth - 1)]
    for at, offset in enumerate(nodes):
        for side in (0, 1):
            child = 2 * at + 1 + side
            made.point(offset + 8 * side, nodes[child] if child < len(nodes) else 0)
        made.point(offset + 16, nodes[(at - 1) // 2] if at else 0)
    head = made.alloc(8)
    made.point(head, nodes[0])
    made.root(head)
    return nodes


TREE = types_of(
    record("struct head", 8, pointer("root", 0, "struct node")),
    record(
        "struct node",
        32,
        *(pointer(name, 8 * at, "struct node") for at, name in enumerate(("left", "right", "parent"))),
        word("key", 24),
    ),
)


def test_a_tree_is_one_and_a_link_up_by_a_childs_field_is_bad(made: Made) -> None:
    nodes = tree(made, 6)
    with made.view() as view:
        walker = Walker(view, TREE, "struct head", "struct node")
        census = walker.census()
        assert census is not None
        assert (census.nodes, census.max_depth, census.bad_count) == (64, 6, 0)
        assert recognise(census, walker.schema).figure is Figure.TREE
        root = walker.node(1)
        assert root is not None
        assert (root.subtree, root.children) == (63, 2)
        made.point(nodes[40], nodes[1])
        census = walker.census()
        assert census is not None
        assert [(bad.offset, bad.edge.name, bad.edge.kind) for bad in census.bad] == [
            (nodes[40], "left", LinkKind.CYCLE)
        ]


def test_an_arrays_length_is_read_beside_the_link_to_it(made: Made) -> None:
    table = record("struct table", 16, pointer("rows", 0, "struct row"), word("size", 8))
    row = record("struct row", 8, pointer("first", 0, "struct node"))
    rows = made.alloc(1000 * 8)
    stray = made.alloc(24)
    made.call.made_free(stray)
    made.point(rows + 1010 * 8, stray)  # behind the end: what lies there means nothing
    for at in (3, 500, 999):
        made.point(rows + 8 * at, made.alloc(24, 0, at, at))
    head = made.alloc(16, BASE | rows, 1000)
    made.root(head, 16)
    with made.view() as view:
        walker = Walker(view, types_of(table, row, NODE), "struct table", "struct node")
        census = walker.census()
        assert census is not None
        assert (census.nodes, census.bad_count) == (5, 0)
        array = walker.node_at(rows)
        assert array is not None
        assert array.elements == 1000
        assert [walker.schema.slot_name(array.type, node.via, array.elements) for node in walker.nodes(2, 3)] == [
            "[3].first",
            "[500].first",
            "[999].first",
        ]
        assert recognise(census, walker.schema).figure is Figure.BUCKETS


def test_a_link_into_the_middle_is_good_where_a_field_of_that_type_lies(made: Made) -> None:
    anchor = record("struct anchor", 16, pointer("next", 0, "struct anchor"), pointer("prev", 8, "struct anchor"))
    inner = Field("anchor", 16, 16, Kind.RECORD, "struct anchor", "struct anchor")
    item = record("struct item", 40, word("key", 0), word("value", 8), inner, word("more", 32))
    head = record("struct head", 16, Field("list", 0, 16, Kind.RECORD, "struct anchor", "struct anchor"))
    items = [made.alloc(40, key, 0, 0, 0, 0) for key in range(5)]
    root = made.alloc(16)
    places = [root, *(offset + 16 for offset in items)]
    for at, place in enumerate(places):
        made.point(place, places[(at + 1) % len(places)])
        made.point(place + 8, places[at - 1])
    made.root(root, 16)
    with made.view() as view:
        walker = Walker(view, types_of(head, item, anchor), "struct head", "struct item")
        census = walker.census()
        assert census is not None
        assert (census.nodes, census.bad_count) == (6, 0)
        assert [node.offset for node in walker.nodes(1, 9)] == items
        made.point(items[2] + 16, items[3] + 8)
        census = walker.census()
        assert census is not None
        assert census.links[LinkKind.NO_OBJECT] == 1


def test_counted_pointers_are_followed_and_said_to_be_counted(made: Made) -> None:
    node = record("struct node", 24, word("below", 0), word("key", 8), word("value", 16))
    head = record("struct head", 8, word("top", 0))
    nodes = [made.alloc(24, 0, key, key) for key in range(6)]
    for at, offset in enumerate(nodes[1:]):
        made.put(offset, 9 << 32 | nodes[at])
    root = made.alloc(8, 77 << 32 | nodes[-1])
    made.root(root)
    with made.view() as view:
        walker = Walker(view, types_of(head, node), "struct head", "struct node")
        census = walker.census()
        assert census is not None
        assert census.nodes == 7
        top = walker.edges(root, walker.schema.head)[0]
        assert (top.counted, top.tag, top.target) == (True, 77, nodes[-1])
        made.call.made_free(nodes[2])
        census = walker.census()
        assert census is not None
        assert census.links[LinkKind.FREED] == 1


def test_a_number_is_no_link_by_chance(made: Made) -> None:
    nodes = chain(made, 3)
    freed = made.alloc(24)
    made.call.made_free(freed)
    made.put(nodes[1] + 16, freed)  # its value happens to be an offset
    with made.view() as view:
        census = list_walker(view).census()
        assert census is not None
        assert census.bad_count == 0


def test_a_walk_ends_at_its_bounds_and_says_which(made: Made) -> None:
    chain(made, 1000)
    with made.view() as view:
        walker = list_walker(view)
        census = walker.census(max_nodes=100)
        assert census is not None
        assert (census.nodes, census.cut) == (100, "nodes")


def test_no_head_is_no_census(made: Made) -> None:
    with made.view() as view:
        walker = list_walker(view)
        assert walker.census() is None
        made.root(20 * 4096)
        assert walker.census() is None


def test_looking_populates_nothing(made: Made) -> None:
    nodes = chain(made, 50)
    made.put(nodes[7], BASE + made.size - PAGE_FROM_END)
    before = made.populated()
    with made.view() as view:
        walker = list_walker(view)
        assert walker.census() is not None
        for target in (0, 4096, made.size - 4096, made.size // 2):
            assert view.read(target, 64) == b""
            assert view.object_at(target) is None
    assert made.populated() == before


def test_what_may_lead_on_is_told_by_type_and_name() -> None:
    schema = Schema(LIST, "struct head", "struct node")
    links = {
        (link.name, link.kind) for shape in schema.shapes for link in shape.links if link.kind in (POINTER, COUNTED)
    }
    assert links == {("first", POINTER), ("next", POINTER)}
    assert schema.shapes[schema.node].links[-1].name == "next"
