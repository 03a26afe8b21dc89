# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What stands in a node's box: a title to know it by, and its other fields, shortest first to be cut."""

from __future__ import annotations

import re

import msgspec

from workbench.arena.schema import Schema
from workbench.arena.types import Kind, Value, values

_TITLES = ("key", "id", "name", "index", "k", "val", "value", "data")
_DULL = re.compile(r"(^|[._])(pad|padding|away|reserved|unused|stats?)($|[._\d])")


class Content(msgspec.Struct, frozen=True):
    """A title and lines. `values` are all fields, for a pane with room."""

    title: str
    lines: tuple[str, ...]
    values: tuple[Value, ...]


def of(schema: Schema, type_: int, data: bytes, lines: int, width: int, *, named: str = "") -> Content:
    """What to write into the box of an object of type `type_` with bytes `data`; `named` instead of a key's value."""
    record = schema.record(type_)
    if record is None:
        return Content(named or "?", (f"{len(data)} bytes",)[:lines], ())
    decoded = values(schema.types, record, data)
    shown = [value for value in decoded if not _is_link(value) and not _DULL.search(value.path)]
    title = _title(shown)
    texts = [_line(value, width) for value in shown if named or value is not title]
    return Content(_cut(named or (title.text if title else short(record.name)), width), tuple(texts[:lines]), decoded)


def short(name: str) -> str:
    """A type's name without what all of them have in common."""
    return re.sub(r"^(struct|union) ", "", name)


def _title(shown: list[Value]) -> Value | None:
    for wanted in _TITLES:
        for value in shown:
            if value.path.rsplit(".", 1)[-1] == wanted:
                return value
    return next((value for value in shown if value.number is not None), None)


def _line(value: Value, width: int) -> str:
    name = value.path.rsplit(".", 1)[-1]
    line = f"{name}={value.text}"
    # A name is guessed from its beginning; a number without its end would be another one.
    return line if len(line) <= width else _cut(f"{name[:1]}={value.text}", width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(1, width - 1)] + "…"


def _is_link(value: Value) -> bool:
    return value.field.kind in (Kind.POINTER, Kind.RECORD, Kind.OPAQUE)
