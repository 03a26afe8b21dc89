# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Looking into real structures on both backends, while their lanes are at work and afterwards."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from arena_made import CHECKOUT, PAGE, Live, live

from workbench.arena.frames import Explorer
from workbench.arena.pages import PageKind, PageMap
from workbench.arena.shapes import Figure
from workbench.arena.slots import page
from workbench.arena.view import ArenaView

BACKENDS = [pytest.param(False, id="native"), pytest.param(True, id="bpf", marks=pytest.mark.kernel)]
HEADERS = CHECKOUT / "tests" / "headers"
FIGURES = {
    "list": Figure.CHAIN,
    "tree": Figure.TREE,
    "plainlist": Figure.CHAIN,
    "guidetree": Figure.TREE,
    "expset": Figure.BUCKETS,
    "kvring": Figure.ARRAY,
    "tagstack": Figure.CHAIN,
}
COUNTED = {"list", "tree", "plainlist", "guidetree", "expset"}  # others grow as fast as lanes can push


def reference(name: str) -> str:
    own = HEADERS / f"ds_{name}.h"
    return str(own) if own.is_file() else name


def looked_at(view: ArenaView) -> set[int]:
    """The arena's pages that this process has touched through the view, by its page table.

    Only a touch populates a page, so nothing else can have been populated by looking. (The map's fdinfo would not tell:
    memlock of an arena is 0 on Linux 6.18.)
    """
    start = int(view.native.ffi.cast("uintptr_t", view.base))
    with Path("/proc/self/pagemap").open("rb") as table:
        table.seek(start // PAGE * 8)
        entries = struct.unpack(f"<{view.size // PAGE}Q", table.read(view.size // PAGE * 8))
    return {number for number, entry in enumerate(entries) if entry >> 63}


@pytest.mark.parametrize(
    ("name", "bpf"),
    [
        *((name, False) for name in FIGURES),
        *(pytest.param(name, True, marks=pytest.mark.kernel) for name in ("list", "tree", "expset")),
    ],
)
def test_a_structure_is_seen_as_what_it_is(name: str, bpf: bool) -> None:
    with live(reference(name), bpf=bpf, keys=300, duration_s=0.3) as run:
        explorer, pages, bad = Explorer(run.walker), PageMap(run.view), 0
        for _ in run.until_finished():
            frame = explorer.frame()
            assert pages.refresh() is not None
            bad += sum(frame.bad.values()) if frame else 0
        explorer.census(fresh=True)
        frame = explorer.frame()
        assert frame is not None
        assert frame.figure is FIGURES[name]
        assert not frame.bad
        if name in COUNTED:
            # Nobody wrote a wrong link, and looking while lanes are at work must not invent any.
            assert bad == 0
            assert frame.elements == number_of_elements(run, name)


def number_of_elements(run: Live, name: str) -> int:
    """By the keys: every key that is in the structure is found once, and no other."""
    found = 0
    for key in range(1, 301):
        total, _ = run.walker.search("key", key)
        assert total <= 1 + (name == "list" and key == 0)
        found += total
    return found


@pytest.mark.parametrize("bpf", BACKENDS)
def test_looking_touches_only_what_is_populated(bpf: bool) -> None:
    with live("list", bpf=bpf, duration_s=0.3) as run:
        explorer, pages = Explorer(run.walker), PageMap(run.view)
        for _ in run.until_finished():
            explorer.frame()
            pages.refresh()
        found = pages.refresh()
        assert found is not None
        cells = pages.cells(0, 1, found.pages)
        for number in range(found.pages):
            page(run.view, number, run.walker)
        populated = {
            number
            for number in range(found.pages)
            if PageKind(cells.kind[number]) not in (PageKind.UNPOPULATED, PageKind.APART)
        }
        touched = looked_at(run.view)
        assert touched
        assert not touched - populated
        assert populated - touched <= {number for number in populated if cells.kind[number] == PageKind.META}


@pytest.mark.parametrize("bpf", BACKENDS)
def test_the_arena_can_be_looked_into_when_the_engine_is_dead(bpf: bool) -> None:
    with live("list", bpf=bpf, duration_s=5) as run:
        run.engine.kill()
        explorer = Explorer(run.walker)
        frame = explorer.frame()
        assert frame is not None
        assert frame.elements > 0
        assert PageMap(run.view).refresh() is not None


def test_what_looks_starts_no_process_and_draws_nothing() -> None:
    """Importing the whole room brings neither Textual nor anything that starts processes into a fresh interpreter."""
    modules = [f"workbench.arena.{path.stem}" for path in (CHECKOUT / "workbench/arena").glob("[a-z]*.py")]
    code = (
        f"import sys, {', '.join(modules)}\n"
        "print([name for name in ('textual', 'rich', 'subprocess', 'multiprocessing', 'workbench.engine.client') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert done.stdout.strip() == "[]"
