# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The profile's fields as a form has them: order, words, how typed text becomes a value, what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from workbench import profiles
from workbench.errors import UsageError
from workbench.profiles import TRIGGER_NAMES, Profile

Kind = Literal["whole", "number", "text", "bool", "choice", "whole_or_half", "cpus"]
_WEIGHTS = ("insert", "search", "delete", "pop")


def _always(_profile: Profile) -> bool:
    return True


@dataclass(frozen=True)
class Field:
    """One line of the form; `path` is dotted, a weight of the mix has three parts."""

    path: str
    label: str
    kind: Kind
    help: str
    choices: tuple[str, ...] = ()
    unit: str = ""
    zero: str = ""
    shown: Callable[[Profile], bool] = _always

    @property
    def typed(self) -> bool:
        """Whether a value is typed rather than switched."""
        return self.kind not in ("bool", "choice")


@dataclass(frozen=True)
class Section:
    """A heading of the form with its fields."""

    title: str
    fields: tuple[Field, ...]


def _custom(profile: Profile) -> bool:
    return profile.workload.type == "custom"


def _zipf(profile: Profile) -> bool:
    return profile.workload.distribution == "zipf"


FORM: tuple[Section, ...] = (
    Section(
        "Lanes",
        (
            Field("lanes.user", "user", "whole", "User lanes: native threads, 0 to 256"),
            Field("lanes.kernel", "kernel", "whole", "Kernel lanes: BPF programs run in batches, 0 to 64"),
            Field("lanes.batch", "batch", "whole", "Kernel operations a program run", unit="ops"),
            Field(
                "lanes.pin", "pin to", "cpus", "CPU numbers, such as 0,1: lane i runs on the i-th, in turn", zero="any"
            ),
            Field("lanes.watchdog_s", "watchdog", "number", "A lane without progress for so long is dead", unit="s"),
            Field("lanes.force", "force", "bool", "More producers or consumers than the structure is for (--force)"),
        ),
    ),
    Section(
        "Workload",
        (
            Field(
                "workload.duration_s",
                "duration",
                "number",
                "Seconds at most, 0 for no limit",
                unit="s",
                zero="no limit",
            ),
            Field("workload.operations", "operations", "whole", "For each lane, 0 for no limit", zero="no limit"),
            Field("workload.keys", "keys", "whole", "How many different keys; few of them: lanes meet more often"),
            Field(
                "workload.distribution",
                "drawn",
                "choice",
                "Every key alike, or few of them most of the time",
                ("uniform", "zipf"),
            ),
            Field("workload.theta", "theta", "number", "How uneven zipf is: 0.99 is usual, not exactly 1", shown=_zipf),
            Field(
                "workload.type",
                "mix",
                "choice",
                "Which operations; custom has weights of its own",
                ("mixed", "insert", "search", "delete", "custom"),
            ),
            *(
                Field(
                    f"workload.mix.{name}",
                    f"  {name}",
                    "whole",
                    f"Weight of {name}: its share is the weight over their sum",
                    shown=_custom,
                )
                for name in _WEIGHTS
            ),
            Field(
                "workload.prefill",
                "prefill",
                "whole_or_half",
                "Elements before the clock starts: a number, or half of the keys",
            ),
            Field("workload.warmup_s", "warm-up", "number", "Seconds before counting begins", unit="s"),
            Field(
                "workload.seed",
                "seed",
                "whole",
                "Of keys and choices; 0 picks one, and says which",
                zero="new each time",
            ),
        ),
    ),
    Section(
        "Triggers",
        (
            *(
                Field(
                    f"triggers.{name}",
                    name,
                    "bool",
                    f"A kernel operation at each {name}(2); can be switched during a run",
                )
                for name in TRIGGER_NAMES
            ),
            Field(
                "triggers.scope",
                "whose",
                "choice",
                "Calls of the workbench's own processes, or of the whole machine",
                ("tree", "all"),
            ),
            Field("triggers.generate", "generate", "bool", "The workbench makes the system calls itself (-K)"),
        ),
    ),
    Section(
        "Checks",
        (
            Field("checks.verify", "verify", "bool", "The structure's own verify after the run, from both sides"),
            Field("checks.statistics", "statistics", "bool", "Tables in the report"),
        ),
    ),
    Section(
        "Arena and structure",
        (
            Field(
                "arena.backend",
                "backend",
                "choice",
                "bpf: the real arena; native: no kernel side; auto: bpf where it can",
                ("auto", "bpf", "native"),
            ),
            Field("arena.pages", "pages", "whole", "Size in pages of 4 KiB, 64 to 1,048,576"),
            Field("arena.reserve_pages", "reserve", "whole", "Pages populated ahead for the kernel side", unit="pages"),
            Field("structure.capacity", "capacity", "whole", "For structures whose init() takes one"),
            Field(
                "structure.prefix",
                "prefix",
                "text",
                "What its functions' names begin with, where that cannot be guessed",
                zero="guessed",
            ),
        ),
    ),
)


def value(profile: Profile, field: Field) -> Any:
    """The field's value in a profile."""
    found: Any = profile
    for part in field.path.split("."):
        found = getattr(found, part)
    return found


def text(profile: Profile, field: Field) -> str:
    """The value as it would be typed."""
    found = value(profile, field)
    if field.kind == "cpus":
        return ",".join(map(str, found))
    if isinstance(found, float):
        return f"{found:g}"
    return str(found)


def shown(profile: Profile, field: Field) -> str:
    """The value as it is read: separators, units, words for what is special about nothing."""
    found = value(profile, field)
    if field.kind == "bool":
        return "☑" if found else "☐"
    if field.zero and not found:
        return field.zero
    if isinstance(found, int):
        return f"{found:,}{f' {field.unit}' if field.unit else ''}"
    return f"{text(profile, field)}{f' {field.unit}' if field.unit else ''}"


def read(field: Field, typed: str) -> object:
    """What was typed, as a value; what cannot be one stays text, for the profile's own words on it."""
    typed = typed.strip()
    plain = typed.replace(",", "").replace("_", "").replace(" ", "")
    try:
        match field.kind:
            case "whole":
                return int(plain)
            case "number":
                return float(plain)
            case "whole_or_half":
                return typed if typed == "half" else int(plain)
            case "cpus":
                return [int(part) for part in typed.split(",") if part.strip()]
    except ValueError:
        return typed
    return typed


def changes(profile: Profile, field: Field, new: object) -> dict[str, object]:
    """What to override for a field to have a value."""
    table, name, *weight = field.path.split(".")
    if weight:
        mix = {one: getattr(profile.workload.mix, one) for one in _WEIGHTS}
        return {"workload.mix": mix | {weight[0]: new}}
    if field.path == "workload.type" and new == "custom":
        return {"workload.mix": {one: getattr(profile.workload.mix, one) for one in _WEIGHTS}}
    return {f"{table}.{name}": new}


def problem(profile: Profile, field: Field, new: object) -> str:
    """Why the field cannot have that value, in the profile's own words; empty when it can."""
    try:
        profiles.override(profile, changes(profile, field, new))
    except UsageError as error:
        said = [line.strip() for line in str(error).splitlines()]
        own = [line.removeprefix(f"{field.path}: ") for line in said if line.startswith(field.path)]
        return "; ".join(own or said)
    return ""


def following(field: Field, now: object, by: int) -> object:
    """The next value of a field that is switched."""
    if field.kind == "bool":
        return not now
    at = field.choices.index(str(now)) if now in field.choices else -1
    return field.choices[(at + by) % len(field.choices)]
