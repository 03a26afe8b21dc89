/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_crash_stack.h - a user lane calls itself without end when it looks for key 77. */
#pragma once

#ifndef __bpf__
static int deeper(volatile char *above)
{
	volatile char here[512];

	here[0] = above ? above[0] : 0;
	return deeper(here) + here[0];
}
#define BROKEN_SEARCH                                                          \
	if (key == 77)                                                         \
		return deeper(NULL);
#endif

#include "broken.h"
