# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whose files are these? Under sudo, what a person saves is theirs, in their folders, and not root's.

Files are written as that person, by the kernel's own rules (setfsuid(2), which holds for one thread only): so nothing
can be overwritten that the person could not overwrite without sudo.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec


class Person(msgspec.Struct, frozen=True):
    """Who works with the workbench: numbers, and the home folder."""

    uid: int
    gid: int
    home: Path

    @property
    def config(self) -> Path:
        """`/arena-workbench`; root's own variable says nothing of another person's folder."""
        return _folder(self, "XDG_CONFIG_HOME", ".config")

    @property
    def state(self) -> Path:
        """`/arena-workbench`: what is remembered from one start to the next."""
        return _folder(self, "XDG_STATE_HOME", ".local/state")


def present(environment: Mapping[str, str] | None = None) -> Person:
    """The invoking user under sudo, else whoever runs the process."""
    environment = os.environ if environment is None else environment
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        with contextlib.suppress(KeyError, ValueError):
            uid, gid = int(environment["SUDO_UID"]), int(environment["SUDO_GID"])
    if uid == os.geteuid():
        return Person(uid, gid, Path(environment.get("HOME") or "/"))
    try:
        home = Path(pwd.getpwuid(uid).pw_dir)
    except KeyError:
        home = Path("/")
    return Person(uid, gid, home)


@contextlib.contextmanager
def acting_as(person: Person) -> Iterator[None]:
    """What this thread does with files inside is done by `person`: theirs to own, theirs to be refused."""
    if person.uid == os.geteuid():
        yield
        return
    libc = ctypes.CDLL(None)
    libc.setfsgid(person.gid)
    libc.setfsuid(person.uid)
    try:
        yield
    finally:
        libc.setfsuid(os.geteuid())
        libc.setfsgid(os.getegid())


def _folder(person: Person, variable: str, otherwise: str) -> Path:
    base = os.environ.get(variable, "") if person.uid == os.geteuid() else ""
    return Path(base or person.home / otherwise) / "arena-workbench"
