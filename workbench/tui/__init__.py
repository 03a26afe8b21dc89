# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The workbench on the screen. Only this package may import Textual; it is given snapshots and never reads a lane."""
