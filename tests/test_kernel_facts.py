# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is told of the programs in the kernel: by the kernel itself, and from facts made up here."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from workbench import fault_reports, kernel_info, profiles
from workbench.engine import facts as engine_facts
from workbench.engine.messages import KernelFacts, TriggerFacts
from workbench.fault_reports import Collector, StreamText
from workbench.kernel_info import KernelInfo, Reader
from workbench.profiles import Profile
from workbench.session import Finished, Problem, Session

SAID = """verification time 33092 usec
stack depth 48+16+96
processed 13593 insns (limit 1000000) max_states_per_insn 15 total_states 907 peak_states 909 mark_read 0
"""


FAULT = """ERROR: Arena READ access at unmapped address 0x100000002000
CPU: 0 UID: 0 PID: 108 Comm: engine
Call trace:
ex_handler_bpf+0x76/0xb0
asm_exc_page_fault+0x26/0x30
bpf_prog_9b789fc7f3decf1f_sub+0x2f/0x44
  *at += 1; return 0; } @ f.bpf.c:7
bpf_prog_b32888f63658ba1e_p+0x5a/0x92
  return sub(c->off); @ f.bpf.c:10
bpf_prog_test_run_syscall+0x292/0x340

"""


def program(*, runs: int = 0, run_ns: int = 0, said: str = SAID) -> dict[str, Any]:
    numbers = {"translated_bytes": 168, "jited_bytes": 156, "verified": 16, "functions": 1, "missed": 0}
    return {
        "name": "trace_syscall", "statistics": said, "id": 7, "tag": b"\x01\xff", "type": "tracepoint",
        "loaded_ns": 5_000_000_000, "runs": runs, "run_ns": run_ns, **numbers,
    }  # fmt: skip


def reading(at_s: float, *, statistics: str | None = "", **how: Any) -> KernelFacts:
    now = int(at_s * 1e9)
    return KernelFacts(
        "working", monotonic_ns=now, boottime_ns=now + 10_000_000_000, statistics=statistics, streams=[], **how
    )


class TestReader:
    def test_the_verifiers_numbers_are_taken_from_its_words(self) -> None:
        found = Reader("list").read(reading(1, programs=[program()])).programs[0].verification
        assert (found.instructions, found.states, found.peak_states) == (13_593, 907, 909)
        assert (found.microseconds, found.stack_bytes) == (33_092, (48, 16, 96))

    def test_without_its_words_the_kernels_own_count_of_instructions_is_told(self) -> None:
        found = Reader("list").read(reading(1, programs=[program(said="")])).programs[0].verification
        assert (found.instructions, found.states, found.microseconds) == (16, None, None)

    def test_rates_are_over_the_time_between_two_readings(self) -> None:
        reader = Reader("list")
        first = reader.read(reading(1, programs=[program(runs=100, run_ns=1_000_000)])).programs[0]
        assert (first.runs_per_s, first.cpu_share, first.mean_ns) == (None, None, 10_000)
        second = reader.read(reading(3, programs=[program(runs=500, run_ns=9_000_000)])).programs[0]
        assert (second.runs_per_s, second.recent_ns, second.cpu_share) == (200, 20_000, 0.004)
        assert second.mean_ns == 18_000

    def test_a_reading_a_moment_later_keeps_the_rates(self) -> None:
        reader = Reader("list")
        reader.read(reading(1, programs=[program()]))
        reader.read(reading(2, programs=[program(runs=50, run_ns=50)]))
        assert reader.read(reading(2.01, programs=[program(runs=50, run_ns=50)])).programs[0].runs_per_s == 50

    def test_counting_that_was_off_gives_no_rate_over_the_gap(self) -> None:
        reader = Reader("list")
        reader.read(reading(1, programs=[program(runs=10)]))
        off = reader.read(reading(2, statistics=None, programs=[program(runs=10)]))
        assert not off.counting
        assert off.programs[0].runs_per_s is None
        assert reader.read(reading(3, programs=[program(runs=10)])).programs[0].runs_per_s is None

    def test_why_nothing_is_counted_is_told(self) -> None:
        info = Reader("list").read(reading(1, statistics="EPERM: Operation not permitted", programs=[program()]))
        assert not info.counting
        assert "EPERM" in info.not_counting

    def test_a_trigger_tells_why_it_is_not_attached(self) -> None:
        link = {"id": 180, "program": 7, "cookie": 0, "event": "sys_enter_execve"}
        triggers = [
            TriggerFacts(True, link, ""),
            TriggerFacts(False, None, ""),
            TriggerFacts(True, None, "sys_enter_openat cannot be attached: EPERM"),
            TriggerFacts(True, None, ""),
        ]
        info = Reader("list").read(reading(1, programs=[program()], triggers=triggers))
        execve, exit_group, openat, write = info.triggers
        assert (execve.attached, execve.link, execve.cookie, execve.why) == (True, 180, 0, "")
        assert (exit_group.on, exit_group.why) == (False, "switched off")
        assert (openat.failed, openat.why) == (True, "sys_enter_openat cannot be attached: EPERM")
        assert (write.failed, write.attached) == (False, False)
        assert info.programs[0].attached == ("execve",)

    def test_what_streams_say_is_sorted_over_all_readings(self) -> None:
        reader = Reader("list")
        reader.read(msgspec.structs.replace(reading(1), streams=[("populate", 2, FAULT), ("populate", 1, "hello\n")]))
        info = reader.read(msgspec.structs.replace(reading(2), streams=[("populate", 2, FAULT)]))
        assert info.faults is not None
        assert [(fault.program, fault.count) for fault in info.faults] == [("populate", 2)]
        assert info.fault_count == 2
        assert info.said == (StreamText("populate", "stdout", "hello\n"),)

    def test_no_streams_is_not_the_same_as_silent_ones(self) -> None:
        silent, none = Reader("list").read(reading(1)), Reader("list").read(KernelFacts("working"))
        assert (silent.faults, silent.said) == ((), ())
        assert (none.faults, none.said) == (None, None)

    def test_it_can_be_written_as_json(self) -> None:
        info = Reader("list").read(reading(1, programs=[program()]))
        assert msgspec.json.decode(msgspec.json.encode(info), type=KernelInfo) == info


class TestFaults:
    """Reports as Linux 7.2 wrote them."""

    def collected(self, *texts: str) -> Collector:
        streams = Collector()
        for text in texts:
            streams.add("batch_operations", "stderr", text)
        return streams

    def test_a_report_names_the_lines_of_source_innermost_first(self) -> None:
        (report,) = self.collected(FAULT).reports
        assert report.words == "Arena READ access at unmapped address 0x100000002000"
        assert report.where == ("f.bpf.c:7  *at += 1; return 0; }", "f.bpf.c:10  return sub(c->off);")
        assert report.text == FAULT[:-1]

    def test_those_that_differ_in_the_address_alone_are_counted_together(self) -> None:
        (report,) = self.collected(FAULT, FAULT.replace("2000\n", "3000\n")).reports
        assert report.count == 2
        assert report.words.endswith("0x100000003000")

    def test_those_of_another_place_or_kind_are_not(self) -> None:
        assert len(self.collected(FAULT, FAULT.replace(":7", ":8"), FAULT.replace("READ", "WRITE")).reports) == 3

    def test_one_that_comes_in_pieces_is_one(self) -> None:
        for cut in range(len(FAULT)):
            streams = self.collected(FAULT[:cut], FAULT[cut:])
            assert len(streams.reports) == 1, cut
            assert not streams.others, cut

    def test_without_lines_of_source_the_programs_are_named(self) -> None:
        bare = "".join(line for line in FAULT.splitlines(keepends=True) if not line.startswith("  "))
        assert self.collected(bare).reports[0].where == ("in sub()", "in p()")

    def test_other_text_is_kept_up_to_a_length(self) -> None:
        (other,) = self.collected("before\n", FAULT, "x" * fault_reports.KEPT_TEXT + "\n").others
        assert other.text == "x" * (fault_reports.KEPT_TEXT - 1) + "\n"

    def test_a_flood_of_different_ones_is_bounded(self) -> None:
        streams = self.collected(*(FAULT.replace(":7", f":{at}") for at in range(fault_reports.KEPT_REPORTS + 9)))
        assert len(streams.reports) == fault_reports.KEPT_REPORTS


class TestCounting:
    """The engine's descriptor that has the kernel count."""

    class Call:
        def __init__(self) -> None:
            self.open: list[int] = []

        def bpf_facts_statistics(self) -> int:
            self.open.append(os.open(os.devnull, os.O_RDONLY))
            return self.open[-1]

    def closed(self, fd: int) -> bool:
        try:
            os.fstat(fd)
        except OSError:
            return True
        return False

    def test_it_is_held_while_asked_for_and_closed_when_not(self) -> None:
        call = self.Call()
        counting = engine_facts._Statistics(call)
        assert counting.ask(on=True) == counting.ask(on=True) == ""
        assert len(call.open) == 1
        counting.ask(on=False)
        assert self.closed(call.open[0])

    def test_it_is_closed_when_nobody_asks_any_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine_facts, "LEASE_S", 0.05)
        call = self.Call()
        engine_facts._Statistics(call).ask(on=True)
        until(lambda: self.closed(call.open[0]))

    def test_what_the_kernel_refuses_is_told(self) -> None:
        class Refusing:
            def bpf_facts_statistics(self) -> int:
                return -1

        assert "EPERM" in engine_facts._Statistics(Refusing()).ask(on=True)


# With a kernel


class Watched:
    """A session, and what it has published."""

    def __init__(self) -> None:
        self.events: queue.Queue[object] = queue.Queue()
        self.session = Session(self.events.put)

    def wait(self, wanted: Callable[[Any], bool], timeout_s: float = 60.0) -> Any:
        """The next event that is `wanted`."""
        end = time.monotonic() + timeout_s
        while True:
            event = self.events.get(timeout=max(0.01, end - time.monotonic()))
            assert not isinstance(event, Problem), event
            if wanted(event):
                return event

    def ask(self, *, statistics: bool, until: Callable[[KernelInfo], bool] = lambda _info: True) -> KernelInfo:
        """Ask until the answer is as wanted."""
        for _ in range(200):
            self.session.kernel(statistics)
            info: KernelInfo = self.wait(lambda event: isinstance(event, KernelInfo))
            if until(info):
                return info
            time.sleep(0.05)
        raise AssertionError(info)


@pytest.fixture
def watched() -> Iterator[Watched]:
    one = Watched()
    yield one
    one.session.close()


def until(true: Callable[[], bool], timeout_s: float = 20.0) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def profile(**changes: object) -> Profile:
    usual = {"lanes.user": 1, "workload.operations": 0, "workload.duration_s": 60.0, "arena.pages": 4096}
    return profiles.override(Profile(), {**usual, **{name.replace("__", "."): it for name, it in changes.items()}})


def kernel_profile(**changes: object) -> Profile:
    return profile(**{"arena__backend": "bpf", "lanes__kernel": 1, "arena__reserve_pages": 256, **changes})


def started(watched: Watched, run: Profile, stage: str = "working") -> KernelInfo:
    watched.session.start(run)
    until(lambda: watched.session.inspect() is not None, 60.0)
    return watched.ask(statistics=False, until=lambda info: info.stage == stage)


@pytest.mark.kernel
class TestPrograms:
    def test_programs_and_maps_are_told_with_what_the_verifier_said(self, watched: Watched) -> None:
        info = started(watched, kernel_profile())
        programs = {one.name: one for one in info.programs}
        assert set(programs) == set(kernel_info.TASKS)
        assert programs["batch_operations"].type == "syscall"
        assert programs["trace_syscall"].type == "tracepoint"
        for one in info.programs:
            assert one.jited_bytes > 0
            assert one.translated_bytes > 0
            assert (one.verification.instructions or 0) > 0
            assert (one.verification.states or 0) > 0
            assert len(one.verification.stack_bytes) >= 1
            assert 0 <= one.age_s < 120
        maps = {one.name: one for one in info.maps}
        assert maps["arena"].entries == 4096
        assert maps["arena"].type == "arena"
        assert maps["plan"].bytes > maps["plan"].entries * 8

    def test_runs_are_counted_only_while_asked_for(self, watched: Watched) -> None:
        def runs(info: KernelInfo) -> int:
            return next(one.runs for one in info.programs if one.name == "batch_operations")

        assert runs(started(watched, kernel_profile())) == 0
        counted = watched.ask(statistics=True, until=lambda info: runs(info) > 10)
        assert counted.counting
        busy = next(one for one in counted.programs if one.name == "batch_operations")
        assert (busy.mean_ns or 0) > 0
        watched.ask(statistics=False)
        time.sleep(0.2)  # a run that was on its way then is still counted
        stopped = runs(watched.ask(statistics=False))
        time.sleep(0.2)
        assert runs(watched.ask(statistics=False)) == stopped

    def test_a_trigger_is_attached_and_detached_and_the_link_is_told(self, watched: Watched) -> None:
        info = started(watched, kernel_profile(triggers__openat=True))
        info = watched.ask(statistics=False, until=lambda info: info.triggers[2].attached)
        assert info.triggers[2].cookie == 2
        assert next(one.attached for one in info.programs if one.name == "trace_syscall") == ("openat",)
        watched.session.set_trigger("openat", False)
        info = watched.ask(statistics=False, until=lambda info: not info.triggers[2].attached)
        assert (info.triggers[2].on, info.triggers[2].why) == (False, "switched off")
        watched.session.set_trigger("write", True)
        info = watched.ask(statistics=False, until=lambda info: info.triggers[3].attached)
        assert info.triggers[3].on

    def test_after_the_run_they_are_told_as_loaded_and_detached(self, watched: Watched) -> None:
        started(watched, kernel_profile(triggers__openat=True))
        watched.session.stop()
        watched.wait(lambda event: isinstance(event, Finished))
        info = watched.ask(statistics=True)
        assert info.stage == "over"
        assert len(info.programs) == len(kernel_info.TASKS)
        assert not any(one.attached or one.failed for one in info.triggers)

    def test_an_access_to_a_page_that_is_not_there_is_reported(self, watched: Watched, checkout: Path) -> None:
        header = checkout / "tests" / "bad" / "ds_unmapped.h"
        run = kernel_profile(
            structure__path=str(header), workload__type="search", workload__keys=100, arena__pages=65_536
        )
        info = started(watched, run)
        if info.faults is None:
            pytest.skip("this kernel has no BPF streams")
        time.sleep(0.5)
        info = watched.ask(statistics=False)
        if not info.faults:
            pytest.skip("this kernel keeps nothing in its streams (it has no memory for them)")
        assert "Arena WRITE access at unmapped address" in info.faults[0].words
        assert "ds_unmapped.h:" in info.faults[0].where[0]


class TestNative:
    def test_a_native_run_has_no_programs(self, watched: Watched) -> None:
        info = started(watched, profile(arena__backend="native"), "native")
        assert (info.programs, info.maps, info.triggers) == ((), (), ())
