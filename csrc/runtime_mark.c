// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * runtime_mark.c - live objects that nothing points to: a conservative mark
 * from the structure's head, which works for any header.
 */
#include <stdlib.h>

#include "arena_reader.h"
#include "runtime.h"

struct marker {
	struct arena_reader reader;
	__u64 *marked; /* one bit every 16 bytes */
	__u32 *stack;
	__u64 depth, room;
	bool no_memory;
};

static bool marked(const struct marker *m, __u32 offset)
{
	return m->marked[offset >> 10] >> (offset >> 4 & 63) & 1;
}

static void push(struct marker *m, __u32 offset)
{
	__u32 *grown;

	if (m->depth == m->room) {
		m->room = m->room ? m->room * 2 : 4096;
		grown = realloc(m->stack, m->room * sizeof(*grown));
		if (!grown) {
			m->no_memory = true;
			return;
		}
		m->stack = grown;
	}
	m->stack[m->depth++] = offset;
}

static void reach(struct marker *m, __u32 offset, bool only_start,
		  struct mark_result *out)
{
	struct reader_object object;

	if (!reader_object_at(&m->reader, offset, &object) ||
	    object.state != ARENA_LIVE ||
	    (only_start && object.offset != offset) || marked(m, object.offset))
		return;
	m->marked[object.offset >> 10] |= 1ULL << (object.offset >> 4 & 63);
	out->reached_objects++;
	push(m, object.offset);
}

static void scan(struct marker *m, __u32 offset, struct mark_result *out)
{
	struct reader_object object;
	const __u64 *words;

	if (!reader_object_at(&m->reader, offset, &object))
		return;
	words = reader_at(&m->reader, object.offset);
	for (__u32 i = 0; i < object.size / sizeof(*words); i++) {
		__u64 word = __atomic_load_n(&words[i], __ATOMIC_RELAXED);

		if (word >> 32 == ARENA_BASE >> 32) {
			reach(m, (__u32)word, false, out);
			continue;
		}
		reach(m, (__u32)word, true, out);
		reach(m, (__u32)(word >> 32), true, out);
	}
}

static void account(struct marker *m, const struct reader_object *object,
		    struct mark_result *out)
{
	struct leak_class *leak = &out->leaks[object->size_class];
	__u32 shown = object->size;

	if (object->state == ARENA_RETIRED)
		out->retired_objects++;
	if (object->state != ARENA_LIVE)
		return;
	out->live_objects++;
	out->live_bytes += object->size;
	if (marked(m, object->offset))
		return;
	out->leaked_objects++;
	out->leaked_bytes += object->size;
	leak->objects++;
	leak->bytes += object->size;
	if (leak->example)
		return;
	leak->slot_size =
		object->size_class ? arena_slot_size(object->size_class) : 0;
	leak->example = object->offset;
	if (shown > sizeof(leak->content))
		shown = sizeof(leak->content);
	memcpy(leak->content, reader_at(&m->reader, object->offset), shown);
}

static void account_page(struct marker *m, __u32 page, struct mark_result *out)
{
	const struct arena_page *descriptor = reader_page(&m->reader, page);
	struct reader_object object;
	__u32 slots, slot_size;

	switch (descriptor->kind) {
	case ARENA_PAGE_SMALL:
		slots = reader_slots(descriptor);
		slot_size = slots ? arena_slot_size(descriptor->size_class) : 0;
		for (__u32 i = 0; i < slots; i++)
			if (reader_object_at(&m->reader,
					     page * PAGE_SIZE +
						     ARENA_FIRST_OBJECT +
						     i * slot_size,
					     &object))
				account(m, &object, out);
		break;
	case ARENA_PAGE_RUN:
		if (reader_object_at(&m->reader, page * PAGE_SIZE, &object))
			account(m, &object, out);
		break;
	default:
		break;
	}
}

void runtime_mark(const void *base, __u64 size, struct mark_result *out)
{
	struct marker m = {0};

	memset(out, 0, sizeof(*out));
	out->classes = ARENA_CLASSES + 1;
	out->status = reader_open(&m.reader, base, size);
	if (out->status)
		return;
	m.marked = calloc(((__u64)m.reader.frontier * PAGE_SIZE >> 10) + 1,
			  sizeof(*m.marked));
	if (!m.marked) {
		out->status = -2;
		return;
	}
	if (m.reader.header->root >> 32 == ARENA_BASE >> 32)
		reach(&m, (__u32)m.reader.header->root, false, out);
	while (m.depth && !m.no_memory)
		scan(&m, m.stack[--m.depth], out);
	for (__u32 page = m.reader.pages_first; page < m.reader.frontier;
	     page++)
		account_page(&m, page, out);
	if (m.no_memory)
		out->status = -2;
	free(m.stack);
	free(m.marked);
}
