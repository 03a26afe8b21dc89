# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The arena's counters beside the lanes: pages, objects, what waits to be reclaimed, elements, triggers."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from workbench.snapshots import ArenaCounters, Snapshot
from workbench.tui.run_state import Phase, RunState
from workbench.tui.widgets import figures

_Part = Content | str | tuple[str, str]


class ArenaPanel(Widget, can_focus=False):
    """A few lines; what is wrong is red and says so in words."""

    DEFAULT_CSS = """
    ArenaPanel {
        border: round $foreground 30%; background: $surface; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self) -> None:
        super().__init__(id="arena")
        self.border_title = "Arena"
        self._run = RunState()

    def show(self, run: RunState) -> None:
        """Show a state's counters."""
        self._run = run
        self.refresh()

    def render(self) -> Content:
        """A line a matter, the most important first: what does not fit is at the end."""
        snapshot = self._run.snapshot
        if snapshot is None:
            return Content.styled("no arena yet", "$text-muted")
        lines = [*self._time(snapshot)]
        if snapshot.arena is not None:
            lines += _memory(snapshot.arena)
        lines.append(_line("elements", (figures.count(snapshot.elements), "bold")))
        lines += self._verified()
        if snapshot.triggers and self._run.backend == "bpf":
            lines += [
                Content.assemble((f"{'☑' if on else '☐'} ", "bold"), (name, "" if on else "$text-muted"))
                for name, on in snapshot.triggers.items()
            ]
        return Content("\n").join(lines)

    def _time(self, snapshot: Snapshot) -> list[Content]:
        if self._run.phase is not Phase.RUNNING:
            return []
        if snapshot.total_s is None:
            return [_line("remaining", ("no limit of time", "$text-muted"))]
        return [_line("remaining", (figures.clock(max(0.0, snapshot.total_s - snapshot.elapsed_s)), "bold"))]

    def _verified(self) -> list[Content]:
        verified = self._run.verified
        if verified is None:
            return []
        sides = [said for said in (verified.user, verified.kernel) if said is not None]
        fine = all(said in ("ok", "SUCCESS") for said in sides)
        words = "ok" if fine else "; ".join(said for said in sides if said != "SUCCESS")
        return [_line("verify", (words, "bold $text-success" if fine else "bold $text-error"))]


def _memory(arena: ArenaCounters) -> list[Content]:
    lines = [
        _line("pages", (figures.count(arena.used), "bold"), f" used of {figures.count(arena.pages)}"),
        _line("populated", (figures.count(arena.populated), "bold")),
        _line("objects", (figures.count(arena.live), "bold"), f" live  {figures.count(arena.retired)} retired"),
        _line("allocs", (figures.count(arena.allocations), "bold"), f"  frees {figures.count(arena.frees)}"),
    ]
    for label, number in (("failed", arena.failed), ("2× freed", arena.double_frees), ("bad frees", arena.bad_frees)):
        if number:
            lines.append(_line(label, (f"{figures.count(number)} ✗", "bold $text-error")))
    if arena.stalled:
        lines.append(_line("held by", (", ".join(arena.stalled), "bold $text-warning")))
    return lines


def _line(label: str, *parts: _Part) -> Content:
    return Content.assemble((f"{label:<10}", "$text-muted"), *parts)
