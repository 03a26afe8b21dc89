# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The structures that were found: which is chosen, which are built, which are broken; and a line to open another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

if TYPE_CHECKING:
    from workbench.structures import Surveyed

OPEN = "open a header…"
_BUILT = {"": " ", "building": "◌", "built": "✓", "failed": "✗"}


class StructureList(OptionList):
    """A line a header. Highlighting one tells about it, Enter makes it the profile's."""

    DEFAULT_CSS = """
    StructureList {
        border: round $foreground 30%; background: $surface; padding: 0; height: auto; max-height: 12; min-height: 5;
        border-subtitle-color: $text-muted;
        &:focus { border: round $border; }
        & > .option-list--option { padding: 0 1 0 0; }
    }
    """

    class Looked(Message):
        """The highlight came to a header, or to None: the line that opens another."""

        def __init__(self, found: Surveyed | None) -> None:
            super().__init__()
            self.found = found

    class Picked(Message):
        """A header, or the line that opens another, was chosen."""

        def __init__(self, found: Surveyed | None) -> None:
            super().__init__()
            self.found = found

    def __init__(self) -> None:
        super().__init__(id="structures", markup=False)
        self.border_title = "Structures"
        self._found: list[Surveyed] = []

    def show(self, found: Sequence[Surveyed], chosen: str, built: Mapping[str, str]) -> None:
        """Show what was found; `chosen` is the profile's reference, `built` the state of builds by header path."""
        at = self.highlighted
        prompts = [_line(one, _is_chosen(one, chosen), built.get(str(one.path), "")) for one in found]
        prompts.append(Content.assemble("  + ", (OPEN, "italic")))
        if [one.path for one in found] == [one.path for one in self._found] and self.option_count == len(prompts):
            for index, prompt in enumerate(prompts):
                self.replace_option_prompt_at_index(index, prompt)
        else:
            self.set_options([Option(prompt) for prompt in prompts])
            at = next((index for index, one in enumerate(found) if _is_chosen(one, chosen)), 0)
        self._found = list(found)
        self.highlighted = at

    def waiting(self) -> None:
        """Say that headers are being looked for."""
        self.set_options([Option(Content.styled("  looking for headers…", "$text-muted"), disabled=True)])

    @property
    def looked_at(self) -> Surveyed | None:
        """The header under the highlight."""
        at = self.highlighted
        return self._found[at] if at is not None and at < len(self._found) else None

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Tell which header is looked at."""
        event.stop()
        if self._found:
            self.post_message(self.Looked(self.looked_at))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tell which header was chosen."""
        event.stop()
        self.post_message(self.Picked(self.looked_at))


def _is_chosen(one: Surveyed, reference: str) -> bool:
    return reference in (one.name, str(one.path))


def _line(one: Surveyed, chosen: bool, built: str) -> Content:
    mark = "▸" if chosen else " "
    name = (f"{one.name:<10.10}", "bold" if chosen else "")
    if one.structure is None:
        return Content.assemble(f"{mark} ", name, (" ✗ broken", "$text-error"))
    about = one.structure.metadata
    kind = about.abstract_type.replace("priority_queue", "prio").replace("unknown", "?")
    locking = {"lock_free": "lock-free", "wait_free": "wait-free", "blocking": "locked"}.get(about.progress, "")
    return Content.assemble(f"{mark} ", name, (f" {kind:<5} {locking:<9}", "$text-muted"), (_BUILT[built], "bold"))
