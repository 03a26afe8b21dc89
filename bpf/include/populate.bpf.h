/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * populate.bpf.h - memory for kernel lanes, by a program that may sleep.
 *
 * The kernel's page allocator cannot be called from every program. So pages
 * are populated ahead, past the frontier, and put into this library's pool,
 * from which any lane takes them.
 */
#pragma once

#include "libarena_ds.h"

/* Whether the page's memory is there: writes to a missing page are dropped. */
static __always_inline bool page_is_there(__u32 page)
{
	__u64 __arena *word = arena_ptr(__u64, page * PAGE_SIZE);

	*(volatile __u64 __arena *)word = ARENA_MAGIC;
	if (*(volatile __u64 __arena *)word != ARENA_MAGIC)
		return false;
	*(volatile __u64 __arena *)word = 0;
	return true;
}

#define POPULATE_CHUNK 32

static __always_inline void populate_descriptor(__u32 page)
{
	/* NULL means that somebody populated that page of descriptors before,
	 * which is as good. */
	arena_kernel_alloc_pages(
		arena_ptr(void,
			  arena_offset(arena_page(page)) & ~(PAGE_SIZE - 1U)),
		1);
}

/* Something in a stretch is populated already (a stray user access) or memory
 * is short: page by page, each looked at. Returns how many are usable. */
__weak __noinline int populate_singly(__u32 first, __u32 count)
{
	__u32 i, done = arena_zero();

	for (i = arena_zero(); i < count && can_loop; i++) {
		arena_kernel_alloc_pages(
			arena_ptr(void, (first + i) * PAGE_SIZE), 1);
		if (!page_is_there(first + i))
			continue;
		arena_describe(first + i, ARENA_PAGE_FREE, 0, 0, 0);
		arena_publish_free(first + i, 1);
		done++;
	}
	return done;
}

/* Returns how many of @count pages, at most POPULATE_CHUNK, are now free. */
__weak __noinline int populate_chunk(__u32 count)
{
	__u32 first = arena_claim_frontier(count), i;

	if (!first)
		return 0;
	populate_descriptor(first);
	populate_descriptor(first + count - 1);
	if (!arena_kernel_alloc_pages(arena_ptr(void, first *PAGE_SIZE), count))
		return populate_singly(first, count);
	for (i = arena_zero(); i < count && can_loop; i++)
		arena_describe(first + i, ARENA_PAGE_FREE, 0, 0, 0);
	arena_publish_free(first, count);
	return count;
}

/**
 * populate_pages - populate up to @wanted more pages; returns how many
 *
 * Only for sleepable programs. May end early by its time: call it again.
 */
static __always_inline __u64 populate_pages(__u64 wanted)
{
	__u64 done = arena_zero();
	int got;

	while (done < wanted && can_loop) {
		got = populate_chunk(POPULATE_CHUNK);
		if (got <= 0)
			got = populate_chunk(1); /* the arena's last pages */
		if (got <= 0)
			break;
		done += got;
	}
	return done;
}
