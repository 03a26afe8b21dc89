# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is installed works far from the checkout: C sources, profiles and schemas travel with every way to install."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

# Runs what it is told to from an empty folder, with caches of its own and nothing of the checkout's on its path.
FOREIGN = {"PYTHONPATH", "VIRTUAL_ENV", "CC", "CLANG"}


def call(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    environment["XDG_CACHE_HOME"] = str(cwd / "cache")
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> dict[str, Path]:
    """The sdist, the wheel made from the checkout, and the wheel made from the sdist."""
    out = tmp_path_factory.mktemp("archives")
    build = [sys.executable, "-m", "hatchling", "build"]
    subprocess.run([*build, "-d", out], cwd=checkout, check=True, capture_output=True)
    (sdist,) = out.glob("*.tar.gz")
    subprocess.run(["tar", "xzf", sdist, "-C", out], check=True)
    unpacked = out / sdist.name.removesuffix(".tar.gz")
    subprocess.run([*build, "-t", "wheel", "-d", out / "again"], cwd=unpacked, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    (again,) = (out / "again").glob("*.whl")
    return {"sdist": sdist, "wheel": wheel, "wheel from sdist": again}


def files_in(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_the_sdist_makes_the_very_wheel_that_the_checkout_makes(archives: dict[str, Path]) -> None:
    assert files_in(archives["wheel from sdist"]) == files_in(archives["wheel"])


@pytest.mark.parametrize("folder", ["bpf", "csrc", "profiles"])
def test_every_source_and_profile_is_in_the_wheel(archives: dict[str, Path], checkout: Path, folder: str) -> None:
    here = {
        f"workbench/_data/{path.relative_to(checkout)}": path.read_bytes()
        for path in (checkout / folder).rglob("*")
        if path.suffix in {".c", ".h", ".toml"}
    }
    assert here
    assert here.items() <= files_in(archives["wheel"]).items()


def test_the_schema_of_the_report_is_in_the_wheel(archives: dict[str, Path]) -> None:
    json.loads(files_in(archives["wheel"])["workbench/schemas/report.schema.json"])


def test_the_licence_is_in_the_wheel(archives: dict[str, Path]) -> None:
    files = files_in(archives["wheel"])
    metadata = files["arena_workbench-0.1.0.dist-info/METADATA"].decode()
    assert "License-Expression: GPL-2.0-only OR BSD-2-Clause\n" in metadata
    assert {Path(name).name for name in files if "/licenses/" in name} == {
        "LICENSE",
        "GPL-2.0-only.txt",
        "BSD-2-Clause.txt",
    }


@pytest.fixture(scope="module")
def installed(archives: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel alone installed, and this one's packages, but not its workbench, within reach."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [f"{environment}/bin/python", "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*pip, archives["wheel"]], check=True)
    (site_packages,) = environment.glob("lib/python3.*/site-packages")
    # A folder named in a .pth is searched, but the .pth files in it, the editable install among them, are not read.
    borrowed = Path(sys.prefix) / site_packages.relative_to(environment)
    (site_packages / "borrowed.pth").write_text(f"{borrowed}\n")
    return environment


def test_the_wheel_runs_a_structure_that_travelled_with_it(installed: Path, tmp_path: Path) -> None:
    where = call(installed / "bin/python", "-c", "import workbench; print(workbench.__file__)", cwd=tmp_path)
    assert where.startswith(str(installed))
    flags = ["--structure", "list", "--backend", "native", "-t", "1", "-o", "100", "--json", "-"]
    report = json.loads(call(installed / "bin/arena-workbench", "run", *flags, cwd=tmp_path))
    assert report["exit_status"] == 0
    assert report["structure_path"].startswith(str(installed))


def test_the_wheel_finds_its_profiles_and_structures(installed: Path, tmp_path: Path) -> None:
    assert "list" in call(installed / "bin/arena-workbench", "list", cwd=tmp_path)
    folders = "from workbench import resources as r; print(r.profiles_dir(), r.csrc_dir(), r.bpf_dir())"
    for folder in call(installed / "bin/python", "-c", folders, cwd=tmp_path).split():
        assert folder.startswith(str(installed))
        assert any(Path(folder).iterdir())


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("package_index")
def test_pip_installs_the_sdist_in_an_empty_environment(archives: dict[str, Path], tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    call(tmp_path / "venv/bin/python", "-m", "pip", "install", "-q", archives["sdist"], cwd=tmp_path)
    assert "list" in call(tmp_path / "venv/bin/arena-workbench", "list", cwd=tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("package_index")
def test_make_install_links_a_copy_and_uninstall_removes_it(checkout: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    make = ["make", "-C", str(checkout), f"PREFIX={prefix}"]
    call(*make, "install", cwd=tmp_path)
    command = prefix / "bin/arena-workbench"
    assert "list" in call(command, "list", cwd=tmp_path)
    assert str(checkout) not in call(
        prefix / "lib/arena-workbench/bin/python", "-c", "import workbench; print(workbench.__file__)", cwd=tmp_path
    )
    call(*make, "install", cwd=tmp_path)  # over itself
    call(*make, "uninstall", cwd=tmp_path)
    assert [path for path in prefix.rglob("*") if not path.is_dir()] == []


def test_install_replaces_nothing_that_is_not_its_own(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/arena-workbench").write_text("somebody else's\n")
    environment = {**os.environ, "PREFIX": str(tmp_path)}
    for flag in [[], ["--remove"]]:
        subprocess.run([checkout / "scripts/install", *flag], env=environment, capture_output=True, check=False)
        assert (tmp_path / "bin/arena-workbench").read_text() == "somebody else's\n"
