# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Profiles: what is read, what is refused and in which words, what flags change, what saving keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import profile_saving, profiles, resources
from workbench.errors import UsageError
from workbench.profiles import Mix, Profile, override
from workbench.toml_lines import line_of

SHIPPED = ("demo", "demo-tree", "smoke", "stress", "verify")


def parse(text: str) -> Profile:
    return profiles.parse(text, origin="x.toml", folder=Path("/profiles"))


def refusal(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.exit_status == 2
    return str(caught.value)


def test_an_empty_profile_is_the_guides_command_line_without_flags() -> None:
    profile = parse("")
    assert profile == Profile()
    assert (profile.lanes.user, profile.workload.operations, profile.workload.keys) == (4, 1000, 10_000)
    assert (profile.workload.duration_s, profile.workload.type) == (10.0, "mixed")
    assert profile.workload.mix == Mix(insert=50, search=30, delete=20)
    assert profile.checks.statistics
    assert not profile.checks.verify
    assert profile.triggers.enabled == ()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_profile_is_valid_and_found_by_name(name: str) -> None:
    path = profiles.find(name)
    assert path.parent == resources.profiles_dir()
    assert profiles.load(path).checks.verify


def test_the_demo_drives_one_list_from_user_space_kernel_lanes_and_triggers() -> None:
    demo = profiles.load(profiles.find("demo"))
    assert demo.structure.name == "list"
    assert (demo.lanes.user, demo.lanes.kernel) == (2, 1)
    assert demo.triggers.enabled == ("execve", "openat")
    assert demo.triggers.generate


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[workload]\nkeys =\n", "x.toml:2:7: not valid TOML: "),
        ("[workload\nkeys = 1\n", "x.toml:1:10: not valid TOML: "),
        ("[workload]\nkeys = 1\nkeys = 2\n", "x.toml:3:9: not valid TOML: "),
        ("a = " + "[" * 5000, "x.toml: not valid TOML: "),
        ("a = " + "9" * 5000, "x.toml: not valid TOML: "),
    ],
)
def test_malformed_toml_is_told_with_line_and_column(text: str, told: str) -> None:
    assert refusal(text).startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[workload]\n\nkeys = 0\n", "workload.keys: 0 is below 1 (x.toml:3)"),
        ("[arena]\npages = 2000000\n", "arena.pages: 2000000 is above 1048576 (x.toml:2)"),
        ("[arena]\npages = 63\n", "arena.pages: 63 is below 64 (x.toml:2)"),
        ("[lanes]\nwatchdog_s = 0\n", "lanes.watchdog_s: 0 is not above 0 (x.toml:2)"),
        ("[workload]\nduration_s = nan\n", "workload.duration_s: nan is not a number to work with (x.toml:2)"),
        ("[workload]\nduration_s = inf\n", "workload.duration_s: inf is above 31536000 (x.toml:2)"),
        ("[workload]\nseed = 9223372036854775808\n", "workload.seed: 9223372036854775808 is above 9223372036854775807"),
        ("[lanes]\npin = [0, -1]\n", "lanes.pin[1]: -1 is below 0 (x.toml:2)"),
        ("workload.keys = 0\n", "workload.keys: 0 is below 1 (x.toml:1)"),
        ("[workload]\nmix = { insert = -1 }\n", "workload.mix.insert: -1 is below 0 (x.toml:2)"),
    ],
)
def test_a_value_out_of_range_is_told_with_its_path_limit_and_line(text: str, told: str) -> None:
    assert told in refusal(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[workload]\nkeys = "many"\n', 'workload.keys: must be a whole number, not "many" (x.toml:2)'),
        ("[workload]\nkeys = 1.5\n", "workload.keys: must be a whole number, not 1.5 (x.toml:2)"),
        ("[workload]\nkeys = 2.0\n", "workload.keys: must be a whole number, not 2.0 (x.toml:2)"),
        ("[lanes]\nuser = true\n", "lanes.user: must be a whole number, not true (x.toml:2)"),
        ("[checks]\nverify = 1\n", "checks.verify: must be true or false, not 1 (x.toml:2)"),
        ("workload = 3\n", "workload: must be a table, not 3 (x.toml:1)"),
        ("[lanes]\npin = 3\n", "lanes.pin: must be a list, not 3 (x.toml:2)"),
        ("[workload]\nprefill = []\n", 'workload.prefill: must be a whole number or "half", not a list (x.toml:2)'),
        ("[structure]\nname = {}\n", "structure.name: must be a text in quotes, not a table (x.toml:2)"),
    ],
)
def test_a_value_of_the_wrong_type_is_told_in_words(text: str, told: str) -> None:
    assert refusal(text) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[workload]\nkeyz = 1\n", 'workload.keyz: unknown field; did you mean "keys"? (x.toml:2)'),
        ("[tiggers]\nexecve = true\n", 'tiggers: unknown field; did you mean "triggers"? (x.toml:1)'),
        ("[workload]\npages = 64\n", 'workload.pages: unknown field; "pages" belongs in [arena] (x.toml:2)'),
        ("[checks]\nzzz = 1\n", "checks.zzz: unknown field; there are: verify, statistics (x.toml:2)"),
        (
            '[workload]\ntype = "mixt"\n',
            'workload.type: "mixt" is not one of "custom", "delete", "insert", "mixed", "search"; did you',
        ),
        ('[workload]\nprefill = "hlaf"\n', 'is not one of a whole number, "half"; did you mean "half"? (x.toml:2)'),
    ],
)
def test_an_unknown_word_is_told_with_the_nearest_known_one(text: str, told: str) -> None:
    assert told in refusal(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[workload]\ntype = "custom"\nmix = { insert = 0 }\n', "workload.mix: no operation has a weight above 0"),
        ('[workload]\ntype = "custom"\n', "workload.mix: no operation has a weight above 0"),
        ('[workload]\ntype = "insert"\nmix = { insert = 1 }\n', 'workload.mix: has no effect with type = "insert"'),
        ('[workload]\ndistribution = "zipf"\ntheta = 1.0\n', "workload.theta: must not be exactly 1"),
        ('[workload]\ndistribution = "zipf"\ntheta = 0.0\n', "workload.theta: 0 is not above 0"),
        ("[workload]\nkeys = 10\nprefill = 11\n", "workload.prefill: 11 elements do not fit in 10 different keys"),
        ("[lanes]\nuser = 0\n", "lanes.user: 0, and neither a kernel lane nor a trigger: nothing would run"),
        ("[arena]\npages = 64\nreserve_pages = 64\n", "arena.reserve_pages: 64 is more than half of arena.pages (64)"),
        ('[structure]\nname = "list"\npath = "ds_x.h"\n', "structure.path: stands beside structure.name; keep one"),
    ],
)
def test_fields_that_contradict_each_other_are_told(text: str, told: str) -> None:
    assert told in refusal(text)


def test_all_mistakes_are_told_at_once_each_with_its_own_line() -> None:
    told = refusal('[workload]\nkeys = 0\nkeyz = 1\ntype = "x"\n[lanes]\nuser = -1\npin = ["a", -1]\n').split("\n")
    assert [line.strip().split(":")[0] for line in told] == [
        "workload.keys",
        "workload.keyz",
        "workload.type",
        "lanes.user",
        "lanes.pin[0]",
    ]
    assert [line[-2] for line in told] == ["2", "3", "4", "6", "7"]


def test_a_zipf_exponent_above_one_is_fine_and_one_is_fine_for_uniform_keys() -> None:
    assert parse('[workload]\ndistribution = "zipf"\ntheta = 1.2\n').workload.theta == 1.2
    assert parse("[workload]\ntheta = 1.0\n").workload.theta == 1.0


def test_a_mix_alone_makes_the_workload_custom_and_unnamed_weights_are_zero() -> None:
    workload = parse("[workload]\nmix = { insert = 2, pop = 1 }\n").workload
    assert workload.type == "custom"
    assert workload.mix == Mix(insert=2, pop=1)


def test_generate_without_a_trigger_enables_all_four_and_with_one_only_that() -> None:
    assert parse("[triggers]\ngenerate = true\n").triggers.enabled == ("execve", "exit_group", "openat", "write")
    assert parse("[triggers]\ngenerate = true\nopenat = true\n").triggers.enabled == ("openat",)


def test_prefill_half_is_half_of_the_keys() -> None:
    assert parse('[workload]\nkeys = 11\nprefill = "half"\n').workload.prefill_count == 5


def test_a_small_arena_has_a_reserve_that_fits() -> None:
    assert parse("[arena]\npages = 100\n").arena.reserve_pages == 50


def test_a_header_path_starts_from_the_profiles_own_folder() -> None:
    profile = parse('[structure]\npath = "mine/ds_foo.h"\n')
    assert profile.structure.reference == "/profiles/mine/ds_foo.h"
    assert Profile().structure.reference == "list"


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the profile .*none\.toml: No such file"):
        profiles.load(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="Is a directory"):
        profiles.load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"# one\n# \xe4\n")
    with pytest.raises(UsageError, match=r"latin\.toml:2: not UTF-8"):
        profiles.load(tmp_path / "latin.toml")


def test_names_are_looked_up_in_the_shipped_folder_then_in_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "arena-workbench" / "profiles"
    mine.mkdir(parents=True)
    (mine / "mine.toml").write_text("")
    (mine / "demo.toml").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert profiles.find("mine") == mine / "mine.toml"
    assert profiles.find("demo") == resources.profiles_dir() / "demo.toml"
    assert profiles.find("./demo") == Path("demo")
    assert profiles.find("a.toml") == Path("a.toml")
    with pytest.raises(UsageError, match="no profile named 'dmo'; did you mean \"demo\"") as caught:
        profiles.find("dmo")
    assert "mine" in str(caught.value)


def test_flags_override_single_fields_and_leave_the_rest() -> None:
    before = parse('[workload]\nkeys = 5\noperations = 7\n[structure]\nname = "tree"\n')
    after = override(before, {"workload.keys": 9, "lanes.pin": [1, 2]})
    assert (after.workload.keys, after.workload.operations, after.structure.name) == (9, 7, "tree")
    assert after.lanes.pin == (1, 2)


def test_an_overriding_type_drops_the_files_mix_and_an_overriding_mix_the_files_type() -> None:
    custom = parse("[workload]\nmix = { insert = 1 }\n")
    assert override(custom, {"workload.type": "mixed"}).workload.mix == Mix(insert=50, search=30, delete=20)
    mixed = override(Profile(), {"workload.mix": {"delete": 3}}).workload
    assert (mixed.type, mixed.mix) == ("custom", Mix(delete=3))


def test_an_overriding_structure_name_drops_the_files_path() -> None:
    assert override(parse('[structure]\npath = "ds_x.h"\n'), {"structure.name": "tree"}).structure.reference == "tree"


def test_a_bad_flag_is_told_by_the_flag() -> None:
    with pytest.raises(UsageError) as caught:
        override(Profile(), {"workload.keys": 0}, {"workload.keys": "-k/--keys"})
    assert str(caught.value) == "-k/--keys: 0 is below 1"


COMMENTED = """\
# Mine.

[workload] # what to do
keys = 5 # few
type = "custom"
mix = { insert = 1, delete = 1 } # balanced

# who does it
[lanes]
user = 2
pin = [0, 1] # both
"""


def test_saving_keeps_comments_order_and_everything_that_did_not_change(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(COMMENTED)
    path.chmod(0o640)
    changed = override(profiles.load(path), {"workload.keys": 6, "lanes.pin": [1], "checks.verify": True})
    profile_saving.save(changed, path)
    expected = COMMENTED.replace("keys = 5", "keys = 6").replace("pin = [0, 1]", "pin = [1]")
    assert path.read_text() == expected + "\n[checks]\nverify = true\n"
    assert profiles.load(path) == changed
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_saving_an_unchanged_profile_changes_no_byte(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = COMMENTED + '\n[structure]\npath = "sub/../ds_x.h"\n'
    for ends in ("\n", "\r\n"):
        path.write_bytes(text.replace("\n", ends).encode())
        profile_saving.save(profiles.load(path), path)
        assert path.read_bytes() == text.replace("\n", ends).encode()


def test_saving_a_changed_mix_type_or_structure_leaves_no_contradiction(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    changes: list[dict[str, object]] = [
        {"workload.mix": {"insert": 3}},
        {"workload.type": "insert"},
        {"workload.mix": {"pop": 1}},
        {"structure.path": "/a/ds_b.h"},
        {"structure.name": "tree"},
        {"triggers.generate": True},
        {"arena.pages": 64},
    ]
    path.write_text(COMMENTED)
    for change in changes:
        changed = override(profiles.load(path), change)
        profile_saving.save(changed, path)
        assert profiles.load(path) == changed
    assert "# balanced" not in path.read_text()  # went with the mix that it stood beside
    assert path.read_text().startswith("# Mine.\n\n[workload] # what to do\nkeys = 5 # few\n")


def test_saving_states_what_would_otherwise_follow_from_a_changed_value(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[arena]\npages = 100\n")
    changed = override(profiles.load(path), {"arena.pages": 1000})  # the reserve stays what it was, 50
    profile_saving.save(changed, path)
    assert profiles.load(path) == changed


def test_a_new_file_holds_what_differs_from_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "new.toml"
    profile = override(Profile(), {"workload.keys": 6, "workload.mix": {"insert": 1}, "lanes.pin": [0, 3]})
    profile_saving.save(profile, path)
    assert profiles.load(path) == profile
    assert "duration_s" not in path.read_text()


def test_saving_over_a_file_that_is_no_profile_leaves_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.toml"
    path.write_text("[workload]\nkeyz = 1\n")
    with pytest.raises(UsageError, match="unknown field"):
        profile_saving.save(Profile(), path)
    assert path.read_text() == "[workload]\nkeyz = 1\n"


def test_saving_through_a_link_changes_the_file_behind_it(tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text("[lanes]\nuser = 1\n")
    (tmp_path / "link.toml").symlink_to("real.toml")
    profile_saving.save(override(Profile(), {"lanes.user": 3}), tmp_path / "link.toml")
    assert (tmp_path / "link.toml").is_symlink()
    assert profiles.load(tmp_path / "real.toml").lanes.user == 3


def test_lines_are_found_through_tables_dotted_keys_and_past_multi_line_strings() -> None:
    text = 'a.b = 1\nnote = """\nkeys = 5\n[fake]\n"""\n[x . "y"]\nkeys = 2\n[z]\nlist = [\n 1,\n]\n'
    assert line_of(text, ("a", "b")) == 1
    assert line_of(text, ("keys",)) is None
    assert line_of(text, ("fake",)) is None
    assert line_of(text, ("x", "y", "keys")) == 7
    assert line_of(text, ("z", "missing")) == 8
    assert line_of(text, ("z", "list", "deeper")) == 9
