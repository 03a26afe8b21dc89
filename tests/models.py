# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a structure of each abstract type must answer, one operation after the other."""

from __future__ import annotations

from typing import Protocol

SUCCESS, NOT_FOUND, EXISTS, NOMEM, INVALID, CORRUPT, BUSY, FULL, EMPTY, UNSUPPORTED = range(0, -10, -1)

Answer = tuple[int, int, int]
"""Code, key, value; key and value count only with SUCCESS, and only of operations that give some."""


class Model(Protocol):
    """A structure's content. Each operation takes what was answered, and says what had to be: None if it was right."""

    def insert(self, key: int, value: int, answer: Answer) -> str | None: ...

    def delete(self, key: int, answer: Answer) -> str | None: ...

    def pop(self, answer: Answer) -> str | None: ...

    def search(self, key: int, answer: Answer) -> str | None: ...

    def keys(self) -> list[int]: ...


def _wants(code: int, answer: Answer) -> str | None:
    return None if answer[0] == code else f"wanted code {code}"


class Map:
    """Unique keys with values (a set too: its values are not looked at)."""

    def __init__(self, capacity: int | None) -> None:
        self._capacity = capacity
        self._content: dict[int, int] = {}

    def insert(self, key: int, value: int, answer: Answer) -> str | None:
        """Keeps the value that is there."""
        if key in self._content:
            return _wants(EXISTS, answer)
        if len(self._content) == self._capacity:
            return _wants(FULL, answer)
        self._content[key] = value
        return _wants(SUCCESS, answer)

    def delete(self, key: int, answer: Answer) -> str | None:
        """By key."""
        return _wants(NOT_FOUND if self._content.pop(key, None) is None else SUCCESS, answer)

    def pop(self, answer: Answer) -> str | None:
        """A map has none."""
        return _wants(UNSUPPORTED, answer)

    def search(self, key: int, answer: Answer) -> str | None:
        """Gives the value."""
        if key not in self._content:
            return _wants(NOT_FOUND, answer)
        wrong = _wants(SUCCESS, answer)
        return wrong or (None if answer[2] == self._content[key] else f"wanted value {self._content[key]}")

    def keys(self) -> list[int]:
        """All of them."""
        return list(self._content)


class Taking:
    """What is put in is taken out: `queue`, `ring`, `stack` or `priority_queue`."""

    def __init__(self, kind: str, capacity: int | None) -> None:
        self._kind, self._capacity = kind, capacity
        self._content: list[tuple[int, int]] = []  # the oldest first

    def insert(self, key: int, value: int, answer: Answer) -> str | None:
        """Keys may be equal."""
        if len(self._content) == self._capacity:
            return _wants(FULL, answer)
        self._content.append((key, value))
        return _wants(SUCCESS, answer)

    def delete(self, key: int, answer: Answer) -> str | None:
        """Where there is one it takes whichever is next, as pop does."""
        return self.pop(answer)

    def pop(self, answer: Answer) -> str | None:
        """The oldest, the newest, or one of the smallest key."""
        if not self._content:
            return None if answer[0] in (EMPTY, NOT_FOUND) else "wanted EMPTY"
        may = self._content[-1:] if self._kind == "stack" else self._content[:1]
        if self._kind == "priority_queue":
            smallest = min(key for key, _ in self._content)
            may = [each for each in self._content if each[0] == smallest]
        if answer[0] != SUCCESS or answer[1:] not in may:
            return f"wanted {may[0]}"
        at = len(self._content) - 1 if self._kind == "stack" else self._content.index(answer[1:])
        del self._content[at]
        return None

    def search(self, key: int, answer: Answer) -> str | None:
        """Whether the key is in."""
        return _wants(SUCCESS if any(key == each for each, _ in self._content) else NOT_FOUND, answer)

    def keys(self) -> list[int]:
        """All of them."""
        return [key for key, _ in self._content]


def of(abstract_type: str, capacity: int | None) -> Model:
    """The model for an abstract type; `capacity` is None without a bound. Raises KeyError where there is none."""
    if abstract_type in ("map", "set"):
        return Map(capacity)
    if abstract_type in ("queue", "ring", "stack", "priority_queue"):
        return Taking(abstract_type, capacity)
    raise KeyError(f"no model of the abstract type {abstract_type!r} in {__name__}.py")
