# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""arena-workbench: drive, watch and check concurrent data structures in a BPF arena."""

__version__ = "0.1.0"
