# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every screen test has a home of its own, and a terminal with colours."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home folder; nothing of this machine's own shows."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "NO_COLOR", "TEXTUAL", "SUDO_UID", "SUDO_GID", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path
