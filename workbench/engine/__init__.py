# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The engine: the child process that runs structure code, and the front's handle on it."""
