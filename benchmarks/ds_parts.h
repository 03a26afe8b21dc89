/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_parts.h - what operations are made of, as one structure.
 *
 * search performs the part whose number is the key, so the lanes of either
 * side time it like an operation. Not a structure to store anything in.
 */
#pragma once

#include "ds_api.h"
#include "ds_lane_stats.h"

#define DS_PARTS_CHAIN 64
#define DS_PARTS_ROUNDS 16

enum ds_parts_part {
	DS_PARTS_NOTHING = 1, /* what the driver takes for any operation */
	DS_PARTS_SELF, /* which lane is this? */
	DS_PARTS_INSIDE, /* arena_enter() and arena_exit() */
	DS_PARTS_COUNT, /* statistics of the lane */
	DS_PARTS_ALLOC, /* bpf_arena_alloc() and bpf_arena_free() */
	DS_PARTS_RETIRE, /* bpf_arena_alloc() and arena_retire() */
	DS_PARTS_SWAP, /* a compare-and-swap that succeeds */
	DS_PARTS_WALK, /* DS_PARTS_CHAIN nodes, a load-acquire and a key each */
	DS_PARTS_CALL, /* a function that is not inlined */
	DS_PARTS_HELPER, /* a helper of the kernel; nothing in user space */
	DS_PARTS_FOR, /* DS_PARTS_ROUNDS of arena_for() */
};

struct ds_parts_node {
	struct ds_parts_node __arena *next;
	__u64 key;
	__u64 value;
};

struct ds_parts_head {
	struct ds_parts_node __arena *first;
	struct ds_lane_stats __arena *stats;
	__u64 word;
};

static inline int ds_parts_init(struct ds_parts_head __arena *head)
{
	struct ds_parts_node __arena *node;
	__u32 i;

	head->first = NULL;
	head->stats = ds_lane_stats_new();
	if (!head->stats)
		return DS_ERROR_NOMEM;
	for (i = arena_zero(); i < DS_PARTS_CHAIN && can_loop; i++) {
		node = bpf_arena_alloc(sizeof(*node));
		if (!node)
			return DS_ERROR_NOMEM;
		node->key = i;
		node->value = 0;
		node->next = head->first;
		head->first = node;
	}
	return DS_SUCCESS;
}

static inline int ds_parts_insert(struct ds_parts_head __arena *head, __u64 key,
				  __u64 value)
{
	return DS_ERROR_FULL;
}

static inline int ds_parts_delete(struct ds_parts_head __arena *head, __u64 key)
{
	return DS_ERROR_NOT_FOUND;
}

static __always_inline int ds_parts_walk(struct ds_parts_head __arena *head)
{
	struct ds_parts_node __arena *node = head->first;

	while (node && can_loop) {
		if (node->key == ~0ULL)
			return DS_ERROR_CORRUPT;
		node = arena_atomic_load(&node->next, ARENA_ACQUIRE);
	}
	return DS_SUCCESS;
}

ARENA_OUTLINE int ds_parts_call(int result)
{
	barrier();
	return result;
}

static __always_inline int ds_parts_helper(void)
{
#ifdef __bpf__
	return bpf_get_current_pid_tgid() ? DS_SUCCESS : DS_ERROR_CORRUPT;
#else
	return DS_SUCCESS;
#endif
}

static __always_inline int ds_parts_for(struct ds_parts_head __arena *head)
{
	__u64 seen = 0;
	int i;

	arena_for(i, DS_PARTS_ROUNDS)
	{
		seen += READ_ONCE(head->word);
	}
	return seen ? DS_ERROR_CORRUPT : DS_SUCCESS;
}

static inline int ds_parts_search(struct ds_parts_head __arena *head, __u64 key)
{
	struct ds_parts_node __arena *node;

	switch (key) {
	case DS_PARTS_SELF:
		return arena_self()->id == ~0U ? DS_ERROR_CORRUPT : DS_SUCCESS;
	case DS_PARTS_INSIDE:
		arena_enter();
		arena_exit();
		return DS_SUCCESS;
	case DS_PARTS_COUNT:
		return ds_lane_stats_count(head->stats, DS_OP_SEARCH,
					   DS_SUCCESS);
	case DS_PARTS_ALLOC:
		node = bpf_arena_alloc(sizeof(*node));
		bpf_arena_free(node);
		return node ? DS_SUCCESS : DS_ERROR_NOMEM;
	case DS_PARTS_RETIRE:
		node = bpf_arena_alloc(sizeof(*node));
		arena_retire(node);
		return node ? DS_SUCCESS : DS_ERROR_NOMEM;
	case DS_PARTS_SWAP:
		return arena_atomic_cmpxchg(&head->word, 0, 0)
			       ? DS_ERROR_CORRUPT
			       : DS_SUCCESS;
	case DS_PARTS_WALK:
		return ds_parts_walk(head);
	case DS_PARTS_CALL:
		return ds_parts_call(DS_SUCCESS);
	case DS_PARTS_HELPER:
		return ds_parts_helper();
	case DS_PARTS_FOR:
		return ds_parts_for(head);
	default:
		return DS_SUCCESS;
	}
}

static inline int ds_parts_verify(struct ds_parts_head __arena *head)
{
	return DS_SUCCESS;
}
