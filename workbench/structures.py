# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Structures: which there are, and what each one's header offers, as its compilers see it. No name is known here."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache as memoized
from pathlib import Path
from typing import Any

import msgspec

from workbench import cache, contract, declarations, diagnostics, headers, metadata, process, resources, toolchain
from workbench.contract import Form
from workbench.declarations import Declarations, Field
from workbench.errors import BuildError, WorkbenchError
from workbench.metadata import Metadata, Tags


class Structure(msgspec.Struct, frozen=True):
    """One `ds_<name>.h`: where it is and what it offers, to user lanes and to kernel lanes.

    `operations` and `forms` are the native side's. The kernel side mostly has the same; where a header defines an
    operation for one side only, or one in a `_lkmm` and a `_c` variant, they differ.
    """

    name: str
    path: Path
    prefix: str
    head_type: str
    node_type: str | None
    operations: frozenset[str]
    forms: dict[str, Form]
    kernel_operations: frozenset[str]
    kernel_forms: dict[str, Form]
    description: str
    metadata: Metadata
    head_fields: tuple[Field, ...]
    node_fields: tuple[Field, ...]
    tags: Tags


class Surveyed(msgspec.Struct, frozen=True):
    """A header that was found: its structure, or why it is none."""

    name: str
    path: Path
    structure: Structure | None
    error: str | None


def discover(include: Sequence[Path] = ()) -> list[Structure]:
    """Every structure in the `include` folders and in `bpf/structures`, by name. Headers that are none are left out."""
    return [found.structure for found in survey(include) if found.structure]


def survey(include: Sequence[Path] = ()) -> list[Surveyed]:
    """Every header found, those included that do not compile or lack operations, with the reason."""
    found = headers.found(include)
    known = [_lookup(header, "") for header in found]
    if None not in known:
        return [Surveyed(item.name, item.path, item, None) for item in known if item]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(pool.map(_survey_one, found))


def find(name_or_path: str, include: Sequence[Path] = (), prefix: str = "") -> Structure:
    """The structure with a name, or in the header at a path.

    `prefix` is what its functions' names begin with, where that is not to be guessed. Raises UsageError for an unknown
    name, BuildError for a header that lacks an operation or does not compile, MachineError without a C compiler.
    """
    return describe(headers.locate(name_or_path, include), prefix)


def describe(header: headers.Header, prefix: str = "") -> Structure:
    """Read a header, or what was read of it before."""
    entry = cache.fetch(_recipe(header, prefix), "structure.json", lambda folder: _read(header, prefix, folder))
    return _load(entry.folder)


def definition(structure: Structure) -> dict[str, Any]:
    """The guide's "JSON Schema for Data Structure Definition" of a structure; what is not known is left out."""
    tags, known = structure.tags, structure.metadata
    files = {"header": structure.path.name}
    test = tags.test or f"test_{structure.name}.c"
    if tags.test or (structure.path.parent / test).is_file():
        files["test"] = test
    properties: dict[str, Any] = {}
    if known.progress != "unknown":
        properties["lock_free"] = known.progress in ("lock_free", "wait_free")
    elif known.requires_locking is not None:
        properties["lock_free"] = not known.requires_locking
    ordered = known.ordered if known.ordered is not None else tags.ordered
    if ordered is not None:
        properties["ordered"] = ordered
    if tags.allows_duplicates is not None:
        properties["allows_duplicates"] = tags.allows_duplicates
    if tags.complexity:
        properties["average_complexity"] = dict(tags.complexity)
    document: dict[str, Any] = {"name": structure.name}
    if kind := tags.type or (known.abstract_type if known.abstract_type != "unknown" else ""):
        document["type"] = kind
    if structure.description:
        document["description"] = structure.description
    document["files"] = files
    for part, type_name, fields in (
        ("node", structure.node_type, structure.node_fields),
        ("head", structure.head_type, structure.head_fields),
    ):
        if type_name:
            listed = [{"name": field.name, "type": field.type} for field in fields]
            document[part] = {"struct_name": type_name.removeprefix("struct "), "fields": listed}
    document["operations"] = {
        operation: (structure.forms.get(operation) or structure.kernel_forms[operation]).function
        for operation in contract.OPERATIONS
        if operation in structure.operations | structure.kernel_operations
    }
    document["properties"] = properties
    return {"data_structure": document}


def native_flags() -> tuple[str, ...]:
    """The flags that decide what a header means on the native side."""
    return ("-O2", "-std=gnu11", "-pthread")


def kernel_flags() -> tuple[str, ...]:
    """The flags that decide what a header means on the kernel side."""
    return (
        *("-target", "bpf", "-mcpu=v4", "-O2", f"-D__TARGET_ARCH_{toolchain.target_arch()}"),
        *toolchain.kernel_header_flags(),
    )


def _survey_one(header: headers.Header) -> Surveyed:
    try:
        return Surveyed(header.name, header.path, describe(header), None)
    except WorkbenchError as error:
        return Surveyed(header.name, header.path, None, str(error))


def _lookup(header: headers.Header, prefix: str) -> Structure | None:
    entry = cache.lookup(_recipe(header, prefix), "structure.json")
    return _load(entry.folder) if entry else None


def _load(folder: Path) -> Structure:
    content = (folder / "structure.json").read_bytes()
    return msgspec.json.decode(content, type=Structure, dec_hook=lambda kind, value: kind(value))


def _recipe(header: headers.Header, prefix: str) -> str:
    cc = toolchain.require(toolchain.find_cc())
    clang = toolchain.find_clang()
    kernel = clang.identity if isinstance(clang, toolchain.Compiler) else ""
    flags = " ".join([*native_flags(), *kernel_flags(), *headers.view(header.path).flags, *process.environment_flags()])
    return cache.digest("describe", _own_identity(), header.name, str(header.path), prefix, cc.identity, kernel, flags)


@memoized
def _own_identity() -> str:
    """Changes when the reader itself does."""
    files = [Path(module.__file__ or "") for module in (contract, declarations, metadata)] + [Path(__file__)]
    return " ".join(f"{file.stat().st_mtime_ns} {file.stat().st_size}" for file in files)


def _read(header: headers.Header, prefix: str, folder: Path) -> list[str]:
    """Describe a header afresh, into `folder`. Returns the files that went into it."""
    view = headers.view(header.path)
    view.prepare()
    clang, libbpf = toolchain.find_clang(), toolchain.find_libbpf()
    jobs: list[Callable[[], process.Done]] = [
        lambda: _preprocess([*toolchain.require(toolchain.find_cc()).command, *native_flags()], view, folder / "c.d")
    ]
    if isinstance(clang, toolchain.Compiler) and isinstance(libbpf, toolchain.Library):
        command = [*clang.command, *kernel_flags(), *libbpf.compile_flags]
        jobs.append(lambda: _preprocess(command, view, folder / "bpf.d"))
    native, *kernel = process.at_once(jobs)
    if native.status:
        report = diagnostics.compile_errors(view.restore(native.stderr))
        raise BuildError(f"{header.path}: the C preprocessor stops at it\n{report}")
    done = [native, *(side for side in kernel if not side.status)]
    read = [declarations.read(view.restore(side.stdout), headers.is_users) for side in done]
    structure = _structure(header, prefix, read)
    content = msgspec.json.encode(structure, enc_hook=str)
    (folder / "structure.json").write_bytes(content)
    return [str(header.path), *(path for side in done for path in side.dependencies)]


def _preprocess(command: list[str], view: headers.View, depfile: Path) -> process.Done:
    # The library first, so that the header's own include of it does nothing and __arena stays what it is made here.
    text = f'#include "ds_api.h"\n#undef __arena\n#define __arena {declarations.ARENA_MARK}\n#include "{view.header}"\n'
    csrc = f"-I{resources.csrc_dir()}"
    return process.run([*command, *view.flags, csrc, "-E", "-x", "c", "-"], depfile=depfile, stdin=text)


def _structure(header: headers.Header, prefix: str, read: list[Declarations]) -> Structure:
    path = str(header.path)
    prefix = contract.choose_prefix(read, path, header.name, prefix)
    native = contract.read_side(read[0], prefix, "native", path)
    # Without a compiler for BPF nobody will ask; what the native side has is then as good a guess as any.
    kernel = contract.read_side(read[-1], prefix, "kernel", path) if len(read) > 1 else native
    contract.require_complete([native, kernel], prefix, path, read)
    head = native.head_type or kernel.head_type
    records = {name: fields for side in reversed(read) for name, fields in side.records.items()}
    records.setdefault("struct ds_kv", (Field("key", "__u64"), Field("value", "__u64")))
    node = _node_type(records, read[0], prefix, header.name, head)
    said = _metadata_said(read[0], prefix) or _metadata_said(read[-1], prefix)
    known = metadata.read(said, header.name, f"{header.name}_{prefix}_{head}", {**kernel.forms, **native.forms})
    return Structure(
        name=header.name,
        path=header.path,
        prefix=prefix,
        head_type=head,
        node_type=node,
        operations=frozenset(native.forms),
        forms=native.forms,
        kernel_operations=frozenset(kernel.forms),
        kernel_forms=kernel.forms,
        description=known.description,
        metadata=known,
        head_fields=records.get(read[0].resolve(head)) or records.get(head, ()),
        node_fields=records.get(read[0].resolve(node)) or records.get(node, ()) if node else (),
        tags=metadata.read_tags(header.path.read_text(errors="replace")),
    )


def _metadata_said(read: Declarations, prefix: str) -> dict[str, str]:
    functions = [f"{prefix}_get_metadata{ending}" for ending in ("", "_c", "_lkmm")]
    return next((read.metadata[name] for name in [*functions, ""] if name in read.metadata), {})


def _node_type(
    records: dict[str, tuple[Field, ...]], read: Declarations, prefix: str, name: str, head: str
) -> str | None:
    """The type of an element: by its name, or as what the head reaches that has a key or points to its like."""
    for candidate in (f"struct {prefix}_node", f"struct ds_{name}_node", f"{prefix}_node_t", f"{prefix}_node"):
        if candidate in records:
            return candidate
    heads = {head, read.resolve(head)}
    reached = [base for base in _reached(records, read, heads) if base not in heads]
    for base in reached:
        if any(base in _bases(field, read) for field in records[base]) or "key" in {
            field.name for field in records[base]
        }:
            return base
    return reached[0] if reached else None


def _reached(records: dict[str, tuple[Field, ...]], read: Declarations, heads: set[str]) -> list[str]:
    """Records of the header that can be reached from the head's fields, nearest first."""
    order = [base for base in records if base in heads]
    for base in order:  # grows while it is walked
        for field in records[base]:
            order += [other for other in _bases(field, read) if other in records and other not in order]
    return order


def _bases(field: Field, read: Declarations) -> set[str]:
    """The record that a field is, points to or is an array of, under all of its names."""
    names = set()
    for text in (field.type, read.resolve(field.type)):
        words = text.replace("*", " ").split("[")[0].split()
        names.add(" ".join(word for word in words if word != "__arena"))
    return names
