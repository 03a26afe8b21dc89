# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which compilers and libraries there are; for each one missing, why, and the command that mends it.

Nothing here is started twice: what a compiler says of itself is kept by its file's identity (path, time, size), so that
a warm start only stats. Libraries are read from their .pc files, without pkg-config.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from workbench import cache, packages
from workbench.errors import MachineError

CLANG_NEEDED = "19"
LIBBPF_NEEDED = (1, 4)


class Compiler(msgspec.Struct, frozen=True):
    """A compiler that can be used: its command, and an identity that changes whenever the compiler does."""

    command: tuple[str, ...]
    version: str
    identity: str


class Library(msgspec.Struct, frozen=True):
    """A library that can be linked: version and the flags beyond the plain `-l`."""

    name: str
    version: str
    compile_flags: tuple[str, ...] = ()
    link_flags: tuple[str, ...] = ()


class Missing(msgspec.Struct, frozen=True):
    """A tool or library that is not there or too old: why, and the command that mends it."""

    what: str
    reason: str
    mend: str

    def __str__(self) -> str:
        return f"{self.reason}; to mend it: {self.mend}"


Found = TypeVar("Found", Compiler, Library)


class Toolchain(msgspec.Struct, frozen=True):
    """All that builds need, each found or missing."""

    cc: Compiler | Missing
    clang: Compiler | Missing
    libbpf: Library | Missing
    libelf: Library | Missing
    zlib: Library | Missing

    @property
    def bpf_reason(self) -> str | None:
        """Why no BPF object can be built and loaded, or None when one can."""
        lacking = [str(part) for part in (self.clang, self.libbpf, self.libelf, self.zlib) if isinstance(part, Missing)]
        return "; ".join(lacking) or None


class _Answer(msgspec.Struct, frozen=True):
    """What a compiler file said of itself."""

    version: str
    arena_casts: bool = False


def find() -> Toolchain:
    """The toolchain of this machine as it is now. Never raises for what is missing."""
    return Toolchain(
        cc=find_cc(),
        clang=find_clang(),
        libbpf=find_libbpf(),
        libelf=find_library("libelf", "libelf"),
        zlib=find_library("zlib", "libz"),
    )


def require(part: Found | Missing) -> Found:
    """The part, or MachineError with the reason and the mending command."""
    if isinstance(part, Missing):
        raise MachineError(str(part))
    return part


def find_cc() -> Compiler | Missing:
    """The C compiler for user space: `$CC`, or the first of cc, gcc, clang."""
    wanted = os.environ.get("CC", "")
    for words in [shlex.split(wanted)] if wanted.strip() else [["cc"], ["gcc"], ["clang"]]:
        if words and shutil.which(words[0]):
            answer = _ask(words, ["--version"])
            if answer:
                return _compiler(words, answer)
    reason = f"CC={wanted} does not run" if wanted.strip() else "there is no C compiler (looked for cc, gcc, clang)"
    return Missing("cc", reason, packages.command("cc"))


def find_clang() -> Compiler | Missing:
    """The newest clang that casts arena pointers for BPF: `$CLANG`, or of clang, clang-NN on PATH."""
    wanted = os.environ.get("CLANG", "")
    best: tuple[tuple[int, ...], list[str], _Answer] | None = None
    too_old: list[str] = []
    for words in [shlex.split(wanted)] if wanted.strip() else [[name] for name in _clangs()]:
        answer = _ask(words, ["-target", "bpf", "-mcpu=v4", "-dM", "-E", "-x", "c", os.devnull])
        if not answer:
            continue
        if not answer.arena_casts:
            too_old.append(f"{words[0]} is {answer.version}")
        elif best is None or _numbers(answer.version) > best[0]:
            best = _numbers(answer.version), words, answer
    if best:
        return _compiler(best[1], best[2])
    need = f"clang {CLANG_NEEDED} or newer is needed to compile BPF programs that use an arena"
    reason = f"{need}, and {', '.join(too_old)}" if too_old else f"{need}, and there is none"
    return Missing("clang", reason, packages.command("clang"))


def find_libbpf() -> Library | Missing:
    """libbpf with its headers, new enough for arenas."""
    found = find_library("libbpf", "libbpf")
    if isinstance(found, Missing) or _numbers(found.version)[:2] >= LIBBPF_NEEDED:
        return found
    need = ".".join(map(str, LIBBPF_NEEDED))
    return Missing(
        "libbpf",
        f"libbpf {need} or newer is needed for arenas, and this is {found.version}",
        packages.command("libbpf"),
    )


def find_library(package: str, title: str) -> Library | Missing:
    """A library by its .pc file, with the flags that a folder off the compiler's own path needs."""
    for folder in _pkgconfig_folders():
        try:
            text = (folder / f"{package}.pc").read_text(errors="replace")
        except OSError:
            continue
        said = dict(re.findall(r"^(\w+)\s*=\s*(.*?)\s*$", text, re.MULTILINE))
        version = re.search(r"^Version:\s*(\S+)", text, re.MULTILINE)
        include, library = (_expand(said.get(key, ""), said) for key in ("includedir", "libdir"))
        own = include not in ("", "/usr/include", "/usr/local/include")
        standard = library in ("", "/usr/lib", "/lib", "/usr/lib64") or re.match(r"/usr/lib/[^/]+-linux-gnu", library)
        return Library(
            package,
            version[1] if version else "0",
            (f"-I{include}",) if own else (),
            () if standard else (f"-L{library}", f"-Wl,-rpath,{library}"),
        )
    return Missing(package, f"the headers of {title} are not installed", packages.command(package))


def target_arch() -> str:
    """The machine's name in libbpf's `__TARGET_ARCH_<name>`."""
    machine = platform.machine()
    known = {"x86_64": "x86", "aarch64": "arm64", "s390x": "s390", "riscv64": "riscv", "ppc64le": "powerpc"}
    return known.get(machine, machine)


def kernel_header_flags() -> tuple[str, ...]:
    """Where <asm/types.h> is on systems that keep it in a folder per machine, out of clang's own way for BPF."""
    folder = f"/usr/include/{platform.machine()}-linux-gnu"
    return ("-idirafter", folder) if Path(folder, "asm").is_dir() else ()


def _expand(value: str, variables: dict[str, str]) -> str:
    for _ in range(8):
        value, count = re.subn(r"\$\{(\w+)\}", lambda found: variables.get(found[1], ""), value)
        if not count:
            break
    return value


def _pkgconfig_folders() -> Iterator[Path]:
    for text in (os.environ.get("PKG_CONFIG_PATH", ""), os.environ.get("PKG_CONFIG_LIBDIR", "")):
        yield from (Path(part) for part in text.split(":") if part)
    triplet = f"{platform.machine()}-linux-gnu"
    for prefix in ("/usr/local", "/usr"):
        for part in (f"lib/{triplet}", "lib64", "lib", "share"):
            yield Path(prefix, part, "pkgconfig")


def _clangs() -> list[str]:
    names: set[str] = set()
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        try:
            names.update(path.name for path in Path(folder or ".").glob("clang*"))
        except OSError:
            continue
    return sorted(name for name in names if re.fullmatch(r"clang(-\d+)?", name))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _compiler(words: list[str], answer: _Answer) -> Compiler:
    identity = cache.digest(answer.version, *_identities(words))
    return Compiler((shutil.which(words[0]) or words[0], *words[1:]), answer.version, identity)


def _identities(words: list[str]) -> list[str]:
    """The files that a command runs (both of them for `ccache gcc`), each by path, time and size."""
    files = []
    for word in words:
        path = None if word.startswith("-") else shutil.which(word)
        if path:
            path = os.path.realpath(path)
            status = Path(path).stat()
            files.append(f"{path} {status.st_mtime_ns} {status.st_size}")
    return files


def _ask(words: list[str], arguments: list[str]) -> _Answer | None:
    """What a compiler says of itself, from the memory where its file is still the same; None if it does not run."""
    identities = _identities(words)
    if not identities:
        return None
    memory = cache.root() / "compilers" / f"{cache.digest(*identities, *words, *arguments)[:32]}.json"
    try:
        return msgspec.json.decode(memory.read_bytes(), type=_Answer)
    except (OSError, msgspec.MsgspecError):
        pass
    import subprocess  # only on the way that starts a compiler

    try:
        done = subprocess.run(
            [*words, *arguments], capture_output=True, text=True, errors="replace", timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if "-dM" in arguments:
        macros = dict(re.findall(r"^#define (__\w+) (.*)$", done.stdout, re.MULTILINE))
        version = macros.get("__clang_version__", "").strip('"').split()
        answer = _Answer(version[0] if version else "0", "__BPF_FEATURE_ADDR_SPACE_CAST" in macros)
    else:
        answer = _Answer(done.stdout.strip().split("\n")[0])
    if done.returncode:
        return None
    cache.write(memory, msgspec.json.encode(answer))
    return answer
