# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Finding structures by their files, and the folders with which a header is compiled. Nothing here reads C."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from workbench import cache, resources
from workbench.errors import UsageError

_FILE = re.compile(r"ds_(\w+)\.h")


class Header(msgspec.Struct, frozen=True):
    """A file that may be a structure: any `ds_<name>.h` that is none of the library's."""

    name: str
    path: Path


class View(msgspec.Struct, frozen=True):
    """How a header is handed to the compiler: the path to include, `-I` folders, and where that path really is.

    A header often lies beside the public framework's own ds_api.h and libarena_ds.h. `#include "..."` looks beside
    the including file first and would bring those in next to the workbench's; such a header is therefore included
    through a folder of links to its neighbours, in which the library's names are left out.
    """

    header: Path
    real: Path
    folders: tuple[Path, ...]
    shadowed: bool

    @property
    def flags(self) -> tuple[str, ...]:
        """The `-I` flags, and for a folder of links the map back to the real one for debug information."""
        mapped = (f"-ffile-prefix-map={self.header.parent}={self.real.parent}",) if self.shadowed else ()
        return (*mapped, *(f"-I{folder}" for folder in self.folders))

    def restore(self, text: str) -> str:
        """A compiler's text with the paths that the person knows."""
        return text.replace(f"{self.header.parent}/", f"{self.real.parent}/") if self.shadowed else text

    def prepare(self) -> None:
        """Make or refresh the folder of links, if there is one."""
        if not self.shadowed:
            return
        folder, library = self.header.parent, _library_names()
        folder.mkdir(parents=True, exist_ok=True)
        for link in folder.iterdir():
            if not link.exists() or link.name in library:
                link.unlink(missing_ok=True)
        for path in self.real.parent.glob("*.h"):
            if path.name not in library:
                with suppress(FileExistsError):
                    (folder / path.name).symlink_to(path)


def found(include: Sequence[Path] = ()) -> list[Header]:
    """All headers in the `include` folders and in `bpf/structures`, by name; of one name the first folder's counts."""
    library = _library_names()
    headers: dict[str, Header] = {}
    for folder in [*include, resources.bpf_dir() / "structures"]:
        try:
            names = sorted(path.name for path in Path(folder).iterdir())
        except NotADirectoryError:
            raise UsageError(
                f"--include {folder}: not a folder; a single header is given by --structure PATH"
            ) from None
        except FileNotFoundError:
            if folder in include:
                raise UsageError(f"--include {folder}: no such folder") from None
            continue
        except OSError as error:
            raise UsageError(f"--include {folder}: {error.strerror}") from None
        for name in names:
            match = _FILE.fullmatch(name)
            if match and name not in library:
                headers.setdefault(match[1], Header(match[1], (Path(folder) / name).resolve()))
    return sorted(headers.values(), key=lambda header: header.name)


def locate(name_or_path: str, include: Sequence[Path] = ()) -> Header:
    """The header with a name, or at a path. Raises UsageError with what there is and what is spelled nearly so."""
    path = Path(name_or_path).expanduser()
    if path.suffix == ".h" or "/" in name_or_path:
        if path.is_file():
            match = _FILE.fullmatch(path.name)
            return Header(match[1] if match else path.stem, path.resolve())
        why = "is a folder; give the header in it, or --include it" if path.is_dir() else "no such file"
        near = difflib.get_close_matches(path.name, [other.name for other in path.parent.glob("*.h")], 3, 0.5)
        hint = f"; near it in that folder: {', '.join(near)}" if near else ""
        raise UsageError(f"structure {name_or_path}: {why}{hint}")
    headers = found(include)
    wanted = name_or_path.removeprefix("ds_")
    for header in headers:
        if header.name == wanted:
            return header
    names = [header.name for header in headers]
    near = difflib.get_close_matches(wanted, names, 3, 0.5)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    folders = ", ".join(str(folder) for folder in [*include, resources.bpf_dir() / "structures"])
    raise UsageError(
        f"no structure '{name_or_path}'.{meant} There is: {', '.join(names) or 'none'} (looked for ds_<name>.h in "
        f"{folders}; another folder is added by --include, a single header named by its path)"
    )


def view(header: Path) -> View:
    """How to compile a header. Cheap: folders are looked at, nothing is written."""
    library = resources.bpf_dir() / "include"
    real = header.parent
    shadowed = real != library and any((real / name).exists() for name in _library_names())
    seen = cache.root() / "links" / cache.digest(str(real))[:16] / header.name if shadowed else header
    return View(seen, header, (library, real), shadowed)


def is_users(path: str) -> bool:
    """Whether a file is the user's own, and not the library's or one of the compiler's pseudo-files."""
    return not path.startswith("<") and Path(path).parent != resources.bpf_dir() / "include"


def _library_names() -> set[str]:
    try:
        return {path.name for path in (resources.bpf_dir() / "include").iterdir() if path.suffix == ".h"}
    except OSError:
        return set()
