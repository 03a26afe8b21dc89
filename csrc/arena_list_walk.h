/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arena_list_walk.h - user space's half of the arena_list example. (Python
 * reads this file as its declarations: apart from the preprocessor's lines,
 * plain C.)
 */
#pragma once

#include <linux/types.h>

/** struct arena_list_seen - what a walk along plain pointers found */
struct arena_list_seen {
	__u64 count;
	__u64 sum;
	__u64 first; /* address of the first element, 0: none */
	__u64 last;
	__u64 live; /* objects that the allocator holds, the head among them */
};

/** arena_list_format - lay out the mapped arena; 0, or -1: too few pages */
int arena_list_format(__u32 pages);

/** arena_list_walk - follow the list from its head, add the values up */
void arena_list_walk(struct arena_list_seen *seen);
