/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_expset.h - hash set of chains, a lock each.
 *
 * Form: bpf_experimental.h for can_loop; init(head, __u64 capacity); the
 * declarations by DS_API_DECLARE and DS_API_IMPL_*.
 */
#pragma once

#include "ds_api.h"
#include "bpf_experimental.h"
#include "word_lock.h"

struct ds_expset_node {
	struct ds_expset_node __arena *next;
	__u64 key;
	__u64 value;
};

struct ds_expset_chain {
	struct ds_expset_node __arena *first;
	struct word_lock lock;
};

struct ds_expset_head {
	struct ds_expset_chain __arena *chains;
	__u64 count;
	__u64 size;
};

static inline int ds_expset_init(struct ds_expset_head __arena *head,
				 __u64 capacity)
{
	__u64 size = capacity, left;

	if (!size || size > 4096)
		size = 4096;
	head->size = size;
	head->count = 0;
	head->chains = bpf_arena_alloc(size * sizeof(struct ds_expset_chain));
	if (!head->chains)
		return DS_ERROR_NOMEM;
	left = head->size;
	while (left && can_loop) {
		left--;
		head->chains[left].first = NULL;
		word_lock_init(&head->chains[left].lock);
	}
	return left ? DS_ERROR_BUSY : DS_SUCCESS;
}

static inline struct ds_expset_chain __arena *ds_expset_chain(
	struct ds_expset_head __arena *head, __u64 key)
{
	__u64 hash = key * 0x9e3779b97f4a7c15ULL >> 32;

	return &head->chains[hash % head->size];
}

DS_API_IMPL_INSERT(expset)
{
	struct ds_expset_chain __arena *chain = ds_expset_chain(head, key);
	struct ds_expset_node __arena *node, *fresh;
	int result = DS_ERROR_BUSY;

	fresh = bpf_arena_alloc(sizeof(*fresh));
	if (!fresh)
		return DS_ERROR_NOMEM;
	fresh->key = key;
	fresh->value = value;
	if (!word_lock_take(&chain->lock)) {
		bpf_arena_free(fresh);
		return DS_ERROR_BUSY;
	}
	node = chain->first;
	while (node && node->key != key && can_loop)
		node = node->next;
	if (!node) {
		fresh->next = chain->first;
		chain->first = fresh;
		result = DS_SUCCESS;
	} else if (node->key == key) {
		result = DS_ERROR_EXISTS;
	}
	word_lock_drop(&chain->lock);
	if (result == DS_SUCCESS)
		arena_atomic_inc(&head->count);
	else
		bpf_arena_free(fresh);
	return result;
}

DS_API_IMPL_DELETE(expset)
{
	struct ds_expset_chain __arena *chain = ds_expset_chain(head, key);
	struct ds_expset_node __arena *__arena *link = &chain->first;
	struct ds_expset_node __arena *node;
	int result = DS_ERROR_NOT_FOUND;

	if (!word_lock_take(&chain->lock))
		return DS_ERROR_BUSY;
	node = *link;
	while (node && node->key != key && can_loop) {
		link = &node->next;
		node = *link;
	}
	if (node && node->key == key) {
		*link = node->next;
		result = DS_SUCCESS;
	} else if (node) {
		result = DS_ERROR_BUSY;
	}
	word_lock_drop(&chain->lock);
	if (result == DS_SUCCESS) {
		arena_atomic_dec(&head->count);
		bpf_arena_free(node);
	}
	return result;
}

DS_API_IMPL_SEARCH(expset)
{
	struct ds_expset_chain __arena *chain = ds_expset_chain(head, key);
	struct ds_expset_node __arena *node;
	int result = DS_ERROR_NOT_FOUND;

	if (!word_lock_take(&chain->lock))
		return DS_ERROR_BUSY;
	node = chain->first;
	while (node && node->key != key && can_loop)
		node = node->next;
	if (node)
		result = node->key == key ? DS_SUCCESS : DS_ERROR_BUSY;
	word_lock_drop(&chain->lock);
	return result;
}

DS_API_IMPL_VERIFY(expset)
{
	__u64 i = head->size, left = head->count;

	while (i && can_loop) {
		struct ds_expset_node __arena *node = head->chains[--i].first;

		while (node && can_loop) {
			DS_VERIFY_CONDITION(ds_expset_chain(head, node->key) ==
						    &head->chains[i],
					    "a key in the wrong chain");
			left--;
			node = node->next;
		}
	}
	if (i)
		return DS_ERROR_BUSY;
	DS_VERIFY_CONDITION(!left, "keys miscounted");
	return DS_SUCCESS;
}

static inline int ds_expset_iterate(struct ds_expset_head __arena *head,
				    int (*fn)(__u64 key, __u64 value,
					      void *ctx),
				    void *ctx)
{
	__u64 i;

	for (i = 0; i < head->size && can_loop; i++) {
		struct ds_expset_node __arena *node = head->chains[i].first;

		while (node && can_loop) {
			int result = fn(node->key, node->value, ctx);

			if (result)
				return result;
			node = node->next;
		}
	}
	return DS_SUCCESS;
}

DS_API_IMPL_GET_METADATA(expset)
{
	static const struct ds_metadata metadata = {
		.name = "expset",
		.description = "Hash set of chains, a lock each",
		.node_size = sizeof(struct ds_expset_node),
		.requires_locking = 1,
	};

	return &metadata;
}
