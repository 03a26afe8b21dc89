# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Arenas made to measure, for the tests and benchmarks of what looks into them; and engines to look into live."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import mmap
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from workbench import builds, plan, structures
from workbench.arena import types
from workbench.arena.links import Walker
from workbench.arena.types import Field, Kind, Record, Types
from workbench.arena.view import ArenaView
from workbench.engine import messages
from workbench.engine.client import Engine
from workbench.profiles import Profile

PAGE = 4096
BASE = 1 << (44 if platform.machine() == "x86_64" else 32)
CHECKOUT = Path(__file__).resolve().parent.parent


@functools.cache
def _library() -> ctypes.CDLL:
    flags = ["-O2", "-g", "-std=gnu11", "-D_GNU_SOURCE", "-fPIC", "-shared", "-pthread"]
    flags += [f"-I{CHECKOUT / 'bpf/include'}", f"-I{CHECKOUT / 'csrc'}"]
    with tempfile.TemporaryDirectory(prefix="arena-made-") as folder:
        made = Path(folder) / "arena_make.so"
        subprocess.run(["cc", *flags, str(CHECKOUT / "tests/c/arena_make.c"), "-o", str(made)], check=True)
        library = ctypes.CDLL(str(made))
    library.made_alloc.argtypes = [ctypes.c_uint64]
    library.made_alloc.restype = ctypes.c_uint32
    return library


class Made:
    """One arena; only the last one made can be allocated from. `memory` is a mapping of its own, for damaging it."""

    def __init__(self, pages: int = 4096) -> None:
        self.pages = pages
        self.size = pages * PAGE
        self.fd = os.memfd_create("made")
        os.ftruncate(self.fd, self.size)
        self.memory = mmap.mmap(self.fd, self.size)
        self.call = _library()
        if self.call.made_open(self.fd, pages):
            raise MemoryError("cannot make an arena")

    def close(self) -> None:
        """Give the memory and the arena's address back."""
        self.call.made_close(self.pages)
        self.memory.close()
        os.close(self.fd)

    def alloc(self, size: int, *words: int) -> int:
        """An object with these 64-bit words in it; its offset."""
        offset = int(self.call.made_alloc(size))
        assert offset
        self.memory[offset : offset + size] = bytes(size)
        for at, word in enumerate(words):
            self.put(offset + 8 * at, word)
        return offset

    def put(self, offset: int, word: int) -> None:
        """Write a 64-bit word."""
        self.memory[offset : offset + 8] = (word & (1 << 64) - 1).to_bytes(8, "little")

    def point(self, offset: int, target: int) -> None:
        """Write a pointer to an offset; to 0: NULL."""
        self.put(offset, BASE | target if target else 0)

    def root(self, offset: int, size: int = 8) -> None:
        """Make an object the structure's head."""
        self.call.made_root(offset, size)

    def populated(self) -> int:
        """Pages of it that have memory."""
        return os.fstat(self.fd).st_blocks * 512 // PAGE

    def view(self) -> ArenaView:
        """A look into it."""
        return ArenaView(self.fd, self.size, builds.runtime())


def pointer(name: str, offset: int, target: str, count: int = 1) -> Field:
    """A field that points to a record."""
    return Field(name, offset, 8, Kind.POINTER, f"{target} *", target, count, count != 1)


def word(name: str, offset: int, size: int = 8) -> Field:
    """A number."""
    return Field(name, offset, size, Kind.UNSIGNED, f"__u{size * 8}")


def record(name: str, size: int, *fields: Field) -> Record:
    """A struct."""
    return Record(name, size, False, fields)


def types_of(*records: Record) -> Types:
    """What a build would say."""
    return Types({one.name: one for one in records}, {})


NODE = record("struct node", 24, pointer("next", 0, "struct node"), word("key", 8), word("value", 16))
HEAD = record("struct head", 8, pointer("first", 0, "struct node"))
LIST = types_of(HEAD, NODE)


def list_walker(view: ArenaView) -> Walker:
    """For a head that points to nodes {next, key, value}."""
    return Walker(view, LIST, "struct head", "struct node")


class Live(msgspec.Struct):
    """An engine whose lanes are at work, and a look into its arena."""

    engine: Engine
    view: ArenaView
    walker: Walker

    def until_finished(self) -> Iterator[None]:
        """Yields again and again, until the lanes have stopped and the structure is at rest."""
        while not isinstance(self.engine.next_event(0.02), messages.Finished):
            yield


@contextlib.contextmanager
def live(reference: str, *, bpf: bool, keys: int = 500, duration_s: float = 0.5, pages: int = 16384) -> Iterator[Live]:
    """Run a structure on two user lanes, and a kernel lane if `bpf`, and look in as soon as they are at work."""
    profile = msgspec.convert(
        {
            "structure": {"name": reference} if "/" not in reference else {"path": reference},
            "workload": {"duration_s": duration_s, "operations": 0, "keys": keys, "prefill": keys // 2},
            "arena": {"pages": pages, "reserve_pages": 512},
            "lanes": {"user": 1 if bpf else 2, "kernel": 1 if bpf else 0},
        },
        Profile,
    )
    structure = structures.find(reference)
    build = builds.build(structure, bpf=bpf)
    drawn = plan.draw(profile, structure, kernel_side=bpf)
    with tempfile.TemporaryDirectory() as folder:
        orders = plan.configure(
            profile,
            drawn,
            driver=build.native,
            runtime=builds.runtime(),
            loader=builds.loader() if bpf else None,
            bpf=build.bpf,
            log=Path(folder) / "log",
        )
        read = types.read(build.native, filter(None, [structure.head_type, structure.node_type]))
        with Engine(orders) as engine:
            while not isinstance(event := engine.next_event(20), messages.Phase) or event.name != "running":
                assert not isinstance(event, messages.Failed | None), event
            with ArenaView(engine.arena_fd, engine.arena_bytes, builds.runtime()) as view:
                yield Live(engine, view, Walker(view, read, structure.head_type, structure.node_type))
