/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arena_list.h - the guide's example: a linked list that the kernel builds and
 * user space walks, through the same pointers.
 *
 * Both take turns (a program has returned before user space looks), so nothing
 * here is atomic. ds_list.h shows what it takes when they do not.
 */
#pragma once

#include "libarena_ds.h"

struct arena_list_node {
	struct arena_list_node __arena *next;
	__u64 value;
};

struct arena_list_head {
	struct arena_list_node __arena *first;
	__u64 count;
};

/** arena_list_head_of - the list of this arena, NULL when there is none yet */
static __always_inline struct arena_list_head __arena *arena_list_head_of(void)
{
	unsigned long root = arena_header()->root;

	return (struct arena_list_head __arena *)root;
}

/** arena_list_make - the list of this arena, made if need be; NULL: no memory */
static __always_inline struct arena_list_head __arena *arena_list_make(void)
{
	struct arena_list_head __arena *head = arena_list_head_of();

	if (head)
		return head;
	head = bpf_arena_alloc(sizeof(*head));
	if (!head)
		return NULL;
	head->first = NULL;
	head->count = 0;
	arena_header()->root_size = sizeof(*head);
	arena_header()->root = (__u64)(unsigned long)head;
	return head;
}

/** arena_list_add - put @value in front; false: no memory */
static __always_inline bool arena_list_add(struct arena_list_head __arena *head,
					   __u64 value)
{
	struct arena_list_node __arena *node = bpf_arena_alloc(sizeof(*node));

	if (!node)
		return false;
	node->value = value;
	node->next = head->first;
	head->first = node;
	head->count++;
	return true;
}

/** arena_list_remove - take the first element off and free it; false: empty */
static __always_inline bool arena_list_remove(struct arena_list_head
					      __arena *head)
{
	struct arena_list_node __arena *node = head->first;

	if (!node)
		return false;
	head->first = node->next;
	head->count--;
	bpf_arena_free(node);
	return true;
}
