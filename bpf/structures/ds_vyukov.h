/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_vyukov.h - a ring of so many cells, first in, first out, for all lanes.
 *
 * Vyukov, "Bounded MPMC queue" (1024cores.net, 2010). Each cell carries a turn
 * that says whose it is next: the producer's or the consumer's, of which round.
 * A lane claims a position by one swap on a word that only its own kind
 * changes, works on the cell, and passes the turn on.
 *
 * A position is round << 32 | index, so that a ring has exactly the capacity
 * asked for, not the next power of two (as in crossbeam's ArrayQueue). To the
 * producer of position p the cell's turn is p, to its consumer p + 1, and then
 * it is that of the same index in the next round.
 *
 *   linearization points
 *     insert    SUCCESS  the swap that claims the position
 *               FULL     the load of `out` that is a whole round behind
 *     pop       SUCCESS  the swap that claims the position
 *               EMPTY    the load of `in` that is no further than `out`
 *   progress: blocking, but bounded. A lane that stalls between claiming and
 *             passing on is waited for by the one whose turn is next; who does
 *             not get it in time answers DS_ERROR_BUSY, and nothing happened.
 *   who may call: any number of lanes, user and kernel, anything (MPMC).
 *
 * The original answers FULL or EMPTY as soon as the turn is not there. That is
 * not linearizable: the cell may be one that another lane has claimed and not
 * passed on, while later elements are in the ring already and have been for
 * long. So before answering, the other kind's word is looked at.
 *
 * The cells are there from init on: nothing is allocated or freed later. Keys
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

#define DS_VYUKOV_ROUND (1ULL << 32)
#define DS_VYUKOV_SPINS 256 /* looks at a cell that is not passed on */
#define DS_VYUKOV_YIELDS 256 /* of a user lane, after that */

/**
 * struct ds_vyukov_node - one cell
 * @turn: whose it is next
 * @key, @value: belong to whom the turn says
 */
struct ds_vyukov_node {
	__u64 turn;
	__u64 key;
	__u64 value;
};

/**
 * struct ds_vyukov_head
 * @cells, @capacity: never change after init
 * @in: position of the next element to be put in; changed by producers
 * @out: position of the next element to be taken out; changed by consumers
 */
struct ds_vyukov_head {
	struct ds_vyukov_node __arena *cells;
	__u64 capacity;
	struct ds_lane_stats __arena *stats;
	__u64 away_from_cells[5];
	__u64 in;
	__u64 away_from_in[7];
	__u64 out;
	__u64 away_from_out[7];
};

static __always_inline struct ds_vyukov_node __arena *ds_vyukov_cell(
	struct ds_vyukov_head __arena *head, __u64 position)
{
	return &head->cells[(__u32)position];
}

static __always_inline __u64 ds_vyukov_next(struct ds_vyukov_head __arena *head,
					    __u64 position)
{
	return (__u32)position + 1 < head->capacity
		       ? position + 1
		       : ((position >> 32) + 1) << 32;
}

/* How many elements lie from @out to @in; more than the capacity: nonsense. */
static __always_inline __u64 ds_vyukov_distance(struct ds_vyukov_head
						__arena *head,
						__u64 out, __u64 in)
{
	return ((in >> 32) - (out >> 32)) * head->capacity + (__u32)in -
	       (__u32)out;
}

/* Acquire: pairs with the release in ds_vyukov_pass(): who has the turn sees
 * the cell as it was left. */
static __always_inline __u64 ds_vyukov_turn(struct ds_vyukov_node __arena *cell)
{
	return arena_atomic_load(&cell->turn, ARENA_ACQUIRE);
}

static __always_inline void ds_vyukov_pass(struct ds_vyukov_node __arena *cell,
					   __u64 turn)
{
	arena_atomic_store(&cell->turn, turn, ARENA_RELEASE);
}

/*
 * Claim @*position of @word; false: another lane did, *@position is where the
 * word is now. Release: who sees the position claimed sees that this lane is at
 * work (ds_quiet.h). The cell's content is ordered by its turn, so no acquire.
 */
static __always_inline bool ds_vyukov_claim(struct ds_vyukov_head __arena *head,
					    __u64 __arena *word,
					    __u64 *position)
{
	__u64 found = arena_atomic_cmpxchg(word, *position,
					   ds_vyukov_next(head, *position),
					   ARENA_RELEASE, ARENA_RELAXED);

	if (found == *position)
		return true;
	*position = found;
	return false;
}

/* Wait a little for whoever is at work on a cell; false: for long enough. */
static __always_inline bool ds_vyukov_wait(__u32 *waited)
{
	(*waited)++;
	arena_relax();
#ifndef __bpf__
	/* That lane may be waiting for this very CPU. */
	if (*waited > DS_VYUKOV_SPINS)
		sched_yield();
	return *waited <= DS_VYUKOV_SPINS + DS_VYUKOV_YIELDS;
#else
	return *waited <= DS_VYUKOV_SPINS;
#endif
}

/** ds_vyukov_init - make @head an empty ring of @capacity cells */
static inline int ds_vyukov_init(struct ds_vyukov_head __arena *head,
				 __u64 capacity)
{
	__u64 i;

	if (!head || !capacity || capacity >= DS_VYUKOV_ROUND)
		return DS_ERROR_INVALID;
	head->cells = bpf_arena_alloc(capacity * sizeof(*head->cells));
	if (!head->cells)
		return DS_ERROR_NOMEM;
	for (i = arena_zero(); i < capacity && can_loop; i++)
		WRITE_ONCE(head->cells[i].turn, i);
	head->stats = i < capacity ? NULL : ds_lane_stats_new();
	if (!head->stats) {
		bpf_arena_free(head->cells);
		return i < capacity ? DS_ERROR_BUSY : DS_ERROR_NOMEM;
	}
	head->capacity = capacity;
	arena_atomic_store(&head->out, 0, ARENA_RELAXED);
	arena_atomic_store(&head->in, 0, ARENA_RELEASE);
	return ds_lane_stats_count(head->stats, DS_OP_INIT, DS_SUCCESS);
}

/** ds_vyukov_insert - append; DS_ERROR_FULL when all cells hold elements */
static inline int ds_vyukov_insert(struct ds_vyukov_head __arena *head,
				   __u64 key, __u64 value)
{
	__u32 waited = arena_zero();
	int result = DS_ERROR_BUSY;
	__u64 position;

	ds_lane_stats_begin(head->stats);
	/* Relaxed, here and below: a number to try, the swap judges it. */
	position = arena_atomic_load(&head->in, ARENA_RELAXED);
	while (can_loop) {
		struct ds_vyukov_node __arena *cell =
			ds_vyukov_cell(head, position);
		__u64 turn = ds_vyukov_turn(cell);

		if (turn == position) {
			if (!ds_vyukov_claim(head, &head->in, &position))
				continue;
			/* Release: pairs with the acquires in iterate: who sees
			 * these sees that the last round's turn is over. */
			arena_atomic_fence(ARENA_RELEASE);
			arena_atomic_store(&cell->key, key, ARENA_RELAXED);
			arena_atomic_store(&cell->value, value, ARENA_RELAXED);
			ds_vyukov_pass(cell, position + 1);
			result = DS_SUCCESS;
			break;
		}
		if ((__s64)(turn - position) < 0) {
			/* The last round's element. `in` is at @position or
			 * past it, so `out` a round behind says full; else it
			 * is claimed. Acquire: comes before whatever follows
			 * the answer. */
			if (arena_atomic_load(&head->out, ARENA_ACQUIRE) ==
			    position - DS_VYUKOV_ROUND) {
				result = DS_ERROR_FULL;
				break;
			}
			if (!ds_vyukov_wait(&waited))
				break;
		}
		position = arena_atomic_load(&head->in, ARENA_RELAXED);
	}
	return ds_lane_stats_end(head->stats, DS_OP_INSERT, result);
}

/** ds_vyukov_pop - take the oldest element out; DS_ERROR_EMPTY: none */
static inline int ds_vyukov_pop(struct ds_vyukov_head __arena *head,
				struct ds_kv *out)
{
	__u32 waited = arena_zero();
	int result = DS_ERROR_BUSY;
	__u64 position;

	ds_lane_stats_begin(head->stats);
	/* Relaxed, here and below: a number to try, the swap judges it. */
	position = arena_atomic_load(&head->out, ARENA_RELAXED);
	while (can_loop) {
		struct ds_vyukov_node __arena *cell =
			ds_vyukov_cell(head, position);
		__u64 turn = ds_vyukov_turn(cell);

		if (turn == position + 1) {
			if (!ds_vyukov_claim(head, &head->out, &position))
				continue;
			out->key = arena_atomic_load(&cell->key, ARENA_RELAXED);
			out->value =
				arena_atomic_load(&cell->value, ARENA_RELAXED);
			ds_vyukov_pass(cell, position + DS_VYUKOV_ROUND);
			result = DS_SUCCESS;
			break;
		}
		if ((__s64)(turn - (position + 1)) < 0) {
			/* Nothing in the cell. `out` is at @position or past
			 * it, and never past `in`, so `in` there says empty;
			 * else it is claimed. Acquire: as in insert. */
			if (arena_atomic_load(&head->in, ARENA_ACQUIRE) ==
			    position) {
				result = DS_ERROR_EMPTY;
				break;
			}
			if (!ds_vyukov_wait(&waited))
				break;
		}
		position = arena_atomic_load(&head->out, ARENA_RELAXED);
	}
	return ds_lane_stats_end(head->stats, DS_OP_POP, result);
}

/* What @index's turn is when no lane is at work: between @out and @in there is
 * an element, elsewhere the cell waits for one. */
static __always_inline __u64 ds_vyukov_turn_at_rest(__u64 index, __u64 out,
						    __u64 in)
{
	__u64 first = (index < (__u32)out ? (out >> 32) + 1 : out >> 32) << 32 |
		      index;
	__u64 next =
		(index < (__u32)in ? (in >> 32) + 1 : in >> 32) << 32 | index;

	return first < in ? first + 1 : next;
}

/* The walk of ds_vyukov_verify(): notes turns that are not those of rest. */
static __always_inline int ds_vyukov_walk(struct ds_vyukov_head __arena *head,
					  __u64 out, __u64 in, bool *at_work)
{
	__u64 capacity = head->capacity, i;
	bool other = false;

	for (i = arena_zero(); i < capacity && can_loop; i++) {
		__u64 turn = ds_vyukov_turn(ds_vyukov_cell(head, i));

		DS_VERIFY_CONDITION((__u32)turn - (__u32)i <= 1,
				    "a turn of another cell");
		other |= turn != ds_vyukov_turn_at_rest(i, out, in);
	}
	*at_work = other;
	return i < capacity ? DS_ERROR_BUSY : DS_SUCCESS;
}

/**
 * ds_vyukov_verify - the cells' memory, every turn, both positions, the count
 *
 * DS_ERROR_BUSY when it was cut off before the end. May run at any time: while
 * other lanes are at work, what cannot be told then (the count, and of a turn
 * more than that it is this cell's) is left out; once they have stopped it is
 * not.
 */
static inline int ds_vyukov_verify(struct ds_vyukov_head __arena *head)
{
	struct ds_quiet quiet;
	bool at_work = false;
	__u64 in, out;
	int result;

	if (!head)
		return DS_ERROR_INVALID;
	if (!ds_stats_sound(head->stats) || !head->capacity ||
	    head->capacity >= DS_VYUKOV_ROUND ||
	    arena_memory_state((__u64)(unsigned long)head->cells,
			       head->capacity * sizeof(*head->cells)) !=
		    ARENA_LIVE)
		return DS_ERROR_CORRUPT;
	/* Acquire: pairs with the release in ds_vyukov_claim(). */
	out = arena_atomic_load(&head->out, ARENA_ACQUIRE);
	in = arena_atomic_load(&head->in, ARENA_ACQUIRE);
	if ((__u32)out >= head->capacity || (__u32)in >= head->capacity)
		return ds_lane_stats_count(head->stats, DS_OP_VERIFY,
					   DS_ERROR_CORRUPT);
	ds_quiet_begin(head->stats, &quiet);
	result = ds_vyukov_walk(head, out, in, &at_work);
	if (result == DS_SUCCESS && ds_quiet_end(head->stats, &quiet) &&
	    arena_atomic_load(&head->out, ARENA_RELAXED) == out &&
	    arena_atomic_load(&head->in, ARENA_RELAXED) == in &&
	    (at_work || ds_vyukov_distance(head, out, in) > head->capacity ||
	     ds_vyukov_distance(head, out, in) != quiet.elements))
		result = DS_ERROR_CORRUPT;
	return ds_lane_stats_count(head->stats, DS_OP_VERIFY, result);
}

/**
 * ds_vyukov_iterate - call @fn for every element, the oldest first
 *
 * Elements that come or go meanwhile may be seen or not. Ends early when @fn
 * returns other than 0, and returns that.
 */
static __always_inline int ds_vyukov_iterate(
	struct ds_vyukov_head __arena *head,
	int (*fn)(__u64 key, __u64 value, void *ctx), void *ctx)
{
	/* Acquire: pairs with the release in ds_vyukov_claim(). */
	__u64 position = arena_atomic_load(&head->out, ARENA_ACQUIRE);
	__u64 end = arena_atomic_load(&head->in, ARENA_ACQUIRE);
	int result = DS_ERROR_BUSY;

	while (can_loop) {
		struct ds_vyukov_node __arena *cell;
		__u64 key, value;

		if (position >= end) {
			result = DS_SUCCESS;
			break;
		}
		cell = ds_vyukov_cell(head, position);
		if (ds_vyukov_turn(cell) == position + 1) {
			/* Acquire: pairs with the fence in insert: an element
			 * of the next round comes with its turn. */
			key = arena_atomic_load(&cell->key, ARENA_ACQUIRE);
			value = arena_atomic_load(&cell->value, ARENA_ACQUIRE);
			if (ds_vyukov_turn(cell) == position + 1) {
				result = fn(key, value, ctx);
				if (result)
					break;
				result = DS_ERROR_BUSY;
			}
		}
		/* Else it is being put in, or was taken out. */
		position = ds_vyukov_next(head, position);
	}
	return ds_lane_stats_count(head->stats, DS_OP_ITERATE, result);
}

static inline void ds_vyukov_get_stats(struct ds_vyukov_head __arena *head,
				       struct ds_stats *stats)
{
	ds_lane_stats_sum(head->stats, sizeof(struct ds_vyukov_node), stats);
	stats->memory_used = head->capacity * sizeof(struct ds_vyukov_node);
}

static inline void ds_vyukov_reset_stats(struct ds_vyukov_head __arena *head)
{
	ds_lane_stats_reset(head->stats);
}

static inline const struct ds_metadata *ds_vyukov_get_metadata(void)
{
	static const struct ds_metadata metadata = {
		.name = "vyukov",
		.description = "bounded ring for all lanes (Vyukov)",
		.node_size = sizeof(struct ds_vyukov_node),
		.requires_locking = 0,
		.abstract_type = DS_TYPE_RING,
		.concurrency = DS_MPMC,
		.progress = DS_BLOCKING,
		.bounded = 1,
		.ordered = 0,
	};
	return &metadata;
}
