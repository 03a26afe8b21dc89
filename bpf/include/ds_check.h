/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ds_check.h - what a verify function asks of the allocator.
 *
 * A structure that went wrong holds any number for a pointer. These look at
 * the number first, so that a verify answers DS_ERROR_CORRUPT where a plain
 * dereference would kill a user lane and read zeroes in a kernel lane.
 */
#pragma once

#include "libarena_ds.h"

/**
 * arena_object_state - what the allocator says of a small object
 * @address: the pointer, as a number; any number will do
 * @size: the size it was, or should have been, allocated with
 *
 * Returns ARENA_LIVE, ARENA_FREED or ARENA_RETIRED, and ARENA_NEVER when no
 * object of that size ever began there.
 */
static __always_inline __u32 arena_object_state(__u64 address, __u64 size)
{
	__u32 offset = (__u32)address, page = offset / PAGE_SIZE, word;

	if (!arena_validate_ptr(address) || offset % 16 ||
	    offset % PAGE_SIZE == 0)
		return ARENA_NEVER;
	/* Beyond the frontier even the descriptor is not there. */
	if (page < arena_header()->pages_first ||
	    page >= READ_ONCE(arena_header()->frontier))
		return ARENA_NEVER;
	/* Acquire: pairs with the release in arena_describe(). */
	if (arena_atomic_load(&arena_page(page)->kind, ARENA_ACQUIRE) !=
	    ARENA_PAGE_SMALL)
		return ARENA_NEVER;
	word = READ_ONCE(arena_slot_of(offset)->state);
	if ((word ^ arena_slot_word(offset, arena_class_of(size), 0)) &
	    ~ARENA_STATE_BITS)
		return ARENA_NEVER;
	return word & ARENA_STATE_BITS;
}

/**
 * arena_memory_state - the same of memory of any size, runs of pages included
 * @address: as above
 * @size: as above; a run of another number of pages is none
 */
static __always_inline __u32 arena_memory_state(__u64 address, __u64 size)
{
	__u32 page = (__u32)address / PAGE_SIZE;
	struct arena_page is = {};

	if (arena_class_of(size))
		return arena_object_state(address, size);
	if (!arena_validate_ptr(address) || address % PAGE_SIZE ||
	    page < arena_header()->pages_first ||
	    page >= READ_ONCE(arena_header()->frontier))
		return ARENA_NEVER;
	/* Acquire: pairs with the release in arena_describe(). */
	is.word = arena_atomic_load(&arena_page(page)->word, ARENA_ACQUIRE);
	if (is.kind != ARENA_PAGE_RUN ||
	    is.state >> ARENA_RUN_SHIFT != ARENA_PAGES_FOR(size))
		return ARENA_NEVER;
	return is.state & ARENA_STATE_BITS;
}

/**
 * arena_others_outside - whether no lane but this one is in an operation
 *
 * False too when not all lanes could be looked at. Only of use together with
 * something that tells operations that came and went in between; see
 * ds_lane_stats_total().
 */
ARENA_OUTLINE int arena_others_outside(void)
{
	struct arena_lane __arena *self = arena_self();
	__u32 lanes = arena_header()->lanes, i = arena_zero();

	for (; i < lanes && i < ARENA_LANES_MAX && can_loop; i++) {
		/* Acquire: pairs with the release in arena_exit(): what the
		 * lane did in its last operation is seen from here on. */
		__u64 epoch =
			arena_atomic_load(&arena_lane(i)->epoch, ARENA_ACQUIRE);

		if ((epoch & 1) && i != self->id)
			return false;
	}
	return i >= lanes;
}
