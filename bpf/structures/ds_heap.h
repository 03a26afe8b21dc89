/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_heap.h - a priority queue of so many elements: pop gives the smallest key.
 *
 * Williams, "Algorithm 232: Heapsort" (Communications of the ACM, 1964): a
 * binary tree in an array, the children of i at 2i + 1 and 2i + 2, no key
 * smaller than its parent's. Under one lock (arena_lock.h): an element that
 * moves up or down passes log2(n) others, which no word-sized swap covers.
 *
 *   linearization points: between taking and releasing the lock, for all
 *             operations and all their answers but DS_ERROR_BUSY.
 *   progress: blocking, but bounded: who does not get the lock in time answers
 *             DS_ERROR_BUSY, and nothing happened.
 *   who may call: any number of lanes, user and kernel, anything (MPMC).
 *
 * Loops that change the heap are arena_for(): a kernel lane is never cut off
 * half way. Only verify and iterate use can_loop.
 *
 * Keys need not differ; which of several equal ones comes first is not said.
 * The array is there from init on: nothing is allocated or freed later. There
 * is no delete by key and no search: the order of a heap helps with neither.
 *
 * @ds_type: binary_heap
 * @ds_ordered: no
 * @ds_allows_duplicates: yes
 * @ds_complexity insert: O(log n)
 * @ds_complexity pop: O(log n)
 */
#pragma once

#include "ds_api.h"
#include "ds_quiet.h"

#define DS_HEAP_LEVELS 33 /* of a heap of 2^32 elements */
#define DS_HEAP_CAPACITY_MAX 0xffffffffULL

/** struct ds_heap_node - one element */
struct ds_heap_node {
	__u64 key;
	__u64 value;
};

/**
 * struct ds_heap_head
 * @elements, @capacity: never change after init; what the array holds belongs
 *                       to the holder of @lock, as @count does
 */
struct ds_heap_head {
	struct ds_heap_node __arena *elements;
	__u64 capacity;
	__u64 count;
	struct arena_lock lock;
	struct ds_lane_stats __arena *stats;
};

/* By words: an assignment of a whole struct becomes a memcpy, and that one
 * forgets the arena's address space (clang 19). */
static __always_inline void ds_heap_put(struct ds_heap_head __arena *head,
					__u64 at, __u64 key, __u64 value)
{
	head->elements[at].key = key;
	head->elements[at].value = value;
}

static __always_inline void ds_heap_move(struct ds_heap_head __arena *head,
					 __u64 to, __u64 from)
{
	ds_heap_put(head, to, head->elements[from].key,
		    head->elements[from].value);
}

/* The place for @key on the way up from the empty place @at; what is larger
 * moves down. */
static __always_inline __u64 ds_heap_rise(struct ds_heap_head __arena *head,
					  __u64 at, __u64 key)
{
	int level;

	arena_for(level, DS_HEAP_LEVELS)
	{
		__u64 parent = (at - 1) / 2;

		if (!at || head->elements[parent].key <= key)
			break;
		ds_heap_move(head, at, parent);
		at = parent;
	}
	return at;
}

/* The place for @key on the way down from the empty root; what is smaller
 * moves up. */
static __always_inline __u64 ds_heap_sink(struct ds_heap_head __arena *head,
					  __u64 key)
{
	__u64 at = 0, count = head->count;
	int level;

	arena_for(level, DS_HEAP_LEVELS)
	{
		__u64 child = 2 * at + 1;

		if (child >= count)
			break;
		if (child + 1 < count &&
		    head->elements[child + 1].key < head->elements[child].key)
			child++;
		if (key <= head->elements[child].key)
			break;
		ds_heap_move(head, at, child);
		at = child;
	}
	return at;
}

/** ds_heap_init - make @head an empty heap for @capacity elements */
static inline int ds_heap_init(struct ds_heap_head __arena *head,
			       __u64 capacity)
{
	if (!head || !capacity || capacity > DS_HEAP_CAPACITY_MAX)
		return DS_ERROR_INVALID;
	head->elements = bpf_arena_alloc(capacity * sizeof(*head->elements));
	if (!head->elements)
		return DS_ERROR_NOMEM;
	head->stats = ds_lane_stats_new();
	if (!head->stats) {
		bpf_arena_free(head->elements);
		return DS_ERROR_NOMEM;
	}
	head->capacity = capacity;
	head->count = 0;
	/* Release: pairs with the acquire in arena_lock_acquire(). */
	arena_atomic_store(&head->lock.holder, 0, ARENA_RELEASE);
	return ds_lane_stats_count(head->stats, DS_OP_INIT, DS_SUCCESS);
}

/** ds_heap_insert - put in; DS_ERROR_FULL when there are @capacity elements */
static inline int ds_heap_insert(struct ds_heap_head __arena *head, __u64 key,
				 __u64 value)
{
	int result = DS_ERROR_BUSY;

	ds_lane_stats_begin(head->stats);
	if (arena_lock_acquire(&head->lock) == 0) {
		result = DS_ERROR_FULL;
		if (head->count < head->capacity) {
			ds_heap_put(head, ds_heap_rise(head, head->count, key),
				    key, value);
			head->count++;
			result = DS_SUCCESS;
		}
		arena_lock_release(&head->lock);
	}
	return ds_lane_stats_end(head->stats, DS_OP_INSERT, result);
}

/* Take the root out; the last element takes the empty place, or sinks. */
static __always_inline int ds_heap_take(struct ds_heap_head __arena *head,
					struct ds_kv *out)
{
	__u64 last, key;

	if (!head->count)
		return DS_ERROR_EMPTY;
	if (head->count > head->capacity)
		return DS_ERROR_CORRUPT;
	out->key = head->elements[0].key;
	out->value = head->elements[0].value;
	last = --head->count;
	key = head->elements[last].key;
	ds_heap_move(head, ds_heap_sink(head, key), last);
	return DS_SUCCESS;
}

/** ds_heap_pop - take the smallest key out; DS_ERROR_EMPTY: there is none */
static inline int ds_heap_pop(struct ds_heap_head __arena *head,
			      struct ds_kv *out)
{
	int result = DS_ERROR_BUSY;

	ds_lane_stats_begin(head->stats);
	if (arena_lock_acquire(&head->lock) == 0) {
		result = ds_heap_take(head, out);
		arena_lock_release(&head->lock);
	}
	return ds_lane_stats_end(head->stats, DS_OP_POP, result);
}

/* Whether no key is smaller than its parent's. */
static __always_inline int ds_heap_walk(struct ds_heap_head __arena *head)
{
	__u64 count = head->count, i;

	for (i = arena_zero() + 1; i < count && can_loop; i++)
		DS_VERIFY_CONDITION(head->elements[(i - 1) / 2].key <=
					    head->elements[i].key,
				    "order");
	return i < count ? DS_ERROR_BUSY : DS_SUCCESS;
}

/**
 * ds_heap_verify - the array's memory, the order, and the count
 *
 * DS_ERROR_BUSY when it did not get the lock or was cut off before the end.
 * May run at any time; other lanes wait for it, or answer DS_ERROR_BUSY. The
 * count is compared to what lanes counted unless one of them is at work.
 */
static inline int ds_heap_verify(struct ds_heap_head __arena *head)
{
	int result = DS_ERROR_BUSY;
	struct ds_quiet quiet;

	if (!head)
		return DS_ERROR_INVALID;
	if (!ds_stats_sound(head->stats) ||
	    head->capacity > DS_HEAP_CAPACITY_MAX ||
	    arena_memory_state((__u64)(unsigned long)head->elements,
			       head->capacity * sizeof(*head->elements)) !=
		    ARENA_LIVE)
		return DS_ERROR_CORRUPT;
	if (arena_lock_acquire(&head->lock) == 0) {
		ds_quiet_begin(head->stats, &quiet);
		result = head->count > head->capacity ? DS_ERROR_CORRUPT
						      : ds_heap_walk(head);
		if (result == DS_SUCCESS && ds_quiet_end(head->stats, &quiet) &&
		    head->count != quiet.elements)
			result = DS_ERROR_CORRUPT;
		arena_lock_release(&head->lock);
	}
	return ds_lane_stats_count(head->stats, DS_OP_VERIFY, result);
}

/**
 * ds_heap_iterate - call @fn for every element, in no order but the first
 *
 * Ends early when @fn returns other than 0, and returns that. @fn runs under
 * the lock and must not operate on the same heap.
 */
static __always_inline int ds_heap_iterate(struct ds_heap_head __arena *head,
					   int (*fn)(__u64 key, __u64 value,
						     void *ctx),
					   void *ctx)
{
	int result = DS_ERROR_BUSY;
	__u64 i = arena_zero();

	if (arena_lock_acquire(&head->lock) != 0)
		return ds_lane_stats_count(head->stats, DS_OP_ITERATE, result);
	while (can_loop) {
		if (i >= head->count) {
			result = DS_SUCCESS;
			break;
		}
		result =
			fn(head->elements[i].key, head->elements[i].value, ctx);
		if (result)
			break;
		result = DS_ERROR_BUSY;
		i++;
	}
	arena_lock_release(&head->lock);
	return ds_lane_stats_count(head->stats, DS_OP_ITERATE, result);
}

static inline void ds_heap_get_stats(struct ds_heap_head __arena *head,
				     struct ds_stats *stats)
{
	ds_lane_stats_sum(head->stats, sizeof(struct ds_heap_node), stats);
	stats->memory_used = head->capacity * sizeof(struct ds_heap_node);
}

static inline void ds_heap_reset_stats(struct ds_heap_head __arena *head)
{
	ds_lane_stats_reset(head->stats);
}

static inline const struct ds_metadata *ds_heap_get_metadata(void)
{
	static const struct ds_metadata metadata = {
		.name = "heap",
		.description = "binary heap under one lock",
		.node_size = sizeof(struct ds_heap_node),
		.requires_locking = 1,
		.abstract_type = DS_TYPE_PRIORITY_QUEUE,
		.concurrency = DS_MPMC,
		.progress = DS_BLOCKING,
		.bounded = 1,
		.ordered = 0,
	};
	return &metadata;
}
