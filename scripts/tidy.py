# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""clang-tidy over the C as user space compiles it: csrc/ by itself, and bpf/ through the driver of each structure."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workbench import binding, cache, headers, resources, structures, toolchain

TIDY = Path(sys.executable).with_name("clang-tidy")


def commands() -> Iterator[tuple[str, list[str]]]:
    """What is looked at, and the source and flags with which."""
    csrc, include = resources.csrc_dir(), resources.bpf_dir() / "include"
    flags = [*structures.native_flags(), f"-I{include}", f"-I{csrc}"]
    for source in sorted(csrc.glob("*.c")):
        if source.name == "driver.c":
            continue
        if source.name.startswith("bpf_") and isinstance(toolchain.find_libbpf(), toolchain.Missing):
            print(f"{source.name}: left out, libbpf is not on this machine", file=sys.stderr)
            continue
        yield source.name, [str(source), "--", *flags]
    for path in sorted((resources.bpf_dir() / "structures").glob("ds_*.h")):
        structure = structures.find(str(path), [])
        view = headers.view(structure.path)
        bound = cache.store_text("bindings", "binding.h", binding.generate(structure, "fast", view.header))
        own = [*structures.native_flags(), *view.flags, f"-I{csrc}", "-include", str(bound)]
        yield f"driver.c with {path.name}", [str(csrc / "driver.c"), "--", *own]


def check(job: tuple[str, list[str]]) -> bool:
    """Run one and print what it found; true if that was nothing."""
    title, arguments = job
    done = subprocess.run([TIDY, "--quiet", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"{title}:\n{done.stdout}{done.stderr}")
    return done.returncode == 0


def main() -> int:
    """0 if nothing was found anywhere."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return 0 if all(list(pool.map(check, commands()))) else 1


if __name__ == "__main__":
    sys.exit(main())
