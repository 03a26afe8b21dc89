/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arena_reader.h - read an arena that may be changing, damaged or hostile.
 *
 * Offsets are checked before use; a page is read only when its descriptor says
 * that it is populated.
 */
#pragma once

#include "arena_layout.h"

/** struct arena_reader - a checked copy of the header's numbers */
struct arena_reader {
	const unsigned char *base;
	__u64 size;
	const struct arena_header *header;
	__u32 pages;
	__u32 pages_first;
	__u32 frontier;
	__u32 lanes;
};

/** reader_open - 0, or -1: no arena there, or its header is damaged */
int reader_open(struct arena_reader *reader, const void *base, __u64 size);

static inline const void *reader_at(const struct arena_reader *reader,
				    __u64 offset)
{
	return reader->base + offset;
}

static inline const struct arena_page *reader_page(
	const struct arena_reader *reader, __u32 page)
{
	return (const struct arena_page *)reader_at(
		       reader, (__u64)ARENA_DESCRIPTORS_PAGE * PAGE_SIZE) +
	       page;
}

/** struct reader_object - an object that the allocator knows */
struct reader_object {
	__u32 offset;
	__u32 size; /* usable bytes */
	__u32 size_class; /* 0: run */
	__u32 state; /* enum arena_state */
};

/** reader_slots - how many slots of a SMALL page were ever handed out */
static inline __u32 reader_slots(const struct arena_page *page)
{
	__u32 slot_size, most, carved;

	if (!page->size_class || page->size_class >= ARENA_CLASSES)
		return 0;
	slot_size = arena_slot_size(page->size_class);
	most = arena_slots_per_page(slot_size);
	/* Acquire: pairs with the release in arena_refill(). */
	carved = __atomic_load_n(&page->state, __ATOMIC_ACQUIRE);
	return carved < most ? carved : most;
}

/** reader_object_at - the object that contains @offset; false: none does */
static inline bool reader_object_at(const struct arena_reader *reader,
				    __u32 offset, struct reader_object *out)
{
	__u32 page = offset / PAGE_SIZE, slot_size, slot, word;
	const struct arena_page *descriptor;

	if (page < reader->pages_first || page >= reader->frontier)
		return false;
	descriptor = reader_page(reader, page);
	switch (__atomic_load_n(&descriptor->kind, __ATOMIC_ACQUIRE)) {
	case ARENA_PAGE_SMALL:
		if (offset % PAGE_SIZE < ARENA_FIRST_OBJECT ||
		    !descriptor->size_class ||
		    descriptor->size_class >= ARENA_CLASSES)
			return false;
		slot_size = arena_slot_size(descriptor->size_class);
		slot = (offset % PAGE_SIZE - ARENA_FIRST_OBJECT) / slot_size;
		if (slot >= reader_slots(descriptor))
			return false;
		out->offset = page * PAGE_SIZE + ARENA_FIRST_OBJECT +
			      slot * slot_size;
		out->size = slot_size - sizeof(struct arena_slot);
		out->size_class = descriptor->size_class;
		if (offset - out->offset >= out->size)
			return false;
		word = ((const struct arena_slot *)reader_at(
				reader,
				out->offset - sizeof(struct arena_slot)))
			       ->state;
		if ((word & ~ARENA_STATE_BITS) !=
		    (arena_slot_hash(out->offset) | out->size_class << 3))
			return false;
		out->state = word & ARENA_STATE_BITS;
		return true;
	case ARENA_PAGE_RUN_TAIL:
		page = descriptor->link;
		if (page < reader->pages_first || page >= reader->frontier)
			return false;
		descriptor = reader_page(reader, page);
		if (descriptor->kind != ARENA_PAGE_RUN)
			return false;
		/* fall through */
	case ARENA_PAGE_RUN:
		word = descriptor->state;
		if ((__u64)page + (word >> 3) > reader->frontier ||
		    offset / PAGE_SIZE - page >= word >> 3)
			return false;
		out->offset = page * PAGE_SIZE;
		out->size = (word >> 3) * PAGE_SIZE;
		out->size_class = 0;
		out->state = word & ARENA_STATE_BITS;
		return true;
	default:
		return false;
	}
}
