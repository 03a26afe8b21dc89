# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What curves are made of: points of a window, units, ticks. Numbers only; widgets/plots.py draws them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench import telemetry
from workbench.tui.run_state import Point
from workbench.tui.widgets import figures

WINDOWS_S = (10, 30, 60, 300)
"""What the time axis can span."""

OPERATIONS = ("insert", "delete", "search", "pop")
_BUCKETS_A_BIN = 4  # quarter octaves: 16 buckets an octave are finer than a terminal's cells


@dataclass(frozen=True)
class Axis:
    """Limits, and where which label stands."""

    low: float
    high: float
    at: tuple[float, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Chart:
    """Curves with their axes; `now` has each one's value at the right end, as text."""

    title: str
    x: Axis
    y: Axis
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    now: Mapping[str, str]


def throughput(history: Sequence[Point], window_s: float, *, by_operation: bool, columns: int) -> Chart:
    """Rates over the last `window_s` seconds, with at most two points a column."""
    end = history[-1].at_s if history else 0.0
    low, high = max(0.0, end - window_s), max(end, WINDOWS_S[0])
    points = _thinned([point for point in history if point.at_s >= low], max(2, 2 * columns))
    curves = {}
    xs = [point.at_s for point in points]
    for name in OPERATIONS if by_operation else ("total", "user", "kernel"):
        ys = [_rate(point, name) for point in points]
        if any(ys) or name == "total":
            curves[name] = (xs, ys)
    top = max((y for _, ys in curves.values() for y in ys), default=0.0)
    size, unit = next(
        ((s, u) for s, u in ((1e9, "billion "), (1e6, "million "), (1e3, "thousand ")) if top >= s), (1, "")
    )
    now = {name: figures.rate(ys[-1]) for name, (_, ys) in curves.items() if ys}
    return Chart(
        title=f"Throughput, {unit}ops/s",
        x=Axis(low, high, *_seconds(low, high)),
        y=_upwards(top / size),
        curves={name: (xs, [y / size for y in ys]) for name, (xs, ys) in curves.items()},
        now=now,
    )


def latency(user: Sequence[int], kernel: Sequence[int]) -> Chart:
    """How the sampled latencies are distributed: share of the samples by quarter octave of time, on a log axis."""
    curves: dict[str, tuple[list[float], list[float]]] = {}
    now = {}
    for name, buckets in (("user", user), ("kernel", kernel)):
        if count := sum(buckets):
            curves[name] = _distribution(buckets, count)
            now[name] = f"{figures.rate(count)} samples"
    times = [x for xs, _ in curves.values() for x in xs]
    low, high = (min(times), max(times)) if times else (2.0, 6.0)
    low, high = math.floor(low * 2) / 2, math.ceil(high * 2) / 2
    decades = [float(power) for power in range(math.ceil(low), math.floor(high) + 1)]
    top = max((y for _, ys in curves.values() for y in ys), default=0.0)
    return Chart(
        title="Latency, % of samples",
        x=Axis(low, max(high, low + 1), tuple(decades), tuple(_time(10**power) for power in decades)),
        y=_upwards(top),
        curves=curves,
        now=now,
    )


def _rate(point: Point, name: str) -> float:
    if name in OPERATIONS:
        return point.rates.by_operation.get(name, 0.0)
    return float(getattr(point.rates, name))


def _thinned(points: Sequence[Point], most: int) -> Sequence[Point]:
    """Every n-th point, by place in the whole run so that the curve does not shiver, and always the last."""
    step = -(-len(points) // most)
    if step <= 1:
        return points
    return list(points[::-1][::step][::-1])


def _distribution(buckets: Sequence[int], count: int) -> tuple[list[float], list[float]]:
    bins: dict[int, int] = {}
    for index, here in enumerate(buckets):
        if here:
            bins[index // _BUCKETS_A_BIN] = bins.get(index // _BUCKETS_A_BIN, 0) + here
    places = range(min(bins) - 1 if min(bins) else 0, max(bins) + 2)
    xs = [
        math.log10(max(1, telemetry.bucket_upper_ns(place * _BUCKETS_A_BIN + _BUCKETS_A_BIN - 1))) for place in places
    ]
    return xs, [100 * bins.get(place, 0) / count for place in places]


def _upwards(top: float) -> Axis:
    """From 0 to a round number above `top`, with three to six ticks at round numbers."""
    if top <= 0:
        return Axis(0.0, 1.0, (0.0, 1.0), ("0", "1"))
    rough = top / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    ticks = math.ceil(top / step - 1e-9)
    at = tuple(step * number for number in range(ticks + 1))
    return Axis(0.0, at[-1], at, tuple(f"{tick:.10g}" for tick in at))


def _seconds(low: float, high: float) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Ticks at round seconds of the run's clock."""
    span = high - low
    step = next((s for s in (1, 2, 5, 10, 30, 60) if span / s <= 6), 60)
    at = [float(t) for t in range(math.ceil(low / step) * step, math.floor(high) + 1, step)]
    return tuple(at), tuple(f"{int(t)} s" if t < 60 else f"{int(t // 60)}:{int(t % 60):02d}" for t in at)


def _time(nanoseconds: float) -> str:
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.0f} {unit}"
    return f"{nanoseconds:.0f} ns"
