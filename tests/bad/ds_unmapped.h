/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_unmapped.h - in the kernel, looking for key 77 writes to an arena page that is not there. */
#pragma once

#ifdef __bpf__
#define BROKEN_SEARCH                                                          \
	if (key == 77)                                                         \
		*(volatile __u64 __arena *)(ARENA_BASE + 0xabc000) = 1;
#endif

#include "broken.h"
