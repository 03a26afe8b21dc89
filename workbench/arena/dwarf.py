# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Records out of the DWARF of a shared object, by pyelftools. Only those that are asked for, and what they lead to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.arena.types import Field, Kind, Record, Types
from workbench.errors import BuildError

_PASSING = {
    "DW_TAG_typedef",
    "DW_TAG_const_type",
    "DW_TAG_volatile_type",
    "DW_TAG_restrict_type",
    "DW_TAG_atomic_type",
}
_RECORDS = {"DW_TAG_structure_type": "struct", "DW_TAG_union_type": "union"}
_ENCODINGS = {  # DW_ATE_*, DWARF 5 section 7.8
    0x02: Kind.BOOL,
    0x04: Kind.FLOAT,
    0x05: Kind.SIGNED,
    0x06: Kind.CHAR,
    0x07: Kind.UNSIGNED,
    0x08: Kind.CHAR,
    0x10: Kind.CHAR,
}
_RECORDS_MAX = 4096


def read(native: Path, names: Iterable[str]) -> Types:
    """See types.read."""
    from elftools.common.exceptions import DWARFError, ELFError
    from elftools.elf.elffile import ELFFile

    with native.open("rb") as file:
        try:
            elf = ELFFile(file)
            if not elf.has_dwarf_info(strict=True):
                raise BuildError(f"{native} has no debugging information to decode objects with; build it with -g")
            reader = _Reader(elf.get_dwarf_info())
            for name in names:
                reader.want(name)
            return reader.types()
        except (ELFError, DWARFError, KeyError, ValueError) as error:
            raise BuildError(f"{native}: its debugging information cannot be read: {error}") from error


class _Reader:
    def __init__(self, dwarf: Any) -> None:
        self._named: dict[str, Any] = {}
        self._records: dict[str, Record] = {}
        self._aliases: dict[str, str] = {}
        self._names: dict[int, str] = {}  # by the entry's offset
        self._waiting: list[tuple[str, Any]] = []
        for unit in dwarf.iter_CUs():
            for entry in unit.get_top_DIE().iter_children():
                name = _name(entry)
                if name and entry.tag in _RECORDS:
                    if "DW_AT_declaration" not in entry.attributes:
                        self._named.setdefault(f"{_RECORDS[entry.tag]} {name}", entry)
                elif name and entry.tag == "DW_TAG_typedef":
                    self._named.setdefault(name, entry)

    def want(self, name: str) -> None:
        entry = self._named.get(name)
        base = _bare(entry)
        if base is None or base.tag not in _RECORDS:
            return
        known = self._record_name(base, name)
        if known != name:
            self._aliases[name] = known

    def types(self) -> Types:
        while self._waiting and len(self._records) < _RECORDS_MAX:
            name, entry = self._waiting.pop()
            fields: list[Field] = []
            self._fields(name, entry, 0, fields)
            self._records[name] = Record(name, _size(entry), entry.tag == "DW_TAG_union_type", tuple(fields))
        return Types(self._records, self._aliases)

    def _record_name(self, entry: Any, otherwise: str) -> str:
        """The name of a record, which is read in its turn. A forward declaration stands for the whole."""
        name = _name(entry)
        if name:
            name = f"{_RECORDS[entry.tag]} {name}"
            entry = self._named.get(name, entry)
        known = self._names.get(entry.offset)
        if known is None:
            known = self._names[entry.offset] = name or otherwise
            if "DW_AT_declaration" not in entry.attributes:
                self._waiting.append((known, entry))
        return known

    def _fields(self, record: str, entry: Any, base: int, out: list[Field]) -> None:
        for member in entry.iter_children():
            if member.tag != "DW_TAG_member":
                continue
            offset = base + _member_offset(member)
            bare = _bare(_type(member))
            if not _name(member) and bare is not None and bare.tag in _RECORDS:
                # C11: the fields of an anonymous member are fields of the record that it is in. Those of a union
                # are kept together, for only one of them is meant.
                if bare.tag == "DW_TAG_structure_type" and entry.tag == "DW_TAG_structure_type":
                    self._fields(record, bare, offset, out)
                else:
                    name = f"{record}.<{_RECORDS[bare.tag]} at {offset}>"
                    target = self._record_name(bare, name)
                    out.append(Field("", offset, _size(bare), Kind.RECORD, _RECORDS[bare.tag], target))
                continue
            out.append(self._field(record, member, offset))

    def _field(self, record: str, member: Any, offset: int) -> Field:
        name, entry = _name(member), _type(member)
        count, array = 1, False
        element = _bare(entry)
        while element is not None and element.tag == "DW_TAG_array_type":
            count, array = count * _length(element), True
            entry = _type(element)
            element = _bare(entry)
        kind, size, target, names = self._kind(record, name, entry, element)
        bits = _bits(member, size)
        if bits:
            # The storage unit that holds it, from the byte on in which it begins.
            offset, bits = offset + bits[0] // 8, (bits[0] % 8, bits[1])
            size = -(-(bits[0] + bits[1]) // 8)
        return Field(name, offset, size, kind, _text(entry), target, count, array, bits, names)

    def _kind(self, record: str, name: str, entry: Any, element: Any) -> tuple[Kind, int, str | None, dict[int, str]]:
        if element is None:
            return Kind.OPAQUE, 0, None, {}
        size = _size(element)
        if element.tag == "DW_TAG_pointer_type":
            behind = _type(element)
            bare = _bare(behind)
            target = None
            if bare is not None and bare.tag in _RECORDS:
                target = self._record_name(bare, _typedef(behind) or f"{record}.{name}")
            return Kind.POINTER, size or 8, target, {}
        if element.tag in _RECORDS:
            return Kind.RECORD, size, self._record_name(element, _typedef(entry) or f"{record}.{name}"), {}
        if element.tag == "DW_TAG_enumeration_type":
            return Kind.ENUM, size, None, {_constant(one): _name(one) for one in element.iter_children()}
        if element.tag == "DW_TAG_base_type":
            return _ENCODINGS.get(element.attributes["DW_AT_encoding"].value, Kind.OPAQUE), size, None, {}
        return Kind.OPAQUE, size, None, {}


def _name(entry: Any) -> str:
    attribute = entry.attributes.get("DW_AT_name")
    return attribute.value.decode(errors="replace") if attribute else ""


def _type(entry: Any) -> Any:
    """The entry of a type, None for void."""
    return (
        entry.get_DIE_from_attribute("DW_AT_type") if entry is not None and "DW_AT_type" in entry.attributes else None
    )


def _bare(entry: Any) -> Any:
    """A type without typedefs and qualifiers."""
    while entry is not None and entry.tag in _PASSING:
        entry = _type(entry)
    return entry


def _typedef(entry: Any) -> str:
    """The typedef by which a type is named here, if it is."""
    while entry is not None and entry.tag in _PASSING:
        if entry.tag == "DW_TAG_typedef":
            return _name(entry)
        entry = _type(entry)
    return ""


def _text(entry: Any) -> str:
    """A type as C has it, near enough."""
    if entry is None:
        return "void"
    if entry.tag == "DW_TAG_pointer_type":
        inner = _text(_type(entry))
        return f"{inner}*" if inner.endswith("*") else f"{inner} *"
    if entry.tag in _RECORDS:
        return f"{_RECORDS[entry.tag]} {_name(entry) or '…'}"
    if entry.tag == "DW_TAG_enumeration_type":
        return f"enum {_name(entry) or '…'}"
    if entry.tag == "DW_TAG_subroutine_type":
        return "function"
    if entry.tag in _PASSING and entry.tag != "DW_TAG_typedef":
        return _text(_type(entry))
    return _name(entry) or "?"


def _constant(entry: Any) -> int:
    return int(entry.attributes["DW_AT_const_value"].value)


def _number(entry: Any, name: str) -> int | None:
    """A number that is written out; not one that is to be computed (an expression)."""
    attribute = entry.attributes.get(name)
    return attribute.value if attribute and isinstance(attribute.value, int) else None


def _size(entry: Any) -> int:
    return _number(entry, "DW_AT_byte_size") or 0


def _member_offset(member: Any) -> int:
    return _number(member, "DW_AT_data_member_location") or 0


def _length(array: Any) -> int:
    """How many elements, 0 for a flexible array."""
    total = 1
    for dimension in array.iter_children():
        if dimension.tag != "DW_TAG_subrange_type":
            continue
        count, upper = _number(dimension, "DW_AT_count"), _number(dimension, "DW_AT_upper_bound")
        total *= count if count is not None else upper + 1 if upper is not None and upper < 1 << 40 else 0
    return total


def _bits(member: Any, storage: int) -> tuple[int, int] | None:
    """First bit from the member's offset on, and how many bits."""
    width = _number(member, "DW_AT_bit_size")
    if width is None:
        return None
    first = _number(member, "DW_AT_data_bit_offset")
    if first is not None:
        return first, width
    # DWARF 3 counts from the storage unit's most significant bit.
    unit = _number(member, "DW_AT_byte_size") or storage
    return unit * 8 - (_number(member, "DW_AT_bit_offset") or 0) - width, width
