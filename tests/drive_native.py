# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Performs operations on a structure's native build, in a process of its own: the arena's address is fixed.

Usage: drive_native.py X.so, with operations as JSON on stdin, [type, key, value] each; answers as JSON on stdout.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import sys

PAGES = 4096
PAGE = 4096
BASE = 1 << (44 if platform.machine() == "x86_64" else 32)
TELEMETRY = 1 << 20
TYPES = {"init": 0, "insert": 1, "delete": 2, "pop": 3, "search": 4, "verify": 5}


class Setup(ctypes.Structure):
    """struct driver_setup, in full: fields after the descriptors are zero."""

    _fields_ = (
        ("telemetry", ctypes.c_void_p),
        ("plan", ctypes.c_void_p),
        ("fds", ctypes.c_int * 2),
        ("batch", ctypes.c_uint64),
        ("rest", ctypes.c_uint32 * 16),
    )


class Walk(ctypes.Structure):
    """struct driver_walk"""

    _fields_ = (
        ("result", ctypes.c_int32),
        ("supported", ctypes.c_uint32),
        ("elements", ctypes.c_uint64),
        ("key_sum", ctypes.c_uint64),
    )


def arena() -> None:
    """Map a memfd where the drivers expect the arena."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    fd = os.memfd_create("arena")
    os.ftruncate(fd, PAGES * PAGE)
    fixed = 0x10  # MAP_FIXED
    if libc.mmap(BASE, PAGES * PAGE, 3, 1 | fixed, fd, 0) != BASE:
        sys.exit(f"cannot map at {BASE:#x}: {os.strerror(ctypes.get_errno())}")


def main() -> None:
    """Read operations, perform them as lane 0, print each one's result, key and value, and what a walk finds."""
    arena()
    driver = ctypes.CDLL(sys.argv[1])
    driver.driver_operation.argtypes = [ctypes.c_uint32] * 3 + [ctypes.c_uint64] * 2 + [ctypes.c_void_p]
    if driver.driver_format(PAGES, PAGES, 4, 2):
        sys.exit("the arena is too small")
    telemetry = ctypes.create_string_buffer(TELEMETRY + 4096)
    aligned = (ctypes.addressof(telemetry) + 4095) & ~4095
    setup = Setup(telemetry=aligned, plan=None, fds=(ctypes.c_int * 2)(-1, -1))
    driver.driver_begin(ctypes.byref(setup))
    answers = []
    for name, key, value in json.load(sys.stdin):
        out = (ctypes.c_uint64 * 2)()
        answers.append([driver.driver_operation(0, 0, TYPES[name], key, value, out), *out])
    walk = Walk()
    driver.driver_walk_all(0, ctypes.byref(walk))
    found = [walk.elements, walk.key_sum] if walk.supported and walk.result == 0 else None
    json.dump({"answers": answers, "walk": found}, sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # the driver's own threads are not waited for


if __name__ == "__main__":
    main()
