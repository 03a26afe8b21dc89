/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_double_free.h - deleting frees the node twice when its key is 77. */
#pragma once

#define BROKEN_FREE(node)                                                      \
	do {                                                                   \
		bpf_arena_free(node);                                          \
		if (key == 77)                                                 \
			bpf_arena_free(node);                                  \
	} while (0)

#include "broken.h"
