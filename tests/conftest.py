# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What every test may count on: where the checkout is, and `kernel` tests only where the kernel side can run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import machine
import pytest
from driving import HEADERS


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The top of the checkout that the tests lie in."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def source_copy(checkout: Path, tmp_path: Path) -> Path:
    """A copy of the sources as they lie here, committed or not, with nothing that was made from them."""
    made = shutil.ignore_patterns(".git", ".venv", "dist", "build", "__pycache__", "*_cache", ".hypothesis")
    return Path(shutil.copytree(checkout, tmp_path / "copy", ignore=made))


@pytest.fixture(scope="session")
def package_index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip what installs packages where no package index answers."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(tmp_path_factory.mktemp("index"))]
    if subprocess.run([*command, "iniconfig"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no package index answers pip")


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


@pytest.fixture
def header(tmp_path: Path) -> Path:
    """A structure of the test's own, with a file that it includes."""
    shutil.copy(HEADERS / "word_lock.h", tmp_path)
    return Path(shutil.copy(HEADERS / "ds_plainlist.h", tmp_path))


def pytest_report_header() -> str:
    """Say at the top of every run whether the kernel side is tested, so that a skip is never overlooked."""
    reason = machine.why_no_kernel_side()
    return f"kernel side: {'tested' if reason is None else f'not tested, {reason}'}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the kernel side where there is none, with the reason."""
    marked = [item for item in items if item.get_closest_marker("kernel")]
    reason = machine.why_no_kernel_side() if marked else None
    if reason is None:
        return
    for item in marked:
        item.add_marker(pytest.mark.skip(reason=f"no kernel side: {reason}"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home folder; nothing of this machine's own shows."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "NO_COLOR", "TEXTUAL", "SUDO_UID", "SUDO_GID", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path
