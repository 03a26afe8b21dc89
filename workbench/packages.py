# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command that installs a missing part of the toolchain on this distribution."""

from __future__ import annotations

import re
from pathlib import Path

# What each part is called where.
_NAMES = {
    "apt": {
        "cc": "gcc libc6-dev",
        "clang": "clang-19",
        "libbpf": "libbpf-dev",
        "libelf": "libelf-dev",
        "zlib": "zlib1g-dev",
    },
    "dnf": {
        "cc": "gcc",
        "clang": "clang",
        "libbpf": "libbpf-devel",
        "libelf": "elfutils-libelf-devel",
        "zlib": "zlib-devel",
    },
    "pacman": {"cc": "gcc", "clang": "clang", "libbpf": "libbpf", "libelf": "libelf", "zlib": "zlib"},
    "zypper": {"cc": "gcc", "clang": "clang", "libbpf": "libbpf-devel", "libelf": "libelf-devel", "zlib": "zlib-devel"},
    "apk": {
        "cc": "gcc musl-dev",
        "clang": "clang",
        "libbpf": "libbpf-dev",
        "libelf": "elfutils-dev",
        "zlib": "zlib-dev",
    },
}
_TITLES = {
    "cc": "a C compiler (gcc or clang)",
    "clang": "clang 19 or newer",
    "libbpf": "libbpf 1.4 or newer with its headers",
    "libelf": "libelf with its headers",
    "zlib": "zlib with its headers",
}
_INSTALL = {
    "apt": "sudo apt-get install -y {}",
    "dnf": "sudo dnf install -y {}",
    "pacman": "sudo pacman -S --needed {}",
    "zypper": "sudo zypper install -y {}",
    "apk": "sudo apk add {}",
}
_FAMILIES = {
    "debian": "apt",
    "ubuntu": "apt",
    "fedora": "dnf",
    "rhel": "dnf",
    "arch": "pacman",
    "suse": "zypper",
    "opensuse": "zypper",
    "alpine": "apk",
}


def command(part: str, system: Path = Path("/")) -> str:
    """The command for one of cc, clang, libbpf, libelf, zlib; `system` is the root whose distribution is meant."""
    release = _release(system)
    manager = next((_FAMILIES[name] for name in release.get("ids", "").split() if name in _FAMILIES), None)
    if manager is None:
        return f"install {_TITLES[part]}"
    name = _NAMES[manager][part]
    if manager == "apt" and part == "clang" and _default_clang_will_do(release):
        name = "clang"
    install = _INSTALL[manager].format(name)
    old_debian = manager == "apt" and part == "libbpf" and release.get("VERSION_CODENAME") == "bookworm"
    return _from_backports(system) if old_debian else install


def _default_clang_will_do(release: dict[str, str]) -> bool:
    """Whether the distribution's plain `clang` is 19 or newer (there `clang-19` may be gone)."""
    year = re.match(r"\d+", release.get("VERSION_ID", "99"))
    return int(year[0] if year else 99) >= (25 if release.get("ID") == "ubuntu" else 13)


def _release(system: Path) -> dict[str, str]:
    try:
        text = (system / "etc/os-release").read_text(errors="replace")
    except OSError:
        return {}
    said = {key: value.strip().strip("\"'") for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)}
    said["ids"] = f"{said.get('ID', '')} {said.get('ID_LIKE', '')}"
    return said


def _from_backports(system: Path) -> str:
    """Debian 12's own libbpf (1.1) knows no arenas; its backports have 1.4, at the mirror that is in use already."""
    apt = system / "etc/apt"
    text = ""
    for path in [
        apt / "sources.list",
        *sorted((apt / "sources.list.d").glob("*.list")),
        *sorted((apt / "sources.list.d").glob("*.sources")),
    ]:
        try:
            text += path.read_text(errors="replace") + "\n"
        except OSError:
            continue
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    install = "sudo apt-get install -y -t bookworm-backports libbpf-dev"
    if "bookworm-backports" in text:
        return f"sudo apt-get update && {install}"
    mirror = re.search(r"^(?:deb\s+(?:\[[^]]*\]\s+)?|URIs:\s*)(\S+/debian/?)(?=\s)", text, re.MULTILINE)
    if not mirror:
        return f"add bookworm-backports to the sources of apt, then {install}"
    line = f"deb {mirror[1]} bookworm-backports main"
    return (
        f"echo '{line}' | sudo tee /etc/apt/sources.list.d/bookworm-backports.list && sudo apt-get update && {install}"
    )
