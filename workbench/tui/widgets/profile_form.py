# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The form for the profile: a line a field, edited in its place and checked at each key typed."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.profiles import Profile
from workbench.tui import form_fields
from workbench.tui.form_fields import FORM, Field, Section
from workbench.tui.line_editor import Line

_LABEL = 11
_FOOT = 3


class ProfileForm(ScrollView, can_focus=True):
    """All fields in sections; help or what is wrong stands in the last lines."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "form--section",
        "form--label",
        "form--value",
        "form--changed",
        "form--cursor",
        "form--edit",
        "form--wrong",
        "form--help",
    }
    DEFAULT_CSS = """
    ProfileForm {
        border: round $foreground 30%;
        background: $surface;
        &:focus { border: round $border; }
        & > .form--section { color: $text-muted; text-style: bold; }
        & > .form--label { color: $foreground; }
        & > .form--value { color: $foreground; text-style: bold; }
        & > .form--changed { color: $text-warning; text-style: bold; }
        & > .form--cursor { text-style: reverse; }
        & > .form--edit { text-style: underline; background: $panel; }
        & > .form--wrong { color: $text-error; text-style: bold; }
        & > .form--help { color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "move(-8)", "Page up", show=False),
        Binding("pagedown", "move(8)", "Page down", show=False),
        Binding("home", "move(-1000)", "First", show=False),
        Binding("end", "move(1000)", "Last", show=False),
        Binding("enter", "change", "Edit"),
        Binding("space", "switch(1)", "Switch", show=False),
        Binding("right", "switch(1)", "Next", show=False),
        Binding("left", "switch(-1)", "Previous", show=False),
    ]

    class Changed(Message):
        """A field was given a value that the profile can have."""

        def __init__(self, field: Field, value: object) -> None:
            super().__init__()
            self.field = field
            self.value = value

    def __init__(self) -> None:
        super().__init__(id="form")
        self._profile = Profile()
        self._saved = Profile()
        self._lines: list[Section | Field] = []
        self._at = 1
        self._edited: Line | None = None
        self._wrong = ""

    # What is shown

    def show(self, profile: Profile, saved: Profile, name: str) -> None:
        """Show a profile; what differs from `saved` is marked, and so is the title."""
        self.border_title = f"Profile  {name}{' * modified' if profile != saved else ''}"
        here = self.field
        self._profile, self._saved = profile, saved
        self._lines = []
        for section in FORM:
            self._lines += [section, *(field for field in section.fields if field.shown(profile))]
        if here in self._lines:
            self._at = self._lines.index(here)
        self._at = min(self._at, len(self._lines) - 1)
        self.virtual_size = Size(0, len(self._lines) + _FOOT)
        self.refresh()

    @property
    def field(self) -> Field | None:
        """The field under the cursor."""
        line = self._lines[self._at] if self._at < len(self._lines) else None
        return line if isinstance(line, Field) else None

    @property
    def editing(self) -> bool:
        """A value is being typed."""
        return self._edited is not None

    @property
    def lines(self) -> list[str]:
        """The text in view, for tests."""
        return [self.render_line(y).text.rstrip() for y in range(self.scrollable_content_region.height)]

    # Drawing

    def render_line(self, y: int) -> Strip:
        """One line of the viewport; the last ones are for help."""
        region = self.scrollable_content_region
        width, height = region.width, region.height
        if y >= height - _FOOT:
            return self._foot(y - (height - _FOOT), width)
        index = y + self.scroll_offset.y
        if index >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[index]
        if isinstance(line, Section):
            title = f"{line.title} ".ljust(width, "─")
            return Strip([Segment(title[:width], self.get_component_rich_style("form--section"))], width)
        return self._field(line, width, under=index == self._at and self.has_focus)

    def _field(self, field: Field, width: int, *, under: bool) -> Strip:
        label, plain = f" {field.label:<{_LABEL}}", self.get_component_rich_style("form--label")
        room = width - len(label)
        if under and self._edited is not None:
            return Strip([Segment(label, plain), *self._editor(self._edited, room)], width).adjust_cell_length(width)
        changed = form_fields.value(self._profile, field) != form_fields.value(self._saved, field)
        style = self.get_component_rich_style("form--changed" if changed else "form--value")
        if under:
            cursor = self.get_component_rich_style("form--cursor", partial=True)
            plain, style = plain + cursor, style + cursor
        value = form_fields.shown(self._profile, field)
        if field.kind == "choice" and under:
            value = f"‹ {value} ›"
        mark = "*" if changed else " "
        return Strip([Segment(label, plain), Segment(f"{value[: room - 1]:<{room - 1}}{mark}", style)], width)

    def _editor(self, line: Line, room: int) -> list[Segment]:
        style = self.get_component_rich_style("form--edit")
        if self._wrong:
            style += self.get_component_rich_style("form--wrong", partial=True)
        cursor = style + self.get_component_rich_style("form--cursor", partial=True)
        start = max(0, line.cursor - room + 2)
        text = f"{line.text} "[start : start + room].ljust(room)
        at = line.cursor - start
        return [Segment(text[:at], style), Segment(text[at], cursor), Segment(text[at + 1 :], style)]

    def _foot(self, row: int, width: int) -> Strip:
        if self._wrong:
            words, name = f"✗ {self._wrong}", "form--wrong"
        else:
            words, name = (self.field.help if self.field and self.has_focus else ""), "form--help"
        lines = textwrap.wrap(words, max(10, width - 2), max_lines=_FOOT, placeholder=" …")
        text = f" {lines[row]}" if row < len(lines) else ""
        return Strip([Segment(text.ljust(width)[:width], self.get_component_rich_style(name))], width)

    # Moving and switching

    def action_label(self, action: str) -> str | None:
        """The footer's word for Enter."""
        if action != "change" or self.field is None:
            return None
        return "Take · esc leave" if self.editing else "Edit" if self.field.typed else "Switch"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Space is for fields that are switched; elsewhere it keeps its meaning for the whole app."""
        if action == "switch":
            return self.field is not None and not self.field.typed and not self.editing
        return True

    def action_move(self, by: int) -> None:
        """To another field; headings are passed over."""
        step = 1 if by > 0 else -1
        at = self._at
        for _ in range(abs(by)):
            following = at + step
            while 0 <= following < len(self._lines) and isinstance(self._lines[following], Section):
                following += step
            if not 0 <= following < len(self._lines):
                break
            at = following
        self._go(at)

    def _go(self, at: int) -> None:
        self._at = at
        seen = self.scrollable_content_region.height - _FOOT
        top = self.scroll_offset.y
        first = 0 if at <= 1 else at
        if first < top:
            self.scroll_to(y=first, animate=False)
        elif at >= top + seen:
            self.scroll_to(y=at - seen + 1, animate=False)
        self.refresh()
        self.refresh_bindings()

    def action_change(self) -> None:
        """Switch a field, or begin to type its value."""
        field = self.field
        if field is None:
            return
        if not field.typed:
            self.action_switch(1)
            return
        self._edited, self._wrong = Line.of(form_fields.text(self._profile, field)), ""
        self.refresh()
        self.refresh_bindings()

    def action_switch(self, by: int) -> None:
        """The next value."""
        field = self.field
        if field is None or field.typed:
            return
        now = form_fields.value(self._profile, field)
        following = form_fields.following(field, now, by)
        self._wrong = form_fields.problem(self._profile, field, following)
        if not self._wrong:
            self.post_message(self.Changed(field, following))
        self.refresh()

    # Typing

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """While a value is typed, characters are the form's."""
        return self.editing and character is not None and character.isprintable()

    async def _on_key(self, event: events.Key) -> None:
        if self._edited is None:
            return
        line = self._edited.pressed(event.key)
        if event.key == "escape":
            self._leave()
        elif event.key in ("enter", "tab", "down", "up"):
            self._enter(event.key)
        elif line is not None:
            self._type(line)
        elif event.is_printable and event.character:
            self._type(self._edited.typed(event.character))
        else:
            return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted is typed."""
        if self._edited is not None:
            self._type(self._edited.typed(" ".join(event.text.split())))
            event.stop()

    def _type(self, line: Line) -> None:
        field = self.field
        assert field is not None
        self._edited = line
        self._wrong = form_fields.problem(self._profile, field, form_fields.read(field, line.text))
        self.refresh()

    def _enter(self, key: str) -> None:
        """Take what was typed, unless it is wrong; an arrow goes on to the next field."""
        field, line = self.field, self._edited
        assert field is not None
        assert line is not None
        value = form_fields.read(field, line.text)
        self._wrong = form_fields.problem(self._profile, field, value)
        if self._wrong:
            self.refresh()
            return
        self._leave()
        self.post_message(self.Changed(field, value))
        if key in ("up", "down"):
            self.action_move(1 if key == "down" else -1)

    def _leave(self) -> None:
        self._edited, self._wrong = None, ""
        self.refresh()
        self.refresh_bindings()

    # The mouse

    def on_click(self, event: events.Click) -> None:
        """Go to a field; switch it, or type its value."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y >= self.scrollable_content_region.height - _FOOT:
            return
        at = offset.y + self.scroll_offset.y
        if at < len(self._lines) and isinstance(self._lines[at], Field):
            self._leave()
            self._go(at)
            if offset.x > _LABEL:
                self.action_change()

    def on_focus(self) -> None:
        """The cursor shows only with the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """What was being typed and not entered is not taken."""
        self._leave()
