# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The screen on a stage: a Pilot that waits for what happens instead of sleeping, and says what is seen."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec

import canned
from textual.pilot import Pilot

from workbench.session import Event
from workbench.tui.app import WorkbenchApp
from workbench.tui.widgets.key_bar import KeyBar
from workbench.tui.widgets.lane_table import LaneTable
from workbench.tui.widgets.profile_form import ProfileForm
from workbench.tui.widgets.reading import Reading
from workbench.tui.widgets.title_line import TitleLine

P = ParamSpec("P")
WIDE = (120, 40)
NARROW = (80, 24)


def played(story: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """An asynchronous test, run to its end."""

    @functools.wraps(story)
    def test(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(story(*args, **kwargs))

    return test


@dataclass
class Stage:
    """A running app and what is asked of it in tests."""

    app: WorkbenchApp
    pilot: Pilot[int]
    services: canned.FakeServices

    async def settle(self) -> None:
        """Until nothing is under way: no worker of ours, no message, no layout."""
        for _ in range(3):
            await self.pilot.pause()
            waiting = [worker for worker in self.app.workers if worker.group != "default" and not worker.is_finished]
            if waiting:
                await self.app.workers.wait_for_complete(waiting)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Keys, one after the other, each with all that follows from it."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def happen(self, events: Iterable[Event]) -> None:
        """Publish events, each seen before the next."""
        for event in events:
            self.app.publish(event)
            await self.pilot.pause()
        await self.settle()

    async def run(self, events: Iterable[Event]) -> None:
        """Start a run that goes like this; what lies between its first and last moments is not looked at."""
        await self.press("f5")
        for event in events:
            self.app.publish(event)
        await self.settle()

    @property
    def calls(self) -> list[tuple[Any, ...]]:
        """What the session was told."""
        return self.services.session.calls

    @property
    def keys(self) -> list[str]:
        """The footer."""
        return self.app.main.query_one(KeyBar).labels

    @property
    def title(self) -> str:
        """The title line."""
        return self.app.main.query_one(TitleLine).render().plain

    @property
    def lanes(self) -> LaneTable:
        """The table of lanes."""
        return self.app.main.query_one(LaneTable)

    @property
    def form(self) -> ProfileForm:
        """The profile form."""
        return self.app.main.query_one(ProfileForm)

    @property
    def reading(self) -> str:
        """Title and text of what is there to read; empty when it is not shown."""
        reading = self.app.main.query_one(Reading)
        if not reading.display:
            return ""
        return f"{reading.border_title}\n{reading.text}"

    @property
    def log(self) -> str:
        """All that was said."""
        return "\n".join(self.app.log_lines)


@contextlib.asynccontextmanager
async def stage(
    home: Path, size: tuple[int, int] = WIDE, services: canned.FakeServices | None = None, **workspace: Any
) -> AsyncIterator[Stage]:
    """The app, ready for the first key."""
    services = services or canned.FakeServices()
    app = WorkbenchApp(canned.workspace(home, **workspace), services)
    async with app.run_test(size=size) as pilot:
        shown = Stage(app, pilot, services)
        await shown.settle()
        yield shown
