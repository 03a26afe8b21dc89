# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What objects look like: records with their fields' places, and the values that bytes have by them.

Read from the DWARF of the native build. The BTF of a BPF object would not do: it has only types that some function or
variable of that object still names, which after inlining are seldom the head's, and it cuts off what a field merely
points to (LLVM's BTFDebug writes a forward declaration there). Both sides lay the same header out alike, or they
could not share an arena.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

import msgspec


class Kind(StrEnum):
    """What a field is."""

    UNSIGNED = "unsigned"
    SIGNED = "signed"
    BOOL = "bool"
    CHAR = "char"
    FLOAT = "float"
    ENUM = "enum"
    POINTER = "pointer"
    RECORD = "record"
    OPAQUE = "opaque"


class Field(msgspec.Struct, frozen=True):
    """A field of a record: `count` elements of `size` bytes each at `offset`.

    `type` is as C has it. `target` names the record that a pointer leads to, or that the field is. `count` is 1 for
    what is no array, 0 for a flexible one. `bits` is (first bit from the offset, how many) of a bit field. `names` are
    an enumeration's, by value.
    """

    name: str
    offset: int
    size: int
    kind: Kind
    type: str
    target: str | None = None
    count: int = 1
    array: bool = False
    bits: tuple[int, int] | None = None
    names: dict[int, str] = {}


class Record(msgspec.Struct, frozen=True):
    """A struct or union; an anonymous one is named by its typedef or after the record that it is in."""

    name: str
    size: int
    union: bool
    fields: tuple[Field, ...]


class Types(msgspec.Struct, frozen=True):
    """The records that can be reached from those asked for, and other names that some of them have (typedefs)."""

    records: dict[str, Record]
    aliases: dict[str, str]

    def find(self, name: str) -> Record | None:
        """A record by any of its names."""
        return self.records.get(self.aliases.get(name, name))


class Value(msgspec.Struct, frozen=True):
    """A field's value in some bytes: `path` is dotted where records nest; `text` is for a person."""

    path: str
    field: Field
    offset: int
    number: int | None
    text: str


def read(native: Path, names: Iterable[str]) -> Types:
    """The records with `names` in a native build, and all that they hold or point to.

    A name that is not there is left out. Raises BuildError for a file that has no debugging information. Takes a tenth
    of a second: not for a screen's own thread.
    """
    from workbench.arena import dwarf  # the library behind it takes as long to import as all else here

    return dwarf.read(native, names)


def leaves(types: Types, record: Record, at: int = 0, path: str = "") -> Iterator[tuple[str, int, Field]]:
    """The fields that are no records themselves: dotted name, offset, field. Arrays of records stay whole."""
    for field in record.fields:
        name = f"{path}.{field.name}".strip(".")
        inner = types.find(field.target) if field.kind is Kind.RECORD and field.target and not field.array else None
        if inner:
            yield from leaves(types, inner, at + field.offset, name)
        else:
            yield name, at + field.offset, field


def values(types: Types, record: Record, content: bytes) -> tuple[Value, ...]:
    """What `content` says as a record; fields beyond its end are left out."""
    return tuple(
        _value(name, offset, field, content[offset : offset + field.size * max(field.count, 1)])
        for name, offset, field in leaves(types, record)
        if offset + field.size <= len(content)
    )


def _value(name: str, offset: int, field: Field, content: bytes) -> Value:
    if field.array or field.kind in (Kind.RECORD, Kind.OPAQUE):
        return Value(name, field, offset, None, _text_of_many(field, content))
    number = _number(field, content)
    return Value(name, field, offset, number, _text(field, number, content))


def _number(field: Field, content: bytes) -> int:
    number = int.from_bytes(content, "little", signed=field.kind is Kind.SIGNED and field.bits is None)
    if field.bits is None:
        return number
    first, width = field.bits
    number = (number >> first) & ((1 << width) - 1)
    signed = field.kind is Kind.SIGNED and number >> (width - 1)
    return number - (1 << width) if signed else number


def _text(field: Field, number: int, content: bytes) -> str:
    if field.kind is Kind.POINTER:
        return f"{number:#x}" if number else "NULL"
    if field.kind is Kind.BOOL:
        return {0: "false", 1: "true"}.get(number, str(number))
    if field.kind is Kind.CHAR:
        return repr(chr(number & 0xFF)) if 32 <= number & 0xFF < 127 else str(number)
    if field.kind is Kind.ENUM:
        return field.names.get(number, str(number))
    if field.kind is Kind.FLOAT:
        return _floating(content)
    return f"{number:,}"


def _floating(content: bytes) -> str:
    import struct

    form = {4: "<f", 8: "<d"}.get(len(content))
    return f"{struct.unpack(form, content)[0]:g}" if form else content.hex(" ")


def _text_of_many(field: Field, content: bytes) -> str:
    if field.kind is Kind.CHAR:
        text = content.split(b"\0")[0]
        if text and all(32 <= byte < 127 for byte in text):
            return repr(text.decode())
    if field.kind in (Kind.RECORD, Kind.OPAQUE) or not field.size:
        return f"{field.type}[{field.count}]" if field.array else field.type
    shown = min(field.count, 4)
    parts = [content[at * field.size : (at + 1) * field.size] for at in range(shown)]
    texts = [_text(field, _number(field, part), part) for part in parts if len(part) == field.size]
    return f"[{', '.join(texts)}{', …' if field.count > shown else ''}]"
