/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_mpscq.h - queue of many producers and one consumer (Vyukov's, of 2010).
 *
 * Form: the head is called struct ds_mpscq; pop, and beside it a delete that
 * takes no key; a _lkmm and a _c variant of each, of which the plain name
 * takes the one for its side.
 */
#pragma once

#include "ds_api.h"

struct ds_mpscq_node {
	struct ds_mpscq_node __arena *next;
	struct ds_kv kv;
};

struct ds_mpscq {
	/* Producers swap themselves in here ... */
	struct ds_mpscq_node __arena *tail;
	__u64 away[7];
	/* ... and the consumer, alone, takes what follows this empty node. */
	struct ds_mpscq_node __arena *stub;
};

static inline int ds_mpscq_init(struct ds_mpscq __arena *queue)
{
	struct ds_mpscq_node __arena *stub = bpf_arena_alloc(sizeof(*stub));

	if (!stub)
		return DS_ERROR_NOMEM;
	stub->next = NULL;
	queue->stub = stub;
	queue->tail = stub;
	return DS_SUCCESS;
}

static inline struct ds_mpscq_node __arena *ds_mpscq_node(__u64 key,
							  __u64 value)
{
	struct ds_mpscq_node __arena *node = bpf_arena_alloc(sizeof(*node));

	if (node) {
		node->next = NULL;
		node->kv.key = key;
		node->kv.value = value;
	}
	return node;
}

static inline int ds_mpscq_insert_lkmm(struct ds_mpscq __arena *queue,
				       __u64 key, __u64 value)
{
	struct ds_mpscq_node __arena *node = ds_mpscq_node(key, value);
	struct ds_mpscq_node __arena *before;

	if (!node)
		return DS_ERROR_NOMEM;
	before = arena_atomic_exchange(&queue->tail, node, ARENA_ACQ_REL);
	/* Pairs with the acquire in pop: the node's content comes first. */
	smp_store_release(&before->next, node);
	return DS_SUCCESS;
}

static inline int ds_mpscq_pop_lkmm(struct ds_mpscq __arena *queue,
				    struct ds_kv *out)
{
	struct ds_mpscq_node __arena *stub = queue->stub;
	struct ds_mpscq_node __arena *next = smp_load_acquire(&stub->next);

	if (!next) /* empty, or a producer between its two steps */
		return READ_ONCE(queue->tail) == stub ? DS_ERROR_NOT_FOUND
						      : DS_ERROR_BUSY;
	out->key = next->kv.key;
	out->value = next->kv.value;
	queue->stub = next;
	bpf_arena_free(stub); /* its producer has linked it and is done */
	return DS_SUCCESS;
}

#ifndef __BPF__
static inline int ds_mpscq_insert_c(struct ds_mpscq __arena *queue, __u64 key,
				    __u64 value)
{
	struct ds_mpscq_node *node = ds_mpscq_node(key, value), *before;

	if (!node)
		return DS_ERROR_NOMEM;
	before = __atomic_exchange_n(&queue->tail, node, __ATOMIC_ACQ_REL);
	/* Pairs with the acquire in pop. */
	__atomic_store_n(&before->next, node, __ATOMIC_RELEASE);
	return DS_SUCCESS;
}

static inline int ds_mpscq_pop_c(struct ds_mpscq __arena *queue,
				 struct ds_kv *out)
{
	struct ds_mpscq_node *stub = queue->stub;
	struct ds_mpscq_node *next =
		__atomic_load_n(&stub->next, __ATOMIC_ACQUIRE);

	if (!next)
		return __atomic_load_n(&queue->tail, __ATOMIC_RELAXED) == stub
			       ? DS_ERROR_NOT_FOUND
			       : DS_ERROR_BUSY;
	*out = next->kv;
	queue->stub = next;
	bpf_arena_free(stub);
	return DS_SUCCESS;
}
#endif

static inline int ds_mpscq_insert(struct ds_mpscq __arena *queue, __u64 key,
				  __u64 value)
{
#ifdef __BPF__
	return ds_mpscq_insert_lkmm(queue, key, value);
#else
	return ds_mpscq_insert_c(queue, key, value);
#endif
}

static inline int ds_mpscq_pop(struct ds_mpscq __arena *queue,
			       struct ds_kv *out)
{
#ifdef __BPF__
	return ds_mpscq_pop_lkmm(queue, out);
#else
	return ds_mpscq_pop_c(queue, out);
#endif
}

static inline int ds_mpscq_delete(struct ds_mpscq __arena *queue,
				  struct ds_kv *out)
{
	return ds_mpscq_pop(queue, out);
}

static inline int ds_mpscq_verify(struct ds_mpscq __arena *queue)
{
	struct ds_mpscq_node __arena *node = queue->stub;
	struct ds_mpscq_node __arena *last = NULL;

	while (node && can_loop) {
		last = node;
		node = node->next;
	}
	if (node)
		return DS_ERROR_BUSY;
	return last == queue->tail ? DS_SUCCESS : DS_ERROR_CORRUPT;
}

static inline int ds_mpscq_iterate(struct ds_mpscq __arena *queue,
				   int (*fn)(__u64 key, __u64 value, void *ctx),
				   void *ctx)
{
	struct ds_mpscq_node __arena *node = queue->stub->next;

	while (node && can_loop) {
		int result = fn(node->kv.key, node->kv.value, ctx);

		if (result)
			return result;
		node = node->next;
	}
	return DS_SUCCESS;
}

static inline const struct ds_metadata *ds_mpscq_get_metadata(void)
{
	static const struct ds_metadata metadata = {
		.name = "mpscq",
		.description = "Vyukov's queue of many producers "
			       "and one consumer",
		.node_size = sizeof(struct ds_mpscq_node),
		.requires_locking = 0,
	};

	return &metadata;
}
