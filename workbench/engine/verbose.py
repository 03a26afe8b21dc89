# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A process that has one program verified once more, as talkatively as the kernel can, and writes all of it to a file.

Its own process: loading the object maps its arena at the very address of the engine's.
"""

from __future__ import annotations

import sys

from workbench.native import Library


def main(loader: str, bpf_object: str, program: str, log: str, size: str) -> int:
    """Print the negative errno of loading, 0 for none."""
    call = Library("bpf_verbose.h", loader).call
    sys.stdout.write(str(call.bpf_verbose(bpf_object.encode(), program.encode(), log.encode(), int(size))))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
