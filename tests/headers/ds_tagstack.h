/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_tagstack.h - Treiber's stack, its top a 32-bit offset with a 32-bit tag.
 *
 * The tag moves with every change, so a node that was popped, freed and pushed
 * again is not mistaken for the one that was looked at.
 * Form: insert, pop and search exist only as _lkmm (kernel) and _c (user).
 */
#pragma once

#include "ds_api.h"
#include "bpf_experimental.h"

struct ds_tagstack_node {
	__u64 below; /* address */
	__u64 key;
	__u64 value;
};

struct ds_tagstack_head {
	__u64 top; /* tag << 32 | offset */
};

static inline int ds_tagstack_init(struct ds_tagstack_head __arena *head)
{
	head->top = 0;
	return DS_SUCCESS;
}

/* The arena lies within one 4 GiB block: the head's address has the rest. */
static inline struct ds_tagstack_node __arena *ds_tagstack_node(
	struct ds_tagstack_head __arena *head, __u64 top)
{
	__u64 base = (__u64)(unsigned long)head >> 32 << 32;

	if (!(__u32)top)
		return NULL;
	return (struct ds_tagstack_node
		__arena *)(unsigned long)(base | (__u32)top);
}

static inline int ds_tagstack_insert_lkmm(struct ds_tagstack_head __arena *head,
					  __u64 key, __u64 value)
{
	struct ds_tagstack_node __arena *node = bpf_arena_alloc(sizeof(*node));
	__u64 top, found;

	if (!node)
		return DS_ERROR_NOMEM;
	node->key = key;
	node->value = value;
	top = READ_ONCE(head->top);
	while (can_loop) {
		node->below = top;
		/* Release: pairs with the acquire in pop. */
		found = arena_atomic_cmpxchg(&head->top, top,
					     ((top >> 32) + 1) << 32 |
						     (__u32)(unsigned long)node,
					     ARENA_RELEASE, ARENA_RELAXED);
		if (found == top)
			return DS_SUCCESS;
		top = found;
	}
	bpf_arena_free(node);
	return DS_ERROR_BUSY;
}

static inline int ds_tagstack_pop_lkmm(struct ds_tagstack_head __arena *head,
				       struct ds_kv *out)
{
	__u64 top = smp_load_acquire(&head->top), found;

	while (can_loop) {
		struct ds_tagstack_node __arena *node =
			ds_tagstack_node(head, top);

		if (!node)
			return DS_ERROR_NOT_FOUND;
		/* May be another's by now: then the tag has moved. */
		found = arena_atomic_cmpxchg(
			&head->top, top,
			((top >> 32) + 1) << 32 | (__u32)READ_ONCE(node->below),
			ARENA_ACQUIRE, ARENA_ACQUIRE);
		if (found == top) {
			out->key = node->key;
			out->value = node->value;
			bpf_arena_free(node);
			return DS_SUCCESS;
		}
		top = found;
	}
	return DS_ERROR_BUSY;
}

#ifndef __BPF__
static inline int ds_tagstack_insert_c(struct ds_tagstack_head *head, __u64 key,
				       __u64 value)
{
	struct ds_tagstack_node *node = bpf_arena_alloc(sizeof(*node));
	__u64 top = __atomic_load_n(&head->top, __ATOMIC_RELAXED), fresh;

	if (!node)
		return DS_ERROR_NOMEM;
	node->key = key;
	node->value = value;
	do {
		node->below = top;
		fresh = ((top >> 32) + 1) << 32 | (__u32)(unsigned long)node;
	} while (!__atomic_compare_exchange_n(&head->top, &top, fresh, false,
					      __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
	return DS_SUCCESS;
}

static inline int ds_tagstack_pop_c(struct ds_tagstack_head *head,
				    struct ds_kv *out)
{
	__u64 top = __atomic_load_n(&head->top, __ATOMIC_ACQUIRE), fresh;
	struct ds_tagstack_node *node;

	do {
		node = ds_tagstack_node(head, top);
		if (!node)
			return DS_ERROR_NOT_FOUND;
		fresh = ((top >> 32) + 1) << 32 |
			(__u32)__atomic_load_n(&node->below, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&head->top, &top, fresh, false,
					      __ATOMIC_ACQUIRE,
					      __ATOMIC_ACQUIRE));
	out->key = node->key;
	out->value = node->value;
	bpf_arena_free(node);
	return DS_SUCCESS;
}

/* By walking: only while nobody pops. */
static inline int ds_tagstack_iterate(struct ds_tagstack_head *head,
				      int (*fn)(__u64 key, __u64 value,
						void *ctx),
				      void *ctx)
{
	struct ds_tagstack_node *node = ds_tagstack_node(head, head->top);

	while (node) {
		int result = fn(node->key, node->value, ctx);

		if (result)
			return result;
		node = ds_tagstack_node(head, node->below);
	}
	return DS_SUCCESS;
}
#endif

static inline const struct ds_metadata *ds_tagstack_get_metadata(void)
{
	static const struct ds_metadata metadata = {
		.name = "tagstack",
		.description = "Treiber's stack with a counted top",
		.node_size = sizeof(struct ds_tagstack_node),
		.requires_locking = 0,
		.abstract_type = DS_TYPE_STACK,
		.concurrency = DS_MPMC,
		.progress = DS_LOCK_FREE,
	};

	return &metadata;
}
