# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is known of one structure, as lines to read before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from workbench.contract import OPERATIONS

if TYPE_CHECKING:
    from workbench.builds import Build
    from workbench.structures import Structure, Surveyed

_LANES = {
    "spsc": "one lane inserts, one removes",
    "mpsc": "many lanes insert, one removes",
    "spmc": "one lane inserts, many remove",
    "mpmc": "any number of lanes, from both sides",
    "unknown": "not said",
}
_LOCKING = {
    "wait_free": "wait-free: no lane ever waits",
    "lock_free": "lock-free: some lane always gets on",
    "obstruction_free": "obstruction-free",
    "blocking": "locked",
    "unknown": "not said",
}
_Part = Content | str | tuple[str, str]


def card(found: Surveyed, build: Build | None, sizes: dict[str, int]) -> Content:
    """Everything about a header; `sizes` has bytes by type name, from the build's BTF where there is one."""
    if found.structure is None:
        return Content.assemble(
            (f"{found.name} cannot be used\n\n", "bold $text-error"), f"{found.path}\n\n", found.error or ""
        )
    one = found.structure
    about = one.metadata
    parts: list[_Part] = [(f"{one.name}\n", "bold $text-accent"), f"{one.description or 'says nothing of itself'}\n\n"]
    facts = [
        ("kind", about.abstract_type.replace("_", " ").replace("unknown", "not said")),
        ("lanes", _LANES[about.concurrency]),
        ("locking", _LOCKING[about.progress]),
        ("bounded", {True: "yes", False: "no", None: "not said"}[about.bounded]),
        ("head", _sized(one.head_type, sizes)),
        ("node", _sized(one.node_type or "not found", sizes)),
        ("header", str(one.path)),
        ("build", _build(build)),
    ]
    for label, words in facts:
        parts += [(f"  {label:<10}", "$text-muted"), f"{words}\n"]
    parts += _fields(one)
    parts.append(("\nOperations\n", "bold $text-muted"))
    for operation in OPERATIONS:
        parts += _operation(one, operation)
    return Content.assemble(*parts)


def _sized(name: str, sizes: dict[str, int]) -> str:
    size = sizes.get(name)
    return f"{name}, {size} bytes" if size else name


def _build(build: Build | None) -> str:
    if build is None:
        return "not yet: made at the start of a run, or now with b"
    sides = "both sides" if build.bpf else f"user space only ({build.bpf_reason})"
    how = "from the cache" if build.cached else f"in {build.seconds:.1f} s"
    return f"{sides}, {how}"


def _fields(one: Structure) -> list[_Part]:
    if not one.node_fields:
        return []
    parts: list[_Part] = [(f"\n{one.node_type}\n", "bold $text-muted")]
    for field in one.node_fields:
        parts += [f"  {field.name:<16}", (f"{field.type}\n", "$text-muted")]
    return parts


def _operation(one: Structure, operation: str) -> list[_Part]:
    native, kernel = one.forms.get(operation), one.kernel_forms.get(operation)
    form = native or kernel
    if form is None:
        return []
    where = "" if native and kernel else " (in the kernel only)" if kernel else " (in user space only)"
    return [f"  {operation:<16}", (f"{form.function}(){where}\n", "$text-muted")]
