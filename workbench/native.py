# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The cffi binding: a C header of csrc/ as declarations, a shared object as functions.

cffi takes a while to understand declarations, so what it understood is kept in the build cache (its out-of-line ABI
mode). No compiler is involved, and every call releases the interpreter lock.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import Any

from workbench import cache, resources

_TYPES = """
typedef uint8_t __u8; typedef int8_t __s8; typedef uint16_t __u16; typedef int16_t __s16;
typedef uint32_t __u32; typedef int32_t __s32; typedef uint64_t __u64; typedef int64_t __s64;
"""


class Library:
    """A loaded shared object: `.call` has its functions, `.ffi` makes and reads their data."""

    def __init__(self, header: str, shared_object: Path | str) -> None:
        self.ffi = _ffi(header)
        self.call: Any = self.ffi.dlopen(str(shared_object))

    def plain(self, record: Any) -> dict[str, Any]:
        """A C struct as a dict of numbers, lists and bytes."""
        return {name: self._value(getattr(record, name)) for name, _ in self.ffi.typeof(record).fields}

    def _value(self, value: Any) -> Any:
        if not isinstance(value, self.ffi.CData):
            return value
        kind = self.ffi.typeof(value)
        if kind.kind == "array":
            if kind.item.cname == "unsigned char":
                return bytes(value)
            return [self._value(item) for item in value]
        if kind.kind == "struct":
            return self.plain(value)
        return int(self.ffi.cast("uintptr_t", value))


def declarations(header: str) -> str:
    """A header of csrc/ as cffi wants it: without the preprocessor's lines and comments."""
    text = (resources.csrc_dir() / header).read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return _TYPES + "\n".join(lines)


def _ffi(header: str) -> Any:
    text = declarations(header)
    name = "_workbench_" + Path(header).stem
    path = cache.root() / "cffi" / cache.digest(text, sys.version)[:16] / f"{name}.py"
    if not path.is_file():
        import cffi

        builder = cffi.FFI()
        builder.cdef(text)
        builder.set_source(name, None, compiler_verbose=0)  # it would talk on stdout
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(f".{os.getpid()}.new")
        builder.emit_python_code(str(made))
        made.replace(path)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ffi
