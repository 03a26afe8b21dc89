# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The line at the top: what runs, where, with which seed, how far. States differ in word and sign, not in hue alone."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from workbench.tui.run_state import Phase, RunState
from workbench.tui.widgets import figures

_SIGNS = {
    Phase.IDLE: ("○", "-muted"),
    Phase.BUILDING: ("◌", ""),
    Phase.RUNNING: ("●", "bold $text-success"),
    Phase.FINISHED: ("■", "bold"),
    Phase.CRASHED: ("✗", "bold reverse $text-error"),
    Phase.FAILED: ("✗", "bold $text-error"),
}
_BAR = 10


class TitleLine(Widget):
    """One line; the state is at its right end and never cut off."""

    DEFAULT_CSS = """
    TitleLine { height: 1; background: $panel; color: $foreground; text-wrap: nowrap; }
    """

    def __init__(self, release: str) -> None:
        super().__init__(id="title")
        self._run = RunState()
        self._structure = ""
        self._paused = False
        self._release = release

    def show(self, run: RunState, *, structure: str, paused: bool) -> None:
        """Show this state; `structure` is the one in the form while nothing has run."""
        self._run, self._structure, self._paused = run, structure, paused
        self.refresh()

    def render(self) -> Content:
        """Left what, right how far; what does not fit goes from the left part's end."""
        right = self._progress()
        left = Content.assemble((" arena-workbench ", "bold"), "  ", self._subject())
        room = self.size.width - right.cell_length - 1
        return Content.assemble(left.truncate(max(0, room), pad=True, ellipsis=True), " ", right)

    def _subject(self) -> Content:
        run = self._run
        parts = [run.profile.structure.reference.rsplit("/", 1)[-1] if run.profile else self._structure]
        if run.backend:
            parts.append(run.backend)
        parts.append(f"kernel {self._release.split('-')[0]}")
        if run.seed:
            parts.append(f"seed {run.seed}")
        return Content(" · ".join(part for part in parts if part))

    def _progress(self) -> Content:
        run = self._run
        sign, style = _SIGNS[run.phase]
        word = "STOPPING" if run.stopping and run.active else run.phase.value
        parts: list[Content | str | tuple[str, str]] = []
        if self._paused:
            parts += [(" ❚❚ PAUSED ", "bold reverse $text-warning"), " "]
        parts.append((f"{sign} {word}", style))
        if run.snapshot is not None and run.phase in (Phase.RUNNING, Phase.FINISHED, Phase.CRASHED):
            parts.append((f" {figures.clock(run.snapshot.elapsed_s)}", "bold"))
            parts += self._bar(run.snapshot.share)
        parts.append(" ")
        return Content.assemble(*parts)

    def _bar(self, share: float | None) -> list[Content | str | tuple[str, str]]:
        if share is None or self._run.phase is not Phase.RUNNING:
            return []
        if self.size.width < 100:
            return [f" {share:4.0%}"]
        return [" ▕", (figures.bar(share, _BAR), "$text-success"), f"▏{share:4.0%}"]
