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
#ifdef __bpf__
	/* BPF has no count-trailing-zeros. Without branches, or the verifier
	 * would walk every way out of here, each time in a loop: the ones
	 * below the lowest bit, counted (Warren, "Hacker's Delight", 5-1). */
	__u64 ones = (word & -word) - 1;

	ones -= ones >> 1 & 0x5555555555555555ULL;
	ones = (ones & 0x3333333333333333ULL) +
	       (ones >> 2 & 0x3333333333333333ULL);
	ones = (ones + (ones >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (int)(ones * 0x0101010101010101ULL >> 56);
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

/* The bits of pages [page, end) in the word of @page. */
static __always_inline __u64 arena_mask(__u32 page, __u32 end)
{
	__u32 upto = (page | 63) + 1;
	__u64 mask = ~0ULL << (page & 63);

	return upto > end ? mask & ~0ULL >> (upto - end) : mask;
}

/** arena_publish_free - hand populated pages [first, first + count) to all */
ARENA_OUTLINE int arena_publish_free(__u32 first, __u32 count)
{
	struct arena_header __arena *header = arena_header();
	__u32 page = first, end = first + count;

	while (page < end && can_loop) {
		/* Release: the pages' memory and descriptors are there before
		 * the bits; pairs with the acquire in arena_take_bits(). */
		arena_atomic_or(arena_bits(page), arena_mask(page, end),
				ARENA_RELEASE);
		page = (page | 63) + 1;
	}
	/* After the bits: who reads the number and then finds no run may
	 * believe it until the number changes. Pairs with the acquire in
	 * arena_take_run(). */
	arena_atomic_inc(&header->published, ARENA_RELEASE);
	if (first < READ_ONCE(header->run_hint))
		WRITE_ONCE(header->run_hint, first);
	/* The first free page of a full arena is found without a search. */
	if (!arena_atomic_add(&header->free_pages, (__u64)count, ARENA_RELAXED))
		WRITE_ONCE(header->hint, first >> 6);
	return 0;
}

static __always_inline void arena_describe(__u32 index, __u8 kind,
					   __u8 size_class, __u32 state,
					   __u32 link)
{
	struct arena_page __arena *page = arena_page(index);
	struct arena_page is = {};

	is.kind = kind;
	is.size_class = size_class;
	is.lane = (__u16)arena_self()->id;
	is.state = state;
	page->link = link;
	arena_touch_page(page);
	/* Pairs with an observer's acquire load: the link is set. */
	arena_atomic_store(&page->word, is.word, ARENA_RELEASE);
}

/* Clear the bits of @mask in a word if all are set; true when this did it. */
static __always_inline bool arena_take_bits(__u64 __arena *word, __u64 mask)
{
	__u64 old = arena_atomic_load(word, ARENA_RELAXED);

	while ((old & mask) == mask && can_loop) {
		/* Acquire: pairs with the release in arena_publish_free(). */
		__u64 found = arena_atomic_cmpxchg(
			word, old, old & ~mask, ARENA_ACQUIRE, ARENA_RELAXED);
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

/* Clear the bits of [first, end) up to where one is missing; gives that page.
 * It counts what it took. (Inlined, as the next one: in BPF calls nest 8 deep
 * at most, and structures need some of that.) */
static __always_inline __u32 arena_claim_bits(__u32 first, __u32 end)
{
	__u32 page = first;

	while (page < end && can_loop) {
		if (!arena_take_bits(arena_bits(page), arena_mask(page, end)))
			break;
		page = (page | 63) + 1;
	}
	if (page > end)
		page = end;
	if (page > first)
		arena_atomic_sub(&arena_header()->free_pages,
				 (__u64)(page - first), ARENA_RELAXED);
	return page;
}

/*
 * The first run of @count pages at or above @from, taken, or 0. What was
 * claimed of a run that then broke off is given back.
 */
static __always_inline __u32 arena_find_run(__u32 from, __u32 count)
{
	struct arena_header __arena *header = arena_header();
	__u32 end = READ_ONCE(header->frontier);
	__u32 at = from, start = from, lowest = 0, reached;

	while (at < end && can_loop) {
		__u64 bits = arena_atomic_load(arena_bits(at), ARENA_RELAXED) >>
			     (at & 63);

		if (!(bits & 1)) {
			at = bits ? at + arena_lowest_bit(bits) : (at | 63) + 1;
			start = at;
			continue;
		}
		if (!lowest)
			lowest = at;
		at += ~bits ? arena_lowest_bit(~bits) : 64;
		if (at - start < count)
			continue;
		at = start + count;
		reached = arena_claim_bits(start, at);
		if (reached == at) {
			WRITE_ONCE(header->run_hint, lowest);
			return start;
		}
		if (reached > start)
			arena_publish_free(start, reached - start);
		start = at = reached; /* somebody was faster: look again */
	}
	return 0;
}

/* A run of @count pages from the pool, 0 when there is none: first fit. */
ARENA_OUTLINE __u32 arena_take_run(__u32 count)
{
	struct arena_header __arena *header = arena_header();
	/* Acquire: pairs with the release in arena_publish_free(). */
	__u32 published = arena_atomic_load(&header->published, ARENA_ACQUIRE);
	__u64 none = READ_ONCE(header->no_run);
	__u32 hint = READ_ONCE(header->run_hint), page;

	if (READ_ONCE(header->free_pages) < count)
		return 0;
	/* Searched for in vain, and nothing was added since. */
	if (none >> 32 == published && (__u32)none && (__u32)none <= count)
		return 0;
	if (hint < header->pages_first)
		hint = header->pages_first;
	page = arena_find_run(hint, count);
	if (!page && hint > header->pages_first)
		page = arena_find_run(header->pages_first, count);
	if (!page)
		WRITE_ONCE(header->no_run, (__u64)published << 32 | count);
	return page;
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

/* Pages that nobody populated so far: @count in a row, the first one or 0. One
 * page brings more, for everybody. */
ARENA_OUTLINE __u32 arena_grow(__u32 count)
{
	__u32 more = count == 1 ? ARENA_GROW_PAGES : count;
	__u32 page = arena_claim_frontier(more);

	if (!page && more > count) {
		more = count;
		page = arena_claim_frontier(more);
	}
	if (!page)
		return 0;
	arena_populate_by_touch(page, more);
	if (more > count)
		arena_publish_free(page + count, more - count);
	return page;
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
#ifndef __bpf__
	struct arena_header *header = arena_header();
	__u32 page = 0;

	if (READ_ONCE(header->free_pages) >= (__u64)count + header->reserve)
		page = count == 1 ? arena_take_page() : arena_take_run(count);
	if (!page)
		page = arena_grow(count);
	if (page)
		return page;
#endif
	return count == 1 ? arena_take_page() : arena_take_run(count);
}
