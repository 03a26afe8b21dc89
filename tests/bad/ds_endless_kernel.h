/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_endless_kernel.h - a kernel lane goes round until it is cut off when it looks for a key. */
#pragma once

#ifdef __bpf__
#define BROKEN_SEARCH                                                          \
	while (key && can_loop)                                                \
		barrier();
#endif

#include "broken.h"
