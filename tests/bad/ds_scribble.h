/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_scribble.h - deleting key 77 overwrites the allocator's own header with noise. */
#pragma once

#define BROKEN_DELETE                                                          \
	if (key == 77)                                                         \
		for (__u64 i = arena_zero(); i < 512 && can_loop; i++)         \
			((__u64 __arena *)arena_header())[i] = ~0ULL - i;

#include "broken.h"
