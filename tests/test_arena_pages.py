# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The map of pages: what it counts, what it counts again, and that no look populates anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from arena_made import PAGE, Made, list_walker

from workbench.arena.pages import PageKind, PageMap
from workbench.arena.slots import page
from workbench.arena.view import ObjectState
from workbench.errors import EngineError


@pytest.fixture
def made() -> Iterator[Made]:
    """An arena large enough that descriptors of its own pages are not populated."""
    arena = Made(65536 * 2)
    yield arena
    arena.close()


def test_slots_are_counted_by_state(made: Made) -> None:
    objects = [made.alloc(24) for _ in range(300)]
    for offset in objects[:100]:
        made.call.made_free(offset)
    for offset in objects[100:120]:
        made.call.made_retire(offset)
    with made.view() as view:
        pages = PageMap(view)
        found = pages.refresh()
        assert found is not None
        assert found.due == 0
        small = pages.totals().classes[0]
        assert (small.slot_size, small.live, small.retired, small.carved) == (32, 180, 20, 300)
        first = objects[0] // PAGE
        cell = pages.cells(first, 1, 1).at(0)
        assert (cell.kind, cell.live, cell.carved, cell.capacity) == (PageKind.SMALL, 7, 127, 127)


def test_only_what_changed_is_counted_again(made: Made) -> None:
    objects = [made.alloc(24) for _ in range(127 * 50)]
    with made.view() as view:
        pages = PageMap(view)
        for _ in range(4):
            made.call.made_tick()
            assert pages.refresh() is not None
        made.call.made_tick()
        quiet = pages.refresh()
        assert quiet is not None
        assert (quiet.changed, quiet.counted) == (0, 0)
        made.call.made_free(objects[127 * 20])
        one = pages.refresh()
        assert one is not None
        assert (one.changed, one.counted) == (1, 1)
        # A second change in the same tick leaves no new stamp.
        made.call.made_free(objects[127 * 20 + 1])
        again = pages.refresh()
        assert again is not None
        assert (again.changed, again.counted) == (0, 1)
        assert pages.cells(objects[127 * 20] // PAGE, 1, 1).at(0).live == 125


def test_counting_is_put_off_when_its_time_is_up_and_made_up_for(made: Made) -> None:
    for _ in range(127 * 400):
        made.alloc(24)
    with made.view() as view:
        pages = PageMap(view)
        found = pages.refresh(count_s=0)
        assert found is not None
        assert found.due > 0
        rounds = 0
        while found is not None and found.due and rounds < 1000:
            found, rounds = pages.refresh(count_s=0.001), rounds + 1
        assert pages.totals().classes[0].live == 127 * 400


def test_a_cell_of_many_pages_sums_them_up(made: Made) -> None:
    objects = [made.alloc(24) for _ in range(127 * 4)]
    run = made.alloc(3 * PAGE)
    made.call.made_touch(objects[-1] // PAGE, 1)
    with made.view() as view:
        pages = PageMap(view)
        assert pages.refresh() is not None
        whole = pages.cells(0, made.pages, 1).at(0)
        each = pages.cells(0, 1, made.pages)
        assert each.count == made.pages
        assert whole.live == 127 * 4 + 1 == sum(each.at(at).live for at in range(each.count) if each.kind[at])
        assert [each.kind[run // PAGE + at] for at in range(3)] == [PageKind.RUN, PageKind.RUN_TAIL, PageKind.RUN_TAIL]
        assert each.fill[objects[0] // PAGE] == 255
        assert each.kernel[objects[-1] // PAGE] == 1
        assert each.age[objects[-1] // PAGE] == 0
        assert whole.kinds[PageKind.APART] == 16
        # The last cells end with the arena.
        assert pages.cells(made.pages - 10, 4, 9).count == 3


def test_free_pages_are_fragmented_when_their_longest_run_is_short(made: Made) -> None:
    runs = [made.alloc(2 * PAGE) for _ in range(8)]
    for offset in runs[::2]:
        made.call.made_free(offset)
    with made.view() as view:
        pages = PageMap(view)
        assert pages.refresh() is not None
        totals = pages.totals()
        assert (totals.kinds[PageKind.FREE], totals.free_runs, totals.longest_free) == (8, 4, 2)
        assert totals.external_fragmentation == 0.75
        assert totals.internal_fragmentation == 0


def test_a_page_in_detail_names_what_the_links_lead_to(made: Made) -> None:
    node = made.alloc(24, 0, 17, 34)
    loose, freed = made.alloc(24, 0, 5, 6), made.alloc(24, 0, 7, 8)
    made.call.made_free(freed)
    head = made.alloc(8)
    made.point(head, node)
    made.root(head)
    with made.view() as view:
        walker = list_walker(view)
        walker.census()
        detail = page(view, node // PAGE, walker)
        assert (detail.kind, detail.slot_size, detail.capacity, len(detail.slots)) == (PageKind.SMALL, 32, 127, 3)
        by = {slot.offset: slot for slot in detail.slots}
        assert (by[node].type, by[node].guessed, by[node].state) == ("struct node", False, ObjectState.LIVE)
        assert [(value.path, value.text) for value in by[node].values] == [
            ("next", "NULL"),
            ("key", "17"),
            ("value", "34"),
        ]
        assert (by[loose].type, by[loose].guessed) == ("struct node", True)
        assert by[freed].state is ObjectState.FREED
        assert detail.count(ObjectState.LIVE) == 2
        assert by[node].lane == 1


def test_looking_at_all_pages_populates_none(made: Made) -> None:
    for _ in range(1000):
        made.alloc(24)
    made.alloc(5 * PAGE)
    before = made.populated()
    with made.view() as view:
        pages = PageMap(view)
        pages.refresh()
        pages.cells(0, 1, made.pages)
        pages.totals()
        readable = 0
        for number in [*range(2000), *range(made.pages - 100, made.pages)]:
            readable += page(view, number).readable
        assert readable
        with pytest.raises(EngineError, match="no page"):
            page(view, made.pages)
    assert made.populated() == before


def test_a_damaged_header_is_no_arena(made: Made) -> None:
    with made.view() as view:
        pages = PageMap(view)
        assert pages.refresh() is not None
        made.put(16 * PAGE, 0)
        assert pages.refresh() is None
        assert view.summary() is None
