// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * arena_make.c - arenas made to measure, for what looks into them: objects by
 * the real allocator, and an arena as full as can be.
 */
#include <sys/mman.h>

#include "arena_format.h"

/* Map @fd at the arena's address and lay it out; 0 or -1. */
int made_open(int fd, __u32 pages)
{
	void *got = mmap((void *)ARENA_BASE, (__u64)pages * PAGE_SIZE,
			 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);

	if (got != (void *)ARENA_BASE || arena_format(pages, pages, 4, 2))
		return -1;
	return arena_bind(1) ? 0 : -1;
}

/* Free the address for another arena, perhaps the kernel's. */
void made_close(__u32 pages)
{
	munmap((void *)ARENA_BASE, (__u64)pages * PAGE_SIZE);
}

__u32 made_alloc(__u64 size)
{
	arena_bind(1);
	return arena_offset(bpf_arena_alloc(size));
}

void made_free(__u32 offset)
{
	arena_bind(1);
	bpf_arena_free(arena_ptr(void, offset));
}

void made_retire(__u32 offset)
{
	arena_bind(1);
	arena_retire(arena_ptr(void, offset));
}

void made_root(__u32 offset, __u32 size)
{
	arena_header()->root = ARENA_BASE | offset;
	arena_header()->root_size = size;
}

__u32 made_tick(void)
{
	return ++arena_header()->tick;
}

/* Note a change of page @page, by a kernel lane if @kernel. */
void made_touch(__u32 page, int kernel)
{
	arena_page(page)->stamp = arena_header()->tick << 1 | (kernel != 0);
}

/*
 * A list of @count nodes {next, key, value} behind a head {first}; @step: the
 * next node in memory is so many allocations away (1: side by side).
 */
int made_list(__u32 count, __u32 step)
{
	struct node {
		struct node *next;
		__u64 key, value;
	} **nodes, **head, *last = NULL;
	__u64 at = 0;

	nodes = mmap(NULL, (__u64)count * sizeof(*nodes),
		     PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	if (nodes == MAP_FAILED)
		return -1;
	head = arena_ptr(struct node *, made_alloc(8));
	*head = NULL;
	for (__u32 i = 0; i < count; i++) {
		nodes[i] = bpf_arena_alloc(sizeof(struct node));
		if (!nodes[i])
			return -1;
	}
	for (__u32 i = 0; i < count; i++) {
		struct node *node = nodes[at];

		node->key = i;
		node->value = 2ULL * i;
		node->next = NULL;
		*(last ? &last->next : head) = node;
		last = node;
		at = (at + step) % count;
	}
	munmap(nodes, (__u64)count * sizeof(*nodes));
	made_root(arena_offset(head), 8);
	return 0;
}

/* Follow the list with nothing else done: what memory alone takes. */
__u64 made_chase(void)
{
	struct node {
		struct node *next;
	} *node = *(struct node **)arena_header()->root;
	__u64 count = 0;

	for (; node; node = node->next)
		count++;
	return count;
}

/* Take every page that is left for objects of 24 bytes, all of them live. */
int made_full(void)
{
	__u32 page = 0;

	arena_bind(1);
	while (bpf_arena_alloc(24))
		page++;
	return page > 0;
}
