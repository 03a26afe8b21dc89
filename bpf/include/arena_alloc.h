/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arena_alloc.h - bpf_arena_alloc() and bpf_arena_free(), for both sides.
 *
 * Magazines and depots (Bonwick and Adams, "Magazines and Vmem", USENIX 2001)
 * made lock-free: a lane takes from and frees to its own list without any
 * shared write; full lists of ARENA_BATCH objects pass between lanes through
 * one depot a size class, a Treiber stack with a counted top (32-bit offset,
 * 32-bit tag: no ABA). It does not matter which side or lane frees what which
 * side or lane allocated. Progress: lock-free.
 *
 * Every object carries its state next to it. Freeing swaps LIVE for FREED in
 * one atomic step, so of any number of frees of one object exactly one
 * succeeds and the others are reported.
 */
#pragma once

#include "arena_pages.h"

#define ARENA_BATCH 32
#define ARENA_RUN_SHIFT 3

/* In arena_reclaim.h. */
static __always_inline void arena_reclaim_ripe(struct arena_lane __arena *lane);

/* In the body of the first object of a batch in a depot: the next batch. */
struct arena_batch {
	__u32 next;
};

/*
 * Hand a full list to whoever needs it; false: cut off. The release pairs with the acquire in
 * arena_depot_pop(): the links of the list are written before it is seen.
 */
ARENA_OUTLINE int arena_depot_push(__u32 size_class, __u32 list)
{
	struct arena_depot __arena *depot =
		&arena_header()->depots[arena_class_index(size_class)];
	__u64 top = arena_atomic_load(&depot->top, ARENA_RELAXED);

	while (can_loop) {
		__u64 found;

		WRITE_ONCE(arena_ptr(struct arena_batch, list)->next,
			   (__u32)top);
		found = arena_atomic_cmpxchg(&depot->top, top,
					     ((top >> 32) + 1) << 32 | list,
					     ARENA_RELEASE, ARENA_RELAXED);
		if (found == top)
			return true;
		top = found;
	}
	return false;
}

ARENA_OUTLINE __u32 arena_depot_pop(__u32 size_class)
{
	struct arena_depot __arena *depot =
		&arena_header()->depots[arena_class_index(size_class)];
	__u64 top = arena_atomic_load(&depot->top, ARENA_ACQUIRE);

	while ((__u32)top && can_loop) {
		/* May read a batch that another lane has taken meanwhile: any
		 * value will do, for the tag has moved and the swap fails. */
		__u32 next = READ_ONCE(
			arena_ptr(struct arena_batch, (__u32)top)->next);
		/* Acquire: pairs with the release in arena_depot_push(). */
		__u64 found = arena_atomic_cmpxchg(
			&depot->top, top, ((top >> 32) + 1) << 32 | next,
			ARENA_ACQUIRE, ARENA_ACQUIRE);

		if (found == top)
			return (__u32)top;
		top = found;
	}
	return 0;
}

/* The magazine's hot list is empty, or is to be looked at again: it, the cold
 * one, a batch, a slot never used, a page. */
ARENA_OUTLINE __u32 arena_refill(__u32 size_class, __u32 slot_size)
{
	struct arena_lane __arena *lane = arena_self();
	struct arena_magazine __arena *magazine =
		&lane->magazines[arena_class_index(size_class)];
	__u32 list = magazine->cold, offset = magazine->hot;

	if (offset) {
		magazine->hot = arena_slot_of(offset)->link;
		magazine->hot_count--;
		return offset;
	}
	if (list)
		magazine->cold = 0;
	else
		list = arena_depot_pop(size_class);
	if (list) {
		magazine->hot = arena_slot_of(list)->link;
		magazine->hot_count = ARENA_BATCH - 1;
		return list;
	}
	if (!magazine->carve_left) {
		__u32 page = arena_get_pages(1);

		if (!page)
			return 0;
		arena_describe(page, ARENA_PAGE_SMALL, size_class, 0, 0);
		magazine->carve = page * PAGE_SIZE + ARENA_FIRST_OBJECT;
		magazine->carve_left = arena_slots_per_page(slot_size);
	}
	offset = magazine->carve;
	magazine->carve += slot_size;
	magazine->carve_left--;
	/* One writer; an observer reads slots below this number only, and the
	 * release lets it see a page's slots no earlier than their count. */
	arena_atomic_store(&arena_page(offset / PAGE_SIZE)->state,
			   arena_page(offset / PAGE_SIZE)->state + 1,
			   ARENA_RELEASE);
	return offset;
}

ARENA_OUTLINE __u32 arena_alloc_run(__u64 size)
{
	__u32 count = ARENA_PAGES_FOR(size), page, i;

	if (!size || size > (__u64)PAGE_SIZE * ARENA_PAGES_MAX)
		return 0;
	page = arena_get_pages(count);
	if (!page)
		return 0;
	for (i = arena_zero() + 1; i < count && can_loop; i++)
		arena_describe(page + i, ARENA_PAGE_RUN_TAIL, 0, 0, page);
	arena_describe(page, ARENA_PAGE_RUN, 0,
		       count << ARENA_RUN_SHIFT | ARENA_LIVE, 0);
	return page * PAGE_SIZE;
}

/*
 * No memory: take back what this lane retired and no lane can hold any more.
 * A lane that only allocates from now on would not come by it otherwise.
 * (Inlined where calls may nest 8 deep only: it has one caller there.)
 */
#ifdef __bpf__
static __always_inline
#else
ARENA_OUTLINE
#endif
__u32 arena_scrape(__u64 size, __u32 size_class)
{
	struct arena_lane __arena *lane = arena_self();
	__u32 i, count = arena_zero();

	for (i = 0; i < ARENA_LIMBOS; i++)
		count += lane->limbo[i].count;
	if (!count)
		return 0;
	arena_reclaim_ripe(lane);
	return size_class
		       ? arena_refill(size_class, arena_slot_size(size_class))
		       : arena_alloc_run(size);
}

/** arena_alloc_bytes - what bpf_arena_alloc() does; returns an offset or 0 */
static __always_inline __u32 arena_alloc_bytes(struct arena_lane __arena *lane,
					       __u64 size)
{
	__u32 size_class = arena_class_of(size), offset;

	if (likely(size_class)) {
		struct arena_magazine __arena *magazine =
			&lane->magazines[size_class];

		offset = magazine->hot;
		if (likely(offset)) {
			magazine->hot = arena_slot_of(offset)->link;
			magazine->hot_count--;
		} else {
			offset = arena_refill(size_class,
					      arena_slot_size(size_class));
		}
	} else {
		offset = arena_alloc_run(size);
	}
	if (unlikely(!offset)) {
		offset = arena_scrape(size, size_class);
		if (!offset) {
			lane->failed++;
			return 0;
		}
	}
	if (likely(size_class)) {
		struct arena_slot __arena *slot = arena_slot_of(offset);

		slot->link = lane->id;
		/* Nobody else has this object yet: what publishes it to other
		 * lanes publishes its state too. */
		WRITE_ONCE(slot->state,
			   arena_slot_word(offset, size_class, ARENA_LIVE));
		arena_touch_page(arena_page(offset / PAGE_SIZE));
	}
	lane->allocations++;
	return offset;
}

/*
 * Swap an object's state from LIVE to @state. Returns its size class, 0 for a
 * run, or a negative number after reporting why it is not to be freed.
 */
static __always_inline int arena_end_life(__u64 address, __u32 state,
					  __u32 again, __u32 never)
{
	__u32 offset = (__u32)address, word, live;
	struct arena_page __arena *page = arena_page(offset / PAGE_SIZE);

	if (unlikely(!arena_validate_ptr(address) ||
		     offset / PAGE_SIZE >= READ_ONCE(arena_header()->frontier)))
		goto bad;
	if (unlikely(READ_ONCE(page->kind) != ARENA_PAGE_SMALL)) {
		struct arena_page was = {}, is;

		was.word = READ_ONCE(page->word);
		if (offset % PAGE_SIZE)
			goto bad;
		if (was.kind == ARENA_PAGE_FREE && was.state == ARENA_FREED)
			goto twice;
		if (was.kind != ARENA_PAGE_RUN)
			goto bad;
		if ((was.state & ARENA_STATE_BITS) != ARENA_LIVE)
			goto twice;
		is = was;
		is.state = (was.state & ~ARENA_STATE_BITS) | state;
		/* Orders: as for small objects, below. The whole word, for the
		 * page may have become another kind's since it was read. */
		if (arena_atomic_cmpxchg(&page->word, was.word, is.word,
					 ARENA_SEQ_CST,
					 ARENA_RELAXED) != was.word)
			goto twice;
		arena_touch_page(page);
		return 0;
	}
	if (unlikely(offset % 16 || offset % PAGE_SIZE == 0))
		goto bad;
	word = READ_ONCE(arena_slot_of(offset)->state);
	live = arena_slot_word(offset, page->size_class, ARENA_LIVE);
	if (unlikely(word != live)) {
		if ((word ^ live) & ~ARENA_STATE_BITS)
			goto bad;
		goto twice;
	}
	/* Release: this lane's last accesses come before the object can be
	 * handed out. Acquire: and after those of whoever gave it to us. Both
	 * pair with the same swap by the next one to free it. Sequentially
	 * consistent for arena_retire_from(), which reads the epoch next. */
	if (unlikely(arena_atomic_cmpxchg(&arena_slot_of(offset)->state, word,
					  (word & ~ARENA_STATE_BITS) | state,
					  ARENA_SEQ_CST,
					  ARENA_RELAXED) != word))
		goto twice;
	arena_touch_page(page);
	return (int)arena_slot_class(word);
twice:
	arena_report(again, address);
	return -1;
bad:
	arena_report(never, address);
	return -1;
}

/* The hot list is full: keep it as the cold one, pass the former cold one on */
ARENA_OUTLINE int arena_rotate(__u32 size_class)
{
	struct arena_magazine __arena *magazine =
		&arena_self()->magazines[arena_class_index(size_class)];

	/* Where that is cut off the hot list just grows: a list's length is
	 * nowhere relied on. */
	if (magazine->cold && !arena_depot_push(size_class, magazine->cold))
		return 0;
	magazine->cold = magazine->hot;
	magazine->hot = 0;
	magazine->hot_count = 0;
	return 0;
}

/* Put a small object that is FREED into this lane's magazine. Its class has
 * been checked. */
static __always_inline void arena_keep(struct arena_lane __arena *lane,
				       __u32 offset, __u32 size_class)
{
	struct arena_magazine __arena *magazine = &lane->magazines[size_class];

	if (unlikely(magazine->hot_count >= ARENA_BATCH))
		arena_rotate(size_class);
	arena_slot_of(offset)->link = magazine->hot;
	magazine->hot = offset;
	magazine->hot_count++;
}

/* Put the pages of a run back into the pool; its state is FREED. */
ARENA_OUTLINE int arena_release_run(__u32 offset)
{
	__u32 page = offset / PAGE_SIZE, i;
	__u32 count = arena_page(page)->state >> ARENA_RUN_SHIFT;

	for (i = arena_zero(); i < count && can_loop; i++)
		arena_describe(page + i, ARENA_PAGE_FREE, 0,
			       i ? ARENA_NEVER : ARENA_FREED, 0);
	arena_publish_free(page, count);
	return 0;
}

/** arena_free_address - what bpf_arena_free() does; 0, or -1 after a report */
static __always_inline int arena_free_address(struct arena_lane __arena *lane,
					      __u64 address)
{
	int size_class;

	if (!address)
		return 0;
	size_class =
		arena_end_life(address, ARENA_FREED, ARENA_FAULT_DOUBLE_FREE,
			       ARENA_FAULT_BAD_FREE);
	if (unlikely(size_class < 0))
		return -1;
	lane->frees++;
	if (likely(size_class))
		arena_keep(lane, (__u32)address, size_class);
	else
		arena_release_run((__u32)address);
	return 0;
}

#ifdef __bpf__
/* Out of line, or every call in a program would be verified at full length.
 * They are told the lane, which whoever calls mostly knows already. */
ARENA_OUTLINE __u32 arena_alloc_by(__u32 id, __u64 size)
{
	return arena_alloc_bytes(arena_lane(id), size);
}

ARENA_OUTLINE int arena_free_by(__u32 id, __u64 address)
{
	return arena_free_address(arena_lane(id), address);
}

#define arena_alloc_call(size) arena_alloc_by(arena_self_id(), size)
#define arena_free_call(address) arena_free_by(arena_self_id(), address)
#else
#define arena_alloc_call(size) arena_alloc_bytes(arena_self(), size)
#define arena_free_call(address) arena_free_address(arena_self(), address)
#endif

/**
 * bpf_arena_alloc - memory for an object of @size bytes
 *
 * 16-byte aligned (page-aligned above 2,024 bytes), its content undefined.
 * Returns NULL when no populated page is left (kernel lane) or the arena is
 * full (user lane); that is counted as a failed allocation.
 */
static __always_inline void __arena *bpf_arena_alloc(__u64 size)
{
	__u32 offset = arena_alloc_call(size);

	return offset ? arena_ptr(void, offset) : NULL;
}

/**
 * bpf_arena_free - give an object back at once
 *
 * Other lanes may hold no pointer to it: where they may, arena_retire() it.
 * NULL is allowed. A pointer that was not handed out, or was freed or retired
 * before, is reported (struct arena_fault) and otherwise ignored.
 */
#define bpf_arena_free(ptr) ((void)arena_free_call((__u64)(unsigned long)(ptr)))

#define bpf_alloc(size) bpf_arena_alloc(size)
#define bpf_free(ptr) bpf_arena_free(ptr)
