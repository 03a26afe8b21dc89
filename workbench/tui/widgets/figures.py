# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Numbers as few cells as they need: what fits into a column and can be read at a glance."""

from __future__ import annotations


def count(number: float) -> str:
    """With thousands separators: 4,812,330."""
    return f"{number:,.0f}"


def rate(number: float) -> str:
    """Three digits and a unit: 0, 812, 45.1k, 1.20M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size * 0.9995:
            value = number / size
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}{unit}"
    return f"{number:.0f}"


def nanoseconds(time: float | None) -> str:
    """Two or three digits and a unit: 610n, 1.4µ, 12µ, 1.2m, 3.0s; a dash without a sample."""
    if time is None:
        return "—"
    for size, unit in ((1e9, "s"), (1e6, "m"), (1e3, "µ")):
        if time >= size:
            value = time / size
            return f"{value:.1f}{unit}" if value < 9.95 else f"{value:.0f}{unit}"
    return f"{time:.0f}n"


def size(number: float) -> str:
    """Bytes with three digits and a unit: 812 B, 45.1 KiB, 3.2 GiB."""
    for scale, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if number >= scale:
            value = number / scale
            return f"{value:.{0 if value >= 100 else 1}f} {unit}"
    return f"{number:.0f} B"


def clock(seconds: float) -> str:
    """Minutes, seconds and tenths: 00:07.2, 1:02:03 from an hour on."""
    if seconds >= 3600:
        return f"{int(seconds // 3600)}:{int(seconds // 60 % 60):02d}:{int(seconds % 60):02d}"
    tenths = int(seconds * 10)
    return f"{tenths // 600:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"


_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(share: float, width: int) -> str:
    """A bar of `width` cells, filled to an eighth of a cell."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)
