/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_list.h - a lock-free ordered linked list of unique keys: the reference.
 *
 * Harris, "A Pragmatic Implementation of Non-Blocking Linked-Lists" (DISC
 * 2001) in the form of Michael, "High Performance Dynamic Lock-Free Hash
 * Tables and List-Based Sets" (SPAA 2002), with epochs for reclamation.
 *
 * A node is deleted in two steps. Setting the low bit of its `next` deletes it
 * logically and freezes that pointer, so that nothing can be inserted behind a
 * node on its way out. Then a compare-and-swap of the `next` before it unlinks
 * it; any operation that comes along may do that, and the one whose swap did
 * it, and nobody else, retires the node.
 *
 *   linearization points
 *     insert    SUCCESS    the swap that links the node
 *               EXISTS     the load that finds the key's node unmarked
 *     delete    SUCCESS    the swap that sets the mark
 *               NOT_FOUND  the load of the unmarked `next` that leads past the
 *                          place where the key would be
 *     search    SUCCESS    the load that finds the key's node unmarked
 *               NOT_FOUND  while the last node passed, marked or not, was
 *                          still linked (Herlihy and Shavit, "The Art of
 *                          Multiprocessor Programming", section 9.8)
 *   progress: lock-free. search writes nothing shared and never starts over.
 *   who may call: any number of lanes, user and kernel, anything (MPMC).
 *
 * A kernel lane's loop may be taken away from it (can_loop). Before the
 * linearization point the answer is then DS_ERROR_BUSY and nothing happened;
 * after it, DS_SUCCESS, and the unlinking is left to whoever comes next.
 *
 * Reading the list from outside: objects are 16-byte aligned, so the mark is
 * no part of the address. Clear it and the pointer is a plain one; a node
 * whose own `next` has it is no longer an element.
 *
 * @ds_type: linked_list
 * @ds_ordered: yes
 * @ds_allows_duplicates: no
 * @ds_complexity insert: O(n)
 * @ds_complexity delete: O(n)
 * @ds_complexity search: O(n)
 */
#pragma once

#include "ds_api.h"
#include "ds_check.h"
#include "ds_lane_stats.h"

#define DS_LIST_MARK 1UL

/**
 * struct ds_list_node - one element
 * @next: the next larger key's node; low bit set: this node is deleted
 * @key, @value: never change once the node is linked
 */
struct ds_list_node {
	struct ds_list_node __arena *next;
	__u64 key;
	__u64 value;
};

/** struct ds_list_head - @sentinel: before all nodes, is never marked */
struct ds_list_head {
	struct ds_list_node sentinel;
	struct ds_lane_stats __arena *stats;
};

/* Neighbours: prev->next was cur, and cur->next was next, none of them marked. */
struct ds_list_place {
	struct ds_list_node __arena *prev;
	struct ds_list_node __arena *cur;
	struct ds_list_node __arena *next;
};

enum ds_list_found {
	DS_LIST_CUT_OFF = -1,
	DS_LIST_ABSENT = 0,
	DS_LIST_PRESENT = 1,
};

static __always_inline bool ds_list_marked(struct ds_list_node __arena *next)
{
	return (unsigned long)next & DS_LIST_MARK;
}

static __always_inline struct ds_list_node __arena *ds_list_mark(
	struct ds_list_node __arena *next)
{
	unsigned long bits = (unsigned long)next | DS_LIST_MARK;

	return (struct ds_list_node __arena *)bits;
}

static __always_inline struct ds_list_node __arena *ds_list_plain(
	struct ds_list_node __arena *next)
{
	unsigned long bits = (unsigned long)next & ~DS_LIST_MARK;

	return (struct ds_list_node __arena *)bits;
}

/* Acquire: pairs with the release of whichever swap stored the pointer, so the
 * node behind it is seen as it was when it was linked. */
static __always_inline struct ds_list_node __arena *ds_list_next(
	struct ds_list_node __arena *node)
{
	return arena_atomic_load(&node->next, ARENA_ACQUIRE);
}

/*
 * Swing @prev->next from @cur to @next; returns what was found there. Release:
 * pairs with ds_list_next(): passes on the node behind @next, be it our own or
 * one that we came to know by an acquire. Acquire when it fails: the value
 * found is followed.
 */
static __always_inline struct ds_list_node __arena *ds_list_swing(
	struct ds_list_node __arena *prev, struct ds_list_node __arena *cur,
	struct ds_list_node __arena *next)
{
	return arena_atomic_cmpxchg(&prev->next, cur, next, ARENA_ACQ_REL,
				    ARENA_ACQUIRE);
}

/*
 * The first node whose key is not below @key, and its neighbours, going on
 * from @at->prev; unlinks the marked nodes on the way (Michael's Find). With
 * epochs, prev->next need not be read again after cur->next: cur cannot be
 * reused under us, and a swap on a prev that was deleted meanwhile fails by
 * prev's mark.
 */
static __always_inline int ds_list_find(struct ds_list_head __arena *head,
					__u64 key, struct ds_list_place *at)
{
	struct ds_list_node __arena *prev = at->prev;
	struct ds_list_node __arena *cur = ds_list_next(prev);

	while (can_loop) {
		struct ds_list_node __arena *next;

		if (ds_list_marked(cur)) { /* prev is deleted: start over */
			prev = &head->sentinel;
			cur = ds_list_next(prev);
			continue;
		}
		next = cur ? ds_list_next(cur) : NULL;
		if (ds_list_marked(next)) {
			struct ds_list_node __arena *found =
				ds_list_swing(prev, cur, ds_list_plain(next));

			if (found == cur) {
				arena_retire(cur);
				found = ds_list_plain(next);
			}
			cur = found;
			continue;
		}
		if (!cur || cur->key >= key) {
			at->prev = prev;
			at->cur = cur;
			at->next = next;
			return cur && cur->key == key ? DS_LIST_PRESENT
						      : DS_LIST_ABSENT;
		}
		prev = cur;
		cur = next;
	}
	return DS_LIST_CUT_OFF;
}

/** ds_list_init - make @head an empty list; DS_ERROR_NOMEM if it cannot be */
static inline int ds_list_init(struct ds_list_head __arena *head)
{
	if (!head)
		return DS_ERROR_INVALID;
	head->sentinel.key = 0;
	head->sentinel.value = 0;
	head->stats = ds_lane_stats_new();
	if (!head->stats)
		return DS_ERROR_NOMEM;
	/* Release: pairs with ds_list_next(), for lanes that are there already. */
	arena_atomic_store(&head->sentinel.next, NULL, ARENA_RELEASE);
	return ds_lane_stats_count(head->stats, DS_OP_INIT, DS_SUCCESS);
}

/** ds_list_insert - DS_ERROR_EXISTS when the key is there: its value stays */
static inline int ds_list_insert(struct ds_list_head __arena *head, __u64 key,
				 __u64 value)
{
	struct ds_list_node __arena *node = NULL;
	struct ds_list_place at = {.prev = &head->sentinel};
	int result = DS_ERROR_BUSY;

	arena_enter();
	while (can_loop) {
		int found = ds_list_find(head, key, &at);

		if (found == DS_LIST_CUT_OFF)
			break;
		if (found == DS_LIST_PRESENT) {
			result = DS_ERROR_EXISTS;
			break;
		}
		if (!node) {
			node = bpf_arena_alloc(sizeof(*node));
			if (!node) {
				result = DS_ERROR_NOMEM;
				break;
			}
			node->key = key;
			node->value = value;
		}
		/* Relaxed: the swing that links the node publishes it. */
		arena_atomic_store(&node->next, at.cur, ARENA_RELAXED);
		if (ds_list_swing(at.prev, at.cur, node) == at.cur) {
			node = NULL;
			result = DS_SUCCESS;
			break;
		}
	}
	if (node) /* nobody has seen it */
		bpf_arena_free(node);
	ds_lane_stats_count(head->stats, DS_OP_INSERT, result);
	arena_exit();
	return result;
}

/** ds_list_delete - DS_ERROR_NOT_FOUND when the key is not there */
static inline int ds_list_delete(struct ds_list_head __arena *head, __u64 key)
{
	struct ds_list_place at = {.prev = &head->sentinel};
	int result = DS_ERROR_BUSY;

	arena_enter();
	while (can_loop) {
		int found = ds_list_find(head, key, &at);

		/* Deleted in the last round; this one was to unlink it. */
		if (result == DS_SUCCESS || found == DS_LIST_CUT_OFF)
			break;
		if (found == DS_LIST_ABSENT) {
			result = DS_ERROR_NOT_FOUND;
			break;
		}
		/* Release: pairs with ds_list_next(): who sees the key gone
		 * sees what this lane did before. Relaxed when it fails: only
		 * said that another round is needed. */
		if (arena_atomic_cmpxchg(&at.cur->next, at.next,
					 ds_list_mark(at.next), ARENA_RELEASE,
					 ARENA_RELAXED) != at.next)
			continue;
		result = DS_SUCCESS;
		if (ds_list_swing(at.prev, at.cur, at.next) == at.cur) {
			arena_retire(at.cur);
			break;
		}
	}
	ds_lane_stats_count(head->stats, DS_OP_DELETE, result);
	arena_exit();
	return result;
}

/** ds_list_search - the value of a key; @value may be NULL */
static inline int ds_list_search(struct ds_list_head __arena *head, __u64 key,
				 __u64 *value)
{
	struct ds_list_node __arena *cur;
	int result = DS_ERROR_BUSY;

	arena_enter();
	cur = ds_list_next(&head->sentinel);
	while (can_loop) {
		struct ds_list_node __arena *next;

		if (!cur || cur->key > key) {
			result = DS_ERROR_NOT_FOUND;
			break;
		}
		next = ds_list_next(cur);
		if (cur->key == key) {
			result = ds_list_marked(next) ? DS_ERROR_NOT_FOUND
						      : DS_SUCCESS;
			if (result == DS_SUCCESS && value)
				*value = cur->value;
			break;
		}
		/* Through marked nodes too: their `next` is frozen, and what it
		 * leads to was linked when they were unlinked, which is after
		 * we entered; so it is not reused before we leave. */
		cur = ds_list_plain(next);
	}
	ds_lane_stats_count(head->stats, DS_OP_SEARCH, result);
	arena_exit();
	return result;
}

/* The walk of ds_list_verify(): counts elements, notes retired nodes. */
static __always_inline int ds_list_walk(struct ds_list_head __arena *head,
					__u64 *elements, bool *retired)
{
	struct ds_list_node __arena *node = ds_list_next(&head->sentinel);
	__u64 last = 0, seen = arena_zero();
	bool first = true;

	if (ds_list_marked(node))
		return DS_ERROR_CORRUPT;
	while (can_loop) {
		struct ds_list_node __arena *next;
		__u32 state;

		if (!node) {
			*elements = seen;
			return DS_SUCCESS;
		}
		state = arena_object_state((__u64)(unsigned long)node,
					   sizeof(*node));
		DS_VERIFY_CONDITION(state == ARENA_LIVE ||
					    state == ARENA_RETIRED,
				    "a node that the allocator took back");
		next = ds_list_next(node);
		/* Strictly ascending: no duplicate, and no way round twice. */
		DS_VERIFY_CONDITION(first || node->key > last, "order");
		if (state == ARENA_RETIRED)
			*retired = true;
		if (!ds_list_marked(next))
			seen++;
		first = false;
		last = node->key;
		node = ds_list_plain(next);
	}
	return DS_ERROR_BUSY;
}

/**
 * ds_list_verify - order, uniqueness, every node live, and the count
 *
 * DS_ERROR_BUSY when it was cut off before the end. May run at any time: while
 * other lanes are at work, what cannot be told then (the count, and whether a
 * retired node was still linked) is left out; once they have stopped it is
 * not. One walk, so it ends whatever the pointers are.
 */
static inline int ds_list_verify(struct ds_list_head __arena *head)
{
	__u64 elements = 0, counted, before;
	bool quiet, retired = false;
	int result;

	if (!head)
		return DS_ERROR_INVALID;
	arena_enter();
	quiet = arena_others_outside();
	before = ds_lane_stats_total(head->stats);
	counted = ds_lane_stats_elements(head->stats);
	result = ds_list_walk(head, &elements, &retired);
	/* Quiet throughout: nobody was inside, and nobody has been since. */
	quiet = quiet && before == ds_lane_stats_total(head->stats) &&
		arena_others_outside();
	if (result == DS_SUCCESS && quiet && (retired || elements != counted))
		result = DS_ERROR_CORRUPT;
	ds_lane_stats_count(head->stats, DS_OP_VERIFY, result);
	arena_exit();
	return result;
}

/**
 * ds_list_iterate - call @fn for every element, in ascending order of keys
 *
 * Elements that come or go meanwhile may be seen or not. Ends early when @fn
 * returns other than 0, and returns that. @fn runs inside an operation: nothing
 * that any lane retires is reused before it returns.
 */
static __always_inline int ds_list_iterate(struct ds_list_head __arena *head,
					   int (*fn)(__u64 key, __u64 value,
						     void *ctx),
					   void *ctx)
{
	struct ds_list_node __arena *node;
	int result = DS_ERROR_BUSY;

	arena_enter();
	node = ds_list_next(&head->sentinel);
	while (can_loop) {
		struct ds_list_node __arena *next;

		if (!node) {
			result = DS_SUCCESS;
			break;
		}
		next = ds_list_next(node);
		if (!ds_list_marked(next)) {
			int stop = fn(node->key, node->value, ctx);

			if (stop) {
				result = stop;
				break;
			}
		}
		node = ds_list_plain(next);
	}
	ds_lane_stats_count(head->stats, DS_OP_ITERATE, result);
	arena_exit();
	return result;
}

static inline void ds_list_get_stats(struct ds_list_head __arena *head,
				     struct ds_stats *stats)
{
	ds_lane_stats_sum(head->stats, sizeof(struct ds_list_node), stats);
}

static inline void ds_list_reset_stats(struct ds_list_head __arena *head)
{
	ds_lane_stats_reset(head->stats);
}

static inline const struct ds_metadata *ds_list_get_metadata(void)
{
	static const struct ds_metadata metadata = {
		.name = "list",
		.description =
			"lock-free ordered linked list (Harris, Michael)",
		.node_size = sizeof(struct ds_list_node),
		.requires_locking = 0,
		.abstract_type = DS_TYPE_MAP,
		.concurrency = DS_MPMC,
		.progress = DS_LOCK_FREE,
		.bounded = 0,
		.ordered = 1,
	};
	return &metadata;
}
