// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * runtime_walk.c - everything that can be reached from a structure's head.
 *
 * Depth first, with a stack of its own, each object once. Lanes may be at work:
 * a link that looks bad is read again, and is no finding if the object that it
 * was in has gone meanwhile; the walk then goes on from the nearest object on
 * its way that is still there.
 */
#include <time.h>

#include "walk_state.h"

#define WALK_RETRIES 4
#define WALK_CLOCK_EVERY 2048
#define WALK_CLIMB_MAX (1U << 21)
#define WALK_ABOVE 8

/* struct walker - one run of a walk */
struct walker {
	struct walk *walk;
	const struct walk_request *request;
	struct walk_types types;
	struct walk_summary *out;
	struct walk_known known;
	__u64 started;
	__u32 top; /* of the stack */
	__u32 recoveries;
	__u32 climbs;
	bool strayed; /* path[] may not be the way to the present node */
};

static __u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000000ULL + (__u64)t.tv_nsec;
}

static bool find_known(const void *context, __u32 offset, __u32 *type,
		       __u32 *elements)
{
	const struct walk *walk = context;
	__u32 node = walk_index_of(walk, offset);

	if (node == WALK_NONE)
		return false;
	*type = walk->nodes[node].type;
	*elements = walk->nodes[node].elements;
	return true;
}

static bool push(struct walker *w, __u32 node, __u32 slot, __u32 slots)
{
	w->walk->stack[w->top++] = (struct walk_entry){node, slot, slots};
	return true;
}

/* A node seen for the first time. */
static bool discover(struct walker *w, __u32 parent,
		     const struct walk_edge *edge)
{
	struct walk *walk = w->walk;
	__u32 at = walk->count;
	struct walk_record record;
	struct walk_node *node;

	if (at >= w->request->max_nodes) {
		w->out->cut = 1;
		return false;
	}
	if (at == walk->room && !walk_make_room(walk)) {
		w->out->status = -2;
		return false;
	}
	node = &walk->nodes[at];
	node->offset = edge->target;
	node->parent = parent;
	node->via = edge->slot;
	node->depth = at ? walk->nodes[parent].depth + 1 : 0;
	node->subtree = 1;
	node->elements = edge->elements;
	node->size = edge->size;
	node->type = edge->type;
	node->children = 0;
	walk->index[edge->target >> 4] = at + 1;
	walk->count++;
	walk->path[node->depth] = at;
	if (node->depth > w->out->max_depth) {
		w->out->max_depth = node->depth;
		walk->last = at;
	}
	if (at && walk->nodes[parent].children < 0xffff)
		walk->nodes[parent].children++;
	record = walk_record_of(node);
	push(w, at, 0, walk_slots(&w->types, &record));
	return true;
}

static bool is_live(const struct walker *w, const struct walk_node *node)
{
	struct reader_object object;

	return reader_object_at(&w->types.reader, node->offset, &object) &&
	       object.offset == node->offset && object.state == ARENA_LIVE;
}

/* What is going to be looked at is asked for at once: of a list in no order of
 * memory each would be waited for in its turn. (A page that is not there is
 * not populated by being asked for.) */
static void ask_for(const struct walker *w, __u64 value)
{
	__u32 offset = (__u32)value & ~(__u32)WALK_MARKS;
	const char *object = reader_at(&w->types.reader, offset);

	if (offset / PAGE_SIZE >= w->types.reader.frontier)
		return;
	__builtin_prefetch(object - sizeof(struct arena_slot));
	__builtin_prefetch(object + 2 * sizeof(__u64));
	__builtin_prefetch(&w->walk->index[offset >> 4]);
}

/* Read a link; again if it is bad, for it may just be changing. */
static bool read_link(struct walker *w, const struct walk_node *node,
		      __u32 number, struct walk_edge *edge)
{
	struct walk_record record = walk_record_of(node);
	struct walk_slot slot;
	__u64 value, again;

	if (!walk_slot_at(&w->types, &record, number, &slot))
		return false;
	value = walk_load(&w->types, slot.at, walk_width(slot.field));
	if (!value)
		return false;
	ask_for(w, value);
	for (int i = 0; i < WALK_RETRIES; i++) {
		walk_resolve(&w->types, &record, &slot, value, &w->known, edge);
		if (!walk_is_bad(edge->link))
			break;
		again = walk_load(&w->types, slot.at, walk_width(slot.field));
		/* New pages may have come since the walk began. */
		if (again == value && !reader_refresh(&w->types.reader))
			break;
		value = again;
		w->out->moved++;
	}
	edge->slot = number;
	return value != 0;
}

/* Whether @child can still be reached by the link it was found by. */
static bool still_linked(struct walker *w, __u32 child)
{
	const struct walk_node *node = &w->walk->nodes[child];
	struct walk_edge edge;

	if (!child)
		return true;
	return is_live(w, node) &&
	       read_link(w, &w->walk->nodes[node->parent], node->via, &edge) &&
	       edge.target == node->offset;
}

/* Look at the link again by which the walk went astray, if there may be more. */
static void recover(struct walker *w, __u32 child)
{
	const struct walk_node *nodes = w->walk->nodes;

	w->out->moved++;
	/* Up to an object that is there still. */
	while (child && !is_live(w, &nodes[nodes[child].parent]) &&
	       w->climbs++ < WALK_CLIMB_MAX)
		child = nodes[child].parent;
	if (!child || w->recoveries++ >= WALK_RECOVERIES - 1 ||
	    still_linked(w, child))
		return;
	w->strayed = true;
	push(w, nodes[child].parent, nodes[child].via, nodes[child].via + 1);
}

/*
 * The way down to @node as it is now: WALK_NONE, or where it broke. From a bit
 * above @top on: a node that is being rotated has its new child's link to it
 * for a moment before it gives up its own, and has lost its parent's by then.
 */
static __u32 broken_link(struct walker *w, __u32 node, __u32 top)
{
	__u32 above = 0;

	while (node && above < WALK_ABOVE && w->climbs++ < WALK_CLIMB_MAX) {
		if (!still_linked(w, node))
			return node;
		above += above || node == top;
		node = w->walk->nodes[node].parent;
	}
	return WALK_NONE;
}

static bool is_ancestor(const struct walker *w, __u32 above, __u32 node)
{
	const struct walk *walk = w->walk;
	__u32 depth = walk->nodes[above].depth;

	if (depth > walk->nodes[node].depth)
		return false;
	if (w->strayed) {
		for (int i = 0; i < 64 && node && node != above; i++)
			node = walk->nodes[node].parent;
		return node == above;
	}
	return walk->path[depth] == above;
}

/* A red-black tree's nil is its own child on every side: that is no cycle. */
static bool is_sentinel(struct walker *w, const struct walk_node *node)
{
	const struct walk_type *type = walk_type_of(&w->types, node->type);
	const struct walk_field *links = walk_links(&w->types, type);
	struct walk_edge edge;
	__u32 own = 0;

	for (__u32 i = 0; i < type->links; i++) {
		if (links[i].back || links[i].kind == WALK_ADDRESS)
			continue;
		if (links[i].count != 1 || !read_link(w, node, i, &edge) ||
		    edge.target != node->offset)
			return false;
		own++;
	}
	return own > 1;
}

static void keep_bad(struct walker *w, __u32 node, const struct walk_edge *edge)
{
	struct walk *walk = w->walk;
	struct walk_bad *bad;

	if (walk->bad_count >= WALK_BADS_MAX)
		return;
	bad = &walk->bads[walk->bad_count++];
	bad->node = node;
	bad->offset = walk->nodes[node].offset;
	bad->edge = *edge;
}

/* A link to an object that was seen before. */
static void revisit(struct walker *w, __u32 from, __u32 to,
		    struct walk_edge *edge)
{
	const struct walk_node *nodes = w->walk->nodes;
	struct walk_field_tally *tally = &w->walk->fields[edge->field];
	__u32 broken;

	if (to != from && !is_ancestor(w, to, from)) {
		tally->visited++;
		return;
	}
	if (to == from && is_sentinel(w, &nodes[from])) {
		tally->self++;
		return;
	}
	if (w->request->fields[edge->field].back || edge->marks) {
		if (to == nodes[from].parent)
			tally->parent++;
		else
			tally->visited++;
		return;
	}
	/* Only if the whole way round is as it was when it was walked. */
	broken = broken_link(w, from, to);
	if (broken != WALK_NONE) {
		recover(w, broken);
		return;
	}
	edge->link = WALK_CYCLE;
	if (!to || nodes[to].depth == 1)
		tally->entry++;
	else if (to != from && to == nodes[from].parent)
		tally->parent++;
	else
		tally->ancestor++;
	keep_bad(w, from, edge);
}

static bool follow(struct walker *w, __u32 from, __u32 number)
{
	struct walk_edge edge;
	struct walk_field_tally *tally;
	__u32 to;

	if (!read_link(w, &w->walk->nodes[from], number, &edge)) {
		w->out->links[WALK_NULL]++;
		return true;
	}
	tally = &w->walk->fields[edge.field];
	tally->marked += edge.marks != 0;
	tally->counted += edge.counted && edge.link != WALK_NULL;
	if (edge.link == WALK_NULL) {
		tally->null++;
		w->out->links[WALK_NULL]++;
		return true;
	}
	if (walk_is_bad(edge.link)) {
		/* What was in an object that is gone says nothing. */
		if (!still_linked(w, from)) {
			recover(w, from);
			return true;
		}
		tally->bad++;
		w->out->links[edge.link]++;
		keep_bad(w, from, &edge);
		return true;
	}
	w->out->links[edge.link]++;
	if (edge.link != WALK_OK)
		return true;
	to = walk_index_of(w->walk, edge.target);
	if (to != WALK_NONE) {
		revisit(w, from, to, &edge);
		return true;
	}
	tally->fresh++;
	return discover(w, from, &edge);
}

static bool out_of_bounds(struct walker *w)
{
	if (w->out->steps >= w->request->max_steps) {
		w->out->cut = 2;
		return true;
	}
	if (w->out->steps++ % WALK_CLOCK_EVERY || !w->request->max_ns)
		return false;
	if (now_ns() - w->started > w->request->max_ns) {
		w->out->cut = 3;
		return true;
	}
	return false;
}

static void walk_all(struct walker *w)
{
	while (w->top) {
		struct walk_entry *entry = &w->walk->stack[w->top - 1];
		__u32 node = entry->node, slot = entry->slot++;

		/* Before the last link is followed, so that a list needs no
		 * stack. */
		if (entry->slot >= entry->slots) {
			w->top--;
			if (slot >= entry->slots)
				continue;
		}
		if (out_of_bounds(w) || !follow(w, node, slot))
			break;
	}
}

static bool begin(struct walker *w)
{
	struct reader_object object;
	struct walk_edge root = {0};
	__u64 head = READ_ONCE(w->types.reader.header->root);

	if (head >> 32 != ARENA_BASE >> 32 ||
	    !walk_type_of(&w->types, w->request->root_type) ||
	    !reader_object_at(&w->types.reader, (__u32)head, &object) ||
	    object.offset != (__u32)head) {
		w->out->status = -3;
		return false;
	}
	root.target = object.offset;
	root.size = object.size;
	root.type = (__u16)w->request->root_type;
	root.elements = 1;
	return discover(w, 0, &root);
}

void walk_run(struct walk *walk, const struct walk_request *request,
	      struct walk_summary *out)
{
	struct walker w = {.walk = walk, .request = request, .out = out};

	memset(out, 0, sizeof(*out));
	w.started = now_ns();
	w.known.find = find_known;
	w.known.context = walk;
	walk->count = walk->bad_count = walk->last = 0;
	out->status = walk_types_open(&w.types, request);
	if (!out->status && !walk_prepare(walk, request, w.types.reader.pages))
		out->status = -2;
	if (!out->status && begin(&w))
		walk_all(&w);
	if (!out->status)
		walk_judge(walk, request, out);
	walk_types_close(&w.types);
	out->ns = now_ns() - w.started;
}
