# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The verifier's whole log of a program: read by the line, searched, and made by the kernel on demand."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import builds, structures, verifier_log
from workbench.errors import EngineError
from workbench.verifier_log import VerifierLog


class TestLog:
    @pytest.fixture
    def log(self, tmp_path: Path) -> VerifierLog:
        path = tmp_path / "a.log"
        path.write_text("".join(f"{at}: line\n" for at in range(5000)) + "\tThe END")
        return VerifierLog("program", path)

    def test_it_is_read_by_the_line(self, log: VerifierLog) -> None:
        assert len(log) == 5001
        assert log.line(17) == "17: line"
        assert log.line(5000) == "        The END"

    def test_words_are_found_forward_and_back_and_round(self, log: VerifierLog) -> None:
        assert log.find("4999:", 0) == 4999
        assert log.find("17: line", 17) == 117
        assert log.find("17: line", 17, back=True) == 4917
        assert log.find("17: line", 18, back=True) == 17
        assert log.find("0: line", 4995) == 0
        assert log.find("nowhere", 3) is None
        assert log.find("", 3) is None

    def test_capitals_matter_when_there_are_any(self, log: VerifierLog) -> None:
        assert log.find("the end", 0) == 5000
        assert log.find("THE end", 0) is None

    def test_an_empty_one_has_no_lines(self, tmp_path: Path) -> None:
        (tmp_path / "b.log").touch()
        log = VerifierLog("program", tmp_path / "b.log")
        assert len(log) == 0
        assert log.find("x", 0) is None


@pytest.mark.kernel
class TestVerifierLog:
    def build(self, reference: str) -> builds.Build:
        return builds.build(structures.find(reference, [], ""), bpf=True)

    def test_it_has_all_that_is_said_of_one_program(self) -> None:
        log = verifier_log.read(self.build("list"), "populate")
        assert log.verdict == "accepted"
        assert log.find("populate.bpf.h", 0) is not None
        assert "processed" in log.line(len(log) - 1)
        assert log.path.is_file()

    def test_of_a_refused_program_it_has_the_reason(self, checkout: Path) -> None:
        log = verifier_log.read(self.build(str(checkout / "tests" / "bad" / "ds_rejected.h")), "manual_operation")
        assert log.verdict.startswith("refused")
        assert log.find("invalid mem access", 0) is not None

    def test_a_longer_one_than_is_kept_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(verifier_log, "MOST", 1 << 16)
        log = verifier_log.read(self.build("list"), "populate")
        assert log.cut
        assert 0 < log.size <= 1 << 16

    def test_a_program_that_does_not_exist_has_none(self) -> None:
        with pytest.raises(EngineError, match="no verifier log of nothing"):
            verifier_log.read(self.build("list"), "nothing")
