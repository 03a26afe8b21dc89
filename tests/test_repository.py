# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Rules that hold for every file of the repository, checked so that nobody has to remember them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

TAG = "SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause"
SOURCES = {".py", ".pyi", ".c", ".h", ".sh", ".tcss", ".toml", ".mk"}
NAMED = {"Makefile", "run", ".gitignore", ".clang-format", ".clang-tidy", "constraints.txt"}
MADE = {".venv", ".git", "dist", "build", "__pycache__", ".mypy_cache", ".ruff_cache", ".hypothesis", ".pytest_cache"}


def sources(checkout: Path) -> list[Path]:
    """Every source file, committed or not."""
    found = []
    for path in sorted(checkout.rglob("*")):
        inside = path.relative_to(checkout)
        if MADE.isdisjoint(inside.parts) and path.is_file():
            script = inside.parts[0] == "scripts"
            if path.suffix in SOURCES or path.name in NAMED or script:
                found.append(inside)
    return found


def test_every_source_file_states_the_licence_at_its_top(checkout: Path) -> None:
    def top(path: Path) -> str:
        return "\n".join((checkout / path).read_text(errors="replace").splitlines()[:3])

    assert [str(path) for path in sources(checkout) if TAG not in top(path)] == []


def test_no_source_file_is_longer_than_500_lines(checkout: Path) -> None:
    lengths = {str(path): len((checkout / path).read_text().splitlines()) for path in sources(checkout)}
    assert {path: length for path, length in lengths.items() if length > 500} == {}


def test_bpf_programs_declare_a_licence_that_the_kernel_counts_as_gpl(checkout: Path) -> None:
    programs = sorted((checkout / "bpf").rglob("*.bpf.c"))
    assert programs
    for program in programs:
        declared = re.search(r'SEC\("license"\)\s*=\s*"([^"]+)"', program.read_text())
        assert declared is not None, program
        assert declared[1] in {"GPL", "Dual BSD/GPL"}


def test_no_c_knows_python(checkout: Path) -> None:
    sources = [path for folder in ["bpf", "csrc"] for path in (checkout / folder).rglob("*.[ch]")]
    assert sources
    assert [str(path) for path in sources if "Python.h" in path.read_text()] == []


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"]])
def test_help_imports_neither_the_screen_nor_the_engine(words: list[str]) -> None:
    script = (
        "import contextlib, io, sys\n"
        "from workbench import cli\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    cli.main({words!r})\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "argparse" in loaded
    assert {"textual", "cffi", "_cffi_backend", "plotext", "tree_sitter"}.isdisjoint(loaded)


def test_every_dependency_has_its_reason_beside_it_and_is_pinned(checkout: Path) -> None:
    pins = {
        re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower()
        for line in (checkout / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    text = (checkout / "pyproject.toml").read_text()
    lists = re.findall(r"^(?:dependencies|test|lint) = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert len(lists) == 3
    for line in "".join(lists).splitlines():
        stated = re.match(r'\s*"([A-Za-z0-9-]+)[^"]*",\s+# \S', line)
        assert stated, f"no reason: {line}"
        assert stated[1] in pins, f"not pinned: {line}"


def test_the_readme_opens_with_the_two_commands(checkout: Path) -> None:
    screenful = "\n".join((checkout / "README.md").read_text().splitlines()[:45])
    assert "sudo make run" in screenful
    assert "sudo make test" in screenful


def test_every_target_of_make_help_exists(checkout: Path) -> None:
    shown = subprocess.run(["make", "-C", str(checkout), "help"], capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^  make ([a-z_-]+)", shown, re.MULTILINE)
    assert {"run", "test", "test-stress", "test-verify", "lint", "install", "skeleton", "arena_list"} <= set(targets)
    subprocess.run(["make", "-C", str(checkout), "-n", *targets], capture_output=True, check=True)
