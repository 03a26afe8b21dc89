# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""From a profile to the numbers that an engine is told: each lane's slot, stretch of the plan and CPU.

Nothing is started here; what the profile asks for and the structure cannot do becomes a note or a UsageError.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

from workbench import roles, telemetry
from workbench.engine.messages import Configure, LaneSpec
from workbench.errors import MachineError, UsageError
from workbench.profiles import TRIGGER_NAMES, Profile
from workbench.structures import Structure

_LONGEST_PLAN = 1 << 18
_TRIGGER_PLAN = 1 << 12
_FIRST_LANE = 3  # after the control lane, the keeper's and the one for what a person asks for by hand
_LANES_MAX = 512  # ARENA_LANES_MAX
_SEED_BITS = 32
_PAGE = 4096
_LEAST_RESERVE = 32  # pages
_BYTES_AN_ELEMENT = 64  # of a bounded structure's array: a cache line each
_SAMPLES = 1024  # latencies wanted of a lane whose operations are limited
_LONGEST_STRIDE = 256  # reading the clock around one operation in so many costs nothing measurable


class Lane(msgspec.Struct, frozen=True):
    """A line of execution as a person knows it; `slots` of telemetry make it up (a trigger has one a CPU).

    `mix` has the weights of what it does, by operation. An `optional` one counts only once it has done something: a
    trigger that may be switched on, bursts by hand.
    """

    id: int
    name: str
    kernel: bool
    trigger: str | None
    slots: tuple[int, ...]
    cpu: int | None
    optional: bool = False
    mix: dict[str, int] = {}


class Plan(msgspec.Struct, frozen=True):
    """What a run will be, in numbers. `trigger_mix` is what a trigger does, whether one is asked for or not."""

    lanes: tuple[Lane, ...]
    setup_slot: int
    hand_slot: int
    trigger_slot: int
    slots: int
    cpus: int
    seed: int
    trigger_mix: dict[str, int]
    notes: tuple[str, ...]


def possible_cpus() -> int:
    """One more than the highest CPU number that this machine may ever have."""
    text = Path("/sys/devices/system/cpu/possible").read_text(encoding="ascii").strip()
    return int(text.replace(",", "-").split("-")[-1]) + 1


def draw(profile: Profile, structure: Structure, *, kernel_side: bool, reason: str = "") -> Plan:
    """Lay the run out; `reason` is why there is no kernel side. Raises UsageError, MachineError for what cannot run."""
    notes: list[str] = []
    if profile.arena.backend == "native" and (profile.lanes.kernel or profile.triggers.enabled):
        notes.append("native backend, as asked for: it has no kernel lanes and no triggers")
    mix = _mix(profile, structure, kernel_side, notes)
    cpus = possible_cpus()
    pins = _pins(profile, notes)
    users = profile.lanes.user
    kernels = profile.lanes.kernel if kernel_side else 0
    lanes = [Lane(i, f"user {i}", False, None, (i,), _at(pins, i)) for i in range(users)]
    lanes += [
        Lane(users + i, f"kernel {i}", True, "manual", (users + i,), _at(pins, users + i)) for i in range(kernels)
    ]
    setup = users + kernels
    hand, triggers = setup + 1, setup + 2
    for name in TRIGGER_NAMES if kernel_side else ():
        first = triggers + TRIGGER_NAMES.index(name) * cpus
        off = name not in profile.triggers.enabled
        lanes.append(Lane(len(lanes), name, True, name, tuple(range(first, first + cpus)), None, optional=off))
    if kernel_side:
        lanes.append(Lane(len(lanes), "burst", True, "burst", (hand,), None, optional=True))
    if all(lane.optional for lane in lanes):
        if profile.arena.backend == "native":
            raise UsageError("lanes.user: 0, and the native backend has no other lanes; ask for some (-t N)")
        raise MachineError(f"there is nothing to run without kernel lanes, which are off: {reason}")
    lanes = _share(lanes, structure, mix, notes, force=profile.lanes.force)
    if _FIRST_LANE + users + kernels + cpus > _LANES_MAX:
        raise UsageError(f"lanes: {users} user and {kernels} kernel lanes and {cpus} CPUs are more than {_LANES_MAX}")
    return Plan(
        lanes=tuple(lanes),
        setup_slot=setup,
        hand_slot=hand,
        trigger_slot=triggers,
        slots=triggers + len(TRIGGER_NAMES) * cpus,
        cpus=cpus,
        seed=profile.workload.seed or secrets.randbits(_SEED_BITS) or 1,
        trigger_mix=mix
        if profile.lanes.force
        else roles.share(structure.metadata.concurrency, users + kernels, 1, mix)[-1],
        notes=tuple(notes),
    )


def configure(
    profile: Profile, plan: Plan, *, driver: Path, runtime: Path, loader: Path | None, bpf: Path | None, log: Path
) -> Configure:
    """The engine's orders for a plan, with the files it needs."""
    work, lanes = profile.workload, [lane for lane in plan.lanes if lane.trigger in (None, "manual")]
    length = _plan_length(work.operations)
    triggers_plan = len(lanes) * length
    entries = triggers_plan + (len(TRIGGER_NAMES) * plan.cpus * _TRIGGER_PLAN if bpf else 0)
    triggers = [TRIGGER_NAMES.index(lane.name) for lane in plan.lanes if lane.name in profile.triggers.enabled]
    return Configure(
        driver=str(driver),
        runtime=str(runtime),
        loader=str(loader) if loader else None,
        object=str(bpf) if bpf else None,
        log=str(log),
        pages=profile.arena.pages,
        reserve_pages=_reserve(profile),
        slots=plan.slots,
        arena_lanes=_FIRST_LANE + len(lanes) + plan.cpus,
        first_trigger_lane=_FIRST_LANE + len(lanes),
        setup_slot=plan.setup_slot,
        hand_slot=plan.hand_slot,
        trigger_slot=plan.trigger_slot,
        cpus=plan.cpus,
        trigger_plan=triggers_plan,
        trigger_plan_length=_TRIGGER_PLAN,
        plan_entries=max(1, entries),
        lanes=[
            LaneSpec(
                kernel=lane.kernel,
                slot=lane.slots[0],
                lane=_FIRST_LANE + i,
                cpu=-1 if lane.cpu is None else lane.cpu,
                operations=work.operations,
                plan=i * length,
                plan_length=length,
                weights=_weights(lane.mix),
            )
            for i, lane in enumerate(lanes)
        ],
        triggers=triggers,
        tree_only=bpf is not None and profile.triggers.scope == "tree",
        generate=sum(1 << trigger for trigger in triggers) if profile.triggers.generate else 0,
        capacity=profile.structure.capacity,
        prefill=work.prefill_count,
        keys=work.keys,
        weights=_weights(plan.trigger_mix),
        theta=work.theta if work.distribution == "zipf" else 0.0,
        seed=plan.seed,
        duration_ns=round((work.duration_s + work.warmup_s) * 1e9) if work.duration_s else 0,
        stride=_stride(work.operations),
        batch=profile.lanes.batch,
        verify=profile.checks.verify,
    )


def arena_lane_name(plan: Plan, arena_lane: int) -> str:
    """Whose an arena lane is, in a person's words."""
    own = [lane for lane in plan.lanes if lane.trigger in (None, "manual")]
    at = arena_lane - _FIRST_LANE
    if at < 0:
        return ("setup", "keeper", "by hand")[arena_lane]
    return own[at].name if at < len(own) else f"triggers on CPU {at - len(own)}"


def slot_name(plan: Plan, slot: int) -> str:
    """Whose a telemetry slot is, in a person's words."""
    if slot in (plan.setup_slot, plan.hand_slot):
        return "setup" if slot == plan.setup_slot else "by hand"
    return next((lane.name for lane in plan.lanes if slot in lane.slots), f"slot {slot}")


def _share(
    lanes: list[Lane], structure: Structure, mix: dict[str, int], notes: list[str], *, force: bool
) -> list[Lane]:
    """The lanes with what each does, without optional ones that the structure has no use for.

    Raises UsageError where it has none for a lane that was asked for, unless `force` has all of them do everything.
    """
    users = structure.metadata.concurrency
    own = sum(lane.trigger in (None, "manual") for lane in lanes)
    shares = roles.share(users, own, len(lanes) - own, mix)
    asked = [(lane.name, share) for lane, share in zip(lanes, shares, strict=True) if not lane.optional]
    if force and any(share != mix for _, share in asked):
        notes.append(roles.warning(users, structure.name))
        shares = [mix] * len(lanes)
    elif not all(share for _, share in asked):
        named = [(lane.name, lane.trigger in TRIGGER_NAMES) for lane in lanes if not lane.optional]
        raise UsageError(roles.refusal(users, structure.name, named, mix))
    elif note := roles.explain(users, structure.name, asked):
        notes.append(note)
    return [msgspec.structs.replace(lane, mix=share) for lane, share in zip(lanes, shares, strict=True) if share]


def _weights(mix: dict[str, int]) -> list[int]:
    """Weights by enum ds_op_type, eight of them as in struct plan_request."""
    return [mix.get(name, 0) for name in telemetry.OPERATIONS] + [0]


def _stride(operations: int) -> int:
    """Every how many operations one is timed, a power of two."""
    stride = 1
    while stride < _LONGEST_STRIDE and (not operations or stride * 2 * _SAMPLES <= operations):
        stride *= 2
    return stride


def _reserve(profile: Profile) -> int:
    """Pages to keep populated: as asked for, but enough for the kernel to make the structure with its capacity."""
    head = max(_LEAST_RESERVE, profile.structure.capacity * _BYTES_AN_ELEMENT // _PAGE)
    return max(profile.arena.reserve_pages, min(head, profile.arena.pages // 2))


def _plan_length(operations: int) -> int:
    length = 1
    while length < _LONGEST_PLAN and (not operations or length < operations):
        length *= 2
    return length


def _mix(profile: Profile, structure: Structure, kernel_side: bool, notes: list[str]) -> dict[str, int]:
    """The profile's weights without what the structure lacks, which is noted."""
    weights = {name: weight for name, weight in msgspec.structs.asdict(profile.workload.mix).items() if weight}
    able = structure.operations & structure.kernel_operations if kernel_side else structure.operations
    if "delete" in weights and "delete" not in able and "pop" in able:
        weights["pop"] = weights.get("pop", 0) + weights.pop("delete")
        notes.append(f"{structure.name} has no delete; its share of the workload goes to pop")
    for name in [name for name in weights if name not in able]:
        del weights[name]
        notes.append(f"{structure.name} has no {name} (DS_ERROR_UNSUPPORTED); it is left out of the workload")
    if not weights:
        raise UsageError(
            f"workload.mix: {structure.name} has none of the operations asked for; it has: {', '.join(sorted(able))}"
        )
    return weights


def _pins(profile: Profile, notes: list[str]) -> tuple[int, ...]:
    pins = profile.lanes.pin
    allowed = os.sched_getaffinity(0)
    if wrong := [cpu for cpu in pins if cpu not in allowed]:
        raise UsageError(f"lanes.pin: no CPU {wrong[0]} to run on; there are: {_ranges(sorted(allowed))}")
    lanes = profile.lanes.user + profile.lanes.kernel
    if pins and lanes > len(set(pins)):
        notes.append(f"lanes.pin: {lanes} lanes share {len(set(pins))} CPUs, so some take turns")
    return pins


def _at(pins: tuple[int, ...], lane: int) -> int | None:
    return pins[lane % len(pins)] if pins else None


def _ranges(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) if len(numbers) <= 8 else f"{numbers[0]}..{numbers[-1]}"
