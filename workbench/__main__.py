# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`python -m workbench` is `arena-workbench`."""

import sys

from workbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
