# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""TOML <-> Profile: everything that one run is told, its defaults, its limits, and where it came from.

A Profile that exists is valid: every way of making one from a person's words (file, flags) goes through
the same checks, and each problem names the field, the value and the line or flag it came from.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import tomli
from msgspec import Meta

from workbench import person, profile_problems, resources
from workbench.errors import UsageError
from workbench.profile_problems import Problem
from workbench.toml_lines import line_of

Count = Annotated[int, Meta(ge=0, le=2**62)]
Seconds = Annotated[float, Meta(ge=0, le=31_536_000)]
TRIGGER_NAMES = ("execve", "exit_group", "openat", "write")


class Structure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which structure: by name, or by the path of its header; `name` is empty where there is a path."""

    name: str = "list"
    path: str = ""
    capacity: Annotated[int, Meta(ge=1, le=2**32 - 1)] = 1024
    prefix: str = ""

    def __post_init__(self) -> None:
        if self.path:
            msgspec.structs.force_setattr(self, "name", "")

    @property
    def reference(self) -> str:
        """What to look the structure up by."""
        return self.path or self.name


class Arena(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shared memory; pages of 4 KiB. `reserve_pages` is at most half of `pages`, whatever was asked."""

    backend: Literal["auto", "bpf", "native"] = "auto"
    pages: Annotated[int, Meta(ge=64, le=1_048_576)] = 65_536
    reserve_pages: Annotated[int, Meta(ge=0, le=1_048_576)] = 2048

    def __post_init__(self) -> None:
        # A smaller arena asked for by flag must not have to name the reserve as well.
        msgspec.structs.force_setattr(self, "reserve_pages", min(self.reserve_pages, self.pages // 2))


class Mix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weights of the operations: an operation's share is its weight over their sum."""

    insert: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    search: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    delete: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    pop: Annotated[int, Meta(ge=0, le=1_000_000)] = 0

    @property
    def total(self) -> int:
        """The sum of the weights."""
        return self.insert + self.search + self.delete + self.pop


PRESETS: Mapping[str, Mix] = {
    "mixed": Mix(insert=50, search=30, delete=20),
    "insert": Mix(insert=100),
    "search": Mix(search=100),
    "delete": Mix(delete=100),
}


class Workload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which operations on which keys, how many, for how long.

    `mix` always holds the weights in force: those of the type, or with type "custom" the stated ones.
    """

    type: Literal["mixed", "insert", "search", "delete", "custom"] = "mixed"
    mix: Mix = Mix()
    keys: Annotated[int, Meta(ge=1, le=2**32)] = 10_000
    distribution: Literal["uniform", "zipf"] = "uniform"
    theta: Annotated[float, Meta(gt=0, le=10)] = 0.99
    prefill: Annotated[int, Meta(ge=0, le=2**32)] | Literal["half"] = 0
    operations: Count = 1000
    duration_s: Seconds = 10.0
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    warmup_s: Seconds = 0.0

    def __post_init__(self) -> None:
        if self.type != "custom":
            msgspec.structs.force_setattr(self, "mix", PRESETS[self.type])

    @property
    def prefill_count(self) -> int:
        """The elements to insert before the clock starts."""
        return self.keys // 2 if self.prefill == "half" else self.prefill


class Lanes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lines of execution; lane i runs on CPU pin[i % len(pin)].

    With `force` all do the whole workload, whatever the structure says of how many may.
    """

    user: Annotated[int, Meta(ge=0, le=256)] = 4
    kernel: Annotated[int, Meta(ge=0, le=64)] = 0
    pin: tuple[Annotated[int, Meta(ge=0, le=65_535)], ...] = ()
    watchdog_s: Annotated[float, Meta(gt=0, le=86_400)] = 10.0
    batch: Annotated[int, Meta(ge=1, le=1_000_000)] = 1024
    force: bool = False


class Triggers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """System calls that make kernel lanes run; `generate` with none enabled means all of them."""

    execve: bool = False
    exit_group: bool = False
    openat: bool = False
    write: bool = False
    scope: Literal["tree", "all"] = "tree"
    generate: bool = False

    def __post_init__(self) -> None:
        if self.generate and not self.enabled:
            for name in TRIGGER_NAMES:
                msgspec.structs.force_setattr(self, name, True)

    @property
    def enabled(self) -> tuple[str, ...]:
        """The names of the enabled triggers, in TRIGGER_NAMES' order."""
        return tuple(name for name in TRIGGER_NAMES if getattr(self, name))


class Checks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is checked on request, and whether the statistics are printed."""

    verify: bool = False
    statistics: bool = True


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a run is told. `Profile()` is the guide's command line without a flag."""

    structure: Structure = Structure()
    arena: Arena = Arena()
    workload: Workload = Workload()
    lanes: Lanes = Lanes()
    triggers: Triggers = Triggers()
    checks: Checks = Checks()


def user_profiles_dir() -> Path:
    """Where a person's own profiles are looked for by name; under sudo, the invoking user's."""
    return person.present().config / "profiles"


def available() -> dict[str, Path]:
    """Every profile that has a name; one that ships wins over a person's own of the same name."""
    found: dict[str, Path] = {}
    for folder in (resources.profiles_dir(), user_profiles_dir()):
        if folder.is_dir():
            for path in sorted(folder.glob("*.toml")):
                found.setdefault(path.stem, path)
    return found


def find(name_or_path: str) -> Path:
    """The file of a profile: a path when it has a slash or ends in .toml, else a name. Raises UsageError."""
    if "/" in name_or_path or name_or_path.endswith(".toml"):
        return Path(name_or_path).expanduser()
    known = available()
    if name_or_path in known:
        return known[name_or_path]
    raise UsageError(
        f"no profile named {name_or_path!r}{profile_problems.did_you_mean(name_or_path, known)}; there are: "
        f"{', '.join(known) or 'none'} (in {resources.profiles_dir()} and {user_profiles_dir()}). "
        "A path of your own needs a slash or ends in .toml"
    )


def load(path: Path) -> Profile:
    """Read and check the profile in `path`. Raises UsageError."""
    shown = _shown(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UsageError(f"{shown}:{line}: not UTF-8: {error.reason}") from error
    except OSError as error:
        raise UsageError(f"cannot read the profile {shown}: {error.strerror}") from error
    return parse(text, origin=shown, folder=path.parent)


def parse(text: str, *, origin: str, folder: Path) -> Profile:
    """Check the TOML in `text`; `origin` names it in messages, `folder` is what its paths start from.

    Raises UsageError: malformed TOML as `origin:line:column: ...`, else all problems, one a line.
    """
    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise UsageError(f"{origin}:{error.lineno}:{error.colno}: not valid TOML: {error.msg}") from error
    except (RecursionError, ValueError) as error:  # nesting without end, a date that is none
        raise UsageError(f"{origin}: not valid TOML: {error or 'nested too deeply'}") from error

    def place(problem: Problem) -> str:
        line = line_of(text, problem.fields)
        return f"{problem.path}: {problem.reason} ({origin}{f':{line}' if line else ''})"

    contradictions = list(_contradictions(data))
    workload = data.get("workload")
    if isinstance(workload, dict) and "mix" in workload:
        workload.setdefault("type", "custom")
    profile = _convert(data, place, contradictions)
    if profile.structure.path:
        header = os.path.normpath(folder / Path(profile.structure.path).expanduser())
        profile = msgspec.structs.replace(
            profile, structure=msgspec.structs.replace(profile.structure, path=str(Path(header).absolute()))
        )
    return profile


def override(profile: Profile, changes: Mapping[str, object], flags: Mapping[str, str] | None = None) -> Profile:
    """`profile` with the values of `changes`, keyed by dotted path ("workload.keys").

    `flags` names the flag behind a path for messages. A new name drops the path, a mix makes the type "custom".
    Raises UsageError.
    """
    data = to_dict(profile)
    for path, value in changes.items():
        table, field = path.split(".")
        data[table][field] = value
        if path == "structure.name":
            data["structure"]["path"] = ""
        if path == "workload.mix":
            data["workload"]["type"] = "custom"

    def place(problem: Problem) -> str:
        flag = (flags or {}).get(".".join(problem.fields[:2]))
        return f"{flag}: {problem.reason}" if flag else f"{problem.path}: {problem.reason}"

    return _convert(data, place)


def to_dict(profile: Profile) -> dict[str, Any]:
    """The profile as plain dicts, lists and values, as it would stand in TOML or JSON."""
    plain = msgspec.to_builtins(profile)
    plain["lanes"]["pin"] = list(plain["lanes"]["pin"])
    return dict(plain)


def _convert(data: dict[str, Any], place: Callable[[Problem], str], problems: Sequence[Problem] = ()) -> Profile:
    profile, wrong = profile_problems.convert(data, Profile)
    problems = [*wrong, *problems]
    if profile is not None and not problems:
        problems += _cross_check(profile)
    if profile is None or problems:
        raise UsageError("\n  ".join(dict.fromkeys(place(problem) for problem in problems)))
    return profile


def _cross_check(profile: Profile) -> Iterator[Problem]:
    work, lanes = profile.workload, profile.lanes
    if work.mix.total == 0:
        yield Problem(("workload", "mix"), "no operation has a weight above 0; write { insert = 50, search = 50 }, say")
    if work.distribution == "zipf" and work.theta == 1:
        yield Problem(("workload", "theta"), "must not be exactly 1 (the sampler divides by 1 - theta); take 0.99")
    if work.prefill_count > work.keys:
        yield Problem(("workload", "prefill"), f"{work.prefill} elements do not fit in {work.keys} different keys")
    if not profile.structure.reference:
        yield Problem(("structure", "name"), "is empty; `arena-workbench list` shows the names")
    if lanes.user == 0 and lanes.kernel == 0 and not profile.triggers.enabled:
        yield Problem(("lanes", "user"), "0, and neither a kernel lane nor a trigger: nothing would run")


def _contradictions(data: dict[str, Any]) -> Iterator[Problem]:
    """What only the words of a file show: two statements of which one would have to be ignored."""

    def table(name: str) -> dict[str, Any]:
        found = data.get(name)
        return found if isinstance(found, dict) else {}

    structure, arena, work = table("structure"), table("arena"), table("workload")
    if structure.get("path") and "name" in structure:
        yield Problem(("structure", "path"), "stands beside structure.name; keep one of them")
    if "mix" in work and work.get("type", "custom") in PRESETS:
        yield Problem(("workload", "mix"), f'has no effect with type = "{work["type"]}"; take type = "custom"')
    pages, reserve = arena.get("pages"), arena.get("reserve_pages")
    if isinstance(pages, int) and isinstance(reserve, int) and reserve > pages // 2:
        yield Problem(("arena", "reserve_pages"), f"{reserve} is more than half of arena.pages ({pages})")


def _shown(path: Path) -> str:
    """The path as a person would type it from here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
