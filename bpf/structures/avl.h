/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * avl.h - the nodes of ds_tree.h and how they are kept in balance. All of it
 * runs under the tree's lock.
 */
#pragma once

#include "ds_api.h"
#include "ds_lane_stats.h"

/* The highest AVL tree of 2^32 nodes has 46 levels; an arena has room for
 * 2^26. A walk that goes deeper is in a tree that is none. */
#define DS_TREE_LEVELS 64

/** struct ds_tree_node - @height: of the subtree, 1 for a leaf */
struct ds_tree_node {
	struct ds_tree_node __arena *left;
	struct ds_tree_node __arena *right;
	struct ds_tree_node __arena *parent;
	__u64 key;
	__u64 value;
	int height;
};

/** struct ds_tree_head - all but @stats belongs to the holder of @lock */
struct ds_tree_head {
	struct ds_tree_node __arena *root;
	__u64 count;
	struct arena_lock lock;
	struct ds_lane_stats __arena *stats;
};

static __always_inline int ds_tree_height(struct ds_tree_node __arena *node)
{
	return node ? node->height : 0;
}

static __always_inline void ds_tree_set_height(struct ds_tree_node
					       __arena *node)
{
	int left = ds_tree_height(node->left);
	int right = ds_tree_height(node->right);

	node->height = 1 + (left > right ? left : right);
}

/* Let @parent, or the head where there is none, have @with in place of @child. */
static __always_inline void ds_tree_replace(struct ds_tree_head __arena *head,
					    struct ds_tree_node __arena *parent,
					    struct ds_tree_node __arena *child,
					    struct ds_tree_node __arena *with)
{
	if (!parent)
		head->root = with;
	else if (parent->left == child)
		parent->left = with;
	else
		parent->right = with;
	if (with)
		with->parent = parent;
}

/* Raise the right child of @node above it; returns that child. */
static __always_inline struct ds_tree_node __arena *ds_tree_rotate_left(
	struct ds_tree_head __arena *head, struct ds_tree_node __arena *node)
{
	struct ds_tree_node __arena *up = node->right;
	struct ds_tree_node __arena *inner = up->left;

	ds_tree_replace(head, node->parent, node, up);
	up->left = node;
	node->parent = up;
	node->right = inner;
	if (inner)
		inner->parent = node;
	ds_tree_set_height(node);
	ds_tree_set_height(up);
	return up;
}

/* Raise the left child of @node above it; returns that child. */
static __always_inline struct ds_tree_node __arena *ds_tree_rotate_right(
	struct ds_tree_head __arena *head, struct ds_tree_node __arena *node)
{
	struct ds_tree_node __arena *up = node->left;
	struct ds_tree_node __arena *inner = up->right;

	ds_tree_replace(head, node->parent, node, up);
	up->right = node;
	node->parent = up;
	node->left = inner;
	if (inner)
		inner->parent = node;
	ds_tree_set_height(node);
	ds_tree_set_height(up);
	return up;
}

/* Balance one node whose subtrees are balanced and differ by 2 at most;
 * returns the node that is now in its place. */
static __always_inline struct ds_tree_node __arena *ds_tree_balance(
	struct ds_tree_head __arena *head, struct ds_tree_node __arena *node)
{
	struct ds_tree_node __arena *left = node->left;
	struct ds_tree_node __arena *right = node->right;
	int balance = ds_tree_height(left) - ds_tree_height(right);

	if (balance > 1) {
		if (ds_tree_height(left->left) < ds_tree_height(left->right))
			ds_tree_rotate_left(head, left);
		return ds_tree_rotate_right(head, node);
	}
	if (balance < -1) {
		if (ds_tree_height(right->right) < ds_tree_height(right->left))
			ds_tree_rotate_right(head, right);
		return ds_tree_rotate_left(head, node);
	}
	ds_tree_set_height(node);
	return node;
}

/* Balance from @node up, as far as heights change. */
static __always_inline void ds_tree_balance_up(struct ds_tree_head
					       __arena *head,
					       struct ds_tree_node
					       __arena *node)
{
	int level;

	arena_for(level, DS_TREE_LEVELS)
	{
		int before;

		if (!node)
			break;
		before = node->height;
		node = ds_tree_balance(head, node);
		if (node->height == before)
			break;
		node = node->parent;
	}
}

/* A global function for BPF, see ARENA_OUTLINE: verified once, not twice. */
#ifdef __bpf__
ARENA_OUTLINE int ds_tree_balance_call(__u64 head, __u64 node)
{
	ds_tree_balance_up((struct ds_tree_head __arena *)(unsigned long)head,
			   (struct ds_tree_node __arena *)(unsigned long)node);
	return 0;
}
#define ds_tree_balance_from(head, node)                                       \
	ds_tree_balance_call((__u64)(unsigned long)(head),                     \
			     (__u64)(unsigned long)(node))
#else
#define ds_tree_balance_from(head, node) ds_tree_balance_up(head, node)
#endif
