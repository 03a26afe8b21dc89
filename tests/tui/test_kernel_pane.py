# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Kernel pane: what is asked of the session and when, what is shown, and what can be done."""

from __future__ import annotations

import json
from pathlib import Path

import canned
import canned_kernel
import pytest
from canned import crashed, finished, running, snapshot, started
from stage import NARROW, Stage, played, stage
from textual.widgets import Static

from workbench.errors import EngineError
from workbench.kernel_info import KernelInfo
from workbench.session import Problem
from workbench.tui.screens import kernel
from workbench.tui.screens.kernel import KernelPane
from workbench.tui.screens.verifier import VerifierScreen
from workbench.tui.widgets.log_view import LogView
from workbench.tui.widgets.rows import Rows

NO_ROOT = "BPF needs root"


def pane(on: Stage) -> KernelPane:
    found = on.app.pane
    assert isinstance(found, KernelPane)
    return found


def text(on: Stage, part: str) -> str:
    """What a part of the pane says; "" while it is not shown."""
    widget = pane(on).query_one(f"#kernel-{part}")
    if not widget.display or not all(one.display for one in widget.ancestors if isinstance(one, Static)):
        return ""
    if isinstance(widget, Rows):
        return widget.render().plain
    return str(pane(on).query_one(f"#kernel-{part}", Static).visual)


def lower(on: Stage, part: str) -> str:
    return str(pane(on).query_one(f"#kernel-{part}-text", Static).visual)


def asked(on: Stage) -> list[bool]:
    """What the session was asked for: with counting or without."""
    return [call[1] for call in on.calls if call[0] == "kernel"]


# What is asked


@played
async def test_it_asks_once_a_second_while_it_is_in_view_and_no_longer(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "EVERY_S", 0.02)
    async with stage(home) as on:
        await on.run(running())
        assert asked(on) == []
        await on.press("6")
        while len(asked(on)) < 3:
            await on.pilot.pause(0.01)
        assert all(asked(on))
        await on.press("1")
        assert asked(on)[-1] is False
        before = len(asked(on))
        await on.pilot.pause(0.1)
        assert len(asked(on)) == before


@played
async def test_looking_again_asks_at_once(home: Path) -> None:
    async with stage(home) as on:
        await on.run(running())
        await on.press("6", "1", "6")
        assert asked(on) == [True, False, True]


@played
async def test_nobody_is_asked_without_programs(home: Path) -> None:
    async with stage(home) as on:
        await on.press("6", "1", "6")
        assert on.services.sessions == []
        await on.run([started(backend="native", reason=NO_ROOT), snapshot()])
        assert asked(on) == []


@played
async def test_a_run_that_begins_while_it_is_in_view_is_asked_about_at_once(home: Path) -> None:
    async with stage(home) as on:
        await on.press("6")
        await on.run([started()])
        assert asked(on) == [True]


@played
async def test_a_dead_engine_is_not_asked(home: Path) -> None:
    async with stage(home) as on:
        await on.run(crashed())
        await on.press("6")
        assert asked(on) == []


# What is shown


@played
async def test_programs_are_shown_with_their_figures(home: Path) -> None:
    async with stage(home) as on:
        await on.run([*running(), canned_kernel.info()])
        await on.press("6")
        rows = text(on, "programs")
        for words in ("trace_syscall", "tracepoint", "execve", "2,880", "1.9µ", "7,593", "707"):
            assert words in rows
        assert "counting runs" in str(pane(on).query_one("#kernel-programs").border_subtitle)


@played
async def test_the_program_under_the_cursor_is_shown_in_full(home: Path) -> None:
    async with stage(home) as on:
        await on.run([*running(), canned_kernel.info()])
        await on.press("6")
        assert "one operation, when the engine asks" in lower(on, "detail")
        await on.press("down", "down")
        assert "sys_enter_execve (cookie 0, link 180)" in lower(on, "detail")
        await on.happen([canned_kernel.info(8.0)])
        assert "3,200" in lower(on, "detail")


@played
async def test_a_click_looks_at_a_program(home: Path) -> None:
    async with stage(home) as on:
        await on.run([*running(), canned_kernel.info()])
        await on.press("6")
        await on.pilot.click("#kernel-programs", offset=(6, 5))
        await on.settle()
        assert pane(on).query_one("#kernel-detail").border_title == "populate"


@played
async def test_maps_are_shown_with_their_sizes(home: Path) -> None:
    async with stage(home) as on:
        await on.run([*running(), canned_kernel.info()])
        await on.press("6")
        assert "557,056 × 8 B" in lower(on, "maps")
        assert "1.6 MiB" in lower(on, "maps")  # 412 pages of the arena


@played
async def test_a_trigger_that_cannot_be_attached_says_why(home: Path) -> None:
    async with stage(home) as on:
        await on.run([*running(), canned_kernel.info(on=["execve", "openat"], cannot=["openat"])])
        await on.press("6")
        assert "✗ not attached" in text(on, "triggers")
        assert "sys_enter_openat cannot be attached: EPERM" in text(on, "problems")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (None, "has no BPF streams"),
        ("", "nothing reported"),
        (canned_kernel.FAULT, "Arena WRITE access at unmapped address 0x100000abc000"),
        (canned_kernel.FAULT, "ds_list.h:118  node->value = value;"),
        (canned_kernel.FAULT * 3, "× 3"),
    ],
)
@played
async def test_reports_of_the_kernel_are_shown_or_why_there_are_none(home: Path, said: str | None, words: str) -> None:
    async with stage(home) as on:
        await on.run([*running(), canned_kernel.info(said=said)])
        await on.press("6")
        assert words in lower(on, "reports")
        assert pane(on).query_one("#kernel-reports").has_class("-faults") is bool(said)


@played
async def test_nothing_loaded_says_why(home: Path) -> None:
    async with stage(home) as on:
        await on.press("6")
        assert "Start a run" in text(on, "words")
        await on.run([started(backend="native", reason=NO_ROOT), snapshot()])
        assert NO_ROOT in text(on, "words")
        await on.run([Problem("The structure does not build", "ds_list.h:12: refused", "build")])
        assert "ds_list.h:12: refused" in text(on, "words")
        await on.run([started()])
        assert "asking the kernel" in text(on, "words")


@played
async def test_the_end_of_a_run_leaves_the_programs_in_view(home: Path) -> None:
    async with stage(home) as on:
        await on.run([*finished(), canned_kernel.info(12.0, over=True)])
        await on.press("6")
        assert "The run is over" in text(on, "banner")
        assert "trace_syscall" in text(on, "programs")
        assert "run is over" in text(on, "triggers")


@played
async def test_a_crash_leaves_what_was_last_known_and_says_so(home: Path) -> None:
    async with stage(home) as on:
        await on.run([*running(), canned_kernel.info()])
        await on.press("6")
        await on.happen([crashed()[-1]])
        assert "what was last known" in text(on, "banner")
        assert "2,880" in text(on, "programs")
        assert "attached  " not in text(on, "triggers")


@played
async def test_a_held_display_stands_still(home: Path) -> None:
    async with stage(home) as on:
        await on.run([*running(), canned_kernel.info(7.2)])
        await on.press("6", "p")
        await on.happen([canned_kernel.info(9.0)])
        assert "2,880" in text(on, "programs")
        await on.press("p")
        assert "3,600" in text(on, "programs")


@played
async def test_a_new_run_forgets_the_last_ones_programs(home: Path) -> None:
    async with stage(home) as on:
        await on.run([*finished(), canned_kernel.info(12.0, over=True)])
        await on.press("6")
        await on.run([started()])
        assert text(on, "words")
        assert not pane(on).query_one("#kernel-shown").display


# What can be done


@pytest.mark.parametrize("key", ["enter", "space"])
@played
async def test_a_key_switches_a_trigger(home: Path, key: str) -> None:
    async with stage(home) as on:
        await on.run([*running(), canned_kernel.info()])
        await on.press("6", "t", "down", "down", key)
        assert ("trigger", "openat", True) in on.calls
        await on.press("up", "up", key)
        assert ("trigger", "execve", False) in on.calls
        assert ("stop",) not in on.calls


@played
async def test_a_click_switches_a_trigger(home: Path) -> None:
    async with stage(home) as on:
        await on.run([*running(), canned_kernel.info()])
        await on.press("6")
        await on.pilot.click("#kernel-triggers", offset=(4, 4))
        await on.settle()
        assert ("trigger", "write", True) in on.calls


@played
async def test_triggers_are_not_switched_once_the_run_is_over(home: Path) -> None:
    async with stage(home) as on:
        await on.run([*finished(), canned_kernel.info(12.0, over=True)])
        await on.press("6", "t", "enter")
        assert not [call for call in on.calls if call[0] == "trigger"]


@played
async def test_space_stops_the_run_from_the_programs(home: Path) -> None:
    async with stage(home) as on:
        await on.run([*running(), canned_kernel.info()])
        await on.press("6", "space")
        assert ("stop",) in on.calls


@played
async def test_a_narrow_terminal_shows_one_lower_panel_at_a_time(home: Path) -> None:
    async with stage(home, NARROW) as on:
        await on.run([*running(), canned_kernel.info()])
        await on.press("6")
        shown = [name for name in ("detail", "maps", "reports") if _visible(on, name)]
        assert shown == ["detail"]
        await on.press("m")
        assert [name for name in ("detail", "maps", "reports") if _visible(on, name)] == ["maps"]
        await on.press("m")
        assert [name for name in ("detail", "maps", "reports") if _visible(on, name)] == ["reports"]


def _visible(on: Stage, name: str) -> bool:
    widget = pane(on).query_one(f"#kernel-{name}")
    return widget.region.height > 0 and widget.is_on_screen and widget.display


@played
async def test_it_can_be_exported_as_json(home: Path) -> None:
    async with stage(home) as on:
        await on.run([*running(), canned_kernel.info()])
        await on.press("6")
        (offer,) = [offer for offer in pane(on).offers() if offer.suffix == ".json"]
        on.app.export(offer)
        (written,) = home.glob("arena-workbench-kernel-*.json")
        assert json.loads(written.read_text())["programs"][2]["name"] == "trace_syscall"


# The verifier's log


async def opened(on: Stage, info: KernelInfo | None = None) -> VerifierScreen:
    await on.run([*running(), info or canned_kernel.info()])
    await on.press("6", "down", "l")
    screen = on.app.screen
    assert isinstance(screen, VerifierScreen)
    return screen


@played
async def test_the_log_of_the_program_under_the_cursor_opens(home: Path) -> None:
    async with stage(home) as on:
        screen = await opened(on)
        assert "batch_operations" in str(screen.query_one("#verifier").border_title)
        assert "4,001 lines" in str(screen.query_one("#verifier").border_title)
        assert ".verifier.log" in str(screen.query_one("#verifier-words", Static).visual)
        await on.press("escape")
        assert on.app.screen is on.app.main


@played
async def test_enter_opens_it_as_well(home: Path) -> None:
    async with stage(home) as on:
        await on.run([*running(), canned_kernel.info()])
        await on.press("6", "enter")
        assert isinstance(on.app.screen, VerifierScreen)


@played
async def test_words_are_searched_in_it(home: Path) -> None:
    async with stage(home) as on:
        screen = await opened(on)
        view = screen.query_one(LogView)
        await on.press("slash", *"safe", "enter")
        assert view.mark == 9
        await on.press("n", "n")
        assert view.mark == 29
        await on.press("N")
        assert view.mark == 19
        await on.press("slash", *"nowhere", "enter")
        assert "is not there" in str(screen.query_one("#verifier-words", Static).visual)
        await on.press("slash", "escape")
        assert isinstance(on.app.screen, VerifierScreen)


@played
async def test_only_lines_in_view_are_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(home) as on:
        screen = await opened(on)
        read: set[int] = set()
        line = screen._log.line

        def counted(number: int) -> str:
            read.add(number)
            return line(number)

        monkeypatch.setattr(screen._log, "line", counted)
        await on.press("G")
        assert screen.query_one(LogView).scroll_offset.y > 3900
        assert 0 < len(read) < 120
        await on.press("g")
        assert screen.query_one(LogView).scroll_offset.y == 0


@played
async def test_a_log_that_was_read_can_be_exported(home: Path) -> None:
    async with stage(home) as on:
        await opened(on)
        await on.press("escape")
        (offer,) = [offer for offer in pane(on).offers() if offer.suffix == ".txt"]
        assert "processed 13593 insns" in offer.text()


@played
async def test_why_there_is_no_log_is_told(home: Path) -> None:
    services = canned.FakeServices()
    services.log_error = EngineError("no verifier log of populate: out of memory")
    async with stage(home, services=services) as on:
        await on.run([*running(), canned_kernel.info()])
        await on.press("6", "l")
        assert on.app.screen is on.app.main
        assert "no verifier log of populate" in on.log
        services.log_error = None
        await on.press("l")
        assert isinstance(on.app.screen, VerifierScreen)
