/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_quiet.h - when a verify may take the lanes' counts at their word.
 *
 * What is in a structure must be what was put in minus what was taken out. But
 * a lane counts after it has acted, so while lanes are at work the two differ
 * and nothing is wrong. A verify therefore goes
 *
 *   1. load, with acquire, the words through which the structure is entered
 *   2. ds_quiet_begin()
 *   3. walk
 *   4. ds_quiet_end(), and compare those words again
 *
 * and believes ds_quiet.elements only if 4. says that all stood still. Lanes
 * tell that they are at work by arena_enter() or by ds_lane_stats_begin().
 *
 * Why that is exact, of an operation that succeeded: either its change was
 * seen in 1., then (release, acquire) so was that its lane is inside, until it
 * had counted; or it was not seen, then a word of 1. has changed. Of one that
 * failed, which is counted in two steps: had 2. seen the first one only, then
 * its lane began after it was looked at in 2., and by 4. is still inside, or
 * the elements have become others; and what could make up for that, other
 * operations that were counted meanwhile, changes the total.
 */
#pragma once

#include "ds_check.h"
#include "ds_lane_stats.h"

/**
 * struct ds_quiet - what was seen before the walk
 * @idle: no lane was at work
 * @elements: as the lanes counted them
 * @total: operations that changed, or could have, the structure
 */
struct ds_quiet {
	bool idle;
	__u64 elements;
	__u64 total;
};

/* Whether no lane, this one aside, is in an operation; false if cut off. */
ARENA_OUTLINE int ds_quiet_idle(__u64 address)
{
	struct ds_lane_stats __arena *stats =
		(struct ds_lane_stats __arena *)(unsigned long)address;
	__u64 lanes = stats->lanes, i;

	for (i = arena_zero(); i < lanes && can_loop; i++) {
		/* Acquire: pairs with the release in ds_lane_stats_end(). */
		if (arena_atomic_load(&stats->lane[i].inside, ARENA_ACQUIRE))
			return false;
	}
	return i >= lanes && arena_others_outside();
}

static __always_inline void ds_quiet_begin(struct ds_lane_stats __arena *stats,
					   struct ds_quiet *quiet)
{
	quiet->idle = ds_quiet_idle((__u64)(unsigned long)stats);
	quiet->elements = ds_lane_stats_elements(stats);
	quiet->total = ds_lane_stats_total(stats);
}

/** ds_quiet_end - whether no operation came or went since ds_quiet_begin() */
static __always_inline bool ds_quiet_end(struct ds_lane_stats __arena *stats,
					 const struct ds_quiet *quiet)
{
	if (!quiet->idle)
		return false;
	/* Pairs with the release of a count in ds_lane_stats_end(): a count
	 * seen before, and then the lane is seen inside. */
	arena_atomic_fence(ARENA_SEQ_CST);
	return ds_quiet_idle((__u64)(unsigned long)stats) &&
	       ds_lane_stats_elements(stats) == quiet->elements &&
	       ds_lane_stats_total(stats) == quiet->total;
}

/** ds_stats_sound - whether a head's pointer to its statistics is one */
static __always_inline bool ds_stats_sound(struct ds_lane_stats __arena *stats)
{
	__u64 lanes = arena_header()->lanes;
	__u64 size = sizeof(*stats) + lanes * sizeof(struct ds_lane_counts);

	size = (size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
	return arena_memory_state((__u64)(unsigned long)stats, size) ==
		       ARENA_LIVE &&
	       stats->lanes == lanes;
}
