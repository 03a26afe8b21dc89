// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* runtime_walk_judge.c - what only a whole walk tells: sizes, and which cycles are bad. */
#include "walk_state.h"

/* A field most of whose links lead back, whatever its name, is meant to. */
static bool leads_back(const struct walk_field_tally *tally)
{
	return tally->parent + tally->entry + tally->ancestor > tally->fresh;
}

/* A ring may close: a type with one way on. One with several is no ring. */
static bool may_be_ring(const struct walk *walk,
			const struct walk_request *request, __u32 type)
{
	const struct walk_type *of = &request->types[type];
	__u32 ways = 0;

	for (__u32 i = 0; i < of->links; i++) {
		__u32 field = of->first_field + i;

		if (!request->fields[field].back &&
		    !leads_back(&walk->fields[field]) &&
		    walk->fields[field].fresh)
			ways += request->fields[field].count;
	}
	return ways < 2;
}

/* Cycles can be told from links back, and from rings, only at the end. */
static void judge_cycles(struct walk *walk, const struct walk_request *request,
			 struct walk_summary *out)
{
	__u32 kept = 0;

	for (__u32 t = 0; t < walk->type_count; t++) {
		const struct walk_type *type = &request->types[t];
		bool ring = may_be_ring(walk, request, t);

		for (__u32 i = 0; i < type->links; i++) {
			struct walk_field_tally *tally =
				&walk->fields[type->first_field + i];
			__u32 cycles = tally->parent + tally->ancestor +
				       (ring ? 0 : tally->entry);

			if (request->fields[type->first_field + i].back ||
			    leads_back(tally) || !cycles)
				continue;
			tally->bad += cycles;
			out->links[WALK_CYCLE] += cycles;
			out->links[WALK_OK] -= cycles;
		}
	}
	for (__u32 i = 0; i < walk->bad_count; i++) {
		const struct walk_bad *bad = &walk->bads[i];
		__u32 to = walk_index_of(walk, bad->edge.target);

		if (bad->edge.link == WALK_CYCLE &&
		    (leads_back(&walk->fields[bad->edge.field]) ||
		     (to != WALK_NONE && walk->nodes[to].depth <= 1 &&
		      may_be_ring(walk, request, walk->nodes[bad->node].type))))
			continue;
		walk->bads[kept++] = *bad;
	}
	walk->bad_count = kept;
}

void walk_judge(struct walk *walk, const struct walk_request *request,
		struct walk_summary *out)
{
	for (__u32 i = walk->count; i-- > 1;)
		walk->nodes[walk->nodes[i].parent].subtree +=
			walk->nodes[i].subtree;
	for (__u32 i = 0; i < walk->count; i++) {
		const struct walk_node *node = &walk->nodes[i];
		struct walk_type_tally *type;

		if (node->type >= walk->type_count)
			continue;
		type = &walk->types[node->type];
		type->nodes++;
		type->elements += node->elements;
		type->children[node->children < 3 ? node->children : 3]++;
	}
	judge_cycles(walk, request, out);
	out->bad = walk->bad_count;
	out->nodes = walk->count;
}
