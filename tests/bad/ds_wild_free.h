/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_wild_free.h - deleting key 77 frees an address that was never handed out. */
#pragma once

#define BROKEN_DELETE                                                          \
	if (key == 77)                                                         \
		bpf_arena_free(&head->spare);

#include "broken.h"
