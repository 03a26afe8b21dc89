# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Structures are compiled for both sides, once per content, whatever the form their header has."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import HEADERS, drive, load

from workbench import binding, builds, cache, diagnostics, process, structures, toolchain
from workbench.errors import BuildError
from workbench.toolchain import Compiler, Missing

TESTS = Path(__file__).parent
NAMES = sorted(path.name[3:-2] for path in HEADERS.glob("ds_*.h"))

needs_bpf_compiler = pytest.mark.skipif(
    isinstance(toolchain.find_clang(), Missing) or isinstance(toolchain.find_libbpf(), Missing),
    reason="no clang with arena casts, or no libbpf headers",
)


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache that the tests of this module share, where what is cached does not matter."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture
def counted_cc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiler that notes each of its runs in the file that is returned."""
    log = tmp_path / "runs"
    script = tmp_path / "counting-cc"
    script.write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec cc "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    log.touch()
    return log


UNSUPPORTED, NOT_FOUND = -9, -1
FILL = [("init", 64, 0), *(("insert", key, key * 3) for key in (5, 1, 9, 3))]


class TestForms:
    """Every form that the public framework's headers have compiles, and does what it says, through the binding."""

    @pytest.mark.parametrize("cc", ["gcc", "clang"])
    @pytest.mark.parametrize("name", NAMES)
    def test_each_compiles_without_a_warning_for_user_space(
        self, shared_cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str, cc: str
    ) -> None:
        clang = toolchain.find_clang()
        found = clang.command[0] if cc == "clang" and isinstance(clang, Compiler) else shutil.which(cc)
        if not found:
            pytest.skip(f"no {cc}")
        monkeypatch.setenv("CC", found)
        build = builds.build(structures.find(name, [HEADERS]), bpf=False, verbose=True)
        assert build.native.stat().st_size > 0
        assert build.bpf is None
        assert [
            line for line in capfd.readouterr().err.splitlines() if str(HEADERS) in line and "warning" in line
        ] == []

    @needs_bpf_compiler
    @pytest.mark.parametrize("name", NAMES)
    def test_each_compiles_for_the_kernel(self, shared_cache: Path, name: str) -> None:
        build = builds.build(structures.find(name, [HEADERS]), bpf=True)
        assert build.bpf_reason is None
        assert build.bpf is not None
        assert build.bpf.read_bytes()[:4] == b"\x7fELF"

    @pytest.mark.kernel
    @pytest.mark.parametrize("name", [*NAMES, "list", "tree"])
    def test_each_passes_the_verifier(self, shared_cache: Path, tmp_path: Path, name: str) -> None:
        build = builds.build(structures.find(name, [HEADERS]), bpf=True)
        assert build.bpf
        status, log = load(build.bpf, tmp_path / "log")
        assert status == 0, diagnostics.explain_verifier(log, build.bpf)

    @pytest.mark.parametrize("name", ["plainlist", "guidetree", "expset"])
    def test_maps_answer_through_the_binding(self, shared_cache: Path, name: str) -> None:
        build = builds.build(structures.find(name, [HEADERS]), bpf=False)
        asked = [("insert", 9, 0), ("search", 9, 0), ("search", 4, 0), ("delete", 1, 0), ("delete", 4, 0)]
        answers, walk = drive(build.native, [*FILL, *asked, ("pop", 0, 0), ("verify", 0, 0)])
        assert [answer[0] for answer in answers[:5]] == [0] * 5
        assert answers[5][0] == -2
        # A search that only says yes or no leaves the value alone.
        assert answers[6] == [0, 9, 27 if name == "guidetree" else 0]
        assert answers[7][0] == NOT_FOUND
        assert answers[8][:2] == [0, 1]
        assert [answer[0] for answer in answers[9:]] == [NOT_FOUND, UNSUPPORTED, 0]
        assert walk == (None if name == "guidetree" else [3, 17])

    @pytest.mark.parametrize(
        ("name", "take", "order"),
        [
            ("mpscq", "pop", [5, 1, 9, 3]),
            ("mpscq", "delete", [5, 1, 9, 3]),
            ("fastqueue", "delete", [5, 1, 9, 3]),
            ("kvring", "pop", [5, 1, 9, 3]),
            ("tagstack", "pop", [3, 9, 1, 5]),
        ],
    )
    def test_queues_and_stacks_give_back_what_went_in(
        self, shared_cache: Path, name: str, take: str, order: list[int]
    ) -> None:
        build = builds.build(structures.find(name, [HEADERS]), bpf=False)
        answers, _ = drive(build.native, [*FILL, *[(take, 77, 0)] * 5, ("search", 5, 0)])
        assert answers[5:9] == [[0, key, key * 3] for key in order]
        assert answers[9][0] == NOT_FOUND
        assert answers[10][0] == UNSUPPORTED

    def test_a_capacity_reaches_an_init_that_takes_one(self, shared_cache: Path) -> None:
        build = builds.build(structures.find("kvring", [HEADERS]), bpf=False)
        answers, walk = drive(build.native, [("init", 2, 0), *[("insert", key, 0) for key in (1, 2, 3)]])
        assert [answer[0] for answer in answers] == [0, 0, 0, -7]
        assert walk == [2, 3]

    def test_the_binding_says_for_each_side_what_there_is(self) -> None:
        text = binding.generate(structures.find("tagstack", [HEADERS]), "fast", Path("/x/ds_tagstack.h"))
        kernel, native = text.split("#else /* user space */")
        assert "#define AW_HAS_ITERATE 0" in kernel
        assert "#define AW_HAS_ITERATE 1" in native
        assert "ds_tagstack_insert_lkmm((struct ds_tagstack_head __arena *)head, key, value)" in kernel
        assert "ds_tagstack_insert_c((struct ds_tagstack_head *)head, key, value)" in native
        assert '#define AW_DS_NAME "tagstack"' in text


class TestCache:
    def test_a_second_build_starts_no_process(
        self, fresh_cache: Path, header: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = builds.build(structures.find(str(header)), bpf=True)
        assert not first.cached

        def refuse(*args: object, **kwargs: object) -> None:
            raise AssertionError(f"started {args}")

        monkeypatch.setattr(subprocess, "Popen", refuse)
        monkeypatch.setattr(os, "posix_spawn", refuse)
        second = builds.build(structures.find(str(header)), bpf=True)
        assert second.cached
        assert (second.native, second.bpf, second.key) == (first.native, first.bpf, first.key)

    def test_an_edit_of_any_included_file_is_built_and_an_edit_back_is_found_again(
        self, fresh_cache: Path, header: Path
    ) -> None:
        included = header.parent / "word_lock.h"
        before = included.read_text()
        first = builds.build(structures.find(str(header)), bpf=False)
        included.write_text(before.replace("20000", "20001"))
        edited = builds.build(structures.find(str(header)), bpf=False)
        assert not edited.cached
        assert edited.key != first.key
        included.write_text(before)
        again = builds.build(structures.find(str(header)), bpf=False)
        assert again.cached
        assert again.key == first.key

    def test_a_new_time_stamp_alone_builds_nothing(self, fresh_cache: Path, header: Path, counted_cc: Path) -> None:
        builds.build(structures.find(str(header)), bpf=False)
        runs = counted_cc.read_text()
        os.utime(header, (1, 1))
        assert builds.build(structures.find(str(header)), bpf=False).cached
        assert counted_cc.read_text() == runs

    def test_an_edit_that_leaves_time_stamp_and_size_as_they_were_is_seen(
        self, fresh_cache: Path, header: Path
    ) -> None:
        first = builds.build(structures.find(str(header)), bpf=False)
        status = header.stat()
        text = header.read_text()
        header.write_text(text.replace("under one lock", "under 1 lock! "))
        os.utime(header, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert header.stat().st_size == status.st_size
        assert builds.build(structures.find(str(header)), bpf=False).key != first.key

    def test_builders_at_once_compile_once_and_agree(self, fresh_cache: Path, header: Path, counted_cc: Path) -> None:
        script = (
            "from workbench import builds, structures\n"
            f"print(builds.build(structures.find({str(header)!r}), bpf=False).native)\n"
        )
        running = [
            subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=TESTS.parent)
            for _ in range(4)
        ]
        paths = {process_.communicate(timeout=100)[0] for process_ in running}
        assert [process_.returncode for process_ in running] == [0] * 4
        assert len(paths) == 1
        compiled = [line for line in counted_cc.read_text().splitlines() if "driver.c" in line]
        assert len(compiled) == 1

    def test_a_changed_compiler_builds_anew(
        self, fresh_cache: Path, header: Path, counted_cc: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = builds.build(structures.find(str(header)), bpf=False)
        script = Path(os.environ["CC"])
        script.write_text(script.read_text() + "# another\n")
        assert builds.build(structures.find(str(header)), bpf=False).key != first.key

    def test_a_failed_build_leaves_nothing_behind(self, fresh_cache: Path, header: Path) -> None:
        header.write_text(header.read_text().replace("head->count++;", "head->cuont++;"))
        with pytest.raises(BuildError):
            builds.build(structures.find(str(header)), bpf=False)
        left = [path.name for path in (fresh_cache / "arena-workbench" / "builds").iterdir()]
        assert not [name for name in left if name.startswith(".tmp-")]

    def test_old_entries_are_pruned_and_those_in_use_are_not(
        self, fresh_cache: Path, header: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cache, "KEEP", 3)
        folder = cache.root() / "builds"
        long_ago = time.time() - 86400
        for number in range(6):
            entry = folder / f"old{number}"
            entry.mkdir(parents=True)
            os.utime(entry, (long_ago + number, long_ago + number))
        (folder / ".tmp-died").mkdir()
        os.utime(folder / ".tmp-died", (long_ago, long_ago))
        build = builds.build(structures.find(str(header)), bpf=False)
        names = {path.name for path in folder.iterdir()}
        assert build.native.exists()
        assert names & {f"old{number}" for number in range(6)} == {"old5"}
        assert ".tmp-died" not in names

    def test_the_cache_is_out_of_the_checkout_and_closed_to_others(self, fresh_cache: Path) -> None:
        assert cache.root() == fresh_cache / "arena-workbench"
        assert cache.root().stat().st_mode & 0o077 == 0

    def test_a_relative_cache_folder_is_not_used(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", "here")
        monkeypatch.setenv("HOME", str(tmp_path))
        assert cache.root() == tmp_path / ".cache" / "arena-workbench"

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand a folder to somebody else")
    def test_root_leaves_nothing_in_a_home_that_is_not_its_own(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        os.chown(tmp_path, 12345, 12345)
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert tmp_path not in cache.root().parents
        assert list(tmp_path.iterdir()) == []

    def test_commands_are_printed_when_asked_for(
        self, fresh_cache: Path, header: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        structure = structures.find(str(header))
        builds.build(structure, bpf=False, verbose=True)
        assert "driver.c" in capfd.readouterr().err
        header.write_text(header.read_text() + "\n")
        monkeypatch.setenv("V", "1")
        builds.build(structure, bpf=False)
        assert "driver.c" in capfd.readouterr().err

    def test_a_flavour_that_is_none_is_refused(self, fresh_cache: Path, header: Path) -> None:
        with pytest.raises(BuildError, match=r"no flavour 'odd'; there is: fast"):
            builds.build(structures.find(str(header)), "odd", bpf=False)

    def test_names_in_a_depfile_are_read_with_their_escapes(self) -> None:
        text = "product: /a/b.c \\\n /with\\ space/x.h /dollar$$/y.h \\\n /hash\\#/z.h\n"
        assert process.parse_depfile(text) == ("/a/b.c", "/with space/x.h", "/dollar$/y.h", "/hash#/z.h")

    def test_a_header_in_a_folder_with_odd_characters_is_built(self, fresh_cache: Path, header: Path) -> None:
        folder = header.parent / "a folder, #1 $x"
        folder.mkdir()
        shutil.copy(header.parent / "word_lock.h", folder)
        path = Path(shutil.copy(header, folder))
        builds.build(structures.find(str(path)), bpf=False)
        assert builds.build(structures.find(str(path)), bpf=False).cached


class TestBesideTheFramework:
    def test_a_header_beside_another_library_is_built_with_the_workbenchs(
        self, fresh_cache: Path, header: Path
    ) -> None:
        for name in ("ds_api.h", "libarena_ds.h", "bpf_arena_common.h"):
            (header.parent / name).write_text("#pragma once\n#error not this one\n")
        build = builds.build(structures.find(str(header)), bpf=False)
        assert drive(build.native, FILL)[1] == [4, 18]
        included = header.parent / "word_lock.h"
        included.write_text(included.read_text().replace("20000", "20001"))
        assert not builds.build(structures.find(str(header)), bpf=False).cached


class TestErrors:
    def test_a_compile_error_is_the_compilers_own_with_file_and_line(self, fresh_cache: Path, header: Path) -> None:
        lines = header.read_text().splitlines()
        at = next(number for number, line in enumerate(lines, 1) if "head->count++;" in line)
        header.write_text("\n".join(lines).replace("head->count++;", "head->cuont++;"))
        with pytest.raises(BuildError) as error:
            builds.build(structures.find(str(header)), bpf=False)
        first, second, *_ = str(error.value).splitlines()
        assert first == f"{header} does not compile for user space:"
        assert f"{header}:{at}:" in str(error.value)
        assert second.startswith(("In file included", str(header)))
        assert "cuont" in str(error.value)

    @needs_bpf_compiler
    def test_an_error_on_the_kernel_side_only_is_told_as_such(self, fresh_cache: Path, header: Path) -> None:
        text = header.read_text().replace("head->count++;", "head->count++;\n#ifdef __bpf__\n\tnowhere();\n#endif")
        header.write_text(text)
        structure = structures.find(str(header))
        builds.build(structure, bpf=False)
        with pytest.raises(BuildError, match=r"does not compile for the kernel \(BPF\):\n(?s:.*)error: .*nowhere"):
            builds.build(structure, bpf=True)

    def test_a_function_that_is_nowhere_is_an_error_of_the_build(self, fresh_cache: Path, header: Path) -> None:
        declared = "extern int nowhere(void);\nstatic inline int ds_plainlist_init"
        text = header.read_text().replace("static inline int ds_plainlist_init", declared)
        header.write_text(text.replace("head->count = 0;", "head->count = nowhere();", 1))
        with pytest.raises(BuildError, match=r"undefined reference to .nowhere"):
            builds.build(structures.find(str(header)), bpf=False)


class TestLibraries:
    def test_the_runtime_is_built_once(self, shared_cache: Path) -> None:
        path = builds.runtime()
        assert ctypes.CDLL(str(path)).runtime_base
        assert builds.runtime() == path

    @needs_bpf_compiler
    def test_the_loader_is_built_once_and_linked_with_libbpf(self, shared_cache: Path) -> None:
        path = builds.loader()
        assert ctypes.CDLL(str(path)).bpf_loader_open
        assert builds.loader() == path
