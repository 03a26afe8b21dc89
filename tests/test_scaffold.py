# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The stub that `new` writes: compiles as it is, and answers honestly that it can do nothing yet."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from workbench import resources, scaffold, structures
from workbench.toolchain import Compiler, find_cc, require

ASK_EVERYTHING = """
#include "ds_pile.h"
#include <stdio.h>
static int each(__u64 key, __u64 value, void *ctx) { return 1; }
int main(void)
{
    struct ds_pile_head head;
    struct ds_stats stats = {};
    __u64 value = 5;
    int answers[] = { ds_pile_init(&head), ds_pile_insert(&head, 1, 2), ds_pile_delete(&head, 1),
        ds_pile_search(&head, 1, &value), ds_pile_verify(&head), ds_pile_iterate(&head, each, 0) };

    for (int i = 0; i < 6; i++)
        printf("%d ", answers[i]);
    ds_pile_reset_stats(&head);
    ds_pile_get_stats(&head, &stats);
    printf("%llu %s", (unsigned long long)stats.current_elements, ds_pile_get_metadata()->name);
    return 0;
}
"""


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if not isinstance(find_cc(), Compiler):
        pytest.skip("no C compiler")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return scaffold.write("pile", tmp_path)


def test_the_stub_compiles_without_a_warning_and_answers_unsupported(stub: Path, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(ASK_EVERYTHING)
    compiler = require(find_cc()).command
    folders = [f"-I{resources.bpf_dir() / 'include'}", f"-I{resources.csrc_dir()}"]
    options = ["-std=gnu11", "-Wall", "-Werror", *folders, "-o", str(tmp_path / "main")]
    subprocess.run([*compiler, str(tmp_path / "main.c"), *options, "-pthread"], check=True)
    done = subprocess.run([tmp_path / "main"], check=True, capture_output=True, text=True)
    assert done.stdout == "0 -9 -9 -9 0 0 0 pile"  # DS_ERROR_UNSUPPORTED is -9; an empty structure is well-formed


def test_the_stub_is_a_complete_structure_and_claims_nothing_yet(stub: Path) -> None:
    found = structures.find(str(stub))
    assert found.operations >= {"init", "insert", "delete", "search", "verify", "get_stats", "reset_stats"}
    assert found.operations >= {"get_metadata", "iterate"}
    assert found.name == "pile"
    assert structures.definition(found)["data_structure"]["properties"] == {}
