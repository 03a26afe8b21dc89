# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs, triggers and maps as rows of text, and one program in full. Nothing is drawn here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.content import Content

from workbench.kernel_info import KernelInfo, MapInfo, ProgramInfo, TriggerInfo, Verification
from workbench.snapshots import Snapshot
from workbench.tui.widgets import figures

PAGE = 4096
MUTED = "$foreground-muted"  # $text-muted is for rules of CSS: in content it is not muted at all
_Part = Content | str | tuple[str, str]


@dataclass(frozen=True)
class Column:
    """A column of the programs' table; where room is short, columns with a high `rank` go first."""

    title: str
    text: Callable[[ProgramInfo], str]
    rank: int = 0
    left: bool = False


def attached(program: ProgramInfo) -> str:
    """Whom a program serves, in a few words."""
    if program.type == "syscall":
        return "called"
    first, *others = program.attached or ("nothing",)
    return f"{first} +{len(others)}" if others else first


def _count(number: int | None) -> str:
    return "—" if number is None else figures.count(number)


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.1%}"


PROGRAM_COLUMNS = (
    Column("Program", lambda one: one.name, left=True),
    Column("Type", lambda one: one.type or "?", rank=6, left=True),
    Column("Attached to", attached, rank=2, left=True),
    Column("Runs", lambda one: _count(one.runs)),
    Column("Runs/s", lambda one: "—" if one.runs_per_s is None else figures.rate(one.runs_per_s), rank=3),
    Column("Mean", lambda one: figures.nanoseconds(one.mean_ns)),
    Column("CPU", lambda one: _percent(one.cpu_share), rank=4),
    Column("Insns", lambda one: _count(one.verification.instructions)),
    Column("States", lambda one: _count(one.verification.states), rank=1),
    Column("JIT", lambda one: figures.size(one.jited_bytes)),
    Column("BPF", lambda one: figures.size(one.translated_bytes), rank=5),
)


def program_rows(programs: Sequence[ProgramInfo], room: int) -> tuple[str, list[tuple[str, str]]]:
    """The header, and for each program its name and row, with as many columns as `room` cells take."""
    columns = list(PROGRAM_COLUMNS)
    while True:
        widths = [max(len(column.title), *(len(column.text(one)) for one in programs), 4) for column in columns]
        if sum(widths) + 2 * (len(widths) - 1) <= room or not any(column.rank for column in columns):
            break
        columns.remove(max(columns, key=lambda column: column.rank))

    def line(texts: Sequence[str]) -> str:
        cells = zip(columns, texts, widths, strict=True)
        return "  ".join(text.ljust(width) if column.left else text.rjust(width) for column, text, width in cells)

    header = line([column.title for column in columns])
    return header, [(one.name, line([column.text(one) for column in columns])) for one in programs]


def program_detail(program: ProgramInfo, info: KernelInfo) -> Content:
    """A program in full."""
    facts: list[tuple[str, list[_Part]]] = [
        ("what for", [program.task or "not known here"]),
        ("serves", _serves(program, info)),
        ("runs", _runs(program, info)),
        ("verified", _verified(program.verification)),
        ("code", _code(program)),
        ("stack", _stack(program.verification)),
        ("kind", [f"{program.type or 'unknown'} · id {program.id} · tag {program.tag}"]),
        ("loaded", [f"{figures.clock(program.age_s)} ago"]),
    ]
    if program.missed:
        facts.insert(3, ("missed", [(figures.count(program.missed), "bold $text-warning"), " runs, by recursion"]))
    lines = [Content.assemble((f"{label:<10}", MUTED), *parts) for label, parts in facts if parts]
    return Content("\n").join(lines)


def _serves(program: ProgramInfo, info: KernelInfo) -> list[_Part]:
    if program.type == "syscall":
        return ["the engine, which calls it (BPF_PROG_TEST_RUN)"]
    links = [one for one in info.triggers if one.name in program.attached]
    if not links:
        return ["no tracepoint at present"]
    return [", ".join(f"{one.event} (cookie {one.cookie}, link {one.link})" for one in links)]


def _verified(found: Verification) -> list[_Part]:
    parts: list[_Part] = [(_count(found.instructions), "bold"), " insns"]
    if found.microseconds is not None:
        parts.append(f" in {found.microseconds / 1000:.1f} ms")
    if found.states is not None:
        parts += [" · ", (_count(found.states), "bold"), " states"]
    if found.peak_states is not None:
        parts.append(f", peak {_count(found.peak_states)}")
    return parts


def _stack(found: Verification) -> list[_Part]:
    if not found.stack_bytes:
        return []
    functions = len(found.stack_bytes)
    if functions == 1:
        return [f"{found.stack_bytes[0]} bytes"]
    return [f"{found.stack_bytes[0]} bytes in main, at most {max(found.stack_bytes)} in its {functions} functions"]


def _code(program: ProgramInfo) -> list[_Part]:
    functions = f" in {program.functions} functions" if program.functions > 1 else ""
    return [f"{figures.size(program.translated_bytes)} of BPF, {figures.size(program.jited_bytes)} compiled{functions}"]


def _runs(program: ProgramInfo, info: KernelInfo) -> list[_Part]:
    if info.not_counting:
        return [(f"not counted: {info.not_counting}", "$text-warning")]
    if not program.runs:
        return ["none counted"]
    parts: list[_Part] = [(figures.count(program.runs), "bold"), f", {_seconds(program.mean_ns)} each on average"]
    if program.runs_per_s and program.runs_per_s >= 0.5:
        recent = f" of {_seconds(program.recent_ns)}" if program.recent_ns is not None else ""
        parts.append(f"; now {figures.rate(program.runs_per_s)}/s{recent}, {_percent(program.cpu_share)} of a CPU")
    return parts


def _seconds(time: float | None) -> str:
    """As in a sentence: 1.9 µs."""
    text = figures.nanoseconds(time)
    return f"{text[:-1]} {text[-1]}s" if text[-1:] in "nµm" else text


def trigger_rows(triggers: Sequence[TriggerInfo], snapshot: Snapshot | None) -> list[tuple[str, Content]]:
    """For each trigger its name and its row."""
    lanes = {row.trigger: row for row in snapshot.lanes} if snapshot else {}
    rows = []
    for one in triggers:
        parts: list[_Part] = [("☑" if one.on else "☐", "bold"), (f" {one.name:<11}", "bold" if one.attached else "")]
        if one.attached:
            parts.append(("attached", "bold $text-success"))
        elif one.failed:
            parts.append(("✗ not attached", "bold $text-error"))
        else:
            parts.append((one.why, MUTED))
        if lane := lanes.get(one.name):
            missed = f", {figures.count(lane.missed)} missed" if lane.missed else ""
            parts.append((f"  {figures.count(lane.operations)} operations{missed}", MUTED))
        rows.append((one.name, Content.assemble(*parts)))
    return rows


def trigger_problems(triggers: Sequence[TriggerInfo]) -> str:
    """Why triggers that are wanted could not be attached, each reason once."""
    return "\n".join(dict.fromkeys(one.why for one in triggers if one.failed))


def map_table(maps: Sequence[MapInfo], snapshot: Snapshot | None) -> Content:
    """A header, and a line a map: its name, type, size and cost."""
    titles = ("Map", "Type", "Entries", "", "Memory")
    rows = [(one.name, one.type, figures.count(one.entries), _each(one), _cost(one, snapshot)) for one in maps]
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]

    def line(cells: tuple[str, ...]) -> str:
        name, type_, entries, each, cost = (
            cell.ljust(width) if at in (0, 1, 3) else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"{name}  {type_}  {entries} {each}  {cost}"

    return Content("\n").join([Content.styled(line(titles), f"bold {MUTED}"), *(Content(line(row)) for row in rows)])


def _each(one: MapInfo) -> str:
    return f"× {figures.size(PAGE if one.type == 'arena' else one.value_bytes)}"


def _cost(one: MapInfo, snapshot: Snapshot | None) -> str:
    """What the kernel says; of an arena it says nothing, and the populated pages are counted."""
    if one.type == "arena" and snapshot and snapshot.arena:
        return figures.size(snapshot.arena.populated * PAGE)
    return figures.size(one.bytes) if one.bytes else "—"
