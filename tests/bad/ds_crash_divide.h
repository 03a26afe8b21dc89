/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_crash_divide.h - a user lane divides by zero when it looks for key 77. */
#pragma once

#ifndef __bpf__
#define BROKEN_SEARCH                                                          \
	{                                                                      \
		volatile __u64 left = 77 - key;                                \
		left = key / left;                                             \
	}
#endif

#include "broken.h"
