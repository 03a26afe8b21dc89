# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Compilers and libraries are found, or it is told why not and what mends it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from workbench import builds, packages, structures, toolchain
from workbench.toolchain import Compiler, Missing


class TestToolchain:
    def test_what_there_is_is_found_here(self, fresh_cache: Path) -> None:
        assert isinstance(toolchain.find().cc, Compiler)

    def test_nothing_on_the_path_is_told_for_each_part_with_its_mend(
        self, fresh_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        for name in ("CC", "CLANG"):
            monkeypatch.delenv(name, raising=False)
        found = toolchain.find()
        assert isinstance(found.cc, Missing)
        assert isinstance(found.clang, Missing)
        assert "there is no C compiler" in str(found.cc)
        assert "clang 19 or newer is needed" in str(found.clang)
        assert "; to mend it: " in (found.bpf_reason or "")

    def test_without_clang_only_the_native_side_is_built_and_the_reason_given(
        self, fresh_cache: Path, header: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLANG", "no-such-clang")
        build = builds.build(structures.find(str(header)), bpf=True)
        assert build.native.exists()
        assert build.bpf is None
        assert "clang 19 or newer is needed" in (build.bpf_reason or "")

    def test_a_clang_without_arena_casts_is_told_with_its_version(
        self, fresh_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = tmp_path / "old-clang"
        old.write_text("#!/bin/sh\necho '#define __clang_version__ \"14.0.6 \"'\n")
        old.chmod(0o755)
        monkeypatch.setenv("CLANG", str(old))
        found = toolchain.find_clang()
        assert isinstance(found, Missing)
        assert f"{old} is 14.0.6" in found.reason

    def test_the_newest_clang_that_can_is_taken(
        self, fresh_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, version, casts in (("clang", "18.1.0", 0), ("clang-19", "19.1.7", 1), ("clang-20", "20.1.2", 1)):
            script = tmp_path / name
            arena = "echo '#define __BPF_FEATURE_ADDR_SPACE_CAST 1'" if casts else ""
            script.write_text(f"#!/bin/sh\necho '#define __clang_version__ \"{version} \"'\n{arena}\n")
            script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin" if not shutil.which("clang") else str(tmp_path))
        monkeypatch.delenv("CLANG", raising=False)
        monkeypatch.setattr(toolchain, "_clangs", lambda: ["clang", "clang-19", "clang-20"])
        found = toolchain.find_clang()
        assert isinstance(found, Compiler)
        assert (found.version, found.command[0]) == ("20.1.2", str(tmp_path / "clang-20"))

    def test_a_compiler_that_is_named_and_not_there_is_told(
        self, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CC", "no-such-cc -m64")
        found = toolchain.find_cc()
        assert isinstance(found, Missing)
        assert found.reason == "CC=no-such-cc -m64 does not run"

    def test_an_old_libbpf_is_told_with_its_version(
        self, fresh_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "libbpf.pc").write_text("prefix=/opt\nincludedir=${prefix}/include\nVersion: 1.1.2\n")
        monkeypatch.setenv("PKG_CONFIG_PATH", str(tmp_path))
        found = toolchain.find_libbpf()
        assert isinstance(found, Missing)
        assert "libbpf 1.4 or newer is needed for arenas, and this is 1.1.2" in found.reason

    def test_a_library_off_the_usual_folders_brings_its_flags(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = "prefix=/opt/x\nlibdir=${prefix}/lib\nincludedir=${prefix}/include\nVersion: 1.6.0\n"
        (tmp_path / "libbpf.pc").write_text(text)
        monkeypatch.setenv("PKG_CONFIG_PATH", str(tmp_path))
        found = toolchain.find_libbpf()
        assert isinstance(found, toolchain.Library)
        assert found.compile_flags == ("-I/opt/x/include",)
        assert found.link_flags == ("-L/opt/x/lib", "-Wl,-rpath,/opt/x/lib")


class TestMending:
    """The command for a part that is missing, by distribution."""

    @pytest.mark.parametrize(
        ("release", "part", "command"),
        [
            ("ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm", "clang", "sudo apt-get install -y clang-19"),
            ("ID=debian\nVERSION_ID=13\nVERSION_CODENAME=trixie", "libbpf", "sudo apt-get install -y libbpf-dev"),
            ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="26.04"', "clang", "sudo apt-get install -y clang"),
            ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"', "clang", "sudo apt-get install -y clang-19"),
            ("ID=fedora\nVERSION_ID=42", "libelf", "sudo dnf install -y elfutils-libelf-devel"),
            ("ID=somethingelse", "libbpf", "install libbpf 1.4 or newer with its headers"),
        ],
    )
    def test_it_names_the_distributions_own_package(
        self, tmp_path: Path, release: str, part: str, command: str
    ) -> None:
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc" / "os-release").write_text(release + "\n")
        assert packages.command(part, tmp_path) == command

    def test_debian_12_takes_libbpf_from_backports_at_the_mirror_in_use(self, tmp_path: Path) -> None:
        sources = tmp_path / "etc" / "apt" / "sources.list.d"
        sources.mkdir(parents=True)
        (tmp_path / "etc" / "os-release").write_text("ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n")
        (sources / "debian.sources").write_text("Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\n")
        command = packages.command("libbpf", tmp_path)
        assert "deb http://mirror.example/debian bookworm-backports main" in command
        assert command.endswith("sudo apt-get install -y -t bookworm-backports libbpf-dev")
        (sources / "backports.list").write_text("deb http://mirror.example/debian bookworm-backports main\n")
        assert packages.command("libbpf", tmp_path).startswith("sudo apt-get update && ")
