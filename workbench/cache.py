# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The cache of what is made from C: one folder per content, found again without starting a compiler.

A *recipe* says everything about a product but the content of the files that go into it (command, compiler version,
flavour). Its *manifest* lists those files as they were when it was last made. To look a product up, the files are
only stat'ed (and hashed where the stat changed); recipe and hashes together are the *key*, the name of the folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from workbench.errors import MachineError

KEEP = 192
"""Entries kept: 64 builds of a native object, a BPF object and a description each."""

# A file changed less than this before it was hashed may change again without its time stamps moving.
_SETTLED_NS = 2_000_000_000
# An entry used this recently is never pruned: someone may be about to open it.
_IN_USE_S = 3600
_LOCKS = 64


class Entry(msgspec.Struct, frozen=True):
    """A product's folder, its key, and whether it was made by this call."""

    folder: Path
    key: str
    made: bool


class _Dependency(msgspec.Struct, frozen=True, array_like=True):
    path: str
    mtime_ns: int
    ctime_ns: int
    size: int
    inode: int
    sha256: str


class _Manifest(msgspec.Struct, frozen=True):
    written_ns: int
    files: list[_Dependency]


def root() -> Path:
    """`$XDG_CACHE_HOME/arena-workbench` or `~/.cache/arena-workbench` of the effective user, created, writable.

    What is found here is loaded into processes, root's among them, so the folder must belong to the effective user:
    under `sudo` with the caller's environment, root's own cache is used. Where there is no home, a private folder in
    the temporary folder. Raises MachineError when nothing can be written.
    """
    uid = os.geteuid()
    wanted = [Path(os.environ.get("XDG_CACHE_HOME") or "-")]
    with suppress(RuntimeError):
        wanted.append(Path("~/.cache").expanduser())
    with suppress(KeyError):
        wanted.append(Path(pwd.getpwuid(uid).pw_dir, ".cache"))
    for parent in wanted:
        if parent.is_absolute() and _is_ours(parent / "arena-workbench", uid):
            return parent / "arena-workbench"
    folder = Path(tempfile.gettempdir(), f"arena-workbench-{uid}")
    if _is_ours(folder, uid):
        return folder
    tried = ", ".join(str(parent) for parent in [*wanted, folder] if parent.is_absolute())
    raise MachineError(
        f"no folder for the build cache can be written (tried {tried}): set XDG_CACHE_HOME to a folder of your own"
    )


def _is_ours(folder: Path, uid: int) -> bool:
    """Whether the cache folder is there, or could be created, owned by `uid` and writable by nobody else."""
    try:
        if not folder.exists():
            above = next(parent for parent in folder.parents if parent.exists())
            if uid == 0 and above.stat().st_uid != 0:
                return False  # root, with a user's HOME: leave nothing there that the user cannot remove
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return False
    return status.st_uid == uid and not status.st_mode & 0o022 and os.access(folder, os.W_OK)


def digest(*parts: str) -> str:
    """SHA-256 of texts, in hex; where one ends and the next begins counts."""
    return hashlib.sha256("\0".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()


def write(path: Path, content: bytes) -> None:
    """Write a file so that readers see the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(name).replace(path)


def store_text(kind: str, name: str, text: str) -> Path:
    """A generated source file at a path named by its content, so that the path may go into commands and debug info."""
    path = root() / kind / digest(text)[:16] / name
    if not path.is_file():
        fresh = path.with_name(f".new-{os.getpid()}-{threading.get_ident()}")
        write(fresh, text.encode())
        with suppress(FileExistsError):  # never replaced: to a build going on, it would look like an edit
            path.hardlink_to(fresh)
        fresh.unlink()
    return path


def fetch(recipe: str, product: str, make: Callable[[Path], Iterable[str]]) -> Entry:
    """The entry for a recipe: as made before, or made now.

    `make(folder)` leaves `product` (and what else it likes) in the folder and returns the paths of all files that
    the content depends on. Its exceptions pass through, and nothing is then kept. Any number of processes may
    call this at once; of those that find nothing, one makes it and the others wait.
    """
    found = lookup(recipe, product)
    if found:
        return found
    base = root()
    (base / "builds").mkdir(exist_ok=True)
    with _lock(base, recipe):
        found = lookup(recipe, product)
        if found:
            return found
        return _make(base, recipe, product, make)


def lookup(recipe: str, product: str) -> Entry | None:
    """The entry for a recipe if it is there and no file that went into it has changed. Starts no process."""
    base = root()
    try:
        manifest = msgspec.json.decode(_manifest_path(base, recipe).read_bytes(), type=_Manifest)
    except (OSError, msgspec.MsgspecError):
        return None
    files: list[_Dependency] = []
    refreshed = False
    for known in manifest.files:
        try:
            status = os.stat(known.path)  # noqa: PTH116 - some hundred of these are a warm start's whole cost
            if _looks_the_same(known, status) and known.ctime_ns + _SETTLED_NS < manifest.written_ns:
                files.append(known)
                continue
            files.append(_dependency(known.path))
        except OSError:
            return None
        refreshed = True
    key = _key(recipe, files)
    folder = base / "builds" / key
    try:
        if not (folder / product).stat().st_size:
            return None
    except OSError:
        return None
    if refreshed:
        _write_manifest(base, recipe, files)
    _mark_used(folder)
    return Entry(folder, key, made=False)


def _make(base: Path, recipe: str, product: str, make: Callable[[Path], Iterable[str]]) -> Entry:
    before: list[_Dependency] = []
    for _ in range(3):
        folder = Path(tempfile.mkdtemp(dir=base / "builds", prefix=".tmp-"))
        try:
            started_ns = time.time_ns()
            files = [_dependency(path) for path in sorted(set(make(folder)))]
            if files != before and any(file.ctime_ns > started_ns for file in files):
                before = files
                continue  # edited while it was compiled: what was hashed may not be what was compiled
            key = _key(recipe, files)
            place = base / "builds" / key
            folder.chmod(0o755)
            if place.is_dir() and not (place / product).is_file():
                shutil.rmtree(place, ignore_errors=True)
            with suppress(OSError):  # the same content was published under another manifest
                folder.rename(place)
            _write_manifest(base, recipe, files)
            _prune(base)
            return Entry(place, key, made=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    raise MachineError("the sources changed during each of three builds: try again when they have settled")


def _dependency(path: str) -> _Dependency:
    with Path(path).open("rb") as file:
        status = os.fstat(file.fileno())
        content = hashlib.sha256(file.read()).hexdigest()
    return _Dependency(path, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, content)


def _looks_the_same(known: _Dependency, status: os.stat_result) -> bool:
    # The time of change too: a tool may set the time of modification back after an edit.
    return (
        status.st_mtime_ns == known.mtime_ns
        and status.st_ctime_ns == known.ctime_ns
        and status.st_size == known.size
        and status.st_ino == known.inode
    )


def _key(recipe: str, files: Iterable[_Dependency]) -> str:
    return digest(recipe, *(f"{file.sha256} {file.path}" for file in files))[:40]


def _manifest_path(base: Path, recipe: str) -> Path:
    return base / "manifests" / f"{digest(recipe)[:40]}.json"


def _write_manifest(base: Path, recipe: str, files: list[_Dependency]) -> None:
    write(_manifest_path(base, recipe), msgspec.json.encode(_Manifest(time.time_ns(), files)))


def _mark_used(folder: Path) -> None:
    with suppress(OSError):  # pruned this moment, or not writable: being used is only a hint
        if time.time() - folder.stat().st_mtime > _IN_USE_S / 2:
            os.utime(folder)


@contextmanager
def _lock(base: Path, recipe: str) -> Iterator[None]:
    """Exclusive among all threads and processes for one recipe (a fixed few files, so none is left to clean up)."""
    folder = base / "locks"
    folder.mkdir(exist_ok=True)
    descriptor = os.open(folder / str(int(digest(recipe)[:8], 16) % _LOCKS), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _prune(base: Path) -> None:
    """Remove the entries used longest ago beyond KEEP, folders of builds that died, and manifests as old as either."""
    now = time.time()
    for kind, keep in (("builds", KEEP), ("manifests", KEEP), ("bindings", KEEP), ("logs", 32)):
        aged: list[tuple[float, Path]] = []
        with suppress(OSError):
            for path in (base / kind).iterdir():
                with suppress(OSError):
                    aged.append((path.stat().st_mtime, path))
        aged.sort(reverse=True)
        kept = 0
        for modified, path in aged:
            abandoned = path.name.startswith((".tmp-", ".new-"))
            kept += not abandoned
            if now - modified < _IN_USE_S or (kept <= keep and not abandoned):
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()
