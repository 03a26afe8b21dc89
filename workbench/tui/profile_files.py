# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Profiles as files on the screen: which there are, recent ones first, and saving as the person who works here."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import msgspec

from workbench import profile_saving, profiles, resources
from workbench.errors import UsageError
from workbench.person import Person, acting_as
from workbench.profiles import Profile

_MOST_RECENT = 10


def own_folder(person: Person) -> Path:
    """Where a person's own profiles are."""
    return person.config / "profiles"


def ships(path: Path) -> bool:
    """Whether a profile came with the workbench; such are saved under another name."""
    return path.resolve().parent == resources.profiles_dir().resolve()


def target(name_or_path: str, person: Person) -> Path:
    """Where a profile is saved that a person calls so: a bare name goes to the person's own folder."""
    if "/" in name_or_path or name_or_path.endswith(".toml"):
        path = Path(name_or_path).expanduser()
        if name_or_path.startswith("~/"):
            path = person.home / name_or_path[2:]
        return path.absolute()
    return own_folder(person) / f"{name_or_path}.toml"


def why_not(name_or_path: str, person: Person) -> str:
    """What is wrong with saving under that name; empty for nothing."""
    if not name_or_path.strip():
        return "a profile needs a name"
    path = target(name_or_path.strip(), person)
    if ships(path):
        return f"{path.stem} came with the workbench; take another name"
    if path.stem in {one.stem for one in resources.profiles_dir().glob("*.toml")}:
        return f"{path.stem} is the name of a profile that came with the workbench, and that one would be found"
    return ""


def save(profile: Profile, path: Path, person: Person, source: Path | None = None) -> None:
    """Save as `person`; a new file begins as a copy of `source`, so that its comments are kept. Raises UsageError."""
    text = ""
    if source is not None and source != path and source.exists() and not path.exists():
        text = source.read_text(encoding="utf-8")
    with acting_as(person):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if text:
                path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot save the profile {path}: {error.strerror}") from error
        profile_saving.save(profile, path)


def recent(person: Person) -> list[Path]:
    """Profiles that were opened or saved, the last one first, as far as they still exist."""
    try:
        known = msgspec.json.decode(_memory(person).read_bytes(), type=list[str])
    except (OSError, msgspec.MsgspecError):
        return []
    return [path for path in map(Path, known) if path.is_file()]


def remember(path: Path, person: Person) -> None:
    """Put a profile first among the recent ones; that this cannot be written down is no trouble to anybody."""
    path = path.absolute()
    paths = [path, *(one for one in recent(person) if one != path)][:_MOST_RECENT]
    memory = _memory(person)
    with contextlib.suppress(OSError), acting_as(person):
        memory.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=".recent.", dir=memory.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode([str(one) for one in paths]))
        Path(draft).replace(memory)


def choices(person: Person) -> list[Path]:
    """Every profile to choose from, recent ones first."""
    first = recent(person)
    return first + [path for path in profiles.available().values() if path.absolute() not in first]


def line(path: Path, person: Person) -> str:
    """A profile in a list: its name, and where it is from."""
    where = "came with the workbench" if ships(path) else str(path.parent).replace(str(person.home), "~", 1)
    return f"{path.stem:<20} {where}"


def _memory(person: Person) -> Path:
    return person.state / "recent-profiles.json"
