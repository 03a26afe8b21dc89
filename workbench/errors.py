# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Errors meant for a person: what was wrong, where, what to do, and the exit status they lead to."""

from __future__ import annotations

from typing import ClassVar


class WorkbenchError(Exception):
    """Base of every error that is shown as a message, never as a traceback."""

    exit_status: ClassVar[int] = 2


class UsageError(WorkbenchError):
    """Bad command line or profile (exit status 2)."""


class BuildError(WorkbenchError):
    """A structure that does not compile, or misses part of the contract (exit status 2)."""


class MachineError(WorkbenchError):
    """The machine cannot do what was asked: root, kernel, toolchain (exit status 3)."""

    exit_status: ClassVar[int] = 3


class EngineError(WorkbenchError):
    """The engine process crashed or hung (exit status 4)."""

    exit_status: ClassVar[int] = 4
