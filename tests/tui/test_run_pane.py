# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Run pane: choose, set, start, watch; every flow by the keys a person would press."""

from __future__ import annotations

from pathlib import Path

import canned
import pytest
from canned import crashed, finished, running, snapshot
from stage import NARROW, played, stage
from textual.widgets import Input

from workbench import profiles
from workbench.errors import BuildError
from workbench.profiles import Profile
from workbench.session import Building, Problem, Said, Verified
from workbench.tui import profile_files
from workbench.tui.widgets.plots import Plots
from workbench.tui.widgets.structure_list import StructureList


def first(path: str, profile: Profile) -> object:
    found: object = profile
    for part in path.split("."):
        found = getattr(found, part)
    return found


# Structures


@played
async def test_the_structure_under_the_cursor_is_told_about(home: Path) -> None:
    async with stage(home) as on:
        assert "Sorted linked list" in on.reading
        assert "lock-free" in on.reading
        await on.press("down")
        assert "AVL tree" in on.reading
        assert "locked" in on.reading


@played
async def test_enter_makes_a_structure_the_profiles(home: Path) -> None:
    async with stage(home) as on:
        await on.press("down", "enter")
        assert on.app.workspace.profile.structure.name == "tree"
        assert "tree" in on.title
        assert "modified" in str(on.form.border_title)


@played
async def test_a_broken_header_is_shown_with_its_reason_and_cannot_be_chosen(home: Path) -> None:
    async with stage(home) as on:
        await on.press("down", "down")
        assert "ds_broken.h:12:5: error" in on.reading
        await on.press("enter")
        assert on.app.workspace.profile.structure.name == "list"


@played
async def test_another_header_is_opened_by_its_path(home: Path) -> None:
    header = home / "ds_fine.h"
    header.touch()
    async with stage(home) as on:
        await on.press("h")
        on.app.screen.query_one(Input).value = str(home / "nothing.h")
        await on.press("enter")
        assert on.app.screen is not on.app.main, "a path that is none is not taken"
        on.app.screen.query_one(Input).value = str(header)
        await on.press("enter")
        assert on.app.workspace.profile.structure.path == "/headers/ds_fine.h"
        assert on.app.main.query_one(StructureList).option_count == 5


@played
async def test_a_folder_of_headers_is_searched_from_then_on(home: Path) -> None:
    async with stage(home) as on:
        await on.press("h")
        on.app.screen.query_one(Input).value = str(home)
        await on.press("enter")
        assert on.app.workspace.include == (home,)
        await on.press("space")
        assert on.app.workspace.include == (home,)


@played
async def test_several_builds_are_loaded_and_marked_and_the_node_size_comes_from_them(home: Path) -> None:
    async with stage(home) as on:
        await on.press("b", "down", "b")
        prompts = [str(option.prompt) for option in on.app.main.query_one(StructureList).options]
        assert ["✓" in prompt for prompt in prompts] == [True, True, False, False]
        assert "struct ds_tree_node, 24 bytes" in on.reading
        assert "compiled in 1.2 s" in on.log


@played
async def test_a_compilers_words_are_shown_in_place_and_left_by_escape(home: Path) -> None:
    services = canned.FakeServices()
    services.build_error = BuildError("ds_list.h does not compile:\n/headers/ds_list.h:3:1: error: expected ';'")
    async with stage(home, services=services) as on:
        await on.press("b")
        assert "✗ list does not build" in on.reading
        assert "/headers/ds_list.h:3:1: error" in on.reading
        await on.press("escape")
        assert "Sorted linked list" in on.reading


# The profile


@played
async def test_a_value_is_checked_as_it_is_typed_and_taken_only_when_it_is_right(home: Path) -> None:
    async with stage(home) as on:
        await on.press("tab", "enter", "backspace", *"999")
        assert on.form.editing
        assert any("999 is above 256" in line for line in on.form.lines)
        await on.press("enter")
        assert on.form.editing, "a wrong value is not taken"
        await on.press("backspace", "enter")
        assert not on.form.editing
        assert on.app.workspace.profile.lanes.user == 99
        assert "modified" in str(on.form.border_title)


@played
async def test_escape_leaves_a_value_as_it_was(home: Path) -> None:
    async with stage(home) as on:
        await on.press("tab", "enter", "7", "escape")
        assert on.app.workspace.profile == Profile()


@played
async def test_letters_typed_into_a_value_are_no_commands(home: Path) -> None:
    async with stage(home) as on:
        await on.press("tab", "enter", *"qpe7")
        assert on.app.is_running
        assert on.app.pane.id == "run"
        assert any("4qpe7" in line for line in on.form.lines)


@played
async def test_space_switches_what_can_be_switched_and_starts_elsewhere(home: Path) -> None:
    async with stage(home) as on:
        await on.press("tab")
        while on.form.field is None or on.form.field.path != "triggers.execve":
            await on.pilot.press("down")
        await on.press("space")
        assert on.app.workspace.profile.triggers.execve
        assert not on.services.sessions
        await on.press("f5")
        assert on.calls[0] == ("start", on.app.workspace.profile)


@played
async def test_fields_that_make_no_sense_are_hidden_and_custom_weights_can_be_set(home: Path) -> None:
    async with stage(home, profile=Profile()) as on:
        assert not any("theta" in line for line in on.form.lines)
        on.app.workspace.change({"workload.distribution": "zipf", "workload.mix": {"insert": 1, "search": 3}})
        on.app.pane.show_profile()  # type: ignore[attr-defined]
        await on.settle()
        assert any("theta" in line for line in on.form.lines)
        assert any("search" in line and "3" in line for line in on.form.lines)


@played
async def test_saving_keeps_the_comments_of_the_file(home: Path) -> None:
    path = home / "mine.toml"
    path.write_text("# why so few\n[workload]\nkeys = 10 # ten\n")
    profile = profiles.load(path)
    async with stage(home, profile=profile, path=path) as on:
        on.app.workspace.change({"workload.keys": 20})
        on.app.pane.show_profile()  # type: ignore[attr-defined]
        await on.press("s")
        assert path.read_text() == "# why so few\n[workload]\nkeys = 20 # ten\n"
        assert "modified" not in str(on.form.border_title)
        assert f"Saved: {path}" in on.log


@played
async def test_a_profile_that_ships_is_saved_under_another_name_with_its_comments(home: Path) -> None:
    path = profiles.available()["demo"]
    async with stage(home, profile=profiles.load(path), path=path) as on:
        on.app.workspace.change({"workload.keys": 77})
        await on.press("s")
        prompt = on.app.screen.query_one(Input)
        assert prompt.value == "my-demo"
        prompt.value = "demo"
        await on.press("enter")
        assert on.app.screen is not on.app.main, "the name of one that ships is not taken"
        prompt.value = "busy"
        await on.press("enter")
        saved = home / ".config" / "arena-workbench" / "profiles" / "busy.toml"
        assert profiles.load(saved).workload.keys == 77
        assert "few keys: lanes meet at the same nodes" in saved.read_text()
        assert on.form.border_title is not None
        assert "busy" in on.form.border_title


@played
async def test_recent_profiles_are_offered_first(home: Path) -> None:
    path = home / "other.toml"
    path.write_text("[lanes]\nuser = 3\n")
    async with stage(home) as on:
        on.app.pane.open_profile(path)  # type: ignore[attr-defined]
        await on.settle()
        assert on.app.workspace.profile.lanes.user == 3
        assert profile_files.choices(on.app.workspace.person)[0] == path
        on.app.pane.open_profile(profiles.available()["smoke"])  # type: ignore[attr-defined]
        await on.press("o", "down", "enter")
        assert on.app.workspace.path == path


@played
async def test_a_profile_that_is_wrong_is_told_with_its_line(home: Path) -> None:
    path = home / "wrong.toml"
    path.write_text("[workload]\nkeys = 0\n")
    async with stage(home) as on:
        on.app.pane.open_profile(path)  # type: ignore[attr-defined]
        await on.settle()
        assert "wrong.toml:2" in on.reading
        assert on.app.workspace.profile == Profile()


# A run


@played
async def test_a_run_is_started_watched_and_stopped(home: Path) -> None:
    async with stage(home) as on:
        await on.press("space")
        await on.happen([Building("compiling ds_list.h")])
        assert "BUILDING" in on.title
        assert any("compiling ds_list.h" in line for line in on.lanes.lines)
        await on.happen(running(1.0))
        first_look = on.lanes.lines
        assert "● RUNNING 00:01.0" in on.title
        assert "8 %" in on.title or "8%" in on.title
        await on.happen([snapshot(2.0)])
        assert on.lanes.lines != first_look
        await on.press("space")
        assert on.calls[-1] == ("stop",)
        assert "STOPPING" in on.title
        await on.press("space")
        assert [call[0] for call in on.calls] == ["start", "stop"], "a second space neither stops nor starts"
        await on.happen(finished()[-1:])
        assert "FINISHED" in on.title


@played
async def test_orders_reach_the_session(home: Path) -> None:
    async with stage(home) as on:
        await on.run(running())
        await on.press("k", "v")
        on.app.set_trigger("openat", True)
        assert on.calls[1:] == [("burst", 1000), ("verify",), ("trigger", "openat", True)]
        await on.happen([Verified("SUCCESS", "CORRUPT", True), Said("lanes share CPUs")])
        assert "kernel: CORRUPT" in on.log
        assert "lanes were running" in on.log
        assert "lanes share CPUs" in on.log


@played
async def test_a_trigger_switched_in_the_form_holds_for_the_run_that_goes_on(home: Path) -> None:
    async with stage(home) as on:
        await on.run(running())
        on.form.focus()
        while on.form.field is None or on.form.field.path != "triggers.write":
            await on.pilot.press("down")
        await on.press("space")
        assert on.calls[-1] == ("trigger", "write", True)


@played
async def test_again_repeats_with_the_same_seed_and_leaves_the_form_alone(home: Path) -> None:
    async with stage(home) as on:
        await on.run(finished())
        await on.press("r")
        assert on.calls[-1][0] == "start"
        assert on.calls[-1][1].workload.seed == canned.SEED
        assert on.app.workspace.profile.workload.seed == 0


@played
async def test_the_report_is_read_in_place(home: Path) -> None:
    async with stage(home) as on:
        await on.run(finished(failed=True))
        assert "keys out of order at 17" in str(on.app.main.query_one("#banner").render())
        await on.press("t")
        assert "TEST STATISTICS" in on.reading
        await on.press("t")
        assert on.reading == ""


@played
async def test_a_crash_says_what_happened_and_one_key_restarts(home: Path) -> None:
    async with stage(home) as on:
        await on.run(crashed())
        assert "CRASHED" in on.title
        banner = str(on.app.main.query_one("#banner").render())
        for word in ("SIGSEGV", "user 1", "insert", "key 17", "arena is still there"):
            assert word in banner
        assert on.lanes.lines[1].startswith(" user 0"), "the last figures stay"
        await on.press("t")
        assert "0x100000001040" in on.reading
        await on.press("r")
        assert on.calls[-1][0] == "start"
        assert "BUILDING" in on.title


@played
async def test_a_run_that_cannot_start_says_why_in_place(home: Path) -> None:
    async with stage(home) as on:
        problem = Problem("The structure does not build", "line one\n" + "deep\n" * 200, "build")
        await on.run([problem])
        assert "✗ The structure does not build" in on.reading
        assert "space Start" in on.keys
        await on.press("end")
        assert on.app.main.query_one("#reading").scroll_y > 0


@played
async def test_lanes_keep_their_identity_however_they_are_sorted(home: Path) -> None:
    async with stage(home) as on:
        await on.run(running(user=6, kernel=2))
        await on.press("down", "down", "down")
        assert on.lanes.cursor_lane == 2
        await on.press("greater_than_sign", "greater_than_sign")
        assert on.lanes.sort == "operations"
        names = [line.split()[:2] for line in on.lanes.lines[1:4]]
        assert names == [["user", "0"], ["user", "1"], ["user", "2"]]
        await on.press("i")
        assert on.lanes.lines[1].startswith(" execve")
        assert on.lanes.cursor_lane == 2
        await on.press("up")
        assert on.lanes.cursor_lane == 3, "the lane above in this order"


@played
async def test_a_click_on_a_title_sorts_and_a_second_one_turns_it_round(home: Path) -> None:
    async with stage(home) as on:
        await on.run(running(user=4))
        at = on.lanes.lines[0].index("Failures") + 2
        await on.pilot.click(on.lanes, offset=(at + 1, 1))
        await on.settle()
        assert (on.lanes.sort, on.lanes.descending) == ("failures", True)
        await on.pilot.click(on.lanes, offset=(at + 1, 1))
        await on.settle()
        assert (on.lanes.sort, on.lanes.descending) == ("failures", False)


@played
async def test_lanes_are_filtered_by_words(home: Path) -> None:
    async with stage(home) as on:
        await on.run(running(user=4, kernel=2))
        await on.press("f", *"kernel", "enter")
        assert [line.split()[0] for line in on.lanes.lines[1:4]] == ["kernel", "kernel", "execve"]
        assert on.lanes.border_subtitle == "only kernel"
        assert "TOTAL" in on.lanes.lines[4], "the totals are of all lanes"


@played
async def test_curves_show_throughput_operations_and_latencies_in_windows(home: Path) -> None:
    async with stage(home) as on:
        await on.run(running())
        plots = on.app.main.query_one(Plots)
        assert str(plots.border_title).startswith("Throughput, million ops/s")
        assert "total 3." in str(plots.border_subtitle)
        assert "0 s" in plots.render().plain
        await on.press("l")
        assert "search" in str(plots.border_subtitle)
        await on.press("l")
        assert str(plots.border_title) == "Latency, % of samples"
        assert "10 µs" in plots.render().plain
        await on.press("l", "w")
        assert str(plots.border_title).endswith("60 s")


@pytest.mark.parametrize("size", [(120, 40), NARROW], ids=["wide", "narrow"])
@played
async def test_setup_folds_away_where_there_is_no_room(home: Path, size: tuple[int, int]) -> None:
    async with stage(home, size) as on:
        narrow = size == NARROW
        assert on.form.region.width > 0
        assert ("c Run" in on.keys) == narrow
        await on.run(running())
        assert (on.form.region.width == 0) == narrow
        assert on.lanes.region.width > 70
        if narrow:
            await on.press("c")
            assert on.form.region.width > 0
            await on.press("escape", "c")
            assert on.lanes.region.width > 70
