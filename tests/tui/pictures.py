# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The states of the screen that are kept as pictures: tests compare with them, and the docs show them.

`python tests/tui/pictures.py FOLDER [NAME...]` writes them as SVG; `make screens` those of the docs.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import canned
import canned_kernel
from stage import NARROW, WIDE, Stage, stage
from textual.pilot import Pilot

from workbench.arena.shapes import Figure
from workbench.session import Building, Event, Problem
from workbench.tui.app import WorkbenchApp

WORDS = """/headers/ds_list.h does not compile for the kernel (BPF):
/headers/ds_list.h:12:2: error: unknown type name '__u65'
   12 |         __u65 key;
      |         ^
1 error generated."""


NO_ROOT = "BPF needs root, or CAP_BPF and CAP_PERFMON; try: sudo arena-workbench"
KERNEL = [*canned.running(), canned_kernel.info()]
FAULTS = canned_kernel.FAULT * 128 + canned_kernel.FAULT.replace("WRITE", "READ").replace(":118", ":97")


@dataclass(frozen=True)
class Picture:
    """One state: what happened, then which keys were pressed; `arena` is what the canned one differs in."""

    name: str
    size: tuple[int, int] = WIDE
    events: Sequence[Event] = ()
    keys: Sequence[str] = ()
    theme: str = "textual-dark"
    arena: Mapping[str, object] = field(default_factory=dict)

    async def play(self, on: Stage) -> None:
        """Bring the stage there."""
        for name, value in self.arena.items():
            setattr(on.services.look_into, name, value)
        on.app.theme = self.theme
        await on.settle()
        if self.events:
            await on.run(self.events)
        await on.press(*self.keys)


PICTURES = (
    Picture("run-empty"),
    Picture("run-empty-80x24", NARROW),
    Picture("run-building", events=[Building("compiling ds_list.h for both sides")]),
    Picture("run-running", events=canned.running()),
    Picture("run-running-80x24", NARROW, canned.running()),
    Picture("run-paused", events=canned.running(), keys=["p"]),
    Picture("run-finished", events=canned.finished()),
    Picture("run-finished-80x24", NARROW, canned.finished()),
    Picture("run-check-failed", events=canned.finished(failed=True)),
    Picture("run-crashed", events=canned.crashed()),
    Picture("run-crashed-80x24", NARROW, canned.crashed()),
    Picture("run-not-started", events=[Problem("The structure does not build", WORDS, "build")]),
    Picture("run-report", events=canned.finished(), keys=["t"]),
    Picture("run-latency", events=canned.running(), keys=["l", "l"]),
    Picture("run-64-lanes", events=canned.running(user=48, kernel=16)),
    Picture("run-editing", keys=["tab", "enter", "9", "9", "9"]),
    Picture("run-16-colours", events=canned.running(), theme="ansi-dark"),
    Picture("run-light", events=canned.running(), theme="textual-light"),
    Picture("pages-empty", keys=["2"]),
    Picture("pages-running", events=canned.running(), keys=["2", *["right"] * 5, "down", "down"]),
    Picture("pages-running-80x24", NARROW, canned.running(), ["2"]),
    Picture("pages-inspect", events=canned.running(), keys=["2", "g", *"100", "enter", "enter", "down"]),
    Picture("pages-inspect-80x24", NARROW, canned.running(), ["2", "g", *"100", "enter", "enter", "down"]),
    Picture("pages-lanes-frozen", events=canned.running(), keys=["2", "t", "f"]),
    Picture("pages-4-gib", events=canned.running(), keys=["2", "0"], arena={"pages_count": 1 << 20}),
    Picture("pages-finished", events=canned.finished(), keys=["2"]),
    Picture("pages-crashed", events=canned.crashed(), keys=["2"]),
    Picture("pages-16-colours", events=canned.running(), keys=["2"], theme="ansi-dark"),
    Picture("pages-light", events=canned.running(), keys=["2"], theme="textual-light"),
    Picture("links-empty", keys=["3"]),
    Picture("links-running", events=canned.running(), keys=["3", "right"]),
    Picture("links-running-80x24", NARROW, canned.running(), ["3", "right"]),
    Picture("links-frozen", events=canned.running(), keys=["3", "f"]),
    Picture("links-tree", events=canned.running(), keys=["3", "down"], arena={"figure": Figure.TREE}),
    Picture("links-finished", events=canned.finished(), keys=["3"]),
    Picture("links-crashed", events=canned.crashed(), keys=["3", "b"], arena={"bad": True}),
    Picture("links-node-80x24", NARROW, canned.running(), ["3", "right", "i"]),
    Picture("links-16-colours", events=canned.running(), keys=["3"], theme="ansi-dark", arena={"bad": True}),
    Picture("kernel-empty", keys=["6"]),
    Picture("kernel-native", events=[canned.started(backend="native", reason=NO_ROOT), canned.snapshot()], keys=["6"]),
    Picture("kernel-running", events=KERNEL, keys=["6"]),
    Picture("kernel-running-80x24", NARROW, KERNEL, ["6"]),
    Picture("kernel-triggers-80x24", NARROW, KERNEL, ["6", "m", "t"]),
    Picture(
        "kernel-faults", events=[*canned.running(), canned_kernel.info(cannot=["execve"], said=FAULTS)], keys=["6"]
    ),
    Picture("kernel-no-streams", events=[*canned.running(), canned_kernel.info(said=None)], keys=["6"]),
    Picture("kernel-paused", events=KERNEL, keys=["6", "p"]),
    Picture("kernel-finished", events=[*canned.finished(), canned_kernel.info(12.0, over=True)], keys=["6"]),
    Picture("kernel-crashed", events=[*KERNEL, canned.crashed()[-1]], keys=["6"]),
    Picture("kernel-not-started", events=[Problem("The structure does not build", WORDS, "build")], keys=["6"]),
    Picture("kernel-16-colours", events=KERNEL, keys=["6"], theme="ansi-dark"),
    Picture("verifier-log", events=KERNEL, keys=["6", "l"]),
    Picture("verifier-log-search-80x24", NARROW, KERNEL, ["6", "l", "slash", *"arena_use", "enter", "n"]),
    Picture("log", events=canned.finished(failed=True), keys=["7"]),
    Picture("help", NARROW, keys=["question_mark"]),
    Picture("export", events=canned.finished(), keys=["e"]),
    Picture("too-small", (60, 15)),
)


def app(home: Path) -> tuple[WorkbenchApp, canned.FakeServices]:
    """The app that the pictures are of."""
    services = canned.FakeServices()
    return WorkbenchApp(canned.workspace(home), services), services


async def pose(picture: Picture, shown: WorkbenchApp, services: canned.FakeServices, pilot: Pilot[Any]) -> None:
    """For an app that somebody else started."""
    on = Stage(shown, pilot, services)
    await on.settle()
    await picture.play(on)


async def _draw(picture: Picture, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        async with stage(Path(home), picture.size) as on:
            await picture.play(on)
            (folder / f"{picture.name}.svg").write_text(on.app.export_screenshot(), encoding="utf-8")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[2:] or [one.name for one in PICTURES]
    for one in (one for one in PICTURES if one.name in wanted):
        asyncio.run(_draw(one, target))
        print(target / f"{one.name}.svg")  # noqa: T201 the command's output
