# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a kernel might have told: programs, maps and triggers from memory, and a verifier's log of a few lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.fault_reports import Collector
from workbench.kernel_info import (
    TASKS,
    KernelInfo,
    MapInfo,
    ProgramInfo,
    TriggerInfo,
    Verification,
)
from workbench.profiles import TRIGGER_NAMES
from workbench.verifier_log import VerifierLog

FAULT = """ERROR: Arena WRITE access at unmapped address 0x100000abc000
CPU: 1 UID: 0 PID: 1234 Comm: python
Call trace:
bpf_stream_stage_dump_stack+0x9d/0xc0
__bpf_prog_report_arena_violation.isra.0+0x9e/0xe0
ex_handler_bpf+0x76/0xb0
asm_exc_page_fault+0x26/0x30
bpf_prog_2a1c7c1b9a6b4f4e_handle_operation+0x2c1/0x6b0
  node->value = value; @ ds_list.h:118
bpf_prog_3c47ed7976b56ff9_batch_operations+0x118/0x2fd
  handle_operation(&op); @ skeleton.bpf.c:143
bpf_prog_test_run_syscall+0x292/0x340
__x64_sys_bpf+0x30/0x40

"""
"""As Linux 7.2 writes it."""


def program(name: str, at: int, *, runs: int = 0, ns: float = 0.0, attached: Sequence[str] = ()) -> ProgramInfo:
    """One program; `at` makes it another than the others."""
    return ProgramInfo(
        name=name,
        task=TASKS[name],
        type="tracepoint" if name == "trace_syscall" else "syscall",
        id=4658 + at,
        tag=f"{0x6EB91D699F1901D1 + at:016x}",
        age_s=75.0,
        attached=tuple(attached),
        functions=24 if at < 3 else 1,
        translated_bytes=15_816 - 3_000 * at,
        jited_bytes=9_779 - 2_000 * at,
        verification=Verification(
            13_593 - 3_000 * at, 907 - 100 * at, 909 - 100 * at, 33_092, (48, 16, 96, *[16] * 21) if at < 3 else (8,)
        ),
        runs=runs,
        mean_ns=ns if runs else None,
        missed=0,
        runs_per_s=runs / 4 if runs else 0.0,
        recent_ns=ns if runs else None,
        cpu_share=runs / 4 * ns / 1e9 if runs else 0.0,
    )


def info(
    at_s: float = 7.2,
    *,
    on: Sequence[str] = ("execve",),
    cannot: Sequence[str] = (),
    over: bool = False,
    said: str | None = "",
    **how: Any,
) -> KernelInfo:
    """A reading `at_s` seconds into a run with these triggers switched on, of which some `cannot` be attached.

    `said` is what a program's stream says, None for a kernel without streams.
    """
    attached = [name for name in on if name not in cannot and not over]
    runs = int(100 * at_s)
    streams = Collector()
    streams.add("batch_operations", "stderr", said or "")
    return KernelInfo(
        kernel_release="6.18.44-canned",
        structure="list",
        stage="over" if over else "working",
        counting=True,
        programs=(
            program("manual_operation", 0, runs=1, ns=2_310),
            program("batch_operations", 1, runs=runs, ns=2_120_000),
            program("trace_syscall", 2, runs=4 * runs, ns=1_930, attached=attached),
            program("populate", 3, runs=1, ns=25_600),
            program("know_tree", 4),
        ),
        maps=(
            MapInfo("arena", "arena", 2208, 0, 0, 65_536, 0),
            MapInfo("plan", "array", 2204, 4, 8, 557_056, 4_460_544),
            MapInfo("telemetry", "array", 2206, 4, 4_288, 13, 61_440),
            MapInfo("list.rodata", "array", 2205, 4, 128, 1, 440),
        ),
        triggers=tuple(trigger(at, name, name in on, name in attached, over) for at, name in enumerate(TRIGGER_NAMES)),
        faults=None if said is None else streams.reports,
        said=None if said is None else streams.others,
        **how,
    )


def trigger(at: int, name: str, on: bool, attached: bool, over: bool) -> TriggerInfo:
    """A trigger, and why it is not attached."""
    event = f"sys_enter_{name}"
    if attached:
        return TriggerInfo(name, event, on, True, "", 180 + at, at)
    if over:
        return TriggerInfo(name, event, on, False, "run is over")
    why = f"{event} cannot be attached: EPERM: Operation not permitted" if on else "switched off"
    return TriggerInfo(name, event, on, False, why, failed=on)


LOG = """Validating handle_operation() func#1...
0: R1=ctx() R10=fp0
; int trace_syscall(void *context) @ skeleton.bpf.c:193
0: (bf) r6 = r1                       ; R1=ctx() R6_w=ctx()
; arena_use(); @ skeleton.bpf.c:200
1: (18) r1 = 0x100000010000           ; R1_w=0x100000010000
3: (85) call bpf_get_smp_processor_id#8       ; R0_w=scalar(smin=0,smax=umax=umax32=1,var_off=(0x0; 0x1))
from 14 to 20: R0=map_value(map=telemetry,ks=4,vs=4288) R6=ctx() R10=fp0
20: (79) r1 = *(u64 *)(r0 +8)         ; R0=map_value(map=telemetry,ks=4,vs=4288) R1_w=scalar()
from 21 to 30: safe
"""


def verifier_log(folder: Path, program: str, *, verdict: str = "accepted", paths: int = 400) -> VerifierLog:
    """A log of so many paths through a program."""
    path = folder / f"list-{program}.verifier.log"
    path.write_text(LOG * paths + "processed 13593 insns (limit 1000000) total_states 907 peak_states 909\n")
    log = VerifierLog(program, path, verdict)
    log.path = Path(f"/root/.cache/arena-workbench/logs/{path.name}")
    return log
