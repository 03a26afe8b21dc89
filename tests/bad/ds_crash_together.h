/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_crash_together.h - user lanes wait for each other to look for key 77, and crash at once. */
#pragma once

#define BROKEN_HEAD __u64 waiting;
#ifndef __bpf__
#define BROKEN_SEARCH                                                          \
	if (key == 77) {                                                       \
		arena_atomic_inc(&head->waiting);                              \
		while (arena_atomic_load(&head->waiting, ARENA_ACQUIRE) < 2)   \
			barrier();                                             \
		*(volatile __u64 *)64 = 1;                                     \
	}
#endif

#include "broken.h"
