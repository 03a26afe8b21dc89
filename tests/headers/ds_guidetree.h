/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_guidetree.h - binary search tree under one lock.
 *
 * Form: as in the guide's example: heads are plain pointers, search gives the
 * value, statistics are kept in the head.
 *
 * @ds_type binary_search_tree
 * @ds_ordered yes
 * @ds_allows_duplicates no
 * @ds_complexity insert O(log n)
 * @ds_complexity delete O(log n)
 * @ds_complexity search O(log n)
 */
#pragma once

#include "ds_api.h"

/* ========================================================================
 * DATA STRUCTURES
 * ======================================================================== */

struct ds_guidetree_node {
	struct ds_guidetree_node __arena *left;
	struct ds_guidetree_node __arena *right;
	__u64 key;
	__u64 value;
};

struct ds_guidetree_head {
	struct ds_guidetree_node __arena *root;
	__u64 count;
	__u32 locked;
	__u32 patience;
	struct ds_stats stats;
};

/* ========================================================================
 * API IMPLEMENTATION
 * ======================================================================== */

static inline void ds_guidetree_reset_stats(struct ds_guidetree_head *head)
{
	int op;

	for (op = 0; op < DS_OP_MAX; op++) {
		head->stats.ops[op].count = 0;
		head->stats.ops[op].failures = 0;
		head->stats.ops[op].total_time_ns = 0;
	}
	head->stats.current_elements = head->count;
	head->stats.max_elements = head->count;
	head->stats.memory_used = 0;
}

static inline int ds_guidetree_init(struct ds_guidetree_head *head)
{
	if (!head)
		return DS_ERROR_INVALID;

	head->root = NULL;
	head->count = 0;
	head->locked = 0;
	head->patience = 20000;
	ds_guidetree_reset_stats(head);

	return DS_SUCCESS;
}

static inline bool ds_guidetree_lock(struct ds_guidetree_head *head)
{
	__u32 left = head->patience;

	while (left && can_loop) {
		/* Acquire: pairs with the release in unlock. */
		if (arena_atomic_cmpxchg(&head->locked, 0, 1, ARENA_ACQUIRE,
					 ARENA_RELAXED) == 0)
			return true;
		left--;
#ifndef __bpf__
		if (left % 64 == 0)
			sched_yield();
#endif
	}
	return false;
}

static inline int ds_guidetree_unlock(struct ds_guidetree_head *head, int op,
				      int result)
{
	/* The lock is held: these are nobody else's just now. */
	head->stats.ops[op].count++;
	if (result != DS_SUCCESS)
		head->stats.ops[op].failures++;
	head->stats.current_elements = head->count;
	if (head->count > head->stats.max_elements)
		head->stats.max_elements = head->count;
	head->stats.memory_used =
		head->count * sizeof(struct ds_guidetree_node);
	arena_atomic_store(&head->locked, 0, ARENA_RELEASE);
	return result;
}

static inline int ds_guidetree_insert(struct ds_guidetree_head *head, __u64 key,
				      __u64 value)
{
	struct ds_guidetree_node __arena *new_node =
		bpf_arena_alloc(sizeof(*new_node));
	struct ds_guidetree_node __arena *node, *above = NULL;

	if (!new_node)
		return DS_ERROR_NOMEM;
	new_node->left = NULL;
	new_node->right = NULL;
	new_node->key = key;
	new_node->value = value;
	if (!ds_guidetree_lock(head)) {
		bpf_arena_free(new_node);
		return DS_ERROR_BUSY;
	}
	node = head->root;
	while (node && node->key != key && can_loop) {
		above = node;
		node = key < node->key ? node->left : node->right;
	}
	if (node) { /* there already, or cut off */
		int result = node->key == key ? DS_ERROR_EXISTS : DS_ERROR_BUSY;

		bpf_arena_free(new_node);
		return ds_guidetree_unlock(head, DS_OP_INSERT, result);
	}
	if (!above)
		head->root = new_node;
	else if (key < above->key)
		above->left = new_node;
	else
		above->right = new_node;
	head->count++;
	return ds_guidetree_unlock(head, DS_OP_INSERT, DS_SUCCESS);
}

static inline int ds_guidetree_delete(struct ds_guidetree_head *head, __u64 key)
{
	struct ds_guidetree_node __arena *node, *above = NULL, *below;

	if (!ds_guidetree_lock(head))
		return DS_ERROR_BUSY;
	node = head->root;
	while (node && node->key != key && can_loop) {
		above = node;
		node = key < node->key ? node->left : node->right;
	}
	if (!node)
		return ds_guidetree_unlock(head, DS_OP_DELETE,
					   DS_ERROR_NOT_FOUND);
	if (node->key != key)
		return ds_guidetree_unlock(head, DS_OP_DELETE, DS_ERROR_BUSY);
	if (node->left && node->right) {
		/* Put the next larger key here and take its node out. */
		struct ds_guidetree_node __arena *next = node->right;

		above = node;
		while (next->left && can_loop) {
			above = next;
			next = next->left;
		}
		if (next->left)
			return ds_guidetree_unlock(head, DS_OP_DELETE,
						   DS_ERROR_BUSY);
		node->key = next->key;
		node->value = next->value;
		node = next;
	}
	below = node->left ? node->left : node->right;
	if (!above)
		head->root = below;
	else if (above->left == node)
		above->left = below;
	else
		above->right = below;
	bpf_arena_free(node);
	head->count--;
	return ds_guidetree_unlock(head, DS_OP_DELETE, DS_SUCCESS);
}

static inline int ds_guidetree_search(struct ds_guidetree_head *head, __u64 key,
				      __u64 *value)
{
	struct ds_guidetree_node __arena *node;
	int result = DS_ERROR_NOT_FOUND;

	if (!ds_guidetree_lock(head))
		return DS_ERROR_BUSY;
	node = head->root;
	while (node && node->key != key && can_loop)
		node = key < node->key ? node->left : node->right;
	if (node && node->key == key) {
		*value = node->value;
		result = DS_SUCCESS;
	} else if (node) {
		result = DS_ERROR_BUSY;
	}
	return ds_guidetree_unlock(head, DS_OP_SEARCH, result);
}

/*
 * Each node has its place: from the least upwards, every next larger key is
 * looked for from the root, and there are as many as are counted.
 */
static inline int ds_guidetree_verify(struct ds_guidetree_head *head)
{
	int result = DS_ERROR_BUSY; /* unless the end is reached */
	bool first = true;
	__u64 last = 0, left;

	if (!ds_guidetree_lock(head))
		return DS_ERROR_BUSY;
	left = head->count;
	while (can_loop) {
		struct ds_guidetree_node __arena *node = head->root;
		struct ds_guidetree_node __arena *next = NULL;

		while (node && can_loop) {
			if (first || node->key > last) {
				next = node;
				node = node->left;
			} else {
				node = node->right;
			}
		}
		if (node) /* cut off */
			break;
		if (!next || !left) {
			/* Neither fewer than are counted nor more. */
			result = !next == !left ? DS_SUCCESS : DS_ERROR_CORRUPT;
			break;
		}
		last = next->key;
		first = false;
		left--;
	}
	return ds_guidetree_unlock(head, DS_OP_VERIFY, result);
}

static inline void ds_guidetree_get_stats(struct ds_guidetree_head *head,
					  struct ds_stats *stats)
{
	*stats = head->stats;
}

static inline const struct ds_metadata *ds_guidetree_get_metadata(void)
{
	static const struct ds_metadata metadata = {
		.name = "guidetree",
		.description = "Binary search tree",
		.node_size = sizeof(struct ds_guidetree_node),
		.requires_locking = 0,
	};
	return &metadata;
}
