# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Before the screen and after it: what is told first, what the command line makes of it, and a real terminal."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench import cli, machine, profiles, toolchain
from workbench.errors import MachineError
from workbench.profiles import Profile
from workbench.tui import preflight

CHECKOUT = Path(cli.__file__).parents[1]
NATIVE = profiles.override(Profile(), {"arena.backend": "native"})
BPF = profiles.override(Profile(), {"arena.backend": "bpf"})


@pytest.fixture
def no_kernel_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(machine, "why_no_kernel_lanes", lambda: "kernel lanes need root (run it with sudo)")
    monkeypatch.setattr(toolchain, "find_cc", lambda: toolchain.Compiler(("cc",), "cc 13", "x"))


@pytest.mark.usefixtures("no_kernel_side")
@pytest.mark.parametrize(("profile", "backend"), [(Profile(), "auto"), (BPF, "native")])
def test_without_a_kernel_side_the_native_backend_is_offered(profile: Profile, backend: str) -> None:
    talk = io.StringIO()
    assert preflight.clear(profile, io.StringIO("\n"), talk).arena.backend == backend
    assert "kernel lanes need root (run it with sudo)" in talk.getvalue()
    assert "native backend, user lanes only? [Y/n]" in talk.getvalue()


@pytest.mark.usefixtures("no_kernel_side")
@pytest.mark.parametrize("answer", ["n\n", "No\n", ""])
def test_whoever_declines_gets_the_remedy_and_no_screen(answer: str) -> None:
    with pytest.raises(MachineError, match="sudo"):
        preflight.clear(Profile(), io.StringIO(answer), io.StringIO())


@pytest.mark.usefixtures("no_kernel_side")
def test_the_native_backend_asks_nothing() -> None:
    talk = io.StringIO()
    assert preflight.clear(NATIVE, io.StringIO(), talk) is NATIVE
    assert talk.getvalue() == ""


def test_without_a_c_compiler_nothing_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    missing = toolchain.Missing("cc", "there is no C compiler", "apt install gcc")
    monkeypatch.setattr(toolchain, "find_cc", lambda: missing)
    with pytest.raises(MachineError, match="apt install gcc"):
        preflight.clear(NATIVE, io.StringIO("\n"), io.StringIO())


@pytest.mark.parametrize("term", ["", "dumb"])
def test_a_terminal_that_cannot_is_told(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    monkeypatch.setenv("TERM", term)
    with pytest.raises(MachineError, match="arena-workbench run"):
        preflight.clear(NATIVE, io.StringIO(), io.StringIO())


class Recorder(cli.Services):
    """Keeps what the screen was opened with."""

    def __init__(self) -> None:
        self.opened: list[tuple[Any, ...]] = []

    def screen(self, *how: Any) -> int:
        self.opened.append(how)
        return 0


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_in_a_terminal", lambda: True)


@pytest.mark.usefixtures("terminal")
def test_in_a_terminal_the_command_alone_opens_the_screen() -> None:
    services = Recorder()
    assert cli.main([], services) == 0
    assert services.opened == [(Profile(), Profile(), None, [])]


@pytest.mark.usefixtures("terminal")
def test_flags_override_the_profile_and_the_file_is_known_as_it_is() -> None:
    services = Recorder()
    assert cli.main(["screen", "demo", "-t", "7", "--include", "x"], services) == 0
    profile, saved, path, include = services.opened[0]
    assert (profile.lanes.user, saved.lanes.user) == (7, 2)
    assert path == profiles.available()["demo"]
    assert include == [Path("x")]


def test_without_a_terminal_the_screen_is_refused_with_what_to_do(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["screen"], Recorder()) == 2
    assert "arena-workbench run" in capfd.readouterr().err


# In a real terminal


class Terminal:
    """A tmux of our own with one shell in it."""

    def __init__(self, socket: Path, size: tuple[int, int]) -> None:
        self._command = ["tmux", "-S", str(socket), "-f", os.devnull]
        width, height = (str(number) for number in size)
        shell = ["env", "-u", "COLUMNS", "-u", "LINES", "sh"]  # which would be taken for the size
        self._do("new-session", "-d", "-s", "t", "-x", width, "-y", height, *shell)

    def _do(self, *words: str) -> str:
        return subprocess.run([*self._command, *words], check=True, capture_output=True, text=True).stdout

    def type(self, *keys: str) -> None:
        self._do("send-keys", "-t", "t", *keys)

    @property
    def text(self) -> str:
        return self._do("capture-pane", "-p", "-t", "t")

    @property
    def shell(self) -> int:
        """The process in it."""
        return int(self._do("display-message", "-p", "-t", "t", "#{pane_pid}"))

    def wait(self, until: Callable[[str], bool], seconds: float = 60) -> str:
        """What is seen once `until` holds."""
        end = time.monotonic() + seconds
        while not until(text := self.text):
            assert time.monotonic() < end, f"waited {seconds} s in vain:\n{text}"
            time.sleep(0.1)
        return text

    def close(self) -> None:
        subprocess.run([*self._command, "kill-server"], check=False, capture_output=True)


@pytest.fixture
def real_terminal(home: Path, tmp_path: Path) -> Iterator[Terminal]:
    if shutil.which("tmux") is None:
        pytest.skip("there is no tmux")
    shown = Terminal(tmp_path / "tmux", (120, 40))
    yield shown
    shown.close()


def operations(text: str) -> int:
    line = next((line for line in text.splitlines() if "│ TOTAL" in line), "")
    digits = line.split("TOTAL")[1].split()[0].replace(",", "") if line else "0"
    return int(digits) if digits.isdigit() else 0


@pytest.mark.kernel
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_run_from_start_to_end_in_a_real_terminal(real_terminal: Terminal, home: Path) -> None:
    on = real_terminal
    on.type("stty -a | grep -o '[-]*echo ' > before; PS1='ready> '", "Enter")
    command = f"PYTHONPATH={CHECKOUT} HOME={home} {sys.executable} -m workbench screen smoke -o 0 -d 0; echo status $?"
    on.type(command, "Enter")
    on.wait(lambda text: "READY" in text and "list" in text)
    on.type("Space")
    first = operations(on.wait(lambda text: "RUNNING" in text and operations(text) > 0))
    on.wait(lambda text: operations(text) > first)
    on.type("p")
    on.wait(lambda text: "PAUSED" in text)
    on.type("p")
    on.wait(lambda text: "PAUSED" not in text)
    on.type("7")
    on.wait(lambda text: "Started list on the bpf backend" in text)
    on.type("1", "Space")
    on.wait(lambda text: "FINISHED" in text)
    on.type("t")
    on.wait(lambda text: "TEST STATISTICS" in text)
    on.type("S")
    on.wait(lambda text: "Save the profile as" in text)
    on.type("Enter")
    on.wait(lambda text: "Profile  my-smoke" in text)
    on.type("q")
    text = on.wait(lambda text: "status 0" in text)
    assert "RUNNING" not in text, "the screen is given back"
    on.type("stty -a | grep -o '[-]*echo ' > after; echo done", "Enter")
    on.wait(lambda text: "\ndone" in text)
    assert (home / "after").read_text() == (home / "before").read_text()
    assert (home / ".config" / "arena-workbench" / "profiles" / "my-smoke.toml").exists()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_suspending_gives_the_terminal_back_and_fg_returns(real_terminal: Terminal, home: Path) -> None:
    on = real_terminal
    on.type("set -m; clear", "Enter")
    on.type(f"PYTHONPATH={CHECKOUT} HOME={home} {sys.executable} -m workbench screen --backend native", "Enter")
    on.wait(lambda text: "READY" in text)
    on.type("C-z")
    on.wait(lambda text: "READY" not in text and ("Stopped" in text or "Suspended" in text))
    on.type("fg", "Enter")
    on.wait(lambda text: "READY" in text)
    on.type("q")
    on.wait(lambda text: "READY" not in text)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_nothing_is_left_when_the_terminal_goes_away_during_a_run(real_terminal: Terminal, home: Path) -> None:
    on = real_terminal
    command = f"{sys.executable} -m workbench screen --backend native -o 0 -d 0"
    on.type(f"PYTHONPATH={CHECKOUT} HOME={home} {command}", "Enter")
    on.wait(lambda text: "READY" in text and "list" in text)
    on.type("Space")
    on.wait(lambda text: "RUNNING" in text)
    ours = descendants(on.shell)
    assert len(ours) >= 2, "the screen and its engine"
    on.close()
    for _ in range(20):  # the shell and the kernel may both hang up, at any distance
        with contextlib.suppress(ProcessLookupError):
            os.kill(ours[0], signal.SIGHUP)
        time.sleep(0.01)
    end = time.monotonic() + 30
    while left := [pid for pid in ours if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < end, f"still there: {left}"
        time.sleep(0.1)


def descendants(pid: int) -> list[int]:
    """Processes started by a process, and by those."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found
