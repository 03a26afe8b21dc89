/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * word_lock.h - a spin lock of one word, as headers bring their own: shared by
 * several of the structures here, and no structure itself.
 */
#pragma once

#include "libarena_ds.h"

#ifndef __BPF__
#include <sched.h>
#endif

struct word_lock {
	__u32 taken;
	/* Read from memory, so that the verifier sees no constant bound. */
	__u32 patience;
};

static inline void word_lock_init(struct word_lock __arena *lock)
{
	lock->taken = 0;
	lock->patience = 20000;
}

/* false: somebody else keeps it for too long */
static inline bool word_lock_take(struct word_lock __arena *lock)
{
	__u32 left = READ_ONCE(lock->patience);

	while (left && can_loop) {
		/* Acquire: pairs with the release in word_lock_drop(). */
		if (!READ_ONCE(lock->taken) &&
		    arena_atomic_cmpxchg(&lock->taken, 0, 1, ARENA_ACQUIRE,
					 ARENA_RELAXED) == 0)
			return true;
		left--;
#ifndef __BPF__
		if (left % 64 == 0)
			sched_yield();
#endif
	}
	return false;
}

static inline void word_lock_drop(struct word_lock __arena *lock)
{
	arena_atomic_store(&lock->taken, 0, ARENA_RELEASE);
}
