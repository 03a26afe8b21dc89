/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_plainlist.h - ascending linked list under one lock.
 *
 * Form: head marked __arena, delete by key, search that answers yes or no, no
 * statistics of its own.
 */
#pragma once

#include "ds_api.h"
#include "word_lock.h"

struct ds_plainlist_node {
	struct ds_plainlist_node __arena *next;
	__u64 key;
	__u64 value;
};

struct ds_plainlist_head {
	struct ds_plainlist_node __arena *first;
	struct word_lock lock;
	__u64 count;
};

static inline int ds_plainlist_init(struct ds_plainlist_head __arena *head)
{
	if (!head)
		return DS_ERROR_INVALID;
	head->first = NULL;
	head->count = 0;
	word_lock_init(&head->lock);
	return DS_SUCCESS;
}

/*
 * Under the lock: the link that points to the first node not below @key, or
 * NULL if the kernel cut the walk off.
 */
static inline struct ds_plainlist_node __arena *__arena *ds_plainlist_link(
	struct ds_plainlist_head __arena *head, __u64 key)
{
	struct ds_plainlist_node __arena *__arena *link = &head->first;
	struct ds_plainlist_node __arena *node = *link;

	while (can_loop) {
		if (!node || node->key >= key)
			return link;
		link = &node->next;
		node = *link;
	}
	return NULL;
}

static inline int ds_plainlist_insert(struct ds_plainlist_head __arena *head,
				      __u64 key, __u64 value)
{
	struct ds_plainlist_node __arena *fresh, *node;
	struct ds_plainlist_node __arena *__arena *link;
	int result = DS_ERROR_BUSY;

	fresh = bpf_arena_alloc(sizeof(*fresh));
	if (!fresh)
		return DS_ERROR_NOMEM;
	fresh->key = key;
	fresh->value = value;
	if (!word_lock_take(&head->lock))
		goto unused;
	link = ds_plainlist_link(head, key);
	if (!link)
		goto unlock;
	node = *link;
	result = DS_ERROR_EXISTS;
	if (node && node->key == key)
		goto unlock;
	fresh->next = node;
	*link = fresh;
	head->count++;
	word_lock_drop(&head->lock);
	return DS_SUCCESS;
unlock:
	word_lock_drop(&head->lock);
unused:
	bpf_arena_free(fresh);
	return result;
}

static inline int ds_plainlist_delete(struct ds_plainlist_head __arena *head,
				      __u64 key)
{
	struct ds_plainlist_node __arena *__arena *link;
	struct ds_plainlist_node __arena *node;
	int result = DS_ERROR_BUSY;

	if (!word_lock_take(&head->lock))
		return result;
	link = ds_plainlist_link(head, key);
	if (!link)
		goto out;
	node = *link;
	result = DS_ERROR_NOT_FOUND;
	if (!node || node->key != key)
		goto out;
	*link = node->next;
	head->count--;
	bpf_arena_free(node);
	result = DS_SUCCESS;
out:
	word_lock_drop(&head->lock);
	return result;
}

static inline int ds_plainlist_search(struct ds_plainlist_head __arena *head,
				      __u64 key)
{
	struct ds_plainlist_node __arena *__arena *link;
	struct ds_plainlist_node __arena *node;
	int result = DS_ERROR_BUSY;

	if (!word_lock_take(&head->lock))
		return result;
	link = ds_plainlist_link(head, key);
	if (link) {
		node = *link;
		result = node && node->key == key ? DS_SUCCESS
						  : DS_ERROR_NOT_FOUND;
	}
	word_lock_drop(&head->lock);
	return result;
}

static inline int ds_plainlist_verify(struct ds_plainlist_head __arena *head)
{
	struct ds_plainlist_node __arena *node, *next;
	int result = DS_SUCCESS;
	__u64 left;

	if (!word_lock_take(&head->lock))
		return DS_ERROR_BUSY;
	/* Counted down from what is in memory: a count up from a known zero
	 * would have the verifier look at every number it can reach. */
	left = head->count;
	node = head->first;
	while (node && can_loop) {
		next = node->next;
		if (next && next->key <= node->key)
			result = DS_ERROR_CORRUPT;
		left--;
		node = next;
	}
	if (node)
		result = DS_ERROR_BUSY;
	else if (left)
		result = DS_ERROR_CORRUPT;
	word_lock_drop(&head->lock);
	return result;
}

static inline int ds_plainlist_iterate(struct ds_plainlist_head __arena *head,
				       int (*fn)(__u64 key, __u64 value,
						 void *ctx),
				       void *ctx)
{
	struct ds_plainlist_node __arena *node = head->first;

	while (node && can_loop) {
		int result = fn(node->key, node->value, ctx);

		if (result)
			return result;
		node = node->next;
	}
	return DS_SUCCESS;
}

static inline const struct ds_metadata *ds_plainlist_get_metadata(void)
{
	static const struct ds_metadata metadata = {
		.name = "plainlist",
		.description = "Ascending linked list under one lock",
		.node_size = sizeof(struct ds_plainlist_node),
		.requires_locking = 1,
	};

	return &metadata;
}
