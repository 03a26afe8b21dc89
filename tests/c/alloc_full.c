// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* alloc_full.c - an arena that is full says so, and loses nothing: what was
 * handed out once can be handed out again. */
#include "alloc_common.h"

#define MANY 400000
static void *taken[MANY];

static __u32 fill(__u32 size)
{
	__u32 count = 0;

	while (count < MANY && (taken[count] = bpf_arena_alloc(size)))
		count++;
	check(count && count < MANY);
	return count;
}

static void empty(__u32 count, bool backwards)
{
	for (__u32 i = 0; i < count; i++)
		bpf_arena_free(taken[backwards ? count - 1 - i : i]);
	check(audit().live == 0);
}

static void refilling_gives_as_much(void)
{
	static const __u32 sizes[] = {1,    8,	  24,	48,   100,   248,
				      249,  512,  1000, 1352, 2024,  2025,
				      4096, 4097, 8192, 8193, 20000, 1 << 20};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		__u32 size_class = arena_class_of(sizes[i]);
		__u32 first, pages, most;

		arena_anew(1500, 4);
		first = fill(sizes[i]);
		pages = 1500 - arena_header()->pages_first;
		most = size_class ? pages * arena_slots_per_page(
						    arena_slot_size(size_class))
				  : pages / ARENA_PAGES_FOR(sizes[i]);
		check(first == most, "%u of %u objects of %u bytes", first,
		      most, sizes[i]);
		check(audit().live == first);
		check(arena_self()->failed == 1);
		for (int round = 0; round < 3; round++) {
			empty(first, round & 1);
			check(fill(sizes[i]) == first, "%u bytes", sizes[i]);
		}
	}
}

/* Freed runs of one length serve another: neighbours grow together again. */
static void runs_of_other_lengths_fit_again(void)
{
	__u32 pages, count, live = 0;

	arena_anew(1500, 4);
	pages = 1500 - arena_header()->pages_first;
	for (__u32 length = 1; length < 200; length = length * 3 / 2 + 1) {
		count = fill(length * PAGE_SIZE);
		check(count == pages / length, "%u runs of %u", count, length);
		empty(count, length & 1);
	}
	/* A comb: every second run of one page stays. No run of two fits. */
	count = fill(PAGE_SIZE);
	for (__u32 i = 0; i < count; i++) {
		if (arena_offset(taken[i]) / PAGE_SIZE % 2)
			bpf_arena_free(taken[i]);
		else
			live++;
	}
	check(!bpf_arena_alloc(2 * PAGE_SIZE));
	check(!bpf_arena_alloc(2 * PAGE_SIZE));
	check(!bpf_arena_alloc(30 * PAGE_SIZE));
	check(arena_self()->failed >= 3);
	check(audit().live == live);
	/* One of the comb's teeth out: three in a row, at once. */
	for (__u32 i = 0; i < count; i++) {
		if (arena_offset(taken[i]) / PAGE_SIZE % 2 == 0 &&
		    arena_offset(taken[i]) / PAGE_SIZE >
			    arena_header()->pages_first + 500) {
			void *three;

			bpf_arena_free(taken[i]);
			three = bpf_arena_alloc(3 * PAGE_SIZE);
			check(three == (char *)taken[i] - PAGE_SIZE);
			break;
		}
	}
	check(audit().live == live);
}

/* The same mixture, in the same order, fits again and again. */
static void a_mixture_fits_again(void)
{
	__u32 counts[4];

	arena_anew(3000, 4);
	for (int round = 0; round < 4; round++) {
		__u64 random = 88172645463325252ULL;
		__u32 count = 0;

		while (count < MANY) {
			__u32 size = next_random(&random) % 3000;

			taken[count] = bpf_arena_alloc(size);
			if (!taken[count])
				break;
			count++;
		}
		counts[round] = count;
		check(count == counts[0], "%u objects, before %u", count,
		      counts[0]);
		empty(count, round & 1);
	}
}

/* Freed runs are used again before a page is populated. */
static void freed_runs_come_before_new_pages(void)
{
	__u32 frontier;

	arena_anew(20000, 4);
	bpf_arena_free(bpf_arena_alloc(10 * PAGE_SIZE));
	bpf_arena_free(bpf_arena_alloc(PAGE_SIZE));
	frontier = arena_header()->frontier;
	for (int i = 0; i < 10000; i++) {
		bpf_arena_free(bpf_arena_alloc(10 * PAGE_SIZE));
		bpf_arena_free(bpf_arena_alloc(PAGE_SIZE));
	}
	check(arena_header()->frontier == frontier, "grown from %u to %u",
	      frontier, arena_header()->frontier);
	audit();
}

/* A full arena recovers with the first object that is freed, wherever. */
static void one_freed_object_is_enough(void)
{
	static const __u32 sizes[] = {48, 2024, 3000, 9000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		__u64 random = 12345;
		__u32 count;

		arena_anew(1200, 4);
		count = fill(sizes[i]);
		for (int round = 0; round < 2000; round++) {
			__u32 which = next_random(&random) % count;

			check(!bpf_arena_alloc(sizes[i]));
			bpf_arena_free(taken[which]);
			taken[which] = bpf_arena_alloc(sizes[i]);
			check(taken[which]);
		}
		check(audit().live == count);
	}
}

/* Other lanes' free objects are in reach, but for what their caches keep. */
static __u32 freed_by_lane_1;

static void free_as_another(__u32 lane)
{
	(void)lane;
	for (__u32 i = 0; i < freed_by_lane_1; i++)
		bpf_arena_free(taken[i]);
}

static void what_another_lane_frees_is_in_reach(void)
{
	__u32 again;

	arena_anew(1500, 4);
	freed_by_lane_1 = fill(48);
	run_lanes(1, free_as_another);
	again = fill(48);
	check(again + 2 * ARENA_BATCH >= freed_by_lane_1, "%u of %u", again,
	      freed_by_lane_1);
	check(audit().live == again);
}

/* A lane that only allocates comes by what it retired before. */
static void retired_memory_comes_back_to_who_allocates(void)
{
	__u32 count, again = 0;

	arena_anew(1500, 4);
	count = fill(48);
	arena_lane(3)->epoch = arena_header()->epoch << 1 | 1;
	for (__u32 i = 0; i < count; i++)
		arena_retire(taken[i]);
	check(!bpf_arena_alloc(48), "a lane inside holds all of it back");
	check(arena_self()->blocked && arena_self()->blocked_by == 4);
	arena_lane(3)->epoch = 0;
	for (__u32 i = 0; i < 10 * count && again < count; i++)
		if (bpf_arena_alloc(48))
			again++;
	check(again == count, "%u of %u", again, count);
	check(audit().live == count);
}

/* User lanes leave the reserve alone while they can populate pages, and use it
 * when there are no others. */
static void the_reserve_is_left_to_kernel_lanes(void)
{
	struct arena_header *header;
	__u32 page, count;

	arena_anew(2000, 4);
	header = arena_header();
	page = arena_claim_frontier(200);
	arena_populate_by_touch(page, 200);
	arena_publish_free(page, 200);
	header->reserve = 200;
	for (int i = 0; i < 300; i++) {
		check(bpf_arena_alloc(2000) && bpf_arena_alloc(3000));
		check(bpf_arena_alloc(9000));
		check(header->free_pages >= 200);
	}
	count = fill(3000);
	check(count > 200 && header->free_pages == 0);
	audit();
}

/* Every page below the limit gets used, and none at or above it. */
static void the_limit_is_kept(void)
{
	arena_anew(1500, 4);
	arena_header()->limit = 1403;
	fill(48);
	check(arena_header()->frontier == 1403);
	check(arena_header()->free_pages == 0);
	for (__u32 i = 0; i < 20; i++)
		check(!bpf_arena_alloc(48) && !bpf_arena_alloc(4096));
	check(arena_header()->frontier == 1403);
	audit();
}

TESTS({"refilling_gives_as_much", refilling_gives_as_much},
      {"runs_of_other_lengths_fit_again", runs_of_other_lengths_fit_again},
      {"a_mixture_fits_again", a_mixture_fits_again},
      {"freed_runs_come_before_new_pages", freed_runs_come_before_new_pages},
      {"one_freed_object_is_enough", one_freed_object_is_enough},
      {"what_another_lane_frees_is_in_reach",
       what_another_lane_frees_is_in_reach},
      {"retired_memory_comes_back_to_who_allocates",
       retired_memory_comes_back_to_who_allocates},
      {"the_reserve_is_left_to_kernel_lanes",
       the_reserve_is_left_to_kernel_lanes},
      {"the_limit_is_kept", the_limit_is_kept})
