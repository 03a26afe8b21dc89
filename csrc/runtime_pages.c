// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * runtime_pages.c - a map of all pages, brought up to date cheaply.
 *
 * Descriptors lie side by side and are all compared at every refresh. How many
 * slots of a page are in use is known only by looking at each, so that is done
 * where a stamp says that something changed, within a time limit.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "page_map.h"

#define PAGES_STILL 8 /* refreshes without a tick: the engine is gone */

static __u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000000ULL + (__u64)t.tv_nsec;
}

struct page_map *page_map_new(void)
{
	struct page_map *map = calloc(1, sizeof(*map));

	if (!map)
		return NULL;
	for (__u32 i = 1; i < ARENA_CLASSES; i++)
		map->slots[i] = arena_slots_per_page(arena_slot_size(i));
	return map;
}

void page_map_close(struct page_map *map)
{
	if (!map)
		return;
	if (map->looks)
		munmap(map->looks, map->bytes);
	free(map);
}

/* Memory for @pages pages, all zero: UNPOPULATED. */
static int page_map_resize(struct page_map *map, __u32 pages)
{
	__u64 looks = (__u64)pages * sizeof(struct page_look);
	__u64 bytes = looks + ((__u64)pages + 63) / 64 * sizeof(*map->due);
	void *got = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (got == MAP_FAILED)
		return -2;
	if (map->looks)
		munmap(map->looks, map->bytes);
	map->looks = got;
	map->due = (__u64 *)((char *)got + looks);
	map->bytes = bytes;
	map->pages = pages;
	map->seen = 0;
	map->tick = 0;
	map->due_count = 0;
	map->cursor = 0;
	return 0;
}

static void set_due(struct page_map *map, __u32 page)
{
	__u64 bit = 1ULL << (page & 63), *word = &map->due[page >> 6];

	map->due_count += !(*word & bit);
	*word |= bit;
}

/* The layout's own pages: what is there follows from the header. */
static void look_at_layout(struct page_map *map,
			   const struct arena_reader *reader)
{
	for (__u32 page = 0; page < reader->pages_first; page++) {
		struct page_look *look = &map->looks[page];

		look->word = 0;
		if (page < ARENA_HEADER_PAGE)
			look->kind = VIEW_APART;
		else if (page < view_described_end(reader) ||
			 (page >= ARENA_DESCRIPTORS_PAGE &&
			  view_descriptors_there(reader, page)))
			look->kind = VIEW_META;
	}
	for (__u32 page = reader->header->limit; page < reader->pages; page++)
		map->looks[page].kind = VIEW_APART;
}

static __u32 look_at_descriptors(struct page_map *map,
				 const struct arena_reader *reader, __u32 hot)
{
	const struct arena_page *descriptors = reader_page(reader, 0);
	__u32 changed = 0;

	for (__u32 page = reader->pages_first; page < reader->frontier;
	     page++) {
		struct page_look *look = &map->looks[page];
		/* Acquire: pairs with the release in arena_describe(). */
		__u64 word = __atomic_load_n(&descriptors[page].word,
					     __ATOMIC_ACQUIRE);
		__u32 stamp = READ_ONCE(descriptors[page].stamp);

		if (likely(word == look->word && stamp == look->stamp)) {
			/* Changes in a tick after the first leave no trace. */
			if (unlikely((stamp >> 1) + 1 >= hot))
				set_due(map, page);
			continue;
		}
		changed++;
		if ((__u16)word != (__u16)look->word)
			look->live = PAGES_UNCOUNTED;
		look->word = word;
		look->stamp = stamp;
		if (look->kind > VIEW_META)
			look->word = 0;
		set_due(map, page);
	}
	return changed;
}

static void count_small(struct page_look *look,
			const struct arena_reader *reader, __u32 page)
{
	__u32 slots = reader_slots(reader_page(reader, page)), live = 0;
	__u32 retired = 0, step, offset;

	if (!slots || look->size_class >= ARENA_CLASSES) {
		look->live = look->retired = 0;
		return;
	}
	step = arena_slot_size(look->size_class);
	offset = page * PAGE_SIZE + ARENA_FIRST_OBJECT;
	/* The descriptor may be another kind's by now: stay in the page. */
	if (slots > arena_slots_per_page(step))
		slots = arena_slots_per_page(step);
	for (__u32 i = 0; i < slots; i++, offset += step) {
		const struct arena_slot *slot =
			reader_at(reader, offset - sizeof(struct arena_slot));
		__u32 state = READ_ONCE(slot->state) ^
			      arena_slot_word(offset, look->size_class, 0);

		live += state == ARENA_LIVE;
		retired += state == ARENA_RETIRED;
	}
	look->live = (__u16)live;
	look->retired = (__u16)retired;
}

static void count_run(struct page_map *map, const struct arena_reader *reader,
		      __u32 page)
{
	struct page_look *look = &map->looks[page];
	__u32 state = look->state & ARENA_STATE_BITS;
	__u32 count = look->state >> 3;

	look->live = state == ARENA_LIVE;
	look->retired = state == ARENA_RETIRED;
	/* Its tails are used as it is. */
	for (__u32 i = 1; i < count && page + i < reader->frontier; i++) {
		struct page_look *tail = &map->looks[page + i];

		if (tail->kind != ARENA_PAGE_RUN_TAIL)
			break;
		tail->live = look->live;
		tail->retired = look->retired;
	}
}

static void count_page(struct page_map *map, const struct arena_reader *reader,
		       __u32 page)
{
	struct page_look *look = &map->looks[page];

	switch (look->kind) {
	case ARENA_PAGE_SMALL:
		count_small(look, reader, page);
		break;
	case ARENA_PAGE_RUN:
		count_run(map, reader, page);
		break;
	case ARENA_PAGE_RUN_TAIL:
		/* Until its head is counted, which is due as well. */
		if (look->live == PAGES_UNCOUNTED) {
			look->live = 1;
			look->retired = 0;
		}
		break;
	default:
		look->live = look->retired = 0;
	}
}

/* Count what is due, going on where the last refresh had to stop. */
static __u32 count_due(struct page_map *map, const struct arena_reader *reader,
		       __u64 deadline)
{
	__u32 words = (map->pages + 63) / 64, counted = 0;

	for (__u32 i = 0; i < words && map->due_count; i++) {
		__u64 *word;

		if (map->cursor >= words)
			map->cursor = 0;
		word = &map->due[map->cursor];
		if (*word && counted && now_ns() >= deadline)
			break;
		while (*word) {
			__u32 page = map->cursor * 64 +
				     (__u32)__builtin_ctzll(*word);

			*word &= *word - 1;
			map->due_count--;
			if (page < reader->pages_first ||
			    page >= reader->frontier)
				continue;
			count_page(map, reader, page);
			counted++;
		}
		map->cursor++;
	}
	return counted;
}

void page_map_refresh(struct page_map *map, const void *base, __u64 size,
		      __u64 count_ns, struct page_refresh *out)
{
	__u64 deadline = now_ns() + count_ns;
	struct arena_reader reader;
	__u32 tick, hot;

	memset(out, 0, sizeof(*out));
	out->status = reader_open(&reader, base, size);
	if (!out->status && reader.header->limit > reader.pages)
		out->status = -1;
	if (!out->status &&
	    (map->pages != reader.pages || reader.frontier < map->seen))
		out->status = page_map_resize(map, reader.pages);
	if (out->status)
		return;
	tick = READ_ONCE(reader.header->tick);
	map->still = tick == map->tick ? map->still + 1 : 0;
	/* Lanes may still be stamping with the tick before the last one. */
	hot = map->still < PAGES_STILL && map->tick ? map->tick : ~0U;
	/* More of the descriptors are populated as the frontier moves. */
	if (map->seen / VIEW_DESCRIPTORS_A_PAGE !=
		    reader.frontier / VIEW_DESCRIPTORS_A_PAGE ||
	    !map->seen || map->pages_first != reader.pages_first ||
	    map->limit != reader.header->limit)
		look_at_layout(map, &reader);
	map->pages_first = reader.pages_first;
	map->limit = reader.header->limit;
	map->seen = reader.frontier;
	out->changed = look_at_descriptors(map, &reader, hot);
	map->tick = tick;
	out->counted = count_due(map, &reader, deadline);
	out->due = map->due_count;
	out->pages = reader.pages;
	out->pages_first = reader.pages_first;
	out->limit = map->limit;
	out->frontier = reader.frontier;
	out->tick = tick;
}
