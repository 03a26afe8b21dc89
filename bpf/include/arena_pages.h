/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arena_pages.h - whole pages, one or a run of them, for both sides.
 *
 * A populated free page is a set bit. Taking pages clears bits with
 * compare-and-swap, giving them back sets them with an atomic or: lock-free,
 * and no page is in two hands. A bit is set only after the page's memory is
 * there, so a kernel lane, which cannot populate (bpf_arena_alloc_pages()
 * sleeps before Linux 7.0), finds only usable pages. Beyond the frontier lies
 * what nobody populated yet: a user lane that finds no free page moves the
 * frontier and touches the new pages itself (the fault populates them), the
 * engine's sleepable program does the same ahead of the kernel lanes.
 */
#pragma once

#include "arena_self.h"

#define ARENA_GROW_PAGES 16

static __always_inline int arena_lowest_bit(__u64 word)
{
	/* BPF has no count-trailing-zeros before v5; de Bruijn would need a
	 * table, halving is as short and the verifier likes it. */
#ifdef __bpf__
	int at = 0;

	if (!(word & 0xffffffffULL)) {
		at += 32;
		word >>= 32;
	}
	if (!(word & 0xffff)) {
		at += 16;
		word >>= 16;
	}
	if (!(word & 0xff)) {
		at += 8;
		word >>= 8;
	}
	if (!(word & 0xf)) {
		at += 4;
		word >>= 4;
	}
	if (!(word & 0x3)) {
		at += 2;
		word >>= 2;
	}
	return at + !(word & 1);
#else
	return __builtin_ctzll(word);
#endif
}

/**
 * arena_claim_frontier - take @count pages that were never populated
 *
 * Returns the first one, or 0 when the arena ends before that. The caller
 * populates them and their descriptors before anyone else hears of them.
 */
ARENA_OUTLINE __u32 arena_claim_frontier(__u32 count)
{
	struct arena_header __arena *header = arena_header();
	__u32 at = arena_atomic_load(&header->frontier, ARENA_RELAXED);

	while (can_loop) {
		__u32 found;

		if (at + count > header->limit)
			return 0;
		/* Only hands out numbers: ordered by nothing else. */
		found = arena_atomic_cmpxchg(&header->frontier, at, at + count,
					     ARENA_RELAXED, ARENA_RELAXED);
		if (found == at)
			return at;
		at = found;
	}
	return 0;
}

/** arena_publish_free - hand populated pages [first, first + count) to all */
ARENA_OUTLINE int arena_publish_free(__u32 first, __u32 count)
{
	__u32 page = first, end = first + count;

	while (page < end && can_loop) {
		__u32 upto = (page | 63) + 1;
		__u64 mask = ~0ULL << (page & 63);

		if (upto > end) {
			mask &= ~0ULL >> (upto - end);
			upto = end;
		}
		/* Release: the pages' memory and descriptors are there before
		 * the bits; pairs with the acquire in arena_take_bits(). */
		arena_atomic_or(arena_bits(page), mask, ARENA_RELEASE);
		page = upto;
	}
	arena_atomic_add(&arena_header()->free_pages, (__u64)count,
			 ARENA_RELAXED);
	return 0;
}

static __always_inline void arena_describe(__u32 index, __u8 kind,
					   __u8 size_class, __u32 state,
					   __u32 link)
{
	struct arena_page __arena *page = arena_page(index);

	page->size_class = size_class;
	page->lane = (__u16)arena_self()->id;
	page->link = link;
	page->state = state;
	arena_touch_page(page);
	/* Pairs with an observer's acquire load of kind: the rest is set. */
	arena_atomic_store(&page->kind, kind, ARENA_RELEASE);
}

/* Clear the bits of @mask in a word if all are set; true when this did it. */
static __always_inline bool arena_take_bits(__u64 __arena *word, __u64 mask)
{
	__u64 old = arena_atomic_load(word, ARENA_RELAXED);

	while ((old & mask) == mask && can_loop) {
		/* Acquire: pairs with the release in arena_publish_free(). */
		__u64 found = arena_atomic_cmpxchg(word, old, old & ~mask,
						   ARENA_ACQUIRE,
						   ARENA_RELAXED);
		if (found == old)
			return true;
		old = found;
	}
	return false;
}

/* One page from the pool, 0 when there is none. */
ARENA_OUTLINE __u32 arena_take_page(void)
{
	struct arena_header __arena *header = arena_header();
	__u32 words = (READ_ONCE(header->frontier) + 63) >> 6;
	__u32 at = READ_ONCE(header->hint), tried = arena_zero();

	if (!READ_ONCE(header->free_pages))
		return 0;
	while (tried <= words && can_loop) {
		__u64 __arena *word;
		__u64 bits;

		if (at >= words)
			at = 0;
		word = arena_bits(at << 6);
		bits = arena_atomic_load(word, ARENA_RELAXED);
		if (bits) {
			int bit = arena_lowest_bit(bits);

			if (arena_take_bits(word, 1ULL << bit)) {
				WRITE_ONCE(header->hint, at);
				arena_atomic_add(&header->free_pages, -1ULL,
						 ARENA_RELAXED);
				return (at << 6) + bit;
			}
			continue; /* somebody was faster: look again */
		}
		at++;
		tried++;
	}
	return 0;
}

/*
 * A run of @count pages from the pool, 0 when there is none: first fit from
 * the bottom; what was claimed of a run that then broke off is given back.
 */
ARENA_OUTLINE __u32 arena_take_run(__u32 count)
{
	struct arena_header __arena *header = arena_header();
	__u32 end = READ_ONCE(header->frontier);
	__u32 at = header->pages_first, start = at;

	if (READ_ONCE(header->free_pages) < count)
		return 0;
	while (at < end && can_loop) {
		__u64 bits = arena_atomic_load(arena_bits(at), ARENA_RELAXED);
		__u32 taken;

		if (!(bits >> (at & 63) & 1)) {
			at = bits ? at + 1 : (at | 63) + 1;
			start = at;
			continue;
		}
		at++;
		if (at - start < count)
			continue;
		for (taken = start; taken < at && can_loop; taken++)
			if (!arena_take_bits(arena_bits(taken),
					     1ULL << (taken & 63)))
				break;
		arena_atomic_add(&header->free_pages,
				 -(__u64)(taken - start), ARENA_RELAXED);
		if (taken == at)
			return start;
		if (taken > start)
			arena_publish_free(start, taken - start);
		start = at = taken + 1;
	}
	return 0;
}

#ifndef __bpf__
/* Populate [first, first + count) and its descriptors by touching them. */
static inline void arena_populate_by_touch(__u32 first, __u32 count)
{
	for (__u32 page = first; page < first + count; page++) {
		*(volatile __u64 *)arena_ptr(__u64, page * PAGE_SIZE) = 0;
		arena_describe(page, ARENA_PAGE_FREE, 0, 0, 0);
	}
}
#endif

/**
 * arena_get_pages - @count pages in a row, in no one else's hands
 *
 * Returns the first page's number, or 0: no such run is populated (and, for a
 * user lane, none is left to populate).
 */
static __always_inline __u32 arena_get_pages(__u32 count)
{
	__u32 page = count == 1 ? arena_take_page() : 0;

#ifndef __bpf__
	if (!page && count == 1) {
		page = arena_claim_frontier(ARENA_GROW_PAGES);
		if (page) {
			arena_populate_by_touch(page, ARENA_GROW_PAGES);
			arena_publish_free(page + 1, ARENA_GROW_PAGES - 1);
			return page;
		}
	}
	if (!page) {
		page = arena_claim_frontier(count);
		if (page) {
			arena_populate_by_touch(page, count);
			return page;
		}
	}
#endif
	if (!page && count > 1)
		page = arena_take_run(count);
	return page;
}
