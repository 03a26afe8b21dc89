# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A header to start a structure of one's own from: complete, compiles for both sides, claims nothing it cannot."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.errors import UsageError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_STUB = Path(__file__).resolve().parent / "templates" / "ds_stub.h"
_PLACES = re.compile(r'(?<=\bds_)stub(?=[_.])|(?<=")stub(?=")')


def write(name: str, folder: Path) -> Path:
    """Write `ds_<name>.h` into `folder` and return its path; an existing file is never touched.

    Raises UsageError, also for a name that a file or C could not have.
    """
    name = name.removeprefix("ds_").removesuffix(".h")
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a structure: at most 40 lower case letters, digits and _, beginning with a letter"
        )
    path = folder / f"ds_{name}.h"
    stub = _PLACES.sub(name, _STUB.read_text(encoding="utf-8"))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(stub)
    except FileExistsError as error:
        raise UsageError(f"{path} exists already; take another name or --dir") from error
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    return path
