# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is wrong with a profile, in words for the person who wrote it, all of it at once."""

from __future__ import annotations

import difflib
import itertools
import math
import re
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import inspect

_T = TypeVar("_T")

_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_LIMIT = re.compile(r"Expected `\w+` (>=|<=|>|<) (\S+)")
_TYPE = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_SAID = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text in quotes",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
_MOST = 20


class Problem(NamedTuple):
    """One thing wrong: the TOML keys that lead to it (list positions as "[i]"), and what."""

    keys: tuple[str, ...]
    reason: str

    @property
    def path(self) -> str:
        """As one writes it: `workload.keys`, `lanes.pin[1]`."""
        return ".".join(self.keys).replace(".[", "[")

    @property
    def fields(self) -> tuple[str, ...]:
        """The keys without list positions."""
        return tuple(key for key in self.keys if not key.startswith("["))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` when something known is near, else nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f'; did you mean "{near[0]}"?' if near else ""


def convert(data: dict[str, Any], to: type[_T]) -> tuple[_T | None, list[Problem]]:
    """Make a `to` of `data`; when that fails, what is wrong. Takes what is wrong out of `data`.

    msgspec stops at the first mistake; taking that out and trying again finds the others.
    """
    problems: list[Problem] = []
    while len(problems) < _MOST:
        try:
            return msgspec.convert(data, to), problems
        except msgspec.ValidationError as error:
            match = _AT.match(str(error))
            what, at = (match["what"], match["path"] or "") if match else (str(error), "")
            steps = [name or int(index) for name, index in _STEP.findall(at)]
            problem, leaf = _explain(what, steps, data, to)
            problems.append(problem)
            if not _take_out(data, leaf):
                break
    return None, problems


def _explain(what: str, steps: list[str | int], data: Any, to: type) -> tuple[Problem, list[str | int]]:
    if unknown := _UNKNOWN.fullmatch(what):
        field = unknown[1]
        return Problem((*_keys(steps), field), f"unknown field{_hint(field, steps, to)}"), [*steps, field]
    value: Any = data
    for step in steps:
        value = value[step]
    return Problem(_keys(steps), _reason(what, value, _type_at(steps, to))), steps


def _reason(what: str, value: Any, expected: inspect.Type | None) -> str:
    shown = _shown(value)
    if limit := _LIMIT.match(what):
        if isinstance(value, float) and math.isnan(value):
            return "nan is not a number to work with"
        shown, bound = shown.removesuffix(".0"), limit[2].removesuffix(".0")
        return {
            ">=": f"{shown} is below {bound}",
            "<=": f"{shown} is above {bound}",
            ">": f"{shown} is not above {bound}",
            "<": f"{shown} is not below {bound}",
        }[limit[1]]
    allowed = _allowed(expected)
    if wrong := _TYPE.match(what):
        kinds = [_SAID.get(kind, kind) for kind in wrong[1].split(" | ") if not (kind == "str" and allowed)]
        return f"must be {' or '.join(kinds + [_shown(word) for word in allowed])}, not {shown}"
    if what.startswith("Invalid enum value"):
        number = ["a whole number"] if isinstance(expected, inspect.UnionType) else []
        choices = ", ".join(number + [_shown(word) for word in allowed])
        return f"{shown} is not one of {choices}{did_you_mean(str(value), allowed)}"
    return what


def _hint(field: str, steps: list[str | int], to: type) -> str:
    here = _fields(_type_at(steps, to))
    for name, table in _fields(inspect.type_info(to)).items():
        if field in _fields(table):
            return f'; "{field}" belongs in [{name}]'
    return did_you_mean(field, here) or f"; there are: {', '.join(here)}"


def _type_at(steps: list[str | int], to: type) -> inspect.Type | None:
    here: inspect.Type | None = inspect.type_info(to)
    for step in steps:
        if isinstance(step, int):
            return None
        here = _fields(here).get(step)
    return here


def _fields(kind: inspect.Type | None) -> dict[str, inspect.Type]:
    if not isinstance(kind, inspect.StructType):
        return {}
    return {field.encode_name: field.type for field in kind.fields}


def _allowed(kind: inspect.Type | None) -> list[str]:
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return [str(value) for one in kinds if isinstance(one, inspect.LiteralType) for value in one.values]


def _keys(steps: list[str | int]) -> tuple[str, ...]:
    return tuple(f"[{step}]" if isinstance(step, int) else step for step in steps)


def _take_out(data: Any, leaf: list[str | int]) -> bool:
    names = list(itertools.takewhile(lambda step: isinstance(step, str), leaf))  # of a list all: positions shift
    if not names:
        return False
    for name in names[:-1]:
        data = data[name]
    del data[names[-1]]
    return True


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 40 else f'"{value[:40]}..."'
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    return str(value)
