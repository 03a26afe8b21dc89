# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The structure contract as read from declarations: which operations a header has, by what names and in which forms."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from workbench.declarations import Declarations, Function, plain_type
from workbench.errors import BuildError

OPERATIONS = (
    "init",
    "insert",
    "delete",
    "pop",
    "search",
    "verify",
    "iterate",
    "get_stats",
    "reset_stats",
    "get_metadata",
)
SIDES = {"native": "_c", "kernel": "_lkmm"}
"""The two sides, and the ending of the variants that are meant for each."""

# Operation -> accepted forms: the name of the form, and what its parameters are.
FORMS: dict[str, dict[str, tuple[str, ...]]] = {
    "init": {"head": ("head",), "head_capacity": ("head", "integer")},
    "insert": {"head_key_value": ("head", "u64", "u64")},
    "delete": {"head_key": ("head", "u64"), "head_out": ("head", "kv")},
    "pop": {"head_out": ("head", "kv")},
    "search": {"head_key": ("head", "u64"), "head_key_value": ("head", "u64", "u64_pointer")},
    "verify": {"head": ("head",)},
    "iterate": {"head_function": ("head", "function", "pointer")},
    "get_stats": {"head_stats": ("head", "stats")},
    "reset_stats": {"head": ("head",)},
    "get_metadata": {"none": ()},
}
_SPELLED = {
    "head": "{head} *head",
    "integer": "__u64 capacity",
    "u64": "__u64 {name}",
    "kv": "struct ds_kv *out",
    "u64_pointer": "__u64 *value",
    "function": "int (*fn)(__u64 key, __u64 value, void *ctx)",
    "pointer": "void *ctx",
    "stats": "struct ds_stats *stats",
}
_INTEGERS_64 = {"long", "long int", "unsigned long", "long unsigned int", "unsigned long int", "size_t", "ssize_t"}
_INTEGERS_64 |= {f"{sign}long long{end}" for sign in ("", "unsigned ", "signed ") for end in ("", " int")}
_INTEGERS_64 |= {
    "long long unsigned int",
    "long long signed int",
    "__u64",
    "__s64",
    "u64",
    "s64",
    "uint64_t",
    "int64_t",
}
_INTEGERS = {"int", "unsigned", "unsigned int", "signed", "signed int", "short", "unsigned short", "short unsigned int"}
_INTEGERS |= {"char", "unsigned char", "signed char", "__u32", "__s32", "u32", "s32", "uint32_t", "int32_t", "__u16"}
_INTEGERS |= {"u16", "__s16", "s16", "__u8", "u8"} | _INTEGERS_64


class Form(msgspec.Struct, frozen=True):
    """How one operation is written in the header: the function, and which of the accepted forms it has."""

    function: str
    form: str
    head: str
    """The type that the head is cast to for the call ("struct ds_list_head __arena *"), "" where there is no head."""
    returns_void: bool = False


class Side(msgspec.Struct, frozen=True):
    """What one side of a header offers."""

    prefix: str
    head_type: str
    forms: dict[str, Form]


def choose_prefix(sides: Iterable[Declarations], header: str, name: str, wanted: str) -> str:
    """The prefix of the operations' names: the given one, the file's own, or the only one that is complete.

    Raises BuildError when there is none, or when several could be meant.
    """
    found: dict[str, set[str]] = {}
    here: set[str] = set()
    for declarations in sides:
        for function in declarations.functions.values():
            match = re.fullmatch(rf"(\w+?)_({'|'.join(OPERATIONS)})(_lkmm|_c)?", function.name)
            if match:
                found.setdefault(match[1], set()).add(match[2])
                here |= {match[1]} if function.file == header else set()
    if wanted:
        for candidate in (wanted.rstrip("_"), f"ds_{wanted.rstrip('_')}"):
            if candidate in found:
                return candidate
        raise BuildError(
            f"{header}: no operation begins with the prefix '{wanted}'; found: {', '.join(sorted(found)) or 'none'}"
        )
    complete = [prefix for prefix, operations in found.items() if not _lacking(operations)]
    if f"ds_{name}" in complete:
        return f"ds_{name}"
    for narrower in (here, {prefix for prefix in complete if prefix.startswith("ds_")}):
        complete = [prefix for prefix in complete if prefix in narrower] or complete
    if len(complete) == 1:
        return complete[0]
    if complete:
        raise BuildError(
            f"{header}: several structures could be meant ({', '.join(sorted(complete))}): say which by "
            "`prefix` in the profile's [structure]"
        )
    if f"ds_{name}" in found:
        return f"ds_{name}"
    named = [prefix for prefix, operations in found.items() if {"init", "insert"} & operations]
    if named:
        return max(named, key=lambda prefix: (prefix in here, len(found[prefix]), prefix))
    raise BuildError(
        f"{header}: no operation of a structure in it: there is neither ds_{name}_init() nor any other function "
        f"named *_init() or *_insert(). Operations are named ds_{name}_init, ds_{name}_insert, and so on; "
        "another prefix is found by itself if init and insert have it"
    )


def _lacking(operations: set[str]) -> list[str]:
    lacking = [operation for operation in ("init", "insert") if operation not in operations]
    return lacking if {"delete", "pop"} & operations else [*lacking, "delete"]


def read_side(declarations: Declarations, prefix: str, side: str, header: str) -> Side:
    """The operations that one side of a header has. Raises BuildError on a form that is not accepted."""
    functions = {
        operation: function
        for operation in OPERATIONS
        if (function := _function(declarations, prefix, operation, side)) is not None
    }
    head_type = ""
    for operation in OPERATIONS:  # init before all others
        function = functions.get(operation)
        if function and function.parameters:
            head_type = _head_of(declarations, function.parameters[0].type)
            if not head_type:
                raise _unusual(function, operation, f"struct {prefix}_head __arena", "its first parameter is no head")
            break
    forms = {
        operation: _form(declarations, function, operation, head_type) for operation, function in functions.items()
    }
    return Side(prefix, head_type, forms)


def require_complete(sides: Iterable[Side], prefix: str, header: str, declared: Iterable[Declarations]) -> None:
    """Raise BuildError, naming what is missing and what to add, unless init, insert and delete or pop are there."""
    operations: set[str] = set()
    head = ""
    for side in sides:
        operations |= side.forms.keys()
        head = head or side.head_type
    lacking = _lacking(operations)
    if not lacking:
        return
    what = ", ".join(f"{prefix}_{operation}()" for operation in lacking if operation != "delete")
    if "delete" in lacking:
        neither = f"{prefix}_delete() or {prefix}_pop()"
        what = f"{what}, and one of {neither}" if what else f"both {prefix}_delete() and {prefix}_pop() (one is enough)"
    head = head or f"struct {prefix}_head"
    add = [_spell(operation, prefix, f"{head} __arena", form) for operation in lacking for form in FORMS[operation]]
    bare = [
        f"{function.name}() is declared at {function.file}:{function.line} but has no body"
        for declarations in declared
        for function in declarations.functions.values()
        if not function.defined and function.name in {f"{prefix}_{operation}" for operation in lacking}
    ]
    note = f"\n  note: {bare[0]}" if bare else ""
    raise BuildError(f"{header}: {what} missing{note}\n  add to that file: {' or: '.join(add)}")


def _function(declarations: Declarations, prefix: str, operation: str, side: str) -> Function | None:
    for name in (f"{prefix}_{operation}", f"{prefix}_{operation}{SIDES[side]}"):
        function = declarations.functions.get(name)
        if function and function.defined:
            return function
    return None


def _head_of(declarations: Declarations, parameter: str) -> str:
    """The type a pointer parameter points to, without `__arena`; "" if it is no pointer to a record."""
    text = plain_type(parameter)
    if "*" not in text:
        text = declarations.resolve(text)
    if text.count("*") != 1 or not text.endswith("*") or "(" in text:
        return ""
    base = " ".join(word for word in text[:-1].split() if word != "__arena")
    resolved = declarations.resolve(base)
    scalar = resolved in _INTEGERS or resolved in ("void", "char", "_Bool", "bool")
    return "" if scalar else base


def _form(declarations: Declarations, function: Function, operation: str, head_type: str) -> Form:
    returns = declarations.resolve(function.returns)
    if returns == "void" and operation not in ("init", "reset_stats", "get_stats"):
        raise _unusual(function, operation, head_type, "it returns void, and a result (int) is wanted")
    if operation == "get_metadata" and returns.replace("__arena ", "") != "struct ds_metadata *":
        raise _unusual(function, operation, head_type, f"it returns {function.returns}")
    if operation != "get_metadata" and returns not in _INTEGERS | {"void"} and not returns.startswith("enum "):
        raise _unusual(function, operation, head_type, f"it returns {function.returns}, and int is wanted")
    for name, kinds in FORMS[operation].items():
        matches = [
            _is_kind(declarations, parameter.type, kind, head_type)
            for parameter, kind in zip(function.parameters, kinds, strict=False)
        ]
        if len(function.parameters) == len(kinds) and all(matches):
            head = ""
            if kinds and kinds[0] == "head":
                text = plain_type(function.parameters[0].type)
                arena = "__arena" in (text if "*" in text else declarations.resolve(text))
                head = f"{head_type} __arena *" if arena else f"{head_type} *"
            return Form(function.name, name, head, returns == "void")
    raise _unusual(function, operation, head_type, "its parameters are not of an accepted form")


def _is_kind(declarations: Declarations, parameter: str, kind: str, head_type: str) -> bool:
    text = plain_type(parameter)
    resolved = declarations.resolve(parameter)
    if kind == "head":
        base = _head_of(declarations, parameter)
        return bool(base) and declarations.resolve(base) == declarations.resolve(head_type)
    if kind in ("integer", "u64"):
        wanted = _INTEGERS if kind == "integer" else _INTEGERS_64
        return text in wanted or resolved in wanted
    if kind == "u64_pointer":
        return text.endswith("*") and declarations.resolve(text[:-1].strip()) in _INTEGERS_64
    if kind == "function":
        name_only = re.fullmatch(r"\w+", resolved) is not None and resolved not in _INTEGERS
        return "(" in resolved or name_only  # a typedef of the library's, whose function type was not read
    if kind == "pointer":
        return resolved == "void *"
    return resolved == {"kv": "struct ds_kv *", "stats": "struct ds_stats *"}[kind]


def _spell(operation: str, prefix: str, head: str, form: str) -> str:
    kinds = FORMS[operation][form]
    names = iter(("key", "value"))
    parameters = [_SPELLED[kind].format(head=head, name=next(names) if kind == "u64" else "") for kind in kinds]
    returns = {"get_metadata": "const struct ds_metadata *", "get_stats": "void ", "reset_stats": "void "}
    return f"{returns.get(operation, 'int ')}{prefix}_{operation}({', '.join(parameters) or 'void'})"


def _unusual(function: Function, operation: str, head_type: str, why: str) -> BuildError:
    prefix = function.name.split(f"_{operation}")[0]
    head = head_type if "__arena" in head_type else f"{head_type or f'struct {prefix}_head'} __arena"
    accepted = "\n".join(f"  {_spell(operation, prefix, head, form)}" for form in FORMS[operation])
    written = ", ".join(f"{field.type} {field.name}".strip() for field in function.parameters)
    return BuildError(
        f"{function.file}:{function.line}: {function.name}({written}): {why}. Accepted"
        f"{' (void will do too)' if operation == 'init' else ''}:\n{accepted}"
    )
