# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the panes are made of: each widget shows frozen values and knows nothing of where they come from."""
