# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a run leaves behind: the model of a report, and one module for each form it is written in."""
