# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Curves, drawn by plotext at most twice a second of the run's clock: throughput, or how latencies are distributed."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual.color import Color
from textual.content import Content
from textual_plotext import PlotextPlot

from workbench.tui import curves
from workbench.tui.curves import Chart
from workbench.tui.run_state import RunState

# Curves differ in marker and not in hue alone.
_LOOKS = {
    "total": ("hd", "text-success", "green+"),
    "user": ("braille", "text-primary", "cyan+"),
    "kernel": ("dot", "text-warning", "orange+"),
    "insert": ("hd", "text-success", "green+"),
    "delete": ("dot", "text-error", "red+"),
    "search": ("braille", "text-primary", "cyan+"),
    "pop": ("fhd", "text-warning", "orange+"),
}
_SIGNS = {"hd": "▞", "braille": "⠒", "dot": "•", "fhd": "▪"}
INTERVAL_S = 0.5
VIEWS = ("throughput", "operations", "latency")


class Plots(PlotextPlot):
    """One place for one chart at a time."""

    DEFAULT_CSS = """
    Plots { border: round $foreground 30%; background: $surface; border-subtitle-color: $foreground; }
    """

    def __init__(self) -> None:
        super().__init__(id="plots")
        self.view = "throughput"
        self.window_s = curves.WINDOWS_S[1]
        self.drawn = 0
        self._run = RunState()
        self._shown_at = -1.0
        self._chart = curves.latency((), ())
        self._picture: tuple[tuple[int, int], Text] | None = None

    def show(self, run: RunState) -> None:
        """Show a state, unless it is too soon after the last one."""
        before, self._run = self._run, run
        at = run.snapshot.elapsed_s if run.snapshot else 0.0
        if run.phase is before.phase and 0 <= at - self._shown_at < INTERVAL_S:
            return
        self._shown_at = at
        self._redraw()

    def look_at(self, *, view: str = "", window_s: int = 0) -> None:
        """Another chart, or another span of time."""
        self.view = view or self.view
        self.window_s = window_s or self.window_s
        self._redraw()

    def _redraw(self) -> None:
        self._chart = self._made(self.size.width or 80)
        self._entitle(self._chart)
        self._picture = None
        self.refresh()

    def notify_style_update(self) -> None:
        """Another theme, other colours."""
        self._picture = None
        super().notify_style_update()

    def render(self) -> Text:
        """The picture; made anew only when there is something new in it."""
        size = (self.size.width, self.size.height)
        if self._picture is None or self._picture[0] != size:
            self._picture = (size, self._draw(self._chart, size))
        return self._picture[1]

    def _made(self, width: int) -> Chart:
        snapshot = self._run.snapshot
        if self.view == "latency":
            return (
                curves.latency(snapshot.latency_user, snapshot.latency_kernel) if snapshot else curves.latency((), ())
            )
        by_operation = self.view == "operations"
        return curves.throughput(self._run.history, self.window_s, by_operation=by_operation, columns=width)

    def _draw(self, chart: Chart, size: tuple[int, int]) -> Text:
        self.drawn += 1
        figure: Any = self.plt
        figure.clear_data()
        figure.plotsize(*size)
        figure._set_size(*size)  # see PlotextPlot.render: resizing needs both
        figure.theme("clear")
        for name, (xs, ys) in reversed([*chart.curves.items()]):  # the total last, on top
            marker, _, _ = _LOOKS[name]
            figure.plot(xs, ys, marker=marker, color=self._colour(name))
        figure.xlim(chart.x.low, chart.x.high)
        figure.ylim(chart.y.low, chart.y.high)
        figure.xticks(list(chart.x.at), list(chart.x.labels))
        sparse = slice(None, None, 1 if len(chart.y.at) < size[1] - 2 else 2)
        figure.yticks(list(chart.y.at)[sparse], list(chart.y.labels)[sparse])
        return Text.from_ansi(figure.build())

    def _entitle(self, chart: Chart) -> None:
        window = "" if self.view == "latency" else f" · {self.window_s} s" if self.window_s < 100 else " · 5 min"
        self.border_title = f"{chart.title}{window}"
        parts = [
            Content.styled(f"{_SIGNS[_LOOKS[name][0]]} {name} {value}", f"bold ${_LOOKS[name][1]}")
            for name, value in chart.now.items()
        ]
        self.border_subtitle = Content("  ").join(parts).markup

    def _colour(self, name: str) -> Any:
        _, variable, ansi = _LOOKS[name]
        if self.app.current_theme.ansi:
            return ansi
        return Color.parse(self.app.theme_variables[variable]).rgb
