/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * view_reader.h - which parts of an arena an observer may touch at all.
 *
 * Not every descriptor below the frontier is there: those of the layout's own
 * pages are populated only as far as arena_format() wrote some.
 */
#pragma once

#include "arena_reader.h"
#include "arena_view.h"

#define VIEW_DESCRIPTORS_A_PAGE ((__u32)(PAGE_SIZE / sizeof(struct arena_page)))

/* Pages described as META end here; what follows is room for a larger bitmap
 * and then the descriptors. */
static inline __u32 view_described_end(const struct arena_reader *reader)
{
	return ARENA_BITMAP_PAGE + ARENA_BITMAP_PAGES(reader->pages);
}

/** view_descriptor - a page's descriptor, NULL where there is none to read */
static inline const struct arena_page *view_descriptor(
	const struct arena_reader *reader, __u32 page)
{
	if (page >= reader->pages_first
		    ? page < reader->frontier
		    : page >= ARENA_HEADER_PAGE &&
			      page < view_described_end(reader))
		return reader_page(reader, page);
	return NULL;
}

/* Whether a page of descriptors is populated. */
static inline bool view_descriptors_there(const struct arena_reader *reader,
					  __u32 page)
{
	__u32 at = page - ARENA_DESCRIPTORS_PAGE;
	__u32 low = (view_described_end(reader) - 1) / VIEW_DESCRIPTORS_A_PAGE;

	return at <= low ||
	       (at >= reader->pages_first / VIEW_DESCRIPTORS_A_PAGE &&
		at * VIEW_DESCRIPTORS_A_PAGE < reader->frontier);
}

/** reader_refresh - whether more pages are populated now than were before */
static inline bool reader_refresh(struct arena_reader *reader)
{
	/* Acquire: pairs with nothing but the link that led beyond the old
	 * one: what a page holds is read after its descriptor. */
	__u32 frontier =
		__atomic_load_n(&reader->header->frontier, __ATOMIC_ACQUIRE);

	if (frontier <= reader->frontier || frontier > reader->pages)
		return false;
	reader->frontier = frontier;
	return true;
}

/** view_content - whether a page's memory may be looked at */
static inline bool view_content(const struct arena_reader *reader, __u32 page)
{
	__u8 kind;

	if (page < reader->pages_first || page >= reader->frontier)
		return false;
	/* Acquire: pairs with the release in arena_describe(): the page was
	 * populated before it was described. */
	kind = __atomic_load_n(&reader_page(reader, page)->kind,
			       __ATOMIC_ACQUIRE);
	return kind >= ARENA_PAGE_FREE && kind <= ARENA_PAGE_RUN_TAIL;
}
