# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Set-up: the right commands for each system, nothing twice, and no file of root's in somebody else's checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench import packages

ONE_LINE = "deb [signed-by=/usr/share/keyrings/x.gpg] http://mirror.example/debian bookworm main contrib\n"
BACKPORTS = "deb http://mirror.example/debian bookworm-backports main\n"
DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Enabled: no
Types: deb
URIs: http://other.example/debian
Suites: bookworm-backports
Components: main
"""
SYSTEMS = {
    "debian 12": "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n",
    "debian 13": "ID=debian\nVERSION_ID=13\nVERSION_CODENAME=trixie\n",
    "ubuntu 26.04": 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="26.04"\nVERSION_CODENAME=resolute\n',
    "fedora": "ID=fedora\nVERSION_ID=44\n",
    "arch": "ID=arch\n",
}


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """The root folder of a pretended system, with an apt configuration of its own."""
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    (tmp_path / "etc/apt/sources.list").write_text(ONE_LINE)
    return tmp_path


def plan(checkout: Path, system: Path, name: str, tools: str = "python cc clang libbpf") -> list[str]:
    (system / "etc/os-release").write_text(SYSTEMS[name])
    environment = {**os.environ, "SETUP_OS_RELEASE": f"{system}/etc/os-release", "SETUP_APT_DIR": f"{system}/etc/apt"}
    script = f"set -eu; . {checkout}/scripts/lib/system.sh; install_plan {tools}"
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_bookworm_takes_libbpf_alone_from_backports_at_its_own_mirror(checkout: Path, system: Path) -> None:
    source, update, install, from_backports = plan(checkout, system, "debian 12")
    assert source.startswith("echo deb http://mirror.example/debian bookworm-backports main >")
    assert update.endswith("update")
    assert "clang-19" in install.split()
    assert "libbpf-dev" not in install.split()
    assert from_backports.endswith("install -t bookworm-backports libbpf-dev linux-libc-dev")


def test_bookworm_mirror_is_read_from_deb822_sources_too(checkout: Path, system: Path) -> None:
    (system / "etc/apt/sources.list").unlink()
    (system / "etc/apt/sources.list.d/debian.sources").write_text(DEB822)
    assert plan(checkout, system, "debian 12")[0].startswith("echo deb http://mirror.example/debian ")


def test_bookworm_mirror_is_found_where_the_suite_is_named_by_its_state(checkout: Path, system: Path) -> None:
    (system / "etc/apt/sources.list").write_text("deb http://mirror.example/debian oldstable main\n")
    assert plan(checkout, system, "debian 12")[0].startswith("echo deb http://mirror.example/debian ")


def test_bookworm_with_backports_gets_no_second_source(checkout: Path, system: Path) -> None:
    (system / "etc/apt/sources.list.d/any.list").write_text(BACKPORTS)
    assert plan(checkout, system, "debian 12")[0] == "apt-get -q update"


def test_bookworm_without_clang_alone_leaves_backports_out(checkout: Path, system: Path) -> None:
    lines = plan(checkout, system, "debian 12", "clang")
    assert [line.split()[-1] for line in lines] == ["update", "clang-19"]


@pytest.mark.parametrize("name", ["debian 13", "ubuntu 26.04"])
def test_newer_debian_and_ubuntu_install_everything_at_once(checkout: Path, system: Path, name: str) -> None:
    _update, install = plan(checkout, system, name)
    assert {"clang", "libbpf-dev", "python3-venv"} <= set(install.split())


def test_fedora_uses_dnf_and_its_own_names(checkout: Path, system: Path) -> None:
    (install,) = plan(checkout, system, "fedora")
    assert install.startswith("dnf ")
    assert {"clang", "libbpf-devel", "elfutils-libelf-devel"} <= set(install.split())


def test_unknown_system_has_no_plan(checkout: Path, system: Path) -> None:
    assert plan(checkout, system, "arch") == []


@pytest.mark.parametrize("name", ["debian 12", "debian 13", "ubuntu 26.04", "fedora"])
@pytest.mark.parametrize("part", ["cc", "clang", "libbpf"])
def test_set_up_and_the_workbench_name_the_same_packages(checkout: Path, system: Path, name: str, part: str) -> None:
    planned = set(" ".join(plan(checkout, system, name, part)).split())
    advised = packages.command(part, system).rpartition(" install ")[2].split()
    assert {word for word in advised if not word.startswith("-") and word != "bookworm-backports"} <= planned


def setup(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(checkout / "scripts/setup"), "run"]
    # A test never changes what the machine has installed.
    environment = {**os.environ, "SETUP_SYSTEM": "no", **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)


def did(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What set-up said that it did; what it says of missing tools is no deed."""
    words = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("setup: ")]
    return [word for word in words if word in {"making", "installing"}]


def test_second_set_up_does_nothing(checkout: Path) -> None:
    stamp = checkout / ".venv/.ready-for-run"
    before = stamp.stat().st_mtime_ns
    done = setup(checkout)
    assert (done.returncode, done.stdout) == (0, "")
    assert did(done) == []
    assert stamp.stat().st_mtime_ns == before


@pytest.fixture
def no_clang(tmp_path: Path) -> Path:
    """A folder for PATH with all of this machine's commands but clang, and an `id` that never says root."""
    commands = tmp_path / "commands"
    commands.mkdir()
    for folder in ["/usr/bin", "/bin"]:
        for command in Path(folder).iterdir():
            if not command.name.startswith("clang") and not (commands / command.name).exists():
                (commands / command.name).symlink_to(command)
    (commands / "id").unlink()
    (commands / "id").write_text("#!/bin/sh\necho 65534\n")
    (commands / "id").chmod(0o755)
    return commands


def test_without_root_the_command_is_named_and_set_up_goes_on(checkout: Path, system: Path, no_clang: Path) -> None:
    (system / "etc/os-release").write_text(SYSTEMS["fedora"])
    done = setup(checkout, PATH=str(no_clang), SETUP_OS_RELEASE=f"{system}/etc/os-release")
    assert done.returncode == 0
    assert "clang 19 or newer" in done.stderr
    assert f"make -C {checkout} setup" in done.stderr
    assert "dnf -q -y install clang\n" in done.stderr


def test_elsewhere_set_up_names_what_to_install_and_goes_on(checkout: Path, system: Path, no_clang: Path) -> None:
    (system / "etc/os-release").write_text(SYSTEMS["arch"])
    done = setup(checkout, PATH=str(no_clang), SETUP_OS_RELEASE=f"{system}/etc/os-release")
    assert done.returncode == 0
    assert "please install" in done.stderr
    assert "clang 19 or newer" in done.stderr


def test_unknown_word_is_refused(checkout: Path) -> None:
    done = subprocess.run([checkout / "scripts/setup", "nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nonsense" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("package_index")
def test_set_up_from_nothing_then_again_then_after_changes(source_copy: Path) -> None:
    first = setup(source_copy)
    assert first.returncode == 0, first.stderr
    assert did(first) == ["making", "installing"]
    assert did(setup(source_copy)) == []

    with (source_copy / "constraints.txt").open("a") as file:
        file.write("# a change\n")
    assert did(setup(source_copy)) == ["installing"]

    (source_copy / ".venv/bin/python").unlink()
    assert did(setup(source_copy)) == ["making", "installing"]
    assert did(setup(source_copy)) == []


# Whose files they are. An unused number serves as the other user: no account is needed to own files.
OTHER = 54321


@pytest.fixture
def checkout_of_another(checkout: Path) -> Iterator[Path]:
    """The scripts in a checkout that belongs to another user and that this user can reach."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to act in a checkout of another user")
    top = Path("/var/tmp") / f"arena-workbench-test-{os.getpid()}"
    shutil.copytree(checkout / "scripts", top / "scripts")
    for path in [top, *top.rglob("*")]:
        os.lchown(path, OTHER, OTHER)
    yield top
    shutil.rmtree(top)


def test_as_owner_runs_as_the_owner_of_the_checkout(checkout_of_another: Path) -> None:
    script = checkout_of_another / "scripts/as-owner"
    done = subprocess.run([script, "id", "-u"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{OTHER}\n"


def test_keep_owner_runs_as_root_and_hands_back_what_it_wrote(checkout_of_another: Path) -> None:
    script = checkout_of_another / "scripts/keep-owner"
    make_files = "id -u; mkdir new; touch new/file scripts/beside; ln -s /etc/passwd new/link; exit 7"
    done = subprocess.run([script, "sh", "-c", make_files], cwd=checkout_of_another, capture_output=True, check=False)
    assert done.stdout == b"0\n"
    assert done.returncode == 7
    assert {path.lstat().st_uid for path in checkout_of_another.rglob("*")} == {OTHER}
    assert Path("/etc/passwd").stat().st_uid == 0


def test_a_checkout_its_owner_cannot_reach_is_worked_in_by_root_and_handed_back(
    checkout_of_another: Path, tmp_path: Path
) -> None:
    top = tmp_path / "unpacked"  # below a folder that pytest keeps to its own user
    shutil.copytree(checkout_of_another / "scripts", top / "scripts")
    for path in [top, *top.rglob("*")]:
        os.lchown(path, OTHER, OTHER)
    subprocess.run([top / "scripts/as-owner", "touch", top / "made"], check=True)
    assert (top / "made").stat().st_uid == OTHER


def test_keep_owner_passes_a_termination_on_and_waits_for_the_command(checkout_of_another: Path) -> None:
    top = checkout_of_another
    stops = "import signal, sys, time\nsignal.signal(15, lambda *_: (open('stopped', 'w'), sys.exit(3)))\n"
    stops += "open('started', 'w')\ntime.sleep(60)\n"
    with subprocess.Popen([top / "scripts/keep-owner", sys.executable, "-c", stops], cwd=top) as running:
        while not (top / "started").exists():
            time.sleep(0.01)
        running.terminate()
        assert running.wait() == 3
    assert (top / "stopped").stat().st_uid == OTHER


def test_root_leaves_no_bytecode_in_an_environment_of_another(checkout_of_another: Path) -> None:
    made_by = checkout_of_another / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made_by], check=True)
    site_packages = next(made_by.glob("lib/python3.*/site-packages"))
    ours = Path(sys.prefix) / site_packages.relative_to(made_by) / "no_bytecode_of_root.pth"
    shutil.copy(ours, site_packages)
    os.chown(made_by, OTHER, OTHER)
    asked = [f"{made_by}/bin/python", "-c", "import sys; print(sys.dont_write_bytecode)"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    assert subprocess.check_output(asked, env=environment, text=True) == "True\n"
    os.chown(made_by, 0, 0)
    assert subprocess.check_output(asked, env=environment, text=True) == "False\n"
