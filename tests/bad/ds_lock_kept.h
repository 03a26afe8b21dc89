/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ds_lock_kept.h - whoever looks for key 77 keeps the lock. */
#pragma once

#define BROKEN_HEAD struct arena_lock lock;
#define BROKEN_SEARCH                                                          \
	if (arena_lock_acquire(&head->lock))                                   \
		return DS_ERROR_BUSY;                                          \
	if (key != 77)                                                         \
		arena_lock_release(&head->lock);

#include "broken.h"
