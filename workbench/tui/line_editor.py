# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Editing one line of text with the keys that people expect; no widget, so that a form's row can be one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A text and where the cursor stands in it."""

    text: str
    cursor: int

    @classmethod
    def of(cls, text: str) -> Line:
        """A text, the cursor at its end."""
        return cls(text, len(text))

    def typed(self, characters: str) -> Line:
        """With characters put in at the cursor."""
        text = self.text[: self.cursor] + characters + self.text[self.cursor :]
        return Line(text, self.cursor + len(characters))

    def pressed(self, key: str) -> Line | None:
        """After an editing key; None for a key that edits nothing."""
        text, at = self.text, self.cursor
        match key:
            case "left":
                return Line(text, max(0, at - 1))
            case "right":
                return Line(text, min(len(text), at + 1))
            case "home" | "ctrl+a":
                return Line(text, 0)
            case "end" | "ctrl+e":
                return Line.of(text)
            case "backspace" | "ctrl+h":
                return Line(text[: max(0, at - 1)] + text[at:], max(0, at - 1))
            case "delete" | "ctrl+d":
                return Line(text[:at] + text[at + 1 :], at)
            case "ctrl+u":
                return Line(text[at:], 0)
            case "ctrl+k":
                return Line(text[:at], at)
            case "ctrl+w":
                kept = text[:at].rstrip()
                kept = kept[: kept.rfind(" ") + 1]
                return Line(kept + text[at:], len(kept))
        return None
