# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One arena, one structure and its driver, in this process: what the engine does, so that runs can follow each other.

The structure is made and brought to its steady state once. Whoever is measured then works on the same nodes at the
same addresses.
"""

from __future__ import annotations

import os
import struct
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench import binding, builds, cache, headers, resources, structures, telemetry, toolchain
from workbench.engine.sides import KernelSide, NativeSide
from workbench.native import Library

HERE = Path(__file__).parent
CONTROL_LANE, KEEPER_LANE, FIRST_LANE = range(3)
LANES = 2
PLAN = 1 << 16
PAGES = 1 << 16
STRIDE = 256
"""Every so many operations one is timed: what the engine does in a run that is not short."""
NEVER = 1 << 62
"""As a stride: only a lane's first operation is timed."""
MIXED = {"insert": 50, "search": 30, "delete": 20}

_mapped: list[Lanes] = []  # the keeper's thread, which runs the driver's code, ends with the process only


class Lanes:
    """`header` is a structure's name or path. `library` has what `baseline` compiled, if anything."""

    def __init__(
        self,
        header: str,
        *,
        keys: int,
        mix: dict[str, int] = MIXED,
        kernel: bool = False,
        batch: int = 1024,
        seed: int = 1,
    ) -> None:
        self.structure = structures.find(header, [])
        built = builds.build(self.structure, bpf=kernel)
        self._runtime = Library("runtime.h", builds.runtime())
        self._driver = Library("driver.h", built.native)
        self.side = self._make_side(built)
        self._memory = memoryview(self.side.telemetry)
        _mapped.append(self)
        ffi = self._driver.ffi
        self._plan = ffi.cast("__u64 *", ffi.from_buffer(self.side.plan))
        self._setup = ffi.new("struct driver_setup *")
        self._kept = [ffi.from_buffer(self.side.telemetry)]
        self._setup.telemetry, self._setup.plan = self._kept[0], self._plan
        self._setup.batch_fd, self._setup.populate_fd = self.side.batch_fd, self.side.populate_fd
        self._setup.batch, self._setup.reserve_pages = batch, 1024 if kernel else 0
        self._setup.keeper_lane = KEEPER_LANE
        call = self._driver.call
        require(call.driver_format(PAGES, self.side.limit_pages, FIRST_LANE + LANES + 64, FIRST_LANE + LANES), "format")
        require(call.driver_begin(self._setup), "begin")
        require(call.driver_operation(0, LANES, telemetry.OPERATIONS.index("init"), 1 << 16, 0, ffi.NULL), "init")
        self.draw(keys, mix, seed)

    def draw(self, keys: int, mix: dict[str, int], seed: int = 1) -> None:
        """New plans for all lanes."""
        request = self._runtime.ffi.new("struct plan_request *")
        for name, weight in mix.items():
            request.weights[telemetry.OPERATIONS.index(name)] = weight
        request.keys, request.seed = keys, seed
        plan = self._runtime.ffi.cast("__u64 *", self._runtime.ffi.from_buffer(self.side.plan))
        for lane in range(LANES):
            request.stream = lane
            require(self._runtime.call.plan_draw(request, plan + lane * PLAN, PLAN), "draw")

    def repeat(self, operation: str, key: int) -> None:
        """Let the plan of every lane be one operation over and over."""
        entry = telemetry.OPERATIONS.index(operation) << 60 | key
        memoryview(self.side.plan)[: LANES * PLAN * 8] = struct.pack("=Q", entry) * (LANES * PLAN)

    def pool(self, count: int, operations: int, *, kernel: bool = False, stride: int = STRIDE) -> float:
        """Run the driver's lanes; operations a second of all of them."""
        driver = self._driver
        self._memory[:8] = bytes(8)  # go and stop
        lanes = driver.ffi.new("struct driver_lane[]", count)
        before = [telemetry.read_lane(self._memory, slot).operations for slot in range(count)]
        for slot in range(count):
            at = lanes[slot]
            at.kernel, at.slot, at.lane, at.cpu = kernel, slot, FIRST_LANE + slot, slot
            at.operations, at.plan, at.plan_mask, at.stride_mask = operations, slot * PLAN, PLAN - 1, stride - 1
        require(driver.call.driver_start(lanes, count), "start")
        driver.call.driver_go(0)
        while driver.call.driver_running():
            time.sleep(0.005)
        driver.call.driver_join()
        require(driver.call.driver_failed(), "run the kernel lanes")
        samples = [telemetry.read_lane(self._memory, slot) for slot in range(count)]
        done = sum(sample.operations for sample in samples) - sum(before)
        if done != count * operations:
            raise RuntimeError(f"{done} operations were done, not {count * operations}")
        return rate(done, [(sample.started_ns, sample.finished_ns) for sample in samples])

    def baseline(self, library: Library, count: int, operations: int) -> float:
        """The same by the loop of pool_baseline.c."""
        lanes = library.ffi.new("struct baseline_lane[]", count)
        plan = library.ffi.cast("__u64 *", library.ffi.from_buffer(self.side.plan))
        for i in range(count):
            at = lanes[i]
            at.lane, at.cpu, at.plan, at.plan_mask, at.operations = (
                FIRST_LANE + i,
                i,
                plan + i * PLAN,
                PLAN - 1,
                operations,
            )
        require(library.call.baseline_run(lanes, count), "run the baseline")
        return rate(count * operations, [(lanes[i].started_ns, lanes[i].finished_ns) for i in range(count)])

    def _make_side(self, built: builds.Build) -> NativeSide | KernelSide:
        entries = LANES + 2
        if built.bpf is None:
            return NativeSide(self._runtime, PAGES, entries, LANES * PLAN)
        log = str(cache.root() / "benchmark.log")
        return KernelSide(str(builds.loader()), str(built.bpf), log, PAGES, entries, LANES * PLAN)


def unable() -> str:
    """Why there is no kernel side here; "" if there is."""
    for found in (toolchain.find_clang(), toolchain.find_libbpf()):
        if isinstance(found, toolchain.Missing):
            return str(found)
    return "" if os.geteuid() == 0 else "loading BPF programs needs root"


def rate(operations: int, spans: Sequence[tuple[int, int]]) -> float:
    """Operations a second, from the first lane's start to the last one's end."""
    return operations / (max(end for _, end in spans) - min(start for start, _ in spans)) * 1e9


def require(error: Any, what: str) -> None:
    """Stop where C returned an error."""
    if error:
        raise RuntimeError(f"cannot {what}: {error}")


def hand_written(structure: structures.Structure) -> Library:
    """pool_baseline.c compiled with the structure, by the flags that its driver is compiled by."""
    cc = toolchain.require(toolchain.find_cc())
    view = headers.view(structure.path)
    bound = cache.store_text("bindings", "binding.h", binding.generate(structure, "fast", view.header))
    out = cache.root() / f"pool_baseline_{structure.name}.so"
    view.prepare()
    subprocess.run(
        [
            *cc.command,
            *structures.native_flags(),
            *("-g", "-fPIC", "-Wall", "-shared", "-Wl,-z,defs", *view.flags),
            *(f"-I{resources.csrc_dir()}", "-include", str(bound)),
            *(str(HERE / "pool_baseline.c"), "-o", str(out)),
        ],
        check=True,
    )
    return Library(str(HERE / "pool_baseline.h"), out)
