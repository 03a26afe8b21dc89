/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_fastqueue.h - unbounded linked queue of one producer and one consumer.
 *
 * Form: the functions' prefix is ds_spsc, not the file's name; a typedef names
 * the head; delete(head, out) and no pop.
 */
#pragma once

#include "ds_api.h"

typedef struct ds_spsc_node {
	struct ds_spsc_node __arena *next;
	__u64 key;
	__u64 value;
} ds_spsc_node_t;

typedef struct {
	ds_spsc_node_t __arena *newest; /* the producer's */
	__u64 away[7];
	ds_spsc_node_t __arena *taken; /* the consumer's: popped last */
} ds_spsc_head_t;

static inline int ds_spsc_init(ds_spsc_head_t __arena *head)
{
	ds_spsc_node_t __arena *empty = bpf_arena_alloc(sizeof(*empty));

	if (!empty)
		return DS_ERROR_NOMEM;
	empty->next = NULL;
	head->newest = empty;
	head->taken = empty;
	return DS_SUCCESS;
}

static inline int ds_spsc_insert(ds_spsc_head_t __arena *head, __u64 key,
				 __u64 value)
{
	ds_spsc_node_t __arena *node = bpf_arena_alloc(sizeof(*node));

	if (!node)
		return DS_ERROR_NOMEM;
	node->next = NULL;
	node->key = key;
	node->value = value;
	/* Release: pairs with the acquire in delete. */
	smp_store_release(&head->newest->next, node);
	head->newest = node;
	return DS_SUCCESS;
}

static inline int ds_spsc_delete(ds_spsc_head_t __arena *head,
				 struct ds_kv *out)
{
	ds_spsc_node_t __arena *taken = head->taken;
	ds_spsc_node_t __arena *node = smp_load_acquire(&taken->next);

	if (!node)
		return DS_ERROR_NOT_FOUND;
	out->key = node->key;
	out->value = node->value;
	head->taken = node;
	/* The producer has left it: it writes only to the newest node. */
	bpf_arena_free(taken);
	return DS_SUCCESS;
}

static inline int ds_spsc_iterate(ds_spsc_head_t __arena *head,
				  int (*fn)(__u64 key, __u64 value, void *ctx),
				  void *ctx)
{
	ds_spsc_node_t __arena *node = head->taken->next;

	while (node && can_loop) {
		int result = fn(node->key, node->value, ctx);

		if (result)
			return result;
		node = node->next;
	}
	return DS_SUCCESS;
}
