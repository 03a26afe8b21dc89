# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the front and the engine say to each other, one message a packet of their socket.

Numbers, not objects: the engine is told slots, lanes and files; what they mean to a person stays in the front.
"""

from __future__ import annotations

from typing import Any

import msgspec


class LaneSpec(msgspec.Struct, frozen=True, array_like=True):
    """One lane to run: a thread that works itself, or has the kernel work (`kernel`). `weights` by enum ds_op_type."""

    kernel: bool
    slot: int
    lane: int
    cpu: int
    operations: int
    plan: int
    plan_length: int
    weights: list[int]


class Configure(msgspec.Struct, frozen=True, tag=True):
    """Everything the engine needs for one run; `object` is None on the native backend; `weights` are the triggers'."""

    driver: str
    runtime: str
    loader: str | None
    object: str | None
    log: str
    pages: int
    reserve_pages: int
    slots: int
    arena_lanes: int
    first_trigger_lane: int
    setup_slot: int
    hand_slot: int
    trigger_slot: int
    cpus: int
    trigger_plan: int
    trigger_plan_length: int
    plan_entries: int
    lanes: list[LaneSpec]
    triggers: list[int]
    tree_only: bool
    generate: int
    capacity: int
    prefill: int
    keys: int
    weights: list[int]
    theta: float
    seed: int
    duration_ns: int
    stride: int
    batch: int
    verify: bool


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Ask all lanes to leave; the run then ends as usual."""


class SetTrigger(msgspec.Struct, frozen=True, tag=True):
    """Attach or detach a trigger (index into profiles.TRIGGER_NAMES) while the run goes on."""

    trigger: int
    on: bool


class Burst(msgspec.Struct, frozen=True, tag=True):
    """Have the kernel perform so many operations of the workload now, beside the lanes."""

    operations: int


class VerifyNow(msgspec.Struct, frozen=True, tag=True):
    """Have the structure verified now, from both sides, whatever the lanes are doing."""


class QueryKernel(msgspec.Struct, frozen=True, tag=True):
    """Ask for KernelFacts; `statistics` has the kernel count runs meanwhile, until asked without it or no more."""

    statistics: bool


class Leave(msgspec.Struct, frozen=True, tag=True):
    """The front has all it wants: detach everything and exit."""


class Mapped(msgspec.Struct, frozen=True, tag=True):
    """The memory is there. Comes with two file descriptors: the arena and the telemetry."""

    arena_bytes: int
    telemetry_bytes: int


class Phase(msgspec.Struct, frozen=True, tag=True):
    """What the engine does now: one of "init", "prefill", "plan", "running", "draining", "verify", "walk" and
    "marking"."""

    name: str


class Note(msgspec.Struct, frozen=True, tag=True):
    """Something the person should know that does not end the run."""

    text: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The run cannot go on: "machine" (cannot do it), "verifier" (program rejected) or "run" (it went wrong)."""

    kind: str
    message: str
    log: str = ""


class Checked(msgspec.Struct, frozen=True):
    """A verify: its DS_ code, or None where the structure has none or it was not asked for."""

    user: int | None = None
    kernel: int | None = None


class Verified(msgspec.Struct, frozen=True, tag=True):
    """The answer to VerifyNow: DS_ codes, and whether lanes were at work meanwhile."""

    result: Checked
    live: bool


class TriggerFacts(msgspec.Struct, frozen=True, array_like=True):
    """A trigger: `link` has struct bpf_link_facts while it is attached, `problem` why it could not be."""

    wanted: bool
    link: dict[str, Any] | None
    problem: str


class KernelFacts(msgspec.Struct, frozen=True, tag=True):
    """What the kernel tells of what was loaded. `stage` is "native", "loading", "ready", "working" or "over".

    `programs` and `maps` have the fields of csrc/bpf_facts.h with a "name", programs the verifier's "statistics" too.
    `statistics` is why runs are not counted, "" when they are, None when that was not asked for. `streams` is what
    programs' streams had since the last time, as program, stream and text; None on a kernel without streams.
    """

    stage: str
    monotonic_ns: int = 0
    boottime_ns: int = 0
    statistics: str | None = None
    programs: list[dict[str, Any]] = []
    maps: list[dict[str, Any]] = []
    triggers: list[TriggerFacts] = []
    streams: list[tuple[str, int, str]] | None = None


class Finished(msgspec.Struct, frozen=True, tag=True):
    """The lanes have stopped, and this is what was found then. `ended_ns` is when they were, or had been."""

    init_result: int
    prefilled: int
    ended_ns: int
    undrained: int
    walk_supported: bool
    walk_result: int
    elements: int
    key_sum: int
    verified: Checked
    arena: dict[str, Any]
    arena_lanes: list[dict[str, int]]
    faults: list[dict[str, int]]
    mark: dict[str, Any]


Command = Configure | Stop | SetTrigger | Burst | VerifyNow | QueryKernel | Leave
Event = Mapped | Phase | Note | Failed | Verified | KernelFacts | Finished

_encode = msgspec.msgpack.Encoder().encode
_commands = msgspec.msgpack.Decoder(Command)
_events = msgspec.msgpack.Decoder(Event)
PACKET = 4 * 1024 * 1024
"""Room for the largest packet, in bytes."""


def encode(message: Command | Event) -> bytes:
    """A message as the bytes of one packet."""
    return _encode(message)


def command(packet: bytes) -> Command:
    """A command back from its packet."""
    found: Command = _commands.decode(packet)
    return found


def event(packet: bytes) -> Event:
    """An event back from its packet."""
    found: Event = _events.decode(packet)
    return found
