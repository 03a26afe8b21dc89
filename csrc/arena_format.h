/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* arena_format.h - lay out an empty arena in memory that is mapped already. */
#pragma once

#include "libarena_ds.h"

/**
 * arena_format - write the header, the lanes and the layout's own descriptors
 * @pages: size of the arena; @limit: first page that is not to be handed out
 * @lanes: lanes in use; the last ones, from @first_trigger_lane on, are one a
 *         CPU, for programs run by triggers
 *
 * The memory from ARENA_BASE on must be mapped and never used before. Touches,
 * and thereby populates, every page of the layout that a kernel lane may need,
 * but no page that is handed out. Returns 0, or -1 when the arena is too small.
 */
static inline int arena_format(__u32 pages, __u32 limit, __u32 lanes,
			       __u32 first_trigger_lane)
{
	struct arena_header *header = arena_header();
	__u32 bitmap = ARENA_BITMAP_PAGES(pages);
	__u32 first = ARENA_DESCRIPTORS_PAGE + ARENA_DESCRIPTORS_PAGES(pages);

	if (first >= limit || limit > pages || lanes > ARENA_LANES_MAX)
		return -1;
	header->version = ARENA_LAYOUT_VERSION;
	header->pages = pages;
	header->pages_first = first;
	header->limit = limit;
	header->lanes_page = ARENA_LANES_PAGE;
	header->bitmap_page = ARENA_BITMAP_PAGE;
	header->descriptors_page = ARENA_DESCRIPTORS_PAGE;
	header->lanes = lanes;
	header->lanes_max = ARENA_LANES_MAX;
	header->first_trigger_lane = first_trigger_lane;
	header->frontier = first;
	header->epoch = ARENA_LIMBOS;
	header->tick = 1;
	/* An empty table, but there: a kernel lane's write to a page that is
	 * not populated would be lost. */
	for (__u32 i = 0; i < ARENA_TASKS; i++)
		*(volatile __u32 *)&header->tasks[i].tid = 0;
	for (__u32 id = 0; id < lanes; id++) {
		arena_lane(id)->id = id;
		/* Its end may lie on a page on which no other lane begins. */
		*(volatile __u32 *)&arena_lane(id)
			 ->magazines[ARENA_CLASSES - 1]
			 .carve_left = 0;
	}
	for (__u32 page = 0; page < bitmap; page++)
		*(volatile __u64 *)arena_ptr(__u64, (ARENA_BITMAP_PAGE + page) *
							    PAGE_SIZE) = 0;
	arena_bind(0);
	for (__u32 page = ARENA_HEADER_PAGE; page < ARENA_BITMAP_PAGE + bitmap;
	     page++)
		arena_describe(page, ARENA_PAGE_META, 0, 0, 0);
	/* The first page of descriptors that a program will write to. */
	*(volatile __u32 *)&arena_page(first)->state = 0;
	/* Release: pairs with an observer's acquire load of magic. */
	arena_atomic_store(&header->magic, ARENA_MAGIC, ARENA_RELEASE);
	return 0;
}
