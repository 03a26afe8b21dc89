# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the screen needs of a run: the events that it is told, and the session as far as it gives orders to it.

The screen codes against these; tests hand in a session of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from workbench.kernel_info import KernelInfo
from workbench.profiles import Profile
from workbench.session import (
    Building,
    Crashed,
    Event,
    Finished,
    Inspection,
    Problem,
    Said,
    Started,
    Verified,
)
from workbench.session import Session as RealSession

Publish = Callable[[Event], None]

__all__ = [
    "Building",
    "Crashed",
    "Event",
    "Finished",
    "Inspection",
    "KernelInfo",
    "Problem",
    "Publish",
    "RealSession",
    "Said",
    "Session",
    "Started",
    "Verified",
]


class Session(Protocol):
    """What starts runs, one after another; no call but `close` waits, everything comes back as an Event."""

    def start(self, profile: Profile, include: Sequence[Path] = ()) -> None:
        """Run `profile`."""
        ...

    def stop(self) -> None:
        """End the run that goes on."""
        ...

    def burst(self, operations: int = 1000) -> None:
        """Kernel operations, now."""
        ...

    def verify(self) -> None:
        """Verify, now."""
        ...

    def kernel(self, statistics: bool = False) -> None:
        """Ask for a KernelInfo, with the kernel counting runs or not."""
        ...

    def set_trigger(self, name: str, on: bool) -> None:
        """Attach or detach a trigger."""
        ...

    def inspect(self) -> Inspection | None:
        """What can be looked into now."""
        ...

    def close(self) -> None:
        """End everything."""
        ...
