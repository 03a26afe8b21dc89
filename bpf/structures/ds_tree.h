/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_tree.h - an AVL tree of unique keys under one lock.
 *
 * Adelson-Velsky and Landis, "An algorithm for the organization of information"
 * (1962), with parent links, so that nothing recurses: BPF has neither the
 * stack for it nor the verifier's consent.
 *
 * All operations, search too, hold the lock (arena_lock.h), and each takes
 * effect between taking and releasing it. So no lane ever sees a node that
 * another one frees, and plain bpf_arena_free() will do.
 *
 *   progress: blocking, but bounded: who does not get the lock in time answers
 *             DS_ERROR_BUSY, and nothing happened.
 *   who may call: any number of lanes, user and kernel, anything (MPMC).
 *
 * Loops under the lock are bounded by the tree's height and never cut off, so
 * that a kernel lane leaves no rebalancing half done. Only verify and iterate
 * use can_loop.
 * Memory is taken before the lock and given back after it, so that nobody
 * waits for a page to be populated.
 *
 * @ds_type: avl_tree
 * @ds_ordered: yes
 * @ds_allows_duplicates: no
 * @ds_complexity insert: O(log n)
 * @ds_complexity delete: O(log n)
 * @ds_complexity search: O(log n)
 */
#pragma once

#include "avl.h"
#include "ds_api.h"
#include "ds_check.h"
#include "ds_lane_stats.h"

/*
 * The node with @key, NULL: none. *@parent is then the node below which it
 * would be. *@deep is set when there was no end to the way down.
 */
static __always_inline struct ds_tree_node __arena *ds_tree_find(
	struct ds_tree_head __arena *head, __u64 key,
	struct ds_tree_node __arena **parent, bool *deep)
{
	struct ds_tree_node __arena *node = head->root;
	int level;

	*parent = NULL;
	*deep = false;
	/* Not arena_for(), which calls the kernel in each round: the verifier
	 * walks these few rounds instead. */
	for (level = 0; level < DS_TREE_LEVELS; level++) {
		if (!node || node->key == key)
			return node;
		*parent = node;
		node = key < node->key ? node->left : node->right;
	}
	*deep = true;
	return NULL;
}

/** ds_tree_init - make @head an empty tree; DS_ERROR_NOMEM if it cannot be */
static inline int ds_tree_init(struct ds_tree_head __arena *head)
{
	if (!head)
		return DS_ERROR_INVALID;
	head->root = NULL;
	head->count = 0;
	head->stats = ds_lane_stats_new();
	if (!head->stats)
		return DS_ERROR_NOMEM;
	/* Release: pairs with the acquire in arena_lock_acquire(). */
	arena_atomic_store(&head->lock.holder, 0, ARENA_RELEASE);
	return ds_lane_stats_count(head->stats, DS_OP_INIT, DS_SUCCESS);
}

/* Hang @node, whose key and value are set, into the tree. */
static __always_inline int ds_tree_link(struct ds_tree_head __arena *head,
					struct ds_tree_node __arena *node)
{
	struct ds_tree_node __arena *parent;
	bool deep;

	if (ds_tree_find(head, node->key, &parent, &deep))
		return DS_ERROR_EXISTS;
	if (deep)
		return DS_ERROR_CORRUPT;
	node->left = NULL;
	node->right = NULL;
	node->parent = parent;
	node->height = 1;
	if (!parent)
		head->root = node;
	else if (node->key < parent->key)
		parent->left = node;
	else
		parent->right = node;
	head->count++;
	ds_tree_balance_from(head, parent);
	return DS_SUCCESS;
}

/** ds_tree_insert - DS_ERROR_EXISTS when the key is there: its value stays */
static inline int ds_tree_insert(struct ds_tree_head __arena *head, __u64 key,
				 __u64 value)
{
	struct ds_tree_node __arena *node = bpf_arena_alloc(sizeof(*node));
	int result = DS_ERROR_NOMEM;

	if (!node)
		goto out;
	node->key = key;
	node->value = value;
	result = DS_ERROR_BUSY;
	if (arena_lock_acquire(&head->lock) == 0) {
		result = ds_tree_link(head, node);
		arena_lock_release(&head->lock);
	}
	if (result)
		bpf_arena_free(node);
out:
	return ds_lane_stats_count(head->stats, DS_OP_INSERT, result);
}

/*
 * Take the element of @node out. Returns the node that is no longer used: that
 * of the next larger key when @node has two children, for then @node takes that
 * one's element over. NULL when there is no end to the way to it.
 */
static __always_inline struct ds_tree_node __arena *ds_tree_unlink(
	struct ds_tree_head __arena *head, struct ds_tree_node __arena *node)
{
	struct ds_tree_node __arena *gone = node, *child;
	int level;

	if (node->left && node->right) {
		gone = node->right;
		arena_for(level, DS_TREE_LEVELS)
		{
			if (!gone->left)
				break;
			gone = gone->left;
		}
		if (gone->left)
			return NULL;
		node->key = gone->key;
		node->value = gone->value;
	}
	child = gone->left ? gone->left : gone->right;
	ds_tree_replace(head, gone->parent, gone, child);
	head->count--;
	ds_tree_balance_from(head, gone->parent);
	return gone;
}

/** ds_tree_delete - DS_ERROR_NOT_FOUND when the key is not there */
static inline int ds_tree_delete(struct ds_tree_head __arena *head, __u64 key)
{
	struct ds_tree_node __arena *node, *parent, *gone = NULL;
	int result = DS_ERROR_BUSY;
	bool deep;

	if (arena_lock_acquire(&head->lock) == 0) {
		node = ds_tree_find(head, key, &parent, &deep);
		result = deep ? DS_ERROR_CORRUPT : DS_ERROR_NOT_FOUND;
		if (node) {
			gone = ds_tree_unlink(head, node);
			result = gone ? DS_SUCCESS : DS_ERROR_CORRUPT;
		}
		arena_lock_release(&head->lock);
	}
	if (gone)
		bpf_arena_free(gone);
	return ds_lane_stats_count(head->stats, DS_OP_DELETE, result);
}

/** ds_tree_search - the value of a key; @value may be NULL */
static inline int ds_tree_search(struct ds_tree_head __arena *head, __u64 key,
				 __u64 *value)
{
	struct ds_tree_node __arena *node, *parent;
	int result = DS_ERROR_BUSY;
	bool deep;

	if (arena_lock_acquire(&head->lock) == 0) {
		node = ds_tree_find(head, key, &parent, &deep);
		result = deep ? DS_ERROR_CORRUPT : DS_ERROR_NOT_FOUND;
		if (node) {
			result = DS_SUCCESS;
			if (value)
				*value = node->value;
		}
		arena_lock_release(&head->lock);
	}
	return ds_lane_stats_count(head->stats, DS_OP_SEARCH, result);
}

/* Where a walk in order is: at @node, come to from above or from @from below */
struct ds_tree_place {
	struct ds_tree_node __arena *node;
	struct ds_tree_node __arena *from;
	bool down;
};

/* Go one link on; true when that is past @at->node's element, so that all
 * smaller ones were visited. */
static __always_inline bool ds_tree_step(struct ds_tree_place *at)
{
	struct ds_tree_node __arena *node = at->node;
	bool down = at->down, visit;

	at->down = true;
	if (down && node->left) {
		at->node = node->left;
		return false;
	}
	visit = down || at->from == node->left;
	if (visit && node->right) {
		at->node = node->right;
		return true;
	}
	at->from = node;
	at->node = node->parent;
	at->down = false;
	return visit;
}

/* Whether @node is a live object, hangs below @parent and is as high and as
 * balanced as its children say. They are looked at before they are read. */
static __always_inline bool ds_tree_sound(struct ds_tree_node __arena *node,
					  struct ds_tree_node __arena *parent)
{
	struct ds_tree_node __arena *left = node->left, *right = node->right;
	int high, low;

	if (node->parent != parent || (left && left == right))
		return false;
	if (left && arena_object_state((__u64)(unsigned long)left,
				       sizeof(*left)) != ARENA_LIVE)
		return false;
	if (right && arena_object_state((__u64)(unsigned long)right,
					sizeof(*right)) != ARENA_LIVE)
		return false;
	high = ds_tree_height(left);
	low = ds_tree_height(right);
	if (high < low) {
		int swap = high;

		high = low;
		low = swap;
	}
	return high - low <= 1 && node->height == high + 1;
}

/* The walk of ds_tree_verify(). Each node is checked when it is come to from
 * above, before any of its links is followed. */
static __always_inline int ds_tree_walk(struct ds_tree_head __arena *head)
{
	struct ds_tree_place at = {.node = head->root, .down = true};
	struct ds_tree_node __arena *above = NULL;
	__u64 come_to = arena_zero(), visited = arena_zero(), last = 0;

	if (at.node && arena_object_state((__u64)(unsigned long)at.node,
					  sizeof(*at.node)) != ARENA_LIVE)
		return DS_ERROR_CORRUPT;
	while (can_loop) {
		struct ds_tree_node __arena *node = at.node;

		if (!node)
			return visited == head->count ? DS_SUCCESS
						      : DS_ERROR_CORRUPT;
		if (at.down) {
			/* More nodes than elements: somewhere it goes round. */
			DS_VERIFY_CONDITION(come_to < head->count, "count");
			DS_VERIFY_CONDITION(ds_tree_sound(node, above),
					    "parent, height or balance");
			come_to++;
		}
		above = node;
		if (ds_tree_step(&at)) {
			DS_VERIFY_CONDITION(!visited || node->key > last,
					    "order");
			last = node->key;
			visited++;
		}
	}
	return DS_ERROR_BUSY;
}

/**
 * ds_tree_verify - order, heights, balance, parent links, live nodes, count
 *
 * DS_ERROR_BUSY when it did not get the lock or was cut off before the end.
 * May run at any time; other lanes wait for it, or answer DS_ERROR_BUSY.
 */
static inline int ds_tree_verify(struct ds_tree_head __arena *head)
{
	int result = DS_ERROR_BUSY;

	if (!head)
		return DS_ERROR_INVALID;
	if (arena_lock_acquire(&head->lock) == 0) {
		result = ds_tree_walk(head);
		arena_lock_release(&head->lock);
	}
	return ds_lane_stats_count(head->stats, DS_OP_VERIFY, result);
}

/**
 * ds_tree_iterate - call @fn for every element, in ascending order of keys
 *
 * Ends early when @fn returns other than 0, and returns that. @fn runs under
 * the lock and must not operate on the same tree.
 */
static __always_inline int ds_tree_iterate(struct ds_tree_head __arena *head,
					   int (*fn)(__u64 key, __u64 value,
						     void *ctx),
					   void *ctx)
{
	struct ds_tree_place at = {.down = true};
	int result = DS_ERROR_BUSY;

	if (arena_lock_acquire(&head->lock) != 0)
		return ds_lane_stats_count(head->stats, DS_OP_ITERATE, result);
	at.node = head->root;
	while (can_loop) {
		struct ds_tree_node __arena *node = at.node;

		if (!node) {
			result = DS_SUCCESS;
			break;
		}
		if (ds_tree_step(&at)) {
			int stop = fn(node->key, node->value, ctx);

			if (stop) {
				result = stop;
				break;
			}
		}
	}
	arena_lock_release(&head->lock);
	return ds_lane_stats_count(head->stats, DS_OP_ITERATE, result);
}

static inline void ds_tree_get_stats(struct ds_tree_head __arena *head,
				     struct ds_stats *stats)
{
	ds_lane_stats_sum(head->stats, sizeof(struct ds_tree_node), stats);
}

static inline void ds_tree_reset_stats(struct ds_tree_head __arena *head)
{
	ds_lane_stats_reset(head->stats);
}

static inline const struct ds_metadata *ds_tree_get_metadata(void)
{
	static const struct ds_metadata metadata = {
		.name = "tree",
		.description = "AVL tree under one lock",
		.node_size = sizeof(struct ds_tree_node),
		.requires_locking = 1,
		.abstract_type = DS_TYPE_MAP,
		.concurrency = DS_MPMC,
		.progress = DS_BLOCKING,
		.bounded = 0,
		.ordered = 1,
	};
	return &metadata;
}
