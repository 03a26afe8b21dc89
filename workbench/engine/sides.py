# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The two backends of an arena, of one shape: `NativeSide` (a memfd), `KernelSide` (the BPF map and programs)."""

from __future__ import annotations

import contextlib
import errno
import itertools
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench import telemetry
from workbench.native import Library

TRACEPOINTS = ("sys_enter_execve", "sys_enter_exit_group", "sys_enter_openat", "sys_enter_write")
"""By index of profiles.TRIGGER_NAMES; the index is the attachment's cookie."""

_PAGE = 4096
_RESERVED_FOR_GLOBALS = 16  # ARENA_HEADER_PAGE: where an older libbpf puts __arena globals


class RunFailed(Exception):
    """The run cannot go on; `kind` as in messages.Failed."""

    def __init__(self, kind: str, message: str, log: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.log = log


class Stopped(Exception):
    """The front has gone, or wants no more."""


def error_name(error: int) -> str:
    """An errno, or a negated one, as its name and words."""
    number = abs(error)
    return f"{errno.errorcode.get(number, number)}: {os.strerror(number)}"


class NativeSide:
    """No kernel side: arena and telemetry are memfds, the plan is private memory."""

    limit_pages: int

    def __init__(self, runtime: Library, pages: int, telemetry_entries: int, plan_entries: int) -> None:
        size = pages * _PAGE
        self.limit_pages = pages
        self.arena_fd = os.memfd_create("arena")
        os.ftruncate(self.arena_fd, size)
        error = runtime.call.runtime_map(self.arena_fd, size)
        if error:
            raise RunFailed("machine", f"cannot map {size} bytes at the arena's address: {error_name(error)}")
        self.telemetry_fd = os.memfd_create("telemetry")
        os.ftruncate(self.telemetry_fd, telemetry_entries * telemetry.ENTRY_SIZE)
        self.telemetry = mmap.mmap(self.telemetry_fd, telemetry_entries * telemetry.ENTRY_SIZE)
        self.plan = mmap.mmap(-1, plan_entries * 8)
        self.batch_fd = self.populate_fd = -1

    def attach(self, trigger: int) -> str:
        """Why the trigger cannot be attached."""
        return f"{TRACEPOINTS[trigger]} needs the bpf backend"

    def detach(self, trigger: int) -> None:
        """Nothing is attached."""

    def know_tree(self) -> None:
        """No triggers, no tree."""

    def operation(self, lane: int, kind: int, key: int) -> int | None:
        """No kernel side that could perform it."""
        return None

    def burst(self, lane: int, slot: int, plan: range, first: int, count: int) -> int | None:
        """No kernel side that could perform them."""
        return None

    def close(self) -> None:
        """Nothing outlives the process."""


class KernelSide:
    """The BPF object, loaded: its arena is mapped by libbpf, its array maps here."""

    def __init__(
        self, loader: str, bpf_object: str, log: str, pages: int, telemetry_entries: int, plan_entries: int
    ) -> None:
        self.loader = loader
        self.problems: dict[int, str] = {}
        """Why a trigger could not be attached when it was last tried."""
        self._library = Library("bpf_loader.h", loader)
        call, ffi = self._library.call, self._library.ffi
        self._handle = call.bpf_loader_open(bpf_object.encode(), log.encode())
        if self._handle == ffi.NULL:
            raise RunFailed("machine", self._said())
        globals_ = call.bpf_loader_arena_globals(self._handle)
        if globals_ > _RESERVED_FOR_GLOBALS * _PAGE:
            raise RunFailed("run", f"the header has {globals_} bytes of __arena globals, more than 65,536")
        # Newer libraries put such globals at the arena's end.
        self.limit_pages = pages - (-(-globals_ // _PAGE))
        for name, entries in (("arena", pages), ("telemetry", telemetry_entries), ("plan", plan_entries)):
            self._require(call.bpf_loader_resize(self._handle, name.encode(), entries), f"resize map {name}")
        error = call.bpf_loader_load(self._handle)
        if error:
            self._refused(error, log)
        self.arena_fd = self._fd(call.bpf_loader_map, "arena")
        self.telemetry_fd = self._fd(call.bpf_loader_map, "telemetry")
        self.telemetry = mmap.mmap(self.telemetry_fd, telemetry_entries * telemetry.ENTRY_SIZE)
        self.plan = mmap.mmap(self._fd(call.bpf_loader_map, "plan"), plan_entries * 8)
        self.batch_fd = self._fd(call.bpf_loader_program, "batch_operations")
        self.populate_fd = self._fd(call.bpf_loader_program, "populate")
        self._manual_fd = self._fd(call.bpf_loader_program, "manual_operation")

    def attach(self, trigger: int) -> str:
        """Attach the trigger's program; "" or why it cannot be."""
        self.problems[trigger] = self._attach(trigger)
        return self.problems[trigger]

    def _attach(self, trigger: int) -> str:
        mounted = _tracefs()
        if mounted:
            return f"{TRACEPOINTS[trigger]} cannot be attached: {mounted}"
        event = TRACEPOINTS[trigger]
        error = self._library.call.bpf_loader_attach(
            self._handle, b"trace_syscall", b"syscalls", event.encode(), trigger
        )
        return f"{event} cannot be attached: {error_name(error)}" if error not in (0, -errno.EEXIST) else ""

    def detach(self, trigger: int) -> None:
        """Detach the trigger's program if it is attached."""
        self.problems.pop(trigger, None)
        self._library.call.bpf_loader_detach(self._handle, trigger)

    def link(self, trigger: int) -> int:
        """The descriptor of the trigger's attachment, negative without one."""
        return int(self._library.call.bpf_loader_link(self._handle, trigger))

    def programs(self) -> Iterator[tuple[str, int, str]]:
        """Name, descriptor and the verifier's statistics of all programs."""
        call, text = self._library.call, self._library.ffi.string
        for name in self._names(call.bpf_loader_program_name):
            statistics = text(call.bpf_loader_statistics(self._handle, name)).decode()
            yield name.decode(), int(call.bpf_loader_program(self._handle, name)), statistics

    def maps(self) -> Iterator[tuple[str, int]]:
        """Name and descriptor of all maps."""
        call = self._library.call
        for name in self._names(call.bpf_loader_map_name):
            yield name.decode(), int(call.bpf_loader_map(self._handle, name))

    def _names(self, at: Any) -> Iterator[bytes]:
        for number in itertools.count():
            name = at(self._handle, number)
            if name == self._library.ffi.NULL:
                return
            yield self._library.ffi.string(name)

    def know_tree(self) -> None:
        """Let only the workbench's own descendants fire triggers."""
        done = self._library.ffi.new("__u64 *")
        fd = self._fd(self._library.call.bpf_loader_program, "know_tree")
        self._require(-self._library.call.bpf_loader_call(fd, 0, 0, done), "run know_tree")

    def operation(self, lane: int, kind: int, key: int) -> int | None:
        """Perform one operation in the kernel as arena lane `lane`; its DS_ code."""
        result, out = self._library.ffi.new("__s32 *"), self._library.ffi.new("__u64[2]")
        error = self._library.call.bpf_loader_operation(self._manual_fd, lane, kind, key, key * 2, result, out)
        self._require(-error, "run manual_operation")
        return int(result[0])

    def burst(self, lane: int, slot: int, plan: range, first: int, count: int) -> int | None:
        """Perform `count` operations of the stretch `plan`, from its `first` on, in one program run; how many were."""
        done = self._library.ffi.new("__u64 *")
        error = self._library.call.bpf_loader_batch(
            self.batch_fd, lane, slot, plan.start, len(plan) - 1, first, count, done
        )
        self._require(-error, "run batch_operations")
        return int(done[0])

    def close(self) -> None:
        """Detach and unload."""
        self._library.call.bpf_loader_close(self._handle)

    def _fd(self, find: Any, name: str) -> int:
        found = find(self._handle, name.encode())
        self._require(min(found, 0), f"find {name}")
        return int(found)

    def _require(self, error: int, what: str) -> None:
        if error:
            raise RunFailed("run", f"cannot {what} in the kernel side: {error_name(error)}")

    def _said(self) -> str:
        return str(self._library.ffi.string(self._library.call.bpf_loader_message()).decode(errors="replace"))

    def _refused(self, error: int, log: str) -> None:
        rejected = self._library.ffi.string(self._library.call.bpf_loader_rejected(self._handle)).decode()
        # EPERM is no judgement of the program: it is for want of a capability.
        if rejected and error != -errno.EPERM and _has_verifier_log(log):
            raise RunFailed("verifier", f"the kernel's verifier rejects program {rejected} ({error_name(error)})", log)
        if error == -errno.EPERM:
            raise RunFailed("machine", "root may not load BPF programs here: CAP_BPF and CAP_PERFMON are needed")
        said = self._said() or "no reason given"
        raise RunFailed("machine", f"the kernel does not load the programs ({error_name(error)}): {said}", log)


def _has_verifier_log(log: str) -> bool:
    with contextlib.suppress(OSError), Path(log).open("rb") as file:
        return any(b"processed " in line and b" insns" in line for line in file)
    return False


def _tracefs() -> str:
    """Make sure that tracefs is mounted, which attaching needs; "" or why it is not."""
    places = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
    if any((place / "events" / "syscalls").is_dir() for place in places):
        return ""
    import subprocess

    done = subprocess.run(
        ["mount", "-t", "tracefs", "tracefs", str(places[0])], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return (
            f"tracefs is not mounted and cannot be ({done.stderr.strip()}); try: mount -t tracefs tracefs {places[0]}"
        )
    if not (places[0] / "events" / "syscalls").is_dir():
        return "this kernel has no system call tracepoints (CONFIG_FTRACE_SYSCALLS)"
    return ""
