# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Looks into damaged arenas, in a process of its own: usage: arena_fuzz.py ROUNDS SEED. Prints what it saw in numbers.

Damage is done to every part: random words, offsets and pointers into descriptors, slot headers, objects, the header.
"""

from __future__ import annotations

import contextlib
import faulthandler
import random
import sys

from arena_made import BASE, LIST, PAGE, Made
from test_arena_links import TREE

from workbench.arena.frames import Explorer
from workbench.arena.links import Walker
from workbench.arena.pages import PageMap
from workbench.arena.slots import page
from workbench.errors import WorkbenchError

HEADER = 16 * PAGE
FIRST_WORDS = 12  # of the header: sizes and places


def damage(made: Made, chance: random.Random, used: range, descriptors: int) -> None:
    """A few words of anything, anywhere."""
    most = 1.0 if chance.random() < 0.1 else 0.97  # the header's turn comes now and then
    for _ in range(chance.choice((1, 5, 50, 500))):
        kind = chance.random() * most
        if kind < 0.70:
            at = chance.randrange(used.start, used.stop, 8)
        elif kind < 0.97:
            at = descriptors + 16 * chance.randrange(used.start // PAGE, used.stop // PAGE) + 8 * chance.randrange(2)
        else:
            at = HEADER + 8 * chance.randrange(FIRST_WORDS)
        made.put(at, word(made, chance, used))


def word(made: Made, chance: random.Random, used: range) -> int:
    """Something that might be taken for a link, a descriptor or a slot's header."""
    kind = chance.randrange(6)
    if kind == 0:
        return chance.getrandbits(64)
    if kind == 1:
        return BASE | chance.randrange(used.start, used.stop, 8)
    if kind == 2:
        return BASE | chance.getrandbits(32)
    if kind == 3:  # a descriptor: kind, class, lane, state
        state = chance.getrandbits(12) << 32 | chance.randrange(4) << 16
        return state | chance.randrange(32) << 8 | chance.randrange(8)
    if kind == 4:
        return chance.randrange(16) | chance.randrange(1 << 20) << 32
    at = chance.randrange(used.start, used.stop, 8)
    return int.from_bytes(made.memory[at : at + 8], "little")


def main(rounds: int, seed: int) -> None:
    """Damage, look at everything, mend, again."""
    faulthandler.enable()
    chance = random.Random(seed)
    made = Made(2048)
    assert made.call.made_list(3000, 7) == 0
    for _ in range(40):
        made.alloc(chance.choice((16, 100, 500, 5000)))
    with made.view() as view:
        summary = view.summary()
        assert summary is not None
        used = range(summary.pages_first * PAGE, summary.frontier * PAGE)
        descriptors = (summary.pages_first - -(-made.pages * 16 // PAGE)) * PAGE
        sound = bytes(made.memory)
        walks = bad = 0
        for turn in range(rounds):
            damage(made, chance, used, descriptors)
            explorer = Explorer(Walker(view, TREE if turn % 3 == 0 else LIST, "struct head", "struct node"))
            census = explorer.census(fresh=True)
            walks += census is not None
            bad += census.bad_count if census else 0
            if turn % 8 == 0:
                explorer.frame(80, 24, chance.randrange(used.start, used.stop, 16))
                explorer.find(chance.randrange(3000))
                explorer.detail(chance.randrange(used.start, used.stop))
            pages = PageMap(view)
            pages.refresh()
            pages.cells(0, 7, 300)
            pages.totals()
            with contextlib.suppress(WorkbenchError):  # no arena to look at
                page(view, chance.randrange(made.pages), explorer.walker)
            made.memory[HEADER : HEADER + PAGE] = sound[HEADER : HEADER + PAGE]
            if chance.random() < 0.3:
                made.memory[:] = sound
        sys.stdout.write(f"{rounds} {walks} {bad}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
