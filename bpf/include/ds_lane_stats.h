/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_lane_stats.h - a structure's statistics, counted apart by each lane.
 *
 * A counter that all lanes share costs more than the operation that it counts.
 * Here each lane adds to cache lines of its own, plainly, and whoever asks for
 * statistics sums. The array lies in the arena and hangs on the structure's
 * head:
 *
 *   init       head->stats = ds_lane_stats_new();
 *   each op    return ds_lane_stats_count(head->stats, DS_OP_INSERT, result);
 *   get_stats  ds_lane_stats_sum(head->stats, sizeof(node), stats);
 *   reset      ds_lane_stats_reset(head->stats);
 *
 * Count before arena_exit(), where there is one: verify functions then know
 * that a lane outside an operation has counted all that it did. A structure
 * that needs no epochs tells them by ds_lane_stats_begin() and _end() instead,
 * which cost no barrier; see ds_quiet.h.
 */
#pragma once

#include "ds_api.h"

struct ds_lane_op {
	__u64 count;
	__u64 failures;
};

/**
 * struct ds_lane_counts - what one lane did since init; only it writes here
 * @inside: 1 between ds_lane_stats_begin() and ds_lane_stats_end()
 */
struct ds_lane_counts {
	struct ds_lane_op ops[DS_OP_MAX] __arena_line;
	__u64 inside;
};

/**
 * struct ds_lane_stats - all lanes' counts
 * @lanes: how many there are
 * @max_elements: most elements that any ds_lane_stats_sum() saw
 * @base: sums at the last reset; counts themselves are never set back, for
 *        their owners may be adding to them
 */
struct ds_lane_stats {
	__u64 lanes;
	__u64 max_elements;
	struct ds_lane_op base[DS_OP_MAX];
	struct ds_lane_counts lane[];
};

/* Memory for the counts of every lane, zeroed: an offset, or 0. */
ARENA_OUTLINE __u32 ds_lane_stats_alloc(void)
{
	__u64 lanes = arena_header()->lanes, size, i;
	struct ds_lane_stats __arena *stats;
	__u64 __arena *word;

	/* Whole pages: a small object need not begin a cache line. */
	size = sizeof(*stats) + lanes * sizeof(struct ds_lane_counts);
	size = (size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
	stats = bpf_arena_alloc(size);
	if (!stats)
		return 0;
	word = (__u64 __arena *)stats;
	for (i = arena_zero(); i < size / sizeof(*word) && can_loop; i++)
		WRITE_ONCE(word[i], 0);
	stats->lanes = lanes;
	return arena_offset(stats);
}

/** ds_lane_stats_new - counts for every lane of the arena, NULL: no memory */
static __always_inline struct ds_lane_stats __arena *ds_lane_stats_new(void)
{
	__u32 offset = ds_lane_stats_alloc();

	return offset ? arena_ptr(struct ds_lane_stats, offset) : NULL;
}

/** ds_lane_stats_count - account for one operation; returns its @result */
static __always_inline int ds_lane_stats_count(struct ds_lane_stats
					       __arena *stats,
					       __u32 type, int result)
{
	__u32 id = arena_self()->id;
	struct ds_lane_op __arena *op;

	if (unlikely(id >= stats->lanes))
		return result;
	op = &stats->lane[id].ops[type];
	/* Relaxed: one writer, and readers want whole numbers only. */
	arena_atomic_store(&op->count, op->count + 1, ARENA_RELAXED);
	if (result)
		arena_atomic_store(&op->failures, op->failures + 1,
				   ARENA_RELAXED);
	return result;
}

/** ds_lane_stats_begin - this lane is about to look at the structure */
static __always_inline void ds_lane_stats_begin(struct ds_lane_stats
						__arena *stats)
{
	__u32 id = arena_self()->id;

	/* Relaxed: seen no later than what the operation changes, for that is
	 * published by a release. See ds_quiet.h. */
	if (likely(id < stats->lanes))
		arena_atomic_store(&stats->lane[id].inside, 1, ARENA_RELAXED);
}

/** ds_lane_stats_end - count the operation begun; returns its @result */
static __always_inline int ds_lane_stats_end(struct ds_lane_stats
					     __arena *stats,
					     __u32 type, int result)
{
	__u32 id = arena_self()->id;
	struct ds_lane_op __arena *op;

	if (unlikely(id >= stats->lanes))
		return result;
	op = &stats->lane[id].ops[type];
	/* Release: who sees the count sees that this lane is inside. Pairs
	 * with the fence in ds_quiet_end(). */
	arena_atomic_store(&op->count, op->count + 1, ARENA_RELEASE);
	if (result)
		arena_atomic_store(&op->failures, op->failures + 1,
				   ARENA_RELAXED);
	/* Release: who sees this lane outside sees what it did, and counted.
	 * Pairs with the acquire in ds_quiet_idle(). */
	arena_atomic_store(&stats->lane[id].inside, 0, ARENA_RELEASE);
	return result;
}

/* One operation's counts, or its failures, summed over all lanes. */
ARENA_OUTLINE __u64 ds_lane_stats_add(__u64 address, __u32 type, bool failures)
{
	struct ds_lane_stats __arena *stats =
		(struct ds_lane_stats __arena *)(unsigned long)address;
	__u64 sum = 0, i;

	for (i = arena_zero(); i < stats->lanes && can_loop; i++) {
		struct ds_lane_op __arena *op =
			&stats->lane[i].ops[type % DS_OP_MAX];

		/* Relaxed: whoever needs them exact has seen the lanes leave
		 * their operations. */
		sum += arena_atomic_load(failures ? &op->failures : &op->count,
					 ARENA_RELAXED);
	}
	return sum;
}

static __always_inline struct ds_lane_op ds_lane_stats_of(struct ds_lane_stats
							  __arena *stats,
							  __u32 type)
{
	__u64 address = (__u64)(unsigned long)stats;
	struct ds_lane_op sum;

	/* Failures first: never more of them than operations. */
	sum.failures = ds_lane_stats_add(address, type, true);
	sum.count = ds_lane_stats_add(address, type, false);
	return sum;
}

/** ds_lane_stats_elements - elements put in minus elements taken out */
static __always_inline __u64 ds_lane_stats_elements(struct ds_lane_stats
						    __arena *stats)
{
	struct ds_lane_op in = ds_lane_stats_of(stats, DS_OP_INSERT);
	struct ds_lane_op out = ds_lane_stats_of(stats, DS_OP_DELETE);
	struct ds_lane_op pop = ds_lane_stats_of(stats, DS_OP_POP);

	return (in.count - in.failures) - (out.count - out.failures) -
	       (pop.count - pop.failures);
}

/** ds_lane_stats_total - operations that changed, or could have, the structure */
static __always_inline __u64 ds_lane_stats_total(struct ds_lane_stats
						 __arena *stats)
{
	__u64 address = (__u64)(unsigned long)stats;

	return ds_lane_stats_add(address, DS_OP_INSERT, false) +
	       ds_lane_stats_add(address, DS_OP_DELETE, false) +
	       ds_lane_stats_add(address, DS_OP_POP, false);
}

/**
 * ds_lane_stats_sum - what get_stats has to fill in
 * @node_size: size of a node, for the memory used
 *
 * Sums are exact once lanes have stopped. Operations are not timed here, so
 * total_time_ns is 0. max_elements is the most that any call has seen.
 */
static __always_inline void ds_lane_stats_sum(struct ds_lane_stats
					      __arena *stats,
					      __u64 node_size,
					      struct ds_stats *out)
{
	__u64 elements = ds_lane_stats_elements(stats);
	__u32 type;

	for (type = 0; type < DS_OP_MAX; type++) {
		struct ds_lane_op sum = ds_lane_stats_of(stats, type);

		out->ops[type].count = sum.count - stats->base[type].count;
		out->ops[type].failures =
			sum.failures - stats->base[type].failures;
		out->ops[type].total_time_ns = 0;
	}
	if ((__s64)elements < 0) /* a sample taken between two lanes */
		elements = 0;
	if (elements > READ_ONCE(stats->max_elements))
		WRITE_ONCE(stats->max_elements, elements);
	out->current_elements = elements;
	out->max_elements = READ_ONCE(stats->max_elements);
	out->memory_used =
		elements * arena_slot_size(arena_class_of(node_size));
}

/** ds_lane_stats_reset - count operations from now on; elements stay */
static __always_inline void ds_lane_stats_reset(struct ds_lane_stats
						__arena *stats)
{
	__u32 type;

	for (type = 0; type < DS_OP_MAX; type++) {
		struct ds_lane_op sum = ds_lane_stats_of(stats, type);

		stats->base[type].count = sum.count;
		stats->base[type].failures = sum.failures;
	}
	stats->max_elements = 0;
}
