# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The shell: tabs, footer, help, palette, pause, exports, keymap, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import canned
import pytest
from canned import crashed, finished, running, snapshot
from stage import NARROW, WIDE, played, stage
from textual.widgets import Input, OptionList

from workbench.session import Event, Problem
from workbench.tui import app as app_module
from workbench.tui import palette
from workbench.tui.app import WorkbenchApp
from workbench.tui.screens.help import HelpScreen
from workbench.tui.widgets.key_bar import MOST
from workbench.tui.widgets.tab_line import TabLine
from workbench.tui.widgets.too_small import TooSmall

STATES: dict[str, list[Event]] = {
    "empty": [],
    "running": running(),
    "finished": finished(),
    "crashed": crashed(),
    "not started": [Problem("It does not build", "ds_x.h:1:1: error", "build")],
}


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("state", STATES)
@played
async def test_the_footer_has_at_most_eight_keys_that_fit_and_help_among_them(
    home: Path, state: str, size: tuple[int, int]
) -> None:
    async with stage(home, size) as on:
        if STATES[state]:
            await on.run(STATES[state])
        assert 0 < len(on.keys) <= MOST
        assert sum(len(label) + 2 for label in on.keys) <= size[0]
        assert "? Help" in on.keys


@played
async def test_the_footer_follows_the_state(home: Path) -> None:
    async with stage(home) as on:
        assert "space Start" in on.keys
        await on.run(running())
        assert {"space Stop", "p Pause", "k Kernel burst", "v Verify"} <= set(on.keys)
        await on.happen(finished()[-1:])
        assert {"space Start", "r Same seed", "t Report"} <= set(on.keys)
        assert "k Kernel burst" not in on.keys


@played
async def test_a_burst_is_offered_only_where_there_is_a_kernel_side(home: Path) -> None:
    async with stage(home) as on:
        await on.run([canned.started(backend="native", reason="not root"), snapshot(kernel=0, triggers=())])
        assert "k Kernel burst" not in on.keys
        await on.press("k")
        assert ("burst", 1000) not in on.calls
        assert "native" in on.title


@played
async def test_tabs_open_by_key_and_by_click(home: Path) -> None:
    async with stage(home) as on:
        await on.press("7")
        assert on.app.pane.id == "log"
        await on.pilot.click(TabLine, offset=(2, 0))
        await on.settle()
        assert on.app.pane.id == "run"


@played
async def test_a_key_in_the_footer_can_be_clicked(home: Path) -> None:
    async with stage(home) as on:
        await on.pilot.click("#keys", offset=(2, 0))
        await on.settle()
        assert on.calls[0][0] == "start"


@played
async def test_help_tells_every_key_of_the_screen_in_view(home: Path) -> None:
    async with stage(home) as on:
        await on.press("question_mark")
        assert isinstance(on.app.screen, HelpScreen)
        text = " ".join(on.app.screen.text.plain.split())
        for binding in on.app.known_bindings().values():
            if (binding.id or "").split(".")[0] in ("app", "run"):
                assert binding.tooltip
                assert binding.tooltip in text
        await on.press("escape")
        assert not isinstance(on.app.screen, HelpScreen)


@played
async def test_the_palette_has_every_action_that_makes_sense_now(home: Path) -> None:
    async with stage(home) as on:
        await on.run(running())
        titles = [command.title for command in palette.commands(on.app)]
        assert {"Stop", "Pause", "Kernel burst", "Verify", "Export", "Quit", "Theme", "Go to Log"} <= set(titles)
        assert "Trigger execve: switch off" in titles
        assert "Same seed" not in titles


@played
async def test_pausing_holds_the_display_while_counting_goes_on(home: Path) -> None:
    async with stage(home) as on:
        await on.run(running(7.0))
        before = on.lanes.lines
        await on.press("p")
        assert "PAUSED" in on.title
        await on.happen([snapshot(9.0)])
        assert on.lanes.lines == before
        assert "00:07.0" in on.title
        await on.press("p")
        assert "PAUSED" not in on.title
        assert "00:09.0" in on.title
        assert on.lanes.lines != before
        assert [point.at_s for point in on.app.shown.history][-1] == 9.0


@played
async def test_events_that_arrive_together_are_one_message(home: Path) -> None:
    async with stage(home) as on:
        await on.press("space")
        drawn = on.lanes.rows_rendered
        for event in running(7.2, user=2, kernel=0, triggers=()):
            on.app.publish(event)
        await on.settle()
        assert on.lanes.rows_rendered - drawn <= 2 * 3 * 2  # two lanes and the totals, and once more for the layout


@played
async def test_a_terminal_that_is_too_small_says_so_and_how_large_it_must_be(home: Path) -> None:
    async with stage(home, (79, 24)) as on:
        cover = on.app.main.query_one(TooSmall)
        assert cover.display
        assert "80 × 24" in cover.render()
        await on.pilot.resize_terminal(80, 24)
        await on.settle()
        assert not cover.display


@played
async def test_every_state_can_be_exported_and_it_is_said_where_to(home: Path) -> None:
    async with stage(home) as on:
        await on.run(finished())
        await on.press("e", "down", "enter")
        for offer in (offer for offer in on.app.offers() if (offer.name, offer.suffix) != ("snapshot", ".json")):
            on.app.export(offer)
        files = {path.name.split("-")[2] + path.suffix: path for path in home.glob("arena-workbench-*")}
        assert set(files) == {
            *("screen.svg", "snapshot.json", "snapshot.csv", "profile.toml"),
            *("report.txt", "report.json", "report.csv"),
        }
        assert files["screen.svg"].read_text().startswith("<svg")
        assert json.loads(files["snapshot.json"].read_text())["elements"] == 1343
        rows = files["snapshot.csv"].read_text().splitlines()
        assert len(rows) == 1 + 4 + 1
        assert "TEST STATISTICS" in files["report.txt"].read_text()
        assert all(str(path) in on.log for path in files.values())


@played
async def test_exports_never_overwrite_each_other(home: Path) -> None:
    async with stage(home) as on:
        await on.press("e", "enter", "e", "enter")
        assert len(list(home.glob("*.svg"))) == 2


@played
async def test_the_keymap_file_changes_keys_and_its_mistakes_are_told(home: Path) -> None:
    path = home / ".config" / "arena-workbench" / "keymap.toml"
    path.parent.mkdir(parents=True)
    path.write_text('[keys]\n"app.start" = "f9"\n"app.strat" = "x"\n"run.view" = "ctrl+banana"\n')
    async with stage(home) as on:
        assert "f9 Start" in on.keys
        assert 'app.strat: no such action; did you mean "app.start"?' in on.log
        assert '"ctrl+banana" is not a key' in on.log
        await on.press("f9")
        assert on.calls[0][0] == "start"


@played
async def test_a_keymap_file_to_edit_is_written_once(home: Path) -> None:
    async with stage(home) as on:
        on.app.write_keymap()
        path = home / ".config" / "arena-workbench" / "keymap.toml"
        assert '"app.start" = "space,f5"' in path.read_text()
        path.write_text("")
        on.app.write_keymap()
        assert path.read_text() == ""


@played
async def test_quitting_leaves_and_the_session_is_closed_after(home: Path) -> None:
    async with stage(home) as on:
        await on.run(running())
        await on.press("q")
        assert not on.app.is_running
        on.app.close_session()
        assert on.calls[-1] == ("close",)
        on.app.close_session()
        assert [call[0] for call in on.calls].count("close") == 1


def test_an_error_inside_is_kept_for_the_command_line_and_no_traceback_is_shown(home: Path) -> None:
    class Broken(WorkbenchApp, inherit_css=True):
        CSS_PATH = str(Path(app_module.__file__).with_name("workbench.tcss"))

        def on_mount(self) -> None:
            raise ZeroDivisionError("oops")

    app = Broken(canned.workspace(home), canned.FakeServices())

    @played
    async def open_it() -> None:
        async with app.run_test():
            pass

    with pytest.raises(ZeroDivisionError):
        open_it()
    assert isinstance(app.failure, ZeroDivisionError)
    assert app._exit_renderables == []


@played
async def test_the_log_has_what_was_said_and_its_tab_is_marked(home: Path) -> None:
    async with stage(home) as on:
        await on.run(finished(failed=True))
        tabs = on.app.main.query_one(TabLine)
        assert "•" in tabs.render().plain
        await on.press("7")
        assert "•" not in tabs.render().plain
        assert "seed 42" in on.log
        assert "failed: verify_kernel" in on.log


@played
async def test_a_dialog_is_left_by_escape_and_nothing_happens(home: Path) -> None:
    async with stage(home) as on:
        for key, kind in (("e", OptionList), ("o", OptionList), ("h", Input)):
            await on.press(key)
            assert on.app.screen.query(kind)
            await on.press("escape")
            assert on.app.screen is on.app.main
        assert not list(home.glob("arena-workbench-*"))
