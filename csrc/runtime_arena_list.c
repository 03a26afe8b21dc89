// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* runtime_arena_list.c - see arena_list_walk.h. */
#include <string.h>

#include "arena_format.h"
#include "arena_list_walk.h"

#include "../bpf/examples/arena_list.h"

int arena_list_format(__u32 pages)
{
	return arena_format(pages, pages, 1, 1);
}

void arena_list_walk(struct arena_list_seen *seen)
{
	struct arena_list_head *head = arena_list_head_of();
	struct arena_list_node *node;

	memset(seen, 0, sizeof(*seen));
	seen->live = arena_lane(0)->allocations - arena_lane(0)->frees;
	if (!head)
		return;
	seen->first = (__u64)(unsigned long)head->first;
	for (node = head->first; node; node = node->next) {
		seen->count++;
		seen->sum += node->value;
		seen->last = (__u64)(unsigned long)node;
	}
}
