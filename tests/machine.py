# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Can this machine run the kernel side? Asked of the kernel and the tools directly, so that a mistake in the
workbench's own probe shows as a failing test instead of a skipped one."""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import shutil
import struct
import subprocess

_SYS_BPF = {"x86_64": 321, "aarch64": 280}
_BPF_MAP_CREATE = 0
_BPF_MAP_TYPE_ARENA = 33
_BPF_F_MMAPABLE = 1 << 10
# Below 1 << 32 on arm64, where the higher one is not a user address on every configuration.
_MAP_EXTRA = {"x86_64": 1 << 44, "aarch64": 1 << 32}


@functools.cache
def why_no_kernel_side() -> str | None:
    """None where kernel lanes can run, else the reason in a few words."""
    if os.geteuid() != 0:
        return "not root"
    return _why_no_arena_map() or _why_no_compiler() or _why_no_libbpf()


def _why_no_arena_map() -> str | None:
    arch = platform.machine()
    if arch not in _SYS_BPF:
        return f"BPF arenas are not tried on {arch}"
    # union bpf_attr for BPF_MAP_CREATE: type, key and value size, entries, flags, 44 bytes left at 0, map_extra.
    attr = struct.pack("=5I44xQ", _BPF_MAP_TYPE_ARENA, 0, 0, 1, _BPF_F_MMAPABLE, _MAP_EXTRA[arch])
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(_SYS_BPF[arch], _BPF_MAP_CREATE, attr, len(attr))
    if fd < 0:
        return f"the kernel refuses an arena map ({os.strerror(ctypes.get_errno())})"
    os.close(fd)
    return None


def _why_no_compiler() -> str | None:
    for name in ["clang", *(f"clang-{version}" for version in range(40, 18, -1))]:
        if shutil.which(name) is None:
            continue
        macros = subprocess.run(
            [name, "-target", "bpf", "-mcpu=v4", "-dM", "-E", "-x", "c", os.devnull],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        if "__BPF_FEATURE_ADDR_SPACE_CAST" in macros:
            return None
    return "no clang that knows arena address spaces"


def _why_no_libbpf() -> str | None:
    source = "#include <bpf/libbpf_version.h>\nLIBBPF_MAJOR_VERSION LIBBPF_MINOR_VERSION\n"
    found = subprocess.run(["cc", "-E", "-P", "-"], input=source, capture_output=True, text=True, check=False)
    if found.returncode != 0:
        return "no libbpf headers"
    major, minor = (int(word) for word in found.stdout.split()[-2:])
    return None if (major, minor) >= (1, 4) else f"libbpf {major}.{minor} knows no arenas"
