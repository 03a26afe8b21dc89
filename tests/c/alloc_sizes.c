// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* alloc_sizes.c - every size gets memory that is its own, whole and aligned. */
#include "alloc_common.h"

static __u32 edges[4096];
static __u32 edge_count;

static void find_edges(void)
{
	static const __u32 large[] = {4095,  4096,  4097,    8192,   8193,
				      65536, 65537, 1 << 20, 5 << 20};

	edge_count = 0;
	for (__u32 size = 0; size <= 2100; size++)
		edges[edge_count++] = size;
	for (size_t i = 0; i < sizeof(large) / sizeof(*large); i++)
		edges[edge_count++] = large[i];
}

/* All live at once, three of each: an overlap destroys a pattern. */
static void objects_do_not_overlap(void)
{
	static void *objects[3][4096];

	arena_anew(65536, 4);
	find_edges();
	for (int copy = 0; copy < 3; copy++) {
		for (__u32 i = 0; i < edge_count; i++) {
			void *object = bpf_arena_alloc(edges[i]);

			check(object, "%u bytes", edges[i]);
			check((__u64)object % 16 == 0, "%u bytes", edges[i]);
			check(edges[i] <= 2024 || (__u64)object % 4096 == 0);
			check(arena_offset(object) / PAGE_SIZE >=
			      arena_header()->pages_first);
			pattern_fill(object, edges[i], copy * 91 + i);
			objects[copy][i] = object;
		}
	}
	check(audit().live == 3ULL * edge_count);
	for (int copy = 0; copy < 3; copy++) {
		for (__u32 i = 0; i < edge_count; i++) {
			pattern_check(objects[copy][i], edges[i]);
			bpf_arena_free(objects[copy][i]);
		}
	}
	check(audit().live == 0);
	check(COUNTED(double_frees) + COUNTED(bad_frees) == 0);
}

/* What an object may use ends before the next one's header and the page. */
static void classes_fit_their_slots(void)
{
	for (__u32 size = 0; size <= 2024; size++) {
		__u32 size_class = arena_class_of(size);
		__u32 slot = arena_slot_size(size_class);

		check(size_class && size_class < ARENA_CLASSES);
		check(size_class < 32, "five bits hold the class");
		check(slot % 16 == 0 && size + 8 <= slot, "%u bytes", size);
		check(!size || arena_class_of(size - 1) <= size_class);
		check(8 + arena_slots_per_page(slot) * slot <= PAGE_SIZE);
		check(slot - 8 >= sizeof(struct arena_batch));
	}
	check(arena_class_of(2025) == 0);
	check(arena_class_of(~0ULL) == 0);
}

static void impossible_sizes_fail(void)
{
	static const __u64 sizes[] = {
		1024ULL * 4096, 1ULL << 32,   (1ULL << 32) + 1,
		1ULL << 44,	~0ULL - 4095, ~0ULL - 4094,
		~0ULL,		1ULL << 63};
	struct audit before, after;

	arena_anew(1024, 4);
	before = audit();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		check(!bpf_arena_alloc(sizes[i]), "%llx bytes", sizes[i]);
	/* Pages: none at all, and as many as overflow a number of bytes. */
	check(!bpf_arena_alloc_pages(&arena, NULL, 0, NUMA_NO_NODE, 0));
	check(!bpf_arena_alloc_pages(&arena, NULL, 1ULL << 52, NUMA_NO_NODE,
				     0));
	check(!bpf_arena_alloc_pages(&arena, NULL, (1ULL << 52) + 1,
				     NUMA_NO_NODE, 0));
	check(arena_self()->failed == sizeof(sizes) / sizeof(*sizes) + 3);
	after = audit();
	check(after.live == before.live && after.live == 0);
	check(bpf_arena_alloc(100));
}

static void pages_by_the_kernels_names(void)
{
	void *pages;

	arena_anew(1024, 4);
	pages = bpf_arena_alloc_pages(&arena, NULL, 3, NUMA_NO_NODE, 0);
	check(pages && (__u64)pages % PAGE_SIZE == 0);
	pattern_fill(pages, 3 * PAGE_SIZE, 5);
	check(audit().live_runs == 1);
	bpf_arena_free_pages(&arena, pages, 3);
	check(audit().live == 0);
	check(COUNTED(bad_frees) == 0);
}

/* Every byte of the lanes' own state must be there before a kernel lane writes
 * to it, for such a write populates nothing. */
static void formatting_populates_what_kernel_lanes_write(void)
{
	unsigned char there[64];

	for (__u32 lanes = 1; lanes <= 40; lanes++) {
		__u64 first = ARENA_BASE + ARENA_HEADER_PAGE * PAGE_SIZE;
		__u64 end = (__u64)(arena_lane(lanes - 1) + 1);

		arena_anew(1024, lanes);
		check((end - first + PAGE_SIZE - 1) / PAGE_SIZE <= 64);
		check(!mincore((void *)first, end - first, there));
		for (__u64 i = 0; i < (end - first + 4095) / PAGE_SIZE; i++)
			check(there[i] & 1, "page %llu of %u lanes", i, lanes);
	}
}

TESTS({"objects_do_not_overlap", objects_do_not_overlap},
      {"classes_fit_their_slots", classes_fit_their_slots},
      {"impossible_sizes_fail", impossible_sizes_fail},
      {"pages_by_the_kernels_names", pages_by_the_kernels_names},
      {"formatting_populates_what_kernel_lanes_write",
       formatting_populates_what_kernel_lanes_write})
