# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Lanes as rows of text: which columns, how wide, in which order, which of them. Nothing is drawn here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.snapshots import LaneRow
from workbench.tui.widgets import figures

KERNEL_MARK = "⚙"


@dataclass(frozen=True)
class Column:
    """A column: the LaneRow field it shows and sorts by, titles long and short, cell text long and short."""

    field: str
    title: str
    short: str
    long_text: Callable[[LaneRow], str]
    short_text: Callable[[LaneRow], str]


@dataclass(frozen=True)
class Layout:
    """Columns with the width of each; `tight` is how far figures (1, 2) and titles (3) are shortened."""

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    tight: int

    @property
    def width(self) -> int:
        """All columns, with a space between."""
        return sum(self.widths) + len(self.widths) - 1


def name_text(row: LaneRow) -> str:
    """A lane's name, kernel lanes marked."""
    return f"{row.name} {KERNEL_MARK}" if row.kernel else row.name


def _counts(field: str, title: str, short: str) -> Column:
    return Column(
        field,
        title,
        short,
        lambda row: figures.count(getattr(row, field)),
        lambda row: figures.rate(getattr(row, field)),
    )


def _time(field: str, title: str) -> Column:
    def text(row: LaneRow) -> str:
        return figures.nanoseconds(getattr(row, field))

    return Column(field, title, title, text, text)


COLUMNS = (
    Column("name", "Lane", "Lane", name_text, name_text),
    _counts("operations", "Operations", "Ops"),
    _counts("inserts", "Inserts", "Ins"),
    _counts("deletes", "Deletes", "Del"),
    _counts("pops", "Pops", "Pop"),
    _counts("searches", "Searches", "Srch"),
    _counts("failures", "Failures", "Fail"),
    _counts("ops_per_sec", "Ops/s", "Ops/s"),
    _time("p50", "p50"),
    _time("p99", "p99"),
    _time("p999", "p99.9"),
)
_SHORTENED: tuple[set[str], ...] = (
    set(),
    {"inserts", "deletes", "pops", "searches"},
    {column.field for column in COLUMNS} - {"operations"},
)


_TIGHTEST = len(_SHORTENED)


def title(column: Column, tight: int) -> str:
    """A column's title: shortened last of all."""
    return column.title if tight < _TIGHTEST else column.short


def cell(column: Column, row: LaneRow, tight: int) -> str:
    """The text of a cell: minor counts are shortened first, then all."""
    if tight < len(_SHORTENED) and column.field not in _SHORTENED[tight]:
        return column.long_text(row)
    return column.short_text(row)


def layout(rows: Sequence[LaneRow], total: LaneRow, room: int, before: Layout | None = None) -> Layout:
    """Columns that fit into `room` cells where they can. Columns never get narrower than in `before`: nothing jumps."""
    pops = total.pops > 0 or (before is not None and any(column.field == "pops" for column in before.columns))
    columns = tuple(column for column in COLUMNS if column.field != "pops" or pops)
    chosen = None
    for tight in range(before.tight if before else 0, _TIGHTEST + 1):
        widths = [
            max(
                len(title(column, tight)),
                *(len(cell(column, row, tight)) for row in (*rows, total)),
            )
            for column in columns
        ]
        widths = [max(width, 5) for width in widths]
        if before and before.tight == tight and before.columns == columns:
            widths = [max(pair) for pair in zip(widths, before.widths, strict=True)]
        chosen = Layout(columns, tuple(widths), tight)
        if chosen.width <= room:
            break
    assert chosen is not None
    return chosen


def arranged(rows: Sequence[LaneRow], *, sort: str = "", descending: bool = False, only: str = "") -> list[LaneRow]:
    """The rows that `only` admits, in order. Lanes that are equal in the sort column keep their places."""
    kept = [row for row in rows if admits(only, row)]
    if not sort:
        return kept
    if sort == "name":
        return sorted(kept, key=lambda row: row.id, reverse=descending)
    return sorted(kept, key=lambda row: getattr(row, sort) or 0, reverse=descending)


def admits(only: str, row: LaneRow) -> bool:
    """Whether every word of the filter is in the lane's name, context or state."""
    known = f"{row.name} {'kernel' if row.kernel else 'user'} {row.state}".lower()
    return all(word in known for word in only.lower().split())
