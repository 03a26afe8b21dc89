/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_ck_stack_upmc.h - a lock-free stack of any depth, last in, first out.
 *
 * Treiber, "Systems Programming: Coping with Parallelism" (IBM RJ 5118, 1986),
 * in the form of Concurrency Kit's ck_stack, variant UPMC: unbounded, many
 * producers, many consumers. `top` is the offset of the topmost node with a
 * generation above it, in one word. As there, a push leaves the generation
 * alone and a pop adds one.
 *
 *   linearization points
 *     insert    SUCCESS  the swap that puts the node on top
 *     pop       SUCCESS  the swap that puts the next one in its place
 *               EMPTY    the load, or the failed swap, that finds no top
 *   progress: lock-free.
 *   who may call: any number of lanes, user and kernel, anything (MPMC).
 *
 * Reclamation: none, a popped node is freed at once. A late pop may still read
 * that node's `next`, which is anything by then, and only that: it writes to no
 * node. The read itself is harmless, for memory that was populated stays so
 * (arena_pages.h), and what was read is used by a swap only, which fails: since
 * the node left the top the generation is another. A push that is late has
 * read nothing but `top`. So no lane, however long it stalls, holds memory
 * back. (Generations repeat after 2^32 pops.)
 *
 * Keys need not differ. There is no delete by key and no search: a stack is
 * for taking out what came last, and who looks through one whose nodes are
 * freed at once sees nothing that he could rely on.
 *
 * A kernel lane's loop may be taken away from it (can_loop). Before the
 * linearization point the answer is then DS_ERROR_BUSY and nothing happened.
 *
 * @ds_type: stack
 * @ds_ordered: no
 * @ds_allows_duplicates: yes
 * @ds_complexity insert: O(1)
 * @ds_complexity pop: O(1)
 */
#pragma once

#include "ds_api.h"
#include "ds_quiet.h"

/**
 * struct ds_ck_stack_upmc_node - one element
 * @next: the one below; @key, @value: none of them changes on the stack
 */
struct ds_ck_stack_upmc_node {
	struct ds_ck_stack_upmc_node __arena *next;
	__u64 key;
	__u64 value;
};

/** struct ds_ck_stack_upmc_head - @top: generation << 32 | offset, 0: none */
struct ds_ck_stack_upmc_head {
	__u64 top;
	__u64 away_from_top[7];
	struct ds_lane_stats __arena *stats;
};

static __always_inline struct ds_ck_stack_upmc_node __arena *
ds_ck_stack_upmc_node_at(__u64 top)
{
	return (__u32)top ? arena_ptr(struct ds_ck_stack_upmc_node, top) : NULL;
}

/** ds_ck_stack_upmc_init - make @head an empty stack; or DS_ERROR_NOMEM */
static inline int ds_ck_stack_upmc_init(struct ds_ck_stack_upmc_head
					__arena *head)
{
	if (!head)
		return DS_ERROR_INVALID;
	head->stats = ds_lane_stats_new();
	if (!head->stats)
		return DS_ERROR_NOMEM;
	/* Release: pairs with the acquires of `top`, for lanes that are there
	 * already. */
	arena_atomic_store(&head->top, 0, ARENA_RELEASE);
	return ds_lane_stats_count(head->stats, DS_OP_INIT, DS_SUCCESS);
}

/** ds_ck_stack_upmc_insert - push; DS_ERROR_NOMEM when there is no memory */
static inline int ds_ck_stack_upmc_insert(struct ds_ck_stack_upmc_head
					  __arena *head,
					  __u64 key, __u64 value)
{
	struct ds_ck_stack_upmc_node __arena *node;
	int result = DS_ERROR_BUSY;
	__u64 top;

	ds_lane_stats_begin(head->stats);
	node = bpf_arena_alloc(sizeof(*node));
	if (!node)
		return ds_lane_stats_end(head->stats, DS_OP_INSERT,
					 DS_ERROR_NOMEM);
	/* Relaxed: the swap publishes them. Atomic nevertheless, as `next` is
	 * below: who is late may read here what was another node's. */
	arena_atomic_store(&node->key, key, ARENA_RELAXED);
	arena_atomic_store(&node->value, value, ARENA_RELAXED);
	/* Relaxed: what it leads to is only stored, never followed. */
	top = arena_atomic_load(&head->top, ARENA_RELAXED);
	while (can_loop) {
		__u64 found;

		arena_atomic_store(&node->next, ds_ck_stack_upmc_node_at(top),
				   ARENA_RELAXED);
		/* Release: pairs with the acquires of `top` in pop, by way of
		 * whatever swaps come between: they are all of one word. */
		found = arena_atomic_cmpxchg(
			&head->top, top, top >> 32 << 32 | arena_offset(node),
			ARENA_RELEASE, ARENA_RELAXED);
		if (found == top) {
			result = DS_SUCCESS;
			break;
		}
		top = found;
	}
	if (result != DS_SUCCESS) /* nobody has seen it */
		bpf_arena_free(node);
	return ds_lane_stats_end(head->stats, DS_OP_INSERT, result);
}

/** ds_ck_stack_upmc_pop - take the topmost element; DS_ERROR_EMPTY: none */
static inline int ds_ck_stack_upmc_pop(struct ds_ck_stack_upmc_head
				       __arena *head,
				       struct ds_kv *out)
{
	int result = DS_ERROR_BUSY;
	__u64 top;

	ds_lane_stats_begin(head->stats);
	/* Acquire, here and when the swap fails: pairs with the release in
	 * insert: the node is seen as it was pushed. */
	top = arena_atomic_load(&head->top, ARENA_ACQUIRE);
	while (can_loop) {
		struct ds_ck_stack_upmc_node __arena *node, *next;
		__u64 found;

		node = ds_ck_stack_upmc_node_at(top);
		if (!node) {
			result = DS_ERROR_EMPTY;
			break;
		}
		/* Relaxed: if it is not the node's any more, the swap fails. */
		next = arena_atomic_load(&node->next, ARENA_RELAXED);
		/* Release: who sees the node gone sees that this lane is at
		 * work (ds_quiet.h). */
		found = arena_atomic_cmpxchg(&head->top, top,
					     ((top >> 32) + 1) << 32 |
						     arena_offset(next),
					     ARENA_ACQ_REL, ARENA_ACQUIRE);
		if (found == top) {
			out->key = node->key;
			out->value = node->value;
			bpf_arena_free(node);
			result = DS_SUCCESS;
			break;
		}
		top = found;
	}
	return ds_lane_stats_end(head->stats, DS_OP_POP, result);
}

/* One step of a reader that nothing protects. */
struct ds_ck_stack_upmc_step {
	__u32 state;
	struct ds_ck_stack_upmc_node __arena *next;
	struct ds_kv element;
};

/*
 * Read @node, then see whether the stack is still the one whose top was @top:
 * false, and what was read is worth nothing. An unchanged top is an unchanged
 * stack: after a push the offset is another, and once that node is popped the
 * generation is.
 */
static __always_inline bool ds_ck_stack_upmc_read(
	struct ds_ck_stack_upmc_head __arena *head, __u64 top,
	struct ds_ck_stack_upmc_node __arena *node,
	struct ds_ck_stack_upmc_step *step)
{
	step->state =
		arena_object_state((__u64)(unsigned long)node, sizeof(*node));
	if (step->state == ARENA_LIVE) {
		/* Acquire: `top` is looked at after them, below. */
		step->next = arena_atomic_load(&node->next, ARENA_ACQUIRE);
		step->element.key =
			arena_atomic_load(&node->key, ARENA_ACQUIRE);
		step->element.value =
			arena_atomic_load(&node->value, ARENA_ACQUIRE);
	}
	return arena_atomic_load(&head->top, ARENA_RELAXED) == top;
}

/* From the top to the bottom; a node that stays behind as a mark tells a way
 * round from a long one (Brent, 1980). DS_ERROR_BUSY: the stack changed. */
static __always_inline int ds_ck_stack_upmc_walk(struct ds_ck_stack_upmc_head
						 __arena *head,
						 __u64 top, __u64 *elements)
{
	struct ds_ck_stack_upmc_node __arena *node, *mark = NULL;
	__u64 seen = arena_zero(), round = arena_zero() + 1;

	node = ds_ck_stack_upmc_node_at(top);
	while (can_loop) {
		struct ds_ck_stack_upmc_step step;

		if (!node) {
			*elements = seen;
			return DS_SUCCESS;
		}
		if (!ds_ck_stack_upmc_read(head, top, node, &step))
			return DS_ERROR_BUSY;
		DS_VERIFY_CONDITION(step.state == ARENA_LIVE,
				    "a node that the allocator took back");
		DS_VERIFY_CONDITION(node != mark, "a stack without a bottom");
		seen++;
		if (seen == round) {
			mark = node;
			round *= 2;
		}
		node = step.next;
	}
	return DS_ERROR_BUSY;
}

/**
 * ds_ck_stack_upmc_verify - a bottom, every node live, and the count
 *
 * DS_ERROR_BUSY when the stack changed under it, or it was cut off before the
 * end: nodes are freed at once, so only a stack that stands still can be seen.
 * The count is left out while a lane is in an operation.
 */
static inline int ds_ck_stack_upmc_verify(struct ds_ck_stack_upmc_head
					  __arena *head)
{
	struct ds_quiet quiet;
	__u64 top, elements;
	int result;

	if (!head)
		return DS_ERROR_INVALID;
	if (!ds_stats_sound(head->stats))
		return DS_ERROR_CORRUPT;
	/* Acquire: pairs with the releases in insert and pop. */
	top = arena_atomic_load(&head->top, ARENA_ACQUIRE);
	ds_quiet_begin(head->stats, &quiet);
	result = ds_ck_stack_upmc_walk(head, top, &elements);
	if (result == DS_SUCCESS && ds_quiet_end(head->stats, &quiet) &&
	    arena_atomic_load(&head->top, ARENA_RELAXED) == top &&
	    elements != quiet.elements)
		result = DS_ERROR_CORRUPT;
	return ds_lane_stats_count(head->stats, DS_OP_VERIFY, result);
}

/**
 * ds_ck_stack_upmc_iterate - call @fn for every element, the topmost first
 *
 * Ends early when @fn returns other than 0, and returns that; or with
 * DS_ERROR_BUSY when the stack changes before the end. Every element that @fn
 * was called for was on it when this began.
 */
static __always_inline int ds_ck_stack_upmc_iterate(
	struct ds_ck_stack_upmc_head __arena *head,
	int (*fn)(__u64 key, __u64 value, void *ctx), void *ctx)
{
	struct ds_ck_stack_upmc_node __arena *node;
	int result = DS_ERROR_BUSY;
	__u64 top;

	/* Acquire: pairs with the releases in insert and pop. */
	top = arena_atomic_load(&head->top, ARENA_ACQUIRE);
	node = ds_ck_stack_upmc_node_at(top);
	while (can_loop) {
		struct ds_ck_stack_upmc_step step;

		if (!node) {
			result = DS_SUCCESS;
			break;
		}
		if (!ds_ck_stack_upmc_read(head, top, node, &step))
			break;
		if (step.state != ARENA_LIVE) {
			result = DS_ERROR_CORRUPT;
			break;
		}
		result = fn(step.element.key, step.element.value, ctx);
		if (result)
			break;
		result = DS_ERROR_BUSY;
		node = step.next;
	}
	return ds_lane_stats_count(head->stats, DS_OP_ITERATE, result);
}

static inline void ds_ck_stack_upmc_get_stats(struct ds_ck_stack_upmc_head
					      __arena *head,
					      struct ds_stats *stats)
{
	ds_lane_stats_sum(head->stats, sizeof(struct ds_ck_stack_upmc_node),
			  stats);
}

static inline void ds_ck_stack_upmc_reset_stats(struct ds_ck_stack_upmc_head
						__arena *head)
{
	ds_lane_stats_reset(head->stats);
}

static inline const struct ds_metadata *ds_ck_stack_upmc_get_metadata(void)
{
	static const struct ds_metadata metadata = {
		.name = "ck_stack_upmc",
		.description =
			"lock-free stack with a counted top (Treiber, CK)",
		.node_size = sizeof(struct ds_ck_stack_upmc_node),
		.requires_locking = 0,
		.abstract_type = DS_TYPE_STACK,
		.concurrency = DS_MPMC,
		.progress = DS_LOCK_FREE,
		.bounded = 0,
		.ordered = 0,
	};
	return &metadata;
}
