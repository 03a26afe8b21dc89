# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Looking into an arena from outside, read-only: its pages, the types of what lies there, and the links between nodes.

Starts no process, draws nothing. The way of the data: `view` maps the memory; `pages` sums it up; `types` says what
objects look like; `links` walks from the structure's head; `frames` puts a part of that on a plane for a screen.
"""
