# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What Pages and Links have in common: asking the arena in a worker thread, one question at a time, live or frozen.

A question is asked for each new state of the run while the pane is in view, and when the person moves. What is wanted
while an answer is under way is asked once that is there, so keys never wait and questions never queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import work
from textual.message import Message

from workbench.errors import WorkbenchError
from workbench.tui.look import Look
from workbench.tui.panes import Pane
from workbench.tui.run_state import Phase, RunState

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

_COOLING_S = 0.25
_COOLING = 8  # questions after the end of a run, until what changed last is no more new


class LookingPane(Pane):
    """Subclasses make the question, answer it in a worker thread, and show the answer."""

    if TYPE_CHECKING:
        app: WorkbenchApp

    class Answered(Message):
        """An answer came; `answer` is a WorkbenchError where there is none."""

        def __init__(self, look: Look, answer: Any) -> None:
            super().__init__()
            self.look = look
            self.answer = answer

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.frozen = False
        self.look: Look | None = None
        self.asked = 0
        self._run_shown = RunState()
        self._in_view = False
        self._asking = False
        self._again = False
        self._fresh = False
        self._cooling = 0

    # To be given by the pane

    def question(self, *, fresh: bool) -> Any:
        """What is wanted now."""
        raise NotImplementedError

    def answer(self, look: Look, question: Any) -> Any:
        """In a worker thread: ask."""
        raise NotImplementedError

    def show_answer(self, answer: Any) -> None:
        """Show what came."""
        raise NotImplementedError

    def say(self, words: str) -> None:
        """There is nothing to look into: say why."""
        raise NotImplementedError

    @property
    def ready(self) -> bool:
        """Whether it is known how much room there is."""
        raise NotImplementedError

    def new_arena(self) -> None:
        """Another run's arena: what was known is no longer true."""

    def entitle(self) -> None:
        """Live or frozen changed, or the run's phase did."""

    # The run

    @property
    def held(self) -> bool:
        """Whether the display stands still, here or everywhere."""
        return self.frozen or self.app.paused

    def show_run(self, run: RunState) -> None:
        """A new state of the run: look again, unless frozen."""
        changed = run.phase is not self._run_shown.phase
        self._run_shown, self._in_view = run, True
        inspection = self.app.session.inspect() if run.live or run.ended else None
        look = self.app.services.look(inspection) if inspection is not None else None
        if look is not self.look:
            self.look, self._again, self._asking = look, False, False
            self.new_arena()
        if changed:
            self._cooling = _COOLING if run.ended else 0
            self.entitle()
        if look is None:
            self.say(_why_not(run))
        elif not self.frozen or changed:
            self.ask(fresh=True)

    def leave(self) -> None:
        """Out of view: nothing more is asked."""
        self._in_view = self._again = False

    def ask(self, *, fresh: bool | None = None) -> None:
        """Ask, or where an answer is under way, afterwards."""
        if self.look is None or not self._in_view or not self.ready:
            return
        self._fresh |= not self.held if fresh is None else fresh
        if self._asking:
            self._again = True
            return
        self._asking, self._again = True, False
        fresh, self._fresh = self._fresh, False
        self.asked += 1
        self._ask(self.look, self.question(fresh=fresh))

    @work(thread=True, group="looking")
    def _ask(self, look: Look, question: Any) -> None:
        try:
            answer = self.answer(look, question)
        except WorkbenchError as error:
            answer = error
        self.post_message(self.Answered(look, answer))

    def on_looking_pane_answered(self, event: Answered) -> None:
        """Show an answer, unless the arena is another one by now; then ask what was wanted meanwhile."""
        if event.look is not self.look:
            return
        self._asking = False
        if isinstance(event.answer, WorkbenchError):
            self.say(str(event.answer))
        elif event.answer is None:
            self.say("The arena cannot be read: it is not laid out yet, or its header is damaged.")
        else:
            self.show_answer(event.answer)
        if self._again:
            self.ask(fresh=False)
        elif self._cooling and self._in_view and not self.held:
            self._cooling -= 1
            self.set_timer(_COOLING_S, self.ask)

    def action_freeze(self) -> None:
        """Hold this pane still, or let it go on."""
        self.frozen = not self.frozen
        self.set_class(self.frozen, "-frozen")
        self.entitle()
        self.refresh_bindings()
        if not self.frozen:
            self.ask(fresh=True)


def _why_not(run: RunState) -> str:
    if run.phase is Phase.BUILDING:
        return f"◌ {run.step or 'starting'}…"
    if run.phase is Phase.FAILED:
        return "The run did not start, so there is no arena. What was wrong stands on the Run tab (1)."
    return "No arena yet. Start a run (space); when it is over, its arena stays to be looked into."
