# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Structures are found by their files, and described by what their headers declare."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from workbench import headers, resources, structures
from workbench.errors import BuildError, UsageError
from workbench.structures import Structure

HEADERS = Path(__file__).parent / "headers"

# The least that is a structure; tests change a piece of it.
SMALL = """\
#pragma once
#include "ds_api.h"
struct ds_small_node { struct ds_small_node __arena *next; __u64 key; };
struct ds_small_head { struct ds_small_node __arena *first; };
static inline int ds_small_init(struct ds_small_head __arena *head) { head->first = NULL; return DS_SUCCESS; }
static inline int ds_small_insert(struct ds_small_head __arena *head, __u64 key, __u64 value) { return DS_SUCCESS; }
static inline int ds_small_delete(struct ds_small_head __arena *head, __u64 key) { return DS_SUCCESS; }
"""


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


def written(folder: Path, text: str, name: str = "ds_small.h") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def described(folder: Path, text: str, prefix: str = "") -> Structure:
    return structures.find(str(written(folder, text)), prefix=prefix)


class TestFinding:
    def test_any_file_of_the_right_name_is_found_without_being_registered(self, tmp_path: Path) -> None:
        written(tmp_path, SMALL.replace("small", "neverheard"), "ds_neverheard.h")
        written(tmp_path, SMALL, "other.h")
        assert "neverheard" in {found.name for found in structures.discover([tmp_path])}
        assert structures.find("neverheard", [tmp_path]).prefix == "ds_neverheard"
        assert structures.find("ds_neverheard", [tmp_path]).path == tmp_path / "ds_neverheard.h"

    def test_the_structures_that_ship_are_found(self) -> None:
        shipped = {path.name[3:-2] for path in (resources.bpf_dir() / "structures").glob("ds_*.h")}
        assert {"list", "tree"} <= shipped
        assert {found.name for found in structures.discover()} == shipped

    def test_an_included_folder_comes_before_what_ships(self, tmp_path: Path) -> None:
        own = written(tmp_path, SMALL.replace("small", "list"), "ds_list.h")
        assert structures.find("list", [tmp_path]).path == own
        assert [found.path for found in structures.discover([tmp_path]) if found.name == "list"] == [own]

    def test_the_librarys_own_headers_beside_a_structure_are_no_structures(self, tmp_path: Path) -> None:
        written(tmp_path, "#pragma once\n", "ds_api.h")
        assert "api" not in {found.name for found in headers.found([tmp_path])}

    def test_an_unknown_name_is_answered_with_those_there_are_and_the_nearest(self, tmp_path: Path) -> None:
        written(tmp_path, SMALL)
        with pytest.raises(UsageError) as error:
            structures.find("smal", [tmp_path])
        assert "Did you mean small?" in str(error.value)
        assert "list" in str(error.value)
        assert str(tmp_path) in str(error.value)

    def test_a_path_that_is_not_there_is_answered_with_its_neighbours(self, tmp_path: Path) -> None:
        written(tmp_path, SMALL)
        with pytest.raises(UsageError, match=r"no such file; near it in that folder: ds_small\.h"):
            structures.find(str(tmp_path / "ds_smal.h"))

    def test_a_folder_to_include_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no such folder"):
            structures.discover([tmp_path / "nothing"])

    def test_a_broken_header_does_not_hide_the_others(self, tmp_path: Path) -> None:
        written(tmp_path, SMALL)
        written(tmp_path, '#include "missing.h"\n', "ds_broken.h")
        written(tmp_path, "int x;\n", "ds_empty.h")
        found = {one.name: one for one in structures.survey([tmp_path])}
        assert found["small"].structure
        assert "ds_broken.h:1:" in (found["broken"].error or "")
        assert "no operation of a structure" in (found["empty"].error or "")
        assert {"small", "list"} <= {one.name for one in structures.discover([tmp_path])}


# File -> prefix, head, node, forms of (init, insert, delete, pop, search), abstract type, concurrency.
MAP_FORMS = ("head", "head_key_value", "head_key", None)
EXPECTED = {
    "plainlist": ("ds_plainlist", "struct ds_plainlist_head", "struct ds_plainlist_node", (*MAP_FORMS, "head_key")),
    "guidetree": (
        "ds_guidetree",
        "struct ds_guidetree_head",
        "struct ds_guidetree_node",
        (*MAP_FORMS, "head_key_value"),
    ),
    "expset": (
        "ds_expset",
        "struct ds_expset_head",
        "struct ds_expset_node",
        ("head_capacity", *MAP_FORMS[1:], "head_key"),
    ),
    "mpscq": (
        "ds_mpscq",
        "struct ds_mpscq",
        "struct ds_mpscq_node",
        ("head", "head_key_value", "head_out", "head_out", None),
    ),
    "fastqueue": (
        "ds_spsc",
        "ds_spsc_head_t",
        "struct ds_spsc_node",
        ("head", "head_key_value", "head_out", None, None),
    ),
    "kvring": (
        "ds_kvring",
        "struct spsc_ring_buffer",
        "struct ds_kv",
        ("head_capacity", "head_key_value", None, "head_out", None),
    ),
    "tagstack": (
        "ds_tagstack",
        "struct ds_tagstack_head",
        "struct ds_tagstack_node",
        ("head", "head_key_value", None, "head_out", None),
    ),
}
KINDS = {
    "plainlist": ("map", "unknown", "blocking"),
    "guidetree": ("map", "unknown", "unknown"),
    "expset": ("set", "unknown", "blocking"),
    "mpscq": ("queue", "mpsc", "unknown"),
    "fastqueue": ("queue", "spsc", "unknown"),
    "kvring": ("ring", "spsc", "unknown"),
    "tagstack": ("stack", "mpmc", "lock_free"),
}


class TestDescribing:
    @pytest.mark.parametrize("name", sorted(EXPECTED))
    def test_each_form_in_use_elsewhere_is_recognised(self, name: str) -> None:
        found = structures.find(name, [HEADERS])
        prefix, head, node, forms = EXPECTED[name]
        assert (found.prefix, found.head_type, found.node_type) == (prefix, head, node)
        operations = ("init", "insert", "delete", "pop", "search")
        assert tuple(found.forms[op].form if op in found.forms else None for op in operations) == forms
        assert tuple(found.kernel_forms[op].form if op in found.kernel_forms else None for op in operations) == forms
        assert (found.metadata.abstract_type, found.metadata.concurrency, found.metadata.progress) == KINDS[name]

    def test_every_header_of_the_tests_is_expected_to_be_something(self) -> None:
        assert {path.name[3:-2] for path in HEADERS.glob("ds_*.h")} == EXPECTED.keys() == KINDS.keys()

    def test_variants_without_a_plain_name_are_taken_for_their_sides(self) -> None:
        stack = structures.find("tagstack", [HEADERS])
        assert stack.forms["insert"].function == "ds_tagstack_insert_c"
        assert stack.kernel_forms["insert"].function == "ds_tagstack_insert_lkmm"
        assert stack.operations - stack.kernel_operations == {"iterate"}

    def test_a_plain_name_comes_before_its_variants(self) -> None:
        queue = structures.find("mpscq", [HEADERS])
        assert queue.forms["insert"].function == queue.kernel_forms["insert"].function == "ds_mpscq_insert"

    def test_heads_are_cast_to_what_the_header_takes(self) -> None:
        assert structures.find("guidetree", [HEADERS]).forms["insert"].head == "struct ds_guidetree_head *"
        assert structures.find("plainlist", [HEADERS]).forms["insert"].head == "struct ds_plainlist_head __arena *"

    def test_fields_keep_their_names_types_and_order(self) -> None:
        tree = structures.find("guidetree", [HEADERS])
        assert [(field.name, field.type) for field in tree.node_fields] == [
            ("left", "struct ds_guidetree_node __arena *"),
            ("right", "struct ds_guidetree_node __arena *"),
            ("key", "__u64"),
            ("value", "__u64"),
        ]
        ring = structures.find("kvring", [HEADERS])
        assert [field.name for field in ring.head_fields] == ["slots", "capacity", "away", "pushed", "popped"]

    def test_fields_of_every_shape_of_declarator_are_read(self, tmp_path: Path) -> None:
        fields = (
            "struct ds_small_node __arena *next, *before; __u64 key; int (*compare)(int, int); __u32 slots[4][2];"
            " unsigned int mark : 3; union { int left; long right; }; struct { int a; } inner;"
            " volatile __u64 tail __attribute__((aligned(64)));"
        )
        text = SMALL.replace("struct ds_small_node __arena *next; __u64 key;", fields)
        assert [(field.name, field.type) for field in described(tmp_path, text).node_fields] == [
            ("next", "struct ds_small_node __arena *"),
            ("before", "struct ds_small_node __arena *"),
            ("key", "__u64"),
            ("compare", "int (*)(int, int)"),
            ("slots", "__u32[4][2]"),
            ("mark", "unsigned int"),
            ("left", "int"),
            ("right", "long"),
            ("inner", "struct { int a; }"),
            ("tail", "__u64"),
        ]

    def test_a_head_may_be_a_typedef_of_a_pointer(self, tmp_path: Path) -> None:
        text = SMALL.split("static inline")[0] + "typedef struct ds_small_head __arena *small_t;\n"
        text += "".join(
            f"static inline{part}".replace("struct ds_small_head __arena *head", "small_t head")
            for part in SMALL.split("static inline")[1:]
        )
        found = described(tmp_path, text)
        assert found.head_type == "struct ds_small_head"
        assert found.forms["insert"].head == "struct ds_small_head __arena *"

    def test_the_users_own_includes_count_and_the_librarys_do_not(self, tmp_path: Path) -> None:
        written(tmp_path, SMALL.replace("ds_small_", "ds_shared_"), "shared.h")
        path = written(tmp_path, '#include "ds_api.h"\n#include "shared.h"\n', "ds_thin.h")
        assert structures.find(str(path)).prefix == "ds_shared"

    def test_an_operation_for_one_side_only_is_known_as_such(self, tmp_path: Path) -> None:
        extra = "static inline int ds_small_pop(struct ds_small_head __arena *head, struct ds_kv *out) { return -1; }\n"
        for side, condition in (("kernel", "#ifdef __bpf__"), ("native", "#ifndef __BPF__")):
            found = described(tmp_path, f"{SMALL}{condition}\n{extra}#endif\n")
            assert ("pop" in found.kernel_operations) == (side == "kernel")
            assert ("pop" in found.operations) == (side == "native")

    def test_metadata_is_read_from_its_initialiser(self, tmp_path: Path) -> None:
        text = SMALL + (
            "static const struct ds_metadata about = {\n"
            '  .name = "small", .description = "Größe" " and \\"more\\"",\n'
            "  .node_size = sizeof(struct ds_small_node), .requires_locking = 1,\n"
            "  .abstract_type = DS_TYPE_PRIORITY_QUEUE, .concurrency = DS_SPMC, .progress = DS_OBSTRUCTION_FREE,\n"
            "  .bounded = true, .ordered = 0,\n};\n"
            "static inline const struct ds_metadata *ds_small_get_metadata(void) { return &about; }\n"
        )
        about = described(tmp_path, text).metadata
        assert (about.name, about.description) == ("small", 'Größe and "more"')
        assert (about.abstract_type, about.concurrency, about.progress) == (
            "priority_queue",
            "spmc",
            "obstruction_free",
        )
        assert (about.requires_locking, about.bounded, about.ordered) == (True, True, False)
        assert about.inferred == frozenset()

    def test_what_is_not_said_is_marked_as_inferred(self, tmp_path: Path) -> None:
        about = described(tmp_path, SMALL).metadata
        assert about.abstract_type == "map"
        assert {"abstract_type", "concurrency", "name", "bounded"} <= about.inferred
        assert about.bounded is None

    def test_bodies_full_of_the_compilers_own_syntax_do_not_disturb_the_reading(self, tmp_path: Path) -> None:
        odd = (
            'static inline __attribute__((noinline, section("a)b"))) int helper(int n) { return ({ __label__ x;'
            ' x: asm volatile("" ::: "memory"); __auto_type c = \'{\'; (void)c; n; }); }\n'
        )
        assert described(
            tmp_path, SMALL.replace("static inline int ds_small_insert", odd + "static inline int ds_small_insert")
        )


class TestPrefix:
    def test_the_profile_may_say_it(self, tmp_path: Path) -> None:
        two = SMALL + SMALL.split("#include")[1].split("\n", 1)[1].replace("ds_small", "ds_other")
        assert described(tmp_path, two, "ds_other").prefix == "ds_other"
        assert described(tmp_path, two, "other_").head_type == "struct ds_other_head"
        assert described(tmp_path, two).prefix == "ds_small"

    def test_of_several_none_is_guessed(self, tmp_path: Path) -> None:
        body = SMALL.split("#include")[1].split("\n", 1)[1]
        text = '#include "ds_api.h"\n' + body.replace("ds_small", "ds_one") + body.replace("ds_small", "ds_two")
        with pytest.raises(
            BuildError, match="several structures could be meant \\(ds_one, ds_two\\): say which by `prefix`"
        ):
            described(tmp_path, text)

    def test_one_that_no_function_has_is_answered_with_those_there_are(self, tmp_path: Path) -> None:
        with pytest.raises(BuildError, match="'ds_nothing'; found: ds_small"):
            described(tmp_path, SMALL, "ds_nothing")


def without(operation: str) -> str:
    return re.sub(rf"static inline int ds_small_{operation}\(.*\n", "", SMALL)


class TestBadHeaders:
    @pytest.mark.parametrize(
        ("text", "missing", "add"),
        [
            (without("init"), "ds_small_init() missing", "int ds_small_init(struct ds_small_head __arena *head)"),
            (
                without("insert"),
                "ds_small_insert() missing",
                "int ds_small_insert(struct ds_small_head __arena *head, ",
            ),
            (
                without("delete"),
                "both ds_small_delete() and ds_small_pop() (one is enough) missing",
                "int ds_small_delete(struct ds_small_head __arena *head, __u64 key) or: ",
            ),
        ],
    )
    def test_what_is_missing_is_named_with_the_file_and_what_to_add(
        self, tmp_path: Path, text: str, missing: str, add: str
    ) -> None:
        with pytest.raises(BuildError) as error:
            described(tmp_path, text)
        assert f"{tmp_path / 'ds_small.h'}: {missing}" in str(error.value)
        assert add in str(error.value)

    def test_a_declaration_without_a_body_is_not_an_operation(self, tmp_path: Path) -> None:
        text = SMALL.replace("{ head->first = NULL; return DS_SUCCESS; }", ";")
        with pytest.raises(BuildError, match=r"ds_small_init\(\) is declared at .*ds_small\.h:5 but has no body"):
            described(tmp_path, text)

    @pytest.mark.parametrize(
        ("old", "new", "why"),
        [
            ("head, __u64 key, __u64 value)", "head, __u64 key)", "its parameters are not of an accepted form"),
            ("head, __u64 key, __u64 value)", "head, __u32 key, __u64 value)", "its parameters are not"),
            ("head, __u64 key, __u64 value)", "head, char *key, __u64 value)", "its parameters are not"),
            (
                "int ds_small_insert(struct ds_small_head",
                "int ds_small_insert(struct ds_small_node",
                "its parameters are",
            ),
            ("int ds_small_insert", "void ds_small_insert", "it returns void"),
            ("int ds_small_insert", "bool ds_small_insert", "and int is wanted"),
        ],
    )
    def test_an_unusual_form_is_told_with_its_line_and_what_is_accepted(
        self, tmp_path: Path, old: str, new: str, why: str
    ) -> None:
        with pytest.raises(BuildError) as error:
            described(tmp_path, SMALL.replace(old, new, 1))
        assert f"{tmp_path / 'ds_small.h'}:6: ds_small_insert(" in str(error.value)
        assert why in str(error.value)
        assert "  int ds_small_insert(struct ds_small_head __arena *head, __u64 key, __u64 value)" in str(error.value)

    def test_an_init_without_a_head_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(
            BuildError, match=r"ds_small\.h:5: ds_small_init\(int head\): its first parameter is no head"
        ):
            described(
                tmp_path, SMALL.replace("ds_small_init(struct ds_small_head __arena *head)", "ds_small_init(int head)")
            )

    def test_a_header_without_any_operation_is_told_how_they_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(BuildError, match=r"neither ds_small_init\(\) nor any other"):
            described(tmp_path, "int unrelated;\n")

    def test_an_include_that_is_not_there_is_told_as_the_compiler_said_it(self, tmp_path: Path) -> None:
        with pytest.raises(BuildError, match=r"ds_small\.h:1:10: fatal error: nowhere\.h"):
            described(tmp_path, '#include "nowhere.h"\n')


class TestBesideTheFramework:
    """A header is handed over where it lies: beside the public framework's own library."""

    def test_the_neighbouring_library_is_not_mixed_with_the_workbenchs(self, tmp_path: Path) -> None:
        for name in ("ds_api.h", "libarena_ds.h", "bpf_arena_common.h"):
            written(tmp_path, "#pragma once\n#error not this one\n", name)
        shutil.copy(HEADERS / "word_lock.h", tmp_path)
        path = Path(shutil.copy(HEADERS / "ds_plainlist.h", tmp_path))
        found = structures.find(str(path))
        assert found.path == path
        assert "insert" in found.operations & found.kernel_operations

    def test_errors_name_the_file_where_it_really_is(self, tmp_path: Path) -> None:
        written(tmp_path, "", "ds_api.h")
        with pytest.raises(BuildError) as error:
            described(tmp_path, SMALL.replace("int ds_small_insert", "void ds_small_insert"))
        assert f"{tmp_path / 'ds_small.h'}:6:" in str(error.value)


GUIDE_DEFINITION = """{"data_structure": {
  "name": "tree", "type": "avl_tree", "description": "Self-balancing AVL tree",
  "files": {"header": "ds_tree.h", "test": "test_tree.c"},
  "node": {"struct_name": "ds_tree_node", "fields": [
    {"name": "left", "type": "struct ds_tree_node __arena *"},
    {"name": "right", "type": "struct ds_tree_node __arena *"},
    {"name": "parent", "type": "struct ds_tree_node __arena *"},
    {"name": "key", "type": "__u64"}, {"name": "value", "type": "__u64"}, {"name": "height", "type": "int"}]},
  "head": {"struct_name": "ds_tree_head", "fields": [
    {"name": "root", "type": "struct ds_tree_node __arena *"},
    {"name": "count", "type": "__u64"}, {"name": "stats", "type": "struct ds_stats"}]},
  "operations": {"init": "ds_tree_init", "insert": "ds_tree_insert", "delete": "ds_tree_delete",
    "search": "ds_tree_search", "verify": "ds_tree_verify", "get_metadata": "ds_tree_get_metadata"},
  "properties": {"lock_free": true, "ordered": true, "allows_duplicates": false,
    "average_complexity": {"insert": "O(log n)", "delete": "O(log n)", "search": "O(log n)"}}}}"""

GUIDE_HEADER = """\
/* ds_tree.h - Example tree implementation
 * @ds_type avl_tree
 * @ds_test test_tree.c
 * @ds_ordered: yes
 * @ds_allows_duplicates no
 * @ds_complexity insert O(log n)
 * @ds_complexity delete: O(log n)
 * @ds_complexity search O(log n) */
#pragma once
#include "ds_api.h"
struct ds_tree_node {
    struct ds_tree_node __arena *left;
    struct ds_tree_node __arena *right;
    struct ds_tree_node __arena *parent;
    __u64 key;
    __u64 value;
    int height;  /* For AVL balancing */
};
struct ds_tree_head {
    struct ds_tree_node __arena *root;
    __u64 count;
    struct ds_stats stats;
};
static inline int ds_tree_init(struct ds_tree_head *head) { return DS_SUCCESS; }
static inline int ds_tree_insert(struct ds_tree_head *head, __u64 key, __u64 value) { return DS_SUCCESS; }
static inline int ds_tree_delete(struct ds_tree_head *head, __u64 key) { return DS_SUCCESS; }
static inline int ds_tree_search(struct ds_tree_head *head, __u64 key, __u64 *value) { return DS_SUCCESS; }
static inline int ds_tree_verify(struct ds_tree_head *head) { return DS_SUCCESS; }
static inline const struct ds_metadata* ds_tree_get_metadata(void)
{
    static const struct ds_metadata metadata = {
        .name = "tree",
        .description = "Self-balancing AVL tree",
        .node_size = sizeof(struct ds_tree_node),
        .requires_locking = 0,
    };
    return &metadata;
}
"""


class TestDefinition:
    @pytest.fixture(scope="class")
    def schema(self) -> dict[str, object]:
        path = Path(structures.__file__).parent / "schemas" / "structure.schema.json"
        return dict(json.loads(path.read_text()))

    def test_the_guides_example_gives_the_guides_document(self, tmp_path: Path) -> None:
        found = structures.find(str(written(tmp_path, GUIDE_HEADER, "ds_tree.h")))
        assert structures.definition(found) == json.loads(GUIDE_DEFINITION)

    def test_the_guides_document_fits_the_schema(self, schema: dict[str, object]) -> None:
        jsonschema.validate(json.loads(GUIDE_DEFINITION), schema)

    def test_every_structure_fits_the_schema(self, schema: dict[str, object]) -> None:
        found = structures.discover([HEADERS])
        assert len(found) >= 9
        for structure in found:
            jsonschema.validate(structures.definition(structure), schema)

    def test_what_is_not_known_is_left_out(self, tmp_path: Path) -> None:
        document = structures.definition(described(tmp_path, SMALL))["data_structure"]
        assert "description" not in document
        assert document["properties"] == {}
        assert document["files"] == {"header": "ds_small.h"}
        assert document["type"] == "map"
