// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* alloc_lock.c - the arena's lock lets one lane in, and nobody wait for ever. */
#include "alloc_common.h"

struct guarded {
	struct arena_lock lock;
	__u64 count; /* not atomic: the lock has to do */
};

static struct guarded *guarded;
static __u64 got, busy;

static void anew(void)
{
	arena_anew(1000, 9);
	guarded = bpf_arena_alloc(sizeof(*guarded));
	memset(guarded, 0, sizeof(*guarded));
	got = busy = 0;
}

static void count_under_the_lock(__u32 lane)
{
	(void)lane;
	for (int i = 0; i < 300000; i++) {
		if (arena_lock_acquire(&guarded->lock)) {
			arena_atomic_inc(&busy);
			continue;
		}
		WRITE_ONCE(guarded->count, READ_ONCE(guarded->count) + 1);
		arena_lock_release(&guarded->lock);
		arena_atomic_inc(&got);
	}
}

static void one_lane_holds_it(void)
{
	anew();
	run_lanes(4, count_under_the_lock);
	check(got + busy == 4 * 300000);
	check(guarded->count == got, "%llu of %llu counted", guarded->count,
	      got);
	check(guarded->lock.holder == 0);
}

static void waiting_ends(void)
{
	anew();
	check(!arena_lock_acquire(&guarded->lock));
	check(guarded->lock.holder == 0 + 1, "lane 0 holds it");
	arena_bind(1);
	check(arena_lock_acquire(&guarded->lock) == -EBUSY);
	check(guarded->lock.holder == 0 + 1);
	arena_bind(0);
	arena_lock_release(&guarded->lock);
	arena_bind(1);
	check(!arena_lock_acquire(&guarded->lock));
}

static void locking_twice_is_reported(void)
{
	anew();
	check(!arena_lock_acquire(&guarded->lock));
	check(arena_lock_acquire(&guarded->lock) == -EBUSY);
	check(arena_header()->fault_count == 1);
	check(arena_header()->faults[0].kind == ARENA_FAULT_SELF_LOCK);
	check(arena_header()->faults[0].address == (__u64)&guarded->lock);
	check(COUNTED(bad_frees) + COUNTED(double_frees) == 0);
}

TESTS({"one_lane_holds_it", one_lane_holds_it}, {"waiting_ends", waiting_ends},
      {"locking_twice_is_reported", locking_twice_is_reported})
