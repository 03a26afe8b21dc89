# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Types out of a build's debugging information, and values by them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from workbench import builds, structures
from workbench.arena import types
from workbench.arena.types import Kind, Types
from workbench.errors import BuildError

SOURCE = """
#include <stdbool.h>
#include <stdint.h>
typedef struct { uint32_t offset, tag; } counted_t;
enum colour { RED, BLACK = 7 };
struct later;
struct node {
	struct node *next, *tower[4];
	const volatile uint64_t key;
	enum colour colour;
	unsigned int seen : 3, kind : 7;
	int signed_bits : 5;
	counted_t top;
	union { uint64_t word; struct node *inside; };
	struct { int16_t x, y; } place;
	struct { char anonymous; };
	bool locked;
	char name[8];
	double weight;
	struct later *later;
	void (*call)(void);
	int grid[2][3];
};
struct later { int value; struct node nodes[]; };
typedef struct node node_alias_t;
node_alias_t *used;
"""


@pytest.fixture(scope="module", params=["gcc", "clang-19"])
def decoded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Types, Path]:
    """SOURCE, compiled and read."""
    folder = tmp_path_factory.mktemp("types")
    (folder / "x.c").write_text(SOURCE)
    command = [request.param, "-g", "-shared", "-fPIC", "-o", str(folder / "x.so"), str(folder / "x.c")]
    try:
        subprocess.run(command, check=True)
    except FileNotFoundError:
        pytest.skip(f"no {request.param}")
    return types.read(folder / "x.so", ["node_alias_t", "struct nowhere"]), folder


def test_fields_lie_where_the_compiler_put_them(decoded: tuple[Types, Path]) -> None:
    read, _ = decoded
    node = read.find("node_alias_t")
    assert node is not None
    assert node is read.find("struct node")
    fields = {field.name: field for field in node.fields}
    assert [(f.offset, f.count, f.target) for f in (fields["next"], fields["tower"])] == [
        (0, 1, "struct node"),
        (8, 4, "struct node"),
    ]
    assert (fields["key"].offset, fields["key"].kind, fields["key"].size) == (40, Kind.UNSIGNED, 8)
    assert fields["colour"].names == {0: "RED", 7: "BLACK"}
    assert (fields["top"].target, fields["top"].size) == ("counted_t", 8)
    assert fields["anonymous"].kind is Kind.CHAR
    assert fields["later"].target == "struct later"
    assert (fields["grid"].count, fields["grid"].size) == (6, 4)
    assert (fields["call"].kind, fields["call"].target) == (Kind.POINTER, None)
    assert read.records["struct later"].fields[1].count == 0
    assert read.find("struct nowhere") is None


def test_values_are_read_as_the_compiler_writes_them(decoded: tuple[Types, Path]) -> None:
    read, folder = decoded
    program = (
        SOURCE
        + """
    #include <stdio.h>
    int main(void) {
        struct node n = {.key = 17, .colour = BLACK, .seen = 5, .kind = 99, .signed_bits = -3, .top = {4096, 7},
            .word = 1, .place = {-1, 2}, .anonymous = 'a', .locked = true, .name = "abc", .weight = 2.5,
            .grid = {{1, 2, 3}, {4, 5, 6}}};
        return fwrite(&n, sizeof(n), 1, stdout) != 1;
    }
    """
    )
    (folder / "p.c").write_text(program)
    subprocess.run(["cc", "-g", "-o", str(folder / "p"), str(folder / "p.c")], check=True)
    content = subprocess.run([str(folder / "p")], check=True, capture_output=True).stdout
    node = read.find("struct node")
    assert node is not None
    texts = {value.path: value.text for value in types.values(read, node, content)}
    assert {name: texts[name] for name in ("next", "key", "colour", "seen", "kind", "signed_bits")} == {
        "next": "NULL",
        "key": "17",
        "colour": "BLACK",
        "seen": "5",
        "kind": "99",
        "signed_bits": "-3",
    }
    assert (texts["top.offset"], texts["top.tag"], texts["place.x"], texts["word"]) == ("4,096", "7", "-1", "1")
    assert (texts["anonymous"], texts["locked"], texts["name"], texts["weight"]) == ("'a'", "true", "'abc'", "2.5")
    assert texts["grid"] == "[1, 2, 3, 4, …]"
    assert not {value.path for value in types.values(read, node, content[:48])} - set(texts)


def test_every_structure_that_ships_can_be_decoded() -> None:
    for structure in structures.discover():
        build = builds.build(structure, bpf=False)
        read = types.read(build.native, [structure.head_type, structure.node_type or ""])
        head = read.find(structure.head_type)
        assert head is not None
        assert {field.name for field in head.fields} >= {field.name for field in structure.head_fields}


def test_a_file_without_types_is_an_error_for_a_person(tmp_path: Path) -> None:
    (tmp_path / "x.c").write_text("int x;")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(tmp_path / "x.so"), str(tmp_path / "x.c")], check=True)
    with pytest.raises(BuildError, match="no debugging information"):
        types.read(tmp_path / "x.so", ["struct x"])
    (tmp_path / "no.so").write_text("this is no object file")
    with pytest.raises(BuildError, match="cannot be read"):
        types.read(tmp_path / "no.so", ["struct x"])
