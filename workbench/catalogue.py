# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Structures as text: the list of those found, and one of them described, for a person or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from workbench import contract, structures
from workbench.structures import Structure, Surveyed


def list_text(found: Sequence[Surveyed]) -> str:
    """A line for each usable structure: name, kind, who may call it at once, what it says of itself."""
    rows = [
        (one.name, one.metadata.abstract_type, one.metadata.concurrency, one.description or str(one.path))
        for one in (item.structure for item in found)
        if one is not None
    ]
    if not rows:
        return ""
    rows.insert(0, ("NAME", "KIND", "LANES", "DESCRIPTION"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    lines = ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]) for row in rows]
    return "\n".join(lines) + "\n"


def list_json(found: Sequence[Surveyed]) -> str:
    """A list of objects, unusable headers among them with their `error`."""
    return _json([_entry(item) for item in found])


def describe_text(structure: Structure) -> str:
    """What a header defines: its types with their fields, and the function behind each operation."""
    about = structure.metadata
    lines = [
        f"{structure.name}: {structure.description or 'says nothing of itself'}",
        f"  header      {structure.path}",
    ]
    for title, value in (
        ("kind", about.abstract_type),
        ("lanes", about.concurrency),
        ("progress", about.progress),
        ("bounded", {True: "yes", False: "no", None: "unknown"}[about.bounded]),
    ):
        lines.append(f"  {title:<12}{value}")
    for title, record, fields in (
        ("head", structure.head_type, structure.head_fields),
        ("node", structure.node_type, structure.node_fields),
    ):
        lines.append(f"  {title:<12}{record or 'not found'}")
        lines += [f"    {field.name:<16}{field.type}" for field in fields]
    lines.append("  operations")
    for operation in contract.OPERATIONS:
        lines.append(f"    {operation:<16}{_function(structure, operation)}")
    return "\n".join(lines) + "\n"


def describe_json(structure: Structure) -> str:
    """The guide's definition document."""
    return _json(structures.definition(structure))


def _function(structure: Structure, operation: str) -> str:
    native, kernel = structure.forms.get(operation), structure.kernel_forms.get(operation)
    if native is None:
        return f"{kernel.function} (in the kernel only)" if kernel else "-"
    if kernel is None:
        return f"{native.function} (in user space only)"
    return native.function if native == kernel else f"{native.function}, in the kernel {kernel.function}"


def _entry(item: Surveyed) -> dict[str, Any]:
    one = item.structure
    entry: dict[str, Any] = {"name": item.name, "path": str(item.path), "error": item.error}
    if one is not None:
        entry |= {
            "description": one.description,
            "abstract_type": one.metadata.abstract_type,
            "concurrency": one.metadata.concurrency,
            "operations": [name for name in contract.OPERATIONS if name in one.operations | one.kernel_operations],
        }
    return entry


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
