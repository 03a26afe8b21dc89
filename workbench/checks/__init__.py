# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Was what happened correct? Judgements over findings; nothing here starts a process."""
