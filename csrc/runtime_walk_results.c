// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* runtime_walk_results.c - a walk's memory, what it found, single objects' links. */
#include <stdlib.h>
#include <sys/mman.h>

#include "walk_state.h"

struct walk *walk_new(void)
{
	return calloc(1, sizeof(struct walk));
}

bool walk_make_room(struct walk *walk)
{
	__u64 room = walk->room ? (__u64)walk->room * 2 : 4096;
	struct walk_node *nodes;
	struct walk_entry *stack;
	__u32 *path;

	nodes = realloc(walk->nodes, room * sizeof(*nodes));
	if (nodes)
		walk->nodes = nodes;
	/* A recovery may put one more entry there than there are nodes. */
	stack = realloc(walk->stack, (room + WALK_RECOVERIES) * sizeof(*stack));
	if (stack)
		walk->stack = stack;
	path = realloc(walk->path, room * sizeof(*path));
	if (path)
		walk->path = path;
	if (!nodes || !stack || !path)
		return false;
	walk->room = (__u32)room;
	return true;
}

bool walk_prepare(struct walk *walk, const struct walk_request *request,
		  __u32 pages)
{
	__u64 bytes = ((__u64)pages * PAGE_SIZE >> 4) * sizeof(*walk->index);

	if (walk->index_bytes != bytes) {
		if (walk->index)
			munmap(walk->index, walk->index_bytes);
		walk->index_bytes = 0;
		walk->index = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				   -1, 0);
		if (walk->index == MAP_FAILED) {
			walk->index = NULL;
			return false;
		}
		/* It is looked into everywhere: large pages spare the misses of
		 * address translation. Without them it works as well. */
		madvise(walk->index, bytes, MADV_HUGEPAGE);
		walk->index_bytes = bytes;
	}
	if (!walk->bads)
		walk->bads = calloc(WALK_BADS_MAX, sizeof(*walk->bads));
	free(walk->fields);
	free(walk->types);
	walk->field_count = request->field_count;
	walk->type_count = request->type_count;
	walk->fields = calloc(walk->field_count + 1, sizeof(*walk->fields));
	walk->types = calloc(walk->type_count + 1, sizeof(*walk->types));
	return walk->bads && walk->fields && walk->types &&
	       (walk->room || walk_make_room(walk));
}

void walk_close(struct walk *walk)
{
	if (!walk)
		return;
	if (walk->index)
		munmap(walk->index, walk->index_bytes);
	free(walk->nodes);
	free(walk->stack);
	free(walk->path);
	free(walk->bads);
	free(walk->fields);
	free(walk->types);
	free(walk);
}

__u32 walk_nodes(const struct walk *walk, __u32 first, __u32 count,
		 struct walk_node *out)
{
	if (first >= walk->count)
		return 0;
	if (count > walk->count - first)
		count = walk->count - first;
	memcpy(out, &walk->nodes[first], count * sizeof(*out));
	return count;
}

__u32 walk_bads(const struct walk *walk, struct walk_bad *out, __u32 count)
{
	if (count > walk->bad_count)
		count = walk->bad_count;
	if (count)
		memcpy(out, walk->bads, count * sizeof(*out));
	return count;
}

void walk_tallies(const struct walk *walk, struct walk_field_tally *fields,
		  struct walk_type_tally *types)
{
	if (walk->field_count)
		memcpy(fields, walk->fields,
		       walk->field_count * sizeof(*fields));
	if (walk->type_count)
		memcpy(types, walk->types, walk->type_count * sizeof(*types));
}

__u32 walk_index(const struct walk *walk, __u32 offset)
{
	return walk_index_of(walk, offset);
}

__u32 walk_path(const struct walk *walk, __u32 node, __u32 *out, __u32 count)
{
	__u32 done = 0;

	while (node < walk->count && done < count) {
		out[done++] = node;
		if (!node)
			break;
		node = walk->nodes[node].parent;
	}
	return done;
}

__u32 walk_children(const struct walk *walk, __u32 node, __u32 *out,
		    __u32 count)
{
	__u32 found = 0, end;

	if (node >= walk->count)
		return 0;
	/* Whatever was reached through it comes right behind it. (A walk that
	 * went back to something that had changed may have put more later.) */
	end = node + walk->nodes[node].subtree;
	for (__u32 child = node + 1; child < end && child < walk->count;
	     child += walk->nodes[child].subtree) {
		if (walk->nodes[child].parent != node)
			break;
		if (found < count)
			out[found] = child;
		found++;
	}
	return found;
}

__u32 walk_last(const struct walk *walk)
{
	return walk->last;
}

__u32 walk_search(const struct walk *walk, const struct walk_request *request,
		  __u32 type, __u32 offset, __u32 width, __u64 value,
		  __u32 from, __u32 *out, __u32 count)
{
	const struct walk_type *of;
	struct walk_types types;
	__u32 found = 0;

	if (!width || width > 8 || walk_types_open(&types, request))
		return 0;
	of = walk_type_of(&types, type);
	for (__u32 i = from; of && i < walk->count; i++) {
		const struct walk_node *node = &walk->nodes[i];

		if (node->type != type)
			continue;
		for (__u32 e = 0; e < node->elements; e++) {
			__u64 at = (__u64)e * of->size + offset;

			if (at + width > node->size)
				break;
			if (walk_load(&types, node->offset + (__u32)at,
				      width) != value)
				continue;
			if (found++ < count)
				out[found - 1] = i;
			break;
		}
	}
	walk_types_close(&types);
	return found;
}

__u32 walk_edges(const struct walk_request *request, __u32 offset, __u32 type,
		 __u32 elements, __u32 first_slot, struct walk_edge *out,
		 __u32 count)
{
	struct reader_object object;
	struct walk_record record;
	struct walk_types types;
	struct walk_slot slot;
	__u32 slots = 0;

	if (walk_types_open(&types, request))
		return 0;
	if (walk_type_of(&types, type) &&
	    reader_object_at(&types.reader, offset, &object) &&
	    object.offset == offset) {
		record = (struct walk_record){offset, object.size, 1, type};
		if (elements <= object.size / request->types[type].size)
			record.elements = elements ? elements : 1;
		slots = walk_slots(&types, &record);
	}
	for (__u32 i = 0; i < count && first_slot + i < slots; i++) {
		__u32 number = first_slot + i;
		__u64 value = 0;

		memset(&out[i], 0, sizeof(out[i]));
		out[i].link = WALK_NULL;
		if (walk_slot_at(&types, &record, number, &slot)) {
			value = walk_load(&types, slot.at,
					  walk_width(slot.field));
			walk_resolve(&types, &record, &slot, value, NULL,
				     &out[i]);
		}
		out[i].slot = number;
	}
	walk_types_close(&types);
	return slots;
}
