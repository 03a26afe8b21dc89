# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The keymap file: which keys a person wants for which action, and every mistake in it told instead of swallowed.

```toml
[keys]
"run.toggle" = "f5,space"
```
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import tomli
from textual.binding import Binding
from textual.keys import Keys

from workbench.profile_problems import did_you_mean

FILE_NAME = "keymap.toml"
_MODIFIERS = {"ctrl", "shift", "alt", "meta", "super", "hyper"}
_NAMED = {key.value for key in Keys} | {f"f{number}" for number in range(1, 25)}
_UNICODE_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")


class Keymap(msgspec.Struct, frozen=True):
    """Keys by action, and what was wrong with the file, a sentence each."""

    keys: dict[str, str] = {}
    problems: tuple[str, ...] = ()


def load(path: Path, known: Mapping[str, Binding]) -> Keymap:
    """Read `path`; without a file nothing is changed. What is wrong is left out and told, the rest holds."""
    try:
        data = tomli.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return Keymap()
    except OSError as error:
        return Keymap(problems=(f"cannot read {path}: {error.strerror}",))
    except UnicodeDecodeError as error:
        return Keymap(problems=(f"{path}: not UTF-8: {error.reason}",))
    except tomli.TOMLDecodeError as error:
        return Keymap(problems=(f"{path}:{error.lineno}:{error.colno}: not valid TOML: {error.msg}",))
    problems = [
        f'{path}: unknown table or value "{name}"; actions and keys stand in [keys]' for name in data if name != "keys"
    ]
    table = data.get("keys", {})
    if not isinstance(table, dict):
        return Keymap(problems=(*problems, f"{path}: keys must be a table: [keys]"))
    keys: dict[str, str] = {}
    for action, wanted in _flat(table):
        reason = _wrong(action, wanted, known)
        if reason:
            problems.append(f"{path}: {action}: {reason}")
        else:
            keys[action] = ",".join(part.strip() for part in str(wanted).split(","))
    problems += [f"{path}: {problem}" for problem in _clashes(keys, known)]
    return Keymap(keys, tuple(problems))


def template(known: Mapping[str, Binding]) -> str:
    """A file to edit: every action with its keys as they are, commented out."""
    lines = [
        "# Keys of arena-workbench's screen. Take away a # and change the keys; several are separated by commas.",
        "# Keys are named as in: a, A, 5, f5, space, enter, escape, tab, left, ctrl+s, question_mark.",
        "",
        "[keys]",
    ]
    for action, binding in sorted(known.items()):
        lines.append(f'# "{action}" = "{binding.key}"'.ljust(44) + f"  # {binding.tooltip or binding.description}")
    return "\n".join(lines) + "\n"


def known_bindings(nodes: Iterable[type]) -> dict[str, Binding]:
    """All bindings with an id of some classes, by id; the keys of one binding stand together."""
    found: dict[str, Binding] = {}
    for node in nodes:
        for binding in node.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                found[binding.id] = binding
    return found


def _flat(table: Mapping[str, object], prefix: str = "") -> Iterable[tuple[str, object]]:
    """`run.toggle = ...` without quotes is a nested table in TOML; both mean the same here."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _wrong(action: str, wanted: object, known: Mapping[str, Binding]) -> str:
    if action not in known:
        return f"no such action{did_you_mean(action, known)}"
    if not isinstance(wanted, str):
        return f"keys are a text in quotes, not {wanted!r}"
    for key in wanted.split(","):
        if not _is_key(key.strip()):
            return f'"{key.strip()}" is not a key{did_you_mean(key.strip(), _NAMED)}'
    return ""


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+") if key != "+" else ["+"]
    if any(modifier not in _MODIFIERS for modifier in modifiers):
        return False
    return len(last) == 1 or key in _NAMED or last in _NAMED or bool(_UNICODE_NAME.fullmatch(last))


def _clashes(keys: Mapping[str, str], known: Mapping[str, Binding]) -> Iterable[str]:
    """Two actions of one screen, or of a screen and the whole app, on one key, where the file made it so."""
    taken: dict[str, str] = {}
    for action in sorted(known, key=lambda name: name in keys):
        for key in (keys.get(action) or known[action].key).split(","):
            other = taken.get(key)
            if other and action in keys and _meet(action, other):
                yield f"{action}: {key} is also {other}'s"
            taken.setdefault(key, action)


def _meet(one: str, other: str) -> bool:
    scopes = {one.split(".")[0], other.split(".")[0]}
    return len(scopes) == 1 or "app" in scopes
