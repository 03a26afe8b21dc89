/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_header_damage.h - deleting key 77 overwrites the first word of the allocator's header. */
#pragma once

#define BROKEN_DELETE                                                          \
	if (key == 77)                                                         \
		*(__u64 __arena *)arena_header() = ~0ULL;

#include "broken.h"
