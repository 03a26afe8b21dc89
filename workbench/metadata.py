# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a structure says of itself, and what its name and operations let one infer where it says nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from workbench.contract import Form


class Metadata(msgspec.Struct, frozen=True):
    """`struct ds_metadata` as read from the header; "unknown" and None where nothing is said and nothing follows.

    abstract_type: map set queue stack priority_queue ring log deque unknown
    concurrency:   spsc mpsc spmc mpmc unknown (who may insert and who may remove at once)
    progress:      wait_free lock_free obstruction_free blocking unknown
    """

    name: str
    description: str = ""
    requires_locking: bool | None = None
    abstract_type: str = "unknown"
    concurrency: str = "unknown"
    progress: str = "unknown"
    bounded: bool | None = None
    ordered: bool | None = None
    inferred: frozenset[str] = frozenset()
    """Members that the header does not say."""


class Tags(msgspec.Struct, frozen=True):
    """What comments of the form `@ds_<tag> ...` in the header say, for the definition document."""

    type: str = ""
    test: str = ""
    ordered: bool | None = None
    allows_duplicates: bool | None = None
    complexity: dict[str, str] = {}


_TAG = re.compile(
    r"^[ \t/*]*@ds_(type|test|ordered|allows_duplicates|complexity)\b:?[ \t]+(.*?)[ \t]*(?:\*/.*)?$", re.M
)
_WORDS = {
    "priority_queue": {"priority", "pq", "heap", "pqueue"},
    "deque": {"deque"},
    "stack": {"stack", "lifo", "upmc", "treiber"},
    "ring": {"ring", "ringbuf", "ringbuffer", "buffer", "uring", "circular"},
    "log": {"log", "journal"},
    "queue": {"queue", "fifo", "spsc", "mpsc", "spmc", "mpmc", "msqueue", "q"},
}
_CONCURRENCY = {"spsc": "spsc", "mpsc": "mpsc", "spmc": "spmc", "mpmc": "mpmc", "upmc": "mpmc"}
_CHOICES = {
    "abstract_type": {"map", "set", *_WORDS},
    "concurrency": {"spsc", "mpsc", "spmc", "mpmc"},
    "progress": {"wait_free", "lock_free", "obstruction_free", "blocking"},
}


def read(said: Mapping[str, str], name: str, names: str, forms: Mapping[str, Form]) -> Metadata:
    """Metadata from initialisers (member to C text), completed from its names and its operations' forms."""
    inferred: set[str] = set()
    words = set(re.findall(r"[a-z]+", f"{names} {said.get('description', '')}".lower()))

    def choice(member: str, prefix: str, otherwise: str) -> str:
        text = said.get(member, "").strip().removeprefix(prefix).lower()
        if text in _CHOICES[member]:
            return text
        inferred.add(member)
        return otherwise

    def truth(member: str, otherwise: bool | None) -> bool | None:
        text = said.get(member, "").strip().lower()
        if text in ("1", "true", "0", "false", "1u", "0u"):
            return text in ("1", "true", "1u")
        inferred.add(member)
        return otherwise

    locking = truth("requires_locking", None)
    kind = choice("abstract_type", "DS_TYPE_", _abstract_type(words, forms))
    # A map's capacity is as often its number of buckets as a bound.
    filled = kind not in ("map", "set") and "init" in forms and forms["init"].form == "head_capacity"
    users = next((users for mark, users in _CONCURRENCY.items() if mark in names.lower()), "unknown")
    metadata = Metadata(
        name=said.get("name") or name,
        description=said.get("description", ""),
        requires_locking=locking,
        abstract_type=kind,
        concurrency=choice("concurrency", "DS_", users),
        progress=choice("progress", "DS_", "blocking" if locking else "unknown"),
        bounded=truth("bounded", True if filled else None),
        ordered=truth("ordered", None),
        inferred=frozenset(),
    )
    inferred |= {member for member in ("name", "description") if member not in said}
    return msgspec.structs.replace(metadata, inferred=frozenset(inferred))


def read_tags(source: str) -> Tags:
    """The `@ds_...` comment tags of a header's source."""
    found: dict[str, str] = {}
    complexity: dict[str, str] = {}
    for tag, value in _TAG.findall(source):
        if tag == "complexity":
            operation, _, order = value.partition(" ")
            complexity[operation.rstrip(":")] = order.strip()
        else:
            found[tag] = value
    truths = {"yes": True, "true": True, "no": False, "false": False}
    return Tags(
        type=found.get("type", ""),
        test=found.get("test", ""),
        ordered=truths.get(found.get("ordered", "").lower()),
        allows_duplicates=truths.get(found.get("allows_duplicates", "").lower()),
        complexity={operation: order for operation, order in complexity.items() if order},
    )


def _abstract_type(words: set[str], forms: Mapping[str, Form]) -> str:
    delete = forms.get("delete")
    if "pop" not in forms and delete is not None and delete.form == "head_key":
        return "set" if "set" in words else "map"
    if "pop" in forms or delete is not None:
        for kind, marks in _WORDS.items():
            if marks & words:
                return kind
    return "unknown"
