/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arena_reclaim.h - safe memory reclamation shared by both sides.
 *
 * Epoch-based reclamation (Fraser, "Practical lock-freedom", 2004, section
 * 5.2.3), with one slot a lane in the arena, so that a kernel lane holds back
 * what a user lane would reuse and the other way round:
 *
 *   arena_enter()  before an operation's first read of a shared pointer
 *   arena_retire() after a node was unlinked, instead of freeing it
 *   arena_exit()   after its last use of one
 *
 * A node retired in epoch e is reused once the epoch is e + 3, and the epoch
 * advances only when every lane that is inside has seen the present one. (The
 * usual e + 2 needs a full barrier in every retirement: a lane that entered in
 * e + 1 need not see the unlinking by a lane still inside in e. Whoever enters
 * in e + 2 does, because that lane has left by then.) A
 * lane that stalls inside therefore delays all reuse; it never causes reuse.
 * The delay is counted (arena_lane.blocked, blocked_by) and shown. Memory is
 * then bounded by the arena: allocations fail, nothing is corrupted.
 */
#pragma once

#include "arena_alloc.h"

#define ARENA_ADVANCE_EVERY 32
#define ARENA_RECLAIM_AT_MOST 128

static __always_inline void arena_enter(void)
{
	struct arena_lane __arena *lane = arena_self();

	if (lane->nesting++)
		return;
	/* Acquire: pairs with the swap in arena_advance(), by which whoever
	 * moved the epoch here passes on what the lanes before us unlinked.
	 * Release, as in arena_exit(): who sees only this announcement must see
	 * the end of our last operation too. */
	arena_atomic_store(
		&lane->epoch,
		arena_atomic_load(&arena_header()->epoch, ARENA_ACQUIRE) << 1 |
			1,
		ARENA_RELEASE);
	/* The announcement is visible before any pointer is read. Pairs with
	 * the seq_cst fence in arena_advance(). */
	arena_atomic_fence(ARENA_SEQ_CST);
}

static __always_inline void arena_exit(void)
{
	struct arena_lane __arena *lane = arena_self();

	if (unlikely(lane->nesting != 1)) {
		/* One too many would protect nothing from then on. */
		if (lane->nesting)
			lane->nesting--;
		return;
	}
	lane->nesting = 0;
	/* Release: every use of a pointer comes before. Pairs with the acquire
	 * load of the lanes' epochs in arena_advance(). */
	arena_atomic_store(&lane->epoch, 0, ARENA_RELEASE);
}

/** arena_advance - move the epoch on if no lane lags; returns the epoch */
ARENA_OUTLINE __u64 arena_advance(void)
{
	struct arena_header __arena *header = arena_header();
	struct arena_lane __arena *lane = arena_self();
	__u64 epoch = arena_atomic_load(&header->epoch, ARENA_ACQUIRE);
	__u32 lanes = header->lanes, i = arena_zero();

	/* Pairs with the fence in arena_enter(): either that lane's
	 * announcement is seen below, or it sees what we unlinked before. */
	arena_atomic_fence(ARENA_SEQ_CST);
	for (; i < lanes && i < ARENA_LANES_MAX && can_loop; i++) {
		__u64 seen =
			arena_atomic_load(&arena_lane(i)->epoch, ARENA_ACQUIRE);

		if ((seen & 1) && seen >> 1 != epoch) {
			if (i != lane->id) {
				lane->blocked++;
				lane->blocked_by = i + 1;
			}
			return epoch;
		}
	}
	if (i < lanes) /* cut off before all were looked at */
		return epoch;
	/* Release: what the lanes did before leaving comes before reuse. */
	if (arena_atomic_cmpxchg(&header->epoch, epoch, epoch + 1,
				 ARENA_ACQ_REL, ARENA_ACQUIRE) == epoch)
		return epoch + 1;
	return arena_atomic_load(&header->epoch, ARENA_ACQUIRE);
}

static __always_inline __u32 __arena *arena_limbo_link(__u32 offset)
{
	return likely(offset % PAGE_SIZE)
		       ? &arena_slot_of(offset)->link
		       : &arena_page(offset / PAGE_SIZE)->link;
}

/* Make up to ARENA_RECLAIM_AT_MOST objects of one limbo reusable. */
ARENA_OUTLINE int arena_reclaim(__u32 id, __u32 which)
{
	struct arena_lane __arena *lane = arena_lane(id);
	struct arena_lane __arena *self = arena_self();
	struct arena_limbo __arena *limbo = &lane->limbo[which % ARENA_LIMBOS];
	__u32 offset = limbo->head, done = arena_zero(), next, word;

	for (; offset && done < ARENA_RECLAIM_AT_MOST && can_loop; done++) {
		next = *arena_limbo_link(offset);
		if (unlikely(offset % PAGE_SIZE == 0)) {
			struct arena_page __arena *page =
				arena_page(offset / PAGE_SIZE);

			page->state =
				(page->state & ~ARENA_STATE_BITS) | ARENA_FREED;
			arena_release_run(offset);
		} else {
			word = arena_slot_of(offset)->state;
			WRITE_ONCE(arena_slot_of(offset)->state,
				   (word & ~ARENA_STATE_BITS) | ARENA_FREED);
			/* It lay beside the structure's own memory. */
			arena_keep(self, offset,
				   arena_class_index(arena_slot_class(word)));
		}
		offset = next;
	}
	limbo->head = offset;
	limbo->count -= done;
	lane->reclaimed += done;
	lane->frees += done;
	return 0;
}

/* Advance the epoch if possible, and reclaim what is then past holding. */
static __always_inline void arena_reclaim_ripe(struct arena_lane __arena *lane)
{
	__u64 epoch = arena_advance();

	for (__u32 i = 0; i < ARENA_LIMBOS; i++)
		if (lane->limbo[i].head && lane->limbo[i].epoch + 3 <= epoch)
			arena_reclaim(lane->id, i);
}

static __always_inline int arena_retire_from(struct arena_lane __arena *lane,
					     __u64 address)
{
	struct arena_limbo __arena *limbo;
	__u64 epoch;

	if (!address)
		return 0;
	if (arena_end_life(address, ARENA_RETIRED, ARENA_FAULT_DOUBLE_RETIRE,
			   ARENA_FAULT_BAD_RETIRE) < 0)
		return -1;
	/* Read after the unlinking (the swap in arena_end_life() orders it, as
	 * both are sequentially consistent): a lane that still holds the node
	 * has announced this epoch at most. */
	epoch = arena_atomic_load(&arena_header()->epoch, ARENA_SEQ_CST);
	limbo = &lane->limbo[epoch % ARENA_LIMBOS];
	if (limbo->epoch != epoch) {
		/* Left from four or more epochs ago: reusable. What one call
		 * does not finish waits with the newer ones, which is safe. */
		arena_reclaim(lane->id, epoch % ARENA_LIMBOS);
		limbo->epoch = epoch;
	}
	*arena_limbo_link((__u32)address) = limbo->head;
	limbo->head = (__u32)address;
	limbo->count++;
	lane->retired++;
	if (++lane->since_advance < ARENA_ADVANCE_EVERY)
		return 0;
	lane->since_advance = 0;
	arena_reclaim_ripe(lane);
	return 0;
}

/* Out of line; told the lane where asking for it is dear. */
#ifdef __bpf__
ARENA_OUTLINE int arena_retire_by(__u32 id, __u64 address)
{
	return arena_retire_from(arena_lane(id), address);
}
#define arena_retire_address(address) arena_retire_by(arena_self_id(), address)
#else
ARENA_OUTLINE int arena_retire_address(__u64 address)
{
	return arena_retire_from(arena_self(), address);
}
#endif

/** arena_retire - free an unlinked node as soon as no lane can still hold it */
#define arena_retire(ptr)                                                      \
	((void)arena_retire_address((__u64)(unsigned long)(ptr)))

#ifndef __bpf__
/**
 * arena_drain - reclaim everything that is retired, of every lane
 *
 * For when all lanes have stopped. Returns the number of objects that could
 * not be reclaimed because a lane is still inside an operation.
 */
static inline __u64 arena_drain(void)
{
	__u32 lanes = arena_header()->lanes;
	__u64 left = 0;

	for (int i = 0; i < ARENA_LIMBOS; i++)
		arena_advance();
	for (__u32 id = 0; id < lanes; id++) {
		for (int i = 0; i < ARENA_LIMBOS; i++) {
			struct arena_limbo *limbo = &arena_lane(id)->limbo[i];

			while (limbo->head &&
			       limbo->epoch + 3 <= arena_header()->epoch)
				arena_reclaim(id, i);
			left += limbo->count;
		}
	}
	return left;
}
#endif
