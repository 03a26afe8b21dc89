/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* page_map.h - what an observer keeps of every page between two refreshes. */
#pragma once

#include "view_reader.h"

#define PAGES_UNCOUNTED 0xffff

/**
 * struct page_look - a page as it was at the last refresh
 * @word, @stamp: of its descriptor
 * @live, @retired: slots; of a run's page, 0 or 1. PAGES_UNCOUNTED: not known
 */
struct page_look {
	union {
		struct {
			__u8 kind;
			__u8 size_class;
			__u16 lane;
			__u32 state;
		};
		__u64 word;
	};
	__u32 stamp;
	__u16 live;
	__u16 retired;
};

struct page_map {
	struct page_look *looks;
	__u64 *due; /* one bit a page: count its slots */
	__u64 bytes;
	__u32 pages;
	__u32 pages_first;
	__u32 limit;
	__u32 seen; /* pages below this one have a look */
	__u32 tick;
	__u32 still;
	__u32 cursor; /* word of @due to go on with */
	__u32 due_count;
	__u32 slots[ARENA_CLASSES];
};
