# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Speed, always side by side with something else in one run, and printed as ratios. `make bench` runs all of it."""
