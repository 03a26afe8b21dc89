# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Running compilers: in English, with the dependencies they report, two at once, and shown when asked for."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from workbench.errors import MachineError

# What in the environment changes what a compiler reads.
_ENVIRONMENT = ("CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX", "SOURCE_DATE_EPOCH")
_TIME_LIMIT_S = 300


class Done(msgspec.Struct, frozen=True):
    """A finished compiler: its status, its texts, and the files it read."""

    status: int
    stdout: str
    stderr: str
    dependencies: tuple[str, ...] = ()


def run(
    command: Sequence[str], *, depfile: Path | None = None, stdin: str | None = None, verbose: bool = False
) -> Done:
    """Run a compiler to its end. `depfile` asks it for the files it reads. Raises MachineError if it cannot run."""
    import subprocess  # not on the way of a warm start

    command = [*command, *(("-MD", "-MF", str(depfile), "-MT", "product") if depfile else ())]
    if verbose or os.environ.get("V") == "1":
        sys.stderr.write(f"{shlex.join(command)}\n")
    try:
        done = subprocess.run(
            command,
            input=(stdin or "").encode(),
            capture_output=True,
            timeout=_TIME_LIMIT_S,
            check=False,
            env=os.environ | {"LC_ALL": "C.UTF-8", "LANGUAGE": ""},
        )
    except OSError as error:
        raise MachineError(f"{command[0]} does not run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise MachineError(f"{command[0]} did not end within {_TIME_LIMIT_S} s: {shlex.join(command)}") from None
    files: tuple[str, ...] = ()
    if depfile and not done.returncode:
        files = parse_depfile(depfile.read_text(errors="surrogateescape"))
        depfile.unlink()
    return Done(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"), files)


def at_once(jobs: Sequence[Callable[[], Done]]) -> list[Done]:
    """The results of jobs that run beside each other, in their order."""
    if len(jobs) == 1:
        return [jobs[0]()]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=min(len(jobs), os.cpu_count() or 1)) as pool:
        return list(pool.map(lambda job: job(), jobs))


def environment_flags() -> list[str]:
    """The parts of the environment that a build depends on, as text for its recipe."""
    return [f"{name}={os.environ[name]}" for name in _ENVIRONMENT if name in os.environ]


def parse_depfile(text: str) -> tuple[str, ...]:
    """The files that a make rule, as compilers write it, depends on."""
    _, _, names = text.replace("\\\n", " ").partition(": ")
    found = re.findall(r"(?:\\.|\$\$|[^\s\\])+", names)
    paths = (re.sub(r"\\([ #\\])", r"\1", name).replace("$$", "$") for name in found)
    return tuple(path for path in paths if path not in ("-", "<stdin>", os.devnull))
