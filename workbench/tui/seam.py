# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the screen needs of a run: the one place where its words for sessions and events are fixed.

The screen codes against these; tests hand in a session of their own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from workbench.profiles import Profile
from workbench.reports.model import Report
from workbench.snapshots import Snapshot


class Building(msgspec.Struct, frozen=True):
    """A step of building, before anything runs."""

    text: str


class Started(msgspec.Struct, frozen=True):
    """Lanes are about to run."""

    profile: Profile
    backend: str
    reason: str
    seed: int
    lanes: int


class Said(msgspec.Struct, frozen=True):
    """A note of the engine or the plan."""

    text: str


class Verified(msgspec.Struct, frozen=True):
    """The structure's own verify, from each side; None where a side did not look. `live`: lanes were running."""

    user: str | None
    kernel: str | None
    live: bool


class Problem(msgspec.Struct, frozen=True):
    """Nothing runs, and why: a compiler's or verifier's words are in `message`, a line each."""

    title: str
    message: str
    kind: Literal["usage", "build", "machine", "engine"] = "engine"


class Finished(msgspec.Struct, frozen=True):
    """The run is over."""

    report: Report


class Crashed(msgspec.Struct, frozen=True):
    """The engine died or hung; its arena can still be looked into."""

    message: str
    report: Report


Event = Building | Started | Snapshot | Said | Verified | Problem | Finished | Crashed


class Session(Protocol):
    """What starts runs, one after another; no call blocks, everything comes back as an Event."""

    def start(self, profile: Profile, include: Sequence[Path] = ()) -> None: ...
    def stop(self) -> None: ...
    def burst(self, operations: int = 1000) -> None: ...
    def verify(self) -> None: ...
    def set_trigger(self, name: str, on: bool) -> None: ...
    def inspect(self) -> Any: ...
    def kernel(self) -> Any: ...
    def close(self) -> None: ...


Publish = Callable[[Event], None]


def open_session(publish: Publish) -> Session:
    """The real one; imported only now, off the way to the first paint."""
    session = importlib.import_module("workbench.session")
    made: Session = session.Session(publish)
    return made
