# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The panes of the shell, one a module, and the dialogs that stand in front of them."""
