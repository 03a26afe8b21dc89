# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One run inside the engine: memory, structure, prefill, lanes, and what is found when they have stopped."""

from __future__ import annotations

import threading
import time
from typing import Any, Protocol

from workbench import telemetry
from workbench.arena import state as arena_state
from workbench.engine import messages
from workbench.engine.facts import Facts
from workbench.engine.sides import TRACEPOINTS, KernelSide, NativeSide, RunFailed, error_name
from workbench.native import Library

__all__ = ["Run", "RunFailed"]

_CONTROL_LANE, _KEEPER_LANE, _HAND_LANE = 0, 1, 2
_INIT, _VERIFY = telemetry.OPERATIONS.index("init"), telemetry.OPERATIONS.index("verify")
_POLL_S = 0.002
_PAGE = 4096
_ROOM_PAGES = 16  # for a head and a few nodes


class Send(Protocol):
    """Sends an event to the front, with file descriptors where it has some."""

    def __call__(self, event: messages.Event, descriptors: list[int] | None = None) -> None: ...


class Run:
    """Performs the run that `configure` describes and tells `send` about it."""

    def __init__(self, configure: messages.Configure, send: Send) -> None:
        self._configure = configure
        self._send = send
        self._stop = threading.Event()
        self._begun = threading.Event()
        self._ended_ns = 0
        self._attach_lock = threading.Lock()
        self._triggers = set(configure.triggers)
        self._driver: Library | None = None
        self._working: NativeSide | KernelSide | None = None  # while lanes run
        self._verifiable: NativeSide | KernelSide | None = None  # once there is a structure
        self._side: NativeSide | KernelSide | None = None
        self._facts: Facts | None = None
        self._over = False
        self._burst_at = 0
        self._kept: list[Any] = []  # what C still points to

    def stop(self) -> None:
        """From any thread: the lanes leave, and the run ends as usual."""
        self._stop.set()
        if self._driver and self._begun.is_set():
            self._driver.call.driver_stop()

    def set_trigger(self, trigger: int, *, on: bool) -> None:
        """From any thread: attach or detach one trigger."""
        with self._attach_lock:
            (self._triggers.add if on else self._triggers.discard)(trigger)
            if self._working is None:  # not yet: the lanes' start attaches them; or no more
                return
            if not on:
                self._working.detach(trigger)
            else:
                self._attach(self._working, trigger)

    def _attach(self, side: NativeSide | KernelSide, trigger: int) -> None:
        if not any(self._configure.weights):
            self._send(messages.Note("a trigger can do nothing of this workload on this structure"))
        elif problem := side.attach(trigger):
            self._send(messages.Note(problem))

    def burst(self, operations: int) -> None:
        """In a thread of its own: so many operations in the kernel now."""
        wanted, side = self._configure, self._working
        if side is None:
            self._send(messages.Note("a burst needs lanes at work: start a run first"))
            return
        if not any(wanted.weights):
            self._send(messages.Note("a burst can do nothing of this workload on this structure"))
            return
        stretch = range(wanted.trigger_plan, wanted.trigger_plan + wanted.trigger_plan_length)
        done = 0
        while done < operations and not telemetry.read_control(memoryview(side.telemetry)).stop:
            now = side.burst(_HAND_LANE, wanted.hand_slot, stretch, self._burst_at, operations - done)
            if now is None:
                self._send(messages.Note("a burst of kernel operations needs the bpf backend"))
                return
            self._burst_at += now
            done += now

    def verify_now(self) -> None:
        """In a thread of its own: verify from both sides and tell."""
        side = self._verifiable
        if side is None or self._driver is None:
            self._send(messages.Note("there is no structure to verify yet"))
            return
        checked = self._verify_from(_HAND_LANE, self._configure.hand_slot, self._driver, side)
        self._send(messages.Verified(checked, live=self._working is not None))

    def kernel_facts(self, *, statistics: bool) -> messages.KernelFacts:
        """From any thread: what the kernel tells of the programs now."""
        side = self._side
        if not isinstance(side, KernelSide):
            return messages.KernelFacts("loading" if side is None else "native")
        self._facts = self._facts or Facts(side)
        with self._attach_lock:  # no attachment comes or goes meanwhile
            stage = "over" if self._over else "ready" if self._working is None else "working"
            return self._facts.read(stage, frozenset(self._triggers), statistics=statistics)

    def perform(self) -> None:
        """All of it, from mapping memory to the findings. Raises RunFailed."""
        wanted = self._configure
        runtime = Library("runtime.h", wanted.runtime)
        driver = self._driver = Library("driver.h", wanted.driver)
        side = self._side = self._make_side(runtime)
        self._send(
            messages.Mapped(wanted.pages * _PAGE, (wanted.slots + 1) * telemetry.ENTRY_SIZE),
            [side.arena_fd, side.telemetry_fd],
        )
        self._send(messages.Phase("init"))
        if driver.call.driver_format(wanted.pages, side.limit_pages, wanted.arena_lanes, wanted.first_trigger_lane):
            layout = runtime.call.runtime_overhead_pages(wanted.pages)
            raise RunFailed(
                "run",
                f"arena.pages: {wanted.pages} is too small: the allocator's own layout takes {layout}; "
                f"take {layout + _ROOM_PAGES} at least",
            )
        self._begin(driver, side)
        init_result = self._make_structure(driver, side)
        prefilled = self._prefill(driver) if init_result == 0 else 0
        if init_result == 0:
            self._verifiable = side
            self._send(messages.Phase("plan"))
            self._draw_plans(runtime, side)
            self._work(driver, side)
        self._send(self._findings(runtime, driver, side, init_result, prefilled))

    def _make_side(self, runtime: Library) -> NativeSide | KernelSide:
        wanted = self._configure
        if wanted.object is None or wanted.loader is None:
            return NativeSide(runtime, wanted.pages, wanted.slots + 1, wanted.plan_entries)
        return KernelSide(wanted.loader, wanted.object, wanted.log, wanted.pages, wanted.slots + 1, wanted.plan_entries)

    def _begin(self, driver: Library, side: NativeSide | KernelSide) -> None:
        wanted, ffi = self._configure, driver.ffi
        control = memoryview(side.telemetry).cast("I")
        control[2], control[3], control[4], control[5] = wanted.slots, wanted.trigger_slot, wanted.cpus, 0
        long_words = memoryview(side.telemetry).cast("Q")
        long_words[3], long_words[4] = wanted.trigger_plan, wanted.trigger_plan_length - 1
        if wanted.tree_only:
            side.know_tree()
        setup = ffi.new("struct driver_setup *")
        memory, plan = ffi.from_buffer(side.telemetry), ffi.from_buffer(side.plan)
        setup.telemetry = memory
        setup.plan = ffi.cast("__u64 *", plan)
        setup.batch_fd, setup.populate_fd = side.batch_fd, side.populate_fd
        setup.batch, setup.reserve_pages = wanted.batch, wanted.reserve_pages
        setup.keeper_lane, setup.generate = _KEEPER_LANE, wanted.generate
        self._kept += [memory, plan]
        if driver.call.driver_begin(setup):
            raise RunFailed("run", "cannot start the engine's keeper thread: out of threads or memory")
        self._begun.set()
        if self._stop.is_set():
            driver.call.driver_stop()

    def _make_structure(self, driver: Library, side: NativeSide | KernelSide) -> int:
        """Init, by the kernel where there is one. The DS_ code."""
        wanted = self._configure
        result = side.operation(_CONTROL_LANE, _INIT, wanted.capacity)
        if result is None:
            result = driver.call.driver_operation(
                _CONTROL_LANE, wanted.setup_slot, _INIT, wanted.capacity, 0, driver.ffi.NULL
            )
        return int(result)

    def _prefill(self, driver: Library) -> int:
        wanted = self._configure
        if not wanted.prefill:
            return 0
        self._send(messages.Phase("prefill"))
        return int(
            driver.call.driver_prefill(_CONTROL_LANE, wanted.setup_slot, wanted.prefill, wanted.keys, wanted.seed)
        )

    def _draw_plans(self, runtime: Library, side: NativeSide | KernelSide) -> None:
        wanted, ffi = self._configure, runtime.ffi
        request = ffi.new("struct plan_request *")
        request.keys, request.theta, request.seed = wanted.keys, wanted.theta, wanted.seed
        plan = ffi.cast("__u64 *", ffi.from_buffer(side.plan))
        stretches = [(lane.slot, lane.plan, lane.plan_length, lane.weights) for lane in wanted.lanes]
        length = wanted.trigger_plan_length
        if wanted.object and any(wanted.weights):
            stretches += [
                (wanted.trigger_slot + at, wanted.trigger_plan + at * length, length, wanted.weights)
                for at in range((wanted.plan_entries - wanted.trigger_plan) // length)
            ]
        for stream, first, length, weights in stretches:
            request.stream = stream
            for kind, weight in enumerate(weights):
                request.weights[kind] = weight
            if runtime.call.plan_draw(request, plan + first, length):
                raise RunFailed("run", "the workload has no operation to draw")

    def _work(self, driver: Library, side: NativeSide | KernelSide) -> None:
        """Let the lanes run until they are done, their time is up, or the front says stop."""
        wanted, ffi = self._configure, driver.ffi
        lanes = ffi.new("struct driver_lane[]", max(1, len(wanted.lanes)))
        for at, spec in zip(lanes, wanted.lanes, strict=False):
            at.kernel, at.slot, at.lane, at.cpu = spec.kernel, spec.slot, spec.lane, spec.cpu
            at.operations, at.plan, at.plan_mask = spec.operations, spec.plan, spec.plan_length - 1
            at.stride_mask = wanted.stride - 1
        error = driver.call.driver_start(lanes, len(wanted.lanes))
        if error:
            raise RunFailed("run", f"cannot start {len(wanted.lanes)} lanes: out of threads or memory ({error})")
        self._send(messages.Phase("running"))
        with self._attach_lock:
            for trigger in sorted(self._triggers):
                self._attach(side, trigger)
            self._working = side
        driver.call.driver_go(wanted.duration_ns)
        while not self._finished(driver, side):
            time.sleep(_POLL_S)
        driver.call.driver_stop()
        self._ended_ns = time.monotonic_ns()
        driver.call.driver_join()
        with self._attach_lock:
            self._working, self._over = None, True  # no trigger comes back on
            for trigger in range(len(TRACEPOINTS)):
                side.detach(trigger)
        if failed := driver.call.driver_failed():
            raise RunFailed("run", f"a kernel lane's program could not be run ({error_name(failed)})")

    def _finished(self, driver: Library, side: NativeSide | KernelSide) -> bool:
        if self._configure.lanes:
            return bool(driver.call.driver_running() == 0)
        return telemetry.read_control(memoryview(side.telemetry)).stop

    def _findings(
        self, runtime: Library, driver: Library, side: NativeSide | KernelSide, init_result: int, prefilled: int
    ) -> messages.Finished:
        wanted = self._configure
        self._send(messages.Phase("draining"))
        undrained = driver.call.driver_drain(_CONTROL_LANE)
        walk = driver.ffi.new("struct driver_walk *")
        verified = messages.Checked()
        if init_result == 0:
            verified = self._verify(driver, side)
            self._send(messages.Phase("walk"))
            driver.call.driver_walk_all(_CONTROL_LANE, walk)
        self._send(messages.Phase("marking"))
        base, size = runtime.ffi.cast("void *", runtime.call.runtime_base()), wanted.pages * _PAGE
        mark = runtime.ffi.new("struct mark_result *")
        runtime.call.runtime_mark(base, size, mark)
        state = arena_state.read(runtime, runtime.call.runtime_base(), size)
        return messages.Finished(
            init_result=init_result,
            prefilled=prefilled,
            ended_ns=self._ended_ns,
            undrained=undrained,
            walk_supported=bool(walk.supported),
            walk_result=walk.result,
            elements=walk.elements,
            key_sum=walk.key_sum,
            verified=verified,
            arena=state.arena,
            arena_lanes=state.arena_lanes,
            faults=state.faults,
            mark=runtime.plain(mark[0]),
        )

    def _verify(self, driver: Library, side: NativeSide | KernelSide) -> messages.Checked:
        if not self._configure.verify:
            return messages.Checked()
        self._send(messages.Phase("verify"))
        return self._verify_from(_CONTROL_LANE, self._configure.setup_slot, driver, side)

    def _verify_from(self, lane: int, slot: int, driver: Library, side: NativeSide | KernelSide) -> messages.Checked:
        user = driver.call.driver_operation(lane, slot, _VERIFY, 0, 0, driver.ffi.NULL)
        return messages.Checked(int(user), side.operation(lane, _VERIFY, 0))
