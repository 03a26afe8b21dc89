// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* runtime_view.c - an observer's mapping, single objects and single pages. */
#include <errno.h>
#include <sys/mman.h>

#include "view_reader.h"

int arena_view_map(int fd, __u64 size, void **base)
{
	/* Anywhere, if it may be: so several arenas can be looked at, and the
	 * arena's address stays free. A BPF arena refuses (EINVAL). */
	void *got = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	if (got == MAP_FAILED && errno == EINVAL) {
		got = mmap((void *)ARENA_BASE, size, PROT_READ,
			   MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
		if (got != MAP_FAILED && got != (void *)ARENA_BASE) {
			munmap(got, size);
			return EEXIST;
		}
	}
	if (got == MAP_FAILED)
		return errno;
	*base = got;
	return 0;
}

int arena_view_unmap(void *base, __u64 size)
{
	return munmap(base, size) ? errno : 0;
}

__u32 arena_view_slot_size(__u32 size_class)
{
	return size_class && size_class < ARENA_CLASSES
		       ? arena_slot_size(size_class)
		       : 0;
}

__u32 arena_view_class(__u64 size)
{
	return arena_class_of(size);
}

int arena_view_object(const void *base, __u64 size, __u32 offset,
		      struct view_object *out)
{
	struct arena_reader reader;
	struct reader_object object;

	memset(out, 0, sizeof(*out));
	if (reader_open(&reader, base, size) ||
	    !reader_object_at(&reader, offset, &object))
		return -1;
	out->offset = object.offset;
	out->size = object.size;
	out->size_class = object.size_class;
	out->state = object.state;
	if (object.size_class && object.state == ARENA_LIVE)
		out->lane = ((const struct arena_slot *)reader_at(
				     &reader,
				     object.offset - sizeof(struct arena_slot)))
				    ->link;
	else if (!object.size_class)
		out->lane =
			reader_page(&reader, object.offset / PAGE_SIZE)->lane;
	return 0;
}

__u32 arena_view_read(const void *base, __u64 size, __u32 offset, __u32 count,
		      void *out)
{
	struct arena_reader reader;
	__u32 done = 0;

	if (reader_open(&reader, base, size))
		return 0;
	while (done < count) {
		__u64 at = (__u64)offset + done;
		__u32 part = PAGE_SIZE - at % PAGE_SIZE;

		if (at / PAGE_SIZE >= reader.frontier ||
		    !view_content(&reader, (__u32)(at / PAGE_SIZE)))
			break;
		if (part > count - done)
			part = count - done;
		memcpy((char *)out + done, reader_at(&reader, at), part);
		done += part;
	}
	return done;
}

static void detail_run(const struct arena_reader *reader,
		       struct page_detail *out)
{
	struct reader_object object;

	if (!reader_object_at(reader, out->page * PAGE_SIZE, &object) ||
	    object.size_class)
		return;
	out->run_first = object.offset / PAGE_SIZE;
	out->run_pages = object.size / PAGE_SIZE;
	out->state = object.state;
}

void arena_view_page(const void *base, __u64 size, __u32 page,
		     struct page_detail *out)
{
	const struct arena_page *descriptor;
	struct arena_reader reader;
	struct arena_page is = {};

	memset(out, 0, sizeof(*out));
	out->page = page;
	out->status = reader_open(&reader, base, size);
	if (out->status)
		return;
	out->status = page < reader.pages ? -3 : -2;
	if (page >= reader.pages)
		return;
	out->tick = READ_ONCE(reader.header->tick);
	descriptor = view_descriptor(&reader, page);
	if (!descriptor) {
		out->kind =
			page < ARENA_HEADER_PAGE || page >= reader.header->limit
				? VIEW_APART
			: page >= ARENA_DESCRIPTORS_PAGE &&
					page < reader.pages_first &&
					view_descriptors_there(&reader, page)
				? VIEW_META
				: VIEW_UNPOPULATED;
		return;
	}
	/* Acquire: pairs with the release in arena_describe(). */
	is.word = __atomic_load_n(&descriptor->word, __ATOMIC_ACQUIRE);
	out->kind = is.kind <= VIEW_META ? is.kind : VIEW_UNPOPULATED;
	out->lane = is.lane;
	out->stamp = READ_ONCE(descriptor->stamp);
	if (!view_content(&reader, page))
		return;
	out->status = 0;
	if (is.kind == ARENA_PAGE_SMALL && is.size_class &&
	    is.size_class < ARENA_CLASSES) {
		out->size_class = is.size_class;
		out->slot_size = arena_slot_size(is.size_class);
		out->slots = arena_slots_per_page(out->slot_size);
		out->carved = is.state < out->slots ? is.state : out->slots;
	} else if (is.kind != ARENA_PAGE_FREE) {
		detail_run(&reader, out);
	}
	memcpy(out->content, reader_at(&reader, (__u64)page * PAGE_SIZE),
	       PAGE_SIZE);
}
