# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The parts of the screen that draw nothing: fields, columns, curves, states, keys, lines, files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import canned
import msgspec
import pytest
from canned import crashed, finished, running, snapshot, started
from textual.binding import Binding

from workbench import person, profile_saving, profiles
from workbench.errors import UsageError
from workbench.person import Person, acting_as
from workbench.profiles import Profile
from workbench.session import Event
from workbench.tui import curves, form_fields, keymap, lane_rows, profile_files, run_state
from workbench.tui.form_fields import FORM, Field
from workbench.tui.line_editor import Line
from workbench.tui.run_state import HISTORY_S, Phase, RunState
from workbench.tui.widgets import figures

FIELDS = {field.path: field for section in FORM for field in section.fields}


def told(events: list[Event], state: RunState | None = None) -> RunState:
    state = state or run_state.started(Profile())
    for event in events:
        state = run_state.after(state, event)
    return state


# The form


def test_the_form_has_every_field_of_the_profile_but_the_structures_name() -> None:
    paths = {f"{table}.{field}" for table, fields in profiles.to_dict(Profile()).items() for field in fields}
    shown = {".".join(path.split(".")[:2]) for path in FIELDS}
    assert shown == paths - {"structure.name", "structure.path"}


@pytest.mark.parametrize(
    ("path", "typed", "value"),
    [
        ("lanes.user", " 12 ", 12),
        ("workload.keys", "1,000,000", 1_000_000),
        ("workload.keys", "1_000", 1000),
        ("workload.duration_s", "2.5", 2.5),
        ("workload.prefill", "half", "half"),
        ("lanes.pin", "0, 1", (0, 1)),
        ("lanes.pin", "", ()),
        ("structure.prefix", "ds_x", "ds_x"),
    ],
)
def test_what_is_typed_becomes_the_value(path: str, typed: str, value: object) -> None:
    field = FIELDS[path]
    new = form_fields.read(field, typed)
    assert form_fields.problem(Profile(), field, new) == ""
    assert form_fields.value(profiles.override(Profile(), form_fields.changes(Profile(), field, new)), field) == value


@pytest.mark.parametrize("typed", ["", "many", "-1", "257", "1.5"])
def test_a_wrong_value_is_told_in_the_profiles_own_words(typed: str) -> None:
    field = FIELDS["lanes.user"]
    value = form_fields.read(field, typed)
    with pytest.raises(UsageError) as error:
        profiles.override(Profile(), {"lanes.user": value})
    assert str(error.value) == f"lanes.user: {form_fields.problem(Profile(), field, value)}"


def test_a_problem_of_several_fields_together_is_told() -> None:
    assert "different keys" in form_fields.problem(Profile(), FIELDS["workload.prefill"], 20_000)


def test_a_weight_is_set_alone_and_custom_begins_with_the_weights_in_force() -> None:
    custom = profiles.override(Profile(), form_fields.changes(Profile(), FIELDS["workload.type"], "custom"))
    assert custom.workload.type == "custom"
    assert custom.workload.mix.insert == 50
    changed = profiles.override(custom, form_fields.changes(custom, FIELDS["workload.mix.pop"], 5))
    assert (changed.workload.mix.insert, changed.workload.mix.pop) == (50, 5)


def test_switching_goes_round() -> None:
    field = FIELDS["arena.backend"]
    assert [form_fields.following(field, now, 1) for now in field.choices] == ["bpf", "native", "auto"]
    assert form_fields.following(field, "auto", -1) == "native"
    assert form_fields.following(Field("x.y", "x", "bool", ""), False, 1) is True


# A line that is edited


def test_a_line_is_edited_as_people_expect() -> None:
    line = Line.of("ab cd")
    for key, text, cursor in [
        ("home", "ab cd", 0),
        ("delete", "b cd", 0),
        ("right", "b cd", 1),
        ("backspace", " cd", 0),
        ("left", " cd", 0),
        ("end", " cd", 3),
        ("ctrl+w", " ", 1),
        ("ctrl+u", "", 0),
    ]:
        following = line.pressed(key)
        assert following is not None
        assert (following.text, following.cursor) == (text, cursor), key
        line = following
    assert line.typed("xyz") == Line("xyz", 3)
    assert line.pressed("f7") is None


# Lanes


def test_columns_shrink_step_by_step_until_they_fit() -> None:
    moment = snapshot()
    layouts = [lane_rows.layout(moment.lanes, moment.total, room) for room in range(100, 69, -1)]
    assert list(dict.fromkeys(layout.tight for layout in layouts)) == [0, 1, 2, 3]
    assert all(layout.width <= room for room, layout in zip(range(100, 69, -1), layouts, strict=True))


def test_columns_never_get_narrower_while_a_run_goes_on() -> None:
    before = lane_rows.layout(snapshot(9.0).lanes, snapshot(9.0).total, 200)
    after = lane_rows.layout(snapshot(0.1).lanes, snapshot(0.1).total, 200, before)
    assert after.widths == before.widths


def test_pops_have_a_column_only_where_something_was_popped() -> None:
    moment = snapshot()
    assert "pops" not in [column.field for column in lane_rows.layout(moment.lanes, moment.total, 99).columns]
    total = msgspec.structs.replace(moment.total, pops=1)
    assert "pops" in [column.field for column in lane_rows.layout(moment.lanes, total, 99).columns]


def test_lanes_are_arranged_by_column_and_equal_ones_keep_their_places() -> None:
    rows = snapshot(user=3, kernel=1, triggers=()).lanes
    assert [row.id for row in lane_rows.arranged(rows, sort="operations")] == [3, 2, 1, 0]
    assert [row.id for row in lane_rows.arranged(rows, sort="pops", descending=True)] == [0, 1, 2, 3]
    assert [row.id for row in lane_rows.arranged(rows, only="kernel RUNNING")] == [3]


# Curves


def test_curves_span_the_window_and_are_thinned_to_the_columns() -> None:
    history = told(running(60.0)).history
    chart = curves.throughput(history, 30, by_operation=False, columns=40)
    assert (chart.x.low, chart.x.high) == (30.0, 60.0)
    xs, _ = chart.curves["total"]
    assert len(xs) <= 80
    assert xs[-1] == 60.0
    assert chart.title == "Throughput, million ops/s"


def test_a_curve_without_points_is_an_empty_chart() -> None:
    chart = curves.throughput((), 30, by_operation=False, columns=40)
    assert chart.curves["total"] == ([], [])
    assert curves.latency((), ()).curves == {}


def test_latencies_are_shares_of_the_samples() -> None:
    chart = curves.latency(snapshot().latency_user, ())
    _, ys = chart.curves["user"]
    assert sum(ys) == pytest.approx(100)
    assert list(chart.curves) == ["user"]


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1.00k"), (45_149, "45.1k"), (999_999, "1.00M"), (2.5e9, "2.50G")],
)
def test_rates_have_three_digits(number: float, text: str) -> None:
    assert figures.rate(number) == text


@pytest.mark.parametrize(
    ("time", "text"),
    [(None, "—"), (610, "610n"), (1400, "1.4µ"), (9_990, "10µ"), (12_000, "12µ"), (3_000_000_000, "3.0s")],
)
def test_times_have_a_unit(time: float | None, text: str) -> None:
    assert figures.nanoseconds(time) == text


# The state of a run


def test_a_run_goes_from_phase_to_phase() -> None:
    assert run_state.started(Profile()).phase is Phase.BUILDING
    assert told([started()]).phase is Phase.RUNNING
    assert told(finished()).phase is Phase.FINISHED
    dead = told(crashed())
    assert (dead.phase, dead.ended, dead.active) == (Phase.CRASHED, True, False)
    assert dead.snapshot is not None


def test_after_a_run_each_lane_shows_its_rate_over_all_of_it() -> None:
    state = told(finished())
    assert state.snapshot is not None
    assert state.report is not None
    assert [row.ops_per_sec for row in state.snapshot.lanes] == [lane.ops_per_sec for lane in state.report.lanes]
    assert state.snapshot.total.ops_per_sec == state.report.totals.ops_per_sec > 0


def test_history_reaches_back_as_far_as_the_widest_window_and_no_further() -> None:
    state = RunState()
    for second in range(1, 400):
        state = run_state.after(state, snapshot(float(second)))
    assert state.history[0].at_s == 399 - HISTORY_S
    assert curves.WINDOWS_S[-1] <= HISTORY_S


# Keys


def test_a_keymap_without_a_file_changes_nothing(home: Path) -> None:
    assert keymap.load(home / "no.toml", {}) == keymap.Keymap()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[keys", "not valid TOML"),
        ("keys = 3", "keys must be a table"),
        ("[kyes]\na = 'b'", 'unknown table or value "kyes"'),
        ("[keys]\n'app.stop' = 3", "keys are a text in quotes"),
        ("[keys]\n'app.stop' = 'p'", "p is also app.pause's"),
        ("[keys]\n'run.x' = 'p'", "p is also app.pause's"),
    ],
)
def test_a_mistake_in_a_keymap_is_told_with_the_file(home: Path, text: str, said: str) -> None:
    path = home / "keymap.toml"
    path.write_text(text)
    known = {name: Binding(key, name, id=name) for name, key in (("app.stop", "s"), ("app.pause", "p"), ("run.x", "x"))}
    problems = keymap.load(path, known).problems
    assert len(problems) == 1
    assert str(path) in problems[0]
    assert said in problems[0]


def test_actions_may_stand_without_quotes_and_have_several_keys(home: Path) -> None:
    path = home / "keymap.toml"
    path.write_text("[keys]\napp.stop = 'ctrl+s, f9, question_mark, +'\n")
    known = {"app.stop": Binding("s", "stop", id="app.stop")}
    assert keymap.load(path, known) == keymap.Keymap({"app.stop": "ctrl+s,f9,question_mark,+"})


def test_the_keymap_to_edit_is_a_valid_keymap_once_uncommented(home: Path) -> None:
    known = {"app.stop": Binding("s,f5", "stop", id="app.stop", tooltip="Ends it")}
    path = home / "keymap.toml"
    path.write_text(keymap.template(known).replace('# "', '"'))
    assert keymap.load(path, known) == keymap.Keymap({"app.stop": "s,f5"})


# Whose files


def test_the_person_is_the_invoking_user_under_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = person.present({"SUDO_UID": "65534", "SUDO_GID": "65534", "HOME": "/root"})
    assert (found.uid, found.gid) == (65534, 65534)
    assert found.home != Path("/root")


def test_another_users_config_folder_is_not_roots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/root/.config")
    assert Person(os.geteuid() + 1, 1, tmp_path).config == tmp_path / ".config" / "arena-workbench"
    assert Person(os.geteuid(), 1, tmp_path).config == Path("/root/.config/arena-workbench")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
def test_what_root_saves_for_a_person_is_that_persons_and_refused_where_the_person_is(tmp_path: Path) -> None:
    home = tmp_path / "person"
    home.mkdir()
    for folder in (home, tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    os.chown(home, 12345, 12345)
    somebody = Person(12345, 12345, home)
    path = profile_files.target("mine", somebody)
    profile_files.save(Profile(), path, somebody)
    profile_files.remember(path, somebody)
    made = list(home.rglob("*"))
    assert len(made) >= 4
    assert {found.stat().st_uid for found in made} == {12345}
    roots = tmp_path / "roots.toml"
    roots.write_text("# root's\n")
    with pytest.raises(UsageError, match="cannot save"):
        profile_files.save(Profile(), roots, somebody)
    assert roots.read_text() == "# root's\n"
    with acting_as(somebody):
        pass
    assert (tmp_path / "after").write_text("root again") == 10
    assert (tmp_path / "after").stat().st_uid == 0


def test_recent_profiles_that_are_gone_are_not_offered(home: Path) -> None:
    somebody = canned.workspace(home).person
    for name in ("one", "two"):
        profile_saving.save(Profile(), home / f"{name}.toml")
        profile_files.remember(home / f"{name}.toml", somebody)
    assert profile_files.recent(somebody) == [home / "two.toml", home / "one.toml"]
    (home / "two.toml").unlink()
    assert profile_files.recent(somebody) == [home / "one.toml"]
