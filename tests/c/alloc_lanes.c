// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * alloc_lanes.c - lanes allocate, pass objects on and free what others
 * allocated. Every object is filled with a pattern that is checked before it is
 * freed, so a second owner shows; the audit afterwards finds what got lost.
 */
#include "alloc_common.h"

#define BOXES 2048
#define LANES 4

/* A box holds offset | size << 32, or 0. Whoever swaps it out owns it. */
static __u64 boxes[BOXES];
static __u32 rounds;
static __u32 (*choose_size)(__u64 *random);
static bool retiring;

static void give_away(void *object, __u32 size)
{
	if (!object)
		return;
	pattern_check(object, size);
	if (retiring && size % 3 == 0)
		arena_retire(object);
	else
		bpf_arena_free(object);
}

static void exchange_objects(__u32 lane)
{
	__u64 random = 0x9e3779b97f4a7c15ULL * lane, box;
	__u32 number = lane * 1000003;

	for (__u32 i = 0; i < rounds; i++) {
		__u64 *at = &boxes[next_random(&random) % BOXES];
		__u32 size = choose_size(&random);
		void *object = NULL;

		if (retiring)
			arena_enter();
		if (random >> 60 < 9) { /* somewhat more in than out */
			object = bpf_arena_alloc(size);
			if (object)
				pattern_fill(object, size, number++);
		}
		/* Release the pattern with the object, acquire the other's. */
		box = __atomic_exchange_n(
			at,
			object ? arena_offset(object) | (__u64)size << 32 : 0,
			__ATOMIC_ACQ_REL);
		if (box)
			give_away(arena_ptr(void, (__u32)box),
				  (__u32)(box >> 32));
		if (retiring)
			arena_exit();
	}
}

static void torture(__u32 pages, __u32 lanes, __u32 count,
		    __u32 (*sizes)(__u64 *random), bool retire)
{
	struct audit found;
	__u64 held = 0;

	arena_anew(pages, LANES * 2 + 1);
	memset(boxes, 0, sizeof(boxes));
	rounds = count;
	choose_size = sizes;
	retiring = retire;
	run_lanes(lanes, exchange_objects);
	check(arena_drain() == 0, "all lanes have left");
	found = audit();
	for (__u32 i = 0; i < BOXES; i++)
		held += boxes[i] != 0;
	check(found.live == held, "%llu live, %llu held", found.live, held);
	check(COUNTED(double_frees) + COUNTED(bad_frees) == 0);
	check(COUNTED(retired) == COUNTED(reclaimed));
	for (__u32 i = 0; i < BOXES; i++)
		if (boxes[i])
			give_away(arena_ptr(void, (__u32)boxes[i]),
				  (__u32)(boxes[i] >> 32));
	check(arena_drain() == 0);
	found = audit();
	check(found.live == 0 && found.retired == 0);
}

static __u32 one_size(__u64 *random)
{
	(void)random;
	return 48;
}

static __u32 small_sizes(__u64 *random)
{
	return next_random(random) % 2025;
}

static __u32 runs(__u64 *random)
{
	return 2025 + next_random(random) % (12 * PAGE_SIZE);
}

static __u32 all_sizes(__u64 *random)
{
	__u64 drawn = next_random(random);

	return drawn % 16 ? (drawn >> 8) % 2025 : (drawn >> 8) % 40000;
}

static void one_lane(void)
{
	torture(20000, 1, 500000, all_sizes, false);
}

static void two_lanes_of_one_size(void)
{
	torture(20000, 2, 1500000, one_size, false);
	torture(20000, 2, 1500000, one_size, true);
}

static void lanes_of_small_sizes(void)
{
	torture(20000, LANES, 150000, small_sizes, false);
	torture(20000, LANES, 150000, small_sizes, true);
}

static void lanes_of_runs(void)
{
	torture(60000, LANES, 80000, runs, false);
}

static void lanes_of_all_sizes(void)
{
	torture(60000, 2 * LANES, 60000, all_sizes, true);
}

/* Too little memory for all boxes: failing at any place loses nothing. */
static void lanes_in_a_full_arena(void)
{
	torture(185, LANES, 300000, one_size, true);
	check(COUNTED(failed), "the arena was to be too small");
	torture(420, LANES, 100000, small_sizes, true);
	check(COUNTED(failed), "the arena was to be too small");
	torture(700, LANES, 100000, runs, true);
	check(COUNTED(failed), "the arena was to be too small");
	torture(700, LANES, 100000, all_sizes, false);
	check(COUNTED(failed), "the arena was to be too small");
}

/* One lane allocates only, the other frees only: memory flows in a circle. */
static void one_allocates_the_other_frees(__u32 lane)
{
	__u64 box;

	for (__u32 i = 0; i < rounds; i++) {
		__u64 *at = &boxes[i % BOXES];

		if (lane == 1) {
			void *object = bpf_arena_alloc(100);

			check(object);
			pattern_fill(object, 100, i);
			while (__atomic_load_n(at, __ATOMIC_ACQUIRE))
				sched_yield();
			__atomic_store_n(at, arena_offset(object),
					 __ATOMIC_RELEASE);
			continue;
		}
		while (!(box = __atomic_load_n(at, __ATOMIC_ACQUIRE)))
			sched_yield();
		__atomic_store_n(at, 0, __ATOMIC_RELEASE);
		give_away(arena_ptr(void, (__u32)box), 100);
	}
}

static void memory_flows_between_lanes(void)
{
	arena_anew(600, LANES + 1);
	memset(boxes, 0, sizeof(boxes));
	rounds = 1000000;
	retiring = false;
	run_lanes(2, one_allocates_the_other_frees);
	check(audit().live == 0);
	check(arena_lane(1)->allocations == rounds);
	check(arena_lane(2)->frees == rounds);
	check(arena_lane(1)->failed == 0);
}

TESTS({"one_lane", one_lane}, {"two_lanes_of_one_size", two_lanes_of_one_size},
      {"lanes_of_small_sizes", lanes_of_small_sizes},
      {"lanes_of_runs", lanes_of_runs},
      {"lanes_of_all_sizes", lanes_of_all_sizes},
      {"lanes_in_a_full_arena", lanes_in_a_full_arena},
      {"memory_flows_between_lanes", memory_flows_between_lanes})
