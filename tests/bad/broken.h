/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * broken.h - a structure that works, into which each ds_<fault>.h beside it
 * puts one fault: a macro named for the place that the fault is in.
 *
 * A table with a place for each key below TABLE_KEYS, which points to the
 * key's node: lock-free and correct with nothing put in. Not a structure by
 * its name, so only the headers that include it are found.
 */
#pragma once

#include "ds_api.h"

#ifndef BROKEN_HEAD /* more members for the head */
#define BROKEN_HEAD
#endif
#ifndef BROKEN_INIT /* statements, before the operation's own */
#define BROKEN_INIT
#endif
#ifndef BROKEN_INSERT /* these see head and key */
#define BROKEN_INSERT
#endif
#ifndef BROKEN_DELETE
#define BROKEN_DELETE
#endif
#ifndef BROKEN_SEARCH
#define BROKEN_SEARCH
#endif
#ifndef BROKEN_VERIFY
#define BROKEN_VERIFY
#endif
#ifndef BROKEN_ITERATE
#define BROKEN_ITERATE
#endif
#ifndef BROKEN_FREE /* in place of giving a deleted node back */
#define BROKEN_FREE(node) bpf_arena_free(node)
#endif

#define TABLE_KEYS 1024

struct ds_broken_node {
	__u64 key;
	__u64 value;
};

struct ds_broken_head {
	struct ds_broken_node __arena *nodes[TABLE_KEYS];
	__u64 spare;
	BROKEN_HEAD
};

static inline int ds_broken_init(struct ds_broken_head __arena *head)
{
	BROKEN_INIT
	for (__u64 i = arena_zero(); i < TABLE_KEYS && can_loop; i++)
		head->nodes[i] = NULL;
	return DS_SUCCESS;
}

static inline int ds_broken_insert(struct ds_broken_head __arena *head,
				   __u64 key, __u64 value)
{
	struct ds_broken_node __arena *node, *none = NULL;

	if (key >= TABLE_KEYS)
		return DS_ERROR_INVALID;
	BROKEN_INSERT
	node = bpf_arena_alloc(sizeof(*node));
	if (!node)
		return DS_ERROR_NOMEM;
	node->key = key;
	node->value = value;
	if (arena_atomic_cmpxchg(&head->nodes[key], none, node, ARENA_ACQ_REL,
				 ARENA_RELAXED)) {
		bpf_arena_free(node);
		return DS_ERROR_EXISTS;
	}
	return DS_SUCCESS;
}

static inline int ds_broken_delete(struct ds_broken_head __arena *head,
				   __u64 key)
{
	struct ds_broken_node __arena *node, *none = NULL;

	if (key >= TABLE_KEYS)
		return DS_ERROR_INVALID;
	BROKEN_DELETE
	node = arena_atomic_exchange(&head->nodes[key], none, ARENA_ACQ_REL);
	if (!node)
		return DS_ERROR_NOT_FOUND;
	BROKEN_FREE(node);
	return DS_SUCCESS;
}

static inline int ds_broken_search(struct ds_broken_head __arena *head,
				   __u64 key)
{
	if (key >= TABLE_KEYS)
		return DS_ERROR_INVALID;
	BROKEN_SEARCH
	return head->nodes[key] ? DS_SUCCESS : DS_ERROR_NOT_FOUND;
}

static inline int ds_broken_verify(struct ds_broken_head __arena *head)
{
	__u64 i;

	BROKEN_VERIFY
	for (i = arena_zero(); i < TABLE_KEYS && can_loop; i++)
		if (head->nodes[i] && head->nodes[i]->key != i)
			return DS_ERROR_CORRUPT;
	return i == TABLE_KEYS ? DS_SUCCESS : DS_ERROR_BUSY;
}

static inline int ds_broken_iterate(struct ds_broken_head __arena *head,
				    int (*fn)(__u64 key, __u64 value,
					      void *ctx),
				    void *ctx)
{
	BROKEN_ITERATE
	for (__u64 i = 0; i < TABLE_KEYS; i++) {
		struct ds_broken_node __arena *node = head->nodes[i];
		int result = node ? fn(node->key, node->value, ctx) : 0;

		if (result)
			return result;
	}
	return DS_SUCCESS;
}
