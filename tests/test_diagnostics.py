# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What compilers and the verifier say is cut down to what a person needs first."""

from __future__ import annotations

from pathlib import Path

import pytest
from driving import TESTS, load

from workbench import builds, cache, diagnostics, structures


class TestCompilers:
    def test_errors_come_first_and_warnings_not_at_all(self) -> None:
        said = (
            "In file included from a.c:1:\nx.h: In function 'f':\nx.h:3:5: warning: unused variable 'u'\n"
            "    3 |     int u;\n      |         ^\nx.h:9:2: error: first\n    9 |  bad\n      |  ^\n"
            "x.h:8:1: note: declared here\nx.h:12:2: error: second\n2 errors generated.\n"
        )
        shown = diagnostics.compile_errors(said)
        assert shown.splitlines()[0] == "x.h:9:2: error: first"
        assert "note: declared here" in shown
        assert "second" in shown
        assert "warning" not in shown
        assert "generated" not in shown

    def test_errors_beyond_the_first_few_are_counted(self) -> None:
        said = "".join(f"x.h:{line}:1: error: no {line}\n" for line in range(1, 10))
        shown = diagnostics.compile_errors(said, limit=2).splitlines()
        assert shown == ["x.h:1:1: error: no 1", "x.h:2:1: error: no 2", "... and 7 more errors"]


# Log -> line of ds_bad.h, its text, the verifier's reason.
REJECTIONS = {
    "null_pointer": (6, "return *value + 1;", "R0 invalid mem access 'map_value_or_null'"),
    "stack_index": (
        24,
        "return slots[index];",
        "math between fp pointer and register with unbounded min value is not allowed",
    ),
    "sleepable": (
        28,
        "return bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0) != NULL;",
        "program must be sleepable to call sleepable kfunc bpf_arena_alloc_pages",
    ),
    "unbounded_tail": (12, "while (n) {", "The sequence of 8193 jumps is too complex."),
    "too_large_tail": (
        38,
        "sum += key * i ^ (sum >> 3);",
        "BPF program is too large. Processed 1000001 insn",
    ),
}


class TestVerifier:
    """Logs as Linux 6.18 and libbpf 1.4 wrote them, the long ones cut at their beginning."""

    @pytest.mark.parametrize("name", sorted(REJECTIONS))
    def test_the_offending_line_and_the_reason_are_found(self, fresh_cache: Path, tmp_path: Path, name: str) -> None:
        log = (TESTS / "verifier_logs" / f"{name}.log").read_text()
        report = diagnostics.explain_verifier(log, tmp_path / "bad.bpf.o")
        assert (report.line, report.source_text, report.reason) == REJECTIONS[name]
        assert report.source_file == "ds_bad.h"
        assert len(report.tail) <= 30
        assert report.log_path.read_text() == log
        assert cache.root() in report.log_path.parents
        assert str(report.log_path) in str(report)
        assert f"ds_bad.h:{report.line}: rejected by the kernel's verifier: {report.reason}" in str(report)

    def test_the_source_is_named_by_its_path_where_the_build_knows_it(self, fresh_cache: Path, tmp_path: Path) -> None:
        (tmp_path / "sources.txt").write_text("/usr/include/x.h\n/home/me/ds_bad.h\n")
        log = (TESTS / "verifier_logs" / "null_pointer.log").read_text()
        assert diagnostics.explain_verifier(log, tmp_path / "bad.bpf.o").source_file == "/home/me/ds_bad.h"

    def test_of_a_long_log_only_the_end_is_read(
        self, fresh_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        end = (TESTS / "verifier_logs" / "unbounded_tail.log").read_text()
        log = tmp_path / "long.log"
        with log.open("w") as file:
            for _ in range(400):
                file.write("11: (bf) r3 = addr_space_cast(r3, 0, 1)       ; R3=arena\n" * 1000)
            file.write(end)
        read: list[int] = []
        taken = diagnostics._tail

        def tail(path: Path, count: int) -> list[str]:
            read.append(count)
            return taken(path, count)

        monkeypatch.setattr(diagnostics, "_tail", tail)
        report = diagnostics.explain_verifier(log, tmp_path / "bad.bpf.o")
        assert (report.line, report.source_text, report.reason) == REJECTIONS["unbounded_tail"]
        assert sum(read) < 1 << 20 < log.stat().st_size

    def test_a_refusal_before_verifying_is_told_in_libbpfs_words(self, fresh_cache: Path, tmp_path: Path) -> None:
        log = "libbpf: map 'arena': failed to create: -EPERM\nlibbpf: failed to load object 'x'\n"
        report = diagnostics.explain_verifier(log, tmp_path / "bad.bpf.o")
        assert report.reason == "map 'arena': failed to create: -EPERM"
        assert (report.source_file, report.line) == ("", 0)

    def test_dumps_of_state_are_not_taken_for_the_reason(self, fresh_cache: Path, tmp_path: Path) -> None:
        log = (
            "; while (1) { @ ds_x.h:7\n5: (05) goto pc-1\ninfinite loop detected at insn 5\n"
            "cur state: R0=0 R10=fp0\nold state: R0=0 R10=fp0\nprocessed 9 insns (limit 1000000)\n"
        )
        report = diagnostics.explain_verifier(log, tmp_path / "bad.bpf.o")
        assert (report.line, report.reason) == (7, "infinite loop detected at insn 5")

    @pytest.mark.kernel
    def test_a_structure_that_the_verifier_rejects_is_told_by_its_line(
        self, fresh_cache: Path, header: Path, tmp_path: Path
    ) -> None:
        bad = "static inline int ds_plainlist_delete("
        text = header.read_text().replace("head->count--;", "head->count = *(volatile __u64 *)(key | 1);")
        assert bad in text
        header.write_text(text)
        at = next(number for number, line in enumerate(text.splitlines(), 1) if "(key | 1)" in line)
        build = builds.build(structures.find(str(header)), bpf=True)
        assert build.bpf
        status, log = load(build.bpf, tmp_path / "log")
        assert status < 0
        report = diagnostics.explain_verifier(log, build.bpf)
        assert (report.source_file, report.line) == (str(header), at)
        assert "invalid mem access 'scalar'" in report.reason
