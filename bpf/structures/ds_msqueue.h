/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_msqueue.h - a lock-free queue of any length, first in, first out.
 *
 * Michael and Scott, "Simple, Fast, and Practical Non-Blocking and Blocking
 * Concurrent Queue Algorithms" (PODC 1996), figure 1, with its counted
 * pointers: 32 bits of offset in the arena, 32 bits of count above them, in
 * one word, which a single compare-and-swap changes. E1 to E17 and D1 to D20
 * below are that figure's lines.
 *
 * A chain of nodes from `head` to a null link. The first node is a dummy: its
 * element has been taken, or it never had one. `tail` is the last node or the
 * one before it; whoever finds it behind moves it on, so nobody waits for the
 * lane that left it there. `head` never passes `tail`.
 *
 *   linearization points
 *     insert    SUCCESS  the swap that links the node (E9)
 *     pop       SUCCESS  the swap that moves `head` on (D12)
 *               EMPTY    the load of the null link (D4) of a node that D5
 *                        finds to be still the first one
 *   progress: lock-free.
 *   who may call: any number of lanes, user and kernel, anything (MPMC).
 *
 * Reclamation: the paper keeps free nodes in a list of its own, so that memory
 * that was a node once is one for ever, and a late swap on its `next` meets a
 * higher count. Here a freed node is the allocator's, who may hand it out as
 * anything of that size, with anything where the count was; so nodes are
 * retired (arena_reclaim.h). The counts stay, as a second line: a node keeps
 * that of its memory's last use, as in the paper. They repeat after 2^32 turns.
 *
 * Keys need not differ. There is no delete by key and no search: a queue is
 * for taking out what came first, and looking through one that has no bound
 * is no operation to be part of a workload.
 *
 * A kernel lane's loop may be taken away from it (can_loop). Before the
 * linearization point the answer is then DS_ERROR_BUSY and nothing happened.
 *
 * @ds_type: queue
 * @ds_ordered: no
 * @ds_allows_duplicates: yes
 * @ds_complexity insert: O(1)
 * @ds_complexity pop: O(1)
 */
#pragma once

#include "ds_api.h"
#include "ds_quiet.h"

/**
 * struct ds_msqueue_node - one element, or the dummy
 * @next: counted pointer to the one inserted after it, changed once
 * @key, @value: never change once the node is linked
 */
struct ds_msqueue_node {
	__u64 next;
	__u64 key;
	__u64 value;
};

/**
 * struct ds_msqueue_head
 * @head: counted pointer to the dummy
 * @tail: counted pointer to the last node, or the one before it
 *
 * Cache lines apart: one is the consumers', the other one the producers'.
 */
struct ds_msqueue_head {
	__u64 head;
	__u64 away_from_head[7];
	__u64 tail;
	__u64 away_from_tail[7];
	struct ds_lane_stats __arena *stats;
};

static __always_inline struct ds_msqueue_node __arena *ds_msqueue_node_at(
	__u64 counted)
{
	return arena_ptr(struct ds_msqueue_node, counted);
}

/* A pointer to put in place of @old: its count is one higher. */
static __always_inline __u64 ds_msqueue_after(__u64 old, __u32 offset)
{
	return ((old >> 32) + 1) << 32 | offset;
}

/* Acquire: pairs with the release of the swap that stored the pointer, so the
 * node behind it is seen as it was when it was linked. */
static __always_inline __u64 ds_msqueue_load(__u64 __arena *from)
{
	return arena_atomic_load(from, ARENA_ACQUIRE);
}

/*
 * Replace @old in @at by a pointer to @offset; true when this did it. Release:
 * pairs with ds_msqueue_load(): passes on the node, be it our own or one that
 * we came to know by an acquire. Relaxed when it fails: all is loaded again.
 */
static __always_inline bool ds_msqueue_swap(__u64 __arena *at, __u64 old,
					    __u32 offset)
{
	return arena_atomic_cmpxchg(at, old, ds_msqueue_after(old, offset),
				    ARENA_RELEASE, ARENA_RELAXED) == old;
}

/* E1 to E3: a node that leads nowhere. The count of its link goes on. */
static __always_inline struct ds_msqueue_node __arena *ds_msqueue_new(
	__u64 key, __u64 value)
{
	struct ds_msqueue_node __arena *node = bpf_arena_alloc(sizeof(*node));

	if (!node)
		return NULL;
	node->key = key;
	node->value = value;
	/* Relaxed: the swap that links the node publishes it. */
	arena_atomic_store(&node->next, READ_ONCE(node->next) >> 32 << 32,
			   ARENA_RELAXED);
	return node;
}

/** ds_msqueue_init - make @head an empty queue; DS_ERROR_NOMEM if it cannot be */
static inline int ds_msqueue_init(struct ds_msqueue_head __arena *head)
{
	struct ds_msqueue_node __arena *dummy;

	if (!head)
		return DS_ERROR_INVALID;
	dummy = ds_msqueue_new(0, 0);
	if (!dummy)
		return DS_ERROR_NOMEM;
	head->stats = ds_lane_stats_new();
	if (!head->stats) {
		bpf_arena_free(dummy);
		return DS_ERROR_NOMEM;
	}
	arena_atomic_store(&head->tail, arena_offset(dummy), ARENA_RELAXED);
	/* Release: pairs with ds_msqueue_load(), for lanes that are there
	 * already. */
	arena_atomic_store(&head->head, arena_offset(dummy), ARENA_RELEASE);
	return ds_lane_stats_count(head->stats, DS_OP_INIT, DS_SUCCESS);
}

/** ds_msqueue_insert - append; DS_ERROR_NOMEM when there is no memory */
static inline int ds_msqueue_insert(struct ds_msqueue_head __arena *head,
				    __u64 key, __u64 value)
{
	/* Before the epoch is entered: an allocator that has to reclaim can
	 * then get past this lane. */
	struct ds_msqueue_node __arena *node = ds_msqueue_new(key, value);
	int result = node ? DS_ERROR_BUSY : DS_ERROR_NOMEM;
	__u32 offset = arena_offset(node);

	arena_enter();
	while (node && can_loop) {
		__u64 tail = ds_msqueue_load(&head->tail); /* E5 */
		__u64 __arena *link = &ds_msqueue_node_at(tail)->next;
		__u64 next = ds_msqueue_load(link); /* E6 */

		/* Relaxed: a swap on an old tail would fail just as well. */
		if (tail != arena_atomic_load(&head->tail, ARENA_RELAXED))
			continue; /* E7 */
		if ((__u32)next) { /* E12, E13: help whoever was here before */
			ds_msqueue_swap(&head->tail, tail, (__u32)next);
			continue;
		}
		if (!ds_msqueue_swap(link, next, offset)) /* E9 */
			continue;
		ds_msqueue_swap(&head->tail, tail, offset); /* E17 */
		node = NULL;
		result = DS_SUCCESS;
	}
	ds_lane_stats_count(head->stats, DS_OP_INSERT, result);
	arena_exit();
	if (node) /* nobody has seen it */
		bpf_arena_free(node);
	return result;
}

/** ds_msqueue_pop - take the oldest element out; DS_ERROR_EMPTY: none */
static inline int ds_msqueue_pop(struct ds_msqueue_head __arena *head,
				 struct ds_kv *out)
{
	int result = DS_ERROR_BUSY;

	arena_enter();
	while (can_loop) {
		__u64 first = ds_msqueue_load(&head->head); /* D2 */
		__u64 last = ds_msqueue_load(&head->tail); /* D3 */
		__u64 next = ds_msqueue_load(
			&ds_msqueue_node_at(first)->next); /* D4 */

		/* Relaxed: comes after D4, which is an acquire. */
		if (first != arena_atomic_load(&head->head, ARENA_RELAXED))
			continue; /* D5 */
		if (!(__u32)next) {
			/* D7, D8. Other than the last one, it has a next one
			 * unless somebody broke the chain. */
			result = (__u32)first == (__u32)last ? DS_ERROR_EMPTY
							     : DS_ERROR_CORRUPT;
			break;
		}
		if ((__u32)first == (__u32)last) { /* D6, D10 */
			ds_msqueue_swap(&head->tail, last, (__u32)next);
			continue;
		}
		if (!ds_msqueue_swap(&head->head, first, (__u32)next)) /* D12 */
			continue;
		/* D11, after the swap: the new dummy may be retired by now, but
		 * not reused, and its element is for nobody else. */
		out->key = ds_msqueue_node_at(next)->key;
		out->value = ds_msqueue_node_at(next)->value;
		arena_retire(ds_msqueue_node_at(first)); /* D19 */
		result = DS_SUCCESS;
		break;
	}
	ds_lane_stats_count(head->stats, DS_OP_POP, result);
	arena_exit();
	return result;
}

/* What the walk of ds_msqueue_verify() finds. @behind: nodes after the tail. */
struct ds_msqueue_seen {
	__u64 elements;
	__u64 behind;
	bool retired;
};

/*
 * From @first to the end. A chain has no order by which to notice that it goes
 * round, so one node stays behind as a mark, and is left further and further
 * back (Brent, "An improved Monte Carlo factorization algorithm", 1980).
 */
static __always_inline int ds_msqueue_walk(__u32 first, __u32 tail,
					   struct ds_msqueue_seen *seen)
{
	__u64 elements = arena_zero(), behind = arena_zero();
	__u64 round = arena_zero() + 1;
	bool past_tail = false, retired = false;
	__u32 at = first, mark = first;

	while (can_loop) {
		__u32 state = arena_object_state(
			ARENA_BASE | at, sizeof(struct ds_msqueue_node));
		__u32 next;

		DS_VERIFY_CONDITION(
			at && (state == ARENA_LIVE || state == ARENA_RETIRED),
			"a node that the allocator took back");
		retired |= state == ARENA_RETIRED;
		past_tail |= at == tail;
		next = (__u32)ds_msqueue_load(&ds_msqueue_node_at(at)->next);
		if (!next) {
			/* The tail was not before the first node when both were
			 * loaded, so the way to the end leads past it. */
			DS_VERIFY_CONDITION(past_tail, "a tail elsewhere");
			seen->elements = elements;
			seen->behind = behind;
			seen->retired = retired;
			return DS_SUCCESS;
		}
		DS_VERIFY_CONDITION(next != mark, "a chain without an end");
		elements++;
		behind += past_tail;
		if (elements == round) {
			mark = at;
			round *= 2;
		}
		at = next;
	}
	return DS_ERROR_BUSY;
}

/**
 * ds_msqueue_verify - an end, the tail near it, every node live, and the count
 *
 * DS_ERROR_BUSY when it was cut off before the end. May run at any time: while
 * other lanes are at work, what cannot be told then (the count, how far the
 * tail is behind, whether a retired node is still linked) is left out; once
 * they have stopped it is not.
 */
static inline int ds_msqueue_verify(struct ds_msqueue_head __arena *head)
{
	struct ds_msqueue_seen seen = {};
	struct ds_quiet quiet;
	__u64 first, tail;
	int result;

	if (!head)
		return DS_ERROR_INVALID;
	if (!ds_stats_sound(head->stats))
		return DS_ERROR_CORRUPT;
	arena_enter();
	first = ds_msqueue_load(&head->head);
	tail = ds_msqueue_load(&head->tail);
	ds_quiet_begin(head->stats, &quiet);
	result = ds_msqueue_walk((__u32)first, (__u32)tail, &seen);
	if (result == DS_SUCCESS && ds_quiet_end(head->stats, &quiet) &&
	    (seen.retired || seen.behind > 1 ||
	     seen.elements != quiet.elements))
		result = DS_ERROR_CORRUPT;
	ds_lane_stats_count(head->stats, DS_OP_VERIFY, result);
	arena_exit();
	return result;
}

/**
 * ds_msqueue_iterate - call @fn for every element, the oldest first
 *
 * Elements that come or go meanwhile may be seen or not. Ends early when @fn
 * returns other than 0, and returns that. @fn runs inside an operation: nothing
 * that any lane retires is reused before it returns.
 */
static __always_inline int ds_msqueue_iterate(
	struct ds_msqueue_head __arena *head,
	int (*fn)(__u64 key, __u64 value, void *ctx), void *ctx)
{
	struct ds_msqueue_node __arena *node;
	int result = DS_ERROR_BUSY;

	arena_enter();
	node = ds_msqueue_node_at(ds_msqueue_load(&head->head));
	while (can_loop) {
		__u64 next = ds_msqueue_load(&node->next);

		if (!(__u32)next) {
			result = DS_SUCCESS;
			break;
		}
		node = ds_msqueue_node_at(next);
		result = fn(node->key, node->value, ctx);
		if (result)
			break;
		result = DS_ERROR_BUSY;
	}
	ds_lane_stats_count(head->stats, DS_OP_ITERATE, result);
	arena_exit();
	return result;
}

static inline void ds_msqueue_get_stats(struct ds_msqueue_head __arena *head,
					struct ds_stats *stats)
{
	ds_lane_stats_sum(head->stats, sizeof(struct ds_msqueue_node), stats);
}

static inline void ds_msqueue_reset_stats(struct ds_msqueue_head __arena *head)
{
	ds_lane_stats_reset(head->stats);
}

static inline const struct ds_metadata *ds_msqueue_get_metadata(void)
{
	static const struct ds_metadata metadata = {
		.name = "msqueue",
		.description = "lock-free queue (Michael, Scott)",
		.node_size = sizeof(struct ds_msqueue_node),
		.requires_locking = 0,
		.abstract_type = DS_TYPE_QUEUE,
		.concurrency = DS_MPMC,
		.progress = DS_LOCK_FREE,
		.bounded = 0,
		.ordered = 0,
	};
	return &metadata;
}
