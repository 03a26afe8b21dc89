# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The report for a person: the guide's TEST STATISTICS block, then what the workbench knows beyond it.

Within 80 columns unless a count itself is too wide; the guide's blocks keep their words, order and layout,
so what read the old framework's output still can.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence

from workbench.reports.model import ArenaReport, LaneReport, Leak, Report, Totals

WIDTH = 80
_RULE = "=" * 60
_TABLE_RULE = "-" * 68
_CHECK_WORDS = {
    "verify_user": "verify (user)",
    "verify_kernel": "verify (kernel)",
    "elements": "elements",
    "key_sum": "sum of keys",
    "leaks": "leaks",
    "frees": "frees",
}


def render(report: Report, *, statistics: bool = True) -> str:
    """The whole text, ending in a newline; without `statistics` only state, checks and findings."""
    lines: list[str] = []
    if statistics:
        lines += _statistics(report)
        lines += _latencies(report.lanes)
        lines += _failures(report.lanes)
    lines += _checks(report)
    lines += _leaks(report.leaks)
    lines += _faults(report)
    lines += _notes(report.notes)
    lines += _run(report)
    return "\n".join(lines) + "\n"


def _statistics(report: Report) -> Iterator[str]:
    """The guide's block, nothing between its lines but the triggers' own counts."""
    yield _RULE
    yield f"{'TEST STATISTICS':>35}".ljust(60)
    yield _RULE
    yield ""
    yield "Per-Thread Results:"
    yield from _lane_table(report)
    yield ""
    yield "Kernel-Side Operations:"
    yield f"  Total operations: {report.kernel.operations}"
    yield f"  Total failures:   {report.kernel.failures}"
    for name, trigger in report.kernel.by_trigger.items():
        counts = f"{trigger.operations} operations, {trigger.failures} failures"
        yield f"    {name + ':':<16}{counts}{f', {trigger.missed} missed' if trigger.missed else ''}"
    arena = report.arena
    yield ""
    yield "Arena Memory Statistics:"
    yield f"  Allocations:      {arena.allocations}"
    yield f"  Frees:            {arena.frees}"
    yield f"  Current allocs:   {arena.current}"
    yield f"  Failed allocs:    {arena.failed}"
    yield ""
    yield "Data Structure State:"
    why = report.checks.get("elements")
    unknown = f"unknown ({why.reason})" if why and why.reason else "unknown"
    elements = unknown if report.elements is None else report.elements
    yield f"  Elements in {report.structure}: {elements}"
    yield ""
    yield f"Test Duration: {report.duration_s:.2f} seconds"
    yield _RULE


def _lane_table(report: Report) -> Iterator[str]:
    """One row a lane. The column for pops, which the guide does not have, appears only when something was popped."""
    columns: list[tuple[str, int, Callable[[LaneReport | Totals], float]]] = [
        ("Operations", 10, lambda one: one.operations),
        ("Inserts", 10, lambda one: one.inserts),
        ("Deletes", 10, lambda one: one.deletes),
        ("Searches", 10, lambda one: one.searches),
        ("Failures", 9, lambda one: one.failures),
        ("Ops/sec", 12, lambda one: one.ops_per_sec),
    ]
    if any(lane.pops for lane in report.lanes):
        columns.insert(3, ("Pops", 10, lambda one: one.pops))
    rows: list[tuple[str, LaneReport | Totals]] = [(_row_name(lane), lane) for lane in report.lanes]
    rows.append(("TOTAL", report.totals))
    cells = [["Thread", *(title for title, _, _ in columns)]]
    cells += [[name, *(f"{value(one):.0f}" for _, _, value in columns)] for name, one in rows]
    for row in cells[1:]:
        row[-1] += " "  # the guide's rates end one column before their heading
    header, *body = _aligned(cells, [8, *(width for _, width, _ in columns)])
    yield header
    yield _TABLE_RULE
    yield from body[:-1]
    yield _TABLE_RULE
    yield body[-1]


def _row_name(lane: LaneReport) -> str:
    """User lanes by number as in the guide, kernel lanes marked, trigger lanes by the system call."""
    kind, _, number = lane.name.partition(" ")
    if lane.context == "user":
        return number if kind == "user" and number else lane.name
    return f"k{number} (kernel)" if kind == "kernel" and number else lane.name


def _latencies(lanes: Sequence[LaneReport]) -> Iterator[str]:
    timed = [(lane, lane.latency_ns) for lane in lanes if lane.latency_ns is not None and lane.latency_ns.samples]
    if not timed:
        return
    cells = [["Latency", "samples", "p50", "p99", "p99.9", "max"]]
    for lane, latency in timed:
        times = (latency.p50, latency.p99, latency.p999, latency.max)
        cells.append([_row_name(lane), str(latency.samples), *(duration(time) for time in times)])
    yield ""
    yield from _aligned(cells, [8, 10, 10, 10, 10, 10])


def _failures(lanes: Sequence[LaneReport]) -> Iterator[str]:
    codes = sorted({code for lane in lanes for code in lane.failures_by_code})
    if not codes:
        return
    cells = [["Failures by code", "user", "kernel"]]
    for code in codes:
        sums = [
            sum(lane.failures_by_code.get(code, 0) for lane in lanes if lane.context == context)
            for context in ("user", "kernel")
        ]
        cells.append([code, *map(str, sums)])
    yield ""
    yield from _aligned(cells, [16, 10, 10])


def _checks(report: Report) -> Iterator[str]:
    if not report.checks:
        return
    yield ""
    yield "Checks:"
    for name, check in report.checks.items():
        yield from _item(f"{_CHECK_WORDS.get(name, name):<16} {check.result:<8}", check.reason)


def _leaks(leaks: Sequence[Leak]) -> Iterator[str]:
    if not leaks:
        return
    yield ""
    yield "Leaks:"
    for leak in leaks:
        yield f"  {leak.objects} objects, {leak.bytes} bytes, size class {leak.size_class_bytes}"
        yield from _item("  for example", f"at {leak.example_address}: {leak.example_hex}")


def _faults(report: Report) -> Iterator[str]:
    if not report.faults:
        return
    yield ""
    yield "Faults:"
    for fault in report.faults:
        where = [("at", fault.address), ("lane", fault.lane), ("in", fault.operation), ("key", fault.key)]
        yield from _item(fault.kind, ", ".join(f"{word} {value}" for word, value in where if value is not None))


def _notes(notes: Sequence[str]) -> Iterator[str]:
    if notes:
        yield ""
        yield "Notes:"
        for note in notes:
            yield from _item("-", note)


def _run(report: Report) -> Iterator[str]:
    arena = report.arena
    yield ""
    if arena.pages:
        yield from _arena(arena)
    kernel = f" on Linux {report.kernel_release}" if report.kernel_release else ""
    yield from _wrapped(
        f"Backend: {report.backend}{kernel}" + (f" ({report.backend_reason})" if report.backend_reason else "")
    )
    yield from _wrapped(f"Structure: {report.structure} ({report.flavour})  Seed: {report.seed}")


def _arena(arena: ArenaReport) -> Iterator[str]:
    yield from _wrapped(
        f"Arena: {arena.pages_used} of {arena.pages} pages used ({arena.pages_populated} populated), "
        f"{arena.retired} retired objects waiting"
        + (f", {arena.double_frees} double frees" if arena.double_frees else "")
        + (f", {arena.bad_frees} bad frees" if arena.bad_frees else "")
        + (f"; reclamation held up by {', '.join(arena.stalled)}" if arena.stalled else ""),
    )


def duration(nanoseconds: float) -> str:
    """A time with three significant digits and its unit: "850 ns", "1.25 us", "12.5 ms", "3.00 s"."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= size:
            value = nanoseconds / size
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    return f"{nanoseconds:.0f} ns"


def _aligned(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    """Rows as lines: the first column to the left, the others to the right, a space between them.

    Columns are as wide as `widths` or their longest cell; where that passes WIDTH, all shrink to what they hold.
    """
    needed = [max(map(len, column)) for column in zip(*rows, strict=True)]
    chosen = [max(pair) for pair in zip(needed, widths, strict=True)]
    if sum(chosen) + len(chosen) - 1 > WIDTH:
        chosen = needed
    return [
        " ".join(
            [row[0].ljust(chosen[0]), *(cell.rjust(w) for cell, w in zip(row[1:], chosen[1:], strict=True))]
        ).rstrip()
        for row in rows
    ]


def _item(head: str, text: str) -> list[str]:
    """`head text` at an indent of two, wrapped under the text."""
    lead = f"  {head.rstrip() if not text else head} "
    return _wrapped(text, lead) if text else [lead.rstrip()]


def _wrapped(text: str, lead: str = "") -> list[str]:
    under = " " * (min(len(lead), 40) or 2)
    return textwrap.wrap(text, WIDTH, initial_indent=lead, subsequent_indent=under) or [lead.rstrip()]
