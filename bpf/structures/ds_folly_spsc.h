/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_folly_spsc.h - a ring between one producer and one consumer.
 *
 * In the manner of Folly's ProducerConsumerQueue: an array, an index that only
 * the producer writes and one that only the consumer writes; they are equal
 * when the ring is empty, so one slot always stays free. Each side keeps a copy
 * of the other side's index and looks at the real one only when the copy says
 * that it can not go on (Lee, Bu and Chandranmenon, "A lock-free,
 * cache-efficient shared ring buffer", ANCS 2009): while the ring is neither
 * full nor empty, the sides touch no common line but that of the elements.
 *
 *   linearization points
 *     insert    SUCCESS  the store of `write`
 *               FULL     the load of `read`
 *     pop       SUCCESS  the store of `read`
 *               EMPTY    the load of `write`
 *   progress: wait-free, without one compare-and-swap.
 *   who may call: insert by one lane at a time, pop by one lane at a time
 *                 (SPSC), a user or a kernel lane each; it may be the same one.
 *                 iterate by the consumer only, or when the producer and the
 *                 consumer have stopped. verify and get_stats by any lane.
 *
 * Folly stores the indices with release. These are sequentially consistent:
 * a release store may wait in the CPU's store buffer when insert has returned
 * already, and a pop that begins then answers EMPTY though there is an element.
 * Both CPUs do what they may; linearizable it is not.
 *
 * The slots are there from init on: nothing is allocated or freed later. Keys
 * need not differ. There is no delete by key and no search: a ring is for
 * taking out what came first.
 *
 * @ds_type: ring
 * @ds_ordered: no
 * @ds_allows_duplicates: yes
 * @ds_complexity insert: O(1)
 * @ds_complexity pop: O(1)
 */
#pragma once

#include "ds_api.h"
#include "ds_quiet.h"

#define DS_FOLLY_SPSC_CAPACITY_MAX 0xfffffffeULL

/** struct ds_folly_spsc_node - one slot */
struct ds_folly_spsc_node {
	__u64 key;
	__u64 value;
};

/**
 * struct ds_folly_spsc_head
 * @slots, @size: never change after init; @size is the capacity and one more
 * @write: slot of the next element to be put in; the producer's
 * @read_seen: `read` as the producer saw it last
 * @read: slot of the next element to be taken out; the consumer's
 * @write_seen: `write` as the consumer saw it last
 */
struct ds_folly_spsc_head {
	struct ds_folly_spsc_node __arena *slots;
	__u64 size;
	struct ds_lane_stats __arena *stats;
	__u64 away_from_slots[5];
	__u64 write;
	__u64 read_seen;
	__u64 away_from_write[6];
	__u64 read;
	__u64 write_seen;
	__u64 away_from_read[6];
};

static __always_inline __u64 ds_folly_spsc_next(struct ds_folly_spsc_head
						__arena *head,
						__u64 index)
{
	return index + 1 == head->size ? 0 : index + 1;
}

/* How many slots lie from @from to @to. */
static __always_inline __u64 ds_folly_spsc_distance(struct ds_folly_spsc_head
						    __arena *head,
						    __u64 from, __u64 to)
{
	return to >= from ? to - from : head->size - from + to;
}

/** ds_folly_spsc_init - make @head an empty ring for @capacity elements */
static inline int ds_folly_spsc_init(struct ds_folly_spsc_head __arena *head,
				     __u64 capacity)
{
	if (!head || !capacity || capacity > DS_FOLLY_SPSC_CAPACITY_MAX)
		return DS_ERROR_INVALID;
	head->slots = bpf_arena_alloc((capacity + 1) * sizeof(*head->slots));
	if (!head->slots)
		return DS_ERROR_NOMEM;
	head->stats = ds_lane_stats_new();
	if (!head->stats) {
		bpf_arena_free(head->slots);
		return DS_ERROR_NOMEM;
	}
	head->size = capacity + 1;
	head->read_seen = 0;
	head->write_seen = 0;
	arena_atomic_store(&head->read, 0, ARENA_RELAXED);
	arena_atomic_store(&head->write, 0, ARENA_RELEASE);
	return ds_lane_stats_count(head->stats, DS_OP_INIT, DS_SUCCESS);
}

/** ds_folly_spsc_insert - append; DS_ERROR_FULL when the ring is */
static inline int ds_folly_spsc_insert(struct ds_folly_spsc_head __arena *head,
				       __u64 key, __u64 value)
{
	struct ds_folly_spsc_node __arena *slot;
	__u64 write, next, read;

	ds_lane_stats_begin(head->stats);
	/* Relaxed, both: no other lane writes them. */
	write = arena_atomic_load(&head->write, ARENA_RELAXED);
	read = arena_atomic_load(&head->read_seen, ARENA_RELAXED);
	next = ds_folly_spsc_next(head, write);
	if (next == read) {
		/* Acquire: pairs with the store of `read` in pop: the consumer
		 * has done with the slots before it. */
		read = arena_atomic_load(&head->read, ARENA_ACQUIRE);
		arena_atomic_store(&head->read_seen, read, ARENA_RELAXED);
		if (next == read)
			return ds_lane_stats_end(head->stats, DS_OP_INSERT,
						 DS_ERROR_FULL);
	}
	slot = &head->slots[write];
	slot->key = key;
	slot->value = value;
	/* Release: pairs with the acquire of `write` in pop. And more, so that
	 * it is everybody's before this returns; see above. */
	arena_atomic_store(&head->write, next, ARENA_SEQ_CST);
	return ds_lane_stats_end(head->stats, DS_OP_INSERT, DS_SUCCESS);
}

/** ds_folly_spsc_pop - take the oldest element out; DS_ERROR_EMPTY: none */
static inline int ds_folly_spsc_pop(struct ds_folly_spsc_head __arena *head,
				    struct ds_kv *out)
{
	struct ds_folly_spsc_node __arena *slot;
	__u64 read, write;

	ds_lane_stats_begin(head->stats);
	/* Relaxed, both: no other lane writes them. */
	read = arena_atomic_load(&head->read, ARENA_RELAXED);
	write = arena_atomic_load(&head->write_seen, ARENA_RELAXED);
	if (read == write) {
		/* Acquire: pairs with the store of `write` in insert: the slots
		 * before it are seen as they were filled. */
		write = arena_atomic_load(&head->write, ARENA_ACQUIRE);
		arena_atomic_store(&head->write_seen, write, ARENA_RELAXED);
		if (read == write)
			return ds_lane_stats_end(head->stats, DS_OP_POP,
						 DS_ERROR_EMPTY);
	}
	slot = &head->slots[read];
	out->key = slot->key;
	out->value = slot->value;
	/* Release: pairs with the acquire of `read` in insert. And more, as
	 * there. */
	arena_atomic_store(&head->read, ds_folly_spsc_next(head, read),
			   ARENA_SEQ_CST);
	return ds_lane_stats_end(head->stats, DS_OP_POP, DS_SUCCESS);
}

/* The four indices at one moment, if the ring stands still. */
struct ds_folly_spsc_indices {
	__u64 read;
	__u64 write;
	__u64 read_seen;
	__u64 write_seen;
};

static __always_inline void ds_folly_spsc_look(struct ds_folly_spsc_head
					       __arena *head,
					       struct ds_folly_spsc_indices *at)
{
	/* Acquire: pairs with the stores in insert and pop (ds_quiet.h). */
	at->read = arena_atomic_load(&head->read, ARENA_ACQUIRE);
	at->write = arena_atomic_load(&head->write, ARENA_ACQUIRE);
	at->read_seen = arena_atomic_load(&head->read_seen, ARENA_ACQUIRE);
	at->write_seen = arena_atomic_load(&head->write_seen, ARENA_ACQUIRE);
}

/* Whether what each side believes of the other one is something that was true
 * once and harms nobody: the ring at least as full to the producer as it is,
 * and at most as full to the consumer. */
static __always_inline bool ds_folly_spsc_agree(
	struct ds_folly_spsc_head __arena *head,
	const struct ds_folly_spsc_indices *at)
{
	__u64 elements = ds_folly_spsc_distance(head, at->read, at->write);

	return ds_folly_spsc_distance(head, at->read_seen, at->write) >=
		       elements &&
	       ds_folly_spsc_distance(head, at->read, at->write_seen) <=
		       elements;
}

/**
 * ds_folly_spsc_verify - the slots' memory, all indices, the count
 *
 * DS_ERROR_BUSY when it was cut off before the end. May run at any time: while
 * other lanes are at work, what cannot be told then (the count, and of the
 * indices more than that they are some) is left out; once they have stopped it
 * is not.
 */
static inline int ds_folly_spsc_verify(struct ds_folly_spsc_head __arena *head)
{
	struct ds_folly_spsc_indices at, still;
	int result = DS_SUCCESS;
	struct ds_quiet quiet;
	__u64 size;

	if (!head)
		return DS_ERROR_INVALID;
	size = head->size;
	if (!ds_stats_sound(head->stats) || size < 2 ||
	    size > DS_FOLLY_SPSC_CAPACITY_MAX + 1 ||
	    arena_memory_state((__u64)(unsigned long)head->slots,
			       size * sizeof(*head->slots)) != ARENA_LIVE)
		return DS_ERROR_CORRUPT;
	ds_folly_spsc_look(head, &at);
	ds_quiet_begin(head->stats, &quiet);
	if (at.read >= size || at.write >= size || at.read_seen >= size ||
	    at.write_seen >= size)
		result = DS_ERROR_CORRUPT;
	ds_folly_spsc_look(head, &still);
	if (result == DS_SUCCESS && ds_quiet_end(head->stats, &quiet) &&
	    still.read == at.read && still.write == at.write &&
	    (!ds_folly_spsc_agree(head, &still) ||
	     ds_folly_spsc_distance(head, at.read, at.write) != quiet.elements))
		result = DS_ERROR_CORRUPT;
	return ds_lane_stats_count(head->stats, DS_OP_VERIFY, result);
}

/**
 * ds_folly_spsc_iterate - call @fn for every element, the oldest first
 *
 * For the consumer only: nobody else keeps the producer from a slot. Elements
 * that come meanwhile are not seen. Ends early when @fn returns other than 0,
 * and returns that.
 */
static __always_inline int ds_folly_spsc_iterate(
	struct ds_folly_spsc_head __arena *head,
	int (*fn)(__u64 key, __u64 value, void *ctx), void *ctx)
{
	/* Acquire: as in pop. */
	__u64 at = arena_atomic_load(&head->read, ARENA_ACQUIRE);
	__u64 end = arena_atomic_load(&head->write, ARENA_ACQUIRE);
	int result = DS_ERROR_BUSY;

	while (can_loop) {
		if (at == end) {
			result = DS_SUCCESS;
			break;
		}
		result = fn(head->slots[at].key, head->slots[at].value, ctx);
		if (result)
			break;
		result = DS_ERROR_BUSY;
		at = ds_folly_spsc_next(head, at);
	}
	return ds_lane_stats_count(head->stats, DS_OP_ITERATE, result);
}

static inline void ds_folly_spsc_get_stats(struct ds_folly_spsc_head
					   __arena *head,
					   struct ds_stats *stats)
{
	ds_lane_stats_sum(head->stats, sizeof(struct ds_folly_spsc_node),
			  stats);
	stats->memory_used = head->size * sizeof(struct ds_folly_spsc_node);
}

static inline void ds_folly_spsc_reset_stats(struct ds_folly_spsc_head
					     __arena *head)
{
	ds_lane_stats_reset(head->stats);
}

static inline const struct ds_metadata *ds_folly_spsc_get_metadata(void)
{
	static const struct ds_metadata metadata = {
		.name = "folly_spsc",
		.description = "ring between one producer and one consumer, "
			       "with cached indices (Folly)",
		.node_size = sizeof(struct ds_folly_spsc_node),
		.requires_locking = 0,
		.abstract_type = DS_TYPE_RING,
		.concurrency = DS_SPSC,
		.progress = DS_WAIT_FREE,
		.bounded = 1,
		.ordered = 0,
	};
	return &metadata;
}
