# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What prevents a run is told before the screen is taken over: why, what mends it, and that user lanes run anyway."""

from __future__ import annotations

import os
from typing import TextIO

from workbench import machine, profiles, toolchain
from workbench.errors import MachineError
from workbench.profiles import Profile


def clear(profile: Profile, answers: TextIO, talk: TextIO) -> Profile:
    """The profile to open the screen with, once everything is said. Raises MachineError where nothing can run.

    Without a kernel side the person is asked whether user lanes alone will do.
    """
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise MachineError("this terminal (TERM) cannot show the screen; `arena-workbench run` prints a report")
    toolchain.require(toolchain.find_cc())
    if profile.arena.backend == "native":
        return profile
    reason = why_no_kernel_side()
    if not reason:
        return profile
    talk.write(f"arena-workbench: no kernel side: {reason}\n")
    talk.write("Open the screen with the native backend, user lanes only? [Y/n] ")
    talk.flush()
    answer = answers.readline()
    if not answer or answer.strip().lower() in ("n", "no"):
        raise MachineError(f"no kernel side: {reason}")
    return profiles.override(profile, {"arena.backend": "native"}) if profile.arena.backend == "bpf" else profile


def why_no_kernel_side() -> str:
    """The reason with its remedy, or nothing: the kernel's refusal first, then what the tools lack."""
    return machine.why_no_kernel_lanes() or toolchain.find().bpf_reason or ""
