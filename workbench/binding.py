# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""binding.h: C generated for one structure and flavour, by which the drivers call any header's operations as aw_ds_*().

Everything is inline, so that a driver's loop has neither a call nor a branch more than one written by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from workbench import contract
from workbench.contract import Form
from workbench.structures import Structure

_UNSUPPORTED = "return DS_ERROR_UNSUPPORTED;"
# Operation -> name and declaration of the parameters after the head, as the drivers pass them.
_OPERATIONS: dict[str, dict[str, str]] = {
    "init": {"capacity": "__u64 capacity"},
    "insert": {"key": "__u64 key", "value": "__u64 value"},
    "delete": {"key": "__u64 key", "out": "struct ds_kv *out"},
    "pop": {"out": "struct ds_kv *out"},
    "search": {"key": "__u64 key", "value": "__u64 *value"},
    "verify": {},
}
_NATIVE_OPERATIONS: dict[str, dict[str, str]] = {
    "iterate": {"fn": "int (*fn)(__u64, __u64, void *)", "ctx": "void *ctx"},
    "get_stats": {"stats": "struct ds_stats *stats"},
    "reset_stats": {},
}
# (operation, form) -> the header's arguments after the head.
_ARGUMENTS: dict[tuple[str, str], list[str]] = {
    ("init", "head_capacity"): ["capacity"],
    ("insert", "head_key_value"): ["key", "value"],
    ("delete", "head_key"): ["key"],
    ("delete", "head_out"): ["out"],
    ("pop", "head_out"): ["out"],
    ("search", "head_key"): ["key"],
    ("search", "head_key_value"): ["key", "value"],
    ("iterate", "head_function"): ["fn", "ctx"],
    ("get_stats", "head_stats"): ["stats"],
}


def generate(structure: Structure, flavour: str, header: Path) -> str:
    """The text of binding.h. `header` is the path by which the structure's header is to be included."""
    kernel = "\n".join(_side(structure.kernel_forms, native=False))
    native = "\n".join(_side(structure.forms, native=True))
    return f"""\
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* binding.h - {structure.name} as the drivers call it; generated, do not edit. */
#pragma once

#if !defined(__bpf__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* the driver's, which comes after this */
#endif

#include "ds_api.h"
#include "{header}"

#define AW_DS_NAME {json.dumps(structure.name)}
#define AW_FLAVOUR {json.dumps(flavour)}
#define AW_FLAVOUR_{flavour.upper()} 1

typedef {structure.head_type} aw_head_t;

#ifdef __bpf__

{kernel}

#else /* user space */

{native}

#endif
"""


def _side(forms: Mapping[str, Form], *, native: bool) -> list[str]:
    lines = []
    for operation in contract.OPERATIONS:
        if operation != "init":
            here = operation in forms and (native or operation in _OPERATIONS)
            lines.append(f"#define AW_HAS_{operation.upper()} {int(here)}")
    by_out = "delete" in forms and forms["delete"].form == "head_out"
    lines += [f"#define AW_DELETE_IS_POP {int(by_out)} /* delete takes whichever is next, not a key */", ""]
    for operation, parameters in (_OPERATIONS | _NATIVE_OPERATIONS if native else _OPERATIONS).items():
        lines += [*_function(operation, parameters, forms.get(operation)), ""]
    if native:
        metadata = forms.get("get_metadata")
        call = f"{metadata.function}()" if metadata else "NULL"
        lines += [
            "static __always_inline const struct ds_metadata *aw_ds_get_metadata(void)",
            "{",
            f"\treturn {call};",
            "}",
        ]
    return lines


def _function(operation: str, parameters: Mapping[str, str], form: Form | None) -> list[str]:
    declared = ", ".join(["aw_head_t __arena *head", *parameters.values()])
    opening = [f"static __always_inline int aw_ds_{operation}({declared})", "{"]
    if form is None:
        return [*opening, *(f"\t(void){name};" for name in ["head", *parameters]), f"\t{_UNSUPPORTED}", "}"]
    arguments = _ARGUMENTS.get((operation, form.form), [])
    call = f"{form.function}({', '.join([f'({form.head})head', *arguments])})"
    if operation == "delete" and form.form == "head_key":
        body = [f"int result = {call};", "", "if (result == DS_SUCCESS)", "\tout->key = key;", "return result;"]
    elif operation == "delete":
        # Known content also for a header that fills in only a part of it.
        body = ["out->key = key;", "out->value = 0;", f"return {call};"]
    else:
        body = [f"(void){name};" for name in parameters if name not in arguments]
        body += [f"{call};", "return DS_SUCCESS;"] if form.returns_void else [f"return {call};"]
    return [*opening, *(f"\t{line}" if line else "" for line in body), "}"]
