/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arena_lock.h - a bounded spin lock in the arena, for structures that lock.
 *
 * Test-and-test-and-set. A kernel lane must not wait for ever on a user thread
 * that may be preempted or dead, so both sides give up: the kernel side after
 * ARENA_LOCK_SPINS looks, the user side after it has also yielded its CPU
 * ARENA_LOCK_YIELDS times. Who gives up answers DS_ERROR_BUSY.
 *
 * Under the lock use arena_for() for loops: can_loop may end at any moment and
 * would leave the structure half changed.
 */
#pragma once

#include "arena_self.h"

#define ARENA_LOCK_SPINS 20000
#define ARENA_LOCK_YIELDS 20000

struct arena_lock {
	__u32 holder; /* lane + 1, 0 when free */
};

#ifdef __bpf__
#define arena_relax() barrier()
#elif defined(__x86_64__)
#define arena_relax() __builtin_ia32_pause()
#else
#define arena_relax() __asm__ volatile("yield" ::: "memory")
#endif

/* The lock is free: take it. Acquire: pairs with the release in
 * arena_lock_release(). */
static __always_inline bool arena_lock_try(struct arena_lock __arena *lock,
					   __u32 self)
{
	return arena_atomic_cmpxchg(&lock->holder, 0, self, ARENA_ACQUIRE,
				    ARENA_RELAXED) == 0;
}

/* Wait for the lock, but not for ever. */
ARENA_OUTLINE int arena_lock_wait(__u64 address)
{
	struct arena_lock __arena *lock =
		(struct arena_lock __arena *)(unsigned long)address;
	__u32 self = arena_self()->id + 1, holder;
	int spin;
#ifndef __bpf__
	int yields = 0;
again:
#endif
	arena_for(spin, ARENA_LOCK_SPINS)
	{
		holder = arena_atomic_load(&lock->holder, ARENA_RELAXED);
		if (holder == self) {
			arena_report(ARENA_FAULT_SELF_LOCK, address);
			return -16;
		}
		if (!holder && arena_lock_try(lock, self))
			return 0;
		arena_relax();
#ifndef __bpf__
		/* Whoever holds it may be waiting for this very CPU. */
		if (spin >= 100)
			break;
#endif
	}
#ifndef __bpf__
	if (yields++ < ARENA_LOCK_YIELDS) {
		sched_yield();
		goto again;
	}
#endif
	return -16;
}

/** arena_lock_acquire - 0 with the lock held, -EBUSY (-16) without it */
static __always_inline int arena_lock_acquire(struct arena_lock __arena *lock)
{
	if (likely(!arena_atomic_load(&lock->holder, ARENA_RELAXED) &&
		   arena_lock_try(lock, arena_self()->id + 1)))
		return 0;
	return arena_lock_wait((__u64)(unsigned long)lock);
}

static __always_inline void arena_lock_release(struct arena_lock __arena *lock)
{
	/* Release: pairs with the acquire in arena_lock_acquire(). */
	arena_atomic_store(&lock->holder, 0, ARENA_RELEASE);
}
