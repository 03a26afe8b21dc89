# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What this machine can do, asked of the kernel and the tools themselves, never concluded from a version."""

from __future__ import annotations

import errno
import os
import platform
import struct
from pathlib import Path

import msgspec

from workbench import cache, toolchain
from workbench.errors import MachineError

_SYS_BPF = {"x86_64": 321, "ppc64le": 361, "s390x": 351}
_SYS_BPF_ELSEWHERE = 280  # arm64, riscv64, loongarch64
_MAP_CREATE = 0
_TYPE_ARENA = 33
_MMAPABLE = 1 << 10
_BASES = {"x86_64": 1 << 44}
_BASE_ELSEWHERE = 1 << 32

TRACING = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
"""Where tracefs may be mounted."""


class Fact(msgspec.Struct, frozen=True):
    """One thing that a run may need: whether it is there, what was seen, and how to come by it."""

    ok: bool
    what: str
    detail: str
    remedy: str = ""

    def __str__(self) -> str:
        mend = f"; to mend it: {self.remedy}" if self.remedy and not self.ok else ""
        return f"{'ok' if self.ok else 'missing':<8} {self.what:<20} {self.detail}{mend}"


def report() -> list[Fact]:
    """Every fact, the ones that others depend on first. Never raises."""
    facts = [
        Fact(True, "kernel", f"Linux {platform.release()} on {platform.machine()}"),
        _root(),
        _arena(),
        _btf(),
        _tracefs(),
        _cache(),
    ]
    kernel = why_no_kernel_lanes()
    if facts[-1].ok:  # what compilers said of themselves is kept there
        found = toolchain.find()
        kernel = kernel or found.bpf_reason or ""
        facts += [
            _tool("C compiler", found.cc),
            _tool("clang for BPF", found.clang),
            _tool("libbpf", found.libbpf),
            _tool("libelf", found.libelf),
            _tool("zlib", found.zlib),
        ]
    else:
        kernel = kernel or "nothing can be built without a build cache"
    return [*facts, Fact(not kernel, "kernel lanes", kernel or "can run")]


def why_no_kernel_lanes() -> str:
    """Why the kernel would not run a structure's code, in one line, or "". Tools are not asked for."""
    arena = _arena()
    if arena.ok:
        return ""
    if _uid():
        return "kernel lanes need root (run it with sudo)"
    return f"{arena.detail}; to mend it: {arena.remedy}"


def _uid() -> int:
    return os.geteuid()


def _root() -> Fact:
    uid = _uid()
    detail = "yes" if not uid else f"no, user id {uid}: user lanes only"
    return Fact(not uid, "root", detail, "run it with sudo")


def _arena() -> Fact:
    error = _create_arena_map()
    if not error:
        return Fact(True, "BPF arena", "the kernel makes one")
    said = f"{errno.errorcode.get(error, error)}: {os.strerror(error)}"
    if error in (errno.EPERM, errno.EACCES):
        if _uid():
            return Fact(False, "BPF arena", f"the kernel lets only root ask ({said})", "run it with sudo")
        return Fact(
            False,
            "BPF arena",
            f"the kernel refuses bpf() even to root ({said}), as in a container or under lockdown",
            "run it on the host, or give the container CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN",
        )
    return Fact(
        False,
        "BPF arena",
        f"the kernel, Linux {platform.release()}, makes none ({said})",
        "boot Linux 6.9 or newer (6.10 on arm64) with CONFIG_BPF_SYSCALL, CONFIG_BPF_JIT and CONFIG_MMU",
    )


def _create_arena_map() -> int:
    """Make an arena of one page and let it go again; 0 or an errno."""
    import ctypes  # only where somebody asks

    machine = platform.machine()
    # union bpf_attr for BPF_MAP_CREATE: type, key and value size, entries, flags, 44 bytes of others, map_extra.
    attributes = struct.pack("=5I44xQ", _TYPE_ARENA, 0, 0, 1, _MMAPABLE, _BASES.get(machine, _BASE_ELSEWHERE))
    libc = ctypes.CDLL(None, use_errno=True)
    number = _SYS_BPF.get(machine, _SYS_BPF_ELSEWHERE)
    descriptor = libc.syscall(ctypes.c_long(number), _MAP_CREATE, attributes, len(attributes))
    if descriptor < 0:
        return ctypes.get_errno() or errno.EINVAL
    os.close(descriptor)
    return 0


def _btf() -> Fact:
    path = Path("/sys/kernel/btf/vmlinux")
    if path.exists():
        return Fact(True, "kernel's types (BTF)", str(path))
    return Fact(False, "kernel's types (BTF)", f"no {path}", "boot a kernel with CONFIG_DEBUG_INFO_BTF")


def _tracefs() -> Fact:
    what = "tracepoints"
    for place in TRACING:
        if _is_there(place / "events" / "syscalls"):
            return Fact(True, what, f"of system calls, in {place}")
        if _is_there(place / "events"):
            return Fact(False, what, "this kernel has none of system calls", "boot one with CONFIG_FTRACE_SYSCALLS")
    if not _uid() and TRACING[0].is_dir():
        return Fact(True, what, f"tracefs is not mounted; a run with triggers mounts it at {TRACING[0]}")
    return Fact(False, what, "tracefs cannot be seen", f"sudo mount -t tracefs tracefs {TRACING[0]}")


def _is_there(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _tool(what: str, part: toolchain.Compiler | toolchain.Library | toolchain.Missing) -> Fact:
    if isinstance(part, toolchain.Missing):
        return Fact(False, what, part.reason, part.mend)
    if isinstance(part, toolchain.Compiler):
        return Fact(True, what, f"{' '.join(part.command)} ({part.version})")
    return Fact(True, what, part.version)


def _cache() -> Fact:
    try:
        return Fact(True, "build cache", str(cache.root()))
    except MachineError as error:
        return Fact(False, "build cache", str(error))  # which says how to mend it
