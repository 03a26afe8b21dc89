/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* walk_state.h - what a walk remembers: nodes, and where each object is in them. */
#pragma once

#include "walk_resolve.h"

#define WALK_BADS_MAX 256
#define WALK_RECOVERIES 65536

/**
 * struct walk - see runtime_walk.c
 * @index: node + 1 of the object at each 16 bytes of the arena. Not cleared
 *         between walks: an entry counts if that node agrees
 * @stack: nodes with links still to be followed
 * @path: the node at each depth on the way to the present one
 * @field_count, @type_count: of the tallies
 */
struct walk {
	struct walk_node *nodes;
	__u32 *index;
	__u64 index_bytes;
	struct walk_entry *stack;
	__u32 *path;
	struct walk_bad *bads;
	struct walk_field_tally *fields;
	struct walk_type_tally *types;
	__u32 field_count;
	__u32 type_count;
	__u32 count;
	__u32 room;
	__u32 bad_count;
	__u32 last;
};

/* @slot: the next one to follow, of @slots */
struct walk_entry {
	__u32 node;
	__u32 slot;
	__u32 slots;
};

/** walk_index_of - the node at an object's offset, WALK_NONE: none yet */
static inline __u32 walk_index_of(const struct walk *walk, __u32 offset)
{
	__u64 at = (__u64)(offset >> 4) * sizeof(*walk->index);
	__u32 node;

	if (at >= walk->index_bytes)
		return WALK_NONE;
	node = walk->index[offset >> 4] - 1;
	return node < walk->count && walk->nodes[node].offset == offset
		       ? node
		       : WALK_NONE;
}

static inline struct walk_record walk_record_of(const struct walk_node *node)
{
	return (struct walk_record){
		.offset = node->offset,
		.size = node->size,
		.elements = node->elements,
		.type = node->type,
	};
}

/** walk_judge - after a walk: subtrees, tallies of types, bad cycles */
void walk_judge(struct walk *walk, const struct walk_request *request,
		struct walk_summary *out);

/** walk_prepare - memory for a walk of an arena of @pages; false: none */
bool walk_prepare(struct walk *walk, const struct walk_request *request,
		  __u32 pages);

/** walk_make_room - for one more node, and one more entry of the stack each */
bool walk_make_room(struct walk *walk);
