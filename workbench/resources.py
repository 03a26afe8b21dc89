# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where the C sources and profiles are: beside the package in a checkout, inside it when installed from a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _find(name: str) -> Path:
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def bpf_dir() -> Path:
    """The folder of C that both sides compile (`bpf/`)."""
    return _find("bpf")


def csrc_dir() -> Path:
    """The folder of C that only user space compiles (`csrc/`)."""
    return _find("csrc")


def profiles_dir() -> Path:
    """The folder of the profiles that ship."""
    return _find("profiles")
