# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Profile -> TOML: a saved file keeps its author's comments and order, and changes only where values changed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import InlineTable

from workbench import profiles
from workbench.errors import UsageError
from workbench.profiles import Profile


def save(profile: Profile, path: Path) -> None:
    """Write `profile` to `path`, whole or not at all; an existing profile there keeps its comments.

    Raises UsageError when the file there is no valid profile (it is left alone) or cannot be written.
    """
    path = Path(os.path.realpath(path))
    try:
        if path.exists():
            text = path.read_bytes().decode("utf-8-sig")  # as bytes: line ends stay as they are
            text = _edited(text, profiles.load(path), profile)
            # What was not stated may follow from what was changed; where it came out otherwise, it is now stated.
            text = _edited(text, profiles.parse(text, origin=str(path), folder=path.parent), profile)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            text = as_toml(profile)
        _replace(path, text)
    except OSError as error:
        raise UsageError(f"cannot save the profile {path}: {error.strerror}") from error


def as_toml(profile: Profile) -> str:
    """A new file's text: what differs from the defaults, by table."""
    return _edited("", Profile(), profile).lstrip("\n") or "# Every value is the default.\n"


def _edited(text: str, before: Profile, after: Profile) -> str:
    """`text`, which says `before`, changed in as few places as possible so that it says `after`."""
    document = tomlkit.parse(text)
    old = profiles.to_dict(before)
    for table, fields in profiles.to_dict(after).items():
        for field, value in fields.items():
            if (table, field) == ("workload", "mix") or value == old[table][field]:
                continue
            if table == "structure" and value == "":  # name and path exclude each other
                _table(document, table).pop(field, None)
            else:
                _table(document, table)[field] = value
    if after.workload.type != "custom" and "workload" in document:
        _table(document, "workload").pop("mix", None)
    elif after.workload.type == "custom" and (before.workload.type, before.workload.mix) != (
        "custom",
        after.workload.mix,
    ):
        _table(document, "workload")["mix"] = _inline(after.workload.mix)
    return tomlkit.dumps(document)


def _inline(mix: profiles.Mix) -> InlineTable:
    table = tomlkit.inline_table()
    for name in mix.__struct_fields__:
        if weight := getattr(mix, name):
            table[name] = weight
    return table


def _table(document: Any, name: str) -> Any:
    if name not in document:
        document[name] = tomlkit.table()
    return document[name]


def _replace(path: Path, text: str) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    with _beside(path) as draft:
        draft.write_bytes(text.encode())
        draft.chmod(mode)
        draft.replace(path)


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
